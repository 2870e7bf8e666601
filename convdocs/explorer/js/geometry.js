/* A setting of one layer and one input; the windows of the layer, their sizes and positions. */

const KINDS = {
  Conv1d: { family: "convolution", dims: 1 },
  Conv2d: { family: "convolution", dims: 2 },
  ConvTranspose1d: { family: "transposed", dims: 1 },
  ConvTranspose2d: { family: "transposed", dims: 2 },
  MaxPool1d: { family: "max", dims: 1 },
  MaxPool2d: { family: "max", dims: 2 },
  AvgPool1d: { family: "average", dims: 1 },
  AvgPool2d: { family: "average", dims: 2 },
};
const MODES = ["zeros", "reflect", "replicate", "circular"];
const PADDING = -1;
const HOLE = -2; // what a tap reads when it reads no input cell
const LIMITS = { cells: 4096, weights: 16384, numbers: 32768, products: 4e6 };

const dimsOf = (s) => KINDS[s.kind].dims;
const familyOf = (s) => KINDS[s.kind].family;
const isPool = (s) => ["max", "average"].includes(familyOf(s));
const isTransposed = (s) => familyOf(s) === "transposed";
const count = (shape) => shape.reduce((all, size) => all * size, 1);
const listed = (shape) => `[${shape.join(", ")}]`;
const range = (n) => Array.from({ length: Math.max(n, 0) }, (_, i) => i);

/** A setting with everything in it, from the few things that were named. */
function complete(partial) {
  const kind = partial.kind in KINDS ? partial.kind : "Conv1d";
  const each = (value) => range(KINDS[kind].dims).map(() => value);
  const kernel = partial.kernel ?? each(3);
  const pool = isPool({ kind });
  const s = {
    kind,
    kernel,
    stride: pool ? kernel : each(1),
    padding: each(0),
    dilation: each(1),
    outputPadding: each(0),
    groups: 1,
    mode: "zeros",
    ceil: false,
    countPad: true,
    divisor: null,
    bias: true,
    in: 3,
    out: 2,
    values: "notebook",
    relu: false,
    ...partial,
  };
  s.filter ??= ["notebook", "small", "own"].includes(s.values) ? s.values : "small";
  s.shape = partial.shape ?? [s.in, ...(KINDS[kind].dims === 1 ? [4] : [4, 5])];
  return s;
}

const batched = (s) => s.shape.length === dimsOf(s) + 2;
const channelsOf = (s) => s.shape[s.shape.length - dimsOf(s) - 1];
const spatial = (s) => s.shape.slice(-dimsOf(s));
const outChannels = (s) => (isPool(s) ? channelsOf(s) : s.out);

function weightShape(s) {
  const shared = (channels) => Math.floor(channels / s.groups);
  return isTransposed(s) ? [s.in, shared(s.out), ...s.kernel] : [s.out, shared(s.in), ...s.kernel];
}

function paddingOf(s, axis) {
  if (s.padding === "valid") return [0, 0];
  if (s.padding !== "same") return [s.padding[axis], s.padding[axis]];
  const total = s.dilation[axis] * (s.kernel[axis] - 1);
  return [Math.floor(total / 2), total - Math.floor(total / 2)];
}

const windowsOf = (s) =>
  range(dimsOf(s)).map((axis) => {
    const [before, after] = paddingOf(s, axis);
    return {
      kernel: s.kernel[axis],
      stride: s.stride[axis],
      before,
      after,
      dilation: familyOf(s) === "average" ? 1 : s.dilation[axis],
      extra: s.outputPadding[axis],
      ceil: isPool(s) && s.ceil,
      transposed: isTransposed(s),
    };
  });

const spanOf = (w) => w.dilation * (w.kernel - 1) + 1;

function outputSize(w, size) {
  if (w.transposed) return (size - 1) * w.stride - w.before - w.after + spanOf(w) + w.extra;
  const room = size + w.before + w.after - spanOf(w);
  if (!w.ceil) return Math.floor(room / w.stride) + 1;
  const cells = Math.ceil(room / w.stride) + 1;
  return (cells - 1) * w.stride >= size + w.before ? cells - 1 : cells;
}

/** Input position under each tap of output cell `out`; null between two spread input cells. */
const positions = (w, out) =>
  range(w.kernel).map((tap) => {
    if (!w.transposed) return out * w.stride - w.before + tap * w.dilation;
    const place = out + w.before - tap * w.dilation;
    return place % w.stride === 0 ? place / w.stride : null;
  });

/** Input cell that stands at `position`, or PADDING where zeros stand. */
function source(position, size, mode) {
  if (position >= 0 && position < size) return position;
  if (mode === "reflect") return position < 0 ? -position : 2 * (size - 1) - position;
  if (mode === "replicate") return Math.min(Math.max(position, 0), size - 1);
  if (mode === "circular") return ((position % size) + size) % size;
  return PADDING;
}

function formula(w, size) {
  const reach = `${w.dilation}·(${w.kernel} − 1)`,
    out = outputSize(w, size);
  if (w.transposed) {
    return (
      `(${size} − 1)·${w.stride} − ${w.before} − ${w.after} + ${reach} + ${w.extra} + ` +
      `1 = ${out}`
    );
  }
  const [left, right] = w.ceil ? "⌈⌉" : "⌊⌋";
  const rounded = Math.ceil((size + w.before + w.after - spanOf(w)) / w.stride) + 1;
  const dropped =
    w.ceil && rounded !== out ? " − 1 (the last window would start in the padding)" : "";
  return (
    `${left}(${size} + ${w.before} + ${w.after} − ${reach} − 1) / ${w.stride}${right} ` +
    `+ 1${dropped} = ${out}`
  );
}

const rowed = (s, sizes) => (dimsOf(s) === 1 ? [1, ...sizes] : sizes);

/** The first input channel that filter `o` reads: that of its group. */
const groupStart = (s, o) =>
  isPool(s) ? o : Math.floor(o / (s.out / s.groups)) * (s.in / s.groups);

/** Channels, rows and columns of a panel: the input, one filter, the output of a legal setting. */
function cellsOf(s, panel) {
  if (panel === "input") return [channelsOf(s), ...rowed(s, spatial(s))];
  if (panel === "kernel") return [isPool(s) ? 1 : s.in / s.groups, ...rowed(s, s.kernel)];
  const sizes = windowsOf(s).map((w, axis) => outputSize(w, spatial(s)[axis]));
  return [outChannels(s), ...rowed(s, sizes)];
}

/** Whether a legal setting has the cell `at`. */
function isCell(s, { panel, c, r, k, o = 0 }) {
  const [channels, rows, columns] = cellsOf(s, panel);
  const first = panel === "kernel" ? groupStart(s, o) : 0;
  const inside = [
    [c - first, channels],
    [r, rows],
    [k, columns],
    [o, outChannels(s)],
  ];
  return inside.every(([place, size]) => place >= 0 && place < size);
}
