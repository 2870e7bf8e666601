"""Sizes of a failing call, and how they came about in the calls before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import dropwhile
from math import prod

from convdocs.errors.failure import Failure, Shape
from convdocs.geometry import Window
from convdocs.report import Call

LARGEST = 2048  # images are not searched for beyond this size


def setting(failure: Failure, name: str, default: int = 0) -> tuple[int, ...]:
    """A layer's setting as one int per axis, also where torch refuses how many there are."""
    dims = max(failure.dims, 1)
    value = failure.settings.get(name, default)
    parts = tuple(value) if isinstance(value, tuple | list) else (value,)
    numbers = tuple(part for part in parts if isinstance(part, int)) or (default,)
    return (numbers * dims)[:dims]


def spatial(failure: Failure) -> Shape:
    """The input's sizes along the axes that the window moves over."""
    return failure.shape[-failure.dims :] if failure.dims else ()


def windows(failure: Failure) -> tuple[Window, ...]:
    """The failing layer's windows, one per axis; settings out of range count as the least."""
    defaults = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
    columns = (setting(failure, key, number) for key, number in defaults.items())
    transposed = bool(re.search("transpose|unpool", failure.kind, re.I))
    return tuple(
        Window(max(k, 1), max(s, 1), (p, p), max(d, 1), extra, transposed=transposed)
        for k, s, p, d, extra in zip(*columns, strict=True)
    )


def through(
    calls: Sequence[Call],
    size: int,
    axis: int,
    changed: Mapping[str, tuple[Window, ...]] | None = None,
) -> int | None:
    """A size after these calls, along an axis counted from the last.

    None where nothing is left, or where a call does not say how it changes sizes; ``changed`` are
    other windows of some layers, by their paths.
    """
    for call in calls:
        before, after = call.input_shapes[0], call.output_shapes[0]
        if call.windows:
            size = (changed or {}).get(call.path, call.windows)[axis].output_size(size)
        elif len(before) != len(after) or len(before) < -axis:
            return None
        elif call.kind.startswith("Adaptive"):
            size = after[axis]
        elif after[axis] % max(before[axis], 1) == 0:
            size *= after[axis] // max(before[axis], 1)
        else:
            return None
        if size < 1:
            return None
    return size


def least(calls: Sequence[Call], dims: int, fits: Callable[[int, int], bool]) -> Shape:
    """The least image that is, behind these calls, of a size that fits its axis; or empty."""
    found = []
    for axis in range(-dims, 0):
        sizes = ((size, through(calls, size, axis)) for size in range(1, LARGEST))
        found.append(next((size for size, last in sizes if last and fits(last, axis)), 0))
    return tuple(found) if all(found) else ()


def lacks_batch(failure: Failure) -> bool:
    """Whether the model's input was read as one sample, without a batch axis."""
    if failure.trace is None or not failure.trace.input_shapes:
        return False
    given = failure.trace.input_shapes[0]
    for call in failure.trace.calls:
        if call.windows and call.sources[:1] == (-1,) and call.input_shapes[0] == given:
            return len(given) == len(call.windows) + 1
    # a layer that takes batches only was given the input itself
    first = failure.source(0) == -1 and failure.shape == given and failure.path != ""
    return first and len(given) == failure.dims + 1 and failure.kind.startswith("BatchNorm")


def smallest(failure: Failure) -> Shape:
    """The smallest image that reaches through the layers before and this one; empty if unknown."""
    calls, last = _from_image(failure.chain()), windows(failure)
    if not calls:
        return ()
    return least(calls, failure.dims, lambda size, axis: last[axis].output_size(size) > 0)


def _from_image(calls: Sequence[Call]) -> list[Call]:
    """The calls from the first with a window on."""
    return list(dropwhile(lambda call: not call.windows, calls))


def _to_flatten(failure: Failure) -> list[Call]:
    """The calls up to the flatten of a map; nothing but what keeps the values may follow it."""
    calls = [] if lacks_batch(failure) else failure.chain()
    while calls:
        before, after = calls[-1].input_shapes[0], calls[-1].output_shapes[0]
        if len(before) > 2 and len(after) < len(before):
            return calls if (prod(before[1:]),) == failure.shape[-1:] else []
        if before != after:
            break
        calls.pop()
    return []


def flattened(failure: Failure) -> Shape:
    """The shape, without its batch, that a flatten made into the last axis."""
    calls = _to_flatten(failure)
    return calls[-1].input_shapes[0][1:] if calls else ()


def image(failure: Failure) -> Shape:
    """The spatial sizes of the image that the model was given."""
    calls = failure.chain()
    dims = next((len(call.windows) for call in calls if call.windows), 0)
    return calls[0].input_shapes[0][-dims:] if dims else ()


def image_for(failure: Failure) -> Shape:
    """The image whose flattened map has the in_features of a linear layer, as a square map."""
    wanted, shape = failure.settings.get("in_features", 0), flattened(failure)
    calls = _from_image(_to_flatten(failure)[:-1])
    if not calls:
        return ()
    channels, dims = shape[0], len(shape) - 1
    side = round((wanted / channels) ** (1 / dims))
    if not side or side**dims * channels != wanted:
        return ()
    return least(calls, dims, lambda size, _: size == side)


def step(failure: Failure) -> int:
    """By how much the deepest map so far is smaller than the image: 4 after two halvings."""
    calls: Sequence[Call] = failure.trace.calls if failure.trace else ()
    strides = (axis.stride for call in calls for axis in call.receptive_field)
    return int(max((stride for stride in strides if stride is not None), default=1))
