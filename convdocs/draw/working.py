"""One output cell of a layer: input, window, kernel, products, sum, output."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.draw.boxes import BUDGET, Box, Column, Row, paste
from convdocs.draw.captions import caption
from convdocs.draw.panels import equation, head, output
from convdocs.draw.scene import DrawError, Scene, scene
from convdocs.draw.units import plans, rest, unit_box, units

LARGEST = 224  # cells along an axis


def layer(
    layer: nn.Module,
    x: Tensor,
    at: int | Sequence[int] | None = None,
    *,
    sample: int | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw how one output cell comes about.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, transposed convolution, pool or ``Unfold``.
    x : torch.Tensor
        Its input, batched or not.
    at : tuple of int, optional
        Index into the output, as for :func:`convdocs.explain`; the first cell when left out.
    sample : int, optional
        The sample, when ``at`` is given without one.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    LayerError
        When ``layer`` has no sliding window, ``x`` is no input for it, ``at`` no cell of the
        output, or the input is too large to draw.

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> fig = draw.layer(nn.AvgPool1d(2), torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> draw.describe(fig)
    'AvgPool1d(2) on an input of shape (1, 4)...: ... output[0, 0] = 2.'
    """
    shown = scene(layer, x, at, sample)
    _check_size(shown)
    return paste(compose(shown), caption(shown), fig=fig)


def _check_size(shown: Scene) -> None:
    sizes = shown.x.shape[1:]
    if max(sizes) > LARGEST:
        raise DrawError(
            f"an input of {' x '.join(map(str, sizes))} is too large to draw (the most is "
            f"{LARGEST} along an axis); draw a part of it: "
            f"x[..., {', '.join([f':{LARGEST}'] * len(sizes))}]"
        )


def compose(shown: Scene) -> Box:
    """The first arrangement that is no wider than a page."""
    parts = units(shown)
    for plan in plans(parts):
        body = Column(tuple(unit_box(shown, plan, unit, len(parts)) for unit in parts), gap=9)
        if body.width <= BUDGET:
            break
    if left := rest(shown, parts):
        body = Column((*body.parts, left), gap=9)
    end = Column((equation(shown), output(shown)), gap=9)
    if body.width + end.width + 20 <= BUDGET:
        main: Box = Row((body, end), gap=20, align="top")
    else:
        main = Column((body, end), gap=9)
    return Column((head(shown), main), gap=9)
