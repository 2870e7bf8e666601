/* The controls: their markup, what they show of a setting, and what a change of them means. */

const AXES = { 1: ["length"], 2: ["height", "width"] };
const LEVELS = ["none", "basic", "all"];

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
  ["bias", "bias", (s) => !isPool(s)],
  ["relu", "ReLU after it", () => true],
  ["ceil", "ceil_mode", isPool],
  ["countPad", "count_include_pad", (s) => familyOf(s) === "average"],
];
const MODE = ["mode", "padding_mode", (s) => !isPool(s)];
const CONTROLS = [...FIELDS, ...MORE, ...CHECKS, MODE];
const BASIC = ["size", "kernel", "stride", "padding", "bias", "relu"];
const LONE = ["in", "out", "groups", "batch", "planes"]; // fields with one number
const PER_AXIS = ["kernel", "stride", "padding", "dilation", "outputPadding", "size"];

const options = (choices, taken) =>
  choices
    .map(([value, text]) => {
      const chosen = value === taken ? " selected" : "";
      return `<option value="${value}"${chosen}>${text}</option>`;
    })
    .join("");

function fieldMarkup(id, [name, label]) {
  const step = (by, sign, word) =>
    `<button type="button" tabindex="-1" data-step="${by}" data-for="${name}" ` +
    `aria-label="${label}: ${word}">${sign}</button>`;
  const [less, more] = name === "shape" ? ["", ""] : [step(-1, "−", "less"), step(1, "+", "more")];
  return (
    `<div class="cx-field" data-field="${name}"><label for="${id}-${name}">${label}</label>` +
    `<span class="cx-step">${less}<input id="${id}-${name}" name="${name}" autocomplete="off" ` +
    `spellcheck="false">${more}</span></div>`
  );
}

const checkMarkup = ([name, label]) =>
  `<label class="cx-check" data-field="${name}"><input type="checkbox" name="${name}"> ` +
  `${label}</label>`;

const selectMarkup = (id, name, label, choices) =>
  `<div class="cx-field" data-field="${name}"><label for="${id}-${name}">${label}</label>` +
  `<select id="${id}-${name}" name="${name}">${options(choices)}</select></div>`;

const controlMarkup = (id, control) =>
  control === MODE
    ? selectMarkup(
        id,
        ...MODE.slice(0, 2),
        MODES.map((mode) => [mode, mode]),
      )
    : CHECKS.includes(control)
      ? checkMarkup(control)
      : fieldMarkup(id, control);

/** What a page's level shows at once: everything usual, or the basic fields and what differs. */
function controlsOf(level, first) {
  if (level === "all") return [...FIELDS, CHECKS[0], CHECKS[1]];
  const known = named(first);
  return CONTROLS.filter(
    ([name]) => BASIC.includes(name) || (known.includes(name) && !["in", "out"].includes(name)),
  );
}

const OWN = [
  ["x", "Input x"],
  ["weight", "Weight"],
  ["bias", "Bias"],
];

function formMarkup(id, level, first) {
  if (level === "none") return "";
  const kinds = Object.keys(KINDS).map((kind) => [kind, kind]);
  const kind = level === "all" ? selectMarkup(id, "kind", "layer", kinds) : "";
  const main = controlsOf(level, first);
  const rest = CONTROLS.filter((control) => !main.includes(control));
  const markup = (controls) => controls.map((control) => controlMarkup(id, control)).join("");
  const more =
    level === "all"
      ? `<details class="cx-more"><summary>More settings</summary>` +
        `<div class="cx-row">${markup(rest)}</div></details>`
      : "";
  const area = ([name, label]) =>
    `<div data-field="own-${name}"><label for="${id}-own-${name}">${label}</label>` +
    `<textarea id="${id}-own-${name}" name="own-${name}" rows="4" spellcheck="false">` +
    `</textarea></div>`;
  return (
    `<details class="cx-controls"><summary>Change the layer</summary>` +
    `<form><div class="cx-row">${kind}${markup(main)}</div>${more}` +
    `<details class="cx-own"><summary>My own numbers</summary>` +
    `<p>Type or paste numbers: rows, a nested list, or a tensor as torch prints it. ` +
    `One grid is one channel.</p>` +
    `<div class="cx-row">${OWN.map(area).join("")}</div>` +
    `<p class="cx-error" role="status"></p>` +
    `<button type="submit">Use these numbers</button></details></form></details>` +
    `<p class="cx-error cx-refusal" role="status"></p>`
  );
}

/** Write a setting into the controls. */
function fillForm(view) {
  const { s, form } = view;
  fillTools(view);
  if (!form) return;
  const right = s.shape.length - dimsOf(s);
  const texts = {
    size: tuple(spatial(s)),
    in: s.in,
    planes: channelsOf(s) ?? 1,
    out: s.out,
    kernel: tuple(s.kernel),
    stride: tuple(s.stride),
    padding: Array.isArray(s.padding) ? tuple(s.padding) : s.padding,
    dilation: tuple(s.dilation),
    groups: s.groups,
    outputPadding: tuple(s.outputPadding),
    batch: right === 2 ? s.shape[0] : 0,
    shape: shapeText(s.shape),
  };
  for (const [name, , has] of CONTROLS) {
    const field = view.$(`form [data-field=${name}]`);
    const input = form.elements[name];
    if (!field) continue;
    field.hidden = !has(s);
    input.removeAttribute("aria-invalid");
    if (input.type === "checkbox") input.checked = s[name];
    else
      input.value =
        name === "mode" ? s.mode : `${texts[name]}`.replace(/[()]/g, "").replace(/,$/, "");
  }
  if (form.elements.kind) form.elements.kind.value = s.kind;
  for (const name of ["weight", "bias"])
    view.$(`[data-field=own-${name}]`).hidden = isPool(s) || (name === "bias" && !s.bias);
}

/** Write a setting into the menus over the grids. */
function fillTools(view) {
  const { s } = view;
  const menu = (name, choices, taken) => {
    const select = view.$(`[name=${name}]`);
    if (!select) return;
    const markup = options(choices, taken);
    if (view.menus[name] !== markup) select.innerHTML = view.menus[name] = markup;
    select.value = taken;
  };
  menu("values", inputsFor(s), inputOf(s));
  menu("filter", isPool(s) ? [] : filtersFor(s), isPool(s) ? "" : filterOf(s));
  const filter = view.$("[data-field=filter]");
  if (filter) filter.hidden = isPool(s);
  const samples = view.samples();
  const sample = view.$("[name=sample]");
  view.$("[data-field=sample]").hidden = samples < 2;
  menu(
    "sample",
    range(samples).map((n) => [`${n}`, n]),
    `${view.sample}`,
  );
  sample.value = view.sample;
}

/** A field was changed: the part of the setting that it changes, or null after saying why not. */
function editedPatch(view, input) {
  const { s } = view;
  const { name } = input;
  const text = input.value.trim();
  if (input.type === "checkbox") return { [name]: input.checked };
  if (name === "kind") return kindPatch(view, input.value);
  if (name === "mode") return { mode: input.value };
  if (name === "padding" && ["same", "valid"].includes(text)) return { padding: text };
  const sizes = readField(text, PER_AXIS.includes(name) ? dimsOf(s) : undefined);
  const positive = ["size", "shape", "planes"].includes(name) && sizes?.some((size) => size < 1);
  const lone = LONE.includes(name) && sizes?.length !== 1;
  const negative = name === "batch" && sizes?.[0] < 0;
  if (sizes && !positive && !lone && sizes.length <= 6 && !negative)
    return sizesPatch(s, name, sizes);
  input.setAttribute("aria-invalid", "true");
  view.$(".cx-refusal").textContent =
    `“${input.value}” can’t be used here: write ${wanted(name, dimsOf(s))}.`;
  return null;
}

function wanted(name, dims) {
  if (name === "padding") return "whole numbers, same or valid";
  if (LONE.includes(name)) return "one whole number";
  if (name === "shape") return "up to six sizes of at least 1";
  const numbers = dims === 1 ? "one whole number" : "one or two whole numbers";
  return `${numbers}${name === "size" ? " of at least 1" : ""}`;
}

function sizesPatch(s, name, sizes) {
  const dims = dimsOf(s);
  const channels = channelsOf(s) ?? s.in;
  const batch = batched(s) ? [s.shape[0]] : [];
  const fitting =
    s.shape.length > dims ? spatial(s) : [...range(dims).map(() => 4), ...spatial(s)].slice(-dims);
  if (name === "shape") return { shape: sizes };
  if (name === "size") return { shape: [...batch, channels, ...sizes] };
  if (name === "planes") return { shape: [...batch, sizes[0], ...fitting] };
  if (name === "batch") return { shape: [...(sizes[0] ? sizes : []), channels, ...fitting] };
  if (name === "in")
    return { in: sizes[0], ...(sizes[0] > 0 ? { shape: [...batch, sizes[0], ...fitting] } : {}) };
  if (["out", "groups"].includes(name)) return { [name]: sizes[0] };
  const stride =
    name === "kernel" && isPool(s) && same(s.stride, s.kernel) ? { stride: sizes } : {};
  return { [name]: sizes, ...stride };
}

/**
 * Another kind of layer, with the sizes of this one; view.left keeps, by number of axes, what was
 * there before, so that the way back gives the same sizes.
 */
function kindPatch(view, kind) {
  const { s } = view;
  const from = dimsOf(s);
  const { dims } = KINDS[kind];
  const keys = ["size", "kernel", "stride", "padding", "dilation", "outputPadding"];
  const now = Object.fromEntries(keys.map((key) => [key, key === "size" ? spatial(s) : s[key]]));
  view.left[from] = now;
  const fit = (values) =>
    from === dims ? values : dims === 1 ? [values.at(-1)] : [values[0], values[0]];
  const fitted = (key) => {
    const before = view.left[dims]?.[key];
    if (!Array.isArray(now[key])) return now[key];
    const back =
      from !== dims &&
      Array.isArray(before) &&
      same(dims === 2 ? [before.at(-1)] : before, now[key]);
    return back ? before : fit(now[key]);
  };
  const next = Object.fromEntries(keys.map((key) => [key, fitted(key)]));
  const { size, ...rest } = next;
  const patch = { kind, ...rest, shape: [...s.shape.slice(0, -from), ...size] };
  const pool = isPool(patch);
  if (!Array.isArray(patch.padding) && (pool || isTransposed(patch)))
    patch.padding = range(dims).map(() => 0);
  if (isTransposed(patch)) patch.mode = "zeros";
  if (pool !== isPool(s)) patch.stride = pool ? patch.kernel : range(dims).map(() => 1);
  if (dims !== from && s.values === "own") patch.values = "small";
  if (s.filter === "own" && (dims !== from || isTransposed(patch) !== isTransposed(s)))
    patch.filter = "small";
  return patch;
}

/** Put the numbers that are shown into the boxes for the reader's own. */
function fillOwn(view) {
  const { x, weight, bias } = view.numbers ?? {};
  const { s } = view;
  const tensors = {
    x: x && { shape: s.shape, data: x },
    weight: weight && { shape: weightShape(s), data: weight },
    bias: bias && { shape: [s.out], data: bias },
  };
  for (const [name] of OWN)
    view.form.elements[`own-${name}`].value = tensors[name] ? nestedText(tensors[name]) : "";
}

/** Read the boxes; the sizes of the layer follow the numbers. Null after saying what is wrong. */
function ownPatch(view) {
  const { s } = view;
  const error = view.$(".cx-own .cx-error");
  const own = {};
  let box = "";
  error.textContent = "";
  try {
    for (const [name, label] of OWN.slice(0, isPool(s) ? 1 : s.bias ? 3 : 2)) {
      box = `${label}: `;
      own[name] = read(view.form.elements[`own-${name}`].value);
    }
    box = "";
    if (!own.x.shape.length) refuse("Input x: one number alone is no input; write [1].");
    return { values: "own", filter: isPool(s) ? s.filter : "own", own, ...sizesOfOwn(s, own) };
  } catch (wrong) {
    if (!(wrong instanceof Refusal)) throw wrong;
    error.textContent = box + wrong.message;
    return null;
  }
}

/** A grid alone is one channel, a kernel alone one filter over one channel. */
function sizesOfOwn(s, { x, weight, bias }) {
  const dims = dimsOf(s);
  if (x.shape.length === dims) x.shape = [1, ...x.shape];
  if (!weight) return { shape: x.shape };
  while (weight.shape.length >= dims && weight.shape.length < dims + 2)
    weight.shape = [1, ...weight.shape];
  if (bias && !bias.shape.length) bias.shape = [1];
  const { shape } = weight;
  if (shape.length !== dims + 2)
    refuse(
      `Weight: it has ${shape.length} axes, and ${s.kind} takes ${dims + 2}: ` +
        `${isTransposed(s) ? "(in, out / groups" : "(out, in / groups"}, ` +
        `${AXES[dims].join(", ")}).`,
    );
  const [first, second, ...kernel] = shape;
  const groups = s.groups > 1 && first % s.groups === 0 ? s.groups : 1;
  const found = isTransposed(s)
    ? { in: first, out: second * groups }
    : { out: first, in: second * groups };
  if (bias && !same(bias.shape, [found.out]))
    refuse(
      `Bias: it has shape ${shapeText(bias.shape)}; ${found.out} ` +
        `${found.out === 1 ? "filter takes" : "filters take"} (${found.out},).`,
    );
  return { shape: x.shape, kernel, groups, ...found };
}
