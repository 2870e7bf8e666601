"""The parts of a layer's picture: its input, kernel, products, equation and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from convdocs.draw.boxes import (
    BARE,
    Box,
    Column,
    Frame,
    Grid,
    Row,
    Shades,
    Space,
    Words,
    cell_words,
    titled,
)
from convdocs.draw.numbers import PLACES, cell_width, places_for
from convdocs.draw.palette import GREYS, SIGNED
from convdocs.draw.scene import Scene
from convdocs.draw.sheet import NOTE_SIZE, TITLE_SIZE

ROW_HEIGHT = 20.0
TITLE_HEIGHT = Words("").height + 3
SIGN_SIZE = TITLE_SIZE + 2


def named(name: str, *index: int | None) -> str:
    """A tensor's name with an index, as one would type it.

    Examples
    --------
    >>> named("input", None, 2), named("bias", None)
    ('input[2]', 'bias')
    """
    given = [str(one) for one in index if one is not None]
    return f"{name}[{', '.join(given)}]" if given else name


def grid(
    values: np.ndarray,
    roles: np.ndarray | str,
    places: int,
    frames: tuple[Frame, ...] = (),
    bold: frozenset[tuple[int, int]] = frozenset(),
) -> Grid:
    """A grid of numbers; columns of nothing but padding or holes are as wide as they need to be."""
    if isinstance(roles, str):
        roles = np.full(values.shape, roles, dtype=object)
    digits = places_for(values[~_are(roles, "hole", "outside")], places)
    words = [
        [cell_words(float(value), role, digits) for value, role in zip(*pair, strict=True)]
        for pair in zip(values, roles, strict=True)
    ]
    bare = np.all(_are(roles, *BARE), axis=0)
    widest = max(cell_width(word for row in words for word in row), ROW_HEIGHT)
    columns = [
        max(cell_width(row[column] for row in words), ROW_HEIGHT) if bare[column] else widest
        for column in range(values.shape[1])
    ]
    return Grid(
        values,
        roles,
        tuple(columns),
        (ROW_HEIGHT,) * values.shape[0],
        digits,
        frames=frames,
        bold=bold,
    )


def _are(roles: np.ndarray, *wanted: str) -> np.ndarray:
    found: np.ndarray = np.isin(roles, wanted)
    return found


def shaded(
    values: np.ndarray, roles: np.ndarray | str, size: float, frames: tuple[Frame, ...] = ()
) -> Grid:
    """A grid of square cells shaded by their numbers."""
    if isinstance(roles, str):
        roles = np.full(values.shape, roles, dtype=object)
    rows, columns = values.shape
    shades = shades_for(values[~_are(roles, *BARE)])
    return Grid(values, roles, (size,) * columns, (size,) * rows, None, shades, frames)


def shades_for(values: np.ndarray) -> Shades:
    """Greys for numbers of one sign, as in a photograph; else blue below zero, orange above."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
    if low >= 0:
        return Shades(low, high, GREYS)
    reach = max(-low, high)
    return Shades(-reach, reach, SIGNED)


def sign(words: str, height: float, title: float = TITLE_HEIGHT) -> Box:
    """An operator beside titled grids of ``height``, at the height of their middle."""
    mark = Words(words, SIGN_SIZE, "muted")
    return Column((Space(0, title + (height - mark.height) / 2), mark), gap=0)


def chip(title: str, value: float, role: str) -> Column:
    """One number under its title."""
    return titled(grid(np.array([[value]]), role, PLACES), title)


@dataclass(frozen=True)
class Panels:
    """Boxes for the parts of a picture of ``shown``."""

    shown: Scene

    @property
    def _sample(self) -> int | None:
        return self.shown.sample

    @property
    def channel(self) -> int:
        """Output channel (for an unfold: the row)."""
        return self.shown.cell.at[0 if self._sample is None else 1]

    @property
    def place(self) -> tuple[int, ...]:
        """The cell's place among the output channel's."""
        return self.shown.cell.at[1 if self._sample is None else 2 :]

    def head(self) -> Box:
        """The layer and the cell that is worked out."""
        cell = self.shown.cell
        which = named("output", *cell.at)
        if self._sample is not None:
            which += f"; sample {self._sample} of {self.shown.samples} is drawn"
        return Column((Words(cell.code, weight="bold"), Words(which, NOTE_SIZE, "muted")), gap=0)

    def input_note(self) -> str:
        """Shape of the input and what was put around its cells."""
        notes = [f"of shape {self.shown.cell.input_shape}"]
        pads = [window.padding for window in self.shown.layer.windows]
        if self.shown.layer.family == "transposed":
            if any(window.stride > 1 for window in self.shown.layer.windows):
                notes.append("spread by the stride")
            notes.append("zeros around")
        elif any(max(pad) for pad in pads):
            kind = "-∞" if self.shown.layer.family == "max" else self.shown.layer.padding_mode
            notes.append(f"padded: {kind}")
        return ", ".join(notes)

    def input_name(self, channel: int | None) -> str:
        """Name of the drawn part of the input."""
        return named("input", self._sample, channel)

    def weight_name(self, channel: int | None) -> str:
        """Name of the drawn part of the kernel."""
        layer = self.shown.layer
        if layer.family != "transposed":
            first = self.shown.channels[0]
            return named("weight", self.channel, None if channel is None else channel - first)
        per_group = (layer.out_channels or 1) // layer.groups
        row = ":" if channel is None else channel
        return f"weight[{row}, {self.channel % per_group}]"

    def windows(self, rows: tuple[int, int] | None = None) -> tuple[Frame, ...]:
        """The window's frame, over ``rows`` (first, count) where the rows are channels."""
        spans = [(taps[0], taps[-1] - taps[0] + 1) for taps in self.shown.taps]
        (row, height), (column, width) = ([rows] if rows else []) + spans[-2:]
        return ((row, column, height, width, "window"),)

    def sums(self, title: str, values: Sequence[float]) -> Column:
        """Sums of products, one a row."""
        return titled(grid(np.array(values)[:, None], "product", PLACES), title)

    def equation(self) -> Box:
        """From the sum of all products to the output cell."""
        parts: list[Box] = []
        for mark, title, value, role in self._steps():
            if mark:
                parts.append(sign(mark, ROW_HEIGHT))
            parts.append(chip(title, value, role))
        return Row(tuple(parts), gap=4, align="top")

    def _steps(self) -> list[tuple[str, str, float, str]]:
        cell = self.shown.cell
        total = float(sum(term.product for term in cell.terms))
        result = (named("output", *cell.at), cell.value, "lit")
        match cell.family:
            case "max":
                return [("", "largest", cell.value, "product"), ("=", *result)]
            case "unfold":
                return [("", "copied", cell.value, "product"), ("=", *result)]
        steps = [("", "sum", total, "product")]
        if cell.bias is not None:
            steps.append(("+", named("bias", self.channel), cell.bias, "kernel"))
        if cell.divisor is not None:
            steps.append(("/", "cells", cell.divisor, "kernel"))
        return [*steps, ("=", *result)]

    def output(self, places: int | None, size: float = 0.0) -> Column:
        """The output channel (all of them in one dimension) with the cell lit."""
        flat = self.shown.y.ndim == 2
        plane = self.shown.y if flat else self.shown.y[self.channel]
        row, column = (self.channel, *self.place) if flat else self.place
        roles = np.full(plane.shape, "output", dtype=object)
        roles[row, column] = "lit"
        frames: tuple[Frame, ...] = ((row, column, 1, 1, "lit frame"),)
        if places is None:
            box = shaded(plane, roles, size, frames)
        else:
            box = grid(plane, roles, places, frames, frozenset([(row, column)]))
        name = named("output", self._sample, None if flat else self.channel)
        return titled(box, name, f"of shape {self.shown.cell.output_shape}")
