"""Keeps the index entries of pages that are not written anew in the search's index.

Sphinx keeps them in the environment, which it saves before the pages are written and with them the
entries are collected; a later build would start without. They are in the index that it wrote.
"""

import json
import re
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

PRINTED = re.compile(r"\d{3,}[a-wyz]")  # 7.0039e-01 without its point; 224x224 is a size
START, END = "Search.setIndex(", ")"


def restore(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Take the entries of the last build from its index."""
    written = Path(app.outdir) / "searchindex.js"
    if app.builder.name != "html" or not written.exists():
        return
    index = json.loads(written.read_text(encoding="utf-8").removeprefix(START).removesuffix(END))
    kept: dict[str, list[tuple[str, str, str]]] = {}
    for entry, places in index["indexentries"].items():
        for page, target, main in places:
            name = index["docnames"][page]
            kept.setdefault(name, []).append((entry, target, "main" if main else ""))
    env._search_index_index_entries = kept


def tidy(app: Sphinx, exception: Exception | None) -> None:
    """Leave out the words that no page holds any more, and what printed numbers are taken for."""
    written = Path(app.outdir) / "searchindex.js"
    if exception or app.builder.name != "html":
        return
    text = written.read_text(encoding="utf-8")
    index = json.loads(text.removeprefix(START).removesuffix(END))
    for words in (index["terms"], index["titleterms"]):
        for word in [one for one, pages in words.items() if pages == [] or PRINTED.match(one)]:
            del words[word]
    tidied = f"{START}{json.dumps(index, separators=(',', ':'), sort_keys=True)}{END}"
    if tidied != text:
        written.write_text(tidied, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("env-before-read-docs", restore)
    app.connect("build-finished", tidy)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
