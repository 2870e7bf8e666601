"""Pictures of convdocs in Sphinx-Gallery pages.

A conf.py that names this module among its ``extensions`` and :func:`scrape` among the
``image_scrapers`` of ``sphinx_gallery_conf`` shows each figure that ends a code block as a pair of
SVG images, one for light and one for dark pages, with its alt text, size and caption.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.parsers.rst.directives.images import Figure as FigureDirective

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sphinx.application import Sphinx

WIDE = 540  # pixels; a wider picture scrolls on a phone, since its digits would be too small


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **_: Any) -> str:
    """Save the figure that a code block ends with; the reStructuredText that shows it.

    Sphinx-Gallery calls this after each block.
    """
    from matplotlib.figure import Figure

    figure = closing(block, block_vars)
    if not isinstance(figure, Figure):
        return ""
    path = Path(next(block_vars["image_path_iterator"]))
    return save(figure, path, Path(gallery_conf["src_dir"]))


def closing(block: Any, block_vars: dict[str, Any]) -> Any:
    """The value of the expression that a code block ends with, if it ends with one.

    Sphinx-Gallery keeps it in the script's namespace, under the name ``___``.
    """
    body = ast.parse(block[1]).body
    ends_in_value = bool(body) and isinstance(body[-1], ast.Expr)
    return block_vars["example_globals"].get("___") if ends_in_value else None


def save(figure: Figure, path: Path, source: Path) -> str:
    """Write a figure's two images beside ``path``; the directive that shows them.

    Paths in the directive are absolute ones of the Sphinx project whose sources are in ``source``.
    """
    from convdocs import draw

    light = draw.svg(figure)
    path.with_suffix(".svg").write_text(light, encoding="utf-8")
    dark = path.with_name(f"{path.stem}_dark.svg")
    dark.write_text(draw.dark(light), encoding="utf-8")
    stem = address(path, source)
    return directive("conv-picture", f"{stem}.svg", figure, {"dark": f"{stem}_dark.svg"})


def address(path: Path, source: Path) -> str:
    """Where ``path`` is in the Sphinx project, without its suffix."""
    return f"/{path.relative_to(source).with_suffix('').as_posix()}"


def directive(name: str, argument: str, figure: Figure, options: dict[str, str]) -> str:
    """A directive that shows a figure, with its alt text and caption."""
    from convdocs import draw

    words = " ".join(draw.describe(figure).split())
    caption = str(figure.get_label()) or re.split(r"(?<=[.:]) (?=[A-Z])", words)[-1]
    lines = "".join(f"   :{key}: {value}\n" for key, value in {**options, "alt": words}.items())
    return f"\n.. {name}:: {argument}\n{lines}\n   {caption}\n\n"


def extent(svg: str) -> tuple[int, int]:
    """Width and height in pixels of an SVG that says them in points.

    Examples
    --------
    >>> extent('<svg width="12pt" height="7.5pt">')
    (16, 10)
    """
    found = re.search(r'width="([\d.]+)pt"[^>]* height="([\d.]+)pt"', svg)
    if found is None:
        raise ValueError("the picture does not say its width and height in points")
    return round(float(found[1]) * 96 / 72), round(float(found[2]) * 96 / 72)


class Picture(FigureDirective):
    """A figure with an image for light pages and one for dark pages (``:dark:``).

    The images are SVG files of this package, and their size on the page is their own.
    """

    option_spec: ClassVar[Any] = {
        **cast(dict[str, Any], FigureDirective.option_spec),
        "dark": directives.uri,
    }

    def run(self) -> list[nodes.Node]:
        """Make the figure node, with the dark image next to the light one."""
        made = list(super().run())
        figure = made[0]
        if not isinstance(figure, nodes.figure):
            return made
        light = next(figure.findall(nodes.image))
        path = Path(self.state.document.settings.env.relfn2path(light["uri"])[1])
        width, height = extent(path.read_text(encoding="utf-8"))
        light["width"], light["height"] = str(width), str(height)
        light["loading"] = "lazy"  # the other theme's is never fetched
        dark = light.copy()
        dark["uri"] = self.options["dark"]
        light["classes"] = [*light["classes"], "only-light"]
        dark["classes"] = [*dark["classes"], "only-dark"]
        figure.insert(figure.index(light) + 1, dark)
        figure["classes"] += ["conv-picture", "wide"] if width > WIDE else ["conv-picture"]
        return made


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive that :func:`scrape` writes."""
    app.add_directive("conv-picture", Picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
