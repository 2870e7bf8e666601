"""What a picture of a layer shows, as plain arrays: the padded input, the window, the output.

Numbers come from :func:`convdocs.explain` and from the layer; places come from geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from convdocs.cells import CellError, Explanation, explain
from convdocs.cells.replica import replica, run
from convdocs.draw.plane import array
from convdocs.geometry import Window, source
from convdocs.layers import Layer, LayerError, read

LARGEST = 224  # cells along an axis that are drawn
RANKS = ("input", "hole", "padding", "outside")  # along several axes the last one wins


class DrawError(LayerError):
    """Something that makes no readable picture; says what to do."""


class Slot(NamedTuple):
    """One place along an axis as it is drawn: its rank, and the input cell whose number is there;
    for copied padding the one copied.
    """

    role: str
    cell: int | None


def slots(window: Window, size: int, mode: str) -> tuple[list[Slot], int]:
    """All places that some window reaches along an axis, and the position of the first.

    A transposed window is drawn as what it also is: a window that slides with stride 1 over the
    input with its cells spread ``stride`` apart.
    """
    out = window.output_size(size)
    before, after = window.padding
    if window.transposed:
        first = min(0, before - window.span + 1)
        last = max((size - 1) * window.stride, out - 1 + before)
        return [_spread(place, window.stride, size) for place in range(first, last + 1)], first
    last = max(size + after, (out - 1) * window.stride - before + window.span)
    places = []
    for place in range(-before, last):
        cell = None if place >= size + after else source(place, size, mode)
        role = "input" if 0 <= place < size else "padding" if place < size + after else "outside"
        places.append(Slot(role, cell))
    return places, -before


def _spread(place: int, stride: int, size: int) -> Slot:
    if not 0 <= place <= (size - 1) * stride:
        return Slot("padding", None)
    return Slot("hole", None) if place % stride else Slot("input", place // stride)


def reached(window: Window, output: int, first: int) -> list[int]:
    """Slot that each tap reads, in the order of the slots."""
    start = output + window.padding[0] - window.span + 1
    if not window.transposed:
        start = output * window.stride - window.padding[0]
    return [start - first + tap * window.dilation for tap in range(window.kernel)]


@dataclass(frozen=True)
class Scene:
    """A layer, one sample of its input, (C, ...), and one output cell, ready to be drawn."""

    cell: Explanation
    layer: Layer
    x: np.ndarray
    y: np.ndarray
    sample: int | None
    samples: int

    @cached_property
    def axes(self) -> list[tuple[list[Slot], int]]:
        """The slots of each spatial axis and the position of the first."""
        pairs = zip(self.layer.windows, self.x.shape[1:], strict=True)
        return [slots(window, size, self.layer.padding_mode) for window, size in pairs]

    @cached_property
    def taps(self) -> list[list[int]]:
        """Per axis the slots the window reads."""
        firsts = [first for _, first in self.axes]
        return list(map(reached, self.layer.windows, self.cell.cell, firsts))

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """First slot and number of slots of the window along each axis."""
        return [(taps[0], taps[-1] - taps[0] + 1) for taps in self.taps]

    @cached_property
    def channels(self) -> list[int]:
        """Input channels that the window reads."""
        if self.layer.family == "unfold":
            return list(range(self.x.shape[0]))
        return sorted({term.channel for term in self.cell.terms})

    @property
    def weighted(self) -> bool:
        """Whether the layer has weights."""
        return self.cell.terms[0].weight is not None

    @property
    def channel(self) -> int:
        """Output channel (for an unfold: the row)."""
        return self.cell.at[0 if self.sample is None else 1]

    @property
    def place(self) -> tuple[int, ...]:
        """The output cell's place within its channel."""
        return self.cell.at[1 if self.sample is None else 2 :]

    @property
    def kernel_shape(self) -> tuple[int, ...]:
        """Taps along each axis."""
        return tuple(window.kernel for window in self.layer.windows)

    def roles(self, *lead: int) -> np.ndarray:
        """What every place of a plane is; of three axes, the plane at slot ``lead`` of the first.

        ``"read"`` is an input cell under a tap; else see :class:`Slot`.
        """
        rank = np.zeros((), dtype=int)
        for place, (slots, _) in zip(lead, self.axes, strict=False):
            rank = np.maximum(rank, RANKS.index(slots[place].role))
        for slots, _ in self.axes[len(lead) :]:
            rank = np.maximum.outer(rank, [RANKS.index(slot.role) for slot in slots])
        names = np.array(RANKS, dtype=object)[rank]
        if all(place in taps for place, taps in zip(lead, self.taps, strict=False)):
            window = np.ix_(*self.taps[len(lead) :])
            names[window] = np.where(rank[window] == 0, "read", names[window])
        return names

    def values(self, channel: int, *lead: int) -> np.ndarray:
        """The numbers of the plane as the window sees it, padding and holes filled in."""
        plane, missing = self.x[channel], np.zeros((), dtype=bool)
        for place, (slots, _) in zip(lead, self.axes, strict=False):
            plane, missing = plane[slots[place].cell or 0], missing | (slots[place].cell is None)
        cells = [[slot.cell for slot in slots] for slots, _ in self.axes[len(lead) :]]
        for axis in cells:
            missing = np.logical_or.outer(missing, [cell is None for cell in axis])
        taken = plane[np.ix_(*([cell or 0 for cell in axis] for axis in cells))]
        filled: np.ndarray = np.where(missing, -inf if self.layer.family == "max" else 0.0, taken)
        return filled

    def taken(self, what: str) -> np.ndarray:
        """``"weight"``, ``"value"`` or ``"product"`` of every term, (channels, taps, ...)."""
        flat = np.array([getattr(term, what) for term in self.cell.terms], dtype=float)
        block = flat.reshape((-1, *self.kernel_shape))
        axes = tuple(range(1, block.ndim)) if self.layer.family == "transposed" else ()
        turned: np.ndarray = np.flip(block, axes)
        return turned

    @cached_property
    def winner(self) -> tuple[int, ...] | None:
        """Slots of the cell that alone makes the output: the largest, or the one copied."""
        if self.layer.family == "unfold":
            kernel = self.cell.terms[0].kernel
        elif self.layer.family == "max":
            # the first of several, and nan before any number: so torch, and so argmax
            products = [term.product for term in self.cell.terms]
            kernel = self.cell.terms[int(np.argmax(products))].kernel
        else:
            return None
        return tuple(taps[tap] for taps, tap in zip(self.taps, kernel, strict=True))


def scene(layer: nn.Module, x: Tensor, at: int | Sequence[int] | None, sample: int | None) -> Scene:
    """Work out what a picture of ``layer`` shows."""
    reading = read(layer)
    if isinstance(x, Tensor) and x.is_complex():
        raise DrawError("complex numbers have no picture here; draw x.real and x.imag on their own")
    if isinstance(x, Tensor) and sample is not None and x.ndim < reading.dims + 2:
        raise CellError(
            f"sample= picks from a batch, and an input of shape {tuple(x.shape)} is one sample"
        )
    # the first output cell, without its sample where that is given apart
    axes = getattr(x, "ndim", 0) - (reading.family == "unfold") - (sample is not None)
    cell = explain(layer, x, (0,) * axes if at is None else at, sample=sample)
    sizes = x.shape[-reading.dims :]
    if max(sizes) > LARGEST:
        part = ", ".join([f":{LARGEST}"] * len(sizes))
        raise DrawError(
            f"an input of {' x '.join(map(str, sizes))} is too large to draw (the most is "
            f"{LARGEST} along an axis); draw a part of it: x[..., {part}]"
        )
    output, _, _ = run(replica(layer), x)
    batched = x.ndim == reading.dims + 2
    picked = cell.at[0] if batched else None
    before, after = (array(t if picked is None else t[picked]) for t in (x, output))
    return Scene(cell, reading, before, after, picked, x.shape[0] if batched else 1)
