"""Input and output of a scene as planes: one of all channels in one dimension, else one each."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from convdocs.draw.boxes import MIDDLE, WIDE, Box, Column, Row, Words, first_fitting, titled
from convdocs.draw.picture import PHONE
from convdocs.draw.plane import (
    MOST_ROWS,
    Digits,
    Frame,
    Plane,
    are,
    bare,
    fine,
    fitting,
    legend,
    numbers,
    scale_of,
    shades,
)
from convdocs.draw.scene import LARGEST, Scene, Slot
from convdocs.draw.sheet import TITLE_SIZE

MOST_CHANNELS = 8  # of one dimension, a row each
MOST_PLANES = 4  # channels, or slices, of two dimensions
MOST_ARCS = 8
CARD = 120.0  # points of a shaded plane on a thumbnail
KERNEL_CELL = 9.0  # points of a shaded kernel's cell


class Unit(NamedTuple):
    """A plane of the input and the part of the kernel that reads it."""

    name: str
    kernel: str
    values: np.ndarray  # the plane with its padding
    roles: np.ndarray
    part: tuple[int | slice, ...]  # index of the kernel's part in Scene.taken
    frames: tuple[Frame, ...]  # the window, and the cell that alone makes the output


def units(shown: Scene) -> list[Unit]:
    """The planes to draw, the first channels first."""
    if shown.layer.dims == 1:
        return [_rows(shown)]
    parts = product(range(len(shown.channels)), range(shown.depth))
    return [_plane(shown, *part) for part in parts][:MOST_PLANES]


def left_out(shown: Scene, parts: list[Unit]) -> tuple[int, str]:
    """How many channels or slices that the window reads are not drawn, and what they are called."""
    drawn = len(parts)
    if shown.layer.dims == 1:
        drawn = len(shown.taken("product")[parts[0].part])
    more = len(shown.channels) * shown.depth - drawn
    return more, ("slice" if shown.layer.dims == 3 else "channel") + "s" * (more > 1)


def named(name: str, *index: int | str | None) -> str:
    """A tensor's name with an index, as one would type it; None leaves an axis out."""
    given = [str(place) for place in index if place is not None]
    return f"{name}[{', '.join(given)}]" if given else name


def _kernel_name(shown: Scene, channel: int | None, *taps: int) -> str:
    """Name of the kernel, or of the part of it that reads one input channel."""
    layer = shown.layer
    if layer.family == "transposed":
        own = shown.channel % ((layer.out_channels or 1) // layer.groups)
        return named("weight", ":" if channel is None else channel, own, *taps)
    row = None if channel is None else channel - shown.channels[0]
    return named("weight", shown.channel, row, *taps)


def _rows(shown: Scene) -> Unit:
    """One dimension: every channel is a row."""
    start = shown.channels[0] if shown.x.shape[0] > MOST_CHANNELS else 0
    drawn = range(start, min(start + MOST_CHANNELS, shown.x.shape[0]))
    roles = shown.roles()
    unread = np.where(are(roles, "read"), "input", roles)
    above = shown.channels[0] - start
    rows = min(len(shown.channels), MOST_CHANNELS - above)
    values = np.stack([shown.values(channel) for channel in drawn])
    shades = np.stack([roles if channel in shown.channels else unread for channel in drawn])
    frames = _frames(shown, above, rows, wins=True)
    name, kernel = named("input", shown.sample), _kernel_name(shown, None)
    return Unit(name, kernel, values, shades, (slice(rows),), frames)


def _plane(shown: Scene, index: int, depth: int) -> Unit:
    """A channel; of three dimensions the slice of it that one slice of the kernel reads."""
    channel = shown.channels[index]
    lead: tuple[int, ...] = ()
    tap: tuple[int, ...] = ()
    name = named("input", shown.sample, channel)
    if shown.layer.dims == 3:
        lead = (shown.axes[0].taps[depth],)
        slot = shown.axes[0].slots[lead[0]]
        name = named("input", shown.sample, channel, slot.cell)
        if slot.role != "input":
            name = slot.role if slot.cell is None else f"copy of {name}"
        tap = (shown.depth - 1 - depth if shown.layer.family == "transposed" else depth,)
    # an unfold copies from one of the channels that it reads
    wins = channel in {term.channel for term in shown.cell.terms}
    wins &= shown.winner is not None and shown.winner[: len(lead)] == lead
    part = (index, depth)[: 1 + len(lead)]
    values, roles = shown.values(channel, *lead), shown.roles(*lead)
    kernel = _kernel_name(shown, channel, *tap)
    return Unit(name, kernel, values, roles, part, _frames(shown, wins=wins))


def _frames(shown: Scene, row: int = 0, rows: int = 1, *, wins: bool) -> tuple[Frame, ...]:
    """Around the window, and around the one cell that makes the output."""
    (top, high), (left, wide) = [(row, rows), *(axis.span for axis in shown.axes)][-2:]
    frames: list[Frame] = [(top, left, high, wide, "window")]
    if wins and shown.winner is not None:
        top, left = (row, *shown.winner)[-2:]
        frames.append((top, left, 1, 1, "lit frame"))
    return tuple(frames)


def input_plane(
    shown: Scene, unit: Unit, digits: Digits, room: float, like: np.ndarray | None = None
) -> Plane:
    """The plane in numbers, or in shades that take at most ``room`` points."""
    if digits[0] is not None:
        plane = numbers(unit.values, unit.roles, digits, unit.frames, like)
        return with_arcs(plane, [axis.slots for axis in shown.axes])
    size = fine(unit.values.shape, room)
    return shades(unit.values, unit.roles, size, scale_of(shown.x), unit.frames)


def with_arcs(plane: Plane, axes: list[list[Slot]]) -> Plane:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    arcs = []
    for slots in axes[-2:]:
        at = {slot.cell: place for place, slot in enumerate(slots) if slot.role == "input"}
        copied = [(place, slot.cell) for place, slot in enumerate(slots) if slot.role == "padding"]
        arcs.append([(at[cell], place) for place, cell in copied if cell is not None])
    if sum(map(len, arcs)) > MOST_ARCS:
        return plane
    return plane.with_arcs(arcs[-1], arcs[0] if len(arcs) > 1 else [])


def taken_plane(
    shown: Scene, parts: list[Unit], unit: Unit, what: str, role: str, digits: Digits
) -> Plane:
    """A part of the kernel, or what it reads or makes; its cells as wide as all parts'."""
    values = shown.taken(what)
    if digits[0] is None:
        return shades(values[unit.part], role, (KERNEL_CELL, KERNEL_CELL), scale_of(values))
    drawn = np.concatenate([values[other.part].ravel() for other in parts])
    return numbers(values[unit.part], role, digits, like=drawn)


def output_plane(shown: Scene, room: float) -> Box:
    """The output channel (all of them in one dimension) with the cell lit."""
    flat = shown.y.ndim == 2
    values, roles, place = _output(shown)
    words = [f"of shape {shown.cell.output_shape}"]
    for axis, most in enumerate((MOST_ROWS, LARGEST)) if flat else ():
        if (size := values.shape[axis]) > most:
            first = min(max(0, place[axis] - most // 2), size - most)
            words.append(f"{('rows', 'columns')[axis]} {first} to {first + most - 1} of {size}")
            kept = range(first, first + most)
            values, roles = values.take(kept, axis), roles.take(kept, axis)
            place[axis] -= first
    row, column = place
    frames: list[Frame] = [(row, column, 1, 1, "lit frame")]
    if shown.layer.family == "unfold":
        frames.insert(0, (0, column, len(values), 1, "window"))
    plane = fitting(values, roles, room if flat else half(room), frames)
    key = () if plane.pixels is None else (legend(scale_of(values)),)
    lead = () if flat else (shown.channel, *shown.place[:-2])
    return titled(Column((plane, *key), gap=3), named("output", shown.sample, *lead),
                  "; ".join(words))  # fmt: skip


def _output(shown: Scene) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """The drawn plane of the output, its roles, and the place of the cell."""
    values = shown.y if shown.y.ndim == 2 else shown.y[(shown.channel, *shown.place[:-2])]
    row, column = (shown.channel, *shown.place)[-2:]
    roles = np.full(values.shape, "output", dtype=object)
    roles[row, column] = "lit"
    return values, roles, [row, column]


def half(room: float) -> float:
    """What a large plane takes of the page, so that another one fits beside it."""
    return room if room <= PHONE else (room - 12) / 2


def leads_to(inputs: Box, output: Box, room: float = WIDE, size: float = TITLE_SIZE + 2) -> Box:
    """Input and output with an arrow between them, or below each other."""
    beside = Row((inputs, Words("→", size, "muted"), output), gap=8, align=MIDDLE)
    return first_fitting((beside, Column((inputs, output), gap=8)), room)


def thumbnail(shown: Scene) -> Box:
    """The first plane of the input and the output, without numbers."""
    unit, (out, lit, (row, column)) = units(shown)[0], _output(shown)
    frames: tuple[Frame, ...] = ((row, column, 1, 1, "lit frame"),)
    sides = ((unit.values, unit.roles, unit.frames), (out, lit, frames))
    if max(*unit.values.shape, *out.shape) > MOST_ROWS:
        left, right = (
            shades(values, roles, fine(values.shape, CARD), scale_of(values), frames)
            for values, roles, frames in sides
        )
    else:
        left, right = (bare(numbers(values, roles, frames=some)) for values, roles, some in sides)
    return (
        Column((left, right), gap=16) if shown.layer.dims == 1 else leads_to(left, right, size=18)
    )
