/* Pairs of pictures: the one for the colours that the page has, whatever its theme calls them. */

/** A theme that shows the right one is left alone, so that nothing on the page moves. */
function start() {
  for (const pair of document.querySelectorAll(".convdocs-pair")) {
    delete pair.dataset.scheme;
    const shown = [...pair.children].filter((one) => one.getClientRects().length);
    const scheme = schemeAround(pair);
    if (shown.length !== 1 || !shown[0].classList.contains(`only-${scheme}`))
      pair.dataset.scheme = scheme;
  }
}

window.ConvPictures = { start };
const begin = () => {
  followSchemes(start);
  start();
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
