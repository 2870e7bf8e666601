"""Where a cell stands: its index, its channel, and the input cells its taps stand on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from operator import index
from typing import NamedTuple

import numpy as np

from convdocs.geometry import Window, source
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


def checked(at: int | Sequence[int], shape: Sequence[int], whose: str) -> tuple[int, ...]:
    """``at`` counted from the front; a CellError where it is not a cell of ``shape``."""
    cell = tuple(map(index, at)) if isinstance(at, Iterable) else (index(at),)
    if len(cell) != len(shape):
        raise CellError(
            f"{whose} has shape {tuple(shape)}, so a cell of it has {len(shape)} numbers, "
            f"but {cell} has {len(cell)}"
        )
    if any(not -size <= at < size for at, size in zip(cell, shape, strict=True)):
        raise CellError(f"no cell {cell}: {whose} has shape {tuple(shape)}")
    return tuple(at % size for at, size in zip(cell, shape, strict=True))


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
    triples = zip(layer.windows, where.cell, sizes, strict=True)
    for steps in product(*(axis_taps(*triple, layer.padding_mode) for triple in triples)):
        kernel, position, cell, reasons, padded = zip(*steps, strict=True)
        if where.only in (None, kernel):
            # in alphabetical order: a hole goes before what is outside, and that before padding
            reason = min(filter(None, reasons), default=None)
            off = any(padded) and reason != "hole"
            yield Tap(kernel, position, None if reason else cell, reason, off)


def axis_taps(
    window: Window, output: int, size: int, padding_mode: str
) -> Iterator[tuple[int, int | None, int | None, str | None, bool]]:
    """The same along one axis: tap, position, input cell, why there is none, whether padded."""
    for tap, at in enumerate(window.positions(output)):
        if at is None:
            yield tap, None, None, "hole", False
            continue
        cell, reason = source(at, size, padding_mode), None
        if cell is None:
            past = not window.transposed and at >= size + window.padding[1]
            reason = "outside" if past else "padding"
        yield tap, at, cell, reason, not 0 <= at < size
