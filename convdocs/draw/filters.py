"""The filters of a first layer, as the small images they look for."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import nn

from convdocs.draw.boxes import Box, Column, flow
from convdocs.draw.feature_maps import coloured
from convdocs.draw.kernel import weights_of
from convdocs.draw.picture import shared, show
from convdocs.draw.plane import CONTRAST, Plane, legend, scale_of
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import Place
from convdocs.layers import code, read
from convdocs.view.numbers import counted

MOST = 64
ACROSS = 8
GAP = 8.0
# what the images are, and what to see in them
COLOURED = (
    "in red, green and blue",
    "Each filter as the image it answers to most: grey where its weights are near 0, coloured "
    "where it tells colours apart.",
)
SHADED = (
    "shaded",
    "Each filter as an image: it answers most to what is bright where it is orange and dark "
    "where it is blue.",
)


def filters(
    layer: nn.Module,
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
) -> Figure:
    """Draw the filters of a first layer as images: in colour where they read three channels.

    Parameters
    ----------
    layer : torch.nn.Module
        A ``Conv1d``, or a ``Conv2d`` that reads one channel or three.
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.filters(nn.Conv2d(3, 16, 5)))
    'The 16 filters of Conv2d(3, 16, 5) as images of 5 x 5, in red, green and blue.'
    """
    weight, _ = weights_of(layer)
    count, reads, *size = weight.shape
    image = len(size) == 1 or (len(size) == 2 and reads in (1, 3))
    if read(layer).family != "convolution" or not image:
        raise DrawError(
            f"the filters of {code(layer)} are not images: each reads {reads} channels; "
            f"draw.kernel draws them plane by plane"
        )
    planes = weight if weight.ndim == 4 else weight[:, None]
    shaded = planes.shape[1] == 1
    how, words = SHADED if shaded else COLOURED
    scale = scale_of(planes, CONTRAST, signed=True)
    note = f"weight of shape {weight.shape}"
    if count > MOST:
        note += f"; the first {MOST} of {count} filters"
    across = min(ACROSS, max(ACROSS // 2, count))  # a few are larger

    def tiles(most: int, side: float) -> list[Plane]:
        return [coloured(kernel, scale[1], side) for kernel in planes[:most]]

    def body(room: float) -> Box:
        images = enumerate(tiles(MOST, shared(room, GAP, across, ACROSS // 2)))
        named = flow((image.titled(str(at)) for at, image in images), room, GAP)
        return Column((legend(scale), named) if shaded else (named,), gap=8)

    sides = " x ".join(map(str, weight.shape[-2:]))
    alt = f"The {counted(count, 'filter')} of {code(layer)} as images of {sides}, {how}."
    thumb = flow(tiles(12, 45.0), 210.0, GAP)
    return show(body, alt, (title, code(layer)), note, (caption, words), thumb, fig)
