"""Where a cell stands: its index, its channel, and the input cells its taps stand on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from operator import index

from convdocs.geometry import source
from convdocs.layers import Layer, LayerError


class CellError(LayerError, IndexError):
    """An index that the layer's output, or its input, does not have; says the shape."""


@dataclass(frozen=True, slots=True)
class Place:
    """An output cell taken apart.

    Parameters
    ----------
    batch : tuple of int
        The sample; empty when the input is not batched.
    channel : int
        Output channel; for an unfold the input channel that is copied.
    cell : tuple of int
        Place along the spatial axes; for an unfold the place of the block.
    only : tuple of int or None
        The one tap an unfold copies; None where all taps take part.
    """

    batch: tuple[int, ...]
    channel: int
    cell: tuple[int, ...]
    only: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Tap:
    """A tap of the window: where in the kernel, where on the input, and what is there.

    `cell` is None where there is no input cell, and `reason` then says why.
    """

    kernel: tuple[int, ...]
    position: tuple[int | None, ...]
    cell: tuple[int, ...] | None
    reason: str | None
    padded: bool


def as_index(at: int | Sequence[int]) -> tuple[int, ...]:
    """An index as its author typed it, as a tuple.

    Examples
    --------
    >>> as_index(3), as_index([0, 1])
    ((3,), (0, 1))
    """
    if isinstance(at, Iterable):
        return tuple(index(one) for one in at)
    return (index(at),)


def checked(at: int | Sequence[int], shape: Sequence[int], whose: str) -> tuple[int, ...]:
    """``at`` counted from the front, once it is known to be a cell of ``shape``.

    Raises
    ------
    CellError
        When it is not; says what ``shape`` is.

    Examples
    --------
    >>> checked((0, -1), (2, 5), "the output of Conv1d(3, 2, 3)")
    (0, 4)
    """
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
    batch, rest = at[:batched], at[batched:]
    if layer.family != "unfold":
        return Place(batch, rest[0], rest[1:])
    row, block = rest
    kernels = [window.kernel for window in layer.windows]
    channel, tap = divmod(row, prod(kernels))
    sizes = input_shape[-layer.dims :]
    blocks = [w.output_size(size) for w, size in zip(layer.windows, sizes, strict=True)]
    return Place(batch, channel, _unravel(block, blocks), _unravel(tap, kernels))


def _unravel(flat: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The index into an array of ``sizes`` that ``flat`` is, row by row."""
    places = []
    for size in reversed(sizes):
        flat, one = divmod(flat, size)
        places.append(one)
    return tuple(reversed(places))


def channels_read(layer: Layer, channel: int) -> range:
    """Input channels that output channel ``channel`` reads.

    Examples
    --------
    >>> from convdocs.layers import read
    >>> from torch import nn
    >>> channels_read(read(nn.Conv1d(6, 4, 3, groups=2)), 3)
    range(3, 6)
    >>> channels_read(read(nn.MaxPool1d(2)), 3)
    range(3, 4)
    """
    if layer.in_channels is None or layer.out_channels is None:
        return range(channel, channel + 1)
    size = layer.in_channels // layer.groups
    group = channel // (layer.out_channels // layer.groups)
    return range(group * size, (group + 1) * size)


def taps(layer: Layer, where: Place, sizes: Sequence[int]) -> Iterator[Tap]:
    """The taps of an output cell's window over an input of ``sizes``, in the kernel's order."""
    axes = [enumerate(w.positions(o)) for w, o in zip(layer.windows, where.cell, strict=True)]
    for steps in product(*axes):
        kernel = tuple(tap for tap, _ in steps)
        if where.only in (None, kernel):
            position = tuple(one for _, one in steps)
            yield Tap(kernel, position, *_stands_on(layer, position, sizes))


def _stands_on(
    layer: Layer, position: tuple[int | None, ...], sizes: Sequence[int]
) -> tuple[tuple[int, ...] | None, str | None, bool]:
    """The input cell at ``position``, or why there is none; and whether that is padding."""
    cell = []
    reason = None
    padded = False
    for one, size, window in zip(position, sizes, layer.windows, strict=True):
        if one is None:
            return None, "hole", False
        padded = padded or not 0 <= one < size
        found = source(one, size, layer.padding_mode)
        if found is not None:
            cell.append(found)
        elif not window.transposed and one >= size + window.padding[1]:
            reason = "outside"
        else:
            reason = reason or "padding"
    return (None if reason else tuple(cell)), reason, padded
