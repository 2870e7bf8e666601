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
from convdocs.draw.boxes import Box, Column, Row, first_fitting, heading, titled
from convdocs.draw.picture import show
from convdocs.draw.plane import (
    DIGITS,
    FINE,
    ROW_HEIGHT,
    SMALL,
    Plane,
    array,
    cell_width,
    legend,
    numbers,
    scale_of,
    shades,
)
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import VALUE_SIZE
from convdocs.draw.units import named
from convdocs.layers import code, read
from convdocs.view.numbers import number, places_for, plain

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

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.kernel(nn.Conv1d(3, 2, 3)))
    'The weight of Conv1d(3, 2, 3), of shape (2, 3, 3), numbers from ... to ..., and its biases.'
    """
    weight, biases = weights_of(layer)
    name = code(layer) if title is None else title
    thumb = _tiles(weight[:2, :2] if weight.ndim > 3 else weight[:2], None, 140.0)
    words = _caption(layer, weight) if caption is None else caption
    layout = partial(_page, name, weight, biases)
    return show(layout, _alt(layer, weight, biases), words, thumb=thumb, fig=fig, ax=ax)


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
    if weight.shape[0] > MOST_ROWS:
        words += f"; the first {MOST_ROWS} of {weight.shape[0]} rows"
    tiles = prod(weight.shape[1:-2]) if weight.ndim > 3 else 1
    if tiles > MOST_COLUMNS:
        words += f"; the first {MOST_COLUMNS} of {tiles} planes in a row"
    looks = [(places, size) for places in DIGITS for size in (VALUE_SIZE, SMALL)]
    body = first_fitting((_tiles(weight, places, room, size) for places, size in looks), room)
    parts = [heading(title, room, words), body]
    if biases is not None:
        parts.append(titled(numbers(biases[None, :MOST_ROWS], "kernel"), "bias"))
    return Column(tuple(parts), gap=9)


def _tiles(weight: np.ndarray, places: int | None, room: float, size: float = VALUE_SIZE) -> Column:
    """A row of planes per row of the weight."""
    shown = [list(_planes(weight[row], row))[:MOST_COLUMNS] for row in range(len(weight))]
    scale = scale_of(weight)
    least = ROW_HEIGHT
    if places is not None:
        drawn = np.concatenate([values.ravel() for row in shown for _, values in row])
        digits = places_for(drawn.tolist(), places)
        least = max(cell_width((number(v, digits) for v in drawn.tolist()), size), least)
    rows: list[Box] = []
    for tiles in shown[:MOST_ROWS]:
        planes: list[Box] = []
        for name, values in tiles:
            plane: Plane
            if places is None:
                side = min(FINE, (room - 20) / len(tiles) / values.shape[1])
                plane = shades(values, "kernel", (side, side), scale)
            else:
                plane = numbers(values, "kernel", places, size=size, least=least)
            planes.append(titled(plane, name))
        rows.append(Row(tuple(planes), gap=10, align="top"))
    return Column((*rows, *(() if places is not None else (legend(scale),))), gap=9)


def _planes(kernel: np.ndarray, *index: int) -> Iterator[tuple[str, np.ndarray]]:
    """Two-dimensional parts of a kernel and their names."""
    if kernel.ndim == 2:
        yield named("weight", *index), kernel
        return
    for place, part in enumerate(kernel):
        yield from _planes(part, *index, place)


def _alt(layer: nn.Module, weight: np.ndarray, biases: np.ndarray | None) -> str:
    finite = weight[np.isfinite(weight)]
    reach = f"from {plain(finite.min())} to {plain(finite.max())}" if finite.size else "none finite"
    end = "" if biases is None else ", and its biases"
    return f"The weight of {code(layer)}, of shape {weight.shape}, numbers {reach}{end}."


def _caption(layer: nn.Module, weight: np.ndarray) -> str:
    size = " × ".join(map(str, weight.shape[2:]))
    if read(layer).family == "transposed":
        return f"A row of kernels per input channel, each of {size} numbers."
    reads = f"{weight.shape[1]} input channel{'s' * (weight.shape[1] > 1)}"
    return (
        f"Each of the {weight.shape[0]} filters is a row: {size} weights for each of {reads}."
        if weight.shape[0] > 1
        else f"One filter: {size} weights for each of {reads}."
    )
