"""What one call of a network works out, as plain settings for the page's own arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from convdocs.explorer.recording import Operand, Step
from convdocs.layers import per_axis
from convdocs.report import Call
from convdocs.tracing import functions

Settings = dict[str, Any]


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
            return _of_module(step.function, step.args, call)
        return _of_function(step, call)
    except (Unknown, TypeError, ValueError, IndexError, AttributeError):
        return None


def _of_module(module: nn.Module, args: Sequence[Any], call: Call) -> Settings:
    base = next((cls for cls in type(module).__mro__ if cls in MODULES), None)
    if base is None or type(module).forward is not base.forward:
        raise Unknown
    return {"inputs": [_dynamic(args[0])], **MODULES[base](module, call)}


def _of_function(step: Step, call: Call) -> Settings:
    name = functions.name(step.function).rstrip("_")
    words, make = FUNCTIONS[name] if name in FUNCTIONS else _unknown()
    names = words.split()
    if names[-1][0] == "*":  # the rest as one tuple, as view and permute take it
        kept = len(names) - 1
        rest = step.args[kept:]
        args = (*step.args[:kept], rest[0] if rest and isinstance(rest[0], tuple | list) else rest)
        names[-1] = names[-1][1:]
    else:
        args = step.args
    given = {**dict(zip(names, args, strict=False)), **step.kwargs}
    return {"inputs": [given.get(names[0])], **make(_Given(given), call)}


def _unknown() -> Any:
    raise Unknown


class _Given(dict[str, Any]):
    """A function's arguments by name, read as attributes; one not given is None."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _dynamic(value: Any) -> Operand:
    if not isinstance(value, Operand):
        raise Unknown
    return value


def _constant(value: Any) -> Tensor | None:
    if isinstance(value, Operand):
        raise Unknown
    return value if value is None else value.detach()


def _shape(call: Call, place: int = 0) -> tuple[int, ...]:
    return call.input_shapes[place]


# sliding windows


def _conv(given: Any, call: Call) -> Settings:
    weight = _constant(given.weight)
    assert weight is not None
    dims = weight.dim() - 2
    dilation = per_axis(given.dilation or 1, dims)
    padding = given.padding or 0
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:], strict=True)]
        pads = [[total // 2, total - total // 2] for total in totals]
    else:
        pads = [[p, p] for p in per_axis(0 if padding == "valid" else padding, dims)]
    return {
        "op": "conv",
        "kernel": list(weight.shape[2:]),
        "stride": list(per_axis(given.stride or 1, dims)),
        "padding": pads,
        "dilation": list(dilation),
        "groups": given.groups or 1,
        "mode": getattr(given, "padding_mode", None) or "zeros",
        "weight": weight,
        "bias": _constant(given.bias),
    }


def _conv_transpose(given: Any, call: Call) -> Settings:
    return {**_conv(given, call), "op": "conv_transpose"}


def _pool(op: str, dims: int) -> Callable[[Any, Call], Settings]:
    def make(given: Any, call: Call) -> Settings:
        kernel = per_axis(given.kernel_size, dims)
        return {
            "op": op,
            "kernel": list(kernel),
            "stride": list(per_axis(given.stride or kernel, dims)),
            "padding": [[p, p] for p in per_axis(given.padding or 0, dims)],
            "dilation": list(per_axis(getattr(given, "dilation", None) or 1, dims)),
            "countPad": given.count_include_pad is not False,
            "divisor": getattr(given, "divisor_override", None),
        }

    return make


class _Plain:
    """Reads a module's setting, None where it has none."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name, None)


def _adaptive(op: str, dims: int) -> Callable[[Any, Call], Settings]:
    return lambda given, call: {"op": op, "dims": dims}


# norms and linear maps


def _batch_norm(given: Any, call: Call) -> Settings:
    mean, var = _constant(given.running_mean), _constant(given.running_var)
    if mean is None or var is None or (isinstance(given, _Given) and given.training):
        raise Unknown
    weight, bias = _constant(given.weight), _constant(given.bias)
    numbers = {"mean": mean, "var": var, "weight": weight, "bias": bias}
    return {"op": "batch_norm", **numbers, "eps": given.eps or 1e-5}


def _group_norm(given: Any, call: Call) -> Settings:
    return {"op": "group_norm", "groups": given.num_groups, **_scaled(given)}


def _instance_norm(given: Any, call: Call) -> Settings:
    if given.running_mean is not None:
        raise Unknown
    return {"op": "group_norm", "groups": _shape(call)[1], **_scaled(given)}


def _layer_norm(given: Any, call: Call) -> Settings:
    cells = 1
    for size in given.normalized_shape:
        cells *= size
    return {"op": "layer_norm", "cells": cells, **_scaled(given)}


def _scaled(given: Any) -> Settings:
    eps = 1e-5 if given.eps is None else given.eps
    return {"weight": _constant(given.weight), "bias": _constant(given.bias), "eps": eps}


def _linear(given: Any, call: Call) -> Settings:
    return {"op": "linear", "weight": _constant(given.weight), "bias": _constant(given.bias)}


# cell by cell


def _unary(op: str, **defaults: Any) -> Callable[[Any, Call], Settings]:
    def make(given: Any, call: Call) -> Settings:
        settings = {
            name: value if (own := getattr(given, name)) is None else own
            for name, value in defaults.items()
        }
        return {"op": op, **settings}

    return make


def _soft(op: str) -> Callable[[Any, Call], Settings]:
    def make(given: Any, call: Call) -> Settings:
        rank = len(_shape(call))
        dim = given.dim
        if dim is None:  # torch's old rule
            dim = 0 if rank in (0, 1, 3) else 1
        return {"op": op, "dim": dim % rank}

    return make


def _binary(op: str, swapped: bool = False) -> Callable[[Any, Call], Settings]:
    def make(given: Any, call: Call) -> Settings:
        if given.out is not None or given.rounding_mode is not None:
            raise Unknown
        a, b = given["input"], given["other"]
        return {
            "op": op,
            "inputs": [b, a] if swapped else [a, b],
            "alpha": 1 if given.alpha is None else given.alpha,
        }

    return make


# shape and size


def _cat(given: Any, call: Call) -> Settings:
    if given.axis is not None or any(0 in shape for shape in call.input_shapes):
        raise Unknown
    dim = (given.dim or 0) % len(call.output_shapes[0])
    return {"op": "cat", "inputs": list(given["tensors"]), "dim": dim}


def _same(op: str) -> Callable[[Any, Call], Settings]:
    return lambda given, call: {"op": op}


def _dropout(given: Any, call: Call) -> Settings:
    if given.training is not False:  # it draws anew each time
        raise Unknown
    return {"op": "identity"}


def _permute(given: Any, call: Call) -> Settings:
    rank = len(_shape(call))
    return {"op": "permute", "order": [one % rank for one in given.dims]}


def _transpose(given: Any, call: Call) -> Settings:
    order = list(range(len(_shape(call))))
    a, b = given.dim0, given.dim1
    order[a], order[b] = order[b], order[a]
    return {"op": "permute", "order": order}


def _turned(given: Any, call: Call) -> Settings:
    rank = len(_shape(call))
    if call.kind == "T":
        return {"op": "permute", "order": list(range(rank))[::-1]}
    return {"op": "permute", "order": [*range(rank - 2), rank - 1, rank - 2]}


_MODES = {"nearest": "nearest", "linear": "linear", "bilinear": "linear", "trilinear": "linear"}


def _upsample(given: Any, call: Call) -> Settings:
    before, after = _shape(call)[2:], call.output_shapes[0][2:]
    scales: Any = given.scale_factor
    if scales is None or given.recompute_scale_factor:
        scales = [None] * len(after)
    elif not isinstance(scales, tuple | list):
        scales = [scales] * len(after)
    steps = [1 / s if s else a / b for s, a, b in zip(scales, before, after, strict=True)]
    corners = bool(given.align_corners)
    if given.antialias:
        raise Unknown
    if corners:
        steps = [(a - 1) / (b - 1) if b > 1 else 0 for a, b in zip(before, after, strict=True)]
    return {"op": "upsample", "mode": _MODES[given.mode or "nearest"], "step": steps,
            "corners": corners}  # fmt: skip


def _pad(given: Any, call: Call) -> Settings:
    flat = given.pad if given.pad is not None else given.padding
    pairs = [[flat[i], flat[i + 1]] for i in range(0, len(flat), 2)][::-1]
    mode = given.mode or _PADS.get(call.kind[:-2], "constant")
    rank = len(_shape(call))
    return {"op": "pad", "padding": [[0, 0]] * (rank - len(pairs)) + pairs, "mode": mode,
            "value": given.value or 0}  # fmt: skip


_PADS = {"ReflectionPad": "reflect", "ReplicationPad": "replicate", "CircularPad": "circular"}


def _mean(op: str) -> Callable[[Any, Call], Settings]:
    def make(given: Any, call: Call) -> Settings:
        if given.dtype is not None:
            raise Unknown
        rank = len(_shape(call))
        dims = given.dim
        every = dims is None or dims == ()
        dims = range(rank) if every else dims if isinstance(dims, tuple | list) else [dims]
        return {"op": op, "dims": sorted(one % rank for one in dims)}

    return make


def _module(make: Callable[[Any, Call], Settings]) -> Callable[[nn.Module, Call], Settings]:
    return lambda module, call: make(_Plain(module), call)


UNARY: Mapping[str, tuple[type[nn.Module] | None, Callable[[Any, Call], Settings]]] = {
    "relu": (nn.ReLU, _unary("relu")),
    "relu6": (nn.ReLU6, _unary("relu6")),
    "leaky_relu": (nn.LeakyReLU, _unary("leaky_relu", negative_slope=0.01)),
    "elu": (nn.ELU, _unary("elu", alpha=1.0)),
    "gelu": (nn.GELU, _unary("gelu", approximate="none")),
    "silu": (nn.SiLU, _unary("silu")),
    "mish": (nn.Mish, _unary("mish")),
    "hardswish": (nn.Hardswish, _unary("hardswish")),
    "hardsigmoid": (nn.Hardsigmoid, _unary("hardsigmoid")),
    "softplus": (nn.Softplus, _unary("softplus", beta=1.0, threshold=20.0)),
    "sigmoid": (nn.Sigmoid, _unary("sigmoid")),
    "tanh": (nn.Tanh, _unary("tanh")),
    "softmax": (nn.Softmax, _soft("softmax")),
    "log_softmax": (nn.LogSoftmax, _soft("log_softmax")),
}
_UNARY_WORDS = {
    "leaky_relu": "input negative_slope",
    "elu": "input alpha",
    "gelu": "input approximate",
    "softplus": "input beta threshold",
    "softmax": "input dim",
    "log_softmax": "input dim",
}

MODULES: dict[type[nn.Module], Callable[[nn.Module, Call], Settings]] = {
    **{kind: _module(_conv) for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d)},
    **{
        kind: _module(_conv_transpose)
        for kind in (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    },
    **{
        getattr(nn, f"{pool}Pool{dims}d"): _module(_pool(op, dims))
        for pool, op in (("Max", "max_pool"), ("Avg", "avg_pool"))
        for dims in (1, 2, 3)
    },
    **{
        getattr(nn, f"Adaptive{pool}Pool{dims}d"): _module(_adaptive(op, dims))
        for pool, op in (("Max", "adaptive_max_pool"), ("Avg", "adaptive_avg_pool"))
        for dims in (1, 2, 3)
    },
    **{kind: _module(_batch_norm) for kind in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)},
    **{
        kind: _module(_instance_norm)
        for kind in (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
    },
    nn.GroupNorm: _module(_group_norm),
    nn.LayerNorm: _module(_layer_norm),
    nn.Linear: _module(_linear),
    **{cls: _module(make) for cls, make in UNARY.values() if cls is not None},
    **{
        kind: _module(_same("identity"))
        for kind in (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d,
                     nn.AlphaDropout)
    },
    nn.Flatten: _module(_same("reshape")),
    nn.Unflatten: _module(_same("reshape")),
    nn.Upsample: _module(_upsample),
    nn.UpsamplingNearest2d: _module(_upsample),
    nn.UpsamplingBilinear2d: _module(_upsample),
    **{
        getattr(nn, f"{pad}Pad{dims}d"): _module(_pad)
        for pad in ("Zero", "Constant", "Reflection", "Replication", "Circular")
        for dims in (1, 2, 3)
        if hasattr(nn, f"{pad}Pad{dims}d")
    },
}  # fmt: skip

_CONV = "input weight bias stride padding dilation groups"
_TRANSPOSED = "input weight bias stride padding output_padding groups dilation"
_MAX = "input kernel_size stride padding dilation ceil_mode return_indices"
_AVERAGE = "input kernel_size stride padding ceil_mode count_include_pad divisor_override"

FUNCTIONS: dict[str, tuple[str, Callable[[Any, Call], Settings]]] = {
    **{f"conv{dims}d": (_CONV, _conv) for dims in (1, 2, 3)},
    **{f"conv_transpose{dims}d": (_TRANSPOSED, _conv_transpose) for dims in (1, 2, 3)},
    **{f"max_pool{dims}d": (_MAX, _pool("max_pool", dims)) for dims in (1, 2, 3)},
    **{f"avg_pool{dims}d": (_AVERAGE, _pool("avg_pool", dims)) for dims in (1, 2, 3)},
    **{
        f"adaptive_{pool}_pool{dims}d": (
            "input output_size",
            _adaptive(f"adaptive_{pool}_pool", dims),
        )
        for pool in ("max", "avg")
        for dims in (1, 2, 3)
    },
    "batch_norm": ("input running_mean running_var weight bias training momentum eps", _batch_norm),
    "group_norm": ("input num_groups weight bias eps", _group_norm),
    "layer_norm": ("input normalized_shape weight bias eps", _layer_norm),
    "linear": ("input weight bias", _linear),
    **{name: (_UNARY_WORDS.get(name, "input inplace"), make) for name, (_, make) in UNARY.items()},
    **{
        name: ("input other", _binary(op, swapped))
        for name, op, swapped in (
            ("add", "add", False), ("radd", "add", False), ("iadd", "add", False),
            ("sub", "sub", False), ("subtract", "sub", False), ("isub", "sub", False),
            ("rsub", "sub", True),
            ("mul", "mul", False), ("multiply", "mul", False), ("rmul", "mul", False),
            ("imul", "mul", False),
            ("div", "div", False), ("truediv", "div", False), ("true_divide", "div", False),
            ("itruediv", "div", False), ("rtruediv", "div", True),
        )
    },
    **dict.fromkeys(("cat", "concat", "concatenate"), ("tensors dim", _cat)),
    **{
        name: ("input", _same("reshape"))
        for name in ["flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten"]
    },
    **{
        name: ("input", _same("identity"))
        for name in ["contiguous", "clone", "detach"]
    },
    **dict.fromkeys(
        ["dropout", "dropout1d", "dropout2d", "dropout3d"], ("input p training", _dropout)
    ),
    "permute": ("input *dims", _permute),
    "transpose": ("input dim0 dim1", _transpose),
    "swapaxes": ("input dim0 dim1", _transpose),
    "T": ("input", _turned),
    "mT": ("input", _turned),
    "t": ("input", _turned),
    "interpolate": (
        "input size scale_factor mode align_corners recompute_scale_factor antialias", _upsample),
    "pad": ("input pad mode value", _pad),
    "mean": ("input dim keepdim", _mean("mean")),
    "sum": ("input dim keepdim", _mean("sum")),
}  # fmt: skip
