"""Pictures and animations of convdocs in Sphinx-Gallery pages.

A conf.py that names this module among its ``extensions`` and :func:`scrape` among the
``image_scrapers`` of ``sphinx_gallery_conf`` shows each figure that ends a code block, for light
and dark pages and for phones, with its alt text and caption; and each ``draw.animate(...)`` as a
player, which stands still until it is started, with its GIF to download.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

from convdocs.sphinxext import pictures
from convdocs.sphinxext.base import PageDirective

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sphinx.application import Sphinx

    from convdocs.draw import Walk


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **_: Any) -> str:
    """Save the figures and animations that a code block ends with; the directives that show them.

    Sphinx-Gallery calls this after each block.
    """
    from matplotlib.figure import Figure

    from convdocs import draw

    ending = _closing(block, block_vars["example_globals"])
    values = ending if isinstance(ending, list | tuple) else [ending]
    shown = (value for value in values if isinstance(value, (Figure, draw.Walk)))
    paths = map(Path, block_vars["image_path_iterator"])
    return "".join(
        _saved(value, path, gallery_conf) for value, path in zip(shown, paths, strict=False)
    )


def _saved(value: Figure | Walk, path: Path, gallery_conf: dict[str, Any]) -> str:
    """Write a picture's files; the directive that shows them."""
    from convdocs import draw

    stem = f"/{path.relative_to(gallery_conf['src_dir']).with_suffix('').as_posix()}"
    figure = value.figure if isinstance(value, draw.Walk) else value
    files = pictures.images(figure)
    if isinstance(figure, draw.Picture):
        card = draw.svg(figure.thumbnail())
        files |= {"_card.svg": card.encode(), "_card_dark.svg": draw.dark(card).encode()}
    words = " ".join(draw.describe(figure).split())
    options = {"alt": words}
    if isinstance(value, draw.Walk):
        files[".html"] = value.player().encode()
        value.on("light").save(path.with_suffix(".gif"))
        options |= {"player": f"{stem}.html", "gif": f"{stem}.gif"}
    for ending, content in files.items():
        path.with_name(path.stem + ending).write_bytes(content)
    given = getattr(figure, "caption", "") or str(figure.get_label())
    caption = given or re.split(r"(?<=[.:]) (?=[A-Z])", words)[-1]
    lines = "".join(f"   :{key}: {value}\n" for key, value in options.items())
    return f"\n.. conv-picture:: {stem}.svg\n{lines}\n   {caption}\n\n"


def _closing(block: Any, names: Mapping[str, Any]) -> Any:
    """The value of the expression that a code block ends with, or of what it ends by setting.

    Sphinx-Gallery keeps an expression's value in the script's namespace, under the name ``___``.
    """
    match ast.parse(block[1]).body:
        case [*_, ast.Expr()]:
            return names.get("___")
        case [
            *_,
            ast.Assign(targets=[target, *_]) | ast.AnnAssign(target=target, value=ast.expr()),
        ]:
            # a name, an attribute, an entry, or a tuple of them
            return eval(ast.unparse(target), dict(names))
    return None


class Picture(PageDirective):
    """``conv-picture``: the files that :func:`scrape` wrote, for an animation a player."""

    called = "conv-picture"
    loads_torch = False

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        stem = self.text().removesuffix(".svg")
        self.depend(self._file(f"{stem}.svg"))
        figure = pictures.shown(self.env, stem, values["alt"])
        figure += nodes.caption("", "", *self.line(" ".join(self.content)))
        figure["classes"].append("conv-picture")
        if not values["player"]:
            return [figure]
        player = pictures.live(self._file(values["player"]).read_text(encoding="utf-8"))
        link = addnodes.download_reference("", "GIF", reftarget=values["gif"])
        below = nodes.paragraph("", "Download: ", link, classes=["conv-download"])
        box = nodes.container("", player, below, classes=["conv-animation"])
        return [pictures.on_pages(box), addnodes.only("", figure, expr="epub or not html")]

    def _file(self, uri: str) -> Path:
        return Path(self.env.relfn2path(uri)[1])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive that :func:`scrape` writes."""
    app.setup_extension("convdocs.sphinxext")  # the player's style and script
    app.add_directive("conv-picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
