/* Finds a pasted message among the error pages' messages: numbers don't count, words do. */
(() => {
  const tables = [...document.querySelectorAll("table.messages")];
  if (!tables.length) return;
  const words = (text) => new Set(text.toLowerCase().replace(/[^a-z_']+/g, " ").split(" ").filter((w) => w.length > 1));
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows])
    .map((row) => ({ row, words: words(row.cells[0].textContent) }));

  const label = document.createElement("label");
  label.className = "find-message";
  label.append("Paste what torch said");
  const box = document.createElement("textarea");
  box.rows = 2;
  box.spellcheck = false;
  label.append(box);
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  const first = tables[0].closest("section") ?? tables[0].parentElement;
  first.before(label, said);

  const part = (some, all) => [...some].filter((word) => all.has(word)).length / (some.size || 1);
  const show = () => {
    const asked = words(box.value);
    const scored = rows.map((one) => ({
      ...one, score: asked.size ? part(asked, one.words) + part(one.words, asked) : 2,
    }));
    const best = Math.max(...scored.map((one) => one.score));
    let count = 0;
    for (const { row, score } of scored) {
      row.hidden = score < 0.7 || score < best - 0.35;
      count += !row.hidden;
    }
    for (const table of tables) {
      const none = [...table.tBodies[0].rows].every((row) => row.hidden);
      (table.closest("section") ?? table).hidden = none;
    }
    said.textContent = asked.size ? (count ? `${count} of ${rows.length} messages are like it.` : "No message is like it.") : "";
  };
  box.addEventListener("input", show);
})();
