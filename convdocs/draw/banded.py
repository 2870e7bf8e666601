"""A layer as one matrix that multiplies its flattened input."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import nn

from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import BUDGET, Box, Column, Words, paste
from convdocs.draw.grids import Grid, grid
from convdocs.draw.panels import fine, note
from convdocs.draw.scene import DrawError, numbers
from convdocs.draw.shading import Shaded, legend, scale
from convdocs.layers import code, read

MOST_ROWS = 40
LARGEST = 1024  # rows or columns


def matrix(
    layer: nn.Module,
    shape: Sequence[int],
    *,
    fig: Figure | SubFigure | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw a layer as the matrix it multiplies its flattened input with.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, transposed convolution, average pool or ``Unfold``.
    shape : tuple of int
        Shape of one sample, (C, ...).
    fig, ax : matplotlib Figure or SubFigure, Axes, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.matrix(nn.Conv1d(1, 1, 3), (1, 5)))
    'Conv1d(1, 1, 3) on an input of shape (1, 5) as a matrix of 3 rows, one per output cell...'
    """
    table, output = matrix_of(layer, shape)
    rows, columns = table.shape
    head = Words(code(layer), weight="bold")
    said = (
        f"{rows} rows, one per cell of the output {output}; {columns} columns, one per cell of "
        f"the input {tuple(shape)}"
    )
    page = Column((Column((head, note(said)), gap=0), *_body(table)), gap=6)
    return paste(page, _words(layer, tuple(shape), table), fig=fig, ax=ax)


def matrix_of(layer: nn.Module, shape: Sequence[int]) -> tuple[np.ndarray, tuple[int, ...]]:
    """The matrix, and the shape of the output.

    Examples
    --------
    >>> table, output = matrix_of(nn.AvgPool1d(2), (1, 4))
    >>> table.tolist(), output
    ([[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]], (1, 2))
    """
    reading = read(layer)
    if reading.family in ("max", "lp"):
        raise DrawError(f"{code(layer)} is not a matrix: it is not linear")
    dtype = next((p.dtype for p in layer.parameters()), torch.float32)
    cells = _readable("an input", prod(shape))
    nothing, _, _ = run(replica(layer), torch.zeros(1, *shape, dtype=dtype))
    _readable("an output", nothing.numel())
    # what the layer makes of inputs that are 1 in one cell are the matrix's columns
    ones = torch.eye(cells, dtype=dtype).reshape(cells, *shape)
    output, _, _ = run(replica(layer), ones)
    return numbers((output - nothing).flatten(1).T), tuple(output.shape[1:])


def _readable(whose: str, cells: int) -> int:
    if not 0 < cells <= LARGEST:
        raise DrawError(f"{whose} of {cells} cells makes no readable matrix; 1 to {LARGEST} do")
    return cells


def _body(table: np.ndarray) -> tuple[Box, ...]:
    roles = np.where(table != 0, "kernel", "hole").astype(object)
    if table.shape[0] <= MOST_ROWS:
        for places in (4, 3, 2, 1):
            box: Grid = grid(table, roles, places)
            if box.width <= BUDGET:
                return (box,)
    shades = scale(table)
    return Shaded(table, roles, fine(table.shape), shades), note(legend(shades))


def _words(layer: nn.Module, shape: tuple[int, ...], table: np.ndarray) -> str:
    rows, columns = table.shape
    used = np.count_nonzero(table, axis=1)
    least, most = int(used.min()), int(used.max())
    amount = f"{most}" if least == most else f"{least} to {most}"
    return (
        f"{code(layer)} on an input of shape {shape} as a matrix of {rows} rows, one per output "
        f"cell, and {columns} columns, one per input cell. A row has {amount} "
        f"numbers that are not 0; of the whole matrix {1 - used.sum() / table.size:.0%} are 0."
    )
