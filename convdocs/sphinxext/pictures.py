"""A matplotlib figure as a docutils figure with the right image for each builder."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

from convdocs.sphinxext.gallery import extent

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from sphinx.environment import BuildEnvironment


def picture(env: BuildEnvironment, figure: Figure, alt: str, width: str | None) -> nodes.figure:
    """Save ``figure`` beside the doctrees; a node that shows it.

    HTML gets one SVG for light pages and one for dark pages, EPUB the light one, LaTeX a PDF.
    """
    from convdocs import draw

    light = draw.svg(figure)
    pdf = BytesIO()
    figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    light_image = _image(env, light.encode(), "svg", alt, width, "only-light")
    dark_image = _image(env, draw.dark(light).encode(), "svg", alt, width, "only-dark")
    wide, high = extent(light)
    for image in (light_image, dark_image):
        image["loading"] = "lazy"  # the other theme's is never fetched
        if not width:  # the page keeps its room before it is there
            image["width"], image["height"] = str(wide), str(high)
    made = nodes.figure()
    # in a box of their own: some themes hide with a picture the caption beside it
    pair = nodes.container("", light_image, dark_image, classes=["convdocs-pair"])
    made += addnodes.only("", pair, expr="html and not epub")
    made += addnodes.only("", _image(env, light.encode(), "svg", alt, width), expr="epub")
    made += addnodes.only("", _image(env, pdf.getvalue(), "pdf", alt, width), expr="not html")
    return made


def enliven(figure: nodes.figure, markup: str) -> nodes.figure:
    """Put a live part in the place of a figure's pictures in HTML; its caption and number stay."""
    live = nodes.raw("", markup, format="html")
    figure[0] = addnodes.only("", live, expr="html and not epub")
    return figure


def _image(
    env: BuildEnvironment, content: bytes, suffix: str, alt: str, width: str | None, *classes: str
) -> nodes.image:
    """An image node for ``content``, in a file that is named after it."""
    folder = Path(env.doctreedir) / "convdocs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:20]}.{suffix}"
    if not path.exists():
        # several readers may make the same picture at once: the last one to rename wins
        part = path.with_suffix(f".{os.getpid()}")
        part.write_bytes(content)
        part.replace(path)
    address = Path(os.path.relpath(path, env.srcdir)).as_posix()
    made = nodes.image(uri=f"/{address}", alt=alt, classes=list(classes))
    if width:
        made["width"] = width
    return made
