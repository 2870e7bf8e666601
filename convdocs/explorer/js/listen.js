/* A handful of listeners on the explorer's root, however much is drawn below it. */

function listen(view) {
  const { root, form } = view;
  const on = (name, act, node = root) => node.addEventListener(name, act);
  if (form) on("submit", (event) => (event.preventDefault(), view.change(ownPatch(view))), form);
  root.addEventListener("toggle", ({ target }) => opened(view, target), true);
  on("change", ({ target }) => edited(view, target));
  on("click", (event) => clicked(view, event));
  on("keydown", (event) => pressed(view, event));
  on("focusin", ({ target }) => focused(view, target));
  on("pointerover", ({ target, pointerType }) => {
    if (view.playing || view.pen.on || pointerType === "touch") return;
    const at = view.where(target);
    if (at) view.point(at);
  });
  const back = () => !view.playing && view.pointed !== view.at && view.point(view.at);
  on("pointerleave", back, view.$(".cx-stage"));
  for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"])
    on(name, (event) => view.pen.draw(event), view.grids.input);
  window.addEventListener("hashchange", () => view.openAddress());
}

/** The boxes for the reader's numbers begin with those that are shown. */
function opened(view, details) {
  if (details.matches(".cx-own") && details.open && !view.form.elements["own-x"].value)
    fillOwn(view);
}

function focused(view, node) {
  const at = view.where(node);
  if (!at) return;
  view.pause();
  view.choose(at, { say: true });
}

/** A menu or a field was changed. */
function edited(view, input) {
  const { name, value } = input;
  if (name === "sample") {
    view.sample = Number(value);
    view.draw();
    view.announce();
  } else if (name === "values") view.change(valuesPatch(view, value));
  else if (name === "filter") view.change({ filter: value, ...ownedPatch(view, value === "own") });
  else if (view.form?.contains(input) && !name.startsWith("own-"))
    view.change(editedPatch(view, input));
}

/** Another input: a picture brings its size; "my own" starts with the numbers that are shown. */
function valuesPatch(view, values) {
  const { s } = view;
  if (values === "own") return { values, ...ownedPatch(view, true) };
  const size = PICTURES[values];
  return { values, ...(size ? { shape: [...s.shape.slice(0, -2), ...size] } : {}) };
}

/** The numbers that are shown as the reader's own, with the boxes to change them open. */
function ownedPatch(view, wanted) {
  if (!wanted || !view.numbers) return {};
  const { s } = view;
  const { x, weight, bias } = view.numbers;
  const own = { x: { shape: s.shape, data: x } };
  if (weight) own.weight = { shape: weightShape(s), data: weight };
  if (bias) own.bias = { shape: [s.out], data: bias };
  view.$(".cx-controls").open = view.$(".cx-own").open = true;
  return { own };
}

function clicked(view, event) {
  const button = event.target.closest("button");
  const at = view.where(event.target);
  if (at && view.pen.on && at.panel === "input") return;
  if (at) {
    view.choose(at, { focus: true, say: true });
    return;
  }
  if (button?.dataset.step) nudge(view, button.dataset.for, Number(button.dataset.step));
  else DOES[button?.dataset.do]?.(view, button);
}

const DOES = {
  play: (view) => (view.playing ? view.pause() : view.play()),
  step: (view) => (view.pause(), view.step(1)),
  back: (view) => (view.pause(), view.step(-1)),
  draw: (view) => view.pen.turn(),
  copy: (view, button) => view.copy(code(view.s), button),
  link: (view, button) => view.copy(window.location.href.split("#")[0] + view.address(), button),
  fix: (view, button) => view.change(view.problem.fixes[button.dataset.fix].patch),
  filter: (view, button) => turnFilter(view, Number(button.dataset.by)),
  channels: (view, button) => turnChannels(view, button.dataset),
  products: (view, button) => {
    view.open = Number(button.dataset.channel);
    view.point(view.pointed);
    view.$(`[data-do=products][data-channel="${view.open}"]`)?.focus();
  },
};

function turnFilter(view, by) {
  const o = (view.o + by + view.s.out) % view.s.out;
  const { at } = view;
  const c = at.panel === "kernel" ? 0 : at.c;
  view.choose(at.panel === "output" ? { ...at, c: o } : { ...at, o, c }, { say: true });
  view.$(`[data-do=filter][data-by="${by}"]`)?.focus();
}

/** Show earlier or later channels of a panel, and the same ones of what belongs to it. */
function turnChannels(view, { panel, by }) {
  const [channels] = view.sizes(panel);
  const pages = Math.ceil(channels / view.many[panel]);
  const page = (view.from[panel] / view.many[panel] + Number(by) + pages) % pages;
  const c = view.base(panel) + page * view.many[panel];
  for (const name of PANELS) {
    const together = isPool(view.s) ? name !== "kernel" : panel !== "output" && name !== "output";
    if ((name === panel || together) && view.showChannel(name, c)) view.drawPanel(name);
  }
  view.point(view.at);
  view.$(`[data-do=channels][data-panel=${panel}][data-by="${by}"]`)?.focus();
}

/** Count all numbers of a field up or down. */
function nudge(view, name, by) {
  const input = view.form.elements[name];
  const sizes = readField(input.value) ?? [0];
  input.value = sizes.map((size) => size + by).join(", ");
  edited(view, input);
}

function pressed(view, event) {
  const { key, target } = event;
  const steps = { ArrowUp: 1, ArrowDown: -1 };
  if (target.matches(".cx-step input") && key in steps) {
    event.preventDefault();
    nudge(view, target.name, steps[key]);
    return;
  }
  const at = view.where(target);
  if (!at || event.altKey || event.metaKey) return;
  const to = view.pen.press(at, key) ? null : walk(view, at, key, event.ctrlKey);
  if (to) view.choose(to, { focus: true, say: true });
  if (to || (view.pen.on && at.panel === "input" && key === " ")) event.preventDefault();
}

/** The cell that a key leads to: over the edge of a channel comes the next one. */
function walk(view, at, key, control) {
  const [channels, rows, columns] = view.sizes(at.panel);
  const first = view.base(at.panel);
  const line = (at.c - first) * rows + at.r;
  const last = channels * rows - 1;
  const to = (row, k) => {
    const r = Math.min(Math.max(row, 0), last);
    return { ...at, c: first + Math.floor(r / rows), r: r % rows, k };
  };
  const moves = {
    ArrowLeft: () => to(line, Math.max(0, at.k - 1)),
    ArrowRight: () => to(line, Math.min(columns - 1, at.k + 1)),
    ArrowUp: () => to(line - 1, at.k),
    ArrowDown: () => to(line + 1, at.k),
    PageUp: () => to(line - rows, at.k),
    PageDown: () => to(line + rows, at.k),
    Home: () => to(control ? 0 : line, 0),
    End: () => to(control ? last : line, columns - 1),
  };
  return moves[key]?.();
}
