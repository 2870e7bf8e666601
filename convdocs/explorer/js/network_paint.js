/* Numbers as shades: a map as a small image, a vector as bars, in the page's own colours. */

const BELOW = [47, 124, 201];
const ABOVE = [222, 110, 25];
const FONT = "system-ui, sans-serif";
const MOST_MAPS = 16; // in a small picture; the large one has them all

const blend = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);
const css = (colour) => `rgb(${colour.map(Math.round).join(" ")})`;

/** The colours that a page has behind an element, and those that are read on them. */
function coloursAround(host) {
  const dark = schemeAround(host) === "dark",
    page = backgroundAround(host) ?? (dark ? [18, 18, 18] : [255, 255, 255]);
  const ink = dark ? [242, 245, 248] : [21, 24, 28];
  return {
    dark,
    ink,
    zero: blend(page, ink, 0.05),
    frame: dark ? "#ffd9bd" : "#7a2703",
    halo: css(page),
  };
}

const scratch = new Map();

/** A canvas and its pixels of one size, kept for the next map of that size. */
function sketch(rows, columns) {
  const key = `${rows}x${columns}`;
  if (!scratch.has(key)) {
    const canvas = element("canvas", { width: columns, height: rows });
    const context = canvas.getContext("2d");
    scratch.set(key, { canvas, context, image: context.createImageData(columns, rows) });
  }
  return scratch.get(key);
}

/** The colour of a number: blue below zero, orange above; ink for an input without negatives. */
function shade(value, { scale, scheme, inked }) {
  if (value !== value) return [200, 60, 160];
  const full = inked ? scheme.ink : value < 0 ? BELOW : ABOVE;
  return blend(scheme.zero, full, Math.min(Math.abs(value) / scale, 1));
}

function paintMap(context, values, first, { rows, columns }, box, look) {
  const { canvas, context: small, image } = sketch(rows, columns),
    plane = rows * columns;
  for (let i = 0; i < plane; i++) {
    const colour = look.colour
      ? [0, 1, 2].map((map) => (255 * values[map * plane + i]) / look.scale)
      : shade(values[first + i], look);
    image.data.set([...colour, 255], 4 * i);
  }
  small.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, box.x, box.y, box.width, box.height);
}

/** The largest size of the numbers, which gets the full shade. */
function scaleOf(values) {
  let top = 0;
  for (const value of values)
    if (Math.abs(value) > top && Number.isFinite(value)) top = Math.abs(value);
  return top || 1;
}

/** Where the maps of a sheet lie in a box: in as many columns as make them largest. */
function mosaic(sheet, width, height) {
  const shown = Math.min(sheet.maps, sheet.strips ? 2 * MOST_MAPS : MOST_MAPS);
  const gap = shown > 9 ? 1 : 2;
  const cellFor = (across) => {
    const down = Math.ceil(shown / across);
    const wide = (width - gap * (across - 1)) / across / sheet.columns;
    const high = (height - gap * (down - 1)) / down / sheet.rows;
    return { across, cw: sheet.strips ? wide : Math.min(wide, high), ch: Math.min(wide, high) };
  };
  const most = sheet.strips ? 1 : shown;
  let best = cellFor(1);
  for (let across = 2; across <= most; across++) {
    const other = cellFor(across);
    if (other.ch > best.ch) best = other;
  }
  const { across, cw, ch } = best,
    [w, h] = [cw * sheet.columns, ch * sheet.rows];
  const box = (map) => ({
    x: (map % across) * (w + gap),
    y: Math.floor(map / across) * (h + gap),
    width: w,
    height: h,
  });
  return { shown, box, cw, ch };
}

/** Give a canvas as many pixels as the screen has for it. */
function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    Object.assign(canvas, { width: w, height: h });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** A bar for each number; returns the height of a row. */
function paintBars(context, values, width, height, scheme) {
  const low = Math.min(0, ...values),
    high = Math.max(0, ...values),
    all = high - low || 1;
  const zero = (-low / all) * width,
    step = height / values.length;
  context.fillStyle = css(scheme.zero);
  context.fillRect(0, 0, width, height);
  values.forEach((value, i) => {
    const size = (Math.abs(value) / all) * width,
      bar = Math.max(step - (step > 3 ? 1 : 0), 0.5);
    context.fillStyle = css(value < 0 ? BELOW : ABOVE);
    context.fillRect(value < 0 ? zero - size : zero, i * step, Math.max(size, 0.5), bar);
  });
  return step;
}

/** A frame that is seen on any shade: a halo, and a line in it; inside its box. */
function frame(context, x, y, width, height, scheme) {
  for (const [lineWidth, strokeStyle] of [
    [3, scheme.halo],
    [1.5, scheme.frame],
  ]) {
    Object.assign(context, { lineWidth, strokeStyle });
    context.strokeRect(x + 0.75, y + 0.75, Math.max(width - 1.5, 2), Math.max(height - 1.5, 2));
  }
}

/** A frame around the bars first to last. */
function frameRows(context, [first, last], step, width, scheme) {
  frame(context, 0, first * step, width, (last - first + 1) * step, scheme);
}

/** The small picture of what a call gives, the region that a chosen cell has seen framed in it. */
function paintSmall(canvas, net, index, [width, height], scheme, lit) {
  const values = net.values(index),
    sheet = net.sheetOf(index);
  const at = mosaic(sheet, width, height),
    context = sized(canvas, width, height);
  if (!values) return;
  if (sheet.vector) {
    const step = paintBars(context, values, width, height, scheme);
    if (lit) frameRows(context, lit.columns, step, width, scheme);
    return;
  }
  const look = { scale: scaleOf(values), scheme, inked: index < 0 && net.inked };
  for (let map = 0; map < at.shown; map++) {
    paintMap(context, values, map * sheet.rows * sheet.columns, sheet, at.box(map), look);
  }
  // the channels of a sequence lie under each other: one frame around them all
  const framed = lit && (sheet.strips ? [lit.maps[0]] : lit.maps);
  for (const map of framed ?? []) {
    if (map >= at.shown) continue;
    const { x, y } = at.box(map),
      [top, left] = [lit.rows[0], lit.columns[0]];
    const last = at.box(Math.min(lit.maps.at(-1), at.shown - 1)).y;
    const height = sheet.strips ? last - y + at.ch : (lit.rows[1] - top + 1) * at.ch;
    const width = (lit.columns[1] - left + 1) * at.cw;
    frame(context, x + left * at.cw, y + top * at.ch, width, height, scheme);
  }
}

/** The cell of a small picture under a point; null beside the maps. */
function cellIn(sheet, [width, height], x, y) {
  if (sheet.vector) {
    const cell = Math.floor((y / height) * sheet.columns);
    return Math.min(Math.max(cell, 0), sheet.columns - 1);
  }
  const at = mosaic(sheet, width, height);
  for (let map = 0; map < at.shown; map++) {
    const box = at.box(map),
      row = Math.floor((y - box.y) / at.ch),
      column = Math.floor((x - box.x) / at.cw);
    if (row >= 0 && row < sheet.rows && column >= 0 && column < sheet.columns) {
      return (map * sheet.rows + row) * sheet.columns + column;
    }
  }
  return null;
}

/** The large picture of one map, with its numbers where they fit. */
function paintLarge(canvas, net, index, map, room, scheme, at) {
  const values = net.values(index),
    sheet = net.sheetOf(index);
  if (sheet.vector) return paintList(canvas, net, index, room, scheme, at);
  const most = sheet.rows * sheet.columns > 400 ? 24 : 44;
  const cell = Math.max(
    Math.min(Math.floor(Math.min(room / sheet.columns, 400 / sheet.rows)), most),
    3,
  );
  const [width, height] = [cell * sheet.columns, cell * sheet.rows];
  const context = sized(canvas, width, height),
    first = map * sheet.rows * sheet.columns;
  if (values) {
    const look = { scale: scaleOf(values), scheme, inked: index < 0 && net.inked };
    paintMap(context, values, first, sheet, { x: 0, y: 0, width, height }, look);
    if (cell >= 30) paintNumbers(context, values, first, sheet, cell, look);
  }
  if (at !== null && Math.floor(at / (sheet.rows * sheet.columns)) === map) {
    const row = Math.floor((at - first) / sheet.columns),
      column = (at - first) % sheet.columns;
    frame(context, column * cell, row * cell, cell, cell, scheme);
  }
  return (x, y) => {
    const row = Math.floor(y / cell),
      column = Math.floor(x / cell);
    const inside = row >= 0 && row < sheet.rows && column >= 0 && column < sheet.columns;
    return inside ? first + row * sheet.columns + column : null;
  };
}

function paintNumbers(context, values, first, { rows, columns }, cell, look) {
  Object.assign(context, { textAlign: "center", textBaseline: "middle", font: `11px ${FONT}` });
  for (let i = 0; i < rows * columns; i++) {
    const value = values[first + i];
    context.fillStyle = luminance(shade(value, look)) > 140 ? "#15181c" : "#ffffff";
    context.fillText(
      write(value).slice(0, 6),
      ((i % columns) + 0.5) * cell,
      (Math.floor(i / columns) + 0.5) * cell,
      cell - 2,
    );
  }
}

/** A vector as a list of bars, each with its place and its number where there is room. */
function paintList(canvas, net, index, room, scheme, at) {
  const values = net.values(index) ?? [],
    sheet = net.sheetOf(index),
    size = sheet.columns;
  const step = size > 80 ? 5 : 19,
    width = Math.min(room, 380),
    text = step > 10 ? 64 : 0;
  const named = index === net.calls.length - 1 && net.classes?.length === size;
  const context = sized(canvas, width, step * size);
  context.translate(text, 0);
  paintBars(context, values, width - 2 * text, step * size, scheme);
  context.translate(-text, 0);
  Object.assign(context, {
    textBaseline: "middle",
    textAlign: "right",
    fillStyle: css(scheme.ink),
    font: `12px ${FONT}`,
  });
  if (text)
    values.forEach((value, i) => {
      context.fillText(named ? net.classes[i] : i, text - 6, (i + 0.5) * step, text - 6);
      context.fillText(write(value), width - 4, (i + 0.5) * step);
    });
  if (at !== null) frameRows(context, [at, at], step, width, scheme);
  return (x, y) => (y >= 0 && y < step * size ? Math.floor(y / step) : null);
}
