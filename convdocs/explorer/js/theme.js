/* Looks that no style sheet around can change, light or dark as the page itself is. */

const sheet = new CSSStyleSheet();
sheet.replaceSync(STYLE);
const dressed = new Set();

/** The shadow root of an explorer's element: what is drawn there stays apart from the page. */
function dress(host) {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  dressed.add(host);
  host.dataset.scheme = schemeAround(host);
  return shadow;
}

function dressAgain() {
  for (const host of dressed) {
    if (!host.isConnected) dressed.delete(host);
    else if (host.dataset.scheme !== schemeAround(host)) host.dataset.scheme = schemeAround(host);
  }
}
