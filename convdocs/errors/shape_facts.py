"""Facts of what failed in numbers: axes, settings, windows, and how sizes came about."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any

from convdocs.errors import meaning, sizes
from convdocs.errors.failure import Shape
from convdocs.errors.sizes import (
    by_axis,
    multiple_above,
    setting,
    short,
    times,
    typed,
    whole,
    windows,
)
from convdocs.layers import AXIS_NAMES
from convdocs.report import Call
from convdocs.view.numbers import counted

if TYPE_CHECKING:
    from convdocs.errors.known import Known


def _whole_quotient(number: str, divisor: str) -> int | None:
    quotient, rest = divmod(int(number), int(divisor))
    return None if rest else quotient


def _given(settings: Mapping[str, Any]) -> str:
    return " and ".join(f"{key}={value!r}" for key, value in settings.items())


# Axes, channels and features.


def _axes(dims: int, *, batched: bool = True) -> str:
    """The axes' names of an input, as in ``(N, C, L)``."""
    names = ("C", *AXIS_NAMES.get(dims, ("…",)))
    return f"({', '.join(('N', *names) if batched else names)})"


def _wanted_channels(f: Known) -> int:
    settings = ("in_channels", "num_features", "num_channels")
    wanted = next((f.settings[k] for k in settings if k in f.settings), f.words.get("need"))
    if wanted is None:
        weight, transposed = f.shapes[1], "transpose" in f.kind
        wanted = weight[0] if transposed else weight[1] * f.settings.get("groups", 1)
    return int(wanted)


_MODE_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def _takes(f: Known) -> str:
    """The axes that a layer reads; a mode of upsampling reads some of its own."""
    kind, dims = f.kind, f.dims
    if "interpolate" in kind or "Upsample" in kind:
        dims = _MODE_AXES.get(f.words.get("mode") or f.settings.get("mode", ""), 0)
        return _axes(dims) if dims else "batches of 1, 2 or 3 spatial axes"
    if "Norm" in kind and not kind.startswith("Instance"):
        return "(N, C) or (N, C, L)" if kind == "BatchNorm1d" else _axes(dims)
    columns = {"fold": "C·kernel cells, windows", "unfold": "C, H, W"}
    columns |= {"col2im": columns["fold"], "im2col": columns["unfold"]}
    if found := columns.get(kind.lower()):
        return f"({found}) for one image or (N, {found}) for a batch"
    return f"{_axes(dims, batched=False)} for one sample or {_axes(dims)} for a batch"


def _flattened(f: Known) -> str:
    parts = meaning.flattened(f)
    words = "channels x height x width" if len(parts) == 3 else "channels x length"
    return f"{prod(parts)} = {times(parts)} ({words} of what was flattened)" if parts else ""


def _asked_values(f: Known) -> str:
    asked = whole(f.words["shape"])
    if min(asked) < -1:
        return f"a size of {min(asked)} is none (only −1, 'what is left', is)"
    fixed = prod(size for size in asked if size >= 0)
    return f"{asked} needs a multiple of {fixed}" if -1 in asked else f"{asked} has {fixed}"


# Sequences, tables and targets.


def _batch_is_first(f: Known) -> bool:
    """Three-axis inputs of one batch, for a layer that reads the length first."""
    modules = f.layer.modules() if f.layer is not None else ()
    second = any(getattr(one, "batch_first", None) is False for one in modules)
    batches = [shape[0] for shape in f.shapes if len(shape) == 3]
    return second and len(batches) > 1 and len(set(batches)) == 1


def _memory_widths(f: Known) -> dict[str, int]:
    """Keys and values of another width than the queries."""
    query, key, value = (shape[-1] for shape in f.shapes[:3])
    wanted = f.settings["embed_dim"]
    apart = query == wanted and (key, value) != (wanted, wanted)
    return {"kdim": key, "vdim": value} if apart else {}


def _axis_of_one(shape: Shape, other: Shape) -> int:
    """An axis of size 1 that a shape has, and the other lacks."""
    axes = [axis for axis, size in enumerate(shape) if size == 1]
    return next(axis for axis in axes if shape[:axis] + shape[axis + 1 :] == other)


# Where it came from.


def _unlike(f: Known) -> str:
    """The axis in which two tensors differ, with both sizes."""
    numbers = meaning.pair(f)
    a, b = (f.shapes[number] for number in numbers)
    names = next(filter(None, (meaning.axis_names(f, number) for number in numbers)), ())
    rank, joined = max(len(a), len(b)), meaning.joined_axis(f)
    for back in range(3 if "matmul" in f.function else 1, min(len(a), len(b)) + 1):
        x, y = a[-back], b[-back]
        if x != y and rank - back != joined and (joined is not None or 1 not in (x, y)):
            known = len(names) == rank and names[-back] in "NCDHWL"
            place = names[-back] if known else f"axis {rank - back}"
            return f"In {place} they are {x} and {y}."
    return ""


def _makes(call: Call, name: str) -> str:
    return f"{name} makes {call.output_shapes[0]} of {call.input_shapes[0]}"


def _lost_batch(f: Known) -> str:
    call = meaning.lost_batch(f)
    return _makes(call, call.code or call.kind) if call else ""


def _ways(f: Known) -> str:
    """How the sizes of two branches came about since they parted."""
    numbers, sentences = meaning.pair(f), []
    for number, calls in zip(numbers, meaning.own_calls(f, numbers), strict=True):
        changing = [call for call in calls if call.output_shapes[0] != call.input_shapes[0]]
        if steps := [_makes(call, call.path or call.kind) for call in changing[-3:]]:
            sentences.append(f"In {f.names[number]}, {', then '.join(steps)}.")
    return " ".join(sentences)


def _multiple(f: Known) -> int | None:
    """Image sizes that are multiples of this halve without a remainder."""
    a, b = (f.shapes[number] for number in meaning.pair(f))
    maps, step = len(a) == len(b) and len(a) > 2, meaning.halving(f)
    apart = max(abs(x - y) for x, y in zip(a[2:], b[2:], strict=True)) if maps else 0
    given = f.trace.input_shapes[0][2:] if f.trace else ()
    rounded = not given or any(size % step for size in given)
    return step if 0 < apart <= step and step > 1 and rounded else None


# A new shape.


def _parted(f: Known) -> tuple[list[int], list[int]]:
    """The axes that a view parts or joins, and into what, without those that it leaves alone."""
    shape, asked = list(f.shape), list(whole(f.words["shape"]))
    while shape and asked and asked[0] in (shape[0], -1):
        del shape[0], asked[0]
    while shape and asked and asked[-1] in (shape[-1], -1):
        del shape[-1], asked[-1]
    some = shape and len(asked) > 1 and min(asked) > 0 and len(f.shape) > len(shape)
    return (shape, asked) if some else ([], [])


def _multiple_of(f: Known) -> str:
    """By what an axis is parted that it does not divide by: a window's size, or the heads."""
    shape, asked = _parted(f)
    heads = len(shape) == 1 and f.shape[-1:] == (*shape,)  # of the features, windows of the others
    pairs = zip(shape, asked[::2], asked[1::2], strict=True)
    for size, first, second in pairs if len(asked) == 2 * len(shape) else ():
        by = first if heads else second
        if size % by and size // by * by == first * second:
            near = f"{size // by * by} and {(size // by + 1) * by}"
            return f"{size} is no multiple of {by}; {near} are"
    return ""


def _unsplit(f: Known) -> str:
    shape, asked = _parted(f)
    if not shape:
        return ""
    total = f" = {prod(shape)}" if len(shape) > 1 else ""
    return f"What it parts is {times(shape)}{total}, and {times(asked)} = {prod(asked)}."


def _reconstructed(f: Known) -> bool:
    """Whether images meet a decoder's output, whose sizes differ by what was rounded down."""
    (*lead, high, wide), (*others, tall, broad) = f.shapes[:2]
    near = all(2 * max(pair) <= 3 * min(pair) for pair in ((high, tall), (wide, broad)))
    numbers = bool(re.search("(?i)mse|l1|huber", f.kind))
    return near and numbers and not f.chain() and len(lead) == 2 and lead == others


SHAPE_FACTS: dict[str, Callable[[Known], Any]] = {
    **{fact.__name__.lstrip("_"): fact for fact in (
        _takes, _wanted_channels, _asked_values, short, _flattened, _lost_batch,
        _batch_is_first, _memory_widths, _unlike, _ways, _multiple, _unsplit, _multiple_of,
    )},
    # the call
    "features_last": lambda f: f.shape[-1] == f.settings["input_size"],
    "similar_widths": lambda f: (
        len({shape[:-1] for shape in f.shapes}) == 1 == len(f.shape) - 1
        and bool(re.search("(?i)similarity|distance|triplet|embedding_?loss", f.kind))
    ),
    "odd_one": lambda f: f.shapes[0] == f.shapes[1],
    "levels": lambda f: (
        meaning.joined_axis(f) == 1
        and len(f.shape) == 4
        and f.shapes[0][:2] == f.shapes[1][:2]
        and f.chain(0)[-1].code == f.chain(1)[-1].code
    ),
    "reconstructed": _reconstructed,
    "target_sizes": lambda f: times(f.shapes[1][2:]),
    "repeats": lambda f: _whole_quotient(f["stack"], f["other"]),
    # facts of one number
    "wanted_features": lambda f: f.settings.get("in_features", f.settings.get("input_size")),
    "one_feature": lambda f: f["wanted_features"] == 1 != f.shape[-1] and f.source(0) == -1,
    "inner_one": lambda f: f.shape.index(1, 1, len(f.shape) - 1),
    "coloured": lambda f: (
        f.shapes[1][1] if f.shapes[1][1] in (3, 4) and len(f.shape) == 4 and f.shape[1] == 1 else 0
    ) or None,
    "filled_up": lambda f: str([
        *(n for size in f.args[1:] for n in sizes.each(size)),
        *[-1 if f.function == "expand" else 1] * len(f.shape),
    ][: len(f.shape)])[1:-1],
    "one_class": lambda f: f.shape[1] == 1,
    "one_row": lambda f: len(f.shape) == 1 and len(whole(f.words["shape"])) > 1,
    "one_kernel": lambda f: f.shapes[1][:2] == (1, 1) and len(f.shapes[1]) == 4,
    "of_weights": lambda f: f.shapes[0] == f.shapes[1] or "weight tensor" in f.message,
    "longer": lambda f: (
        len(f.shape) == 3 and f.shape[1] > f.shapes[1][1] and f.shape[::2] == f.shapes[1][::2]
        and meaning.axis_names(f, 0)[1:2] != ("C",)
    ),
    "states_of_directions": lambda f: (
        f.shape[0] * f.shape[2] == f["wanted_features"]
        and f.chain()[-1].kind in ("GRU", "LSTM", "RNN")
    ),
    "map_as_tokens": lambda f: (
        meaning.axis_names(f, 0)[:2] == ("N", "C") and len(f.shape) == int(f.words["got"]) + 1 == 4
    ),
    "whole_map": lambda f: f.kind.startswith("Avg") and f["short"][3] > 3,
    "made_here": lambda f: next(
        f.names[n] for n in meaning.pair(f) if f.trace and f.source(n) == -2 and not f.parameter(n)
    ),
    "split_sum": lambda f: sum(whole(f.words["sizes"])),
    "evened": lambda f: int(f.words["size"]) + 1,
    "shuffled_by": lambda f: f.settings.get("groups", 0) or f["squared"] or None,
    "shuffled": lambda f: multiple_above(f["channels"], f["shuffled_by"]),
    "third_shape": lambda f: str(f.shapes[2]),
    "map_of_features": lambda f: (
        f.settings["in_features"] == f.shape[1] and len(f.shape) > 3 and prod(f.shape[2:]) > 1
    ),
    "map_axes": lambda f: tuple(range(2, len(f.shape))),
    "of_grey_masks": lambda f: len(f.shape) == 3 and f.shape[0] not in (1, 3, 4),
    "divisible": lambda f: tuple(
        multiple_above(size, f.settings["downscale_factor"]) for size in f.shape[-2:]
    ),
    "kernel_alone": lambda f: len(f.shapes[1]) == f.dims and f["channels"] == 1,
    "two_matrices": lambda f: len(f.tensors) == 2 and f.function != "linear",
    "same_rank": lambda f: len(f.shapes[0]) == len(f.shapes[1]) or f.function == "mm",
    "last": lambda f: f.shape[-1],
    # its axes
    "axes": lambda f: counted(len(f["shape"]), "axis"),
    "axis_range": lambda f: (
        f"0 to {len(f.shape) - 1}, or {-len(f.shape)} to −1 from the end" if f.shape else "none"
    ),
    "empty": lambda f: not f.tensors or 0 in f.shape,
    "empty_axis": lambda f: f.shape.index(0),
    "odd_rank": lambda f: not f.tensors or not f.dims or len(f.shape) - f.dims not in (1, 2),
    "spatial_axes": lambda f: counted(f.dims, "spatial axis"),
    "channel_axis": lambda f: int(not f.dims or len(f.shape) == f.dims + 2),
    "channels": lambda f: f["shape"][
        min(f["channel_axis"] if f.tensors else 1, len(f["shape"]) - 1)
    ],
    "channels_second": lambda f: f["wanted_channels"] == f.shape[1],
    "channels_elsewhere": lambda f: f["wanted_channels"] in f.shape and f.source(0) >= 0,
    "fitting_groups": lambda f: n if f["channels"] % (n := f.settings["num_groups"]) == 0 else 1,
    # where an input is read as one sample without a batch
    "lone_axes": lambda f: _axes(f.dims, batched=False) if f.dims and not f["channel_axis"] else "",
    "last_sizes": lambda f: f.shape[-len(f.settings["normalized_shape"]) :],
    "norm_elsewhere": lambda f: f.settings["normalized_shape"] in [(size,) for size in f.shape],
    "norm_of_maps": lambda f: len(f.settings["normalized_shape"]) == len(f.shape) - 1 > 1,
    "unbatched": lambda f: (
        f.trace.input_shapes[0] if f.trace and meaning.lacks_batch(f) else None
    ),
    "values": lambda f: prod(f.shape) if f.tensors else int(f.words["size"]),
    # its settings
    "per_axis": lambda f: _given(sizes.wrong_length(f)),
    "odd": lambda f: _given(sizes.not_whole(f)),
    "too_low": lambda f: _given(sizes.too_low(f)),
    "in_range": sizes.in_range,
    "undivided": lambda f: _given({
        k: f.settings[k] for k in ("in_channels", "out_channels")
        if f.settings[k] % f.settings["groups"]
    }),
    "sides": lambda f: 2 * f.dims if len(sizes.each(f.settings["padding"])) == 2 * f.dims else None,
    "odd_pads": lambda f: sizes.setting_length(f) > f.dims and bool(sizes.wrong_length(f)),
    "stride_below_one": lambda f: min(setting(f, "stride", 1)) < 1,
    "dilation_below_one": lambda f: min(setting(f, "dilation", 1)) < 1,
    "kernel_below_one": lambda f: min(setting(f, "kernel_size", 1)) < 1,
    # its window
    "room": lambda f: typed(sizes.room(f)),
    "half": lambda f: typed(by_axis(f, lambda window, _: (window.span - 1) // 2)),
    "full": lambda f: typed(by_axis(f, lambda window, _: window.kernel - 1)),
    "span": lambda f: counted(f["short"][3], "cell"),
    "padded": lambda f: counted(f["short"][2], "cell"),
    "spread": lambda f: ", ".join(
        f"{w.dilation}·({w.kernel} − 1) + 1 = {w.span}" for w in windows(f) if w.dilation > 1
    ),
    "smallest_input": lambda f: times(meaning.smallest_image(f)),
    # by the formula, below 1 where nothing is left
    "output": lambda f: typed(
        by_axis(f, lambda window, cells: window.output_size(cells))
        if f.layer is not None and sizes.room(f)
        else whole(f.words.get("out", "0"))[-f.dims :]
    ),
    # flatten and linear
    "features_axis": lambda f: f.shape.index(f["wanted_features"], 1, len(f.shape) - 1),
    "rest": lambda f: f"{times(f.shape[1:])} = {prod(f.shape[1:])}" if f.shape[2:] else "",
    "asked_flat": lambda f: len(whole(f.words["shape"])) < 3,
    "fits_flattened": lambda f: prod(f.shape[1:]) == f.settings["in_features"],
    "image": lambda f: times(meaning.image(f)),
    "built_for": lambda f: times(meaning.fitting_image(f)),
    # tables, targets, states
    "target_shape": lambda f: str(f.shape[:1] + f.shape[2:] if len(f.shape) > 1 else ()),
    "length_first": lambda f: len(f.shapes[0]) == 3 and f.shapes[0][1:2] == f.shapes[1],
    "one_cell": lambda f: {*f.shape[3:]} == {1} == {*f.shape[2:]} and f.shapes[1] == f.shape[:1],
    "one_a_sample": lambda f: f.shapes[1] == (prod(f.shapes[0]),),
    "one_hot": lambda f: f.shapes[0] == f.shapes[1] and not f.tensors[1].is_floating_point(),
    "of_positions": lambda f: len(f.shape) > 2,
    "of_rows": lambda f: len(f.shape) > 1,
    "of_maps": lambda f: len(f.shape) > 3,
    "one_batch": lambda f: f.shapes[0][:1] == f.shapes[1][:1],
    "label_per_sample": lambda f: len(f.shape) == 3 and f.shapes[1] == f.shape[:1],
    "two_batches": lambda f: (
        f.shapes[0][1:] == f.shapes[1][1:]
        and len({1, f.shapes[0][0], f.shapes[1][0]}) == 3
        and not f["pairwise"]
    ),
    "target_width": lambda f: (
        f.shapes[1][-1]
        if len(f.shape) > 1 and f.shapes[0] != f.shapes[1] and f.shapes[0][:-1] == f.shapes[1][:-1]
        else None
    ),
    "multiplied": lambda f: _whole_quotient(f["a"], f["b"]) if len(f.shape) == 2 else None,
    "steps_last": lambda f: f.shapes[2] == f.shape[:1],
    "row_per_label": lambda f: f.shapes[1] == f.shape[:1] and f.shape[1:] not in ((), (1,)),
    "colours": lambda f: f.shapes[1][-1] if f.shapes[1][-1] in (3, 4) else None,
    "output_axis_of_one": lambda f: _axis_of_one(*f.shapes[:2]),
    "target_axis_of_one": lambda f: _axis_of_one(*f.shapes[1::-1]),
    # two branches
    "table": lambda f: f.parameter(meaning.positions(f)),
    "positions": lambda f: f.shapes[meaning.positions(f)][-2],
    "tokens": lambda f: f.shapes[1 - meaning.positions(f)][-2],
    # fold, upsampling, shuffling, padding
    "fold_rows": lambda f: prod(setting(f, "kernel_size", 1)) if f.kind == "Fold" else None,
    "fold_columns": lambda f: prod(by_axis(f, lambda w, cells: max(0, w.output_size(cells)))),
    "cells": lambda f: prod(whole(f.words["size"])),
    "asked": lambda f: (
        _given({k: f.settings[k] for k in ("size", "scale_factor") if f.settings[k] is not None})
        or "no size and no factor"
    ),
    "squared": lambda f: f.settings["upscale_factor"] ** 2,
    "fitting_mode": lambda f: {3: "linear", 4: "bilinear", 5: "trilinear"}[len(f.shape)],
    "size_per_axis": lambda f: typed((f.settings["size"][-1:] * 3)[: len(f.shape) - 2]),
}  # fmt: skip
