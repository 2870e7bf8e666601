"""What a layer or a model makes of an image, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor, nn

from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import Box, Column, Row, Words, flow, heading, note, wrapped
from convdocs.draw.picture import PHONE, show
from convdocs.draw.plane import (
    CONTRAST,
    Plane,
    Scale,
    array,
    legend,
    numbers,
    photo,
    scale_of,
    shades,
)
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import TITLE_SIZE
from convdocs.draw.units import named
from convdocs.layers import code

MOST_MAPS = 16
GAP = 8.0
KERNEL = 42.0  # points of a kernel beside its map's name
MOST_KERNELS = 3  # input channels whose kernels have room there
PLAIN = 4  # letters of a weight that can be read in a small cell


def feature_maps(
    layer_or_model: nn.Module,
    image: Tensor,
    *,
    sample: int | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw an image and the channels that a layer or a model makes of it.

    The model runs once as it is (in evaluation mode if it is in evaluation mode), on a copy, so
    that its buffers, hooks and the random state stay as they are. Each map has its full shade at
    the 99th percentile of its numbers' sizes, so that a few extremes leave the rest visible.

    Parameters
    ----------
    layer_or_model : torch.nn.Module
        Anything whose output has channels and two spatial axes.
    image : torch.Tensor
        (C, H, W), or a batch of them.
    sample : int, optional
        The sample of a batch; the first when left out.
    names : sequence of str, optional
        What the channels are called, ``["upright edges", "level edges"]``.
    title, caption : str, optional
        What is written above and below; the layer's code and a sentence when left out.
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
    which, made = _run(layer_or_model, image, sample)
    picture, maps = (array(t[which] if t.ndim == 4 else t) for t in (image, made))
    if names is not None and len(names) != len(maps):
        raise DrawError(f"{len(names)} names for {len(maps)} channels; give each one its name")
    batch = f"sample {which} of {image.shape[0]}; " if image.ndim == 4 and len(image) > 1 else ""
    called = code(layer_or_model)
    first = _image(picture, batch)
    signed = bool((maps[:MOST_MAPS] < 0).any())
    tiles = [
        _Map(values, _scale(values, signed=signed), _name(names, channel),
             _kernel(layer_or_model, channel), "")
        for channel, values in enumerate(maps[:MOST_MAPS])
    ]  # fmt: skip
    words = _caption(maps) if caption is None else caption
    rest = max(0, len(maps) - MOST_MAPS)
    layout = partial(_page, called if title is None else title, first, tiles, maps.shape, rest)
    thumb = Row((first.plane(120), tiles[0].plane(120)), gap=8)
    return show(layout, batch + _alt(called, picture, maps, names), words, thumb=thumb, fig=fig)


def _run(model: nn.Module, image: Tensor, sample: int | None) -> tuple[int, Tensor]:
    """Which sample is drawn, and what the model makes of them all."""
    if not isinstance(image, Tensor) or image.ndim not in (3, 4):
        raise DrawError("image must be a tensor (C, H, W) or a batch (N, C, H, W)")
    if image.ndim == 3 and sample is not None:
        raise DrawError(f"sample= picks from a batch, and an image {tuple(image.shape)} is one")
    made, _, _ = run(replica(model), image)
    if made.ndim != image.ndim:
        raise DrawError(
            f"the output has shape {tuple(made.shape)}, which is no channels of two axes; "
            f"draw the maps of a part of the model"
        )
    count = image.shape[0] if image.ndim == 4 else 1
    if not -count <= (sample or 0) < count:
        raise DrawError(f"no sample {sample} in a batch of shape {tuple(image.shape)}")
    return (sample or 0) % count, made


class _Map:
    """A tile of the picture: a map, its name, the kernel that made it.

    ``values`` of shape (3, H, W) are a photograph.
    """

    def __init__(
        self, values: np.ndarray, scale: Scale, name: str, kernel: np.ndarray | None, words: str
    ) -> None:
        self.values, self.scale, self.name = values, scale, name
        self.kernel, self.words = kernel, words

    def plane(self, side: float) -> Plane:
        """The map alone."""
        if self.values.ndim == 3:
            return photo(self.values, side)
        step = side / max(self.values.shape)
        return shades(self.values, "output", (step, step), self.scale)

    def box(self, side: float) -> Box:
        """The map below its name, with the kernel beside that."""
        kernels = () if self.kernel is None else tuple(map(_small, self.kernel))
        room = side - sum(one.width + 6 for one in kernels)
        lines = wrapped(self.name, room, TITLE_SIZE, "bold")
        names = [Words(line, weight="bold") for line in lines]
        below = note(self.words, room) if self.words else legend(self.scale)
        head = Row((*kernels, Column((*names, below), gap=1)), gap=6)
        return Column((head, self.plane(side)), gap=4)


def _image(picture: np.ndarray, batch: str) -> _Map:
    """The image in colour when it has three channels, else its first channel."""
    words = f"{batch}of shape {picture.shape}"
    if picture.shape[0] == 3:
        return _Map(picture, (0.0, 1.0), "input", None, f"{words}, in colour")
    name = named("input", None if picture.shape[0] == 1 else 0)
    return _Map(picture[0], scale_of(picture[0], CONTRAST), name, None, words)


def _scale(values: np.ndarray, *, signed: bool) -> Scale:
    """A map's own scale; around zero if any of the maps has numbers below it."""
    low, high = scale_of(values, CONTRAST)
    most = max(-low, high)
    return (-most, most) if signed else (low, high)


def _name(names: Sequence[str] | None, channel: int) -> str:
    return named("output", channel) if names is None else names[channel]


def _kernel(layer: nn.Module, channel: int) -> np.ndarray | None:
    """The weights that make a channel, if they are few enough to be seen beside it."""
    weight = getattr(layer, "weight", None)
    if not isinstance(layer, nn.Conv2d) or weight is None or weight.shape[1] > MOST_KERNELS:
        return None
    kernel = array(weight[channel])
    return kernel if kernel[0].size > 1 or len(kernel) > 1 else None


def _small(kernel: np.ndarray) -> Plane:
    """A kernel in small cells: in numbers, where they are short enough."""
    step = KERNEL / max(kernel.shape[0], kernel.shape[1], 2)
    short = all(len(f"{value:g}") <= PLAIN / 2 for value in kernel.ravel().tolist())
    if short and step >= 13:
        plane = numbers(kernel, "kernel", size=8)
        rows, columns = kernel.shape
        return Plane(kernel, plane.roles, (step,) * columns, (step,) * rows, 0, size=8)
    return shades(kernel, "kernel", (step, step), scale_of(kernel))


def _page(
    title: str,
    first: _Map,
    tiles: list[_Map],
    shape: tuple[int, ...],
    rest: int,
    room: float,
) -> Box:
    count = len(tiles) + 1
    across = 2 if room <= PHONE or count in (2, 4) else 3
    side = (room - GAP * (across - 1)) / across
    words = f"output of shape {shape}" + (f"; {rest} more channels are not drawn" if rest else "")
    boxes = [tile.box(side) for tile in (first, *tiles)]
    return Column((heading(title, room, words), flow(boxes, room, GAP, "bottom")), gap=8)


def _caption(maps: np.ndarray) -> str:
    if np.nanmin(maps) < 0:
        return "Each filter makes a map of its own: orange where its answer is above 0, blue where it is below."  # noqa: E501
    return "Each filter makes a map of its own: the brighter, the larger its answer."


def _alt(name: str, picture: np.ndarray, maps: np.ndarray, names: Sequence[str] | None) -> str:
    size = f"{maps.shape[1]} x {maps.shape[2]}"
    drawn = "" if maps.shape[0] <= MOST_MAPS else f"; the first {MOST_MAPS} are drawn"
    called = f": {', '.join(names)}" if names else ""
    return (
        f"An image of shape {picture.shape} and the {maps.shape[0]} channels, of {size}, that "
        f"{name} makes of it{called}{drawn}."
    )
