"""One output cell of a layer: input, window, kernel, products, sums, output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, product
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor, nn

from convdocs.draw.boxes import END, MIDDLE, Box, Column, Row, Rule, Words, first_fitting, lines
from convdocs.draw.picture import show
from convdocs.draw.plane import DIGITS, MOST_ROWS, Digits, Frame, Plane, numbers
from convdocs.draw.scene import Scene, Unit, named, scene
from convdocs.draw.sheet import TITLE_SIZE, Place
from convdocs.draw.sides import half, input_plane, output_plane, taken_plane, thumbnail
from convdocs.view.numbers import number, places_for

THUMB = 104.0  # points of a shaded plane beside its kernel
TITLE_HEIGHT = Words("").height + 3


def layer(
    layer: nn.Module,
    x: Tensor,
    at: int | Sequence[int] | None = None,
    *,
    sample: int | None = None,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
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
    fig : matplotlib Figure, SubFigure or Axes, optional
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

    def body(room: float) -> Box:
        plans = _plans(max(len(unit.values) for unit in shown.units) <= MOST_ROWS)
        return first_fitting((_Working(shown, plan, room).box() for plan in plans), room)

    head, words = (title, shown.cell.code), (caption, shown.caption)
    return show(body, shown.alt, head, shown.note, words, thumbnail(shown), fig)


class _Plan(NamedTuple):
    """How much of the working a page shows, and how."""

    input: Digits
    kernel: Digits  # and of the products
    products: bool  # are shown
    beside: bool  # are kernel and products beside the input, else below it


def _plans(written: bool) -> Iterator[_Plan]:
    """From the most telling to the tersest; the input in numbers only if it can be written."""
    for shaded in (False, True) if written else (True,):
        for places, group in groupby(DIGITS, key=lambda digits: digits[0]):
            for products, beside, digits in product((True, False), (True, False), list(group)):
                if shaded if places is None and not products else places is not None:
                    yield _Plan((None, digits[1]) if shaded else digits, digits, products, beside)


class _Step(NamedTuple):
    """A number on the way from the sums to the output."""

    label: str
    value: float
    role: str


class _Working:
    """The working of one cell by a plan: rows of input, kernel, products, and a sum at the right
    end, which are added up below one another as on paper.
    """

    def __init__(self, shown: Scene, plan: _Plan, room: float) -> None:
        self.shown, self.plan, self.room = shown, plan, room
        self.several = shown.weighted and len(shown.channels) * shown.depth > 1
        self.steps = _steps(shown, self.several)
        # a single sum without a bias is the output itself, and is shown as that alone
        self.direct = shown.weighted and not self.several and len(self.steps) == 1
        sums = [self._sums(unit) for unit in shown.units] if shown.weighted else []
        self.ends = np.concatenate([[step.value for step in self.steps], *sums])
        # one large plane is drawn beside the output
        alone = len(shown.units) == 1 and not shown.flat
        self.photograph = alone and shown.weighted and plan.input[0] is None

    def _sums(self, unit: Unit) -> np.ndarray:
        """The products' sums: one per row in one dimension, else one."""
        products = self.shown.taken("product")[unit.part]
        sums: np.ndarray = products.sum(axis=1) if self.shown.flat else products.sum()[None]
        return sums

    def box(self) -> Box:
        steps, output = self._added(), output_plane(self.shown, self.room)
        boxes, ends = zip(*map(self._unit, self.shown.units), strict=True)
        more, what = self.shown.left_out
        if more > 0 and not self.several:
            boxes = (*boxes, lines(f"{more} more {what}", self.room))
        if not self.shown.weighted:  # the planes, what is done to the window, the output
            after = Column((steps, output), gap=9)
            arrow = _sign("→", boxes[0].height - TITLE_HEIGHT)
            beside = Row((Column(boxes, gap=9), arrow, after), gap=10)
            return first_fitting((beside, Column((*boxes, after), gap=9)), self.room)
        end = max(ends)
        below: tuple[Box, ...] = (Row((Box(max(0.0, end - steps.width)), steps), gap=0),)
        between = end - output.width - steps.width
        if not self.photograph:
            beside = Row((output, Box(between), steps), gap=0)
            below = (beside,) if between >= 12 else (*below, output)
        return Column((*boxes, *below), gap=9)

    def _unit(self, unit: Unit) -> tuple[Box, float]:
        """A plane of the input with the part of the kernel that reads it, and the place across
        where its sum ends.
        """
        plane: Box = self._input(unit).titled(unit.name)
        work = Row(self._work(unit), gap=5)
        if not work.parts:
            return plane, plane.width
        if self.photograph:
            both = (plane, output_plane(self.shown, self.room))
            plane = first_fitting((Row(both, gap=12), Column(both, gap=9)), self.room)
        elif self.plan.beside:
            row = Row((plane, *work.parts), gap=5)
            return row, row.width
        return Column((plane, work), gap=6), work.width

    def _input(self, unit: Unit) -> Plane:
        shown, digits, units = self.shown, self.plan.input, self.shown.units
        room = THUMB if len(units) > 1 else self.room if shown.flat else half(self.room)
        if digits[0] is None and any(window.dilation > 1 for window in shown.layer.windows):
            taps = np.argwhere(unit.roles == "read").tolist()
            cells: list[Frame] = [(row, column, 1, 1, "window") for row, column in taps]
            unit = unit._replace(frames=(*unit.frames, *cells))
        like = (other.values[~np.isin(other.roles, ("hole", "outside"))] for other in units)
        return input_plane(shown, unit, digits, room, tuple(x for some in like for x in some))

    def _work(self, unit: Unit) -> list[Box]:
        """Window, kernel, products and their sum: what the plan has room for."""
        plan, boxes, weighted = self.plan, list[Box](), self.shown.weighted
        wanted = []
        if plan.input[0] is None and self.shown.layer.family != "unfold":
            wanted.append(("", "window", "value", "read"))
        if weighted:
            wanted.append(("×" if plan.beside or wanted else "", unit.kernel, "weight", "kernel"))
        if weighted and plan.products:
            wanted.append(("=", "products", "product", "product"))
        for mark, title, what, role in wanted:
            plane = taken_plane(self.shown, unit, what, role, plan.kernel)
            boxes += [_sign(mark, plane.height)] if mark else []
            boxes.append(plane.titled(title))
        if not weighted:
            return boxes
        height = boxes[-1].height - TITLE_HEIGHT
        mark, title, role, values = "→", "sum", "product", self._sums(unit)
        if self.direct:
            mark, title = self.steps[0].label.split(" ", 1)
            role, values = "lit", np.array([self.steps[0].value])
        sums = self._column(values, role)
        lowered = Column((Box(0, max(0.0, (height - sums.height) / 2)), sums), gap=0)
        return [*boxes, _sign(mark, height), lowered.titled(title + "s" * (len(values) > 1))]

    def _column(self, values: np.ndarray, role: str) -> Plane:
        """Sums and what comes to them, with one number of decimals."""
        frames: list[Frame] = [(0, 0, 1, 1, "lit frame")] if role == "lit" else []
        digits = places_for(self.ends.tolist()), self.plan.input[1]
        return numbers(values[:, None], role, digits, frames, tuple(self.ends))

    def _added(self) -> Column:
        """What comes to the sums, and the output, one below the other."""
        rows: list[Box] = []
        for place, step in enumerate(() if self.direct else self.steps):
            weight = "bold" if step.role == "lit" else "normal"
            cell = self._column(np.array([step.value]), step.role)
            if step.role == "lit" and (place or self.several):
                rows.append(Rule(cell.width + 12, 1))
            rows.append(Row((Words(step.label, weight=weight), cell), gap=6, align=MIDDLE))
        return Column(rows, gap=3, align=END)


def _sign(words: str, height: float) -> Box:
    """An operator beside titled planes of ``height``, level with their middle."""
    mark = Words(words, TITLE_SIZE + 2, "muted")
    return Column((Box(0, TITLE_HEIGHT + (height - mark.height) / 2), mark), gap=0)


def _steps(shown: Scene, several: bool) -> list[_Step]:
    """From the sums that are shown to the output cell."""
    cell, power, name = shown.cell, shown.cell.power, named("output", *shown.cell.at)
    if cell.family == "unfold":
        return [_Step(f"copied to {name}", cell.value, "lit")]
    count = sum(term.index is not None for term in cell.terms)
    if cell.family == "max" or (power and abs(power) == np.inf):
        extreme = "smallest" if power and power < 0 else "largest"
        return [_Step(f"{extreme} of {count} = {name}", cell.value, "lit")]
    steps = []
    if cell.family == "average" or power:
        of = f"|x|^{number(power, places_for([power], 2))}" if power else count
        total = float(sum(term.product for term in cell.terms))
        steps.append(_Step(f"sum of {of}", total, "product"))
    if cell.divisor is not None:
        steps.append(_Step("÷ cells", cell.divisor, "kernel"))
    if power:
        steps.append(_Step("^ 1 / p", 1 / power, "kernel"))
    more, what = shown.left_out
    if more > 0 and several:
        products = shown.taken("product")
        pieces = products.reshape((-1, *products.shape[-2:])) if shown.depth > 1 else products
        rest = float(pieces[len(pieces) - more :].sum())
        steps.append(_Step(f"+ {more} more {what}", rest, "product"))
    if cell.bias is not None:
        steps.append(_Step(f"+ {named('bias', shown.channel)}", cell.bias, "kernel"))
    return [*steps, _Step(f"= {name}", cell.value, "lit")]
