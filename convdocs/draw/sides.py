"""Input, kernel and output of a scene as planes."""

from __future__ import annotations

from dataclasses import replace

from convdocs.draw.boxes import MIDDLE, WIDE, Box, Column, Row, Words, first_fitting
from convdocs.draw.picture import PHONE
from convdocs.draw.plane import (
    DIGITS,
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
)
from convdocs.draw.scene import LARGEST, Axis, Scene, Unit, named
from convdocs.draw.sheet import TITLE_SIZE

MOST_ARCS = 8
CARD = 120.0  # points of a shaded plane on a thumbnail
KERNEL_CELL = 9.0  # points of a shaded kernel's cell


def input_plane(
    shown: Scene, unit: Unit, digits: Digits, room: float, like: tuple[float, ...] = ()
) -> Plane:
    """The plane in numbers, or in shades that take at most ``room`` points."""
    size = fine(unit.values.shape, room)
    plane = numbers(unit.values, unit.roles, digits, unit.frames, like, size, scale_of(shown.x))
    return with_arcs(plane, shown.axes)


def with_arcs(plane: Plane, axes: list[Axis]) -> Plane:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    down, across = ([], *(axis.copies for axis in axes))[-2:]
    few = len(down) + len(across) <= MOST_ARCS
    return replace(plane, across=across, down=down) if few else plane


def taken_plane(shown: Scene, unit: Unit, what: str, role: str, digits: Digits) -> Plane:
    """A part of the kernel, or what it reads or makes; its cells as wide as all parts'."""
    values, size = shown.taken(what), (KERNEL_CELL, KERNEL_CELL)
    like = tuple(x for other in shown.units for x in values[other.part].ravel())
    return numbers(values[unit.part], role, digits, (), like, size, scale_of(values))


def output_plane(shown: Scene, room: float) -> Box:
    """The output channel (all of them in one dimension) with the cell lit."""
    flat = shown.y.ndim == 2
    values, roles, place = shown.output
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


def half(room: float) -> float:
    """What a large plane takes of the page, so that another one fits beside it."""
    return room if room <= PHONE else (room - 12) / 2


def leads_to(inputs: Box, output: Box, room: float = WIDE, size: float = TITLE_SIZE + 2) -> Box:
    """Input and output with an arrow between them, or below each other."""
    beside = Row((inputs, Words("→", size, "muted"), output), gap=8, align=MIDDLE)
    return first_fitting((beside, Column((inputs, output), gap=8)), room)


def thumbnail(shown: Scene) -> Box:
    """The first plane of the input and the output, without numbers."""
    unit, (out, lit, (row, column)) = shown.units[0], shown.output
    digits = DIGITS[-1 if max(*unit.values.shape, *out.shape) > MOST_ROWS else 0]
    left, right = (
        bare(numbers(values, roles, digits, frames, size=fine(values.shape, CARD)))
        for values, roles, frames in (
            (unit.values, unit.roles, unit.frames),
            (out, lit, ((row, column, 1, 1, "lit frame"),)),
        )
    )
    return Column((left, right), gap=16) if shown.flat else leads_to(left, right, size=18)
