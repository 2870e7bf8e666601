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
from typing import TYPE_CHECKING
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sphinx.environment import BuildEnvironment
    from sphinx.writers.html5 import HTML5Translator

PHONE = "(max-width: 46em)"
# what a picture's files end in, after the stem that they share; the light, wide one is that alone
ENDINGS = ("", "_dark", "_phone", "_dark_phone")


class themed(nodes.General, nodes.Element):
    """An image for wide pages and, where there is one, an image for phones."""


def picture(env: BuildEnvironment, figure: Figure, alt: str, width: str | None) -> nodes.figure:
    """Save ``figure`` beside the doctrees; a node that shows it."""
    from convdocs.draw.picture import pdf

    uris = {ending: _save(env, svg.encode(), "svg") for ending, svg in images(figure).items()}
    return shown(env, uris, alt, width, paper=_save(env, pdf(figure), "pdf"))


def images(figure: Figure) -> dict[str, str]:
    """A figure as SVG by the ending of its file's name; for a phone only where that differs."""
    from convdocs import draw

    files = {"": draw.svg(figure)}
    if isinstance(figure, draw.Picture):
        narrow = figure.narrow()
        if narrow.get_figwidth() < figure.get_figwidth() - 0.1:
            files["_phone"] = draw.svg(narrow)
    return files | {f"_dark{ending}": draw.dark(svg) for ending, svg in files.items()}


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
    for theme, ending in (("only-light", ""), ("only-dark", "_dark")):
        wide_and_phone = [uris[one] for one in (ending, f"{ending}_phone") if one in uris]
        versions = [_image(env, uri, alt, width, theme) for uri in wide_and_phone]
        pair += themed("", *versions, classes=[theme])
    figure = nodes.figure("", addnodes.only("", pair, expr="html and not epub"))
    light = _image(env, uris[""], alt, width)
    figure += addnodes.only("", light, expr="epub" if paper else "epub or not html")
    if paper:
        figure += addnodes.only("", _image(env, paper, alt, width), expr="not html")
    return figure


def enliven(figure: nodes.figure, markup: str) -> nodes.figure:
    """Put a live part in the place of a figure's pictures in HTML; its caption and number stay."""
    figure[0] = addnodes.only("", live(markup), expr="html and not epub")
    return figure


def live(markup: str) -> nodes.raw:
    """HTML that a search for words leaves out: its tables and data are numbers."""
    return nodes.raw("", markup, format="html", classes=["no-search"])


def _image(
    env: BuildEnvironment, uri: str, alt: str, width: str | None, *theme: str
) -> nodes.image:
    image = nodes.image(uri=uri, alt=alt, classes=list(theme))
    if width:
        image["width"] = width
    if theme:
        image["loading"] = "lazy"  # the other theme's is never fetched
        if not width:  # the page keeps its room before it is there
            svg = Path(env.relfn2path(uri)[1]).read_text(encoding="utf-8")
            image["width"], image["height"] = map(str, _extent(svg))
    return image


def _save(env: BuildEnvironment, content: bytes, suffix: str) -> str:
    """The address in the project of a file that is named after its content."""
    name = f"{hashlib.sha256(content).hexdigest()[:20]}.{suffix}"
    path = Path(env.doctreedir) / "convdocs" / name
    write_at_once(path, content)
    return f"/{Path(os.path.relpath(path, env.srcdir)).as_posix()}"


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file that several readers may make at once, unless it is there as it should be."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def _extent(svg: str) -> tuple[int, int]:
    """Width and height in pixels of an SVG that says them in points."""
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
    self.body.append("</picture>")
