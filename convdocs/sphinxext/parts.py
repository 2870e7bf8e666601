"""The parts that views are made of, as docutils nodes, and what formats without pictures show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

# torch's words, and names in code: SmartQuotes changes nothing in them
AS_TYPED: dict[str, Any] = {"support_smartquotes": False}


def to_nodes(parts: Iterable[Part]) -> list[nodes.Node]:
    made: list[nodes.Node] = []
    for part in parts:
        match part:
            case Table():
                made += table(part)
            case Paragraph(text, lead):
                bold = [nodes.strong(lead, lead), nodes.Text(" ")] if lead else []
                made.append(nodes.paragraph("", "", *bold, nodes.Text(text), **AS_TYPED))
            case CodeBlock(text):
                made.append(code(text))
    return made


def code(text: str, language: str = "python") -> nodes.literal_block:
    return nodes.literal_block(text, text, language=language)


def table(part: Table) -> tuple[addnodes.only, nodes.table]:
    """A table with its caption, marked rows and totals; before it, LaTeX's column types.

    LaTeX knows no classes of cells. Sphinx sets more than 30 rows as a longtable, which has no
    columns that share out the width.
    """
    left, right = ("l", "r") if len(part.rows) > 30 else ("L", "R")
    types = [right if column.align == "right" else left for column in part.columns]
    spec = addnodes.tabular_col_spec(spec=f"|{'|'.join(types)}|")
    made = nodes.table(classes=["convdocs-table", "colwidths-auto"], **AS_TYPED)
    if part.caption:
        made += nodes.title(part.caption, part.caption)
    group = nodes.tgroup(cols=len(part.columns))
    made += group
    heads = tuple(column.title for column in part.columns)
    for cells in zip(heads, *part.rows, part.totals or heads, strict=True):
        # the text writer wraps at this width, and writes marks around code and totals
        group += nodes.colspec(colwidth=max(map(len, cells)) + 4)
    plain = [Column(column.title, column.align) for column in part.columns]
    body = [_row(row, part.columns, at in part.marked) for at, row in enumerate(part.rows)]
    if part.totals:
        body.append(_row(part.totals, part.columns, True))
    group += [nodes.thead("", _row(heads, plain, False)), nodes.tbody("", *body)]
    return addnodes.only("", spec, expr="latex"), made


def _row(cells: Sequence[str], columns: Sequence[Column], strong: bool) -> nodes.row:
    made = nodes.row(classes=["convdocs-strong"] if strong else [])
    for cell, column in zip(cells, columns, strict=True):
        words: nodes.Node = nodes.Text(cell)
        if strong or column.code:
            words = (nodes.strong if strong else nodes.literal)(cell, cell)
        entry = nodes.entry("", classes=["convdocs-right"] if column.align == "right" else [])
        if cell:
            entry += nodes.paragraph("", "", words)
        made += entry
    return made


class Words(SphinxPostTransform):
    """Say a picture in words and set a table's caption above it, in text, Markdown and man pages.

    Their writers have no place for either: a man page would take the caption for its own name.
    The builder ``markdown`` is sphinx-markdown-builder's.
    """

    default_priority = 100  # after what other builders get is gone from the page
    builders = ("text", "man", "markdown")

    def run(self, **kwargs: Any) -> None:
        """Replace the pictures and captions of this package's directives."""
        for box in list(self.document.findall(nodes.container)):
            if "convdocs-part" not in box["classes"]:
                continue
            for figure in [node for node in box.children if isinstance(node, nodes.figure)]:
                figure.replace_self(_said(figure))
            for table in list(box.findall(nodes.table)):
                if isinstance(table[0], nodes.title):
                    caption = nodes.paragraph("", "", *table.pop(0).children)
                    table.parent.insert(table.parent.index(table), caption)


def _said(figure: nodes.figure) -> list[nodes.Node]:
    image = next(figure.findall(nodes.image))  # the one for dark pages shows the same
    said: list[nodes.Node] = [nodes.paragraph("", image["alt"])]
    for child in figure.children:
        match child:
            case nodes.caption() if child.astext() not in image["alt"]:
                said.append(nodes.paragraph("", "", *child.children))
            case nodes.legend():
                said += child.children
    return said
