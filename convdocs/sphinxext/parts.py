"""The parts that views are made of, as docutils nodes that every builder can write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes
from sphinx import addnodes

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table


class verbatim(nodes.Special, nodes.inline):
    """Text in which SmartQuotes changes nothing: torch's words, and names in code.

    It leaves the children of ``Special`` nodes alone; ``words.Unwrap`` puts them in its place.
    """


def to_nodes(parts: Iterable[Part]) -> list[nodes.Node]:
    made: list[nodes.Node] = []
    for part in parts:
        match part:
            case Table():
                made += table(part)
            case Paragraph():
                lead = [nodes.strong(part.lead, part.lead), nodes.Text(" ")] if part.lead else []
                made.append(nodes.paragraph("", "", *lead, verbatim("", part.text)))
            case CodeBlock():
                made.append(code(part.text))
    return made


def code(text: str, language: str = "python") -> nodes.literal_block:
    return nodes.literal_block(text, text, language=language)


def table(part: Table) -> tuple[addnodes.only, nodes.table]:
    """A table with its caption, marked rows and totals; before it, LaTeX's column types."""
    made = nodes.table(classes=["convdocs-table", "colwidths-auto"])
    if part.caption:
        made += nodes.title(part.caption, "", verbatim("", part.caption))
    group = nodes.tgroup(cols=len(part.columns))
    made += group
    heads = tuple(column.title for column in part.columns)
    for cells in zip(heads, *part.rows, part.totals or heads, strict=True):
        # the text writer wraps at this width, and writes marks around code and totals
        group += nodes.colspec(colwidth=max(map(len, cells)) + 4)
    plain = [Column(column.title, column.align) for column in part.columns]
    body = [
        _row(cells, part.columns, strong=number in part.marked)
        for number, cells in enumerate(part.rows)
    ]
    if part.totals:
        body.append(_row(part.totals, part.columns, strong=True))
    group += [nodes.thead("", _row(heads, plain)), nodes.tbody("", *body)]
    return _latex_columns(part), made


def _latex_columns(part: Table) -> addnodes.only:
    """Numbers to the right in LaTeX, which knows no classes of cells.

    Sphinx sets more than 30 rows as a longtable, which has no columns that share out the width.
    """
    left, right = ("l", "r") if len(part.rows) > 30 else ("L", "R")
    types = [right if column.align == "right" else left for column in part.columns]
    spec = addnodes.tabular_col_spec(spec=f"|{'|'.join(types)}|")
    return addnodes.only("", spec, expr="latex")


def _row(cells: Sequence[str], columns: Sequence[Column], *, strong: bool = False) -> nodes.row:
    made = nodes.row(classes=["convdocs-strong"] if strong else [])
    for cell, column in zip(cells, columns, strict=True):
        words: nodes.Node = verbatim("", cell)
        if strong:
            words = nodes.strong(cell, "", words)
        elif column.code and cell:
            words = nodes.literal(cell, cell)
        entry = nodes.entry("", classes=["convdocs-right"] if column.align == "right" else [])
        if cell:
            entry += nodes.paragraph("", "", words)
        made += entry
    return made
