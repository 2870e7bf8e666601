"""How the meaning of axes, and the input cells behind them, follow along the graph.

A flow is a function that takes the states of a call's inputs to the state of one of its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from convdocs.geometry import Window
from convdocs.layers import AXIS_NAMES
from convdocs.receptive import (
    UNKNOWN,
    AxisField,
    joined,
    local_field,
    periodic,
    through,
    whole,
)
from convdocs.report import Shape
from convdocs.tracing.state import NAMELESS, SPATIAL_NAMES, Axis, Field, State, made_of

Flow = Callable[[Sequence[State], Sequence[Shape], Shape, int], State]
"""From (input states, input shapes, output shape, which output) to the output's state."""


def unknown(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
    """A function that convdocs does not know: axes of an input's shape keep their names."""
    for state, shape in zip(states, shapes, strict=True):
        if shape == out:
            return State(state.names, (UNKNOWN,) * len(out), state.extents)
    return made_of([NAMELESS] * len(out))


def same(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
    """Each output cell reads the same cell of every input, broadcast."""
    first = states[0]
    if len(states) == 1 and shapes[0] == out:
        return first
    alike = [state.names == first.names for state in states]
    if shapes.count(out) == len(shapes) and all(alike):
        extents = first.extents
        for state in states[1:]:
            extents = tuple(map(max, extents, state.extents))
        return State(first.names, _joined_fields(states, extents), extents)
    rank = len(out)
    axes = []
    for axis in range(rank):
        # an input of size 1 along an axis that the output has more of is read by all its cells
        seen = [
            _broadcast(state.axis(own), shape[own], out[axis])
            for state, shape in zip(states, shapes, strict=True)
            if (own := axis - rank + len(shape)) >= 0
        ]
        read = [field for _, field, _ in seen if field is not None]
        extent = max((extent for _, _, extent in seen), default=0)
        name = next((name for name, _, _ in seen if name), "")
        axes.append((name, joined(read, extent) if read else None, extent))
    return made_of(axes)


def _joined_fields(states: Sequence[State], extents: Shape) -> tuple[Field, ...]:
    """Axis by axis, what a cell reads of tensors of one shape."""
    made = list(states[0].fields)
    for state in states[1:]:
        for at, field in enumerate(state.fields):
            own = made[at]
            if own is not field and field is not None:
                made[at] = joined((own, field), extents[at]) if own is not None else field
    return tuple(made)


def _broadcast(axis: Axis, size: int, out: int) -> Axis:
    name, field, extent = axis
    if size == out or field is None:
        return axis
    return name, through(field, whole(1)), extent


@lru_cache(maxsize=4096)
def sliding(windows: tuple[Window, ...], *, mixes_channels: bool) -> Flow:
    """A convolution or a pool over the last axes, which get their names here.

    A convolution's output channel is mixed of input channels, so nothing is said of their field.
    """
    return named(tuple(map(local_field, windows)), mixes_channels)


@lru_cache(maxsize=4096)
def named(fields: tuple[AxisField, ...], mixes_channels: bool = False) -> Flow:
    """As :func:`local`, of a function that says what its axes are: N, C and spatial ones."""
    dims = len(fields)
    names = {dims + 2: ("N", "C", *AXIS_NAMES[dims]), dims + 1: ("C", *AXIS_NAMES[dims])}

    def told(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        state = states[0]
        made = _looked_through(state.fields, fields)
        if mixes_channels:
            made[-dims - 1] = UNKNOWN
        return State(names[len(out)], tuple(made), state.extents)

    return told


@lru_cache(maxsize=4096)
def local(fields: tuple[AxisField, ...]) -> Flow:
    """Along the last axes each output cell reads the run of cells that ``fields`` say."""

    def moved(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        state = states[0]
        return State(state.names, tuple(_looked_through(state.fields, fields)), state.extents)

    return moved


def _looked_through(before: Sequence[Field], fields: Sequence[AxisField]) -> list[Field]:
    """An axis's field each, the last axes' looked up through a layer's own ``fields``."""
    made = list(before)
    for at, own in enumerate(fields, start=len(made) - len(fields)):
        field = made[at]
        if field is not None:
            made[at] = through(field, own)
    return made


@lru_cache(maxsize=1024)
def axis_moved(dim: int, own: AxisField) -> Flow:
    """Along one axis each output cell reads the run of cells that ``own`` says."""

    def moved(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        state = states[0]
        at = dim % len(state.fields)
        field = state.fields[at]
        changed = through(field, own) if field is not None else None
        fields = (*state.fields[:at], changed, *state.fields[at + 1 :])
        return State(state.names, fields, state.extents)

    return moved


@lru_cache(maxsize=1024)
def mixed(dims: tuple[int, ...]) -> Flow:
    """Along ``dims`` each output cell reads every input cell, and nothing moves (a softmax)."""

    def blended(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        state, shape = states[0], shapes[0]
        axes = [state.axis(at) for at in range(len(shape))]
        for dim in dims:
            axes[dim] = _whole_axis(axes[dim], shape[dim])
        return made_of(axes)

    return blended


def _whole_axis(axis: Axis, size: int) -> Axis:
    name, field, extent = axis
    return name, through(field, whole(size)) if field is not None else None, extent


@lru_cache(maxsize=1024)
def reduced(dims: tuple[int, ...], keepdim: bool) -> Flow:
    """Axes ``dims`` are read whole and then dropped, or kept with one cell."""
    blend = mixed(dims)

    def dropped(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        state = blend(states, shapes, out, place)
        if keepdim:
            return state
        gone = {dim % len(state.names) for dim in dims}
        return made_of([state.axis(at) for at in range(len(state.names)) if at not in gone])

    return dropped


def last_mixed(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
    """A linear layer: the last axis becomes features, each of which reads all of it."""
    state = states[0]
    axes = [state.axis(at) for at in range(len(out) - 1)]
    if len(axes) == 1 and not axes[0][0]:
        axes[0] = ("N", *axes[0][1:])
    return made_of([*axes, ("F", UNKNOWN, 0)])


def embedded(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
    """Every cell becomes a vector along a new last axis."""
    state = states[0]
    return made_of([*(state.axis(at) for at in range(len(out) - 1)), ("E", None, 0)])


def recurrent(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
    """A recurrent layer's output sequence has its input's axes; its states have their own."""
    if place or len(out) != len(shapes[0]):
        return made_of([NAMELESS] * len(out))
    names = states[0].names[:-1]
    return made_of([*((name, UNKNOWN, 0) for name in names), ("F", UNKNOWN, 0)])


@lru_cache(maxsize=64)
def concatenated(dim: int) -> Flow:
    """Tensors one after the other along an axis: the cells beside it are joined."""

    def strung(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        rank = len(out)
        axes = []
        for axis in range(rank):
            name = next((state.names[axis] for state in states if state.names[axis]), "")
            fields = [field for state in states if (field := state.fields[axis]) is not None]
            extent = max(state.extents[axis] for state in states)
            field = joined(fields, extent) if fields else None
            strung_out = axis == dim and len(states) > 1 and name in SPATIAL_NAMES
            axes.append((name, UNKNOWN if strung_out else field, extent))
        return made_of(axes)

    return strung


@lru_cache(maxsize=64)
def stacked(dim: int) -> Flow:
    """Tensors side by side along a new axis."""

    def piled(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        state = same(states, shapes, shapes[0], place)
        axes = [state.axis(at) for at in range(len(shapes[0]))]
        axes.insert(dim % len(out), ("", None, 0))
        return made_of(axes)

    return piled


@lru_cache(maxsize=256)
def permuted(order: tuple[int, ...]) -> Flow:
    """Axes in another order; the names go with them."""

    def turned(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        return made_of([states[0].axis(at) for at in order])

    return turned


def reshaped(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
    """Leading and trailing axes that keep their size keep their meaning; the rest is lost.

    Where one axis takes the place of several it holds features: a flatten.
    """
    state, shape = states[0], shapes[0]
    if shape == out:
        return state
    shorter = min(len(shape), len(out))
    lead = next((i for i in range(shorter) if shape[i] != out[i]), shorter)
    tail = next((i for i in range(shorter - lead) if shape[-1 - i] != out[-1 - i]), shorter - lead)
    head = [state.axis(at) for at in range(lead)]
    foot = [state.axis(at) for at in range(len(shape) - tail, len(shape))]
    fresh_axes = len(out) - lead - tail
    lost = [state.axis(at) for at in range(lead, len(shape) - tail)]
    if fresh_axes == 1 and len(lost) > 1:
        if lead == 1 and not head[0][0]:
            head[0] = ("N", *head[0][1:])
        return made_of([*head, ("F", UNKNOWN, 0), *foot])
    return made_of([*head, *[NAMELESS] * fresh_axes, *foot])


@lru_cache(maxsize=256)
def parted(dim: int, starts: tuple[int, ...]) -> Flow:
    """Pieces along one axis; output number i begins at ``starts[i]``."""

    def piece(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        begin = AxisField(1, 1, starts[place])
        return axis_moved(dim, begin)(states, shapes, out, place)

    return piece


Cut = tuple[str, int, int]  # ("keep", start, step), ("drop", 0, 0) or ("new", 0, 0)


@lru_cache(maxsize=1024)
def indexed(cuts: tuple[Cut, ...]) -> Flow:
    """Plain indexing, an entry per axis: a slice, an integer, a new axis."""

    def cut(states: Sequence[State], shapes: Sequence[Shape], out: Shape, place: int) -> State:
        axes: list[Axis] = []
        at = 0
        for what, start, step in cuts:
            if what == "new":
                axes.append(("", None, 0))
                continue
            name, field, extent = states[0].axis(at)
            at += 1
            if what == "keep":
                own = AxisField(1, step, start)
                axes.append((name, through(field, own) if field is not None else None, extent))
        axes += [states[0].axis(rest) for rest in range(at, len(shapes[0]))]
        return made_of(axes)

    return cut


def padded_field(before: int) -> AxisField:
    """Padding moves every cell; copied cells lie within reach of the border they repeat."""
    return AxisField(1, 1, -before)


def shuffled_field(factor: int) -> AxisField:
    """A pixel shuffle: ``factor`` neighbouring output cells read the same input cell."""
    return periodic([(0, 0)] * factor, 1)
