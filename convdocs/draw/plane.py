"""A plane of cells: numbers that are written out, shades of them, a photograph, or one field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, cos, isfinite, pi, sin

import numpy as np
from torch import Tensor

from convdocs.draw.boxes import MIDDLE, Box, Column, Row, Words, first_fitting
from convdocs.draw.palette import ABOVE_ZERO, BELOW_ZERO
from convdocs.draw.sheet import NOTE_SIZE, PATCHES, VALUE_SIZE, Points, Sheet, text_width
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
Digits = tuple[int | None, float]  # decimals, None for shades, and the points of the digits
# the one rule of what is written: many decimals, fewer, and shades at last
DIGITS: tuple[Digits, ...] = (
    *((places, size) for places in range(PLACES, 0, -1) for size in (VALUE_SIZE, SMALL)),
    (None, VALUE_SIZE),
)

Frame = tuple[int, int, int, int, str]  # row, column, rows, columns, role
Area = tuple[float, float, float, float]  # left, top, width, height
Size = tuple[float, float]  # of a cell
Scale = tuple[float, float]  # the lowest and the highest number that have a shade
Pairs = Sequence[tuple[int, int]]
Roles = np.ndarray | str  # of each cell, or of all


def array(tensor: Tensor) -> np.ndarray:
    numbers: np.ndarray = tensor.detach().to("cpu").double().numpy()
    return numbers


@dataclass(eq=False)
class Plane(Box):
    """Cells in rows and columns, each with a number and a role, some of them framed.

    Without decimals the numbers are left out; with pixels the cells are an image; with one role
    for all they are a field on which frames are filled.
    """

    values: np.ndarray
    roles: Roles
    columns: Sequence[float]
    rows: Sequence[float]
    frames: Sequence[Frame] = ()
    digits: Digits = (None, VALUE_SIZE)
    pixels: np.ndarray | None = None
    scale: Scale | None = None  # of the pixels that are shades
    across: Pairs = ()  # which columns are copied to which, shown by arcs
    down: Pairs = ()  # and which rows

    def __post_init__(self) -> None:
        self.corner = (0.0, 0.0)  # where it was drawn last
        self.width = sum(self.columns) + ARC_ROOM * bool(self.down)
        self.height = sum(self.rows) + ARC_ROOM * bool(self.across)

    def area(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Area:
        """Left, top, width and height of some cells where they were drawn; never tiny."""
        spans = []
        for sizes, first, count in ((self.columns, column, columns), (self.rows, row, rows)):
            length = sum(sizes[first : first + count])
            more = 0.0 if self.pixels is None else max(0.0, SMALLEST_FRAME - length)
            spans.append((sum(sizes[:first]) - more / 2, length + more))
        (x, wide), (y, high) = spans
        return self.corner[0] + x, self.corner[1] + y, wide, high

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        self.corner = x, y = x + ARC_ROOM * bool(self.down), y + ARC_ROOM * bool(self.across)
        if isinstance(self.roles, str):
            self._field(sheet, x, y, self.roles)
        elif self.pixels is None:
            self._cells(sheet, x, y, self.roles)
        else:
            self._image(sheet, x, y, self.roles, self.pixels)
        for *cells, role in self.frames:
            for edge in (role,) if self.pixels is None else ("halo", role):
                sheet.frame(*self.area(*cells), edge)
        for arc in _arcs(self.columns, self.across):
            sheet.arrow([(x + a, y - b) for a, b in arc], "window", 0.9, ARC_HEAD)
        for arc in _arcs(self.rows, self.down):
            sheet.arrow([(x - b, y + a) for a, b in arc], "window", 0.9, ARC_HEAD)

    def _field(self, sheet: Sheet, x: float, y: float, role: str) -> None:
        sheet.cell(x, y, self.width, self.height, role)
        if self.columns[0] >= LINED and self.values.size > 1:
            sheet.grid(x, y, self.columns, self.rows)
        for *cells, _ in self.frames:
            sheet.cell(*self.area(*cells), "read", PATCHES)

    def _cells(self, sheet: Sheet, x: float, y: float, roles: np.ndarray) -> None:
        bold = {frame[:2] for frame in self.frames if frame[4] == "lit frame"}
        places, size = self.digits
        lefts = [x, *(x + np.cumsum(self.columns)).tolist()]
        tops = [y, *(y + np.cumsum(self.rows)).tolist()]
        for (row, column), role in np.ndenumerate(roles):
            left, top, wide, high = lefts[column], tops[row], self.columns[column], self.rows[row]
            middle, centre = left + wide / 2, top + high / 2
            sheet.cell(left, top, wide, high, role)
            if role == "padding":
                _hatch(sheet, left, top, wide, high, (wide + high) / 4)
            elif role == "hole":  # a dot
                sheet.line([(middle - 0.6, centre), (middle + 0.6, centre)], "hatch", 1.6)
            if places is not None and role not in ("hole", "outside"):
                value = float(self.values[row, column])
                words = number(value, 0 if role == "padding" and value == 0 else places)
                weight = "bold" if (row, column) in bold else "normal"
                ink = "muted" if role == "padding" else "ink"
                sheet.text(middle, centre, words, size=size, weight=weight, role=ink)

    def _image(
        self, sheet: Sheet, x: float, y: float, roles: np.ndarray, pixels: np.ndarray
    ) -> None:
        wide, high = self.columns[0], self.rows[0]
        whole, bare = self.area(0, 0, *roles.shape), np.isin(roles, BARE)
        if bare.any():  # padding all over, and a clear field for the input
            sheet.cell(*whole, "padding")
            _hatch(sheet, *whole, STROKES)
            inner = np.argwhere(~np.isin(roles, ("padding", "outside")))
            if inner.size:
                first, last = inner.min(axis=0), inner.max(axis=0)
                cells = (*first.tolist(), *(last - first + 1).tolist())
                sheet.cell(*self.area(*cells), "hole", PATCHES)
        sheet.image(*whole, pixels)
        columns = self.columns if wide >= LINED else [whole[2]]
        sheet.grid(x, y, columns, self.rows if high >= LINED else [whole[3]])
        for row, column in zip(*np.nonzero(~np.isfinite(self.values) & ~bare), strict=True):
            left, top = x + column * wide, y + row * high
            sheet.line([(left, top), (left + wide, top + high)], "ink", 0.9)
            sheet.line([(left + wide, top), (left, top + high)], "ink", 0.9)


def _hatch(sheet: Sheet, x: float, y: float, wide: float, high: float, apart: float) -> None:
    """Parallel strokes, which tell padding without its colour."""
    for step in np.arange(apart, wide + high - 0.01, apart).tolist():
        start = (x + max(0.0, step - high), y + min(step, high))
        sheet.line([start, (x + min(step, wide), y + max(0.0, step - wide))], "hatch", 0.5)


def _arcs(sizes: Sequence[float], pairs: Pairs) -> Iterator[Points]:
    """Places along a line of cells and above it, of an arc over each pair; higher the farther."""
    middles = (np.cumsum(sizes) - np.array(sizes) / 2).tolist()
    turns = [pi * step / 16 for step in range(17)]
    for start, end in ((middles[a], middles[b]) for a, b in pairs):
        rise = min(ARC_ROOM - 2, 4 + abs(end - start) / 14)
        middle, reach = (start + end) / 2, (end - start) / 2
        yield [(middle - reach * cos(turn), 1 + rise * sin(turn)) for turn in turns]


def numbers(
    values: np.ndarray,
    roles: Roles,
    digits: Digits = DIGITS[0],
    frames: Sequence[Frame] = (),
    like: Sequence[float] = (),
    size: Size = (FINE, FINE),
    scale: Scale | None = None,
    weight: str = "normal",
) -> Plane:
    """A plane whose numbers are written out; without decimals in shades, its cells of ``size``.

    All columns are as wide as the widest number, framed in bold or not, those of ``like`` in
    ``weight`` included; columns of padding alone are narrower.
    """
    if digits[0] is None:
        return shades(values, roles, size, scale, frames)
    roles = np.broadcast_to(np.array(roles, object), values.shape)
    real = values[~np.isin(roles, ("hole", "outside"))].tolist()
    shown = places_for(real, digits[0]), digits[1]
    bold = tuple(float(values[frame[:2]]) for frame in frames if frame[4] == "lit frame")
    others = places_for(like, digits[0]), digits[1]
    wide = max(
        _width(tuple(real), shown),
        _width(tuple(like), others, weight),
        _width(bold, shown, "bold"),
    )
    padding = np.where((roles == "padding") & (values != 0), values, np.nan)
    narrow = np.all(np.isin(roles, BARE), axis=0)
    columns = [
        _width(tuple(padding[:, at]), shown) if narrow[at] else wide for at in range(len(narrow))
    ]  # fmt: skip
    return Plane(values, roles, columns, [CELL] * len(values), frames, shown)


@lru_cache(maxsize=256)
def _width(values: tuple[float, ...], digits: Digits, weight: str = "normal") -> float:
    """Points of a column of numbers, rounded up."""
    places, size = digits
    words = (number(value, places or 0) for value in values if isfinite(value))
    widest = max((text_width(word, size, weight) for word in words), default=0.0)
    beside = size - TIGHT - (weight == "bold")  # a little less beside one that is framed
    return max(ceil(10 * (widest + 2 * beside)) / 10, CELL)


def bare(plane: Plane) -> Plane:
    """The plane without its numbers, in cells of one size: what is left of it on a small card."""
    if plane.pixels is not None:
        return plane
    rows, columns = plane.values.shape
    return replace(plane, columns=[CELL] * columns, rows=[CELL] * rows, digits=DIGITS[-1])


def ways(rows: int) -> Sequence[Digits]:
    """How to show so many rows of numbers, from the most telling way to the tersest."""
    return DIGITS if rows <= MOST_ROWS else DIGITS[-1:]


def fitting(
    values: np.ndarray,
    roles: Roles,
    room: float,
    frames: Sequence[Frame] = (),
    scale: Scale | None = None,
) -> Plane:
    """Numbers with as many decimals as fit into ``room`` points, else shades."""
    planes = (
        numbers(values, roles, digits, frames, size=fine(values.shape, room), scale=scale)
        for digits in ways(len(values))
    )
    return first_fitting(planes, room)


def shades(
    values: np.ndarray,
    roles: Roles,
    size: Size,
    scale: Scale | None = None,
    frames: Sequence[Frame] = (),
) -> Plane:
    """Cells shaded by their numbers: greys where none is negative, as in a photograph; else blue
    below zero and orange above; padding and holes are clear.
    """
    roles = np.broadcast_to(np.array(roles, object), values.shape)
    low, high = scale = scale or scale_of(values)
    clear = np.isin(roles, BARE) | ~np.isfinite(values)
    shown = np.clip(np.where(clear, 0.0, values), low, high)
    pixels = np.full((*values.shape, 4), 255, dtype=np.uint8)
    if low >= 0:
        pixels[..., :3] = np.rint((shown - low) / (high - low or 1.0) * 255)[..., None]
    else:
        steps = FEW_STEPS if values.size > MANY else STEPS
        pixels[..., :3] = np.where((shown < 0)[..., None], BELOW_ZERO, ABOVE_ZERO)
        pixels[..., 3] = np.rint(np.rint(np.abs(shown) / high * steps) / steps * 255)
    pixels[clear] = 0
    rows, columns = values.shape
    sizes = [size[0]] * columns, [size[1]] * rows
    return Plane(values, roles, *sizes, frames, pixels=pixels, scale=scale)


def photo(
    values: np.ndarray,
    role: str,
    side: float,
    scale: Scale | None = None,
    frames: Sequence[Frame] = (),
) -> Plane:
    """Shades, the longer side ``side`` points; three channels are a photograph, of others the
    first is shown.

    Those from 0 to 1 or from 0 to 255 are red, green and blue; other numbers are stretched to that.
    """
    step = side / max(values.shape[-2:])
    first, *rest = values if values.ndim == 3 else values[None]
    plane = shades(first, role, (step, step), scale, frames)
    if len(rest) == 2:
        shown = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = min(0.0, float(shown.min())), float(shown.max())
        if low == 0:
            high = 1.0 if high <= 1 else max(high, 255.0)
        colours = np.rint((np.moveaxis(shown, 0, 2) - low) / (high - low or 1.0) * 255)
        opaque = np.full(first.shape, 255)
        plane.pixels = np.dstack([colours, opaque]).astype(np.uint8)
    return plane


def scale_of(values: np.ndarray, percentile: float = 100.0, *, signed: bool = False) -> Scale:
    """Lowest and highest number to shade; around zero where there are negative ones.

    A percentile below 100 leaves the rare extremes out, which would make all else pale.
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    if signed or finite.min() < 0:
        sizes = np.abs(finite)
        most = float(np.percentile(sizes, percentile) or sizes.max() or 1.0)
        return -most, most
    low, high = np.percentile(finite, (100 - percentile, percentile)).tolist()
    return (low, high) if high > low else (float(finite.min()), float(finite.max()))


def fine(shape: tuple[int, ...], room: float) -> Size:
    """Size of a shaded cell of a plane of ``shape`` that is ``room`` wide at most.

    Cells are square, unless the plane would be a mere line.
    """
    size = min(FINE, room / shape[1], room / shape[0])
    return size, max(size, min(STRIP, room / 3 / shape[0]))


def legend(scale: Scale, of: str = "") -> Row:
    """What the shades of something mean: a bar of them between its two numbers."""
    places, name = places_for(scale, 2), [Words(of, NOTE_SIZE, "muted")] if of else []
    bar = shades(np.linspace(*scale, 41)[None], "output", (1.6, 8.0), scale)
    low, high = (Words(number(end, places), NOTE_SIZE, "muted") for end in scale)
    return Row((*name, low, bar, high), 4, MIDDLE)


def field(shape: tuple[int, ...], role: str, size: Size, *frames: Frame) -> Plane:
    """A plane of cells of a ``size`` that are not told apart."""
    rows, columns = shape
    nothing = np.broadcast_to(0.0, shape)
    return Plane(nothing, role, [size[0]] * columns, [size[1]] * rows, frames)


def keyed(plane: Plane, gap: float = 3.0) -> Column:
    """A plane above its legend where it is shaded."""
    key = () if plane.scale is None else (legend(plane.scale),)
    return Column((plane, *key), gap)
