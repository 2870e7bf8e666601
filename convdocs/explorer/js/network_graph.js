/* Which cells a cell has seen, and where each call is put: both follow the calls' sources. */
// ------------------------------------------------------------------ receptive fields

const whole = (shape) => shape.map((size) => [0, size - 1]);
const hullOf = (a, b) =>
  a.map(([first, last], axis) => [Math.min(first, b[axis][0]), Math.max(last, b[axis][1])]);
const place = (shape, at) =>
  shape.map((size, axis) => Math.floor(at / count(shape.slice(axis + 1))) % size);

/** The cells that cells first..last of one axis read, by an AxisField of the trace. */
function along([size, up, down, offset, runs], [first, last], cells, circular) {
  const runOf = (cell) => {
    if (!runs.length) {
      const start = offset + Math.floor((up * cell) / down);
      return size ? [start, start + size - 1] : null;
    }
    const turns = Math.floor(cell / runs.length),
      run = runs[cell - turns * runs.length];
    const shifted = (turns * up * runs.length) / down;
    return run && [run[0] + shifted, run[1] + shifted];
  };
  let low = Infinity,
    high = -Infinity;
  for (let cell = first; cell <= last; cell++) {
    const run = runOf(cell);
    if (run) [low, high] = [Math.min(low, run[0]), Math.max(high, run[1])];
  }
  if (circular && low <= high && (low < 0 || high >= cells)) return [0, cells - 1];
  [low, high] = [Math.max(low, 0), Math.min(high, cells - 1)];
  return low > high ? null : [low, high];
}

/** The channels that channels first..last of a call read from an input. */
function channelsRead(call, which, [first, last], own) {
  const op = call.op,
    all = [0, own - 1];
  switch (op?.op) {
    case "conv":
    case "conv_transpose": {
      const out = call.shape[call.axes.split(" ").indexOf("C")];
      const each = own / op.groups,
        outEach = out / op.groups;
      return [Math.floor(first / outEach) * each, (Math.floor(last / outEach) + 1) * each - 1];
    }
    case "group_norm": {
      const each = own / op.groups;
      return [Math.floor(first / each) * each, (Math.floor(last / each) + 1) * each - 1];
    }
    case undefined:
    case "linear":
    case "layer_norm":
    case "softmax":
    case "log_softmax":
    case "mean":
    case "sum":
      return all;
    default:
      return own === 1 ? all : [Math.min(first, own - 1), Math.min(last, own - 1)];
  }
}

/** What a region of a call's output, a range per axis, reads of its input number `which`. */
function readBy(net, call, which, region, from) {
  const op = call.op;
  if (op?.op === "cat") return parted(net, call, which, region, from);
  const fields = call.fields[which];
  if (fields?.length && from.length === call.shape.length) {
    const names = call.axes.split(" "),
      spatial = names.length - fields.length;
    const made = [];
    for (let axis = 0; axis < from.length; axis++) {
      const field = axis < spatial ? null : fields[axis - spatial];
      made.push(
        names[axis] === "C"
          ? channelsRead(call, which, region[axis], from[axis])
          : axis < spatial
            ? region[axis]
            : field
              ? along(field, region[axis], from[axis], op?.mode === "circular")
              : [0, from[axis] - 1],
      );
    }
    return made.includes(null) ? null : made;
  }
  return unnamed(call, region, from);
}

/** The same for axes that have no names: calls whose arithmetic says where a cell comes from. */
function unnamed(call, region, from) {
  const op = call.op,
    same = from.length === call.shape.length;
  if (op?.op === "reshape" || op?.op === "permute") return carried(call, region, from);
  if (op?.op === "linear") return [...region.slice(0, -1), [0, from.at(-1) - 1]];
  if ((op?.op in CURVES || op?.op in BINARY || op?.op === "batch_norm") && same)
    return region.map((range, axis) => (from[axis] === 1 ? [0, 0] : range));
  return whole(from);
}

/** A region whose cells only changed their place. */
function carried({ op, shape }, region, from) {
  if (op.op === "permute")
    return op.order.reduce((made, axis, i) => ((made[axis] = region[i]), made), []);
  if (region.every(([first, last], axis) => first === 0 && last === shape[axis] - 1))
    return whole(from);
  let hull = null;
  for (const at of cellsOf(region, shape)) {
    const one = place(from, at).map((cell) => [cell, cell]);
    hull = hull ? hullOf(hull, one) : one;
  }
  return hull;
}

function parted(net, call, which, region, from) {
  const { dim } = call.op;
  let start = 0;
  for (let i = 0, seen = 0; i < call.op.inputs.length; i++) {
    if (call.op.inputs[i][0] === "call" && seen++ === which) break;
    start += net.operand(call.op.inputs[i]).shape[dim];
  }
  const low = Math.max(region[dim][0] - start, 0);
  const high = Math.min(region[dim][1] - start, from[dim] - 1);
  return low > high ? null : region.map((range, axis) => (axis === dim ? [low, high] : range));
}

/** The places in row order of all cells of a region. */
function cellsOf(region, shape) {
  return region.reduce(
    (places, [first, last], axis) =>
      places.flatMap((base) =>
        Array.from({ length: last - first + 1 }, (_, i) => base * shape[axis] + first + i),
      ),
    [0],
  );
}

/** For one cell of a call: the region that it has seen of each earlier call, -1 for the input. */
function seen(net, index, at) {
  const regions = new Map([[index, place(net.shape(index), at).map((cell) => [cell, cell])]]);
  for (let i = index; i >= 0; i--) {
    if (!regions.has(i)) continue;
    const call = net.calls[i];
    call.sources.forEach((source, which) => {
      if (source < -1) return;
      const from = net.shape(source);
      const region = readBy(net, call, which, regions.get(i), from);
      if (region)
        regions.set(source, regions.has(source) ? hullOf(regions.get(source), region) : region);
    });
  }
  return regions;
}

/** A region as maps, rows and columns of the sheet that its tensor is shown on. */
function onSheet(region, shape, { maps, rows, columns }) {
  const lead = region.slice(0, -2),
    tail = region.slice(-2);
  if (rows * columns === count(shape.slice(-2)) && shape.length > 1 && rows === shape.at(-2)) {
    return { maps: cellsOf(lead, shape.slice(0, -2)), rows: tail[0], columns: tail[1] };
  }
  const names = cellsOf(region.slice(0, -1), shape.slice(0, -1));
  return { maps: maps === 1 ? [0] : names, rows: [0, 0], columns: region.at(-1) ?? [0, 0] };
}

// ------------------------------------------------------------------ the layout

/** The nodes that are shown: a call each, or a folded module. */
function nodesOf(net, open) {
  const nodes = [{ key: "input", first: -1, last: -1, call: -1 }];
  const walk = (first, last, modules) => {
    let at = first;
    while (at <= last) {
      const module = modules.find((one) => one[3] === at && one[4] <= last);
      const inner = modules.filter((one) => one !== module);
      if (module && open.has(module[0])) walk(at, module[4], inner);
      else if (module) {
        nodes.push({ key: module[0], first: at, last: module[4], call: module[4], module });
      } else nodes.push({ key: `${at}`, first: at, last: at, call: at });
      at = module ? module[4] + 1 : at + 1;
    }
  };
  walk(
    0,
    net.calls.length - 1,
    [...net.modules].sort((a, b) => a[2] - b[2]),
  );
  return nodes;
}

/** Nodes with a column (how many nodes lie before) and a lane, and the edges between them. */
function layout(net, open) {
  const nodes = nodesOf(net, open),
    of = new Map(),
    taken = new Set();
  nodes.forEach((node, n) => {
    for (let i = node.first; i <= node.last; i++) of.set(i, n);
  });
  const edges = [];
  nodes.forEach((node, n) => {
    const sources = new Set();
    for (let i = Math.max(node.first, 0); i <= node.last; i++)
      for (const source of net.calls[i].sources)
        if (source >= -1 && of.get(source) !== n) sources.add(of.get(source));
    const before = [...sources].map((one) => nodes[one]);
    node.column = n && Math.max(0, ...before.map((one) => one.column)) + 1;
    const wanted = before.length ? Math.min(...before.map((one) => one.lane)) : 0;
    const free = (lane) => !taken.has(`${node.column}/${lane}`);
    node.lane = wanted;
    while (!free(node.lane)) node.lane++;
    taken.add(`${node.column}/${node.lane}`);
    for (const source of sources) edges.push({ from: source, to: n });
  });
  for (const edge of edges) {
    const [a, b] = [nodes[edge.from], nodes[edge.to]];
    edge.span = b.column - a.column;
    const lane = (edge.lane = Math.max(a.lane, b.lane));
    edge.blocked = nodes.some(
      (one) => one.lane === lane && one.column > a.column && one.column < b.column,
    );
  }
  const lanes = Math.max(...nodes.map((one) => one.lane)) + 1;
  return { nodes, edges, lanes, columns: Math.max(...nodes.map((one) => one.column)) + 1 };
}
