"""Convolutions and pools: windows that slide over the last axes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

from torch import Tensor, nn

from convdocs.geometry import Window, same_padding
from convdocs.layers import per_axis
from convdocs.receptive import adaptive_field
from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, Mark, Rule, Shape, facts, own_facts

Size = int | Sequence[int]


class Plan:
    """The windows of one setting, with the output sizes worked out so far."""

    __slots__ = ("flow", "sizes", "taps", "windows")

    def __init__(self, windows: tuple[Window, ...], moved: flow.Flow) -> None:
        self.windows = windows
        self.taps = prod(window.kernel for window in windows)
        self.flow = moved
        self.sizes: dict[Shape, Shape] = {}

    def output(self, sizes: Shape) -> Shape:
        """Output sizes for these input sizes."""
        known = self.sizes.get(sizes)
        if known is None:
            pairs = zip(self.windows, sizes, strict=True)
            known = self.sizes[sizes] = tuple(w.output_size(n) for w, n in pairs)
        return known


@lru_cache(maxsize=2048)
def convolution_plan(
    kernel: Shape, stride: Size, padding: Size | str, dilation: Size, extra: Size | None
) -> Plan | None:
    """The plan of a convolution, or of a transposed one where ``extra`` output padding is given."""
    dims = len(kernel)
    strides, dilations = per_axis(stride, dims), per_axis(dilation, dims)
    if padding == "same":
        pads = tuple(same_padding(k, d) for k, d in zip(kernel, dilations, strict=True))
    elif isinstance(padding, str):
        pads = ((0, 0),) * dims
    else:
        pads = tuple((p, p) for p in per_axis(padding, dims))
    extras = per_axis(extra or 0, dims)
    sound = min(strides) > 0 and min(dilations) > 0 and min(min(pads)) >= 0 and min(kernel) > 0
    if not sound or (padding == "same" and max(strides) > 1):
        return None
    if any(e and e >= max(s, d) for e, s, d in zip(extras, strides, dilations, strict=True)):
        return None
    windows = tuple(
        Window(k, s, p, d, e, transposed=extra is not None)
        for k, s, p, d, e in zip(kernel, strides, pads, dilations, extras, strict=True)
    )
    return Plan(windows, flow.sliding(windows, mixes_channels=True))


def hashable(value: Any) -> Any:
    """A setting as a dictionary's key: torch takes lists where it takes tuples."""
    return tuple(value) if isinstance(value, list) else value


def convolve(
    x: Mark, w: Mark, bias: Mark | None, plan: Plan | None, groups: int, transposed: bool
) -> Answer | None:
    """Answer for a convolution or a transposed one; None when the setting is not sound."""
    dims = len(w.shape) - 2
    batched = len(x.shape) == dims + 2
    if plan is None or groups < 1 or not (batched or len(x.shape) == dims + 1):
        return None
    channels, sizes = x.shape[-dims - 1], x.shape[-dims:]
    taken = w.shape[0] if transposed else w.shape[1] * groups
    given = w.shape[1] * groups if transposed else w.shape[0]
    out = plan.output(sizes)
    cells = sizes if transposed else out
    sound = (
        channels == taken > 0
        and w.shape[0] % groups == 0
        and min(out) > 0
        and min(sizes) > 0
        and x.dtype is w.dtype
        and w.dtype in FLOATS
        and (bias is None or (bias.shape == (given,) and bias.dtype is w.dtype))
    )
    samples = x.shape[0] if batched else 1
    macs = samples * prod(cells) * w.shape[0] * w.shape[1] * plan.taps
    shape = (*x.shape[: -dims - 1], given, *out)
    laid_out = x.plain and w.plain
    return Answer(shape, x.dtype, sound, laid_out, macs, plan.windows, plan.flow)


@BOOK.rule("conv1d", "conv2d", "conv3d")
def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Answer | None:
    w = facts(weight)
    settings = (hashable(stride), hashable(padding), hashable(dilation))
    plan = convolution_plan(w.shape[2:], *settings, None)
    return convolve(facts(input), w, bias if bias is None else facts(bias), plan, groups, False)


@BOOK.rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def transposed_convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Answer | None:
    w = facts(weight)
    settings = (hashable(stride), hashable(padding), hashable(dilation), hashable(output_padding))
    plan = convolution_plan(w.shape[2:], *settings)
    return convolve(facts(input), w, bias if bias is None else facts(bias), plan, groups, True)


@BOOK.module(nn.Conv1d, nn.Conv2d, nn.Conv3d)
def convolution_module(module: Any, input: Tensor) -> Answer | None:
    parameters = module._parameters
    weight, bias = parameters.get("weight"), parameters.get("bias")
    if weight is None or module.padding_mode != "zeros":
        return None
    w = own_facts(weight)
    plan = convolution_plan(w.shape[2:], module.stride, module.padding, module.dilation, None)
    b = bias if bias is None else own_facts(bias)
    return convolve(facts(input), w, b, plan, module.groups, False)


@lru_cache(maxsize=2048)
def pool_plan(
    dims: int, kernel: Size, stride: Size | None, padding: Size, dilation: Size, ceil_mode: bool
) -> Plan | None:
    """The plan of a pool, or None when torch would refuse its setting."""
    kernels = per_axis(kernel, dims)
    strides = per_axis(stride, dims) if stride not in (None, ()) else kernels
    pads, dilations = per_axis(padding, dims), per_axis(dilation, dims)
    if min(kernels) < 1 or min(strides) < 1 or min(dilations) < 1 or min(pads) < 0:
        return None
    if any(2 * p > k for p, k in zip(pads, kernels, strict=True)):
        return None
    windows = tuple(
        Window(k, s, (p, p), d, ceil_mode=ceil_mode)
        for k, s, p, d in zip(kernels, strides, pads, dilations, strict=True)
    )
    return Plan(windows, flow.sliding(windows, mixes_channels=False))


def pool(x: Mark, plan: Plan | None, dims: int) -> Answer | None:
    """Answer for a max or an average pool."""
    if plan is None or len(x.shape) not in (dims + 1, dims + 2):
        return None
    out = plan.output(x.shape[-dims:])
    sound = x.dtype in FLOATS and min(out) > 0 and min(x.shape) > 0
    shape = (*x.shape[:-dims], *out)
    return Answer(shape, x.dtype, sound, x.plain, 0, plan.windows, plan.flow)


def average(x: Mark, plan: Plan | None, dims: int, divisor: int | None) -> Answer | None:
    """Answer for an average pool; in 3-D torch wants the kernel to fit into the unpadded input."""
    answer = pool(x, plan, dims)
    if answer is None or plan is None:
        return answer
    pairs = zip(plan.windows, x.shape[-dims:], strict=True)
    refused = divisor == 0 or (dims == 3 and any(n < w.kernel for w, n in pairs))
    return answer._replace(sound=False) if refused else answer


def _max_pool(dims: int) -> Rule:
    def max_pool(
        input: Tensor,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Answer | None:
        settings = (hashable(s) for s in (kernel_size, stride, padding, dilation))
        answer = pool(facts(input), pool_plan(dims, *settings, ceil_mode), dims)
        if return_indices and answer is not None:
            return answer._replace(laid_out=False)
        return answer

    return max_pool


def _average_pool(dims: int) -> Rule:
    def average_pool(
        input: Tensor,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Answer | None:
        settings = (hashable(s) for s in (kernel_size, stride, padding))
        plan = pool_plan(dims, *settings, 1, ceil_mode)
        return average(facts(input), plan, dims, divisor_override)

    return average_pool


def _lp_pool(dims: int) -> Rule:
    def lp_pool(
        input: Tensor,
        norm_type: float,
        kernel_size: Size,
        stride: Size | None = None,
        ceil_mode: bool = False,
    ) -> Answer | None:
        plan = pool_plan(dims, hashable(kernel_size), hashable(stride), 0, 1, ceil_mode)
        answer = pool(facts(input), plan, dims)
        return answer and answer._replace(sound=answer.sound and norm_type > 0)

    return lp_pool


def _adaptive_pool(dims: int) -> Rule:
    def adaptive_pool(
        input: Tensor, output_size: Any, return_indices: bool = False
    ) -> Answer | None:
        answer = adaptive(facts(input), output_size, dims)
        return answer._replace(laid_out=False) if return_indices and answer else answer

    return adaptive_pool


def adaptive(x: Mark, output_size: Any, dims: int) -> Answer | None:
    """Answer for an adaptive pool; None in its output size keeps the input's."""
    asked = (output_size,) * dims if isinstance(output_size, int) else tuple(output_size)
    if len(asked) != dims or len(x.shape) not in (dims + 1, dims + 2):
        return None
    sizes = x.shape[-dims:]
    out = tuple(n if m is None else m for m, n in zip(asked, sizes, strict=True))
    if min(out) < 1 or min(x.shape) < 1:
        return None
    shape, sound = (*x.shape[:-dims], *out), x.dtype in FLOATS
    return Answer(shape, x.dtype, sound, x.plain, flow=adaptive_flow(sizes, out))


@lru_cache(maxsize=2048)
def adaptive_flow(sizes: Shape, out: Shape) -> flow.Flow:
    """Along each axis, cell i reads its share of the input."""
    pairs = zip(sizes, out, strict=True)
    return flow.named(tuple(adaptive_field(n, m) for n, m in pairs))


for _dims in (1, 2, 3):
    BOOK.rule(f"max_pool{_dims}d", f"max_pool{_dims}d_with_indices")(_max_pool(_dims))
    BOOK.rule(f"avg_pool{_dims}d")(_average_pool(_dims))
    BOOK.rule(f"lp_pool{_dims}d")(_lp_pool(_dims))
    for _kind in ("avg", "max"):
        names = [f"adaptive_{_kind}_pool{_dims}d"]
        names += [f"{names[0]}_with_indices"] if _kind == "max" else []
        BOOK.rule(*names)(_adaptive_pool(_dims))


@BOOK.module(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d)
def max_pool_module(module: Any, input: Tensor) -> Answer | None:
    if module.return_indices:
        return None
    dims = int(type(module).__name__[-2])
    settings = (module.kernel_size, module.stride, module.padding, module.dilation)
    return pool(facts(input), pool_plan(dims, *settings, module.ceil_mode), dims)


@BOOK.module(nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)
def average_pool_module(module: Any, input: Tensor) -> Answer | None:
    dims = int(type(module).__name__[-2])
    settings = (module.kernel_size, module.stride, module.padding, 1)
    plan = pool_plan(dims, *settings, module.ceil_mode)
    return average(facts(input), plan, dims, getattr(module, "divisor_override", None))


@BOOK.module(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)
def adaptive_pool_module(module: Any, input: Tensor) -> Answer | None:
    dims = int(type(module).__name__[-2])
    return adaptive(facts(input), module.output_size, dims)
