"""Input, kernel and output of a scene as planes."""

from __future__ import annotations

import numpy as np

from convdocs.draw.boxes import MIDDLE, WIDE, Box, Column, Row, Words, first_fitting
from convdocs.draw.picture import PHONE
from convdocs.draw.plane import (
    MOST_ROWS,
    Digits,
    Frame,
    Plane,
    bare,
    fine,
    fitting,
    keyed,
    numbers,
    scale_of,
    shades,
)
from convdocs.draw.scene import LARGEST, Axis, Scene, Unit, named
from convdocs.draw.sheet import TITLE_SIZE

MOST_ARCS = 8
CARD = 120.0  # points of a shaded plane on a thumbnail
KERNEL_CELL = 9.0  # points of a shaded kernel's cell


def input_plane(
    shown: Scene, unit: Unit, digits: Digits, room: float, like: np.ndarray | None = None
) -> Plane:
    """The plane in numbers, or in shades that take at most ``room`` points."""
    if digits[0] is not None:
        plane = numbers(unit.values, unit.roles, digits, unit.frames, like)
        return with_arcs(plane, shown.axes)
    size = fine(unit.values.shape, room)
    return shades(unit.values, unit.roles, size, scale_of(shown.x), unit.frames)


def with_arcs(plane: Plane, axes: list[Axis]) -> Plane:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    down, across = ([], *(axis.copies for axis in axes))[-2:]
    return plane if len(down) + len(across) > MOST_ARCS else plane.with_arcs(across, down)


def taken_plane(shown: Scene, unit: Unit, what: str, role: str, digits: Digits) -> Plane:
    """A part of the kernel, or what it reads or makes; its cells as wide as all parts'."""
    values = shown.taken(what)
    if digits[0] is None:
        return shades(values[unit.part], role, (KERNEL_CELL, KERNEL_CELL), scale_of(values))
    drawn = np.concatenate([values[other.part].ravel() for other in shown.units])
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
    plane = keyed(fitting(values, roles, room if flat else half(room), frames), gap=3)
    lead = () if flat else (shown.channel, *shown.place[:-2])
    return plane.titled(named("output", shown.sample, *lead), "; ".join(words))


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
    unit, (out, lit, (row, column)) = shown.units[0], _output(shown)
    frames: tuple[Frame, ...] = ((row, column, 1, 1, "lit frame"),)
    sides = ((unit.values, unit.roles, unit.frames), (out, lit, frames))
    large = max(*unit.values.shape, *out.shape) > MOST_ROWS
    left, right = (
        shades(values, roles, fine(values.shape, CARD), scale_of(values), frames)
        if large
        else bare(numbers(values, roles, frames=frames))
        for values, roles, frames in sides
    )
    return Column((left, right), gap=16) if shown.flat else leads_to(left, right, size=18)
