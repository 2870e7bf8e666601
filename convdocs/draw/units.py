"""The input beside its kernel: one plane in one dimension, else one per channel or slice."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from convdocs.draw.plane import Frame, are
from convdocs.draw.scene import Scene

MOST_CHANNELS = 8  # of one dimension, a row each
MOST_PLANES = 4  # channels, or slices, of two dimensions


class Unit(NamedTuple):
    """A plane of the input and the part of the kernel that reads it."""

    name: str
    kernel: str
    values: np.ndarray  # the plane with its padding
    roles: np.ndarray
    part: tuple[int | slice, ...]  # index of the kernel's part in Scene.taken
    drawn: int  # how many of the parts that Scene.taken has it covers
    frames: tuple[Frame, ...]  # the window, and the cell that alone makes the output


def units(shown: Scene) -> list[Unit]:
    """The planes to draw, the first channels first."""
    channels = range(len(shown.channels))
    match shown.layer.dims:
        case 1:
            return [_rows(shown)]
        case 2:
            return [_plane(shown, index) for index in channels][:MOST_PLANES]
    slices = product(channels, range(shown.kernel_shape[0]))
    return [_slice(shown, *pair) for pair in slices][:MOST_PLANES]


def left_out(shown: Scene, parts: list[Unit]) -> tuple[int, str]:
    """How many channels or slices that the window reads are not drawn, and what they are called."""
    more = len(shown.channels) * depth_of(shown) - sum(unit.drawn for unit in parts)
    return more, ("slice" if shown.layer.dims == 3 else "channel") + "s" * (more > 1)


def depth_of(shown: Scene) -> int:
    """Slices that the window reads of every channel."""
    return shown.kernel_shape[0] if shown.layer.dims == 3 else 1


def named(name: str, *index: int | None) -> str:
    """A tensor's name with an index, as one would type it; None leaves an axis out."""
    given = [str(place) for place in index if place is not None]
    return f"{name}[{', '.join(given)}]" if given else name


def _kernel_name(shown: Scene, channel: int | None, *taps: int) -> str:
    """Name of the kernel, or of the part of it that reads one input channel."""
    layer = shown.layer
    if layer.family != "transposed":
        row = None if channel is None else channel - shown.channels[0]
        return named("weight", shown.channel, row, *taps)
    rest = (shown.channel % ((layer.out_channels or 1) // layer.groups), *taps)
    row_words = ":" if channel is None else str(channel)
    return f"weight[{row_words}, {', '.join(map(str, rest))}]"


def _rows(shown: Scene) -> Unit:
    """One dimension: every channel is a row."""
    start = shown.channels[0] if shown.x.shape[0] > MOST_CHANNELS else 0
    drawn = range(start, min(start + MOST_CHANNELS, shown.x.shape[0]))
    roles = shown.roles()
    unread = np.where(are(roles, "read"), "input", roles)
    above = shown.channels[0] - start
    rows = min(len(shown.channels), MOST_CHANNELS - above)
    window = (above, shown.spans[0][0], rows, shown.spans[0][1], "window")
    values = np.stack([shown.values(channel) for channel in drawn])
    shades = np.stack([roles if channel in shown.channels else unread for channel in drawn])
    name, kernel = named("input", shown.sample), _kernel_name(shown, None)
    frames = (window, *_winner(shown, above))
    return Unit(name, kernel, values, shades, (slice(rows),), rows, frames)


def _plane(shown: Scene, index: int) -> Unit:
    channel = shown.channels[index]
    # an unfold copies from one of the channels that it reads
    read = channel in {term.channel for term in shown.cell.terms}
    frames = (_window(shown), *(_winner(shown) if read else ()))
    name, kernel = named("input", shown.sample, channel), _kernel_name(shown, channel)
    return Unit(name, kernel, shown.values(channel), shown.roles(), (index,), 1, frames)


def _slice(shown: Scene, index: int, depth: int) -> Unit:
    channel, place = shown.channels[index], shown.taps[0][depth]
    slot = shown.axes[0][0][place]
    name = named("input", shown.sample, channel, slot.cell)
    if slot.role != "input":
        name = slot.role if slot.cell is None else f"copy of {name}"
    turned = shown.layer.family == "transposed"
    kernel = _kernel_name(shown, channel, shown.kernel_shape[0] - 1 - depth if turned else depth)
    here = shown.winner is not None and shown.winner[0] == place
    frames = (_window(shown), *(_winner(shown) if here else ()))
    values, roles = shown.values(channel, place), shown.roles(place)
    return Unit(name, kernel, values, roles, (index, depth), 1, frames)


def _window(shown: Scene) -> Frame:
    (row, rows), (column, columns) = shown.spans[-2:]
    return row, column, rows, columns, "window"


def _winner(shown: Scene, row: int = 0) -> tuple[Frame, ...]:
    """A frame around the one cell that makes the output."""
    if shown.winner is None:
        return ()
    row, column = (row, *shown.winner)[-2:]
    return ((row, column, 1, 1, "lit frame"),)
