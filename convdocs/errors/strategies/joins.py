"""Align two tensors that meet in a sum, a cat or a stack: what their axes mean decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from convdocs.errors.code import NN, TORCH, Code, length, star
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair
from convdocs.errors.repair import Repair, given, operands, result
from convdocs.report import Call

_WORDS = {"N": "batch", "C": "channels", "D": "depth", "H": "height", "W": "width", "L": "length"}


def missing_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The operand with fewer axes gets those it misses, each in its place."""
    shapes, numbers, dim = failure.shapes, pair(failure), joined_axis(failure)
    if failure.function == "scaled_dot_product_attention" and len(shapes) > 3:
        short, long, target = 3, None, (*shapes[0][:-1], shapes[1][-2])
    elif numbers is not None and len(shapes[numbers[0]]) != len(shapes[numbers[1]]):
        short, long = sorted(numbers, key=lambda number: len(shapes[number]))
        target = shapes[long]
    else:
        return
    names = axis_names(failure, long) if long is not None else ()
    fitting = [
        kept
        for kept in combinations(range(len(target)), len(shapes[short]))
        if all(
            axis == dim or size in (1, target[axis])
            for size, axis in zip(shapes[short], kept, strict=True)
        )
    ]
    for kept in sorted(fitting, key=lambda kept: _oddness(failure, short, kept, names))[:2]:
        # the last axes are where torch puts them itself
        if dim is not None or kept != tuple(range(len(target)))[-len(kept) :]:
            yield _with_axes(failure, short, long, target, kept, names)


def _oddness(
    failure: Failure, number: int, kept: tuple[int, ...], names: tuple[str, ...]
) -> tuple[Any, ...]:
    """How unlikely it is that an operand's axes are these of the other's."""
    own = axis_names(failure, number)
    mask = str(failure.tensors[number].dtype) == "torch.bool" or "mask" in failure.names[number]
    meant = sum(bool(names and own) and names[k] == own[i] for i, k in enumerate(kept))
    batch = len(kept) > 1 and kept[0] == 0
    trailing = mask or len(kept) > 2
    return (-meant, not batch, -sum(kept) if trailing else abs(sum(kept) - len(kept)))


def _with_axes(
    failure: Failure,
    number: int,
    other: int | None,
    target: Shape,
    kept: tuple[int, ...],
    names: tuple[str, ...],
) -> Repair:
    dim, codes = joined_axis(failure), operands(failure)
    lacking = [axis for axis in range(len(target)) if axis not in kept]
    means = [_WORDS.get(names[axis] if names else "", f"axis {axis}") for axis in lacking]
    text = (
        f"Put {' and '.join(means)} into {codes[number]} {failure.shapes[number]}, which lacks it."
    )
    key: list[Any] = [slice(None) if axis in kept else None for axis in range(len(target))]
    while dim is None and key[0] is None:
        key.pop(0)
    while key[-1] == slice(None):
        key.pop()
    code = codes[number][tuple(key)]
    repeated = [axis for axis in lacking if axis != dim]
    if dim is not None and other is not None:
        text += " The values are repeated there."
        sizes = codes[other].shape
        if repeated and repeated == list(range(repeated[0], len(target))):
            code = code.expand(*[-1] * repeated[0], star(sizes[repeated[0] :]))
        elif repeated:
            every = range(len(target))
            code = code.expand(*(sizes[axis] if axis in repeated else -1 for axis in every))
    return given(failure, text, {number: code})


def one_for_all(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An operand of a cat that is one for all samples, as a class token is."""
    numbers, dim = pair(failure), joined_axis(failure)
    if numbers is None or dim is None or len({len(failure.shapes[n]) for n in numbers}) > 1:
        return
    for number, other in (numbers, numbers[::-1]):
        own, target = failure.shapes[number], failure.shapes[other]
        unlike = [axis for axis in range(len(own)) if axis != dim and own[axis] != target[axis]]
        if unlike and all(own[axis] == 1 for axis in unlike):
            a, b = operands(failure)[number], operands(failure)[other]
            sizes: list[Any] = [-1] * len(own)
            for axis in unlike:
                sizes[axis] = b.shape[axis] if axis else length(b)
            what = "sample of the batch" if unlike == [0] else "place"
            text = f"Repeat {a}, which belongs to every {what}."
            yield given(failure, text, {number: a.expand(*sizes)})


def along_other_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join along the only axis in which the tensors differ."""
    shapes = failure.shapes
    if joined_axis(failure) is None or len({len(shape) for shape in shapes}) > 1:
        return
    differ = [axis for axis in range(len(shapes[0])) if len({shape[axis] for shape in shapes}) > 1]
    # maps that differ in height or width are not joined along it
    if len(differ) == 1 and not (len(shapes[0]) > 3 and differ[0] > 1):
        text = f"Join along axis {differ[0]}, the only one in which they differ."
        yield result(failure, text, TORCH.cat(operands(failure), differ[0]))


def resized(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The map that was upsampled takes the other's size."""
    numbers = pair(failure)
    if numbers is None:
        return
    sizes = [failure.shapes[number][2:] for number in numbers]
    ranks = {len(failure.shapes[number]) for number in numbers}
    if len(ranks) > 1 or not ranks <= {3, 4, 5} or sizes[0] == sizes[1]:
        return
    branches = own_calls(failure, numbers)
    grown = [any(map(_enlarges, calls)) for calls in branches]
    if failure.trace is None:
        grown = [sizes[0] <= sizes[1], True]
    if any(grown):
        side = grown.index(True)
        a, b = (operands(failure)[numbers[place]] for place in (side, 1 - side))
        text = f"Bring {a} to the size of {b}: upsampling does not undo what was rounded down."
        code = NN.functional.interpolate(a, size=b.shape[2:])
        yield given(failure, text, {numbers[side]: code})


def _enlarges(call: Call) -> bool:
    shapes = (*call.input_shapes[:1], *call.output_shapes[:1])
    ranks = set(map(len, shapes))
    return len(shapes) == 2 and len(ranks) == 1 and any(map(int.__lt__, *(s[2:] for s in shapes)))


def cut(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Cut the larger tensor, which loses its last cells."""
    numbers, dim = pair(failure), joined_axis(failure)
    if numbers is None:
        return
    a, b = (failure.shapes[number] for number in numbers)
    if len(a) != len(b):
        return
    odd = [i for i in range(len(a)) if i != dim and a[i] != b[i] and 1 not in (a[i], b[i])]
    if not odd or min(odd) < 2 <= len(a) - 1 or abs(a[odd[0]] - b[odd[0]]) > 2:
        return
    large, small = numbers if a[odd[0]] > b[odd[0]] else numbers[::-1]
    x, y = operands(failure)[large], operands(failure)[small]
    text = f"Or cut {x} to the size of {y}; the last cells of {x} are lost."
    yield given(failure, text, {large: _cut_to(x, y, odd)}, loses=True)


def _cut_to(x: Code, y: Code, axes: list[int]) -> Code:
    every = range(axes[-1] + 1)
    return x[tuple(slice(None, y.shape[axis]) if axis in axes else slice(None) for axis in every)]


def shared_cells(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Values and indices of one pool; here cut to what they share."""
    (x, indices), (a, b) = operands(failure)[:2], failure.shapes[:2]
    if len(a) == len(b):
        longer = [axis for axis in range(len(a)) if a[axis] > b[axis]]
        shorter = [axis for axis in range(len(a)) if a[axis] < b[axis]]
        codes = {0: _cut_to(x, indices, longer)} if longer else {}
        codes |= {1: _cut_to(indices, x, shorter)} if shorter else {}
        text = (
            "Use the values and indices of the same pool; cut to what they share, the rest of the "
            "longer one is lost."
        )
        yield given(failure, text, codes, loses=True)


def padded_sequences(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Sequences of several lengths become one batch, the shorter ones padded."""
    shapes, codes = failure.shapes, operands(failure)
    alike = len({shape[1:] for shape in shapes}) == 1 and shapes[0]
    if alike and len(shapes[0]) < 3:
        text = (
            "Sequences of several lengths: pad the shorter ones with zeros, and keep the lengths."
        )
        yield result(failure, text, NN.utils.rnn.pad_sequence(codes, batch_first=True))
    if {len(shape) for shape in shapes} == {3} and not alike:
        size = codes[0].shape[1:]
        others = {
            number: NN.functional.interpolate(codes[number][None], size=size)[0]
            for number, shape in enumerate(shapes)
            if shape != shapes[0]
        }
        yield given(failure, "Bring the images to one size first.", others)
    if alike:
        text = "Or join them along their first axis, which may differ in size."
        yield result(failure, text, TORCH.cat(codes))


def stacked_numbers(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if not any(failure.shapes):
        yield result(failure, "Stack them to a vector.", TORCH.stack(operands(failure)))
