"""Each page's twin in Markdown, and llms.txt, which lists them.

The builder ``markdown`` of sphinx-markdown-builder writes them at the end of the HTML build, in the
same process: those of the pages that were written, from the same doctrees. In a build of its own
it would share the saved environment with the HTML builder, and each would find it changed.
"""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.osutil import relative_uri
from sphinx.util.tags import Tags

from convdocs.sphinxext import parts
from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

UNSEEN = (nodes.comment, nodes.meta)
PARTS = ["div", "p", "pre"]  # what a value's HTML is made of; a div holds a table


class Readable(SphinxPostTransform):
    """Says in Markdown's own means what only HTML has on a page."""

    default_priority = 60  # what other builders get is gone by then
    builders = ("markdown",)

    def run(self, **kwargs: Any) -> None:
        document = self.document
        for note in list(document.findall(lambda node: isinstance(node, UNSEEN))):
            note.parent.remove(note)
        for raw in list(document.findall(nodes.raw)):
            raw.parent.replace(raw, without_html(raw))
        for only in list(document.findall(addnodes.only)):  # for other builders, in what was put in
            only.parent.remove(only)
        for options in list(document.findall(nodes.option_list)):
            options.replace_self(nodes.bullet_list("", *map(described, options)))
        for remark in list(document.findall(nodes.admonition)):
            remark.replace_self(quoted(remark))
        for takes in list(document.findall(nodes.classifier)):
            term = takes.parent[takes.parent.index(takes) - 1]
            term += [nodes.Text(" "), nodes.emphasis("", takes.astext())]
            takes.parent.remove(takes)
        for place in list(document.findall(nodes.target)):
            if place.get("refid", "").startswith("sphx-glr"):  # Sphinx-Gallery's own
                place.parent.remove(place)
        for mark in list(document.findall(nodes.abbreviation)):
            mark.replace_self(nodes.Text(mark.astext()))
        for text in list(document.findall(nodes.Text)):  # <class 'str'> in a message is no tag
            if "<" in text and isinstance(text.parent, nodes.paragraph):
                text.parent.replace(text, nodes.Text(text.replace("<", "&lt;")))
        if self.env.docname == "index" or self.env.docname.startswith("gallery/"):
            for contents in document.findall(addnodes.toctree):
                contents["hidden"], contents["maxdepth"] = False, 1  # no sidebar says them


def without_html(raw: nodes.raw) -> list[nodes.Node]:
    """What a value shows of itself, the title of what is folded, a space for a break."""
    soup = BeautifulSoup(raw.astext() if raw["format"] == "html" else "", "html.parser")
    if soup.summary:
        return [nodes.paragraph("", "", nodes.strong("", soup.summary.get_text()))]
    if box := soup.find(class_="convdocs"):
        return parts.to_nodes(
            one for tag in box.find_all(PARTS, recursive=False) for one in read(tag)
        )
    return [nodes.Text(" ")] if soup.br else []


def read(tag: Tag) -> list[Part]:
    """The paragraph, the code or the table that convdocs.view wrote as HTML."""
    if tag.name == "p":
        return [Paragraph(tag.get_text())]
    if tag.name == "pre":
        return [CodeBlock(tag.get_text())]
    lines = [line.find_all("td") for line in tag.select("tbody tr, tfoot tr")]
    columns = tuple(
        Column(head.get_text(), code=cell.code is not None)
        for head, cell in zip(tag.select("thead th"), lines[0], strict=True)
    )
    rows = tuple(tuple(cell.get_text() for cell in line) for line in lines)
    return [Paragraph(tag.caption.get_text()), Table(columns, rows, "")]


def described(option: nodes.option_list_item) -> nodes.list_item:
    """An option of a command: how it is written, and what it does."""
    words = option[0].astext()
    return nodes.list_item("", nodes.paragraph("", "", nodes.literal(words, words)), *option[1])


def quoted(remark: nodes.admonition) -> nodes.block_quote:
    """A remark with a title of its own, as a quotation that starts with the title."""
    title = nodes.paragraph("", "", nodes.strong("", remark[0].astext()))
    return nodes.block_quote("", title, *remark[1:])


def sections(env: BuildEnvironment) -> list[tuple[str, list[str]]]:
    """The captions in the home page's contents, with all pages under each, in reading order."""
    seen: set[str] = set()

    def below(page: str) -> list[str]:
        if page in seen:
            return []
        seen.add(page)
        children = env.toctree_includes.get(page, ())
        return [page, *(one for child in children for one in below(child))]

    contents = env.get_doctree("index").findall(addnodes.toctree)
    return [
        (part["caption"], [p for _, page in part["entries"] for p in below(page)])
        for part in contents
    ]


class Twins:
    """Writes the twins of the pages that the HTML builder has written, then llms.txt."""

    def __init__(self) -> None:
        self.written: set[str] = set()

    def note(self, app: Sphinx, page: nodes.document, docname: str) -> None:
        if app.builder.name == "html":
            self.written.add(docname)

    def write(self, app: Sphinx, exception: Exception | None) -> None:
        if exception or app.builder.name != "html" or not self.written:
            return
        with builder_of(app, "markdown") as builder:
            builder.prepare_writing(self.written)
            builder.write_documents(self.written)
        (Path(app.outdir) / "llms.txt").write_text(contents(app), encoding="utf-8")


@contextmanager
def builder_of(app: Sphinx, name: str) -> Iterator[Builder]:
    """Another builder in the place of the application's own, wherever Sphinx asks for it."""
    own, env = app.builder, app.env
    other = app.registry.create_builder(app, name, env)
    other.tags = Tags([other.name, f"format_{other.format}", f"builder_{other.name}"])
    other.parallel_ok = own.parallel_ok
    other.init()
    app.builder, env._builder_cls, app.tags = other, type(other), other.tags
    yield other
    app.builder, env._builder_cls, app.tags = own, type(own), own.tags


def contents(app: Sphinx) -> str:
    """llms.txt: what the site is, and a line for each page."""
    blocks = [f"# {app.config.project}", f"> {opening(app, 'index')}", line(app, "index", "")]
    for caption, pages in sections(app.env):
        lines = [line(app, page, opening(app, page)) for page in pages]
        blocks += [f"## {caption}", "\n".join(lines)]
    return "\n\n".join(blocks) + "\n"


def opening(app: Sphinx, page: str) -> str:
    """What the page says of itself to search engines."""
    text = (Path(app.outdir) / f"{page}.html").read_text(encoding="utf-8")
    found = re.search(r'<meta name="description" content="(.*?)" />', text)
    return html.unescape(found[1]) if found and not found[1].endswith("...") else ""


def line(app: Sphinx, page: str, opening: str) -> str:
    address = urljoin(app.config.html_baseurl, f"{page}.md")
    link = f"- [{app.env.titles[page].astext()}]({address})"
    return f"{link}: {opening}" if opening else link


def name_twin(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], doctree: nodes.document
) -> None:
    """Let a page name its twin."""
    if pagename in app.env.found_docs:
        address = relative_uri(app.builder.get_target_uri(pagename), f"{pagename}.md")
        context["metatags"] += f'<link rel="alternate" type="text/markdown" href="{address}">\n'


def setup(app: Sphinx) -> dict[str, bool]:
    app.setup_extension("sphinx_markdown_builder")
    app.add_post_transform(Readable)
    twins = Twins()
    app.connect("doctree-resolved", twins.note)
    app.connect("build-finished", twins.write)
    app.connect("html-page-context", name_twin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
