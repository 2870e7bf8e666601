"""What a layer or a model makes of an image, channel by channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor, nn

from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import END, MIDDLE, Box, Column, Row, flow, lines
from convdocs.draw.picture import shared, show
from convdocs.draw.plane import CONTRAST, SMALL, Plane, array, legend, numbers, photo, scale_of
from convdocs.draw.scene import DrawError, named
from convdocs.draw.sheet import Place
from convdocs.layers import code
from convdocs.view.numbers import counted

MOST_MAPS = 16
GAP = 8.0
KERNEL = 42.0  # points of the kernel beside a map's name


def feature_maps(
    layer_or_model: nn.Module,
    image: Tensor,
    *,
    sample: int | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
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
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`.

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> draw.describe(draw.feature_maps(nn.Conv2d(1, 6, 3), torch.rand(1, 28, 28)))
    'An image of shape (1, 28, 28) and the 6 channels, of 26 x 26, that Conv2d(1, 6, 3) makes...'
    """
    which, output = _run(layer_or_model, image, sample)
    picture, maps = (array(t[which] if t.ndim == 4 else t) for t in (image, output))
    if names is not None and len(names) != len(maps):
        raise DrawError(f"{len(names)} names for {len(maps)} channels; give each one its name")
    count, high, wide = maps.shape
    called = [named("output", channel) for channel in range(count)] if names is None else names
    batch = f", sample {which} of {len(image)}" if image.ndim == 4 and len(image) > 1 else ""
    drawn, rest = maps[:MOST_MAPS], max(0, count - MOST_MAPS)
    signed = bool((drawn < 0).any())
    grey = scale_of(picture[0], CONTRAST)  # of an image without colours
    scales = [scale_of(values, CONTRAST, signed=signed) for values in drawn]
    many = f"{counted(count, 'channel')}, of {high} x {wide}"
    alt = f"An image of shape {picture.shape}{batch}{',' * bool(batch)} and the {many}, "
    alt += f"that {code(layer_or_model)} makes of it{': ' + ', '.join(names) if names else ''}"
    alt += f"; the first {MOST_MAPS} are drawn." if rest else "."
    how = "orange where its answer is above 0, blue where it is below"
    if not signed:
        how = "the brighter, the larger its answer"

    def tiles(side: float) -> list[Column]:
        """The image in colour when it has three channels, else its first, and the maps."""
        colour = ", in colour" if len(picture) == 3 else ""
        name = "input" if colour else named("input", None if len(picture) == 1 else 0)
        words = lines(f"of shape {picture.shape}{colour}{batch}", side)
        shown = [Column((words.titled(name, "", side, 1), photo(picture, "output", side, grey)))]
        for channel, (values, scale) in enumerate(zip(drawn, scales, strict=True)):
            kernel = _kernel(layer_or_model, channel)
            room = side - sum(plane.width + 6 for plane in kernel)
            words = legend(scale).titled(called[channel], "", room, 1)
            head = Row((*kernel, words), 6, MIDDLE)
            shown.append(Column((head, photo(values, "output", side, scale))))
        return shown

    def body(room: float) -> Box:
        side = shared(room, GAP, 2 if len(drawn) in (1, 3) else 3, 2)
        return flow(tiles(side), room, GAP, END)

    note = f"output of shape {maps.shape}"
    note += f"; {counted(rest, 'more channel')} not drawn" * (rest > 0)
    words = f"Each filter makes a map of its own: {how}."
    thumb = Row((photo(picture, "output", 120, grey), photo(drawn[0], "output", 120, scales[0])))
    return show(body, alt, (title, code(layer_or_model)), note, (caption, words), thumb, fig)


def _run(model: nn.Module, image: Tensor, sample: int | None) -> tuple[int, Tensor]:
    """Which sample is drawn, and what the model makes of them all."""
    if not isinstance(image, Tensor) or image.ndim not in (3, 4):
        raise DrawError("image must be a tensor (C, H, W) or a batch (N, C, H, W)")
    if image.ndim == 3 and sample is not None:
        raise DrawError(f"sample= picks from a batch, and an image {tuple(image.shape)} is one")
    output, _, _ = run(replica(model), image)
    if output.ndim != image.ndim:
        raise DrawError(
            f"the output has shape {tuple(output.shape)}, which is no channels of two axes; "
            f"draw the maps of a part of the model"
        )
    count = image.shape[0] if image.ndim == 4 else 1
    if not -count <= (sample or 0) < count:
        raise DrawError(f"no sample {sample} in a batch of shape {tuple(image.shape)}")
    return (sample or 0) % count, output


def _kernel(layer: nn.Module, channel: int) -> list[Plane]:
    """The weights that make a channel: as numbers where they are short, in colour where they read
    red, green and blue.
    """
    if not isinstance(layer, nn.Conv2d) or layer.weight.shape[1] not in (1, 3):
        return []
    kernel = array(layer.weight[channel])
    _, rows, columns = kernel.shape
    step = KERNEL / max(rows, columns, 2)
    if len(kernel) == 3 or step < 13 or any(len(f"{v:g}") > 2 for v in kernel.ravel().tolist()):
        return [coloured(kernel, np.abs(kernel).max(), KERNEL)]
    written = numbers(kernel[0], "kernel", (1, SMALL))
    return [replace(written, columns=[step] * columns, rows=[step] * rows)]


def coloured(kernel: np.ndarray, most: float, side: float) -> Plane:
    """A kernel as an image: in red, green and blue grey is 0; one plane is blue and orange."""
    most = most or 1.0
    if len(kernel) == 3:
        return photo(np.clip(kernel / (2 * most) + 0.5, 0, 1), "kernel", side)
    return photo(kernel[0], "kernel", side, (-most, most))
