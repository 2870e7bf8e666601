"""One output cell of a layer: input, window, kernel, products, sums, output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.draw.boxes import (
    Box,
    Column,
    Row,
    Rule,
    Space,
    Words,
    first_fitting,
    heading,
    note,
    titled,
)
from convdocs.draw.picture import PHONE, show
from convdocs.draw.plane import (
    DIGITS,
    MOST_ROWS,
    ROW_HEIGHT,
    SMALL,
    Copied,
    Frame,
    Plane,
    are,
    cell_width,
    cells,
    fine,
    fitting,
    legend,
    numbers,
    scale_of,
    shades,
    small,
)
from convdocs.draw.scene import DrawError, Scene, Slot, scene
from convdocs.draw.sheet import TITLE_SIZE, VALUE_SIZE
from convdocs.draw.units import Unit, depth_of, left_out, named, units
from convdocs.draw.words import alt_text, caption_text, input_words
from convdocs.view.numbers import PLACES, number, places_for

LARGEST = 224  # cells along an axis
MOST_ARCS = 8
MOST_COLUMNS = 224
THUMB = 104.0  # points of a shaded plane beside its kernel
KERNEL_CELL = 9.0  # points of a shaded kernel's cell
TITLE_HEIGHT = Words("").height + 3


def layer(
    layer: nn.Module,
    x: Tensor,
    at: int | Sequence[int] | None = None,
    *,
    sample: int | None = None,
    title: str | None = None,
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw how one output cell comes about.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, transposed convolution, pool or ``Unfold``.
    x : torch.Tensor
        Its input, batched or not.
    at : tuple of int, optional
        Index into the output, as for :func:`convdocs.explain`; the first cell when left out.
    sample : int, optional
        The sample, when ``at`` is given without one.
    title, caption : str, optional
        What is written above and below; the layer's code and a sentence when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    LayerError
        When ``layer`` has no sliding window, ``x`` is no input for it, ``at`` no cell of the
        output, or the input is too large to draw.

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> fig = draw.layer(nn.AvgPool1d(2), torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> draw.describe(fig)
    'AvgPool1d(2) on an input of shape (1, 4)...: ... output[0, 0] = 2.'
    """
    shown = scene(layer, x, at, sample)
    check_size(shown)
    words = caption_text(shown) if caption is None else caption
    head = shown.cell.code if title is None else title
    return show(
        partial(_page, shown, head), alt_text(shown), words, thumb=thumbnail(shown), fig=fig
    )


def check_size(shown: Scene) -> None:
    """Refuse what could not be read."""
    sizes = shown.x.shape[1:]
    if max(sizes) > LARGEST:
        raise DrawError(
            f"an input of {' x '.join(map(str, sizes))} is too large to draw (the most is "
            f"{LARGEST} along an axis); draw a part of it: "
            f"x[..., {', '.join([f':{LARGEST}'] * len(sizes))}]"
        )


def _page(shown: Scene, title: str, room: float) -> Box:
    parts = units(shown)
    plans = _plans(parts, room)
    body = first_fitting((_Working(shown, parts, plan, room).box() for plan in plans), room)
    return Column((heading(title, room, input_words(shown)), body), gap=8)


# ---- how much is shown


@dataclass(frozen=True)
class _Plan:
    """How much of the working a page shows, and how.

    Parameters
    ----------
    places : int or None
        Decimals of the input's numbers; None shades them.
    kernel : int or None
        Decimals of the kernel's and the products' numbers; None shades the kernel.
    products : bool
        Whether the products are shown.
    beside : bool
        Whether kernel and products are beside the input, else below it.
    size : float
        Points of the digits.
    """

    places: int | None
    kernel: int | None
    products: bool
    beside: bool
    size: float


def _plans(parts: list[Unit], room: float) -> Iterator[_Plan]:
    """From the most telling to the tersest."""
    looks = list(product((True, False), (True, False), (VALUE_SIZE, SMALL)))
    if max(unit.values.shape[0] for unit in parts) <= MOST_ROWS:
        for digits in filter(None, DIGITS):
            yield from (_Plan(digits, digits, *look) for look in looks)
    for places in DIGITS:
        yield from (_Plan(None, places, *look) for look in looks if places or not look[0])


class _Working:
    """The working of one cell by a plan: rows of input, kernel, products, and a sum at the right
    end, which are added up below one another as on paper.
    """

    def __init__(self, shown: Scene, parts: list[Unit], plan: _Plan, room: float) -> None:
        self.shown, self.parts, self.plan, self.room = shown, parts, plan, room
        self.weighted = shown.cell.terms[0].weight is not None
        self.several = self.weighted and len(shown.channels) * depth_of(shown) > 1
        self.left_out = left_out(shown, parts)
        self.steps = _steps(shown, parts, self.several)
        self.direct = self.weighted and not self.several and len(self.steps) == 1
        summed = [value for *_, value, _ in self.steps]
        made = [self._taken("product", unit) for unit in parts] if self.weighted else []
        sums = [float(value) for one in made for value in self._summed(one)]
        self.places = places_for([*summed, *sums], PLACES)
        words = [number(value, self.places) for value in [*summed, *sums]]
        self.cell = max(cell_width(words, plan.size), ROW_HEIGHT)  # of the sums and the output

    def box(self) -> Box:
        """The whole working."""
        alone = self.plan.places is None and len(self.parts) == 1 and self.weighted
        if alone and self.shown.layer.dims > 1:
            return self._photograph(self.parts[0])
        rows = [self._unit(unit) for unit in self.parts]
        end = max((edge for _, edge in rows), default=0.0)
        boxes: list[Box] = [box for box, _ in rows]
        if not self.weighted:
            return self._pool(Column(tuple(boxes), gap=9))
        more, what = self.left_out
        if more > 0 and not self.several:
            boxes.append(note(f"{more} more {what}", self.room))
        steps = self._added()
        output = self._output(self.room)
        between = end - output.width - steps.width
        if between >= 12:
            last: Box = Row((output, Space(between - 16), steps), gap=8, align="top")
        else:
            over = Row((Space(max(0.0, end - steps.width)), steps), gap=0)
            last = Column((over, output), gap=9) if steps.parts else output
        return Column((*boxes, last), gap=9)

    def _pool(self, planes: Column) -> Box:
        """A layer without weights: the planes, what is done to the window, the output."""
        steps, output = self._added(), self._output(self.room)
        more, what = self.left_out
        if more > 0:
            planes = Column((*planes.parts, note(f"{more} more {what}", self.room)), gap=9)
        end = Column((steps, output), gap=9)
        height = planes.parts[0].height - TITLE_HEIGHT
        beside = Row((planes, _sign("→", height), end), gap=10, align="top")
        return first_fitting((beside, Column((planes, end), gap=9)), self.room)

    def _photograph(self, unit: Unit) -> Box:
        """A large input beside its output, and the working below."""
        planes = (titled(*self._input(unit)), self._output(self.room))
        both = first_fitting((Row(planes, gap=12, align="top"), Column(planes, gap=9)), self.room)
        work = Row(tuple(self._work(unit)), gap=5, align="top")
        steps = self._added()
        over = Row((Space(max(0.0, work.width - steps.width)), steps), gap=0)
        return Column((both, work, *((over,) if steps.parts else ())), gap=9)

    def _unit(self, unit: Unit) -> tuple[Box, float]:
        """A plane of the input with the part of the kernel that reads it, and the place across
        where its sum ends.
        """
        plane = titled(*self._input(unit))
        work = self._work(unit)
        if not work:
            return plane, plane.width
        if self.plan.beside:
            row = Row((plane, *work), gap=5, align="top")
            return row, row.width
        below = Row(tuple(work), gap=5, align="top")
        return Column((plane, below), gap=6), below.width

    def _input(self, unit: Unit) -> tuple[Box, str, str]:
        """The plane, its name and a note."""
        shown, plan = self.shown, self.plan
        if plan.places is not None:
            bold = [(row, column) for row, column, *_, role in unit.frames[1:]]
            look = {"size": plan.size, "least": self._least("values", plan.places)}
            plane = numbers(
                unit.values, unit.roles, plan.places, frames=unit.frames, bold=bold, **look
            )
            return with_arcs(plane, [slots for slots, _ in shown.axes[-2:]]), unit.name, ""
        single = len(self.parts) == 1 or shown.layer.dims == 1
        room = THUMB if not single else self.room if shown.layer.dims == 1 else half(self.room)
        frames = unit.frames
        if any(window.dilation > 1 for window in shown.layer.windows):
            taps = zip(*np.nonzero(are(unit.roles, "read")), strict=True)
            frames = (*frames, *((int(row), int(column), 1, 1, "window") for row, column in taps))
        size = fine(unit.values.shape, room)
        return shades(unit.values, unit.roles, size, scale_of(shown.x), frames), unit.name, ""

    def _least(self, what: str, places: int) -> float:
        """The width of a cell that holds any of the units' numbers, so that they are aligned."""
        if what == "values":
            found = [unit.values[~are(unit.roles, "hole", "outside")] for unit in self.parts]
            values = np.concatenate([one[np.isfinite(one)].ravel() for one in found])
        else:
            values = np.concatenate([self._taken(what, unit).ravel() for unit in self.parts])
        if not values.size:
            return ROW_HEIGHT
        digits = places_for(values.tolist(), places)
        return max(
            cell_width((number(value, digits) for value in values.tolist()), self.plan.size),
            ROW_HEIGHT,
        )

    def _taken(self, what: str, unit: Unit) -> np.ndarray:
        found: np.ndarray = self.shown.taken(what)[unit.part]
        return found

    def _work(self, unit: Unit) -> list[Box]:
        """Window, kernel, products and their sum: what the plan has room for."""
        shown, plan, boxes = self.shown, self.plan, list[Box]()
        wanted = []
        if plan.places is None and shown.layer.family != "unfold":
            wanted.append(("", "window", "value", "read"))
        if self.weighted:
            wanted.append(("×" if plan.beside or wanted else "", unit.kernel, "weight", "kernel"))
        if self.weighted and plan.products:
            wanted.append(("=", "products", "product", "product"))
        for mark, title, what, role in wanted:
            plane = self._plane(self._taken(what, unit), what, role)
            if mark:
                boxes.append(_sign(mark, plane.height))
            boxes.append(titled(plane, title))
        if self.weighted:
            boxes += self._sum(unit, boxes[-1].height - TITLE_HEIGHT)
        return boxes

    def _summed(self, made: np.ndarray) -> np.ndarray:
        """The products' sums: one per row in one dimension, else one."""
        sums: np.ndarray = made.sum(axis=1) if self.shown.layer.dims == 1 else made.sum()[None]
        return sums

    def _plane(self, values: np.ndarray, what: str, role: str) -> Plane:
        places = self.plan.kernel
        if places is None:
            return shades(values, role, (KERNEL_CELL, KERNEL_CELL), scale_of(values))
        least = self._least(what, places)
        return numbers(values, role, places, size=self.plan.size, least=least)

    def _sum(self, unit: Unit, height: float) -> list[Box]:
        """What the products add up to: a sum per row in one dimension, else one."""
        made = self._taken("product", unit)
        if self.direct:  # the sum is the output itself
            _, title, value, role = self.steps[0]
            return [_sign("=", height), titled(_lowered(self._one(value, role), height), title)]
        by_row = self._summed(made)
        sums = numbers(
            by_row[:, None], "product", self.places, size=self.plan.size, least=self.cell
        )
        title = "sums" if len(by_row) > 1 else "sum"
        return [_sign("→", height), titled(_lowered(sums, height), title)]

    def _one(self, value: float, role: str) -> Plane:
        bold = [(0, 0)] if role == "lit" else []
        frames = ((0, 0, 1, 1, "lit frame"),) if role == "lit" else ()
        look = {"size": self.plan.size, "least": self.cell}
        values = np.array([[value]])
        return numbers(values, role, self.places, bold=bold, frames=frames, **look)

    def _added(self) -> Column:
        """What comes to the sums, and the output, one below the other."""
        rows: list[Box] = []
        for place, (mark, title, value, role) in enumerate(() if self.direct else self.steps):
            if role == "lit" and (place or self.several):
                rows.append(Rule(self.cell + 12))
            weight = "bold" if role == "lit" else "normal"
            label = Words(f"{mark} {title}".strip(), weight=weight)
            rows.append(Row((label, self._one(value, role)), gap=6))
        return Column(tuple(rows), gap=3, align="right")

    def _output(self, room: float) -> Box:
        return output_plane(self.shown, room)


def _sign(words: str, height: float) -> Box:
    """An operator beside titled planes of ``height``, level with their middle."""
    mark = Words(words, TITLE_SIZE + 2, "muted")
    return Column((Space(0, TITLE_HEIGHT + (height - mark.height) / 2), mark), gap=0)


def _lowered(box: Box, height: float) -> Box:
    """A box level with the middle of planes of ``height``."""
    space = (height - box.height) / 2
    return Column((Space(0, space), box), gap=0) if space > 0 else box


def _steps(shown: Scene, parts: list[Unit], several: bool) -> list[tuple[str, str, float, str]]:
    """From the sums that are shown to the output cell: sign, name, number and role."""
    cell = shown.cell
    name = named("output", *cell.at)
    count = sum(term.index is not None for term in cell.terms)
    total = float(sum(term.product for term in cell.terms))
    match cell.family:
        case "unfold":
            return [("", f"copied to {name}", cell.value, "lit")]
        case "max":
            return [("", f"largest of {count} = {name}", cell.value, "lit")]
        case "average":
            cells_ = float(cell.divisor or 1)
            return [("", f"sum of {count}", total, "product"),
                    ("÷", "cells", cells_, "kernel"), ("=", name, cell.value, "lit")]  # fmt: skip
        case "lp":
            return _powers(shown, name, total)
    steps = []
    more, what = left_out(shown, parts)
    if more > 0 and several:
        products = shown.taken("product")
        pieces = products.reshape((-1, *products.shape[-2:])) if depth_of(shown) > 1 else products
        steps.append(("+", f"{more} more {what}", float(pieces[len(pieces) - more :].sum()),
                      "product"))  # fmt: skip
    if cell.bias is not None:
        steps.append(("+", named("bias", shown.channel), cell.bias, "kernel"))
    return [*steps, ("=", name, cell.value, "lit")]


def _powers(shown: Scene, name: str, total: float) -> list[tuple[str, str, float, str]]:
    cell = shown.cell
    power = cell.power or 1.0
    if abs(power) == np.inf:
        extreme = "smallest" if power < 0 else "largest"
        return [("", f"{extreme} |x| = {name}", cell.value, "lit")]
    steps = [("", f"sum of |x|^{number(power, places_for([power], 2))}", total, "product")]
    if cell.divisor is not None:
        steps.append(("÷", "cells", cell.divisor, "kernel"))
    return [*steps, ("^", "1 / p", 1 / power, "kernel"), ("=", name, cell.value, "lit")]


# ---- planes


def with_arcs(plane: Plane, axes: Sequence[Sequence[Slot]]) -> Box:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    arcs = [_copies(slots) for slots in axes]
    if not any(arcs) or sum(map(len, arcs)) > MOST_ARCS:
        return plane
    return Copied(plane, arcs[-1], arcs[0] if len(arcs) > 1 else ())


def _copies(slots: Sequence[Slot]) -> tuple[tuple[int, int], ...]:
    """From which slot each padding slot is copied."""
    at = {slot.cell: place for place, slot in enumerate(slots) if slot.role == "input"}
    return tuple(
        (at[slot.cell], place)
        for place, slot in enumerate(slots)
        if slot.role == "padding" and slot.cell is not None
    )


def output_plane(shown: Scene, room: float) -> Box:
    """The output channel (all of them in one dimension) with the cell lit."""
    flat = shown.y.ndim == 2
    plane = shown.y if flat else shown.y[(shown.channel, *shown.place[:-2])]
    row, column = (shown.channel, *shown.place) if flat else shown.place[-2:]
    roles = np.full(plane.shape, "output", dtype=object)
    roles[row, column] = "lit"
    frames: tuple[Frame, ...] = ((row, column, 1, 1, "lit frame"),)
    if shown.layer.family == "unfold":
        frames = ((0, column, plane.shape[0], 1, "window"), *frames)
    name = named("output", shown.sample, *(() if flat else (shown.channel, *shown.place[:-2])))
    words = [f"of shape {shown.cell.output_shape}"]
    if flat:
        rows, said = _around(row, plane.shape[0], MOST_ROWS, "rows")
        columns, more = _around(column, plane.shape[1], MOST_COLUMNS, "columns")
        plane, roles, words = plane[rows, columns], roles[rows, columns], [*words, *said, *more]
        frames = tuple(_cropped(frame, rows.start, columns.start, plane) for frame in frames)
        row, column = row - rows.start, column - columns.start
    room = room if flat else half(room)
    box: Box = fitting(plane, roles, room, frames=frames, bold=[(row, column)])
    if isinstance(box, Plane) and box.pixels is not None:
        box = Column((box, legend(scale_of(plane))), gap=3)
    return titled(box, name, "; ".join(words))


def half(room: float) -> float:
    """What a large plane takes of the page, so that another one fits beside it."""
    return room if room <= PHONE else (room - 12) / 2


def _around(place: int, size: int, most: int, what: str) -> tuple[slice, list[str]]:
    """A part of an axis around a place, and a note when it is not all of it."""
    if size <= most:
        return slice(0, size), []
    start = min(max(0, place - most // 2), size - most)
    return slice(start, start + most), [f"{what} {start} to {start + most - 1} of {size}"]


def _cropped(frame: Frame, top: int, left: int, plane: np.ndarray) -> Frame:
    row, column, rows, columns, role = frame
    return max(row - top, 0), column - left, min(rows, plane.shape[0]), columns, role


def thumbnail(shown: Scene) -> Box:
    """The first plane of the input and the output, without numbers."""
    unit = units(shown)[0]
    out = shown.y if shown.y.ndim == 2 else shown.y[(shown.channel, *shown.place[:-2])]
    row, column = (shown.channel, *shown.place) if shown.y.ndim == 2 else shown.place[-2:]
    lit = np.full(out.shape, "output", dtype=object)
    lit[row, column] = "lit"
    frames = ((row, column, 1, 1, "lit frame"),)
    if max(*unit.values.shape, *out.shape) > MOST_ROWS:
        size = fine(unit.values.shape, 120.0)
        left = shades(unit.values, unit.roles, size, scale_of(shown.x), unit.frames)
        right = shades(out, lit, fine(out.shape, 120.0), scale_of(out), frames)
    else:
        blank = np.zeros(unit.values.shape)
        left = cells(numbers(blank, unit.roles, frames=unit.frames))
        right = cells(numbers(np.zeros(out.shape), lit, frames=frames))
    return Row((left, small("→"), right), gap=8)
