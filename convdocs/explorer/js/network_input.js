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
    const { maps, rows, columns, vector } = this.net.inputSheet;
    this.image = rows > 1; // else each row of the pad is a channel, or a number
    this.fine = this.image ? this.net.blocks : 1;
    this.cells = this.image ? [rows, columns] : vector ? [columns, 1] : [maps, columns];
    this.size = this.cells.map((cells) => cells * this.fine);
    this.coloured = this.image && maps === 3 && this.net.inked;
    this.range = rangeOf(this.net.samples);
    this.drawing = null; // pixels that are on, once one has drawn; null shows the sample
    this.cursor = [Math.floor(this.size[0] / 2), Math.floor(this.size[1] / 2)];
    this.build();
  }

  build() {
    const { net, view } = this;
    const drawable = net.live;
    this.root = element("section", { className: "in", ariaLabel: "The input" });
    this.surface = element("div", {
      className: "surface",
      tabIndex: 0,
      role: "application",
      ariaLabel: drawable
        ? "Drawing pad: arrow keys move, space draws, delete erases"
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
    if (tools.children.length) this.root.append(tools);
    if (net.live || net.samples.length > 1) this.root.append(this.picker());
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

  /** The places of a cell of the pad in the input: in an image, one in each channel. */
  places(row, column) {
    const at = row * this.cells[1] + column,
      plane = this.cells[0] * this.cells[1];
    return this.image
      ? Array.from({ length: this.net.inputSheet.maps }, (_, map) => map * plane + at)
      : [at];
  }

  /** A drawing begins with an empty pad; where a cell is one pixel, with what is there. */
  begin() {
    if (this.drawing) return;
    this.drawing = new Uint8Array(this.size[0] * this.size[1]);
    if (this.fine > 1) return;
    this.drawing = this.drawing.map((_, i) => this.isOn(this.net.values(-1)[i]));
  }

  isOn(value) {
    return value > (this.range.low + this.range.high) / 2 ? 1 : 0;
  }

  stroke(from, to, erase) {
    this.dots(from, to, erase);
    this.send();
  }

  /** Ink along a line, with a round pen a little wider than a cell; or one cell. */
  dots([r0, c0], [r1, c1], erase) {
    const [rows, columns] = this.size,
      steps = Math.max(Math.abs(r1 - r0), Math.abs(c1 - c0), 1);
    const pen = this.fine > 1 ? 0.62 * this.fine : 0.5,
      reach = Math.floor(pen);
    for (let i = 0; i <= steps; i++) {
      const row = Math.round(r0 + ((r1 - r0) * i) / steps);
      const column = Math.round(c0 + ((c1 - c0) * i) / steps);
      for (let y = -reach; y <= reach; y++)
        for (let x = -reach; x <= reach; x++) {
          const [r, c] = [row + y, column + x];
          if (x * x + y * y <= pen * pen && r >= 0 && r < rows && c >= 0 && c < columns) {
            this.drawing[r * columns + c] = erase ? 0 : 1;
          }
        }
    }
  }

  /** Count each block's pixels, and give the network the numbers. */
  send() {
    const {
        fine,
        range: { low, high },
      } = this,
      [rows, columns] = this.cells;
    const values = this.net.values(-1).slice();
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        let on = 0;
        for (let i = 0; i < fine; i++)
          for (let j = 0; j < fine; j++)
            on += this.drawing[(r * fine + i) * columns * fine + c * fine + j];
        const [first] = this.places(r, c);
        // where a cell is one pixel, those that were not drawn on keep their own number
        if (fine === 1 && this.isOn(values[first]) === on) continue;
        for (const at of this.places(r, c)) values[at] = low + ((high - low) * on) / fine ** 2;
      }
    this.net.setInput(values);
  }

  chooseAt(pixel) {
    const [row, column] = pixel.map((one, axis) =>
      Math.min(Math.max(Math.floor(one / this.fine), 0), this.cells[axis] - 1),
    );
    this.view.choose(-1, this.places(row, column)[0]);
  }

  keyed(event) {
    const [rows, columns] = this.size,
      [row, column] = this.cursor;
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
    }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (to) {
      event.preventDefault();
      this.cursor = [
        Math.min(Math.max(to[0], 0), rows - 1),
        Math.min(Math.max(to[1], 0), columns - 1),
      ];
      if (!this.drawable) return void this.chooseAt(this.cursor);
      if (event.shiftKey) {
        this.begin();
        this.stroke(this.cursor, this.cursor, this.erasing);
      }
      this.view.repaint();
      this.view.say(`row ${this.cursor[0]}, column ${this.cursor[1]}`);
    } else if (this.drawable && [" ", "Enter", "Delete", "Backspace"].includes(event.key)) {
      event.preventDefault();
      const erase = this.erasing || event.key.endsWith("e");
      this.begin();
      this.stroke(this.cursor, this.cursor, erase);
      this.view.say(erase ? "erased" : "drawn");
    }
  }

  paint(scheme, lit) {
    const [rows, columns] = this.size,
      most = this.view.narrow ? 168 : PAD;
    const cell = Math.min(most / columns, most / rows);
    const [width, height] = this.image
      ? [cell * columns, cell * rows]
      : [most, Math.min(most, 20 * this.cells[0])];
    const context = sized(this.canvas, width, height),
      values = this.net.values(-1);
    const [wide, high] = [width / columns, height / rows];
    const box = { x: 0, y: 0, width, height };
    if (this.drawing && this.fine > 1) {
      paintMap(context, this.drawing, 0, { rows, columns }, box, { scale: 1, scheme, inked: true });
    } else this.picture(context, values, box, scheme);
    if (lit) {
      const { vector } = this.net.inputSheet;
      const strips = [Math.min(...lit.maps), Math.max(...lit.maps)];
      const [top, bottom] = this.image ? lit.rows : vector ? lit.columns : strips;
      const [left, right] = vector ? [0, 0] : lit.columns;
      const [w, h] = [wide * this.fine, high * this.fine];
      frame(context, left * w, top * h, (right - left + 1) * w, (bottom - top + 1) * h, scheme);
    }
    if (this.drawable && this.view.shadow.activeElement === this.surface) {
      frame(context, this.cursor[1] * wide, this.cursor[0] * high, wide, high, scheme);
    }
    this.thumbs?.forEach((one, n) => this.thumb(one, n, scheme));
  }

  picture(context, values, box, scheme) {
    const [rows, columns] = this.cells,
      look = { scale: scaleOf(values), scheme, inked: this.net.inked };
    if (this.net.inputSheet.vector) paintBars(context, values, box.width, box.height, scheme);
    else paintMap(context, values, 0, { rows, columns }, box, { ...look, colour: this.coloured });
  }

  thumb(one, n, scheme) {
    one.ariaPressed = `${n === this.net.sample && !this.drawing}`;
    if (one.scheme === scheme) return;
    one.scheme = scheme;
    const box = { x: 0, y: 0, width: 28, height: 28 };
    this.picture(sized(one.firstChild, 28, 28), this.net.samples[n].data, box, scheme);
  }
}

function rangeOf(samples) {
  let low = Infinity,
    high = -Infinity;
  for (const { data } of samples)
    for (const value of data) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low < high ? { low, high } : { low: 0, high: 1 };
}
