"""The filters of a first layer, as the small images they look for."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import nn

from convdocs.draw.boxes import Box, Column, flow, heading, titled
from convdocs.draw.kernel import weights_of
from convdocs.draw.picture import show
from convdocs.draw.plane import CONTRAST, Plane, legend, photo, scale_of, shades
from convdocs.draw.scene import DrawError
from convdocs.layers import code, read

MOST = 64
ACROSS = 8
GAP = 8.0


def filters(
    layer: nn.Module,
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the filters of a first layer as images: in colour where they read three channels.

    Parameters
    ----------
    layer : torch.nn.Module
        A ``Conv1d``, or a ``Conv2d`` that reads one channel or three.
    title, caption : str, optional
        What is written above and below; the layer's code and a sentence when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.filters(nn.Conv2d(3, 16, 5)))
    'The 16 filters of Conv2d(3, 16, 5) as images of 5 x 5, in red, green and blue.'
    """
    weight, _ = weights_of(layer)
    reads = weight.shape[1]
    image = weight.ndim == 3 or (weight.ndim == 4 and reads in (1, 3))
    if read(layer).family != "convolution" or not image:
        raise DrawError(
            f"the filters of {code(layer)} are no images: each reads {reads} channels; "
            f"draw.kernel draws them plane by plane"
        )
    name = code(layer) if title is None else title
    size = " x ".join(map(str, weight.shape[2:] if weight.ndim == 4 else weight.shape[1:]))
    how = "in red, green and blue" if weight.ndim == 4 and reads == 3 else "shaded"
    alt = f"The {len(weight)} filters of {code(layer)} as images of {size}, {how}."
    words = _caption(weight) if caption is None else caption
    thumb = Column((*_rows(weight[:12], 200.0, 4, named=False),), gap=6)
    return show(partial(_page, name, weight), alt, words, thumb=thumb, fig=fig)


def _page(title: str, weight: np.ndarray, room: float) -> Box:
    across = ACROSS if room > 400 else ACROSS // 2
    words = f"weight of shape {weight.shape}"
    if len(weight) > MOST:
        words += f"; the first {MOST} of {len(weight)} filters"
    parts = [heading(title, room, words), *_rows(weight[:MOST], room, across)]
    if not _coloured(weight):
        parts.insert(1, legend(scale_of(weight, CONTRAST)))
    return Column(tuple(parts), gap=GAP)


def _rows(weight: np.ndarray, room: float, across: int, *, named: bool = True) -> list[Box]:
    side = (room - GAP * (across - 1)) / across
    scale = scale_of(weight, CONTRAST)
    tiles = [_tile(kernel, side, scale) for kernel in weight]
    boxes = [titled(tile, str(place)) if named else tile for place, tile in enumerate(tiles)]
    return [flow(boxes, room, GAP)]


def _tile(kernel: np.ndarray, side: float, scale: tuple[float, float]) -> Plane:
    """A filter; in colour grey is 0, and the strongest weight of all is full."""
    if _coloured(kernel[None]):
        return photo(np.clip(kernel / (2 * max(map(abs, scale))) + 0.5, 0, 1), side)
    plane = kernel[0] if kernel.ndim == 3 else kernel
    step = side / max(plane.shape)
    return shades(plane, "kernel", (step, step), scale)


def _coloured(weight: np.ndarray) -> bool:
    return weight.ndim == 4 and weight.shape[1] == 3


def _caption(weight: np.ndarray) -> str:
    if _coloured(weight):
        return (
            "Each filter as the image it answers to most: grey where its weights are near 0, "
            "coloured where it tells colours apart."
        )
    return "Each filter as an image: it answers most to what is bright where it is orange and dark where it is blue."  # noqa: E501
