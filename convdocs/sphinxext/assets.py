"""Style sheets and scripts, on the pages that need them and no others; LaTeX's declarations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from docutils import nodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.builders.html import StandaloneHTMLBuilder
    from sphinx.builders.latex import LaTeXBuilder

PACKAGE = Path(__file__).parents[1]
STYLE = PACKAGE / "sphinxext" / "convdocs.css"
PLAYER = tuple(PACKAGE / "draw" / name for name in ("picture.css", "player.css", "player.js"))
EXERCISE = tuple(PACKAGE / "sphinxext" / f"exercise.{suffix}" for suffix in ("css", "js"))

# characters of the size formulas that pdfLaTeX does not know by itself
_LATEX = {
    "⌊": r"\lfloor",
    "⌋": r"\rfloor",
    "⌈": r"\lceil",
    "⌉": r"\rceil",
    "−": "-",
    "≤": r"\leq",
}


# before the text, where every theme shows them (some put scripts last, some write no metatags): a
# part is live before it is first painted, so that nothing on the page moves
_EARLY = ("explorer.js", "network.js", "pictures.js")


def declare(app: Sphinx) -> None:
    """Let LaTeX documents hold the characters of the size formulas (``builder-inited``)."""
    if app.builder.name != "latex":
        return
    lines = [
        rf"\DeclareUnicodeCharacter{{{ord(char):04X}}}{{\ensuremath{{{command}}}}}"
        for char, command in _LATEX.items()
    ]
    builder = cast("LaTeXBuilder", app.builder)
    preamble = "\n".join([r"\ifdefined\DeclareUnicodeCharacter", *lines, r"\fi"])
    builder.context["preamble"] = f"{builder.context.get('preamble', '')}\n{preamble}\n"


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
    files = {STYLE.name: STYLE.read_text(encoding="utf-8")}
    if "convdocs-pair" in used:
        files |= _explorer("pictures")
    if "conv-explorer" in used:
        files |= _explorer("explorer")
    if "network-explorer" in used:
        files |= _explorer("network")
    if "conv-animation" in used:
        files |= {file.name: file.read_text(encoding="utf-8") for file in PLAYER}
    if "exercise" in used:
        files |= {file.name: file.read_text(encoding="utf-8") for file in EXERCISE}
    if app.builder.name == "epub":  # a book's readers run no scripts: it holds the still pictures
        files = {name: content for name, content in files.items() if name.endswith(".css")}
    for name, content in files.items():
        _write(Path(app.outdir) / "_static" / name, content)
        # the builder's own methods: Sphinx 7.2 reads those of the application at the start only
        if name.endswith(".css"):
            builder.add_css_file(name)
        elif name in _EARLY:
            address = context["pathto"](f"_static/{name}", 1)
            context["body"] = f'<script src="{address}"></script>{context["body"]}'
        else:
            builder.add_js_file(name)


def _explorer(name: str) -> dict[str, str]:
    from convdocs.explorer import bundle

    return {f"{name}.js": bundle.script(name)}


def _write(file: Path, content: str) -> None:
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8", newline="\n")
