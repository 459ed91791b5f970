// Lines and zones drawn on a frame, by mouse or finger; points are kept as parts of the picture's width and height.

const SVG = "http://www.w3.org/2000/svg";

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

export default function (component) {
  const { parentElement, setStateValue } = component, [data] = component.data;
  const root = parentElement.querySelector(".root"), words = data.words;
  const key = `${data.source} ${data.language}`;
  if (root.dataset.key === key) return; // what is drawn here is newer than what the server has
  root.dataset.key = key;
  const width = data.width, height = data.height, unit = Math.max(width, height) / 100;
  let places = data.places, drawing = null, held = null;

  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none" });
  const picture = element("img", { src: data.source, alt: "", draggable: false });
  const stage = element("div", { className: "stage" }, picture, svg);
  const hint = element("span", { className: "soft" }), list = element("ul");
  const tool = (kind, label) => element("button", { type: "button", textContent: `+ ${label}`, onclick: () => begin(kind) });
  const line = tool("line", words.draw_line), zone = tool("zone", words.draw_zone);
  const finish = element("button", { type: "button", className: "main", textContent: words.finish, onclick: () => end() });
  root.replaceChildren(element("div", { className: "tools" }, line, zone, finish, hint), stage, list);

  const at = (event) => {
    const box = svg.getBoundingClientRect(), inside = (value) => Math.min(1, Math.max(0, value));
    return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
  };
  const far = (a, b) => Math.hypot((a[0] - b[0]) * width, (a[1] - b[1]) * height);
  const keep = () => { setStateValue("places", { places, number: Date.now() }); draw(); };

  function begin(kind) { drawing = drawing && drawing.kind === kind ? null : { kind, points: [] }; draw(); }

  function end() {
    const { kind, points } = drawing, enough = points.length >= (kind === "line" ? 2 : 3);
    drawing = null;
    if (!enough) { draw(); return; }
    const taken = new Set(places.map((place) => place.name)), word = kind === "line" ? words.line : words.zone;
    let number = 1;
    while (taken.has(`${word} ${number}`)) number += 1;
    places = [...places, { kind, name: `${word} ${number}`, points }];
    keep();
  }

  svg.onpointerdown = (event) => {
    event.preventDefault();
    const point = at(event), grip = event.target.dataset;
    if (!drawing && grip.place !== undefined) {
      held = { place: Number(grip.place), corner: Number(grip.corner) };
      svg.setPointerCapture(event.pointerId);
      return;
    }
    if (!drawing) return;
    const { kind, points } = drawing;
    if (kind === "zone" && points.length > 2 && far(points[0], point) < 2 * unit) { end(); return; }
    if (points.length && far(points[points.length - 1], point) < unit / 2) return; // a double click
    points.push(point);
    if (kind === "line" && points.length === 2) end(); else draw();
  };
  svg.onpointermove = (event) => {
    if (held) { places[held.place].points[held.corner] = at(event); draw(); }
    else if (drawing && drawing.points.length) { drawing.next = at(event); draw(); }
  };
  svg.onpointerup = () => { if (held) { held = null; keep(); } };

  const text = (points) => points.map(([x, y]) => `${x * width},${y * height}`).join(" ");

  // In is to the right hand of who walks along the line.
  function arrow([a, b]) {
    const dx = (b[0] - a[0]) * width, dy = (b[1] - a[1]) * height, length = Math.hypot(dx, dy) || 1;
    const nx = -dy / length, ny = dx / length, x = ((a[0] + b[0]) / 2) * width, y = ((a[1] + b[1]) / 2) * height;
    const tip = [x + 4 * unit * nx, y + 4 * unit * ny], side = (s) => [x + (s * 1.3 * unit * dx) / length, y + (s * 1.3 * unit * dy) / length];
    return shape("polygon", { class: "arrow", points: [side(-1), tip, side(1)].map((p) => p.join(",")).join(" ") });
  }

  function draw() {
    const shapes = [];
    places.forEach((place, number) => {
      shapes.push(shape(place.kind === "line" ? "polyline" : "polygon", { class: "place", points: text(place.points) }));
      if (place.kind === "line") shapes.push(arrow(place.points));
      place.points.forEach(([x, y], corner) => shapes.push(shape("circle", {
        class: "grip", cx: x * width, cy: y * height, r: 1.1 * unit, "data-place": number, "data-corner": corner })));
      const [x, y] = place.points[0], tag = shape("text", { class: "tag", x: x * width + 1.5 * unit, y: y * height - unit, "font-size": 2.6 * unit });
      tag.textContent = place.name;
      shapes.push(tag);
    });
    if (drawing) {
      const points = drawing.next ? [...drawing.points, drawing.next] : drawing.points;
      shapes.push(shape("polyline", { class: "place", points: text(points), "stroke-dasharray": "6 4" }));
      for (const [x, y] of drawing.points) shapes.push(shape("circle", { class: "grip", cx: x * width, cy: y * height, r: 1.1 * unit }));
    }
    svg.replaceChildren(...shapes);
    svg.classList.toggle("idle", !drawing);
    line.classList.toggle("on", Boolean(drawing) && drawing.kind === "line");
    zone.classList.toggle("on", Boolean(drawing) && drawing.kind === "zone");
    finish.hidden = !(drawing && drawing.kind === "zone" && drawing.points.length > 2);
    hint.textContent = drawing ? (drawing.kind === "line" ? words.draw_line_hint : words.draw_zone_hint) : "";
    if (!list.contains(list.getRootNode().activeElement) || list.children.length !== places.length) names();
  }

  function names() {
    list.replaceChildren(...places.map((place, number) => {
      const field = element("input", { value: place.name, maxLength: 80 });
      field.setAttribute("aria-label", words.name);
      field.onchange = () => {
        const wanted = field.value.trim(), taken = places.some((other, n) => n !== number && other.name === wanted);
        if (!wanted || taken) { field.value = place.name; return; }
        place.name = wanted;
        keep();
      };
      const remove = element("button", { type: "button", textContent: words.delete, onclick: () => { places = places.filter((p) => p !== place); keep(); } });
      return element("li", {}, field, remove);
    }));
  }
  draw();
}
