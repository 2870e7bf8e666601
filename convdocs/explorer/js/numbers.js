/* Numbers as text: read from what a reader pastes, written in few digits. */

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

function numberOr(text, otherwise) {
  const word = text.trim().toLowerCase().replace(/^\+/, "").replace("infinity", "inf");
  if (word in special) return special[word];
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(word) ? Number(word) : otherwise(text);
}

/** Numbers from a printed tensor, a nested list, or rows of text (an empty line ends a channel). */
function read(text) {
  const bare = text
    .trim()
    .replace(/^Parameter containing:\s*/, "")
    .replace(/^(torch\.|np\.)?(tensor|array|Tensor)\s*\(/, "")
    .replace(/,\s*(requires_grad|grad_fn|dtype|device|size)\s*=[\s\S]*$/, "")
    .replace(/\)\s*$/, "")
    .trim();
  if (!bare) refuse("There are no numbers here.");
  if (bare.includes("..."))
    refuse(
      "The printout is shortened (“...”): print it again after " +
        'torch.set_printoptions(profile="full").',
    );
  const nested = bare.startsWith("[") ? readNested(bare) : readRows(bare),
    shape = shapeOf(nested),
    data = shape.length ? nested.flat(Infinity) : [nested];
  if (data.length > LIMITS.numbers)
    refuse(
      `There are ${grouped(data.length)} numbers; the explorer takes up to ` +
        `${grouped(LIMITS.numbers)}.`,
    );
  return { shape, data };
}

const readNumber = (text) =>
  numberOr(text, () => refuse(`“${text.slice(0, 30)}” is not a number.`));

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
  return at === tokens.length
    ? whole
    : refuse(`Something stands after the last “]”: “${tokens[at]}”.`);
}

function readRows(text) {
  const blocks = text.split(/\n\s*\n/).map((block) =>
    block
      .trim()
      .split("\n")
      .map((line) =>
        line
          .trim()
          .split(/[\s,;]+/)
          .filter(Boolean)
          .map(readNumber),
      ),
  );
  if (blocks.length > 1) return blocks;
  return blocks[0].length > 1 ? blocks[0] : blocks[0][0];
}

function shapeOf(nested) {
  if (!Array.isArray(nested)) return [];
  const shapes = nested.map(shapeOf),
    odd = shapes.findIndex((shape) => !same(shape, shapes[0]) || shape.length !== shapes[0].length);
  if (odd > 0)
    refuse(
      `Entry ${odd} (counted from 0) holds ${sizeText(shapes[odd])}, but entry 0 holds ` +
        `${sizeText(shapes[0])}: they must be alike.`,
    );
  return [nested.length, ...shapes[0]];
}
const sizeText = (shape) =>
  shape.length ? `${shape.join(" × ")} number${same(shape, [1]) ? "" : "s"}` : "one number";

/** The reader's sizes in a field: "3", "3, 2" or "(3, 2)". */
function readField(text, dims) {
  const sizes = text
    .replace(/[()[\]]/g, "")
    .split(/[\s,x×]+/)
    .filter(Boolean);
  if (!sizes.length || !sizes.every((one) => /^[-−]?\d{1,4}$/.test(one))) return null;
  const numbers = sizes.map((one) => Number(one.replace("−", "-")));
  if (dims === undefined) return numbers;
  return numbers.length === 1
    ? range(dims).map(() => numbers[0])
    : numbers.length === dims
      ? numbers
      : null;
}

function nestedText({ shape, data }) {
  const part = (depth, from, size) => {
    if (depth === shape.length) return shortest(data[from]);
    const step = size / shape[depth],
      deep = depth < shape.length - 1;
    return `[${range(shape[depth])
      .map((i) => part(depth + 1, from + i * step, step))
      .join(deep ? `,\n${" ".repeat(depth + 1)}` : ", ")}]`;
  };
  return part(0, 0, data.length);
}
