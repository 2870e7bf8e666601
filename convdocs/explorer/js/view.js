/* The page part: draws a setting and listens. */

const escape = (text) => `${text}`.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const LEAD = 18; // room for the number of a channel before its row
const MOST = 60; // products shown in one line
const SHADED = 600; // cells of a panel from which on small ones have a shade for a number
const FIRST = { panel: "output", c: 0, r: 0, k: 0 };
const AXES = { 1: ["length"], 2: ["height", "width"] };
const CALM = window.matchMedia?.("(prefers-reduced-motion: reduce)") ?? { matches: false };

function shown(value, whole, digits = 4) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "−inf";
  if (value === 0 || (whole && Number.isInteger(value))) return `${value + 0}`.replace("-", "−");
  const size = Math.abs(value),
    text =
      size >= 1e5 || (size && size < 5e-5 && digits > 3)
        ? value.toExponential(2)
        : value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
const spoken = (text) => text.replace(/−/g, "minus ");
const total = (list, key) => list.reduce((all, one) => all + one[key], 0);
const padLook = (term) => (!term.padded ? "" : term.real ? " cx-copied" : " cx-zero");
const put = (node, box) => {
  for (const [name, size] of Object.entries(box)) node.style.setProperty(name, `${size}px`);
};
const isWhole = (...lists) =>
  lists.every((list) => !list || list.every((v) => !Number.isFinite(v) || Number.isInteger(v)));
const shapeText = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** Fields of the form: [name, label, who has it]. */
const FIELDS = [
  ["size", "input size", () => true],
  ["in", "in_channels", (s) => !isPool(s)],
  ["planes", "channels", isPool],
  ["out", "out_channels", (s) => !isPool(s)],
  ["kernel", "kernel_size", () => true],
  ["stride", "stride", () => true],
  ["padding", "padding", () => true],
];
const MORE = [
  ["dilation", "dilation", (s) => familyOf(s) !== "average"],
  ["groups", "groups", (s) => !isPool(s)],
  ["outputPadding", "output_padding", isTransposed],
  ["batch", "batch (0: none)", () => true],
  ["shape", "any shape of x", () => true],
];
const CHECKS = [
  ["ceil", "ceil_mode", isPool],
  ["countPad", "count_include_pad", (s) => familyOf(s) === "average"],
  ["bias", "bias", (s) => !isPool(s)],
];
const NUMBERS = [
  ["notebook", "The notebook’s"],
  ["small", "Small integers"],
  ["own", "My own"],
];
const options = (pairs) =>
  pairs.map(([value, text]) => `<option value="${value}">${text}</option>`).join("");

function fieldMarkup(id, [name, label]) {
  const step = (by, sign, word) =>
    `<button type="button" tabindex="-1" data-step="${by}" data-for="${name}" aria-label="${label}: ${word}">${sign}</button>`;
  const buttons = name === "shape" ? ["", ""] : [step(-1, "−", "less"), step(1, "+", "more")];
  return `<div class="cx-field" data-field="${name}"><label for="${id}-${name}">${label}</label>
<span class="cx-step">${buttons[0]}<input id="${id}-${name}" name="${name}" autocomplete="off" spellcheck="false">${buttons[1]}</span></div>`;
}

function skeleton(id) {
  const select = (name, label, choices) =>
    `<div class="cx-field" data-field="${name}"><label for="${id}-${name}">${label}</label><select id="${id}-${name}" name="${name}">${choices}</select></div>`;
  const check = ([name, label]) =>
    `<label class="cx-check" data-field="${name}"><input type="checkbox" name="${name}"> ${label}</label>`;
  const area = (name, label) =>
    `<div data-field="own-${name}"><label for="${id}-own-${name}">${label}</label><textarea id="${id}-own-${name}" name="own-${name}" rows="4" spellcheck="false"></textarea></div>`;
  const panel = (name) =>
    `<div class="cx-panel cx-${name}"><div class="cx-title"></div><div class="cx-scroll"><div class="cx-grid" data-panel="${name}"></div></div></div>`;
  return `<form>
<div class="cx-row">${select("kind", "layer", options(Object.keys(KINDS).map((kind) => [kind, kind])))}${select("values", "numbers", options(NUMBERS))}${FIELDS.map((one) => fieldMarkup(id, one)).join("")}</div>
<details class="cx-more"><summary>More settings</summary><div class="cx-row">${MORE.map((one) => fieldMarkup(id, one)).join("")}${select("mode", "padding_mode", options(MODES.map((mode) => [mode, mode])))}${CHECKS.map(check).join("")}</div></details>
<details class="cx-own" data-field="own"><summary>My own numbers</summary><p>Type or paste numbers: rows, a nested list, or a tensor as torch prints it.</p>
<div class="cx-row">${area("x", "Input x")}${area("weight", "Weight")}${area("bias", "Bias")}</div><p class="cx-error" role="status"></p><button type="submit">Use these numbers</button></details>
<p class="cx-error cx-refusal" role="status"></p></form>
<p class="cx-notice" role="status" hidden></p>
<div class="cx-problem" hidden></div>
<div class="cx-stage">${panel("input")}<span class="cx-sign" aria-hidden="true"></span>${panel("kernel")}<span class="cx-sign" aria-hidden="true">=</span>${panel("output")}</div>
<div class="cx-play" role="group" aria-label="Walk over the output"><button type="button" data-do="back" aria-label="Step back">◂ Back</button><button type="button" data-do="play">▶ Play</button><button type="button" data-do="step" aria-label="Step forward">Step ▸</button>
<label>Speed <input type="range" name="speed" min="1" max="10" value="3"></label><label data-field="sample">Sample <select name="sample"></select></label></div>
<div class="cx-sum"></div>
<div class="cx-facts"><div class="cx-code"><code></code><button type="button" data-do="copy">Copy</button><button type="button" data-do="link">Copy link</button></div><div class="cx-formula"></div></div>
<p class="cx-live" aria-live="polite"></p>`;
}

let explorers = 0;

class Explorer {
  constructor(root, data) {
    Object.assign(this, { root, data, sample: 0, o: 0, playing: 0, lit: [], at: FIRST });
    explorers += 1;
    this.id = root.id ||= `explorer-${explorers}`;
    root.innerHTML = skeleton(this.id);
    this.$ = (query) => root.querySelector(query);
    this.form = this.$("form");
    this.grids = Object.fromEntries(
      ["input", "kernel", "output"].map((name) => [name, this.$(`[data-panel=${name}]`)]),
    );
    this.first = complete({
      ...data.setting,
      ...(data.own ? { values: "own", own: data.own } : {}),
    });
    this.listen();
    if (!this.openAddress()) this.set(this.first, this.begin(), { quiet: true });
    this.width = 0;
    new ResizeObserver(() => this.resized()).observe(root);
  }

  // ---- setting

  /** The cell chosen first: the index into the output that the page gave, or the first one. */
  begin() {
    const index = this.data.index ?? [],
      dims = dimsOf(this.first),
      [c = 0, ...place] = index.slice(-dims - 1),
      [r = 0, k = 0] = dims === 1 ? [0, ...place] : place;
    this.sample = index.length > dims + 1 ? index[0] : 0;
    return { panel: "output", c, r, k };
  }

  /** Take a setting: work it out, draw it, and say what became of it. */
  set(s, at, { quiet = false } = {}) {
    const refusal = problem(s) ? tooMany(s) : (tooMany(s) ?? tooLarge(s));
    this.$(".cx-refusal").textContent = refusal ? `Too large: ${refusal}.` : "";
    if (refusal) return this.fill();
    this.pause();
    this.s = s;
    this.problem = problem(s);
    this.numbers = this.readable() ? numbersOf(s, this.data.notebook) : null;
    this.L = this.problem ? null : solve(s, this.numbers);
    this.whole = this.numbers
      ? isWhole(this.numbers.x, this.numbers.weight, this.numbers.bias)
      : false;
    this.sample = Math.min(this.sample, this.samples() - 1);
    this.keep(at ?? this.at);
    this.fill();
    this.draw();
    this.facts();
    if (!quiet) this.changed();
    return undefined;
  }

  change(patch) {
    this.set(complete({ ...this.s, ...patch }));
  }

  readable() {
    const { s } = this,
      dims = [dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length);
    return dims && (isPool(s) || (s.groups > 0 && weightShape(s).every((size) => size > 0)));
  }

  samples() {
    return batched(this.s) ? this.s.shape[0] : 1;
  }

  /** The chosen cell, moved to the nearest one that exists. */
  keep(at) {
    const clip = (value, size) => Math.min(Math.max(value, 0), Math.max(size, 1) - 1);
    const most = outChannels(this.s);
    this.o = clip(at.o ?? (at.panel === "output" ? at.c : this.o), most);
    const [channels, rows, columns] = this.sizes(at.panel);
    const first = at.panel === "kernel" && this.L ? firstChannel(this.L, this.o) : 0;
    this.at = {
      ...at,
      c: first + clip(at.c - first, channels),
      r: clip(at.r, rows),
      k: clip(at.k, columns),
    };
    if (at.panel === "kernel") this.at.o = this.o;
  }

  /** Channels, rows and columns of a panel; zeros where there is nothing to draw. */
  sizes(panel) {
    const { s } = this,
      row = (sizes) => (dimsOf(s) === 1 ? [1, ...sizes] : sizes);
    if (panel === "output") return this.L ? [this.L.outChannels, ...this.L.out] : [0, 0, 0];
    if (!this.readable()) return [0, 0, 0];
    if (panel === "input") return [channelsOf(s), ...row(spatial(s))];
    return [
      isPool(s) ? 1 : isTransposed(s) ? s.in / s.groups : weightShape(s)[1],
      ...row(s.kernel),
    ];
  }

  // ---- form

  fill() {
    const { s, form } = this,
      padding = Array.isArray(s.padding) ? tuple(s.padding) : s.padding,
      right = s.shape.length - dimsOf(s);
    const texts = {
      size: tuple(spatial(s)),
      in: s.in,
      planes: channelsOf(s) ?? 1,
      out: s.out,
      kernel: tuple(s.kernel),
      stride: tuple(s.stride),
      padding,
      dilation: tuple(s.dilation),
      groups: s.groups,
      outputPadding: tuple(s.outputPadding),
      batch: right === 2 ? s.shape[0] : 0,
      shape: shapeText(s.shape),
    };
    for (const [name, text] of Object.entries(texts))
      this.write(name, `${text}`.replace(/[()]/g, "").replace(/,$/, ""));
    for (const name of ["kind", "values", "mode"]) form.elements[name].value = s[name];
    for (const [name] of CHECKS) form.elements[name].checked = s[name];
    for (const [name, , has] of [...FIELDS, ...MORE, ...CHECKS])
      this.$(`[data-field=${name}]`).hidden = !has(s);
    this.$("[data-field=mode]").hidden = isPool(s);
    this.$("[data-field=own]").hidden = s.values !== "own";
    for (const name of ["weight", "bias"])
      this.$(`[data-field=own-${name}]`).hidden = isPool(s) || (name === "bias" && !s.bias);
    const sample = this.$("[name=sample]"),
      samples = this.samples();
    this.$("[data-field=sample]").hidden = samples < 2;
    if (sample.length !== samples)
      sample.innerHTML = range(samples)
        .map((n) => `<option>${n}</option>`)
        .join("");
    sample.value = this.sample;
  }

  write(name, text) {
    const input = this.form.elements[name];
    input.removeAttribute("aria-invalid");
    if (input.value !== text) input.value = text;
  }

  /** A field was changed: take it over, or say why not. */
  edited(name) {
    const { s } = this,
      input = this.form.elements[name],
      dims = dimsOf(s),
      text = input.value.trim();
    if (CHECKS.some((one) => one[0] === name)) return this.change({ [name]: input.checked });
    if (name === "kind") return this.changeKind(input.value);
    if (name === "values") return this.changeValues(input.value);
    if (name === "mode") return this.change({ mode: input.value });
    if (name === "padding" && ["same", "valid"].includes(text))
      return this.change({ padding: text });
    const sizes = readField(
      text,
      ["kernel", "stride", "padding", "dilation", "outputPadding", "size"].includes(name)
        ? dims
        : undefined,
    );
    const positive = ["size", "shape", "planes"].includes(name) && sizes?.some((size) => size < 1);
    const lone = ["in", "out", "groups", "batch", "planes"].includes(name) && sizes?.length !== 1;
    if (!sizes || positive || lone || sizes.length > 6 || (name === "batch" && sizes[0] < 0))
      return this.refuse(input, name, dims);
    return this.change(this.patch(name, sizes));
  }

  patch(name, sizes) {
    const { s } = this,
      dims = dimsOf(s),
      tail = spatial(s),
      channels = channelsOf(s) ?? s.in,
      batch = batched(s) ? [s.shape[0]] : [];
    const fitting =
      s.shape.length > dims ? tail : [...range(dims).map(() => 4), ...tail].slice(-dims);
    if (name === "shape") return { shape: sizes };
    if (name === "size") return { shape: [...batch, channels, ...sizes] };
    if (name === "planes") return { shape: [...batch, sizes[0], ...fitting] };
    if (name === "in")
      return {
        in: sizes[0],
        ...(sizes[0] > 0 ? { shape: [...batch, sizes[0], ...fitting] } : {}),
      };
    if (name === "batch") return { shape: [...(sizes[0] ? sizes : []), channels, ...fitting] };
    return {
      [name]: ["out", "groups"].includes(name) ? sizes[0] : sizes,
      ...(name === "kernel" && isPool(s) && same(s.stride, s.kernel) ? { stride: sizes } : {}),
    };
  }

  refuse(input, name, dims) {
    const wanted =
      name === "padding"
        ? "whole numbers, same or valid"
        : ["in", "out", "groups", "batch", "planes"].includes(name)
          ? "one whole number"
          : name === "shape"
            ? "up to six sizes of at least 1"
            : `${dims === 1 ? "one whole number" : "one or two whole numbers"}${name === "size" ? " of at least 1" : ""}`;
    input.setAttribute("aria-invalid", "true");
    this.$(".cx-refusal").textContent = `“${input.value}” can’t be used here: write ${wanted}.`;
  }

  changeKind(kind) {
    const { s } = this,
      dims = KINDS[kind].dims,
      fit = (values) =>
        dims === values.length ? values : dims === 1 ? [values[1]] : [values[0], values[0]];
    const next = {
      kind,
      shape: [
        ...s.shape.slice(0, -dimsOf(s)),
        ...(dims === dimsOf(s)
          ? spatial(s)
          : dims === 1
            ? spatial(s).slice(1)
            : [spatial(s)[0], spatial(s)[0]]),
      ],
    };
    for (const key of ["kernel", "stride", "dilation", "outputPadding"]) next[key] = fit(s[key]);
    const words = isPool(next) || KINDS[kind].family === "transposed";
    next.padding = Array.isArray(s.padding)
      ? fit(s.padding)
      : words
        ? range(dims).map(() => 0)
        : s.padding;
    if (KINDS[kind].family === "transposed") next.mode = "zeros";
    if (isPool(next) !== isPool(s))
      next.stride = isPool(next) ? next.kernel : range(dims).map(() => 1);
    if (
      s.values === "own" &&
      (dims !== dimsOf(s) || isPool(next) || isTransposed(next) !== isTransposed(s))
    )
      next.values = "small";
    this.change(next);
  }

  changeValues(values) {
    if (values !== "own") return this.change({ values });
    const { x, weight, bias } = this.numbers ?? {},
      own = {};
    if (x) own.x = { shape: this.s.shape, data: x };
    if (weight) own.weight = { shape: weightShape(this.s), data: weight };
    if (bias) own.bias = { shape: [this.s.out], data: bias };
    this.change({ values, own });
    this.$(".cx-own").open = true;
    return this.fillOwn();
  }

  fillOwn() {
    for (const name of ["x", "weight", "bias"])
      this.form.elements[`own-${name}`].value = this.s.own?.[name]
        ? nestedText(this.s.own[name])
        : "";
  }

  /** Read the three boxes; the sizes of the layer follow the numbers. */
  useOwn() {
    const { s } = this,
      own = {},
      error = this.$(".cx-own .cx-error");
    let box = "";
    error.textContent = "";
    try {
      for (const name of isPool(s) ? ["x"] : s.bias ? ["x", "weight", "bias"] : ["x", "weight"]) {
        box = { x: "Input x: ", weight: "Weight: ", bias: "Bias: " }[name];
        own[name] = read(this.form.elements[`own-${name}`].value);
      }
      box = "";
      if (!own.x.shape.length) refuse("Input x: one number alone is no input; write [1].");
      this.change({ values: "own", own, shape: own.x.shape, ...this.fromWeight(own) });
    } catch (wrong) {
      if (!(wrong instanceof Refusal)) throw wrong;
      error.textContent = box + wrong.message;
    }
  }

  fromWeight(own) {
    const { s } = this,
      dims = dimsOf(s),
      shape = own.weight?.shape;
    if (!shape) return {};
    if (shape.length !== dims + 2)
      refuse(
        `Weight: it has ${shape.length} axes, and ${s.kind} takes ${dims + 2}: ${isTransposed(s) ? "(in, out / groups" : "(out, in / groups"}, ${AXES[dims].join(", ")}).`,
      );
    const [first, second, ...kernel] = shape,
      found = isTransposed(s)
        ? { in: first, out: second * s.groups, kernel }
        : { out: first, in: second * s.groups, kernel };
    if (own.bias && !same(own.bias.shape, [found.out]))
      refuse(
        `Bias: it has shape ${shapeText(own.bias.shape)}; ${found.out} output channels take (${found.out},).`,
      );
    return found;
  }

  // ---- drawing

  resized() {
    const width = this.root.clientWidth;
    if (!width || Math.abs(width - this.width) < 8) return;
    this.width = width;
    this.draw();
  }

  /** Columns and rows of padding that a panel shows around its cells: [[top, bottom], [left, right]]. */
  margins(panel) {
    if (panel !== "input" || isTransposed(this.s) || !this.readable())
      return [
        [0, 0],
        [0, 0],
      ];
    const around = range(dimsOf(this.s)).map((axis) =>
      paddingOf(this.s, axis).map((n) => Math.min(Math.max(n, 0), 40)),
    );
    return dimsOf(this.s) === 1 ? [[0, 0], ...around] : around;
  }

  /** Width of a cell, and whether the three panels stand side by side. */
  plan() {
    const room = this.room(),
      flat = dimsOf(this.s) === 1,
      lead = flat ? LEAD : 0,
      titles = [105, isPool(this.s) ? 80 : 125, 105];
    const columns = ["input", "kernel", "output"].map(
      (panel) => this.sizes(panel)[2] + this.margins(panel)[1][0] + this.margins(panel)[1][1],
    );
    const needs = (cell) =>
      columns.reduce((all, n, i) => all + Math.max(n * cell + lead + 3, titles[i]), 56);
    let side = 54;
    while (side > 8 && needs(side) > room) side -= 0.5;
    const stacked = Math.min(54, (room - lead - 3) / Math.max(1, ...columns));
    const beside = side >= 30 || (side >= 10 && room > 640 && stacked < 3 * side),
      width = Math.max(beside ? side : stacked, 10);
    const spare = beside ? room - needs(width) : room - lead - 3 - columns[1] * width;
    const many = count(this.sizes("input")) > SHADED || count(this.sizes("output")) > SHADED;
    const cell = (size) => {
      const font = (0.92 * size) / this.ems("−0.0000"),
        digits =
          many && size < 40
            ? -1
            : font >= 9.4
              ? 4
              : size >= 30
                ? 2
                : size >= 18 && this.whole
                  ? 0
                  : -1;
      return {
        width: size,
        height: Math.min(size, 34),
        digits,
        font: digits === 4 ? Math.min(font, 13) : 11.5,
      };
    };
    const kernel = cell(
      Math.max(width, Math.min(54, width + Math.max(0, spare - 4) / Math.max(1, columns[1]))),
    );
    return { beside, input: cell(width), output: cell(width), kernel };
  }

  room() {
    return (this.root.clientWidth || 720) - 2 * parseFloat(getComputedStyle(this.root).paddingLeft);
  }

  ems(text) {
    this.ruler ??= document.createElement("canvas").getContext("2d");
    this.ruler.font = `100px ${getComputedStyle(this.root).fontFamily}`;
    return this.ruler.measureText(text).width / 100;
  }

  draw() {
    if (!this.s) return;
    this.layout = this.plan();
    this.root.classList.toggle("cx-beside", this.layout.beside);
    this.cells = {};
    this.pads = new Map();
    for (const panel of ["input", "kernel", "output"]) this.drawPanel(panel);
    this.$(".cx-sign").textContent = isPool(this.s) ? "▸" : "∗";
    this.$(".cx-sum").style.minHeight = "";
    this.choose(this.at);
  }

  title(panel) {
    const { s } = this,
      by = (sizes) => sizes.join(" × ");
    if (panel === "input") return `Input <span>x ${shapeText(s.shape)}</span>`;
    if (panel === "output")
      return `Output <span>${this.L ? `y ${shapeText(this.L.outShape)}` : ""}</span>`;
    if (isPool(s)) return `Window <span>${by(s.kernel)}</span>`;
    const step = (by_, sign) =>
      `<button type="button" data-do="kernel" data-by="${by_}" aria-label="Kernel of the ${by_ < 0 ? "previous" : "next"} output channel">${sign}</button>`;
    return `Kernel <span>${this.o}${s.out > 1 ? ` of ${s.out}` : ""}</span>${s.out > 1 ? step(-1, "◂") + step(1, "▸") : ""}`;
  }

  drawPanel(panel) {
    const box = this.grids[panel],
      [channels, rows, columns] = this.sizes(panel);
    this.$(`.cx-${panel} .cx-title`).innerHTML = this.title(panel);
    this.cells[panel] = [];
    if (!channels || !rows || !columns) {
      box.removeAttribute("role");
      box.innerHTML = `<p class="cx-none">${panel === "output" ? (this.L ? "The output is empty." : "No output") : `${panel === "input" ? `x has shape ${shapeText(this.s.shape)}` : "No kernel"}`}</p>`;
      return;
    }
    const pool = panel === "kernel" && isPool(this.s);
    box.setAttribute("role", pool ? "img" : "grid");
    box.setAttribute(
      "aria-label",
      pool
        ? `Window of ${this.s.kernel.join(" by ")}`
        : this.gridName(panel, channels, rows, columns),
    );
    box.innerHTML = this.svg(panel, channels, rows, columns);
    if (!pool) this.cells[panel] = [...box.querySelectorAll("[data-c]")];
    if (panel === "input")
      for (const node of box.querySelectorAll("[data-pad]")) this.pads.set(node.dataset.pad, node);
    this.cell(
      this.at.panel === panel ? this.at : { panel, c: this.firstShown(panel), r: 0, k: 0 },
    )?.setAttribute("tabindex", "0");
  }

  gridName(panel, channels, rows, columns) {
    const size = dimsOf(this.s) === 1 ? `${columns} cells` : `${rows} by ${columns} cells`;
    return `${{ input: "Input", kernel: `Kernel of output channel ${this.o}`, output: "Output" }[panel]}: ${channels} channel${channels === 1 ? "" : "s"} of ${size}. Arrow keys walk.`;
  }

  firstShown(panel) {
    return panel === "kernel" && this.L && !this.L.pool
      ? firstChannel(this.L, this.o)
      : panel === "kernel" && !isPool(this.s)
        ? Math.floor(this.o / Math.max(1, this.s.out / this.s.groups)) * this.sizes("kernel")[0]
        : 0;
  }

  /** The grids of a panel: one for each channel, stacked or wrapped to the room there is. */
  svg(panel, channels, rows, columns) {
    const { width: cw, height: ch, digits, font } = this.layout[panel],
      [[top, bottom], [left, right]] = this.margins(panel),
      flat = dimsOf(this.s) === 1;
    const gridW = (columns + left + right) * cw,
      gridH = (rows + top + bottom) * ch,
      gap = flat ? 0 : 24,
      lead = flat ? LEAD : 0,
      head = flat ? 0 : 16;
    const across =
      this.layout.beside || flat
        ? 1
        : Math.max(1, Math.min(channels, Math.floor((this.room() + 14) / (gridW + 14))));
    const grids = [],
      frames = [],
      first = this.firstShown(panel),
      strongest = this.strongest(panel);
    for (let i = 0; i < channels; i++) {
      const x = lead + (i % across) * (gridW + 14) + 2,
        y = Math.floor(i / across) * (gridH + gap) + head + 2,
        c = first + i;
      const name = flat
        ? `<text class="cx-row-name" x="${lead - 5}" y="${y + ch / 2}">${c}</text>`
        : `<text class="cx-name" x="${x}" y="${y - 9}">channel ${c}</text>`;
      const lines = range(rows).map(
        (r) =>
          `<g${panel === "kernel" && isPool(this.s) ? "" : ' role="row"'}>${range(columns)
            .map((k) => this.cellMarkup(panel, c, r, k, strongest))
            .join("")}</g>`,
      );
      grids.push(
        `${panel === "kernel" && isPool(this.s) ? "" : name}<g transform="translate(${x} ${y})">${panel === "input" ? this.padding(i, rows, columns) : ""}<g transform="translate(${left * cw} ${top * ch})">${digits < 0 ? `<rect class="cx-under" width="${columns * cw}" height="${rows * ch}"/>` : ""}${lines.join("")}</g></g>`,
      );
      frames.push(
        `<g transform="translate(${x + left * cw} ${y + top * ch})"><rect class="cx-frame" data-frame="${c}"/><rect class="cx-mark" data-mark="${c}" width="${cw}" height="${ch}"/></g>`,
      );
    }
    const w = lead + across * (gridW + 14) - 10,
      h = Math.ceil(channels / across) * (gridH + gap) + 4 - (flat ? 0 : 8);
    return `<svg role="presentation" focusable="false" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" style="--cx-font:${font}px">${grids.join("")}<g aria-hidden="true">${frames.join("")}</g></svg>`;
  }

  /** The cells around one channel of the input; copies where the padding mode copies. */
  padding(c, rows, columns) {
    const { width: cw, height: ch, digits } = this.layout.input,
      [[top, bottom], [left, right]] = this.margins("input"),
      parts = [],
      flat = dimsOf(this.s) === 1;
    for (let r = -top; r < rows + bottom; r++)
      for (let k = -left; k < columns + right; k++) {
        if (r >= 0 && r < rows && k >= 0 && k < columns) continue;
        const row = flat ? 0 : source(r, rows, this.s.mode),
          column = source(k, columns, this.s.mode),
          copied =
            this.s.mode !== "zeros" && row >= 0 && row < rows && column >= 0 && column < columns;
        const text =
          familyOf(this.s) === "max"
            ? ""
            : copied
              ? this.text("input", this.number("input", c, row, column))
              : "0";
        const x = (k + left) * cw,
          y = (r + top) * ch,
          tags = `class="cx-pad" data-pad="${c}.${r}.${k}"`,
          box = `x="${x}" y="${y}" width="${cw}" height="${ch}"`;
        parts.push(
          digits < 0
            ? `<rect ${tags} ${box}/>`
            : `<g ${tags}><rect ${box}/><text x="${x + cw / 2}" y="${y + ch / 2}">${text}</text></g>`,
        );
      }
    return `<g aria-hidden="true">${parts.join("")}</g>`;
  }

  text(panel, value) {
    return shown(value, this.whole, Math.max(this.layout[panel].digits, 0));
  }

  number(panel, c, r, k) {
    const { s, L, numbers, sample } = this,
      [, rows, columns] = this.sizes(panel);
    if (panel === "input")
      return numbers.x[((sample * channelsOf(s) + c) * rows + r) * columns + k];
    if (panel === "output") return L.y[yAt(L, sample, c, r, k)];
    if (isPool(s)) return NaN;
    const taps = rows * columns,
      tap = r * columns + k,
      perOut = s.out / s.groups;
    const index = isTransposed(s)
      ? c * perOut + (this.o % perOut)
      : this.o * this.sizes("kernel")[0] + (c - this.firstShown("kernel"));
    return numbers.weight[index * taps + tap];
  }

  strongest(panel) {
    if (this.layout[panel].digits >= 0) return 1;
    const all =
      panel === "input"
        ? this.numbers.x
        : panel === "output"
          ? [...this.L.y]
          : (this.numbers.weight ?? []);
    return (
      all.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0) || 1
    );
  }

  /** A cell: a box with its number, or a shade alone where there is no room for numbers. */
  cellMarkup(panel, c, r, k, strongest) {
    const { width: cw, height: ch, digits } = this.layout[panel],
      x = k * cw,
      y = r * ch,
      size = `width="${cw}" height="${ch}"`;
    if (panel === "kernel" && isPool(this.s))
      return `<g class="cx-cell"><rect x="${x}" y="${y}" ${size}/></g>`;
    const value = this.number(panel, c, r, k),
      tags = `role="gridcell" tabindex="-1" data-c="${c}" data-r="${r}" data-k="${k}" aria-label="${this.cellName(panel, c, r, k)}: ${spoken(this.say(value))}"`;
    if (digits < 0)
      return `<rect class="cx-cell ${value < 0 ? "cx-below" : "cx-above"}" ${tags} x="${x}" y="${y}" ${size} fill-opacity="${(Math.abs(value) / strongest || 0).toFixed(2)}"/>`;
    return `<g class="cx-cell" ${tags}><rect x="${x}" y="${y}" ${size}/><text x="${x + cw / 2}" y="${y + ch / 2}">${this.text(panel, value)}</text></g>`;
  }

  cellName(panel, c, r, k) {
    const word = {
      input: "input",
      output: "output",
      kernel: `weight of output channel ${this.o}, input`,
    }[panel];
    return `${word} channel ${c}, ${dimsOf(this.s) === 1 ? `position ${k}` : `row ${r}, column ${k}`}`;
  }

  cell({ panel, c, r, k }) {
    const [, rows, columns] = this.sizes(panel);
    return this.cells[panel]?.[((c - this.firstShown(panel)) * rows + r) * columns + k];
  }

  // ---- pointing

  /** Choose a cell for good: light it, say it, and put it into the address. */
  choose(at, { focus = false, say = false } = {}) {
    const old = this.o;
    this.keep(at);
    if (this.o !== old) this.drawPanel("kernel");
    if (!this.sizes(this.at.panel)[0]) this.at = { ...FIRST };
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
    const sum = this.$(".cx-sum"),
      own = this.cell(at);
    sum.hidden = this.$(".cx-play").hidden = !this.L || !own;
    if (sum.hidden) return;
    this.mark(own, "cx-at");
    this.ring(at);
    const [name, value, body, said] = {
      output: () => this.pointOutput(at),
      input: () => this.pointInput(at),
      kernel: () => this.pointWeight(at),
    }[at.panel]();
    this.said = `${name}${spoken(said)}`;
    sum.innerHTML = `<p class="cx-head">${name[0].toUpperCase()}${name.slice(1)} <b>${this.say(value)}</b></p>${body}`;
    const tall = sum.offsetHeight; // the page below stays where it is while the reader looks around
    if (tall > (parseFloat(sum.style.minHeight) || 0)) sum.style.minHeight = `${tall}px`;
  }

  say(value) {
    return shown(value, this.whole);
  }

  mark(node, name = "cx-lit") {
    if (!node) return;
    node.classList.add(name);
    this.lit.push(node);
  }

  markInput(c, place, row, column) {
    if (row >= 0 && column >= 0) this.mark(this.cell({ panel: "input", c, r: row, k: column }));
    this.mark(this.pads.get(`${c}.${place[0]}.${place[1]}`));
  }

  markWeight(c, tap) {
    const columns = this.L.windows[1].kernel;
    if (!this.L.pool)
      this.mark(this.cell({ panel: "kernel", c, r: Math.floor(tap / columns), k: tap % columns }));
  }

  markOutput({ o, h, w }) {
    this.mark(this.cell({ panel: "output", c: o, r: h, k: w }));
  }

  /** Lay a frame around the places that a window stands on in one channel, or in `tall` rows of them. */
  frame(c, places, tall) {
    const frame = this.$(`[data-panel=input] [data-frame="${c}"]`),
      { width: cw, height: ch } = this.layout.input;
    const [rows, columns] = [0, 1].map((axis) => places.map((place) => place[axis])),
      r = Math.min(...rows),
      k = Math.min(...columns);
    put(frame, {
      x: k * cw,
      y: r * ch,
      width: (Math.max(...columns) - k + 1) * cw,
      height: (Math.max(...rows) - r + 1) * ch * tall,
    });
    this.mark(frame, "cx-on");
  }

  ring({ panel, c, r, k }) {
    const mark = this.$(`[data-panel=${panel}] [data-mark="${c}"]`),
      { width, height } = this.layout[panel];
    put(mark, { x: k * width, y: r * height });
    this.mark(mark, "cx-on");
  }

  /** Light an output's window; its name, its number, the sum as markup and in words. */
  pointOutput({ c: o, r, k }) {
    const { L, sample } = this,
      found = terms(L, sample, o, r, k),
      channels = new Map();
    for (const term of found) {
      this.markInput(term.c, term.place, term.row, term.column);
      this.markWeight(term.c, term.tap);
      if (!channels.has(term.c)) channels.set(term.c, []);
      channels.get(term.c).push(term);
    }
    const flat = dimsOf(this.s) === 1;
    for (const [c, list] of channels)
      if (!flat || c === found[0].c)
        this.frame(
          c,
          list.map((term) => term.place),
          flat ? channels.size : 1,
        );
    const name = this.cellName("output", o, r, k),
      value_ = L.y[yAt(L, sample, o, r, k)];
    return [
      name,
      value_,
      ...(L.pool
        ? this.pooled(found, value_, divisor(L, r, k))
        : this.summed(channels, value_, L.bias?.[o])),
    ];
  }

  pooled(found, value_, n) {
    const max = familyOf(this.s) === "max",
      chips = found.map((term) => ({
        x: term.x,
        look: max && term.x === value_ ? " cx-won" : padLook(term),
      }));
    const end = max
      ? `the largest of ${found.length}`
      : `sum ${this.say(total(found, "x"))} / ${n}`;
    const words = found.map((term) => this.say(term.x)).join(", ");
    return [
      `${this.chips(chips, max ? "," : "+")}<p class="cx-total">${end} <b>= ${this.say(value_)}</b></p>`,
      `: ${this.say(value_)}, ${max ? `the largest of ${words}` : `the sum of ${words}, divided by ${n}`}.`,
    ];
  }

  summed(channels, value_, bias) {
    const parts = [...channels.values()].map((list) => total(list, "product")),
      found = [...channels.values()].flat();
    const lines = [...channels].map(([c, list], i) =>
      this.chips(
        list.map((term) => ({ ...term, look: padLook(term) })),
        "+",
        `<span class="cx-tag">channel ${c}</span>`,
        `<span class="cx-part">= ${this.say(parts[i])}</span>`,
      ),
    );
    const sum =
        parts
          .map((part) => this.say(part))
          .join(" + ")
          .replace(/\+ −/g, "− ") || "no product",
      known = bias !== undefined;
    const words =
      found.length > 12
        ? `the sum of ${found.length} products, ${this.say(total(found, "product"))}`
        : found.map((term) => `${this.say(term.w)} times ${this.say(term.x)}`).join(", plus ") ||
          "no product";
    return [
      `${lines.join("")}<p class="cx-total">${sum}${known ? ` + bias <span class="cx-bias">${this.say(bias)}</span>` : ""} <b>= ${this.say(value_)}</b></p>`,
      `: ${this.say(value_)}, which is ${words}${known ? `, plus bias ${this.say(bias)}` : ""}.`,
    ];
  }

  pointInput({ c, r, k }) {
    const { L, sample } = this,
      found = reached(L, c, r, k),
      x = L.x[xAt(L, sample, c, r, k)],
      cells = new Set();
    for (const one of found) {
      this.markOutput(one);
      if (one.o === this.o) this.markWeight(c, one.tap);
      cells.add(yAt(L, sample, one.o, one.h, one.w));
    }
    const chips = found.map((one) => {
      const w = L.pool ? null : L.weight[wAt(L, one.o, c, one.tap)];
      return {
        where: this.place(one),
        w,
        x,
        product: L.pool ? L.y[yAt(L, sample, one.o, one.h, one.w)] : w * x,
      };
    });
    const said = `It reaches ${cells.size || "no"} output cell${cells.size === 1 ? "" : "s"}.`;
    return [
      this.cellName("input", c, r, k),
      x,
      `<p>${said}</p>${this.chips(chips)}`,
      `: ${this.say(x)}. ${said}`,
    ];
  }

  pointWeight({ c, r, k }) {
    const { L, sample, o } = this,
      tap = r * L.windows[1].kernel + k,
      found = uses(L, o, c, tap),
      w = this.number("kernel", c, r, k);
    for (const one of found) {
      this.markOutput(one);
      this.markInput(c, placeOf(L, one.h, one.w, tap), one.row, one.column);
    }
    const chips = found.map((one) => {
      const x = one.real ? L.x[xAt(L, sample, c, one.row, one.column)] : 0;
      return { where: this.place(one), w, x, product: w * x, look: one.real ? "" : " cx-zero" };
    });
    const said = `It takes part in ${found.length} product${found.length === 1 ? "" : "s"}.`;
    return [
      this.cellName("kernel", c, r, k),
      w,
      `<p>${said}</p>${this.chips(chips)}`,
      `: ${this.say(w)}. ${said}`,
    ];
  }

  place({ o, h, w }) {
    return `y[${[o, ...(dimsOf(this.s) === 1 ? [] : [h]), w].join(", ")}] ← `;
  }

  /** A line of products, at most MOST of them; with a sign between them where they are a sum. */
  chips(list, sign = "", before = "", after = "") {
    const chip = ({ where = "", w = null, x, product, look = "" }) =>
      `<span class="cx-term${look}"><span class="cx-work">${where}${w === null ? "" : `<b>${this.say(w)}</b> × `}<i>${this.say(x)}</i></span>${product === undefined ? "" : `<em>${this.say(product)}</em>`}</span>`;
    const rest =
      list.length > MOST ? `<span class="cx-plus">${sign} ${list.length - MOST} more</span>` : "";
    return `<div class="cx-line">${before}<span class="cx-chips">${list
      .slice(0, MOST)
      .map(chip)
      .join(sign && `<span class="cx-plus">${sign}</span>`)}${rest}</span>${after}</div>`;
  }

  /** Say the sum in the live region, once the reader has rested on a cell. */
  announce() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      this.$(".cx-live").textContent = this.L
        ? this.said
        : `PyTorch refuses this setting: ${this.problem.message}`;
    }, 250);
  }

  // ---- facts

  facts() {
    const { s, L } = this,
      windows = windowsOf(s),
      names = AXES[dimsOf(s)],
      right = [dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length);
    this.$(".cx-code code").textContent = code(s);
    const words = isTransposed(s)
      ? "(size − 1)·stride − cropped before − cropped after + dilation·(kernel − 1) + output_padding + 1"
      : `${s.ceil && isPool(s) ? "⌈" : "⌊"}(size + padding before + padding after − dilation·(kernel − 1) − 1) / stride${s.ceil && isPool(s) ? "⌉" : "⌋"} + 1`;
    const lines =
      right && s.stride.every(Boolean)
        ? windows
            .map((w, a) => `<dt>${names[a]}</dt><dd>${formula(w, spatial(s)[a])}</dd>`)
            .join("")
        : "";
    this.$(".cx-formula").innerHTML =
      `<p>output size = ${words}</p><dl>${lines}</dl>${L ? `<p>x ${shapeText(s.shape)} → y ${shapeText(L.outShape)}</p>` : ""}`;
    this.showProblem();
  }

  showProblem() {
    const box = this.$(".cx-problem"),
      { problem: p } = this;
    box.hidden = !p;
    if (!p) {
      box.innerHTML = "";
      return;
    }
    const base = this.data.errors,
      page = base === undefined ? "" : escape(base + p.code.replace("#", ".html#"));
    const more = page && `<p><a href="${page}">What this error means</a></p>`;
    box.innerHTML = `<p>PyTorch refuses this setting:</p><pre tabindex="0"><b>${p.type}</b>: ${escape(p.message)}</pre><p>What to change:</p><ul>${p.fixes.map((one, i) => `<li>${escape(one.text)} <button type="button" data-do="fix" data-fix="${i}" aria-label="${escape(one.text)}: do it">Do it</button></li>`).join("")}</ul>${more}`;
    this.announce();
  }

  // ---- address

  /** Open what the address says; true when it spoke of this explorer. */
  openAddress() {
    const hash = window.location.hash.slice(1),
      mark = hash.indexOf("?");
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
      notice.textContent = `This link can’t be opened: ${wrong.message}. The explorer shows its first setting instead.`;
    }
    if (!this.data.address) this.root.scrollIntoView({ block: "start" });
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
      const code_ = this.$(".cx-code code");
      window.getSelection().selectAllChildren(code_);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  }

  // ---- playing

  step(by) {
    if (!this.L) return;
    const [channels, rows, columns] = this.sizes("output"),
      all = channels * rows * columns,
      { at } = this;
    const now = at.panel === "output" ? (at.c * rows + at.r) * columns + at.k : by > 0 ? -1 : 0,
      next = (now + by + all) % all;
    this.choose(
      {
        panel: "output",
        c: Math.floor(next / (rows * columns)),
        r: Math.floor(next / columns) % rows,
        k: next % columns,
      },
      { say: !this.playing },
    );
  }

  play() {
    if (!this.root.isConnected) return this.pause();
    this.step(1);
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

  // ---- listening: a handful of listeners on the root, however much is drawn below it

  listen() {
    const { root, form } = this,
      on = (name, act, node = root) => node.addEventListener(name, act);
    on(
      "submit",
      (event) => {
        event.preventDefault();
        if (!this.$(".cx-own").hidden) this.useOwn();
      },
      form,
    );
    on(
      "change",
      (event) => {
        if (event.target.name in form.elements && !event.target.name.startsWith("own-"))
          this.edited(event.target.name);
      },
      form,
    );
    on("change", (event) => {
      if (event.target.name === "sample") {
        this.sample = Number(event.target.value);
        this.draw();
        this.announce();
      }
    });
    this.$(".cx-own").addEventListener("toggle", (event) => {
      if (event.target.open && !this.form.elements["own-x"].value) this.fillOwn();
    });
    on("click", (event) => this.clicked(event));
    on("keydown", (event) => this.pressed(event));
    on("focusin", (event) => {
      const at = this.where(event.target);
      if (at) {
        this.pause();
        this.choose(at, { say: true });
      }
    });
    on("pointerover", (event) => {
      if (event.pointerType !== "touch" && !this.playing) {
        const at = this.where(event.target);
        if (at) this.point(at);
      }
    });
    on(
      "pointerleave",
      () => {
        if (!this.playing && this.pointed !== this.at) this.point(this.at);
      },
      this.$(".cx-stage"),
    );
    window.addEventListener("hashchange", () => this.openAddress());
    const calm = () => {
      const button = this.$("[data-do=play]");
      button.disabled = CALM.matches;
      button.title = CALM.matches ? "Your system asks for no motion; use Step" : "";
      if (CALM.matches) this.pause();
    };
    CALM.addEventListener?.("change", calm);
    calm();
  }

  where(node) {
    const cell = node.closest?.("[data-c]");
    if (!cell) return null;
    const { panel } = cell.closest("[data-panel]").dataset,
      [c, r, k] = ["c", "r", "k"].map((key) => Number(cell.dataset[key]));
    return { panel, c, r, k, ...(panel === "kernel" ? { o: this.o } : {}) };
  }

  clicked(event) {
    const at = this.where(event.target),
      button = event.target.closest("button");
    if (at) return this.choose(at, { focus: true, say: true });
    if (button?.dataset.step) return this.nudge(button.dataset.for, Number(button.dataset.step));
    const act = {
      play: () => (this.playing ? this.pause() : this.play()),
      step: () => {
        this.pause();
        this.step(1);
      },
      back: () => {
        this.pause();
        this.step(-1);
      },
      copy: () => this.copy(code(this.s), button),
      link: () => this.copy(window.location.href.split("#")[0] + this.address(), button),
      fix: () => this.change(this.problem.fixes[button.dataset.fix].patch),
      kernel: () => this.turnKernel(Number(button.dataset.by)),
    }[button?.dataset.do];
    return act?.();
  }

  turnKernel(by) {
    const o = (this.o + by + this.s.out) % this.s.out;
    this.choose(
      this.at.panel === "output"
        ? { ...this.at, c: o }
        : { ...this.at, o, c: this.at.panel === "kernel" ? 0 : this.at.c },
      { say: true },
    );
    this.$(`[data-do=kernel][data-by="${by}"]`)?.focus();
  }

  nudge(name, by) {
    const input = this.form.elements[name],
      sizes = readField(input.value) ?? [0];
    input.value = sizes.map((size) => size + by).join(", ");
    this.edited(name);
  }

  pressed(event) {
    const { key, target } = event;
    if (target.matches?.(".cx-step input") && ["ArrowUp", "ArrowDown"].includes(key)) {
      event.preventDefault();
      return this.nudge(target.name, key === "ArrowUp" ? 1 : -1);
    }
    const at = this.where(target);
    if (!at || event.altKey || event.metaKey) return undefined;
    const to = this.walk(at, key, event.ctrlKey);
    if (!to) return undefined;
    event.preventDefault();
    return this.choose(to, { focus: true, say: true });
  }

  /** The cell that a key leads to: over the edge of a channel comes the next one. */
  walk(at, key, control) {
    const [channels, rows, columns] = this.sizes(at.panel),
      first = this.firstShown(at.panel),
      line = (at.c - first) * rows + at.r,
      last = channels * rows - 1;
    const to = (row, k) => ({ ...at, c: first + Math.floor(row / rows), r: row % rows, k });
    const clip = (row) => Math.min(Math.max(row, 0), last);
    const moves = {
      ArrowLeft: () => to(line, Math.max(0, at.k - 1)),
      ArrowRight: () => to(line, Math.min(columns - 1, at.k + 1)),
      ArrowUp: () => to(clip(line - 1), at.k),
      ArrowDown: () => to(clip(line + 1), at.k),
      PageUp: () => to(clip(line - rows), at.k),
      PageDown: () => to(clip(line + rows), at.k),
      Home: () => to(control ? 0 : line, 0),
      End: () => to(control ? last : line, columns - 1),
    };
    return moves[key]?.();
  }
}
