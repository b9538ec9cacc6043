// The page of `driftfield view`: points, images or the rows of a study, as `meta` says. Behind table.js.
const meta = JSON.parse(document.getElementById("meta").textContent);
const app = document.getElementById("app");
// Okabe and Ito's colours, which the colour-blind tell apart.
const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999", "#b8a800"];

// An element; all text goes in as text, so that no name is taken for markup.
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

// The lowest byte first, as on every machine that runs a browser.
function decode(text) {
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

const short = (x) => (Number.isFinite(x) ? String(Number(x.toPrecision(4))) : "");

function option(name, values, chosen, changed) {
  const select = make("select", { onchange: () => changed(Number(select.value)) });
  values.forEach((value, i) => select.append(make("option", { value: i, selected: i === chosen }, value)));
  return make("label", {}, name + " ", select);
}

// A canvas over a plane that the wheel zooms and the pointer moves; `draw(context, viewport)`.
class Viewport {
  constructor(draw) {
    this.canvas = make("canvas");
    this.draw = draw;
    [this.box, this.even] = [[0, 1, 0, 1], true];
    const at = (event) => [event.offsetX, event.offsetY];
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [x, y] = at(event), factor = Math.exp(-0.0015 * event.deltaY * (event.deltaMode ? 30 : 1));
      this.zoom *= factor;
      this.shift = [x - (x - this.shift[0]) * factor, y - (y - this.shift[1]) * factor];
      this.show();
    }, { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => {
      this.held = at(event);
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointerup", () => (this.held = null));
    this.canvas.addEventListener("pointermove", (event) => {
      const [x, y] = at(event);
      if (this.held) {
        this.shift = [this.shift[0] + x - this.held[0], this.shift[1] + y - this.held[1]];
        this.held = [x, y];
        this.show();
      } else if (this.hover) this.hover(this.place(x, y));
    });
    this.canvas.addEventListener("dblclick", () => this.reset());
    window.addEventListener("resize", () => this.show());
    this.reset();
  }
  reset() {
    [this.zoom, this.shift] = [1, [0, 0]];
    if (this.canvas.isConnected) this.show();
  }
  // Shows [left, right, bottom, top], with one unit along both axes if `even`.
  frame(box, even = true) {
    const around = (low, high) => (high > low ? 0.05 * (high - low) : 1);
    const [x, y] = [around(box[0], box[1]), around(box[2], box[3])];
    [this.box, this.even] = [[box[0] - x, box[1] + x, box[2] - y, box[3] + y], even];
    this.reset();
  }
  scales() {
    const [left, right, bottom, top] = this.box;
    const scales = [this.width / (right - left), this.height / (top - bottom)];
    return scales.map((scale) => (this.even ? Math.min(...scales) : scale) * this.zoom);
  }
  corner() {
    const [x, y] = this.scales();
    const middle = [(this.box[0] + this.box[1]) / 2, (this.box[2] + this.box[3]) / 2];
    const half = [(this.width / 2) * this.zoom, (this.height / 2) * this.zoom];
    return [half[0] + this.shift[0] - middle[0] * x, half[1] + this.shift[1] + middle[1] * y];
  }
  // Where a point of the plane is on the canvas, and the other way.
  at(x, y) {
    return [this.origin[0] + x * this.scale[0], this.origin[1] - y * this.scale[1]];
  }
  place(x, y) {
    return [(x - this.origin[0]) / this.scale[0], (this.origin[1] - y) / this.scale[1]];
  }
  show() {
    const ratio = window.devicePixelRatio || 1;
    [this.width, this.height] = [this.canvas.clientWidth || 800, this.canvas.clientHeight || 500];
    [this.canvas.width, this.canvas.height] = [this.width * ratio, this.height * ratio];
    [this.scale, this.origin] = [this.scales(), this.corner()];
    const context = this.canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.draw(context, this);
  }
  // Lines at `ticks(low, high)` of both axes, with `label(tick)` at their ends.
  grid(context, ticks, label) {
    const ink = getComputedStyle(document.body).color;
    context.font = "12px system-ui, sans-serif";
    const ends = [this.place(0, this.height), this.place(this.width, 0)];
    for (const axis of [0, 1])
      for (const tick of ticks(ends[0][axis], ends[1][axis])) {
        const [x, y] = axis ? this.at(0, tick) : this.at(tick, 0);
        context.fillStyle = "#8883";
        context.fillRect(axis ? 0 : x, axis ? y : 0, axis ? this.width : 1, axis ? 1 : this.height);
        context.fillStyle = ink;
        const text = label(tick), wide = context.measureText(text).width;
        // Right of its line, but within the frame.
        const left = axis ? 4 : Math.min(x + 3, this.width - wide - 3);
        context.fillText(text, left, axis ? y - 3 : this.height - 5);
      }
  }
}

// Round numbers from `low` to `high`, eight at most.
function roundTicks(low, high) {
  const rough = (high - low) / 8, unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((step) => step >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return ticks;
}

// The logarithms of round numbers: powers of ten, 1, 2 and 5 of each, or whatever is round in less.
function roundLogTicks(low, high) {
  const decades = high - low;
  if (decades > 8) return roundTicks(low, high);
  if (decades < 0.7) return roundTicks(10 ** low, 10 ** high).map(Math.log10);
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power++)
    for (const digit of decades > 4 ? [1] : [1, 2, 5]) ticks.push(power + Math.log10(digit));
  return ticks.filter((tick) => low <= tick && tick <= high);
}

// A slider over the first axis, if there are several times; `changed(time)`.
function slider(times, changed) {
  if (times < 2) return [];
  const range = make("input", { type: "range", min: 0, max: times - 1, value: 0 });
  const label = make("output", {}, `0 of ${times - 1}`);
  const go = (time) => {
    range.value = time;
    label.textContent = `${time} of ${times - 1}`;
    changed(Number(time));
  };
  range.oninput = () => go(range.value);
  let timer = null;
  const play = make("button", { textContent: "play" });
  const stop = () => (clearInterval(timer), ([timer, play.textContent] = [null, "play"]));
  play.onclick = () => {
    if (timer) return stop();
    if (Number(range.value) === times - 1) go(0);
    play.textContent = "stop";
    const pause = Math.max(30, 3000 / times);
    timer = setInterval(() => (Number(range.value) < times - 1 ? go(Number(range.value) + 1) : stop()), pause);
  };
  return [play, make("label", {}, "state "), range, label];
}

function points(values) {
  const [times, lanes, width] = meta.shape;
  const axes = [0, 1];
  let time = 0, paths = false;
  const note = make("span");
  const value = (time, lane, axis) => values[(time * lanes + lane) * width + axes[axis]];
  const viewport = new Viewport((context, view) => {
    context.clearRect(0, 0, view.width, view.height);
    view.grid(context, roundTicks, short);
    const radius = Math.min(6, Math.max(1, (lanes > 500 ? 1.5 : 3) * Math.sqrt(view.zoom)));
    context.fillStyle = context.strokeStyle = getComputedStyle(document.body).getPropertyValue("--dot");
    context.globalAlpha = 0.25;
    for (let lane = 0; paths && lane < Math.min(lanes, 300); lane++) {
      context.beginPath();
      for (let t = 0; t <= time; t++) context.lineTo(...view.at(value(t, lane, 0), value(t, lane, 1)));
      context.stroke();
    }
    context.globalAlpha = lanes > 500 ? 0.5 : 0.9;
    let drawn = 0;
    for (let lane = 0; lane < lanes; lane++) {
      const [x, y] = view.at(value(time, lane, 0), value(time, lane, 1));
      if (!(Number.isFinite(x) && Number.isFinite(y) && ++drawn)) continue;
      if (lanes > 5000) context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      else (context.beginPath(), context.arc(x, y, radius, 0, 7), context.fill());
    }
    context.globalAlpha = 1;
    note.textContent = drawn < lanes ? `${lanes - drawn} of ${lanes} not finite` : "";
  });
  viewport.hover = ([x, y]) => (note.textContent = `${short(x)}, ${short(y)}`);
  const whole = () => {
    const box = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < times * lanes; i++)
      for (const axis of [0, 1]) {
        const x = values[i * width + axes[axis]];
        if (!Number.isFinite(x)) continue;
        [box[2 * axis], box[2 * axis + 1]] = [Math.min(box[2 * axis], x), Math.max(box[2 * axis + 1], x)];
      }
    viewport.frame(box);
  };
  const names = Array.from({ length: width }, (_, i) => String(i));
  const choose = (axis) => (chosen) => ((axes[axis] = chosen), whole());
  const chosen = width > 2 ? [option("across", names, 0, choose(0)), option("up", names, 1, choose(1))] : [];
  const trails = make("input", { type: "checkbox", onchange: () => ((paths = trails.checked), viewport.show()) });
  const trailed = times > 1 ? [make("label", {}, trails, " paths")] : [];
  const bar = [...slider(times, (t) => ((time = t), viewport.show())), ...trailed, ...chosen];
  app.append(make("div", { className: "bar" }, ...bar, make("button", { onclick: whole }, "all"), note), viewport.canvas);
  whole();
}

function images(values) {
  const [times, lanes, channels, high, wide] = meta.shape;
  const across = Math.ceil(Math.sqrt((lanes * high) / wide)), down = Math.ceil(lanes / across);
  const sheet = make("canvas", { width: across * (wide + 1), height: down * (high + 1) });
  let time = 0, stretched = false;
  const paint = () => {
    const size = channels * high * wide, frame = values.subarray(time * lanes * size, (time + 1) * lanes * size);
    let [low, top] = stretched ? [Infinity, -Infinity] : [0, 1];
    for (const x of stretched ? frame : []) if (Number.isFinite(x)) [low, top] = [Math.min(low, x), Math.max(top, x)];
    const pixels = sheet.getContext("2d").createImageData(sheet.width, sheet.height);
    for (let lane = 0; lane < lanes; lane++)
      for (let i = 0; i < high * wide; i++) {
        const row = Math.floor(lane / across) * (high + 1) + Math.floor(i / wide);
        const to = 4 * (row * sheet.width + (lane % across) * (wide + 1) + (i % wide));
        for (let c = 0; c < 3; c++) {
          const x = frame[lane * size + (c % channels) * high * wide + i];
          // What is no number is blue.
          pixels.data[to + c] = Number.isFinite(x) ? (255 * (x - low)) / (top - low || 1) : c === 2 ? 255 : 0;
        }
        pixels.data[to + 3] = 255;
      }
    sheet.getContext("2d").putImageData(pixels, 0, 0);
    viewport.show();
  };
  const viewport = new Viewport((context, view) => {
    context.clearRect(0, 0, view.width, view.height);
    context.imageSmoothingEnabled = false;
    const [x, y] = view.at(0, sheet.height);
    context.drawImage(sheet, x, y, sheet.width * view.scale[0], sheet.height * view.scale[1]);
  });
  const box = make("input", { type: "checkbox", onchange: () => ((stretched = box.checked), paint()) });
  const whole = () => viewport.frame([0, sheet.width, 0, sheet.height]);
  const bar = [...slider(times, (t) => ((time = t), paint())), make("label", {}, box, " stretch from least to most")];
  app.append(make("div", { className: "bar" }, ...bar, make("button", { onclick: whole }, "all")), viewport.canvas);
  whole();
  paint();
}

function study() {
  const { columns, rows } = meta;
  const numbers = columns.flatMap((_, i) => (rows.some((row) => typeof row[i] === "number") ? [i] : []));
  const named = ["process", "field", "solver", "spacing"].map((name) => columns.indexOf(name)).filter((i) => i >= 0);
  const pick = (...names) => names.map((name) => columns.indexOf(name)).find((i) => numbers.includes(i));
  let axes = [pick("nfe", "steps") ?? numbers[0], pick("solver_error", "chamfer") ?? numbers[numbers.length - 1]];
  let sorted = null, falling = false, shown = rows;
  const [head, body, count] = ["tr", "tbody", "span"].map((tag) => make(tag));
  const legend = make("div", { className: "bar" });
  const filter = make("input", { type: "search", placeholder: "words of a row", oninput: () => list() });
  const log = (x) => (x > 0 ? Math.log10(x) : NaN);
  let curves = [];
  const viewport = new Viewport((context, view) => {
    context.clearRect(0, 0, view.width, view.height);
    view.grid(context, roundLogTicks, (power) => short(10 ** power));
    curves.forEach(({ points }, i) => {
      context.fillStyle = context.strokeStyle = COLORS[i % COLORS.length];
      context.lineWidth = 2;
      context.setLineDash(i < COLORS.length ? [] : [6, 3]);
      context.beginPath();
      points.forEach((point) => context.lineTo(...view.at(...point)));
      context.stroke();
      for (const [x, y] of points.map((point) => view.at(...point))) context.fillRect(x - 3, y - 3, 6, 6);
    });
    context.setLineDash([]);
  });
  const draw = () => {
    const groups = new Map();
    for (const row of shown) {
      const [x, y] = axes.map((axis) => (typeof row[axis] === "number" ? log(row[axis]) : NaN));
      const name = named.map((i) => row[i]).filter((word) => word !== null).join(", ");
      if (!groups.has(name)) groups.set(name, []);
      if (Number.isFinite(x) && Number.isFinite(y)) groups.get(name).push([x, y]);
    }
    curves = [...groups].filter(([, points]) => points.length).map(([name, points]) => ({ name, points: points.sort((a, b) => a[0] - b[0]) }));
    legend.replaceChildren(...curves.map(({ name }, i) => {
      const key = make("span", { className: "key", style: `background: ${COLORS[i % COLORS.length]}` });
      return make("span", {}, key, name);
    }));
    const all = curves.flatMap(({ points }) => points);
    const ends = (axis) => all.reduce(([low, high], p) => [Math.min(low, p[axis]), Math.max(high, p[axis])], [Infinity, -Infinity]);
    viewport.frame(all.length ? [...ends(0), ...ends(1)] : [0, 1, 0, 1], false);
  };
  const list = () => {
    shown = rows.filter((row) => hasWords(filter, row.map((cell) => cell ?? "").join(" ")));
    if (sorted !== null) {
      const numeric = isNumeric(rows.map((row) => row[sorted]));
      shown.sort((a, b) => inOrder(a[sorted], b[sorted], numeric, falling));
    }
    const cell = (value) => make("td", { className: typeof value === "number" ? "number" : "" }, typeof value === "number" ? short(value) : String(value ?? ""));
    body.replaceChildren(...shown.map((row) => make("tr", {}, ...row.map(cell))));
    count.textContent = `${shown.length} of ${rows.length} rows`;
    draw();
  };
  head.append(...columns.map((name) => make("th", {}, name)));
  sortable([...head.children], (column, down) => (([sorted, falling] = [column, down]), list()));
  const names = numbers.map((i) => columns[i]);
  const axis = (which) => option(which ? "up" : "across", names, numbers.indexOf(axes[which]), (i) => ((axes[which] = numbers[i]), draw()));
  const bar = make("div", { className: "bar" }, filter, count, axis(0), axis(1), make("button", { onclick: draw }, "all"));
  app.append(bar, viewport.canvas, legend, make("div", { className: "scroll" }, make("table", {}, make("thead", {}, head), body)));
  list();
}

const kinds = { points, images, study };
const data = document.getElementById("data");
kinds[meta.kind](data ? decode(data.textContent) : null);
