/* Numbers and names as they are written for readers. */

const escape = (text) => `${text}`.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
const spoken = (text) => text.replace(/−/g, "minus ").replace(/∞/g, "infinity");
const shapeText = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

/** A number with at most `digits` decimals; whole numbers without any where `whole`. */
function shown(value, whole, digits = 4) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0 || (whole && Number.isInteger(value))) return `${value + 0}`.replace("-", "−");
  const size = Math.abs(value);
  const tiny = size < 5e-5 && digits > 3;
  const text = size >= 1e5 || tiny ? value.toExponential(2) : value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

const isWhole = (...lists) =>
  lists.every((list) => !list || list.every((v) => !Number.isFinite(v) || Number.isInteger(v)));
