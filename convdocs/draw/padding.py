"""The padding modes: the numbers around an input, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from convdocs.draw.boxes import END, Box, Column, flow
from convdocs.draw.picture import PAGE, show
from convdocs.draw.plane import ARC_ROOM, Plane, array, bare, fitting, keyed
from convdocs.draw.scene import PADDED_WITH, DrawError, axis, laid_out, with_arcs
from convdocs.draw.sheet import Place
from convdocs.geometry import PADDING_MODES, Window
from convdocs.view.numbers import counted, plain


def padding(
    *modes: str,
    x: Tensor | Sequence[float] | None = None,
    pad: int = 2,
    title: str = "",
    caption: str | None = None,
    fig: Place | None = None,
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
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`; no title when left out.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.padding("reflect"))
    'Padding of 2: reflect makes 3 2 | 1 2 3 4 5 | 4 3.'
    """
    plane = np.arange(1.0, 6.0) if x is None else array(torch.as_tensor(x))
    if plane.ndim not in (1, 2) or 0 in plane.shape:
        raise DrawError(f"x must be a row or a plane of numbers, not of shape {plane.shape}")
    padded = {mode: _padded(mode, plane, pad, PAGE) for mode in modes or PADDING_MODES}
    cells = counted(pad, "cell")
    words = f"Hatched on each side: {cells} of padding; an arrow leads from a cell to its copy."
    if list(padded) == ["zeros"]:
        words = f"A frame of zeros, {cells} wide on each side, around the input."
    notes = {**PADDED_WITH, "zeros": ""}

    def body(room: float) -> Box:
        parts = (
            keyed(_padded(mode, plane, pad, room)).titled(mode, notes[mode], 150) for mode in padded
        )
        return flow(parts, room, 24, END)

    card = Column(map(bare, list(padded.values())[:3]), gap=10)
    return show(body, _alt(plane, padded, pad), (title, ""), "", (caption, words), card, fig)


def _padded(mode: str, plane: np.ndarray, pad: int, room: float) -> Plane:
    """The plane with its padding, copied cells with an arc from where they come from."""
    if mode not in PADDING_MODES:
        raise DrawError(f"no padding mode {mode!r}; there are {', '.join(PADDING_MODES)}")
    most = {"reflect": min(plane.shape) - 1, "circular": min(plane.shape)}.get(mode, pad)
    if not 0 <= pad <= most:
        raise DrawError(
            f"{mode} padding of {pad} on an input of shape {plane.shape}: 0 to {most} fit"
        )
    rows, pads = np.atleast_2d(plane), (pad * (plane.ndim - 1), pad)
    axes = [
        axis(Window(kernel=1, padding=(along, along)), size, mode)
        for along, size in zip(pads, rows.shape, strict=True)
    ]
    return with_arcs(fitting(*laid_out(axes, rows, 0.0), room - ARC_ROOM), axes)


def _alt(plane: np.ndarray, padded: dict[str, Plane], pad: int) -> str:
    if plane.ndim == 2:
        return f"A plane of shape {plane.shape} padded by {pad}: {', '.join(padded)}."
    parts = []
    for mode, made in padded.items():
        shown = list(map(plain, made.values[0]))
        end = len(shown) - pad
        pieces = (shown[:pad], shown[pad:end], shown[end:])
        parts.append(f"{mode} makes {' | '.join(' '.join(piece) for piece in pieces)}")
    return f"Padding of {pad}: {'; '.join(parts)}."
