"""A layer's weights, kernel by kernel."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import prod

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import nn

from convdocs.cells.replica import replica
from convdocs.draw.boxes import Box, Column, Row, first_fitting, page, titled
from convdocs.draw.picture import show
from convdocs.draw.plane import (
    DIGITS,
    FINE,
    array,
    fitting,
    legend,
    numbers,
    scale_of,
    shades,
    width_of,
)  # fmt: skip
from convdocs.draw.scene import DrawError
from convdocs.draw.units import named
from convdocs.layers import code, read
from convdocs.view.numbers import plain

MOST_ROWS = 8  # output channels
MOST_COLUMNS = 4  # input channels, or slices


def kernel(
    layer: nn.Module,
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw the weights of a convolution: a row per output channel, a grid per input channel.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution or a transposed convolution.
    title, caption : str, optional
        What is written above and below; the layer's code and a sentence when left out.
    fig, ax : matplotlib Figure or SubFigure, Axes, optional
        Where to draw; a new Figure when left out.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.kernel(nn.Conv1d(3, 2, 3)))
    'The weight of Conv1d(3, 2, 3), of shape (2, 3, 3), numbers from ... to ..., and its biases.'
    """
    weight, biases = weights_of(layer)
    count, reads, *taps = weight.shape
    size = " × ".join(map(str, taps))
    words = f"{f'Each of the {count} filters is a row' if count > 1 else 'One filter'}: {size} weights for each of {reads} input channel{'s' * (reads > 1)}."  # noqa: E501
    if read(layer).family == "transposed":
        words = f"A row of kernels per input channel, each of {size} numbers."
    finite = weight[np.isfinite(weight)]
    reach = f"from {plain(finite.min())} to {plain(finite.max())}" if finite.size else "none finite"
    end = "" if biases is None else ", and its biases"
    return show(
        partial(_page, code(layer) if title is None else title, weight, biases),
        f"The weight of {code(layer)}, of shape {weight.shape}, numbers {reach}{end}.",
        words if caption is None else caption,
        thumb=_tiles(weight[:2, :2] if weight.ndim > 3 else weight[:2], None, 9.0, 140.0),
        place=fig if ax is None else ax,
    )


def weights_of(layer: nn.Module) -> tuple[np.ndarray, np.ndarray | None]:
    """The weight and the biases; these belong to output channels, which are not the rows of a
    transposed weight, and are left out there.
    """
    reading = read(layer)
    if reading.family not in ("convolution", "transposed"):
        raise DrawError(f"{code(layer)} has no weights to draw")
    twin = replica(layer)
    bias = twin.bias if reading.family == "convolution" else None
    return array(twin.weight), None if bias is None else array(bias)  # type: ignore[arg-type]


def _page(title: str, weight: np.ndarray, biases: np.ndarray | None, room: float) -> Box:
    words = f"weight of shape {weight.shape}"
    if len(weight) > MOST_ROWS:
        words += f"; the first {MOST_ROWS} of {len(weight)} rows"
    tiles = prod(weight.shape[1:-2]) if weight.ndim > 3 else 1
    if tiles > MOST_COLUMNS:
        words += f"; the first {MOST_COLUMNS} of {tiles} planes in a row"
    parts = [first_fitting((_tiles(weight, *digits, room) for digits in DIGITS), room)]
    if biases is not None:
        parts.append(titled(fitting(biases[None, :MOST_ROWS], "kernel", room), "bias"))
    return page(room, title, words, *parts, gap=9)


def _tiles(weight: np.ndarray, places: int | None, size: float, room: float) -> Column:
    """A row of planes per row of the weight; their cells are equally wide."""
    shown = [list(_planes(weight[row], row))[:MOST_COLUMNS] for row in range(len(weight))]
    drawn = np.concatenate([values.ravel() for row in shown for _, values in row])
    side = min(FINE, (room - 20) / len(shown[0]) / weight.shape[-1])
    rows = [
        Row(
            tuple(
                titled(
                    shades(values, "kernel", (side, side), scale_of(weight))
                    if places is None
                    else numbers(values, "kernel", places, size=size,
                                 least=width_of(drawn, places, size)),
                    name,
                )
                for name, values in tiles
            ),
            gap=10,
        )
        for tiles in shown[:MOST_ROWS]
    ]  # fmt: skip
    return Column((*rows, *((legend(scale_of(weight)),) if places is None else ())), gap=9)


def _planes(kernel: np.ndarray, *index: int) -> Iterator[tuple[str, np.ndarray]]:
    """Two-dimensional parts of a kernel and their names."""
    if kernel.ndim == 2:
        yield named("weight", *index), kernel
        return
    for place, part in enumerate(kernel):
        yield from _planes(part, *index, place)
