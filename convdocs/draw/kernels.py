"""A layer's weights, kernel by kernel."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import nn

from convdocs.cells.replica import replica
from convdocs.draw.boxes import BUDGET, Box, Column, Row, Words, paste, titled
from convdocs.draw.captions import plain
from convdocs.draw.grids import grid
from convdocs.draw.panels import FINE, named, note
from convdocs.draw.scene import DrawError, numbers
from convdocs.draw.shading import Shaded, legend, scale
from convdocs.layers import code, read

MOST_ROWS = 8  # output channels
MOST_COLUMNS = 4  # input channels, or slices


def kernel(
    layer: nn.Module, *, fig: Figure | SubFigure | None = None, ax: Axes | None = None
) -> Figure:
    """Draw the weights of a convolution: a row per output channel, a grid per input channel.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution or a transposed convolution.
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
    reading = read(layer)
    if reading.family not in ("convolution", "transposed"):
        raise DrawError(f"{code(layer)} has no weights to draw")
    twin: Any = replica(layer)
    weight = numbers(twin.weight)
    # the bias belongs to output channels, which are not the rows of a transposed weight
    bias = twin.bias is not None and reading.family == "convolution"
    biases = numbers(twin.bias) if bias else None
    page = Column((Words(code(layer), weight="bold"), _note(weight), _body(weight, biases)), gap=9)
    return paste(page, _words(layer, weight, bias), fig=fig, ax=ax)


def _body(weight: np.ndarray, biases: np.ndarray | None) -> Box:
    """Numbers with as many decimals as fit, else shades."""
    for places in (4, 3, 2, 1, None):
        rows: list[Box] = [
            _kernel(weight[row], row, places, scale(weight))
            for row in range(min(weight.shape[0], MOST_ROWS))
        ]
        if max(row.width for row in rows) <= BUDGET:
            break
    rows += [note(legend(scale(weight)))] if places is None else []
    if biases is not None:
        rows.append(titled(grid(biases[None, :MOST_ROWS], "kernel", places or 2), "bias"))
    return Column(tuple(rows), gap=9)


def _kernel(kernel: np.ndarray, row: int, places: int | None, shades: tuple[float, float]) -> Row:
    tiles = list(_tiles(kernel, row))[:MOST_COLUMNS]
    parts: list[Box] = []
    for name, values in tiles:
        box: Box
        if places is None:
            size = min(FINE, (BUDGET - 20) / len(tiles) / values.shape[1])
            roles = np.full(values.shape, "kernel", dtype=object)
            box = Shaded(values, roles, (size, size), shades)
        else:
            box = grid(values, "kernel", places)
        parts.append(titled(box, name))
    return Row(tuple(parts), gap=6, align="top")


def _tiles(kernel: np.ndarray, *index: int) -> Iterator[tuple[str, np.ndarray]]:
    """Two-dimensional parts of a kernel and their names."""
    if kernel.ndim == 2:
        yield named("weight", *index), kernel
        return
    for number, part in enumerate(kernel):
        yield from _tiles(part, *index, number)


def _note(weight: np.ndarray) -> Box:
    said = f"weight of shape {weight.shape}"
    if weight.shape[0] > MOST_ROWS:
        said += f"; the first {MOST_ROWS} of {weight.shape[0]} rows"
    tiles = prod(weight.shape[1:-2]) if weight.ndim > 3 else 1
    if tiles > MOST_COLUMNS:
        said += f"; the first {MOST_COLUMNS} of {tiles} planes in a row"
    return note(said)


def _words(layer: nn.Module, weight: np.ndarray, bias: bool) -> str:
    finite = weight[np.isfinite(weight)]
    reach = f"from {plain(finite.min())} to {plain(finite.max())}" if finite.size else "none finite"
    biases = ", and its biases" if bias else ""
    return f"The weight of {code(layer)}, of shape {weight.shape}, numbers {reach}{biases}."
