"""The gallery's thumbnails: the cards that each page's picture brings along, light and dark."""

import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

SIZE = ("330", "220")  # pixels


def original(thumb: Path) -> Path:
    """The picture that a thumbnail is a copy of; it need not be the page's first."""
    found = thumb.parent.parent.glob(thumb.name.replace("_thumb.svg", "_[0-9][0-9][0-9].svg"))
    return next(path for path in found if path.read_bytes() == thumb.read_bytes())


def place(app: Sphinx, doctree: nodes.document) -> None:
    """Show them in the gallery's index pages, in words and with their size."""
    source = Path(app.srcdir)
    for light in list(doctree.findall(nodes.image)):
        if not re.search(r"/images/thumb/.*\.svg$", light["uri"]):
            continue
        picture = original(source / light["uri"].lstrip("/"))
        light["alt"] = title(picture)
        dark = light.copy()
        for image, suffix in ((light, "_card"), (dark, "_card_dark")):
            card = picture.with_name(f"{picture.stem}{suffix}.svg").relative_to(source)
            image["uri"] = f"/{card.as_posix()}"
            image["classes"].append("only-dark" if image is dark else "only-light")
            image["width"], image["height"] = SIZE
            image["loading"] = "lazy"
        light.parent.insert(light.parent.index(light) + 1, dark)


def title(svg: Path) -> str:
    """What the picture shows, without the numbers in it."""
    found = re.search(r"<title>(.*?)</title>", svg.read_text(encoding="utf-8"))
    return re.split(r"[:;.](?: |$)", html.unescape(found[1]))[0] if found else ""


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", place, priority=100)  # before Sphinx collects images
    return {"parallel_read_safe": True, "parallel_write_safe": True}
