/* The numbers of a setting: an input and filters that mean something, or the reader's own. */

/** What a reader can choose; 2 stands for what needs two axes. */
const INPUTS = [
  ["small", "small integers"],
  ["edge", "edge"],
  ["ramp", "ramp"],
  ["digit", "digit", 2],
  ["photograph", "photograph", 2],
  ["notebook", "the notebook’s"],
  ["own", "my own"],
];
const FILTERS = [
  ["small", "small integers"],
  ["identity", "identity"],
  ["blur", "blur"],
  ["sharpen", "sharpen"],
  ["upright", "upright edge"],
  ["level", "level edge", 2],
  ["laplacian", "Laplacian"],
  ["learned", "learned"],
  ["notebook", "the notebook’s"],
  ["own", "my own"],
];
/** Sizes that fit a picture, taken when it is chosen. */
const PICTURES = { digit: [8, 8], photograph: [28, 28] };

/** A tensor cut or repeated to `shape`, so that a cell keeps its number when the sizes change. */
function tile(tensor, shape) {
  const lead = range(shape.length - tensor.shape.length).map(() => 1);
  const from = [...lead, ...tensor.shape].slice(-shape.length);
  let flat = [0];
  let step = count(from);
  shape.forEach((size, axis) => {
    step /= from[axis];
    flat = flat.flatMap((base) => range(size).map((i) => base + (i % from[axis]) * step));
  });
  return flat.map((i) => tensor.data[i]);
}

// ---- inputs

/* STOCK holds samples.json. */
const levels = (text, step) => [...text].map((sign) => step * parseInt(sign, 32));
const digits = STOCK.digits.map((text) => levels(text, 1));
const photograph = levels(STOCK.photograph.join(""), 8);

/** A square picture at another size: each cell is the mean of those it covers. */
function resized(picture, rows, columns) {
  const side = Math.sqrt(picture.length);
  const covered = (i, size) => {
    const first = Math.floor((i * side) / size);
    return range(Math.max(1, Math.ceil(((i + 1) * side) / size) - first)).map((j) => first + j);
  };
  return range(rows).flatMap((r) =>
    range(columns).map((k) => {
      const cells = covered(r, rows).flatMap((y) =>
        covered(k, columns).map((x) => picture[y * side + x]),
      );
      return Math.floor(cells.reduce((all, v) => all + v, 0) / cells.length + 0.5);
    }),
  );
}

/** One channel of an input, as rows of `columns` cells. */
const PLANES = {
  small: (c, rows, columns) => range(rows * columns).map((i) => (i + 3 * c) % 10),
  edge: (c, rows, columns) =>
    range(rows * columns).map((i) =>
      (c % 2 && rows > 1 ? 2 * Math.floor(i / columns) >= rows : 2 * (i % columns) >= columns)
        ? 9
        : 0,
    ),
  ramp: (c, rows, columns) =>
    range(rows * columns).map((i) => (c % 2 && rows > 1 ? Math.floor(i / columns) : i % columns)),
  digit: (c, rows, columns) => resized(digits[(c + 3) % 10], rows, columns),
  photograph: (c, rows, columns) => resized(photograph, rows, columns),
};

function inputNumbers(s) {
  const values = inputOf(s);
  if (values === "own") return tile(s.own.x, s.shape);
  if (values === "notebook") return tile(STOCK.notebook[dimsOf(s)].x, s.shape);
  const size = spatial(s);
  const [rows, columns] = dimsOf(s) === 1 ? [1, size[0]] : size;
  const planes = count(s.shape) / (rows * columns);
  return range(planes).flatMap((c) => PLANES[values](c, rows, columns));
}

// ---- filters

const SMALL_WEIGHTS = [0, 1, 2, 3, 1, -1, 2, 0, -2];
const middle = (size) => Math.floor((size - 1) / 2);
const away = (r, k, [rows, columns]) => Math.abs(r - middle(rows)) + Math.abs(k - middle(columns));
const besides = (rows, columns) => (rows > 1 ? 2 : 0) + (columns > 1 ? 2 : 0);

/** A weight of each filter at row r and column k of [rows, columns]. */
const WEIGHTS = {
  identity: (r, k, size) => (away(r, k, size) ? 0 : 1),
  blur: (r, k, [rows, columns], channels) => 1 / (rows * columns * channels),
  sharpen: (r, k, size) => [1 + besides(...size), -1][away(r, k, size)] ?? 0,
  laplacian: (r, k, size) => [-besides(...size), 1][away(r, k, size)] ?? 0,
  upright: (r, k, [, columns]) => Math.sign(2 * k - columns + 1),
  level: (r, k, [rows]) => Math.sign(2 * r - rows + 1),
};

/** Where filter `o` looks into the kernel of the menu: each further filter turns it by 90°. */
function turned(o, r, k, [rows, columns]) {
  const turns = [
    [r, k],
    rows === columns ? [k, rows - 1 - r] : [rows - 1 - r, k],
    [rows - 1 - r, columns - 1 - k],
    rows === columns ? [columns - 1 - k, r] : [r, columns - 1 - k],
  ];
  return rows === 1 ? turns[o % 2 ? 2 : 0] : turns[o % 4];
}

function weightNumbers(s, filter) {
  const shape = weightShape(s);
  const [rows, columns] = dimsOf(s) === 1 ? [1, ...s.kernel] : s.kernel;
  const taps = rows * columns;
  return range(count(shape)).map((i) => {
    const pair = Math.floor(i / taps);
    const tap = i % taps;
    if (filter === "small") return SMALL_WEIGHTS[(tap + 4 * pair) % 9];
    if (filter === "learned") return STOCK.learned[pair % 8][rows === 1 ? 3 + tap : tap];
    const o = isTransposed(s) ? pair % shape[1] : Math.floor(pair / shape[1]);
    const size = [rows, columns];
    const at = turned(o, Math.floor(tap / columns), tap % columns, size);
    return WEIGHTS[filter](...at, size, s.in / s.groups);
  });
}

// ---- what a setting can have

/** Whether the notebook's input, and its layer, have the sizes of this setting. */
function notebookFits(s) {
  const { x, weight } = STOCK.notebook[dimsOf(s)];
  const tail = [...x.shape].slice(-dimsOf(s) - 1);
  const samples = x.shape.length > tail.length ? x.shape[0] : 1;
  const input = `${s.shape.slice(-tail.length)}` === `${tail}`;
  return {
    input: input && (s.shape.length === tail.length || (batched(s) && s.shape[0] <= samples)),
    filter: familyOf(s) === "convolution" && `${weightShape(s)}` === `${weight.shape}`,
  };
}

const wide = (s) => dimsOf(s) === 2;
const inputsFor = (s) =>
  INPUTS.filter(
    ([name, , axes]) => (!axes || wide(s)) && (name !== "notebook" || notebookFits(s).input),
  );
const filtersFor = (s) =>
  FILTERS.filter(
    ([name, , axes]) =>
      (!axes || wide(s)) &&
      (name !== "notebook" || notebookFits(s).filter) &&
      (name !== "learned" || s.kernel.every((size) => size === 3)),
  );
const among = (choices, name) => (choices.some(([known]) => known === name) ? name : "small");

/** The numbers that are really used: those asked for, where they fit. */
const inputOf = (s) => (s.values === "own" && !s.own?.x ? "small" : among(inputsFor(s), s.values));
const filterOf = (s) =>
  s.filter === "own" && !s.own?.weight ? "small" : among(filtersFor(s), s.filter);

function numbersOf(s) {
  const x = inputNumbers(s);
  if (isPool(s)) return { x, weight: null, bias: null };
  const filter = filterOf(s);
  const given = filter === "own" ? s.own : STOCK.notebook[dimsOf(s)];
  const ready = ["own", "notebook"].includes(filter);
  const small = range(s.out).map((i) => (filter === "small" ? i % 4 : 0));
  const bias = ready && given.bias ? tile(given.bias, [s.out]) : small;
  return {
    x,
    weight: ready ? tile(given.weight, weightShape(s)) : weightNumbers(s, filter),
    bias: s.bias ? bias : null,
  };
}
