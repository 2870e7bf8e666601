"""Parts for a terminal: as wide as it is, with colour where it has some."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from convdocs.view.tables import CodeBlock, Paragraph, Part, Table, printable, text_width, to_text

SHORTEST = 10  # letters that a shortened cell keeps
GAP = 2  # between two columns

BOLD, RED, CYAN = "1", "31", "36"


def show(parts: Iterable[Part], width: int | None = None, *, colour: bool = False) -> str:
    """The parts as text at most ``width`` cells wide; None where nothing limits it.

    A table that is too wide has its code shortened, and where that is not enough its rows become
    paragraphs.

    Parameters
    ----------
    parts : iterable of Part
        What to show.
    width : int or None
        Cells in a line.
    colour : bool
        Whether headings, marked rows and code stand out with ANSI colours.

    Examples
    --------
    >>> print(show([Paragraph("5 of 7 cells are read.", lead="Note")], 16))
    Note 5 of 7
    cells are read.
    """
    return "\n\n".join(_part(part, width, colour=colour) for part in parts)


def paint(text: str, code: str, *, colour: bool) -> str:
    r"""Text in an ANSI colour, if there is any.

    Examples
    --------
    >>> paint("error", RED, colour=True)
    '\x1b[31merror\x1b[0m'
    """
    return f"\x1b[{code}m{text}\x1b[0m" if colour and text else text


def has_colour(stream: Any) -> bool:
    """Whether a stream is a terminal that shows colours, and its reader wants them.

    Examples
    --------
    >>> from io import StringIO
    >>> has_colour(StringIO())
    False
    """
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and bool(stream.isatty())


def error_line(message: str) -> str:
    """An error as it stands on standard error.

    Examples
    --------
    >>> error_line("there is no --siez")
    'convdocs: error: there is no --siez'
    """
    return f"{paint('convdocs: error:', RED, colour=has_colour(sys.stderr))} {message}"


def _part(part: Part, width: int | None, *, colour: bool) -> str:
    match part:
        case Table():
            return _table(part, width, colour=colour)
        case Paragraph():
            lines = _wrapped(to_text([part]), width)
            lead = len(part.lead) if lines and lines[0].startswith(part.lead) else 0
            lines[:1] = [paint(lines[0][:lead], BOLD, colour=colour) + lines[0][lead:]]
            return "\n".join(lines)
        case CodeBlock():
            return paint(to_text([part]), CYAN, colour=colour)


def _wrapped(text: str, width: int | None) -> list[str]:
    lines = text.split("\n")
    if width is None:
        return lines
    return [short for line in lines for short in textwrap.wrap(line, max(width, 1)) or [""]]


def _table(table: Table, width: int | None, *, colour: bool) -> str:
    if width is not None and _width(table) > width:
        shorter = _shortened(table, width)
        if _width(shorter) > width:
            return _list(table, width, colour=colour)
        table = shorter
    lines = to_text([table]).split("\n")
    heads = 2 if table.caption else 1
    marked = {heads + 1 + row for row in table.marked}
    return "\n".join(
        paint(line, BOLD if number < heads else RED, colour=colour)
        if number < heads or number in marked
        else line
        for number, line in enumerate(lines)
    )


def _widths(table: Table) -> list[int]:
    heads = tuple(column.title for column in table.columns)
    columns = zip(heads, *table.rows, table.totals or heads, strict=True)
    return [max(map(text_width, cells)) for cells in columns]


def _width(table: Table) -> int:
    mark = 3 if table.marked else 0
    return max(sum(_widths(table)) + GAP * (len(table.columns) - 1) + mark, len(table.caption))


def _shortened(table: Table, width: int) -> Table:
    """The table with its code cells cut, the widest first, until it fits or none is left."""
    limits = _widths(table)
    over = _width(replace(table, caption="")) - width
    elastic = [index for index in range(len(limits)) if _elastic(table, index)]
    while over > 0 and elastic:
        widest = max(elastic, key=lambda index: limits[index])
        if limits[widest] <= SHORTEST:
            break
        limits[widest] -= 1
        over -= 1
    rows = tuple(
        tuple(_cut(cell, limit) for cell, limit in zip(row, limits, strict=True))
        for row in table.rows
    )
    return replace(table, rows=rows, caption=_cut(table.caption, width))


def _elastic(table: Table, index: int) -> bool:
    """Whether a column holds code that may be cut; half a shape is none."""
    shapes = all(row[index].startswith("(") for row in table.rows if row[index])
    return table.columns[index].code and not shapes


def _cut(text: str, limit: int) -> str:
    if text_width(text) <= limit:
        return text
    while text and text_width(text) > limit - 1:
        text = text[:-1]
    return text + "…"


def _list(table: Table, width: int, *, colour: bool) -> str:
    """The rows as paragraphs of headings and cells."""
    blocks = (
        [paint(_cut(printable(table.caption), width), BOLD, colour=colour)] if table.caption else []
    )
    for number, row in enumerate([*table.rows, *([table.totals] if table.totals else [])]):
        cells = [
            f"{column.title} {cell}"
            for column, cell in zip(table.columns, row, strict=True)
            if cell
        ]
        block = textwrap.fill(printable(", ".join(cells)), max(width, 3), subsequent_indent="  ")
        blocks.append(paint(block, RED, colour=colour) if number in table.marked else block)
    return "\n".join(blocks)
