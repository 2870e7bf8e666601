"""Parts for a terminal: as wide as it is, with colour where it has some."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

GAP = 2  # between two columns
STEP = 2  # that a level of a tree is moved in
WIDTH = 100  # where there is no terminal
LEGIBLE = 22  # letters of code that columns give way for
MARK = "  ◀"

BOLD, RED, CYAN = "1", "31", "36"


def to_text(parts: Iterable[Part], width: int | None = None, *, colour: bool = False) -> str:
    """The parts as text at most ``width`` cells wide; None where nothing limits it.

    A table that is too wide has its code shortened in the middle, then loses the columns that
    matter least; where that is not enough, its rows become paragraphs.
    """
    limit = inf if width is None else width
    return "\n\n".join("\n".join(_part(part, limit, colour=colour)) for part in parts)


def page_width() -> int:
    """Cells in a line of the terminal that standard output is, 100 where it is none."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH


def paint(text: str, code: str, *, colour: bool) -> str:
    """Text in an ANSI colour, if there is any."""
    return f"\x1b[{code}m{text}\x1b[0m" if colour and text else text


def has_colour(stream: Any) -> bool:
    """Whether a stream is a terminal that shows colours, and its reader wants them."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and bool(stream.isatty())


def error_line(message: str) -> str:
    """An error as it is written on standard error."""
    return f"{paint('convdocs: error:', RED, colour=has_colour(sys.stderr))} {message}"


def text_width(text: str) -> int:
    """Terminal cells that ``text`` takes: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def printable(text: str) -> str:
    """Text on one line without control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def _part(part: Part, width: float, *, colour: bool) -> Iterator[str]:
    match part:
        case Table():
            yield from _table(part, width, colour=colour)
        case Paragraph(text, lead):
            lines = [printable(line) for line in f"{lead} {text}".strip().split("\n")]
            first, *rest = (short for line in lines for short in _wrapped(line, width))
            bold = lead if first.startswith(lead) else ""
            yield paint(bold, BOLD, colour=colour) + first.removeprefix(bold)
            yield from rest
        case CodeBlock(text):
            lines = [f"    {printable(line)}" for line in text.split("\n")]
            yield paint("\n".join(lines), CYAN, colour=colour)


def _wrapped(line: str, width: float, indent: str = "") -> list[str]:
    if text_width(line) <= width:
        return [line]
    width = max(int(width), len(indent) + 1)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _table(table: Table, width: float, *, colour: bool) -> Iterator[str]:
    room = width - (len(MARK) if table.marked else 0)
    columns, cells = list(table.columns), _by_column(table)
    while _taken(_widths(columns, cells, room, LEGIBLE)) > room:
        gone = max(range(len(columns)), key=lambda at: columns[at].rank)
        if not columns[gone].rank:
            break
        _leave_out(gone, columns, cells)
    widths = _widths(columns, cells, room)
    head, *rows = zip(*cells, strict=True)
    if table.caption:
        for line in _wrapped(printable(table.caption), width):
            yield paint(line, BOLD, colour=colour)
    if _taken(widths) > room:
        for at, row in enumerate(rows):
            words = (
                f"{title} {cell.strip()}" for title, cell in zip(head, row, strict=True) if cell
            )
            block = "\n".join(_wrapped(", ".join(words), width, "  "))
            yield paint(block, RED, colour=colour and at in table.marked)
        return
    rule = (" " * GAP).join("─" * width for width in widths)
    yield paint(_line(head, widths, columns), BOLD, colour=colour)
    yield rule
    for at, row in enumerate(rows):
        if at == len(table.rows):  # the totals
            yield rule
        line = _line(row, widths, columns)
        yield paint(line + MARK, RED, colour=colour) if at in table.marked else line


def _by_column(table: Table) -> list[list[str]]:
    """The clean cells of each column under its heading; those of a tree moved in."""
    rows = [tuple(column.title for column in table.columns), *table.rows]
    rows += [table.totals] if table.totals else []
    cells = [[printable(cell) for cell in column] for column in zip(*rows, strict=True)]
    trees = [own for own, column in zip(cells, table.columns, strict=True) if column.tree]
    for tree in trees[:1]:
        for at, level in enumerate(table.levels, start=1):
            tree[at] = " " * (STEP * level) + tree[at]
    return cells


def _leave_out(gone: int, columns: list[Column], cells: list[list[str]]) -> None:
    """Leave out a column; a tree's names go into its next column."""
    column, names = columns.pop(gone), cells.pop(gone)
    if column.tree and gone < len(columns):
        head, *own = cells[gone]
        pairs = zip(names[1:], own, strict=True)
        cells[gone] = [head, *(f"{n}{' ' if n.strip() else ''}{cell}" for n, cell in pairs)]


def _taken(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _widths(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], room: float, least: int = 0
) -> list[int]:
    """The widths of columns, those of code cut, the widest first, until all fit or none can be."""
    widths = [max(map(text_width, column)) for column in cells]
    limits = {at: max(c.least, least) for at, c in enumerate(columns) if c.least}
    while _taken(widths) > room:
        wider = [at for at, limit in limits.items() if widths[at] > limit]
        if not wider:
            break
        widths[max(wider, key=widths.__getitem__)] -= 1
    return widths


def _line(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    cells = []
    for cell, width, column in zip(row, widths, columns, strict=True):
        short = _cut(cell, width) if column.least else cell
        space = " " * (width - text_width(short))
        cells.append(space + short if column.align == "right" else short + space)
    return (" " * GAP).join(cells).rstrip()


def _cut(text: str, limit: int) -> str:
    """Text shortened in the middle, where a call has the least to say."""
    if text_width(text) <= limit:
        return text
    tail = (limit - 1) // 3
    head = limit - 1 - tail
    while text_width(text[:head]) > limit - 1 - tail:
        head -= 1
    while tail and text_width(text[-tail:]) > limit - 1 - head:
        tail -= 1
    return f"{text[:head]}…{text[-tail:] if tail else ''}"
