/* The explorer: touch an output cell of a layer and see where it came from.
 *
 * A classic script without dependencies, so that it runs from file:// too. In order: the arithmetic
 * of the layers (compared with torch by tests/browser), torch's own messages, settings as text
 * (addresses, code, pasted numbers), and the page part that draws and listens.
 */
window.ConvExplorer ??= (() => {
"use strict";

// ------------------------------------------------------------------ arithmetic

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
const PADDING = -1, HOLE = -2; // what a tap reads when it reads no input cell
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
    kind, kernel, stride: pool ? kernel : each(1), padding: each(0), dilation: each(1),
    outputPadding: each(0), groups: 1, mode: "zeros", ceil: false, countPad: true, divisor: null,
    bias: true, in: 3, out: 2, values: "notebook", ...partial,
  };
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

const windowsOf = (s) => range(dimsOf(s)).map((axis) => {
  const [before, after] = paddingOf(s, axis);
  return {
    kernel: s.kernel[axis], stride: s.stride[axis], before, after,
    dilation: familyOf(s) === "average" ? 1 : s.dilation[axis],
    extra: s.outputPadding[axis], ceil: isPool(s) && s.ceil, transposed: isTransposed(s),
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
const positions = (w, out) => range(w.kernel).map((tap) => {
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
  const reach = `${w.dilation}·(${w.kernel} − 1)`, out = outputSize(w, size);
  if (w.transposed) {
    return `(${size} − 1)·${w.stride} − ${w.before} − ${w.after} + ${reach} + ${w.extra} + 1 = ${out}`;
  }
  const [left, right] = w.ceil ? "⌈⌉" : "⌊⌋";
  const rounded = Math.ceil((size + w.before + w.after - spanOf(w)) / w.stride) + 1;
  const dropped = w.ceil && rounded !== out ? " − 1 (the last window would start in the padding)" : "";
  return `${left}(${size} + ${w.before} + ${w.after} − ${reach} − 1) / ${w.stride}${right} + 1${dropped} = ${out}`;
}

/** A tensor cut or repeated to `shape`, so that a cell keeps its number when the sizes change. */
function tile(tensor, shape) {
  const from = [...range(shape.length - tensor.shape.length).map(() => 1), ...tensor.shape].slice(-shape.length);
  let flat = [0], step = count(from);
  shape.forEach((size, axis) => {
    step /= from[axis];
    flat = flat.flatMap((base) => range(size).map((i) => base + (i % from[axis]) * step));
  });
  return flat.map((i) => tensor.data[i]);
}

const SMALL_WEIGHTS = [0, 1, 2, 3, 1, -1, 2, 0, -2];
const SMALL = {
  x: (shape, dims) => {
    const plane = count(shape.slice(-dims));
    return range(count(shape)).map((i) => (i % plane + 3 * Math.floor(i / plane)) % 10);
  },
  weight: (shape) => {
    const taps = count(shape.slice(2));
    return range(count(shape)).map((i) => SMALL_WEIGHTS[(i % taps + 4 * Math.floor(i / taps)) % 9]);
  },
  bias: ([n]) => range(n).map((i) => i % 4),
};

function numbersOf(s, notebook) {
  const take = (name, shape) => {
    const given = s.values === "own" ? s.own?.[name] : s.values === "notebook" ? notebook?.[dimsOf(s)]?.[name] : null;
    return given ? tile(given, shape) : SMALL[name](shape, dimsOf(s));
  };
  const pool = isPool(s);
  return {
    x: take("x", s.shape), weight: pool ? null : take("weight", weightShape(s)),
    bias: pool || !s.bias ? null : take("bias", [s.out]),
  };
}

/** Everything about a legal setting: windows, shapes, numbers and what each tap reads.
 *  A layer over one axis is worked out as one row of a layer over two. */
function solve(s, numbers) {
  const flat = dimsOf(s) === 1;
  const still = { kernel: 1, stride: 1, before: 0, after: 0, dilation: 1, extra: 0, ceil: false, transposed: isTransposed(s) };
  const windows = flat ? [still, ...windowsOf(s)] : windowsOf(s);
  const size = flat ? [1, ...spatial(s)] : spatial(s);
  const out = windows.map((w, axis) => outputSize(w, size[axis]));
  const L = {
    s, windows, size, out, ...numbers, pool: isPool(s), channels: channelsOf(s), outChannels: outChannels(s),
    samples: batched(s) ? s.shape[0] : 1, taps: windows[0].kernel * windows[1].kernel,
    perGroup: isPool(s) ? 1 : s.in / s.groups, outPerGroup: isPool(s) ? 1 : s.out / s.groups,
  };
  L.reads = windows.map((w, axis) => range(out[axis]).map((o) => positions(w, o).map((place) => {
    const inside = place >= 0 && place < size[axis];
    if (place === null || (w.transposed && !inside)) return HOLE;
    if (L.pool && !inside) return place < size[axis] + w.after ? PADDING : HOLE;
    return source(place, size[axis], s.mode);
  })));
  L.outShape = [...(batched(s) ? [s.shape[0]] : []), L.outChannels, ...out.slice(flat ? 1 : 0)];
  L.y = new Float64Array(L.samples * L.outChannels * out[0] * out[1]);
  let at = 0;
  for (let n = 0; n < L.samples; n++) for (let o = 0; o < L.outChannels; o++)
    for (let h = 0; h < out[0]; h++) for (let w = 0; w < out[1]; w++) L.y[at++] = value(L, n, o, h, w);
  return L;
}

/** Input channels that output channel `o` reads: those of its group, or its own in a pool. */
const firstChannel = (L, o) => (L.pool ? o : Math.floor(o / L.outPerGroup) * L.perGroup);

const xAt = (L, n, c, h, w) => ((n * L.channels + c) * L.size[0] + h) * L.size[1] + w;
const yAt = (L, n, o, h, w) => ((n * L.outChannels + o) * L.out[0] + h) * L.out[1] + w;

function wAt(L, o, c, tap) {
  if (isTransposed(L.s)) return (c * L.outPerGroup + (o % L.outPerGroup)) * L.taps + tap;
  return (o * L.perGroup + (c - firstChannel(L, o))) * L.taps + tap;
}

/** Call visit(channel, tap, row, column) for each tap of an output cell that is no hole. */
function eachTap(L, o, h, w, visit) {
  const rows = L.reads[0][h], columns = L.reads[1][w], first = firstChannel(L, o);
  for (let c = first; c < first + L.perGroup; c++)
    for (let i = 0; i < rows.length; i++) if (rows[i] !== HOLE)
      for (let j = 0; j < columns.length; j++) if (columns[j] !== HOLE)
        visit(c, i * columns.length + j, rows[i], columns[j]);
}

const inInput = (row, column) => row !== PADDING && column !== PADDING;

function divisor(L, h, w) {
  if (L.s.divisor) return L.s.divisor;
  return [h, w].reduce((all, out, axis) => {
    const window = L.windows[axis], start = out * window.stride - window.before;
    const end = Math.min(start + window.kernel, L.size[axis] + window.before);
    const inside = Math.min(end, L.size[axis]) - Math.max(start, 0);
    return all * (L.s.countPad ? end - start : inside);
  }, 1);
}

function value(L, n, o, h, w) {
  let sum = L.bias ? L.bias[o] : 0, top = -Infinity;
  eachTap(L, o, h, w, (c, tap, row, column) => {
    const x = inInput(row, column) ? L.x[xAt(L, n, c, row, column)] : null;
    if (!L.pool) sum += L.weight[wAt(L, o, c, tap)] * (x ?? 0);
    else if (x !== null) {
      sum += x;
      if (x > top || Number.isNaN(x)) top = x;
    }
  });
  if (familyOf(L.s) === "max") return top;
  return L.pool ? sum / divisor(L, h, w) : sum;
}

/** The products of one output cell: {c, tap, row, column, padded, x, w, product}. */
function terms(L, n, o, h, w) {
  const found = [];
  eachTap(L, o, h, w, (c, tap, row, column) => {
    const real = inInput(row, column), x = real ? L.x[xAt(L, n, c, row, column)] : 0;
    if (L.pool && !real && familyOf(L.s) === "max") return;
    const weight = L.pool ? null : L.weight[wAt(L, o, c, tap)];
    const place = placeOf(L, h, w, tap);
    found.push({
      c, tap, row, column, place, x, w: weight, product: L.pool ? x : weight * x,
      real, padded: place.some((p, axis) => p < 0 || p >= L.size[axis]),
    });
  });
  return found;
}

function placeOf(L, h, w, tap) {
  const [rows, columns] = L.windows;
  return [positions(rows, h)[Math.floor(tap / columns.kernel)], positions(columns, w)[tap % columns.kernel]];
}

/** Output cells that read input cell (c, row, column): {o, h, w, tap}. */
function reached(L, c, row, column) {
  const found = [], group = Math.floor(c / L.perGroup);
  const channels = L.pool ? [c] : range(L.outPerGroup).map((i) => group * L.outPerGroup + i);
  const readers = (axis, cell) => L.reads[axis].flatMap((taps, out) =>
    taps.flatMap((read, tap) => (read === cell ? [[out, tap]] : [])));
  const across = readers(1, column);
  for (const [h, i] of readers(0, row)) for (const [w, j] of across) for (const o of channels)
    found.push({ o, h, w, tap: i * L.windows[1].kernel + j });
  return found.sort((a, b) => a.o - b.o || a.h - b.h || a.w - b.w);
}

/** Every product that tap `tap` of output channel `o` over channel `c` takes part in. */
function uses(L, o, c, tap) {
  const found = [], i = Math.floor(tap / L.windows[1].kernel), j = tap % L.windows[1].kernel;
  for (let h = 0; h < L.out[0]; h++) for (let w = 0; w < L.out[1]; w++) {
    const row = L.reads[0][h][i], column = L.reads[1][w][j];
    if (row !== HOLE && column !== HOLE) found.push({ o, c, h, w, row, column, real: inInput(row, column) });
  }
  return found;
}

// ------------------------------------------------------------------ torch's messages

const problemOf = (code, message, fixes, type = "RuntimeError") => ({ code, type, message, fixes });
const fix = (text, patch) => ({ text, patch });
const each = (s, value) => range(dimsOf(s)).map((axis) => (typeof value === "function" ? value(axis) : value));

const inChannelsFix = (s) => fix(`Give the layer in_channels=${channelsOf(s)}, what the input has`, {
  in: channelsOf(s), ...(channelsOf(s) % s.groups || s.out % s.groups ? { groups: 1 } : {}),
});

function withChannels(s, channels) {
  const shape = [...s.shape];
  shape[shape.length - dimsOf(s) - 1] = channels;
  return shape;
}

/** What torch says to this setting, or null when the layer runs. */
function problem(s) {
  return isPool(s) ? poolProblem(s) : constructorProblem(s) ?? forwardProblem(s);
}

function constructorProblem(s) {
  const value = (code, message, ...fixes) => problemOf(code, message, fixes, "ValueError");
  const ungrouped = fix("Use groups=1", { groups: 1 });
  if (isTransposed(s) && s.mode !== "zeros") {
    return value("convolution#transposed-padding-mode", `Only "zeros" padding mode is supported for ${s.kind}`,
      fix('Use padding_mode="zeros"', { mode: "zeros" }));
  }
  if (s.groups <= 0) return value("convolution#groups-not-positive", "groups must be a positive integer", ungrouped);
  for (const [name, text] of [["in", "in_channels"], ["out", "out_channels"]]) {
    if (s[name] % s.groups) {
      const more = Math.max(1, Math.ceil(s[name] / s.groups)) * s.groups;
      return value("convolution#groups-do-not-divide", `${text} must be divisible by groups`, ungrouped, fix(
        `Use ${text}=${more}, which ${s.groups} divides`,
        name === "in" && s.shape.length > dimsOf(s) ? { in: more, shape: withChannels(s, more) } : { [name]: more }));
    }
  }
  if (s.padding === "same" && !isTransposed(s) && s.stride.some((step) => step !== 1)) {
    return value("convolution#same-with-stride", "padding='same' is not supported for strided convolutions",
      fix("Use stride=1", { stride: each(s, 1) }),
      fix("Give the padding as a number", { padding: each(s, (a) => Math.max(0, Math.floor(s.dilation[a] * (s.kernel[a] - 1) / 2))) }));
  }
  const weight = weightShape(s), negative = weight.find((size) => size < 0);
  if (negative !== undefined) return problemOf("convolution#negative-size",
    `Trying to create tensor with negative dimension ${negative}: ${listed(weight)}`, [positiveFix(s)]);
  return null;
}

const positiveFix = (s) => fix("Make every size of the layer at least 1", {
  in: Math.max(1, s.in), out: Math.max(1, s.out), kernel: s.kernel.map((k) => Math.max(1, k)),
  ...(Math.max(1, s.in) % s.groups || Math.max(1, s.out) % s.groups ? { groups: 1 } : {}),
});

function forwardProblem(s) {
  const weight = weightShape(s), t = isTransposed(s);
  if (t && typeof s.padding === "string") return problemOf("dtypes#constructor-arguments",
    `conv_transpose${dimsOf(s)}d(): argument 'padding' (position 5) must be tuple of ints, but found element of type str at pos 0`,
    [fix("Give the padding as a number", { padding: each(s, 0) })], "TypeError");
  const wrongMode = s.mode !== "zeros" ? padProblem(s) : null;
  if (wrongMode) return wrongMode;
  return dimsProblem(s) ?? signProblem(s) ?? channelProblem(s, weight) ?? (t ? null : kernelProblem(s))
    ?? (onednn(s) ? onednnProblem(s) : plainProblem(s, weight));
}

function dimsProblem(s) {
  const d = dimsOf(s), name = isTransposed(s) ? "conv_transpose" : "conv";
  if ([d + 1, d + 2].includes(s.shape.length)) return null;
  return problemOf("inputs#conv-rank", `Expected ${d + 1}D (unbatched) or ${d + 2}D (batched) input to ${name}${d}d, but got input of size: ${listed(s.shape)}`, dimsFixes(s));
}

function dimsFixes(s) {
  const d = dimsOf(s), want = d + 1, have = s.shape.length, channels = isPool(s) ? 1 : s.in;
  if (have < want) {
    const fixes = [fix(`Give the input a channel axis: ${listed([channels, ...[...each(s, 4), ...s.shape].slice(-d)])}`,
      { shape: [channels, ...[...each(s, 4), ...s.shape].slice(-d)] })];
    if (have === d && channels !== 1) fixes.unshift(fix("Use x.unsqueeze(0), and in_channels=1", { shape: [1, ...s.shape], in: 1, groups: 1 }));
    return fixes;
  }
  const last = s.shape.slice(-want);
  return [fix(`Keep the last ${want} axes: ${listed(last)}`, { shape: last })];
}

/** Padding that is not zeros goes through torch's F.pad before the convolution. */
function padProblem(s) {
  const d = dimsOf(s), have = s.shape.length, zeros = fix('Use padding_mode="zeros"', { mode: "zeros" });
  if (2 * d > 2 * have) return problemOf("padding#padding-rank", `Padding length should be less than or equal to two times the input dimension but got padding length ${2 * d} and input of dimension ${have}`, dimsFixes(s));
  if (s.mode === "circular") return circularProblem(s, zeros);
  if (![d + 1, d + 2].includes(have)) return unpaddable(s);
  const order = [...range(d)].reverse(); // the last axis is checked first
  for (const axis of s.mode === "reflect" ? order : []) {
    const [before, after] = paddingOf(s, axis), size = spatial(s)[axis], dim = have - d + axis;
    if (before < size && after < size) continue;
    return problemOf("padding#reflect-too-large", `Argument #${4 + 2 * (d - 1 - axis)}: Padding size should be less than the corresponding input dimension, but got: padding (${before}, ${after}) at dimension ${dim} of input ${listed(s.shape)}`,
      [...reducedPadding(s, (a) => spatial(s)[a] - 1), zeros]);
  }
  const padded = range(d).map((a) => spatial(s)[a] + paddingOf(s, a)[0] + paddingOf(s, a)[1]);
  const none = padded.every((size) => size < 1), negative = padded.find((size) => size < 0);
  if (!none && negative === undefined) return null;
  return problemOf("padding#padding-empties", none ? tooSmall(s, padded)
    : s.mode === "reflect" ? "numel: integer multiplication overflow" : `Trying to create tensor with negative dimension ${negative}: ${listed([...s.shape.slice(0, -d), ...padded])}`,
  [fix("Use padding=0", { padding: each(s, 0) })]);
}

const unpaddable = (s) => problemOf("padding#padding-rank", `Padding size ${2 * dimsOf(s)} is not supported for ${s.shape.length}D input tensor.
Supported combinations for non-constant padding:
  - 2D or 3D input: padding size = 2 (pads last dimension)
  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)
  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)`, dimsFixes(s), "NotImplementedError");

function tooSmall(s, padded) {
  const [h, w] = spatial(s);
  return dimsOf(s) === 1 ? `input (W: ${h}) is too small. Calculated output W: ${padded[0]}`
    : `input (H: ${h}, W: ${w}) is too small. Calculated output H: ${padded[0]} W: ${padded[1]}`;
}

const reducedPadding = (s, most) => (s.padding === "same" ? []
  : [fix("Pad by less", { padding: each(s, (a) => Math.min(s.padding[a], most(a))) })]);

function circularProblem(s, zeros) {
  if (![dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length)) return unpaddable(s);
  for (const axis of range(dimsOf(s)).reverse()) {
    const size = spatial(s)[axis], [before, after] = paddingOf(s, axis);
    if (before > size || after > size) return problemOf("padding#circular-too-large", "Padding value causes wrapping around more than once.",
      [...reducedPadding(s, (a) => spatial(s)[a]), zeros]);
    if (size + before + after < 0) return problemOf("padding#padding-empties", "Negative padding value is resulting in an empty dimension",
      [fix("Use padding=0", { padding: each(s, 0) })]);
  }
  return null;
}

function signProblem(s) {
  const odd = s.padding === "same" && range(dimsOf(s)).some((axis) => s.dilation[axis] * (s.kernel[axis] - 1) < -1);
  const below = Array.isArray(s.padding) && s.padding.some((p) => p < 0);
  if (s.mode === "zeros" && (odd || below)) return problemOf("convolution#negative-padding", "negative padding is not supported",
    [odd ? fix("Use a kernel_size and a dilation of at least 1", { kernel: atLeastOne(s.kernel), dilation: atLeastOne(s.dilation) }) : fix("Use padding=0", { padding: s.padding.map((p) => Math.max(0, p)) })]);
  if (isTransposed(s) && s.outputPadding.some((p) => p < 0)) return problemOf("convolution#negative-output-padding",
    "negative output_padding is not supported", [fix("Use output_padding=0", { outputPadding: s.outputPadding.map((p) => Math.max(0, p)) })]);
  if (s.stride.some((step) => step <= 0)) return problemOf("convolution#stride-not-positive", "non-positive stride is not supported", [strideFix(s)]);
  if (s.dilation.some((step) => step < 0)) return problemOf("convolution#dilation-not-positive", "dilation should be greater than zero", [dilationFix(s)]);
  return null;
}

const atLeastOne = (values) => values.map((value) => Math.max(1, value));
const strideFix = (s) => fix("Use a stride of at least 1", { stride: atLeastOne(s.stride) });
const dilationFix = (s) => fix("Use a dilation of at least 1", { dilation: atLeastOne(s.dilation) });
const kernelFix = (s) => fix("Use a kernel_size of at least 1", { kernel: atLeastOne(s.kernel) });

/** The input as the convolution sees it: with a batch axis, and already padded by F.pad or 'same'. */
function seenShape(s) {
  const grown = range(dimsOf(s)).map((axis) => {
    const [before, after] = paddingOf(s, axis);
    if (s.mode !== "zeros") return spatial(s)[axis] + before + after;
    return spatial(s)[axis] + (s.padding === "same" ? after - before : 0);
  });
  return [batched(s) ? s.shape[0] : 1, channelsOf(s), ...grown];
}

function channelProblem(s, weight) {
  const t = isTransposed(s);
  if (weight[0] < s.groups) return problemOf("convolution#groups-do-not-divide",
    `Given groups=${s.groups}, expected weight to be at least ${s.groups} at dimension 0, but got weight of size ${listed(weight)} instead`, [positiveFix(s)]);
  const expected = t ? weight[0] : weight[1] * s.groups;
  if (channelsOf(s) === expected) return null;
  return problemOf("inputs#channels-mismatch", `Given ${t ? "transposed=1" : `groups=${s.groups}`}, weight of size ${listed(weight)}, expected input${listed(seenShape(s))} to have ${expected} channels, but got ${channelsOf(s)} channels instead`,
    [inChannelsFix(s), ...(s.in > 0 ? [fix(`Give the input ${s.in} channels`, { shape: withChannels(s, s.in) })] : [])]);
}

function kernelProblem(s) {
  const windows = windowsOf(s), padded = windows.map((w, a) => spatial(s)[a] + w.before + w.after);
  if (windows.every((w, a) => spanOf(w) <= padded[a])) return null;
  const by = (sizes) => sizes.join(" x ");
  return problemOf("inputs#kernel-larger-than-input", `Calculated padded input size per channel: (${by(padded)}). Kernel size: (${by(windows.map(spanOf))}). Kernel size can't be greater than actual input size`,
    kernelFixes(s, windows, padded));
}

function kernelFixes(s, windows, padded) {
  const fits = each(s, (a) => Math.max(1, Math.min(s.kernel[a], Math.floor((padded[a] - 1) / Math.max(1, s.dilation[a])) + 1)));
  const missing = each(s, (a) => Math.max(0, spanOf(windows[a]) - padded[a]));
  const fixes = [];
  if (padded.every((size) => size > 0)) fixes.push(fix(`Use a smaller kernel: kernel_size=${tuple(fits)}`, { kernel: fits }));
  if (Array.isArray(s.padding) && s.mode === "zeros") {
    const wider = each(s, (a) => s.padding[a] + Math.ceil(missing[a] / 2));
    fixes.push(fix(`Pad the input: padding=${tuple(wider)}`, { padding: wider }));
  }
  const sizes = each(s, (a) => spatial(s)[a] + missing[a]);
  fixes.push(fix(`Give a larger input: ${listed([...s.shape.slice(0, -dimsOf(s)), ...sizes])}`,
    { shape: [...s.shape.slice(0, -dimsOf(s)), ...sizes] }));
  return fixes;
}

/** Whether torch hands this layer to oneDNN on a CPU with one thread; its messages differ. */
function onednn(s) {
  if (isTransposed(s) && s.outputPadding.some((extra, a) => extra >= s.stride[a])) return false;
  const seen = seenShape(s), [k1, k2] = dimsOf(s) === 1 ? [1, s.kernel[0]] : s.kernel;
  const strided = s.stride.some((step) => step !== 1), dilated = s.dilation.some((step) => step !== 1);
  const worth = strided || dilated || seen[0] >= 16 || k1 !== 1 || k2 !== 1;
  return worth && (s.groups > 1 || (k1 > 3 && k2 > 3) || seen[0] > 1 || count(seen) > 20480);
}

const primitive = (s) => `could not create a primitive descriptor for the ${isTransposed(s) ? "de" : ""}convolution forward propagation primitive. Run workload with environment variable ONEDNN_VERBOSE=all to get additional diagnostic information.`;

function onednnProblem(s) {
  if (!isTransposed(s) && s.dilation.includes(0)) return problemOf("convolution#dilation-not-positive", "non-positive dilation is not supported", [dilationFix(s)]);
  const still = s.dilation.includes(0) && range(dimsOf(s)).some((a) => s.kernel[a] > 1
    && (s.dilation[a] > 1 || (s.dilation[a] === 0 && !(spatial(s)[a] === 1 && s.kernel[a] <= s.stride[a]))));
  const out = windowsOf(s).map((w, a) => outputSize(w, spatial(s)[a]));
  if (isTransposed(s) && out.some((size) => size < 0)) return problemOf("inputs#transposed-output-too-small",
    "could not construct a memory descriptor using a format tag", [croppedFix(s, out)]);
  if (s.kernel.includes(0)) return problemOf("convolution#kernel-not-positive", primitive(s), [kernelFix(s)]);
  if (s.out === 0) return problemOf("convolution#negative-size", primitive(s), [positiveFix(s)]);
  if (still) return problemOf("convolution#dilation-not-positive", primitive(s), [dilationFix(s)]);
  return null;
}

function plainProblem(s, weight) {
  const pair = (values, lone) => (dimsOf(s) === 1 ? [lone, values[0]] : values);
  const kernel = pair(s.kernel, 1), dilation = pair(s.dilation, 1), t = isTransposed(s);
  const named = (name, values, separator) => `${name}_height: ${values[0]}${separator} ${name}_width: ${values[1]}`;
  if (kernel.includes(0)) return problemOf("convolution#kernel-not-positive", "kernel size should be greater than zero, but got "
    + (!t && s.dilation.some((step) => step !== 1) ? listed(kernel) : named("kernel", kernel, "")), [kernelFix(s)]);
  if (dilation.includes(0)) return problemOf("convolution#dilation-not-positive", "dilation should be greater than zero, but got "
    + (t ? named("dilation", dilation, ",") : listed(dilation)), [dilationFix(s)]);
  return t ? transposedProblem(s, weight, pair) : null;
}

function transposedProblem(s, weight, pair) {
  const extra = pair(s.outputPadding, 0), stride = pair(s.stride, 1), dilation = pair(s.dilation, 1);
  const named = (name, values) => `${name}_height: ${values[0]} ${name}_width: ${values[1]}`;
  if (extra.some((p, a) => p >= stride[a] && p >= dilation[a])) return problemOf("convolution#output-padding-too-large",
    `output padding must be smaller than either stride or dilation, but got ${named("output_padding", extra)} ${named("stride", stride)} ${named("dilation", dilation)}`,
    [fix("Use a smaller output_padding", { outputPadding: each(s, (a) => Math.min(s.outputPadding[a], Math.max(s.stride[a], s.dilation[a]) - 1)) })]);
  if (s.out === 0) return problemOf("convolution#negative-size", `non-empty 2D or 4D weight tensor expected, but got: ${listed([s.in / s.groups, 0, ...pair(s.kernel, 1)])}`, [positiveFix(s)]);
  const out = windowsOf(s).map((w, a) => outputSize(w, spatial(s)[a]));
  if (out.every((size) => size > 0)) return null;
  return problemOf("inputs#transposed-output-too-small", `Given input size per channel: (${pair(spatial(s), 1).join(" x ")}). Calculated output size per channel: (${pair(out, 1).join(" x ")}). Output size is too small`,
    [croppedFix(s, out)]);
}

const croppedFix = (s, out) => fix("Use less padding, which crops a transposed output",
  { padding: each(s, (a) => Math.max(0, s.padding[a] - Math.ceil((1 - Math.min(1, out[a])) / 2))) });

function poolProblem(s) {
  return s.kind === "MaxPool1d" ? maxPool1dProblem(s) : pool2dProblem(s);
}

const halfFix = (s) => fix("Pad by at most half of the kernel", {
  padding: each(s, (a) => Math.min(s.padding[a], Math.floor(Math.max(1, s.kernel[a]) / 2))), dilation: atLeastOne(s.dilation), kernel: atLeastOne(s.kernel),
});
const paddingFix = (s) => fix("Use padding=0", { padding: s.padding.map((p) => Math.max(0, p)) });

function maxPool1dProblem(s) {
  const say = (code, text, ...fixes) => problemOf(code, `max_pool1d() ${text}`, fixes);
  const [k] = s.kernel, [step] = s.stride, [pad] = s.padding, [dilation] = s.dilation;
  if (![2, 3].includes(s.shape.length)) return problemOf("pooling#pool-rank", `max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:${listed(s.shape)}`, dimsFixes(s));
  if (k <= 0) return say("pooling#pool-kernel", `kernel_size must be greater than zero, but got ${k}`, kernelFix(s));
  if (step <= 0) return say("pooling#pool-stride", `stride must be greater than zero, but got ${step}`, strideFix(s));
  if (pad < 0) return say("pooling#pool-negative-padding", `padding must be non-negative, but got ${pad}`, paddingFix(s));
  if (pad > Math.floor(k / 2)) return say("pooling#pool-padding", `padding should be at most half of kernel size, but got padding=${pad} and kernel_size=${k}`, halfFix(s));
  if (dilation <= 0) return say("pooling#pool-dilation", `dilation must be greater than zero, but got ${dilation}`, dilationFix(s));
  const out = outputSize(windowsOf(s)[0], spatial(s)[0]);
  return out > 0 ? null : say("pooling#pool-output-too-small", `Invalid computed output size: ${out}`, ...poolFixes(s));
}

function poolFixes(s) {
  const windows = windowsOf(s), padded = windows.map((w, a) => spatial(s)[a] + w.before + w.after);
  const fits = each(s, (a) => Math.max(1, 2 * s.padding[a], Math.min(s.kernel[a], Math.floor((padded[a] - 1) / windows[a].dilation) + 1)));
  const sizes = each(s, (a) => spatial(s)[a] + Math.max(0, spanOf(windows[a]) - padded[a]));
  const larger = [...s.shape.slice(0, -dimsOf(s)), ...sizes];
  const smaller = `${fits}` === `${s.kernel}` ? [] : [fix(`Use a smaller window: kernel_size=${tuple(fits)}`, { kernel: fits })];
  return [...smaller, fix(`Give a larger input: ${listed(larger)}`, { shape: larger })];
}

function poolDimsProblem(s) {
  const have = s.shape.length, d = dimsOf(s), wrong = (message, type) => problemOf("pooling#pool-rank", message, dimsFixes(s), type);
  if ([d + 1, d + 2].includes(have)) return null;
  if (s.kind === "MaxPool2d") return wrong("non-empty 3D or 4D (batch mode) tensor expected for input");
  if (s.kind === "AvgPool1d") return wrong(`Expected 2 to 3 dimensions, but got ${have}-dimensional tensor for argument #1 'self' (while checking arguments for avg_pool1d)`);
  if (have < 3) return wrong(`Dimension out of range (expected to be in range of [-${have}, ${have - 1}], but got -3)`, "IndexError");
  return wrong(`Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:${listed(s.shape)}`);
}

/** MaxPool2d, AvgPool2d, and AvgPool1d, which torch runs as one row of AvgPool2d. */
function pool2dProblem(s) {
  const wide = (values, lone) => (dimsOf(s) === 1 ? [lone, values[0]] : values);
  const kernel = wide(s.kernel, 1), stride = wide(s.stride, 1), pad = wide(s.padding, 0);
  const dilation = familyOf(s) === "max" ? wide(s.dilation, 1) : [1, 1], size = wide(spatial(s), 1);
  const dims = poolDimsProblem(s), late = s.kind === "AvgPool2d" && s.shape.length > 4;
  if (dims && !late) return dims;
  for (const a of [0, 1]) {
    if (stride[a] === 0) return problemOf("pooling#pool-stride", "stride should not be zero", [strideFix(s)]);
    if (pad[a] < 0) return problemOf("pooling#pool-negative-padding", `pad must be non-negative, but got pad: ${pad[a]}`, [paddingFix(s)]);
    if (pad[a] > Math.trunc(((kernel[a] - 1) * dilation[a] + 1) / 2)) return problemOf("pooling#pool-padding",
      `pad should be at most half of effective kernel size, but got pad=${pad[a]}, kernel_size=${kernel[a]} and dilation=${dilation[a]}`, [halfFix(s)]);
  }
  const two = (code, text, names, values, fixed) => problemOf(code, `${text} should be greater than zero, but got ${names[0]}: ${values[0]} ${names[1]}: ${values[1]}`, [fixed]);
  if (kernel.some((k) => k <= 0)) return two("pooling#pool-kernel", "kernel size", ["kH", "kW"], kernel, kernelFix(s));
  if (stride.some((k) => k <= 0)) return two("pooling#pool-stride", "stride", ["dH", "dW"], stride, strideFix(s));
  if (dilation.some((k) => k <= 0)) return two("pooling#pool-dilation", "dilation", ["dilationH", "dilationW"], dilation, dilationFix(s));
  if (dims) return dims;
  if (pad.some((p, a) => p > Math.floor(kernel[a] / 2))) return problemOf("pooling#pool-padding",
    `pad should be smaller than or equal to half of kernel size, but got padW = ${pad[1]}, padH = ${pad[0]}, kW = ${kernel[1]}, kH = ${kernel[0]}`, [halfFix(s)]);
  const out = wide(windowsOf(s).map((w, a) => outputSize(w, spatial(s)[a])), 1);
  if (out.every((cells) => cells > 0)) return null;
  const planes = channelsOf(s);
  return problemOf("pooling#pool-output-too-small", `Given input size: (${planes}x${size.join("x")}). Calculated output size: (${planes}x${out.join("x")}). Output size is too small`, poolFixes(s));
}

const tuple = (values) => (new Set(values).size === 1 ? `${values[0]}` : `(${values.join(", ")})`);

// ------------------------------------------------------------------ settings as text

/** The parameters a link and a line of code name: [name in torch, key here, how it is written]. */
const PARAMETERS = [
  ["in_channels", "in", "int"], ["out_channels", "out", "int"], ["kernel_size", "kernel", "sizes"],
  ["stride", "stride", "sizes"], ["padding", "padding", "padding"], ["output_padding", "outputPadding", "sizes"],
  ["dilation", "dilation", "sizes"], ["groups", "groups", "int"], ["bias", "bias", "bool"],
  ["padding_mode", "mode", "mode"], ["ceil_mode", "ceil", "bool"], ["count_include_pad", "countPad", "bool"],
  ["divisor_override", "divisor", "int"],
];
const TAKES = {
  convolution: ["in", "out", "kernel", "stride", "padding", "dilation", "groups", "bias", "mode"],
  transposed: ["in", "out", "kernel", "stride", "padding", "outputPadding", "groups", "bias", "dilation", "mode"],
  max: ["kernel", "stride", "padding", "dilation", "ceil"],
  average: ["kernel", "stride", "padding", "ceil", "countPad", "divisor"],
};
const parameter = (key) => PARAMETERS.find((one) => one[1] === key);
const same = (a, b) => `${a}` === `${b}`;

function named(s) {
  const plain = complete({ kind: s.kind, kernel: s.kernel });
  return TAKES[familyOf(s)].filter((key) => ["in", "out", "kernel"].includes(key) || !same(s[key], plain[key]));
}

/** The line that makes this layer, as convdocs.layers.code writes it. */
function code(s) {
  const typed = (value) => (value === true ? "True" : value === false ? "False" : Array.isArray(value) ? tuple(value)
    : typeof value === "string" ? `'${value}'` : `${value}`);
  const words = named(s).map((key) => (["in", "out", "kernel"].includes(key) ? "" : `${parameter(key)[0]}=`) + typed(s[key]));
  return `nn.${s.kind}(${words.join(", ")})`;
}

/** A number as few digits as hold it, the way float32 tensors need. */
function shortest(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const single = Math.fround(value) === value;
  for (let digits = 1; single && digits < 10; digits++) {
    const text = `${Number(value.toPrecision(digits))}`;
    if (Math.fround(Number(text)) === value) return text;
  }
  return `${value}`;
}
const special = { nan: NaN, inf: Infinity, "-inf": -Infinity };
const plainNumber = (value) => (typeof value === "string" ? special[value] : value);

/** The part of an address after "#id?": everything that opens this picture again. */
function link(s, at) {
  const pairs = [["kind", s.kind], ["shape", s.shape.join("x")]];
  for (const key of named(s)) {
    const value = s[key];
    pairs.push([parameter(key)[0], Array.isArray(value) ? (new Set(value).size === 1 ? value[0] : value.join("x")) : value]);
  }
  pairs.push(["values", s.values]);
  if (s.values === "own") for (const [name, tensor] of Object.entries(s.own)) {
    pairs.push([`${name}_values`, `${tensor.shape.join("x")}:${tensor.data.map(shortest).join(",")}`]);
  }
  if (at) pairs.push(["at", [at.panel, ...(at.panel === "kernel" ? [at.o] : []), at.c, at.r, at.k].join(".")]);
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

/** What a link or a pasted text is refused for. */
class Refusal extends Error {}
const refuse = (text) => { throw new Refusal(text); };

function readInt(text, name, whole = text) {
  if (!/^-?\d{1,4}$/.test(text)) refuse(`${name}=${whole} is not a whole number of up to four digits`);
  return Number(text);
}

function readSizes(text, name, dims) {
  const sizes = text.split("x").map((one) => readInt(one, name, text));
  if (sizes.length === 1) return range(dims).map(() => sizes[0]);
  return sizes.length === dims ? sizes : refuse(`${name}=${text} has ${sizes.length} numbers; this layer has ${dims} ${dims === 1 ? "axis" : "axes"}`);
}

function readTensor(text, name) {
  const [sizes, list, ...rest] = text.split(":");
  if (list === undefined || rest.length) refuse(`${name} is not written as sizes:numbers`);
  const shape = readShape(sizes, name), data = list.split(",").map((one) => numberOr(one, () => refuse(`${name} holds ${one || "nothing"}, which is not a number`)));
  if (data.length !== count(shape)) refuse(`${name} has ${data.length} numbers; ${sizes} needs ${count(shape)}`);
  return { shape, data };
}

function readShape(text, name) {
  const shape = text.split("x").map((one) => readInt(one, name, text));
  if (shape.length > 6 || shape.some((size) => size < 1)) refuse(`${name}=${text} is not a shape; it is up to six sizes of at least 1`);
  return shape;
}

const oneOf = (text, name, choices) => (choices.includes(text) ? text : refuse(`${name}=${text} is not known; it is one of ${choices.join(", ")}`));
const readers = {
  int: (text, name) => readInt(text, name),
  sizes: readSizes,
  padding: (text, name, dims) => (["same", "valid"].includes(text) ? text : readSizes(text, name, dims)),
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
    try { pairs.set(name, decodeURIComponent(value.join("="))); } catch { refuse(`${name} is not written as an address`); }
  }
  const take = (name) => { const value = pairs.get(name); pairs.delete(name); return value; };
  const kind = oneOf(take("kind") ?? refuse("it names no kind of layer"), "kind", Object.keys(KINDS)), dims = KINDS[kind].dims;
  const given = { kind, values: oneOf(take("values") ?? "notebook", "values", ["notebook", "small", "own"]) };
  for (const key of TAKES[KINDS[kind].family]) {
    const [name, , how] = parameter(key), value = take(name);
    if (value !== undefined) given[key] = readers[how](value, name, dims);
  }
  const shape = take("shape");
  if (shape !== undefined) given.shape = readShape(shape, "shape");
  if (given.values === "own") given.own = readOwn(take, kind);
  const at = take("at");
  if (pairs.size) refuse(`${[...pairs.keys()][0]} is no setting of ${kind}`);
  return { setting: checked(complete(given)), at: at === undefined ? null : readAt(at) };
}

function readOwn(take, kind) {
  const own = {};
  for (const name of isPool({ kind }) ? ["x"] : ["x", "weight", "bias"]) {
    const text = take(`${name}_values`);
    if (text !== undefined) own[name] = readTensor(text, `${name}_values`);
  }
  return own;
}

function checked(s) {
  const large = problem(s) ? tooMany(s) : tooMany(s) ?? tooLarge(s);
  return large ? refuse(large) : s;
}

function readAt(text) {
  const [panel, ...place] = text.split("."), numbers = place.map((one) => readInt(one, "at", text));
  oneOf(panel, "at", ["output", "input", "kernel"]);
  if (numbers.length !== (panel === "kernel" ? 4 : 3)) refuse(`at=${text} does not name a cell`);
  const [c, r, k] = numbers.slice(-3);
  return { panel, c, r, k, ...(panel === "kernel" ? { o: numbers[0] } : {}) };
}

const grouped = (n) => `${n}`.replace(/\B(?=(\d{3})+$)/g, ",");

/** What makes a setting too much to hold, before any number is worked out. */
function tooMany(s) {
  const say = (what, n, most) => `${what} ${grouped(n)} numbers; the explorer takes up to ${grouped(most)}`;
  if (count(s.shape) > LIMITS.numbers) return say("the input has", count(s.shape), LIMITS.numbers);
  const weights = isPool(s) || s.groups < 1 ? 0 : count(weightShape(s).map((size) => Math.max(size, 0)));
  return weights > LIMITS.weights ? say("the layer has", weights, LIMITS.weights) : null;
}

/** What makes a legal setting too much to draw. */
function tooLarge(s) {
  const cells = (what, n) => (n > LIMITS.cells ? `${what} has ${grouped(n)} cells in one sample; the explorer draws up to ${grouped(LIMITS.cells)}` : null);
  const windows = windowsOf(s), padded = windows.map((w, a) => spatial(s)[a] + (w.transposed ? 0 : Math.max(0, w.before) + Math.max(0, w.after)));
  const out = outChannels(s) * count(windows.map((w, a) => outputSize(w, spatial(s)[a])));
  const samples = batched(s) ? s.shape[0] : 1, products = samples * out * count(s.kernel) * (isPool(s) ? 1 : s.in / s.groups);
  return cells("the padded input", channelsOf(s) * count(padded)) ?? cells("the output", out)
    ?? (products > LIMITS.products ? `the output takes ${grouped(products)} products; the explorer works out up to ${grouped(LIMITS.products)}` : null);
}

function numberOr(text, otherwise) {
  const word = text.trim().toLowerCase().replace(/^\+/, "").replace("infinity", "inf");
  if (word in special) return special[word];
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word) ? Number(word) : otherwise(text);
}

/** Numbers from a printed tensor, a nested list, or rows of text (an empty line ends a channel). */
function read(text) {
  const bare = text.trim().replace(/^Parameter containing:\s*/, "").replace(/^(torch\.|np\.)?(tensor|array|Tensor)\s*\(/, "")
    .replace(/,\s*(requires_grad|grad_fn|dtype|device|size)\s*=[\s\S]*$/, "").replace(/\)\s*$/, "").trim();
  if (!bare) refuse("There are no numbers here.");
  if (bare.includes("...")) refuse("The printout is shortened (“...”): print it again after torch.set_printoptions(profile=\"full\").");
  const nested = bare.startsWith("[") ? readNested(bare) : readRows(bare), shape = shapeOf(nested), data = shape.length ? nested.flat(Infinity) : [nested];
  if (data.length > LIMITS.numbers) refuse(`There are ${grouped(data.length)} numbers; the explorer takes up to ${grouped(LIMITS.numbers)}.`);
  return { shape, data };
}

const readNumber = (text) => numberOr(text, () => refuse(`“${text.slice(0, 30)}” is not a number.`));

function readNested(text) {
  const tokens = text.match(/[[\]]|[^\s,[\]]+/g);
  let at = 0;
  const list = () => {
    const items = [];
    for (;;) {
      const token = tokens[at++];
      if (token === undefined) refuse("A “[” has no “]”.");
      if (token === "]") return items.length ? items : refuse("A list “[]” is empty.");
      items.push(token === "[" ? list() : readNumber(token));
    }
  };
  at = 1;
  const whole = list();
  return at === tokens.length ? whole : refuse(`Something stands after the last “]”: “${tokens[at]}”.`);
}

function readRows(text) {
  const blocks = text.split(/\n\s*\n/).map((block) => block.trim().split("\n").map((line) => line.trim().split(/[\s,;]+/).filter(Boolean).map(readNumber)));
  if (blocks.length > 1) return blocks;
  return blocks[0].length > 1 ? blocks[0] : blocks[0][0];
}

function shapeOf(nested) {
  if (!Array.isArray(nested)) return [];
  const shapes = nested.map(shapeOf), odd = shapes.findIndex((shape) => !same(shape, shapes[0]) || shape.length !== shapes[0].length);
  if (odd > 0) refuse(`Entry ${odd} (counted from 0) holds ${sizeText(shapes[odd])}, but entry 0 holds ${sizeText(shapes[0])}: they must be alike.`);
  return [nested.length, ...shapes[0]];
}
const sizeText = (shape) => (shape.length ? `${shape.join(" × ")} number${same(shape, [1]) ? "" : "s"}` : "one number");

/** The reader's sizes in a field: "3", "3, 2" or "(3, 2)". */
function readField(text, dims) {
  const sizes = text.replace(/[()[\]]/g, "").split(/[\s,x×]+/).filter(Boolean);
  if (!sizes.length || !sizes.every((one) => /^[-−]?\d{1,4}$/.test(one))) return null;
  const numbers = sizes.map((one) => Number(one.replace("−", "-")));
  if (dims === undefined) return numbers;
  return numbers.length === 1 ? range(dims).map(() => numbers[0]) : numbers.length === dims ? numbers : null;
}

// ------------------------------------------------------------------ the page part

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
  const size = Math.abs(value), text = size >= 1e5 || (size && size < 5e-5 && digits > 3) ? value.toExponential(2) : value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}
const spoken = (text) => text.replace(/−/g, "minus ");
const total = (list, key) => list.reduce((all, one) => all + one[key], 0);
const padLook = (term) => (!term.padded ? "" : term.real ? " cx-copied" : " cx-zero");
const put = (node, box) => { for (const [name, size] of Object.entries(box)) node.style.setProperty(name, `${size}px`); };
const isWhole = (...lists) => lists.every((list) => !list || list.every((v) => !Number.isFinite(v) || Number.isInteger(v)));
const shapeText = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** Fields of the form: [name, label, who has it]. */
const FIELDS = [
  ["size", "input size", () => true], ["in", "in_channels", (s) => !isPool(s)], ["planes", "channels", isPool],
  ["out", "out_channels", (s) => !isPool(s)], ["kernel", "kernel_size", () => true],
  ["stride", "stride", () => true], ["padding", "padding", () => true],
];
const MORE = [
  ["dilation", "dilation", (s) => familyOf(s) !== "average"], ["groups", "groups", (s) => !isPool(s)],
  ["outputPadding", "output_padding", isTransposed], ["batch", "batch (0: none)", () => true], ["shape", "any shape of x", () => true],
];
const CHECKS = [
  ["ceil", "ceil_mode", isPool], ["countPad", "count_include_pad", (s) => familyOf(s) === "average"],
  ["bias", "bias", (s) => !isPool(s)],
];
const NUMBERS = [["notebook", "The notebook’s"], ["small", "Small integers"], ["own", "My own"]];
const options = (pairs) => pairs.map(([value, text]) => `<option value="${value}">${text}</option>`).join("");

function fieldMarkup(id, [name, label]) {
  const step = (by, sign, word) => `<button type="button" tabindex="-1" data-step="${by}" data-for="${name}" aria-label="${label}: ${word}">${sign}</button>`;
  const buttons = name === "shape" ? ["", ""] : [step(-1, "−", "less"), step(1, "+", "more")];
  return `<div class="cx-field" data-field="${name}"><label for="${id}-${name}">${label}</label>
<span class="cx-step">${buttons[0]}<input id="${id}-${name}" name="${name}" autocomplete="off" spellcheck="false">${buttons[1]}</span></div>`;
}

function skeleton(id) {
  const select = (name, label, choices) => `<div class="cx-field" data-field="${name}"><label for="${id}-${name}">${label}</label><select id="${id}-${name}" name="${name}">${choices}</select></div>`;
  const check = ([name, label]) => `<label class="cx-check" data-field="${name}"><input type="checkbox" name="${name}"> ${label}</label>`;
  const area = (name, label) => `<div data-field="own-${name}"><label for="${id}-own-${name}">${label}</label><textarea id="${id}-own-${name}" name="own-${name}" rows="4" spellcheck="false"></textarea></div>`;
  const panel = (name) => `<div class="cx-panel cx-${name}"><div class="cx-title"></div><div class="cx-scroll"><div class="cx-grid" data-panel="${name}"></div></div></div>`;
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
    this.grids = Object.fromEntries(["input", "kernel", "output"].map((name) => [name, this.$(`[data-panel=${name}]`)]));
    this.first = complete({ ...data.setting, ...(data.own ? { values: "own", own: data.own } : {}) });
    this.listen();
    if (!this.openAddress()) this.set(this.first, this.begin(), { quiet: true });
    this.width = 0;
    new ResizeObserver(() => this.resized()).observe(root);
  }

  // ---- setting

  /** The cell chosen first: the index into the output that the page gave, or the first one. */
  begin() {
    const index = this.data.index ?? [], dims = dimsOf(this.first), [c = 0, ...place] = index.slice(-dims - 1), [r = 0, k = 0] = dims === 1 ? [0, ...place] : place;
    this.sample = index.length > dims + 1 ? index[0] : 0;
    return { panel: "output", c, r, k };
  }

  /** Take a setting: work it out, draw it, and say what became of it. */
  set(s, at, { quiet = false } = {}) {
    const refusal = problem(s) ? tooMany(s) : tooMany(s) ?? tooLarge(s);
    this.$(".cx-refusal").textContent = refusal ? `Too large: ${refusal}.` : "";
    if (refusal) return this.fill();
    this.pause();
    this.s = s;
    this.problem = problem(s);
    this.numbers = this.readable() ? numbersOf(s, this.data.notebook) : null;
    this.L = this.problem ? null : solve(s, this.numbers);
    this.whole = this.numbers ? isWhole(this.numbers.x, this.numbers.weight, this.numbers.bias) : false;
    this.sample = Math.min(this.sample, this.samples() - 1);
    this.keep(at ?? this.at);
    this.fill();
    this.draw();
    this.facts();
    if (!quiet) this.changed();
    return undefined;
  }

  change(patch) { this.set(complete({ ...this.s, ...patch })); }

  readable() {
    const { s } = this, dims = [dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length);
    return dims && (isPool(s) || (s.groups > 0 && weightShape(s).every((size) => size > 0)));
  }

  samples() { return batched(this.s) ? this.s.shape[0] : 1; }

  /** The chosen cell, moved to the nearest one that exists. */
  keep(at) {
    const clip = (value, size) => Math.min(Math.max(value, 0), Math.max(size, 1) - 1);
    const most = outChannels(this.s);
    this.o = clip(at.o ?? (at.panel === "output" ? at.c : this.o), most);
    const [channels, rows, columns] = this.sizes(at.panel);
    const first = at.panel === "kernel" && this.L ? firstChannel(this.L, this.o) : 0;
    this.at = { ...at, c: first + clip(at.c - first, channels), r: clip(at.r, rows), k: clip(at.k, columns) };
    if (at.panel === "kernel") this.at.o = this.o;
  }

  /** Channels, rows and columns of a panel; zeros where there is nothing to draw. */
  sizes(panel) {
    const { s } = this, row = (sizes) => (dimsOf(s) === 1 ? [1, ...sizes] : sizes);
    if (panel === "output") return this.L ? [this.L.outChannels, ...this.L.out] : [0, 0, 0];
    if (!this.readable()) return [0, 0, 0];
    if (panel === "input") return [channelsOf(s), ...row(spatial(s))];
    return [isPool(s) ? 1 : isTransposed(s) ? s.in / s.groups : weightShape(s)[1], ...row(s.kernel)];
  }

  // ---- form

  fill() {
    const { s, form } = this, padding = Array.isArray(s.padding) ? tuple(s.padding) : s.padding, right = s.shape.length - dimsOf(s);
    const texts = {
      size: tuple(spatial(s)), in: s.in, planes: channelsOf(s) ?? 1, out: s.out, kernel: tuple(s.kernel), stride: tuple(s.stride), padding,
      dilation: tuple(s.dilation), groups: s.groups, outputPadding: tuple(s.outputPadding), batch: right === 2 ? s.shape[0] : 0, shape: shapeText(s.shape),
    };
    for (const [name, text] of Object.entries(texts)) this.write(name, `${text}`.replace(/[()]/g, "").replace(/,$/, ""));
    for (const name of ["kind", "values", "mode"]) form.elements[name].value = s[name];
    for (const [name] of CHECKS) form.elements[name].checked = s[name];
    for (const [name, , has] of [...FIELDS, ...MORE, ...CHECKS]) this.$(`[data-field=${name}]`).hidden = !has(s);
    this.$("[data-field=mode]").hidden = isPool(s);
    this.$("[data-field=own]").hidden = s.values !== "own";
    for (const name of ["weight", "bias"]) this.$(`[data-field=own-${name}]`).hidden = isPool(s) || (name === "bias" && !s.bias);
    const sample = this.$("[name=sample]"), samples = this.samples();
    this.$("[data-field=sample]").hidden = samples < 2;
    if (sample.length !== samples) sample.innerHTML = range(samples).map((n) => `<option>${n}</option>`).join("");
    sample.value = this.sample;
  }

  write(name, text) {
    const input = this.form.elements[name];
    input.removeAttribute("aria-invalid");
    if (input.value !== text) input.value = text;
  }

  /** A field was changed: take it over, or say why not. */
  edited(name) {
    const { s } = this, input = this.form.elements[name], dims = dimsOf(s), text = input.value.trim();
    if (CHECKS.some((one) => one[0] === name)) return this.change({ [name]: input.checked });
    if (name === "kind") return this.changeKind(input.value);
    if (name === "values") return this.changeValues(input.value);
    if (name === "mode") return this.change({ mode: input.value });
    if (name === "padding" && ["same", "valid"].includes(text)) return this.change({ padding: text });
    const sizes = readField(text, ["kernel", "stride", "padding", "dilation", "outputPadding", "size"].includes(name) ? dims : undefined);
    const positive = ["size", "shape", "planes"].includes(name) && sizes?.some((size) => size < 1);
    const lone = ["in", "out", "groups", "batch", "planes"].includes(name) && sizes?.length !== 1;
    if (!sizes || positive || lone || sizes.length > 6 || (name === "batch" && sizes[0] < 0)) return this.refuse(input, name, dims);
    return this.change(this.patch(name, sizes));
  }

  patch(name, sizes) {
    const { s } = this, dims = dimsOf(s), tail = spatial(s), channels = channelsOf(s) ?? s.in, batch = batched(s) ? [s.shape[0]] : [];
    const fitting = s.shape.length > dims ? tail : [...range(dims).map(() => 4), ...tail].slice(-dims);
    if (name === "shape") return { shape: sizes };
    if (name === "size") return { shape: [...batch, channels, ...sizes] };
    if (name === "planes") return { shape: [...batch, sizes[0], ...fitting] };
    if (name === "in") return { in: sizes[0], ...(sizes[0] > 0 ? { shape: [...batch, sizes[0], ...fitting] } : {}) };
    if (name === "batch") return { shape: [...(sizes[0] ? sizes : []), channels, ...fitting] };
    return { [name]: ["out", "groups"].includes(name) ? sizes[0] : sizes, ...(name === "kernel" && isPool(s) && same(s.stride, s.kernel) ? { stride: sizes } : {}) };
  }

  refuse(input, name, dims) {
    const wanted = name === "padding" ? "whole numbers, same or valid" : ["in", "out", "groups", "batch", "planes"].includes(name) ? "one whole number" : name === "shape" ? "up to six sizes of at least 1" : `${dims === 1 ? "one whole number" : "one or two whole numbers"}${name === "size" ? " of at least 1" : ""}`;
    input.setAttribute("aria-invalid", "true");
    this.$(".cx-refusal").textContent = `“${input.value}” can’t be used here: write ${wanted}.`;
  }

  changeKind(kind) {
    const { s } = this, dims = KINDS[kind].dims, fit = (values) => (dims === values.length ? values : dims === 1 ? [values[1]] : [values[0], values[0]]);
    const next = { kind, shape: [...s.shape.slice(0, -dimsOf(s)), ...(dims === dimsOf(s) ? spatial(s) : dims === 1 ? spatial(s).slice(1) : [spatial(s)[0], spatial(s)[0]])] };
    for (const key of ["kernel", "stride", "dilation", "outputPadding"]) next[key] = fit(s[key]);
    const words = isPool(next) || KINDS[kind].family === "transposed";
    next.padding = Array.isArray(s.padding) ? fit(s.padding) : words ? range(dims).map(() => 0) : s.padding;
    if (KINDS[kind].family === "transposed") next.mode = "zeros";
    if (isPool(next) !== isPool(s)) next.stride = isPool(next) ? next.kernel : range(dims).map(() => 1);
    if (s.values === "own" && (dims !== dimsOf(s) || isPool(next) || isTransposed(next) !== isTransposed(s))) next.values = "small";
    this.change(next);
  }

  changeValues(values) {
    if (values !== "own") return this.change({ values });
    const { x, weight, bias } = this.numbers ?? {}, own = {};
    if (x) own.x = { shape: this.s.shape, data: x };
    if (weight) own.weight = { shape: weightShape(this.s), data: weight };
    if (bias) own.bias = { shape: [this.s.out], data: bias };
    this.change({ values, own });
    this.$(".cx-own").open = true;
    return this.fillOwn();
  }

  fillOwn() {
    for (const name of ["x", "weight", "bias"]) this.form.elements[`own-${name}`].value = this.s.own?.[name] ? nestedText(this.s.own[name]) : "";
  }

  /** Read the three boxes; the sizes of the layer follow the numbers. */
  useOwn() {
    const { s } = this, own = {}, error = this.$(".cx-own .cx-error");
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
    const { s } = this, dims = dimsOf(s), shape = own.weight?.shape;
    if (!shape) return {};
    if (shape.length !== dims + 2) refuse(`Weight: it has ${shape.length} axes, and ${s.kind} takes ${dims + 2}: ${isTransposed(s) ? "(in, out / groups" : "(out, in / groups"}, ${AXES[dims].join(", ")}).`);
    const [first, second, ...kernel] = shape, found = isTransposed(s) ? { in: first, out: second * s.groups, kernel } : { out: first, in: second * s.groups, kernel };
    if (own.bias && !same(own.bias.shape, [found.out])) refuse(`Bias: it has shape ${shapeText(own.bias.shape)}; ${found.out} output channels take (${found.out},).`);
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
    if (panel !== "input" || isTransposed(this.s) || !this.readable()) return [[0, 0], [0, 0]];
    const around = range(dimsOf(this.s)).map((axis) => paddingOf(this.s, axis).map((n) => Math.min(Math.max(n, 0), 40)));
    return dimsOf(this.s) === 1 ? [[0, 0], ...around] : around;
  }

  /** Width of a cell, and whether the three panels stand side by side. */
  plan() {
    const room = this.room(), flat = dimsOf(this.s) === 1, lead = flat ? LEAD : 0, titles = [105, isPool(this.s) ? 80 : 125, 105];
    const columns = ["input", "kernel", "output"].map((panel) => this.sizes(panel)[2] + this.margins(panel)[1][0] + this.margins(panel)[1][1]);
    const needs = (cell) => columns.reduce((all, n, i) => all + Math.max(n * cell + lead + 3, titles[i]), 56);
    let side = 54;
    while (side > 8 && needs(side) > room) side -= 0.5;
    const stacked = Math.min(54, (room - lead - 3) / Math.max(1, ...columns));
    const beside = side >= 30 || (side >= 10 && room > 640 && stacked < 3 * side), width = Math.max(beside ? side : stacked, 10);
    const spare = beside ? room - needs(width) : room - lead - 3 - columns[1] * width;
    const many = count(this.sizes("input")) > SHADED || count(this.sizes("output")) > SHADED;
    const cell = (size) => {
      const font = (0.92 * size) / this.ems("−0.0000"), digits = many && size < 40 ? -1 : font >= 9.4 ? 4 : size >= 30 ? 2 : size >= 18 && this.whole ? 0 : -1;
      return { width: size, height: Math.min(size, 34), digits, font: digits === 4 ? Math.min(font, 13) : 11.5 };
    };
    const kernel = cell(Math.max(width, Math.min(54, width + Math.max(0, spare - 4) / Math.max(1, columns[1]))));
    return { beside, input: cell(width), output: cell(width), kernel };
  }

  room() { return (this.root.clientWidth || 720) - 2 * parseFloat(getComputedStyle(this.root).paddingLeft); }

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
    const { s } = this, by = (sizes) => sizes.join(" × ");
    if (panel === "input") return `Input <span>x ${shapeText(s.shape)}</span>`;
    if (panel === "output") return `Output <span>${this.L ? `y ${shapeText(this.L.outShape)}` : ""}</span>`;
    if (isPool(s)) return `Window <span>${by(s.kernel)}</span>`;
    const step = (by_, sign) => `<button type="button" data-do="kernel" data-by="${by_}" aria-label="Kernel of the ${by_ < 0 ? "previous" : "next"} output channel">${sign}</button>`;
    return `Kernel <span>${this.o}${s.out > 1 ? ` of ${s.out}` : ""}</span>${s.out > 1 ? step(-1, "◂") + step(1, "▸") : ""}`;
  }

  drawPanel(panel) {
    const box = this.grids[panel], [channels, rows, columns] = this.sizes(panel);
    this.$(`.cx-${panel} .cx-title`).innerHTML = this.title(panel);
    this.cells[panel] = [];
    if (!channels || !rows || !columns) {
      box.removeAttribute("role");
      box.innerHTML = `<p class="cx-none">${panel === "output" ? (this.L ? "The output is empty." : "No output") : `${panel === "input" ? `x has shape ${shapeText(this.s.shape)}` : "No kernel"}`}</p>`;
      return;
    }
    const pool = panel === "kernel" && isPool(this.s);
    box.setAttribute("role", pool ? "img" : "grid");
    box.setAttribute("aria-label", pool ? `Window of ${this.s.kernel.join(" by ")}` : this.gridName(panel, channels, rows, columns));
    box.innerHTML = this.svg(panel, channels, rows, columns);
    if (!pool) this.cells[panel] = [...box.querySelectorAll("[data-c]")];
    if (panel === "input") for (const node of box.querySelectorAll("[data-pad]")) this.pads.set(node.dataset.pad, node);
    this.cell(this.at.panel === panel ? this.at : { panel, c: this.firstShown(panel), r: 0, k: 0 })?.setAttribute("tabindex", "0");
  }

  gridName(panel, channels, rows, columns) {
    const size = dimsOf(this.s) === 1 ? `${columns} cells` : `${rows} by ${columns} cells`;
    return `${{ input: "Input", kernel: `Kernel of output channel ${this.o}`, output: "Output" }[panel]}: ${channels} channel${channels === 1 ? "" : "s"} of ${size}. Arrow keys walk.`;
  }

  firstShown(panel) { return panel === "kernel" && this.L && !this.L.pool ? firstChannel(this.L, this.o) : panel === "kernel" && !isPool(this.s) ? Math.floor(this.o / Math.max(1, this.s.out / this.s.groups)) * this.sizes("kernel")[0] : 0; }

  /** The grids of a panel: one for each channel, stacked or wrapped to the room there is. */
  svg(panel, channels, rows, columns) {
    const { width: cw, height: ch, digits, font } = this.layout[panel], [[top, bottom], [left, right]] = this.margins(panel), flat = dimsOf(this.s) === 1;
    const gridW = (columns + left + right) * cw, gridH = (rows + top + bottom) * ch, gap = flat ? 0 : 24, lead = flat ? LEAD : 0, head = flat ? 0 : 16;
    const across = this.layout.beside || flat ? 1 : Math.max(1, Math.min(channels, Math.floor((this.room() + 14) / (gridW + 14))));
    const grids = [], frames = [], first = this.firstShown(panel), strongest = this.strongest(panel);
    for (let i = 0; i < channels; i++) {
      const x = lead + (i % across) * (gridW + 14) + 2, y = Math.floor(i / across) * (gridH + gap) + head + 2, c = first + i;
      const name = flat ? `<text class="cx-row-name" x="${lead - 5}" y="${y + ch / 2}">${c}</text>` : `<text class="cx-name" x="${x}" y="${y - 9}">channel ${c}</text>`;
      const lines = range(rows).map((r) => `<g${panel === "kernel" && isPool(this.s) ? "" : " role=\"row\""}>${range(columns).map((k) => this.cellMarkup(panel, c, r, k, strongest)).join("")}</g>`);
      grids.push(`${panel === "kernel" && isPool(this.s) ? "" : name}<g transform="translate(${x} ${y})">${panel === "input" ? this.padding(i, rows, columns) : ""}<g transform="translate(${left * cw} ${top * ch})">${digits < 0 ? `<rect class="cx-under" width="${columns * cw}" height="${rows * ch}"/>` : ""}${lines.join("")}</g></g>`);
      frames.push(`<g transform="translate(${x + left * cw} ${y + top * ch})"><rect class="cx-frame" data-frame="${c}"/><rect class="cx-mark" data-mark="${c}" width="${cw}" height="${ch}"/></g>`);
    }
    const w = lead + across * (gridW + 14) - 10, h = Math.ceil(channels / across) * (gridH + gap) + 4 - (flat ? 0 : 8);
    return `<svg role="presentation" focusable="false" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" style="--cx-font:${font}px">${grids.join("")}<g aria-hidden="true">${frames.join("")}</g></svg>`;
  }

  /** The cells around one channel of the input; copies where the padding mode copies. */
  padding(c, rows, columns) {
    const { width: cw, height: ch, digits } = this.layout.input, [[top, bottom], [left, right]] = this.margins("input"), parts = [], flat = dimsOf(this.s) === 1;
    for (let r = -top; r < rows + bottom; r++) for (let k = -left; k < columns + right; k++) {
      if (r >= 0 && r < rows && k >= 0 && k < columns) continue;
      const row = flat ? 0 : source(r, rows, this.s.mode), column = source(k, columns, this.s.mode), copied = this.s.mode !== "zeros" && row >= 0 && row < rows && column >= 0 && column < columns;
      const text = familyOf(this.s) === "max" ? "" : copied ? this.text("input", this.number("input", c, row, column)) : "0";
      const x = (k + left) * cw, y = (r + top) * ch, tags = `class="cx-pad" data-pad="${c}.${r}.${k}"`, box = `x="${x}" y="${y}" width="${cw}" height="${ch}"`;
    parts.push(digits < 0 ? `<rect ${tags} ${box}/>` : `<g ${tags}><rect ${box}/><text x="${x + cw / 2}" y="${y + ch / 2}">${text}</text></g>`);
    }
    return `<g aria-hidden="true">${parts.join("")}</g>`;
  }

  text(panel, value) { return shown(value, this.whole, Math.max(this.layout[panel].digits, 0)); }

  number(panel, c, r, k) {
    const { s, L, numbers, sample } = this, [, rows, columns] = this.sizes(panel);
    if (panel === "input") return numbers.x[((sample * channelsOf(s) + c) * rows + r) * columns + k];
    if (panel === "output") return L.y[yAt(L, sample, c, r, k)];
    if (isPool(s)) return NaN;
    const taps = rows * columns, tap = r * columns + k, perOut = s.out / s.groups;
    const index = isTransposed(s) ? c * perOut + (this.o % perOut) : this.o * this.sizes("kernel")[0] + (c - this.firstShown("kernel"));
    return numbers.weight[index * taps + tap];
  }

  strongest(panel) {
    if (this.layout[panel].digits >= 0) return 1;
    const all = panel === "input" ? this.numbers.x : panel === "output" ? [...this.L.y] : this.numbers.weight ?? [];
    return all.reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0) || 1;
  }

  /** A cell: a box with its number, or a shade alone where there is no room for numbers. */
  cellMarkup(panel, c, r, k, strongest) {
    const { width: cw, height: ch, digits } = this.layout[panel], x = k * cw, y = r * ch, size = `width="${cw}" height="${ch}"`;
    if (panel === "kernel" && isPool(this.s)) return `<g class="cx-cell"><rect x="${x}" y="${y}" ${size}/></g>`;
    const value = this.number(panel, c, r, k), tags = `role="gridcell" tabindex="-1" data-c="${c}" data-r="${r}" data-k="${k}" aria-label="${this.cellName(panel, c, r, k)}: ${spoken(this.say(value))}"`;
    if (digits < 0) return `<rect class="cx-cell ${value < 0 ? "cx-below" : "cx-above"}" ${tags} x="${x}" y="${y}" ${size} fill-opacity="${(Math.abs(value) / strongest || 0).toFixed(2)}"/>`;
    return `<g class="cx-cell" ${tags}><rect x="${x}" y="${y}" ${size}/><text x="${x + cw / 2}" y="${y + ch / 2}">${this.text(panel, value)}</text></g>`;
  }

  cellName(panel, c, r, k) {
    const word = { input: "input", output: "output", kernel: `weight of output channel ${this.o}, input` }[panel];
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
    if (say) { this.announce(); this.changed(); }
  }

  /** Light one cell and what belongs to it, until another is pointed at. */
  point(at) {
    for (const node of this.lit) node.classList.remove("cx-lit", "cx-at", "cx-on");
    this.lit = [];
    this.pointed = at;
    const sum = this.$(".cx-sum"), own = this.cell(at);
    sum.hidden = this.$(".cx-play").hidden = !this.L || !own;
    if (sum.hidden) return;
    this.mark(own, "cx-at");
    this.ring(at);
    const [name, value, body, said] = { output: () => this.pointOutput(at), input: () => this.pointInput(at), kernel: () => this.pointWeight(at) }[at.panel]();
    this.said = `${name}${spoken(said)}`;
    sum.innerHTML = `<p class="cx-head">${name[0].toUpperCase()}${name.slice(1)} <b>${this.say(value)}</b></p>${body}`;
    const tall = sum.offsetHeight; // the page below stays where it is while the reader looks around
    if (tall > (parseFloat(sum.style.minHeight) || 0)) sum.style.minHeight = `${tall}px`;
  }

  say(value) { return shown(value, this.whole); }

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
    if (!this.L.pool) this.mark(this.cell({ panel: "kernel", c, r: Math.floor(tap / columns), k: tap % columns }));
  }

  markOutput({ o, h, w }) { this.mark(this.cell({ panel: "output", c: o, r: h, k: w })); }

  /** Lay a frame around the places that a window stands on in one channel, or in `tall` rows of them. */
  frame(c, places, tall) {
    const frame = this.$(`[data-panel=input] [data-frame="${c}"]`), { width: cw, height: ch } = this.layout.input;
    const [rows, columns] = [0, 1].map((axis) => places.map((place) => place[axis])), r = Math.min(...rows), k = Math.min(...columns);
    put(frame, { x: k * cw, y: r * ch, width: (Math.max(...columns) - k + 1) * cw, height: (Math.max(...rows) - r + 1) * ch * tall });
    this.mark(frame, "cx-on");
  }

  ring({ panel, c, r, k }) {
    const mark = this.$(`[data-panel=${panel}] [data-mark="${c}"]`), { width, height } = this.layout[panel];
    put(mark, { x: k * width, y: r * height });
    this.mark(mark, "cx-on");
  }

  /** Light an output's window; its name, its number, the sum as markup and in words. */
  pointOutput({ c: o, r, k }) {
    const { L, sample } = this, found = terms(L, sample, o, r, k), channels = new Map();
    for (const term of found) {
      this.markInput(term.c, term.place, term.row, term.column);
      this.markWeight(term.c, term.tap);
      if (!channels.has(term.c)) channels.set(term.c, []);
      channels.get(term.c).push(term);
    }
    const flat = dimsOf(this.s) === 1;
    for (const [c, list] of channels) if (!flat || c === found[0].c) this.frame(c, list.map((term) => term.place), flat ? channels.size : 1);
    const name = this.cellName("output", o, r, k), value_ = L.y[yAt(L, sample, o, r, k)];
    return [name, value_, ...(L.pool ? this.pooled(found, value_, divisor(L, r, k)) : this.summed(channels, value_, L.bias?.[o]))];
  }

  pooled(found, value_, n) {
    const max = familyOf(this.s) === "max", chips = found.map((term) => ({ x: term.x, look: max && term.x === value_ ? " cx-won" : padLook(term) }));
    const end = max ? `the largest of ${found.length}` : `sum ${this.say(total(found, "x"))} / ${n}`;
    const words = found.map((term) => this.say(term.x)).join(", ");
    return [`${this.chips(chips, max ? "," : "+")}<p class="cx-total">${end} <b>= ${this.say(value_)}</b></p>`,
      `: ${this.say(value_)}, ${max ? `the largest of ${words}` : `the sum of ${words}, divided by ${n}`}.`];
  }

  summed(channels, value_, bias) {
    const parts = [...channels.values()].map((list) => total(list, "product")), found = [...channels.values()].flat();
    const lines = [...channels].map(([c, list], i) => this.chips(list.map((term) => ({ ...term, look: padLook(term) })), "+", `<span class="cx-tag">channel ${c}</span>`, `<span class="cx-part">= ${this.say(parts[i])}</span>`));
    const sum = parts.map((part) => this.say(part)).join(" + ").replace(/\+ −/g, "− ") || "no product", known = bias !== undefined;
    const words = found.length > 12 ? `the sum of ${found.length} products, ${this.say(total(found, "product"))}`
      : found.map((term) => `${this.say(term.w)} times ${this.say(term.x)}`).join(", plus ") || "no product";
    return [`${lines.join("")}<p class="cx-total">${sum}${known ? ` + bias <span class="cx-bias">${this.say(bias)}</span>` : ""} <b>= ${this.say(value_)}</b></p>`,
      `: ${this.say(value_)}, which is ${words}${known ? `, plus bias ${this.say(bias)}` : ""}.`];
  }

  pointInput({ c, r, k }) {
    const { L, sample } = this, found = reached(L, c, r, k), x = L.x[xAt(L, sample, c, r, k)], cells = new Set();
    for (const one of found) {
      this.markOutput(one);
      if (one.o === this.o) this.markWeight(c, one.tap);
      cells.add(yAt(L, sample, one.o, one.h, one.w));
    }
    const chips = found.map((one) => {
      const w = L.pool ? null : L.weight[wAt(L, one.o, c, one.tap)];
      return { where: this.place(one), w, x, product: L.pool ? L.y[yAt(L, sample, one.o, one.h, one.w)] : w * x };
    });
    const said = `It reaches ${cells.size || "no"} output cell${cells.size === 1 ? "" : "s"}.`;
    return [this.cellName("input", c, r, k), x, `<p>${said}</p>${this.chips(chips)}`, `: ${this.say(x)}. ${said}`];
  }

  pointWeight({ c, r, k }) {
    const { L, sample, o } = this, tap = r * L.windows[1].kernel + k, found = uses(L, o, c, tap), w = this.number("kernel", c, r, k);
    for (const one of found) {
      this.markOutput(one);
      this.markInput(c, placeOf(L, one.h, one.w, tap), one.row, one.column);
    }
    const chips = found.map((one) => {
      const x = one.real ? L.x[xAt(L, sample, c, one.row, one.column)] : 0;
      return { where: this.place(one), w, x, product: w * x, look: one.real ? "" : " cx-zero" };
    });
    const said = `It takes part in ${found.length} product${found.length === 1 ? "" : "s"}.`;
    return [this.cellName("kernel", c, r, k), w, `<p>${said}</p>${this.chips(chips)}`, `: ${this.say(w)}. ${said}`];
  }

  place({ o, h, w }) { return `y[${[o, ...(dimsOf(this.s) === 1 ? [] : [h]), w].join(", ")}] ← `; }

  /** A line of products, at most MOST of them; with a sign between them where they are a sum. */
  chips(list, sign = "", before = "", after = "") {
    const chip = ({ where = "", w = null, x, product, look = "" }) => `<span class="cx-term${look}"><span class="cx-work">${where}${w === null ? "" : `<b>${this.say(w)}</b> × `}<i>${this.say(x)}</i></span>${product === undefined ? "" : `<em>${this.say(product)}</em>`}</span>`;
    const rest = list.length > MOST ? `<span class="cx-plus">${sign} ${list.length - MOST} more</span>` : "";
    return `<div class="cx-line">${before}<span class="cx-chips">${list.slice(0, MOST).map(chip).join(sign && `<span class="cx-plus">${sign}</span>`)}${rest}</span>${after}</div>`;
  }

  /** Say the sum in the live region, once the reader has rested on a cell. */
  announce() {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      this.$(".cx-live").textContent = this.L ? this.said : `PyTorch refuses this setting: ${this.problem.message}`;
    }, 250);
  }

  // ---- facts

  facts() {
    const { s, L } = this, windows = windowsOf(s), names = AXES[dimsOf(s)], right = [dimsOf(s) + 1, dimsOf(s) + 2].includes(s.shape.length);
    this.$(".cx-code code").textContent = code(s);
    const words = isTransposed(s) ? "(size − 1)·stride − cropped before − cropped after + dilation·(kernel − 1) + output_padding + 1"
      : `${s.ceil && isPool(s) ? "⌈" : "⌊"}(size + padding before + padding after − dilation·(kernel − 1) − 1) / stride${s.ceil && isPool(s) ? "⌉" : "⌋"} + 1`;
    const lines = right && s.stride.every(Boolean) ? windows.map((w, a) => `<dt>${names[a]}</dt><dd>${formula(w, spatial(s)[a])}</dd>`).join("") : "";
    this.$(".cx-formula").innerHTML = `<p>output size = ${words}</p><dl>${lines}</dl>${L ? `<p>x ${shapeText(s.shape)} → y ${shapeText(L.outShape)}</p>` : ""}`;
    this.showProblem();
  }

  showProblem() {
    const box = this.$(".cx-problem"), { problem: p } = this;
    box.hidden = !p;
    if (!p) { box.innerHTML = ""; return; }
    const base = this.data.errors, page = base === undefined ? "" : escape(base + p.code.replace("#", ".html#"));
    const more = page && `<p><a href="${page}">What this error means</a></p>`;
    box.innerHTML = `<p>PyTorch refuses this setting:</p><pre tabindex="0"><b>${p.type}</b>: ${escape(p.message)}</pre><p>What to change:</p><ul>${p.fixes.map((one, i) => `<li>${escape(one.text)} <button type="button" data-do="fix" data-fix="${i}" aria-label="${escape(one.text)}: do it">Do it</button></li>`).join("")}</ul>${more}`;
    this.announce();
  }

  // ---- address

  /** Open what the address says; true when it spoke of this explorer. */
  openAddress() {
    const hash = window.location.hash.slice(1), mark = hash.indexOf("?");
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

  address() { return `#${this.id}?${link(this.s, this.at)}`; }

  /** The address follows the picture, where this explorer is the one that owns it. */
  changed() {
    if (!this.data.address) return;
    clearTimeout(this.writing);
    this.writing = setTimeout(() => {
      const address = this.address();
      if (address.length > 16000) return;
      try { window.history.replaceState(null, "", address); } catch { /* a sandboxed page has no address of its own */ }
    }, 200);
  }

  async copy(text, button) {
    const label = button.textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; } catch {
      const code_ = this.$(".cx-code code");
      window.getSelection().selectAllChildren(code_);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = label; }, 1500);
  }

  // ---- playing

  step(by) {
    if (!this.L) return;
    const [channels, rows, columns] = this.sizes("output"), all = channels * rows * columns, { at } = this;
    const now = at.panel === "output" ? (at.c * rows + at.r) * columns + at.k : by > 0 ? -1 : 0, next = (now + by + all) % all;
    this.choose({ panel: "output", c: Math.floor(next / (rows * columns)), r: Math.floor(next / columns) % rows, k: next % columns }, { say: !this.playing });
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
    const { root, form } = this, on = (name, act, node = root) => node.addEventListener(name, act);
    on("submit", (event) => { event.preventDefault(); if (!this.$(".cx-own").hidden) this.useOwn(); }, form);
    on("change", (event) => { if (event.target.name in form.elements && !event.target.name.startsWith("own-")) this.edited(event.target.name); }, form);
    on("change", (event) => { if (event.target.name === "sample") { this.sample = Number(event.target.value); this.draw(); this.announce(); } });
    this.$(".cx-own").addEventListener("toggle", (event) => { if (event.target.open && !this.form.elements["own-x"].value) this.fillOwn(); });
    on("click", (event) => this.clicked(event));
    on("keydown", (event) => this.pressed(event));
    on("focusin", (event) => { const at = this.where(event.target); if (at) { this.pause(); this.choose(at, { say: true }); } });
    on("pointerover", (event) => { if (event.pointerType !== "touch" && !this.playing) { const at = this.where(event.target); if (at) this.point(at); } });
    on("pointerleave", () => { if (!this.playing && this.pointed !== this.at) this.point(this.at); }, this.$(".cx-stage"));
    window.addEventListener("hashchange", () => this.openAddress());
    const calm = () => { const button = this.$("[data-do=play]"); button.disabled = CALM.matches; button.title = CALM.matches ? "Your system asks for no motion; use Step" : ""; if (CALM.matches) this.pause(); };
    CALM.addEventListener?.("change", calm);
    calm();
  }

  where(node) {
    const cell = node.closest?.("[data-c]");
    if (!cell) return null;
    const { panel } = cell.closest("[data-panel]").dataset, [c, r, k] = ["c", "r", "k"].map((key) => Number(cell.dataset[key]));
    return { panel, c, r, k, ...(panel === "kernel" ? { o: this.o } : {}) };
  }

  clicked(event) {
    const at = this.where(event.target), button = event.target.closest("button");
    if (at) return this.choose(at, { focus: true, say: true });
    if (button?.dataset.step) return this.nudge(button.dataset.for, Number(button.dataset.step));
    const act = {
      play: () => (this.playing ? this.pause() : this.play()),
      step: () => { this.pause(); this.step(1); },
      back: () => { this.pause(); this.step(-1); },
      copy: () => this.copy(code(this.s), button),
      link: () => this.copy(window.location.href.split("#")[0] + this.address(), button),
      fix: () => this.change(this.problem.fixes[button.dataset.fix].patch),
      kernel: () => this.turnKernel(Number(button.dataset.by)),
    }[button?.dataset.do];
    return act?.();
  }

  turnKernel(by) {
    const o = (this.o + by + this.s.out) % this.s.out;
    this.choose(this.at.panel === "output" ? { ...this.at, c: o } : { ...this.at, o, c: this.at.panel === "kernel" ? 0 : this.at.c }, { say: true });
    this.$(`[data-do=kernel][data-by="${by}"]`)?.focus();
  }

  nudge(name, by) {
    const input = this.form.elements[name], sizes = readField(input.value) ?? [0];
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
    const [channels, rows, columns] = this.sizes(at.panel), first = this.firstShown(at.panel), line = (at.c - first) * rows + at.r, last = channels * rows - 1;
    const to = (row, k) => ({ ...at, c: first + Math.floor(row / rows), r: row % rows, k });
    const clip = (row) => Math.min(Math.max(row, 0), last);
    const moves = {
      ArrowLeft: () => to(line, Math.max(0, at.k - 1)), ArrowRight: () => to(line, Math.min(columns - 1, at.k + 1)),
      ArrowUp: () => to(clip(line - 1), at.k), ArrowDown: () => to(clip(line + 1), at.k),
      PageUp: () => to(clip(line - rows), at.k), PageDown: () => to(clip(line + rows), at.k),
      Home: () => to(control ? 0 : line, 0), End: () => to(control ? last : line, columns - 1),
    };
    return moves[key]?.();
  }
}

function nestedText({ shape, data }) {
  const part = (depth, from, size) => {
    if (depth === shape.length) return shortest(data[from]);
    const step = size / shape[depth], deep = depth < shape.length - 1;
    return `[${range(shape[depth]).map((i) => part(depth + 1, from + i * step, step)).join(deep ? `,\n${" ".repeat(depth + 1)}` : ", ")}]`;
  };
  return part(0, 0, data.length);
}

const decoded = (tensors) => tensors && Object.fromEntries(Object.entries(tensors).map(([name, one]) => [name, { shape: one.shape, data: one.data.map((v) => Math.fround(plainNumber(v))) }]));

function start() {
  for (const root of document.querySelectorAll(".cx:not([data-ready])")) {
    root.dataset.ready = "";
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    data.own = decoded(data.own);
    for (const [dims, preset] of Object.entries(data.notebook ?? {})) data.notebook[dims] = decoded(preset);
    root.explorer = new Explorer(root, data);
  }
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
return { start, complete, problem, solve, numbersOf, terms, reached, uses, formula, windowsOf, code, link, unlink, read, tooMany, tooLarge, KINDS };
})();
window.ConvExplorer.start();
