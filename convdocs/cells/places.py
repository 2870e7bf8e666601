"""Where a cell stands: its index, its channel, and the input cells its taps stand on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from operator import index
from typing import NamedTuple

import numpy as np

from convdocs.geometry import source
from convdocs.layers import Layer, LayerError


class CellError(LayerError, IndexError):
    """An index that the layer's output, or its input, does not have; says the shape."""


class Place(NamedTuple):
    """An output cell taken apart."""

    batch: tuple[int, ...]  # empty when the input is not batched
    channel: int  # of the output; for an unfold the input channel that is copied
    cell: tuple[int, ...]  # along the spatial axes; for an unfold the place of the block
    only: tuple[int, ...] | None = None  # the one tap that an unfold copies


class Tap(NamedTuple):
    """A tap of the window: where in the kernel, where on the input, and what is there."""

    kernel: tuple[int, ...]
    position: tuple[int | None, ...]
    cell: tuple[int, ...] | None  # None where there is no input cell
    reason: str | None  # why there is none
    padded: bool


def as_index(at: int | Sequence[int]) -> tuple[int, ...]:
    """An index as its author typed it, as a tuple."""
    return tuple(map(index, at)) if isinstance(at, Iterable) else (index(at),)


def checked(at: int | Sequence[int], shape: Sequence[int], whose: str) -> tuple[int, ...]:
    """``at`` counted from the front; a CellError where it is no cell of ``shape``."""
    cell = as_index(at)
    if len(cell) != len(shape):
        raise CellError(
            f"{whose} has shape {tuple(shape)}, so a cell of it has {len(shape)} numbers, "
            f"but {cell} has {len(cell)}"
        )
    if any(not -size <= one < size for one, size in zip(cell, shape, strict=True)):
        raise CellError(f"no cell {cell}: {whose} has shape {tuple(shape)}")
    return tuple(one % size for one, size in zip(cell, shape, strict=True))


def place(layer: Layer, at: tuple[int, ...], input_shape: Sequence[int]) -> Place:
    """Take the output cell ``at`` apart."""
    batched = len(input_shape) - layer.dims - 1
    batch, (channel, *cell) = at[:batched], at[batched:]
    if layer.family != "unfold":
        return Place(batch, channel, tuple(cell))
    rows, blocks = unfolded(layer, input_shape)
    channel, *tap = map(int, np.unravel_index(channel, rows))
    return Place(batch, channel, tuple(map(int, np.unravel_index(cell[0], blocks))), tuple(tap))


def unfolded(layer: Layer, input_shape: Sequence[int]) -> tuple[list[int], list[int]]:
    """What an unfold's rows are, channel by channel and tap by tap, and its blocks."""
    channels, *sizes = input_shape[-1 - layer.dims :]
    blocks = [w.output_size(size) for w, size in zip(layer.windows, sizes, strict=True)]
    return [channels, *(window.kernel for window in layer.windows)], blocks


def channels_read(layer: Layer, channel: int) -> range:
    """Input channels that output channel ``channel`` reads."""
    if layer.in_channels is None or layer.out_channels is None:
        return range(channel, channel + 1)
    size = layer.in_channels // layer.groups
    group = channel // (layer.out_channels // layer.groups)
    return range(group * size, (group + 1) * size)


def taps(layer: Layer, where: Place, sizes: Sequence[int]) -> Iterator[Tap]:
    """The taps of an output cell's window over an input of ``sizes``, in the kernel's order."""
    axes = [enumerate(w.positions(o)) for w, o in zip(layer.windows, where.cell, strict=True)]
    for steps in product(*axes):
        kernel, position = zip(*steps, strict=True)
        if where.only in (None, kernel):
            yield Tap(kernel, position, *_stands_on(layer, position, sizes))


def _stands_on(
    layer: Layer, position: Sequence[int | None], sizes: Sequence[int]
) -> tuple[tuple[int, ...] | None, str | None, bool]:
    """The input cell at ``position``, or why there is none; and whether that is padding."""
    cell = []
    reason, padded = None, False
    for place, size, window in zip(position, sizes, layer.windows, strict=True):
        if place is None:
            return None, "hole", False
        padded = padded or not 0 <= place < size
        found = source(place, size, layer.padding_mode)
        if found is not None:
            cell.append(found)
        elif not window.transposed and place >= size + window.padding[1]:
            reason = "outside"
        else:
            reason = reason or "padding"
    return (None if reason else tuple(cell)), reason, padded
