"""Parts for a terminal: as wide as it is, with colour where it has some."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from math import inf
from typing import Any

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

GAP = "  "  # between two columns
STEP = "  "  # that a level of a tree is moved in
WIDTH = 100  # where there is no terminal
LEGIBLE = 22  # letters of code that columns give way for
MARK = "  ◀"

BOLD, RED, CYAN = 1, 31, 36

_Shown = list[tuple[Column, list[str]]]  # each column with its cells, the heading among them


def to_text(parts: Iterable[Part], width: int | None = None, *, colour: bool = False) -> str:
    """The parts as text at most ``width`` cells wide; None where nothing limits it.

    A table that is too wide has its code shortened in the middle, then loses the columns that
    matter least; where that is not enough, its rows become paragraphs.
    """
    text = "\n\n".join("\n".join(_part(part, width or inf)) for part in parts)
    return text if colour else re.sub(r"\x1b\[\d+m", "", text)


def page_width() -> int:
    """Cells in a line of the terminal that standard output is, 100 where it is none."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH


def has_colour(stream: Any) -> bool:
    """Whether a stream is a terminal that shows colours, and its reader wants them."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and bool(stream.isatty())


def error_line(message: str) -> str:
    """An error as it is written on standard error."""
    lead = "convdocs: error:"
    return f"{_paint(lead, RED) if has_colour(sys.stderr) else lead} {message}"


def text_width(text: str) -> int:
    """Terminal cells that ``text`` takes: wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _printable(text: str) -> str:
    """Text on one line without control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def _paint(text: str, colour: int) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if text else text


def _part(part: Part, width: float) -> Iterator[str]:
    match part:
        case Table():
            yield from _table(part, width)
        case Paragraph(text, lead):
            lines = f"{lead} {text}".strip().split("\n")
            first, *rest = (short for line in lines for short in _wrapped(line, width))
            bold = lead if first.startswith(lead) else ""
            yield _paint(bold, BOLD) + first.removeprefix(bold)
            yield from rest
        case CodeBlock(text):
            yield _paint("\n".join(f"    {_printable(line)}" for line in text.split("\n")), CYAN)


def _wrapped(text: str, width: float, indent: str = "") -> list[str]:
    line = _printable(text)
    if text_width(line) <= width:
        return [line]
    width = max(int(width), len(indent) + 1)
    return textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _table(table: Table, width: float) -> Iterator[str]:
    room = width - (len(MARK) if table.marked else 0)
    shown = _columns(table, room)
    widths, fits = _widths(shown, room)
    head, *rows = zip(*(cells for _, cells in shown), strict=True)
    rule = GAP.join("─" * width for width in widths)
    if table.caption:
        yield from (_paint(line, BOLD) for line in _wrapped(table.caption, width))
    if fits:
        yield _paint(_line(head, widths, shown), BOLD)
        yield rule
    for at, row in enumerate(rows):
        if fits:
            line = _line(row, widths, shown)
            if at == len(table.rows):  # the totals
                yield rule
        else:
            pairs = zip(head, row, strict=True)
            words = ", ".join(f"{title} {cell.strip()}" for title, cell in pairs if cell)
            line = "\n".join(_wrapped(words, width, "  "))
        marked = at in table.marked
        yield _paint(line + MARK * fits, RED) if marked else line


def _columns(table: Table, room: float) -> _Shown:
    """The columns there is room for, with clean cells under their headings, a tree's moved in."""
    rows = [tuple(column.title for column in table.columns), *table.rows]
    rows += [table.totals] if table.totals else []
    pairs = zip(table.columns, zip(*rows, strict=True), strict=True)
    shown = [(column, [_printable(cell) for cell in cells]) for column, cells in pairs]
    for tree in [cells for column, cells in shown if column.tree][:1]:
        for at, level in enumerate(table.levels, start=1):
            tree[at] = STEP * level + tree[at]
    while not _widths(shown, room, LEGIBLE)[1]:
        gone = max(range(len(shown)), key=lambda at: shown[at][0].rank)
        if not shown[gone][0].rank:
            break
        column, names = shown.pop(gone)
        if column.tree and gone < len(shown):  # its names go into the next column
            cells = shown[gone][1]
            for at, name in enumerate(names[1:], start=1):
                cells[at] = f"{name}{' ' if name.strip() else ''}{cells[at]}"
    return shown


def _widths(shown: _Shown, room: float, least: int = 0) -> tuple[list[int], bool]:
    """The widths of columns and whether they fit; those of code are cut, the widest first."""
    widths = [max(map(text_width, cells)) for _, cells in shown]
    limits = {at: max(column.least, least) for at, (column, _) in enumerate(shown) if column.least}
    while sum(widths) + len(GAP) * (len(widths) - 1) > room:
        wider = [at for at, limit in limits.items() if widths[at] > limit]
        if not wider:
            return widths, False
        widths[max(wider, key=widths.__getitem__)] -= 1
    return widths, True


def _line(row: Sequence[str], widths: Sequence[int], shown: _Shown) -> str:
    cells = []
    for cell, width, (column, _) in zip(row, widths, shown, strict=True):
        short = _cut(cell, width) if column.least else cell
        space = " " * (width - text_width(short))
        cells.append(space + short if column.align == "right" else short + space)
    return GAP.join(cells).rstrip()


def _cut(text: str, limit: int) -> str:
    """Text shortened in the middle, where a call has the least to say."""
    if text_width(text) <= limit:
        return text
    tail = (limit - 1) // 3
    return f"{_start(text, limit - 1 - tail)}…{_start(text[::-1], tail)[::-1]}"


def _start(text: str, room: int) -> str:
    while text_width(text) > room:
        text = text[:-1]
    return text
