# ruff: noqa: SIM905 (long lists of names read best as words)
"""Activations, arithmetic, dropout, embeddings: each element by itself, broadcast."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, Mark, Shape, by_kernel, facts

# functions of one tensor whose other arguments cannot make them fail
ACTIVATIONS = (
    "relu relu6 sigmoid tanh silu gelu mish hardswish hardsigmoid leaky_relu elu selu celu "
    "softplus softsign logsigmoid tanhshrink exp log sqrt rsqrt neg abs sin cos square log1p expm1 "
    "erf reciprocal"
).split()
ACTIVATION_MODULES = (
    nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, nn.Mish, nn.Hardswish,
    nn.Hardsigmoid, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.Softplus, nn.Softsign,
    nn.LogSigmoid, nn.Tanhshrink,
)  # fmt: skip
# further ones that torch's kernel checks, quickly, by itself
ELEMENTWISE = (
    "pow maximum minimum where masked_fill clamp clip clamp_min clamp_max gt lt ge le eq ne "
    "logical_and logical_or logical_not isnan isfinite float half double bfloat16 long int bool "
    "to type type_as contiguous clone detach requires_grad_ data expand expand_as broadcast_to "
    "nan_to_num round floor ceil sign hardtanh hardshrink softshrink threshold rrelu prelu "
    "normalize_ lerp addcmul addcdiv real imag angle remainder fmod sinh cosh atan2 "
    "floor_divide rsub __rsub__ __rdiv__ __rpow__ __and__ __or__ __xor__ cpu cuda zero_ fill_ "
    "copy_ uniform_ normal_ bernoulli bernoulli_ zeros_like ones_like rand_like randn_like "
    "full_like empty_like tan asin acos atan exp2 log2 log10 sigmoid_ frac trunc "
    "dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax"
).split()


def elementwise(x: Mark, *, inplace: bool = False) -> Answer:
    """Answer for a function of each element by itself."""
    sound = x.dtype in FLOATS
    return Answer(x.shape, x.dtype, sound, x.plain, flow=flow.same, inplace=inplace)


@BOOK.rule(*ELEMENTWISE)
def checked_elementwise(*args: Any, **kwargs: Any) -> Answer | None:
    first = next((one for one in args if isinstance(one, Tensor)), None)
    return None if first is None else by_kernel(facts(first), flow.same)


@BOOK.rule(*ACTIVATIONS)
def activation(input: Tensor, *settings: Any, inplace: bool = False, **more: Any) -> Answer:
    if "out" in more:
        return by_kernel(facts(input), flow.same)
    return elementwise(facts(input), inplace=inplace)


@BOOK.module(*ACTIVATION_MODULES)
def activation_module(module: nn.Module, input: Tensor) -> Answer:
    return elementwise(facts(input), inplace=getattr(module, "inplace", False))


@BOOK.rule("dropout")
def dropout(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Answer | None:
    if not 0 <= p <= 1:
        return None
    return elementwise(facts(input), inplace=inplace)


@BOOK.module(nn.Dropout)
def dropout_module(module: Any, input: Tensor) -> Answer | None:
    return elementwise(facts(input), inplace=module.inplace) if 0 <= module.p <= 1 else None


@BOOK.module(nn.Identity)
def identity_module(module: nn.Module, input: Tensor) -> Answer:
    return elementwise(facts(input))


def broadcast(first: Shape, second: Shape) -> Shape | None:
    """The shape of two tensors combined element by element, or None when they do not fit.

    Examples
    --------
    >>> broadcast((2, 1, 5), (3, 1)), broadcast((2,), (3,))
    ((2, 3, 5), None)
    """
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


@BOOK.rule("add", "sub", "mul", "div", "true_divide", "multiply", "subtract", "divide")
def arithmetic(input: Any, other: Any, **settings: Any) -> Answer | None:
    if not isinstance(input, Tensor):
        return by_kernel(facts(other), flow.same) if isinstance(other, Tensor) else None
    x = facts(input)
    if settings:
        return by_kernel(x, flow.same)
    if isinstance(other, int | float) and not isinstance(other, bool):
        return elementwise(x)
    if not isinstance(other, Tensor):
        return None
    y = facts(other)
    shape = broadcast(x.shape, y.shape)
    if shape is None:
        return None
    sound = x.dtype is y.dtype and x.dtype in FLOATS
    return Answer(shape, x.dtype, sound, x.plain and y.plain, flow=flow.same)


@BOOK.rule("embedding")
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Answer | None:
    x, w = facts(input), facts(weight)
    if len(w.shape) != 2:
        return None
    sound = (
        w.dtype in FLOATS
        and x.dtype in (torch.int64, torch.int32)
        and max_norm is None
        and (padding_idx is None or -w.shape[0] <= padding_idx < w.shape[0])
    )
    laid_out = x.plain and w.plain
    return Answer((*x.shape, w.shape[1]), w.dtype, sound, laid_out, flow=flow.embedded)
