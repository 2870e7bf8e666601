"""Animations of convdocs in Sphinx-Gallery pages; they stand still for readers who ask for that.

A conf.py that names this module among its ``extensions`` and :func:`scrape` among the
``image_scrapers`` of ``sphinx_gallery_conf`` shows each ``draw.animate(...)`` that ends a code
block, for light and for dark pages, with a picture in its place where motion should be reduced,
and a button that stops them all.
"""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast
from urllib.parse import quote

from docutils import nodes
from docutils.parsers.rst import directives

from convdocs.sphinxext.gallery import Picture, address, closing, directive, save

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.writers.html5 import HTML5Translator


SCRIPT = Path(__file__).with_suffix(".js")


def scrape(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any], **_: Any) -> str:
    """Save the animation that a code block ends with; the reStructuredText that shows it."""
    from convdocs.draw import Walk

    walk = closing(block, block_vars)
    if not isinstance(walk, Walk):
        return ""
    path = Path(next(block_vars["image_path_iterator"]))
    source = Path(gallery_conf["src_dir"])
    save(walk.figure, path, source)
    stem = address(path, source)
    walk.on("light").save(path.with_name(f"{path.stem}.gif"))
    walk.on("dark").save(path.with_name(f"{path.stem}_dark.gif"))
    options = {
        "dark": f"{stem}_dark.svg",
        "moving": f"{stem}.gif",
        "moving-dark": f"{stem}_dark.gif",
    }
    return directive("conv-animation", f"{stem}.svg", walk.figure, options)


class moving(nodes.General, nodes.Element):
    """An animation, and after it the picture that takes its place where nothing should move."""


class Animation(Picture):
    """A ``conv-picture`` whose two images are the stills of ``:moving:`` and ``:moving-dark:``."""

    option_spec: ClassVar[Any] = {
        **Picture.option_spec,
        "moving": directives.uri,
        "moving-dark": directives.uri,
    }

    def run(self) -> list[nodes.Node]:
        """Make the figure node, each still behind its animation."""
        made = super().run()
        stills = [image for node in made for image in node.findall(nodes.image)]
        films = (self.options["moving"], self.options["moving-dark"])
        for still, uri in zip(stills, films, strict=True):
            still["classes"].append("no-scaled-link")  # Sphinx would wrap it in one
            film = still.copy()
            film["uri"] = uri
            path = Path(self.state.document.settings.env.relfn2path(uri)[1])
            # its own: with the still's, rounded otherwise, the page would move as it comes
            film["width"], film["height"] = map(str, pixels(path.read_bytes()))
            figure, place = still.parent, still.parent.index(still)
            figure[place] = moving("", film, still, classes=still["classes"])
        return made


def pixels(gif: bytes) -> tuple[int, int]:
    """Width and height of a GIF.

    Examples
    --------
    >>> pixels(b"GIF89a" + bytes([44, 1, 16, 0]))
    (300, 16)
    """
    return int.from_bytes(gif[6:8], "little"), int.from_bytes(gif[8:10], "little")


def visit_html(self: HTML5Translator, node: moving) -> None:
    """Write a ``picture`` that obeys ``prefers-reduced-motion``."""
    film, still = (cast(nodes.image, image) for image in node.children)
    calm = posixpath.join(self.builder.imgpath, quote(self.builder.images[still["uri"]]))
    self.body.append(self.starttag(node, "picture", ""))
    self.body.append(f'<source media="(prefers-reduced-motion: reduce)" srcset="{calm}">')
    film.walkabout(self)
    raise nodes.SkipChildren


def depart_html(self: HTML5Translator, node: moving) -> None:
    """End the ``picture``."""
    self.body.append("</picture>")


def add_button(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Let readers stop the animations of a page that has some (``html-page-context``)."""
    if doctree and next(doctree.findall(moving), None) is not None:
        app.add_js_file(None, body=SCRIPT.read_text(encoding="utf-8"))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive that :func:`scrape` writes."""
    app.add_node(moving, html=(visit_html, depart_html))
    app.add_directive("conv-animation", Animation)
    app.connect("html-page-context", add_button)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
