"""A layer as one matrix that multiplies its flattened input."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import Box
from convdocs.draw.picture import show
from convdocs.draw.plane import array, bare, fitting, keyed, scale_of
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import Place
from convdocs.layers import code, read
from convdocs.view.numbers import counted

LARGEST = 1024  # rows or columns
CARD = 200.0


def matrix(
    layer: nn.Module,
    shape: Sequence[int],
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
) -> Figure:
    """Draw a layer as the matrix it multiplies its flattened input with.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, transposed convolution, average pool or ``Unfold``.
    shape : tuple of int
        Shape of one sample, (C, ...).
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.matrix(nn.Conv1d(1, 1, 3), (1, 5)))
    'Conv1d(1, 1, 3) on an input of shape (1, 5) as a matrix of 3 rows, one per output cell...'
    """
    table, output = matrix_of(layer, shape)
    rows, columns = table.shape
    roles, scale = np.where(table != 0, "kernel", "hole"), scale_of(table, signed=True)
    note = (
        f"{counted(rows, 'row')}, one per cell of the output {output}; "
        f"{counted(columns, 'column')}, one per cell of the input {tuple(shape)}"
    )
    line, makes = "row", "makes one output cell"
    if read(layer).family == "transposed":
        line, makes = "column", "is what one input cell adds to the output"
    words = (
        f"A {line} of this {rows} × {columns} matrix {makes}. Its weights move along from {line} "
        f"to {line}, and all else is 0."
    )
    used = np.count_nonzero(table, axis=1)
    amount = " to ".join(map(str, dict.fromkeys((int(used.min()), int(used.max())))))
    alt = (
        f"{code(layer)} on an input of shape {tuple(shape)} as a matrix of "
        f"{counted(rows, 'row')}, one per output cell, and {counted(columns, 'column')}, one per "
        f"input cell. A row has {amount} "
        f"numbers that are not 0; of the whole matrix {1 - used.sum() / table.size:.0%} are 0."
    )

    def body(room: float) -> Box:
        return keyed(fitting(table, roles, room, scale=scale), 8)

    card = bare(fitting(table, roles, CARD, scale=scale))
    return show(body, alt, (title, code(layer)), note, (caption, words), card, fig)


def matrix_of(layer: nn.Module, shape: Sequence[int]) -> tuple[np.ndarray, tuple[int, ...]]:
    """The matrix, and the shape of the output."""
    if read(layer).family in ("max", "lp"):
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
