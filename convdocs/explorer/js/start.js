/* The layer explorer's way in: turns the page's elements into explorers. */

function start() {
  for (const root of document.querySelectorAll(".cx:not([data-ready])")) {
    root.dataset.ready = "";
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    data.own = decoded(data.own);
    for (const [dims, preset] of Object.entries(data.notebook ?? {}))
      data.notebook[dims] = decoded(preset);
    root.explorer = new Explorer(root, data);
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
  formula,
  windowsOf,
  code,
  link,
  unlink,
  read,
  tooMany,
  tooLarge,
  KINDS,
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
start();
