/* The three grids: how large their cells are, and their markup. `view` is an Explorer. */

const PANELS = ["input", "kernel", "output"];
const LEAD = 18; // room for the number of a channel before its row
const GAP = 14; // between two channels side by side
const SHADED = 600; // cells of a panel from which on small ones have a shade for a number
const TALL = 410; // height of a panel that leaves room for the sum on a small screen
const LEAST = 9.3; // smallest font in a cell
const FRAME = 5; // of a cell's width, so that no number touches the frame of the chosen one
const COARSE = window.matchMedia("(pointer: coarse)");

/** Cells that a panel shows around the input: [[top, bottom], [left, right]]. */
function marginsOf(s, panel) {
  if (panel !== "input" || isTransposed(s))
    return [
      [0, 0],
      [0, 0],
    ];
  const around = windowsOf(s).map((w, axis) => {
    const out = outputSize(w, spatial(s)[axis]);
    // with ceil_mode the last window may end past the padding
    const past = isPool(s) ? (out - 1) * w.stride + spanOf(w) - w.before - spatial(s)[axis] : 0;
    return [w.before, Math.max(w.after, past)].map((n) => Math.min(Math.max(n, 0), 40));
  });
  return dimsOf(s) === 1 ? [[0, 0], ...around] : around;
}

/** Rows and columns of one channel of a panel, with what is shown around it. */
function extentOf(view, panel) {
  const [, rows, columns] = view.sizes(panel);
  const [[top, bottom], [left, right]] = rows
    ? marginsOf(view.s, panel)
    : [
        [0, 0],
        [0, 0],
      ];
  return { rows: rows + top + bottom, columns: columns + left + right };
}

/** How many channels of a panel are shown at a time; on a phone one image. */
function channelsShown(view, panel) {
  const [channels] = view.sizes(panel);
  const tall = view.room() > 640 ? TALL : 0;
  const most = (name) => Math.floor(tall / (18 * Math.max(1, extentOf(view, name).rows) + 24));
  const like = panel === "output" && !isPool(view.s) ? panel : "input";
  const fits = dimsOf(view.s) === 1 ? 8 : most(like);
  return Math.min(channels, Math.max(1, Math.min(fits, 8)));
}

/** The widest number of a panel at `digits`, in ems; the chosen cell's is bold. */
function widest(view, panel, digits) {
  const values = view.values(panel);
  const texts = values.slice(0, 4096).map((value) => shown(value, view.whole, digits));
  const longest = texts.reduce((most, text) => (text.length > most.length ? text : most), "−0");
  return view.ems(longest.replace(/[0-9]/g, "0"));
}

/** A cell of `width`: its height, its font, and its decimals; -1 where a shade stands for them. */
function cellPlan(view, panel, width) {
  const { rows } = extentOf(view, panel);
  const flat = dimsOf(view.s) === 1;
  const least = COARSE.matches ? 26 : 18;
  const fit = (TALL / view.many[panel] - (flat ? 0 : 24)) / Math.max(1, rows);
  const height = Math.min(width, 31, Math.max(least, fit));
  const [, high, wide] = view.sizes(panel);
  const many = view.many[panel] * high * wide > SHADED && width < 40;
  const square = {
    width,
    height: Math.min(width, flat ? 31 : Math.max(fit, 6)),
    digits: -1,
    font: 11,
  };
  if (width < 16 || many) return { ...square, width: flat ? width : square.height };
  for (const digits of view.whole && panel !== "output" ? [0] : [4, 2, 1]) {
    const font = (width - FRAME) / widest(view, panel, digits);
    if (font >= LEAST) return { width, height, digits, font: Math.min(font, 13, height - 4) };
  }
  return square;
}

/** Room for the names and menus over the panels. */
function titlesOf({ s, level }) {
  const turns = COARSE.matches ? 166 : 150;
  const filters = isPool(s) ? 90 : s.out > 1 ? turns : level === "none" ? 60 : 134;
  return [level === "none" ? 105 : 186, filters, 105];
}

/**
 * How the panels stand, and their cells: side by side ("row"), the input above the two others
 * ("two"), or one below the other ("column").
 */
function layoutOf(view) {
  const room = view.room();
  const lead = dimsOf(view.s) === 1 ? LEAD : 0;
  const columns = PANELS.map((panel) => Math.max(1, extentOf(view, panel).columns));
  const titles = titlesOf(view);
  const wide = (i, cell) => Math.max(columns[i] * cell + lead + 5, titles[i]);
  const apart = (cell) => Math.max(cell, Math.min(36, 120 / columns[1])); // a filter's cells
  const across = (cell) => wide(0, cell) + wide(1, apart(cell)) + wide(2, cell) + 56;
  const largest = (fits) => {
    let cell = 54;
    while (cell > 5 && !fits(cell)) cell -= 0.5;
    return cell;
  };
  const row = largest((cell) => across(cell) <= room);
  const two = largest(
    (cell) => wide(0, cell) <= room && wide(1, apart(cell)) + wide(2, cell) + 44 <= room,
  );
  const column = largest((cell) => Math.max(...columns) * cell + lead + 5 <= room);
  const name = row >= 30 || room > 640 ? "row" : two > 5 ? "two" : "column";
  const cell = { row, two, column }[name];
  const spare = name === "row" ? Math.max(0, room - across(cell) - 4) / columns[1] : 0;
  const widths = { input: cell, kernel: Math.min(54, apart(cell) + spare), output: cell };
  const plan = (panel) => [panel, cellPlan(view, panel, widths[panel])];
  return { name, ...Object.fromEntries(PANELS.map(plan)) };
}

/** Numbers that a shade stands for: from dark to light, or by sign; its ends, for the legend. */
function shadesOf(view, panel) {
  const values = view.values(panel).filter(Number.isFinite);
  const [low, high] = values.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [0, 0]);
  const grey = low >= 0 && panel !== "kernel" && (panel === "input" || isPool(view.s));
  return { grey, low, high, most: Math.max(-low, high) || 1 };
}

/** The fill of a shaded cell. */
function shadeOf({ grey, most }, value) {
  const part = Math.min(1, Math.abs(value) / most || 0).toFixed(2);
  const look = grey ? "cx-light" : value < 0 ? "cx-below" : "cx-above";
  return { look, part };
}

function legendMarkup({ grey, low, high, most }, say) {
  if (grey) return `<span>${say(0)}</span><i class="cx-bar cx-greys"></i><span>${say(high)}</span>`;
  const ends = [low < 0 ? `below 0, to ${say(-most)}` : "", `above 0, to ${say(most)}`];
  return low < 0
    ? `<span>${ends[0]}</span><i class="cx-bar"></i><span>${ends[1]}</span>`
    : `<span>0</span><i class="cx-bar cx-half"></i><span>${ends[1]}</span>`;
}

/** A cell: a box with its number, or a shade alone where there is no room for numbers. */
function cellMarkup(view, panel, c, r, k, shades) {
  const { width, height, digits } = view.layout[panel];
  const [x, y] = [k * width, r * height];
  const size = `width="${width}" height="${height}"`;
  const middle = `x="${x + width / 2}" y="${y + height / 2}"`;
  if (panel === "kernel" && isPool(view.s))
    return `<g class="cx-cell" data-tap><rect x="${x}" y="${y}" ${size}/><text ${middle}/></g>`;
  const value = view.number(panel, c, r, k);
  const tags =
    `role="gridcell" tabindex="-1" data-c="${c}" data-r="${r}" data-k="${k}" ` +
    `aria-label="${view.cellName(panel, c, r, k)}: ${spoken(view.say(value))}"`;
  if (digits < 0) {
    const { look, part } = shadeOf(shades, value);
    return (
      `<rect class="cx-cell ${look}" ${tags} x="${x}" y="${y}" ${size} ` +
      `fill-opacity="${part}"/>`
    );
  }
  const text = view.text(panel, value);
  return (
    `<g class="cx-cell" ${tags}><rect x="${x}" y="${y}" ${size}/><text ` +
    `${middle}>${text}</text></g>`
  );
}

/** What stands around one channel of the input: zeros, copies, -∞, or nothing past the padding. */
function marginMarkup(view, c, rows, columns) {
  const { s } = view;
  const { width, height, digits } = view.layout.input;
  const [[top, bottom], [left, right]] = marginsOf(s, "input");
  const after = rowed(
    s,
    windowsOf(s).map((w) => w.after),
  ).map((n, axis) => (dimsOf(s) === 1 && !axis ? 0 : n));
  const outside =
    familyOf(s) === "max" ? "−∞" : familyOf(s) === "average" && !s.countPad ? "" : "0";
  const text = (r, k) => {
    if (isPool(s) && (r >= rows + after[0] || k >= columns + after[1])) return "";
    if (s.mode === "zeros" || isPool(s)) return outside;
    const row = dimsOf(s) === 1 ? 0 : source(r, rows, s.mode);
    const column = source(k, columns, s.mode);
    const real = row >= 0 && row < rows && column >= 0 && column < columns;
    return real ? view.text("input", view.number("input", c, row, column)) : "0";
  };
  const parts = [];
  for (let r = -top; r < rows + bottom; r++)
    for (let k = -left; k < columns + right; k++) {
      if (r >= 0 && r < rows && k >= 0 && k < columns) continue;
      const [x, y] = [(k + left) * width, (r + top) * height];
      const box = `x="${x}" y="${y}" width="${width}" height="${height}"`;
      const tags = `class="cx-pad" data-pad="${c}.${r}.${k}"`;
      const middle = `x="${x + width / 2}" y="${y + height / 2}"`;
      parts.push(
        digits < 0
          ? `<rect ${tags} ${box}/>`
          : `<g ${tags}><rect ${box}/><text ${middle}>${text(r, k)}</text></g>`,
      );
    }
  return `<g aria-hidden="true">${parts.join("")}</g>`;
}

const namesChannels = (view) => PANELS.some((panel) => view.sizes(panel)[0] > 1);

/** The grids of a panel: one for each channel, stacked or wrapped to the room there is. */
function gridMarkup(view, panel, shades) {
  const { width, height, digits, font } = view.layout[panel];
  const [, rows, columns] = view.sizes(panel);
  const [[top], [left]] = marginsOf(view.s, panel);
  const extent = extentOf(view, panel);
  const flat = dimsOf(view.s) === 1;
  const hidden = panel === "kernel" && isPool(view.s);
  const [gridW, gridH] = [extent.columns * width, extent.rows * height];
  const [gap, lead, head] = flat ? [0, LEAD, 0] : [24, 0, namesChannels(view) ? 16 : 0];
  const many = view.many[panel];
  const fits = Math.floor((view.room() + GAP) / (gridW + GAP));
  const across = view.layout.name === "row" || flat ? 1 : Math.max(1, Math.min(many, fits));
  const grids = [];
  const frames = [];
  range(many).forEach((i) => {
    const c = view.firstShown(panel) + i;
    const x = lead + (i % across) * (gridW + GAP) + 2;
    const y = Math.floor(i / across) * (gridH + gap) + head + 2;
    const name = !namesChannels(view)
      ? ""
      : flat
        ? `<text class="cx-row-name" x="${lead - 5}" y="${y + height / 2}">${c}</text>`
        : `<text class="cx-name" x="${x}" y="${y - 9}">channel ${c}</text>`;
    const lines = range(rows).map(
      (r) =>
        `<g${hidden ? "" : ' role="row"'}>` +
        `${range(columns)
          .map((k) => cellMarkup(view, panel, c, r, k, shades))
          .join("")}</g>`,
    );
    const [width_, height_] = [columns * width, rows * height];
    const under =
      digits < 0 ? `<rect class="cx-under" width="${width_}" height="${height_}"/>` : "";
    const margin = panel === "input" ? marginMarkup(view, c, rows, columns) : "";
    grids.push(
      `${hidden ? "" : name}<g transform="translate(${x} ${y})">${margin}` +
        `<g transform="translate(${left * width} ` +
        `${top * height})">${under}${lines.join("")}</g></g>`,
    );
    frames.push(
      `<g transform="translate(${x + left * width} ${y + top * height})">` +
        `<rect class="cx-frame" data-frame="${c}"/>` +
        `<rect class="cx-mark" data-mark="${c}" width="${width}" height="${height}"/></g>`,
    );
  });
  const w = lead + across * (gridW + GAP) - GAP + 4;
  const h = Math.ceil(many / across) * (gridH + gap) - gap + head + 4;
  return (
    `<svg role="presentation" focusable="false" width="${w}" height="${h}" ` +
    `viewBox="0 0 ${w} ${h}" style="--cx-font:${font}px">${grids.join("")}` +
    `<g aria-hidden="true">${frames.join("")}</g></svg>`
  );
}
