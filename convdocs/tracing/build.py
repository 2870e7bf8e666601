"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any

from torch import Tensor, nn

from convdocs.layers import AXIS_NAMES, layer_class
from convdocs.receptive import UNKNOWN, AxisField
from convdocs.report import CONSTANT, MODEL_INPUT, Call, Shape, Trace
from convdocs.tracing.axes import State, constant, followed, fresh, local_fields
from convdocs.tracing.forward import is_script, original
from convdocs.tracing.memory import INPUT, Answer, Mark, Parameter
from convdocs.tracing.record import Node, Recorder
from convdocs.tracing.standin import StandIn
from convdocs.tracing.tree import summaries


def build(
    standin: StandIn, recorder: Recorder, inputs: Sequence[Tensor], outputs: Sequence[Tensor] = ()
) -> Trace:
    """The trace of one run, complete or up to the call that failed."""
    builder = _Builder(standin)
    for node in recorder.nodes:
        builder.add(node)
    calls = tuple(builder.calls)
    counted = [call.macs for call in calls]
    parameters = standin.parameters.values()
    made = [recorder.mark_of(one) for one in outputs]
    failed = recorder.failed
    return Trace(
        model=layer_class(standin.model).__name__,
        calls=calls,
        params=sum([one.count for one in parameters]),
        trainable_params=sum([one.count for one in parameters if one.trainable]),
        macs=None if None in counted else sum(counted),  # type: ignore[arg-type]
        input_shapes=tuple([recorder.mark_of(one).layout.shape for one in inputs]),
        output_shapes=tuple([one.layout.shape for one in made]),
        parameter_bytes=sum([one.nbytes for one in parameters]) + standin.buffer_bytes,
        activation_bytes=sum(map(_bytes, recorder.nodes)),
        executed="shapes" if recorder.executed == "shapes" else "values",
        notes=(*recorder.notes, *([] if failed or recorder.transformed else builder.remarks())),
        modules=summaries(recorder.spans, calls, builder.field),
        output_sources=tuple(map(builder.source, made)),
        failed=builder.failed(failed[1]) if failed else None,
    )


def _bytes(node: Node) -> int:
    return sum([one.dtype.itemsize * prod(one.shape) for one in node.answer.outputs])


class _Builder:
    """Turns nodes into calls, in order, keeping what each tensor's axes mean."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.calls: list[Call] = []
        self.index: dict[int, int] = {}  # of a node's call, by the node's id
        self.first_use: dict[Parameter, int] = {}
        self.strangers: dict[str, int] = {}  # layers that are no part of the model

    def add(self, node: Node) -> None:
        """One more call."""
        answer, index = node.answer, len(self.calls)
        self.index[id(node)] = index
        before = tuple([self.state(one) for one in node.inputs])
        known = answer.states.get(before)
        if known is None:
            if len(answer.states) >= MOST_STATES:
                answer.states.clear()
            known = answer.states[before] = _states(answer, before, node.module)
        node.states = known
        self.calls.append(self._call(index, node, known[0] if known else _NO_STATE))

    def failed(self, node: Node) -> Call:
        """The call that failed."""
        return self._call(len(self.calls), node, _NO_STATE)

    def state(self, mark: Mark) -> State:
        """What is known about a tensor's axes."""
        maker, shape = mark.maker, mark.layout.shape
        if maker is INPUT:
            return fresh(shape)
        if type(maker) is str:
            return constant(("",) * len(shape))
        if 0 <= mark.place < len(maker.states) and len(maker.states[mark.place].names) == len(
            shape
        ):
            state: State = maker.states[mark.place]
            return state
        rank = len(shape)
        return State(("",) * rank, (UNKNOWN,) * rank, (0,) * rank)

    def _call(self, index: int, node: Node, state: State) -> Call:
        answer, module = node.answer, node.module
        owned = self._owned(node)
        params, trainable, note, parameters = self._count(index, owned)
        sources = tuple([self.source(one) for one in node.inputs])
        return Call(
            index,
            node.path,
            answer.kind,
            answer.code,
            answer.input_shapes,
            answer.output_shapes,
            state.axes,
            params,
            note,
            answer.macs,
            answer.note,
            state.receptive_field,
            sources,
            answer.windows,
            parameters,
            module is not None and module.training,
            answer.dtypes,
            trainable,
            local_fields(answer, state.names),
            answer.family,
            answer.settings,
            sum([p.count for _, p in owned if p.trainable and not p.registered]),
        )

    def source(self, mark: Mark) -> int:
        """The call that a tensor came from."""
        if type(mark.maker) is str:
            return MODEL_INPUT if mark.maker is INPUT else CONSTANT
        return self.index.get(id(mark.maker), CONSTANT)

    def field(self, mark: Mark) -> tuple[AxisField, ...]:
        """The receptive field of a tensor."""
        return self.state(mark).receptive_field

    def _count(
        self, index: int, owned: list[tuple[str, Parameter]]
    ) -> tuple[int | None, int | None, str, tuple[tuple[str, Shape], ...]]:
        """Parameters used here for the first time, a word about the others, and their shapes."""
        total = trainable = 0
        shared, shapes, lazy = set(), [], False
        for name, parameter in owned:
            if parameter.shape is None:
                lazy = True
            elif name:
                shapes.append((name, parameter.shape))
            first = self.first_use.setdefault(parameter, index)
            if first != index:
                shared.add(first)
            else:
                total += parameter.count
                trainable += parameter.count * parameter.trainable
        if lazy:
            return None, None, "uninitialised", tuple(shapes)
        told = f"shared with call {', '.join(map(str, sorted(shared)))}" if shared else ""
        return total, trainable, told, tuple(shapes)

    def _owned(self, node: Node) -> list[tuple[str, Parameter]]:
        """The parameters that a call uses, with the names that its layer has for them."""
        module = node.module
        if module is None:
            return [("", one) for one in node.parameters]
        if is_script(module):
            return [("", one) for one in self.standin.owned_by(original(module))]
        own = self.standin.parameters
        found = []
        for name, tensor in _named_parameters(module, ""):
            mark = getattr(tensor, "_convdocs_mark", None)
            if mark is not None:
                found += [(name, one) for one in mark.parameters]
            elif (lazy := getattr(tensor, "_convdocs_lazy", None)) is not None:
                found.append((name, lazy))
            else:  # of a copy that the model made of a layer
                copied = own.get(id(original(module)._parameters.get(name)))
                found += [(name, copied)] if copied is not None else []
        return found

    def remarks(self) -> list[str]:
        """Why the calls' parameters do not add up to the model's."""
        found = []
        unused = [
            p for p in self.standin.parameters.values() if p not in self.first_use and p.count
        ]
        if unused:
            names = ", ".join(p.path for p in unused[:MOST_NAMES])
            more = f" and {len(unused) - MOST_NAMES} more" if len(unused) > MOST_NAMES else ""
            count = sum(p.count for p in unused)
            found.append(f"{count:,} parameters were used by no call: {names}{more}")
        outside = [p for p in self.first_use if not p.registered and p.count]
        if outside:
            names = ", ".join([p.path for p in outside if p.path][:MOST_NAMES])
            count = sum(p.count for p in outside)
            words = f"{count:,} parameters are not the model's own, nor in its total"
            found.append(f"{words}: {names}" if names else words)
        return found


MOST_NAMES = 5
MOST_STATES = 256  # that are kept of one answer
_NO_STATE = State((), (), ())


def _states(answer: Answer, before: Sequence[State], module: nn.Module | None) -> list[State]:
    """What is known about the axes of a call's outputs."""
    pairs = zip(answer.flows, answer.output_shapes, strict=False)
    states = [followed(flow, before, len(shape)) for flow, shape in pairs]
    if module is not None and states:
        states[0] = _named(states[0], module, answer.output_shapes[0])
    return states


def _named(state: State, module: nn.Module, shape: Shape) -> State:
    """A layer whose class says over how many axes it works knows what its axes are."""
    if state.axes or any(state.names):
        return state
    names = _axis_names(layer_class(module), len(shape))
    return State(names, state.fields, state.extents, state.constant) if names else state


def _axis_names(cls: Any, rank: int) -> tuple[str, ...]:
    """The axes of a layer called ...1d, ...2d or ...3d, when its output has ``rank`` of them."""
    digit = cls.__name__[-2:-1]
    if not (cls.__name__.endswith("d") and digit in ("1", "2", "3")):
        return ()
    spatial = AXIS_NAMES[int(digit)]
    if issubclass(cls, nn.BatchNorm1d) and rank == 2:
        return ("N", "C")
    return ("N", "C", *spatial)[-rank:] if rank - len(spatial) in (1, 2) else ()


def _named_parameters(module: nn.Module, lead: str) -> Iterable[tuple[str, Tensor]]:
    for name, one in module._parameters.items():
        if one is not None:
            yield lead + name, one
    for name, inner in module._modules.items():
        if inner is not None:
            yield from _named_parameters(inner, f"{lead}{name}.")
