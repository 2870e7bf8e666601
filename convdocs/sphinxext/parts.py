"""The parts that views are made of, as docutils nodes that every builder can write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from docutils import nodes

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table


def to_nodes(parts: Iterable[Part]) -> list[nodes.Node]:
    """Tables, paragraphs and code as nodes.

    Examples
    --------
    >>> [node.astext() for node in to_nodes([Paragraph("5 of 7 cells are read.", lead="Note")])]
    ['Note 5 of 7 cells are read.']
    """
    made: list[nodes.Node] = []
    for part in parts:
        match part:
            case Table():
                made.append(table(part))
            case Paragraph():
                made.append(paragraph(part))
            case CodeBlock():
                made.append(code(part.text))
    return made


def code(text: str, language: str = "python") -> nodes.literal_block:
    """A block of code.

    Examples
    --------
    >>> code("x = 1")["language"]
    'python'
    """
    return nodes.literal_block(text, text, language=language)


def paragraph(part: Paragraph) -> nodes.paragraph:
    """Running text with its bold lead-in.

    Examples
    --------
    >>> paragraph(Paragraph("done")).astext()
    'done'
    """
    made = nodes.paragraph()
    if part.lead:
        made += nodes.strong(part.lead, part.lead)
        made += nodes.Text(" ")
    made += nodes.Text(part.text)
    return made


def table(part: Table) -> nodes.table:
    """A table with its caption, marked rows and totals.

    Examples
    --------
    >>> made = table(Table((Column("layer"), Column("n", "right")), (("Conv1d", "2"),), "A net"))
    >>> [entry.astext() for entry in made.findall(nodes.entry)]
    ['layer', 'n', 'Conv1d', '2']
    """
    made = nodes.table(classes=["convdocs-table", "colwidths-auto"])
    if part.caption:
        made += nodes.title(part.caption, part.caption)
    group = nodes.tgroup(cols=len(part.columns))
    made += group
    heads = tuple(column.title for column in part.columns)
    for cells in zip(heads, *part.rows, part.totals or heads, strict=True):
        # the text writer wraps at this width, and writes marks around code and totals
        group += nodes.colspec(colwidth=max(map(len, cells)) + 4)
    head = nodes.thead("", _row(heads, [Column(one.title, one.align) for one in part.columns]))
    body = nodes.tbody()
    for number, cells in enumerate(part.rows):
        body += _row(cells, part.columns, strong=number in part.marked)
    if part.totals:
        body += _row(part.totals, part.columns, strong=True)
    group += [head, body]
    return made


def _row(cells: Sequence[str], columns: Sequence[Column], *, strong: bool = False) -> nodes.row:
    made = nodes.row(classes=["convdocs-strong"] if strong else [])
    for cell, column in zip(cells, columns, strict=True):
        words: nodes.Node = nodes.Text(cell)
        if strong:
            words = nodes.strong(cell, cell)
        elif column.code and cell:
            words = nodes.literal(cell, cell)
        entry = nodes.entry("", classes=["convdocs-right"] if column.align == "right" else [])
        if cell:
            entry += nodes.paragraph("", "", words)
        made += entry
    return made
