"""The filters of a first layer, as the small images they look for."""

from __future__ import annotations

from functools import partial

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import nn

from convdocs.draw.boxes import Box, flow, page, titled
from convdocs.draw.kernel import weights_of
from convdocs.draw.picture import PHONE, show
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
    size = " x ".join(map(str, weight.shape[-2:]))
    how, words = "shaded", (
        "Each filter as an image: it answers most to what is bright where it is orange and dark "
        "where it is blue.")  # fmt: skip
    if _coloured(weight):
        how, words = "in red, green and blue", (
            "Each filter as the image it answers to most: grey where its weights are near 0, "
            "coloured where it tells colours apart.")  # fmt: skip
    return show(
        partial(_page, code(layer) if title is None else title, weight),
        f"The {len(weight)} filters of {code(layer)} as images of {size}, {how}.",
        words if caption is None else caption,
        thumb=flow(_tiles(weight[:12], 45.0), 210.0, GAP),
        place=fig,
    )


def _page(title: str, weight: np.ndarray, room: float) -> Box:
    across = ACROSS // 2 if room <= PHONE else ACROSS
    words = f"weight of shape {weight.shape}"
    if len(weight) > MOST:
        words += f"; the first {MOST} of {len(weight)} filters"
    tiles = _tiles(weight[:MOST], (room - GAP * (across - 1)) / across)
    named = [titled(tile, str(place)) for place, tile in enumerate(tiles)]
    key = () if _coloured(weight) else (legend(scale_of(weight, CONTRAST)),)
    return page(room, title, words, *key, flow(named, room, GAP))


def _tiles(weight: np.ndarray, side: float) -> list[Plane]:
    """The filters; in colour grey is 0, and the strongest weight of all is full."""
    low, high = scale_of(weight, CONTRAST, signed=True)
    if _coloured(weight):
        return [photo(np.clip(kernel / (2 * high) + 0.5, 0, 1), side) for kernel in weight]
    planes = weight[:, 0] if weight.ndim == 4 else weight
    step = side / max(planes.shape[1:])
    return [shades(plane, "kernel", (step, step), (low, high)) for plane in planes]


def _coloured(weight: np.ndarray) -> bool:
    return weight.ndim == 4 and weight.shape[1] == 3
