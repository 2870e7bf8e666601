/* How one cell came about: the products of a window, the winner of a pool, a line for the rest.
 *
 * explain(net, index, at) gives { groups, line, total }: groups of terms {at, x, w, weight,
 * product}, where at says which cell x is, and weight where w is kept.
 */
/** A number as the page writes it: three decimals, or an exponent where those say nothing. */
function write(value) {
  if (value === undefined || value === null) return "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value < 0 ? "−∞" : "∞";
  const size = Math.abs(value),
    odd = size && (size < 0.0005 || size >= 1e6);
  const text = odd ? value.toExponential(2) : `${Math.round(value * 1000) / 1000}`;
  return text.replaceAll("-", "−");
}

function explain(net, index, at) {
  const call = net.calls[index],
    total = net.values(index)?.[at];
  const off = turnedOff(net, index, at);
  if (off) return { groups: [], line: off, total };
  if (!call.op) {
    const why = call.chosen ? "The page cannot work this call out" : "This call was not chosen";
    return { groups: [], line: `${why}: the number is torch’s own.`, total };
  }
  const make = MAKERS[call.op.op] ?? (call.op.op in CURVES ? curveTerms : binaryTerms);
  return { groups: [], total, ...make(net, call, net.operands(call), at) };
}

function turnedOff(net, index, at) {
  const { rows, columns } = net.sheets[index],
    map = Math.floor(at / (rows * columns));
  if (net.off.has(`${index}`)) {
    return net.passes(net.calls[index])
      ? "This call is turned off: its input goes on as it is."
      : "This call is turned off: it gives zeros.";
  }
  return net.off.has(`${index}.${map}`) ? "This map is turned off: it is zero." : null;
}

const sourceOf = (call, which) => {
  const one = call.op.inputs[which];
  return Array.isArray(one) && one[0] === "call" ? one[1] : null;
};
const sumOf = (terms) => terms.reduce((sum, term) => sum + term.product, 0);

/** [n, output channel, cell] of place `at` in what a sliding call gives. */
function target(S, at) {
  const plane = Math.floor(at / S.outPlane),
    rest = at % S.outPlane,
    [, rows, columns] = S.to.size;
  const cell = [
    Math.floor(rest / (rows * columns)),
    Math.floor(rest / columns) % rows,
    rest % columns,
  ];
  return { n: Math.floor(plane / S.to.channels), o: plane % S.to.channels, plane, cell };
}

function convolutionTerms(net, call, [x], at) {
  const { op } = call,
    S = sweep(op, x.shape, call.shape),
    { n, o, cell } = target(S, at);
  const g = group(op, S.from.channels, S.to.channels, o),
    taps = count(op.kernel);
  const groups = [];
  for (let c = 0; c < g.each; c++) {
    const base = (n * S.from.channels + g.first + c) * S.inPlane,
      terms = [];
    eachTap(S.reads, S.from.size, cell, (tap, source) => {
      const weight = weightAt(op, taps, g, o, c) + tap,
        w = op.weight.data[weight];
      const value = source === NOTHING ? 0 : x.data[base + source];
      terms.push({
        at: source === NOTHING ? null : base + source,
        x: value,
        w,
        weight,
        product: value * w,
      });
    });
    groups.push({ map: g.first + c, terms, columns: op.kernel.at(-1), subtotal: sumOf(terms) });
  }
  return {
    groups,
    weights: op.weight,
    bias: op.bias && { tensor: op.bias, at: o, value: op.bias.data[o] },
  };
}

function linearTerms(net, call, [x], at) {
  const { op } = call,
    [outs, ins] = op.weight.shape,
    o = at % outs,
    row = Math.floor(at / outs);
  const terms = Array.from({ length: ins }, (_, i) => ({
    at: row * ins + i,
    x: x.data[row * ins + i],
    w: op.weight.data[o * ins + i],
    weight: o * ins + i,
    product: x.data[row * ins + i] * op.weight.data[o * ins + i],
  }));
  return {
    groups: [{ map: null, terms, subtotal: sumOf(terms) }],
    weights: op.weight,
    bias: op.bias && { tensor: op.bias, at: o, value: op.bias.data[o] },
  };
}

function poolTerms(net, call, [x], at) {
  const { op } = call,
    S = sweep(op, x.shape, call.shape),
    { plane, cell } = target(S, at);
  const terms = [];
  let inside = 0;
  eachTap(S.reads, S.from.size, cell, (_, source) => {
    const real = source !== NOTHING;
    if (real) inside += 1;
    const empty = isMax(op) ? -Infinity : 0;
    terms.push({
      at: real ? plane * S.inPlane + source : null,
      x: real ? x.data[plane * S.inPlane + source] : empty,
    });
  });
  const columns = S.reads[2][cell[2]].length;
  const group = [{ map: plane, terms, columns }];
  if (isMax(op)) {
    const won = terms.reduce((best, term) => (term.x > best.x || term.x !== term.x ? term : best));
    won.won = true;
    return { groups: group, line: `The largest of ${inside} is ${write(won.x)}.` };
  }
  const sum = terms.reduce((all, term) => all + term.x, 0),
    by = divisor(op, S, cell, inside);
  return { groups: group, line: `${write(sum)} ÷ ${by} = ${write(sum / by)}` };
}

function normTerms(net, call, [x], at) {
  const { op } = call,
    { mean, variance, own } = norm(op, x, call.shape, at);
  const scale = op.weight ? ` × ${write(op.weight.data[own])}` : "";
  const shift = op.bias ? ` + ${write(op.bias.data[own])}` : "";
  const from = {
    batch_norm: "learned for this channel",
    group_norm: "of this group",
    layer_norm: "of this row",
  };
  return {
    line:
      `(${write(x.data[at])} − ${write(mean)}) ÷ √(${write(variance)} + ${op.eps})` +
      `${scale}${shift} = ` +
      `${write(net.values(call.index)[at])}, with the mean and variance ${from[op.op]}`,
  };
}

const FORMULAS = {
  relu: (x) => `max(0, ${x})`,
  relu6: (x) => `min(max(0, ${x}), 6)`,
  identity: (x) => x,
  sigmoid: (x) => `1 ÷ (1 + e^(−(${x})))`,
  tanh: (x) => `tanh(${x})`,
  silu: (x) => `${x} × sigmoid(${x})`,
  gelu: (x) => `${x} × Φ(${x})`,
  leaky_relu: (x, op, value) => (value > 0 ? x : `${x} × ${op.negative_slope}`),
  elu: (x, op, value) => (value > 0 ? x : `${op.alpha} × (e^(${x}) − 1)`),
};

function curveTerms(net, call, [x], at) {
  const { op } = call,
    value = x.data[at],
    word = write(value);
  const formula = FORMULAS[op.op]?.(word, op, value) ?? `${op.op}(${word})`;
  return {
    line: `${formula} = ${write(net.values(call.index)[at])}`,
  };
}

const SIGNS = { add: "+", sub: "−", mul: "×", div: "÷" };

function binaryTerms(net, call, operands, at) {
  const { op } = call,
    words = operands.map((one) => write(valueAt(one, call.shape, at)));
  const second =
    op.alpha === 1 || !["add", "sub"].includes(op.op) ? words[1] : `${op.alpha} × ${words[1]}`;
  return { line: `${words[0]} ${SIGNS[op.op]} ${second} = ${write(net.values(call.index)[at])}` };
}

function softmaxTerms(net, call, [x], at) {
  const { op } = call,
    step = count(call.shape.slice(op.dim + 1)),
    size = call.shape[op.dim] ?? 1;
  const first = at - (Math.floor(at / step) % size) * step;
  const values = Array.from({ length: size }, (_, i) => x.data[first + i * step]);
  const top = Math.max(...values),
    sum = values.reduce((all, one) => all + Math.exp(one - top), 0);
  const share = `e^(${write(x.data[at])}) ÷ the sum of e^x over ${size} cells`;
  const result = write(net.values(call.index)[at]);
  return {
    line:
      op.op === "softmax"
        ? `${share} = ${write(Math.exp(x.data[at] - top))} ÷ ${write(sum)} = ${result}` +
          (top ? `, both divided by e^(${write(top)})` : "")
        : `log of ${share} = ${result}`,
  };
}

const named = (net, index) => (index < 0 ? "the input" : `call ${index}, ${net.calls[index].kind}`);

function joinedTerms(net, call, operands, at) {
  const from = member(call.op, operands, call.shape, at),
    source = sourceOf(call, from.which);
  return {
    line:
      `${write(operands[from.which].data[from.at])}, from ` +
      (source === null ? "a constant" : named(net, source)),
  };
}

function movedTerms(net, call, [x], at) {
  const { op } = call,
    from = op.op === "reshape" ? at : origin(op, x.shape, call.shape, at);
  const source = sourceOf(call, 0);
  if (from === NOTHING) return { line: `${write(Number(op.value))}, which the padding puts here` };
  return {
    line: `${write(x.data[from])}, moved here from ${named(net, source)}`,
  };
}

function mixedTerms(net, call, [x], at) {
  const parts = mixture(call.op, x.shape, call.shape, at);
  const words = parts.map(([place, share]) =>
    share === 1 ? write(x.data[place]) : `${write(share)} × ${write(x.data[place])}`,
  );
  return {
    line: `${words.join(" + ")} = ${write(net.values(call.index)[at])}`,
  };
}

function gatheredTerms(net, call, [x], at) {
  const places = gathered(call.op, x.shape, at);
  const sum = places.reduce((all, place) => all + x.data[place], 0);
  const whole = `The sum of ${places.length} cells, ${write(sum)}`;
  return {
    line:
      whole + (call.op.op === "sum" ? "" : `, ÷ ${places.length} = ${write(sum / places.length)}`),
  };
}

const MAKERS = {
  conv: convolutionTerms,
  conv_transpose: convolutionTerms,
  linear: linearTerms,
  max_pool: poolTerms,
  avg_pool: poolTerms,
  adaptive_max_pool: poolTerms,
  adaptive_avg_pool: poolTerms,
  batch_norm: normTerms,
  group_norm: normTerms,
  layer_norm: normTerms,
  softmax: softmaxTerms,
  log_softmax: softmaxTerms,
  cat: joinedTerms,
  reshape: movedTerms,
  permute: movedTerms,
  pad: movedTerms,
  upsample: mixedTerms,
  mean: gatheredTerms,
  sum: gatheredTerms,
};
