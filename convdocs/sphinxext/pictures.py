"""The one writer of figures: a picture's files, and the nodes that show the right one of them.

A web page has an image for light pages and one for dark pages, each for a wide page and, where
that differs, for a phone. An EPUB has the light one, LaTeX a PDF. The files share a stem, after
which each has an ending of its own.
"""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
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


class themed(nodes.General, nodes.Element):
    """An image for wide pages and, where there is one, an image for phones."""


def picture(env: BuildEnvironment, figure: Figure, alt: str, width: str | None) -> nodes.figure:
    """Save ``figure`` beside the doctrees, named after its content; a node that shows it."""
    from convdocs.draw.picture import pdf

    files = images(figure)
    name = hashlib.sha256(files[".svg"]).hexdigest()[:20]
    stem = Path(env.doctreedir) / "convdocs" / name
    for ending, content in {**files, ".pdf": pdf(figure)}.items():
        write_at_once(stem.with_name(name + ending), content)
    return shown(env, f"/{Path(os.path.relpath(stem, env.srcdir)).as_posix()}", alt, width)


def images(figure: Figure) -> dict[str, bytes]:
    """A figure as SVG by the ending of its file's name; for a phone only where that differs."""
    from convdocs import draw

    files = {".svg": draw.svg(figure)}
    if isinstance(figure, draw.Picture):
        narrow = figure.narrow()
        if narrow.get_figwidth() < figure.get_figwidth() - 0.1:
            files["_phone.svg"] = draw.svg(narrow)
    files |= {f"_dark{ending}": draw.dark(svg) for ending, svg in files.items()}
    return {ending: svg.encode() for ending, svg in files.items()}


def shown(env: BuildEnvironment, stem: str, alt: str, width: str | None = None) -> nodes.figure:
    """A figure node for a picture's files in the project.

    The pair of themes is in a box of its own: some themes hide with a picture the caption beside
    it.
    """

    def image(ending: str, *theme: str) -> list[nodes.image]:
        """The image of a file, if it is there."""
        path = Path(env.relfn2path(stem + ending)[1])
        if not path.exists():
            return []
        image = nodes.image(uri=stem + ending, alt=alt, classes=list(theme))
        if width:
            image["width"] = width
        if theme:
            image["loading"] = "lazy"  # the other theme's is never fetched
        if theme and not width:  # the page keeps its room before it is there
            size = re.search(
                r'width="([\d.]+)pt"[^>]* height="([\d.]+)pt"', path.read_text("utf-8")
            )
            assert size is not None  # as matplotlib writes it
            image["width"], image["height"] = (
                str(round(float(n) * 96 / 72)) for n in size.groups()
            )
        return [image]

    if not (light := image(".svg")):
        raise ValueError(f"there is no picture {stem}.svg")
    pair = nodes.container("", classes=["convdocs-pair"])
    for theme, ending in (("only-light", ""), ("only-dark", "_dark")):
        versions = [*image(f"{ending}.svg", theme), *image(f"{ending}_phone.svg", theme)]
        pair += themed("", *versions, classes=[theme])
    paper = image(".pdf")
    figure = nodes.figure("", addnodes.only("", pair, expr="html and not epub"))
    figure += addnodes.only("", *light, expr="epub" if paper else "epub or not html")
    if paper:
        figure += addnodes.only("", *paper, expr="not html")
    return figure


def live(markup: str) -> nodes.raw:
    """HTML that a search for words leaves out: its tables and data are numbers."""
    return nodes.raw("", markup, format="html", classes=["no-search"])


def on_pages(*content: nodes.Node) -> addnodes.only:
    """What only pages show, which have scripts."""
    return addnodes.only("", *content, expr="html and not epub")


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file that several readers may make at once, unless it is there as it should be."""
    if path.exists() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(path)


def visit_html(self: HTML5Translator, node: themed) -> None:
    """Write a ``picture`` that shows a phone its own image."""
    page, *phones = node.findall(nodes.image)  # Sphinx may have put links around them
    self.body.append(self.starttag(node, "picture", ""))
    for phone in phones:
        file = posixpath.join(self.builder.imgpath, quote(self.builder.images[phone["uri"]]))
        room = "".join(f' {side}="{phone[side]}"' for side in ("width", "height") if side in phone)
        self.body.append(f'<source media="{PHONE}" srcset="{file}"{room}>')
    page.walkabout(self)
    self.body.append("</picture>")
    raise nodes.SkipNode
