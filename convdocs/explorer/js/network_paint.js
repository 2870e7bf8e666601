/* Numbers as shades: a map as a small image, a vector as bars, in the page's own colours. */

const BELOW = [47, 124, 201];
const ABOVE = [222, 110, 25];
const MOST_MAPS = 16; // in a small picture; the large one has them all

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Red, green, blue and alpha of a colour, in whatever way a style sheet writes it. */
function rgba(colour) {
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data];
}

const blend = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);
const css = ([r, g, b]) => `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;

/** The colours that a page has behind an element, and those that are read on them. */
function schemeAround(host) {
  let behind = null;
  for (let node = host; node && !behind; node = node.parentElement ?? node.getRootNode().host) {
    const own = rgba(getComputedStyle(node).backgroundColor);
    if (own[3] > 127) behind = own.slice(0, 3);
  }
  if (!behind) {
    const canvas = document.createElement("i");
    canvas.style.color = "Canvas";
    host.append(canvas);
    behind = rgba(getComputedStyle(canvas).color).slice(0, 3);
    canvas.remove();
  }
  const dark = 0.299 * behind[0] + 0.587 * behind[1] + 0.114 * behind[2] < 128;
  const ink = dark ? [242, 245, 248] : [21, 24, 28];
  return {
    dark, page: behind, ink, zero: blend(behind, ink, 0.05),
    frame: dark ? "#ffd9bd" : "#7a2703", halo: css(behind),
  };
}

const scratch = new Map();

/** A canvas and its pixels of one size, kept for the next map of that size. */
function sketch(rows, columns) {
  const key = `${rows}x${columns}`;
  if (!scratch.has(key)) {
    const canvas = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
    const context = canvas.getContext("2d");
    scratch.set(key, { canvas, context, image: context.createImageData(columns, rows) });
  }
  return scratch.get(key);
}

/** The colour of a number: blue below zero, orange above; ink for an input without negatives. */
function shade(value, scale, scheme, inked) {
  if (value !== value) return blend(scheme.page, [200, 0, 120], 0.6);
  const share = Math.min(Math.abs(value) / scale, 1);
  return blend(scheme.zero, inked ? scheme.ink : value < 0 ? BELOW : ABOVE, share);
}

function paintMap(context, values, first, { rows, columns }, box, look) {
  const { canvas, context: small, image } = sketch(rows, columns);
  for (let i = 0; i < rows * columns; i++) {
    const colour = shade(values[first + i], look.scale, look.scheme, look.inked);
    image.data.set(colour, 4 * i);
    image.data[4 * i + 3] = 255;
  }
  small.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, box.x, box.y, box.width, box.height);
}

/** The largest size of the numbers, which gets the full shade. */
function scaleOf(values) {
  let top = 0;
  for (const value of values) if (Math.abs(value) > top && Number.isFinite(value)) top = Math.abs(value);
  return top || 1;
}

/** Where the maps of a sheet lie in a square of `side`. */
function mosaic(sheet, side) {
  const shown = Math.min(sheet.maps, sheet.strips ? 2 * MOST_MAPS : MOST_MAPS);
  const across = sheet.strips ? 1 : Math.ceil(Math.sqrt(shown)), down = Math.ceil(shown / across);
  const gap = shown > 9 ? 1 : 2;
  const wide = (side - gap * (across - 1)) / across, high = (side - gap * (down - 1)) / down;
  const cell = Math.min(wide / sheet.columns, high / sheet.rows);
  const [cw, ch] = sheet.strips ? [wide / sheet.columns, Math.min(high, wide / sheet.columns)] : [cell, cell];
  const width = cw * sheet.columns, height = ch * sheet.rows;
  const box = (map) => ({
    x: (map % across) * (width + gap), y: Math.floor(map / across) * (height + gap), width, height,
  });
  const all = { width: across * (width + gap) - gap, height: down * (height + gap) - gap };
  return { shown, box, cw, ch, ...all };
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

function paintBars(context, values, width, height, scheme) {
  const low = Math.min(0, ...values.map((v) => v || 0)), high = Math.max(0, ...values.map((v) => v || 0));
  const zero = (-low / (high - low || 1)) * width, step = height / values.length;
  context.fillStyle = css(scheme.zero);
  context.fillRect(0, 0, width, height);
  values.forEach((value, i) => {
    const size = (Math.abs(value) / (high - low || 1)) * width;
    context.fillStyle = css(value < 0 ? BELOW : ABOVE);
    const bar = Math.max(step - (step > 3 ? 1 : 0), 0.5);
    context.fillRect(value < 0 ? zero - size : zero, i * step, Math.max(size, 0.5), bar);
  });
  return { zero, step };
}

/** A frame that is seen on any shade: a halo, and a line in it. */
function frame(context, x, y, width, height, scheme) {
  const room = 0.5;
  context.lineWidth = 3;
  context.strokeStyle = scheme.halo;
  context.strokeRect(x - room, y - room, width + 2 * room, height + 2 * room);
  context.lineWidth = 1.5;
  context.strokeStyle = scheme.frame;
  context.strokeRect(x - room, y - room, width + 2 * room, height + 2 * room);
}

/** The small picture of what a call gives, the region that a chosen cell has seen framed in it. */
function paintSmall(canvas, net, index, side, scheme, lit) {
  const values = net.values(index), sheet = net.sheetOf(index);
  const at = mosaic(sheet, side), context = sized(canvas, side, side);
  if (!values) return at;
  if (sheet.vector) {
    const { step } = paintBars(context, [...values], side, side, scheme);
    if (lit) frame(context, 1, lit.columns[0] * step, side - 2, (lit.columns[1] - lit.columns[0] + 1) * step, scheme);
    return at;
  }
  const look = { scale: scaleOf(values), scheme, inked: index < 0 && net.inked };
  for (let map = 0; map < at.shown; map++) {
    paintMap(context, values, map * sheet.rows * sheet.columns, sheet, at.box(map), look);
  }
  for (const map of lit?.maps ?? []) if (map < at.shown) {
    const { x, y } = at.box(map), [top, left] = [lit.rows[0], lit.columns[0]];
    frame(context, x + left * at.cw, y + top * at.ch, (lit.columns[1] - left + 1) * at.cw,
      (lit.rows[1] - top + 1) * at.ch, scheme);
  }
  return at;
}

/** The cell of a small picture under a point; null beside the maps. */
function cellIn(sheet, side, x, y) {
  if (sheet.vector) return Math.min(Math.max(Math.floor((y / side) * sheet.columns), 0), sheet.columns - 1);
  const at = mosaic(sheet, side);
  for (let map = 0; map < at.shown; map++) {
    const box = at.box(map), row = Math.floor((y - box.y) / at.ch), column = Math.floor((x - box.x) / at.cw);
    if (row >= 0 && row < sheet.rows && column >= 0 && column < sheet.columns) {
      return (map * sheet.rows + row) * sheet.columns + column;
    }
  }
  return null;
}

/** The large picture of one map, with its numbers where they fit. */
function paintLarge(canvas, net, index, map, room, scheme, at, lit, sources) {
  const values = net.values(index), sheet = net.sheetOf(index);
  if (sheet.vector) return paintList(canvas, net, index, room, scheme, at, lit, sources);
  const most = sheet.rows * sheet.columns > 400 ? 24 : 44;
  const cell = Math.max(Math.min(Math.floor(Math.min(room / sheet.columns, 400 / sheet.rows)), most), 3);
  const [width, height] = [cell * sheet.columns, cell * sheet.rows];
  const context = sized(canvas, width, height), first = map * sheet.rows * sheet.columns;
  if (values) {
    const look = { scale: scaleOf(values), scheme, inked: index < 0 && net.inked };
    paintMap(context, values, first, sheet, { x: 0, y: 0, width, height }, look);
    if (cell >= 30) paintNumbers(context, values, first, sheet, cell, look);
  }
  if (lit?.maps.includes(map)) {
    frame(context, lit.columns[0] * cell, lit.rows[0] * cell, (lit.columns[1] - lit.columns[0] + 1) * cell,
      (lit.rows[1] - lit.rows[0] + 1) * cell, scheme);
  }
  if (at !== null && Math.floor(at / (sheet.rows * sheet.columns)) === map) {
    const row = Math.floor((at - first) / sheet.columns), column = (at - first) % sheet.columns;
    frame(context, column * cell + 1, row * cell + 1, cell - 2, cell - 2, scheme);
  }
  return (x, y) => {
    const row = Math.floor(y / cell), column = Math.floor(x / cell);
    const inside = row >= 0 && row < sheet.rows && column >= 0 && column < sheet.columns;
    return inside ? first + row * sheet.columns + column : null;
  };
}

function paintNumbers(context, values, first, { rows, columns }, cell, { scale, scheme, inked }) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let i = 0; i < rows * columns; i++) {
    const value = values[first + i], text = write(value).slice(0, 6);
    const behind = shade(value, scale, scheme, inked);
    const light = 0.299 * behind[0] + 0.587 * behind[1] + 0.114 * behind[2] > 140;
    context.font = `${text.length > 5 ? 9.5 : 11.5}px system-ui, sans-serif`;
    context.fillStyle = light ? "#15181c" : "#ffffff";
    context.fillText(text, ((i % columns) + 0.5) * cell, (Math.floor(i / columns) + 0.5) * cell, cell - 2);
  }
}

/** A vector as a list of bars, each with its place and its number where there is room. */
function paintList(canvas, net, index, room, scheme, at, lit) {
  const values = [...(net.values(index) ?? [])], sheet = net.sheetOf(index);
  const step = sheet.columns > 80 ? 5 : 19, width = Math.min(room, 380), text = step > 10 ? 64 : 0;
  const last = index === net.calls.length - 1;
  const named = last && net.classes?.length === sheet.columns ? net.classes : values.map((_, i) => `${i}`);
  const context = sized(canvas, width, step * sheet.columns);
  context.save();
  context.translate(text, 0);
  paintBars(context, values, width - 2 * text, step * sheet.columns, scheme);
  context.restore();
  if (text) {
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.fillStyle = css(scheme.ink);
    values.forEach((value, i) => {
      context.textAlign = "right";
      context.fillText(named[i], text - 6, (i + 0.5) * step, text - 6);
      context.fillText(write(value), width - 4, (i + 0.5) * step);
    });
  }
  if (lit) frame(context, 1.5, lit.columns[0] * step + 1, width - 3, (lit.columns[1] - lit.columns[0] + 1) * step - 2, scheme);
  if (at !== null) frame(context, 1.5, at * step + 1, width - 3, step - 2, scheme);
  return (x, y) => {
    const cell = Math.floor(y / step);
    return cell >= 0 && cell < sheet.columns ? cell : null;
  };
}
