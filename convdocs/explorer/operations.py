"""What one call of a network works out, as plain settings for the page's own arithmetic.

operations.toml says which functions and layers are of a kind; here is how a kind's settings come
from their arguments and attributes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

from torch import nn

from convdocs.explorer.recording import Operand, Step
from convdocs.layers import per_axis
from convdocs.report import Call
from convdocs.tracing import functions

Settings = dict[str, Any]
Shape = tuple[int, ...]


class _Unknown(Exception):
    """The page cannot work this call out."""


class _Given:
    """A layer's settings or a function's arguments as attributes; None for what is not there."""

    def __init__(self, name: str, read: Callable[[str], Any], call: Call) -> None:
        self.called = name
        self.shape: Shape = call.input_shapes[0] if call.input_shapes else ()
        self.out: Shape = call.output_shapes[0]
        self.call = call
        self._read = read

    def __getattr__(self, name: str) -> Any:
        return self._read(name)

    def get(self, name: str, usual: Any) -> Any:
        """An attribute, or what is usual where it is not given."""
        value = self._read(name)
        return usual if value is None else value


def operation(step: Step, call: Call) -> Settings | None:
    """The call's kind and settings; None for one that the page cannot work out.

    ``inputs`` holds what it reads: an :class:`Operand`, a constant tensor or a number. Tensors
    among the settings are the weights.
    """
    if len(call.output_shapes) != 1:
        return None
    try:
        of = _of_module if isinstance(step.function, nn.Module) else _of_function
        kind, given = of(step, call)
        entry = _KINDS[kind]
        made = {"op": entry["op"], "inputs": [given.input]}
        made |= {name: given.get(name, usual) for name, usual in entry.get("settings", {}).items()}
        if make := _MAKERS.get(kind) or _MAKERS.get(entry["op"]):
            made |= make(given)
        return None if any(one is None for one in made["inputs"]) else made
    except (_Unknown, TypeError, ValueError, LookupError, AttributeError):
        return None


def _of_module(step: Step, call: Call) -> tuple[str, _Given]:
    module, x = step.function, step.args[0]
    base: Any = next((cls for cls in type(module).__mro__ if cls in _LAYERS), None)
    if base is None or type(module).forward is not base.forward or not isinstance(x, Operand):
        raise _Unknown

    def read(name: str) -> Any:
        return x if name == "input" else getattr(module, name, None)

    return _LAYERS[base], _Given(base.__name__, read, call)


def _of_function(step: Step, call: Call) -> tuple[str, _Given]:
    name = functions.name(step.function).rstrip("_")
    kind, args = _FUNCTIONS[name], step.args
    names = _KINDS[kind].get("arguments", "input").split()
    if names[-1].startswith("*"):  # the rest as one tuple, or one by one
        rest = args[len(names) - 1 :]
        whole = rest[0] if rest and isinstance(rest[0], tuple | list) else rest
        args = (*args[: len(names) - 1], whole)
        names[-1] = names[-1][1:]
    given = {**dict(zip(names, args, strict=False)), **step.kwargs}
    return kind, _Given(name, given.get, call)


def _weights(given: _Given, *names: str) -> Settings:
    """The weights among the settings; those that a call worked out are none."""
    found = {name: getattr(given, name) for name in names}
    if any(isinstance(value, Operand) for value in found.values()):
        raise _Unknown
    return {name: value if value is None else value.detach() for name, value in found.items()}


# sliding windows


def _conv(given: _Given) -> Settings:
    numbers = _weights(given, "weight", "bias")
    window = _window(given, tuple(numbers["weight"].shape[2:]))
    mode = given.get("padding_mode", "zeros")
    return {**window, "groups": given.groups or 1, "mode": mode, **numbers}


def _window(given: _Given, kernel: Shape) -> Settings:
    dims = len(kernel)
    dilation = per_axis(given.dilation or 1, dims)
    if given.padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        pads = [[total // 2, total - total // 2] for total in totals]
    else:
        cells = 0 if given.padding in (None, "valid") else given.padding
        pads = [[p, p] for p in per_axis(cells, dims)]
    stride = per_axis(given.stride or 1, dims)
    return {"kernel": kernel, "stride": stride, "padding": pads, "dilation": dilation}


def _swept(given: _Given) -> int:
    """How many axes a pool slides over, which its name ends with."""
    return int(given.called[-2])


def _pool(given: _Given) -> Settings:
    kernel = per_axis(given.kernel_size, _swept(given))
    window = _window(given, kernel) | {"stride": per_axis(given.stride or kernel, len(kernel))}
    whole = given.count_include_pad is not False
    return {**window, "countPad": whole, "divisor": given.divisor_override}


# norms


def _batch_norm(given: _Given) -> Settings:
    numbers = _weights(given, "running_mean", "running_var", "weight", "bias")
    mean, var = numbers.pop("running_mean"), numbers.pop("running_var")
    if mean is None or var is None or given.training:
        raise _Unknown
    return {"mean": mean, "var": var, **numbers, "eps": given.get("eps", 1e-5)}


def _instance_norm(given: _Given) -> Settings:
    if given.running_mean is not None or not given.call.axes.startswith("N C"):
        raise _Unknown
    return {"groups": given.shape[1], **_scaled(given)}


def _scaled(given: _Given) -> Settings:
    return {**_weights(given, "weight", "bias"), "eps": given.get("eps", 1e-5)}


# cell by cell


def _along(given: _Given) -> Settings:
    rank = len(given.shape)
    # without dim, torch's old rule
    return {"dim": given.get("dim", 0 if rank in (0, 1, 3) else 1) % rank}


def _binary(given: _Given) -> Settings:
    if given.get("out", None) is not None or given.rounding_mode is not None:
        raise _Unknown
    return {"inputs": [given.input, given.other], "alpha": given.get("alpha", 1)}


def _dropout(given: _Given) -> Settings:
    if given.training is not False:  # it draws anew each time
        raise _Unknown
    return {}


# shape and size


def _cat(given: _Given) -> Settings:
    if any(0 in shape for shape in given.call.input_shapes):
        raise _Unknown
    dim = given.get("dim", given.get("axis", 0)) % len(given.out)
    return {"inputs": list(given.tensors), "dim": dim}


def _transpose(given: _Given) -> Settings:
    order = list(range(len(given.shape)))
    a, b = given.get("dim0", -1), given.get("dim1", -2)
    order[a], order[b] = order[b], order[a]
    return {"order": order}


def _upsample(given: _Given) -> Settings:
    before, after = given.shape[2:], given.out[2:]
    if given.antialias or given.mode in ("bicubic", "area", "nearest-exact"):
        raise _Unknown
    scales = None if given.recompute_scale_factor else given.scale_factor
    if not isinstance(scales, tuple | list):
        scales = [scales] * len(after)
    if given.align_corners:
        steps = [(a - 1) / (b - 1) if b > 1 else 0 for a, b in zip(before, after, strict=True)]
    else:
        steps = [1 / s if s else a / b for s, a, b in zip(scales, before, after, strict=True)]
    mode = "nearest" if given.mode in (None, "nearest") else "linear"
    return {"mode": mode, "step": steps, "corners": bool(given.align_corners)}


def _pad(given: _Given) -> Settings:
    flat = given.get("pad", given.padding)
    pairs = [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)][::-1]
    pads = [[0, 0]] * (len(given.shape) - len(pairs)) + pairs
    return {"padding": pads, "value": given.value or 0}


def _gather(given: _Given) -> Settings:
    if given.dtype is not None:
        raise _Unknown
    rank = len(given.shape)
    dims = range(rank) if given.dim in (None, ()) else given.dim
    each = [dims] if isinstance(dims, int) else dims
    return {"dims": sorted(one % rank for one in each)}


_MAKERS: dict[str, Callable[[_Given], Settings]] = {
    "conv": _conv,
    "conv_transpose": _conv,
    "max_pool": _pool,
    "avg_pool": _pool,
    "adaptive_max_pool": lambda given: {"dims": _swept(given)},
    "adaptive_avg_pool": lambda given: {"dims": _swept(given)},
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
    "group_norm": lambda given: {"groups": given.num_groups, **_scaled(given)},
    "layer_norm": lambda given: {"cells": prod(given.normalized_shape), **_scaled(given)},
    "linear": lambda given: _weights(given, "weight", "bias"),
    "softmax": _along,
    "log_softmax": _along,
    **dict.fromkeys(("add", "sub", "mul", "div"), _binary),
    "mean": _gather,
    "sum": _gather,
    "cat": _cat,
    "dropout": _dropout,
    "permute": lambda given: {"order": [one % len(given.shape) for one in given.dims]},
    "transpose": _transpose,
    "upsample": _upsample,
    "pad": _pad,
}
_TABLE = Path(__file__).with_name("operations.toml").read_text(encoding="utf-8")
_KINDS: dict[str, Settings] = {
    kind: {"op": kind, "functions": kind, **entry} for kind, entry in tomllib.loads(_TABLE).items()
}
_FUNCTIONS = {name: kind for kind, entry in _KINDS.items() for name in entry["functions"].split()}
_LAYERS: dict[Any, str] = {
    getattr(nn, layer): kind
    for kind, entry in _KINDS.items()
    for layer in entry.get("layers", "").split()
    if hasattr(nn, layer)
}
