/* One layer worked out: each output cell, and which products it is made of. */

/** Everything about a legal setting: windows, shapes, numbers and what each tap reads.
 *  A layer over one axis is worked out as one row of a layer over two. */
function solve(s, numbers) {
  const flat = dimsOf(s) === 1;
  const still = {
    kernel: 1,
    stride: 1,
    before: 0,
    after: 0,
    dilation: 1,
    extra: 0,
    ceil: false,
    transposed: isTransposed(s),
  };
  const windows = flat ? [still, ...windowsOf(s)] : windowsOf(s);
  const size = flat ? [1, ...spatial(s)] : spatial(s);
  const out = windows.map((w, axis) => outputSize(w, size[axis]));
  const L = {
    s,
    windows,
    size,
    out,
    ...numbers,
    pool: isPool(s),
    channels: channelsOf(s),
    outChannels: outChannels(s),
    samples: batched(s) ? s.shape[0] : 1,
    taps: windows[0].kernel * windows[1].kernel,
    perGroup: isPool(s) ? 1 : s.in / s.groups,
    outPerGroup: isPool(s) ? 1 : s.out / s.groups,
  };
  L.reads = windows.map((w, axis) =>
    range(out[axis]).map((o) =>
      positions(w, o).map((place) => {
        const inside = place >= 0 && place < size[axis];
        if (place === null || (w.transposed && !inside)) return HOLE;
        if (L.pool && !inside) return place < size[axis] + w.after ? PADDING : HOLE;
        return source(place, size[axis], s.mode);
      }),
    ),
  );
  L.outShape = [...(batched(s) ? [s.shape[0]] : []), L.outChannels, ...out.slice(flat ? 1 : 0)];
  workOut(L);
  return L;
}

/** Fill in the outputs: L.z of the layer itself, L.y after the ReLU where there is any. */
function workOut(L) {
  const { out, s } = L;
  L.z = new Float64Array(L.samples * L.outChannels * out[0] * out[1]);
  let at = 0;
  for (let n = 0; n < L.samples; n++)
    for (let o = 0; o < L.outChannels; o++)
      for (let h = 0; h < out[0]; h++)
        for (let w = 0; w < out[1]; w++) L.z[at++] = value(L, n, o, h, w);
  L.y = s.relu ? L.z.map((z) => (z < 0 ? 0 : z)) : L.z;
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
  const rows = L.reads[0][h],
    columns = L.reads[1][w],
    first = firstChannel(L, o);
  for (let c = first; c < first + L.perGroup; c++)
    for (let i = 0; i < rows.length; i++)
      if (rows[i] !== HOLE)
        for (let j = 0; j < columns.length; j++)
          if (columns[j] !== HOLE) visit(c, i * columns.length + j, rows[i], columns[j]);
}

const inInput = (row, column) => row !== PADDING && column !== PADDING;

function divisor(L, h, w) {
  if (L.s.divisor) return L.s.divisor;
  return [h, w].reduce((all, out, axis) => {
    const window = L.windows[axis],
      start = out * window.stride - window.before;
    const end = Math.min(start + window.kernel, L.size[axis] + window.before);
    const inside = Math.min(end, L.size[axis]) - Math.max(start, 0);
    return all * (L.s.countPad ? end - start : inside);
  }, 1);
}

/** Output cell (n, o, h, w), before a ReLU that follows the layer. */
function value(L, n, o, h, w) {
  let sum = L.bias ? L.bias[o] : 0,
    top = -Infinity;
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
    const real = inInput(row, column),
      x = real ? L.x[xAt(L, n, c, row, column)] : 0;
    if (L.pool && !real && familyOf(L.s) === "max") return;
    const weight = L.pool ? null : L.weight[wAt(L, o, c, tap)];
    const place = placeOf(L, h, w, tap);
    found.push({
      c,
      tap,
      row,
      column,
      place,
      x,
      w: weight,
      product: L.pool ? x : weight * x,
      real,
      padded: place.some((p, axis) => p < 0 || p >= L.size[axis]),
    });
  });
  return found;
}

function placeOf(L, h, w, tap) {
  const [rows, columns] = L.windows;
  return [
    positions(rows, h)[Math.floor(tap / columns.kernel)],
    positions(columns, w)[tap % columns.kernel],
  ];
}

/** Output cells that read input cell (c, row, column): {o, h, w, tap}. */
function reached(L, c, row, column) {
  const found = [],
    group = Math.floor(c / L.perGroup);
  const channels = L.pool ? [c] : range(L.outPerGroup).map((i) => group * L.outPerGroup + i);
  const readers = (axis, cell) =>
    L.reads[axis].flatMap((taps, out) =>
      taps.flatMap((read, tap) => (read === cell ? [[out, tap]] : [])),
    );
  const across = readers(1, column);
  for (const [h, i] of readers(0, row))
    for (const [w, j] of across)
      for (const o of channels) found.push({ o, h, w, tap: i * L.windows[1].kernel + j });
  return found.sort((a, b) => a.o - b.o || a.h - b.h || a.w - b.w);
}

/** Every product that tap `tap` of output channel `o` over channel `c` takes part in. */
function uses(L, o, c, tap) {
  const found = [],
    i = Math.floor(tap / L.windows[1].kernel),
    j = tap % L.windows[1].kernel;
  for (let h = 0; h < L.out[0]; h++)
    for (let w = 0; w < L.out[1]; w++) {
      const row = L.reads[0][h][i],
        column = L.reads[1][w][j];
      if (row !== HOLE && column !== HOLE)
        found.push({ o, c, h, w, row, column, real: inInput(row, column) });
    }
  return found;
}

/**
 * Every place of a pool's window, those outside of the input too: {c, place, x, real, counts}.
 * Outside stands -inf for a maximum, 0 for an average; what lies past the padding, where
 * ceil_mode lets a window end, counts for neither.
 */
function poolPlaces(L, n, c, h, w) {
  const max = familyOf(L.s) === "max";
  return range(L.taps).map((tap) => {
    const place = placeOf(L, h, w, tap);
    const real = place.every((p, axis) => p >= 0 && p < L.size[axis]);
    const past = place.some((p, axis) => p >= L.size[axis] + L.windows[axis].after);
    const x = real ? L.x[xAt(L, n, c, ...place)] : max ? -Infinity : 0;
    const counts = real || (!max && !past && L.s.countPad);
    return { c, place, x, real, counts };
  });
}
