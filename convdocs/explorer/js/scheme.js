/* Whether the page around an element is light or dark, by the colours that it really has. */

const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
const DARK = window.matchMedia("(prefers-color-scheme: dark)");

/** A colour of any notation as [red, green, blue, opacity], each 0 to 255. */
function channelsOfColour(colour) {
  pixel.canvas.width = pixel.canvas.height = 1;
  pixel.fillStyle = colour;
  pixel.fillRect(0, 0, 1, 1);
  return pixel.getImageData(0, 0, 1, 1).data;
}

/** The first opaque background around an element, as [red, green, blue]. */
function backgroundAround(host) {
  for (let node = host.parentNode; node; node = node.parentNode ?? node.host) {
    if (!(node instanceof Element)) continue;
    const [...channels] = channelsOfColour(getComputedStyle(node).backgroundColor);
    if (channels.pop() > 127) return channels;
  }
}

const luminance = ([red, green, blue]) => 0.3 * red + 0.6 * green + 0.1 * blue;

/** "dark" or "light": the background around decides, else the page's own scheme. */
function schemeAround(host) {
  const behind = backgroundAround(host);
  if (behind) return luminance(behind) < 128 ? "dark" : "light";
  const schemes = getComputedStyle(document.documentElement).colorScheme.split(" ");
  if (!schemes.includes("dark")) return "light";
  return schemes.includes("light") && !DARK.matches ? "light" : "dark";
}

/** A page changes its theme by attributes, by the system's, or late, when a style sheet arrives. */
function followSchemes(dressAgain) {
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
