"""A plane of cells: numbers that are written out, shades of them, or a photograph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from torch import Tensor

from convdocs.draw.boxes import MIDDLE, Row, Words, first_fitting
from convdocs.draw.palette import ABOVE_ZERO, BELOW_ZERO
from convdocs.draw.sheet import NOTE_SIZE, VALUE_SIZE, Sheet, text_width
from convdocs.view.numbers import PLACES, number, places_for

CELL = 20.0  # points of a cell with a number
SMALL = 8.0  # points of digits where larger ones do not fit
TIGHT = 5.0  # points of a digit's size that are not left free beside a number
MOST_ROWS = 12  # of numbers that are written out
FINE = 12.0  # points of a shaded cell
STRIP = 14.0  # points of a shaded row where there are few
LINED = 5.0  # points of a cell from which on cells have borders
SMALLEST_FRAME = 6.0
STEPS = 127  # from clear to blue, and to orange: with them an image has at most 256 colours
FEW_STEPS, MANY = 16, 4096  # in an image of many pixels more are not seen, and take twice the bytes
STROKES = 6.0  # between the strokes of padding
CONTRAST = 99.0  # percentile of the sizes that has the full shade
ARC_ROOM, ARC_HEAD = 15.0, 3.5
BARE = ("padding", "hole", "outside")  # not the layer's numbers
# decimals and the points of the digits, and shades at last: the one rule of what is written
DIGITS: tuple[tuple[int | None, float], ...] = (
    *((places, size) for places in range(PLACES, 0, -1) for size in (VALUE_SIZE, SMALL)),
    (None, VALUE_SIZE),
)

Frame = tuple[int, int, int, int, str]  # row, column, rows, columns, role
Area = tuple[float, float, float, float]  # left, top, width, height
Scale = tuple[float, float]  # the lowest and the highest number that have a shade
Pairs = tuple[tuple[int, int], ...]


def array(tensor: Tensor) -> np.ndarray:
    """A tensor's numbers in double precision."""
    numbers: np.ndarray = tensor.detach().to("cpu").double().numpy()
    return numbers


def are(roles: np.ndarray, *wanted: str) -> np.ndarray:
    """Where a cell has one of some roles."""
    where: np.ndarray = np.isin(roles, wanted)
    return where


@dataclass(frozen=True)
class Plane:
    """Cells in rows and columns, each with a number and a role, some of them framed."""

    values: np.ndarray
    roles: np.ndarray  # see convdocs.draw.palette.ROLES
    columns: tuple[float, ...]  # points
    rows: tuple[float, ...]
    places: int | None = None  # decimals; None leaves the numbers out
    pixels: np.ndarray | None = None  # (rows, columns, 4): the cells are an image
    frames: tuple[Frame, ...] = ()
    size: float = VALUE_SIZE
    across: Pairs = ()  # which columns are copied to which, shown by arcs; and which rows
    down: Pairs = ()

    @property
    def width(self) -> float:
        return sum(self.columns) + self._left

    @property
    def height(self) -> float:
        return sum(self.rows) + self._top

    @property
    def _left(self) -> float:
        return ARC_ROOM if self.down else 0.0

    @property
    def _top(self) -> float:
        return ARC_ROOM if self.across else 0.0

    def area(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Area:
        """Left, top, width and height of some cells, from the plane's corner; never tiny."""
        left, wide = _span(self.columns, column, columns)
        top, high = _span(self.rows, row, rows)
        return left + self._left, top + self._top, wide, high

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        if self.pixels is None:
            self._cells(sheet, x + self._left, y + self._top)
        else:
            self._image(sheet, x, y, self.pixels)
        for *cells, role in self.frames:
            left, top, wide, high = self.area(*cells)
            mark = sheet.frame if self.pixels is None else sheet.halo
            mark(x + left, y + top, wide, high, role)
        for start, end in _ends(self.columns, self.across):
            arc = [(x + self._left + a, y + self._top - b) for a, b in _arc(start, end)]
            sheet.arrow(arc, "window", 0.9, ARC_HEAD)
        for start, end in _ends(self.rows, self.down):
            arc = [(x + self._left - b, y + self._top + a) for a, b in _arc(start, end)]
            sheet.arrow(arc, "window", 0.9, ARC_HEAD)

    def _cells(self, sheet: Sheet, x: float, y: float) -> None:
        lefts = [x, *(x + np.cumsum(self.columns)).tolist()]
        tops = [y, *(y + np.cumsum(self.rows)).tolist()]
        bold = {frame[:2] for frame in self.frames if frame[4] == "lit frame"}
        for (row, column), role in np.ndenumerate(self.roles):
            left, top, wide, high = lefts[column], tops[row], self.columns[column], self.rows[row]
            sheet.cell(left, top, wide, high, role)
            _pattern(sheet, role, left, top, wide, high)
            words = _words(float(self.values[row, column]), role, self.places)
            if words:
                sheet.text(left + wide / 2, top + high / 2, words, size=self.size,
                           weight="bold" if (row, column) in bold else "normal",
                           role="muted" if role == "padding" else "ink")  # fmt: skip

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
        for step in np.arange(STROKES, self.width + self.height, STROKES).tolist():
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


def _ends(sizes: tuple[float, ...], arcs: Pairs) -> list[tuple[float, float]]:
    middles = (np.cumsum(sizes) - np.array(sizes) / 2).tolist()
    return [(middles[start], middles[end]) for start, end in arcs]


def _arc(start: float, end: float) -> list[tuple[float, float]]:
    """Places along and above a line of an arc over it; higher the farther it goes."""
    rise = min(ARC_ROOM - 2, 4 + abs(end - start) / 14)
    middle, reach = (start + end) / 2, (end - start) / 2
    turns = [pi * step / 16 for step in range(17)]
    return [(middle - reach * cos(turn), 1 + rise * sin(turn)) for turn in turns]


# ---- numbers


def width_of(values: np.ndarray, places: int, size: float = VALUE_SIZE) -> float:
    """Width of a cell that holds any of some numbers."""
    finite = values[np.isfinite(values)].tolist()
    digits = places_for(finite, places)
    words = {number(value, digits) for value in finite}
    widest = max((text_width(word, size) for word in words), default=0.0)
    return max(widest + 2 * (size - TIGHT), CELL)


def numbers(
    values: np.ndarray,
    roles: np.ndarray | str,
    places: int = PLACES,
    *,
    frames: tuple[Frame, ...] = (),
    size: float = VALUE_SIZE,
    least: float = CELL,
) -> Plane:
    """A plane whose numbers are written with ``places`` decimals at most.

    All columns are as wide as the widest number, ``least`` points at least; those of padding alone
    are narrower.
    """
    roles = _full(values, roles)
    real = values[~are(roles, "hole", "outside")]
    digits = places_for(real.tolist(), places)
    bare = np.all(are(roles, *BARE), axis=0)
    wide = max(width_of(real, places, size), least)
    padding = np.where(are(roles, "padding"), values, np.nan)
    columns = [width_of(padding[:, at], digits, size) if bare[at] else wide
               for at in range(values.shape[1])]  # fmt: skip
    return Plane(values, roles, tuple(columns), (CELL,) * len(values), digits, None, frames, size)


def _full(values: np.ndarray, roles: np.ndarray | str) -> np.ndarray:
    return np.full(values.shape, roles, dtype=object) if isinstance(roles, str) else roles


def bare(plane: Plane) -> Plane:
    """The plane without its numbers, in cells of one size: what is left of it on a small card."""
    rows, columns = plane.roles.shape
    sizes = (CELL,) * columns, (CELL,) * rows
    return Plane(plane.values, plane.roles, *sizes, frames=plane.frames, across=plane.across,
                 down=plane.down)  # fmt: skip


def fitting(
    values: np.ndarray, roles: np.ndarray | str, room: float, frames: tuple[Frame, ...] = ()
) -> Plane:
    """Numbers with as many decimals as fit into ``room`` points, else shades."""

    def candidates() -> Iterator[Plane]:
        for places, size in DIGITS if len(values) <= MOST_ROWS else ():
            if places is not None:
                yield numbers(values, roles, places, frames=frames, size=size)
        yield shades(values, roles, fine(values.shape, room), scale_of(values), frames)

    plane = first_fitting(candidates(), room)
    assert isinstance(plane, Plane)
    return plane


# ---- shades and photographs


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
    roles = _full(values, roles)
    return _pixels(values, roles, size, shaded(values, are(roles, *BARE), scale), frames)


def _pixels(
    values: np.ndarray,
    roles: np.ndarray,
    size: tuple[float, float],
    pixels: np.ndarray,
    frames: tuple[Frame, ...],
) -> Plane:
    rows, columns = values.shape
    sizes = (size[0],) * columns, (size[1],) * rows
    return Plane(values, roles, *sizes, None, pixels, frames)


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
        steps = FEW_STEPS if values.size > MANY else STEPS
        out[..., :3] = np.where((shown < 0)[..., None], BELOW_ZERO, ABOVE_ZERO)
        out[..., 3] = np.rint(np.rint(np.abs(shown) / high * steps) / steps * 255)
    out[clear] = 0
    return out


def scale_of(values: np.ndarray, percentile: float = 100.0, *, signed: bool = False) -> Scale:
    """Lowest and highest number to shade; around zero where there are negative ones.

    A percentile below 100 leaves the rare extremes out, which would make all else pale.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    if not signed and float(finite.min()) >= 0:
        low, high = np.percentile(finite, (100 - percentile, percentile)).tolist()
        return (low, high) if high > low else (float(finite.min()), float(finite.max()))
    most = float(np.percentile(np.abs(finite), percentile)) or float(np.abs(finite).max()) or 1.0
    return -most, most


def fine(shape: tuple[int, ...], room: float) -> tuple[float, float]:
    """Size of a shaded cell of a plane of ``shape`` that is ``room`` wide at most.

    Cells are square, unless the plane would be a mere line.
    """
    size = min(FINE, room / shape[1], room / shape[0])
    return size, max(size, min(STRIP, room / 3 / shape[0]))


def legend(scale: Scale) -> Row:
    """What the shades mean: a bar of them between its two numbers."""
    places = places_for(scale, 2)
    bar = shades(np.linspace(*scale, 41)[None], "output", (1.6, 8.0), scale)
    low, high = (Words(number(end, places), NOTE_SIZE, "muted") for end in scale)
    return Row((low, bar, high), 4, MIDDLE)


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
    return _pixels(shown[0], _full(shown[0], "input"), (step, step), out, frames)
