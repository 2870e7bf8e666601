"""The padding modes: the numbers around an input, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from convdocs.draw.boxes import Box, Column, flow, page, titled
from convdocs.draw.layer import with_arcs
from convdocs.draw.picture import show
from convdocs.draw.plane import Plane, array, bare, numbers
from convdocs.draw.scene import DrawError, Slot, slots
from convdocs.geometry import PADDING_MODES, Window

MEANING = {
    "zeros": "",
    "reflect": "the input reflected at its edge cell",
    "replicate": "copies of the edge cell",
    "circular": "cells from the opposite side",
}

Axes = list[list[Slot]]


def padding(
    *modes: str,
    x: Tensor | Sequence[float] | None = None,
    pad: int = 2,
    title: str = "",
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw what the padding modes put around an input.

    Parameters
    ----------
    *modes : str
        ``"zeros"``, ``"reflect"``, ``"replicate"``, ``"circular"``; all four when left out.
    x : torch.Tensor, optional
        A row of numbers, or a plane; 1 to 5 when left out.
    pad : int
        Cells on each side.
    title, caption : str, optional
        What is written above and below; no title, and a sentence, when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.padding("reflect"))
    'Padding of 2: reflect makes 3 2 | 1 2 3 4 5 | 4 3.'
    """
    plane = np.arange(1.0, 6.0) if x is None else array(torch.as_tensor(x))
    if plane.ndim not in (1, 2) or 0 in plane.shape:
        raise DrawError(f"x must be a row or a plane of numbers, not of shape {plane.shape}")
    axes = {mode: _slots(mode, plane.shape, pad) for mode in modes or PADDING_MODES}
    thumb = Column(tuple(bare(_padded(plane, axes[mode])) for mode in list(axes)[:3]), gap=10)
    words = _caption(list(axes), pad) if caption is None else caption
    layout = partial(_page, title, plane, axes)
    return show(layout, _alt(plane, axes, pad), words, thumb=thumb, place=fig)


def _page(title: str, plane: np.ndarray, axes: dict[str, Axes], room: float) -> Box:
    parts = [titled(_padded(plane, axes[mode]), mode, MEANING[mode], 150) for mode in axes]
    return page(room, title, "", flow(parts, room, 24))


def _slots(mode: str, shape: tuple[int, ...], pad: int) -> Axes:
    if mode not in PADDING_MODES:
        raise DrawError(f"no padding mode {mode!r}; there are {', '.join(PADDING_MODES)}")
    most = {"reflect": min(shape) - 1, "circular": min(shape)}.get(mode, pad)
    if not 0 <= pad <= most:
        raise DrawError(f"{mode} padding of {pad} on an input of shape {shape}: 0 to {most} fit")
    window = Window(kernel=1, padding=(pad, pad))
    return [slots(window, size, mode)[0] for size in shape]


def _padded(plane: np.ndarray, axes: Axes) -> Plane:
    """The plane with its padding, copied cells with an arc from where they come from."""
    values = np.atleast_2d(plane)
    rows, columns = axes if len(axes) > 1 else [[Slot("input", 0)], *axes]
    shown = np.array([[_value(values, row, column) for column in columns] for row in rows])
    roles = np.array(
        [["input" if r.role == c.role == "input" else "padding" for c in columns] for r in rows],
        dtype=object,
    )
    return with_arcs(numbers(shown, roles), axes)


def _value(values: np.ndarray, row: Slot, column: Slot) -> float:
    if row.cell is None or column.cell is None:
        return 0.0
    return float(values[row.cell, column.cell])


def _caption(modes: list[str], pad: int) -> str:
    cells_ = "one cell" if pad == 1 else f"{pad} cells"
    if modes == ["zeros"]:
        return f"A frame of zeros, {cells_} wide on each side, around the input."
    return f"Hatched are the {cells_} added on each side; an arrow leads from a cell to its copy."


def _alt(plane: np.ndarray, axes: dict[str, Axes], pad: int) -> str:
    if plane.ndim == 2:
        return f"A plane of shape {plane.shape} padded by {pad}: {', '.join(axes)}."
    parts = []
    for mode, (row,) in axes.items():
        shown = ["0" if slot.cell is None else f"{plane[slot.cell]:g}" for slot in row]
        end = len(shown) - pad
        pieces = (shown[:pad], shown[pad:end], shown[end:])
        parts.append(f"{mode} makes {' | '.join(' '.join(piece) for piece in pieces)}")
    return f"Padding of {pad}: {'; '.join(parts)}."
