"""What the tensors of a failing call mean: their axes, branches, patches, batch and owner."""

from __future__ import annotations

import re
from math import isqrt

from convdocs.errors.failure import Failure, Shape
from convdocs.errors.sizes import least
from convdocs.report import Call

_JOINS = ("cat", "concat", "concatenate")
_RESHAPES = ("view", "reshape", "flatten", "Flatten", "squeeze", "ravel", "Unflatten", "unflatten")
_SIZES = re.compile(
    r"size mismatch for ([\w.]+): copying a param with shape torch\.Size\(\[([\d, ]*)\]\) from "
    r"checkpoint, the shape in current model is torch\.Size\(\[([\d, ]*)\]\)"
)


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


def pair(failure: Failure) -> tuple[int, int] | None:
    """Two operands whose shapes do not go together; a mask is compared with its scores."""
    shapes, dim = failure.shapes, joined_axis(failure)
    others = (n for n, other in enumerate(shapes) if not _agree(shapes[0], other, dim))
    return next(((0, other) for other in others), None)


def _agree(a: Shape, b: Shape, dim: int | None) -> bool:
    if dim is not None:
        return len(a) == len(b) and a[:dim] + a[dim + 1 :] == b[:dim] + b[dim + 1 :]
    return all(x == y or 1 in (x, y) for x, y in zip(reversed(a), reversed(b), strict=False))


def own_calls(failure: Failure, numbers: tuple[int, int]) -> tuple[list[Call], list[Call]]:
    """The calls of two branches since they parted, in order."""
    first, second = (failure.chain(number) for number in numbers)
    shared = {call.index for call in first} & {call.index for call in second}
    return [c for c in first if c.index not in shared], [c for c in second if c.index not in shared]


def lost_batch(failure: Failure) -> Call | None:
    """The reshape behind the first operand that did not keep the batch axis."""
    for call in failure.chain()[::-1] if failure.trace and failure.trace.input_shapes else ():
        before, after = call.input_shapes[0], call.output_shapes[0]
        if call.kind in _RESHAPES and before and before[:1] != after[:1]:
            return call
    return None


def positions(failure: Failure) -> int | None:
    """Which operand of a sum is the model's table of positions, the other being tokens."""
    for number in (0, 1) if len(failure.shapes) > 1 else ():
        own, other = failure.shapes[number], failure.shapes[1 - number]
        if failure.parameter(number) and len(own) == len(other) == 3 and own[0] == 1:
            return number
    return None


def grid_size(failure: Failure) -> Shape:
    """The image whose patches are as many as a table of positions has; empty if there is none."""
    table = positions(failure)
    if table is None:
        return ()
    side = isqrt(failure.shapes[table][1])
    patches = [call for call in failure.chain(1 - table) if call.windows]
    if not patches or side * side != failure.shapes[table][1]:
        return ()
    return least(patches, len(patches[0].windows), lambda size, _: size == side)


# a module's words for what it got and wants, and whether it wants a multiple
_OWN_WORDS = {
    r"axis of length (?P<got>\d+) in chunks of (?P<wanted>\d+)": True,
    r"(?P<got>\d+)\D*(?:divisible by|multiple of)\D*(?P<wanted>\d+)": True,
    r"[Ee]xpected\D*(?P<wanted>\d+)\D*(?:got|found|received)\D*(?P<got>\d+)": False,
    r"\D(?P<got>\d+)\D+?(?:match|equal|model|expect)\D+(?P<wanted>\d+)": False,
}


def own_numbers(failure: Failure) -> tuple[int, int, bool] | None:
    """What a module's own words say it got and wants, and whether it must divide."""
    words = failure.message.replace("\n", " ")
    found = ((re.search(pattern, words), divides) for pattern, divides in _OWN_WORDS.items())
    return next(((int(one["got"]), int(one["wanted"]), d) for one, d in found if one), None)


def mismatches(failure: Failure) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """The parameters that do not fit: path, saved shape, the model's shape."""
    return [
        (path, tuple(map(int, saved.split(","))), tuple(map(int, own.split(","))))
        for path, saved, own in _SIZES.findall(failure.message)
    ]


def listed(failure: Failure) -> str:
    """The path of a plain list, tuple or dict that holds the failing layer, or nothing."""
    if failure.layer is None or failure.model is None:
        return ""
    if any(one is failure.layer for one in failure.model.modules()):
        return ""
    for path, module in failure.model.named_modules():
        for key, held in vars(module).items():
            values = held.values() if isinstance(held, dict) else held
            plain = isinstance(held, list | tuple | dict) and not key.startswith("_")
            if plain and any(one is failure.layer for one in values):
                return f"{path}.{key}" if path else key
    return ""
