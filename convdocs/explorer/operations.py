"""What one call of a network works out, as plain settings for the page's own arithmetic.

A layer and the function that it stands for have one entry, under the function's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any

from torch import Tensor, nn

from convdocs.explorer.recording import Operand, Step
from convdocs.layers import per_axis
from convdocs.report import Call
from convdocs.tracing import functions

Settings = dict[str, Any]
Make = Callable[[Any, Call], Settings]


class Unknown(Exception):
    """The page cannot work this call out."""


def operation(step: Step, call: Call) -> Settings | None:
    """The call's kind and settings; None for one that the page cannot work out.

    ``inputs`` holds what it reads: an :class:`Operand`, a constant tensor or a number. Tensors
    among the settings are the weights.
    """
    if len(call.output_shapes) != 1:
        return None
    try:
        if isinstance(step.function, nn.Module):
            return _of_module(step.function, step.args[0], call)
        return _of_function(step, call)
    except (Unknown, TypeError, ValueError, LookupError, AttributeError):
        return None


def _of_module(module: nn.Module, x: Any, call: Call) -> Settings:
    base = next((cls for cls in type(module).__mro__ if cls in LAYERS), None)
    if base is None or type(module).forward is not base.forward or not isinstance(x, Operand):
        raise Unknown
    return {"inputs": [x], **FUNCTIONS[LAYERS[base]][1](_Attributes(module), call)}


def _of_function(step: Step, call: Call) -> Settings:
    words, make = FUNCTIONS[functions.name(step.function).rstrip("_")]
    names, args = words.split(), step.args
    if names[-1].startswith("*"):  # the rest as one tuple, or one by one
        rest = args[len(names) - 1 :]
        whole = rest[0] if rest and isinstance(rest[0], tuple | list) else rest
        args = (*args[: len(names) - 1], whole)
        names[-1] = names[-1][1:]
    given = _Arguments({**dict(zip(names, args, strict=False)), **step.kwargs})
    return {"inputs": [given[names[0]]], **make(given, call)}


class _Attributes:
    """A layer's settings; None for one that it has not."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name, None)


class _Arguments(dict[str, Any]):
    """A function's arguments by name, read as attributes; None for one that was not given."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _constants(given: Any, *names: str) -> dict[str, Tensor | None]:
    """The weights among the settings; those that a call worked out are none."""
    found = {name: getattr(given, name) for name in names}
    if any(isinstance(value, Operand) for value in found.values()):
        raise Unknown
    return {name: value if value is None else value.detach() for name, value in found.items()}


def _shape(call: Call) -> tuple[int, ...]:
    return call.input_shapes[0]


def _or(value: Any, usual: Any) -> Any:
    return usual if value is None else value


# sliding windows


def _conv(given: Any, call: Call) -> Settings:
    numbers = _constants(given, "weight", "bias")
    assert numbers["weight"] is not None
    kernel = numbers["weight"].shape[2:]
    window = _window(given, len(kernel), tuple(kernel))
    mode = _or(given.padding_mode, "zeros")
    return {"op": "conv", **window, "groups": given.groups or 1, "mode": mode, **numbers}


def _conv_transpose(given: Any, call: Call) -> Settings:
    return {**_conv(given, call), "op": "conv_transpose"}


def _window(given: Any, dims: int, kernel: tuple[int, ...]) -> Settings:
    dilation = per_axis(given.dilation or 1, dims)
    if given.padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        pads = [[total // 2, total - total // 2] for total in totals]
    else:
        cells = 0 if given.padding in (None, "valid") else given.padding
        pads = [[p, p] for p in per_axis(cells, dims)]
    stride = per_axis(given.stride or 1, dims)
    return {"kernel": kernel, "stride": stride, "padding": pads, "dilation": dilation}


def _pool(op: str, dims: int) -> Make:
    def make(given: Any, call: Call) -> Settings:
        kernel = per_axis(given.kernel_size, dims)
        window = _window(given, dims, kernel) | {"stride": per_axis(given.stride or kernel, dims)}
        whole = given.count_include_pad is not False
        return {"op": op, **window, "countPad": whole, "divisor": given.divisor_override}

    return make


# norms and linear maps


def _batch_norm(given: Any, call: Call) -> Settings:
    numbers = _constants(given, "running_mean", "running_var", "weight", "bias")
    mean, var = numbers.pop("running_mean"), numbers.pop("running_var")
    if mean is None or var is None or given.training:
        raise Unknown
    return {"op": "batch_norm", "mean": mean, "var": var, **numbers, "eps": _or(given.eps, 1e-5)}


def _group_norm(given: Any, call: Call) -> Settings:
    return {"op": "group_norm", "groups": given.num_groups, **_scaled(given)}


def _instance_norm(given: Any, call: Call) -> Settings:
    if given.running_mean is not None or not call.axes.startswith("N C"):
        raise Unknown
    return {"op": "group_norm", "groups": _shape(call)[1], **_scaled(given)}


def _layer_norm(given: Any, call: Call) -> Settings:
    return {"op": "layer_norm", "cells": prod(given.normalized_shape), **_scaled(given)}


def _scaled(given: Any) -> Settings:
    return {**_constants(given, "weight", "bias"), "eps": _or(given.eps, 1e-5)}


def _linear(given: Any, call: Call) -> Settings:
    return {"op": "linear", **_constants(given, "weight", "bias")}


# cell by cell


def _each(op: str, **usual: Any) -> Make:
    return lambda given, call: {
        "op": op, **{name: _or(getattr(given, name), value) for name, value in usual.items()}
    }  # fmt: skip


def _along(op: str) -> Make:
    def make(given: Any, call: Call) -> Settings:
        rank = len(_shape(call))
        # without dim, torch's old rule
        return {"op": op, "dim": _or(given.dim, 0 if rank in (0, 1, 3) else 1) % rank}

    return make


def _binary(op: str, swapped: bool = False) -> Make:
    def make(given: Any, call: Call) -> Settings:
        if given.out is not None or given.rounding_mode is not None:
            raise Unknown
        pair = [given["input"], given["other"]]
        return {"op": op, "inputs": pair[::-1] if swapped else pair, "alpha": _or(given.alpha, 1)}

    return make


def _dropout(given: Any, call: Call) -> Settings:
    if given.training is not False:  # it draws anew each time
        raise Unknown
    return {"op": "identity"}


# shape and size


def _cat(given: Any, call: Call) -> Settings:
    if any(0 in shape for shape in call.input_shapes):
        raise Unknown
    dim = _or(given.dim, _or(given.axis, 0)) % len(call.output_shapes[0])
    return {"op": "cat", "inputs": list(given["tensors"]), "dim": dim}


def _permute(given: Any, call: Call) -> Settings:
    rank = len(_shape(call))
    return {"op": "permute", "order": [one % rank for one in given.dims]}


def _transpose(given: Any, call: Call) -> Settings:
    order = list(range(len(_shape(call))))
    a, b = _or(given.dim0, -1), _or(given.dim1, -2)
    order[a], order[b] = order[b], order[a]
    return {"op": "permute", "order": order}


def _interpolate(given: Any, call: Call) -> Settings:
    before, after = _shape(call)[2:], call.output_shapes[0][2:]
    if given.antialias or given.mode in ("bicubic", "area", "nearest-exact"):
        raise Unknown
    scales = None if given.recompute_scale_factor else given.scale_factor
    if not isinstance(scales, tuple | list):
        scales = [scales] * len(after)
    if given.align_corners:
        steps = [(a - 1) / (b - 1) if b > 1 else 0 for a, b in zip(before, after, strict=True)]
    else:
        steps = [1 / s if s else a / b for s, a, b in zip(scales, before, after, strict=True)]
    mode = "nearest" if given.mode in (None, "nearest") else "linear"
    return {"op": "upsample", "mode": mode, "step": steps, "corners": bool(given.align_corners)}


def _pad(mode: str = "constant") -> Make:
    def make(given: Any, call: Call) -> Settings:
        flat = _or(given.pad, given.padding)
        pairs = [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)][::-1]
        pads = [[0, 0]] * (len(_shape(call)) - len(pairs)) + pairs
        return {"op": "pad", "padding": pads, "mode": given.mode or mode, "value": given.value or 0}

    return make


def _gather(op: str) -> Make:
    def make(given: Any, call: Call) -> Settings:
        if given.dtype is not None:
            raise Unknown
        rank = len(_shape(call))
        dims = range(rank) if given.dim in (None, ()) else given.dim
        each = [dims] if isinstance(dims, int) else dims
        return {"op": op, "dims": sorted(one % rank for one in each)}

    return make


# what a function's arguments are called by their place, and what it works out
FUNCTIONS: dict[str, tuple[str, Make]] = {
    "batch_norm": ("input running_mean running_var weight bias training momentum eps", _batch_norm),
    "group_norm": ("input num_groups weight bias eps", _group_norm),
    "instance_norm": ("input running_mean running_var weight bias", _instance_norm),
    "layer_norm": ("input normalized_shape weight bias eps", _layer_norm),
    "linear": ("input weight bias", _linear),
    "leaky_relu": ("input negative_slope", _each("leaky_relu", negative_slope=0.01)),
    "elu": ("input alpha", _each("elu", alpha=1.0)),
    "gelu": ("input approximate", _each("gelu", approximate="none")),
    "softplus": ("input beta threshold", _each("softplus", beta=1.0, threshold=20.0)),
    "softmax": ("input dim", _along("softmax")),
    "log_softmax": ("input dim", _along("log_softmax")),
    "permute": ("input *dims", _permute),
    "transpose": ("input dim0 dim1", _transpose),
    "interpolate": (
        "input size scale_factor mode align_corners recompute_scale_factor antialias",
        _interpolate,
    ),
    "pad": ("input pad mode value", _pad()),
    "reflection_pad": ("input pad", _pad("reflect")),
    "replication_pad": ("input pad", _pad("replicate")),
    "circular_pad": ("input pad", _pad("circular")),
    "mean": ("input dim", _gather("mean")),
    "sum": ("input dim", _gather("sum")),
}
# the layer of each, where it is not for some number of axes
LAYERS: dict[type[nn.Module], str] = {
    nn.GroupNorm: "group_norm",
    nn.LayerNorm: "layer_norm",
    nn.Linear: "linear",
    nn.LeakyReLU: "leaky_relu",
    nn.ELU: "elu",
    nn.GELU: "gelu",
    nn.Softplus: "softplus",
    nn.Softmax: "softmax",
    nn.LogSoftmax: "log_softmax",
    nn.Upsample: "interpolate",
    nn.UpsamplingNearest2d: "interpolate",
    nn.UpsamplingBilinear2d: "interpolate",
    nn.Dropout: "dropout",
    nn.Flatten: "flatten",
    nn.Unflatten: "unflatten",
    nn.Identity: "clone",
}


def _enter(names: str, words: str, make: Make, layers: Iterable[str] = ()) -> None:
    """One entry under several names, with the layers of torch.nn that do the same."""
    for name in names.split():
        FUNCTIONS[name] = (words, make)
        LAYERS.update({getattr(nn, layer): name for layer in layers if hasattr(nn, layer)})


for _kind, _layer in {
    "relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU", "mish": "Mish", "hardswish": "Hardswish",
    "hardsigmoid": "Hardsigmoid", "sigmoid": "Sigmoid", "tanh": "Tanh",
}.items():  # fmt: skip
    _enter(_kind, "input", _each(_kind), [_layer])
for _name in ("add", "sub", "mul", "div"):
    _enter(f"{_name} i{_name}", "input other", _binary(_name))
    _enter(f"r{_name}", "input other", _binary(_name, swapped=True))
_enter("subtract", "input other", _binary("sub"))
_enter("multiply", "input other", _binary("mul"))
_enter("truediv true_divide itruediv", "input other", _binary("div"))
_enter("rtruediv", "input other", _binary("div", swapped=True))
_enter("cat concat concatenate", "tensors dim", _cat)
_enter("flatten view reshape squeeze unsqueeze unflatten", "input", _each("reshape"))
_enter("contiguous clone detach", "input", _each("identity"))
_enter("dropout", "input p training", _dropout)
_enter("swapaxes t mT", "input dim0 dim1", _transpose)
for _dims in (1, 2, 3):
    _conv_words = "input weight bias stride padding dilation groups"
    _enter(f"conv{_dims}d", _conv_words, _conv, [f"Conv{_dims}d"])
    _transposed_words = "input weight bias stride padding output_padding groups dilation"
    _layers = [f"ConvTranspose{_dims}d"]
    _enter(f"conv_transpose{_dims}d", _transposed_words, _conv_transpose, _layers)
    for _name, _op, _words in (
        ("Max", "max_pool", "input kernel_size stride padding dilation"),
        ("Avg", "avg_pool",
         "input kernel_size stride padding ceil_mode count_include_pad divisor_override"),
    ):  # fmt: skip
        _enter(f"{_op}{_dims}d", _words, _pool(_op, _dims), [f"{_name}Pool{_dims}d"])
        _adaptive = _each(f"adaptive_{_op}", dims=_dims)
        _layers = [f"Adaptive{_name}Pool{_dims}d"]
        _enter(f"adaptive_{_op}{_dims}d", "input output_size", _adaptive, _layers)
    _enter(f"dropout{_dims}d", "input p training", _dropout, [f"Dropout{_dims}d"])
    for _name, _layers in {
        "batch_norm": ["BatchNorm"], "instance_norm": ["InstanceNorm"],
        "reflection_pad": ["ReflectionPad"], "replication_pad": ["ReplicationPad"],
        "circular_pad": ["CircularPad"], "pad": ["ConstantPad", "ZeroPad"],
    }.items():  # fmt: skip
        _enter(_name, *FUNCTIONS[_name], [f"{layer}{_dims}d" for layer in _layers])
