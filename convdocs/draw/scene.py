"""What a picture of a layer shows, as plain arrays: the padded input, the window, the output.

Numbers come from :func:`convdocs.explain` and from the layer; places come from geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
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
    """One place along an axis as it is drawn: its role, and the input cell whose number is there;
    for copied padding the one copied.
    """

    role: str
    cell: int | None


class Axis(NamedTuple):
    """All places that some window reaches along an axis, the position of the first, and which of
    them the taps of the one window read.
    """

    slots: list[Slot]
    first: int
    taps: list[int]

    @property
    def span(self) -> tuple[int, int]:
        return self.taps[0], self.taps[-1] - self.taps[0] + 1


def axis(window: Window, size: int, mode: str, cell: int = 0) -> Axis:
    """An axis and the window of an output cell.

    A transposed window is drawn as what it also is: a window that slides with stride 1 over the
    input with its cells spread ``stride`` apart.
    """
    out, (before, after) = window.output_size(size), window.padding
    if window.transposed:
        first, spread = min(0, before - window.span + 1), (size - 1) * window.stride
        last = max(spread, out - 1 + before)
        start = cell + before - window.span + 1
        slots = [
            Slot("padding", None) if not 0 <= place <= spread
            else Slot("hole", None) if place % window.stride
            else Slot("input", place // window.stride)
            for place in range(first, last + 1)
        ]  # fmt: skip
    else:
        first, end = -before, size + after
        start = cell * window.stride - before
        slots = [
            Slot("outside", None) if place >= end
            else Slot("input" if 0 <= place < size else "padding", source(place, size, mode))
            for place in range(first, max(end, (out - 1) * window.stride - before + window.span))
        ]  # fmt: skip
    return Axis(
        slots, first, [start - first + tap * window.dilation for tap in range(window.kernel)]
    )


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
    def axes(self) -> list[Axis]:
        each = zip(self.layer.windows, self.x.shape[1:], self.cell.cell, strict=True)
        mode = self.layer.padding_mode
        return [axis(window, size, mode, cell) for window, size, cell in each]

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
        return tuple(window.kernel for window in self.layer.windows)

    @property
    def depth(self) -> int:
        """Slices that the window reads of every channel."""
        return self.kernel_shape[0] if self.layer.dims == 3 else 1

    def roles(self, *lead: int) -> np.ndarray:
        """What every place of a plane is; of three axes, the plane at slot ``lead`` of the first.

        ``"read"`` is an input cell under a tap; else see :class:`Slot`.
        """
        ranks = [[RANKS.index(slot.role) for slot in axis.slots] for axis in self.axes]
        ranks[: len(lead)] = [[ranks[at][place]] for at, place in enumerate(lead)]
        rank = _outer(np.maximum, ranks)[(0,) * len(lead)]
        names: np.ndarray = np.array(RANKS, dtype=object)[rank]
        if all(place in axis.taps for place, axis in zip(lead, self.axes, strict=False)):
            window = np.ix_(*(axis.taps for axis in self.axes[len(lead) :]))
            names[window] = np.where(rank[window] == 0, "read", names[window])
        return names

    def values(self, channel: int, *lead: int) -> np.ndarray:
        """The numbers of the plane as the window sees it, padding and holes filled in."""
        cells = [[slot.cell for slot in axis.slots] for axis in self.axes]
        cells[: len(lead)] = [[cells[at][place]] for at, place in enumerate(lead)]
        taken = self.x[channel][np.ix_(*([cell or 0 for cell in some] for some in cells))]
        missing = _outer(np.logical_or, [[cell is None for cell in some] for some in cells])
        filled = np.where(missing, -inf if self.layer.family == "max" else 0.0, taken)
        whole: np.ndarray = filled[(0,) * len(lead)]
        return whole

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
        if self.layer.family not in ("unfold", "max"):
            return None
        # the first of several, and nan before any number: so torch, and so argmax
        products = [term.product for term in self.cell.terms]
        best = int(np.argmax(products)) if self.layer.family == "max" else 0
        kernel = self.cell.terms[best].kernel
        return tuple(axis.taps[tap] for axis, tap in zip(self.axes, kernel, strict=True))


def _outer(join: np.ufunc, axes: Sequence[Sequence[int]]) -> np.ndarray:
    """What ``join`` makes of every cell of a grid, given what is so along each axis."""
    first, *rest = map(np.asarray, axes)
    return reduce(join.outer, rest, first)


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
