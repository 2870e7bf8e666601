"""One output cell of a layer: input, window, kernel, products, sums, output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.draw.boxes import (
    END,
    MIDDLE,
    Box,
    Column,
    Row,
    Space,
    Words,
    first_fitting,
    note,
    page,
    titled,
)  # fmt: skip
from convdocs.draw.picture import PHONE, show
from convdocs.draw.plane import (
    DIGITS,
    MOST_ROWS,
    Frame,
    Plane,
    are,
    bare,
    fine,
    fitting,
    legend,
    numbers,
    scale_of,
    shades,
    width_of,
)  # fmt: skip
from convdocs.draw.scene import LARGEST, Scene, Slot, scene
from convdocs.draw.sheet import TITLE_SIZE
from convdocs.draw.units import Unit, depth_of, left_out, named, units
from convdocs.draw.words import alt_text, caption_text, input_words
from convdocs.view.numbers import PLACES, number, places_for

MOST_ARCS = 8
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
    words = caption_text(shown) if caption is None else caption
    layout = partial(_page, shown, shown.cell.code if title is None else title)
    return show(layout, alt_text(shown), words, thumb=thumbnail(shown), place=fig)


def _page(shown: Scene, title: str, room: float) -> Box:
    parts = units(shown)
    plans = (_Working(shown, parts, plan, room).box() for plan in _plans(parts))
    return page(room, title, input_words(shown), first_fitting(plans, room))


class _Plan(NamedTuple):
    """How much of the working a page shows, and how."""

    places: int | None  # decimals of the input's numbers; None shades them
    kernel: int | None  # decimals of the kernel and the products; None shades the kernel
    size: float  # of the digits
    products: bool  # are shown
    beside: bool  # are kernel and products beside the input, else below it


def _plans(parts: list[Unit]) -> Iterator[_Plan]:
    """From the most telling to the tersest."""
    written = max(len(unit.values) for unit in parts) <= MOST_ROWS
    for shaded in (False, True) if written else (True,):
        for places in dict.fromkeys(places for places, _ in DIGITS if places or shaded):
            sizes = [size for decimals, size in DIGITS if decimals == places]
            for products, beside, size in product((True, False), (True, False), sizes):
                if places or not products:
                    yield _Plan(None if shaded else places, places, size, products, beside)


class _Step(NamedTuple):
    """A number on the way from the sums to the output."""

    sign: str
    name: str
    value: float
    role: str


class _Working:
    """The working of one cell by a plan: rows of input, kernel, products, and a sum at the right
    end, which are added up below one another as on paper.
    """

    def __init__(self, shown: Scene, parts: list[Unit], plan: _Plan, room: float) -> None:
        self.shown, self.parts, self.plan, self.room = shown, parts, plan, room
        self.several = shown.weighted and len(shown.channels) * depth_of(shown) > 1
        self.steps = _steps(shown, parts, self.several)
        # a single sum without a bias is the output itself, and is shown as that alone
        self.direct = shown.weighted and not self.several and len(self.steps) == 1
        sums = [self._sums(unit) for unit in parts] if shown.weighted else []
        ends = np.concatenate([np.array([step.value for step in self.steps]), *sums])
        self.places = places_for(ends.tolist(), PLACES)
        self.cell = width_of(ends, PLACES, plan.size)

    def _sums(self, unit: Unit) -> np.ndarray:
        """The products' sums: one per row in one dimension, else one."""
        products = self.shown.taken("product")[unit.part]
        flat = self.shown.layer.dims == 1
        sums: np.ndarray = products.sum(axis=1) if flat else products.sum()[None]
        return sums

    def box(self) -> Box:
        """The whole working."""
        steps, output = self._added(), output_plane(self.shown, self.room)
        boxes, ends = zip(*map(self._unit, self.parts), strict=True)
        end = max(ends)
        more, what = left_out(self.shown, self.parts)
        if more > 0 and not self.several:
            boxes = (*boxes, note(f"{more} more {what}", self.room))
        if not self.shown.weighted:  # the planes, what is done to the window, the output
            after = Column((steps, output), gap=9)
            arrow = _sign("→", boxes[0].height - TITLE_HEIGHT)
            beside = Row((Column(boxes, gap=9), arrow, after), gap=10)
            return first_fitting((beside, Column((*boxes, after), gap=9)), self.room)
        if self._photograph:
            return Column((*boxes, Row((Space(max(0.0, end - steps.width)), steps), gap=0)), gap=9)
        if (between := end - output.width - steps.width) >= 12:
            return Column((*boxes, Row((output, Space(between), steps), gap=0)), gap=9)
        over = Row((Space(max(0.0, end - steps.width)), steps), gap=0)
        return Column((*boxes, over, output), gap=9)

    @property
    def _photograph(self) -> bool:
        """Whether there is one large plane, which is drawn beside the output."""
        shown = self.shown
        alone = len(self.parts) == 1 and shown.layer.dims > 1
        return alone and shown.weighted and self.plan.places is None

    def _unit(self, unit: Unit) -> tuple[Box, float]:
        """A plane of the input with the part of the kernel that reads it, and the place across
        where its sum ends.
        """
        plane: Box = titled(self._input(unit), unit.name)
        work = self._work(unit)
        if not work:
            return plane, plane.width
        if self._photograph:
            both = (plane, output_plane(self.shown, self.room))
            plane = first_fitting((Row(both, gap=12), Column(both, gap=9)), self.room)
        elif self.plan.beside:
            row = Row((plane, *work), gap=5)
            return row, row.width
        below = Row(tuple(work), gap=5)
        return Column((plane, below), gap=6), below.width

    def _input(self, unit: Unit) -> Plane:
        shown, plan = self.shown, self.plan
        if plan.places is not None:
            real = [part.values[~are(part.roles, "hole", "outside")] for part in self.parts]
            least = width_of(np.concatenate(real), plan.places, plan.size)
            plane = numbers(unit.values, unit.roles, plan.places, frames=unit.frames,
                           size=plan.size, least=least)  # fmt: skip
            return with_arcs(plane, [slots for slots, _ in shown.axes[-2:]])
        single = len(self.parts) == 1 or shown.layer.dims == 1
        room = THUMB if not single else self.room if shown.layer.dims == 1 else half(self.room)
        frames = unit.frames
        if any(window.dilation > 1 for window in shown.layer.windows):
            taps = np.argwhere(are(unit.roles, "read")).tolist()
            frames = (*frames, *((row, column, 1, 1, "window") for row, column in taps))
        size = fine(unit.values.shape, room)
        return shades(unit.values, unit.roles, size, scale_of(shown.x), frames)

    def _work(self, unit: Unit) -> list[Box]:
        """Window, kernel, products and their sum: what the plan has room for."""
        plan, boxes, weighted = self.plan, list[Box](), self.shown.weighted
        wanted = []
        if plan.places is None and self.shown.layer.family != "unfold":
            wanted.append(("", "window", "value", "read"))
        if weighted:
            wanted.append(("×" if plan.beside or wanted else "", unit.kernel, "weight", "kernel"))
        if weighted and plan.products:
            wanted.append(("=", "products", "product", "product"))
        for mark, title, what, role in wanted:
            plane = self._taken(unit, what, role)
            boxes += [_sign(mark, plane.height)] if mark else []
            boxes.append(titled(plane, title))
        if weighted:
            sign, title, *_ = self.steps[0] if self.direct else ("→", "sum")
            sums = self._column(np.array([self.steps[0].value]), "lit")
            if not self.direct:
                sums = self._column(self._sums(unit), "product")
            height = boxes[-1].height - TITLE_HEIGHT
            lowered = Column((Space(0, max(0.0, (height - sums.height) / 2)), sums), gap=0)
            title += "s" * (len(sums.rows) > 1)
            boxes += [_sign(sign, height), titled(lowered, title)]
        return boxes

    def _taken(self, unit: Unit, what: str, role: str) -> Plane:
        """A part of the kernel, or what it reads or makes; its cells as wide as all units'."""
        values, places = self.shown.taken(what), self.plan.kernel
        if places is None:
            cell = (KERNEL_CELL, KERNEL_CELL)
            return shades(values[unit.part], role, cell, scale_of(values))
        drawn = np.concatenate([values[other.part].ravel() for other in self.parts])
        least = width_of(drawn, places, self.plan.size)
        return numbers(values[unit.part], role, places, size=self.plan.size, least=least)

    def _column(self, values: np.ndarray, role: str) -> Plane:
        frames: tuple[Frame, ...] = ((0, 0, 1, 1, "lit frame"),) if role == "lit" else ()
        return numbers(values[:, None], role, self.places, frames=frames, size=self.plan.size,
                       least=self.cell)  # fmt: skip

    def _added(self) -> Column:
        """What comes to the sums, and the output, one below the other."""
        rows: list[Box] = []
        for place, (mark, title, value, role) in enumerate(() if self.direct else self.steps):
            if role == "lit" and (place or self.several):
                rows.append(Space(self.cell + 12, 1, ruled=True))
            label = Words(f"{mark} {title}".strip(), weight="bold" if role == "lit" else "normal")
            cell = self._column(np.array([value]), role)
            rows.append(Row((label, cell), gap=6, align=MIDDLE))
        return Column(tuple(rows), gap=3, align=END)


def _sign(words: str, height: float) -> Box:
    """An operator beside titled planes of ``height``, level with their middle."""
    mark = Words(words, TITLE_SIZE + 2, "muted")
    return Column((Space(0, TITLE_HEIGHT + (height - mark.height) / 2), mark), gap=0)


def _steps(shown: Scene, parts: list[Unit], several: bool) -> list[_Step]:
    """From the sums that are shown to the output cell."""
    cell, power = shown.cell, shown.cell.power
    name = named("output", *cell.at)
    count = sum(term.index is not None for term in cell.terms)
    total = float(sum(term.product for term in cell.terms))
    result = _Step("=", name, cell.value, "lit")
    if cell.family == "unfold":
        return [_Step("", f"copied to {name}", cell.value, "lit")]
    if cell.family == "max" or (power and abs(power) == np.inf):
        extreme = "smallest" if power and power < 0 else "largest"
        return [_Step("", f"{extreme} of {count} = {name}", cell.value, "lit")]
    steps = []
    if cell.family == "average":
        steps.append(_Step("", f"sum of {count}", total, "product"))
    elif power:
        what = f"sum of |x|^{number(power, places_for([power], 2))}"
        steps.append(_Step("", what, total, "product"))
    if cell.divisor is not None:
        steps.append(_Step("÷", "cells", cell.divisor, "kernel"))
    if power:
        steps.append(_Step("^", "1 / p", 1 / power, "kernel"))
    more, what = left_out(shown, parts)
    if more > 0 and several:
        products = shown.taken("product")
        pieces = products.reshape((-1, *products.shape[-2:])) if depth_of(shown) > 1 else products
        rest = float(pieces[len(pieces) - more :].sum())
        steps.append(_Step("+", f"{more} more {what}", rest, "product"))
    if cell.bias is not None:
        steps.append(_Step("+", named("bias", shown.channel), cell.bias, "kernel"))
    return [*steps, result]


# ---- planes


def with_arcs(plane: Plane, axes: Sequence[Sequence[Slot]]) -> Plane:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    arcs = []
    for slots in axes:
        at = {slot.cell: place for place, slot in enumerate(slots) if slot.role == "input"}
        copied = [(place, slot.cell) for place, slot in enumerate(slots) if slot.role == "padding"]
        arcs.append(tuple((at[cell], place) for place, cell in copied if cell is not None))
    if sum(map(len, arcs)) > MOST_ARCS:
        return plane
    return replace(plane, across=arcs[-1], down=arcs[0] if len(arcs) > 1 else ())


def output_plane(shown: Scene, room: float) -> Box:
    """The output channel (all of them in one dimension) with the cell lit."""
    flat = shown.y.ndim == 2
    values, roles, (row, column) = _output(shown)
    words = [f"of shape {shown.cell.output_shape}"]
    for axis, most in enumerate((MOST_ROWS, LARGEST)) if flat else ():
        if (size := values.shape[axis]) > most:
            first = min(max(0, (row, column)[axis] - most // 2), size - most)
            words.append(f"{('rows', 'columns')[axis]} {first} to {first + most - 1} of {size}")
            kept = range(first, first + most)
            values, roles = values.take(kept, axis), roles.take(kept, axis)
            row, column = (row - first, column) if axis == 0 else (row, column - first)
    frames: tuple[Frame, ...] = ((row, column, 1, 1, "lit frame"),)
    if shown.layer.family == "unfold":
        frames = ((0, column, len(values), 1, "window"), *frames)
    plane = fitting(values, roles, room if flat else half(room), frames)
    key = () if plane.pixels is None else (legend(scale_of(values)),)
    lead = () if flat else (shown.channel, *shown.place[:-2])
    return titled(Column((plane, *key), gap=3), named("output", shown.sample, *lead),
                  "; ".join(words))  # fmt: skip


def _output(shown: Scene) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """The drawn plane of the output, its roles, and the place of the cell."""
    flat = shown.y.ndim == 2
    values = shown.y if flat else shown.y[(shown.channel, *shown.place[:-2])]
    row, column = (shown.channel, *shown.place)[-2:]
    roles = np.full(values.shape, "output", dtype=object)
    roles[row, column] = "lit"
    return values, roles, (row, column)


def half(room: float) -> float:
    """What a large plane takes of the page, so that another one fits beside it."""
    return room if room <= PHONE else (room - 12) / 2


def thumbnail(shown: Scene) -> Box:
    """The first plane of the input and the output, without numbers."""
    unit, (out, lit, cell) = units(shown)[0], _output(shown)
    frames: tuple[Frame, ...] = ((*cell, 1, 1, "lit frame"),)
    if max(*unit.values.shape, *out.shape) > MOST_ROWS:
        left = shades(unit.values, unit.roles, fine(unit.values.shape, 120.0), scale_of(shown.x),
                      unit.frames)  # fmt: skip
        right = shades(out, lit, fine(out.shape, 120.0), scale_of(out), frames)
    else:
        left = bare(numbers(unit.values, unit.roles, frames=unit.frames))
        right = bare(numbers(out, lit, frames=frames))
    if shown.layer.dims == 1:
        return Column((left, right), gap=16)
    return Row((left, Words("→", 18, "muted"), right), gap=8, align=MIDDLE)
