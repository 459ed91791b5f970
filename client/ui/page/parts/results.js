// A result: the video, people over time, who was there when, and one by one. A click on any of them jumps there.

const MOST_ROWS = 60, ROW = 14;

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
function timeText(seconds) {
  const whole = Math.max(0, Math.floor(seconds + 1e-6)), two = (n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600), minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
// As in the video: hues go round by the golden angle (client.outputs.render.color_of).
function colour(id) {
  const hue = (id * 0.618033988749895) % 1, saturation = 0.55 + 0.35 * (Math.floor(id / 2) % 2), value = 1 - 0.25 * (id % 2);
  const light = value * (1 - saturation / 2), edge = Math.min(light, 1 - light);
  return `hsl(${360 * hue} ${edge ? (100 * (value - light)) / edge : 0}% ${100 * light}%)`;
}

function chart(summary, words, jump) {
  const top = Math.max(1, summary.most), end = Math.max(summary.seconds, 1e-6);
  const steps = summary.people.map(([time, count]) => `H${((1000 * time) / end).toFixed(1)}V${(100 - (94 * count) / top).toFixed(1)}`);
  const box = element("div", { className: "chart", title: words.over_time });
  box.innerHTML = `<span class="max">${top}</span><svg viewBox="0 0 1000 100" preserveAspectRatio="none" height="110" role="img">
    <path class="area" d="M0 100${steps.join("")}H1000V100Z"/><line class="head" x1="0" x2="0" y1="0" y2="100"/></svg>`;
  box.querySelector("svg").setAttribute("aria-label", words.over_time);
  box.onclick = (event) => {
    const { left, width } = box.getBoundingClientRect();
    jump(((event.clientX - left) / width) * end);
  };
  const head = box.querySelector(".head");
  return [box, (time) => { const x = (1000 * time) / end; head.setAttribute("x1", x); head.setAttribute("x2", x); }];
}

function timeline(summary, tracks, jump, ink) {
  const canvas = element("canvas"), box = element("div", { className: "line" }, canvas), end = Math.max(summary.seconds, 1e-6);
  const draw = () => {
    const width = box.clientWidth || 600, scale = window.devicePixelRatio || 1, gutter = 44;
    canvas.style.height = `${tracks.length * ROW}px`;
    canvas.width = width * scale;
    canvas.height = Math.min(32000, tracks.length * ROW * scale);
    const pen = canvas.getContext("2d");
    pen.scale(scale, canvas.height / (tracks.length * ROW));
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    tracks.forEach((track, row) => {
      const x = gutter + ((width - gutter) * track.begin_s) / end, length = ((width - gutter) * (track.end_s - track.begin_s)) / end;
      pen.fillStyle = ink;
      pen.fillText(String(track.id), 6, row * ROW + ROW / 2);
      pen.fillStyle = colour(track.id);
      pen.fillRect(x, row * ROW + 2, Math.max(2, length), ROW - 4);
    });
  };
  box.onclick = (event) => {
    const { top, left, width } = canvas.getBoundingClientRect();
    const track = tracks[Math.floor((event.clientY - top) / ROW)], x = event.clientX - left - 44;
    if (track) jump(x < 0 ? track.begin_s : Math.max(track.begin_s, Math.min(track.end_s, (x / (width - 44)) * end)));
  };
  requestAnimationFrame(draw);
  new ResizeObserver(draw).observe(box);
  return box;
}

function table(data, tracks, jump) {
  const words = data.words;
  const columns = [
    ["person", (t) => t.id], ["first_seen", (t) => t.begin_s], ["last_seen", (t) => t.end_s],
    ["duration", (t) => t.duration_s], ["path", (t) => t.path_heights], ["score", (t) => t.mean_score],
  ];
  const cells = (t) => [timeText(t.begin_s), timeText(t.end_s), `${t.duration_s.toFixed(1)} s`, t.path_heights.toFixed(1), t.mean_score.toFixed(2)];
  const body = element("tbody"), head = element("tr"), box = element("div");
  let order = [0, 1], all = tracks.length <= MOST_ROWS;
  const more = element("button", { type: "button", className: "more", textContent: words.show_all.replace("{count}", tracks.length) });
  more.onclick = () => { all = true; fill(); };
  const fill = () => {
    const [column, sign] = order, sorted = [...tracks].sort((a, b) => sign * (columns[column][1](a) - columns[column][1](b)));
    body.replaceChildren(...(all ? sorted : sorted.slice(0, MOST_ROWS)).map((track) => {
      const dot = element("span", { className: "dot" });
      dot.style.background = colour(track.id);
      const who = element("td", {}, dot);
      if (track.portrait) who.append(element("img", { loading: "lazy", alt: "", src: `${data.folder}/portraits/${track.id}.jpg` }));
      who.append(String(track.id));
      const row = element("tr", { tabIndex: 0 }, who, ...cells(track).map((text) => element("td", { textContent: text })));
      row.dataset.id = track.id;
      row.onclick = () => jump(track.begin_s, true);
      row.onkeydown = (event) => { if (event.key === "Enter") jump(track.begin_s, true); };
      return row;
    }));
    more.hidden = all;
  };
  columns.forEach(([name], column) => head.append(element("th", {
    textContent: words[name], onclick: () => { order = [column, order[0] === column ? -order[1] : 1]; fill(); } })));
  fill();
  box.append(element("div", { className: "wide" }, element("table", {}, element("thead", {}, head), body)), more);
  return box;
}

export default function (component) {
  const { parentElement } = component, [data] = component.data;
  const root = parentElement.querySelector(".root"), words = data.words;
  if (root.dataset.folder === data.folder && root.dataset.language === data.language) return; // play on
  root.dataset.folder = data.folder;
  root.dataset.language = data.language;
  const summary = data.summary, tracks = summary.tracks;
  const video = element("video", { controls: true, playsInline: true, preload: "metadata", src: `${data.folder}/result.mp4`, poster: `${data.folder}/scene.jpg` });
  const jump = (time, play) => {
    video.currentTime = time;
    if (play) { video.play(); video.scrollIntoView({ behavior: "smooth", block: "nearest" }); }
  };
  const tile = (value, label) => element("div", { className: "tile" }, element("b", { textContent: value }), element("span", { className: "soft", textContent: label }));
  const tiles = element("div", { className: "tiles" }, tile(tracks.length, words.people), tile(summary.most, words.most),
    tile(summary.mean.toFixed(1), words.mean), tile(timeText(summary.seconds), words.length));
  root.replaceChildren(video, tiles);
  if (!tracks.length) return;
  const [curve, move] = chart(summary, words, jump);
  video.ontimeupdate = video.onseeked = () => move(video.currentTime);
  const ink = getComputedStyle(root).color, heading = (text) => element("h4", { textContent: text });
  root.append(heading(words.over_time), curve, heading(words.timeline), timeline(summary, tracks, jump, ink),
    heading(words.tracks), element("p", { className: "soft", textContent: words.jump }), table(data, tracks, jump));
}
