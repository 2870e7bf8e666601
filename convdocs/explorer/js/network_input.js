/* The input: samples to pick, and a pad to draw on with the pointer or the keys.
 *
 * A cell is drawn as blocks x blocks pixels, and its number is the share of them that is on: with
 * blocks of 4, as the digits of scikit-learn were counted.
 */

const PAD = 196;

class Pad {
  constructor(view) {
    this.view = view;
    this.net = view.net;
    const { rows, columns } = this.net.inputSheet, fine = this.net.blocks;
    this.size = [rows * fine, columns * fine];
    this.range = rangeOf(this.net.samples);
    this.drawing = null; // pixels that are on, once one has drawn; null shows the sample
    this.cursor = [Math.floor(this.size[0] / 2), Math.floor(this.size[1] / 2)];
    this.map = 0;
    this.build();
  }

  build() {
    const { net, view } = this;
    const drawable = net.live && !net.inputSheet.vector && net.inputSheet.rows > 1;
    this.root = element("section", { className: "in", ariaLabel: "The input" });
    this.surface = element("div", {
      className: "surface", tabIndex: 0, role: "application",
      ariaLabel: drawable ? "Drawing pad: arrow keys move, space draws, delete erases"
        : "The input: arrow keys choose a cell",
    });
    this.canvas = element("canvas");
    this.surface.append(this.canvas);
    this.root.append(this.surface);
    this.drawable = drawable;
    const tools = element("div", { className: "tools" });
    if (drawable) {
      this.eraser = toggle("Eraser", () => {});
      this.clearer = button("Clear", () => this.clear());
      tools.append(this.eraser, this.clearer);
    }
    if (net.live && net.samples.length === 1) tools.append(button("Reset", () => this.pick(0)));
    if (tools.children.length) this.root.append(tools);
    if (net.samples.length > 1) this.root.append(this.picker());
    this.surface.addEventListener("pointerdown", (event) => this.pressed(event));
    this.surface.addEventListener("pointermove", (event) => this.moved(event));
    for (const end of ["pointerup", "pointercancel"])
      this.surface.addEventListener(end, () => (this.last = null));
    this.surface.addEventListener("keydown", (event) => this.keyed(event));
    this.surface.addEventListener("focus", () => view.repaint());
    this.surface.addEventListener("blur", () => view.repaint());
  }

  picker() {
    const list = element("div", { className: "samples", role: "group", ariaLabel: "Samples" });
    this.thumbs = this.net.samples.map((_, n) => {
      const label = this.net.labels?.[n];
      const one = button("", () => this.pick(n));
      one.ariaLabel = `sample ${n}${label === undefined ? "" : `, labelled ${label}`}`;
      one.append(element("canvas"));
      list.append(one);
      return one;
    });
    return list;
  }

  pick(sample) {
    this.drawing = null;
    this.net.pick(sample);
    const label = this.net.labels?.[sample];
    this.view.say(`sample ${sample}${label === undefined ? "" : `, labelled ${label}`}`);
  }

  clear() {
    this.drawing = new Uint8Array(this.size[0] * this.size[1]);
    this.send();
    this.view.say("cleared");
  }

  /** The pixel under a pointer. */
  pixel(event) {
    const box = this.canvas.getBoundingClientRect();
    return [
      Math.floor(((event.clientY - box.top) / box.height) * this.size[0]),
      Math.floor(((event.clientX - box.left) / box.width) * this.size[1]),
    ];
  }

  pressed(event) {
    if (!this.drawable) return this.chooseAt(this.pixel(event));
    event.preventDefault();
    this.surface.focus({ preventScroll: true });
    this.surface.setPointerCapture(event.pointerId);
    this.begin();
    this.last = this.pixel(event);
    return this.stroke(this.last, this.last, this.erasing || event.button === 2);
  }

  get erasing() {
    return this.eraser?.ariaPressed === "true";
  }

  moved(event) {
    if (!this.last) return;
    for (const one of event.getCoalescedEvents?.() ?? [event]) {
      const to = this.pixel(one);
      this.dots(this.last, to, this.erasing);
      this.last = to;
    }
    this.send();
  }

  /** A drawing begins with an empty pad; where a cell is one pixel, with what is there. */
  begin() {
    if (this.drawing) return;
    this.drawing = new Uint8Array(this.size[0] * this.size[1]);
    if (this.net.blocks > 1) return;
    const { low, high } = this.range, first = this.map * this.drawing.length;
    this.drawing = Uint8Array.from(this.drawing, (_, i) =>
      (this.net.values(-1)[first + i] - low > (high - low) / 2 ? 1 : 0));
  }

  stroke(from, to, erase) {
    this.dots(from, to, erase);
    this.send();
  }

  /** Ink along a line, as wide as a pen: three pixels where a cell has several, or one cell. */
  dots([r0, c0], [r1, c1], erase) {
    const [rows, columns] = this.size, steps = Math.max(Math.abs(r1 - r0), Math.abs(c1 - c0), 1);
    const reach = this.net.blocks > 1 ? 1 : 0;
    for (let i = 0; i <= steps; i++) {
      const row = Math.round(r0 + ((r1 - r0) * i) / steps), column = Math.round(c0 + ((c1 - c0) * i) / steps);
      for (let r = row - reach; r <= row + reach; r++) for (let c = column - reach; c <= column + reach; c++)
        if (r >= 0 && r < rows && c >= 0 && c < columns) this.drawing[r * columns + c] = erase ? 0 : 1;
    }
    this.touched = [r1, c1, erase];
  }

  /** Count each block's pixels, and give the network the numbers. */
  send() {
    const { rows, columns, maps } = this.net.inputSheet, fine = this.net.blocks, { low, high } = this.range;
    const values = this.net.values(-1).slice(), kept = this.net.blocks === 1;
    for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) {
      let on = 0;
      for (let i = 0; i < fine; i++) for (let j = 0; j < fine; j++)
        on += this.drawing[(r * fine + i) * columns * fine + c * fine + j];
      for (let map = 0; map < maps; map++) {
        const at = (map * rows + r) * columns + c, next = low + ((high - low) * on) / fine ** 2;
        // where a cell is one pixel, those that were not drawn on keep their own number
        const same = kept && (values[at] - low > (high - low) / 2 ? 1 : 0) === on;
        if (!same) values[at] = next;
      }
    }
    this.net.setInput(values);
  }

  chooseAt([row, column]) {
    const { rows, columns } = this.net.inputSheet, fine = this.net.blocks;
    const cell = (limit, one) => Math.min(Math.max(Math.floor(one / fine), 0), limit - 1);
    this.view.choose(-1, (this.map * rows + cell(rows, row)) * columns + cell(columns, column));
  }

  keyed(event) {
    const [rows, columns] = this.size, [row, column] = this.cursor;
    const to = {
      ArrowUp: [row - 1, column], ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [row, 0], End: [row, columns - 1],
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (to) {
      event.preventDefault();
      this.cursor = [Math.min(Math.max(to[0], 0), rows - 1), Math.min(Math.max(to[1], 0), columns - 1)];
      if (!this.drawable) return void this.chooseAt(this.cursor);
      if (event.shiftKey) {
        this.begin();
        this.stroke(this.cursor, this.cursor, this.erasing);
      }
      this.view.repaint();
      this.view.say(`row ${this.cursor[0]}, column ${this.cursor[1]}`);
    } else if (this.drawable && [" ", "Enter", "Delete", "Backspace"].includes(event.key)) {
      event.preventDefault();
      const erase = this.erasing || event.key.length > 5 && event.key !== "Enter";
      this.begin();
      this.stroke(this.cursor, this.cursor, erase);
      this.view.say(erase ? "erased" : "drawn");
    }
  }

  paint(scheme, lit) {
    const sheet = this.net.inputSheet, [rows, columns] = this.size;
    const most = this.view.narrow ? 168 : PAD;
    const cell = sheet.vector || sheet.rows === 1 ? null : Math.min(most / columns, most / rows);
    const [width, height] = cell ? [cell * columns, cell * rows] : [most, Math.min(most, 16 * sheet.maps)];
    const context = sized(this.canvas, width, height), values = this.net.values(-1);
    const look = { scale: scaleOf(values), scheme, inked: this.net.inked };
    if (sheet.vector) paintBars(context, [...values], width, height, scheme);
    else if (sheet.rows === 1) this.strips(context, values, sheet, width, height, look);
    else if (this.drawing && this.net.blocks > 1) {
      paintMap(context, this.drawing, 0, { rows, columns }, { x: 0, y: 0, width, height }, { ...look, scale: 1, inked: true });
    } else paintMap(context, values, this.map * sheet.rows * sheet.columns, sheet, { x: 0, y: 0, width, height }, look);
    if (lit) this.light(context, lit, sheet, width, height, scheme);
    if (this.drawable && this.view.shadow.activeElement === this.surface) {
      frame(context, this.cursor[1] * cell + 1, this.cursor[0] * cell + 1, Math.max(cell - 2, 3), Math.max(cell - 2, 3), scheme);
    }
    this.thumbs?.forEach((one, n) => this.thumb(one, n, scheme));
  }

  strips(context, values, sheet, width, height, look) {
    const high = height / sheet.maps;
    for (let map = 0; map < sheet.maps; map++)
      paintMap(context, values, map * sheet.columns, sheet, { x: 0, y: map * high, width, height: high - 1 }, look);
  }

  light(context, { maps, rows, columns }, sheet, width, height, scheme) {
    const strips = sheet.rows === 1 && !sheet.vector;
    const high = strips ? height / sheet.maps : height / (sheet.vector ? sheet.columns : sheet.rows);
    const wide = sheet.vector ? width : width / sheet.columns;
    const [top, bottom] = strips ? [Math.min(...maps), Math.max(...maps)] : sheet.vector ? columns : rows;
    const [left, right] = sheet.vector ? [0, 0] : columns;
    frame(context, left * wide + 1, top * high + 1, (right - left + 1) * wide - 2, (bottom - top + 1) * high - 2, scheme);
  }

  thumb(one, n, scheme) {
    one.ariaPressed = `${n === this.net.sample && !this.drawing}`;
    if (one.scheme === scheme) return;
    one.scheme = scheme;
    const sheet = this.net.inputSheet, context = sized(one.firstChild, 28, 28), values = this.net.samples[n].data;
    if (sheet.vector) return void paintBars(context, [...values], 28, 28, scheme);
    paintMap(context, values, 0, sheet.rows === 1 ? { rows: sheet.maps, columns: sheet.columns } : sheet,
      { x: 0, y: 0, width: 28, height: 28 }, { scale: scaleOf(values), scheme, inked: this.net.inked });
  }
}

function rangeOf(samples) {
  let low = Infinity, high = -Infinity;
  for (const { data } of samples) for (const value of data) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low < high ? { low, high } : { low: 0, high: 1 };
}
