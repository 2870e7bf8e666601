"""The input beside its kernel: one grid in one dimension, else one per channel or slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from convdocs.draw.boxes import BUDGET, Box, Column, Row, Words, titled
from convdocs.draw.grids import ROW_HEIGHT, Frame, are, grid
from convdocs.draw.numbers import PLACES, number
from convdocs.draw.panels import (
    MOST_ROWS,
    fine,
    named,
    note,
    sign,
    sums,
    weight_name,
    with_arcs,
)
from convdocs.draw.scene import Scene
from convdocs.draw.shading import Shaded, legend, scale

MOST_CHANNELS = 8  # of one dimension, a row each
MOST_PLANES = 4  # channels, or slices, of two dimensions
THUMB = 104.0  # points of a shaded plane beside its kernel
KERNEL_CELL = 9.0  # points of a shaded kernel's cell


@dataclass(frozen=True)
class Unit:
    """A plane of the input and the part of the kernel that reads it.

    Parameters
    ----------
    name, kernel : str
        What the plane and the kernel's part are called.
    values, roles : array of shape (rows, columns)
        The plane with its padding.
    part : tuple
        Index of the kernel's part in :meth:`Scene.taken`.
    drawn : int
        How many of the parts that :meth:`Scene.taken` has, first channels first, it covers.
    frames : tuple of Frame
        The window, and the cell that alone makes the output.
    """

    name: str
    kernel: str
    values: np.ndarray
    roles: np.ndarray
    part: tuple[int | slice, ...]
    drawn: int
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Plan:
    """How much of the working a page shows.

    Parameters
    ----------
    places : int or None
        Decimals of the input's numbers; None shades them.
    kernel : int or None
        Decimals of the kernel's and the products' numbers; None shades the kernel.
    products : bool
        Whether the products are shown.
    """

    places: int | None
    kernel: int | None
    products: bool


def plans(parts: list[Unit]) -> Iterator[Plan]:
    """From the most telling to the tersest.

    Examples
    --------
    >>> next(plans([]))
    Plan(places=4, kernel=4, products=True)
    """
    digits = (4, 3, 2, 1)
    if max((unit.values.shape[0] for unit in parts), default=0) <= MOST_ROWS:
        for places, products in product(digits, (True, False)):
            yield Plan(places, places, products)
    for places, products in product(digits, (True, False)):
        yield Plan(None, places, products)
    yield Plan(None, None, False)


def units(shown: Scene) -> list[Unit]:
    """The planes to draw."""
    match shown.layer.dims:
        case 1:
            return [_rows(shown)]
        case 2:
            return [_plane(shown, index) for index in range(len(shown.channels))][:MOST_PLANES]
    slices = product(range(len(shown.channels)), range(shown.kernel_shape[0]))
    return [_slice(shown, *one) for one in slices][:MOST_PLANES]


def _rows(shown: Scene) -> Unit:
    """One dimension: every channel is a row."""
    start = shown.channels[0] if shown.x.shape[0] > MOST_CHANNELS else 0
    drawn = range(start, min(start + MOST_CHANNELS, shown.x.shape[0]))
    roles = shown.roles()
    unread = np.where(are(roles, "read"), "input", roles)
    above = shown.channels[0] - start
    rows = min(len(shown.channels), MOST_CHANNELS - above)
    window = (above, shown.spans[0][0], rows, shown.spans[0][1], "window")
    return Unit(
        named("input", shown.sample),
        weight_name(shown, None),
        np.stack([shown.values(channel) for channel in drawn]),
        np.stack([roles if channel in shown.channels else unread for channel in drawn]),
        (slice(rows),),
        rows,
        (window, *_winner(shown, above)),
    )


def _plane(shown: Scene, index: int) -> Unit:
    channel = shown.channels[index]
    return Unit(
        named("input", shown.sample, channel),
        weight_name(shown, channel),
        shown.values(channel),
        shown.roles(),
        (index,),
        1,
        (_window(shown), *(_winner(shown) if channel in _made_of(shown) else ())),
    )


def _made_of(shown: Scene) -> set[int]:
    """Channels whose numbers go into the output; an unfold copies from one of those it reads."""
    return {term.channel for term in shown.cell.terms}


def _slice(shown: Scene, index: int, depth: int) -> Unit:
    channel, place = shown.channels[index], shown.taps[0][depth]
    slot = shown.axes[0][0][place]
    name = named("input", shown.sample, channel, slot.cell)
    if slot.role != "input":
        name = slot.role if slot.cell is None else f"copy of {name}"
    tap = depth
    if shown.layer.family == "transposed":
        tap = shown.kernel_shape[0] - 1 - depth
    here = shown.winner is not None and shown.winner[0] == place
    return Unit(
        name,
        weight_name(shown, channel, tap),
        shown.values(channel, place),
        shown.roles(place),
        (index, depth),
        1,
        (_window(shown), *(_winner(shown) if here else ())),
    )


def _window(shown: Scene) -> Frame:
    (row, rows), (column, columns) = shown.spans[-2:]
    return row, column, rows, columns, "window"


def _winner(shown: Scene, row: int = 0) -> tuple[Frame, ...]:
    """A frame around the one cell that makes the output."""
    if shown.winner is None:
        return ()
    row, column = (row, *shown.winner)[-2:]
    return ((row, column, 1, 1, "lit frame"),)


def left_out(shown: Scene, parts: list[Unit]) -> tuple[int, str]:
    """How many channels or slices that the window reads are not drawn, and what they are called.

    Examples
    --------
    >>> import torch
    >>> from convdocs.draw.scene import scene
    >>> shown = scene(torch.nn.Conv1d(9, 1, 2), torch.ones(9, 4), None, None)
    >>> left_out(shown, units(shown))
    (1, 'channel')
    """
    drawn = sum(unit.drawn for unit in parts)
    more = len(shown.channels) * _depth(shown) - drawn
    return more, ("slice" if shown.layer.dims == 3 else "channel") + "s" * (more > 1)


def rest(shown: Scene, parts: list[Unit]) -> Box | None:
    """What the channels or slices that are not drawn add up to."""
    more, what = left_out(shown, parts)
    if more <= 0:
        return None
    if shown.layer.family not in ("convolution", "transposed"):
        return note(f"{more} more {what}")
    products = shown.taken("product")
    pieces = products.reshape((-1, *products.shape[-2:])) if _depth(shown) > 1 else products
    total = float(pieces[len(pieces) - more :].sum())
    return note(f"+ {more} more {what}: sum {number(total, PLACES)}")


def _depth(shown: Scene) -> int:
    """Slices that the window reads of every channel."""
    return shown.kernel_shape[0] if shown.layer.dims == 3 else 1


def unit_box(shown: Scene, plan: Plan, unit: Unit, count: int) -> Box:
    """A unit as far as the plan goes; ``count`` of them share the page."""
    room = THUMB if shown.layer.dims > 1 and count > 1 else BUDGET
    plane = titled(*_input(shown, plan, unit, room))
    work = _working(shown, plan, unit)
    if not work:
        return plane
    if shown.layer.dims == 1 or (plan.places is None and count == 1):
        return Column((plane, Row(tuple(work), gap=4, align="top")), gap=9)
    return Row((plane, *work), gap=4, align="top")


def _input(shown: Scene, plan: Plan, unit: Unit, room: float) -> tuple[Box, str, str]:
    """The plane, its name and a note on its shades."""
    if plan.places is not None:
        bold = frozenset((row, column) for row, column, *_, role in unit.frames[1:])
        axes = [slots for slots, _ in shown.axes[-2:]]
        cells = grid(unit.values, unit.roles, plan.places, unit.frames, bold)
        return with_arcs(cells, axes), unit.name, ""
    shades = scale(shown.x)
    frames = unit.frames
    if any(window.dilation > 1 for window in shown.layer.windows):
        taps = zip(*np.nonzero(are(unit.roles, "read")), strict=True)
        frames = (*frames, *((int(row), int(column), 1, 1, "window") for row, column in taps))
    said = legend(shades) if room == BUDGET else ""
    return (
        Shaded(unit.values, unit.roles, fine(unit.values.shape, room), shades, frames),
        unit.name,
        said,
    )


def _working(shown: Scene, plan: Plan, unit: Unit) -> list[Box]:
    """Window, kernel, products and their sums: what the plan has room for."""
    weighted, dims = shown.cell.terms[0].weight is not None, shown.layer.dims
    wanted = []
    if plan.places is None and shown.layer.family != "unfold":
        wanted.append(("", "window", "value", "read"))
    if weighted:
        wanted.append(("×", unit.kernel, "weight", "kernel"))
    if weighted and plan.products:
        wanted.append(("=", "products", "product", "product"))
    boxes: list[Box] = []
    for mark, title, what, role in wanted:
        cells = _cells(shown.taken(what)[unit.part], role, plan.kernel)
        if mark:
            boxes.append(sign(mark, cells.height))
        boxes.append(titled(cells, title))
    if weighted and len(shown.channels) * _depth(shown) > 1:  # else the equation has the sum
        _add_sums(boxes, shown.taken("product")[unit.part], dims)
    return boxes


def _add_sums(boxes: list[Box], made: np.ndarray, dims: int) -> None:
    """Sums beside the rows in one dimension, else one sum below the last grid."""
    if dims == 1:
        rows = made.sum(axis=1).tolist()
        boxes += [sign("→", ROW_HEIGHT * len(rows)), titled(sums(rows), "sums")]
    else:
        total = Row((Words("sum", role="muted"), sums([float(made.sum())])), gap=5)
        boxes[-1] = Column((boxes[-1], total))


def _cells(values: np.ndarray, role: str, places: int | None) -> Box:
    if places is not None:
        return grid(values, role, places)
    roles = np.full(values.shape, role, dtype=object)
    return Shaded(values, roles, (KERNEL_CELL, KERNEL_CELL), scale(values))
