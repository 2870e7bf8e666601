"""Upsampling, pixel shuffles, unfolding: the grid itself changes."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from torch import Tensor

from convdocs.geometry import Window
from convdocs.layers import per_axis
from convdocs.receptive import UNKNOWN, AxisField, linear_field, local_field, nearest_field
from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, by_kernel, facts

LINEAR = {"linear": 1, "bilinear": 2, "trilinear": 3}


@BOOK.rule("interpolate", "upsample")
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Answer | None:
    x = facts(input)
    dims = len(x.shape) - 2
    if dims not in (1, 2, 3) or (size is None) == (scale_factor is None):
        return None
    sizes = x.shape[2:]
    if size is not None:
        out = per_axis(size, dims)
        scales: tuple[Any, ...] = (None,) * dims
    else:
        factors = (scale_factor,) * dims if isinstance(scale_factor, int | float) else scale_factor
        out = tuple(floor(n * factor) for n, factor in zip(sizes, factors, strict=True))
        scales = (None,) * dims if recompute_scale_factor else tuple(factors)
    if min(out) < 1 or min(x.shape) < 1:
        return None
    fields = tuple(
        UNKNOWN if antialias else _sampled(n, m, scale, mode, bool(align_corners))
        for n, m, scale in zip(sizes, out, scales, strict=True)
    )
    laid_out = x.plain and align_corners is None and not antialias
    sound = x.dtype in FLOATS and (mode == "nearest" or LINEAR.get(mode) == dims)
    return Answer((*x.shape[:2], *out), x.dtype, sound, laid_out, flow=flow.named(fields))


def _sampled(size: int, output: int, scale: Any, mode: str, align_corners: bool) -> AxisField:
    """The cells that one output cell is mixed of, along one axis."""
    if mode == "nearest":
        return nearest_field(_step(size, output, scale))
    if mode not in LINEAR:
        return UNKNOWN
    if not align_corners:
        return linear_field(_step(size, output, scale), align_corners=False)
    step = Fraction(size - 1, output - 1) if output > 1 else Fraction(0)
    return linear_field(step, align_corners=True)


def _step(size: int, output: int, scale: Any) -> Fraction:
    """Input cells per output cell: by the given scale where there is one, else by the sizes."""
    return Fraction(size, output) if scale is None else 1 / Fraction(scale)


@BOOK.rule("pixel_shuffle")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Answer | None:
    x = facts(input)
    if upscale_factor < 1 or len(x.shape) < 3:
        return None
    return by_kernel(x, flow.local((flow.shuffled_field(upscale_factor),) * 2))


@BOOK.rule("pixel_unshuffle")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Answer | None:
    x = facts(input)
    if downscale_factor < 1 or len(x.shape) < 3:
        return None
    own = local_field(Window(downscale_factor, downscale_factor))
    return by_kernel(x, flow.local((own, own)))


@BOOK.rule("channel_shuffle")
def channel_shuffle(input: Tensor, groups: int) -> Answer:
    return by_kernel(facts(input), flow.same)
