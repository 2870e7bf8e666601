"""Small repairs to pages as Sphinx reads and writes them."""

import hashlib
import re
from fnmatch import fnmatchcase
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def skip_empty_sections(app: Sphinx, docname: str, source: list[str]) -> None:
    """Leave out of the home page's contents a pattern that no page matches yet."""

    def known(match: re.Match[str]) -> str:
        pages = app.env.found_docs
        return match[0] if any(fnmatchcase(page, match[0].strip()) for page in pages) else ""

    if docname == "index":
        source[0] = re.sub(r"(?m)^[\w/]*\*[\w/]*$", known, source[0])


def tidy_gallery(app: Sphinx, doctree: nodes.document) -> None:
    """Take out what Sphinx-Gallery adds and the site does not want."""
    if not app.env.docname.startswith("gallery/"):
        return
    for node in list(doctree.findall(nodes.note)):
        if "sphx-glr-download-link-note" in node["classes"]:
            node.parent.remove(node)
    for raw in list(doctree.findall(nodes.raw)):
        if "sg-tag-list" in raw.astext():
            raw.parent.remove(raw)
    for printed in doctree.findall(nodes.literal_block):
        if printed.get("language") == "none" and "\n" not in printed.astext().strip():
            printed["classes"].append("sentence")  # an error message, say; it may be wrapped
    if app.env.docname == "gallery/index":  # its sections stand in the home page's contents
        for tree in list(doctree.findall(addnodes.toctree)):
            tree.parent.remove(tree)


def lighten(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Drop the gallery's style sheets and script, whose work site.css does, MyST-NB's where no cell
    was run, and the buttons that copy where there is no code.
    """
    run = doctree is not None and any(
        "cell" in one["classes"] for one in doctree.findall(nodes.container)
    )
    unused = r"/sg[-_]" if run else r"/(sg[-_]|mystnb\.)"
    if doctree is None or not any(doctree.findall(nodes.FixedTextElement)):
        unused += r"|copybutton\.|clipboard\."
    for kind in ("css_files", "script_files"):
        context[kind] = [
            asset for asset in context[kind] if not re.search(unused, str(asset.filename))
        ]


def on_every_page(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Write every page anew when what others say of it has changed: titles, which links on other
    pages say, and the style sheets and scripts, of which each page names a hash.
    """
    said = {name: title.astext() for name, title in env.titles.items()}
    said |= {name: place[2] for name, place in env.get_domain("std").labels.items()}
    files = sorted(path for end in ("css", "js") for path in app.srcdir.glob(f"_static/*.{end}"))
    said |= {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    before, env.said_on_every_page = getattr(env, "said_on_every_page", said), said
    return [] if said == before else sorted(env.all_docs)


def one_place_an_id(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Take from the box that furo puts around a table the table's own ids."""
    for box in doctree.findall(nodes.container):
        if {"table-wrapper", "math-wrapper"} & set(box["classes"]):
            box["ids"] = []


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", skip_empty_sections)
    app.connect("doctree-read", tidy_gallery, priority=100)  # before Sphinx collects from it
    app.connect("env-updated", on_every_page)
    app.connect("doctree-resolved", one_place_an_id)
    app.connect("html-page-context", lighten, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
