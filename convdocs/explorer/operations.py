"""What one call of a network works out, as plain settings for the page's own arithmetic.

operations.toml says which functions and layers are of a kind and which of their arguments the page
takes as they are; here is what has to be worked out from them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from convdocs.explorer.recording import Operand, Step
from convdocs.report import Call
from convdocs.tracing import functions
from convdocs.tracing.rules import dims_of

Settings = dict[str, Any]


class _Unknown(Exception):
    """The page cannot work this call out."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A layer's settings or a function's arguments by name, and the table's entry for its kind."""

    name: str
    entry: Settings
    call: Call
    read: Callable[[str], Any]

    def get(self, name: str) -> Any:
        """An argument, or what is usual where it is not given."""
        value = self.read(name)
        return self.entry.get("usual", {}).get(name) if value is None else value

    def pairs(self, key: str) -> Iterator[tuple[str, Any]]:
        """The page's names and the values of the arguments that the table lists under ``key``."""
        for word in self.entry.get(key, "").split():
            name, _, argument = word.partition("=")
            yield name, self.get(argument or name)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.call.input_shapes[0]

    def dims(self, value: Any) -> list[int]:
        """Axes of the input, counted from the front."""
        return [*dims_of(value, len(self.shape))]


def operation(step: Step, call: Call) -> Settings | None:
    """The call's kind and settings; None for one that the page cannot work out.

    ``inputs`` holds what it reads: an :class:`Operand`, a constant tensor or a number. Tensors
    among the settings are the weights.
    """
    if len(call.output_shapes) != 1:
        return None
    try:
        given = (_of_module if isinstance(step.function, nn.Module) else _of_function)(step, call)
        made = _settings(given)
    except (_Unknown, TypeError, ValueError, LookupError, AttributeError):
        return None
    return None if any(one is None for one in made["inputs"]) else made


def _of_module(step: Step, call: Call) -> _Given:
    module, x = step.function, step.args[0]
    base: Any = next((cls for cls in type(module).__mro__ if cls in _LAYERS), None)
    if base is None or type(module).forward is not base.forward or not isinstance(x, Operand):
        raise _Unknown

    def read(name: str) -> Any:
        return x if name == "input" else getattr(module, name, None)

    return _Given(base.__name__, _KINDS[_LAYERS[base]], call, read)


def _of_function(step: Step, call: Call) -> _Given:
    name = functions.name(step.function).rstrip("_")
    entry, args = _KINDS[_FUNCTIONS[name]], step.args
    names = entry.get("arguments", "input").split()
    if names[-1].startswith("*"):  # the rest as one tuple, or one by one
        rest = args[len(names) - 1 :]
        whole = rest[0] if rest and isinstance(rest[0], tuple | list) else rest
        args = (*args[: len(names) - 1], whole)
        names[-1] = names[-1][1:]
    given = {**dict(zip(names, args, strict=False)), **step.kwargs}
    return _Given(name, entry, call, given.get)


def _settings(given: _Given) -> Settings:
    entry, windows = given.entry, given.call.windows
    refused = [given.get(name) != wanted for name, wanted in entry.get("only", {}).items()]
    refused += [value is not None for _, value in given.pairs("without")]
    refused += [value is None for _, value in given.pairs("needs")]
    weights = dict(given.pairs("weights"))
    # weights that a call worked out are none
    if any(refused) or any(isinstance(one, Operand) for one in weights.values()):
        raise _Unknown
    made = {"op": entry["op"], "inputs": [value for _, value in given.pairs("inputs")]}
    made |= dict(given.pairs("settings"))
    made |= {
        name: one.detach() if isinstance(one, Tensor) else one for name, one in weights.items()
    }
    if windows:
        made |= {
            name: [getattr(one, name) for one in windows]
            for name in ("kernel", "stride", "padding", "dilation")
        }
    make = _MAKERS.get(entry["kind"]) or _MAKERS.get(entry["op"])
    return made | make(given) if make else made


def _instance_norm(given: _Given) -> Settings:
    if not given.call.axes.startswith("N C"):
        raise _Unknown
    return {"groups": given.shape[1]}


def _softmax(given: _Given) -> Settings:
    dim = given.get("dim")
    if dim is None:  # torch's old rule
        dim = 0 if len(given.shape) in (0, 1, 3) else 1
    return {"dim": dim % len(given.shape)}


def _cat(given: _Given) -> Settings:
    if any(0 in shape for shape in given.call.input_shapes):
        raise _Unknown
    dim = given.get("axis") if given.read("dim") is None else given.get("dim")
    return {"inputs": [*given.get("tensors")], "dim": dim % len(given.call.output_shapes[0])}


def _transpose(given: _Given) -> Settings:
    order = [*range(len(given.shape))]
    a, b = given.get("dim0"), given.get("dim1")
    order[a], order[b] = order[b], order[a]
    return {"order": order}


def _upsample(given: _Given) -> Settings:
    before, after = given.shape[2:], given.call.output_shapes[0][2:]
    if given.get("mode") in ("bicubic", "area", "nearest-exact"):
        raise _Unknown
    scales = None if given.get("recompute_scale_factor") else given.get("scale_factor")
    if not isinstance(scales, tuple | list):
        scales = [scales] * len(after)
    corners = bool(given.get("align_corners"))
    if corners:
        steps = [(a - 1) / (b - 1) if b > 1 else 0 for a, b in zip(before, after, strict=True)]
    else:
        steps = [1 / s if s else a / b for s, a, b in zip(scales, before, after, strict=True)]
    mode = "nearest" if given.get("mode") == "nearest" else "linear"
    return {"mode": mode, "step": steps, "corners": corners}


def _pad(given: _Given) -> Settings:
    flat = given.get("padding") if given.read("pad") is None else given.get("pad")
    pairs = [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)][::-1]
    return {"padding": [[0, 0]] * (len(given.shape) - len(pairs)) + pairs}


def _swept(given: _Given) -> Settings:
    """How many axes an adaptive pool slides over, which its name ends with."""
    return {"dims": int(given.name[-2])}


def _gather(given: _Given) -> Settings:
    dim = given.get("dim")
    return {"dims": sorted(given.dims(None if dim == () else dim))}


_MAKERS: dict[str, Callable[[_Given], Settings]] = {
    "adaptive_max_pool": _swept,
    "adaptive_avg_pool": _swept,
    "instance_norm": _instance_norm,
    "layer_norm": lambda given: {"cells": prod(given.get("normalized_shape"))},
    "softmax": _softmax,
    "log_softmax": _softmax,
    "mean": _gather,
    "sum": _gather,
    "cat": _cat,
    "permute": lambda given: {"order": given.dims(given.get("dims"))},
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
