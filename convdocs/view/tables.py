"""The parts that everything is shown in: tables, paragraphs and code.

A view builds a list of parts from plain data, unescaped; :mod:`convdocs.view.terminal`,
:mod:`convdocs.view.page` and :mod:`convdocs.view.markdown` write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    align: Literal["left", "right"] = "left"
    code: bool = False
    rank: int = 0  # where a terminal is too narrow, the highest go first; 0 stays
    least: int = 0  # letters that a cell may be shortened to; 0 where it is never cut
    tree: bool = False  # it is moved in where rows have levels
    minor: bool = False  # a phone can do without it


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns, with a caption and, if wanted, a row of totals."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str  # also its name for screen readers
    totals: tuple[str, ...] = ()
    marked: frozenset[int] = frozenset()  # rows that stand out: the layer that failed
    muted: frozenset[int] = frozenset()  # rows that stand back: padding
    levels: tuple[int, ...] = ()  # of a tree's rows; a row's inside follows it and is deeper
    shut: frozenset[int] = frozenset()  # rows whose inside a page shows only when asked to


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
