"""What a layer or a model makes of an image, channel by channel."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import BUDGET, Box, Column, Row, Words, paste, titled
from convdocs.draw.panels import named, note
from convdocs.draw.scene import DrawError, numbers
from convdocs.draw.shading import Photo, Shaded, legend, scale
from convdocs.layers import code

MOST_MAPS = 16
ACROSS = 4
GAP = 8.0


def feature_maps(
    layer_or_model: nn.Module,
    image: Tensor,
    *,
    sample: int | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw an image and the channels that a layer or a model makes of it.

    The model runs once as it is (in evaluation mode if it is in evaluation mode), on a copy, so
    that its buffers, hooks and the random state stay as they are.

    Parameters
    ----------
    layer_or_model : torch.nn.Module
        Anything whose output has channels and two spatial axes.
    image : torch.Tensor
        (C, H, W), or a batch of them.
    sample : int, optional
        The sample of a batch; the first when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> draw.describe(draw.feature_maps(nn.Conv2d(1, 6, 3), torch.rand(1, 28, 28)))
    'An image of shape (1, 28, 28) and the 6 channels, of 26 x 26, that Conv2d(1, 6, 3) makes...'
    """
    if not isinstance(image, Tensor) or image.ndim not in (3, 4):
        raise DrawError("image must be a tensor (C, H, W) or a batch (N, C, H, W)")
    if image.ndim == 3 and sample is not None:
        raise DrawError(f"sample= picks from a batch, and an image {tuple(image.shape)} is one")
    made, _, _ = run(replica(layer_or_model), image)
    if made.ndim != image.ndim:
        raise DrawError(
            f"the output has shape {tuple(made.shape)}, which is no channels of two axes; "
            f"draw the maps of a part of the model"
        )
    count = image.shape[0] if image.ndim == 4 else 1
    which = sample or 0
    if not -count <= which < count:
        raise DrawError(f"no sample {sample} in a batch of shape {tuple(image.shape)}")
    picture, maps = (numbers(t[which] if t.ndim == 4 else t) for t in (image, made))
    name = code(layer_or_model)
    said = f"sample {which % count} of {count}; " if count > 1 else ""
    page = Column((Words(name, weight="bold"), _image(picture, said), _maps(maps)), gap=8)
    return paste(page, said + _words(name, picture, maps), fig=fig)


def _image(picture: np.ndarray, said: str) -> Box:
    """The image in colour when it has three channels, else its first channel."""
    if picture.shape[0] == 3:
        photo = Photo(picture, (BUDGET - GAP) / 2)
        return titled(photo, "input", f"{said}of shape {picture.shape}, as red, green and blue")
    shades = scale(picture)
    size = min(12.0, (BUDGET - GAP) / 2 / max(picture.shape[1:]))
    roles = np.full(picture.shape[1:], "input", dtype=object)
    box = Shaded(picture[0], roles, (size, size), shades)
    name = named("input", None if picture.shape[0] == 1 else 0)
    return titled(box, name, f"{said}of shape {picture.shape}; {legend(shades)}")


def _maps(maps: np.ndarray) -> Box:
    """The channels, in one scale so that they can be compared."""
    drawn = min(maps.shape[0], MOST_MAPS)
    across = min(ACROSS, drawn)
    shades = scale(maps[:drawn])
    size = min(12.0, (BUDGET - GAP * (across - 1)) / across / max(maps.shape[1:]))
    roles = np.full(maps.shape[1:], "output", dtype=object)
    tiles = [
        titled(Shaded(maps[channel], roles, (size, size), shades), named("output", channel))
        for channel in range(drawn)
    ]
    rows = [tuple(tiles[start : start + across]) for start in range(0, drawn, across)]
    said = f"output of shape {maps.shape}; {legend(shades)}"
    if drawn < maps.shape[0]:
        said += f"; {maps.shape[0] - drawn} more channels"
    grids = Column(tuple(Row(row, gap=GAP, align="top") for row in rows), gap=GAP)
    return Column((note(said), grids), gap=4)


def _words(name: str, picture: np.ndarray, maps: np.ndarray) -> str:
    size = f"{maps.shape[1]} x {maps.shape[2]}"
    drawn = "" if maps.shape[0] <= MOST_MAPS else f"; the first {MOST_MAPS} are drawn"
    return (
        f"An image of shape {picture.shape} and the {maps.shape[0]} channels, of {size}, that "
        f"{name} makes of it{drawn}."
    )
