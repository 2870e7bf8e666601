"""What a failing call's tensors mean: axes, branches, batch, and where their sizes come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import dropwhile
from math import prod
from typing import Any

from convdocs.errors.failure import Failure, Shape
from convdocs.errors.sizes import windows
from convdocs.geometry import Window
from convdocs.report import Call

_LARGEST = 2048  # images are not searched for beyond this size
_JOINS = ("cat", "concat", "concatenate")
_RESHAPES = ("view", "reshape", "flatten", "Flatten", "squeeze", "ravel", "Unflatten", "unflatten")


# The axes of two tensors that meet.


def joined_axis(failure: Failure) -> int | None:
    """The axis that a cat joins along; None for a sum."""
    if failure.function not in _JOINS:
        return None
    dim = failure.kwargs.get("dim", failure.args[1] if len(failure.args) > 1 else 0)
    return int(dim) % max(1, *map(len, failure.shapes)) if isinstance(dim, int) else 0


def axis_names(failure: Failure, number: int) -> tuple[str, ...]:
    """What an operand's axes mean, as far as the trace says."""
    index, shape = failure.source(number), failure.shapes[number]
    if index < 0 or failure.trace is None:
        return ()
    call = failure.trace.calls[index]
    names = tuple(call.axes.split())
    return names if len(names) == len(shape) and shape in call.output_shapes else ()


def pair(failure: Failure) -> Any:
    """The numbers of two operands whose shapes do not go together, or None."""
    first, dim = (*failure.shapes, ())[0], joined_axis(failure)
    for number, other in enumerate(failure.shapes):
        if dim is None:
            pairs = zip(reversed(first), reversed(other), strict=False)
            agree = all(x == y or 1 in (x, y) for x, y in pairs)
        else:
            agree = len(first) == len(other) and without(first, dim) == without(other, dim)
        if not agree:
            return 0, number
    return None


def without(shape: Shape, dim: int | None) -> Shape:
    """The sizes of all axes but one."""
    return tuple(size for axis, size in enumerate(shape) if axis != dim)


def own_calls(failure: Failure, numbers: tuple[int, int]) -> tuple[list[Call], list[Call]]:
    """The calls of two branches since they parted, in order."""
    first, second = (failure.chain(number) for number in numbers)
    shared = {call.index for call in first} & {call.index for call in second}
    return [c for c in first if c.index not in shared], [c for c in second if c.index not in shared]


def positions(failure: Failure) -> Any:
    """Which operand of a sum is the model's table of positions, the other being tokens; or None."""
    for number in (0, 1) if len(failure.shapes) > 1 else ():
        own, other = failure.shapes[number], failure.shapes[1 - number]
        table = len(own) == 2 or (len(own) == 3 and own[0] == 1)
        if table and len(other) == 3 and own[-1] == other[-1] and failure.parameter(number):
            return number
    return None


# The batch, and layers that the model does not know of.


def lost_batch(failure: Failure) -> Call | None:
    """The reshape behind the first operand that did not keep the batch axis."""
    for call in failure.chain()[::-1] if failure.trace and failure.trace.input_shapes else ():
        before, after = call.input_shapes[0], call.output_shapes[0]
        if call.kind in _RESHAPES and before and before[:1] != after[:1]:
            return call
    return None


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


def listed(failure: Failure) -> str:
    """The path of a plain list, tuple or dict that holds the failing layer, or nothing."""
    layer, model = failure.layer, failure.model
    if layer is None or model is None or any(one is layer for one in model.modules()):
        return ""
    for path, module in model.named_modules():
        for key, held in vars(module).items():
            values = held.values() if isinstance(held, dict) else held
            plain = isinstance(held, list | tuple | dict) and not key.startswith("_")
            if plain and any(one is layer for one in values):
                return f"{path}.{key}" if path else key
    return ""


# Sizes through the calls upstream, and back to the image.


def through(
    calls: Sequence[Call], size: int, axis: int, changed: Mapping[str, tuple[Window, ...]]
) -> int:
    """A size after these calls, along an axis counted from the last.

    0 where nothing is left, or where a call does not say how it changes sizes; ``changed`` are
    other windows of some layers, by their paths.
    """
    for call in calls:
        before, after = call.input_shapes[0], call.output_shapes[0]
        if windows := changed.get(call.path, call.windows):
            size = windows[axis].output_size(size)
        elif len(before) != len(after) or len(before) < -axis:
            return 0
        elif call.kind.startswith("Adaptive"):
            size = after[axis]
        else:
            factor, rest = divmod(after[axis], max(before[axis], 1))
            size *= factor * (rest == 0)
        if size < 1:
            return 0
    return size


def _least(calls: Sequence[Call], dims: int, fits: Callable[[int, int], bool]) -> Shape:
    """The least image, as their first window reads it, that these calls bring to a size that fits.

    Empty where there is none.
    """
    calls = list(dropwhile(lambda call: not call.windows, calls))
    found = []
    for axis in range(-dims, 0) if calls and len(calls[0].windows) == dims else ():
        sizes = ((size, through(calls, size, axis, {})) for size in range(1, _LARGEST))
        found.append(next((size for size, last in sizes if last and fits(last, axis)), 0))
    return tuple(found) if all(found) else ()


def smallest_image(failure: Failure) -> Shape:
    """The smallest image that reaches through the layers before and this one; empty if unknown."""
    fits = lambda size, axis: windows(failure)[axis].output_size(size) > 0  # noqa: E731
    return _least(failure.chain(), failure.dims, fits)


def fitting_image(failure: Failure) -> Shape:
    """The image for which a linear layer, or a table of positions, was built; a square map."""
    table = positions(failure)
    if table is not None:
        calls = [call for call in failure.chain(1 - table) if call.windows]
        cells, dims = failure.shapes[table][-2], 2
    else:
        channels, *map_sizes = flattened(failure) or (1,)
        calls, wanted = _to_flatten(failure)[:-1], failure.settings.get("in_features", 0)
        cells, dims = wanted // channels if wanted % channels == 0 else 0, len(map_sizes)
    side = round(cells ** (1 / max(dims, 1)))
    return _least(calls, dims, lambda size, _: size == side) if 0 < side**dims == cells else ()


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


def halving(failure: Failure) -> int:
    """By how much the deepest map so far is smaller than the image: 4 after two halvings."""
    calls: Sequence[Call] = failure.trace.calls if failure.trace else ()
    strides = (axis.stride for call in calls for axis in call.receptive_field)
    return int(max((stride for stride in strides if stride is not None), default=1))


# What words of others say: a module's own check, and weights that do not fit.

_OWN_WORDS = (
    r"to unpack \(expected (?P<sizes>\d+)",
    r"(?:\.dim\(\)|\.ndim|len\(\w+\.(?:shape|size\(\))\)) [=!]= (?P<axes>\d+)",
    r"axis of length (?P<got>\d+) in chunks of (?P<multiple>\d+)",
    r"(?P<got>\d+)\D*(?:divisible by|multiple of)\D*(?P<multiple>\d+)",
    r"[Ee]xpected\D*(?P<wanted>\d+)\D*(?:got|found|received)\D*(?P<got>\d+)",
    r"\D(?P<got>\d+)\D+?(?:match|equal|model|expect|built|need|want|require)\D+(?P<wanted>\d+)",
)
_MISMATCH = re.compile(
    r"size mismatch for ([\w.]+): copying a param with shape torch\.Size\(\[([\d, ]*)\]\) from "
    r"checkpoint, the shape in current model is torch\.Size\(\[([\d, ]*)\]\)"
)


def own_words(failure: Failure) -> dict[str, int]:
    """What a module's own words say it got, and what it wants, or of what it wants a multiple."""
    texts = (failure.message.replace("\n", " "), failure.line)
    searched = (re.search(pattern, words) for words in texts for pattern in _OWN_WORDS)
    found = next(filter(None, searched), None)
    return {key: int(number) for key, number in found.groupdict().items()} if found else {}


def mismatches(failure: Failure) -> list[tuple[str, Shape, Shape]]:
    """The parameters that do not fit: path, saved shape, the model's shape."""

    def shape(text: str) -> Shape:
        return tuple(map(int, text.split(",")))

    return [(path, shape(a), shape(b)) for path, a, b in _MISMATCH.findall(failure.message)]
