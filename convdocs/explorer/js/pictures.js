/* Pairs of pictures: the one for the colours that the page has, whatever its theme calls them. */

function start() {
  for (const pair of document.querySelectorAll(".convdocs-pair"))
    pair.dataset.scheme = schemeAround(pair);
}

window.ConvPictures = { start };
const begin = () => {
  followSchemes(start);
  start();
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
