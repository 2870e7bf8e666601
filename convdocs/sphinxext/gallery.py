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
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.directives.images import Figure as FigureDirective
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


class Picture(FigureDirective, SphinxDirective):
    """A figure from the files that :func:`scrape` wrote: SVG, and for an animation a player."""

    option_spec: ClassVar[Any] = {
        **cast(dict[str, Any], FigureDirective.option_spec),
        "player": directives.uri,
        "gif": directives.uri,
    }

    def run(self) -> list[nodes.Node]:
        """Make the figure node, or the player with a link to its GIF."""
        read = list(super().run())
        figure = read[0]
        if not isinstance(figure, nodes.figure):
            return read
        image = next(figure.findall(nodes.image))
        shown = pictures.shown(self.env, self._uris(image["uri"]), image["alt"])
        shown["classes"] += ["conv-picture"]
        rest = [child for child in figure.children if child is not image]
        if "player" not in self.options:
            shown += rest
            return [shown]
        file = Path(self.env.relfn2path(self.options["player"])[1])
        player = pictures.live(file.read_text(encoding="utf-8"))
        link = addnodes.download_reference("", "GIF", reftarget=self.options["gif"])
        below = nodes.paragraph("", "Download: ", link, classes=["conv-download"])
        box = nodes.container("", player, below, classes=["convdocs-part", "conv-animation"])
        still = nodes.container("", shown, classes=["convdocs-part"])
        shown += rest
        return [
            addnodes.only("", box, expr="html and not epub"),
            addnodes.only("", still, expr="epub or not html"),
        ]

    def _uris(self, light: str) -> dict[str, str]:
        """The files that there are beside the light one."""
        uris = {ending: light.replace(".svg", f"{ending}.svg") for ending in pictures.ENDINGS}
        there = {
            ending: uri
            for ending, uri in uris.items()
            if Path(self.env.relfn2path(uri)[1]).exists()
        }
        return {"": light, **there}


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive that :func:`scrape` writes."""
    app.setup_extension("convdocs.sphinxext")  # the player's style and script
    app.add_directive("conv-picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
