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
from convdocs.draw.picture import PHONE
from convdocs.draw.plane import (
    DIGITS,
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
)
from convdocs.draw.sheet import TITLE_SIZE
from convdocs.geometry import Window, source
from convdocs.layers import Layer, LayerError, read
from convdocs.view.numbers import plain

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


def named(name: str, *index: int | str | None) -> str:
    """A tensor's name with an index, as one would type it; None leaves an axis out."""
    given = [str(place) for place in index if place is not None]
    return f"{name}[{', '.join(given)}]" if given else name


class Unit(NamedTuple):
    """A plane of the input and the part of the kernel that reads it."""

    name: str
    kernel: str
    values: np.ndarray  # the plane with its padding
    roles: np.ndarray
    part: tuple[int | slice, ...]  # index of the kernel's part in Scene.taken
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
        self.winner: tuple[int, ...] | None = None  # the cell that alone makes the output
        if layer.family in ("unfold", "max"):
            # the first of several, and nan before any number: so torch, and so argmax
            best = cell.terms[int(np.argmax([term.product for term in cell.terms]))]
            taps = zip(self.axes, best.kernel, strict=True)
            self.winner = tuple(axis.taps[tap] for axis, tap in taps)
        if layer.family == "unfold":
            self.channels = list(range(self.x.shape[0]))

    def taken(self, what: str) -> np.ndarray:
        """``"weight"``, ``"value"`` or ``"product"`` of every term, (channels, taps, ...)."""
        flat = np.array([getattr(term, what) for term in self.cell.terms], dtype=float)
        block = flat.reshape((-1, *(window.kernel for window in self.layer.windows)))
        axes = tuple(range(1, block.ndim)) if self.layer.family == "transposed" else ()
        turned: np.ndarray = np.flip(block, axes)
        return turned

    @cached_property
    def units(self) -> list[Unit]:
        """The planes to draw, the first channels first: one of all in one dimension."""
        if self.flat:
            return [self._rows()]
        parts = product(range(len(self.channels)), range(self.depth))
        return [self._plane(*part) for part in list(parts)[:MOST_PLANES]]

    @cached_property
    def left_out(self) -> tuple[int, str]:
        """How many channels or slices that the window reads are not drawn, and their name."""
        drawn = len(self.taken("product")[self.units[0].part]) if self.flat else len(self.units)
        more = len(self.channels) * self.depth - drawn
        return more, ("slice" if self.layer.dims == 3 else "channel") + "s" * (more > 1)

    def output(self) -> tuple[np.ndarray, np.ndarray, list[int]]:
        """The drawn plane of the output, its roles, and the place of the cell."""
        values = self.y if self.y.ndim == 2 else self.y[(self.channel, *self.place[:-2])]
        row, column = (self.channel, *self.place)[-2:]
        roles = np.full(values.shape, "output", dtype=object)
        roles[row, column] = "lit"
        return values, roles, [row, column]

    def _mesh(self, what: str) -> tuple[np.ndarray, ...]:
        """``"kinds"``, ``"cells"`` or places along the axes; of three the first has taps alone."""
        first, rest = self.axes[:-2], self.axes[-2:]
        return np.ix_(*(getattr(axis, what)[axis.taps] for axis in first),
                      *(getattr(axis, what) for axis in rest))  # fmt: skip

    @cached_property
    def _roles(self) -> np.ndarray:
        """What every place of a channel is; ``"read"`` is an input cell under a tap."""
        kinds = reduce(np.maximum, self._mesh("kinds"))
        roles: np.ndarray = ROLES[kinds]
        window = np.ix_(*map(range, kinds.shape[:-2]), *(axis.taps for axis in self.axes[-2:]))
        roles[window] = np.where(kinds[window] == INPUT, "read", roles[window])
        return roles

    def _values(self, channel: int) -> np.ndarray:
        """The numbers of a channel as the window sees it, padding and holes filled in."""
        cells = self._mesh("cells")
        filling = -inf if self.layer.family == "max" else 0.0
        missing = reduce(np.minimum, cells) == NOWHERE
        return np.where(missing, filling, self.x[channel][cells])

    def _kernel_name(self, channel: int | None, *taps: int) -> str:
        """Name of the kernel, or of the part of it that reads one input channel."""
        if self.layer.family == "transposed":
            own = self.channel % ((self.layer.out_channels or 1) // self.layer.groups)
            return named("weight", ":" if channel is None else channel, own, *taps)
        row = None if channel is None else channel - self.channels[0]
        return named("weight", self.channel, row, *taps)

    def _rows(self) -> Unit:
        """One dimension: every channel is a row."""
        start = self.channels[0] if self.x.shape[0] > MOST_CHANNELS else 0
        drawn = range(start, min(start + MOST_CHANNELS, self.x.shape[0]))
        above = self.channels[0] - start
        rows = min(len(self.channels), MOST_CHANNELS - above)
        values = np.stack([self._values(channel) for channel in drawn])
        roles = np.stack([self._roles] * len(drawn))
        roles[~np.isin(drawn, self.channels)[:, None] & (roles == "read")] = "input"
        frames, name = self._frames(above, rows), named("input", self.sample)
        return Unit(name, self._kernel_name(None), values, roles, (slice(rows),), frames)

    def _plane(self, index: int, depth: int) -> Unit:
        """A channel; of three dimensions the slice of it that one slice of the kernel reads."""
        channel, shape = self.channels[index], self._roles.shape[-2:]
        values, roles = (
            of.reshape(-1, *shape)[depth] for of in (self._values(channel), self._roles)
        )
        name, taps, part = named("input", self.sample, channel), list[int](), (index, depth)
        # an unfold copies from one of the channels that it reads
        wins = channel in {term.channel for term in self.cell.terms}
        if self.layer.dims == 3:
            place = self.axes[0].taps[depth]
            kind, cell = (int(what[place]) for what in self.axes[0][:2])
            name = named("input", self.sample, channel, cell)
            if kind != INPUT:
                name = ROLES[kind] if cell == NOWHERE else f"copy of {name}"
            taps = [self.depth - 1 - depth if self.layer.family == "transposed" else depth]
            wins &= self.winner is not None and self.winner[0] == place
        kernel, frames = self._kernel_name(channel, *taps), self._frames(wins=wins)
        return Unit(name, kernel, values, roles, part[: 1 + len(taps)], frames)

    def _frames(self, row: int = 0, rows: int = 1, *, wins: bool = True) -> tuple[Frame, ...]:
        """Around the window, and around the one cell that makes the output."""
        spans = [(taps[0], taps[-1] - taps[0] + 1) for *_, taps in self.axes]
        (top, high), (left, wide) = [(row, rows), *spans][-2:]
        frames: list[Frame] = [(top, left, high, wide, "window")]
        if wins and self.winner is not None:
            top, left = (row, *self.winner)[-2:]
            frames.append((top, left, 1, 1, "lit frame"))
        return tuple(frames)

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
        """The output channel (all of them in one dimension) with the cell lit."""
        flat = self.y.ndim == 2
        values, roles, place = self.output()
        words = [f"of shape {self.cell.output_shape}"]
        for axis, most in enumerate((MOST_ROWS, LARGEST)) if flat else ():
            if (size := values.shape[axis]) > most:
                first = min(max(0, place[axis] - most // 2), size - most)
                words.append(f"{('rows', 'columns')[axis]} {first} to {first + most - 1} of {size}")
                kept = range(first, first + most)
                values, roles = values.take(kept, axis), roles.take(kept, axis)
                place[axis] -= first
        row, column = place
        frames: list[Frame] = [(row, column, 1, 1, "lit frame")]
        if self.layer.family == "unfold":
            frames.insert(0, (0, column, len(values), 1, "window"))
        plane = keyed(fitting(values, roles, room if flat else half(room), frames), gap=3)
        lead = () if flat else (self.channel, *self.place[:-2])
        return plane.titled(named("output", self.sample, *lead), "; ".join(words))

    def thumbnail(self) -> Box:
        """The first plane of the input and the output, without numbers."""
        unit, (out, lit, (row, column)) = self.units[0], self.output()
        digits = DIGITS[-1 if max(*unit.values.shape, *out.shape) > MOST_ROWS else 0]
        left, right = (
            bare(numbers(values, roles, digits, frames, size=fine(values.shape, CARD)))
            for values, roles, frames in (
                (unit.values, unit.roles, unit.frames),
                (out, lit, ((row, column, 1, 1, "lit frame"),)),
            )
        )
        return Column((left, right), gap=16) if self.flat else leads_to(left, right, size=18)

    @property
    def result(self) -> str:
        return f"{named('output', *self.cell.at)} = {plain(self.cell.value)}"

    @property
    def alt(self) -> str:
        """What a picture of the cell shows."""
        of = "" if self.sample is None else f", sample {self.sample} of {self.samples}"
        spans = ", ".join(
            f"{'' if self.flat else f'{name} '}{axis.first + axis.taps[0]} to "
            f"{axis.first + axis.taps[-1]}"
            for name, axis in zip(self.layer.axes, self.axes, strict=True)
        )
        return (
            f"{self.cell.code} on an input of shape {self.cell.input_shape}{of}{self.padded}: the "
            f"window covers positions {spans}. {self.total} = {self.result}."
        )

    @property
    def caption(self) -> str:
        """What there is to see in it, as a teacher would say."""
        cell, count, channels = self.cell, len(self.cell.terms), len(self.channels)
        bias = ", and the bias" if cell.bias is not None else ""
        of = f", {count // channels} in each of {channels} channels" if channels > 1 else ""
        how = {
            "max": "Of the numbers in the window the largest is kept",
            "unfold": "The window is laid down as a column; one of its numbers",
            "average": "The numbers in the window are added up and divided by "
            f"{plain(cell.divisor or 1)}",
            "lp": f"The numbers in the window to the power {plain(cell.power or 1)}, added up",
        }.get(
            cell.family,
            f"The window covers {count} cell{'s' * (count > 1)}{of}; their products with the "
            f"weights{bias}, added up",
        )
        padded = sum(term.padded or term.index is None for term in cell.terms)
        outside = f" {padded} of the {count} cells lie outside the input." if padded else ""
        return f"{how}: {self.result}.{outside}"

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

    @property
    def total(self) -> str:
        """What is added up to the output cell, without the result."""
        cell, total = self.cell, plain(float(sum(term.product for term in self.cell.terms)))
        match cell.family:
            case "max":
                return f"The largest of {sum(term.index is not None for term in cell.terms)} cells"
            case "unfold":
                return "The number copied"
            case "average":
                cells = plain(cell.divisor or 1)
                return f"The mean of {cells} cells: {total} / {cells}"
            case "lp":
                return f"The sum of powers {total}, and its root"
        words = f"The sum of {len(cell.terms)} products"
        return words if cell.bias is None else f"{words} {total} + bias {plain(cell.bias)}"


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


def half(room: float) -> float:
    """What a large plane takes of the page, so that another one fits beside it."""
    return room if room <= PHONE else (room - 12) / 2


def leads_to(inputs: Box, output: Box, room: float = WIDE, size: float = TITLE_SIZE + 2) -> Box:
    """Input and output with an arrow between them, or below each other."""
    beside = Row((inputs, Words("→", size, "muted"), output), gap=8, align=MIDDLE)
    return first_fitting((beside, Column((inputs, output), gap=8)), room)
