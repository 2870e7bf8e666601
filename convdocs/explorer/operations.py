"""What each call of a network was given and gave, and what it works out, for a page's arithmetic.

operations.toml says which functions and layers are of a kind and which of their arguments the page
takes as they are; here is what has to be worked out from them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs.report import MODEL_INPUT, Call, Trace
from convdocs.tracing import functions, observed
from convdocs.tracing.memory import mark_of
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import dims_of

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

    refused = [given.get(name) != wanted for name, wanted in entry.get("only", {}).items()]
    refused += [value is not None for value in listed("without").values()]
    refused += [value is None for value in listed("needs").values()]
    # weights that a call worked out are none
    refused += [isinstance(weight, Operand) for weight in listed("weights").values()]
    if any(refused) or len(call.output_shapes) != 1:
        raise ValueError("the page has no arithmetic for this")
    made = {"op": entry["op"], "inputs": [*listed("inputs").values()]}
    made |= listed("settings") | listed("weights")
    if call.windows:
        names = ("kernel", "stride", "padding", "dilation")
        made |= {name: [getattr(one, name) for one in call.windows] for name in names}
    make = _MAKERS.get(entry["kind"]) or _MAKERS.get(entry["op"])
    made |= make(given, call) if make else {}
    inputs = [one if isinstance(one, Operand | Tensor) else float(one) for one in made["inputs"]]
    return made | {"inputs": inputs}


def _instance_norm(given: Settings, call: Call) -> Settings:
    if not call.axes.startswith("N C"):
        raise ValueError("it may be a sample alone")
    return {"groups": call.input_shapes[0][1]}


def _softmax(given: Settings, call: Call) -> Settings:
    rank = len(call.input_shapes[0])
    old = 0 if rank in (0, 1, 3) else 1  # torch's own rule, of old
    return {"dim": given.get("dim", old) % rank}


def _cat(given: Settings, call: Call) -> Settings:
    if any(0 in shape for shape in call.input_shapes):
        raise ValueError("torch leaves an empty one out, whatever its axes")
    dim = given["dim"] if "dim" in given else given["axis"]
    return {"inputs": [*given["tensors"]], "dim": dim % len(call.output_shapes[0])}


def _transpose(given: Settings, call: Call) -> Settings:
    order = [*range(len(call.input_shapes[0]))]
    a, b = given["dim0"], given["dim1"]
    order[a], order[b] = order[b], order[a]
    return {"order": order}


def _upsample(given: Settings, call: Call) -> Settings:
    before, after = call.input_shapes[0][2:], call.output_shapes[0][2:]
    if given["mode"] in ("bicubic", "area", "nearest-exact"):
        raise ValueError("the page has no such mode")
    scales = None if given.get("recompute_scale_factor") else given.get("scale_factor")
    if not isinstance(scales, tuple | list):
        scales = [scales] * len(after)
    corners = bool(given.get("align_corners"))
    if corners:
        steps = [(a - 1) / (b - 1) if b > 1 else 0 for a, b in zip(before, after, strict=True)]
    else:
        steps = [1 / s if s else a / b for s, a, b in zip(scales, before, after, strict=True)]
    mode = "nearest" if given["mode"] == "nearest" else "linear"
    return {"mode": mode, "step": steps, "corners": corners}


def _pad(given: Settings, call: Call) -> Settings:
    flat = given["pad"] if "pad" in given else given["padding"]
    pairs = [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)][::-1]
    return {"padding": [[0, 0]] * (len(call.input_shapes[0]) - len(pairs)) + pairs}


def _swept(given: Settings, call: Call) -> Settings:
    """How many axes an adaptive pool slides over, which its name ends with."""
    return {"dims": int(given["name"][-2])}


def _gather(given: Settings, call: Call) -> Settings:
    dims = given.get("dim", ())
    return {"dims": sorted(dims_of(None if dims == () else dims, len(call.input_shapes[0])))}


_MAKERS: dict[str, Callable[[Settings, Call], Settings]] = {
    "adaptive_max_pool": _swept,
    "adaptive_avg_pool": _swept,
    "instance_norm": _instance_norm,
    "layer_norm": lambda given, _: {"cells": prod(given["normalized_shape"])},
    "softmax": _softmax,
    "log_softmax": _softmax,
    "mean": _gather,
    "sum": _gather,
    "cat": _cat,
    "permute": lambda given, call: {"order": [*dims_of(given["dims"], len(call.input_shapes[0]))]},
    "transpose": _transpose,
    "upsample": _upsample,
    "pad": _pad,
}
_TABLE = tomllib.loads(Path(__file__).with_name("operations.toml").read_text(encoding="utf-8"))
# an entry that names another's `op` is like that one but for what it says itself
_KINDS: dict[str, Settings] = {
    kind: {"op": kind, "inputs": "input", **_TABLE[entry.get("op", kind)], "kind": kind}
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
