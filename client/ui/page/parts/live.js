// The picture of a running job; each new one is shown when it is there, so that nothing flickers.
export default function (component) {
  const { parentElement } = component, [data] = component.data;
  const root = parentElement.querySelector(".root");
  if (!root.firstChild) {
    const none = document.createElement("div");
    none.className = "none";
    none.textContent = data.none;
    root.append(none);
  }
  if (!data.number) return;
  const next = new Image();
  next.alt = data.label;
  next.onload = () => root.replaceChildren(next);
  next.src = `${data.source}?n=${data.number}`;
}
