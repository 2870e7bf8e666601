/* What each kind of call works out, on tensors {shape, data}; compared with torch by the tests.
 *
 * A window slides over three axes, depth, height and width; a layer over fewer has axes of one
 * cell in front. OPS[kind](op, inputs, shape) gives the numbers of the output of that shape, once
 * READY[kind](op, shapes, shape) has put torch's settings into the form that it takes.
 */
const count = (shape) => shape.reduce((all, size) => all * size, 1);
const NOTHING = -1; // a tap on padding, or between two spread cells

/** [n, channels, [d, h, w]] of a tensor whose last `dims` axes are swept. */
function parts(shape, dims) {
  const lead = shape.slice(0, shape.length - dims);
  return {
    n: count(lead.slice(0, -1)),
    channels: lead.at(-1) ?? 1,
    planes: count(lead),
    size: [1, 1, 1, ...shape.slice(shape.length - dims)].slice(-3),
  };
}

const three = (values, filler) => [filler, filler, filler, ...values].slice(-3);

/** Where padding of a mode takes its cell from. */
function folded(place, size, mode) {
  if (place >= 0 && place < size) return place;
  if (mode === "reflect") return place < 0 ? -place : 2 * (size - 1) - place;
  if (mode === "replicate") return Math.min(Math.max(place, 0), size - 1);
  if (mode === "circular") return ((place % size) + size) % size;
  return NOTHING;
}

/** Per axis and output cell, the input cell under each tap of the window. */
function windows(op, size, out) {
  const dilation = three(op.dilation, 1),
    stride = three(op.stride, 1);
  const padding = three(op.padding, [0, 0]),
    kernel = three(op.kernel, 1);
  return out.map((cells, axis) =>
    Array.from({ length: cells }, (_, cell) =>
      Int32Array.from({ length: kernel[axis] }, (_, tap) => {
        const before = padding[axis][0];
        if (op.op !== "conv_transpose") {
          const place = cell * stride[axis] - before + tap * dilation[axis];
          return folded(place, size[axis], op.mode);
        }
        const place = (cell + before - tap * dilation[axis]) / stride[axis];
        return Number.isInteger(place) && place >= 0 && place < size[axis] ? place : NOTHING;
      }),
    ),
  );
}

/** The cells of an adaptive pool: cell i reads floor(i n/m) up to ceil((i + 1) n/m). */
const adaptive = (size, out) =>
  out.map((cells, axis) =>
    Array.from({ length: cells }, (_, cell) => {
      const first = Math.floor((cell * size[axis]) / cells);
      const end = Math.ceil(((cell + 1) * size[axis]) / cells);
      return Int32Array.from({ length: end - first }, (_, i) => first + i);
    }),
  );

/** What a sliding call reads: its tables are worked out once for given sizes. */
function sweep(op, inShape, outShape) {
  const key = `${inShape}/${outShape}`;
  if (op.swept?.key === key) return op.swept;
  const dims = op.kernel?.length ?? op.dims;
  const from = parts(inShape, dims),
    to = parts(outShape, dims);
  const reads = op.kernel ? windows(op, from.size, to.size) : adaptive(from.size, to.size);
  const swept = { key, dims, from, to, reads, inPlane: count(from.size), outPlane: count(to.size) };
  Object.defineProperty(op, "swept", { value: swept, configurable: true, writable: true });
  return swept;
}

/** Call visit(tap, source) for each tap of an output cell; the source may be NOTHING. */
function eachTap(reads, size, [d, h, w], visit) {
  const [deep, high, wide] = [reads[0][d], reads[1][h], reads[2][w]];
  let tap = 0;
  for (const z of deep)
    for (const y of high)
      for (const x of wide) {
        const hole = z === NOTHING || y === NOTHING || x === NOTHING;
        visit(tap++, hole ? NOTHING : (z * size[1] + y) * size[2] + x);
      }
}

/** [first input channel, channels, output channel within the group] of an output channel. */
function group(op, channels, outChannels, o) {
  const each = channels / op.groups,
    outEach = outChannels / op.groups;
  return { first: Math.floor(o / outEach) * each, each, own: o % outEach, outEach };
}

/** Where the weight of tap 0 stands, for output channel o and the input channel c of its group. */
function weightAt(op, taps, g, o, c) {
  if (op.op === "conv_transpose") return ((g.first + c) * g.outEach + g.own) * taps;
  return (o * g.each + c) * taps;
}

function convolve(op, [x], shape) {
  const S = sweep(op, x.shape, shape),
    { from, to } = S;
  const taps = count(op.kernel),
    y = new Float32Array(count(shape));
  const sum = new Float64Array(S.outPlane);
  for (let n = 0; n < to.n; n++)
    for (let o = 0; o < to.channels; o++) {
      const g = group(op, from.channels, to.channels, o);
      sum.fill(op.bias ? op.bias.data[o] : 0);
      for (let c = 0; c < g.each; c++) {
        const weights = weightAt(op, taps, g, o, c);
        const base = (n * from.channels + g.first + c) * S.inPlane;
        slide(S, x.data, base, op.weight.data, weights, sum);
      }
      y.set(sum, (n * to.channels + o) * S.outPlane);
    }
  return y;
}

/** Add one channel's products to all cells of an output map. */
function slide({ reads, from, to }, x, base, weight, at, sum) {
  const [depth, height, width] = to.size,
    [, rows, columns] = from.size;
  const [deep, high, wide] = reads.map((axis) => axis[0]?.length ?? 0);
  for (let i = 0; i < deep; i++)
    for (let j = 0; j < high; j++)
      for (let k = 0; k < wide; k++) {
        const w = weight[at++];
        for (let d = 0; d < depth; d++) {
          const z = reads[0][d][i];
          if (z === NOTHING) continue;
          for (let h = 0; h < height; h++) {
            const row = reads[1][h][j];
            if (row === NOTHING) continue;
            const line = base + (z * rows + row) * columns;
            const into = (d * height + h) * width;
            for (let v = 0; v < width; v++) {
              const column = reads[2][v][k];
              if (column !== NOTHING) sum[into + v] += w * x[line + column];
            }
          }
        }
      }
}

const isMax = (op) => op.op === "max_pool" || op.op === "adaptive_max_pool";

function pool(op, [x], shape) {
  const S = sweep(op, x.shape, shape),
    y = new Float32Array(count(shape));
  let at = 0;
  for (let plane = 0; plane < S.to.planes; plane++)
    eachCell(S.to.size, (cell) => {
      let sum = 0,
        top = -Infinity,
        cells = 0;
      eachTap(S.reads, S.from.size, cell, (_, source) => {
        if (source === NOTHING) return;
        const value = x.data[plane * S.inPlane + source];
        sum += value;
        cells += 1;
        if (value > top || value !== value) top = value;
      });
      y[at++] = isMax(op) ? top : sum / divisor(op, S, cell, cells);
    });
  return y;
}

function eachCell([depth, height, width], visit) {
  for (let d = 0; d < depth; d++)
    for (let h = 0; h < height; h++) for (let w = 0; w < width; w++) visit([d, h, w]);
}

/** What an average divides by: the whole window as far as padding reaches, or its cells. */
function divisor(op, S, cell, cells) {
  if (op.divisor) return op.divisor;
  if (op.op !== "avg_pool" || !op.countPad) return cells;
  const padding = three(op.padding, [0, 0]),
    stride = three(op.stride, 1);
  return three(op.kernel, 1).reduce((all, kernel, axis) => {
    const start = cell[axis] * stride[axis] - padding[axis][0];
    return all * (Math.min(start + kernel, S.from.size[axis] + padding[axis][1]) - start);
  }, 1);
}

function linear(op, [x], shape) {
  const [outs, ins] = [op.weight.shape[0], op.weight.shape[1]],
    w = op.weight.data;
  const y = new Float32Array(count(shape));
  for (let row = 0; row < y.length / outs; row++)
    for (let o = 0; o < outs; o++) {
      let sum = op.bias ? op.bias.data[o] : 0;
      for (let i = 0; i < ins; i++) sum += w[o * ins + i] * x.data[row * ins + i];
      y[row * outs + o] = sum;
    }
  return y;
}

// ------------------------------------------------------------------ norms

/** Mean and variance of each run of `cells` numbers. */
function moments(x, cells, run) {
  let mean = 0,
    square = 0;
  for (let i = 0; i < cells; i++) mean += x[run * cells + i];
  mean /= cells;
  for (let i = 0; i < cells; i++) square += (x[run * cells + i] - mean) ** 2;
  return { mean, variance: square / cells };
}

/** How one cell is normalised: the mean, the variance, the scale and the shift that meet in it. */
function norm(op, x, shape, at) {
  if (op.op === "layer_norm") {
    const own = at % op.cells;
    return { ...moments(x.data, op.cells, Math.floor(at / op.cells)), own };
  }
  const plane = count(shape.slice(2)),
    own = Math.floor(at / plane) % shape[1];
  if (op.op === "batch_norm") return { mean: op.mean.data[own], variance: op.var.data[own], own };
  const cells = (plane * shape[1]) / op.groups;
  return { ...moments(x.data, cells, Math.floor(at / cells)), own };
}

const scaled = (op, value, { mean, variance, own }) =>
  ((value - mean) / Math.sqrt(variance + op.eps)) * (op.weight ? op.weight.data[own] : 1) +
  (op.bias ? op.bias.data[own] : 0);

function normalise(op, [x], shape) {
  const y = new Float32Array(x.data.length),
    plane = count(shape.slice(2));
  const run = op.op === "layer_norm" ? op.cells : (plane * shape[1]) / (op.groups ?? shape[1]);
  for (let start = 0; start < y.length; start += run) {
    const known = norm(op, x, shape, start),
      first = known.own;
    for (let i = 0; i < run; i++) {
      known.own = op.op === "layer_norm" ? i : first + Math.floor(i / plane);
      y[start + i] = scaled(op, x.data[start + i], known);
    }
  }
  return y;
}

function softmax(op, [x], shape) {
  const y = new Float32Array(x.data.length),
    size = shape[op.dim] ?? 1, // a number alone has no axes
    step = count(shape.slice(op.dim + 1));
  for (let at = 0; at < y.length; at++) {
    if (Math.floor(at / step) % size) continue;
    let top = -Infinity,
      sum = 0;
    for (let i = 0; i < size; i++) top = Math.max(top, x.data[at + i * step]);
    for (let i = 0; i < size; i++) sum += Math.exp(x.data[at + i * step] - top);
    for (let i = 0; i < size; i++) {
      const z = x.data[at + i * step] - top;
      y[at + i * step] = op.op === "softmax" ? Math.exp(z) / sum : z - Math.log(sum);
    }
  }
  return y;
}

// ------------------------------------------------------------------ cell by cell

/** The error function, by its Maclaurin series; beyond 4 it is 1 to eight digits. */
function erf(x) {
  if (Math.abs(x) > 4) return Math.sign(x);
  let term = x,
    sum = x;
  for (let n = 1; n < 80; n++) sum += (term *= (-x * x) / n) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
const softplus = (x, beta = 1, threshold = 20) =>
  x * beta > threshold ? x : Math.log1p(Math.exp(x * beta)) / beta;
const CURVES = {
  relu: (x) => (x > 0 || x !== x ? x : 0),
  relu6: (x) => (x !== x ? x : Math.min(Math.max(x, 0), 6)),
  leaky_relu: (x, op) => (x > 0 ? x : x * op.negative_slope),
  elu: (x, op) => (x > 0 ? x : op.alpha * Math.expm1(x)),
  gelu: (x, op) =>
    op.approximate === "tanh"
      ? 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))
      : 0.5 * x * (1 + erf(x / Math.SQRT2)),
  silu: (x) => x * sigmoid(x),
  mish: (x) => x * Math.tanh(softplus(x)),
  hardswish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  hardsigmoid: (x) => Math.min(Math.max(x + 3, 0), 6) / 6,
  softplus: (x, op) => softplus(x, op.beta, op.threshold),
  sigmoid,
  tanh: Math.tanh,
  identity: (x) => x,
};

const BINARY = {
  add: (a, b, op) => a + op.alpha * b,
  sub: (a, b, op) => a - op.alpha * b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
};

/** Where a broadcast operand's number stands for cell `at` of the output. */
function spreadAt(from, shape, at) {
  let place = 0,
    step = 1;
  for (let axis = 1; axis <= shape.length; axis++) {
    const size = shape.at(-axis),
      own = from.at(-axis) ?? 1;
    if (own > 1) place += (at % size) * step;
    step *= own;
    at = Math.floor(at / size);
  }
  return place;
}

const valueAt = (operand, shape, at) =>
  typeof operand === "number"
    ? operand
    : operand.data[operand.data.length === count(shape) ? at : spreadAt(operand.shape, shape, at)];

// ------------------------------------------------------------------ moving cells about

/** For each output cell the input cell it is, or NOTHING; for calls that only move cells. */
function origin(op, inShape, shape, at) {
  const place = shape.map((size, axis) => {
    const step = count(shape.slice(axis + 1));
    return Math.floor(at / step) % size;
  });
  const from =
    op.op === "permute"
      ? op.order.reduce((made, axis, i) => ((made[axis] = place[i]), made), [])
      : place.map((cell, axis) => folded(cell - op.padding[axis][0], inShape[axis], op.mode));
  if (from.includes(NOTHING)) return NOTHING;
  return from.reduce((all, cell, axis) => all * inShape[axis] + cell, 0);
}

function moved(op, [x], shape) {
  const y = new Float32Array(count(shape));
  for (let at = 0; at < y.length; at++) {
    const from = origin(op, x.shape, shape, at);
    y[at] = from === NOTHING ? Number(op.value) : x.data[from];
  }
  return y;
}

/** Which operand of a concatenation a cell comes from, and where it stands there. */
function member(op, inputs, shape, at) {
  const inner = count(shape.slice(op.dim + 1)),
    size = shape[op.dim];
  let cell = Math.floor(at / inner) % size;
  const outer = Math.floor(at / inner / size);
  for (let which = 0; which < inputs.length; which++) {
    const own = inputs[which].shape[op.dim];
    if (cell < own) return { which, at: (outer * own + cell) * inner + (at % inner) };
    cell -= own;
  }
  return null;
}

function cat(op, inputs, shape) {
  const y = new Float32Array(count(shape));
  for (let at = 0; at < y.length; at++) {
    const from = member(op, inputs, shape, at);
    y[at] = inputs[from.which].data[from.at];
  }
  return y;
}

/** Along one axis, the cells that a resized cell is mixed from: [cell, share]. torch works out
 *  the place of a nearest cell in single precision. */
function mixed(op, axis, size, cell) {
  const step = op.step[axis];
  if (op.mode === "nearest") {
    const place = Math.floor(Math.fround(cell * Math.fround(step)));
    return [[Math.min(place, size - 1), 1]];
  }
  const place = op.corners ? cell * step : Math.max(step * (cell + 0.5) - 0.5, 0);
  const first = Math.min(Math.floor(place), size - 1),
    share = place - first;
  return first < size - 1 && share > 0
    ? [
        [first, 1 - share],
        [first + 1, share],
      ]
    : [[first, 1]];
}

/** The input cells that an upsampled cell is mixed from, with their shares. */
function mixture(op, inShape, shape, at) {
  const lead = shape.length - op.step.length;
  let made = [[Math.floor(at / count(shape.slice(lead))), 1]];
  for (let axis = lead; axis < shape.length; axis++) {
    const cell = Math.floor(at / count(shape.slice(axis + 1))) % shape[axis];
    const own = mixed(op, axis - lead, inShape[axis], cell);
    made = made.flatMap(([place, share]) =>
      own.map(([place2, share2]) => [place * inShape[axis] + place2, share * share2]),
    );
  }
  return made;
}

function upsample(op, [x], shape) {
  return Float32Array.from({ length: count(shape) }, (_, at) =>
    mixture(op, x.shape, shape, at).reduce((sum, [place, share]) => sum + share * x.data[place], 0),
  );
}

/** The input cells that a mean or a sum adds up for cell `at`. */
function gathered(op, inShape, at) {
  const kept = inShape.map((size, axis) => (op.dims.includes(axis) ? 1 : size));
  let places = [0];
  for (let axis = 0; axis < inShape.length; axis++) {
    const cell = Math.floor(at / count(kept.slice(axis + 1))) % kept[axis];
    const own = op.dims.includes(axis) ? [...Array(inShape[axis]).keys()] : [cell];
    places = places.flatMap((place) => own.map((one) => place * inShape[axis] + one));
  }
  return places;
}

function reduced(op, [x], shape) {
  return Float32Array.from({ length: count(shape) }, (_, at) => {
    const places = gathered(op, x.shape, at);
    const sum = places.reduce((all, place) => all + x.data[place], 0);
    return op.op === "mean" ? sum / places.length : sum;
  });
}

const each =
  (curve) =>
  (op, [x]) => {
    const y = new Float32Array(x.data.length);
    for (let at = 0; at < y.length; at++) y[at] = curve(x.data[at], op);
    return y;
  };
const both =
  (join) =>
  (op, [a, b], shape) =>
    Float32Array.from({ length: count(shape) }, (_, at) =>
      join(valueAt(a, shape, at), valueAt(b, shape, at), op),
    );
const table = (object, make) =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, make(value)]));

const OPS = {
  conv: convolve,
  conv_transpose: convolve,
  linear,
  max_pool: pool,
  avg_pool: pool,
  adaptive_max_pool: pool,
  adaptive_avg_pool: pool,
  batch_norm: normalise,
  group_norm: normalise,
  layer_norm: normalise,
  softmax,
  log_softmax: softmax,
  ...table(CURVES, each),
  ...table(BINARY, both),
  cat,
  upsample,
  permute: moved,
  pad: moved,
  mean: reduced,
  sum: reduced,
  reshape: (op, [x]) => x.data.slice(),
};

// ------------------------------------------------------------------ settings, as torch has them

/** Axes counted from the front; all where none are named. */
function fromFront(dims, rank) {
  const named = dims.length ? dims : Array(rank).keys();
  return [...named].map((dim) => (dim < 0 ? dim + rank : dim));
}

/** torch's own rule, of old, where no axis is named. */
const softAxis = (op, [x]) => ({
  dim: fromFront([op.dim ?? ([0, 1, 3].includes(x.length) ? 0 : 1)], x.length)[0],
});
const sweptAxes = (op) => ({ dims: Number(op.name.at(-2)) }); // AdaptiveAvgPool2d
const gatheredAxes = (op, [x]) => ({ dims: fromFront([op.dim ?? op.axis ?? []].flat(), x.length) });

function exchange({ dims, dim0, dim1 }, [x]) {
  if (dims) return { order: fromFront(dims, x.length) };
  const order = fromFront([], x.length),
    [a, b] = fromFront([dim0, dim1], x.length);
  if (x.length > 1) [order[a], order[b]] = [order[b], order[a]];
  return { order };
}

/** How far apart resized cells are in the input, by the scale where one is given. */
function resizing(op, [x], shape) {
  const step = x.slice(2).map((size, axis) => {
    const cells = shape[axis + 2],
      scale = op.recompute ? null : Array.isArray(op.scale) ? op.scale[axis] : op.scale;
    if (op.corners) return cells > 1 ? (size - 1) / (cells - 1) : 0;
    return scale ? 1 / scale : size / cells;
  });
  return { step };
}

/** torch lists the last axis first, before and after. */
function margins(op, [x]) {
  const flat = op.pad ?? op.padding,
    own = Array.from({ length: flat.length / 2 }, (_, i) => flat.slice(2 * i, 2 * i + 2));
  return { padding: [...x.slice(own.length).map(() => [0, 0]), ...own.reverse()] };
}

const READY = {
  adaptive_max_pool: sweptAxes,
  adaptive_avg_pool: sweptAxes,
  group_norm: (op, [x]) => ({ groups: op.groups ?? x[1] }),
  layer_norm: (op) => ({ cells: count(op.normalized_shape) }),
  softmax: softAxis,
  log_softmax: softAxis,
  mean: gatheredAxes,
  sum: gatheredAxes,
  cat: (op, _, shape) => ({ dim: fromFront([op.dim ?? op.axis], shape.length)[0] }),
  permute: exchange,
  upsample: resizing,
  pad: margins,
};
