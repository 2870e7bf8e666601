"""What the built site holds, page by page; ``python tests/contents.py`` records it.

tests/data/site.json is that record: tests/test_contents.py compares the site with it, so that no
page and no example goes unnoticed.
"""

import json
import re
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "_build" / "html"
RECORD = Path(__file__).parent / "data" / "site.json"
KINDS = {  # selectors, in the article
    "examples": "span.gp",  # >>> and its continuation lines
    "scripts": "div.highlight-Python",
    "code": "div.highlight-python",
    "pictures": "img:not(.only-dark), [data-convdocs] > figure",
    "explorers": ".cx",
}


def counted(page: Path) -> dict[str, int]:
    article = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser").article
    found = {kind: len(article.select(wanted)) for kind, wanted in KINDS.items()} if article else {}
    return {kind: number for kind, number in found.items() if number}


def contents() -> dict[str, dict[str, int]]:
    """How many of each kind are on each page, and how many examples in the docstrings."""
    pages = [path for path in sorted(SITE.rglob("*.html")) if "_static" not in path.parts]
    found = {path.relative_to(SITE).with_suffix("").as_posix(): counted(path) for path in pages}
    rooms = sorted((ROOT / "convdocs").rglob("*.py"))
    written = sum(len(re.findall(r"(?m)^ *>>> ", one.read_text(encoding="utf-8"))) for one in rooms)
    return {**found, "docstrings": {"examples": written}}


def main() -> None:
    lines = (f"{json.dumps(name)}: {json.dumps(held)}" for name, held in contents().items())
    RECORD.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
