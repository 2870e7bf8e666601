"""What a directive has made, kept beside the doctrees: a page is read again without torch.

It is known by the directive's text, by torch's version and by this package's files.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

from convdocs.sphinxext.parts import verbatim
from convdocs.sphinxext.pictures import themed

if TYPE_CHECKING:
    from sphinx.environment import BuildEnvironment

PACKAGE = Path(__file__).parents[1]
# nodes that are all there is of them: they register nothing with their page
_PLAIN = (
    *(nodes.Text, nodes.paragraph, nodes.strong, nodes.emphasis, nodes.literal, nodes.math),
    *(nodes.raw, nodes.figure, nodes.image, nodes.caption, nodes.container, nodes.literal_block),
    *(nodes.table, nodes.title, nodes.tgroup, nodes.colspec, nodes.thead, nodes.tbody),
    *(nodes.row, nodes.entry, nodes.reference, addnodes.only, addnodes.tabular_col_spec),
    *(verbatim, themed),
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


def load(file: Path) -> Any:
    """What was kept, or None."""
    return pickle.loads(file.read_bytes()) if file.exists() else None


def save(file: Path, value: Any) -> None:
    """Keep a value; several readers may do so at once, and the last one to rename wins."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}")
    part.write_bytes(pickle.dumps(value))
    part.replace(file)


def plain(made: list[nodes.Node]) -> bool:
    """Whether nodes mean the same wherever and however often they are put on a page."""
    return all(isinstance(node, _PLAIN) for one in made for node in one.findall())
