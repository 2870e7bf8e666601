"""One output cell of a layer: input, window, kernel, products, sum, output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.draw.boxes import Box, Column, Row, Words, titled
from convdocs.draw.captions import caption
from convdocs.draw.panels import ROW_HEIGHT, Panels, grid, sign
from convdocs.draw.scene import DrawError, Scene, scene
from convdocs.draw.sheet import Sheet

BUDGET = 342.0  # points; at the width of a phone a point is then about a CSS pixel
EDGE = 4.0
MOST_ROWS = 16  # a taller grid is shaded
MOST_CHANNELS = 4
LARGEST = 224  # cells along an axis


def layer(
    layer: nn.Module,
    x: Tensor,
    at: int | Sequence[int] | None = None,
    *,
    sample: int | None = None,
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
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> fig = draw.layer(nn.AvgPool1d(2), torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> draw.describe(fig)
    'AvgPool1d(2) on an input of shape (1, 4)...: ... output[0, 0] = 2.'
    """
    shown = scene(layer, x, at, sample)
    _check_size(shown)
    page = _compose(Panels(shown))
    sheet = Sheet(page.width + 2 * EDGE, page.height + 2 * EDGE, fig=fig)
    page.draw(sheet, EDGE, EDGE)
    return sheet.finish(caption(shown))


def _check_size(shown: Scene) -> None:
    if max(shown.x.shape[1:]) > LARGEST:
        raise DrawError(
            f"an input of {' x '.join(map(str, shown.x.shape[1:]))} cells is too large to draw "
            f"(the most is {LARGEST} along an axis); draw a part of it, such as "
            f"x[..., {', '.join([f':{LARGEST}'] * shown.layer.dims)}]"
        )
    if shown.layer.dims == 3:
        raise DrawError("three dimensions are not drawn yet")


@dataclass(frozen=True)
class Plan:
    """How much of the working a page shows: decimals (None: shades) and the products."""

    places: int | None
    kernel_places: int
    products: bool


def _compose(panels: Panels) -> Box:
    """The arrangement with the most digits that fits the page."""
    shape = panels.shown.padded()[1].shape
    page: Box = Column(())
    if shape[0] <= MOST_ROWS or len(shape) == 1:
        for places in (4, 3, 2, 1):
            for products in (True, False):
                page = _page(panels, Plan(places, places, products))
                if page.width <= BUDGET:
                    return page
    return page


def _page(panels: Panels, plan: Plan) -> Box:
    work = _rows_1d(panels, plan) if panels.shown.layer.dims == 1 else _rows_2d(panels, plan)
    body = Column(tuple(work), gap=9)
    end = Column((panels.equation(), _output(panels)), gap=9)
    if body.width + end.width + 20 <= BUDGET:
        main: Box = Row((body, end), gap=20, align="top")
    else:
        main = Column((body, end), gap=9)
    return Column((panels.head(), main), gap=9)


def _output(panels: Panels) -> Box:
    for places in (4, 3, 2, 1):
        box = panels.output(places)
        if box.width <= BUDGET:
            break
    return box


def _rows_1d(panels: Panels, plan: Plan) -> Iterator[Box]:
    shown = panels.shown
    values, roles = shown.padded()
    every = np.stack([roles] * values.shape[0])
    unread = [c for c in range(values.shape[0]) if c not in shown.channels]
    every[unread] = np.where(every[unread] == "read", "input", every[unread])
    rows = (shown.channels[0], len(shown.channels))
    yield titled(
        grid(values, every, plan.places or 1, panels.windows(rows)),
        panels.input_name(None),
        panels.input_note(),
    )
    yield _work(panels, plan, panels.weight_name(None), slice(None))


def _work(panels: Panels, plan: Plan, name: str, rows: slice) -> Box:
    """Kernel, products and their sums, one channel a row."""
    made = panels.shown.taken("product")[rows]
    height = ROW_HEIGHT * made.shape[0]
    parts: list[Box] = []
    if panels.shown.cell.terms[0].weight is not None:
        weights = panels.shown.taken("weight")[rows]
        parts += [sign("×", height), titled(grid(weights, "kernel", plan.kernel_places), name)]
    if plan.products:
        box = grid(made, "product", plan.kernel_places)
        parts += [sign("=", height), titled(box, "products")]
    parts += [sign("→", height), panels.sums("sums", made.sum(axis=1).tolist())]
    return Row(tuple(parts), gap=4, align="top")


def _rows_2d(panels: Panels, plan: Plan) -> Iterator[Box]:
    shown = panels.shown
    values, roles = shown.padded()
    weights, made = shown.taken("weight"), shown.taken("product")
    for row, channel in enumerate(shown.channels[:MOST_CHANNELS]):
        name = panels.input_name(channel)
        box = grid(values[channel], roles, plan.places or 1, panels.windows())
        parts: list[Box] = [titled(box, name)]
        height = ROW_HEIGHT * made.shape[1]
        sums = Row(
            (Words("sum", role="muted"), grid(made[row].sum(keepdims=True), "product", 4)), 5
        )
        if shown.cell.terms[0].weight is not None:
            kernel: Box = grid(weights[row], "kernel", plan.kernel_places)
            kernel = titled(kernel, panels.weight_name(channel))
            if not plan.products:
                kernel = Column((kernel, sums))
            parts += [sign("×", height), kernel]
        if plan.products:
            product = titled(grid(made[row], "product", plan.kernel_places), "products")
            parts += [sign("=", height), Column((product, sums))]
        yield Row(tuple(parts), gap=4, align="top")
