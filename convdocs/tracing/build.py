"""From what a recorder wrote down to a Trace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from torch import Tensor, nn

from convdocs.geometry import AXIS_NAMES
from convdocs.layers import layer_class
from convdocs.receptive import UNKNOWN
from convdocs.report import CONSTANT, MODEL_INPUT, Call, ModuleSummary, Trace
from convdocs.tracing.answer import Answer
from convdocs.tracing.axes import State, constant, followed, fresh, local_fields
from convdocs.tracing.memory import INPUT, Mark, Parameter
from convdocs.tracing.record import Node, Recorder, Span, parameters_behind
from convdocs.tracing.standin import StandIn

MOST_NAMES = 5
MOST_STATES = 256  # that are kept of one answer
_NO_STATE = State((), (), ())


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
    layouts = [one for node in recorder.nodes for one in node.answer.outputs]
    return Trace(
        model=layer_class(standin.model).__name__,
        calls=calls,
        params=sum([one.count for one in parameters]),
        trainable_params=sum([one.count for one in parameters if one.trainable]),
        macs=None if None in counted else sum(counted),  # type: ignore[arg-type]
        input_shapes=tuple([recorder.mark_of(one).layout.shape for one in inputs]),
        output_shapes=tuple([one.layout.shape for one in made]),
        parameter_bytes=standin.buffer_bytes
        + sum([one.layout.nbytes for one in parameters if one.layout]),
        activation_bytes=sum([one.nbytes for one in layouts]),
        executed="values" if recorder.values else "shapes",
        notes=(*recorder.notes, *([] if failed or recorder.transformed else builder.remarks())),
        modules=builder.summaries(recorder.spans),
        output_sources=tuple(map(builder.source, made)),
        failed=builder.call(failed[1], _NO_STATE) if failed else None,
    )


class _Builder:
    """Turns nodes into calls, in order, keeping what each tensor's axes mean."""

    def __init__(self, standin: StandIn) -> None:
        self.standin = standin
        self.calls: list[Call] = []
        self.index: dict[int, int] = {}  # of a node's call, by the node's id
        self.first_use: dict[Parameter, int] = {}

    def add(self, node: Node) -> None:
        """One more call."""
        answer = node.answer
        before = tuple([self.state(one) for one in node.inputs])
        known = answer.states.get(before)
        if known is None:
            if len(answer.states) >= MOST_STATES:
                answer.states.clear()
            known = answer.states[before] = _states(answer, before, node.layer)
        node.states = known
        call = self.call(node, known[0] if known else _NO_STATE)
        self.index[id(node)] = call.index
        self.calls.append(call)

    def state(self, mark: Mark) -> State:
        """What is known about a tensor's axes."""
        maker, shape = mark.maker, mark.layout.shape
        if type(maker) is not str:
            known = maker.states[mark.place : mark.place + 1] if mark.place >= 0 else ()
            if known and len(known[0].names) == len(shape):
                return known[0]  # type: ignore[no-any-return]
            rank = len(shape)
            return State(("",) * rank, (UNKNOWN,) * rank, (0,) * rank)
        return fresh(shape) if maker is INPUT else constant(("",) * len(shape))

    def call(self, node: Node, state: State) -> Call:
        """The record of one call."""
        answer, layer, index = node.answer, node.layer, len(self.calls)
        known = answer.told.get(state)
        if known is None:
            if len(answer.told) >= MOST_STATES:
                answer.told.clear()
            known = answer.told[state] = _told(answer, state)
        what, cost, settings, fields = known
        owned = parameters_behind(node.inputs) if layer is None else layer.owned()
        params, trainable, unregistered, note = (
            self._counted(index, owned) if owned else (0, 0, 0, "")
        )
        sources = tuple([self.source(one) for one in node.inputs])
        own = params, note, *cost, sources, *settings, trainable, *fields, unregistered
        return Call._make((index, node.path, *what, *own))

    def source(self, mark: Mark) -> int:
        """The call that a tensor came from."""
        if type(mark.maker) is str:
            return MODEL_INPUT if mark.maker is INPUT else CONSTANT
        return self.index.get(id(mark.maker), CONSTANT)

    def _counted(
        self, index: int, owned: Sequence[Parameter]
    ) -> tuple[int | None, int | None, int, str]:
        """Parameters used here for the first time, all and trainable; a word about the others."""
        total = trainable = unregistered = 0
        shared, note = set(), ""
        for one in owned:
            count = one.count
            first = self.first_use.setdefault(one, index)
            if first != index:
                shared.add(first)
            else:
                total += count
                if one.trainable:
                    trainable += count
            if not one.registered and one.trainable:
                unregistered += count
            if one.layout is None:
                note = "uninitialised"
        if note:
            return None, None, unregistered, note
        if shared:
            note = f"shared with call {', '.join(map(str, sorted(shared)))}"
        return total, trainable, unregistered, note

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

    def summaries(self, spans: Sequence[Span]) -> tuple[ModuleSummary, ...]:
        """A record of every container and every call, in order, containers before their insides."""
        params, trainable, macs = (
            _Sums([getattr(call, name) for call in self.calls])
            for name in ("params", "trainable", "macs")
        )
        found: list[ModuleSummary] = []
        open_: list[Span] = []
        waiting = [*spans][::-1]
        for index in range(len(self.calls) + 1):
            while waiting and waiting[-1].start <= index:
                span = waiting.pop()
                bounds = span.start, span.end
                shapes = tuple([mark.layout.shape for mark in span.outputs])
                field = self.state(span.outputs[0]).receptive_field if span.outputs else ()
                sums = params.between(*bounds), trainable.between(*bounds), macs.between(*bounds)
                found.append(
                    ModuleSummary(
                        span.path, span.kind, span.depth, span.start, span.end - 1, *sums, shapes,
                        field,
                    )
                )  # fmt: skip
                open_.append(span)
            while open_ and open_[-1].end <= index:
                open_.pop()
            if index < len(self.calls):
                call, depth = self.calls[index], open_[-1].depth + 1 if open_ else 0
                found.append(
                    ModuleSummary(
                        call.path, call.kind, depth, index, index, call.params, call.trainable,
                        call.macs, call.output_shapes, call.receptive_field,
                    )
                )  # fmt: skip
        return tuple(found)


def _told(answer: Answer, state: State) -> tuple[tuple[Any, ...], ...]:
    """What a :class:`Call` has of its answer, by the places where it has it."""
    return (
        (answer.kind, answer.code, answer.input_shapes, answer.output_shapes, state.axes),
        (answer.macs, answer.note, state.receptive_field),
        (answer.windows, answer.parameters, answer.training, answer.dtypes),
        (local_fields(answer, state.names), answer.family, answer.settings),
    )


class _Sums:
    """Sums of any part of a list, None where one of the part is."""

    def __init__(self, values: Sequence[int | None]) -> None:
        self.known = [0, *accumulate([value or 0 for value in values])]
        self.missing = [0, *accumulate([value is None for value in values])]

    def between(self, first: int, after: int) -> int | None:
        """The sum from ``first`` to before ``after``."""
        if self.missing[after] > self.missing[first]:
            return None
        return self.known[after] - self.known[first]


def _states(answer: Answer, before: Sequence[State], layer: Any) -> list[State]:
    """What is known about the axes of a call's outputs."""
    pairs = zip(answer.flows, answer.output_shapes, strict=False)
    states = [followed(flow, before, len(shape)) for flow, shape in pairs]
    if layer is not None and states and not any(states[0].names):
        state = states[0]
        names = _axis_names(layer.module, len(answer.output_shapes[0]))
        states[0] = State(names or state.names, state.fields, state.extents, state.constant)
    return states


# layers of torch's that say over how many spatial axes they work
_DIMS = {
    cls: dims for name, cls in vars(nn).items() for dims in (1, 2, 3) if name[-2:] == f"{dims}d"
}


def _axis_names(module: nn.Module, rank: int) -> tuple[str, ...]:
    """The axes of a layer whose class says over how many of them it works."""
    dims = next((_DIMS[base] for base in type(module).__mro__ if base in _DIMS), 0)
    if isinstance(module, nn.BatchNorm1d) and rank == 2:
        return ("N", "C")
    return ("N", "C", *AXIS_NAMES[dims])[-rank:] if dims and rank - dims in (1, 2) else ()
