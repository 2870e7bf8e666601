/* The numbers of a setting: tensors cut to a shape, and numbers that are ready to use. */

/** A tensor cut or repeated to `shape`, so that a cell keeps its number when the sizes change. */
function tile(tensor, shape) {
  const from = [...range(shape.length - tensor.shape.length).map(() => 1), ...tensor.shape].slice(
    -shape.length,
  );
  let flat = [0],
    step = count(from);
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
    return range(count(shape)).map((i) => ((i % plane) + 3 * Math.floor(i / plane)) % 10);
  },
  weight: (shape) => {
    const taps = count(shape.slice(2));
    return range(count(shape)).map(
      (i) => SMALL_WEIGHTS[((i % taps) + 4 * Math.floor(i / taps)) % 9],
    );
  },
  bias: ([n]) => range(n).map((i) => i % 4),
};

function numbersOf(s, notebook) {
  const take = (name, shape) => {
    const given =
      s.values === "own"
        ? s.own?.[name]
        : s.values === "notebook"
          ? notebook?.[dimsOf(s)]?.[name]
          : null;
    return given ? tile(given, shape) : SMALL[name](shape, dimsOf(s));
  };
  const pool = isPool(s);
  return {
    x: take("x", s.shape),
    weight: pool ? null : take("weight", weightShape(s)),
    bias: pool || !s.bias ? null : take("bias", [s.out]),
  };
}
