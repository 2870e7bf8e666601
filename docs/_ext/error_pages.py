"""The error pages: written from the catalogue before the sources are read, when it has changed."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from docutils import nodes
from sources import digest
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

import convdocs

HERE = Path(__file__).parent


def stamp() -> str:
    """Of all that the pages are computed from."""
    package = Path(convdocs.__file__).parent
    files = [*package.rglob("*.py"), *package.rglob("*.toml"), *HERE.glob("*error*.py")]
    return digest(files, HERE.parent.parent, f"torch {version('torch')}")


def write_pages(app: Sphinx) -> None:
    """Run the catalogue's examples in a process of their own, which leaves no torch behind."""
    folder = Path(app.srcdir) / "errors"
    known, wanted = folder / ".stamp", stamp()
    if known.exists() and known.read_text(encoding="utf-8") == f"{wanted} {written(folder)}":
        return
    command = [sys.executable, str(HERE / "write_errors.py"), str(folder)]
    subprocess.run(command, check=True, timeout=600)
    known.write_text(f"{wanted} {written(folder)}", encoding="utf-8")


def written(folder: Path) -> str:
    """Stands for the pages themselves, of which one may be gone or changed by hand."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.md"), *folder.glob("*.json")]):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class AsTorchSaysIt(SphinxTransform):
    """Leave the quotes of torch's words, and of code, as they are typed."""

    default_priority = 1  # before SmartQuotes

    def apply(self, **kwargs: Any) -> None:
        if self.env.docname.startswith("errors/"):
            self.document["support_smartquotes"] = False


def add_looks(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """On the errors' pages; the messages where they are searched: nothing is fetched there."""
    if not pagename.startswith(("errors/", "search")):
        return
    app.add_css_file("errors.css")
    app.add_js_file("errors.js", loading_method="defer")
    if pagename in ("search", "errors/index"):
        messages = json.loads((Path(app.srcdir) / "errors" / "messages.json").read_text("utf-8"))
        if pagename == "errors/index":  # which has the codes and titles in its tables
            for entry in chain.from_iterable(messages["pages"].values()):
                entry[:2] = "", ""
        text = json.dumps(messages, ensure_ascii=False, separators=(",", ":"))
        said = text.replace("\n", "").replace("</", "<\\/")
        app.add_js_file(None, body=f"const torchMessages = {said};")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_transform(AsTorchSaysIt)
    app.connect("builder-inited", write_pages)
    app.connect("html-page-context", add_looks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
