"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from convdocs.layers import FAMILIES, LayerError, code, read
from convdocs.report import Call, Shape, Trace
from convdocs.tracing import flow
from convdocs.tracing.nodes import OUTPUT, Node
from convdocs.tracing.recorder import Recorder
from convdocs.tracing.rules import Mark


class Builder:
    """Turns nodes into calls, in order, keeping what each tensor's axes mean."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.states: dict[int, flow.State] = {}  # by source
        self.call_of: dict[int, int] = {}  # node number -> call index
        self.first_use: dict[int, int] = {}  # id of a parameter -> call index
        self.inside: list[tuple[int, Node]] = []  # of the leaf that is being read

    def add(self, number: int, node: Node) -> None:
        """One more node; a call unless it happened inside a leaf."""
        self._follow(number, node)
        if node.leaf is not None:
            self.inside.append((number, node))
            return
        index = len(self.calls)
        self.call_of[number] = index
        if self.inside:
            for one, _ in self.inside:
                self.call_of[one] = index
            fold(node, [inner for _, inner in self.inside])
            self.inside = []
        self.calls.append(self.call(index, node))

    def _follow(self, number: int, node: Node) -> None:
        """Work out the states of the node's outputs."""
        for place, mark in enumerate(node.outputs):
            source = number + place * OUTPUT
            if mark.source != source:
                continue  # a leaf's output, made by a call inside it
            states = tuple(self.state(one) for one in node.inputs)
            shapes = tuple(one.shape for one in node.inputs)
            self.states[source] = node.flow(states, shapes, mark.shape)

    def state(self, mark: Mark) -> flow.State:
        """What is known about a tensor's axes."""
        if mark.source == -1:
            return flow.fresh(mark.shape)
        return self.states.get(mark.source) or flow.constant(mark.shape)

    def source(self, mark: Mark) -> int:
        """The call a tensor came from, or -1 or -2."""
        return mark.source if mark.source < 0 else self.call_of[mark.source % OUTPUT]

    def call(self, index: int, node: Node) -> Call:
        """The call that a node outside any leaf stands for."""
        module = node.module
        params, note = self.count(index, owned(node))
        state = self.state(node.outputs[0]) if node.outputs else None
        return Call(
            index=index,
            path=node.path,
            kind=node.kind,
            code=node.text if module is None else code(module),
            input_shapes=tuple(mark.shape for mark in node.inputs),
            output_shapes=tuple(mark.shape for mark in node.outputs),
            axes=state.axes if state else "",
            params=params,
            params_note=note,
            macs=node.macs,
            macs_note=node.note,
            receptive_field=state.receptive_field if state else (),
            sources=tuple(self.source(mark) for mark in node.inputs),
            windows=node.windows or windows_of(module),
            parameters=parameter_shapes(node),
            training=module is not None and module.training,
        )

    def count(self, index: int, parameters: tuple[Tensor, ...]) -> tuple[int | None, str]:
        """Parameters used here for the first time, and a word about the others."""
        total, shared = 0, set()
        for parameter in parameters:
            if isinstance(parameter, UninitializedTensorMixin):
                return None, "uninitialised"
            first = self.first_use.setdefault(id(parameter), index)
            if first == index:
                total += parameter.numel()
            else:
                shared.add(first)
        note = f"shared with call {', '.join(map(str, sorted(shared)))}" if shared else ""
        return total, note


def fold(leaf: Node, inner: list[Node]) -> None:
    """What the calls inside a leaf amount to for the leaf itself."""
    counted = [node.macs for node in inner if node.macs is not None]
    leaf.macs = sum(counted) if len(counted) == len(inner) else None
    leaf.note = next((node.note for node in inner if node.note), "")


def owned(node: Node) -> tuple[Tensor, ...]:
    """The parameters that a node's call uses."""
    if node.module is None:
        return node.parameters
    own = node.module._parameters.values()
    if not node.module._modules:
        return tuple(p for p in own if p is not None)
    return tuple(node.module.parameters())


def windows_of(module: nn.Module | None) -> Any:
    """The windows of a layer that has them but did not tell by a rule."""
    if module is None or type(module) not in FAMILIES:
        return ()
    try:
        return read(module).windows
    except LayerError:  # settings that torch refuses too: this is the call that failed
        return ()


def parameter_shapes(node: Node) -> tuple[tuple[str, Shape], ...]:
    """Names and shapes of the parameters of a leaf module."""
    if node.module is None:
        return ()
    return tuple(
        (name, tuple(parameter.shape))
        for name, parameter in node.module._parameters.items()
        if parameter is not None and not isinstance(parameter, UninitializedTensorMixin)
    )


def build(model: nn.Module, recorder: Recorder, inputs: Any, outputs: Any) -> Trace:
    """The trace of one run, complete or up to where it failed."""
    builder = Builder()
    for number, node in enumerate(recorder.nodes):
        builder.add(number, node)
    calls = tuple(builder.calls)
    sized = [p for p in model.parameters() if not isinstance(p, UninitializedTensorMixin)]
    held = [*sized, *(b for b in model.buffers() if not isinstance(b, UninitializedTensorMixin))]
    counted = [call.macs for call in calls]
    return Trace(
        model=type(model).__name__,
        calls=calls,
        params=sum(p.numel() for p in sized),
        trainable_params=sum(p.numel() for p in sized if p.requires_grad),
        macs=sum(m for m in counted if m is not None) if None not in counted else None,
        input_shapes=inputs,
        output_shapes=outputs,
        parameter_bytes=sum(t.numel() * t.element_size() for t in held),
        activation_bytes=sum(
            mark.dtype.itemsize * _cells(mark.shape)
            for node in recorder.nodes
            if node.leaf is None
            for mark in node.outputs
        ),
        executed=recorder.executed,  # type: ignore[arg-type]
    )


def _cells(shape: Shape) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
