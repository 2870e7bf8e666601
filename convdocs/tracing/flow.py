"""What each axis of a tensor means and which input cells it depends on, followed along the graph.

A :class:`State` describes one tensor: a name and a field per axis. A flow takes the states of a
call's inputs to that of its output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from convdocs.geometry import Window
from convdocs.receptive import IDENTITY, UNKNOWN, AxisField, joined, local_field, through

Shape = tuple[int, ...]
SPATIAL = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
SPATIAL_NAMES = frozenset("DHWL")


@dataclass(frozen=True, slots=True)
class State:
    """Axis names ("" where not known) and, per axis, the model input's cells it depends on.

    ``extent`` is the size of the model input's axis that a field counts cells of.
    """

    names: tuple[str, ...]
    fields: tuple[AxisField | None, ...]
    extents: tuple[int, ...]

    @property
    def axes(self) -> str:
        """The names in one string, empty unless all are known."""
        return " ".join(self.names) if all(self.names) else ""

    @property
    def receptive_field(self) -> tuple[AxisField, ...]:
        """The fields of the spatial axes."""
        return tuple(
            field or UNKNOWN
            for name, field in zip(self.names, self.fields, strict=True)
            if name in SPATIAL_NAMES
        )


Flow = Callable[[tuple[State, ...], tuple[Shape, ...], Shape], State]


@lru_cache(maxsize=1024)
def fresh(shape: Shape) -> State:
    """The state of an input of the model: every cell depends on itself."""
    rank = len(shape)
    return State(("",) * rank, (IDENTITY,) * rank, shape)


@lru_cache(maxsize=1024)
def constant(shape: Shape) -> State:
    """The state of a parameter or a constant: it depends on no input."""
    rank = len(shape)
    return State(("",) * rank, (None,) * rank, (0,) * rank)


def unknown(states: tuple[State, ...], shapes: tuple[Shape, ...], out: Shape) -> State:
    """Nothing is known but that axes of the same shape likely mean the same."""
    for state, shape in zip(states, shapes, strict=True):
        if shape == out:
            return State(state.names, (UNKNOWN,) * len(out), state.extents)
    return State(("",) * len(out), (UNKNOWN,) * len(out), (0,) * len(out))


def same(states: tuple[State, ...], shapes: tuple[Shape, ...], out: Shape) -> State:
    """Each output cell reads the same cell of every input, broadcast."""
    if len(states) == 1:
        return states[0]
    rank = len(out)
    names, fields, extents = [], [], []
    for axis in range(rank):
        seen = [
            (state.names[place], state.fields[place], state.extents[place])
            for state, shape in zip(states, shapes, strict=True)
            if (place := axis - rank + len(shape)) >= 0
        ]
        read = [field for _, field, _ in seen if field is not None]
        extent = max((extent for _, _, extent in seen), default=0)
        names.append(next((name for name, _, _ in seen if name), ""))
        fields.append(joined(read, extent) if read else None)
        extents.append(extent)
    return State(tuple(names), tuple(fields), tuple(extents))


@lru_cache(maxsize=4096)
def sliding(windows: tuple[Window, ...]) -> Flow:
    """A convolution or a pool over the last axes."""
    dims = len(windows)
    local = tuple(local_field(window) for window in windows)
    leads = ("N", "C")

    def slid(states: tuple[State, ...], shapes: tuple[Shape, ...], out: Shape) -> State:
        state = states[0]
        fields = tuple(
            through(field, own) if field is not None else None
            for field, own in zip(state.fields[-dims:], local, strict=True)
        )
        names = leads[len(leads) - (len(out) - dims) :] + SPATIAL[dims]
        return State(names, state.fields[:-dims] + fields, state.extents)

    return slid


def last_mixed(states: tuple[State, ...], shapes: tuple[Shape, ...], out: Shape) -> State:
    """A linear layer: the last axis becomes features, each of which reads all of it."""
    state = states[0]
    lead = state.names[:-1] if all(state.names[:-1]) else ("N",) if len(out) == 2 else ()
    names = (*lead, "F") if len(lead) == len(out) - 1 else ("",) * (len(out) - 1) + ("F",)
    return State(names, (*state.fields[:-1], UNKNOWN), state.extents)


@lru_cache(maxsize=64)
def concatenated(dim: int) -> Flow:
    """Tensors one after the other along an axis: the cells beside it are joined."""

    def strung(states: tuple[State, ...], shapes: tuple[Shape, ...], out: Shape) -> State:
        state = same(states, (out,) * len(states), out)
        if len(set(fields := [one.fields[dim] for one in states])) == 1:
            return state
        if state.names[dim] in SPATIAL_NAMES or not state.names[dim]:
            fields[0] = UNKNOWN
        return State(
            state.names, (*state.fields[:dim], fields[0], *state.fields[dim + 1 :]), state.extents
        )

    return strung


@lru_cache(maxsize=64)
def flattened(start: int, end: int) -> Flow:
    """Axes start..end become one."""

    def flat(states: tuple[State, ...], shapes: tuple[Shape, ...], out: Shape) -> State:
        state = states[0]
        if start == end:
            return state
        names = (*state.names[:start], "F", *state.names[end + 1 :])
        if start == 1 and not names[0]:
            names = ("N", *names[1:])
        fields = (*state.fields[:start], UNKNOWN, *state.fields[end + 1 :])
        return State(names, fields, (*state.extents[:start], 0, *state.extents[end + 1 :]))

    return flat
