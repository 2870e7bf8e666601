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
    from matplotlib.figure import Figure
    from sphinx.application import Sphinx


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **_: Any) -> str:
    """Save the figure or animation that a code block ends with; the directive that shows it.

    Sphinx-Gallery calls this after each block.
    """
    from matplotlib.figure import Figure

    from convdocs.draw import Walk

    value = closing(block, block_vars)
    if not isinstance(value, (Figure, Walk)):
        return ""
    path = Path(next(block_vars["image_path_iterator"]))
    stem = f"/{path.relative_to(gallery_conf['src_dir']).with_suffix('').as_posix()}"
    figure = value.figure if isinstance(value, Walk) else value
    options = {}
    if isinstance(value, Walk):
        _write(path, ".html", value.player())
        value.on("light").save(path.with_suffix(".gif"))
        options = {"player": f"{stem}.html", "gif": f"{stem}.gif"}
    save(figure, path)
    return directive(f"{stem}.svg", figure, options)


def closing(block: Any, block_vars: dict[str, Any]) -> Any:
    """The value of the expression that a code block ends with, or of the name it ends by setting.

    Sphinx-Gallery keeps an expression's value in the script's namespace, under the name ``___``.
    """
    names = block_vars["example_globals"]
    match ast.parse(block[1]).body:
        case [*_, ast.Expr()]:
            return names.get("___")
        case [
            *_,
            ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)),
        ]:
            return names.get(name)
    return None


def save(figure: Figure, path: Path) -> None:
    """Write a figure's images beside ``path``, and those of its thumbnail."""
    from convdocs import draw

    for name, svg in pictures.images(figure).items():
        _write(path, _suffix(name), svg)
    if isinstance(figure, draw.Picture):
        card = draw.svg(figure.thumbnail())
        _write(path, "_card.svg", card)
        _write(path, "_card_dark.svg", draw.dark(card))


def _suffix(name: str) -> str:
    """What a file's name ends in; Sphinx-Gallery knows the light one by the bare name."""
    return f"{name.removeprefix('light').replace('dark', '_dark')}.svg"


def _write(path: Path, suffix: str, text: str) -> None:
    path.with_name(path.stem + suffix).write_text(text, encoding="utf-8")


def directive(argument: str, figure: Figure, options: dict[str, str]) -> str:
    """A directive that shows a figure, with its alt text and caption."""
    from convdocs import draw

    words = " ".join(draw.describe(figure).split())
    given = getattr(figure, "caption", "") or str(figure.get_label())
    caption = given or re.split(r"(?<=[.:]) (?=[A-Z])", words)[-1]
    lines = "".join(f"   :{key}: {value}\n" for key, value in {**options, "alt": words}.items())
    return f"\n.. conv-picture:: {argument}\n{lines}\n   {caption}\n\n"


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
        player = nodes.raw("", file.read_text(encoding="utf-8"), format="html")
        link = addnodes.download_reference("", "GIF", reftarget=self.options["gif"])
        below = nodes.paragraph("", "Download: ", link, classes=["conv-download"])
        box = nodes.container("", player, below, classes=["convdocs-part", "conv-animation"])
        still = nodes.container("", shown, classes=["convdocs-part"])
        shown += rest
        return [
            addnodes.only("", box, expr="html and not epub"),
            addnodes.only("", still, expr="epub or not html"),
        ]

    def _uris(self, uri: str) -> dict[str, str]:
        """The files that belong to the light one."""
        stem = uri.removesuffix(".svg")
        names = ("light", "dark", "light_phone", "dark_phone")
        files = {name: f"{stem}{_suffix(name)}" for name in names}
        return {
            name: file
            for name, file in files.items()
            if name == "light" or Path(self.env.relfn2path(file)[1]).exists()
        }


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive that :func:`scrape` writes."""
    pictures.register(app)
    app.add_directive("conv-picture", Picture)
    app.setup_extension("convdocs.sphinxext")  # the player's style and script
    return {"parallel_read_safe": True, "parallel_write_safe": True}
