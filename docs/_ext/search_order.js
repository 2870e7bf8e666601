/* Goes into Sphinx's search: how a query is taken apart, and in what order the found pages stand.
   Sphinx wants every word on the page and gives all pages with the words in their text one score. */

const wordsOf = (text) =>
  text.split(/[^\p{Letter}\p{Number}_]+/gu).filter((word) => word && !/^\d+(x\d+)*$/.test(word));
const stems = (text) => {
  const stemmer = new Stemmer();
  return wordsOf(text.toLowerCase()).map((word) => stemmer.stemWord(word));
};

/* A message's own sizes, devices and names stand on no page; the words that are left find its entry. */
var splitQuery = (query) => {
  const words = wordsOf(query);
  const index = [Search._index.terms, Search._index.titleterms];
  const known = words.filter((word) =>
    stems(word).some((stem) => index.some((terms) => Object.hasOwn(terms, stem)))
  );
  return known.length ? known : words;
};

/* The lines shown of each page are fetched, which browsers refuse where pages are opened from files. */
if (window.location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

const MESSAGE = 6; // words from which on a query is taken for a pasted message
const asked = () => stems(new URLSearchParams(window.location.search).get("q") ?? "");

var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,

  // the more of the query stands in a page's title, the better; a message is explained under errors/
  score: ([page, title, , , score, , kind]) => {
    if (kind === "object") return score;
    const words = asked();
    const titled = new Set(stems(title));
    const share = words.filter((word) => titled.has(word)).length / (words.length || 1);
    const entry = words.length >= MESSAGE && page.startsWith("errors/") && page !== "errors/index";
    const task = page.startsWith("howto/") ? 2 : 0;
    return score + 20 * share + (entry ? 40 : task);
  },
};
