/* Looks that no style sheet around can change, light or dark as the page itself is. */

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);
const dressed = new Set();
const DARK = window.matchMedia("(prefers-color-scheme: dark)");

/** The shadow root of an explorer's element: what is drawn there stays apart from the page. */
function dress(host) {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  dressed.add(host);
  host.dataset.scheme = schemeAround(host);
  return shadow;
}

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** A colour of any notation as [red, green, blue, opacity], each 0 to 255. */
function channelsOfColour(colour) {
  pixel.canvas.width = pixel.canvas.height = 1;
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  return pixel.getImageData(0, 0, 1, 1).data;
}

/** "dark" or "light": the first opaque background around decides, else the page's own scheme. */
function schemeAround(host) {
  for (let node = host.parentNode; node; node = node.parentNode ?? node.host) {
    if (!(node instanceof Element)) continue;
    const [red, green, blue, opacity] = channelsOfColour(getComputedStyle(node).backgroundColor);
    if (opacity > 127) return 0.3 * red + 0.6 * green + 0.1 * blue < 128 ? "dark" : "light";
  }
  const schemes = getComputedStyle(document.documentElement).colorScheme.split(" ");
  if (!schemes.includes("dark")) return "light";
  return schemes.includes("light") && !DARK.matches ? "light" : "dark";
}

function dressAgain() {
  for (const host of dressed) {
    if (!host.isConnected) dressed.delete(host);
    else if (host.dataset.scheme !== schemeAround(host)) host.dataset.scheme = schemeAround(host);
  }
}

/** A page changes its theme by attributes, by the system's, or late, when a style sheet arrives. */
function followThemes() {
  const soon = () => {
    requestAnimationFrame(dressAgain);
    setTimeout(dressAgain, 400); // a background may fade from one theme to the other
  };
  const observer = new MutationObserver(soon);
  for (const node of [document.documentElement, document.body])
    observer.observe(node, { attributes: true });
  DARK.addEventListener("change", soon);
  window.addEventListener("load", soon);
}
