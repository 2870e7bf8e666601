/* Drawing on the input: with the pointer, or with keys on the cell that has the focus. */

class Pen {
  constructor(view) {
    this.view = view;
    this.ink = null; // what a stroke lays down; null between strokes
  }

  get on() {
    return this.view.$("[data-do=draw]")?.getAttribute("aria-pressed") === "true";
  }

  turn() {
    const on = !this.on;
    this.view.pause();
    this.view.$("[data-do=draw]").setAttribute("aria-pressed", on);
    this.view.$(".cx-pen").hidden = !on;
    this.view.$(".cx-stage").classList.toggle("cx-drawing", on);
    const { high } = shadesOf(this.view, "input");
    if (on) this.view.$("[name=pen]").value = high > 0 ? shortest(high) : "1";
  }

  /** The number of the pen, or 0 over a cell that has it already. */
  inkFor({ c, r, k }) {
    const pen = Number(this.view.$("[name=pen]").value);
    return this.view.number("input", c, r, k) === pen ? 0 : pen;
  }

  /** A pointer event over the input; whether the pen took it. */
  draw(event) {
    if (!this.on) return false;
    if (event.type === "pointerup" || event.type === "pointercancel") this.ink = null;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const { clientX, clientY } of passed.length ? passed : [event]) {
      const at = this.view.where(this.view.shadow.elementFromPoint(clientX, clientY));
      if (at?.panel !== "input") continue;
      if (event.type === "pointerdown") this.ink = this.inkFor(at);
      if (this.ink !== null) this.view.paint(at, this.ink);
    }
    if (event.type === "pointerdown") event.preventDefault(); // no selection, no scrolling
    return this.ink !== null;
  }

  /** A key on an input cell: Space and Enter draw, digits set the cell. */
  press(at, key) {
    if (!this.on || at.panel !== "input") return false;
    if (![" ", "Enter"].includes(key) && !/^\d$/.test(key)) return false;
    this.view.paint(at, /^\d$/.test(key) ? Number(key) : this.inkFor(at));
    return true;
  }
}
