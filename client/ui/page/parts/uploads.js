// Uploads in pieces, which go on after a lost connection, a reload, and a restart of the server.
// They live beside the page's script, not in it: Streamlit may draw this part anew as often as it likes.

const DATABASE = "mot-uploads", STORE = "files", KEEP = 1 << 30; // larger files are asked for again after a reload

function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function kept(mode, act) {
  try {
    const db = await database();
    return await new Promise((resolve, reject) => {
      const transaction = db.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => { resolve(request.result); db.close(); };
      transaction.onerror = transaction.onabort = () => { reject(transaction.error); db.close(); };
    });
  } catch { return undefined; } // private windows and full disks: the person is asked for the file again
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
function sizeText(size) {
  for (const unit of ["B", "KB", "MB"]) { if (size < 1024) return `${Math.round(size)} ${unit}`; size /= 1024; }
  return `${size.toFixed(1).replace(/\.0$/, "")} GB`;
}
function timeText(seconds) {
  const whole = Math.max(0, Math.round(seconds)), two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

class Sender {
  constructor() { this.rows = new Map(); this.listeners = new Map(); this.loading = null; }

  update(data) {
    this.data = data;
    this.loading ||= this.load();
  }

  async ask(path, options = {}) {
    const headers = { "X-Mot-Token": this.data.token, ...(options.headers || {}) };
    const answer = await fetch(`${this.data.api}/uploads${path}`, { ...options, headers, credentials: "same-origin" });
    if (answer.status === 204) return {};
    const values = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(values.error), { refusal: values, status: answer.status });
    return values;
  }

  // What was begun before this page was loaded.
  async load() {
    let found;
    try { found = await this.ask(""); } catch { setTimeout(() => { this.loading = this.load(); }, 2000); return; }
    for (const upload of found) {
      if (upload.state === "ready" || this.rows.has(upload.id)) continue;
      const row = { ...upload, state: upload.state };
      this.rows.set(upload.id, row);
      if (upload.state === "receiving") {
        row.state = "stopped";
        const file = await kept("readonly", (store) => store.get(upload.id));
        if (file && file.size === upload.size) this.send(row, file);
      } else if (upload.state === "checking") this.wait(row);
    }
    this.changed();
  }

  async pick(files) {
    await this.loading; // else what is loaded and what is picked could be sent twice
    for (const file of files) {
      const refusal = await this.refusal(file);
      if (refusal) { this.fail(`local-${file.name}-${file.size}`, file.name, refusal); continue; }
      try {
        const stamp = `${file.lastModified}-${file.size}`;
        const body = JSON.stringify({ name: file.name, size: file.size, stamp });
        const upload = await this.ask("", { method: "POST", body });
        const row = this.rows.get(upload.id) || { ...upload };
        if (row.state === "sending") continue;
        Object.assign(row, upload);
        this.rows.set(upload.id, row);
        if (file.size <= KEEP) kept("readwrite", (store) => store.put(file, upload.id));
        this.send(row, file);
      } catch (error) {
        const kind = error.refusal ? error.refusal : { kind: "lost", values: {} };
        this.fail(`local-${file.name}-${file.size}`, file.name, kind);
      }
    }
  }

  // What can be refused before a byte is sent.
  async refusal(file) {
    const limits = this.data.limits, suffix = (file.name.match(/\.[^.]+$/) || [""])[0].toLowerCase();
    if (!limits.kinds.includes(suffix)) {
      return { kind: "kind", values: { kinds: limits.kinds.map((kind) => kind.slice(1)).join(", ") } };
    }
    if (file.size === 0) return { kind: "empty", values: {} };
    if (file.size > limits.bytes) return { kind: "too_large", values: { limit: sizeText(limits.bytes) } };
    const seconds = await duration(file);
    if (seconds > limits.seconds) return { kind: "too_long", values: { limit: Math.round(limits.seconds / 60) } };
    return null;
  }

  fail(id, name, refusal) {
    this.rows.set(id, { id, name, state: "refused", refusal, local: true });
    this.changed();
  }

  async send(row, file) {
    Object.assign(row, { state: "sending", file, speed: 0, lost: false, cancelled: false });
    this.changed();
    let pause = 500;
    for (;;) { // also where all bytes are there: the last answer may have been lost, and with it the look at the file
      try {
        row.received = await this.piece(row, file);
        pause = 500;
        row.lost = false;
        if (row.received >= row.size) break;
      } catch (error) {
        if (row.cancelled) return;
        if (error.status === 409 && error.refusal.kind === "complete") { row.received = row.size; break; }
        if (error.status === 409) { row.received = error.refusal.values.offset; continue; }
        if (error.status === 404 || error.status === 413) { this.refused(row, error.refusal); return; }
        if (error.status === 401 || error.status === 403) { this.refused(row, { kind: "token", values: {} }); return; }
        if (error.status === 507) { row.state = "stopped"; row.refusal = error.refusal; this.changed(); return; }
        row.lost = true;
        this.changed();
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(8000, pause * 2);
      }
      this.changed();
    }
    if (row.cancelled) return;
    kept("readwrite", (store) => store.delete(row.id));
    row.file = null;
    this.wait(row);
  }

  piece(row, file) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest(), begin = performance.now(), offset = row.received;
      row.request = request;
      request.open("PATCH", `${this.data.api}/uploads/${row.id}`);
      request.setRequestHeader("Upload-Offset", String(offset));
      request.setRequestHeader("X-Mot-Token", this.data.token);
      request.setRequestHeader("Content-Type", "application/offset+octet-stream");
      request.timeout = 120000;
      request.upload.onprogress = (event) => {
        const speed = event.loaded / Math.max(0.05, (performance.now() - begin) / 1000);
        row.speed = row.speed ? 0.8 * row.speed + 0.2 * speed : speed;
        row.shown = offset + event.loaded;
        this.changed();
      };
      request.onload = () => {
        let values = {};
        try { values = JSON.parse(request.responseText); } catch { /* a proxy's page */ }
        if (request.status === 200) resolve(values.received);
        else reject(Object.assign(new Error(), { status: request.status, refusal: values }));
      };
      request.onerror = request.ontimeout = request.onabort = () => reject(new Error("connection"));
      request.send(file.slice(offset, Math.min(row.size, offset + this.data.limits.chunk)));
    });
  }

  // Until the server has looked at the file.
  async wait(row) {
    row.state = "checking";
    this.changed();
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      let found;
      try { found = (await this.ask("")).find((upload) => upload.id === row.id); } catch { continue; }
      if (!found || found.state === "ready") { this.rows.delete(row.id); this.changed(); this.tell(); return; }
      if (found.state === "refused") { Object.assign(row, found); this.changed(); return; }
    }
  }

  refused(row, refusal) { row.state = "refused"; row.refusal = refusal; this.changed(); }

  async remove(row) {
    row.cancelled = true;
    if (row.request) row.request.abort();
    this.rows.delete(row.id);
    this.changed();
    if (row.local) return;
    kept("readwrite", (store) => store.delete(row.id));
    try { await this.ask(`/${row.id}`, { method: "DELETE" }); } catch { /* it ages */ }
  }

  tell() { for (const listener of this.listeners.values()) listener.ready(); }
  changed() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => { this.drawing = false; for (const listener of this.listeners.values()) listener.draw(); });
  }
}

// Seconds of a video that the browser can open; 0 of others, which the server will look at.
function duration(file) {
  return new Promise((resolve) => {
    const video = document.createElement("video"), url = URL.createObjectURL(file);
    const end = (seconds) => { URL.revokeObjectURL(url); video.removeAttribute("src"); resolve(seconds); };
    const timer = setTimeout(() => end(0), 3000);
    video.preload = "metadata";
    video.onloadedmetadata = () => { clearTimeout(timer); end(Number.isFinite(video.duration) ? video.duration : 0); };
    video.onerror = () => { clearTimeout(timer); end(0); };
    video.src = url;
  });
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function rowElement(sender, row, words, errors) {
  const button = (label, act) => element("button", { type: "button", textContent: label, onclick: act });
  const top = element("div", { className: "top" }, element("span", { className: "name", textContent: row.name, title: row.name }));
  const made = element("div", { className: "row" }, top);
  made.dataset.state = row.state;
  if (row.state === "refused" || row.refusal) {
    const { kind, values } = row.refusal || { kind: row.kind, values: JSON.parse(row.error || "{}").values || {} };
    const shown = { ...values };
    if (typeof shown.limit === "number" && ["too_large", "too_many", "zip_bomb"].includes(kind)) shown.limit = sizeText(shown.limit);
    const text = fill(errors[kind] || errors.other, shown);
    made.append(element("div", { className: "bad", textContent: kind === "lost" ? words.lost : text, role: "alert" }));
  }
  if (row.state === "refused") { top.append(button(words.dismiss, () => sender.remove(row))); return made; }
  if (row.state === "checking") { made.append(element("div", { className: "soft", textContent: words.checking })); return made; }
  const done = Math.max(row.received, row.state === "sending" ? row.shown || 0 : 0), share = done / row.size;
  const bar = element("i");
  bar.style.width = `${100 * share}%`;
  const track = element("div", { className: "bar", role: "progressbar" }, bar);
  track.setAttribute("aria-valuenow", Math.round(100 * share));
  let text = fill(words.again, { percent: Math.round(100 * share) });
  if (row.state === "sending") {
    text = fill(words.of, { done: sizeText(done), all: sizeText(row.size) });
    if (row.speed) text += ` · ${fill(words.per_second, { size: sizeText(row.speed) })} · ${fill(words.left, { time: timeText((row.size - done) / row.speed) })}`;
    if (row.lost) text = words.lost;
  }
  made.append(track, element("div", { className: row.lost ? "bad" : "soft", textContent: text, role: "status" }));
  if (row.state === "stopped" && row.file) {
    top.append(button(words.retry, () => { row.refusal = null; sender.send(row, row.file); }));
  }
  top.append(button(words.cancel, () => sender.remove(row)));
  return made;
}

export default function (component) {
  const { parentElement, setTriggerValue } = component, [data] = component.data;
  const sender = (window.motSender ||= new Sender());
  sender.update(data);
  const root = parentElement.querySelector(".root"), words = data.words;
  const input = element("input", { type: "file", multiple: true, hidden: true, accept: data.limits.kinds.join(",") });
  input.onchange = () => { sender.pick([...input.files]); input.value = ""; };
  const choose = element("button", { type: "button", className: "main", textContent: words.choose, onclick: () => input.click() });
  const drop = element("div", { className: "drop" }, element("h3", { textContent: words.drop }), choose, input,
    element("p", { className: "soft", textContent: words.accepted }));
  drop.ondragover = (event) => { event.preventDefault(); drop.classList.add("over"); };
  drop.ondragleave = () => drop.classList.remove("over");
  drop.ondrop = (event) => { event.preventDefault(); drop.classList.remove("over"); sender.pick([...event.dataTransfer.files]); };
  const list = element("div");
  root.replaceChildren(drop, list);
  const listener = {
    draw: () => list.replaceChildren(...[...sender.rows.values()].map((row) => rowElement(sender, row, words, data.errors))),
    ready: () => setTriggerValue("ready", Date.now()),
  };
  sender.listeners.set(parentElement, listener);
  listener.draw();
  return () => sender.listeners.delete(parentElement);
}
