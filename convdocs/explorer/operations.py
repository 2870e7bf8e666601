"""What each call of a network was given and gave, and what it works out, for a page's arithmetic.

operations.toml says which functions and layers are of a kind and which of their arguments the page
takes, as torch has them; what follows from those is worked out there (network_ops.js).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs.report import MODEL_INPUT, Call, Trace
from convdocs.tracing import functions, observed
from convdocs.tracing.memory import mark_of
from convdocs.tracing.nested import mapped, tensors_in

Settings = dict[str, Any]


@dataclass
class Operand:
    """Stands in a call's arguments for a tensor that the model's input is in.

    ``source`` is the call that made it, or -1, -2, ... for the model's first, second, ... input.
    """

    source: int


class Step(NamedTuple):
    """One call: the module or the function, its arguments, and the tensor that came out.

    ``operands`` has an entry for each tensor among the arguments, None for a constant.
    """

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Tensor
    operands: list[Operand | None]


def watch(model: Any, *inputs: Any) -> tuple[Trace, tuple[Step, ...]]:
    """Run a stand-in of ``model`` in eval mode; its trace, and a step for each call of it."""
    steps: list[Step] = []

    def keep(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        operands: list[Operand | None] = []

        def stand_in(tensor: Tensor) -> Any:
            fixed = mark_of(tensor).fixed
            operands.append(None if fixed else Operand(_input_like(tensor, inputs)))
            return operands[-1] or tensor.detach()

        given, named = mapped((tuple(args), kwargs), stand_in)
        steps.append(Step(function, given, named, tensors_in(out)[0].detach().clone(), operands))

    trace = observed(model, inputs, {}, keep, training=False)
    for step, call in zip(steps, trace.calls, strict=True):
        for operand, source in zip(step.operands, call.sources, strict=True):
            if operand and source != MODEL_INPUT:
                operand.source = source
    # weights that are worked out from others are read later on, which is no call any more
    return trace, tuple(steps)


def _input_like(tensor: Tensor, inputs: tuple[Any, ...]) -> int:
    """Which of the inputs a tensor is, if it is one."""
    for number, one in enumerate(inputs[1:], 1):
        if isinstance(one, Tensor) and one.shape == tensor.shape and torch.equal(one, tensor):
            return -1 - number
    return MODEL_INPUT


def operation(step: Step, call: Call) -> Settings | None:
    """The call's kind and settings; None for one that the page cannot work out.

    ``inputs`` holds what it reads: an :class:`Operand`, a constant tensor or a number. Tensors
    among the settings are the weights.
    """
    try:
        return _settings(*_given(step), call)
    except (TypeError, ValueError, LookupError, AttributeError):
        return None


def _given(step: Step) -> tuple[Settings, Settings]:
    """The table's entry for a call's kind, and its arguments or its layer's settings by name."""
    module, args = step.function, step.args
    if isinstance(module, nn.Module):
        base: Any = next(filter(_LAYERS.get, type(module).__mro__), None)
        if type(module).forward is not base.forward:
            raise ValueError("a subclass that does something else")
        worked_out = getattr(module, "parametrizations", ())
        names = [*module._parameters, *module._buffers, *worked_out]
        own = {name: getattr(module, name) for name in names}
        own |= {"input": args[0], "name": base.__name__}
        return _KINDS[_LAYERS[base]], {**vars(module), **own}
    name = functions.name(module).rstrip("_")
    entry = _KINDS[_FUNCTIONS[name]]
    names = entry.get("arguments", "input").split()
    if names[-1].startswith("*"):  # the rest as one tuple, or one by one
        first, rest = args[: len(names) - 1], args[len(names) - 1 :]
        args = (*first, rest[0] if rest and isinstance(rest[0], tuple | list) else rest)
        names[-1] = names[-1][1:]
    return entry, {**dict(zip(names, args, strict=False)), **step.kwargs, "name": name}


def _settings(entry: Settings, arguments: Settings, call: Call) -> Settings:
    known = {name: value for name, value in arguments.items() if value is not None}
    given = entry.get("usual", {}) | known

    def listed(key: str) -> dict[str, Any]:
        """The page's names and the values of the arguments that the table lists under ``key``."""
        pairs = (word.partition("=") for word in entry.get(key, "").split())
        return {name: given.get(argument or name) for name, _, argument in pairs}

    settings, weights = listed("settings"), listed("weights")
    refused = [given.get(name) not in allowed for name, allowed in entry.get("only", {}).items()]
    refused += [value is not None for value in listed("without").values()]
    refused += [value is None for value in listed("needs").values()]
    # weights that a call worked out are none
    refused += [isinstance(weight, Operand) for weight in weights.values()]
    refused += [not _is_plain(value) for value in settings.values()]
    refused += [not call.axes.startswith(entry.get("axes", ""))]
    # torch leaves an empty one out of a concatenation, whatever its axes
    refused += [0 in shape for shape in call.input_shapes]
    if any(refused) or len(call.output_shapes) != 1:
        raise ValueError("the page has no arithmetic for this")
    inputs: list[Any] = []
    for one in listed("inputs").values():
        inputs += one if isinstance(one, list | tuple) else [one]
    inputs = [one if isinstance(one, Operand | Tensor) else float(one) for one in inputs]
    names = ("kernel", "stride", "padding", "dilation") if call.windows else ()
    windows = {name: [getattr(one, name) for one in call.windows] for name in names}
    return {"op": entry["op"], "inputs": inputs} | settings | weights | windows


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str)


_TABLE = tomllib.loads(Path(__file__).with_name("operations.toml").read_text(encoding="utf-8"))
# an entry that names another's `op` is like that one but for what it says itself
_KINDS: dict[str, Settings] = {
    kind: {"op": kind, "inputs": "input", **_TABLE[entry.get("op", kind)]}
    | {"functions": kind, **entry}
    for kind, entry in _TABLE.items()
}
_FUNCTIONS = {name: kind for kind, entry in _KINDS.items() for name in entry["functions"].split()}
_LAYERS: dict[Any, str] = {
    getattr(nn, layer): kind
    for kind, entry in _KINDS.items()
    for layer in entry.get("layers", "").split()
    if hasattr(nn, layer)
}
