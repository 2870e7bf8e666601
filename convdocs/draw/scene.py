"""What a picture of a layer shows: the padded input, the window, the output, and the words.

Numbers come from :func:`convdocs.explain` and from the layer; places come from geometry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import product
from math import inf, prod
from typing import NamedTuple

import numpy as np
from torch import Tensor, nn

from convdocs.cells import CellError, Explanation, explain
from convdocs.cells.replica import replica, run
from convdocs.draw.boxes import MIDDLE, WIDE, Box, Column, Row, Words, first_fitting
from convdocs.draw.picture import shared
from convdocs.draw.plane import (
    MOST_ROWS,
    Digits,
    Frame,
    Pairs,
    Plane,
    array,
    bare,
    fine,
    fitting,
    keyed,
    numbers,
    scale_of,
    ways,
)
from convdocs.draw.sheet import TITLE_SIZE
from convdocs.geometry import Window, source
from convdocs.layers import Layer, LayerError, read
from convdocs.view.numbers import counted, plain

LARGEST = 224  # cells along an axis that are drawn
MOST_CHANNELS = 8  # of one dimension, a row each
MOST_PLANES = 4  # channels, or slices, of two dimensions
MOST_ARCS = 8
CARD = 120.0  # points of a shaded plane on a thumbnail
KERNEL_CELL = 9.0  # points of a shaded kernel's cell
ROLES = np.array(["input", "hole", "padding", "outside"], dtype=object)
INPUT, HOLE, PADDING, OUTSIDE = range(4)  # along several axes the last one wins
NOWHERE = -1  # the cell of a place whose number is no input cell's
PADDED_WITH = {
    "zeros": "zeros",
    "reflect": "the input reflected at its edges",
    "replicate": "copies of the edge cells",
    "circular": "cells from the opposite side",
}


class DrawError(LayerError):
    """Something that would not make a readable picture; says what to do."""


class Axis(NamedTuple):
    """All places that some window reaches along an axis: what each is, and the input cell whose
    number is there; the position of the first; and which of them the taps of one window read.
    """

    kinds: np.ndarray
    cells: np.ndarray
    first: int
    taps: list[int]

    @property
    def copies(self) -> Pairs:
        """Places of input cells, and of padding that shows the same numbers."""
        copied = np.flatnonzero((self.kinds == PADDING) & (self.cells != NOWHERE))
        home = np.flatnonzero(self.kinds == INPUT)
        return list(zip(home[self.cells[copied]].tolist(), copied.tolist(), strict=True))


def axis(window: Window, size: int, mode: str, cell: int = 0) -> Axis:
    """An axis and the window of an output cell.

    A transposed window is drawn as what it also is: a window that slides with stride 1 over the
    input with its cells spread ``stride`` apart.
    """
    out, stride, (before, after) = window.output_size(size), window.stride, window.padding
    if window.transposed:
        start, spread = before - window.span + 1, (size - 1) * stride
        first = min(0, start)
        places = np.arange(first, max(spread, out - 1 + before) + 1)
        within = (places >= 0) & (places <= spread)
        cells = np.where(within & (places % stride == 0), places // stride, NOWHERE)
        kinds = np.select([~within, cells == NOWHERE], [PADDING, HOLE], INPUT)
        start += cell
    else:
        first, padded, start = -before, size + after, cell * stride - before
        places = np.arange(first, max(padded, (out - 1) * stride - before + window.span))
        sources = (source(at, size, mode) if at < padded else None for at in places.tolist())
        cells = np.array([NOWHERE if cell is None else cell for cell in sources])
        within = (places >= 0) & (places < size)
        kinds = np.select([within, places < padded], [INPUT, PADDING], OUTSIDE)
    taps = [start - first + tap * window.dilation for tap in range(window.kernel)]
    return Axis(kinds, cells, first, taps)


def laid_out(axes: list[Axis], x: np.ndarray, filling: float) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of an input as a window sees them, and what is at every place; of a third axis
    the taps alone.
    """
    kinds, cells = (
        np.ix_(*(getattr(axis, what)[axis.taps] for axis in axes[:-2]),
               *(getattr(axis, what) for axis in axes[-2:]))
        for what in ("kinds", "cells")
    )  # fmt: skip
    nowhere = reduce(np.minimum, cells) == NOWHERE
    return np.where(nowhere, filling, x[cells]), ROLES[reduce(np.maximum, kinds)]


def named(name: str, *index: int | str | None) -> str:
    """A tensor's name with an index, as one would type it; None leaves an axis out."""
    given = [str(place) for place in index if place is not None]
    return f"{name}[{', '.join(given)}]" if given else name


def reach(first: int, last: int) -> str:
    """Places next to one another: "2 to 6", or one alone."""
    return f"{first} to {last}" if first != last else str(first)


class Unit(NamedTuple):
    """A plane of the input and the part of the kernel that reads it."""

    name: str
    kernel: str  # its name; of the output a note
    values: np.ndarray  # the plane with its padding
    roles: np.ndarray
    part: int | slice  # of Scene.taken
    frames: tuple[Frame, ...]  # the window, and the cell that alone makes the output


@dataclass
class Scene:
    """A layer, one sample of its input, (C, ...), and one output cell, ready to be drawn."""

    cell: Explanation
    layer: Layer
    x: np.ndarray
    y: np.ndarray
    sample: int | None
    samples: int

    def __post_init__(self) -> None:
        layer, cell, lead = self.layer, self.cell, int(self.sample is not None)
        windows, mode = layer.windows, layer.padding_mode
        each = zip(windows, self.x.shape[1:], cell.cell, strict=True)
        self.axes = [axis(window, size, mode, at) for window, size, at in each]
        self.flat = layer.dims == 1  # all channels are rows of one plane
        self.depth = prod(window.kernel for window in windows[:-2])  # slices read of every channel
        self.weighted = cell.terms[0].weight is not None
        self.channel, self.place = cell.at[lead], cell.at[lead + 1 :]  # for an unfold: the row
        self.channels = sorted({term.channel for term in cell.terms})  # that the window reads
        if self.flat:
            count = len(self.x)
            start = self.channels[0] if count > MOST_CHANNELS else 0
            rows = np.arange(start, min(start + MOST_CHANNELS, count))
            taps = np.flatnonzero(np.isin(rows, self.channels)).tolist()
            self.axes.insert(0, Axis(np.zeros_like(rows), rows, start, taps))
        self.winner: tuple[int, ...] = ()  # the cell that alone makes the output
        if layer.family in ("unfold", "max"):
            # the first of several, and nan before any number: so torch, and so argmax
            best = cell.terms[int(np.argmax([term.product for term in cell.terms]))]
            places = (0, *best.kernel)[-len(self.axes) :]
            taps = [axis.taps[tap] for axis, tap in zip(self.axes, places, strict=True)]
            self.winner = (*(() if self.flat else (best.channel,)), *taps)
        if layer.family == "unfold":
            self.channels = list(range(self.x.shape[0]))

    def taken(self, what: str) -> np.ndarray:
        """``"weight"``, ``"value"`` or ``"product"`` of every term: (parts, rows, columns), in one
        dimension (channels, taps).
        """
        flat = np.array([getattr(term, what) for term in self.cell.terms], dtype=float)
        block = flat.reshape((-1, *(window.kernel for window in self.layer.windows)))
        axes = tuple(range(1, block.ndim)) if self.layer.family == "transposed" else ()
        return np.flip(block, axes).reshape(-1, *block.shape[1:][-2:])

    @cached_property
    def units(self) -> list[Unit]:
        """The planes to draw, the first channels first: one of all in one dimension."""
        parts = product([None] if self.flat else self.channels, range(self.depth))
        return [self._unit(at, *part) for at, part in enumerate(list(parts)[:MOST_PLANES])]

    @cached_property
    def left_out(self) -> tuple[int, str]:
        """How many channels or slices that the window reads are not drawn, also in words."""
        drawn = len(self.axes[0].taps) if self.flat else len(self.units)
        more = len(self.channels) * self.depth - drawn
        return more, counted(more, "more slice" if self.layer.dims == 3 else "more channel")

    @cached_property
    def output(self) -> Unit:
        """The drawn plane of the output (all channels in one dimension), with the cell lit."""
        *lead, row, column = self.channel, *self.place
        values, place = self.y[tuple(lead)], [row, column]
        note = f"of shape {self.cell.output_shape}"
        for axis, most in enumerate((MOST_ROWS, LARGEST)) if not lead else ():
            if (size := values.shape[axis]) > most:
                first = min(max(0, place[axis] - most // 2), size - most)
                note += f"; {('rows', 'columns')[axis]} {first} to {first + most - 1} of {size}"
                values = values.take(range(first, first + most), axis)
                place[axis] -= first
        row, column = place
        roles = np.full(values.shape, "output", dtype=object)
        roles[row, column] = "lit"
        frames: list[Frame] = [(row, column, 1, 1, "lit frame")]
        if self.layer.family == "unfold":
            frames.insert(0, (0, column, len(values), 1, "window"))
        return Unit(named("output", self.sample, *lead), note, values, roles, 0, tuple(frames))

    def _unit(self, at: int, channel: int | None, depth: int) -> Unit:
        """A channel, or all in one dimension; of three dimensions the slice of it that one slice
        of the kernel reads.
        """
        axes, turned = self.axes, self.layer.family == "transposed"
        name, taps = named("input", self.sample, channel), list[int]()
        lead = () if channel is None else (channel,)
        if len(axes) == 3:
            place = axes[0].taps[depth]
            kind, cell = int(axes[0].kinds[place]), int(axes[0].cells[place])
            name, lead = named("input", self.sample, channel, cell), (*lead, place)
            if kind != INPUT:
                name = ROLES[kind] if cell == NOWHERE else f"copy of {name}"
            taps = [self.depth - 1 - depth if turned else depth]
        # the part of the kernel
        first = None if channel is None else channel - self.channels[0]
        kernel = named("weight", self.channel, first, *taps)
        if turned:
            own = self.channel % ((self.layer.out_channels or 1) // self.layer.groups)
            kernel = named("weight", ":" if channel is None else channel, own, *taps)
        x = self.x if channel is None else self.x[channel]
        planes = laid_out(axes, x, -inf if self.layer.family == "max" else 0.0)
        values, roles = (of.reshape(-1, *of.shape[-2:])[depth] for of in planes)
        rows, columns = (axis.taps for axis in axes[-2:])
        window = np.ix_(rows, columns)
        roles[window] = np.where(roles[window] == "input", "read", roles[window])
        high, wide = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
        frames: list[Frame] = [(rows[0], columns[0], high, wide, "window")]
        if self.winner and self.winner[:-2] == lead:
            top, left = self.winner[-2:]
            frames.append((top, left, 1, 1, "lit frame"))
        part = slice(len(rows)) if channel is None else at
        return Unit(name, kernel, values, roles, part, tuple(frames))

    def input_plane(
        self, unit: Unit, digits: Digits, room: float, like: tuple[float, ...] = ()
    ) -> Plane:
        """The plane in numbers, or in shades that take at most ``room`` points."""
        size = fine(unit.values.shape, room)
        plane = numbers(unit.values, unit.roles, digits, unit.frames, like, size, scale_of(self.x))
        return with_arcs(plane, self.axes)

    def taken_plane(self, unit: Unit, what: str, role: str, digits: Digits) -> Plane:
        """A part of the kernel, or what it reads or makes; its cells as wide as all parts'."""
        values, size = self.taken(what), (KERNEL_CELL, KERNEL_CELL)
        like = tuple(x for other in self.units for x in values[other.part].ravel())
        return numbers(values[unit.part], role, digits, (), like, size, scale_of(values))

    def output_plane(self, room: float) -> Box:
        name, note, values, roles, _, frames = self.output
        side = room if self.y.ndim == 2 else shared(room, 12)
        return keyed(fitting(values, roles, side, frames)).titled(name, note)

    def thumbnail(self) -> Box:
        """The first plane of the input and the output, without numbers."""
        both = self.units[0], self.output
        digits = ways(max(max(unit.values.shape) for unit in both))[0]
        left, right = (
            bare(numbers(unit.values, unit.roles, digits, unit.frames,
                         size=fine(unit.values.shape, CARD), scale=scale))
            for unit, scale in zip(both, (scale_of(self.x), None), strict=True)
        )  # fmt: skip
        return Column((left, right), gap=16) if self.flat else leads_to(left, right, size=18)

    @property
    def result(self) -> str:
        return f"{named('output', *self.cell.at)} = {plain(self.cell.value)}"

    @property
    def alt(self) -> str:
        """What a picture of the cell shows."""
        of = f", sample {self.sample} of {self.samples}" if self.samples > 1 else ""
        spans = ", ".join(
            f"{'' if self.flat else f'{name} '}"
            + reach(axis.first + axis.taps[0], axis.first + axis.taps[-1])
            for name, axis in zip(self.layer.axes, self.axes[-self.layer.dims :], strict=True)
        )
        return (
            f"{self.cell.code} on an input of shape {self.cell.input_shape}{of}{self.padded}: the "
            f"window covers positions {spans}. {self.words[0]} = {self.result}."
        )

    @property
    def caption(self) -> str:
        """What there is to see in it, as a teacher would say."""
        count = len(self.cell.terms)
        padded = sum(term.padded or term.index is None for term in self.cell.terms)
        outside = f" Outside the input: {padded} of the {counted(count, 'cell')}." if padded else ""
        return f"{self.words[1]}: {self.result}.{outside}"

    @property
    def words(self) -> tuple[str, str]:
        """How the output cell is made: the sum without its result, and what is done."""
        cell, count, channels = self.cell, len(self.cell.terms), len(self.channels)
        total = plain(float(sum(term.product for term in cell.terms)))
        match cell.family:
            case "max":
                read = sum(term.index is not None for term in cell.terms)
                how = "Of the numbers in the window the largest is kept"
                return f"The largest of {counted(read, 'cell')}", how
            case "unfold":
                how = "The window is laid down as a column; one of its numbers"
                return "The number copied", how
            case "average":
                cells = plain(cell.divisor or 1)
                how = f"The numbers in the window are added up and divided by {cells}"
                return f"The mean: {total} / {cells}", how
            case "lp":
                how = f"The numbers in the window to the power {plain(cell.power or 1)}, added up"
                return f"The sum of powers {total}, and its root", how
        of = f", {count // channels} in each of {channels} channels" if channels > 1 else ""
        how = f"The window covers {counted(count, 'cell')}{of}; "
        how += "its product with the weight" if count == 1 else "their products with the weights"
        made = "The product" if count == 1 else f"The sum of {count} products"
        if cell.bias is None:
            return made, how + ", added up" * (count > 1)
        return f"{made} {total} + bias {plain(cell.bias)}", f"{how}, and the bias, added up"

    @property
    def note(self) -> str:
        """The input, and what the picture leaves out."""
        words = f"input {self.cell.input_shape}{self.padded}"
        if self.layer.family == "transposed":
            words += ", its cells spread by the stride, zeros around, the kernel turned round"
        if self.sample is not None and self.samples > 1:
            words += f"; sample {self.sample} of {self.samples} is drawn"
        if self.layer.groups > 1:
            first, last = self.channels[0], self.channels[-1]
            which = f"channel {first}" if first == last else f"channels {first} to {last}"
            words += f"; output channel {self.channel} reads {which} of {self.x.shape[0]}"
        more, what = self.left_out
        if more > 0:
            words += f"; {what} not drawn"
        return words

    @property
    def padded(self) -> str:
        """How the input was padded: ", padded with zeros, 1 on each side"."""
        layer, pads = self.layer, [window.padding for window in self.layer.windows]
        if layer.family == "transposed" or not any(map(max, pads)):
            return ""
        before, after = pads[0]
        amount = (
            f"{before} on each side" if before == after else f"{before} before and {after} after"
        )
        if len(set(pads)) > 1:
            sides = zip(layer.axes, pads, strict=True)
            amount = ", ".join(f"{name}: {before} and {after}" for name, (before, after) in sides)
        what = "minus infinity" if layer.family == "max" else PADDED_WITH[layer.padding_mode]
        return f", padded with {what}, {amount}"


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


def with_arcs(plane: Plane, axes: list[Axis]) -> Plane:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    down, across = ([], *(axis.copies for axis in axes))[-2:]
    few = len(down) + len(across) <= MOST_ARCS
    return replace(plane, across=across, down=down) if few else plane


def leads_to(inputs: Box, output: Box, room: float = WIDE, size: float = TITLE_SIZE + 2) -> Box:
    """Input and output with an arrow between them, or below each other."""
    beside = Row((inputs, Words("→", size, "muted"), output), gap=8, align=MIDDLE)
    return first_fitting((beside, Column((inputs, output), gap=8)), room)
