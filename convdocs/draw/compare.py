"""Two layers on one input: their windows, and what each makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.draw.boxes import Box, Column, Row, Words, flow, heading, titled
from convdocs.draw.layer import check_size, half, output_plane, thumbnail, with_arcs
from convdocs.draw.picture import show
from convdocs.draw.plane import MOST_ROWS, fine, fitting, scale_of, shades
from convdocs.draw.scene import Scene, scene
from convdocs.draw.units import units
from convdocs.draw.words import alt_text, input_words

GAP = 24.0


def compare(
    a: nn.Module,
    b: nn.Module,
    x: Tensor,
    at: int | Sequence[int] | None = None,
    *,
    sample: int | None = None,
    titles: Sequence[str] | None = None,
    title: str | None = None,
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw two layers on one input side by side: stride 1 and 2, dilation 1 and 2, max and average.

    Parameters
    ----------
    a, b : torch.nn.Module
        Convolutions, transposed convolutions or pools that both take ``x``.
    x : torch.Tensor
        The input, batched or not.
    at : tuple of int, optional
        An output cell that both have; the first when left out.
    sample : int, optional
        The sample, when ``at`` is given without one.
    titles : sequence of str, optional
        What the layers are called; their code when left out.
    title, caption : str, optional
        What is written above and below; no title, and a sentence, when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> x = torch.tensor([[1.0, 3.0, 2.0, 0.0]])
    >>> draw.compare(nn.MaxPool1d(2), nn.AvgPool1d(2), x).caption
    'One input, two layers: MaxPool1d(2) gives (1, 2), AvgPool1d(2) gives (1, 2).'
    """
    both = [scene(layer, x, at, sample) for layer in (a, b)]
    for shown in both:
        check_size(shown)
    codes = [shown.cell.code for shown in both]
    names = codes if titles is None else list(titles)
    gives = [
        f"{name} gives {shown.cell.output_shape}" for name, shown in zip(names, both, strict=True)
    ]
    words = f"One input, two layers: {', '.join(gives)}." if caption is None else caption
    alt = " ".join(alt_text(shown) for shown in both)
    thumb = Column(tuple(map(thumbnail, both)), gap=14)
    layout = partial(_page, title or "", names, both)
    return show(layout, alt, words, thumb=thumb, fig=fig)


def _page(title: str, names: list[str], both: list[Scene], room: float) -> Box:
    side = half(room) - GAP / 2 if half(room) < room else room
    parts = [_side(name, shown, side) for name, shown in zip(names, both, strict=True)]
    head = (heading(title, room),) if title else ()
    return Column((*head, flow(parts, room, GAP)), gap=9)


def _side(name: str, shown: Scene, room: float) -> Box:
    """One layer: its input with the window, and its output."""
    unit = units(shown)[0]
    if max(unit.values.shape) <= MOST_ROWS:
        plane = fitting(unit.values, unit.roles, room, frames=unit.frames)
        box: Box = with_arcs(plane, [slots for slots, _ in shown.axes[-2:]])
    else:
        size = fine(unit.values.shape, room)
        box = shades(unit.values, unit.roles, size, scale_of(shown.x), unit.frames)
    planes = (titled(box, unit.name), output_plane(shown, room))
    arrow = Words("→", 12, "muted")
    row = Row((planes[0], arrow, planes[1]), gap=6)
    body: Box = row if row.width <= room else Column(planes, gap=8)
    return Column((heading(name, room, input_words(shown)), body), gap=7)
