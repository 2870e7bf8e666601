"""Frames with the colours of a GIF: the roles' exactly, and the commonest in between."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PIL import Image

from convdocs.draw.palette import ROLES, Theme, colour

BITS = 5  # of a channel that tell one colour from another
COLOURS = 48  # the roles, and enough in between for smooth letters; more make a longer file


def indexed(frames: Iterable[np.ndarray], sample: np.ndarray, theme: Theme) -> list[Image.Image]:
    """Frames of red, green and blue as images that share one palette, made from ``sample``.

    Examples
    --------
    >>> white = np.full((2, 2, 3), 255, dtype=np.uint8)
    >>> [image.convert("RGB").getpixel((0, 0)) for image in indexed([white], white, "light")]
    [(255, 255, 255)]
    """
    palette = _palette(sample, theme)
    table = _nearest(palette)
    images = []
    for frame in frames:
        image = Image.fromarray(table[_bins(frame)])
        image.putpalette(palette.astype(np.uint8).tobytes())
        images.append(image)
    return images


def _bins(frame: np.ndarray) -> np.ndarray:
    """A number for every pixel's colour, the finest differences left out."""
    red, green, blue = np.moveaxis(frame, -1, 0).astype(np.uint16) >> (8 - BITS)
    bins: np.ndarray = (red << 2 * BITS) | (green << BITS) | blue
    return bins


def _centres(bins: np.ndarray) -> np.ndarray:
    mask = (1 << BITS) - 1
    channels = [bins >> 2 * BITS, bins >> BITS & mask, bins & mask]
    return np.stack(channels, axis=-1) * (256 >> BITS) + (128 >> BITS)


def _palette(sample: np.ndarray, theme: Theme) -> np.ndarray:
    codes = [colour(role, theme) for role in ROLES]
    roles = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in codes])
    counts = np.bincount(_bins(sample).ravel(), minlength=1 << 3 * BITS)
    counts[_bins(roles)] = 0  # these stand there already
    common = np.argsort(counts, kind="stable")[::-1][: COLOURS - len(roles)]
    return np.concatenate([roles, _centres(common[counts[common] > 0])])


def _nearest(palette: np.ndarray) -> np.ndarray:
    """For every bin the place of the palette's nearest colour."""
    every = _centres(np.arange(1 << 3 * BITS))
    distance = (
        (every**2).sum(axis=1)[:, None] - 2 * every @ palette.T + (palette**2).sum(axis=1)[None]
    )
    table: np.ndarray = distance.argmin(axis=1).astype(np.uint8)
    roles = len(ROLES)
    # of roles in one bin the last to be written wins: the page
    order = [*range(roles), list(ROLES).index("page")]
    table[_bins(palette[order])] = order
    return table
