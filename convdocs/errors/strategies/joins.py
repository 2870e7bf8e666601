"""Align two tensors that meet in a sum, a cat or a stack: what their axes mean decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import torch

from convdocs.errors.code import NN, TORCH, Code, length, name, star
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair
from convdocs.errors.repair import Repair, given, operand, result
from convdocs.report import Call

_WORDS = {"N": "batch", "C": "channels", "D": "depth", "H": "height", "W": "width", "L": "length"}


def missing_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The operand with fewer axes gets those it misses, each in its place."""
    shapes = failure.shapes
    if failure.function == "scaled_dot_product_attention" and len(shapes) > 3:
        scores = (*shapes[0][:-1], shapes[1][-2])
        yield from _placed(failure, 3, scores, (), None)
        return
    found = pair(failure)
    if found is None or len(shapes[found[0]]) == len(shapes[found[1]]):
        return
    short, long = sorted(found, key=lambda one: len(shapes[one]))
    yield from _placed(failure, short, shapes[long], axis_names(failure, long), long)


def _placed(
    failure: Failure, number: int, target: Shape, names: tuple[str, ...], other: int | None
) -> Iterator[Repair]:
    shape, dim = failure.shapes[number], joined_axis(failure)
    own = axis_names(failure, number)
    mask = failure.tensors[number].dtype == torch.bool or "mask" in failure.names[number]
    trailing = mask or len(shape) > 2

    def judged(kept: tuple[int, ...]) -> tuple[Any, ...]:
        meant = sum(bool(names and own) and names[k] == own[i] for i, k in enumerate(kept))
        batch = len(shape) > 1 and kept[0] == 0
        return (-meant, not batch, -sum(kept) if trailing else abs(sum(kept) - len(kept)))

    fitting = [
        kept
        for kept in combinations(range(len(target)), len(shape))
        if all(k == dim or size in (1, target[k]) for size, k in zip(shape, kept, strict=True))
    ]
    for kept in sorted(fitting, key=judged)[:2]:
        if kept == tuple(range(len(target)))[-len(shape) :] and dim is None:
            continue  # that is where torch puts them itself
        yield _with_axes(failure, number, target, kept, names, other)


def _with_axes(
    failure: Failure,
    number: int,
    target: Shape,
    kept: tuple[int, ...],
    names: tuple[str, ...],
    other: int | None,
) -> Repair:
    dim, one = joined_axis(failure), operand(failure, number)
    key: list[Any] = [slice(None) if axis in kept else None for axis in range(len(target))]
    while dim is None and key[0] is None:
        key.pop(0)
    while key[-1] == slice(None):
        key.pop()
    lacking = [axis for axis in range(len(target)) if axis not in kept]
    means = [
        _WORDS.get(names[axis], f"axis {axis}") if names else f"axis {axis}" for axis in lacking
    ]
    text = f"Put {' and '.join(means)} into {one} {failure.shapes[number]}, which lacks it."
    code = one[tuple(key)]
    if dim is not None and other is not None:
        code = _expanded(code, operand(failure, other), kept, len(target), dim)
        text += " The values are repeated there."
    codes = [name(key) for key in failure.names]
    codes[number] = code
    return given(failure, text, *codes)


def _expanded(code: Code, other: Code, kept: tuple[int, ...], rank: int, dim: int) -> Code:
    """Repeated along the axes that were put in, but not along the joined one."""
    new = [axis for axis in range(rank) if axis not in kept and axis != dim]
    if not new:
        return code
    if new == list(range(new[0], rank)):
        return code.expand(*[-1] * new[0], star(other.shape[new[0] :]))
    return code.expand(*(other.shape[axis] if axis in new else -1 for axis in range(rank)))


def one_for_all(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An operand of a cat that is one for all samples, as a class token is."""
    found, dim = pair(failure), joined_axis(failure)
    if found is None or dim is None or len({len(failure.shapes[one]) for one in found}) > 1:
        return
    for number, other in (found, found[::-1]):
        shape, target = failure.shapes[number], failure.shapes[other]
        new = [i for i, n in enumerate(shape) if i != dim and n == 1 != target[i]]
        rest = [i for i, n in enumerate(shape) if i != dim and i not in new and n != target[i]]
        if not new or rest:
            continue
        b = operand(failure, other)
        sizes = [
            (length(b) if i == 0 else b.shape[i]) if i in new else -1 for i in range(len(shape))
        ]
        what = "sample of the batch" if new == [0] else "place"
        codes = [name(key) for key in failure.names]
        codes[number] = operand(failure, number).expand(*sizes)
        text = f"Repeat {operand(failure, number)}, which belongs to every {what}."
        yield given(failure, text, *codes)


def along_other_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join along the only axis in which the tensors differ."""
    shapes, dim = failure.shapes, joined_axis(failure)
    if dim is None or len({len(shape) for shape in shapes}) > 1:
        return
    differ = [axis for axis in range(len(shapes[0])) if len({shape[axis] for shape in shapes}) > 1]
    # maps that differ in height or width are not joined along it
    if len(differ) == 1 and not (len(shapes[0]) > 3 and differ[0] > 1):
        text = f"Join along axis {differ[0]}, the only one in which they differ."
        yield result(failure, text, TORCH.cat([name(one) for one in failure.names], differ[0]))


def resized(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The map that was upsampled takes the other's size."""
    found = pair(failure)
    if found is None:
        return
    shapes, branches = [failure.shapes[one] for one in found], own_calls(failure, found)
    if (
        len(shapes[0]) != len(shapes[1])
        or not 3 <= len(shapes[0]) <= 5
        or shapes[0][2:] == shapes[1][2:]
    ):
        return
    for side in (0, 1):
        if not any(_enlarges(call) for call in branches[side]) and failure.trace is not None:
            continue
        if failure.trace is None and shapes[side][2:] > shapes[1 - side][2:]:
            continue
        a, b = (operand(failure, found[one]) for one in (side, 1 - side))
        text = f"Bring {a} to the size of {b}: upsampling does not undo what was rounded down."
        codes = [name(key) for key in failure.names]
        codes[found[side]] = NN.functional.interpolate(a, size=b.shape[2:])
        yield given(failure, text, *codes)
        return


def _enlarges(call: Call) -> bool:
    before, after = call.input_shapes[:1], call.output_shapes[:1]
    if not before or not after or len(before[0]) != len(after[0]) or len(after[0]) < 3:
        return False
    return any(b > a for a, b in zip(before[0][2:], after[0][2:], strict=True))


def cut(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Cut the larger tensor, which loses its last cells."""
    found, dim = pair(failure), joined_axis(failure)
    if found is None:
        return
    a, b = (failure.shapes[one] for one in found)
    if len(a) != len(b):
        return
    odd = [i for i in range(len(a)) if i != dim and a[i] != b[i] and 1 not in (a[i], b[i])]
    if not odd or min(odd) < 2 <= len(a) - 1 or abs(a[odd[0]] - b[odd[0]]) > 2:
        return
    side = 0 if a[odd[0]] > b[odd[0]] else 1
    large, small = (operand(failure, found[one]) for one in (side, 1 - side))
    key = tuple(
        slice(None, small.shape[axis]) if axis in odd else slice(None)
        for axis in range(odd[-1] + 1)
    )
    text = f"Or cut {large} to the size of {small}; the last cells of {large} are lost."
    codes = [name(one) for one in failure.names]
    codes[found[side]] = large[key]
    yield given(failure, text, *codes, loses=True)


def padded_sequences(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Sequences of several lengths become one batch, the shorter ones padded."""
    shapes, listed = failure.shapes, [name(one) for one in failure.names]
    alike = len({shape[1:] for shape in shapes}) == 1 and shapes[0]
    if alike and len(shapes[0]) < 3:
        text = (
            "Sequences of several lengths: pad the shorter ones with zeros, and keep the lengths."
        )
        yield result(failure, text, NN.utils.rnn.pad_sequence(listed, batch_first=True))
    if len({len(shape) for shape in shapes}) == 1 and len(shapes[0]) == 3 and not alike:
        text = "Bring the images to one size first."
        first = listed[0]
        codes = [
            one
            if shape == shapes[0]
            else NN.functional.interpolate(one[None], size=first.shape[1:])[0]
            for one, shape in zip(listed, shapes, strict=True)
        ]
        yield given(failure, text, *codes)
    if alike:
        text = "Or join them along their first axis, which may differ in size."
        yield result(failure, text, TORCH.cat(listed))


def stacked_numbers(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Numbers without axes are stacked to a vector."""
    if not any(failure.shapes):
        yield result(
            failure, "Stack them to a vector.", TORCH.stack([name(one) for one in failure.names])
        )
