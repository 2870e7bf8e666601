"""Settings and windows of a failing call: their sizes, and which of them are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from convdocs.errors.failure import Failure, Shape
from convdocs.geometry import AXIS_NAMES, Window

_LEAST = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0, "output_size": 1}
_NUMBERS = {
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups",
    "output_padding", "in_features", "out_features", "num_features", "num_channels", "num_groups",
    "output_size", "unflattened_size", "upscale_factor", "start_dim", "end_dim",
}  # fmt: skip


def whole(text: str) -> tuple[int, ...]:
    """The whole numbers in a message's part."""
    return tuple(map(int, re.findall(r"-?\d+", text)))


def times(values: Iterable[int]) -> str:
    """Sizes as one says them, 3 x 28 x 28."""
    return " x ".join(map(str, values))


def multiple_above(size: int, step: int) -> int:
    """The least multiple of a step that is no less than a size."""
    return -(-size // step) * step


def each(value: Any) -> Any:
    """The parts of a setting, which is one number or one an axis."""
    return value if isinstance(value, tuple | list) else (value,)


def typed(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """Equal numbers as one, others as a tuple."""
    return values[0] if len(set(values)) == 1 else values


def setting(failure: Failure, name: str, default: int = 0) -> tuple[int, ...]:
    """A layer's setting as one int per axis, also where torch refuses how many there are."""
    dims = max(failure.dims, 1)
    parts = each(failure.settings.get(name, default))
    numbers = tuple(part for part in parts if isinstance(part, int)) or (default,)
    return (numbers * dims)[:dims]


def windows(failure: Failure) -> tuple[Window, ...]:
    """The failing layer's windows, one per axis; settings out of range count as the least."""
    defaults = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
    columns = (setting(failure, key, number) for key, number in defaults.items())
    transposed = bool(re.search("transpose|unpool", failure.kind, re.I))
    return tuple(
        Window(max(k, 1), max(s, 1), (p, p), max(d, 1), extra, transposed=transposed)
        for k, s, p, d, extra in zip(*columns, strict=True)
    )


def room(failure: Failure) -> Shape:
    """The sizes that the windows move over: the input's, or those of the output of Fold."""
    if failure.kind == "Fold":
        return setting(failure, "output_size", 1)
    return failure.shape[-failure.dims :] if failure.dims else ()


def by_axis(failure: Failure, number: Callable[[Window, int], int]) -> tuple[int, ...]:
    """A number for each axis; a constructor has no input yet, and its windows no cells."""
    known = windows(failure)
    cells = room(failure) or (1,) * len(known)
    return tuple(number(window, size) for window, size in zip(known, cells, strict=False))


def short(failure: Failure) -> tuple[str, int, int, int]:
    """The first axis too short for its window: its cells, with the padding, and the window's."""
    # the average pool over three axes does not count its padding here
    counts = "input image" not in failure.message
    for axis, (size, window) in enumerate(zip(room(failure), windows(failure), strict=False)):
        padded = size + counts * sum(window.padding)
        if padded < window.span:
            return AXIS_NAMES[failure.dims][axis], size, padded, window.span
    raise LookupError


def setting_length(failure: Failure) -> int:
    """How many values a setting has: one per axis, or one per side."""
    sides = failure.layer is not None and "Pad" in failure.kind and failure.kind.endswith("d")
    return 2 * failure.dims if sides else failure.dims


def wrong_length(failure: Failure) -> dict[str, tuple[Any, ...]]:
    """Settings that have another number of values than the layer has axes."""
    keys = (*_LEAST, "output_padding", "output_ratio")
    many = {key: failure.settings.get(key) for key in keys}
    return {
        key: tuple(value)
        for key, value in many.items()
        if isinstance(value, tuple | list)
        and (value or failure.layer is not None or failure.built is not None)
        and (len(value) != setting_length(failure) or failure.kind == "LPPool1d")
    }


def not_whole(failure: Failure) -> dict[str, Any]:
    """Settings of which a part should be a whole number and is none."""

    def is_odd(key: str, part: Any) -> bool:
        left_open = part is None and key in ("stride", "output_size")
        return not (isinstance(part, int) or part in ("same", "valid") or left_open)

    known = ((key, value) for key, value in failure.settings.items() if key in _NUMBERS)
    return {key: value for key, value in known if any(is_odd(key, part) for part in each(value))}


def too_low(failure: Failure) -> dict[str, Any]:
    """Settings of which a part is below the least that it may be."""
    return {
        key: value
        for key, value in failure.settings.items()
        if any(type(part) is int and part < _LEAST.get(key, 1) for part in each(value))
    }


def in_range(failure: Failure) -> dict[str, Any]:
    """Settings that may be in place of those that may not: 2 for 2.5, 8 for -8."""

    def mended(key: str, value: Any) -> Any:
        if isinstance(value, tuple | list):
            return tuple(mended(key, part) for part in value)
        number = re.match(r"-?\d+", str(value))
        size = int(number[0]) if number else 1
        return max(size, 0) if key == "padding" else abs(size) or 1

    return {
        key: mended(key, value) for key, value in (not_whole(failure) or too_low(failure)).items()
    }
