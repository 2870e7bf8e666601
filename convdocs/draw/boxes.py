"""Boxes that know their size, and rows and columns of them: how a picture is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from convdocs.draw.numbers import number
from convdocs.draw.palette import SIGNED, colour
from convdocs.draw.sheet import TITLE_SIZE, VALUE_SIZE, Sheet, text_width

LINE_HEIGHT = 1.45
BARE = frozenset({"padding", "hole", "outside"})  # never shaded by their number

Frame = tuple[int, int, int, int, str]


@dataclass(frozen=True)
class Shades:
    """How numbers become shades: ``ramp`` runs from ``low`` to ``high``."""

    low: float
    high: float
    ramp: tuple[str, ...]

    def of(self, value: float) -> str:
        """The shade of a number; what is not one has none."""
        if not np.isfinite(value):
            return colour("padding")
        share = (value - self.low) / (self.high - self.low or 1.0)
        return self.ramp[round(min(max(share, 0.0), 1.0) * (len(self.ramp) - 1))]


SIGNED_SHADES = Shades(-1.0, 1.0, SIGNED)


class Box(Protocol):
    """Something with a size that can be drawn with its upper left corner at (x, y)."""

    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    def draw(self, sheet: Sheet, x: float, y: float) -> None: ...


@dataclass(frozen=True)
class Words:
    """One line of text."""

    words: str
    size: float = TITLE_SIZE
    role: str = "ink"
    weight: str = "normal"

    @property
    def width(self) -> float:
        return text_width(self.words, self.size, self.weight)

    @property
    def height(self) -> float:
        return self.size * LINE_HEIGHT

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        sheet.text(
            x,
            y + self.height / 2,
            self.words,
            size=self.size,
            role=self.role,
            weight=self.weight,
            align="left",
        )


@dataclass(frozen=True)
class Row:
    """Boxes side by side."""

    parts: tuple[Box, ...]
    gap: float = 8.0
    align: Literal["top", "middle", "bottom"] = "middle"

    @property
    def width(self) -> float:
        return sum(part.width for part in self.parts) + self.gap * (len(self.parts) - 1)

    @property
    def height(self) -> float:
        return max((part.height for part in self.parts), default=0.0)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        share = {"top": 0.0, "middle": 0.5, "bottom": 1.0}[self.align]
        for part in self.parts:
            part.draw(sheet, x, y + (self.height - part.height) * share)
            x += part.width + self.gap


@dataclass(frozen=True)
class Column:
    """Boxes below one another."""

    parts: tuple[Box, ...]
    gap: float = 4.0
    align: Literal["left", "middle"] = "left"

    @property
    def width(self) -> float:
        return max((part.width for part in self.parts), default=0.0)

    @property
    def height(self) -> float:
        return sum(part.height for part in self.parts) + self.gap * (len(self.parts) - 1)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        share = {"left": 0.0, "middle": 0.5}[self.align]
        for part in self.parts:
            part.draw(sheet, x + (self.width - part.width) * share, y)
            y += part.height + self.gap


@dataclass(frozen=True)
class Space:
    """An empty box."""

    width: float = 0.0
    height: float = 0.0

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        """Draw nothing."""


@dataclass(frozen=True)
class Grid:
    """Cells in rows and columns, each with a role, showing their numbers or a shade of them.

    Parameters
    ----------
    values : array of shape (rows, columns)
        The numbers.
    roles : array of str of the same shape
        What each cell is; see :data:`convdocs.draw.palette.ROLES`.
    columns, rows : tuple of float
        Width of every column and height of every row in points.
    places : int or None
        Decimals of the numbers (see :func:`~convdocs.draw.numbers.number`); None shades the cells
        by their numbers instead.
    shades : Shades
        How numbers become shades.
    frames : tuple of (row, column, rows, columns, role)
        Cells to frame.
    bold : frozenset of (row, column)
        Numbers to set in bold.
    """

    values: np.ndarray
    roles: np.ndarray
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    places: int | None = 4
    shades: Shades = SIGNED_SHADES
    frames: tuple[Frame, ...] = ()
    bold: frozenset[tuple[int, int]] = frozenset()

    @property
    def width(self) -> float:
        return sum(self.columns)

    @property
    def height(self) -> float:
        return sum(self.rows)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        lefts = [x, *(x + np.cumsum(self.columns)).tolist()]
        tops = [y, *(y + np.cumsum(self.rows)).tolist()]
        for (row, column), role in np.ndenumerate(self.roles):
            spot = (lefts[column], tops[row], self.columns[column], self.rows[row])
            value = float(self.values[row, column])
            bare = role in BARE or self.places is not None
            sheet.cell(*spot, colour(role) if bare else self.shades.of(value))
            _pattern(sheet, role, *spot)
            if self.places is None:
                if role not in BARE:
                    _cross(sheet, value, *spot)
            else:
                self._write(sheet, role, value, (row, column) in self.bold, spot)
        for row, column, rows, columns, role in self.frames:
            left, top = lefts[column], tops[row]
            sheet.frame(left, top, lefts[column + columns] - left, tops[row + rows] - top, role)

    def _write(
        self,
        sheet: Sheet,
        role: str,
        value: float,
        bold: bool,
        spot: tuple[float, float, float, float],
    ) -> None:
        x, y, wide, high = spot
        words = cell_words(value, role, self.places or 0)
        if words:
            sheet.text(
                x + wide / 2,
                y + high / 2,
                words,
                weight="bold" if bold else "normal",
                role="muted" if role == "padding" else "ink",
            )


def cell_words(value: float, role: str, places: int) -> str:
    """What stands in a cell: nothing in a hole, plain zeros in padding.

    Examples
    --------
    >>> cell_words(0.0, "input", 2), cell_words(0.0, "padding", 2), cell_words(0.0, "hole", 2)
    ('0.00', '0', '')
    """
    if role in ("hole", "outside"):
        return ""
    return number(value, 0 if role == "padding" and value == 0 else places)


def _cross(sheet: Sheet, value: float, x: float, y: float, wide: float, high: float) -> None:
    """What tells a number that has no shade."""
    if not np.isfinite(value):
        sheet.line([(x, y), (x + wide, y + high)], "ink", 0.9)
        sheet.line([(x + wide, y), (x, y + high)], "ink", 0.9)


def _pattern(sheet: Sheet, role: str, x: float, y: float, wide: float, high: float) -> None:
    """What tells a cell's role without its colour: strokes for padding, a dot for a hole."""
    if role == "padding":
        for step in (0.5, 1.0, 1.5):  # parallel strokes, the middle one from corner to corner
            a, b = max(0.0, step - 1), min(1.0, step)
            sheet.line([(x + a * wide, y + b * high), (x + b * wide, y + a * high)], "hatch", 0.5)
    elif role == "hole":
        middle, centre = y + high / 2, x + wide / 2
        sheet.line([(centre - 1, middle), (centre + 1, middle)], "hatch", 2)
    elif role == "outside":
        sheet.line([(x, y), (x + wide, y + high)], "hatch", 0.5, "dotted")


def titled(box: Box, title: str, note: str = "") -> Column:
    """A box under its title and, smaller, a note."""
    lines: list[Box] = [Words(title, weight="bold")]
    if note:
        lines.append(Words(note, size=VALUE_SIZE - 0.5, role="muted"))
    return Column((Column(tuple(lines), gap=0), box), gap=3)
