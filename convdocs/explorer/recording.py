"""What each call of a model was given and what it gave, on a stand-in of the model in eval mode."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from convdocs.report import Trace
from convdocs.tracing import observed
from convdocs.tracing.memory import mark_of
from convdocs.tracing.nested import mapped, tensors_in


class Operand(NamedTuple):
    """Stands in a call's arguments for the tensor of ``Call.sources[position]``.

    Where that is an input of the model, ``number`` says which.
    """

    position: int
    number: int = 0


class Step(NamedTuple):
    """One call: the module or the function, its arguments, and the tensor that came out.

    Tensors that come from the model's input are :class:`Operand`; constants are themselves.
    """

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Tensor
    operands: tuple[Operand, ...]


def watch(model: Any, *inputs: Any) -> tuple[Trace, tuple[Step, ...]]:
    """Run a stand-in of ``model`` in eval mode; its trace, and a step for each call of it."""
    steps: list[Step] = []

    def keep(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        operands: list[Operand | None] = []

        def stand_in(tensor: Tensor) -> Any:
            fixed = mark_of(tensor).fixed
            operands.append(None if fixed else Operand(len(operands), _number(tensor, inputs)))
            return operands[-1] or tensor.detach()

        given, named = mapped((tuple(args), kwargs), stand_in)
        value = tensors_in(out)[0].detach().clone()
        steps.append(Step(function, given, named, value, tuple(filter(None, operands))))

    trace = observed(model, inputs, {}, keep, training=False)
    return trace, tuple(steps)


def _number(tensor: Tensor, inputs: tuple[Any, ...]) -> int:
    """Which of several inputs a tensor is; 0 for the tensor of a call."""
    if len(inputs) == 1:
        return 0
    alike = (isinstance(one, Tensor) and one.shape == tensor.shape for one in inputs)
    found = (n for n, same in enumerate(alike) if same and torch.equal(inputs[n], tensor))
    return next(found, 0)
