"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import prod
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from convdocs.geometry import Window
from convdocs.layers import (
    AXIS_NAMES,
    FAMILIES,
    LayerError,
    code,
    family,
    layer_class,
    plain_settings,
    read,
    settings,
)
from convdocs.receptive import IDENTITY, AxisField
from convdocs.report import Call, Shape, Trace
from convdocs.tracing.modules import is_script
from convdocs.tracing.nodes import OUTPUT, Node
from convdocs.tracing.recorder import Recorder
from convdocs.tracing.rules import Mark
from convdocs.tracing.state import State, constant, fresh
from convdocs.tracing.tree import summaries


def build(
    model: nn.Module,
    modules: Iterable[nn.Module],
    recorder: Recorder,
    inputs: tuple[Shape, ...],
    outputs: tuple[Mark, ...] = (),
) -> tuple[Trace, Call | None]:
    """The trace of one run, complete or up to where it failed, and the call that failed."""
    table = _Table(modules)
    builder = _Builder(table)
    for number, node in enumerate(recorder.nodes):
        builder.add(number, node)
    calls = tuple(builder.calls)
    counted = [call.macs for call in calls]
    trace = Trace(
        model=layer_class(model).__name__,
        calls=calls,
        params=table.params,
        trainable_params=table.trainable,
        macs=None if None in counted else sum(counted),  # type: ignore[arg-type]
        input_shapes=inputs,
        output_shapes=tuple([mark.shape for mark in outputs]),
        parameter_bytes=table.bytes,
        activation_bytes=_activation_bytes(recorder.nodes),
        executed="shapes" if recorder.executed == "shapes" else "values",
        notes=tuple(recorder.notes),
        modules=summaries(recorder.spans, calls, builder.call_of, builder.field),
        output_sources=builder.sources(outputs),
    )
    failed = recorder.failed
    return trace, builder.call(len(calls), failed[1]) if failed else None


class _Table:
    """Every parameter's shape and size, read once, and what they add up to."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self.sizes: dict[int, tuple[Shape | None, int]] = {}  # by id; no shape: uninitialised
        self.params = self.trainable = self.bytes = 0
        sizes = self.sizes
        buffers: dict[int, Tensor] = {}
        for module in modules:
            # a script's insides are not walked: take all of it at once
            script = is_script(module)
            for parameter in module.parameters() if script else module._parameters.values():
                if parameter is not None and id(parameter) not in sizes:
                    self._add(parameter)
            for buffer in module.buffers() if script else module._buffers.values():
                if buffer is not None and type(buffer) is not UninitializedBuffer:
                    buffers[id(buffer)] = buffer
        self.bytes += sum([b.numel() * b.itemsize for b in buffers.values()])

    def _add(self, parameter: Tensor) -> None:
        _, count = self.sizes[id(parameter)] = _size(parameter)
        self.params += count
        if parameter.requires_grad:
            self.trainable += count
        self.bytes += count * parameter.itemsize


def _size(tensor: Tensor) -> tuple[Shape | None, int]:
    if type(tensor) is UninitializedParameter:
        return None, 0
    return tuple(tensor.shape), tensor.numel()


def _activation_bytes(nodes: Iterable[Node]) -> int:
    return sum(
        [
            mark.dtype.itemsize * prod(mark.shape)
            for node in nodes
            if node.leaf is None
            for mark in node.outputs
        ]
    )


class _Builder:
    """Turns nodes into calls, in order, keeping what each tensor's axes mean."""

    def __init__(self, table: _Table) -> None:
        self.table = table
        self.calls: list[Call] = []
        self.states: dict[int, State] = {}  # by source
        self.call_of: list[int] = []  # by node number
        self.nodes: list[Node] = []
        self.first_use: dict[int, int] = {}  # id of a parameter -> call index
        self.inside: list[Node] = []  # of the leaf that is being read
        self.readings: dict[Any, Reading] = {}  # by what was read

    def add(self, number: int, node: Node) -> None:
        """One more node; a call unless it happened inside a leaf."""
        self.call_of.append(len(self.calls))
        self.nodes.append(node)
        self._follow(number, node)
        if node.leaf is not None:
            self.inside.append(node)
            return
        if self.inside:
            _fold(node, self.inside)
            self.inside = []
        if node.module is not None and node.outputs:
            self._name_axes(node.outputs[0], node.module)
        self.calls.append(self.call(len(self.calls), node))

    def _follow(self, number: int, node: Node) -> None:
        """Work out the states of the node's outputs."""
        states = [self.state(one) for one in node.inputs]
        shapes = [one.shape for one in node.inputs]
        for place, mark in enumerate(node.outputs):
            # otherwise a leaf's output, made by a call inside it
            if mark.source == number + place * OUTPUT:
                self.states[mark.source] = node.flow(states, shapes, mark.shape, place)

    def _name_axes(self, mark: Mark, module: nn.Module) -> None:
        """A layer whose class says over how many axes it works knows what its axes are."""
        state = self.states.get(mark.source)
        if state is None or state.axes or any(state.names):
            return
        if names := _names(layer_class(module), len(mark.shape)):
            self.states[mark.source] = State(names, state.fields, state.extents)

    def state(self, mark: Mark) -> State:
        """What is known about a tensor's axes."""
        known = self.states.get(mark.source)
        if known is None:
            return fresh(mark.shape) if mark.source == -1 else constant(mark.shape)
        return known

    def field(self, mark: Mark) -> tuple[AxisField, ...]:
        """The receptive field of a tensor."""
        return self.state(mark).receptive_field

    def call(self, index: int, node: Node) -> Call:
        """The call that a node outside any leaf stands for."""
        module = node.module
        if module is None:
            spelled, kind, given = node.text, family(node.kind), node.settings
        else:
            spelled, kind, given = self._reading(module)
        params, note, parameters = self._count(index, node)
        state = self.state(node.outputs[0]) if node.outputs else _NO_STATE
        return Call(
            index,
            node.path,
            node.kind,
            spelled,
            tuple([mark.shape for mark in node.inputs]),
            tuple([mark.shape for mark in node.outputs]),
            state.axes,
            params,
            note,
            node.macs,
            node.note,
            state.receptive_field,
            self.sources(node.inputs),
            node.windows or (_windows(module) if module is not None else ()),
            parameters,
            module is not None and module.training,
            local_fields=self._local_fields(node, state),
            family=kind,
            settings=given,
            unregistered=self._unregistered(node.parameters) if node.parameters else 0,
        )

    def _local_fields(self, node: Node, out: State) -> tuple[tuple[AxisField, ...], ...]:
        """What one output cell reads of each input: the call's own flow, asked of inputs alone."""
        if not out.receptive_field:
            return ()
        number = node.outputs[0].source % OUTPUT
        own = self.nodes[number] if number < len(self.nodes) else node
        states = [self.state(mark) for mark in own.inputs]
        shapes = [mark.shape for mark in own.inputs]
        found: dict[int, tuple[AxisField, ...]] = {}
        for at, mark in enumerate(own.inputs):
            alone = [
                State(s.names, ((IDENTITY if at == i else None),) * len(s.names), s.extents)
                for i, s in enumerate(states)
            ]
            seen = own.flow(alone, shapes, node.outputs[0].shape, 0)
            if seen.names == out.names:
                found.setdefault(mark.source, seen.receptive_field)
        return tuple([found.get(mark.source, ()) for mark in node.inputs])

    def sources(self, marks: tuple[Mark, ...]) -> tuple[int, ...]:
        """The calls that tensors came from."""
        of = self.call_of
        return tuple([s if (s := mark.source) < 0 else of[s % OUTPUT] for mark in marks])

    def _unregistered(self, parameters: tuple[nn.Parameter, ...]) -> int:
        """Trainable numbers that are no part of the model."""
        own = self.table.sizes
        return sum([p.numel() for p in parameters if id(p) not in own and p.requires_grad])

    def _reading(self, module: nn.Module) -> Reading:
        """What is read of a layer, once for all layers that are written the same."""
        key = settings(module)
        try:
            known = self.readings.get(key)
        except TypeError:  # a list or a tensor among the settings
            return _read(module)
        if known is None:
            known = self.readings[key] = _read(module)
        return known

    def _count(self, index: int, node: Node) -> tuple[int | None, str, Parameters]:
        """Parameters used here for the first time, a word about the others, and their shapes."""
        total: int | None = 0
        shared, shapes = set(), []
        sizes, first_use = self.table.sizes, self.first_use
        for name, parameter in _owned(node):
            if parameter is None:
                continue
            key = id(parameter)
            # one that is no part of the model was made as it ran
            shape, count = sizes[key] if key in sizes else _size(parameter)
            if shape is None:
                total = None
                continue
            if name:
                shapes.append((name, shape))
            first = first_use.setdefault(key, index)
            if first != index:
                shared.add(first)
            elif total is not None:
                total += count
        if total is None:
            return None, "uninitialised", tuple(shapes)
        told = f"shared with call {', '.join(map(str, sorted(shared)))}" if shared else ""
        return total, told, tuple(shapes)


Parameters = tuple[tuple[str, Shape], ...]
Reading = tuple[str, str, tuple[tuple[str, object], ...]]


def _read(module: nn.Module) -> Reading:
    return code(module), family(layer_class(module)), plain_settings(module)


@lru_cache(maxsize=1024)
def _names(cls: Any, rank: int) -> tuple[str, ...]:
    """The axes of a layer called ...1d, ...2d or ...3d, when its output has ``rank`` of them."""
    digit = cls.__name__[-2:-1]
    if not (cls.__name__.endswith("d") and digit in ("1", "2", "3")):
        return ()
    spatial = AXIS_NAMES[int(digit)]
    if cls is nn.BatchNorm1d and rank == 2:
        return ("N", "C")
    return ("N", "C", *spatial)[-rank:] if rank - len(spatial) in (1, 2) else ()


_NO_STATE = State((), (), ())


def _fold(leaf: Node, inside: list[Node]) -> None:
    """What the calls inside a leaf amount to for the leaf itself."""
    if leaf.note:
        return
    counted = [node.macs for node in inside]
    leaf.macs = None if None in counted else sum(counted)  # type: ignore[arg-type]
    leaf.note = next((node.note for node in inside if node.note), "")


def _owned(node: Node) -> Iterable[tuple[str, Tensor | None]]:
    """The parameters that a node's call uses, with the names that its layer has for them."""
    module = node.module
    if module is None:
        return [("", parameter) for parameter in node.parameters]
    if not module._modules and not is_script(module):
        return module._parameters.items()
    if not node.outputs:
        return ()
    return [("" if is_script(module) else n, p) for n, p in module.named_parameters()]


def _windows(module: nn.Module) -> tuple[Window, ...]:
    """The windows of a layer that did not tell them by a rule."""
    # Unfold has windows, but its output no axis that they move along
    if not isinstance(module, tuple(FAMILIES)) or isinstance(module, nn.Unfold):
        return ()
    try:
        return read(module).windows
    except LayerError:  # settings that torch refuses too: this is the call that failed
        return ()
