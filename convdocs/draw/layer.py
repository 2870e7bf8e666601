"""One output cell of a layer: input, window, kernel, products, sums, output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, product

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor, nn

from convdocs.draw.boxes import END, MIDDLE, Box, Column, Row, Rule, Words, first_fitting, flow
from convdocs.draw.picture import shared, show
from convdocs.draw.plane import DIGITS, MOST_ROWS, Digits, Frame, Plane, keyed, legend, numbers
from convdocs.draw.scene import Scene, Unit, named, scene
from convdocs.draw.sheet import TITLE_SIZE, Place
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
        return first_fitting((_Working(shown, room, *plan).box() for plan in plans), room)

    head, words = (title, shown.cell.code), (caption, shown.caption)
    return show(body, shown.alt, head, shown.note, words, shown.thumbnail(), fig)


def _plans(written: bool) -> Iterator[tuple[Digits, Digits, bool, bool]]:
    """How to show the working, from the most telling way to the tersest; the input in numbers only
    if it can be written.
    """
    for shaded in (False, True) if written else (True,):
        for places, group in groupby(DIGITS, key=lambda digits: digits[0]):
            for products, beside, digits in product((True, False), (True, False), list(group)):
                if places is not None or (shaded and not products):
                    yield (None, digits[1]) if shaded else digits, digits, products, beside


@dataclass
class _Working:
    """The working of one cell: rows of input, kernel, products, and a sum at the right end, which
    are added up below one another as on paper.
    """

    shown: Scene
    room: float
    input: Digits
    kernel: Digits  # and of the products
    products: bool  # are shown
    beside: bool  # are kernel and products beside the input, else below it

    def __post_init__(self) -> None:
        shown = self.shown
        self.several = shown.weighted and len(shown.channels) * shown.depth > 1
        self.steps = list(_steps(shown, self.several))
        # a single sum without a bias is the output itself, and is shown as that alone
        self.direct = shown.weighted and not self.several and len(self.steps) == 1
        # the products' sums: one per row in one dimension, else one
        self.sums = [np.empty(0) for _ in shown.units]
        if shown.weighted:
            products, axes = shown.taken("product"), 1 if shown.flat else None
            self.sums = [np.atleast_1d(products[unit.part].sum(axes)) for unit in shown.units]
        self.ends = (*(value for _, value, _ in self.steps), *np.concatenate(self.sums).tolist())
        # one large plane is drawn beside the output
        alone = len(shown.units) == 1 and not shown.flat
        self.photograph = alone and self.input[0] is None

    def box(self) -> Box:
        steps, output = self._added(), self.shown.output_plane(self.room)
        if self.shown.y.size == 1:
            output = Box()  # is the last of the steps
        planes = list(map(self._unit, self.shown.units, self.sums))
        # where the sums end, below which the steps are
        end = max((box.parts[-1] if isinstance(box, Column) else box).width for box in planes)
        scale = self._input(self.shown.units[0]).scale
        under = [legend(scale, "input")] if scale and len(planes) > 1 else []
        if not (self.shown.weighted or self.photograph):
            # the planes, what is done to the window, the output
            after = Column((steps, output), gap=9)
            arrow = _sign("→", planes[0].height - TITLE_HEIGHT)
            beside = Row((Column((*planes, *under), gap=9), arrow, after), gap=10)
            below = Column((flow(planes, self.room), *under, after), gap=9)
            return first_fitting((beside, below), self.room)
        rest: tuple[Box, ...] = (Row((Box(max(0.0, end - steps.width)), steps), gap=0),)
        between = end - output.width - steps.width
        if not self.photograph:
            both = Row((output, Box(between), steps), gap=0)
            rest = (both,) if between >= 12 else (*rest, output)
        return Column((*planes, *under, *rest), gap=9)

    def _unit(self, unit: Unit, sums: np.ndarray) -> Box:
        """A plane of the input with the part of the kernel that reads it."""
        shown = self._input(unit)
        plane: Box = shown if len(self.sums) > 1 else keyed(shown)
        plane = plane.titled(unit.name)
        work = self._work(unit, sums)
        if self.photograph:
            both = (plane, self.shown.output_plane(self.room))
            plane = first_fitting((Row(both, 12, END), Column(both, gap=9)), self.room)
        elif self.beside or not work:
            return Row((plane, *work), gap=5)
        return Column((plane, Row(work, gap=5)), gap=6)

    def _input(self, unit: Unit) -> Plane:
        shown, units = self.shown, self.shown.units
        room = THUMB if len(units) > 1 else self.room if shown.flat else shared(self.room, 12)
        if self.input[0] is None and any(window.dilation > 1 for window in shown.layer.windows):
            taps = np.argwhere(unit.roles == "read").tolist()
            cells: list[Frame] = [(row, column, 1, 1, "window") for row, column in taps]
            unit = unit._replace(frames=(*unit.frames, *cells))
        like = (other.values[~np.isin(other.roles, ("hole", "outside"))] for other in units)
        return shown.input_plane(unit, self.input, room, tuple(x for some in like for x in some))

    def _work(self, unit: Unit, sums: np.ndarray) -> list[Box]:
        """Window, kernel, products and their sum: what there is room for."""
        boxes, weighted = list[Box](), self.shown.weighted
        wanted = []
        if self.input[0] is None and self.shown.layer.family != "unfold":
            wanted.append(("", "window", "value", "read"))
        if weighted:
            wanted.append(("×" if self.beside or wanted else "", unit.kernel, "weight", "kernel"))
        if weighted and self.products:
            wanted.append(("=", "products", "product", "product"))
        for mark, title, what, role in wanted:
            plane = self.shown.taken_plane(unit, what, role, self.kernel)
            boxes += [_sign(mark, plane.height)] if mark else []
            boxes.append(plane.titled(title))
        if not weighted:
            return boxes
        height = boxes[-1].height - TITLE_HEIGHT
        mark, title, role = "→", "sum", "product"
        if self.direct:
            (label, value, role), *_ = self.steps
            (mark, title), sums = label.split(" ", 1), np.array([value])
        column = self._column(sums, role)
        lowered = Column((Box(0, max(0.0, (height - column.height) / 2)), column), gap=0)
        return [*boxes, _sign(mark, height), lowered.titled(title + "s" * (len(sums) > 1))]

    def _column(self, values: np.ndarray, role: str) -> Plane:
        """Sums and what comes to them, with one number of decimals."""
        frames: list[Frame] = [(0, 0, 1, 1, "lit frame")] if role == "lit" else []
        digits = places_for(self.ends), self.input[1]
        return numbers(values[:, None], role, digits, frames, self.ends, weight="bold")

    def _added(self) -> Column:
        """What comes to the sums, and the output, one below the other."""
        rows: list[Box] = []
        for place, (label, value, role) in enumerate(() if self.direct else self.steps):
            weight, cell = "normal", self._column(np.array([value]), role)
            if role == "lit":
                weight = "bold"
                rows += [Rule(cell.width + 12, 1)] if place or self.several else []
            rows.append(Row((Words(label, weight=weight), cell), gap=6, align=MIDDLE))
        return Column(rows, gap=3, align=END)


def _sign(words: str, height: float) -> Box:
    """An operator beside titled planes of ``height``, level with their middle."""
    mark = Words(words, TITLE_SIZE + 2, "muted")
    return Column((Box(0, TITLE_HEIGHT + (height - mark.height) / 2), mark), gap=0)


def _steps(shown: Scene, several: bool) -> Iterator[tuple[str, float, str]]:
    """From the sums that are shown to the output cell: labels, numbers and roles."""
    cell, power, name = shown.cell, shown.cell.power, named("output", *shown.cell.at)
    count = sum(term.index is not None for term in cell.terms)
    last = f"= {name}"
    if cell.family == "unfold":
        last = f"copied to {name}"
    elif cell.family == "max" or (power and abs(power) == np.inf):
        last = f"{'smallest' if power and power < 0 else 'largest'} of {count} = {name}"
    else:
        if cell.family == "average" or power:
            of = f"|x|^{number(power, places_for([power], 2))}" if power else count
            yield f"sum of {of}", float(sum(term.product for term in cell.terms)), "product"
        if cell.divisor is not None:
            yield "÷ cells", cell.divisor, "kernel"
        if power:
            yield "^ 1 / p", 1 / power, "kernel"
        more, what = shown.left_out
        if more > 0 and several:
            rest = shown.taken("product")[-more:].sum()
            yield f"+ {what}", float(rest), "product"
        if cell.bias is not None:
            yield f"+ {named('bias', shown.channel)}", cell.bias, "kernel"
    yield last, cell.value, "lit"
