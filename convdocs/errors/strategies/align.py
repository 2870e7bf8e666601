"""Align two tensors that meet in a sum, a cat or a stack: what their axes mean decides."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from convdocs.errors.code import LEN, NN, TORCH, Code
from convdocs.errors.facts import Known
from convdocs.errors.failure import Shape
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair
from convdocs.errors.repair import Repair, assigned, given, operands
from convdocs.report import Call

_WORDS = {"N": "batch", "C": "channels", "D": "depth", "H": "height", "W": "width", "L": "length"}


def missing_axes(known: Known) -> Iterator[Repair]:
    """The operand with fewer axes gets those it misses; in a cat, one is repeated for all."""
    shapes, numbers, dim = known.shapes, pair(known), joined_axis(known)
    if known.function == "scaled_dot_product_attention" and len(shapes) > 3:
        short, target, names = 3, (*shapes[0][:-1], shapes[1][-2]), tuple[str, ...]()
    elif numbers is not None:
        cells = [[len(shapes[n]), *_without(shapes[n], dim)] for n in numbers]
        short, long = numbers if cells[0] < cells[1] else numbers[::-1]
        target, names = shapes[long], axis_names(known, long)
    else:
        return
    own, code, every = axis_names(known, short), operands(known)[short], range(len(target))
    mask = str(known.tensors[short].dtype) == "torch.bool" or "mask" in known.names[short]

    def fits(kept: tuple[int, ...]) -> bool:
        pairs = zip(shapes[short], kept, strict=True)
        # the last axes are where torch puts them itself
        new = dim is not None or kept != tuple(every)[-len(kept) :]
        return new and all(axis == dim or size in (1, target[axis]) for size, axis in pairs)

    def oddness(kept: tuple[int, ...]) -> tuple[int, bool, int]:
        meant = sum(names[k] == own[i] for i, k in enumerate(kept)) if names and own else 0
        trailing = mask or len(kept) > 2
        not_batch = len(kept) < 2 or kept[0] != 0
        return -meant, not_batch, -sum(kept) if trailing else abs(sum(kept) - len(kept))

    for kept in sorted(filter(fits, combinations(every, len(shapes[short]))), key=oddness)[:2]:
        new, lacking = code, [axis for axis in every if axis not in kept]
        if lacking:
            key: list[Any] = [None if axis in lacking else slice(None) for axis in every]
            while dim is None and key[0] is None:
                key.pop(0)
            while key[-1] == slice(None):
                key.pop()
            new = code[tuple(key)]
        sizes = dict(zip(kept, shapes[short], strict=True))
        repeated = [axis for axis in every if axis != dim and sizes.get(axis, 1) != target[axis]]
        if dim is not None and repeated:
            new = _repeated(new, operands(known)[long], repeated, len(target))
        means = [_WORDS.get(names[axis] if names else "", f"axis {axis}") for axis in lacking]
        text = f"Put {' and '.join(means)} into {code} {shapes[short]}, which lacks it."
        text += " The values are repeated there." * (dim is not None)
        if not lacking:
            what = "sample of the batch" if repeated == [0] else "place"
            text = f"Repeat {code}, which belongs to every {what}."
        yield given(known, {short: new}, text)


def _without(shape: Shape, dim: int | None) -> Shape:
    return tuple(size for axis, size in enumerate(shape) if axis != dim)


def _repeated(code: Code, other: Code, axes: list[int], rank: int) -> Code:
    """A tensor as large as another along some axes."""
    if axes[0] and len(axes) == rank - axes[0]:
        return code.expand(*[-1] * axes[0], *other.shape[axes[0] :])
    sizes = [other.shape[axis] if axis else LEN(other) for axis in range(rank)]
    return code.expand(*(sizes[axis] if axis in axes else -1 for axis in range(rank)))


def along_other_axis(known: Known) -> Iterator[Repair]:
    """Join along the only axis in which the tensors differ."""
    shapes = known.shapes
    differ = [axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len({*sizes}) > 1]
    # maps that differ in height or width are not joined along it
    if len(differ) == 1 and not (len(shapes[0]) > 3 and differ[0] > 1):
        text = f"Join along axis {differ[0]}, the only one in which they differ."
        yield assigned(known, "y", TORCH.cat(operands(known), differ[0]), text)


def resized(known: Known) -> Iterator[Repair]:
    """The map that was upsampled takes the other's size."""
    numbers = pair(known) or (0, 0)
    first, second = (known.shapes[n] for n in numbers)
    if len(first) != len(second) or not 3 <= len(first) <= 5 or first[2:] == second[2:]:
        return
    grown = [any(map(_enlarges, calls)) for calls in own_calls(known, numbers)]
    if known.trace is None:
        grown = [first[2:] <= second[2:], True]
    if any(grown):
        side = grown.index(True)
        a, b = (operands(known)[numbers[place]] for place in (side, 1 - side))
        text = f"Bring {a} to the size of {b}: upsampling does not undo what was rounded down."
        yield given(known, {numbers[side]: NN.functional.interpolate(a, size=b.shape[2:])}, text)


def _enlarges(call: Call) -> bool:
    before, after = call.input_shapes[:1], call.output_shapes[:1]
    pairs = zip(before, after, strict=False)
    return any(len(x) == len(y) and any(map(int.__lt__, x[2:], y[2:])) for x, y in pairs)


def cut(known: Known, any_axis: bool = False) -> Iterator[Repair]:
    """Cut the tensors to what they share, by up to two cells of a map; the others are lost."""
    numbers, dim = pair(known) or (0, 1), joined_axis(known)
    pairs = list(zip(*(known.shapes[number] for number in numbers), strict=True))
    unlike = [i for i, (x, y) in enumerate(pairs) if i != dim and x != y]
    odd = unlike if any_axis else [axis for axis in unlike if 1 not in pairs[axis]]
    apart = [abs(x - y) for x, y in (pairs[axis] for axis in odd)]
    if not odd or not (any_axis or (max(apart) < 3 and (min(odd) > 1 or len(pairs) < 3))):
        return
    codes = {}
    for place, number in enumerate(numbers):
        larger = [axis for axis in odd if pairs[axis][place] > pairs[axis][1 - place]]
        if larger:
            x, other = operands(known)[number], operands(known)[numbers[1 - place]]
            ends = [other.shape[i] if i in larger else None for i in range(larger[-1] + 1)]
            codes[number] = x[tuple(slice(None, end) for end in ends)]
            cells = f"Or cut {x} to the size of {other}; the last cells of {x} are lost."
    yield given(known, codes, "" if any_axis else cells, loses=True)


def padded_sequences(known: Known) -> Iterator[Repair]:
    """Sequences of several lengths become one batch, the shorter ones padded."""
    shapes, codes = known.shapes, operands(known)
    alike = len({shape[1:] for shape in shapes}) == 1 and shapes[0]
    if alike and len(shapes[0]) < 3:
        padded = NN.utils.rnn.pad_sequence(codes, batch_first=True)
        text = "Sequences of several lengths: pad the shorter ones with zeros, and keep the lengths"
        yield assigned(known, "y", padded, f"{text}.")
    if {len(shape) for shape in shapes} == {3} and not alike:
        sized = [NN.functional.interpolate(x[None], size=codes[0].shape[1:])[0] for x in codes]
        others = {n: sized[n] for n, shape in enumerate(shapes) if shape != shapes[0]}
        yield given(known, others, "Bring the images to one size first.")
    if alike:
        text = "Or join them along their first axis, which may differ in size."
        yield assigned(known, "y", TORCH.cat(codes), text)
