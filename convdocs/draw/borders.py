"""The padding modes: which numbers stand around an input, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from convdocs.draw.boxes import BUDGET, Box, Column, Row, paste, titled
from convdocs.draw.grids import grid
from convdocs.draw.panels import with_arcs
from convdocs.draw.scene import DrawError, Slot, numbers, slots
from convdocs.geometry import PADDING_MODES, Window

MEANING = {
    "zeros": "zeros",
    "reflect": "the input reflected at its edge cell",
    "replicate": "copies of the edge cell",
    "circular": "cells from the opposite side",
}


def padding(
    *modes: str,
    x: Tensor | Sequence[float] | None = None,
    pad: int = 2,
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
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.padding("reflect"))
    'Padding of 2: reflect makes 3 2 | 1 2 3 4 5 | 4 3.'
    """
    plane = np.arange(1.0, 6.0) if x is None else numbers(torch.as_tensor(x))
    if plane.ndim not in (1, 2) or 0 in plane.shape:
        raise DrawError(f"x must be a row or a plane of numbers, not of shape {plane.shape}")
    chosen = modes or PADDING_MODES
    axes = {mode: _slots(mode, plane.shape, pad) for mode in chosen}
    parts = [titled(_padded(plane, axes[mode]), mode, MEANING[mode]) for mode in chosen]
    return paste(_flow(parts), _words(plane, axes, pad), fig=fig)


def _slots(mode: str, shape: tuple[int, ...], pad: int) -> list[list[Slot]]:
    if mode not in PADDING_MODES:
        raise DrawError(f"no padding mode {mode!r}; there are {', '.join(PADDING_MODES)}")
    most = {"reflect": min(shape) - 1, "circular": min(shape)}.get(mode, pad)
    if not 0 <= pad <= most:
        raise DrawError(f"{mode} padding of {pad} on an input of shape {shape}: 0 to {most} fit")
    window = Window(kernel=1, padding=(pad, pad))
    return [slots(window, size, mode)[0] for size in shape]


def _padded(plane: np.ndarray, axes: list[list[Slot]]) -> Box:
    """The plane with its padding, copied cells with an arc from where they come from."""
    values = np.atleast_2d(plane)
    both = axes if len(axes) > 1 else [[Slot("input", 0)], *axes]
    rows, columns = both
    shown = np.array([[_value(values, row, column) for column in columns] for row in rows])
    roles = np.array(
        [["input" if r.role == c.role == "input" else "padding" for c in columns] for r in rows],
        dtype=object,
    )
    return with_arcs(grid(shown, roles, 4), axes)


def _value(values: np.ndarray, row: Slot, column: Slot) -> float:
    if row.cell is None or column.cell is None:
        return 0.0
    return float(values[row.cell, column.cell])


def _flow(parts: list[Column]) -> Box:
    """Boxes in rows of as many as fit side by side."""
    rows: list[list[Box]] = [[]]
    for part in parts:
        if rows[-1] and Row((*rows[-1], part), gap=16).width > BUDGET:
            rows.append([])
        rows[-1].append(part)
    return Column(tuple(Row(tuple(row), gap=16, align="top") for row in rows), gap=10)


def _words(plane: np.ndarray, axes: dict[str, list[list[Slot]]], pad: int) -> str:
    if plane.ndim == 2:
        return f"A plane of shape {plane.shape} padded by {pad}: {', '.join(axes)}."
    said = []
    for mode, (row,) in axes.items():
        cells = ["0" if slot.cell is None else f"{plane[slot.cell]:g}" for slot in row]
        end = len(cells) - pad
        pieces = (cells[:pad], cells[pad:end], cells[end:])
        said.append(f"{mode} makes {' | '.join(' '.join(piece) for piece in pieces)}")
    return f"Padding of {pad}: {'; '.join(said)}."
