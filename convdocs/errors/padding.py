"""Errors of the padding layers, and of convolutions that pad by reflection or around."""

from __future__ import annotations

from typing import Any

from convdocs.errors.entry import Family, Reading, Said, axes_of, of_kind, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import both, capital, other_dims, the_input, typed

FAMILY = Family(
    "padding",
    "Padding layers and padding modes",
    "Zeros and copies of the border can pad by any amount. A reflection needs as many cells as it "
    "mirrors, and going around can use each cell once.",
)

PADS = of_kind("pad|conv")


@FAMILY.entry(
    "reflect-too-large",
    "Reflection as wide as the input",
    [
        r"Padding size should be less than the corresponding input dimension, but got: padding "
        r"\((?P<pads>[^)]*)\) at dimension (?P<axis>\d+) of input "
        r"(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
    ],
    "layer = nn.ReflectionPad1d(4)\nx = torch.zeros(1, 3, 4)\nlayer(x)",
)
def reflect_large(failure: Failure, said: Said) -> Reading:
    shape, axis = whole(said["shape"]), int(said["axis"])
    size, pads = shape[axis], whole(said["pads"])
    cause = (
        f"Axis {axis} of the input {tuple(shape)} has {size} cells; the reflection leaves the "
        "border "
        f"cell out, so it can pad by {size - 1} at most, and {max(pads)} was asked for."
    )
    return cause, _smaller_pads(failure, less=1)


def _smaller_pads(failure: Failure, less: int) -> list[Repair | None]:
    """Less padding, or a mode that can pad by any amount."""
    sizes = failure.shape[-failure.dims :] if failure.dims else ()
    repairs: list[Repair | None] = []
    conv = failure.kind.startswith("Conv")
    padding = failure.settings.get("padding")
    if isinstance(padding, tuple | int) and sizes:
        most = _capped(padding, sizes, less, conv=conv)
        repairs.append(rebuilt(failure, f"Pad by {most}.", padding=most))
    if conv:
        for mode in ("replicate", "zeros"):
            repairs.append(rebuilt(failure, f"Pad in the mode {mode!r}.", padding_mode=mode))
    elif failure.kind.startswith(("Reflection", "Circular")) and failure.dims:
        text = "Repeat the border's cell instead, by as much as you like."
        repairs.append(rebuilt(failure, text, f"ReplicationPad{failure.dims}d"))
    return repairs


def _capped(padding: Any, sizes: tuple[int, ...], less: int, *, conv: bool) -> Any:
    if conv:
        pads = padding if isinstance(padding, tuple) else (padding,) * len(sizes)
        return typed(tuple(min(p, s - less) for p, s in zip(pads, sizes, strict=False)))
    pads = padding if isinstance(padding, tuple) else (padding,) * 2 * len(sizes)
    ends = [size for size in reversed(sizes) for _ in range(2)]  # pad's order: last axis first
    return typed(tuple(min(p, s - less) for p, s in zip(pads, ends, strict=False)))


@FAMILY.entry(
    "circular-too-large",
    "Circular padding wider than the input",
    [r"Padding value causes wrapping around more than once"],
    "layer = nn.CircularPad1d(5)\nx = torch.zeros(1, 3, 4)\nlayer(x)",
)
def circular_large(failure: Failure, said: Said) -> Reading:
    padding = failure.settings.get("padding")
    cause = (
        f"Going around once gives as many cells as {the_input(failure)} has along an axis; a "
        "padding "
        f"of {padding if padding is not None else 'more than that'} would go around twice."
    )
    return cause, _smaller_pads(failure, less=0)


@FAMILY.entry(
    "padding-empties",
    "Negative padding takes the whole input away",
    [
        r"Negative padding value is resulting in an empty dimension",
        r"narrow\(\): length must be non-negative",
        r"input \([^)]*\) is too small\. Calculated output",
        r"numel: integer multiplication overflow",
        r"Trying to create tensor with negative dimension",
    ],
    "layer = nn.ReflectionPad1d(-2)\nx = torch.zeros(1, 3, 4)\nlayer(x)",
    when=of_kind("pad"),
)
def padding_empties(failure: Failure, said: Said) -> Reading:
    padding = failure.settings.get("padding")
    cause = (
        f"A negative padding crops; {padding if padding is not None else 'this one'} takes all "
        "cells "
        f"of {the_input(failure)} along an axis, or more."
    )
    if not isinstance(padding, tuple | int) or not failure.dims:
        return cause, []
    pads = padding if isinstance(padding, tuple) else (padding,) * 2 * failure.dims
    kept = typed(tuple(max(0, p) for p in pads))
    repairs = [rebuilt(failure, f"Do not crop: padding={kept}.", padding=kept)]
    repairs += _smaller_pads(failure, less=1)[:1] if max(pads) > 0 else []
    text = "Neither crop nor pad."
    return cause, [*repairs, rebuilt(failure, text, padding=0)]


@FAMILY.entry(
    "padding-rank",
    "The padding layer's input has too few or too many axes",
    [
        r"expected (?P<low>\d)D or (?P<high>\d)D input \(got (?P<got>\d+)D input\)",
        r"Padding size \d+ is not supported for \d+D input tensor",
        "Padding length should be less than or equal to two times the input dimension but got "
        "padding "
        r"length (?P<length>\d+) and input of dimension (?P<got>\d+)",
    ],
    "layer = nn.ReflectionPad2d(1)\nx = torch.zeros(8, 8)\nlayer(x)",
    when=lambda failure: PADS(failure) and not _pads_wrong(failure),
)
def padding_rank(failure: Failure, said: Said) -> Reading:
    shape = failure.shape
    cause = f"The input {shape} has {axes_of(shape)}; {failure.name} takes {both(failure.dims)}."
    if not failure.tensors:
        return capital(cause), []
    repairs: list[Repair | None] = []
    if failure.dims + 1 - len(shape) > 0:
        nones = "None, " * (failure.dims + 1 - len(shape))
        repairs.append(given("Give the input its missing axes.", f"x[{nones}...]"))
    if len(shape) > failure.dims + 2:
        text = "Join the leading axes into one batch axis."
        repairs.append(given(text, f"x.flatten(0, {len(shape) - failure.dims - 2})"))
    return cause, [other_dims(failure, {4: 2, 5: 3, 3: 1}), *repairs]


def _pads_wrong(failure: Failure) -> bool:
    """Whether a padding layer has another number of pads than two an axis."""
    padding = failure.settings.get("padding")
    is_layer = failure.layer is not None and failure.kind.endswith("d") and "Pad" in failure.kind
    return is_layer and isinstance(padding, tuple | list) and len(padding) != 2 * failure.dims


@FAMILY.entry(
    "padding-length",
    "Padding with the wrong number of values",
    [
        r"Padding length (?:must|should) be divisible by 2",
        r"[Pp]adding (?:size|length)",
        r"expected \dD or \dD input",
    ],
    "layer = nn.ReflectionPad2d((1, 1, 1))\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=lambda failure: _pads_wrong(failure) or failure.function == "pad",
)
def padding_length(failure: Failure, said: Said) -> Reading:
    padding = failure.settings.get("padding")
    if padding is None:
        return "Padding takes two numbers an axis, before and after, the last axis first.", []
    dims = failure.dims
    cause = (
        f"{failure.kind} takes one number or {2 * dims}, two an axis, the last axis first "
        f"({_order(dims)}); it got {tuple(padding)}."
    )
    full = typed((tuple(padding) * 2 * dims)[: 2 * dims])
    return cause, [rebuilt(failure, "Give two numbers an axis.", padding=full)]


def _order(dims: int) -> str:
    return ", ".join(("left, right", "top, bottom", "front, back")[:dims])
