"""Style sheets and scripts, on the pages that need them and no others; LaTeX's declarations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes

from convdocs.explorer import bundle
from convdocs.sphinxext.pictures import write_at_once

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.builders.html import StandaloneHTMLBuilder
    from sphinx.builders.latex import LaTeXBuilder

_PACKAGE = Path(__file__).parents[1]
# what a page with a container of this class gets: files, and scripts that are joined from several
_FILES = {
    "convdocs-part": ("sphinxext/convdocs.css",),
    "conv-animation": ("draw/picture.css", "draw/player.css", "draw/player.js"),
    "exercise": ("sphinxext/exercise.css", "sphinxext/exercise.js"),
}
_JOINED = {"convdocs-pair": "pictures", "conv-explorer": "explorer", "network-explorer": "network"}


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
    if "convdocs-part" not in used:
        return
    paths = sorted(path for name in _FILES.keys() & used for path in _FILES[name])
    files = {path.rpartition("/")[2]: _text(path) for path in paths}
    # before the text, in every theme (some put scripts last, some write no metatags), so that a
    # part is live before it is first painted and nothing on the page moves
    early = {f"{name}.js": bundle.script(name) for key, name in _JOINED.items() if key in used}
    for name, text in (files | early).items():
        if app.builder.name == "epub" and not name.endswith(".css"):
            continue  # a book's readers run no scripts: it holds the still pictures
        write_at_once(Path(app.outdir) / "_static" / name, text.encode())
        # the builder's own methods: Sphinx 7.2 reads those of the application at the start only
        if name.endswith(".css"):
            builder.add_css_file(name)
        elif name in early:
            address = context["pathto"](f"_static/{name}", 1)
            context["body"] = f'<script src="{address}"></script>{context["body"]}'
        else:
            builder.add_js_file(name)


def _text(path: str) -> str:
    return (_PACKAGE / path).read_text(encoding="utf-8")
