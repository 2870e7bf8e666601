/* The way in: turns the elements of a page into explorers. */

/** Numbers as a page holds them: JSON has no way to write nan and inf. */
const decoded = (tensors) =>
  tensors &&
  Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      { shape, data: data.map((v) => Math.fround(plainNumber(v))) },
    ]),
  );

function start() {
  for (const host of document.querySelectorAll(".cx:not([data-ready]):not(.cx-network)")) {
    host.dataset.ready = "";
    const data = JSON.parse(host.querySelector("script[type='application/json']").textContent);
    data.own = decoded(data.own);
    host.explorer = new Explorer(host, data);
  }
}

window.ConvExplorer = {
  start,
  complete,
  problem,
  solve,
  numbersOf,
  terms,
  reached,
  uses,
  poolPlaces,
  formula,
  windowsOf,
  code,
  link,
  unlink,
  read,
  inputsFor,
  filtersFor,
  KINDS,
};
const begin = () => {
  followSchemes(dressAgain);
  start();
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
