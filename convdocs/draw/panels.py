"""The parts of a layer's picture that do not depend on its dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from convdocs.draw.boxes import BUDGET, Box, Column, Row, Space, Words, titled, wrapped
from convdocs.draw.captions import padding_words
from convdocs.draw.grids import ROW_HEIGHT, Copied, Frame, Grid, grid
from convdocs.draw.numbers import PLACES, number
from convdocs.draw.scene import Scene, Slot
from convdocs.draw.shading import Shaded, legend, scale
from convdocs.draw.sheet import NOTE_SIZE, TITLE_SIZE

TITLE_HEIGHT = Words("").height + 3
SIGN_SIZE = TITLE_SIZE + 2
MOST_ROWS = 12  # of a grid whose numbers are written out
FINE = 12.0  # points of a shaded cell
STRIP = 14.0  # points of a shaded row where there are few
MOST_ARCS = 8
MOST_COLUMNS = 224


def named(name: str, *index: int | None) -> str:
    """A tensor's name with an index, as one would type it.

    Examples
    --------
    >>> named("input", None, 2), named("bias", None)
    ('input[2]', 'bias')
    """
    given = [str(one) for one in index if one is not None]
    return f"{name}[{', '.join(given)}]" if given else name


def weight_name(shown: Scene, channel: int | None, *taps: int) -> str:
    """Name of the kernel, or of the part of it that reads one input channel."""
    layer = shown.layer
    if layer.family != "transposed":
        row = None if channel is None else channel - shown.channels[0]
        return named("weight", shown.channel, row, *taps)
    rest = (shown.channel % ((layer.out_channels or 1) // layer.groups), *taps)
    row_words = ":" if channel is None else str(channel)
    return f"weight[{row_words}, {', '.join(map(str, rest))}]"


def sign(words: str, height: float, title: float = TITLE_HEIGHT) -> Box:
    """An operator beside titled grids of ``height``, at the height of their middle."""
    mark = Words(words, SIGN_SIZE, "muted")
    return Column((Space(0, title + (height - mark.height) / 2), mark), gap=0)


def note(words: str, width: float = BUDGET) -> Box:
    """Small text, on as many lines as it takes."""
    lines = wrapped(words, width, NOTE_SIZE)
    return Column(tuple(Words(line, NOTE_SIZE, "muted") for line in lines), gap=0)


def sums(values: Sequence[float]) -> Grid:
    """Sums of products, one a row."""
    return grid(np.array(values)[:, None], "product", PLACES)


def head(shown: Scene) -> Box:
    """The layer, its input and what the picture leaves out."""
    words = [f"input {shown.cell.input_shape}"]
    if padded := padding_words(shown):
        words.append(padded)
    if shown.layer.family == "transposed":
        words.append("its cells spread by the stride, zeros around, the kernel turned round")
    said = ", ".join(words)
    if shown.sample is not None and shown.samples > 1:
        said += f"; sample {shown.sample} of {shown.samples} is drawn"
    if shown.layer.groups > 1:
        first, last = shown.channels[0], shown.channels[-1]
        which = f"channel {first}" if first == last else f"channels {first} to {last}"
        said += f"; output channel {shown.channel} reads {which} of {shown.x.shape[0]}"
    codes = wrapped(shown.cell.code, BUDGET, TITLE_SIZE * 1.1)
    return Column((*(Words(line, weight="bold") for line in codes), note(said)), gap=0)


def with_arcs(cells: Grid, axes: Sequence[Sequence[Slot]]) -> Box:
    """The padded input with arcs that show where copied cells come from, if they are few."""
    arcs = [_copies(slots) for slots in axes]
    if not any(arcs) or sum(map(len, arcs)) > MOST_ARCS:
        return cells
    return Copied(cells, arcs[-1], arcs[0] if len(arcs) > 1 else ())


def _copies(slots: Sequence[Slot]) -> tuple[tuple[int, int], ...]:
    """From which slot each padding slot is copied."""
    at = {slot.cell: place for place, slot in enumerate(slots) if slot.role == "input"}
    return tuple(
        (at[slot.cell], place)
        for place, slot in enumerate(slots)
        if slot.role == "padding" and slot.cell is not None
    )


def equation(shown: Scene) -> Box:
    """From the sum of all products to the output cell."""
    parts: list[Box] = []
    for mark, title, value, role in _steps(shown):
        if mark:
            parts.append(sign(mark, ROW_HEIGHT))
        cell = grid(np.array([[value]]), role, PLACES)
        # a wide title at the end must not part its number from the sign before it
        align: Literal["left", "middle"] = "left" if role == "lit" else "middle"
        parts.append(Column((Words(title, weight="bold"), cell), gap=3, align=align))
    return Row(tuple(parts), gap=4, align="top")


def _steps(shown: Scene) -> list[tuple[str, str, float, str]]:
    cell = shown.cell
    result = (named("output", *cell.at), cell.value, "lit")
    if cell.family == "unfold":
        return [("", "copied", cell.value, "product"), ("=", *result)]
    if cell.family == "max" or abs(cell.power or 0) == np.inf:
        extreme = "smallest" if cell.power == -np.inf else "largest"
        return [("", extreme, cell.value, "product"), ("=", *result)]
    total = float(sum(term.product for term in cell.terms))
    what = "sum" if cell.power is None else f"sum of |x|^{number(cell.power, 0)}"
    steps = [("", what, total, "product")]
    if cell.bias is not None:
        steps.append(("+", named("bias", shown.channel), cell.bias, "kernel"))
    if cell.divisor is not None:
        steps.append(("/", "cells", cell.divisor, "kernel"))
    if cell.power is not None:
        steps.append(("^", "1 / p", 1 / cell.power, "kernel"))
    return [*steps, ("=", *result)]


def output(shown: Scene) -> Box:
    """The output channel (all of them in one dimension) with the cell lit."""
    flat = shown.y.ndim == 2
    plane = shown.y if flat else shown.y[(shown.channel, *shown.place[:-2])]
    row, column = (shown.channel, *shown.place) if flat else shown.place[-2:]
    roles = np.full(plane.shape, "output", dtype=object)
    roles[row, column] = "lit"
    frames: tuple[Frame, ...] = ((row, column, 1, 1, "lit frame"),)
    if shown.layer.family == "unfold":
        frames = ((0, column, plane.shape[0], 1, "window"), *frames)
    name = named("output", shown.sample, *(() if flat else (shown.channel, *shown.place[:-2])))
    notes = [f"of shape {shown.cell.output_shape}"]
    if flat:
        rows, said = _around(row, plane.shape[0], MOST_ROWS, "rows")
        columns, more = _around(column, plane.shape[1], MOST_COLUMNS, "columns")
        plane, roles, notes = plane[rows, columns], roles[rows, columns], [*notes, *said, *more]
        frames = tuple(_cropped(frame, rows.start, columns.start, plane) for frame in frames)
    box, shades = _fitting(plane, roles, frames)
    return titled(box, name, "; ".join((*notes, *shades)))


def _around(place: int, size: int, most: int, what: str) -> tuple[slice, list[str]]:
    """A part of an axis around a place, and a note when it is not all of it."""
    if size <= most:
        return slice(0, size), []
    start = min(max(0, place - most // 2), size - most)
    return slice(start, start + most), [f"{what} {start} to {start + most - 1} of {size}"]


def _cropped(frame: Frame, top: int, left: int, plane: np.ndarray) -> Frame:
    row, column, rows, columns, role = frame
    return max(row - top, 0), column - left, min(rows, plane.shape[0]), columns, role


def _fitting(
    plane: np.ndarray, roles: np.ndarray, frames: tuple[Frame, ...]
) -> tuple[Box, tuple[str, ...]]:
    """Numbers with as many decimals as fit, else shades; and a note on the shades."""
    row, column, *_ = frames[-1]
    if plane.shape[0] <= MOST_ROWS:
        for places in (4, 3, 2, 1):
            box = grid(plane, roles, places, frames, frozenset([(row, column)]))
            if box.width <= BUDGET:
                return box, ()
    shades = scale(plane)
    return Shaded(plane, roles, fine(plane.shape), shades, frames), (legend(shades),)


def fine(shape: tuple[int, ...], room: float = BUDGET) -> tuple[float, float]:
    """Size of a shaded cell of a grid of ``shape`` that is to be ``room`` wide at most.

    Cells are square, unless the grid would be a mere line.

    Examples
    --------
    >>> fine((28, 28)), fine((200, 100), 100.0)
    ((12.0, 12.0), (0.5, 0.5))
    """
    size = min(FINE, room / shape[1], room / shape[0])
    return size, max(size, min(STRIP, room / 3 / shape[0]))
