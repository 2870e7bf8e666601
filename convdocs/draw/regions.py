"""Which cells of every tensor on the way one output cell depends on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convdocs.draw.scene import DrawError
from convdocs.receptive import local_field
from convdocs.report import MODEL_INPUT, Call, Shape, Trace

Region = tuple[range, ...]  # per spatial axis


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


def name_of(call: Call) -> str:
    """A call's layer by path and kind.

    Examples
    --------
    >>> name_of(Call(0, "", "relu", "relu", (), ()))
    'relu'
    """
    return f"{call.path} {call.kind}".strip()


def target(trace: Trace, of: str | None) -> Call:
    """The call whose output cell is followed: the last one that has a known field.

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten()), (1, 1, 9))
    >>> target(found, None).kind
    'Conv1d'
    """
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
    """The cell's spatial place: ``at`` without sample and channel, the middle when left out.

    Examples
    --------
    >>> from convdocs.receptive import AxisField
    >>> call = Call(0, "a", "x", "x", (), ((1, 4, 9),), receptive_field=(AxisField(1, 1, 0),))
    >>> place(call, None), place(call, -1), place(call, (0, 3, 2))
    ((4,), (8,), (2,))
    """
    dims = len(call.receptive_field)
    sizes = call.output_shapes[0][-dims:]
    if at is None:
        return tuple(size // 2 for size in sizes)
    given = (at,) if isinstance(at, int) else tuple(at)
    cell = given[-dims:]
    whole = given if len(given) == len(call.output_shapes[0]) else cell
    shape = call.output_shapes[0][-len(whole) :]
    if len(given) not in (dims, len(call.output_shapes[0])) or any(
        not -size <= one < size for one, size in zip(whole, shape, strict=True)
    ):
        raise DrawError(f"no cell {given} in the output of {call.path or call.kind}: its shape is "
                        f"{call.output_shapes[0]}")  # fmt: skip
    return tuple(one % size for one, size in zip(cell, sizes, strict=True))


def stations(trace: Trace, call: Call, cell: tuple[int, ...]) -> list[Station]:
    """The tensors that the cell depends on, from the model's input to the cell itself.

    Layers that change neither size nor region are passed over.

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3)), (1, 1, 9))
    >>> [list(station.region[0]) for station in stations(found, found.calls[-1], (2,))]
    [[2, 3, 4, 5, 6], [2, 3, 4], [2]]
    """
    dims = len(cell)
    regions: dict[int, Region] = {call.index: tuple(range(one, one + 1) for one in cell)}
    found: list[Station] = []
    first: Station | None = None
    calls = {one.index: one for one in trace.calls if one.index <= call.index}
    for one in sorted(calls.values(), key=lambda one: -one.index):
        if one.index not in regions:
            continue
        region = regions[one.index]
        station = Station(name_of(one), one.output_shapes[0][-dims:], region)
        if found and (found[-1].sizes, found[-1].region) == (station.sizes, region):
            found.pop()
        found.append(station)
        for shape, source in zip(one.input_shapes, one.sources, strict=False):
            if source in calls or source == MODEL_INPUT:
                seen = _read(one, region, shape)
                regions[source] = _hull(regions.get(source), seen)
                if source == MODEL_INPUT:
                    first = Station("input", shape[-dims:], regions[source])
    if first is not None:
        found.append(first)
    return found[::-1]


def _read(call: Call, region: Region, shape: Shape) -> Region:
    """Cells of an input that the cells of ``region`` in the call's output depend on."""
    dims = len(region)
    if len(shape) < dims or len(call.output_shapes[0]) < dims:
        return tuple(range(size) for size in shape[-dims:])
    sizes = shape[-dims:]
    if len(call.windows) == dims:
        return tuple(
            _clipped([local_field(window).cells(cell) for cell in seen], size)
            for window, seen, size in zip(call.windows, region, sizes, strict=True)
        )
    outs = call.output_shapes[0][-dims:]
    return tuple(
        seen if size == out else range(seen.start * size // out, -(-seen.stop * size // out))
        for seen, size, out in zip(region, sizes, outs, strict=True)
    )


def _clipped(runs: list[range], size: int) -> range:
    held = [run for run in runs if run]
    if not held:
        return range(0)
    start, stop = min(run.start for run in held), max(run.stop for run in held)
    return range(max(start, 0), max(min(stop, size), 0))


def _hull(one: Region | None, other: Region) -> Region:
    if one is None:
        return other
    return tuple(
        range(min(a.start, b.start), max(a.stop, b.stop)) if a and b else a or b
        for a, b in zip(one, other, strict=True)
    )
