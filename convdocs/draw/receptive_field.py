"""The receptive field of one cell, layer by layer down to the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure, SubFigure
from torch import Tensor

from convdocs.draw.boxes import Box, Column, Row, flow, heading, titled
from convdocs.draw.picture import PHONE, show
from convdocs.draw.plane import Frame, array, photo, scale_of, shades
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import Sheet
from convdocs.receptive import AxisField
from convdocs.report import MODEL_INPUT, Call, Trace

MOST_STATIONS = 15
LINED = 4.0  # points of a cell from which on cells have borders
STRIP = 16.0
STRIP_GAP = 22.0
PICTURE = 220.0

Region = tuple[range, ...]  # per spatial axis


def receptive_field(
    trace: Trace,
    at: int | Sequence[int] | None = None,
    *,
    of: str | None = None,
    image: Tensor | None = None,
    title: str | None = None,
    caption: str | None = None,
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
    title, caption : str, optional
        What is written above and below; the model's name and a sentence when left out.
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
    picture = None if image is None else _image(way[0], image)
    head = f"Receptive field in {trace.model}" if title is None else title
    words = f"{_cell(call, cell)}: {_sizes(call)} input cells{_bound(call)}"
    if hidden := len(way) - len(shown):
        words += f"; {hidden} layers in the middle are left out"
    layout = partial(_page, head, words, shown, picture)
    below = _caption(call, cell, way) if caption is None else caption
    thumb = _thumb(shown, picture)
    return show(layout, _alt(trace, call, cell, shown), below, thumb=thumb, fig=fig)


# ---- the cells of every tensor on the way


@dataclass(frozen=True)
class Station:
    """A tensor on the way from the input to the cell.

    Parameters
    ----------
    name : str
        The layer that made it.
    sizes : tuple of int
        Of its spatial axes.
    region : tuple of range
        Per axis the cells that the output cell depends on.
    """

    name: str
    sizes: tuple[int, ...]
    region: Region


def target(trace: Trace, of: str | None) -> Call:
    """The call whose output cell is followed: the last one that has a known field."""
    calls = [call for call in trace.calls if of in (None, call.path)]
    if not calls:
        paths = ", ".join(dict.fromkeys(call.path for call in trace.calls if call.path))
        raise DrawError(f"no layer {of!r} in {trace.model}; its layers are {paths}")
    for call in reversed(calls):
        field = call.receptive_field
        if field and all(axis.status != "unknown" for axis in field):
            return call
    raise DrawError(f"no layer of {trace.model} has a receptive field that is known")


def place(call: Call, at: int | Sequence[int] | None) -> tuple[int, ...]:
    """The cell's spatial place: ``at`` without sample and channel, the middle when left out."""
    dims = len(call.receptive_field)
    sizes = call.output_shapes[0][-dims:]
    if at is None:
        return tuple(size // 2 for size in sizes)
    given = (at,) if isinstance(at, int) else tuple(at)
    cell = given[-dims:]
    whole = given if len(given) == len(call.output_shapes[0]) else cell
    shape = call.output_shapes[0][-len(whole) :]
    if len(given) not in (dims, len(call.output_shapes[0])) or any(
        not -size <= axis < size for axis, size in zip(whole, shape, strict=True)
    ):
        raise DrawError(f"no cell {given} in the output of {call.path or call.kind}: its shape is "
                        f"{call.output_shapes[0]}")  # fmt: skip
    return tuple(axis % size for axis, size in zip(cell, sizes, strict=True))


def stations(trace: Trace, call: Call, cell: tuple[int, ...]) -> list[Station]:
    """The tensors that the cell depends on, from the model's input to the cell itself.

    Every call says which cells of its inputs an output cell reads; the walk goes from the cell
    back through the calls' sources. Layers that change neither size nor region are passed over.
    """
    dims = len(cell)
    regions: dict[int, Region] = {call.index: tuple(range(axis, axis + 1) for axis in cell)}
    found: list[Station] = []
    first: Station | None = None
    for step in reversed(trace.calls[: call.index + 1]):
        if step.index not in regions:
            continue
        region = regions[step.index]
        station = Station(_name(step), step.output_shapes[0][-dims:], region)
        if found and (found[-1].sizes, found[-1].region) == (station.sizes, region):
            found.pop()
        found.append(station)
        for shape, source, fields in zip(
            step.input_shapes, step.sources, _fields(step), strict=False
        ):
            if source < MODEL_INPUT or len(fields) != dims:
                continue
            sizes = shape[-dims:]
            regions[source] = _hull(regions.get(source), _read(fields, region, sizes))
            if source == MODEL_INPUT:
                first = Station("input", sizes, regions[source])
    return [*([first] if first else []), *reversed(found)]


def _fields(call: Call) -> tuple[tuple[AxisField, ...], ...]:
    if call.local_fields:
        return call.local_fields
    from convdocs.receptive import IDENTITY, local_field

    field = tuple(map(local_field, call.windows)) or (IDENTITY,) * len(call.receptive_field)
    return (field,) * len(call.sources)


def _read(fields: Sequence[AxisField], region: Region, sizes: Sequence[int]) -> Region:
    """Cells of an input that the cells of ``region`` in the call's output depend on."""
    return tuple(
        _clipped([field.cells(cell) for cell in seen], size)
        for field, seen, size in zip(fields, region, sizes, strict=True)
    )


def _clipped(runs: list[range], size: int) -> range:
    held = [run for run in runs if run]
    if not held:
        return range(0)
    start, stop = min(run.start for run in held), max(run.stop for run in held)
    return range(max(start, 0), max(min(stop, size), 0))


def _hull(before: Region | None, other: Region) -> Region:
    if before is None:
        return other
    return tuple(
        range(min(a.start, b.start), max(a.stop, b.stop)) if a and b else a or b
        for a, b in zip(before, other, strict=True)
    )


# ---- words


def _name(call: Call) -> str:
    return f"{call.path} {call.kind}".strip()


def _cell(call: Call, cell: tuple[int, ...]) -> str:
    return f"cell {cell[0] if len(cell) == 1 else cell} of {_name(call)}"


def _sizes(call: Call) -> str:
    return " x ".join(str(axis.size) for axis in call.receptive_field)


def _bound(call: Call) -> str:
    return " at most" if {axis.status for axis in call.receptive_field} - {"exact"} else ""


def _reach(cells: range) -> str:
    if not cells:
        return "none"
    return f"{cells.start} to {cells.stop - 1}" if len(cells) > 1 else str(cells.start)


def _alt(trace: Trace, call: Call, cell: tuple[int, ...], shown: list[Station]) -> str:
    parts = []
    for station in shown:
        axes = zip(station.region, station.sizes, strict=True)
        parts.append(f"{station.name}: {' by '.join(f'{_reach(r)} of {n}' for r, n in axes)}")
    return (
        f"Receptive field of {_cell(call, cell)} in {trace.model}: "
        f"{_sizes(call)} cells wide. {'; '.join(parts)}."
    )


def _caption(call: Call, cell: tuple[int, ...], way: list[Station]) -> str:
    seen = " × ".join(str(len(region)) for region in way[0].region)
    of = " × ".join(map(str, way[0].sizes))
    whole = f"{seen} of the input's {of} cells"
    return f"One cell after {_name(call)} depends on{_bound(call)} {whole}."


# ---- marks


def _page(
    title: str, words: str, shown: list[Station], picture: np.ndarray | None, room: float
) -> Box:
    if len(shown[0].sizes) == 1:
        body: Box = _Strips(tuple(shown), room)
    else:
        body = _tiles(shown, picture, room)
    return Column((heading(title, room, words), body), gap=9)


@dataclass(frozen=True)
class _Strips:
    """One dimension: the tensors as strips of one width, the region narrowing from one to next."""

    stations: tuple[Station, ...]
    width: float
    named: bool = True

    @property
    def height(self) -> float:
        return len(self.stations) * (STRIP + STRIP_GAP) - STRIP_GAP + 14

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        above: tuple[float, float] | None = None
        for number, station in enumerate(self.stations):
            top = y + 14 + number * (STRIP + STRIP_GAP)
            size, region = station.sizes[0], station.region[0]
            step = self.width / size
            self._cells(sheet, x, top, size, "output" if number else "input", step)
            left, right = x + region.start * step, x + region.stop * step
            if self.named:
                words = f"{station.name}: {_reach(region)} of {size}"
                sheet.text(x, top - 7, words, align="left", size=8.5)
            if region:
                self._cells(sheet, left, top, len(region), "read", step)
                sheet.frame(left, top, right - left, STRIP, "window")
            if above and region:
                sheet.line([(above[0], top - STRIP_GAP), (left, top)], "window", 0.8, "dashed")
                sheet.line([(above[1], top - STRIP_GAP), (right, top)], "window", 0.8, "dashed")
            above = (left, right)

    def _cells(self, sheet: Sheet, x: float, y: float, count: int, role: str, step: float) -> None:
        if step < LINED:
            sheet.cell(x, y, step * count, STRIP, role)
            return
        for cell in range(count):
            sheet.cell(x + cell * step, y, step, STRIP, role)


@dataclass(frozen=True)
class _Tile:
    """Two dimensions: a plane with the region framed."""

    station: Station
    role: str
    longest: float

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
                left = x + column * step
                sheet.line([(left, y), (left, y + self.height)], "line", 0.4)
        if rows and columns:
            corner = (x + columns.start * step, y + rows.start * step)
            sheet.patch(*corner, len(columns) * step, len(rows) * step, "read")
            sheet.frame(*corner, len(columns) * step, len(rows) * step, "window")


def _tiles(shown: list[Station], picture: np.ndarray | None, room: float) -> Box:
    """The input large, then the layers, a few side by side."""
    across = 3 if room <= PHONE else 5
    side = (room - 10 * (across - 1)) / across
    large = PICTURE / 2 if picture is None else PICTURE if room <= PHONE else PICTURE * 1.35
    first = _titled(_first(shown[0], picture, max(side, large)), shown[0], large)
    rest = [_titled(_Tile(station, "output", side), station, side) for station in shown[1:]]
    below = Column((first, flow(rest, room, 10)), gap=10)
    left = room - first.width - 10
    if left < side:
        return below
    beside = Row((first, flow(rest, left, 10)), gap=10, align="top")
    return beside if beside.height < below.height else below


def _titled(box: Box, station: Station, side: float) -> Box:
    rows, columns = (len(axis) for axis in station.region)
    high, wide = station.sizes
    name = station.name if len(station.name) < 16 else f"{station.name[:14]}…"
    size = f"{rows} of {high} by {columns} of {wide}"
    if rows == columns and high == wide:
        size = f"{rows}² of {high}²"
    return titled(box, name, size, side)


def _first(station: Station, picture: np.ndarray | None, side: float) -> Box:
    """The input: the image with the region framed, or a plane."""
    if picture is None:
        return _Tile(station, "input", side)
    rows, columns = station.region
    frames: tuple[Frame, ...] = ()
    if rows and columns:
        frames = ((rows.start, columns.start, len(rows), len(columns), "window"),)
    if picture.shape[0] == 3:
        return photo(picture, side, frames)
    step = side / max(station.sizes)
    return shades(picture[0], "input", (step, step), scale_of(picture), frames)


def _image(station: Station, image: Tensor) -> np.ndarray:
    values = array(image)
    values = values[0] if values.ndim == 4 else values
    if values.ndim != 3 or values.shape[1:] != station.sizes:
        raise DrawError(f"the image has shape {tuple(image.shape)}, but the traced input is "
                        f"{' x '.join(map(str, station.sizes))}")  # fmt: skip
    return values


def _thumb(shown: list[Station], picture: np.ndarray | None) -> Box:
    if len(shown[0].sizes) == 1:
        return _Strips(tuple(shown[:4]), 200.0, named=False)
    if picture is not None:
        return _first(shown[0], picture, 160.0)
    return flow([_Tile(one, "output" if n else "input", 70.0) for n, one in enumerate(shown[:3])],
                300, 8)  # fmt: skip
