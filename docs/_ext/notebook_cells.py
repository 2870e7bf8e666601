"""The notebook's cells on the site: each page's output is compared with the notebook's own.

A code block under a target ``cell-N`` is the notebook's cell N, and the output block that follows
it must hold the notebook's output, letter for letter. The directive ``notebook-cells`` lists all
cells with what the comparison gave. A difference, or a cell on no page, fails a build with ``-W``.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

logger = logging.getLogger(__name__)
NOTEBOOK = Path(__file__).parent / "notebook_cells.json"
SHOWN_IN_PART = 1  # it imports torchvision, which is not installed where the site is built
SECTIONS = {"conv1d": "nn.Conv1d", "conv2d": "nn.Conv2d", "cnn": "An example of a CNN"}
KEEP = "\N{WORD JOINER}"  # docutils strips spaces at the end of a line unless something follows


def notebook() -> dict[int, dict]:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return {cell["cell"]: cell for cell in cells}


def keep_spaces(app: Sphinx, docname: str, source: list[str]) -> None:
    """Mark spaces at the end of printed lines, so that they reach the page."""
    if docname.startswith("gallery/"):
        source[0] = re.sub(r"(?m)^( {4}\S.* )$", rf"\1{KEEP}", source[0])


def compare(app: Sphinx, doctree: nodes.document) -> None:
    """Note, for each cell of a page, whether its output is the notebook's."""
    found = {}
    number = None
    for node in doctree.findall():
        if isinstance(node, nodes.literal_block) and KEEP in node.astext():
            text = node.astext().replace(KEEP, "")
            node.rawsource, node[:] = text, [nodes.Text(text)]
        for name in node.get("ids", ()) if isinstance(node, nodes.Element) else ():
            if match := re.fullmatch(r"cell-(\d+)", name):
                number = int(match[1])
                found[number] = []
        if number and isinstance(node, nodes.literal_block):
            found[number].append(node)
    cells = _cells(app.env)
    for number, blocks in found.items():
        cells[number] = (app.env.docname, _equal(number, blocks))
        if blocks:
            blocks[0]["classes"].append("notebook-cell")
            blocks[0].parent.insert(blocks[0].parent.index(blocks[0]), _label(number))
        if not cells[number][1]:
            logger.warning(
                "cell %d does not print what the notebook prints", number, location=doctree
            )


def _label(number: int) -> nodes.paragraph:
    """The cell's number as the notebook writes it, linked to the list of cells."""
    link = addnodes.pending_xref(
        "",
        nodes.inline("", f"In [{number}]"),
        refdomain="std",
        reftype="doc",
        reftarget="/notebook",
        refexplicit=True,
    )
    return nodes.paragraph("", "", link, classes=["cell-label"])


def _equal(number: int, blocks: list[nodes.literal_block]) -> bool:
    """Does the first output block after the cell's code hold the notebook's output?"""
    cell = notebook()[number]
    code, *rest = [*blocks, None]
    if code is None or code.get("language") not in ("Python", "python"):
        return False
    after = rest[0]
    printed = after.astext() if after is not None and after.get("language") == "none" else ""
    if cell.get("output_truncated"):
        return printed.startswith(cell["output"])
    return printed == cell["output"]


def _cells(env: BuildEnvironment) -> dict[int, tuple[str, bool]]:
    if not hasattr(env, "notebook_cells"):
        env.notebook_cells = {}
    return env.notebook_cells


def purge(app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    env.notebook_cells = {n: seen for n, seen in _cells(env).items() if seen[0] != docname}


def merge(app: Sphinx, env: BuildEnvironment, docnames: list[str], other: BuildEnvironment) -> None:
    _cells(env).update({n: seen for n, seen in _cells(other).items() if seen[0] in docnames})


class CellList(nodes.General, nodes.Element):
    """Stands where the list of cells will be, until every page has been read."""


class NotebookCells(Directive):
    def run(self) -> list[nodes.Node]:
        return [CellList()]


def relist(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Every cell is on a page, or the build says which is missing; where one changed, write the
    list anew.
    """
    for number in sorted(set(notebook()) - set(_cells(env))):
        logger.warning("cell %d of the notebook is on no page", number)
    listed, env.notebook_cells_listed = getattr(env, "notebook_cells_listed", None), _cells(env)
    return [name for name in env.all_docs if name == "notebook" and listed != _cells(env)]


def resolve(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    for place in list(doctree.findall(CellList)):
        place.replace_self([part for name in SECTIONS for part in _section(app, docname, name)])


def _section(app: Sphinx, docname: str, name: str) -> list[nodes.Node]:
    rows = [
        _row(app, docname, number) for number, cell in notebook().items() if cell["section"] == name
    ]
    equal = sum(_cells(app.env)[n][1] for n, c in notebook().items() if c["section"] == name)
    title = nodes.rubric("", SECTIONS[name], ids=[f"cells-{name}"])
    count = nodes.paragraph("", f"{equal} of {len(rows)} cells print what the notebook printed.")
    head = nodes.thead("", nodes.row("", *(_entry(w) for w in ("Cell", "What it shows", "Output"))))
    group = nodes.tgroup("", *(nodes.colspec(colwidth=w) for w in (10, 60, 30)), cols=3)
    group += [head, nodes.tbody("", *rows)]
    return [title, count, nodes.table("", group, classes=["notebook-cells"])]


def _row(app: Sphinx, docname: str, number: int) -> nodes.row:
    page, equal = _cells(app.env)[number]
    cell = notebook()[number]
    address = f"{app.builder.get_relative_uri(docname, page)}#cell-{number}"
    link = nodes.reference("", "", nodes.Text(f"In [{number}]"), refuri=address, internal=True)
    said = "✓ equal" if equal else "✗ differs"
    if number == SHOWN_IN_PART:
        said = "one line is shown, not run; nothing is printed"
    elif equal and not cell["output"]:
        said = "✓ equal: nothing is printed"
    elif equal and cell.get("output_truncated"):
        said = "✓ equal, as far as the notebook's goes"
    verdict = nodes.inline("", said, classes=["equal"] if said.startswith("✓") else [])
    return nodes.row("", _entry(link), _entry(cell["shows"]), _entry(verdict))


def _entry(content: str | nodes.Node) -> nodes.entry:
    inside = nodes.Text(content) if isinstance(content, str) else content
    return nodes.entry("", nodes.paragraph("", "", inside))


def setup(app: Sphinx) -> dict[str, object]:
    app.add_node(CellList)
    app.add_directive("notebook-cells", NotebookCells)
    app.connect("source-read", keep_spaces)
    app.connect("doctree-read", compare, priority=100)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", relist)
    app.connect("doctree-resolved", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": 2}
