"""What a directive has made, kept beside the doctrees: a page is read again without torch.

It is known by the directive's text, by torch's version and by this package's files.
"""

from __future__ import annotations

import hashlib
import pickle
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

from convdocs.sphinxext.parts import verbatim
from convdocs.sphinxext.pictures import themed, write_at_once

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

PACKAGE = Path(__file__).parents[1]
# nodes that are all there is of them: they register nothing with their page
_PLAIN = (
    *(nodes.Text, nodes.paragraph, nodes.strong, nodes.emphasis, nodes.literal, nodes.math),
    *(nodes.raw, nodes.figure, nodes.image, nodes.caption, nodes.container, nodes.literal_block),
    *(nodes.table, nodes.title, nodes.tgroup, nodes.colspec, nodes.thead, nodes.tbody),
    *(nodes.row, nodes.entry, nodes.reference, addnodes.only, addnodes.tabular_col_spec),
    *(nodes.bullet_list, nodes.list_item, verbatim, themed),
)


@cache
def _versions() -> tuple[str, int]:
    files = (path.stat().st_mtime_ns for path in PACKAGE.rglob("*.*") if path.suffix != ".pyc")
    return version("torch"), max(files)


def path(env: BuildEnvironment, *known_by: object) -> Path:
    """The file for what is known by these values, on the page that is read."""
    text = repr((env.docname, *known_by, *_versions()))
    folder = Path(env.doctreedir) / "convdocs"
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:20]}.pickle"


def load(file: Path) -> nodes.container | None:
    """What was kept, if it was."""
    return pickle.loads(file.read_bytes()) if file.exists() else None


def save(file: Path, box: nodes.container) -> None:
    """Keep what means the same wherever and however often it is put on a page."""
    inside = [node for child in box.children for node in child.findall()]
    # a part within, or a file's text, depends on what the page would not be told of again
    if all(isinstance(node, _PLAIN) and not _depends(node) for node in inside):
        write_at_once(file, pickle.dumps(box))


def _depends(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and (
        "convdocs-part" in node["classes"] or node.get("source") is not None
    )
