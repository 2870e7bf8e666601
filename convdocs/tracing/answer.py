"""What torch answered: per distinct call, for the process, within bounds.

A distinct call is a function or a layer by its settings, with the shapes, strides and dtypes of
its tensors. Two traces of a network, and a network's many equal blocks, ask torch but once.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from convdocs.geometry import Window
from convdocs.layers import (
    LayerError,
    code,
    family,
    function_settings,
    layer_class,
    plain_settings,
    read,
)
from convdocs.receptive import AxisField
from convdocs.report import Shape
from convdocs.tracing import functions
from convdocs.tracing.axes import Flow
from convdocs.tracing.memory import CONSTANT, Layout, Mark, Operand, Parameter, overwrite
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import flow_of, windows_of

MOST_ANSWERS = 8192
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

    def __init__(
        self,
        kind: str,
        inputs: Sequence[Layout],
        outputs: Sequence[Layout] = (),
        macs: int | None = 0,
        note: str = "",
    ) -> None:
        self.kind = kind
        self.macs = macs
        self.note = note  # why they are not known
        self.input_shapes = tuple([one.shape for one in inputs])
        self.put(outputs)

    def put(self, outputs: Sequence[Layout]) -> None:
        """Say what comes out."""
        self.outputs = tuple(outputs)
        self.output_shapes = tuple([one.shape for one in outputs])
        self.dtypes = tuple([one.name for one in outputs])
        self.local_fields: dict[Any, tuple[tuple[AxisField, ...], ...]] = {}  # by axis names
        self.states: dict[Any, list[Any]] = {}  # of the outputs' axes, by those of the inputs

    def with_outputs(self, outputs: Sequence[Layout]) -> Answer:
        """The same call with other outputs."""
        made = copy.copy(self)
        made.__dict__.pop("flows", None)
        made.put(outputs)
        return made

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

    def describe(self, module: nn.Module, inside: Sequence[Answer] = ()) -> None:
        """What a layer's call costs and how it is written, by the calls inside it."""
        counted = [one.macs for one in inside]
        self.macs = None if None in counted else sum(counted)  # type: ignore[arg-type]
        self.note = next((one.note for one in inside if one.note), "")
        self.code, self.settings = code(module), plain_settings(module)
        self.family, self.training = family(layer_class(module)), module.training
        try:
            # Unfold has windows, but its output no axis that they move along
            self.windows = () if isinstance(module, nn.Unfold) else read(module).windows
        except LayerError:
            known = [one.windows for one in inside if one.windows]
            self.windows = known[0] if len(known) == 1 else ()


def as_operands(args: Any, inputs: Sequence[Mark]) -> Any:
    """A call's arguments with an operand for each tensor, of which ``inputs`` are the marks."""
    numbers = iter(range(len(inputs)))

    def operand(tensor: Tensor) -> Operand:
        number = next(numbers)
        return Operand(number, inputs[number].layout.shape, inputs[number].fixed)

    return mapped(args, operand)


def answer_of(
    func: Any, given: Any, inputs: Sequence[Mark], outputs: Sequence[Layout] = (),
    macs: int | None = 0, note: str = "",
) -> Answer:  # fmt: skip
    """That of a function, from the operands that it was given and what torch gave."""
    layouts = [one.layout for one in inputs]
    made = Answer(functions.name(func), layouts, outputs, macs, note)
    made.call = (func, *given)
    return made


def replayed(answer: Answer, node: Any, args: Any, constant: tuple[Parameter, ...] = ()) -> Any:
    """Tensors as a call of this kind gives them; ``constant``: marked as made of parameters."""
    maker = CONSTANT if node is None else node
    if answer.form is None and not answer.alias:
        own = answer.outputs[0]
        out = own.blank.detach()
        made = Mark(own, maker, 0, constant)
        out._convdocs_mark = made  # type: ignore[attr-defined]
        if node is not None:
            node.outputs.append(made)
        return out
    given = tensors_in(args) if answer.alias else []
    outputs = []
    for place, own in enumerate(answer.outputs):
        made = Mark(own, maker, place, constant)
        if node is not None:
            node.outputs.append(made)
        if place in answer.alias:
            outputs.append(given[answer.alias[place]])
            if node is not None:
                overwrite(outputs[-1], made)
        else:
            outputs.append(own.blank.detach())
            outputs[-1]._convdocs_mark = made  # type: ignore[attr-defined]
    following = iter(outputs)
    return outputs[0] if answer.form is None else mapped(answer.form, lambda _: next(following))
