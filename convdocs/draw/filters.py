"""The filters of a first layer, as the small images they look for."""

from __future__ import annotations

from matplotlib.figure import Figure
from torch import nn

from convdocs.draw.boxes import Box, Column, flow
from convdocs.draw.feature_maps import coloured
from convdocs.draw.kernel import weights_of
from convdocs.draw.picture import PHONE, show
from convdocs.draw.plane import CONTRAST, Plane, legend, scale_of
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import Place
from convdocs.layers import code, read

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
    reads = weight.shape[1]
    image = weight.ndim == 3 or (weight.ndim == 4 and reads in (1, 3))
    if read(layer).family != "convolution" or not image:
        raise DrawError(
            f"the filters of {code(layer)} are not images: each reads {reads} channels; "
            f"draw.kernel draws them plane by plane"
        )
    planes = weight if weight.ndim == 4 else weight[:, None]
    how, words = SHADED if planes.shape[1] == 1 else COLOURED
    size = " x ".join(map(str, weight.shape[-2:]))
    note = f"weight of shape {weight.shape}"
    if len(weight) > MOST:
        note += f"; the first {MOST} of {len(weight)} filters"

    scale = scale_of(planes, CONTRAST, signed=True)

    def tiles(most: int, side: float) -> list[Plane]:
        return [coloured(kernel, scale[1], side) for kernel in planes[:most]]

    def body(room: float) -> Box:
        across = ACROSS // 2 if room <= PHONE else ACROSS
        named = enumerate(tiles(MOST, (room - GAP * (across - 1)) / across))
        key = () if planes.shape[1] == 3 else (legend(scale),)
        return Column((*key, flow((tile.titled(str(at)) for at, tile in named), room, GAP)), gap=8)

    title, caption = code(layer) if title is None else title, words if caption is None else caption
    alt = f"The {len(weight)} filters of {code(layer)} as images of {size}, {how}."
    return show(body, title, note, alt, caption, flow(tiles(12, 45.0), 210.0, GAP), fig)
