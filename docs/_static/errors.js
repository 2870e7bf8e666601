/* Finds a pasted message among those that the error pages explain: numbers don't count, words do. */
(() => {
  const words = (text) =>
    new Set(text.toLowerCase().replace(/[^a-z_']+/g, " ").split(" ").filter((w) => w.length > 1));
  const part = (some, all) => [...some].filter((word) => all.has(word)).length / (some.size || 1);
  // 2 for the same words; what stands around a message in a traceback counts less than what it lacks
  const likeness = (asked, known) => part(asked, known) + part(known, asked);
  const made = (name, text, className) =>
    Object.assign(document.createElement(name), { textContent: text, className });

  /* On the list of messages: a box that leaves those like the pasted one. */
  const room = document.querySelector(".error-search");
  if (room) {
    const tables = [...document.querySelectorAll("table.messages")];
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows])
      .map((row) => ({ row, words: words(row.cells[0].textContent) }));
    const label = made("label", "Paste what torch said", "find-message");
    const box = Object.assign(document.createElement("textarea"), { rows: 2, spellcheck: false });
    const said = made("p", "", "");
    said.setAttribute("role", "status");
    label.append(box);
    room.append(label, said);

    box.addEventListener("input", () => {
      const asked = words(box.value);
      const scores = rows.map((one) => (asked.size ? likeness(asked, one.words) : 2));
      const best = Math.max(...scores);
      rows.forEach(({ row }, i) => { row.hidden = scores[i] < 0.7 || scores[i] < best - 0.35; });
      for (const table of tables)
        (table.closest("section") ?? table).hidden = [...table.tBodies[0].rows].every((row) => row.hidden);
      const count = rows.filter(({ row }) => !row.hidden).length;
      const found = count ? `${count} of ${rows.length} messages are like it.` : "No message is like it.";
      said.textContent = asked.size ? found : "";
    });
  }

  /* On the search page: the entries of a message, above the pages with its words. */
  const results = document.getElementById("search-results");
  const asked = words(new URLSearchParams(window.location.search).get("q") ?? "");
  const LEAST = 3, SHOWN = 3; // words of a message, and entries
  if (results && asked.size >= LEAST) {
    const like = asked.size === LEAST ? 1.6 : 1.1; // so few words may be a question's
    const found = new Map();
    for (const [message, page, title] of torchMessages) {
      const score = likeness(asked, words(message));
      if (score >= like && score > (found.get(page)?.score ?? 0)) found.set(page, { score, title });
    }
    const sorted = [...found].sort(([, a], [, b]) => b.score - a.score);
    const best = sorted.filter(([, one], i) => i < SHOWN || one.score === sorted[0][1].score);
    if (best.length) {
      const list = made("ul", "", "");
      for (const [page, { title }] of best) {
        const item = made("li", "", "");
        item.append(Object.assign(made("a", title, ""), { href: page }));
        list.append(item);
      }
      const box = made("div", "", "found-message");
      box.append(made("h2", "What this message means", ""), list);
      results.before(box);
    }
  }
})();
