/* Finds a pasted message among those that the error pages explain: by the catalogue's patterns, as
   `convdocs errors` does, or else by likeness, where numbers don't count and words do. */
(() => {
  const words = (text) =>
    new Set(text.toLowerCase().replace(/[^a-z_']+/g, " ").split(" ").filter((w) => w.length > 1));
  const part = (some, all) => [...some].filter((word) => all.has(word)).length / (some.size || 1);
  // 2 for the same words; what stands around a message in a traceback counts less than what it lacks
  const likeness = (asked, known) => part(asked, known) + part(known, asked);
  const made = (name, text, className) =>
    Object.assign(document.createElement(name), { textContent: text, className });
  if (typeof torchMessages === "undefined") return;
  // a pattern with its flags in front, as Python has them
  const compiled = (pattern) => {
    const [, flags, at] = pattern.match(/^(?:\(\?(\w+)\))?(.*)$/s);
    return new RegExp(at, `m${flags ?? ""}`);
  };
  const { pages, elsewhere } = torchMessages;
  const rows = [...document.querySelectorAll("table.messages tbody tr")];  // of the list, in its order
  const listed = rows.map((row) => `errors/${row.querySelector("a").getAttribute("href")}`);
  const known = Object.entries(pages).flatMap(([page, entries]) => entries.map(([code, title, patterns, heard]) => ({
    place: `errors/${page}.html#${code}`, title, patterns: patterns.map(compiled),
    heard: heard.map((all) => new Set(all.split(" "))),
  }))).map((one, at) => ({ ...one, place: listed[at] ?? one.place }));
  const root = document.documentElement.dataset.content_root ?? "";

  /* Entries like a message, the likest first; those whose pattern it is leave room for the same words alone. */
  function entriesFor(text, least) {
    const asked = words(text), said = text.replace(/^[\w.]+(?:Error|Exception): /gm, "");
    const scored = known.map((one) => ({
      ...one, score: Math.max(...one.heard.map((all) => likeness(asked, all))),
      its: one.patterns.some((pattern) => pattern.test(said)),
    }));
    const some = scored.some((one) => one.its);
    const alone = scored.filter((one) => one.its).length === 1;  // whatever words another has as well
    for (const one of scored) if (alone && one.its) one.score = Math.max(one.score, 1.9);
    return scored.filter((one) => (some ? one.its || one.score > 1.9 : one.score >= least))
      .sort((a, b) => b.score - a.score);
  }
  /* What is no shape error: a sentence, with where to read on. */
  function noShapeError(text) {
    const other = elsewhere.find(([at]) => compiled(at).test(text));
    if (!other) return null;
    const said = made("p", `${other[1]} `, "no-shape-error");
    said.append(Object.assign(made("a", "Read on", ""), { href: root + other[2] }));
    return said;
  }

  /* On the list of errors: a box that leaves those like the pasted message. */
  const room = document.querySelector(".error-search");
  if (room) {
    const tables = [...document.querySelectorAll("table.messages")];
    const label = made("label", "Paste what torch said", "find-message");
    const box = Object.assign(document.createElement("textarea"), { rows: 2, spellcheck: false });
    const said = made("div", "", "");
    said.setAttribute("role", "status");
    label.append(box);
    room.append(label, said);

    box.addEventListener("input", () => {
      const text = box.value, asked = words(text).size > 0, other = noShapeError(text);
      const like = other ? [] : entriesFor(text, 0.7);
      const near = new Set(like.filter((one) => one.score >= like[0].score - 0.35).map((one) => one.place));
      rows.forEach((row, at) => { row.hidden = asked && !near.has(listed[at]); });
      for (const table of tables)
        (table.closest("section") ?? table).hidden = [...table.tBodies[0].rows].every((row) => row.hidden);
      const found = near.size ? `${near.size} of ${rows.length} errors are like it.` : "No error is like it.";
      said.replaceChildren(...(asked ? [other ?? made("p", found, "")] : []));
    });
  }

  /* On the search page: the entries of a message, above the pages with its words. */
  const results = document.getElementById("search-results");
  const text = new URLSearchParams(window.location.search).get("q") ?? "", count = words(text).size;
  const LEAST = 3, ENOUGH = 6, SHOWN = 3; // words of a message, and entries
  if (!results) return;
  const other = noShapeError(text), list = made("ul", "", "");
  const sorted = !other && count >= LEAST
    ? entriesFor(text, count < ENOUGH ? 1.6 : 1.1) : []; // so few words may be a question's
  for (const one of sorted.filter(({ score }, i) => i < SHOWN || score === sorted[0].score)) {
    const item = made("li", "", "");
    item.append(Object.assign(made("a", one.title, ""), { href: one.place }));
    list.append(item);
  }
  if (other || list.children.length) {
    const box = made("div", "", "found-message");
    box.append(made("h2", "What this message means", ""), other ?? list);
    results.before(box);
  }
})();
