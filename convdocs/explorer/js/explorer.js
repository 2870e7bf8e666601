/* The explorer of one layer: takes a setting, draws it, and listens. */

const FIRST = { panel: "output", c: 0, r: 0, k: 0 };
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

function panelMarkup(id, name, level) {
  const menu = (key, label) =>
    `<label for="${id}-${key}" class="cx-hidden">${label}</label>` +
    `<select id="${id}-${key}" name="${key}"></select>`;
  const tools = {
    input:
      `${menu("values", "Numbers of the input")}` +
      `<button type="button" data-do="draw" aria-pressed="false">Draw</button>` +
      `<label class="cx-pen" hidden>with <input name="pen" size="4" inputmode="decimal"></label>`,
    kernel: `<span data-field="filter">${menu("filter", "Numbers of the filters")}</span>`,
  };
  const held = level === "none" ? "" : (tools[name] ?? "");
  return (
    `<div class="cx-panel cx-${name}"><div class="cx-title"></div><div class="cx-pages"></div>` +
    `${held && `<div class="cx-tools">${held}</div>`}` +
    `<div class="cx-scroll"><div class="cx-grid" data-panel="${name}"></div></div>` +
    `<div class="cx-legend" aria-hidden="true" hidden></div></div>`
  );
}

function skeleton(id, level, first) {
  const [input, kernel, output] = PANELS.map((name) => panelMarkup(id, name, level));
  const facts =
    `<div class="cx-code"><code></code><button type="button" data-do="copy">Copy</button>` +
    `<button type="button" data-do="link">Copy link</button></div>`;
  return (
    `<p class="cx-notice" role="status" hidden></p>` +
    `<div class="cx-stage">${input}<span class="cx-sign cx-times" aria-hidden="true"></span>` +
    `${kernel}<span class="cx-sign" aria-hidden="true">=</span>${output}</div>` +
    `<div class="cx-play" role="group" aria-label="Walk over the output">` +
    `<button type="button" data-do="back" aria-label="Step back">◂ Back</button>` +
    `<button type="button" data-do="play">▶ Play</button>` +
    `<button type="button" data-do="step" aria-label="Step forward">Step ▸</button>` +
    `<label${level === "none" ? " hidden" : ""}>Speed ` +
    `<input type="range" name="speed" min="1" max="10" value="3"></label>` +
    `<label data-field="sample">Sample <select name="sample"></select></label></div>` +
    `<div class="cx-sum"></div><div class="cx-problem" hidden></div>` +
    `${level === "none" ? "" : facts}${formMarkup(id, level, first)}` +
    `<details class="cx-formula"${level === "none" ? " hidden" : ""}>` +
    `<summary>Output size</summary><div></div></details>` +
    `<p class="cx-live cx-hidden" aria-live="polite"></p>`
  );
}

let explorers = 0;

class Explorer {
  constructor(host, data) {
    Object.assign(this, { host, data, sample: 0, o: 0, playing: 0, lit: [], at: FIRST });
    Object.assign(this, { from: { input: 0, kernel: 0, output: 0 }, menus: {}, left: {}, open: 0 });
    explorers += 1;
    // a page names the figure around it
    this.id = host.id || host.closest("figure")?.id || (host.id = `explorer-${explorers}`);
    this.level = LEVELS.includes(data.controls) ? data.controls : "all";
    this.shadow = dress(host);
    this.root = document.createElement("div");
    this.root.className = `cx-body cx-level-${this.level}`;
    this.shadow.replaceChildren(this.root);
    this.first = complete({ ...data.setting, ...(data.own ? { own: data.own } : {}) });
    this.root.innerHTML = skeleton(this.id, this.level, this.first);
    this.$ = (query) => this.root.querySelector(query);
    this.form = this.$("form");
    this.pen = new Pen(this);
    const grid = (name) => [name, this.$(`[data-panel=${name}]`)];
    this.grids = Object.fromEntries(PANELS.map(grid));
    const controls = this.$(".cx-controls");
    if (controls) controls.open = this.level === "all" && this.room() > 700;
    listen(this);
    if (!this.openAddress()) this.set(this.first, this.begin(), { quiet: true });
    this.width = 0;
    new ResizeObserver(() => this.resized()).observe(host);
  }

  // ---- setting

  /** The cell chosen first: the index into the output that the page gave, or the first one. */
  begin() {
    const index = this.data.index ?? [];
    const dims = dimsOf(this.first);
    const [c = 0, ...place] = index.slice(-dims - 1);
    const [r = 0, k = 0] = dims === 1 ? [0, ...place] : place;
    this.sample = index.length > dims + 1 ? index[0] : 0;
    return { panel: "output", c, r, k };
  }

  /** Take a setting: work it out, draw it, and say what became of it. */
  set(s, at, { quiet = false } = {}) {
    const refusal = problem(s) ? tooMany(s) : (tooMany(s) ?? tooLarge(s));
    const box = this.$(".cx-refusal");
    if (box) box.textContent = refusal ? `Too large: ${refusal}.` : "";
    if (refusal) return fillForm(this);
    this.pause();
    this.s = s;
    this.problem = problem(s);
    this.numbers = this.readable() ? numbersOf(s) : null;
    this.L = this.problem ? null : solve(s, this.numbers);
    this.whole = !!this.numbers && isWhole(...Object.values(this.numbers));
    this.sample = Math.min(this.sample, this.samples() - 1);
    this.keep(at ?? this.at);
    fillForm(this);
    this.draw();
    this.facts();
    if (!quiet) this.changed();
    return undefined;
  }

  change(patch) {
    if (patch) this.set(complete({ ...this.s, ...patch }));
  }

  readable() {
    const { s } = this;
    const dims = [dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length);
    return dims && (isPool(s) || (s.groups > 0 && weightShape(s).every((size) => size > 0)));
  }

  samples() {
    return batched(this.s) ? this.s.shape[0] : 1;
  }

  /** The chosen cell, moved to the nearest one that exists. */
  keep(at) {
    const clip = (value, size) => Math.min(Math.max(value, 0), Math.max(size, 1) - 1);
    this.o = clip(at.o ?? (at.panel === "output" ? at.c : this.o), outChannels(this.s));
    const [channels, rows, columns] = this.sizes(at.panel);
    const first = at.panel === "kernel" ? this.base("kernel") : 0;
    const c = first + clip(at.c - first, channels);
    this.at = { ...at, c, r: clip(at.r, rows), k: clip(at.k, columns) };
    if (at.panel === "kernel") this.at.o = this.o;
  }

  /** Channels, rows and columns of a panel; zeros where there is nothing to draw. */
  sizes(panel) {
    const there = panel === "output" ? this.L : this.readable();
    return there ? cellsOf(this.s, panel) : [0, 0, 0];
  }

  /** Channel that a panel begins with, and the first of those that it shows. */
  base(panel) {
    return panel === "kernel" && !isPool(this.s) ? groupStart(this.s, this.o) : 0;
  }

  firstShown(panel) {
    return this.base(panel) + this.from[panel];
  }

  number(panel, c, r, k) {
    const { s, L, numbers, sample } = this;
    const [, rows, columns] = this.sizes(panel);
    if (panel === "input")
      return numbers.x[((sample * channelsOf(s) + c) * rows + r) * columns + k];
    if (panel === "output") return L.y[yAt(L, sample, c, r, k)];
    const perOut = s.out / s.groups;
    const [perGroup] = this.sizes("kernel");
    const pair = isTransposed(s)
      ? c * perOut + (this.o % perOut)
      : this.o * perGroup + (c - this.base("kernel"));
    return numbers.weight[pair * rows * columns + r * columns + k];
  }

  /** All numbers of a panel. */
  values(panel) {
    if (panel === "output") return this.L ? [...this.L.y] : [];
    return [...((panel === "input" ? this.numbers?.x : this.numbers?.weight) ?? [])];
  }

  // ---- drawing

  resized() {
    const width = this.host.clientWidth;
    if (!width || Math.abs(width - this.width) < 8) return;
    this.width = width;
    this.draw();
  }

  room() {
    const style = getComputedStyle(this.root);
    const width = this.root.clientWidth || 720;
    return width - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
  }

  ems(text) {
    this.ruler ??= document.createElement("canvas").getContext("2d");
    this.ruler.font = `bold 100px ${getComputedStyle(this.root).fontFamily}`;
    return this.ruler.measureText(text).width / 100;
  }

  draw() {
    if (!this.s) return;
    this.many = Object.fromEntries(PANELS.map((panel) => [panel, channelsShown(this, panel)]));
    for (const panel of PANELS) this.from[panel] = 0;
    this.showChannel(this.at.panel, this.at.c);
    this.layout = layoutOf(this);
    this.root.dataset.layout = this.layout.name;
    this.root.classList.toggle("cx-pool", isPool(this.s));
    const paged = PANELS.some((panel) => this.many[panel] < this.sizes(panel)[0]);
    this.root.classList.toggle("cx-paged", paged);
    this.cells = {};
    this.pads = new Map();
    for (const panel of PANELS) this.drawPanel(panel);
    this.$(".cx-times").textContent = isPool(this.s) ? "▸" : "∗";
    this.$(".cx-sum").style.minHeight = "";
    this.choose(this.at);
  }

  /** Turn a panel to the channels among which `c` is; whether it showed others. */
  showChannel(panel, c) {
    const many = this.many[panel] || 1;
    const from = Math.floor((c - this.base(panel)) / many) * many;
    if (!(from >= 0) || from === this.from[panel]) return false;
    this.from[panel] = from;
    return true;
  }

  title(panel) {
    const { s } = this;
    if (panel === "input") return `Input <span>x ${shapeText(s.shape)}</span>`;
    if (panel === "output")
      return `Output <span>${this.L ? `y ${shapeText(this.L.outShape)}` : ""}</span>`;
    if (isPool(s)) return `Window <span>${s.kernel.join(" × ")}</span>`;
    if (s.out < 2) return "Filter";
    const turns = this.turns("filter", panel, ["Previous filter", "Next filter"]);
    return `Filter <span>${this.o + 1} of ${s.out}</span>${turns}`;
  }

  turns(what, panel, labels) {
    const button = (by, name, sign) =>
      `<button type="button" data-do="${what}" data-panel="${panel}" data-by="${by}" ` +
      `aria-label="${name}">${sign}</button>`;
    return button(-1, labels[0], "◂") + button(1, labels[1], "▸");
  }

  /** Which channels a panel shows, where there are more. */
  pages(panel) {
    const [channels] = this.sizes(panel);
    const many = this.many[panel];
    if (many >= channels) return "";
    const first = this.firstShown(panel);
    const last = Math.min(first + many, this.base(panel) + channels) - 1;
    const labels = [`${panel}: earlier channels`, `${panel}: later channels`];
    const which = many > 1 ? `${first}–${last}` : first;
    return `<span>${which} of ${channels}</span>${this.turns("channels", panel, labels)}`;
  }

  drawPanel(panel) {
    const box = this.grids[panel];
    const [channels, rows, columns] = this.sizes(panel);
    this.$(`.cx-${panel} .cx-title`).innerHTML = this.title(panel);
    this.$(`.cx-${panel} .cx-pages`).innerHTML = this.pages(panel);
    this.cells[panel] = [];
    const legend = this.$(`.cx-${panel} .cx-legend`);
    legend.hidden = true;
    if (!channels || !rows || !columns) {
      const none = { input: `x has shape ${shapeText(this.s.shape)}`, kernel: "No filter" };
      const output = this.L ? "The output is empty." : "No output";
      box.removeAttribute("role");
      box.innerHTML = `<p class="cx-none">${none[panel] ?? output}</p>`;
      return;
    }
    const pool = panel === "kernel" && isPool(this.s);
    const size = `${this.s.kernel.join(" by ")}`;
    box.setAttribute("role", pool ? "img" : "grid");
    box.setAttribute("aria-label", pool ? `Window of ${size}` : this.gridName(panel));
    const shades = this.layout[panel].digits < 0 && !pool ? shadesOf(this, panel) : null;
    box.classList.toggle("cx-grey", !!shades?.grey);
    box.innerHTML = gridMarkup(this, panel, shades);
    if (shades) {
      legend.hidden = false;
      legend.innerHTML = legendMarkup(shades, (value) => this.say(value));
    }
    if (pool) this.taps = [...box.querySelectorAll("[data-tap]")];
    else this.cells[panel] = [...box.querySelectorAll("[data-c]")];
    if (panel === "input")
      this.pads = new Map(
        [...box.querySelectorAll("[data-pad]")].map((node) => [node.dataset.pad, node]),
      );
    const at = this.at.panel === panel ? this.at : { panel, c: this.firstShown(panel), r: 0, k: 0 };
    this.cell(at)?.setAttribute("tabindex", "0");
  }

  gridName(panel) {
    const [channels, rows, columns] = this.sizes(panel);
    const size = dimsOf(this.s) === 1 ? `${columns} cells` : `${rows} by ${columns} cells`;
    const name = { input: "Input", kernel: `Filter ${this.o + 1}`, output: "Output" }[panel];
    const many = `${channels} channel${channels === 1 ? "" : "s"}`;
    return `${name}: ${many} of ${size}. Arrow keys walk.`;
  }

  cellName(panel, c, r, k) {
    const word = { kernel: `weight of filter ${this.o + 1}, input` }[panel] ?? panel;
    return `${word} channel ${c}, ${dimsOf(this.s) === 1 ? "" : `row ${r}, `}${
      dimsOf(this.s) === 1 ? "position" : "column"
    } ${k}`;
  }

  cell({ panel, c, r, k }) {
    const [, rows, columns] = this.sizes(panel);
    const i = c - this.firstShown(panel);
    return i < 0 ? undefined : this.cells[panel]?.[(i * rows + r) * columns + k];
  }

  /** The cell that a node of a grid stands for. */
  where(node) {
    const cell = node?.closest?.("[data-c]");
    if (!cell) return null;
    const { panel } = cell.closest("[data-panel]").dataset;
    const [c, r, k] = ["c", "r", "k"].map((key) => Number(cell.dataset[key]));
    return { panel, c, r, k, ...(panel === "kernel" ? { o: this.o } : {}) };
  }

  text(panel, value) {
    return shown(value, this.whole, Math.max(this.layout[panel].digits, 0));
  }

  say(value) {
    return shown(value, this.whole);
  }

  /** Draw a number into an input cell: the numbers are the reader's own from then on. */
  paint(at, value) {
    const { s, numbers } = this;
    const [, rows, columns] = this.sizes("input");
    if (this.number("input", at.c, at.r, at.k) === value) return;
    if (s.values !== "own" || s.own?.x?.data !== numbers.x) {
      this.s = { ...s, values: "own", own: { ...s.own, x: { shape: s.shape, data: numbers.x } } };
      fillTools(this);
    }
    numbers.x[((this.sample * channelsOf(s) + at.c) * rows + at.r) * columns + at.k] = value;
    const { whole } = this;
    const focused = this.where(this.shadow.activeElement);
    this.whole = isWhole(numbers.x, numbers.weight, numbers.bias);
    if (this.L) this.L = solve(this.s, numbers);
    this.at = { panel: "input", ...at };
    if (this.whole !== whole) this.draw();
    else this.repaint(at, value);
    if (focused) this.cell(this.at)?.focus();
    this.changed();
    this.announce();
  }

  repaint(at, value) {
    const node = this.cell({ ...at, panel: "input" });
    const name = `${this.cellName("input", at.c, at.r, at.k)}: ${spoken(this.say(value))}`;
    node.setAttribute("aria-label", name);
    if (this.layout.input.digits < 0) {
      const { look, part } = shadeOf(shadesOf(this, "input"), value);
      node.classList.remove("cx-above", "cx-below", "cx-light");
      node.classList.add(look);
      node.setAttribute("fill-opacity", part);
    } else node.querySelector("text").textContent = this.text("input", value);
    if (this.L) this.drawPanel("output");
    this.choose(this.at);
  }

  // ---- pointing

  /** Choose a cell for good: light it, say it, and put it into the address. */
  choose(at, { focus = false, say = false } = {}) {
    const old = this.o;
    this.keep(at);
    const { panel, c } = this.at;
    const reads = panel === "input" ? c : panel === "kernel" ? c : groupStart(this.s, this.o);
    const follows = (name) => {
      if (name === panel) return this.showChannel(name, c);
      if (name === "output") return isPool(this.s) && this.showChannel(name, c);
      return panel === "output" && old !== this.o && this.showChannel(name, reads);
    };
    for (const name of PANELS)
      if (follows(name) || (name === "kernel" && this.o !== old)) this.drawPanel(name);
    if (!this.sizes(panel)[0]) this.at = { ...FIRST };
    this.grids[this.at.panel].querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    const node = this.cell(this.at);
    node?.setAttribute("tabindex", "0");
    this.point(this.at);
    if (focus) node?.focus();
    if (say) {
      this.announce();
      this.changed();
    }
  }

  /** Light one cell and what belongs to it, until another is pointed at. */
  point(at) {
    for (const node of this.lit) node.classList.remove("cx-lit", "cx-at", "cx-on");
    this.lit = [];
    this.pointed = at;
    const sum = this.$(".cx-sum");
    const own = this.cell(at);
    sum.hidden = this.$(".cx-play").hidden = !this.L || !own;
    if (sum.hidden) return;
    this.mark(own, "cx-at");
    this.ring(at);
    const { name, value, body, words } = POINTERS[at.panel](this, at);
    this.said = `${name}${spoken(words)}`;
    const head = `${name[0].toUpperCase()}${name.slice(1)}`;
    sum.innerHTML = `<p class="cx-head">${head} <b>${this.say(value)}</b></p>${body}`;
    const tall = sum.offsetHeight; // what is below stays where it is while the reader looks around
    if (tall > (parseFloat(sum.style.minHeight) || 0)) sum.style.minHeight = `${tall}px`;
  }

  mark(node, name = "cx-lit") {
    if (!node) return;
    node.classList.add(name);
    this.lit.push(node);
  }

  ring({ panel, c, r, k }) {
    const mark = this.$(`[data-panel=${panel}] [data-mark="${c}"]`);
    const { width, height } = this.layout[panel];
    if (!mark) return;
    mark.setAttribute("x", k * width);
    mark.setAttribute("y", r * height);
    this.mark(mark, "cx-on");
  }

  /** Say the sum in the live region, once the reader has rested on a cell. */
  announce() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      const refused = () => `PyTorch refuses this setting: ${this.problem.message}`;
      this.$(".cx-live").textContent = this.L ? this.said : refused();
    }, 250);
  }

  // ---- facts

  facts() {
    const { s, L } = this;
    const line = this.$(".cx-code code");
    if (line) line.textContent = code(s);
    const right = [dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length);
    const axis = (w, a) => `<dt>${AXES[dimsOf(s)][a]}</dt><dd>${formula(w, spatial(s)[a])}</dd>`;
    const lines = right && s.stride.every(Boolean) ? windowsOf(s).map(axis).join("") : "";
    const [left, end] = s.ceil && isPool(s) ? "⌈⌉" : "⌊⌋";
    const words = isTransposed(s)
      ? "(size − 1)·stride − cropped before − cropped after + dilation·(kernel − 1) + " +
        "output_padding + 1"
      : `${left}(size + padding before + padding after − dilation·(kernel − 1) − 1) / stride` +
        `${end} + 1`;
    const shapes = L ? `<p>x ${shapeText(s.shape)} → y ${shapeText(L.outShape)}</p>` : "";
    this.$(".cx-formula div").innerHTML = `<p>output size = ${words}</p><dl>${lines}</dl>${shapes}`;
    this.showProblem();
  }

  showProblem() {
    const box = this.$(".cx-problem");
    const { problem: p } = this;
    box.hidden = !p;
    if (!p) {
      box.innerHTML = "";
      return;
    }
    const base = this.data.errors;
    const page = base === undefined ? "" : escape(base + p.code.replace("#", ".html#"));
    const mend = ({ text }, i) =>
      `<li>${escape(text)} <button type="button" data-do="fix" data-fix="${i}" ` +
      `aria-label="${escape(text)}: do it">Do it</button></li>`;
    const words = p.own
      ? `<p>PyTorch refuses this setting. In our words:</p><p>${escape(p.message)}</p>`
      : `<p>PyTorch refuses this setting:</p>` +
        `<pre tabindex="0"><b>${p.type}</b>: ${escape(p.message)}</pre>`;
    box.innerHTML =
      `${words}<p>What to change:</p><ul>${p.fixes.map(mend).join("")}</ul>` +
      `${page && `<p><a href="${page}">What this error means</a></p>`}`;
    this.announce();
  }

  // ---- address

  /** Open what the address says; true when it spoke of this explorer. */
  openAddress() {
    const hash = window.location.hash.slice(1);
    const mark = hash.indexOf("?");
    if (mark < 0 || hash.slice(0, mark) !== this.id) return false;
    const notice = this.$(".cx-notice");
    notice.hidden = true;
    try {
      const { setting, at } = unlink(hash.slice(mark + 1));
      this.set(setting, at ?? FIRST, { quiet: true });
    } catch (wrong) {
      if (!(wrong instanceof Refusal)) throw wrong;
      this.set(this.first, this.begin(), { quiet: true });
      notice.hidden = false;
      notice.textContent =
        `This link can’t be opened: ${wrong.message}. ` +
        "The explorer shows its first setting instead.";
    }
    if (!this.data.address) this.host.scrollIntoView({ block: "start" });
    return true;
  }

  address() {
    return `#${this.id}?${link(this.s, this.at)}`;
  }

  /** The address follows the picture, where this explorer is the one that owns it. */
  changed() {
    if (!this.data.address) return;
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const address = this.address();
      if (address.length > 16000) return;
      try {
        window.history.replaceState(null, "", address);
      } catch {
        /* a sandboxed page has no address of its own */
      }
    }, 200);
  }

  async copy(text, button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      window.getSelection().selectAllChildren(this.$(".cx-code code"));
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  }

  // ---- playing

  step(by) {
    if (!this.L) return;
    const [channels, rows, columns] = this.sizes("output");
    const all = channels * rows * columns;
    const { panel, c, r, k } = this.at;
    const now = panel === "output" ? (c * rows + r) * columns + k : by > 0 ? -1 : 0;
    const next = (now + by + all) % all;
    const at = { c: Math.floor(next / (rows * columns)), r: Math.floor(next / columns) % rows };
    this.choose({ panel: "output", ...at, k: next % columns }, { say: !this.playing });
  }

  /** Play; where the reader asks for no motion, one step. */
  play() {
    if (!this.host.isConnected) return this.pause();
    this.step(1);
    if (CALM.matches) return undefined;
    this.playing = setTimeout(() => this.play(), 2000 / this.$("[name=speed]").value);
    this.$("[data-do=play]").textContent = "❚❚ Pause";
    return undefined;
  }

  pause() {
    if (!this.playing) return;
    clearTimeout(this.playing);
    this.playing = 0;
    this.$("[data-do=play]").textContent = "▶ Play";
    this.announce();
    this.changed();
  }
}
