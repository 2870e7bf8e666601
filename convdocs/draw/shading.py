"""Grids too fine for numbers: every cell a pixel, its shade the number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from convdocs.draw.grids import BARE, Area, Frame, are
from convdocs.draw.numbers import number, places_for
from convdocs.draw.palette import ABOVE_ZERO, BELOW_ZERO
from convdocs.draw.sheet import Sheet

LINED = 5.0  # points of a cell from which on cells have borders
SMALLEST_FRAME = 6.0
STEPS = 127  # from clear to blue, and to orange: with them an image has at most 256 colours
STROKES = 6.0  # between the strokes of padding


@dataclass(frozen=True)
class Shaded:
    """Square cells shaded by their numbers: greys where none is negative, as in a photograph;
    else blue below zero and orange above.

    Parameters
    ----------
    values, roles : array of shape (rows, columns)
        As for :class:`~convdocs.draw.grids.Grid`.
    size : tuple of float
        Width and height of a cell in points.
    scale : tuple of float
        The lowest and the highest number that have a shade; see :func:`scale`.
    frames : tuple of (row, column, rows, columns, role)
        Cells to frame.
    """

    values: np.ndarray
    roles: np.ndarray
    size: tuple[float, float]
    scale: tuple[float, float]
    frames: tuple[Frame, ...] = ()

    @property
    def width(self) -> float:
        return self.size[0] * float(self.values.shape[1])

    @property
    def height(self) -> float:
        return self.size[1] * float(self.values.shape[0])

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        wide, high = self.size
        bare = are(self.roles, *BARE)
        if bare.any():
            self._ground(sheet, x, y)
        colours = pixels(self.values, bare, self.scale)
        sheet.image(x, y, self.width, self.height, colours)
        self._borders(sheet, x, y)
        for row, column in zip(*np.nonzero(~np.isfinite(self.values) & ~bare), strict=True):
            left, top = x + column * wide, y + row * high
            sheet.line([(left, top), (left + wide, top + high)], "ink", 0.9)
            sheet.line([(left + wide, top), (left, top + high)], "ink", 0.9)
        for *cells, role in self.frames:
            left, top, wide, high = self.area(*cells)
            sheet.halo(x + left, y + top, wide, high, role)

    def area(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Area:
        """Left, top, width and height of some cells, from the grid's corner; never tiny."""
        left, wide = _wide_enough(column * self.size[0], columns * self.size[0])
        top, high = _wide_enough(row * self.size[1], rows * self.size[1])
        return left, top, wide, high

    def _ground(self, sheet: Sheet, x: float, y: float) -> None:
        """Padding all over, and a clear field where the input lies."""
        sheet.cell(x, y, self.width, self.height, "padding")
        across = self.width + self.height
        for step in np.arange(STROKES, across, STROKES).tolist():
            start = (x + max(0.0, step - self.height), y + min(step, self.height))
            end = (x + min(step, self.width), y + max(0.0, step - self.width))
            sheet.line([start, end], "hatch", 0.5)
        rows, columns = np.nonzero(~are(self.roles, "padding", "outside"))
        if rows.size:
            top, left = int(rows.min()), int(columns.min())
            high, wide = int(rows.max()) - top + 1, int(columns.max()) - left + 1
            corner = (x + left * self.size[0], y + top * self.size[1])
            sheet.patch(*corner, wide * self.size[0], high * self.size[1], "hole")

    def _borders(self, sheet: Sheet, x: float, y: float) -> None:
        rows, columns = self.values.shape
        wide, high = self.size
        for row in range(rows + 1) if high >= LINED else (0, rows):
            sheet.line([(x, y + row * high), (x + self.width, y + row * high)], "line", 0.4)
        for column in range(columns + 1) if wide >= LINED else (0, columns):
            place = x + column * wide
            sheet.line([(place, y), (place, y + self.height)], "line", 0.4)


def _wide_enough(start: float, length: float) -> tuple[float, float]:
    more = max(0.0, SMALLEST_FRAME - length)
    return start - more / 2, length + more


def scale(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest number to shade; around zero where there are negative ones.

    Examples
    --------
    >>> scale(np.array([1.0, 9.0])), scale(np.array([-0.5, 0.25]))
    ((1.0, 9.0), (-0.5, 0.5))
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    return (low, high) if low >= 0 else (-max(-low, high), max(-low, high))


def pixels(values: np.ndarray, bare: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Red, green, blue and opacity of every cell; ``bare`` ones are clear.

    Examples
    --------
    >>> pixels(np.array([[0.0, 2.0]]), np.array([[False, False]]), (0.0, 2.0))[0].tolist()
    [[0, 0, 0, 255], [255, 255, 255, 255]]
    """
    low, high = scale
    clear = bare | ~np.isfinite(values)
    shown = np.clip(np.where(clear, 0.0, values), low, high)
    out = np.zeros((*values.shape, 4), dtype=np.uint8)
    if low >= 0:
        out[..., :3] = np.rint((shown - low) / (high - low or 1.0) * 255)[..., None]
        out[..., 3] = 255
    else:
        out[..., :3] = np.where((shown < 0)[..., None], BELOW_ZERO, ABOVE_ZERO)
        out[..., 3] = np.rint(np.rint(np.abs(shown) / high * STEPS) / STEPS * 255)
    out[clear] = 0
    return out


def legend(scale: tuple[float, float]) -> str:
    """What the shades mean, in words.

    Examples
    --------
    >>> legend((0.0, 9.0)), legend((-0.5, 0.5))
    ('black 0 to white 9', 'blue below 0, orange above, up to 0.50')
    """
    low, high = scale
    places = places_for(np.array(scale), 2)
    if low >= 0:
        return f"black {number(low, places)} to white {number(high, places)}"
    return f"blue below 0, orange above, up to {number(high, places)}"


@dataclass(frozen=True)
class Photo:
    """Three channels as red, green and blue.

    Parameters
    ----------
    values : array of shape (3, rows, columns)
        From 0 to 1 or from 0 to 255; other numbers are stretched to that.
    side : float
        Points of the longer side.
    frames : tuple of (row, column, rows, columns, role)
        Pixels to frame.
    """

    values: np.ndarray
    side: float
    frames: tuple[Frame, ...] = ()

    @property
    def _size(self) -> float:
        return self.side / float(max(self.values.shape[1:]))

    @property
    def width(self) -> float:
        return self._size * float(self.values.shape[2])

    @property
    def height(self) -> float:
        return self._size * float(self.values.shape[1])

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        shown = np.nan_to_num(self.values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = min(0.0, float(shown.min())), float(shown.max())
        if low == 0:
            high = 1.0 if high <= 1 else max(high, 255.0)
        full = np.rint((np.moveaxis(shown, 0, 2) - low) / (high - low or 1.0) * 255)
        few = Image.fromarray(full.astype(np.uint8)).quantize(256)  # a third of the bytes
        out = np.asarray(few.convert("RGBA"))
        sheet.image(x, y, self.width, self.height, out)
        for row, column, rows, columns, role in self.frames:
            left, top = x + column * self._size, y + row * self._size
            sheet.halo(left, top, columns * self._size, rows * self._size, role)
