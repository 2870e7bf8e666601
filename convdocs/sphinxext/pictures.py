"""The one writer of figures: a picture's files, and the nodes that show the right one of them.

A web page has an image for light pages and one for dark pages, each for a wide page and, where
that differs, for a phone. An EPUB has the light one, LaTeX a PDF.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sphinx.environment import BuildEnvironment
    from sphinx.writers.html5 import HTML5Translator

PHONE = "(max-width: 46em)"
THEMES = ("light", "dark")


class themed(nodes.General, nodes.Element):
    """An image for wide pages and, where there is one, an image for phones."""


def picture(env: BuildEnvironment, figure: Figure, alt: str, width: str | None) -> nodes.figure:
    """Save ``figure`` beside the doctrees; a node that shows it."""
    from convdocs.draw.picture import pdf

    uris = {name: _save(env, text.encode(), "svg") for name, text in images(figure).items()}
    return shown(env, uris, alt, width, paper=_save(env, pdf(figure), "pdf"))


def images(figure: Figure) -> dict[str, str]:
    """A figure's SVG files by name: light, dark, and the same for a phone where they differ."""
    from convdocs import draw

    files = {"light": draw.svg(figure)}
    if isinstance(figure, draw.Picture):
        narrow = figure.narrow()
        if narrow.get_figwidth() < figure.get_figwidth() - 0.1:
            files["light_phone"] = draw.svg(narrow)
    return files | {name.replace("light", "dark"): draw.dark(svg) for name, svg in files.items()}


def shown(
    env: BuildEnvironment,
    uris: Mapping[str, str],
    alt: str,
    width: str | None = None,
    paper: str = "",
) -> nodes.figure:
    """A figure node for files of :func:`images` that are in the project.

    The pair of themes is in a box of its own: some themes hide with a picture the caption beside
    it.
    """
    pair = nodes.container("", classes=["convdocs-pair"])
    for theme in THEMES:
        names = [name for name in (theme, f"{theme}_phone") if name in uris]
        versions = [_image(env, uris[name], alt, width, f"only-{theme}") for name in names]
        pair += themed("", *versions, classes=[f"only-{theme}"])
    figure = nodes.figure("", addnodes.only("", pair, expr="html and not epub"))
    light = _image(env, uris["light"], alt, width)
    figure += addnodes.only("", light, expr="epub" if paper else "epub or not html")
    if paper:
        figure += addnodes.only("", _image(env, paper, alt, width), expr="not html")
    return figure


def enliven(figure: nodes.figure, markup: str) -> nodes.figure:
    """Put a live part in the place of a figure's pictures in HTML; its caption and number stay."""
    live = nodes.raw("", markup, format="html")
    figure[0] = addnodes.only("", live, expr="html and not epub")
    return figure


def _image(
    env: BuildEnvironment, uri: str, alt: str, width: str | None, *classes: str
) -> nodes.image:
    image = nodes.image(uri=uri, alt=alt, classes=list(classes))
    if width:
        image["width"] = width
    if classes:
        image["loading"] = "lazy"  # the other theme's is never fetched
        if not width:  # the page keeps its room before it is there
            path = Path(env.relfn2path(uri)[1])
            wide, high = extent(path.read_text(encoding="utf-8"))
            image["width"], image["height"] = str(wide), str(high)
    return image


def _save(env: BuildEnvironment, content: bytes, suffix: str) -> str:
    """The address in the project of a file that is named after its content."""
    folder = Path(env.doctreedir) / "convdocs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:20]}.{suffix}"
    if not path.exists():
        # several readers may make the same picture at once: the last one to rename wins
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    return f"/{Path(os.path.relpath(path, env.srcdir)).as_posix()}"


def extent(svg: str) -> tuple[int, int]:
    """Width and height in pixels of an SVG that says them in points.

    Examples
    --------
    >>> extent('<svg width="12pt" height="7.5pt">')
    (16, 10)
    """
    size = re.search(r'width="([\d.]+)pt"[^>]* height="([\d.]+)pt"', svg)
    if size is None:
        raise ValueError("the picture does not say its width and height in points")
    return round(float(size[1]) * 96 / 72), round(float(size[2]) * 96 / 72)


def visit_html(self: HTML5Translator, node: themed) -> None:
    """Write a ``picture`` that shows a phone its own image."""
    page, *phones = node.findall(nodes.image)  # Sphinx may have put links around them
    self.body.append(self.starttag(node, "picture", ""))
    for phone in phones:
        file = posixpath.join(self.builder.imgpath, quote(self.builder.images[phone["uri"]]))
        room = "".join(f' {side}="{phone[side]}"' for side in ("width", "height") if side in phone)
        self.body.append(f'<source media="{PHONE}" srcset="{file}"{room}>')
    page.walkabout(self)
    raise nodes.SkipChildren


def depart_html(self: HTML5Translator, node: themed) -> None:
    """End the ``picture``."""
    self.body.append("</picture>")


def register(app: Any) -> None:
    """Let HTML show the nodes; both this package's extensions need that."""
    app.add_node(themed, override=True, html=(visit_html, depart_html))
