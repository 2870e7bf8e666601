"""Style sheets and scripts, on the pages that need them and no others; LaTeX's declarations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes
from sphinx.util.osutil import relative_uri

from convdocs.explorer import bundle
from convdocs.sphinxext.pictures import write_at_once

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.builders.html import StandaloneHTMLBuilder
    from sphinx.builders.latex import LaTeXBuilder

_PACKAGE = Path(__file__).parents[1]
# what a page with a container of this class gets: files, and explorers' scripts
_FILES = {
    "conv-animation": ("draw/picture.css", "draw/player.css", "draw/player.js"),
    "convdocs-part": ("sphinxext/convdocs.css",),
    "exercise": ("sphinxext/exercise.css", "sphinxext/exercise.js"),
    "convdocs-pair": ("pictures",),
    "conv-explorer": ("explorer",),
    "network-explorer": ("network",),
}


def declare(app: Sphinx) -> None:
    """Let LaTeX documents hold the characters of the size formulas (``builder-inited``)."""
    if app.builder.name == "latex":
        context = cast("LaTeXBuilder", app.builder).context
        context["preamble"] = f"{context.get('preamble', '')}\n{_text('sphinxext/formulas.tex')}"


def add(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Give a page the assets of the directives on it (``html-page-context``)."""
    if not doctree:  # a page without a source: the search, the index
        return
    builder = cast("StandaloneHTMLBuilder", app.builder)
    used = {name for node in doctree.findall(nodes.container) for name in node["classes"]}
    for file in (file for name, files in _FILES.items() if name in used for file in files):
        name = Path(file).name if "." in file else f"{file}.js"
        if app.builder.name == "epub" and name.endswith(".js"):
            continue  # a book's readers run no scripts: it holds the still pictures
        text = _text(file) if "." in file else bundle.script(file)
        write_at_once(Path(app.outdir) / "_static" / name, text.encode())
        # the builder's own methods: Sphinx 7.2 reads those of the application at the start only
        if name.endswith(".css"):
            builder.add_css_file(name)
        elif "." in file:
            builder.add_js_file(name)
        else:
            # before the text, in every theme (some put scripts last, some write no metatags), so
            # that a part is live before it is first painted and nothing on the page moves
            page = builder.get_target_uri(pagename).partition("#")[0]
            address = relative_uri(page, f"_static/{name}")
            context["body"] = f'<script src="{address}"></script>{context["body"]}'


def _text(path: str) -> str:
    return (_PACKAGE / path).read_text(encoding="utf-8")
