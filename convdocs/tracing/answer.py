"""What torch answered: per distinct call, for the process, within bounds.

A distinct call is a function or a layer by its settings, with the shapes, strides and dtypes of
its tensors. Two traces of a network, and a network's many equal blocks, ask torch but once.
"""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from convdocs.geometry import Window
from convdocs.layers import (
    LayerError,
    axis_names,
    code,
    family,
    function_settings,
    layer_class,
    plain_settings,
    read,
)
from convdocs.report import Shape
from convdocs.tracing import functions
from convdocs.tracing.axes import Flow, State, followed, local_fields
from convdocs.tracing.memory import CONSTANT, Layout, Mark, Node, Operand, Parameter, claim
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import flow_of, windows_of

MOST_ANSWERS = 8192
MOST_STATES = 256  # that are kept of one answer
ANSWERS: dict[Any, Answer] = {}


def remember(key: Any, answer: Answer) -> None:
    """Keep an answer for the next call that is the same."""
    if len(ANSWERS) >= MOST_ANSWERS:
        ANSWERS.clear()
    ANSWERS[key] = answer


class Answer:
    """What a call gives, whoever makes it and whatever the values; how it is told, when asked."""

    form: Any = None  # how the outputs are nested; None for a single tensor
    alias: dict[int, int] = {}  # noqa: RUF012 (never written to): outputs that are an input itself
    call: Any = None  # a function with its arguments, operands for tensors
    training = False
    parameters: tuple[tuple[str, Shape], ...] = ()  # of a layer
    axis_names: tuple[str, ...] = ()  # of a layer whose class says over how many it works

    def __init__(
        self,
        kind: str,
        inputs: Sequence[Mark],
        outputs: Sequence[Layout] = (),
        macs: int | None = 0,
        note: str = "",
    ) -> None:
        self.kind = kind
        self.macs = macs
        self.note = note  # why they are not known
        self.input_shapes = tuple([one.layout.shape for one in inputs])
        self.put(outputs)

    def put(self, outputs: Sequence[Layout]) -> None:
        """Say what comes out."""
        self.outputs = tuple(outputs)
        self.output_shapes = tuple([one.shape for one in outputs])
        self.dtypes = tuple([one.name for one in outputs])
        self._states: dict[Any, list[State]] = {}  # of the outputs' axes, by those of the inputs
        self._records: dict[Any, Any] = {}  # what is told, by the names of the output's axes

    def with_outputs(self, outputs: Sequence[Layout]) -> Answer:
        """The same call with other outputs."""
        made = copy.copy(self)
        made.__dict__.pop("flows", None)
        made.put(outputs)
        return made

    def replayed(self, node: Node, args: Any, constant: tuple[Parameter, ...] = ()) -> Any:
        """Tensors as ``node`` gives them; ``constant``: the parameters a constant is made of."""
        if self.form is None and not self.alias:
            own = self.outputs[0]
            out = own.blank.detach()
            out._convdocs_mark = Mark(own, node, 0, constant)  # type: ignore[attr-defined]
            return out
        given = tensors_in(args) if self.alias else []
        outputs = []
        for place, own in enumerate(self.outputs):
            aliased = place in self.alias
            outputs.append(given[self.alias[place]] if aliased else own.blank.detach())
            if node is not CONSTANT or not aliased:
                claim(outputs[-1], Mark(own, node, place, constant))
        following = iter(outputs)
        return outputs[0] if self.form is None else mapped(self.form, lambda _: next(following))

    @cached_property
    def code(self) -> str:
        """The call as one would type it."""
        return functions.text(*self.call)

    @cached_property
    def family(self) -> str:
        """What it has in common with a layer."""
        return family(self.kind)

    @cached_property
    def settings(self) -> tuple[tuple[str, object], ...]:
        """What a finding asks about."""
        with suppress(TypeError):  # arguments that the function refuses too
            return function_settings(*self.call)
        return ()

    @cached_property
    def windows(self) -> tuple[Window, ...]:
        """Those of a convolution or a pool."""
        with suppress(LookupError, TypeError, ValueError):
            return windows_of(*self.call)
        return ()

    @cached_property
    def flows(self) -> tuple[Flow | None, ...]:
        """What each output reads; None: like the only input."""
        func, args, kwargs = self.call
        outputs = enumerate(self.output_shapes)
        return tuple([flow_of(func, args, kwargs, shape, place) for place, shape in outputs])

    def states(self, before: tuple[State, ...]) -> list[State]:
        """What is known about the axes of the outputs."""
        known = self._states.get(before)
        if known is None:
            if len(self._states) >= MOST_STATES:
                self._states.clear()
            known = self._states[before] = [
                followed(flow, before, shape)
                for flow, shape in zip(self.flows, self.output_shapes, strict=False)
            ]
            if self.axis_names and known and not any(known[0].names):
                state = known[0]
                known[0] = State(self.axis_names, state.fields, state.extents, state.constant)
        return known

    def record(self, names: tuple[str, ...], axes: str) -> tuple[tuple[Any, ...], ...]:
        """What a :class:`~convdocs.report.Call` has of it, by the places where it has it."""
        known = self._records.get(names)
        if known is None:
            known = self._records[names] = (
                (self.kind, self.code, self.input_shapes, self.output_shapes, axes),
                (self.macs, self.note),
                (self.windows, self.parameters, self.training, self.dtypes),
                (local_fields(self, names), self.family, self.settings),
            )
        return known

    def describe(self, module: nn.Module, inside: Sequence[Answer] = ()) -> None:
        """What a layer's call costs and how it is written, by the calls inside it."""
        counted = [one.macs for one in inside]
        self.macs = None if None in counted else sum(counted)  # type: ignore[arg-type]
        self.note = next((one.note for one in inside if one.note), "")
        self.code, self.settings = code(module), plain_settings(module)
        self.family, self.training = family(layer_class(module)), module.training
        self.axis_names = axis_names(module, len(self.output_shapes[0])) if self.outputs else ()
        try:
            # Unfold has windows, but its output no axis that they move along
            self.windows = () if isinstance(module, nn.Unfold) else read(module).windows
        except LayerError:
            known = [one.windows for one in inside if one.windows]
            self.windows = known[0] if len(known) == 1 else ()


class FunctionCall:
    """A function with the arguments of one call, and the marks of their tensors."""

    def __init__(
        self, func: Any, args: Any, kwargs: dict[str, Any], marks: Sequence[Mark] = ()
    ) -> None:
        self.func = func
        self.args = args
        self.kwargs = kwargs
        self.marks = [*marks]

    @cached_property
    def tensors(self) -> list[Tensor]:
        """Those among the arguments, in order."""
        return tensors_in((self.args, self.kwargs))

    @cached_property
    def operands(self) -> Any:
        """The arguments with an operand for each tensor."""
        marks = iter(enumerate(self.marks))

        def operand(_: Tensor) -> Operand:
            number, own = next(marks)
            return Operand(number, own.layout.shape, own.fixed)

        return mapped((self.args, self.kwargs), operand)

    @cached_property
    def in_place(self) -> bool:
        """Whether it writes into one of its arguments and returns it."""
        return functions.in_place(self.func, self.kwargs)

    def change(self, tensor: Callable[[Tensor], Tensor]) -> None:
        """Put ``tensor(one)`` in the place of each tensor."""
        changed = [tensor(one) for one in self.tensors]
        if any(map(operator.is_not, changed, self.tensors)):
            following = iter(changed)
            self.args, self.kwargs = mapped((self.args, self.kwargs), lambda _: next(following))
            self.tensors = tensors_in((self.args, self.kwargs))

    def outputs(self, out: Any) -> list[Tensor]:
        """The tensors that it gave, or that it wrote into."""
        return [self.args[0]] if self.func is Tensor.__setitem__ else tensors_in(out)

    def answer(
        self, outputs: Sequence[Layout] = (), macs: int | None = 0, note: str = ""
    ) -> Answer:
        """What is told of it, when torch gave ``outputs``."""
        made = Answer(functions.name(self.func), self.marks, outputs, macs, note)
        made.call = (self.func, *self.operands)
        return made
