/* Settings as text: a line of code, an address, and what is too large to show. */

/** The parameters a link and a line of code name: [name in torch, key here, how it is written]. */
const PARAMETERS = [
  ["in_channels", "in", "int"],
  ["out_channels", "out", "int"],
  ["kernel_size", "kernel", "sizes"],
  ["stride", "stride", "sizes"],
  ["padding", "padding", "padding"],
  ["output_padding", "outputPadding", "sizes"],
  ["dilation", "dilation", "sizes"],
  ["groups", "groups", "int"],
  ["bias", "bias", "bool"],
  ["padding_mode", "mode", "mode"],
  ["ceil_mode", "ceil", "bool"],
  ["count_include_pad", "countPad", "bool"],
  ["divisor_override", "divisor", "int"],
];
const TAKES = {
  convolution: ["in", "out", "kernel", "stride", "padding", "dilation", "groups", "bias", "mode"],
  transposed: [
    "in",
    "out",
    "kernel",
    "stride",
    "padding",
    "outputPadding",
    "groups",
    "bias",
    "dilation",
    "mode",
  ],
  max: ["kernel", "stride", "padding", "dilation", "ceil"],
  average: ["kernel", "stride", "padding", "ceil", "countPad", "divisor"],
};
const parameter = (key) => PARAMETERS.find((one) => one[1] === key);
const same = (a, b) => `${a}` === `${b}`;

function named(s) {
  const plain = complete({ kind: s.kind, kernel: s.kernel });
  return TAKES[familyOf(s)].filter(
    (key) => ["in", "out", "kernel"].includes(key) || !same(s[key], plain[key]),
  );
}

const tuple = (values) => (new Set(values).size === 1 ? `${values[0]}` : `(${values.join(", ")})`);

/** A value as Python writes it. */
function typed(value) {
  if (Array.isArray(value)) return tuple(value);
  if (typeof value === "string") return `'${value}'`;
  return typeof value === "boolean" ? (value ? "True" : "False") : `${value}`;
}

/** The line that makes this layer, as convdocs.layers.code writes it. */
function code(s) {
  const words = named(s).map(
    (key) => (["in", "out", "kernel"].includes(key) ? "" : `${parameter(key)[0]}=`) + typed(s[key]),
  );
  const layer = `nn.${s.kind}(${words.join(", ")})`;
  return s.relu ? `nn.Sequential(${layer}, nn.ReLU())` : layer;
}

/** The tensors of a setting that are the reader's own. */
const ownNames = (s) => [
  ...(s.values === "own" ? ["x"] : []),
  ...(s.filter === "own" && !isPool(s) ? ["weight", "bias"] : []),
];

/** The part of an address after "#id?": everything that opens this picture again. */
function link(s, at) {
  const pairs = [
    ["kind", s.kind],
    ["shape", s.shape.join("x")],
  ];
  for (const key of named(s)) {
    const value = s[key];
    pairs.push([
      parameter(key)[0],
      Array.isArray(value) ? (new Set(value).size === 1 ? value[0] : value.join("x")) : value,
    ]);
  }
  if (s.relu) pairs.push(["relu", true]);
  pairs.push(["values", s.values]);
  if (s.filter !== complete({ values: s.values }).filter) pairs.push(["filter", s.filter]);
  for (const name of ownNames(s)) {
    const tensor = s.own?.[name];
    if (tensor)
      pairs.push([
        `${name}_values`,
        `${tensor.shape.join("x")}:${tensor.data.map(shortest).join(",")}`,
      ]);
  }
  if (at)
    pairs.push([
      "at",
      [at.panel, ...(at.panel === "kernel" ? [at.o] : []), at.c, at.r, at.k].join("."),
    ]);
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** What a link or a pasted text is refused for. */
class Refusal extends Error {}
const refuse = (text) => {
  throw new Refusal(text);
};

function readInt(text, name, whole = text) {
  if (!/^-?\d{1,4}$/.test(text))
    refuse(`${name}=${whole} is not a whole number of up to four digits`);
  return Number(text);
}

function readSizes(text, name, dims) {
  const sizes = text.split("x").map((one) => readInt(one, name, text));
  if (sizes.length === 1) return range(dims).map(() => sizes[0]);
  return sizes.length === dims
    ? sizes
    : refuse(
        `${name}=${text} has ${sizes.length} numbers; this layer has ${dims} ` +
          `${dims === 1 ? "axis" : "axes"}`,
      );
}

function readTensor(text, name) {
  const [sizes, list, ...rest] = text.split(":");
  if (list === undefined || rest.length) refuse(`${name} is not written as sizes:numbers`);
  const shape = readShape(sizes, name),
    data = list
      .split(",")
      .map((one) =>
        numberOr(one, () => refuse(`${name} holds ${one || "nothing"}, which is not a number`)),
      );
  if (data.length !== count(shape))
    refuse(`${name} has ${data.length} numbers; ${sizes} needs ${count(shape)}`);
  return { shape, data };
}

function readShape(text, name) {
  const shape = text.split("x").map((one) => readInt(one, name, text));
  if (shape.length > 6 || shape.some((size) => size < 1))
    refuse(`${name}=${text} is not a shape; it is up to six sizes of at least 1`);
  return shape;
}

const oneOf = (text, name, choices) =>
  choices.includes(text)
    ? text
    : refuse(`${name}=${text} is not known; it is one of ${choices.join(", ")}`);
const readers = {
  int: (text, name) => readInt(text, name),
  sizes: readSizes,
  padding: (text, name, dims) =>
    ["same", "valid"].includes(text) ? text : readSizes(text, name, dims),
  bool: (text, name) => oneOf(text, name, ["true", "false"]) === "true",
  mode: (text, name) => oneOf(text, name, MODES),
};

/** A setting and a cell from the part of an address after "#id?"; throws what is wrong with it. */
function unlink(text) {
  const pairs = new Map();
  for (const part of text.split("&")) {
    const [name, ...value] = part.split("=");
    if (!value.length) refuse(`“${name}” has no value`);
    if (pairs.has(name)) refuse(`${name} is named twice`);
    try {
      pairs.set(name, decodeURIComponent(value.join("=")));
    } catch {
      refuse(`${name} is not written as an address`);
    }
  }
  const take = (name) => {
    const value = pairs.get(name);
    pairs.delete(name);
    return value;
  };
  const kind = oneOf(
      take("kind") ?? refuse("it names no kind of layer"),
      "kind",
      Object.keys(KINDS),
    ),
    dims = KINDS[kind].dims;
  const given = {
    kind,
    values: oneOf(take("values") ?? "notebook", "values", names(INPUTS)),
  };
  const filter = take("filter");
  if (filter !== undefined) given.filter = oneOf(filter, "filter", names(FILTERS));
  given.relu = oneOf(take("relu") ?? "false", "relu", ["true", "false"]) === "true";
  for (const key of TAKES[KINDS[kind].family]) {
    const [name, , how] = parameter(key),
      value = take(name);
    if (value !== undefined) given[key] = readers[how](value, name, dims);
  }
  const shape = take("shape");
  if (shape !== undefined) given.shape = readShape(shape, "shape");
  const setting = complete(given);
  setting.own = readOwn(take, setting);
  const at = take("at");
  if (pairs.size) refuse(`${[...pairs.keys()][0]} is no setting of ${kind}`);
  return { setting: checked(setting), at: at === undefined ? null : readAt(at, setting) };
}

function readOwn(take, s) {
  const own = {};
  for (const name of ownNames(s)) {
    const text = take(`${name}_values`);
    if (text !== undefined) own[name] = readTensor(text, `${name}_values`);
  }
  return own;
}

function checked(s) {
  const large = problem(s) ? tooMany(s) : (tooMany(s) ?? tooLarge(s));
  return large ? refuse(large) : s;
}

const names = (choices) => choices.map(([name]) => name);

function readAt(text, s) {
  const [panel, ...place] = text.split("."),
    numbers = place.map((one) => readInt(one, "at", text));
  oneOf(panel, "at", ["output", "input", "kernel"]);
  if (numbers.length !== (panel === "kernel" ? 4 : 3)) refuse(`at=${text} does not name a cell`);
  const [c, r, k] = numbers.slice(-3);
  const at = { panel, c, r, k, ...(panel === "kernel" ? { o: numbers[0] } : {}) };
  return problem(s) || isCell(s, at) ? at : refuse(`at=${text} is outside of the ${panel}`);
}

const grouped = (n) => `${n}`.replace(/\B(?=(\d{3})+$)/g, ",");

/** What makes a setting too much to hold, before any number is worked out. */
function tooMany(s) {
  const say = (what, n, most) =>
    `${what} ${grouped(n)} numbers; the explorer takes up to ${grouped(most)}`;
  if (count(s.shape) > LIMITS.numbers) return say("the input has", count(s.shape), LIMITS.numbers);
  const weights =
    isPool(s) || s.groups < 1 ? 0 : count(weightShape(s).map((size) => Math.max(size, 0)));
  return weights > LIMITS.weights ? say("the layer has", weights, LIMITS.weights) : null;
}

/** What makes a legal setting too much to draw. */
function tooLarge(s) {
  const cells = (what, n) =>
    n > LIMITS.cells
      ? `${what} has ${grouped(n)} cells in one sample; the explorer draws up to ` +
        `${grouped(LIMITS.cells)}`
      : null;
  const windows = windowsOf(s),
    padded = windows.map(
      (w, a) => spatial(s)[a] + (w.transposed ? 0 : Math.max(0, w.before) + Math.max(0, w.after)),
    );
  const out = outChannels(s) * count(windows.map((w, a) => outputSize(w, spatial(s)[a])));
  const samples = batched(s) ? s.shape[0] : 1,
    products = samples * out * count(s.kernel) * (isPool(s) ? 1 : s.in / s.groups);
  return (
    cells("the padded input", channelsOf(s) * count(padded)) ??
    cells("the output", out) ??
    (products > LIMITS.products
      ? `the output takes ${grouped(products)} products; the explorer works out up to ` +
        `${grouped(LIMITS.products)}`
      : null)
  );
}
