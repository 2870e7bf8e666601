"""Each Markdown page with examples as a notebook and as a script, in its words and with its code.

Sphinx-Gallery does that for its own pages.
"""

import doctest
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

Cell = tuple[str, str]  # "markdown" or "code", and what stands in it
FOLDER = "_downloads/pages"
SPOKEN = (nodes.title, nodes.paragraph)
FOOT = """<div class="sphx-glr-footer">
<p><a class="download" href="{up}{stem}.ipynb" download="">Download this page as a notebook</a></p>
<p><a class="download" href="{up}{stem}.py" download="">Download its code as a script</a></p>
</div>
"""


def cells(doctree: nodes.document) -> list[Cell]:
    """The page's headings, paragraphs and examples, in order."""
    return [cell for node in doctree.findall() for cell in _of(node)]


def _of(node: nodes.Node) -> Iterator[Cell]:
    if isinstance(node, nodes.Element) and node.get("testnodetype") == "doctest":
        yield from examples(node.astext())
    elif isinstance(node, nodes.Element) and node.get("testnodetype") == "testsetup":
        yield "code", node.astext()
    elif isinstance(node, SPOKEN) and isinstance(node.parent, nodes.section):
        yield "markdown", _heading(node) + " ".join(node.astext().split())


def _heading(node: nodes.Node) -> str:
    depth, above = 0, node.parent
    while isinstance(above, nodes.section):
        depth, above = depth + 1, above.parent
    return f"{'#' * depth} " if isinstance(node, nodes.title) else ""


def examples(text: str) -> Iterator[Cell]:
    """Code cells that each end where the page shows something."""
    lines = ""
    for one in doctest.DocTestParser().get_examples(text):
        if one.exc_msg is None:
            lines += one.source
        else:
            raising = textwrap.indent(one.source, "    ")
            lines += f"try:\n{raising}except Exception as error:\n    print(error)\n"
        if one.want:
            yield "code", lines.rstrip()
            lines = ""
    if lines:
        yield "code", lines.rstrip()


def script(page: list[Cell]) -> str:
    parts = [
        text
        if kind == "code"
        else textwrap.fill(text, 96, initial_indent="# ", subsequent_indent="# ")
        for kind, text in page
    ]
    return "\n\n".join(parts) + "\n"


def notebook(page: list[Cell]) -> str:
    from nbformat import v4, writes

    make = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}
    # names of cells are drawn at random, and a build is the same each time
    made = [make[kind](text, id=f"cell-{place}") for place, (kind, text) in enumerate(page)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return str(writes(v4.new_notebook(cells=made, metadata={"kernelspec": kernel})))


def offer(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Write a page's two files, and links to them at its foot."""
    if doctree is None or pagename.startswith("gallery/") or app.builder.format != "html":
        return
    page = cells(doctree)
    if not any(kind == "code" for kind, _ in page):
        return
    stem = pagename.replace("/", "_")
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.ipynb").write_text(notebook(page), encoding="utf-8")
    (folder / f"{stem}.py").write_text(script(page), encoding="utf-8")
    up = "../" * pagename.count("/") + FOLDER + "/"
    context["body"] += FOOT.format(up=up, stem=stem)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", offer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
