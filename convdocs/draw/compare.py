"""Two layers on one input: their windows, and what each makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.figure import Figure
from torch import Tensor, nn

from convdocs.draw.boxes import WIDE, Box, Column, Row, first_fitting
from convdocs.draw.picture import shared, show
from convdocs.draw.plane import fitting, keyed, scale_of
from convdocs.draw.scene import leads_to, scene, with_arcs
from convdocs.draw.sheet import Place

GAP = 24.0


def compare(
    a: nn.Module,
    b: nn.Module,
    x: Tensor,
    at: int | Sequence[int] | None = None,
    *,
    sample: int | None = None,
    titles: Sequence[str] | None = None,
    title: str = "",
    caption: str | None = None,
    fig: Place | None = None,
) -> Figure:
    """Draw two layers on one input: stride 1 beside 2, dilation 1 beside 2, max beside average.

    They stand one above the other where the page is too narrow for both.

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
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`; no title when left out.

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> x = torch.tensor([[1.0, 3.0, 2.0, 0.0]])
    >>> draw.compare(nn.MaxPool1d(2), nn.AvgPool1d(2), x).caption
    'One input, two layers: MaxPool1d(2) gives (1, 2), AvgPool1d(2) gives (1, 2).'
    """
    both = [scene(layer, x, at, sample) for layer in (a, b)]
    names = [shown.cell.code for shown in both] if titles is None else titles
    pairs = list(zip(names, both, strict=True))
    gives = ", ".join(f"{name} gives {shown.cell.output_shape}" for name, shown in pairs)
    words = f"One input, two layers: {gives}."

    def body(room: float) -> Box:
        side = shared(room, GAP)

        def sides(within: float) -> Iterator[Box]:
            """Each layer's input and output, side by side where so many points are enough."""
            for name, shown in pairs:
                unit, scale = shown.units[0], scale_of(shown.x)
                plane = fitting(unit.values, unit.roles, side, unit.frames, scale)
                plane = with_arcs(plane, shown.axes)
                both = keyed(plane).titled(unit.name), shown.output_plane(side)
                yield leads_to(*both, within).titled(name, shown.note, side, 8)

        # alike for both, so that one may take more than its side of the page, the other less
        ways = (kind(sides(within), GAP) for kind in (Row, Column) for within in (WIDE, 0.0))
        return first_fitting(ways, room)

    alt, card = (
        " ".join(shown.alt for shown in both),
        Column((shown.thumbnail() for shown in both), gap=14),
    )
    return show(body, alt, (title, ""), "", (caption, words), card, fig)
