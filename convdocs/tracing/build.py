"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import prod
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from convdocs.geometry import Window
from convdocs.layers import AXIS_NAMES, FAMILIES, LayerError, code, layer_class, read, settings
from convdocs.report import Call, Shape, Trace
from convdocs.tracing import flow
from convdocs.tracing.modules import is_script
from convdocs.tracing.nodes import OUTPUT, Node
from convdocs.tracing.recorder import Recorder
from convdocs.tracing.rules import Mark


def build(
    model: nn.Module,
    modules: Iterable[nn.Module],
    recorder: Recorder,
    inputs: tuple[Shape, ...],
    outputs: tuple[Shape, ...],
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
        output_shapes=outputs,
        parameter_bytes=table.bytes,
        activation_bytes=sum(map(_bytes, _made(recorder.nodes))),
        executed="shapes" if recorder.executed == "shapes" else "values",
        notes=tuple(recorder.notes),
    )
    failed = recorder.failed
    return trace, builder.call(len(calls), failed[1]) if failed else None


class _Table:
    """Every parameter's shape, read once, and what they add up to."""

    def __init__(self, modules: Iterable[nn.Module]) -> None:
        self.shapes: dict[int, Shape | None] = {}  # by id; None for an uninitialised one
        self.params = self.trainable = self.bytes = 0
        for module in modules:
            # a script's insides are not walked: take all of it at once
            script = is_script(module)
            for parameter in module.parameters() if script else module._parameters.values():
                if parameter is not None and id(parameter) not in self.shapes:
                    count = self._add(parameter)
                    self.params += count
                    self.trainable += count if parameter.requires_grad else 0
            for buffer in module.buffers() if script else module._buffers.values():
                if buffer is not None and id(buffer) not in self.shapes:
                    self._add(buffer)

    def _add(self, tensor: Tensor) -> int:
        if type(tensor) in _UNINITIALISED:
            self.shapes[id(tensor)] = None
            return 0
        shape = self.shapes[id(tensor)] = tuple(tensor.shape)
        count = prod(shape)
        self.bytes += count * tensor.dtype.itemsize
        return count


_UNINITIALISED = (UninitializedParameter, UninitializedBuffer)


def _made(nodes: Iterable[Node]) -> Iterator[Mark]:
    return (mark for node in nodes if node.leaf is None for mark in node.outputs)


def _bytes(mark: Mark) -> int:
    return mark.dtype.itemsize * prod(mark.shape)


class _Builder:
    """Turns nodes into calls, in order, keeping what each tensor's axes mean."""

    def __init__(self, table: _Table) -> None:
        self.table = table
        self.calls: list[Call] = []
        self.states: dict[int, flow.State] = {}  # by source
        self.call_of: list[int] = []  # by node number
        self.first_use: dict[int, int] = {}  # id of a parameter -> call index
        self.inside: list[Node] = []  # of the leaf that is being read
        self.codes: dict[Any, str] = {}  # by the settings that they spell

    def add(self, number: int, node: Node) -> None:
        """One more node; a call unless it happened inside a leaf."""
        self.call_of.append(len(self.calls))
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
        if node.flow is flow.same and len(node.inputs) == len(node.outputs) == 1:
            mark = node.outputs[0]
            if mark.source == number and mark.shape == node.inputs[0].shape:
                self.states[number] = self.state(node.inputs[0])
                return
        states: list[flow.State] = []
        for place, mark in enumerate(node.outputs):
            if mark.source != number + place * OUTPUT:
                continue  # a leaf's output, made by a call inside it
            states = states or [self.state(one) for one in node.inputs]
            shapes = [one.shape for one in node.inputs]
            self.states[mark.source] = node.flow(states, shapes, mark.shape, place)

    def _name_axes(self, mark: Mark, module: nn.Module) -> None:
        """A layer whose class says over how many axes it works knows what its axes are."""
        state = self.states.get(mark.source)
        if state is None or state.axes or any(state.names):
            return
        if names := _names(layer_class(module), len(mark.shape)):
            self.states[mark.source] = flow.State(names, state.fields, state.extents)

    def state(self, mark: Mark) -> flow.State:
        """What is known about a tensor's axes."""
        known = self.states.get(mark.source)
        if known is None:
            return flow.fresh(mark.shape) if mark.source == -1 else flow.constant(mark.shape)
        return known

    def call(self, index: int, node: Node) -> Call:
        """The call that a node outside any leaf stands for."""
        module, call_of = node.module, self.call_of
        params, note = self._count(index, node)
        state = self.state(node.outputs[0]) if node.outputs else _NO_STATE
        return Call(
            index,
            node.path,
            node.kind,
            node.text if module is None else self._code(module),
            tuple([mark.shape for mark in node.inputs]),
            tuple([mark.shape for mark in node.outputs]),
            state.axes,
            params,
            note,
            node.macs,
            node.note,
            state.receptive_field,
            tuple([s if (s := m.source) < 0 else call_of[s % OUTPUT] for m in node.inputs]),
            node.windows or (_windows(module) if module is not None else ()),
            self._shapes(module) if module is not None and module._parameters else (),
            module is not None and module.training,
        )

    def _code(self, module: nn.Module) -> str:
        key = settings(module)
        try:
            known = self.codes.get(key)
        except TypeError:  # a list or a tensor among the settings
            return code(module)
        if known is None:
            known = self.codes[key] = code(module)
        return known

    def _count(self, index: int, node: Node) -> tuple[int | None, str]:
        """Parameters used here for the first time, and a word about the others."""
        total, shared = 0, set()
        for parameter in _owned(node):
            known = self.table.shapes
            # a parameter that is no part of the model was made as it ran
            shape = known[id(parameter)] if id(parameter) in known else tuple(parameter.shape)
            if shape is None:
                return None, "uninitialised"
            first = self.first_use.setdefault(id(parameter), index)
            if first == index:
                total += prod(shape)
            else:
                shared.add(first)
        return total, f"shared with call {', '.join(map(str, sorted(shared)))}" if shared else ""

    def _shapes(self, module: nn.Module) -> tuple[tuple[str, Shape], ...]:
        """Names and shapes of the parameters of a leaf module."""
        if is_script(module):
            return ()
        known = self.table.shapes
        return tuple(
            [
                (name, shape)
                for name, parameter in module._parameters.items()
                if parameter is not None and (shape := known.get(id(parameter))) is not None
            ]
        )


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


_NO_STATE = flow.State((), (), ())


def _fold(leaf: Node, inside: list[Node]) -> None:
    """What the calls inside a leaf amount to for the leaf itself."""
    if leaf.note:
        return
    counted = [node.macs for node in inside]
    leaf.macs = None if None in counted else sum(counted)  # type: ignore[arg-type]
    leaf.note = next((node.note for node in inside if node.note), "")


def _owned(node: Node) -> Iterable[Tensor]:
    """The parameters that a node's call uses."""
    module = node.module
    if module is None:
        return node.parameters
    if not is_script(module) and not module._modules:
        return [p for p in module._parameters.values() if p is not None]
    return module.parameters() if node.outputs else ()


def _windows(module: nn.Module) -> tuple[Window, ...]:
    """The windows of a layer that did not tell them by a rule."""
    # Unfold has windows, but its output no axis that they move along
    if layer_class(module) not in FAMILIES or isinstance(module, nn.Unfold):
        return ()
    try:
        return read(module).windows
    except LayerError:  # settings that torch refuses too: this is the call that failed
        return ()
