/* Goes into Sphinx's search: how a query is taken apart, and in what order the pages are listed.
   Sphinx wants every word on the page and gives all pages with the words in their text one score. */

const indexed = (stem) =>
  [Search._index.terms, Search._index.titleterms].some((terms) => Object.hasOwn(terms, stem));
const stemOf = (word) => new Stemmer().stemWord(word.toLowerCase());
const wordsOf = (text) =>
  text
    .split(/[^\p{Letter}\p{Number}_]+/gu)
    .filter((word) => word && !/^\d+$/.test(word) && (!/^\d+(x\d+)+$/.test(word) || indexed(word)));
const stems = (text) => wordsOf(text.toLowerCase()).map(stemOf);

/* A message's own sizes, devices and names are on no page; the words that are left find its entry. */
var splitQuery = (query) => {
  const words = wordsOf(query);
  const known = words.filter((word) => indexed(stemOf(word)));
  return known.length ? known : words;
};

/* The lines shown of each page are fetched, which browsers refuse where pages are opened from files. */
if (window.location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

const MESSAGE = 6; // words from which on a query is taken for a pasted message
const asked = () => stems(new URLSearchParams(window.location.search).get("q") ?? "");

/* The numbers of the pages that hold a stem, in their text or in one of their headings; where no
   page does, those that hold a longer word with it. */
const holding = (terms, stem) => {
  if (Object.hasOwn(terms, stem)) return [terms[stem]].flat();
  if (stem.length < 4 || indexed(stem)) return [];
  const longer = Object.keys(terms).filter((term) => term.includes(stem));
  return [...new Set(longer.flatMap((term) => terms[term]))];
};

const TITLE = 1.5; // how much more a word counts that is in a heading
const LEAST = 0.4; // the part of the query's weight that a page must hold

/* Pages by the weight of the words on them: the fewer pages hold a word, the more it says. */
const byWeight = (words, excluded) => {
  const { docnames, filenames, terms, titles, titleterms } = Search._index;
  const scores = new Map();
  let all = 0;
  for (const word of words) {
    const [text, heading] = [holding(terms, word), holding(titleterms, word)];
    const pages = new Set([...text, ...heading]);
    if (!pages.size) continue;
    const weight = Math.log(1 + docnames.length / pages.size);
    all += weight;
    for (const page of pages) {
      const counts = heading.includes(page) ? 1 + TITLE : 1;
      const [held, score] = scores.get(page) ?? [0, 0];
      scores.set(page, [held + weight, score + weight * counts]);
    }
  }
  const without = new Set([...excluded].flatMap((word) => holding(terms, word)));
  return [...scores]
    .filter(([page, [held]]) => held >= LEAST * all && !without.has(page))
    .map(([page, [, score]]) => {
      const points = (30 * score) / (all * (1 + TITLE));
      return [docnames[page], titles[page], "", null, points, filenames[page], "text"];
    });
};

Search.performTermsSearch = byWeight; // searchtools.js is there by now, and the index is not
const query = Search.query;
Search.query = (text) => query(text.replace(/(\d)\s*[*×]\s*(?=\d)/g, "$1 * ")); // 16*5*5

var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,

  // the more of the query is in a page's title, the better; a message is explained under errors/
  score: ([page, title, , , score, , kind]) => {
    if (kind === "object") return score;
    const words = asked();
    const titled = new Set(stems(title));
    const share = words.filter((word) => titled.has(word)).length / (words.length || 1);
    const text = new URLSearchParams(window.location.search).get("q") ?? "";
    if (page === "reference/glossary" && /^\s*what('s| is| are)\b/i.test(text)) return score + 60;
    const message = words.length >= MESSAGE && !/^\s*(how|what|why|which|when|nn\.)/i.test(text);
    if (page.startsWith("errors/") && page !== "errors/index") {
      return message ? score + 20 * share + 40 : 0.75 * score + 15 * share;
    }
    return score + 20 * share + (/^(howto|learn)\//.test(page) ? 3 : 0);
  },
};
