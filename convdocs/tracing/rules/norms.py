"""Normalisations and softmax: the shape stays, some axes are read whole."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from torch import Tensor, nn

from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, Mark, by_kernel, dims_of, facts


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
    return normalise(facts(input), (running_mean, running_var, weight, bias), training)


def normalise(x: Mark, vectors: Sequence[Tensor | None], training: bool) -> Answer:
    """Answer for batch norm: sound when all vectors have the input's channels and dtype.

    Its statistics over the batch do not count as reading the whole input: once trained they are
    constants.
    """
    channels = (x.shape[1],) if len(x.shape) > 1 else None
    sound = x.dtype in FLOATS and channels is not None and 0 not in x.shape
    for vector in vectors:
        if vector is not None and (vector.shape != channels or vector.dtype is not x.dtype):
            sound = False
    if training:
        sound = sound and x.shape[0] * prod(x.shape[2:]) > 1
    elif vectors[0] is None or vectors[1] is None:
        sound = False
    return Answer(x.shape, x.dtype, sound, x.plain, flow=flow.same)


RANKS = {nn.BatchNorm1d: (2, 3), nn.BatchNorm2d: (4,), nn.BatchNorm3d: (5,)}


@BOOK.module(*RANKS)
def batch_norm_module(module: Any, input: Tensor) -> Answer | None:
    x = facts(input)
    if len(x.shape) not in RANKS[type(module)]:
        return None
    p, b = module._parameters, module._buffers
    vectors = (b.get("running_mean"), b.get("running_var"), p.get("weight"), p.get("bias"))
    return normalise(x, vectors, module.training or vectors[0] is None)


@BOOK.rule("layer_norm")
def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Answer | None:
    x, own = facts(input), tuple(normalized_shape)
    if not own or x.shape[-len(own) :] != own:
        return None
    sound = x.dtype in FLOATS
    for vector in (weight, bias):
        if vector is not None and (tuple(vector.shape) != own or vector.dtype is not x.dtype):
            sound = False
    dims = tuple(range(len(x.shape) - len(own), len(x.shape)))
    return Answer(x.shape, x.dtype, sound, x.plain, flow=flow.mixed(dims))


@BOOK.module(nn.LayerNorm)
def layer_norm_module(module: Any, input: Tensor) -> Answer | None:
    p = module._parameters
    return layer_norm(input, module.normalized_shape, p.get("weight"), p.get("bias"))


@BOOK.rule("group_norm")
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Answer | None:
    x = facts(input)
    if len(x.shape) < 2 or num_groups < 1:
        return None
    channels = x.shape[1]
    sound = x.dtype in FLOATS and 0 not in x.shape and channels % num_groups == 0
    sound = sound and prod(x.shape[2:]) * x.shape[0] * (channels // num_groups) > 1
    for vector in (weight, bias):
        if vector is not None and (vector.shape != (channels,) or vector.dtype is not x.dtype):
            sound = False
    return Answer(x.shape, x.dtype, sound, x.plain, flow=flow.mixed(tuple(range(1, len(x.shape)))))


@BOOK.rule("instance_norm")
def instance_norm(input: Tensor, *args: Any, use_input_stats: bool = True, **kwargs: Any) -> Answer:
    x = facts(input)
    dims = tuple(range(2, len(x.shape))) if use_input_stats else ()
    return by_kernel(x, flow.mixed(dims))


@BOOK.rule("rms_norm")
def rms_norm(input: Tensor, normalized_shape: Sequence[int], *args: Any, **kwargs: Any) -> Answer:
    x = facts(input)
    rank = len(x.shape)
    return by_kernel(x, flow.mixed(tuple(range(rank - len(tuple(normalized_shape)), rank))))


@BOOK.rule("local_response_norm")
def local_response_norm(input: Tensor, *args: Any, **kwargs: Any) -> Answer:
    return by_kernel(facts(input), flow.same)


@BOOK.rule("softmax", "log_softmax", "softmin", "cumsum", "cumprod", "logcumsumexp")
def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Answer | None:
    x = facts(input)
    dims = dims_of(dim, len(x.shape)) if dim is not None else None
    if dims is None or len(dims) != 1:
        return None
    sound = x.dtype in FLOATS and dtype is None
    return Answer(x.shape, x.dtype, sound, x.plain, flow=flow.mixed(dims))


@BOOK.rule("normalize")
def normalize(input: Tensor, p: float = 2.0, dim: int = 1, *args: Any, **kwargs: Any) -> Answer:
    x = facts(input)
    return by_kernel(x, flow.mixed(dims_of(dim, len(x.shape)) or ()))
