"""Grids of numbers: cells with roles, frames around some, arcs from cell to cell."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from convdocs.draw.numbers import cell_width, number, places_for
from convdocs.draw.sheet import Sheet

ROW_HEIGHT = 20.0
BARE = ("padding", "hole", "outside")  # not the layer's numbers

Frame = tuple[int, int, int, int, str]
Area = tuple[float, float, float, float]


@dataclass(frozen=True)
class Grid:
    """Cells in rows and columns, each with a role, showing their numbers.

    Parameters
    ----------
    values : array of shape (rows, columns)
        The numbers.
    roles : array of str of the same shape
        What each cell is; see :data:`convdocs.draw.palette.ROLES`.
    columns, rows : tuple of float
        Width of every column and height of every row in points.
    places : int
        Decimals of the numbers (see :func:`~convdocs.draw.numbers.number`).
    frames : tuple of (row, column, rows, columns, role)
        Cells to frame.
    bold : frozenset of (row, column)
        Numbers to set in bold.
    """

    values: np.ndarray
    roles: np.ndarray
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    places: int = 4
    frames: tuple[Frame, ...] = ()
    bold: frozenset[tuple[int, int]] = frozenset()

    @property
    def width(self) -> float:
        return sum(self.columns)

    @property
    def height(self) -> float:
        return sum(self.rows)

    def area(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Area:
        """Left, top, width and height of some cells, from the grid's corner."""
        across, down = self.columns, self.rows
        left, top = sum(across[:column]), sum(down[:row])
        return left, top, sum(across[column : column + columns]), sum(down[row : row + rows])

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        lefts = [x, *(x + np.cumsum(self.columns)).tolist()]
        tops = [y, *(y + np.cumsum(self.rows)).tolist()]
        for (row, column), role in np.ndenumerate(self.roles):
            spot = (lefts[column], tops[row], self.columns[column], self.rows[row])
            sheet.cell(*spot, role)
            _pattern(sheet, role, *spot)
            words = cell_words(float(self.values[row, column]), role, self.places)
            if words:
                sheet.text(
                    spot[0] + spot[2] / 2,
                    spot[1] + spot[3] / 2,
                    words,
                    weight="bold" if (row, column) in self.bold else "normal",
                    role="muted" if role == "padding" else "ink",
                )
        for *cells, role in self.frames:
            left, top, wide, high = self.area(*cells)
            sheet.frame(x + left, y + top, wide, high, role)


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


def are(roles: np.ndarray, *wanted: str) -> np.ndarray:
    """Which cells have one of the roles.

    Examples
    --------
    >>> are(np.array(["input", "hole"], dtype=object), "hole").tolist()
    [False, True]
    """
    found: np.ndarray = np.isin(roles, wanted)
    return found


def grid(
    values: np.ndarray,
    roles: np.ndarray | str,
    places: int,
    frames: tuple[Frame, ...] = (),
    bold: frozenset[tuple[int, int]] = frozenset(),
) -> Grid:
    """A grid as narrow as its numbers allow; columns of padding or holes may be narrower.

    Examples
    --------
    >>> grid(np.array([[1.0, -0.5]]), "input", 4).places
    4
    """
    if isinstance(roles, str):
        roles = np.full(values.shape, roles, dtype=object)
    digits = places_for(values[~are(roles, "hole", "outside")], places)
    words = [
        [cell_words(float(value), role, digits) for value, role in zip(*pair, strict=True)]
        for pair in zip(values, roles, strict=True)
    ]
    bare = np.all(are(roles, *BARE), axis=0)
    widest = max(cell_width(word for row in words for word in row), ROW_HEIGHT)
    columns = [
        max(cell_width(row[column] for row in words), ROW_HEIGHT) if bare[column] else widest
        for column in range(values.shape[1])
    ]
    heights = (ROW_HEIGHT,) * values.shape[0]
    return Grid(values, roles, tuple(columns), heights, digits, frames, bold)


@dataclass(frozen=True)
class Copied:
    """A grid with arcs that show where copied padding comes from.

    Parameters
    ----------
    grid : Grid
        The padded input.
    across, down : tuple of (from, to)
        Columns, and rows, that are copied to others.
    """

    grid: Grid
    across: tuple[tuple[int, int], ...]
    down: tuple[tuple[int, int], ...]

    @property
    def width(self) -> float:
        return self.grid.width + self._left

    @property
    def height(self) -> float:
        return self.grid.height + self._top

    @property
    def _top(self) -> float:
        return ARC_ROOM if self.across else 0.0

    @property
    def _left(self) -> float:
        return ARC_ROOM if self.down else 0.0

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        left, top = x + self._left, y + self._top
        self.grid.draw(sheet, left, top)
        middles = _middles(self.grid.columns)
        for start, end in self.across:
            ends = (left + middles[start], left + middles[end])
            sheet.arrow([(a, top - b) for a, b in _arc(*ends)], "window", 0.9, ARC_HEAD)
        middles = _middles(self.grid.rows)
        for start, end in self.down:
            ends = (top + middles[start], top + middles[end])
            sheet.arrow([(left - b, a) for a, b in _arc(*ends)], "window", 0.9, ARC_HEAD)


ARC_ROOM = 15.0
ARC_HEAD = 3.5


def _middles(sizes: tuple[float, ...]) -> list[float]:
    ends = np.cumsum(sizes)
    middles: list[float] = (ends - np.array(sizes) / 2).tolist()
    return middles


def _arc(start: float, end: float) -> list[tuple[float, float]]:
    """Places along and above a line of an arc over it; higher the farther it goes."""
    rise = min(ARC_ROOM - 2, 4 + abs(end - start) / 14)
    middle, reach = (start + end) / 2, (end - start) / 2
    turns = [pi * step / 16 for step in range(17)]
    return [(middle - reach * cos(turn), 1 + rise * sin(turn)) for turn in turns]
