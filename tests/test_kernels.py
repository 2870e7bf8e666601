# ruff: noqa: SIM905 (long lists of names read best as words)
"""What convdocs answers in the place of torch's slow kernels is what those kernels answer."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from convdocs.tracing import kernels, trace
from convdocs.tracing.answer import FunctionCall
from convdocs.tracing.memory import mark_of
from convdocs.tracing.nested import tensors_in

NUMBER = st.sampled_from([0, 1, 2, 0.5, -1.0, True])


def meta(shape: Any, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


@st.composite
def tensors(draw: Any, least: int = 1, most: int = 5) -> Tensor:
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 4, 0]), min_size=least, max_size=most))
    dtype = draw(st.sampled_from([torch.float32] * 4 + [torch.float64, torch.int64, torch.half]))
    x = meta(shape, dtype)
    return x.transpose(0, -1) if draw(st.integers(0, 5)) == 0 else x


def vector(draw: Any, size: int) -> Tensor | None:
    made = meta([draw(st.sampled_from([size, size, size, size + 1]))])
    return draw(st.sampled_from([None, made, made]))


def call(draw: Any, name: str) -> tuple[Any, ...]:
    """Arguments of the function, right ones or not."""
    x = draw(tensors())
    size = x.shape[-1]
    channels = x.shape[1] if x.dim() > 1 else 1
    match name:
        case "linear":
            wide = draw(st.integers(1, 3))
            return x, meta([wide, draw(st.sampled_from([size, size, 2]))]), vector(draw, wide)
        case "add" | "sub" | "mul" | "div" | "add_" | "__iadd__" | "__imul__" | "sub_":
            return x, draw(tensors() | NUMBER | st.just(x))
        case "cat":
            parts = [x, *draw(st.lists(tensors(x.dim(), x.dim()) | st.just(x), max_size=2))]
            return parts, draw(st.integers(-3, 3))
        case "batch_norm":
            vectors = [vector(draw, channels) for _ in range(4)]
            return (x, *vectors, draw(st.booleans()))
        case "conv1d" | "conv2d" | "conv3d":
            wide, groups, dims = draw(st.integers(1, 4)), draw(st.integers(1, 2)), int(name[4])
            narrow = draw(st.sampled_from([max(1, channels // groups), 2]))
            kernel = draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
            number = st.integers(-1, 3) | st.lists(st.integers(1, 2), min_size=1, max_size=dims)
            padding = draw(number | st.sampled_from(["same", "valid"]))
            weight, bias = meta([wide, narrow, *kernel]), vector(draw, wide)
            return x, weight, bias, draw(number), padding, draw(number), groups
        case "conv_transpose1d" | "conv_transpose2d" | "conv_transpose3d":
            narrow, groups, dims = draw(st.integers(1, 3)), draw(st.integers(1, 2)), int(name[-2])
            wide = draw(st.sampled_from([channels, channels, 2]))
            kernel = draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
            number = st.integers(-1, 3) | st.lists(st.integers(0, 2), min_size=1, max_size=dims)
            weight, bias = meta([wide, narrow, *kernel]), vector(draw, narrow * groups)
            numbers = [draw(number) for _ in range(4)]
            return x, weight, bias, *numbers[:3], groups, numbers[3]
        case (
            "max_pool1d" | "max_pool2d" | "max_pool3d" | "avg_pool1d" | "avg_pool2d" | "avg_pool3d"
        ):
            dims = int(name[-2])
            number = st.integers(0, 3) | st.lists(st.integers(0, 2), min_size=dims, max_size=dims)
            settings = [draw(number), draw(number | st.none()), draw(number)]
            if name[:3] == "max":
                return x, *settings, draw(number), draw(st.booleans()), draw(st.booleans())
            more = (draw(st.sampled_from([None, 0, 2])),) * (dims > 1)
            return x, *settings, draw(st.booleans()), draw(st.booleans()), *more
        case "layer_norm":
            own = list(x.shape[draw(st.integers(0, x.dim())) :])
            return (
                x,
                draw(st.sampled_from([own, [2]])),
                None if len(own) != 1 else vector(draw, size),
            )
        case "group_norm":
            return x, draw(st.integers(1, 3)), vector(draw, channels), vector(draw, channels)
        case "mean":
            dim = draw(st.integers(-4, 4) | st.lists(st.integers(-3, 3), max_size=2))
            return x, dim, draw(st.booleans())
        case "hardtanh" | "clamp":
            return x, draw(NUMBER), draw(NUMBER)
        case "scaled_dot_product_attention":
            return x, draw(st.just(x) | tensors()), draw(st.just(x) | tensors())
        case "adaptive_avg_pool2d":
            return x, draw(st.integers(0, 3) | st.lists(st.integers(1, 3), min_size=1, max_size=3))
        case "pow" | "__pow__" | "clamp_min" | "clamp_max" | "rsub" | "__rsub__":
            return x, draw(NUMBER)
        case "leaky_relu" | "elu" | "celu":
            return x, draw(st.sampled_from([0.5, 1.0]))
        case "dropout":
            return x, 0.5, draw(st.booleans())
    return (x,)


NAMES = [
    *"relu relu6 sigmoid tanh silu gelu mish hardswish hardsigmoid leaky_relu elu selu".split(),
    *"celu softplus softsign logsigmoid tanhshrink exp sqrt rsqrt neg abs square dropout".split(),
    *"pow clamp_min clamp_max rsub hardtanh clamp linear cat adaptive_avg_pool2d mean".split(),
    *"scaled_dot_product_attention add sub mul div batch_norm layer_norm group_norm".split(),
    *"conv1d conv2d conv3d max_pool1d max_pool2d avg_pool1d avg_pool2d".split(),
    *"max_pool3d avg_pool3d add_ sub_ __iadd__ __imul__".split(),
    *"conv_transpose1d conv_transpose2d conv_transpose3d".split(),
]


def right(name: str) -> tuple[Any, ...]:
    """Arguments that the function takes, as most models give them."""
    x, channels = meta((2, 3, 4, 5)), meta([3])
    match name:
        case "linear":
            return x, meta((7, 5)), meta([7])
        case "add" | "sub" | "mul" | "div" | "add_" | "__iadd__" | "__imul__" | "sub_":
            return x, meta((3, 1, 5))
        case "cat":
            return [x, x], 1
        case "batch_norm":
            return x, channels, channels, channels, channels
        case "max_pool1d" | "avg_pool1d":
            return meta((2, 3, 9)), 2
        case "max_pool2d" | "avg_pool2d":
            return x, 3, 2, 1
        case "max_pool3d" | "avg_pool3d":
            return meta((2, 3, 4, 5, 6)), (1, 2, 2), None, 0
        case "conv1d":
            return meta((2, 4, 9)), meta((6, 2, 3)), meta([6]), 2, 1, 2, 2
        case "conv2d":
            return x, meta((6, 3, 3, 2)), None, (2, 1), (1, 0)
        case "conv3d":
            return meta((1, 2, 4, 5, 6)), meta((3, 2, 3, 3, 3))
        case "conv_transpose1d":
            return meta((2, 4, 9)), meta((4, 3, 3)), meta([6]), 2, 1, 1, 2
        case "conv_transpose2d":
            return x, meta((3, 6, 2, 2)), None, 2
        case "conv_transpose3d":
            return meta((1, 2, 3, 3, 3)), meta((2, 3, 2, 3, 2)), None, (1, 2, 1), 1
        case "layer_norm":
            return x, (4, 5), meta((4, 5)), None
        case "group_norm":
            return x, 3, channels, channels
        case "mean":
            return x, (2, 3)
        case "hardtanh" | "clamp":
            return x, 0, 6
        case "scaled_dot_product_attention":
            return x, x, x
        case "adaptive_avg_pool2d":
            return x, 2
        case "pow" | "clamp_min" | "clamp_max" | "rsub":
            return x, 2
    return (x,)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_the_kernels(name: str):
    function = next(getattr(home, name) for home in (F, torch, Tensor) if hasattr(home, name))

    def agree(args: tuple[Any, ...]) -> bool:
        marks = [mark_of(one) for one in tensors_in(args)]
        given = FunctionCall(function, args, {}, marks).operands
        found = kernels.trivial(function, args, given, [one.layout for one in marks])
        if found is not None:
            real = function(*args)
            for own, theirs in zip(tensors_in(found), tensors_in(real), strict=True):
                assert (own.shape, own.dtype) == (theirs.shape, theirs.dtype)
                assert own.is_contiguous() == theirs.is_contiguous()
        return found is not None

    assert agree(right(name)), "it is asked of torch after all"

    @settings(max_examples=60)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        agree(call(data.draw, name))

    check()


@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN])
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("first", [False, True])
def test_a_recurrent_layer_gives_what_torch_gives(kind: Any, both: bool, first: bool):
    layer = kind(3, 4, num_layers=2, bidirectional=both, batch_first=first)
    real = layer(torch.ones(5, 2, 3))
    found = trace(layer, (5, 2, 3))
    assert found.executed == "shapes"
    assert found.output_shapes == tuple(tuple(one.shape) for one in tensors_in(real))
