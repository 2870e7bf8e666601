"""The receptive field of one cell, layer by layer down to the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from convdocs.draw.boxes import BUDGET, Box, Column, Row, Space, Words, paste, titled
from convdocs.draw.grids import Frame
from convdocs.draw.panels import note
from convdocs.draw.regions import Station, name_of, place, stations, target
from convdocs.draw.scene import DrawError, numbers
from convdocs.draw.shading import Photo, Shaded, scale
from convdocs.draw.sheet import Sheet
from convdocs.report import Call, Trace

MOST_STATIONS = 15
TILE = 78.0
ACROSS = 4
LINED = 4.0  # points of a cell from which on cells have borders
STRIP = 16.0
STRIP_GAP = 22.0
PICTURE = 220.0


def receptive_field(
    trace: Trace,
    at: int | Sequence[int] | None = None,
    *,
    of: str | None = None,
    image: Tensor | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw which cells of every layer, and of the input, one output cell depends on.

    Parameters
    ----------
    trace : Trace
        From :func:`convdocs.trace`.
    at : tuple of int, optional
        The cell: its place along the spatial axes, or its full index; the middle when left out.
    of : str, optional
        Path of the layer whose output cell it is; the last with a known field when left out.
    image : torch.Tensor, optional
        The input, (C, H, W) or (N, C, H, W), to draw the field on.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3)), (1, 1, 9))
    >>> convdocs.draw.describe(convdocs.draw.receptive_field(found, at=2))
    'Receptive field of cell 2 of 1 Conv1d in Sequential: 5 cells wide. input: 2 to 6 of 9; ...'
    """
    call = target(trace, of)
    cell = place(call, at)
    if len(cell) > 2:
        raise DrawError("receptive fields of three axes are not drawn; print trace for their size")
    way = stations(trace, call, cell)
    shown = way
    if len(way) > MOST_STATIONS:
        shown = [*way[: MOST_STATIONS // 2 + 1], *way[-(MOST_STATIONS // 2) :]]
    body = _strips(shown) if len(cell) == 1 else _tiles(shown, image)
    page = Column((_head(trace, call, cell, len(way) - len(shown)), body), gap=9)
    return paste(page, _words(trace, call, cell, shown), fig=fig)


def _cell(call: Call, cell: tuple[int, ...]) -> str:
    where = str(cell[0]) if len(cell) == 1 else str(cell)
    return f"cell {where} of {name_of(call)}"


def _sizes(call: Call) -> str:
    return " x ".join(str(axis.size) for axis in call.receptive_field)


def _head(trace: Trace, call: Call, cell: tuple[int, ...], hidden: int) -> Box:
    bound = {axis.status for axis in call.receptive_field} - {"exact"}
    said = f"{_cell(call, cell)}: {_sizes(call)} input cells"
    if bound:
        said += " at most"
    if hidden:
        said += f"; {hidden} layers in the middle are left out"
    title = Words(f"Receptive field in {trace.model}", weight="bold")
    return Column((title, note(said)), gap=0)


def _span(region: range) -> str:
    if not region:
        return "none"
    return f"{region.start} to {region.stop - 1}" if len(region) > 1 else str(region.start)


def _words(trace: Trace, call: Call, cell: tuple[int, ...], shown: list[Station]) -> str:
    parts = []
    for station in shown:
        axes = zip(station.region, station.sizes, strict=True)
        parts.append(f"{station.name}: {' by '.join(f'{_span(r)} of {n}' for r, n in axes)}")
    return (
        f"Receptive field of {_cell(call, cell)} in {trace.model}: "
        f"{_sizes(call)} cells wide. {'; '.join(parts)}."
    )


@dataclass(frozen=True)
class _Strips:
    """One dimension: the tensors as strips of one width, the region narrowing from one to next."""

    stations: tuple[Station, ...]
    width: float = BUDGET

    @property
    def height(self) -> float:
        return len(self.stations) * (STRIP + STRIP_GAP) - STRIP_GAP + 14

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        above: tuple[float, float] | None = None
        for number, station in enumerate(self.stations):
            top = y + 14 + number * (STRIP + STRIP_GAP)
            size, region = station.sizes[0], station.region[0]
            step = self.width / size
            role = "input" if number == 0 else "output"
            self._cells(sheet, x, top, size, role)
            left, right = x + region.start * step, x + region.stop * step
            said = f"{station.name}: {_span(region)} of {size}"
            sheet.text(x, top - 7, said, align="left", size=8.5)
            if region:
                self._cells(sheet, left, top, len(region), "read", step)
                sheet.frame(left, top, right - left, STRIP, "window")
            if above and region:
                sheet.line([(above[0], top - STRIP_GAP), (left, top)], "window", 0.8, "dashed")
                sheet.line([(above[1], top - STRIP_GAP), (right, top)], "window", 0.8, "dashed")
            above = (left, right)

    def _cells(
        self, sheet: Sheet, x: float, y: float, count: int, role: str, step: float = 0.0
    ) -> None:
        step = step or self.width / count
        if step < LINED:
            sheet.cell(x, y, step * count, STRIP, role)
            return
        for cell in range(count):
            sheet.cell(x + cell * step, y, step, STRIP, role)


def _strips(shown: list[Station]) -> Box:
    return _Strips(tuple(shown))


@dataclass(frozen=True)
class _Tile:
    """Two dimensions: a plane with the region framed."""

    station: Station
    role: str
    longest: float = TILE

    @property
    def _step(self) -> float:
        return self.longest / max(self.station.sizes)

    @property
    def width(self) -> float:
        return self._step * self.station.sizes[1]

    @property
    def height(self) -> float:
        return self._step * self.station.sizes[0]

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        step = self._step
        rows, columns = self.station.region
        sheet.cell(x, y, self.width, self.height, self.role)
        if step >= LINED:
            for row in range(1, self.station.sizes[0]):
                sheet.line([(x, y + row * step), (x + self.width, y + row * step)], "line", 0.4)
            for column in range(1, self.station.sizes[1]):
                place = x + column * step
                sheet.line([(place, y), (place, y + self.height)], "line", 0.4)
        if rows and columns:
            corner = (x + columns.start * step, y + rows.start * step)
            sheet.patch(*corner, len(columns) * step, len(rows) * step, "read")
            sheet.frame(*corner, len(columns) * step, len(rows) * step, "window")


def _tiles(shown: list[Station], image: Tensor | None) -> Box:
    """The input large, then the layers, a few side by side."""
    rest = [_titled(_Tile(station, "output"), station) for station in shown[1:]]
    rows = [
        Row(tuple(rest[i : i + ACROSS]), gap=10, align="top") for i in range(0, len(rest), ACROSS)
    ]
    first = _titled(_picture(shown[0], image), shown[0])
    return Column((first, *rows), gap=10)


def _titled(box: Box, station: Station) -> Column:
    rows, columns = (len(one) for one in station.region)
    high, wide = station.sizes
    name = station.name if len(station.name) < 14 else f"{station.name[:12]}…"
    size = f"{rows} of {high} by {columns} of {wide}"
    if rows == columns and high == wide:
        size = f"{rows}² of {high}²"
    tile = titled(box, name, size)
    return Column((tile, Space(TILE)), gap=0)


def _picture(station: Station, image: Tensor | None) -> Box:
    if image is None:
        return _Tile(station, "input", PICTURE / 2)
    values = numbers(image)
    values = values[0] if values.ndim == 4 else values
    if values.ndim != 3 or values.shape[1:] != station.sizes:
        raise DrawError(f"the image has shape {tuple(image.shape)}, but the traced input is "
                        f"{' x '.join(map(str, station.sizes))}")  # fmt: skip
    rows, columns = station.region
    frames: tuple[Frame, ...] = ()
    if rows and columns:
        frames = ((rows.start, columns.start, len(rows), len(columns), "window"),)
    if values.shape[0] == 3:
        return Photo(values, PICTURE, frames)
    roles = np.full(values.shape[1:], "input", dtype=object)
    size = PICTURE / max(station.sizes)
    return Shaded(values[0], roles, (size, size), scale(values), frames)
