"""The receptive field of one cell, layer by layer down to the input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from convdocs.draw.blocks import name_of
from convdocs.draw.boxes import Box, Column, Row, Words, flow
from convdocs.draw.picture import PHONE, shared, show
from convdocs.draw.plane import Plane, array, field, photo
from convdocs.draw.scene import DrawError, reach
from convdocs.draw.sheet import NOTE_SIZE, Place, Sheet
from convdocs.report import MODEL_INPUT, Call, Trace

MOST_STATIONS = 15
STRIP = 16.0  # points of a tensor of one axis
PLAIN, PICTURE = 110.0, 220.0  # points of an input and of an image
GAP = 10.0

Region = tuple[range, ...]  # per spatial axis


def receptive_field(
    trace: Trace,
    at: int | Sequence[int] | None = None,
    *,
    of: str | None = None,
    image: Tensor | None = None,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
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
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`; the model's name in the title.

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3)), (1, 1, 9))
    >>> convdocs.draw.describe(convdocs.draw.receptive_field(found, at=2))
    'Receptive field of cell 2 of 1 Conv1d in Sequential: 5 cells wide. input: 2 to 6 of 9; ...'
    """
    call = target(trace, of)
    cell, field, after = place(call, at), call.receptive_field, name_of(call)
    if len(cell) > 2:
        raise DrawError("receptive fields of three axes are not drawn; print trace for their size")
    way = stations(trace, call, cell)
    if image is not None:
        way[0] = way[0]._replace(picture=_picture(way[0], image))
    left_out, middle = max(0, len(way) - MOST_STATIONS), MOST_STATIONS // 2 + 1
    shown = [*way[:middle], *way[middle + left_out :]]
    sizes = " x ".join(str(axis.size) for axis in field)
    name = f"cell {cell[0] if len(cell) == 1 else cell} of {after}"
    bound = " at most" if any(axis.status != "exact" for axis in field) else ""
    words = f"{name}: {sizes} input cells{bound}"
    if left_out:
        words += f"; {left_out} layers in the middle are left out"
    seen, every = (" × ".join(map(str, axes)) for axes in (map(len, way[0].region), way[0].sizes))
    below = f"One cell after {after} depends on{bound} {seen} of the input's {every} cells."
    regions = "; ".join(f"{station.name}: {station.words}" for station in shown)

    def body(room: float) -> Box:
        return _Strips(shown, room) if len(cell) == 1 else _tiles(shown, room)

    thumb: Box = Row([_plane(station, 70.0) for station in shown[:3]])
    if len(cell) == 1:
        thumb = _Strips(shown[:4], 200.0, named=False)
    elif image is not None:
        thumb = _plane(shown[0], 160.0)
    alt = f"Receptive field of {name} in {trace.model}: {sizes} cells wide. {regions}."
    head = title, f"Receptive field in {trace.model}"
    return show(body, alt, head, words, (caption, below), thumb, fig)


class Station(NamedTuple):
    """A tensor on the way from the input to the cell, and its cells that the cell depends on."""

    name: str
    sizes: tuple[int, ...]
    region: Region
    role: str = "output"
    picture: np.ndarray | None = None

    @property
    def words(self) -> str:
        """The region: "2 to 6 of 9"."""
        places = (reach(r.start, r.stop - 1) if r else "none" for r in self.region)
        return " by ".join(f"{r} of {size}" for r, size in zip(places, self.sizes, strict=True))


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
    shape, dims = call.output_shapes[0], len(call.receptive_field)
    sizes = shape[-dims:]
    if at is None:
        return tuple(size // 2 for size in sizes)
    given = (at,) if isinstance(at, int) else tuple(at)
    if len(given) not in (dims, len(shape)) or any(
        not -size <= axis < size for axis, size in zip(given, shape[-len(given) :], strict=True)
    ):
        where = call.path or call.kind
        raise DrawError(f"no cell {given} in the output of {where}: its shape is {shape}")
    return tuple(axis % size for axis, size in zip(given[-dims:], sizes, strict=True))


def stations(trace: Trace, call: Call, cell: tuple[int, ...]) -> list[Station]:
    """The tensors that the cell depends on, from the model's input to the cell itself.

    Every call says which cells of its inputs an output cell reads; the walk goes from the cell
    back through the calls' sources. Layers that change neither size nor region are passed over.
    """
    dims = len(cell)
    regions: dict[int, Region] = {call.index: tuple(range(axis, axis + 1) for axis in cell)}
    way: list[Station] = []
    first: list[Station] = []
    for step in reversed(trace.calls[: call.index + 1]):
        if step.index not in regions:
            continue
        region = regions[step.index]
        station = Station(name_of(step), step.output_shapes[0][-dims:], region)
        if way and way[-1][1:] == station[1:]:
            way.pop()
        way.append(station)
        reads = zip(step.input_shapes, step.sources, step.local_fields, strict=False)
        for shape, source, fields in reads:
            if source < MODEL_INPUT or len(fields) != dims:
                continue
            before = regions.get(source, (range(0),) * dims)
            axes = zip(fields, region, before, shape[-dims:], strict=True)
            regions[source] = tuple(
                _hull((known, *map(field.cells, cells)), size) for field, cells, known, size in axes
            )
            if source == MODEL_INPUT:
                first = [Station("input", shape[-dims:], regions[source], "input")]
    return [*first, *reversed(way)]


def _hull(runs: Iterable[range], size: int) -> range:
    """From the first to the last cell of the runs, of those that an axis has."""
    within = [run for run in (range(max(r.start, 0), min(r.stop, size)) for r in runs) if run]
    start = min((run.start for run in within), default=0)
    return range(start, max((run.stop for run in within), default=0))


def _picture(station: Station, image: Tensor) -> np.ndarray:
    values = array(image[0] if image.ndim == 4 else image)
    if values.ndim != 3 or values.shape[1:] != station.sizes:
        sizes, shape = " x ".join(map(str, station.sizes)), tuple(image.shape)
        raise DrawError(f"the image has shape {shape}, but the traced input is {sizes}")
    return values


class _Strips(Column):
    """Tensors of one axis as strips of one width, the region narrowing from one to the next."""

    def __init__(self, stations: list[Station], width: float, *, named: bool = True) -> None:
        self.strips = [_plane(station, width) for station in stations]
        names = [f"{station.name}: {station.words}" if named else "" for station in stations]
        strips = zip(names, self.strips, strict=True)
        super().__init__((Column((Words(name, NOTE_SIZE), one), 0) for name, one in strips), GAP)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        super().draw(sheet, x, y)
        for strips in pairwise(self.strips):
            above, below = (
                strip.area(*(strip.frames[0] if strip.frames else (0,) * 4)[:4]) for strip in strips
            )
            for part in (0, 1):  # from the left ends, and the right ones
                start, end = (left + part * wide for left, _, wide, _ in (above, below))
                ends = [(start, above[1] + STRIP), (end, below[1])]
                sheet.line(ends, "window", 0.8, "dashed")


def _plane(station: Station, side: float) -> Plane:
    """A tensor's cells, its longer side or its width ``side`` points, the region framed."""
    (rows, columns), (high, wide) = (
        (start, *axes)[-2:] for start, axes in ((range(1), station.region), (1, station.sizes))
    )
    frames = [(rows.start, columns.start, len(rows), len(columns), "window")]
    frames *= bool(rows and columns)
    if station.picture is not None:
        return photo(station.picture, "input", side, frames=frames)
    step = side / (wide if len(station.sizes) == 1 else max(wide, high))
    tall = STRIP if len(station.sizes) == 1 else step
    return field((high, wide), station.role, (step, tall), *frames)


def _tiles(shown: list[Station], room: float) -> Box:
    """The input large, then the layers, a few side by side: in the shorter of two layouts."""
    side = shared(room, GAP, 5, 3)
    large = PLAIN
    if shown[0].picture is not None:
        large = PICTURE if room <= PHONE else PICTURE * 1.35
    first = _tile(shown[0], max(side, large))
    rest = [_tile(station, side) for station in shown[1:]]
    below = Column((first, flow(rest, room, GAP)), GAP)
    left = room - first.width - GAP
    beside = Row((first, flow(rest, left, GAP)), GAP)
    return beside if left >= side and beside.height < below.height else below


def _tile(station: Station, side: float) -> Box:
    (rows, columns), (high, wide) = map(len, station.region), station.sizes
    name = station.name if len(station.name) < 16 else f"{station.name[:14]}…"
    square = rows == columns and high == wide
    size = f"{rows}² of {high}²" if square else f"{rows} of {high} by {columns} of {wide}"
    return _plane(station, side).titled(name, size)
