"""The parts that everything is shown in: tables, paragraphs and code.

A view builds a list of parts from plain data, unescaped; :mod:`convdocs.view.terminal`,
:mod:`convdocs.view.page` and :mod:`convdocs.view.markdown` write them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    title : str
        Its heading.
    align : str
        Which side its cells lean to.
    code : bool
        Whether they are code.
    rank : int
        Where a terminal is too narrow, columns of the highest rank go first; 0 stays.
    least : int
        Letters that a cell may be shortened to; 0 where it is never cut.
    tree : bool
        Whether it is indented in a table whose rows have levels.
    minor : bool
        Whether a phone can do without it.
    """

    title: str
    align: Align = "left"
    code: bool = False
    rank: int = 0
    least: int = 0
    tree: bool = False
    minor: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns, with a caption and, if wanted, a row of totals.

    Parameters
    ----------
    columns : tuple of Column
        One per cell of a row.
    rows : tuple of tuple of str
        The cells as plain text; nothing in them is markup.
    caption : str
        What the table shows; also its name for screen readers.
    totals : tuple of str
        A last row set apart from the others, or empty.
    marked : frozenset of int
        Rows that stand out (the failing layer, the cell in question).
    muted : frozenset of int
        Rows that stand back (padding), hatched on a page.
    levels : tuple of int
        How deep each row is in a tree; empty for a table that is none. A row's inside is what
        follows it and is deeper.
    shut : frozenset of int
        Rows whose inside a page shows only when asked to.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    totals: tuple[str, ...] = ()
    marked: frozenset[int] = field(default_factory=frozenset)
    muted: frozenset[int] = field(default_factory=frozenset)
    levels: tuple[int, ...] = ()
    shut: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of running text, with an optional bold lead-in."""

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines of code to paste."""

    text: str


Part = Table | Paragraph | CodeBlock
