"""Parts for a terminal: as wide as it is, with colour where it has some."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

GAP = 2  # between two columns
STEP = 2  # that a level of a tree is moved in
WIDTH = 100  # where there is no terminal
LEGIBLE = 22  # letters of code that columns give way for

BOLD, RED, CYAN = "1", "31", "36"


def to_text(parts: Iterable[Part], width: int | None = None, *, colour: bool = False) -> str:
    """The parts as text at most ``width`` cells wide; None where nothing limits it.

    A table that is too wide has its code shortened in the middle, then loses the columns that
    matter least; where that is not enough, its rows become paragraphs.

    Parameters
    ----------
    parts : iterable of Part
        What to show.
    width : int or None
        Cells in a line.
    colour : bool
        Whether headings, marked rows and code stand out with ANSI colours.
    """
    return "\n\n".join(_part(part, width, colour=colour) for part in parts)


def page_width() -> int:
    """Cells in a line of the terminal that standard output is, 100 where it is none."""
    return shutil.get_terminal_size((WIDTH, 24)).columns if sys.stdout.isatty() else WIDTH


def paint(text: str, code: str, *, colour: bool) -> str:
    r"""Text in an ANSI colour, if there is any."""
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
    r"""Text on one line without control characters, which a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def _part(part: Part, width: int | None, *, colour: bool) -> str:
    match part:
        case Table():
            return _table(_indented(part), width, colour=colour)
        case Paragraph():
            lines = [f"{part.lead} {part.text}".strip()]
            lines = [printable(line) for line in lines[0].split("\n")]
            lines = [short for line in lines for short in _wrapped(line, width)]
            lead = len(part.lead) if lines[0].startswith(part.lead) else 0
            lines[0] = paint(lines[0][:lead], BOLD, colour=colour) + lines[0][lead:]
            return "\n".join(lines)
        case CodeBlock():
            lines = [f"    {printable(line)}" for line in part.text.split("\n")]
            return paint("\n".join(lines), CYAN, colour=colour)


def _wrapped(line: str, width: int | None) -> list[str]:
    if width is None or text_width(line) <= width:
        return [line]
    return textwrap.wrap(line, max(width, 1), break_on_hyphens=False) or [""]


def _indented(table: Table) -> Table:
    """The table with clean cells; those of a tree's first column moved in by their level."""
    rows = [[printable(cell) for cell in row] for row in table.rows]
    tree = [at for at, column in enumerate(table.columns) if column.tree]
    if table.levels and tree:
        for row, level in zip(rows, table.levels, strict=True):
            row[tree[0]] = " " * (STEP * level) + row[tree[0]]
    caption, totals = printable(table.caption), tuple(map(printable, table.totals))
    return replace(table, rows=tuple(map(tuple, rows)), caption=caption, totals=totals)


def _table(table: Table, width: int | None, *, colour: bool) -> str:
    widths = _widths(table)
    if width is not None:
        table = _fewer(table, width)
        widths = _shortened(table, width, least=0)
        if _width(table, widths) > width:
            return _list(table, width, colour=colour)
    lines = [_line([c.title for c in table.columns], widths, table.columns)]
    lines.append("  ".join("─" * width for width in widths))
    for number, row in enumerate(table.rows):
        line = _line(row, widths, table.columns)
        lines.append(paint(f"{line}  ◀", RED, colour=colour) if number in table.marked else line)
    lines[0] = paint(lines[0], BOLD, colour=colour)
    if table.totals:
        lines += [lines[1], _line(table.totals, widths, table.columns)]
    heads = _wrapped(table.caption, width) if table.caption else []
    return "\n".join([*(paint(head, BOLD, colour=colour) for head in heads), *lines])


def _fewer(table: Table, width: int) -> Table:
    """The table without the columns that matter least, until code has room to be read."""
    while _width(table, _shortened(table, width, least=LEGIBLE)) > width:
        gone = max(range(len(table.columns)), key=lambda at: table.columns[at].rank)
        if not table.columns[gone].rank:
            break
        table = _without(table, gone)
    return table


def _line(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    cells = []
    for cell, width, column in zip(row, widths, columns, strict=True):
        if column.least:
            cell = _cut(cell, width)
        space = " " * (width - text_width(cell))
        cells.append(space + cell if column.align == "right" else cell + space)
    return "  ".join(cells).rstrip()


def _widths(table: Table) -> list[int]:
    heads = [column.title for column in table.columns]
    columns = zip(heads, *table.rows, table.totals or heads, strict=True)
    return [max(map(text_width, cells)) for cells in columns]


def _width(table: Table, widths: Sequence[int]) -> int:
    mark = GAP + 1 if table.marked else 0
    return sum(widths) + GAP * (len(widths) - 1) + mark


def _shortened(table: Table, width: int, least: int) -> list[int]:
    """Narrower columns of code, the widest first, until the table fits or none can be cut."""
    widths = _widths(table)
    over = _width(table, widths) - width
    limits = {at: max(c.least, least) for at, c in enumerate(table.columns) if c.least}
    while over > 0:
        wider = [at for at, limit in limits.items() if widths[at] > limit]
        if not wider:
            break
        widths[max(wider, key=lambda at: widths[at])] -= 1
        over -= 1
    return widths


def _without(table: Table, gone: int) -> Table:
    """The table without a column; a tree's names go into its next column."""
    rows: list[tuple[str, ...]] = [(*row[:gone], *row[gone + 1 :]) for row in table.rows]
    if table.columns[gone].tree:
        names = [row[gone] for row in table.rows]
        rows = [
            (
                *row[:gone],
                f"{name} {row[gone]}" if name.strip() else name + row[gone],
                *row[gone + 1 :],
            )
            for name, row in zip(names, rows, strict=True)
        ]
    columns = (*table.columns[:gone], *table.columns[gone + 1 :])
    totals = table.totals and (*table.totals[:gone], *table.totals[gone + 1 :])
    return replace(table, columns=columns, rows=tuple(rows), totals=totals)


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


def _list(table: Table, width: int, *, colour: bool) -> str:
    """The rows as paragraphs of headings and cells."""
    caption = "\n".join(_wrapped(table.caption, width))
    blocks = [paint(caption, BOLD, colour=colour)] if caption else []
    for number, row in enumerate([*table.rows, *([table.totals] if table.totals else [])]):
        cells = [
            f"{column.title} {cell.strip()}"
            for column, cell in zip(table.columns, row, strict=True)
            if cell
        ]
        block = textwrap.fill(", ".join(cells), max(width, 3), subsequent_indent="  ")
        blocks.append(paint(block, RED, colour=colour) if number in table.marked else block)
    return "\n".join(blocks)
