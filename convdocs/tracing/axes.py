"""How the meaning of axes, and the input cells behind them, follow along the calls.

A call's :data:`Flow` says for each axis of its output which axes of its inputs it reads, and which
cells along them. From it come the call's own fields and, looked up through those of its inputs,
the receptive field. There is no other way to a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from convdocs.receptive import IDENTITY, UNKNOWN, AxisField, gated, joined, through
from convdocs.report import Shape

# per output axis: its name, None to keep an input's; and what it reads
Read = tuple[int, int, AxisField, int]  # input, its axis, the cells, and of what kind (see below)
OutAxis = tuple[str | None, tuple[Read, ...]]
Flow = tuple[OutAxis, ...]
Field = AxisField | None  # None: depends on no input at all
SPATIAL_NAMES = frozenset("DHWL")
MISSING = -1  # an axis that an input of fewer axes does not have
FACTOR, PIECE = 1, 2  # a read of a factor of a product, of one of several pieces side by side


class State:
    """Axis names ("" where not known) and, per axis, the input cells it depends on.

    ``extents`` has the size of the model input's axis that each field counts cells of.
    """

    __slots__ = ("axes", "constant", "extents", "fields", "names", "receptive_field")

    def __init__(
        self,
        names: tuple[str, ...],
        fields: tuple[Field, ...],
        extents: tuple[int, ...],
        constant: bool = False,
    ) -> None:
        self.names = names
        self.fields = fields
        self.extents = extents
        self.constant = constant
        self.axes = _joined_names(names)  # empty unless all are known
        self.receptive_field = tuple([fields[at] or UNKNOWN for at in spatial_places(names)])


@lru_cache(maxsize=1024)
def _joined_names(names: tuple[str, ...]) -> str:
    return " ".join(names) if all(names) else ""


@lru_cache(maxsize=1024)
def spatial_places(names: tuple[str, ...]) -> tuple[int, ...]:
    """Which axes are spatial."""
    return tuple(place for place, name in enumerate(names) if name in SPATIAL_NAMES)


@lru_cache(maxsize=1024)
def fresh(shape: Shape) -> State:
    """The state of an input of the model: every cell depends on itself."""
    rank = len(shape)
    return State(("",) * rank, (IDENTITY,) * rank, shape)


@lru_cache(maxsize=1024)
def constant(names: tuple[str, ...]) -> State:
    """The state of a parameter or a constant: it depends on no input."""
    rank = len(names)
    return State(names, (None,) * rank, (0,) * rank, constant=True)


@lru_cache(maxsize=64)
def lost(names: tuple[str, ...]) -> State:
    """The state of a tensor of which nothing is known."""
    rank = len(names)
    return State(names, (UNKNOWN,) * rank, (0,) * rank)


def followed(flow: Flow | None, states: Sequence[State], shape: Shape) -> State:
    """The state of a call's output, from those of its inputs."""
    if flow is None:
        return states[0] if states else constant(("",) * len(shape))
    if all(one.constant for one in states):
        return constant(tuple([_read(reads, states)[0] if n is None else n for n, reads in flow]))
    names, fields, extents = [], [], []
    for name, reads in flow:
        if len(reads) == 1 and reads[0][2] is IDENTITY:  # as most are
            number, axis, _, _ = reads[0]
            state = states[number]
            names.append(state.names[axis] if name is None else name)
            fields.append(state.fields[axis])
            extents.append(state.extents[axis])
            continue
        own_name, field, extent = _read(reads, states)
        names.append(own_name if name is None else name)
        fields.append(field)
        extents.append(extent)
    return State(tuple(names), tuple(fields), tuple(extents))


def _read(reads: Sequence[Read], states: Sequence[State]) -> tuple[str, Field, int]:
    """Name, field and extent of an axis, by what it reads."""
    if not reads:
        return "", None, 0
    name, extent, fields, factor, gate = "", 0, [], 0, False
    for number, axis, own, kind in reads:
        state = states[number]
        if axis != MISSING:
            name = name or state.names[axis]
        if own is UNKNOWN:
            gate = gate or (axis == MISSING and kind == FACTOR and not state.constant)
            if not state.constant and not (axis == MISSING and kind):
                fields.append(UNKNOWN)
            continue
        field = state.fields[axis]
        if field is not None:
            extent = max(extent, state.extents[axis])
            moved = _moved(field, own, kind)
            if not fields or moved is not fields[-1]:
                fields.append(moved)
            factor |= kind & FACTOR
    if not fields:
        return name, UNKNOWN if gate else None, extent
    if len(fields) == 1:
        return name, gated(fields[0]) if gate else fields[0], extent
    found = (_product if factor else joined)(fields, extent)
    return name, gated(found) if gate else found, extent


def _moved(field: AxisField, own: AxisField, kind: int) -> AxisField:
    if kind == PIECE:
        return UNKNOWN  # of the pieces each cell reads but one
    return field if own is IDENTITY else through(field, own)


def _product(fields: list[AxisField], extent: int) -> AxisField:
    """Of a product: a factor that is the same for all cells is a gate, the others stay local."""
    moving = [one for one in fields if one.stride != 0]
    if len(moving) in (0, len(fields)) or any(one.size is None for one in moving):
        return joined(fields, extent)
    return gated(joined(moving, extent))


def composed(
    nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]
) -> tuple[Flow | None, ...]:
    """The flows of a layer, from those of the calls inside it; None: like the first input.

    ``inputs`` and ``outputs`` are the marks of what went into the layer and came out.
    """
    sizes = [one.layout.shape for one in inputs]
    known: dict[Any, Flow] = {}  # by what made a tensor
    for number, one in enumerate(inputs):
        known.setdefault(one.origin, kept(number, len(sizes[number])))
    for node in nodes:
        before = [known.get(one.origin) for one in node.inputs]
        for place, flow in enumerate(node.answer.flows):
            if flow is None:
                made = before[0] if before else None
            elif len(nodes) == 1 and before[0] is kept(0, len(sizes[0])) and not any(before[1:]):
                made = tuple([(name, _of_first(reads)) for name, reads in flow])
            else:
                made = tuple([_through_layer(axis, before, sizes) for axis in flow])
            if made is not None:
                known[node, place] = made
    flows = []
    for one in outputs:
        found = known.get(one.origin) or unknown(sizes, one.layout.shape)
        flows.append(None if inputs and found is known.get(inputs[0].origin) else found)
    return tuple(flows)


def _of_first(reads: tuple[Read, ...]) -> tuple[Read, ...]:
    """What is read of the first input, where the others are parameters."""
    return tuple([read for read in reads if read[0] == 0]) if len(reads) > 1 else reads


@lru_cache(maxsize=256)
def kept(number: int, rank: int) -> Flow:
    """The axes of an input, as they are."""
    return tuple((None, ((number, axis, IDENTITY, 0),)) for axis in range(rank))


def _through_layer(axis: OutAxis, before: Sequence[Flow | None], sizes: Sequence[Shape]) -> OutAxis:
    """An axis of a function inside a layer, in terms of the layer's own inputs."""
    name, reads = axis
    found: dict[tuple[int, int], tuple[list[AxisField], int]] = {}
    for number, place, own, factor in reads:
        flow = before[number]
        if flow is None:
            continue  # a parameter
        if place == MISSING:
            found[0, MISSING] = ([UNKNOWN], factor)
            continue
        inner_name, inner = flow[place]
        name = inner_name if name is None else name
        for source, source_axis, field, kind in inner:
            fields, kinds = found.get((source, source_axis), ([], 0))
            fields = [*fields, _moved(field, own, factor)]
            found[source, source_axis] = (fields, kinds | (kind | factor) & FACTOR)
    made = []
    for (source, place), (fields, kind) in found.items():
        extent = 0 if place == MISSING else sizes[source][place]
        field = fields[0] if len(fields) == 1 else (_product if kind else joined)(fields, extent)
        made.append((source, place, field, kind))
    return name, tuple(made)


def local_fields(answer: Any, names: tuple[str, ...]) -> tuple[tuple[AxisField, ...], ...]:
    """Per input, and per spatial axis of the first output, the cells that one output cell reads."""
    shapes, places = answer.input_shapes, spatial_places(names)
    if not places:
        return ((),) * len(shapes)
    flow = answer.flows[0]
    if flow is None:
        return ((IDENTITY,) * len(places), *[()] * (len(shapes) - 1))
    reads: list[list[list[AxisField]]] = [[[] for _ in places] for _ in shapes]
    extents = {}
    for at, place in enumerate(places):
        for number, axis, own, _ in flow[place][1]:
            if axis != MISSING:
                reads[number][at].append(own)
                extents[number, at] = shapes[number][axis]
    return tuple(
        [
            tuple(
                [
                    own[0] if len(own) == 1 else joined(own, extents[number, at])
                    for at, own in enumerate(fields)
                ]
            )
            if all(fields)
            else ()
            for number, fields in enumerate(reads)
        ]
    )


def unknown(inputs: Sequence[Shape], out: Shape) -> Flow:
    """A function that convdocs does not know: axes of an input's shape keep their names."""
    alike = next((number for number, shape in enumerate(inputs) if shape == out), None)
    anything = tuple((number, MISSING, UNKNOWN, 0) for number in range(len(inputs)))
    if alike is None:
        return (("", anything),) * len(out)
    return tuple((None, ((alike, axis, UNKNOWN, 0), *anything)) for axis in range(len(out)))
