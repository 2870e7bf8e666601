"""A layer's weights, kernel by kernel."""

from __future__ import annotations

from math import prod

import numpy as np
from matplotlib.figure import Figure
from torch import nn

from convdocs.cells.replica import replica
from convdocs.draw.boxes import Box, Column, Row, first_fitting, flow
from convdocs.draw.picture import show
from convdocs.draw.plane import FINE, Digits, array, fitting, legend, numbers, scale_of, ways
from convdocs.draw.scene import DrawError, named
from convdocs.draw.sheet import Place
from convdocs.layers import code, read
from convdocs.view.numbers import counted, plain

MOST_ROWS = 8  # output channels
MOST_COLUMNS = 4  # input channels, or slices


def kernel(
    layer: nn.Module,
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
) -> Figure:
    """Draw the weights of a convolution: a row per output channel, a grid per input channel.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution or a transposed convolution.
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.kernel(nn.Conv1d(3, 2, 3)))
    'The weight of Conv1d(3, 2, 3), of shape (2, 3, 3), numbers from ... to ..., and its biases.'
    """
    weight, biases = weights_of(layer)
    count, reads, *taps = weight.shape
    size = " × ".join(map(str, taps))
    planes = prod(weight.shape[1:-2])
    owner, other, has = "filter", "input", "is"
    if read(layer).family == "transposed":
        owner, other, has = "input channel", "output", "has"
    owner = f"Each of the {counted(count, owner)}" if count > 1 else f"The one {owner}"
    each = f"for each of {reads} {other} channels" if reads > 1 else f"for its one {other} channel"
    form = "a row of grids" if planes > 1 else "a grid"
    words = f"{owner} {has} {form}: {size} weights {each}."
    finite = weight[np.isfinite(weight)]
    reach = f"from {plain(finite.min())} to {plain(finite.max())}" if finite.size else "none finite"
    end = "" if biases is None else ", and its biases"
    note = f"weight of shape {weight.shape}"
    if count > MOST_ROWS:
        note += f"; the first {MOST_ROWS} of {count} rows"
    if planes > MOST_COLUMNS:
        note += f"; the first {MOST_COLUMNS} of {planes} planes in a row"
    written = ways(weight.shape[-2])

    def body(room: float) -> Box:
        parts: list[Box] = [first_fitting((_tiles(weight, d, room) for d in written), room)]
        if biases is not None:
            parts.append(fitting(biases[None, :MOST_ROWS], "kernel", room).titled("bias"))
        return Column(parts, gap=9)

    alt = f"The weight of {code(layer)}, of shape {weight.shape}, numbers {reach}{end}."
    thumb = _tiles(weight[:2, :2] if weight.ndim > 3 else weight[:2], written[-1], 140.0)
    return show(body, alt, (title, code(layer)), note, (caption, words), thumb, fig)


def weights_of(layer: nn.Module) -> tuple[np.ndarray, np.ndarray | None]:
    """The weight and the biases; these belong to output channels, which are not the rows of a
    transposed weight, and are left out there.
    """
    family = read(layer).family
    if family not in ("convolution", "transposed"):
        raise DrawError(f"{code(layer)} has no weights to draw")
    weight, bias = (getattr(replica(layer), name) for name in ("weight", "bias"))
    return array(weight), array(bias) if family == "convolution" and bias is not None else None


def _tiles(weight: np.ndarray, digits: Digits, room: float) -> Column:
    """A row of planes per row of the weight, single ones side by side; their cells are equally
    wide.
    """
    rows, places = weight[:MOST_ROWS], list(np.ndindex(*weight.shape[1:-2]))[:MOST_COLUMNS]
    like = tuple(x for row in rows for at in places for x in row[at].ravel())
    side, scale = min(FINE, (room - 20) / len(places) / weight.shape[-1]), scale_of(weight)
    grid = [
        Row((numbers(row[at], "kernel", digits, (), like, (side, side), scale)
             .titled(named("weight", number, *at)) for at in places), gap=10)
        for number, row in enumerate(rows)
    ]  # fmt: skip
    whole = flow(grid, room, 12, below=9) if len(places) == 1 else Column(grid, gap=9)
    return Column((whole, legend(scale)) if digits[0] is None else (whole,), gap=9)
