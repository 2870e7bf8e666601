/* The overview: every call from left to right, on a phone from top to bottom, and the edges. */

const SIDES = [84, 72, 60, 50]; // of the small pictures: the largest that needs no scrolling
const GAP = 12;

/** A box in the area of the flow. */
const placed = (className, { left, top, width, height }) =>
  element("div", {
    className,
    style: `left:${left}px;top:${top}px;width:${width}px;height:${height}px`,
  });

class Overview {
  constructor(view) {
    this.view = view;
    this.net = view.net;
    this.open = new Set(unfolded(this.net));
    this.root = element("div", {
      className: "flow",
      role: "group",
      ariaLabel: `${this.net.model}, call by call`,
    });
    this.area = element("div", { className: "area" });
    this.root.append(this.area);
    this.root.addEventListener("keydown", (event) => this.keyed(event));
  }

  /** Put every node where it belongs; again when the room or what is folded changes. */
  build(width) {
    const held = this.area.contains(this.view.shadow.activeElement);
    const made = layout(this.net, this.open);
    Object.assign(this, made, { upright: this.view.narrow });
    this.measure(width);
    this.area.replaceChildren(this.drawEdges(), ...this.frames());
    this.nodes.forEach((node, n) => this.area.append(this.card(node, n)));
    this.at = Math.max(
      0,
      this.nodes.findIndex((node) => this.holds(node, this.view.chosen.index)),
    );
    this.mark();
    if (held) this.nodes[this.at].button.focus();
  }

  measure(width) {
    const room = (side) => this.columns * (side + 8 + GAP) - GAP + 4;
    this.side = this.upright ? 54 : (SIDES.find((side) => room(side) <= width) ?? 72);
    const broad = this.lanes > 1 ? 164 : Math.min(width - 16, 340);
    const [long, across] = this.upright ? [62, broad] : [this.side + 8, this.side + 46];
    this.box = this.upright ? [across - 110, this.side] : [this.side, this.side];
    const levels = this.arcs(),
      nested = this.depth();
    this.step = long + GAP;
    this.long = long;
    this.across = across;
    this.starts = [];
    let at = 8 + 22 * nested;
    for (let lane = 0; lane < this.lanes; lane++) {
      at += 6 * (levels[lane] ?? 0) + 4;
      this.starts.push(at);
      at += across + 14 + (nested ? 6 : 0);
    }
    const size = [this.columns * this.step - GAP + 4, at];
    const [wide, high] = this.upright ? [size[1], size[0]] : size;
    Object.assign(this.area.style, { width: `${wide}px`, height: `${high}px` });
  }

  /** How far out each edge goes that passes nodes of its lane; the most per lane. */
  arcs() {
    const most = [];
    const passing = this.edges.filter((edge) => edge.blocked).sort((a, b) => a.span - b.span);
    for (const edge of passing) {
      const [from, to] = [this.nodes[edge.from].column, this.nodes[edge.to].column];
      const over = passing.filter(
        (one) =>
          one.level !== undefined &&
          one.lane === edge.lane &&
          one !== edge &&
          this.nodes[one.from].column < to &&
          this.nodes[one.to].column > from,
      );
      edge.level = 1 + Math.max(0, ...over.map((one) => one.level));
      most[edge.lane] = Math.max(most[edge.lane] ?? 0, edge.level);
    }
    return most;
  }

  /** How deeply unfolded modules lie within each other. */
  depth() {
    const open = this.opened();
    return Math.max(0, ...open.map((a) => open.filter((b) => b[3] <= a[3] && b[4] >= a[4]).length));
  }

  opened() {
    return this.net.modules.filter(
      ([path, , , first, last]) =>
        this.open.has(path) &&
        this.nodes.some((node) => node.first >= first && node.last <= last && node.key !== path),
    );
  }

  /** A point from its place along the flow and across it. */
  point(along, across) {
    return this.upright ? [across, along] : [along, across];
  }

  where(node) {
    const along = 2 + node.column * this.step,
      across = this.starts[node.lane];
    const [left, top] = this.point(along, across);
    const [width, height] = this.point(this.long, this.across);
    return { along, across, left, top, width, height };
  }

  drawEdges() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("aria-hidden", "true");
    svg.innerHTML = this.edges.map((edge) => `<path d="${this.path(edge)}"/>`).join("");
    return svg;
  }

  path(edge) {
    const a = this.where(this.nodes[edge.from]),
      b = this.where(this.nodes[edge.to]);
    const start = [a.along + this.long, a.across + this.across / 2],
      end = [b.along, b.across + this.across / 2];
    const p = (along, across) =>
      this.point(along, across)
        .map((one) => one.toFixed(1))
        .join(" ");
    const [near, far] = [start[0] + GAP / 2, end[0] - GAP / 2];
    if (edge.blocked) {
      const out = this.starts[edge.lane] - 6 * edge.level,
        bend = 5;
      return (
        `M${p(...start)}Q${p(near, start[1])} ${p(near, start[1] - bend)}L${p(near, out + bend)}` +
        `Q${p(near, out)} ${p(near + bend, out)}L${p(far - bend, out)}` +
        `Q${p(far, out)} ${p(far, out + bend)}` +
        `L${p(far, end[1] - bend)}Q${p(far, end[1])} ${p(...end)}`
      );
    }
    if (start[1] === end[1]) return `M${p(...start)}L${p(...end)}`;
    const turn = start[1] < end[1] ? start[0] : end[0] - GAP;
    return (
      `M${p(...start)}L${p(turn, start[1])}` +
      `C${p(turn + GAP, start[1])} ${p(turn, end[1])} ${p(turn + GAP, end[1])}` +
      `L${p(...end)}`
    );
  }

  /** The frames of unfolded modules, each with a button that folds it. */
  frames() {
    const open = this.opened();
    return open.map((module) => {
      const inside = this.nodes
        .filter((node) => node.first >= module[3] && node.last <= module[4])
        .map((node) => this.where(node));
      const deep = open.filter(
        (one) => one[3] >= module[3] && one[4] <= module[4] && one !== module,
      ).length
        ? 1
        : 0;
      const outer = open.filter((one) => one[3] <= module[3] && one[4] >= module[4]).length;
      const [first, last] = [
        Math.min(...inside.map((one) => one.along)),
        Math.max(...inside.map((one) => one.along)) + this.long,
      ];
      const low = 22 * (outer - 1) + 2,
        high = Math.max(...inside.map((one) => one.across)) + this.across + 4 + 3 * deep;
      const [left, top] = this.point(first - 5 + outer, low),
        [width, height] = this.point(last - first + 10 - 2 * outer, high - low);
      const box = placed("frame", { left, top, width, height });
      const fold = button(`− ${module[0]}`, () => this.turn(module[0]));
      fold.ariaLabel = `fold ${module[0]}, ${module[1]}`;
      box.append(fold);
      return box;
    });
  }

  turn(path) {
    if (!this.open.delete(path)) this.open.add(path);
    this.view.arrange();
    this.view.say(`${path} ${this.open.has(path) ? "unfolded" : "folded"}`);
  }

  card(node, n) {
    const holder = placed("node", this.where(node));
    const [name, below] = this.words(node),
      one = button("", (event) => this.clicked(node, n, event));
    one.ariaLabel = this.spoken(node);
    one.title = node.call < 0 ? "" : this.net.calls[node.call].code;
    node.canvas = element("canvas");
    const text = element("span", { className: "text" });
    text.append(element("b", { textContent: name }), element("span", { textContent: below }));
    one.append(...(this.upright ? [node.canvas, text] : [text, node.canvas]));
    one.tabIndex = -1;
    node.button = one;
    one.className = "card";
    holder.append(one);
    if (node.module) {
      const unfold = button("+", () => this.turn(node.module[0]));
      unfold.className = "fold";
      const [path, kind] = node.module;
      unfold.ariaLabel = `unfold ${path}, ${kind}, ${node.last - node.first + 1} calls`;
      holder.append(unfold);
    }
    return holder;
  }

  words(node) {
    const { maps, rows, columns, vector } = this.net.sheetOf(node.call);
    const size = vector ? `${columns}` : `${maps} of ${rows}×${columns}`;
    if (node.call < 0) return ["input", size];
    const name = node.module ? node.module[0].split(".").at(-1) : this.net.calls[node.call].kind;
    return [name, size];
  }

  spoken(node) {
    const { maps, rows, columns, vector } = this.net.sheetOf(node.call);
    const size = vector
      ? `${columns} numbers`
      : `${maps} ${maps === 1 ? "map" : "maps"} of ${rows} by ${columns}`;
    if (node.call < 0) return `the input, ${size}`;
    const call = this.net.calls[node.call],
      path = call.path ? `${call.path}, ` : "";
    if (node.module)
      return `${node.module[0]}, ${node.module[1]}, calls ${node.first} to ${node.last}, ${size}`;
    return `call ${node.call} of ${this.net.calls.length}, ${path}${call.kind}, ${size}`;
  }

  clicked(node, n, event) {
    const box = node.canvas.getBoundingClientRect(),
      sheet = this.net.sheetOf(node.call);
    const inside = event.detail > 0 && event.clientX >= box.left && event.clientY >= box.top;
    const at = inside
      ? cellIn(sheet, this.box, event.clientX - box.left, event.clientY - box.top)
      : null;
    this.at = n;
    this.view.choose(node.call, at ?? this.view.middle(node.call), { open: true });
  }

  holds(node, index) {
    return node.first <= index && index <= node.last;
  }

  keyed(event) {
    const to = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -1e6, End: 1e6 }[
      event.key
    ];
    if (!to || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.at = Math.min(Math.max(this.at + to, 0), this.nodes.length - 1);
    this.mark();
    this.nodes[this.at].button.focus();
    this.nodes[this.at].button.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** One node is in the order of the tab key: the others are reached from it. */
  mark() {
    this.nodes.forEach((node, n) => {
      node.button.tabIndex = n === this.at ? 0 : -1;
      node.button.classList.toggle("chosen", this.holds(node, this.view.chosen.index));
      node.button.setAttribute("aria-current", `${this.holds(node, this.view.chosen.index)}`);
      const off =
        node.call >= 0 &&
        [...Array(node.last - node.first + 1).keys()].some((i) =>
          this.net.off.has(`${node.first + i}`),
        );
      node.button.classList.toggle("off", off);
    });
  }

  paint(scheme, regions) {
    for (const node of this.nodes) {
      const region = regions.get(node.call);
      const lit = region && onSheet(region, this.net.shape(node.call), this.net.sheetOf(node.call));
      paintSmall(node.canvas, this.net, node.call, this.box, scheme, lit);
    }
    this.mark();
  }
}

/** The modules that are open at first: all where there are few calls, the outer ones else. */
function unfolded(net) {
  if (net.calls.length <= 24) return net.modules.map((one) => one[0]);
  return [];
}
