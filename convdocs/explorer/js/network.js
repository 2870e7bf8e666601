/* The network explorer: its parts put together, and the way in. */

const element = (tag, properties) => Object.assign(document.createElement(tag), properties);

function button(text, act) {
  const made = element("button", { type: "button", textContent: text });
  made.addEventListener("click", act);
  return made;
}

function toggle(text, act, on = false) {
  const made = button(text, () => {
    made.ariaPressed = `${made.ariaPressed !== "true"}`;
    act();
  });
  made.ariaPressed = `${on}`;
  return made;
}

class View {
  constructor(host, data) {
    this.host = host;
    this.net = new Network(data);
    // an input without negative numbers is shown as ink
    this.net.inked = rangeOf(this.net.samples).low >= 0;
    this.shadow = host.attachShadow({ mode: "open" });
    this.width = host.clientWidth || 640;
    const last = this.net.calls.length - 1;
    this.chosen = { index: this.firstWindow(), at: 0 };
    this.chosen.at = this.middle(this.chosen.index);
    this.build(last);
    this.net.listeners.add(() => this.repaint());
    this.dress();
    this.arrange();
    new ResizeObserver(() => this.resized()).observe(host);
    followSchemes(() => {
      const { halo } = this.scheme;
      this.dress();
      if (halo !== this.scheme.halo) this.repaint();
    });
  }

  /** A call to begin with: the first convolution or pool, or the first call. */
  firstWindow() {
    const found = this.net.calls.find((call) => call.op?.kernel && call.op.op === "conv");
    return found ? found.index : Math.min(0, this.net.calls.length - 1);
  }

  /** The cell in the middle of a call's first map; of a vector, the largest. */
  middle(index) {
    const { rows, columns, vector } = this.net.sheetOf(index),
      values = this.net.values(index);
    if (vector) return values ? values.indexOf(Math.max(...values)) : 0;
    return Math.floor(rows / 2) * columns + Math.floor(columns / 2);
  }

  build(last) {
    this.root = element("div", { className: "net" });
    const style = element("style", { textContent: STYLE });
    this.pad = new Pad(this);
    this.overview = new Overview(this);
    this.detail = new Detail(this);
    this.answer =
      this.net.classes || this.isVector(last)
        ? element("section", { className: "out", ariaLabel: "The answer" })
        : null;
    const top = element("div", { className: "top" });
    top.append(this.pad.root, ...(this.answer ? [this.answer] : []));
    this.voice = element("p", { className: "voice", ariaLive: "polite" });
    this.back = button("Undo all changes", () => this.net.restore());
    this.why = element("p", { className: "why", hidden: this.net.live });
    if (!this.net.live) {
      this.why.textContent = `The numbers are torch’s own, recorded: ${this.net.why()}.`;
    }
    this.root.append(top, this.why, this.overview.root, this.back, this.detail.root, this.voice);
    this.shadow.append(style, this.root);
    if (this.answer) this.buildAnswer(last);
  }

  isVector(index) {
    return index >= 0 && this.net.sheetOf(index).vector && this.net.sheetOf(index).columns <= 20;
  }

  /** A bar for each class. */
  buildAnswer(last) {
    const size = this.net.sheetOf(last).columns,
      most = Math.min(size, 10);
    this.verdict = element("p", { className: "verdict" });
    const list = element("ol", { className: "bars" });
    const names = this.net.classes?.map((name) => name.length) ?? [2];
    list.style.setProperty("--names", `${Math.max(...names)}ch`);
    this.bars = Array.from({ length: most }, () => {
      const row = element("li"),
        name = element("span"),
        bar = element("i"),
        share = element("b");
      row.append(name, bar, share);
      list.append(row);
      return { row, name, bar, share };
    });
    this.answer.append(this.verdict, list);
  }

  /** The shares of the classes: the output itself where it is shares, else its softmax. */
  shares() {
    const last = this.net.calls.length - 1,
      values = [...(this.net.values(last) ?? [])];
    const sum = values.reduce((all, one) => all + one, 0);
    if (values.every((one) => one >= 0) && Math.abs(sum - 1) < 1e-3) return values;
    const top = Math.max(...values),
      powers = values.map((one) => Math.exp(one - top));
    const all = powers.reduce((total, one) => total + one, 0);
    return powers.map((one) => one / all);
  }

  paintAnswer() {
    const shares = this.shares(),
      best = shares.indexOf(Math.max(...shares));
    const name = (i) => this.net.classes?.[i] ?? `${i}`;
    const order = shares.map((_, i) => i);
    if (shares.length > this.bars.length) order.sort((a, b) => shares[b] - shares[a]);
    this.verdict.textContent =
      best < 0 ? "no answer" : `${name(best)}, ${Math.round(100 * shares[best])} %`;
    this.bars.forEach(({ row, name: label, bar, share }, n) => {
      const i = order[n];
      label.textContent = name(i);
      bar.style.setProperty("--share", `${(100 * shares[i]).toFixed(1)}%`);
      share.textContent = `${Math.round(100 * shares[i])} %`;
      row.classList.toggle("best", i === best);
    });
  }

  /** What is under the pointer, or what was chosen. */
  shown() {
    return this.looked ?? this.chosen;
  }

  look(cell) {
    if (cell?.at === this.looked?.at && cell?.index === this.looked?.index) return;
    this.looked = cell;
    this.repaint();
  }

  choose(index, at, { open = false } = {}) {
    this.looked = null;
    this.chosen = { index, at };
    this.repaint();
    this.say(
      `${this.net.calls[index]?.kind ?? "input"}, ${this.detail.words(index, at, this.regions)}`,
    );
    if (open && this.narrow) this.detail.root.scrollIntoView?.({ block: "nearest" });
  }

  /** Words for who does not see the picture, once the keys have come to rest. */
  say(text) {
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.voice.textContent = text), 200);
  }

  get narrow() {
    return this.width < 560;
  }

  resized() {
    const width = this.host.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    this.arrange();
  }

  arrange() {
    this.root.classList.toggle("narrow", this.narrow);
    this.overview.build(this.width - 26);
    this.repaint();
  }

  repaint() {
    const { index, at } = this.shown();
    this.regions = seen(this.net, index, at);
    this.overview.paint(this.scheme, this.regions);
    const region = this.regions.get(-1);
    this.pad.paint(this.scheme, region && onSheet(region, this.net.shape(-1), this.net.inputSheet));
    if (this.answer) this.paintAnswer();
    this.back.hidden = !this.net.altered;
    this.detail.paint(this.scheme, this.regions);
  }

  /** Take on the page's colours. */
  dress() {
    this.scheme = coloursAround(this.host);
    this.root.dataset.scheme = this.scheme.dark ? "dark" : "light";
    this.root.style.setProperty("--page", this.scheme.halo);
  }
}

function start() {
  for (const host of document.querySelectorAll('[data-convdocs="network"]:not([data-ready])')) {
    host.dataset.ready = "";
    const data = host.querySelector("script[type='application/json']").textContent;
    host.network = new View(host, JSON.parse(data)).net;
  }
}

window.ConvNetwork = { start, Network, seen, onSheet, layout, explain, write };
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
start();
