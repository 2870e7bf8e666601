"""Small repairs to pages, for readers who use a keyboard or a screen reader."""

from docutils import nodes
from sphinx.application import Sphinx


def name_thumbnails(app: Sphinx, doctree: nodes.document) -> None:
    """A thumbnail is decoration beside its link; say so to Sphinx, which would name the file."""
    for image in doctree.findall(nodes.image):
        if "/images/thumb/" in image["uri"] and not image.get("alt"):
            title = image["uri"].rsplit("sphx_glr_", 1)[-1].removesuffix("_thumb.svg")
            image["alt"] = f"Thumbnail of the page {title.replace('_', ' ')}"


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", name_thumbnails)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
