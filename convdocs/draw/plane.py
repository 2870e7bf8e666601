"""A plane of cells: numbers that are written out, shades of them, or a photograph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from torch import Tensor

from convdocs.draw.boxes import Box, Row, Space, Words, first_fitting
from convdocs.draw.palette import ABOVE_ZERO, BELOW_ZERO
from convdocs.draw.sheet import NOTE_SIZE, VALUE_SIZE, Sheet, text_width
from convdocs.view.numbers import PLACES, number, places_for

ROW_HEIGHT = 20.0
SMALL = 8.0  # points of digits where larger ones do not fit
TIGHT = 5.0  # points of a digit's size that are not left free beside a number
MOST_ROWS = 12  # of numbers that are written out
FINE = 12.0  # points of a shaded cell
STRIP = 14.0  # points of a shaded row where there are few
LINED = 5.0  # points of a cell from which on cells have borders
SMALLEST_FRAME = 6.0
STEPS = 127  # from clear to blue, and to orange: with them an image has at most 256 colours
FEW_STEPS = 16  # in an image of many pixels, where more are not seen and take twice the bytes
MANY = 4096  # pixels
STROKES = 6.0  # between the strokes of padding
CONTRAST = 99.0  # percentile of the sizes that has the full shade
BARE = ("padding", "hole", "outside")  # not the layer's numbers
DIGITS: tuple[int | None, ...] = (*range(PLACES, 0, -1), None)  # decimals, and shades at last

Frame = tuple[int, int, int, int, str]  # row, column, rows, columns, role
Area = tuple[float, float, float, float]  # left, top, width, height
Scale = tuple[float, float]  # the lowest and the highest number that have a shade


def array(tensor: Tensor) -> np.ndarray:
    """A tensor's numbers in double precision."""
    numbers: np.ndarray = tensor.detach().to("cpu").double().numpy()
    return numbers


def are(roles: np.ndarray, *wanted: str) -> np.ndarray:
    """Where a cell has one of some roles."""
    found: np.ndarray = np.isin(roles, wanted)
    return found


@dataclass(frozen=True)
class Plane:
    """Cells in rows and columns, each with a role.

    Parameters
    ----------
    values : array of shape (rows, columns)
        The numbers.
    roles : array of str of the same shape
        What each cell is; see :data:`convdocs.draw.palette.ROLES`.
    columns, rows : tuple of float
        Width of every column and height of every row in points.
    places : int or None
        Decimals of the numbers (see :func:`convdocs.view.numbers.number`); None leaves them out.
    pixels : array of shape (rows, columns, 4), optional
        Red, green, blue and opacity of the cells, which are then an image.
    frames : tuple of (row, column, rows, columns, role)
        Cells to frame.
    bold : frozenset of (row, column)
        Numbers to set in bold.
    size : float
        Points of the digits.
    """

    values: np.ndarray
    roles: np.ndarray
    columns: tuple[float, ...]
    rows: tuple[float, ...]
    places: int | None = None
    pixels: np.ndarray | None = None
    frames: tuple[Frame, ...] = ()
    bold: frozenset[tuple[int, int]] = frozenset()
    size: float = VALUE_SIZE

    @property
    def width(self) -> float:
        return sum(self.columns)

    @property
    def height(self) -> float:
        return sum(self.rows)

    def area(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Area:
        """Left, top, width and height of some cells, from the plane's corner; never tiny."""
        left, wide = _span(self.columns, column, columns)
        top, high = _span(self.rows, row, rows)
        return left, top, wide, high

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        if self.pixels is None:
            self._cells(sheet, x, y)
        else:
            self._image(sheet, x, y, self.pixels)
        for *cells, role in self.frames:
            left, top, wide, high = self.area(*cells)
            mark = sheet.frame if self.pixels is None else sheet.halo
            mark(x + left, y + top, wide, high, role)

    def _cells(self, sheet: Sheet, x: float, y: float) -> None:
        lefts = [x, *(x + np.cumsum(self.columns)).tolist()]
        tops = [y, *(y + np.cumsum(self.rows)).tolist()]
        for (row, column), role in np.ndenumerate(self.roles):
            left, top, wide, high = lefts[column], tops[row], self.columns[column], self.rows[row]
            sheet.cell(left, top, wide, high, role)
            _pattern(sheet, role, left, top, wide, high)
            words = _words(float(self.values[row, column]), role, self.places)
            if words:
                weight = "bold" if (row, column) in self.bold else "normal"
                ink = "muted" if role == "padding" else "ink"
                middle = (left + wide / 2, top + high / 2)
                sheet.text(*middle, words, size=self.size, weight=weight, role=ink)

    def _image(self, sheet: Sheet, x: float, y: float, pixels: np.ndarray) -> None:
        wide, high = self.columns[0], self.rows[0]
        bare = are(self.roles, *BARE)
        if bare.any():
            self._ground(sheet, x, y)
        sheet.image(x, y, self.width, self.height, pixels)
        for row in range(len(self.rows) + 1) if high >= LINED else (0, len(self.rows)):
            sheet.line([(x, y + row * high), (x + self.width, y + row * high)], "line", 0.4)
        for column in range(len(self.columns) + 1) if wide >= LINED else (0, len(self.columns)):
            place = x + column * wide
            sheet.line([(place, y), (place, y + self.height)], "line", 0.4)
        for row, column in zip(*np.nonzero(~np.isfinite(self.values) & ~bare), strict=True):
            left, top = x + column * wide, y + row * high
            sheet.line([(left, top), (left + wide, top + high)], "ink", 0.9)
            sheet.line([(left + wide, top), (left, top + high)], "ink", 0.9)

    def _ground(self, sheet: Sheet, x: float, y: float) -> None:
        """Padding all over, and a clear field for the input."""
        sheet.cell(x, y, self.width, self.height, "padding")
        across = self.width + self.height
        for step in np.arange(STROKES, across, STROKES).tolist():
            start = (x + max(0.0, step - self.height), y + min(step, self.height))
            end = (x + min(step, self.width), y + max(0.0, step - self.width))
            sheet.line([start, end], "hatch", 0.5)
        rows, columns = np.nonzero(~are(self.roles, "padding", "outside"))
        if rows.size:
            top, left = int(rows.min()), int(columns.min())
            area = self.area(top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)
            sheet.patch(x + area[0], y + area[1], area[2], area[3], "hole")


def _span(sizes: tuple[float, ...], first: int, count: int) -> tuple[float, float]:
    start, length = sum(sizes[:first]), sum(sizes[first : first + count])
    more = max(0.0, SMALLEST_FRAME - length)
    return start - more / 2, length + more


def _words(value: float, role: str, places: int | None) -> str:
    """What is written in a cell: nothing in a hole, plain zeros in padding."""
    if places is None or role in ("hole", "outside"):
        return ""
    return number(value, 0 if role == "padding" and value == 0 else places)


def _pattern(sheet: Sheet, role: str, x: float, y: float, wide: float, high: float) -> None:
    """What tells a cell's role without its colour: strokes for padding, a dot for a hole."""
    if role == "padding":
        for step in (0.5, 1.0, 1.5):  # parallel strokes, the middle one from corner to corner
            a, b = max(0.0, step - 1), min(1.0, step)
            ends = [(x + a * wide, y + b * high), (x + b * wide, y + a * high)]
            sheet.line(ends, "hatch", 0.5)
    elif role == "hole":
        middle = y + high / 2
        sheet.line([(x + wide / 2 - 0.6, middle), (x + wide / 2 + 0.6, middle)], "hatch", 1.6)


# ---- numbers


def cell_width(words: Iterable[str], size: float = VALUE_SIZE) -> float:
    """Width of a cell that holds the widest of ``words``."""
    return max((text_width(word, size) for word in words), default=0.0) + 2 * (size - TIGHT)


def numbers(
    values: np.ndarray,
    roles: np.ndarray | str,
    places: int = PLACES,
    *,
    frames: tuple[Frame, ...] = (),
    bold: Iterable[tuple[int, int]] = (),
    size: float = VALUE_SIZE,
    least: float = ROW_HEIGHT,
) -> Plane:
    """A plane whose numbers are written with ``places`` decimals at most.

    All columns are as wide as the widest number, ``least`` points at least; those of padding alone
    are narrower.
    """
    roles = np.full(values.shape, roles, dtype=object) if isinstance(roles, str) else roles
    digits = places_for(values[~are(roles, "hole", "outside")].tolist(), places)
    words = [
        [_words(float(value), role, digits) for value, role in zip(*pair, strict=True)]
        for pair in zip(values, roles, strict=True)
    ]
    bare = np.all(are(roles, *BARE), axis=0)
    widest = max(cell_width((word for row in words for word in row), size), least)
    columns = [
        max(cell_width((row[column] for row in words), size), ROW_HEIGHT)
        if bare[column]
        else widest
        for column in range(values.shape[1])
    ]
    rows = (ROW_HEIGHT,) * values.shape[0]
    return Plane(values, roles, tuple(columns), rows, digits, None, frames, frozenset(bold), size)


def cells(plane: Plane, side: float = ROW_HEIGHT) -> Plane:
    """The plane without its numbers, in cells of one size: what is left of it on a small card."""
    rows, columns = plane.roles.shape
    return Plane(
        plane.values, plane.roles, (side,) * columns, (side,) * rows, None, None, plane.frames
    )


# ---- shades


def shades(
    values: np.ndarray,
    roles: np.ndarray | str,
    size: tuple[float, float],
    scale: Scale,
    frames: tuple[Frame, ...] = (),
) -> Plane:
    """Cells shaded by their numbers: greys where none is negative, as in a photograph; else blue
    below zero and orange above.
    """
    roles = np.full(values.shape, roles, dtype=object) if isinstance(roles, str) else roles
    colours = shaded(values, are(roles, *BARE), scale)
    rows, columns = values.shape
    sizes = (size[0],) * columns, (size[1],) * rows
    return Plane(values, roles, *sizes, None, colours, frames)


def shaded(values: np.ndarray, bare: np.ndarray, scale: Scale) -> np.ndarray:
    """Red, green, blue and opacity of every cell; ``bare`` ones are clear."""
    low, high = scale
    clear = bare | ~np.isfinite(values)
    shown = np.clip(np.where(clear, 0.0, values), low, high)
    out = np.zeros((*values.shape, 4), dtype=np.uint8)
    if low >= 0:
        out[..., :3] = np.rint((shown - low) / (high - low or 1.0) * 255)[..., None]
        out[..., 3] = 255
    else:
        out[..., :3] = np.where((shown < 0)[..., None], BELOW_ZERO, ABOVE_ZERO)
        steps = FEW_STEPS if values.size > MANY else STEPS
        out[..., 3] = np.rint(np.rint(np.abs(shown) / high * steps) / steps * 255)
    out[clear] = 0
    return out


def scale_of(values: np.ndarray, percentile: float = 100.0) -> Scale:
    """Lowest and highest number to shade; around zero where there are negative ones.

    A percentile below 100 leaves the rare extremes out, which would make all else pale.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    if float(finite.min()) >= 0:
        low, high = np.percentile(finite, (100 - percentile, percentile)).tolist()
        return (low, high) if high > low else (float(finite.min()), float(finite.max()))
    most = float(np.percentile(np.abs(finite), percentile)) or float(np.abs(finite).max())
    return -most, most


def fine(shape: tuple[int, ...], room: float) -> tuple[float, float]:
    """Size of a shaded cell of a plane of ``shape`` that is ``room`` wide at most.

    Cells are square, unless the plane would be a mere line.
    """
    size = min(FINE, room / shape[1], room / shape[0])
    return size, max(size, min(STRIP, room / 3 / shape[0]))


def legend(scale: Scale) -> Row:
    """What the shades mean: a bar of them between its two numbers."""
    low, high = scale
    places = places_for(scale, 2)
    steps = np.linspace(low, high, 41)[None]
    bar = shades(steps, "output", (1.6, 8.0), scale)
    ends = [Words(number(end, places), NOTE_SIZE, "muted") for end in scale]
    return Row((ends[0], bar, ends[1]), gap=4)


def fitting(
    values: np.ndarray,
    roles: np.ndarray,
    room: float,
    *,
    frames: tuple[Frame, ...] = (),
    bold: Iterable[tuple[int, int]] = (),
    decimals: Sequence[int | None] = DIGITS,
) -> Plane:
    """Numbers with as many decimals as fit into ``room`` points, else shades."""
    marks = frozenset(bold)

    def candidates() -> Iterator[Box]:
        for places in decimals if values.shape[0] <= MOST_ROWS else ():
            if places is not None:
                for size in (VALUE_SIZE, SMALL):
                    yield numbers(values, roles, places, frames=frames, bold=marks, size=size)
        yield shades(values, roles, fine(values.shape, room), scale_of(values), frames)

    found = first_fitting(candidates(), room)
    assert isinstance(found, Plane)
    return found


# ---- photographs


def photo(values: np.ndarray, side: float, frames: tuple[Frame, ...] = ()) -> Plane:
    """Three channels, from 0 to 1 or from 0 to 255, as red, green and blue; other numbers are
    stretched to that. The longer side is ``side`` points.
    """
    shown = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(0.0, float(shown.min())), float(shown.max())
    if low == 0:
        high = 1.0 if high <= 1 else max(high, 255.0)
    out = np.full((*shown.shape[1:], 4), 255, dtype=np.uint8)
    out[..., :3] = np.rint((np.moveaxis(shown, 0, 2) - low) / (high - low or 1.0) * 255)
    step = side / max(shown.shape[1:])
    rows, columns = shown.shape[1:]
    roles = np.full((rows, columns), "input", dtype=object)
    return Plane(shown[0], roles, (step,) * columns, (step,) * rows, None, out, frames)


# ---- arcs


ARC_ROOM = 15.0
ARC_HEAD = 3.5


@dataclass(frozen=True)
class Copied:
    """A plane with arcs that show which columns, and rows, are copied to others."""

    plane: Plane
    across: tuple[tuple[int, int], ...]
    down: tuple[tuple[int, int], ...]

    @property
    def width(self) -> float:
        return self.plane.width + self._left

    @property
    def height(self) -> float:
        return self.plane.height + self._top

    @property
    def _top(self) -> float:
        return ARC_ROOM if self.across else 0.0

    @property
    def _left(self) -> float:
        return ARC_ROOM if self.down else 0.0

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        left, top = x + self._left, y + self._top
        self.plane.draw(sheet, left, top)
        for start, end in _ends(self.plane.columns, self.across):
            arc = [(left + a, top - b) for a, b in _arc(start, end)]
            sheet.arrow(arc, "window", 0.9, ARC_HEAD)
        for start, end in _ends(self.plane.rows, self.down):
            arc = [(left - b, top + a) for a, b in _arc(start, end)]
            sheet.arrow(arc, "window", 0.9, ARC_HEAD)


def _ends(sizes: tuple[float, ...], arcs: tuple[tuple[int, int], ...]) -> list[tuple[float, float]]:
    middles = (np.cumsum(sizes) - np.array(sizes) / 2).tolist()
    return [(middles[start], middles[end]) for start, end in arcs]


def _arc(start: float, end: float) -> list[tuple[float, float]]:
    """Places along and above a line of an arc over it; higher the farther it goes."""
    rise = min(ARC_ROOM - 2, 4 + abs(end - start) / 14)
    middle, reach = (start + end) / 2, (end - start) / 2
    turns = [pi * step / 16 for step in range(17)]
    return [(middle - reach * cos(turn), 1 + rise * sin(turn)) for turn in turns]


def small(text: str) -> Box:
    """A word between two planes on a small card."""
    return Words(text, 18, "muted") if text else Space(8)
