"""Small repairs to pages as Sphinx reads and writes them."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx


def skip_empty_sections(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave out of the home page's contents a pattern that no page matches yet."""

    def known(match: re.Match[str]) -> str:
        pages = app.env.found_docs
        return match[0] if any(fnmatchcase(page, match[0].strip()) for page in pages) else ""

    if docname == "index":
        source[0] = re.sub(r"(?m)^[\w/]*\*[\w/]*$", known, source[0])


def tidy_gallery(app: Sphinx, doctree: nodes.document) -> None:
    """Take out what Sphinx-Gallery adds and the site does not want; give thumbnails their names."""
    if not app.env.docname.startswith("gallery/"):
        return
    for node in list(doctree.findall(nodes.note)):
        if "sphx-glr-download-link-note" in node["classes"]:
            node.parent.remove(node)
    for raw in list(doctree.findall(nodes.raw)):
        if "sg-tag-list" in raw.astext():
            raw.parent.remove(raw)
    for image in list(doctree.findall(nodes.image)):
        if "/images/thumb/" in image["uri"]:
            _thumbnail(image, Path(app.srcdir))
    for printed in doctree.findall(nodes.literal_block):
        if printed.get("language") == "none" and "\n" not in printed.astext().strip():
            printed["classes"].append("sentence")  # an error message, say; it may be wrapped
    if app.env.docname == "gallery/index":  # its sections stand in the home page's contents
        for tree in list(doctree.findall(addnodes.toctree)):
            tree.parent.remove(tree)


def _thumbnail(image: nodes.image, source: Path) -> None:
    """The picture itself, light and dark, with a name; it is drawn small by the style sheet."""
    page = re.sub(r".*sphx_glr_|_thumb\..*", "", image["uri"])
    image["alt"] = f"A picture from the page {page.replace('_', ' ')}"
    if image["uri"].endswith(".svg"):
        dark = image.copy()
        light = _original(source / image["uri"].lstrip("/"))
        name = light.with_name(f"{light.stem}_dark.svg").relative_to(source)
        dark["uri"] = f"/{name.as_posix()}"
        image["classes"].append("only-light")
        dark["classes"].append("only-dark")
        image.parent.insert(image.parent.index(image) + 1, dark)


def _original(thumb: Path) -> Path:
    """The picture that a thumbnail is a copy of; it need not be the page's first."""
    found = thumb.parent.parent.glob(thumb.name.replace("_thumb.svg", "_[0-9][0-9][0-9].svg"))
    return next(path for path in found if path.read_bytes() == thumb.read_bytes())


def lighten(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Drop the gallery's style sheets and script; site.css does their work."""
    for kind in ("css_files", "script_files"):
        context[kind] = [
            asset for asset in context[kind] if not re.search(r"/sg[-_]", str(asset.filename))
        ]


def one_place_an_id(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Take from the box that furo puts around a table the table's own ids."""
    for box in doctree.findall(nodes.container):
        if {"table-wrapper", "math-wrapper"} & set(box["classes"]):
            box["ids"] = []


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", skip_empty_sections)
    app.connect("doctree-read", tidy_gallery, priority=100)  # before Sphinx collects from it
    app.connect("doctree-resolved", one_place_an_id)
    app.connect("html-page-context", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
