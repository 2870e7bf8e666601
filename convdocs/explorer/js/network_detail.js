/* One call large: its maps, the chosen cell, and the sum or the line that made it. */

class Detail {
  constructor(view) {
    this.view = view;
    this.net = view.net;
    this.group = 0; // the input channel whose products are listed
    this.root = element("section", { className: "detail", ariaLabel: "One call" });
    this.head = element("div", { className: "head" });
    this.maps = element("div", { className: "maps", role: "group", ariaLabel: "Maps" });
    this.surface = element("div", { className: "surface", tabIndex: 0, role: "application" });
    this.canvas = element("canvas");
    this.surface.append(this.canvas);
    this.left = element("div", { className: "left" });
    this.scroller = element("div", { className: "scroller" });
    this.scroller.append(this.surface);
    this.legend = element("p", { className: "legend" });
    this.left.append(this.maps, this.scroller, this.legend);
    this.right = element("div", { className: "right" });
    this.body = element("div", { className: "body" });
    this.body.append(this.left, this.right);
    this.root.append(this.head, this.body);
    this.surface.addEventListener(
      "pointermove",
      (event) => event.pointerType === "mouse" && this.hover(event),
    );
    this.surface.addEventListener("pointerleave", () => this.view.look(null));
    this.surface.addEventListener("click", (event) => this.clicked(event));
    this.surface.addEventListener("keydown", (event) => this.keyed(event));
    this.right.addEventListener("click", (event) => this.pressed(event));
    this.right.addEventListener("input", (event) => this.weighed(event));
  }

  under(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.hit?.(event.clientX - box.left, event.clientY - box.top) ?? null;
  }

  hover(event) {
    const at = this.under(event);
    if (at !== null) this.view.look({ index: this.view.chosen.index, at });
  }

  clicked(event) {
    const at = this.under(event);
    if (at !== null) this.view.choose(this.view.chosen.index, at);
  }

  keyed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { index, at } = this.view.chosen,
      { rows, columns, maps, vector } = this.net.sheetOf(index);
    const plane = rows * columns,
      map = Math.floor(at / plane),
      row = Math.floor((at % plane) / columns),
      column = at % columns;
    const [r, c] = vector ? [0, column] : [row, column];
    const by = (dr, dc) => {
      const to = [
        Math.min(Math.max(r + dr, 0), rows - 1),
        Math.min(Math.max(c + dc, 0), columns - 1),
      ];
      return map * plane + to[0] * columns + to[1];
    };
    const other = (step) => Math.min(Math.max(map + step, 0), maps - 1) * plane + (at % plane);
    const to = {
      ArrowUp: () => (vector ? by(0, -1) : by(-1, 0)),
      ArrowDown: () => (vector ? by(0, 1) : by(1, 0)),
      ArrowLeft: () => by(0, -1),
      ArrowRight: () => by(0, 1),
      Home: () => by(0, -1e6),
      End: () => by(0, 1e6),
      PageUp: () => other(-1),
      PageDown: () => other(1),
    }[event.key];
    if (!to) return;
    event.preventDefault();
    this.view.choose(index, to());
  }

  /** Another call: its name, its switches, and a button for each of its maps. */
  build() {
    const { index } = this.view.chosen,
      call = this.net.calls[index],
      { maps, vector } = this.net.sheetOf(index);
    const title = element("b", { textContent: index < 0 ? "input" : call.kind });
    const path = index < 0 ? "" : `${call.path || "in the model itself"} · ${call.code}`;
    const shape = element("i", {
      textContent: `${path ? `${path} · ` : ""}(${this.net.shape(index).join(", ")})`,
    });
    this.head.replaceChildren(title, shape);
    if (index >= 0 && this.net.live) this.head.append(this.switches(index, call));
    this.maps.hidden = maps < 2 || vector;
    this.thumbs = this.maps.hidden
      ? []
      : Array.from({ length: maps }, (_, map) => {
          const one = button("", () =>
            this.view.choose(
              index,
              map * this.plane(index) + (this.view.chosen.at % this.plane(index)),
            ),
          );
          one.ariaLabel = `map ${map} of ${maps}`;
          one.append(element("canvas"));
          return one;
        });
    this.maps.replaceChildren(...this.thumbs);
    this.index = index;
    this.group = null;
    this.weight = null;
  }

  plane(index) {
    const { rows, columns } = this.net.sheetOf(index);
    return rows * columns;
  }

  switches(index, call) {
    const holder = element("span", { className: "switches" });
    const whole = toggle(
      `Turn off ${call.kind}`,
      () => this.net.toggle(`${index}`),
      this.net.off.has(`${index}`),
    );
    holder.append(whole);
    if (this.net.sheetOf(index).maps > 1) {
      this.mapSwitch = toggle("Turn off this map", () => this.net.toggle(`${index}.${this.map()}`));
      holder.append(this.mapSwitch);
    } else this.mapSwitch = null;
    this.wholeSwitch = whole;
    return holder;
  }

  map() {
    const { index, at } = this.view.shown();
    return Math.floor(at / this.plane(index));
  }

  paint(scheme, regions) {
    const { index, at } = this.view.shown(),
      sheet = this.net.sheetOf(index),
      map = this.map();
    if (index !== this.index) this.build();
    const room = Math.max(Math.min(this.view.width - 24, this.view.narrow ? 600 : 400), 160);
    this.hit = paintLarge(this.canvas, this.net, index, map, room, scheme, at);
    this.surface.ariaLabel =
      `${this.words(index, at)}. Arrow keys choose a cell` +
      (sheet.maps > 1 ? ", page up and page down a map" : "");
    const off = (key) => `${this.net.off.has(key)}`;
    if (this.wholeSwitch) this.wholeSwitch.ariaPressed = off(`${index}`);
    if (this.mapSwitch) this.mapSwitch.ariaPressed = off(`${index}.${map}`);
    const most = scaleOf(this.net.values(index) ?? []);
    this.legend.hidden = index < 0 && this.net.inked;
    this.legend.replaceChildren(write(-most), element("i"), write(most));
    this.paintMaps(index, map, scheme);
    this.explain(index, at, regions);
  }

  paintMaps(index, chosen, scheme) {
    const values = this.net.values(index),
      sheet = this.net.sheetOf(index);
    if (!values) return;
    const look = { scale: scaleOf(values), scheme, inked: index < 0 && this.net.inked };
    const fit = Math.min(30 / sheet.columns, 30 / sheet.rows);
    this.thumbs.forEach((one, map) => {
      const width = Math.max(fit * sheet.columns, 4),
        height = sheet.rows === 1 ? 8 : Math.max(fit * sheet.rows, 4);
      paintMap(
        sized(one.firstChild, width, height),
        values,
        map * sheet.rows * sheet.columns,
        sheet,
        { x: 0, y: 0, width, height },
        look,
      );
      one.ariaPressed = `${map === chosen}`;
      one.classList.toggle("off", this.net.off.has(`${index}.${map}`));
    });
  }

  /** A cell as it is said: its place, its number, and what it has seen of the input. */
  words(index, at, regions = null) {
    const { maps, rows, columns, vector } = this.net.sheetOf(index),
      plane = rows * columns;
    const place = vector
      ? `cell ${at} of ${columns}`
      : `${maps > 1 ? `map ${Math.floor(at / plane)} of ${maps}, ` : ""}` +
        `${rows > 1 ? `row ${Math.floor((at % plane) / columns)}, ` : ""}column ${at % columns}`;
    const value = this.net.values(index);
    const number = value ? write(value[at]) : "not recorded";
    return `${place}, ${number}${regions ? this.sees(index, regions) : ""}`;
  }

  sees(index, regions) {
    if (index < 0) return "";
    const region = regions.get(-1);
    if (!region) return ", sees nothing of the input";
    const { rows, columns } = onSheet(region, this.net.shape(-1), this.net.inputSheet),
      sheet = this.net.inputSheet;
    const all =
      rows[1] - rows[0] + 1 === sheet.rows && columns[1] - columns[0] + 1 === sheet.columns;
    if (all) return ", sees all of the input";
    const run = (name, [first, last]) =>
      first === last ? `${name} ${first}` : `${name}s ${first} to ${last}`;
    const words = [
      ...(sheet.rows > 1 ? [run("row", rows)] : []),
      run(sheet.vector ? "cell" : "column", columns),
    ];
    return `, sees ${words.join(" and ")} of the input`;
  }

  explain(index, at, regions) {
    const place = element("p", { className: "place", textContent: this.words(index, at, regions) });
    if (index < 0) return void this.right.replaceChildren(place);
    const told = explain(this.net, index, at),
      parts = [place];
    this.told = told;
    const sums = told.groups.some((group) => group.subtotal !== undefined);
    if (told.groups.length) parts.push(this.products(told, sums));
    if (told.line) parts.push(element("p", { className: "line", textContent: told.line }));
    if (sums) parts.push(this.total(told, at));
    if (told.weights && this.net.live) parts.push(this.scale(told));
    this.right.replaceChildren(...parts);
    return undefined;
  }

  /** The products of one input channel, as a grid of the window or as a list. */
  products(told, sums) {
    const groups = told.groups,
      largest = groups.reduce(
        (best, one, i) => (Math.abs(one.subtotal) > Math.abs(groups[best].subtotal) ? i : best),
        0,
      );
    const which = Math.min(this.group ?? (sums ? largest : 0), groups.length - 1);
    const group = groups[which],
      box = element("div", { className: "products" });
    this.listed = which;
    if (groups.length > 1) {
      box.append(
        element("p", {
          className: "note",
          textContent: `Map ${group.map} of what goes in: input × weight`,
        }),
      );
    }
    const grid = element("div", { className: group.columns ? "grid" : "grid list" });
    grid.style.setProperty("--columns", group.columns ?? 1);
    group.terms.forEach((term, i) => grid.append(this.term(term, i, sums)));
    if (!grid.querySelector("button")) grid.tabIndex = 0; // it may scroll
    box.append(grid);
    return box;
  }

  term(term, i, sums) {
    const editable = this.net.live && term.weight !== undefined,
      { w } = term;
    const one = element(editable ? "button" : "span", { className: "term" });
    if (editable) {
      one.type = "button";
      one.dataset.term = i;
      one.ariaPressed = `${this.weight === term.weight}`;
      const product = `${write(term.x)} times weight ${write(w)} is ${write(term.product)}`;
      one.ariaLabel = `${product}: choose this weight`;
    }
    const outside = term.at === null ? " padding" : "";
    const x = element("i", { textContent: write(term.x), className: `x${outside}` });
    one.append(x);
    if (w !== undefined) {
      one.append(
        "×",
        element("i", { textContent: write(w), className: "w" }),
        element("em", { textContent: write(term.product) }),
      );
    }
    one.classList.toggle("won", Boolean(term.won));
    one.classList.toggle("zero", sums && term.product === 0);
    return one;
  }

  /** The sums of all input channels, the bias, and what they come to. */
  total({ groups, bias, total }, at) {
    const box = element("p", { className: "total" });
    groups.forEach((group, i) => {
      if (i) box.append(" + ");
      if (groups.length === 1) return void box.append(write(group.subtotal));
      const one = element("button", {
        type: "button",
        className: "part",
        textContent: write(group.subtotal),
      });
      one.dataset.group = i;
      one.ariaPressed = `${i === this.listed}`;
      one.ariaLabel = `map ${group.map}: ${write(group.subtotal)}`;
      one.title = `map ${group.map}`;
      return void box.append(one);
    });
    if (bias) box.append(` + bias ${write(bias.value)}`);
    box.append(" = ", element("b", { textContent: write(total) }));
    return box;
  }

  /** A slider for the chosen weight. */
  scale({ weights }) {
    const box = element("div", { className: "weight" });
    if (this.weight === null) {
      box.append(
        element("p", { className: "note", textContent: "Choose a product to change its weight." }),
      );
      return box;
    }
    const value = weights.data[this.weight],
      most = Math.max(
        2 * scaleOf(this.net.given[this.net.tensors.indexOf(weights)] ?? weights.data),
        1,
      );
    const slider = element("input", {
      type: "range",
      min: -most,
      max: most,
      step: "any",
      value,
      id: "weight",
    });
    const label = element("label", { htmlFor: "weight", textContent: "weight " });
    this.number = element("output", { textContent: write(value) });
    box.append(label, slider, this.number);
    this.slider = slider;
    return box;
  }

  pressed(event) {
    const term = event.target.closest("[data-term]"),
      part = event.target.closest("[data-group]");
    if (!term && !part) return;
    if (part) this.group = Number(part.dataset.group);
    else {
      this.weight = this.told.groups[this.listed].terms[Number(term.dataset.term)].weight;
      this.group = this.listed;
    }
    const again = part
      ? `[data-group="${part.dataset.group}"]`
      : `[data-term="${term.dataset.term}"]`;
    this.view.repaint();
    this.right.querySelector(again)?.focus();
  }

  weighed(event) {
    if (event.target !== this.slider) return;
    const value = Number(this.slider.value),
      focused = this.view.shadow.activeElement === this.slider;
    this.net.setWeight(this.told.weights, this.weight, value);
    if (focused) this.slider.focus();
  }
}
