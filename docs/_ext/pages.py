"""Small repairs to pages before and after Sphinx reads them."""

import re
from fnmatch import fnmatchcase

from docutils import nodes
from sphinx.application import Sphinx


def name_thumbnails(app: Sphinx, doctree: nodes.document) -> None:
    """A thumbnail is decoration beside its link; say so to Sphinx, which would name the file."""
    for image in doctree.findall(nodes.image):
        if "/images/thumb/" in image["uri"] and not image.get("alt"):
            title = image["uri"].rsplit("sphx_glr_", 1)[-1].removesuffix("_thumb.svg")
            image["alt"] = f"Thumbnail of the page {title.replace('_', ' ')}"


def skip_empty_sections(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave out of the home page's contents a pattern that no page matches yet."""

    def known(match: re.Match[str]) -> str:
        pages = app.env.found_docs
        return match[0] if any(fnmatchcase(page, match[0].strip()) for page in pages) else ""

    if docname == "index":
        source[0] = re.sub(r"(?m)^[\w/]*\*[\w/]*$", known, source[0])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", skip_empty_sections)
    app.connect("doctree-read", name_thumbnails)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
