"""Pictures and animations of convdocs in Sphinx-Gallery pages.

A conf.py that names this module among its ``extensions`` and :func:`scrape` among the
``image_scrapers`` of ``sphinx_gallery_conf`` shows each figure that ends a code block, for light
and dark pages and for phones, with its alt text and caption; and each ``draw.animate(...)`` as a
player, which stands still until it is started, with its GIF to download.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from docutils.parsers.rst.directives import unchanged
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from convdocs.sphinxext import pictures

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **_: Any) -> str:
    """Save the figure or animation that a code block ends with; the directive that shows it.

    Sphinx-Gallery calls this after each block.
    """
    from matplotlib.figure import Figure

    from convdocs import draw

    value = _closing(block, block_vars)
    if not isinstance(value, (Figure, draw.Walk)):
        return ""
    path = Path(next(block_vars["image_path_iterator"]))
    stem = f"/{path.relative_to(gallery_conf['src_dir']).with_suffix('').as_posix()}"
    figure = value.figure if isinstance(value, draw.Walk) else value
    files = {f"{ending}.svg": svg for ending, svg in pictures.images(figure).items()}
    if isinstance(figure, draw.Picture):
        card = draw.svg(figure.thumbnail())
        files |= {"_card.svg": card, "_card_dark.svg": draw.dark(card)}
    words = " ".join(draw.describe(figure).split())
    options = {"alt": words}
    if isinstance(value, draw.Walk):
        files[".html"] = value.player()
        value.on("light").save(path.with_suffix(".gif"))
        options |= {"player": f"{stem}.html", "gif": f"{stem}.gif"}
    for ending, text in files.items():
        path.with_name(path.stem + ending).write_text(text, encoding="utf-8")
    given = getattr(figure, "caption", "") or str(figure.get_label())
    caption = given or re.split(r"(?<=[.:]) (?=[A-Z])", words)[-1]
    lines = "".join(f"   :{key}: {value}\n" for key, value in options.items())
    return f"\n.. conv-picture:: {stem}.svg\n{lines}\n   {caption}\n\n"


def _closing(block: Any, block_vars: dict[str, Any]) -> Any:
    """The value of the expression that a code block ends with, or of the name it ends by setting.

    Sphinx-Gallery keeps an expression's value in the script's namespace, under the name ``___``.
    """
    names = block_vars["example_globals"]
    match ast.parse(block[1]).body:
        case [*_, ast.Expr()]:
            return names.get("___")
        case [*_, ast.Assign(targets=[ast.Name(id=name)])]:
            return names.get(name)
        case [*_, ast.AnnAssign(target=ast.Name(id=name))]:
            return names.get(name)
    return None


class Picture(SphinxDirective):
    """A figure from the files that :func:`scrape` wrote: SVG, and for an animation a player."""

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[Any] = dict.fromkeys(("alt", "player", "gif"), unchanged)

    def run(self) -> list[nodes.Node]:
        """Make the figure node, or the player with a link to its GIF."""
        stem = self.arguments[0].removesuffix(".svg")
        uris = {ending: f"{stem}{ending}.svg" for ending in pictures.ENDINGS}
        there = {end: uri for end, uri in uris.items() if self._file(uri).exists()}
        shown = pictures.shown(self.env, there, self.options["alt"])
        words, messages = self.state.inline_text(" ".join(self.content), self.content_offset)
        shown += nodes.caption("", "", *words)
        shown["classes"] += ["conv-picture"]
        self.set_source_info(shown)
        if "player" not in self.options:
            return [shown, *messages]
        player = pictures.live(self._file(self.options["player"]).read_text(encoding="utf-8"))
        link = addnodes.download_reference("", "GIF", reftarget=self.options["gif"])
        below = nodes.paragraph("", "Download: ", link, classes=["conv-download"])
        box = nodes.container("", player, below, classes=["convdocs-part", "conv-animation"])
        still = nodes.container("", shown, classes=["convdocs-part"])
        return [
            addnodes.only("", box, expr="html and not epub"),
            addnodes.only("", still, expr="epub or not html"),
        ]

    def _file(self, uri: str) -> Path:
        return Path(self.env.relfn2path(uri)[1])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive that :func:`scrape` writes."""
    app.setup_extension("convdocs.sphinxext")  # the player's style and script
    app.add_directive("conv-picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
