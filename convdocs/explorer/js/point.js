/* What lights up for a cell, and what is said of it. Each gives {name, value, body, words}. */

function markInput(view, c, place, row, column) {
  if (row >= 0 && column >= 0) view.mark(view.cell({ panel: "input", c, r: row, k: column }));
  view.mark(view.pads.get(`${c}.${place[0]}.${place[1]}`));
}

function markWeight(view, c, tap) {
  const columns = view.L.windows[1].kernel;
  const at = { panel: "kernel", c, r: Math.floor(tap / columns), k: tap % columns };
  if (!view.L.pool) view.mark(view.cell(at));
}

const markOutput = (view, { o, h, w }) =>
  view.mark(view.cell({ panel: "output", c: o, r: h, k: w }));

/** Lay a frame around the places of a window in one channel, or in `tall` rows of them. */
function frame(view, c, places, tall) {
  const box = view.$(`[data-panel=input] [data-frame="${c}"]`);
  if (!box || !places.length) return;
  const { width, height } = view.layout.input;
  const [[top, bottom], [left, right]] = [0, 1].map((axis) => {
    const along = places.map((place) => place[axis]);
    return [Math.min(...along), Math.max(...along) + 1];
  });
  const sizes = { x: left * width, y: top * height, width: (right - left) * width };
  sizes.height = (bottom - top) * height * tall;
  for (const [name, size] of Object.entries(sizes)) box.style.setProperty(name, `${size}px`);
  view.mark(box, "cx-on");
}

function pointOutput(view, { c: o, r, k }) {
  const { L, sample } = view;
  const name = view.cellName("output", o, r, k);
  const at = yAt(L, sample, o, r, k);
  const known = { say: (number) => view.say(number), value: L.y[at], z: L.z[at] };
  return { name, value: L.y[at], ...(L.pool ? pointWindow : pointFilter)(view, o, r, k, known) };
}

function pointFilter(view, o, r, k, known) {
  const { L, sample } = view;
  const found = terms(L, sample, o, r, k);
  for (const term of found) {
    markInput(view, term.c, term.place, term.row, term.column);
    markWeight(view, term.c, term.tap);
  }
  const shownFrom = view.firstShown("input");
  const channels = [...new Set(found.map((term) => term.c))];
  const seen = channels.filter((c) => c >= shownFrom && c < shownFrom + view.many.input);
  const flat = dimsOf(view.s) === 1;
  for (const c of flat ? seen.slice(0, 1) : seen) {
    const places = found.filter((term) => term.c === c).map((term) => term.place);
    frame(view, c, places, flat ? seen.length : 1);
  }
  return sumOfProducts(found, { ...known, bias: L.bias?.[o], open: view.open });
}

/** A pool's window, those of its places too that lie outside; their numbers in the middle panel. */
function pointWindow(view, c, r, k, known) {
  const { L, sample } = view;
  const max = familyOf(L.s) === "max";
  const places = poolPlaces(L, sample, c, r, k);
  for (const { place, real } of places) markInput(view, c, place, ...(real ? place : [-1, -1]));
  frame(
    view,
    c,
    places.map((one) => one.place),
    1,
  );
  places.forEach((one, tap) => {
    const node = view.taps[tap];
    const counts = one.counts || max;
    node.classList.toggle("cx-pad", !one.real);
    node.classList.toggle("cx-won", max && one.real && one.x === known.z);
    const text = counts ? shown(one.x, view.whole, Math.max(1, view.layout.kernel.digits)) : "–";
    node.querySelector("text").textContent = view.layout.kernel.width < 22 ? "" : text;
  });
  const divisor_ = max ? 0 : divisor(L, r, k);
  return sumOfWindow(places, { ...known, max, divisor: divisor_ });
}

const placeName = (view, { o, h, w }) =>
  `y[${[o, ...(dimsOf(view.s) === 1 ? [] : [h]), w].join(", ")}] ← `;

function pointInput(view, { c, r, k }) {
  const { L, sample } = view;
  const found = reached(L, c, r, k);
  const x = L.x[xAt(L, sample, c, r, k)];
  const cells = new Set();
  for (const one of found) {
    markOutput(view, one);
    if (one.o === view.o) markWeight(view, c, one.tap);
    cells.add(yAt(L, sample, one.o, one.h, one.w));
  }
  const list = found.map((one) => {
    const w = L.pool ? null : L.weight[wAt(L, one.o, c, one.tap)];
    const y = L.pool ? L.y[yAt(L, sample, one.o, one.h, one.w)] : w * x;
    return { where: placeName(view, one), w, x, product: y };
  });
  const reach = `It reaches ${cells.size || "no"} output cell${cells.size === 1 ? "" : "s"}.`;
  const say = (number) => view.say(number);
  return {
    name: view.cellName("input", c, r, k),
    value: x,
    body: `<p>${reach}</p>${chips(list, { say })}`,
    words: `: ${say(x)}. ${reach}`,
  };
}

function pointWeight(view, { c, r, k }) {
  const { L, sample, o } = view;
  const tap = r * L.windows[1].kernel + k;
  const found = uses(L, o, c, tap);
  const w = view.number("kernel", c, r, k);
  for (const one of found) {
    markOutput(view, one);
    markInput(view, c, placeOf(L, one.h, one.w, tap), one.row, one.column);
  }
  const list = found.map((one) => {
    const x = one.real ? L.x[xAt(L, sample, c, one.row, one.column)] : 0;
    const look = one.real ? "" : " cx-zero";
    return { where: placeName(view, one), w, x, product: w * x, look };
  });
  const part = `It takes part in ${found.length} product${found.length === 1 ? "" : "s"}.`;
  const say = (number) => view.say(number);
  return {
    name: view.cellName("kernel", c, r, k),
    value: w,
    body: `<p>${part}</p>${chips(list, { say })}`,
    words: `: ${say(w)}. ${part}`,
  };
}

const POINTERS = { output: pointOutput, input: pointInput, kernel: pointWeight };
