"""A layer as one matrix that multiplies its flattened input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from torch import nn

from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import Box, page
from convdocs.draw.picture import show
from convdocs.draw.plane import MOST_ROWS, array, bare, fine, fitting, legend, scale_of, shades
from convdocs.draw.scene import DrawError
from convdocs.layers import code, read

LARGEST = 1024  # rows or columns


def matrix(
    layer: nn.Module,
    shape: Sequence[int],
    *,
    title: str | None = None,
    caption: str | None = None,
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
    title, caption : str, optional
        What is written above and below; the layer's code and a sentence when left out.
    fig, ax : matplotlib Figure or SubFigure, Axes, optional
        Where to draw; a new Figure when left out.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.matrix(nn.Conv1d(1, 1, 3), (1, 5)))
    'Conv1d(1, 1, 3) on an input of shape (1, 5) as a matrix of 3 rows, one per output cell...'
    """
    table, output = matrix_of(layer, shape)
    name = code(layer) if title is None else title
    size = f"{table.shape[0]} × {table.shape[1]}"
    words = (
        f"A row of this {size} matrix makes one output cell. Its weights move along from row to "
        f"row, and all else is 0."
    )
    roles = np.where(table != 0, "kernel", "hole").astype(object)
    return show(
        partial(_page, name, table, roles, tuple(shape), output),
        _alt(layer, tuple(shape), table),
        words if caption is None else caption,
        thumb=_thumb(table, roles),
        place=fig if ax is None else ax,
    )


def matrix_of(layer: nn.Module, shape: Sequence[int]) -> tuple[np.ndarray, tuple[int, ...]]:
    """The matrix, and the shape of the output."""
    reading = read(layer)
    if reading.family in ("max", "lp"):
        raise DrawError(f"{code(layer)} is not a matrix: it is not linear")
    dtype = next((p.dtype for p in layer.parameters()), torch.float32)
    count = _readable("an input", prod(shape))
    nothing, _, _ = run(replica(layer), torch.zeros(1, *shape, dtype=dtype))
    _readable("an output", nothing.numel())
    # what the layer makes of inputs that are 1 in one cell are the matrix's columns
    ones = torch.eye(count, dtype=dtype).reshape(count, *shape)
    output, _, _ = run(replica(layer), ones)
    return array((output - nothing).flatten(1).T), tuple(output.shape[1:])


def _readable(whose: str, count: int) -> int:
    if not 0 < count <= LARGEST:
        raise DrawError(f"{whose} of {count} cells makes no readable matrix; 1 to {LARGEST} do")
    return count


def _page(
    title: str,
    table: np.ndarray,
    roles: np.ndarray,
    shape: tuple[int, ...],
    output: tuple[int, ...],
    room: float,
) -> Box:
    rows, columns = table.shape
    words = (
        f"{rows} rows, one per cell of the output {output}; {columns} columns, one per cell of "
        f"the input {shape}"
    )
    plane = fitting(table, roles, room)
    key = (legend(scale_of(table)),) if plane.pixels is not None else ()
    return page(room, title, words, plane, *key)


def _thumb(table: np.ndarray, roles: np.ndarray) -> Box:
    if max(table.shape) > MOST_ROWS:
        return shades(table, roles, fine(table.shape, 200.0), scale_of(table))
    return bare(fitting(table, roles, 1e9))


def _alt(layer: nn.Module, shape: tuple[int, ...], table: np.ndarray) -> str:
    rows, columns = table.shape
    used = np.count_nonzero(table, axis=1)
    least, most = int(used.min()), int(used.max())
    amount = f"{most}" if least == most else f"{least} to {most}"
    return (
        f"{code(layer)} on an input of shape {shape} as a matrix of {rows} rows, one per output "
        f"cell, and {columns} columns, one per input cell. A row has {amount} "
        f"numbers that are not 0; of the whole matrix {1 - used.sum() / table.size:.0%} are 0."
    )
