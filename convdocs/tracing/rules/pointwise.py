# ruff: noqa: SIM905 (long lists of names read best as words)
"""Activations, normalisations, arithmetic: the output has its inputs' shape, broadcast."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, Mark, Shape, facts

ACTIVATIONS = (
    "relu relu6 sigmoid tanh silu gelu mish hardswish hardsigmoid hardtanh leaky_relu elu selu "
    "celu softplus softsign logsigmoid tanhshrink exp log sqrt rsqrt neg abs sin cos square log1p "
    "expm1 clamp"
).split()
ACTIVATION_MODULES = (
    nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, nn.Mish, nn.Hardswish,
    nn.Hardsigmoid, nn.Hardtanh, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.Softplus,
)  # fmt: skip


def elementwise(x: Mark, *, inplace: bool = False) -> Answer:
    """Answer for a function of each element by itself."""
    return Answer(x.shape, x.dtype, x.plain and x.dtype in FLOATS, flow=flow.same, inplace=inplace)


@BOOK.rule(*ACTIVATIONS)
def activation(input: Tensor, *settings: Any, inplace: bool = False, **more: Any) -> Answer:
    return elementwise(facts(input), inplace=inplace)


@BOOK.module(*ACTIVATION_MODULES)
def activation_module(module: nn.Module, input: Tensor) -> Answer:
    return elementwise(facts(input), inplace=getattr(module, "inplace", False))


@BOOK.rule("dropout", "alpha_dropout", "dropout1d", "dropout2d", "dropout3d")
def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Answer | None:
    if not 0 <= p <= 1:
        return None
    return elementwise(facts(input), inplace=inplace)


@BOOK.rule("batch_norm")
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Answer:
    x = facts(input)
    vectors = (running_mean, running_var, weight, bias)
    return normalise(x, vectors, training)


def normalise(x: Mark, vectors: tuple[Tensor | None, ...], training: bool) -> Answer:
    """Answer for batch norm: plain when all vectors have the input's channels and dtype."""
    channels = (x.shape[1],) if len(x.shape) > 1 else None
    plain = x.plain and x.dtype in FLOATS and channels is not None and 0 not in x.shape
    for vector in vectors:
        if vector is not None and (vector.shape != channels or vector.dtype is not x.dtype):
            plain = False
    if training and plain:
        values = 1
        for size in (x.shape[0], *x.shape[2:]):
            values *= size
        plain = values > 1
    elif vectors[0] is None or vectors[1] is None:
        plain = False
    return Answer(x.shape, x.dtype, plain, flow=flow.same)


@BOOK.module(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
def batch_norm_module(module: Any, input: Tensor) -> Answer | None:
    x = facts(input)
    dims = type(module).__name__[-2]
    ranks = {"1": (2, 3), "2": (4,), "3": (5,)}[dims]
    if len(x.shape) not in ranks:
        return None
    p, b = module._parameters, module._buffers
    vectors = (b["running_mean"], b["running_var"], p["weight"], p["bias"])
    training = module.training or vectors[0] is None
    return normalise(x, vectors, training)


def broadcast(first: Shape, second: Shape) -> Shape | None:
    """The shape of two tensors combined element by element, or None when they do not fit."""
    if first == second:
        return first
    if len(first) < len(second):
        first, second = second, first
    gap = len(first) - len(second)
    out = list(first)
    for place, size in enumerate(second, start=gap):
        if out[place] == 1:
            out[place] = size
        elif size not in (1, out[place]):
            return None
    return tuple(out)


@BOOK.rule("add", "sub", "mul", "div", "true_divide", "multiply", "subtract")
def arithmetic(input: Any, other: Any = None, **settings: Any) -> Answer | None:
    if not isinstance(input, Tensor) or settings:
        return None
    x = facts(input)
    if isinstance(other, int | float) and not isinstance(other, bool):
        return elementwise(x)
    if not isinstance(other, Tensor):
        return None
    y = facts(other)
    shape = broadcast(x.shape, y.shape)
    if shape is None:
        return None
    plain = x.plain and y.plain and x.dtype is y.dtype and x.dtype in FLOATS
    return Answer(shape, x.dtype, plain, flow=flow.same)
