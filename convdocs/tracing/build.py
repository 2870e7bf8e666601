"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from math import prod
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

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
    modules: list[nn.Module],
    recorder: Recorder,
    inputs: tuple[Shape, ...],
    outputs: tuple[Shape, ...],
) -> tuple[Trace, Call | None]:
    """The trace of one run, complete or up to where it failed, and the call that failed."""
    builder = _Builder()
    for number, node in enumerate(recorder.nodes):
        builder.add(number, node)
    calls = tuple(builder.calls)
    parameters = list(_held(map(_parameters_of, modules)))
    buffers = _held(map(_buffers_of, modules))
    counted = [call.macs for call in calls]
    trace = Trace(
        model=layer_class(model).__name__,
        calls=calls,
        params=sum(p.numel() for p in parameters),
        trainable_params=sum(p.numel() for p in parameters if p.requires_grad),
        macs=None if None in counted else sum(counted),  # type: ignore[arg-type]
        input_shapes=inputs,
        output_shapes=outputs,
        parameter_bytes=sum(t.nbytes for t in (*parameters, *buffers)),
        activation_bytes=sum(map(_bytes, _made(recorder.nodes))),
        executed="shapes" if recorder.executed == "shapes" else "values",
        notes=tuple(recorder.notes),
    )
    failed = recorder.failed
    return trace, builder.call(len(calls), failed[1]) if failed else None


def _parameters_of(module: nn.Module) -> Iterable[Tensor | None]:
    """A module's own parameters; all of a script's, whose insides are not walked."""
    return module.parameters() if is_script(module) else module._parameters.values()


def _buffers_of(module: nn.Module) -> Iterable[Tensor | None]:
    return module.buffers() if is_script(module) else module._buffers.values()


def _held(owners: Iterable[Iterable[Tensor | None]]) -> Iterator[Tensor]:
    """The tensors of all owners, each once, without uninitialised ones."""
    seen = set()
    for owner in owners:
        for tensor in owner:
            if tensor is not None and id(tensor) not in seen and not is_lazy(tensor):
                seen.add(id(tensor))
                yield tensor


def _made(nodes: Iterable[Node]) -> Iterator[Mark]:
    return (mark for node in nodes if node.leaf is None for mark in node.outputs)


def _bytes(mark: Mark) -> int:
    return mark.dtype.itemsize * prod(mark.shape)


class _Builder:
    """Turns nodes into calls, in order, keeping what each tensor's axes mean."""

    def __init__(self) -> None:
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
        if node.module is not None:
            self._name_axes(node, node.module)
        self.calls.append(self.call(len(self.calls), node))

    def _follow(self, number: int, node: Node) -> None:
        """Work out the states of the node's outputs."""
        states = None
        for place, mark in enumerate(node.outputs):
            if mark.source != number + place * OUTPUT:
                continue  # a leaf's output, made by a call inside it
            if states is None:
                states = [self.state(one) for one in node.inputs]
                shapes = [one.shape for one in node.inputs]
            self.states[mark.source] = node.flow(states, shapes, mark.shape, place)

    def _name_axes(self, node: Node, module: nn.Module) -> None:
        """A layer whose class says over how many axes it works knows what its axes are."""
        mark = node.outputs[0] if node.outputs else None
        if mark is None or not (names := _names(layer_class(module), len(mark.shape))):
            return
        state = self.states.get(mark.source)
        if state is not None and not any(state.names):
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
            node.windows or _windows(module),
            _shapes(node),
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
            if is_lazy(parameter):
                return None, "uninitialised"
            first = self.first_use.setdefault(id(parameter), index)
            if first == index:
                total += parameter.numel()
            else:
                shared.add(first)
        return total, f"shared with call {', '.join(map(str, sorted(shared)))}" if shared else ""


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


def _windows(module: nn.Module | None) -> tuple[Window, ...]:
    """The windows of a layer that did not tell them by a rule."""
    if module is None or layer_class(module) not in FAMILIES or is_unfold(module):
        return ()
    try:
        return read(module).windows
    except LayerError:  # settings that torch refuses too: this is the call that failed
        return ()


def is_unfold(module: nn.Module) -> bool:
    """Unfold has windows, but its output no axis that they move along."""
    return isinstance(module, nn.Unfold)


def _shapes(node: Node) -> tuple[tuple[str, Shape], ...]:
    """Names and shapes of the parameters of a leaf module."""
    module = node.module
    if module is None or is_script(module) or not module._parameters:
        return ()
    return tuple(
        [
            (name, tuple(parameter.shape))
            for name, parameter in module._parameters.items()
            if parameter is not None and not is_lazy(parameter)
        ]
    )
