"""Every shape rule against torch itself: what it calls plain must succeed with that very shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convdocs.tracing.rules import BOOK

Call = tuple[Any, tuple[Any, ...], dict[str, Any]]
DTYPES = st.sampled_from([torch.float32] * 6 + [torch.float64, torch.int64, torch.complex64])
SMALL = st.integers(0, 5)


def tensor(shape: Any, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.ones(tuple(shape), dtype=dtype)


def shapes(least: int, most: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, 9) | st.integers(1, 6), min_size=least, max_size=most)


@st.composite
def odd_layout(draw: Any, x: Tensor) -> Tensor:
    """The tensor itself, or one of its shape that is not contiguous."""
    if x.dim() < 2 or draw(st.integers(0, 5)):
        return x
    return x.transpose(0, -1).contiguous().transpose(0, -1)


def per_axis(dims: int, low: int, high: int) -> st.SearchStrategy[Any]:
    one = st.integers(low, high)
    return one | st.tuples(*[one] * dims) | st.lists(one, min_size=dims, max_size=dims)


@st.composite
def convolutions(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    inner, outer = draw(st.integers(1, 2)), draw(st.integers(1, 4))
    off = draw(st.sampled_from([0, 0, 0, 0, 1]))
    kernel = draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
    spatial = draw(st.lists(st.integers(0, 8) | st.integers(3, 8), min_size=dims, max_size=dims))
    batch = draw(st.sampled_from([[], [1], [2], [0]]))
    dtype = draw(DTYPES)
    x = draw(odd_layout(tensor([*batch, inner * groups + off, *spatial], dtype)))
    weight = tensor([outer, inner, *kernel], draw(st.sampled_from([dtype, dtype, torch.float32])))
    bias = draw(st.none() | st.just(tensor([outer], weight.dtype)) | st.just(tensor([outer + 1])))
    padding = draw(per_axis(dims, 0, 3) | st.sampled_from(["same", "valid"]))
    stride, dilation = draw(per_axis(dims, 1, 3)), draw(per_axis(dims, 1, 2))
    func = (F.conv1d, F.conv2d, F.conv3d)[dims - 1]
    return func, (x, weight, bias, stride, padding, dilation, groups), {}


@st.composite
def transposed(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    groups = draw(st.sampled_from([1, 1, 2]))
    inner, outer = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    kernel = draw(st.lists(st.integers(1, 3), min_size=dims, max_size=dims))
    spatial = draw(st.lists(st.integers(0, 4) | st.integers(1, 4), min_size=dims, max_size=dims))
    batch = draw(st.sampled_from([[], [1], [2], [0]]))
    dtype = draw(DTYPES)
    channels = inner * groups + draw(st.sampled_from([0, 0, 0, 1]))
    x = draw(odd_layout(tensor([*batch, channels, *spatial], dtype)))
    weight = tensor([inner * groups, outer, *kernel], dtype)
    bias = draw(st.none() | st.just(tensor([outer * groups], dtype)))
    rest = (per_axis(dims, 1, 3), per_axis(dims, 0, 2), per_axis(dims, 0, 2))
    stride, padding, extra = (draw(one) for one in rest)
    func = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[dims - 1]
    dilation = draw(per_axis(dims, 1, 2))
    return func, (x, weight, bias, stride, padding, extra, groups, dilation), {}


@st.composite
def images(draw: Any, dims: int) -> Tensor:
    """Mostly what a pool takes: with or without a batch, large enough."""
    lead = draw(st.sampled_from([[2], [1, 2], [2, 1], [0, 2], [0], [2, 2, 2], []]))
    spatial = draw(st.lists(st.integers(2, 8) | st.integers(0, 8), min_size=dims, max_size=dims))
    return draw(odd_layout(tensor([*lead, *spatial], draw(DTYPES))))


def strides(dims: int) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from([1, 2, 3, 1, 2, 0]) | per_axis(dims, 1, 3)


def paddings_of_pools(dims: int) -> st.SearchStrategy[Any]:
    return st.sampled_from([0, 0, 0, 1, 2]) | per_axis(dims, 0, 1)


@st.composite
def max_pools(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    kwargs = {
        "stride": draw(strides(dims)),
        "padding": draw(paddings_of_pools(dims)),
        "dilation": draw(st.sampled_from([1, 1, 2]) | per_axis(dims, 1, 2)),
        "ceil_mode": draw(st.booleans()),
        "return_indices": draw(st.sampled_from([False, False, False, True])),
    }
    func = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[dims - 1]
    return func, (draw(images(dims)), draw(per_axis(dims, 1, 4))), kwargs


@st.composite
def average_pools(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    kwargs = {
        "stride": draw(strides(dims)),
        "padding": draw(paddings_of_pools(dims)),
        "ceil_mode": draw(st.booleans()),
        "count_include_pad": draw(st.booleans()),
    }
    if dims > 1:
        kwargs["divisor_override"] = draw(st.sampled_from([None, None, 2, 0]))
    func = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[dims - 1]
    return func, (draw(images(dims)), draw(per_axis(dims, 1, 4))), kwargs


@st.composite
def lp_pools(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    func = (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[dims - 1]
    kwargs = {"stride": draw(st.none() | st.integers(1, 3)), "ceil_mode": draw(st.booleans())}
    norm = draw(st.sampled_from([1, 2, 2.5, 0]))
    return func, (draw(images(dims)), norm, draw(st.integers(1, 4))), kwargs


@st.composite
def adaptive_pools(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    x = draw(images(dims))
    one = st.integers(0, 5) | st.none()
    size = draw(st.integers(0, 5) | st.lists(one, min_size=dims, max_size=dims))
    names = ["adaptive_avg_pool", "adaptive_max_pool"]
    func = getattr(F, f"{draw(st.sampled_from(names))}{dims}d")
    return func, (x, size), {}


@st.composite
def activations(draw: Any) -> Call:
    x = draw(odd_layout(tensor(draw(shapes(0, 4)), draw(DTYPES))))
    names = ["relu", "silu", "gelu", "sigmoid", "tanh", "hardswish", "softplus", "exp", "neg"]
    name = draw(st.sampled_from([*names, "relu6", "elu", "mish", "logsigmoid", "sqrt", "abs"]))
    return getattr(F, name, None) or getattr(torch, name), (x,), {}


@st.composite
def dropouts(draw: Any) -> Call:
    x = tensor(draw(shapes(0, 4)), draw(DTYPES))
    return F.dropout, (x,), {"p": draw(st.sampled_from([0, 0.5, 1, 1.5])), "training": True}


@st.composite
def sums(draw: Any) -> Call:
    first = draw(shapes(0, 3))
    second = [draw(st.sampled_from([n, n, 1, 2])) for n in first][draw(st.integers(0, 2)) :]
    x, y = tensor(first, draw(DTYPES)), tensor(second, draw(DTYPES))
    func = draw(st.sampled_from([torch.add, Tensor.mul, torch.sub, Tensor.div]))
    other = draw(st.sampled_from([x, y, 2, 0.5]))
    return func, (draw(odd_layout(x)), other), {}


@st.composite
def embeddings(draw: Any) -> Call:
    index = torch.zeros(draw(shapes(0, 3)), dtype=draw(st.sampled_from([torch.int64, torch.int32])))
    weight = tensor([draw(st.integers(1, 4)), draw(SMALL)])
    return F.embedding, (index, weight), {"padding_idx": draw(st.none() | st.integers(-3, 3))}


@st.composite
def batch_norms(draw: Any) -> Call:
    shape = draw(shapes(1, 5))
    dtype, channels = draw(DTYPES), shape[1] if len(shape) > 1 else 2
    off = draw(st.sampled_from([0, 0, 0, 0, 1]))
    vectors = [draw(st.none() | st.just(tensor([channels + off], dtype))) for _ in range(2)]
    mean = draw(st.none() | st.just(tensor([channels], dtype)))
    args = (tensor(shape, dtype), mean, None if mean is None else mean.clone(), *vectors)
    return F.batch_norm, args, {"training": draw(st.booleans())}


@st.composite
def layer_norms(draw: Any) -> Call:
    shape, dtype = draw(shapes(1, 4)), draw(DTYPES)
    own = shape[draw(st.integers(0, len(shape))) :]
    weight = draw(st.none() | st.just(tensor(own, dtype)) | st.just(tensor([2])))
    return F.layer_norm, (tensor(shape, dtype), own, weight), {}


@st.composite
def group_norms(draw: Any) -> Call:
    shape, dtype = draw(shapes(1, 4)), draw(DTYPES)
    channels = shape[1] if len(shape) > 1 else 1
    weight = draw(st.none() | st.just(tensor([channels], dtype)))
    return F.group_norm, (tensor(shape, dtype), draw(st.integers(0, 3)), weight), {}


@st.composite
def softmaxes(draw: Any) -> Call:
    x = draw(odd_layout(tensor(draw(shapes(0, 4)), draw(DTYPES))))
    func = draw(st.sampled_from([F.softmax, torch.log_softmax, torch.cumsum]))
    return func, (x, draw(st.integers(-4, 4))), {}


@st.composite
def concatenations(draw: Any) -> Call:
    first = draw(shapes(0, 4))
    dim = draw(st.integers(-4, 3))
    parts = [tensor(first, draw(DTYPES))]
    for _ in range(draw(st.integers(0, 2))):
        shape = list(first)
        if shape and draw(st.booleans()):
            shape[draw(st.integers(0, len(shape) - 1))] = draw(SMALL)
        parts.append(draw(odd_layout(tensor(shape, parts[0].dtype))))
    return torch.cat, (parts, dim), {}


@st.composite
def paddings(draw: Any) -> Call:
    x = draw(odd_layout(tensor(draw(shapes(0, 4)), draw(DTYPES))))
    pads = draw(st.lists(st.integers(-1, 3), max_size=8))
    return F.pad, (x, pads), {}


@st.composite
def linears(draw: Any) -> Call:
    shape, dtype = draw(shapes(1, 4)), draw(DTYPES)
    weight = tensor([draw(st.integers(0, 4)), draw(st.sampled_from([shape[-1]] * 4 + [3]))], dtype)
    bias = draw(st.none() | st.just(tensor(weight.shape[:1], dtype)) | st.just(tensor([7])))
    return F.linear, (draw(odd_layout(tensor(shape, dtype))), weight, bias), {}


@st.composite
def interpolations(draw: Any) -> Call:
    dims = draw(st.integers(1, 3))
    shape = [2, 1, *draw(st.lists(st.integers(1, 6), min_size=dims, max_size=dims))]
    shape = draw(st.sampled_from([shape, shape, shape, shape[1:], [0, *shape[1:]]]))
    fitting = ("linear", "bilinear", "trilinear")[dims - 1]
    mode = draw(st.sampled_from(["nearest", fitting, "nearest", fitting, "linear", "area"]))
    kwargs: dict[str, Any] = {"mode": mode}
    if draw(st.booleans()):
        kwargs["size"] = draw(st.integers(0, 6) | st.tuples(*[st.integers(1, 6)] * dims))
    else:
        kwargs["scale_factor"] = draw(st.sampled_from([2, 0.5, 1.5, 3, 2.0]))
    return F.interpolate, (tensor(shape, draw(DTYPES)),), kwargs


SHAPE_RULES: dict[str, Callable[[], st.SearchStrategy[Call]]] = {
    "convolution": convolutions,
    "transposed_convolution": transposed,
    "max_pool": max_pools,
    "average_pool": average_pools,
    "lp_pool": lp_pools,
    "adaptive_pool": adaptive_pools,
    "activation": activations,
    "dropout": dropouts,
    "arithmetic": sums,
    "embedding": embeddings,
    "batch_norm": batch_norms,
    "layer_norm": layer_norms,
    "group_norm": group_norms,
    "softmax": softmaxes,
    "concatenation": concatenations,
    "padding": paddings,
    "linear": linears,
    "interpolate": interpolations,
}
# rules that leave the shape to torch's own kernel: they say what axes mean, and what it costs
KERNEL_RULES = {
    "checked_elementwise", "instance_norm", "rms_norm", "local_response_norm", "normalize",
    "stack", "reshape", "permute", "transpose", "turned_over", "unsqueeze", "squeeze", "getitem",
    "narrow", "select", "chunk", "split", "unbind", "reduction", "matmul", "recurrent",
    "recurrent_cell", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle",
}  # fmt: skip


def test_no_rule_is_without_a_test():
    written = {rule.__name__ for rule in BOOK.functions.values()} - {"in_place"}
    assert written == SHAPE_RULES.keys() | KERNEL_RULES


@pytest.mark.parametrize("name", SHAPE_RULES)
def test_a_plain_answer_is_what_torch_does(name: str):
    plain_ones = 0

    @settings(max_examples=150)
    @given(SHAPE_RULES[name]())
    def check(call: Call) -> None:
        nonlocal plain_ones
        func, args, kwargs = call
        try:
            answer = BOOK.functions[func](*args, **kwargs)
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError):
            return
        if answer is None or not answer.plain:
            return
        plain_ones += 1
        out = func(*args, **kwargs)  # may not raise
        assert answer.shape == tuple(out.shape)
        assert answer.dtype is out.dtype
        assert out.is_contiguous()

    check()
    assert plain_ones > 5


@pytest.mark.parametrize("name", ["relu", "add", "mul", "dropout"])
def test_a_rule_in_place_answers_for_its_own_tensor_alone(name: str):
    rule = BOOK.functions[getattr(torch, f"{name}_", None) or getattr(Tensor, f"{name}_")]
    x, wider = tensor([1, 3]), tensor([2, 3])
    if name in ("add", "mul"):
        assert rule(x, wider) is None or not rule(x, wider).plain
        assert rule(wider, x).inplace
        assert rule(wider, x).plain
    elif name == "relu":
        assert rule(x).inplace


MODULES = [
    nn.Conv1d(3, 4, 3, padding="same", dilation=2),
    nn.Conv2d(4, 4, (3, 2), stride=2, padding=(1, 0), groups=2, bias=False),
    nn.Conv3d(1, 2, 2, dilation=(1, 2, 1)),
    nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"),
    nn.MaxPool1d(2), nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.MaxPool3d(2, dilation=2),
    nn.AvgPool1d(2), nn.AvgPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool3d(2, padding=1),
    nn.AdaptiveAvgPool1d(3), nn.AdaptiveAvgPool2d((None, 2)), nn.AdaptiveAvgPool3d(2),
    nn.ReLU(), nn.ReLU6(), nn.Sigmoid(), nn.Tanh(), nn.SiLU(), nn.GELU(), nn.Mish(),
    nn.Hardswish(), nn.Hardsigmoid(), nn.LeakyReLU(), nn.ELU(), nn.SELU(), nn.CELU(),
    nn.Softplus(), nn.Softsign(), nn.LogSigmoid(), nn.Tanhshrink(), nn.ReLU(inplace=True),
    nn.Dropout(), nn.Identity(), nn.Linear(5, 3), nn.LayerNorm(5), nn.LayerNorm((4, 5)),
    nn.BatchNorm1d(3), nn.BatchNorm2d(4, affine=False), nn.BatchNorm3d(1),
    nn.BatchNorm2d(4, track_running_stats=False).eval(),
]  # fmt: skip


def test_no_module_rule_is_without_a_test():
    assert BOOK.modules.keys() <= {type(module) for module in MODULES}


@pytest.mark.parametrize("module", MODULES, ids=lambda one: str(one))
def test_a_module_rule_is_what_the_module_does(module: nn.Module):
    plain_ones = 0
    rule = BOOK.modules[type(module)]
    channels = getattr(module, "in_channels", getattr(module, "num_features", 4))
    digit = type(module).__name__[-2]
    dims = int(digit) if digit.isdigit() else 2

    @settings(max_examples=60)
    @given(st.data())
    def check(data: st.DataObject) -> None:
        nonlocal plain_ones
        spatial = data.draw(
            st.lists(st.sampled_from([5, 5, 4, 7, 1, 0]), min_size=dims, max_size=dims)
        )
        lead = data.draw(
            st.sampled_from([[2, channels], [1, channels], [channels], [2, 9], [0, 4]])
        )
        x = tensor([*lead, *spatial], data.draw(DTYPES))
        answer = rule(module, x)
        if answer is None or not answer.plain:
            return
        plain_ones += 1
        out = module(x.clone())
        assert answer.shape == tuple(out.shape)
        assert answer.dtype is out.dtype

    check()
    assert plain_ones > 1 or getattr(module, "padding_mode", "zeros") != "zeros"
