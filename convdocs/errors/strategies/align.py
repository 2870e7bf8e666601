"""Align two tensors that meet in a sum, a cat or a stack, or mend the branches that they end."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from itertools import combinations, product
from math import prod
from typing import Any

import torch

from convdocs import layers
from convdocs.errors.code import LEN, NN, TORCH, Code, name, run
from convdocs.errors.known import Known
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair, through, without
from convdocs.errors.repair import Repair, Step, assigned, built_member, given, operands
from convdocs.errors.sizes import typed
from convdocs.report import Call

_MOST_WAYS = 64  # of choosing the output_padding of a decoder's layers
_WORDS = {"N": "batch", "C": "channels", "D": "depth", "H": "height", "W": "width", "L": "length"}


def missing_axes(known: Known) -> Iterator[Repair]:
    """The operand with fewer axes gets those it misses; in a cat, one is repeated for all."""
    shapes, numbers, dim = known.shapes, pair(known), joined_axis(known)
    if known.function == "scaled_dot_product_attention" and len(shapes) > 3:
        short, target, names = 3, (*shapes[0][:-1], shapes[1][-2]), tuple[str, ...]()
    elif numbers is not None:
        cells = [[len(shapes[n]), *without(shapes[n], dim)] for n in numbers]
        short, long = numbers if cells[0] < cells[1] else numbers[::-1]
        target, names = shapes[long], axis_names(known, long)
    else:
        return
    own, code, every = axis_names(known, short), operands(known)[short], range(len(target))
    area = prod(target[2:])  # values of a cell each, rather than of a channel each
    width = shapes[short][1] if len(shapes[short]) == 2 and len(target) > 3 else 0
    if width and area > 1 and width % area == 0 and width != target[1]:
        text = (
            f"Each row of {code} {shapes[short]} holds the cells of a map: give it the map's axes."
        )
        planes = code.reshape(LEN(code), -1, *operands(known)[long].shape[2:])
        yield given(known, {short: planes}, text)
        return
    mask = str(known.tensors[short].dtype) == "torch.bool" or "mask" in known.names[short]
    matrix = every[-2:] if "matmul" in known.function else ()
    usual = (0, 1) if len(shapes[short]) == 2 else (1,)  # a number for each channel, of each sample

    def fits(kept: tuple[int, ...]) -> bool:
        pairs = zip(shapes[short], kept, strict=True)
        # the last axes are where torch puts them itself
        new = dim is not None or kept != tuple(every)[-len(kept) :]
        alike = all(i in (dim, *matrix) or size in (1, target[i]) for size, i in pairs)
        return new and alike and {*matrix} <= {*kept}

    def copied(kept: tuple[int, ...]) -> list[int]:
        sizes = dict(zip(kept, shapes[short], strict=True))
        return [axis for axis in every if axis != dim and sizes.get(axis, 1) != target[axis]]

    def oddness(kept: tuple[int, ...]) -> tuple[bool, int, bool, int]:
        copies = dim is not None and bool(copied(kept))
        meant = sum(names[k] == own[i] for i, k in enumerate(kept)) if names and own else 0
        trailing = mask or len(kept) > 2
        not_batch = len(kept) < 2 or kept[0] != 0
        apart = sum(abs(axis - place) for axis, place in zip(kept, usual, strict=False))
        return copies, -meant, not_batch, -sum(kept) if trailing else apart

    for kept in sorted(filter(fits, combinations(every, len(shapes[short]))), key=oddness)[:2]:
        new, lacking = code, [axis for axis in every if axis not in kept]
        if lacking:
            key: list[Any] = [None if axis in lacking else slice(None) for axis in every]
            while dim is None and key[0] is None:
                key.pop(0)
            while key[-1] == slice(None):
                key.pop()
            new = code[tuple(key)]
        repeated = copied(kept)
        if dim is not None and repeated:
            new = _repeated(new, operands(known)[long], repeated, len(target))
        means = [_WORDS.get(names[axis] if names else "", f"axis {axis}") for axis in lacking]
        text = f"Put {' and '.join(means)} into {code} {shapes[short]}, which lacks it."
        text += " The values are repeated there." * (dim is not None and bool(repeated))
        if not lacking:
            samples = known.parameter(short) or axis_names(known, long)[:1] == ("N",)
            what = "sample of the batch" if repeated == [0] and samples else "place of the other"
            text = f"Repeat {code}, which belongs to every {what}."
        yield given(known, {short: new}, text)


def _repeated(code: Code, other: Code, axes: list[int], rank: int) -> Code:
    if axes[0] and len(axes) == rank - axes[0]:
        return code.expand(*[-1] * axes[0], *other.shape[axes[0] :])
    sizes = [other.shape[axis] if axis else LEN(other) for axis in range(rank)]
    return code.expand(*(sizes[axis] if axis in axes else -1 for axis in range(rank)))


def turned(known: Known) -> Iterator[Repair]:
    """Axes in another order: a flattened map beside tokens, or channels that are last."""
    numbers, dim = pair(known), joined_axis(known)
    for number, other in (numbers[::-1], numbers) if numbers else ():
        own, target, code = known.shapes[number], known.shapes[other], operands(known)[number]
        flattened = len(own) == 3 and axis_names(known, number)[:2] == ("N", "C")
        orders = ((1, -1),) if flattened else ((-1, 1), (1, -1)) if len(own) > 3 else ((0, 1),)
        for axis, to in orders if len(own) > 2 else ():
            moved = [*own[:axis], *own[axis:][1:]]
            moved.insert(to % len(own), own[axis])
            pairs = enumerate(zip(moved, target, strict=False))
            alike = tuple(x == y or (flattened and i == 0 and 1 in (x, y)) for i, (x, y) in pairs)
            if len(own) == len(target) and (*moved,) != own and all(without(alike, dim)):
                text = (
                    f"{code} {own} has its axes in another order: {target} has its channels first."
                )
                if flattened:
                    text = f"{code} {own} is a flattened map, its channels on axis 1: make tokens."
                if axis == 0:
                    text = f"The first two axes of {code} {own} are swapped, as batch and length."
                swapped = code.transpose(axis, axis + 1)
                new = swapped if len(own) == 3 else code.movedim(axis, to)
                yield given(known, {number: new}, text)


def causal(known: Known) -> Iterator[Repair]:
    """Convolutions that look back: the whole reach padded at both ends, or windows of two cells."""
    numbers = pair(known) or (0, 0)
    sides = own_calls(known, numbers)
    for number, calls in zip(numbers, sides, strict=True):
        for window in (call.windows[0] for call in calls if len(call.windows) == 1):
            surplus = window.padding[1]
            if surplus == window.span - 1 > 0 and window.stride == 1 and not window.transposed:
                code = operands(known)[number]
                text = (
                    f"The convolution pads {surplus} cells at both ends. Drop the last {surplus}: "
                    "then no cell sees what comes after it."
                )
                yield given(known, {number: code[..., :-surplus]}, text)
    windows = [w for calls in sides for c in calls if len(c.windows) == 1 for w in c.windows]
    if windows and all(w.kernel == 2 and w.stride == 1 and not any(w.padding) for w in windows):
        long, short = sorted(numbers, key=lambda number: -known.shapes[number][-1])
        a, b = (operands(known)[number] for number in (long, short))
        text = f"Windows of two cells look back: leave out the first cells of {a}, without a past."
        yield given(known, {long: a[..., -b.shape[-1] :]}, text)


def of_size_one(known: Known) -> Iterator[Repair]:
    """Each axis of size 1 taken out of the operand that has an axis more."""
    fewest = min(map(len, known.shapes))
    for number, (code, shape) in enumerate(zip(operands(known), known.shapes, strict=True)):
        for axis in (i for i, size in enumerate(shape) if size == 1 and len(shape) > fewest):
            text = f"{code} {shape} has an axis of size 1 that the other lacks: take it out."
            yield given(known, {number: code.squeeze(axis)}, text)


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
    grown, calls = [first[2:] <= second[2:], True], own_calls(known, numbers)
    if known.trace is not None:
        grown = [any(map(_enlarges, side)) for side in calls]
        # maps of two inputs, or of two levels that are joined
        apart = joined_axis(known) == 1 and not 1 < 2 * first[-1] / second[-1] < 4
        if not any(grown) and (len(known.inputs[0]) > 1 or apart):
            grown = [first[2:] < second[2:], second[2:] < first[2:]]
    if any(grown):
        side = grown.index(True)
        a, b = (operands(known)[numbers[place]] for place in (side, 1 - side))
        why = ": upsampling does not undo what was rounded down" * any(map(_enlarges, calls[side]))
        text = f"Bring {a} to the size of {b}{why}."
        yield given(known, {numbers[side]: NN.functional.interpolate(a, size=b.shape[2:])}, text)


def _enlarges(call: Call) -> bool:
    if call.windows and not call.windows[0].transposed:
        return False  # a convolution that pads more than its window reaches
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
    if not odd or not (any_axis or (max(apart) < 3 and min(odd) >= min(2, len(pairs) - 1))):
        return
    codes = {}
    for place, number in enumerate(numbers):
        larger = [axis for axis in odd if pairs[axis][place] > pairs[axis][1 - place]]
        if larger:
            x, other = operands(known)[number], operands(known)[numbers[1 - place]]
            ends = [other.shape[i] if i in larger else None for i in range(larger[-1] + 1)]
            codes[number] = x[tuple(slice(None, end) for end in ends)]
            cells = f"Cut {x} to the size of {other}; the last cells of {x} are lost."
    yield given(known, codes, "" if any_axis else cells, loses=True)


def padded_sequences(known: Known) -> Iterator[Repair]:
    """Sequences of several lengths become one batch, the shorter ones padded."""
    shapes, codes = known.shapes, operands(known)
    if {len(shape) for shape in shapes} == {3}:
        size, channels = codes[0].shape[1:], max(shape[0] for shape in shapes)
        resized = {
            n: NN.functional.interpolate(code[None], size=size)[0]
            for n, (code, shape) in enumerate(zip(codes, shapes, strict=True))
            if shape[1:] != shapes[0][1:]
        }
        yield given(known, resized, "Bring the images to one size first.")
        pairs = enumerate(zip(codes, shapes, strict=True))
        coloured = {n: code.expand(channels, -1, -1) for n, (code, own) in pairs if own[0] == 1}
        yield given(known, coloured, f"Repeat the one channel of a grey image {channels} times.")
    elif len(shapes[0]) < 3:
        padded = NN.utils.rnn.pad_sequence(codes, batch_first=True)
        text = "Sequences of several lengths: pad the shorter ones with zeros, and keep the lengths"
        yield assigned(known, "y", padded, f"{text}.")
        text = "Or join them along their first axis, which may differ in size."
        yield assigned(known, "y", TORCH.cat(codes), text)


# A shortcut: the branch and what it is added to, in channels and size.

_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "true_divide": operator.truediv,
}  # fmt: skip


def widened(known: Known) -> Iterator[Repair]:
    """A convolution of size 1 in the shortcut, with the branch's channels and stride."""
    numbers = pair(known)
    sign = _SIGNS.get(known.function.strip("_").removeprefix("r").removeprefix("i"))
    if numbers is None or sign is None or not _are_maps(known, numbers):
        return
    # the side with fewer windows of its own is the shortcut, or else the narrower one
    work = [sum(bool(call.windows) for call in calls) for calls in own_calls(known, numbers)]
    width = [known.shapes[number][1] for number in numbers]
    side = int((work[1], width[1]) < (work[0], width[0]))
    short, branch = (known.shapes[numbers[place]] for place in (side, 1 - side))
    for call in [c for c in own_calls(known, numbers)[1 - side] if c.kind.startswith("Conv")][-1:]:
        if short[1] > branch[1] and short[2:] == branch[2:] and known.model and not work[side]:
            layer = known.model.get_submodule(call.path)
            code = built_member(layer, {"out_channels": short[1]})
            text = f"The branch is narrower than its shortcut: end it in {short[1]} channels."
            yield assigned(call.path, "layer", code, text)
    pairs = zip(short[2:], branch[2:], strict=True)
    strides = tuple(next((s for s in range(1, 9) if (n - 1) // s + 1 == m), 0) for n, m in pairs)
    if not all(strides) or not (short[1] != branch[1] or (known.trace and {*strides} != {1})):
        return
    stride = {} if set(strides) == {1} else {"stride": typed(strides)}
    conv = getattr(NN, f"Conv{len(short) - 2}d")(short[1], branch[1], 1, **stride)
    codes = [operands(known)[number] for number in numbers]
    codes[side] = name("shortcut")(codes[side])
    smaller = f" and its stride of {stride['stride']}" if stride else ""
    text = (
        f"Bring the shortcut to the branch's {branch[1]} channels{smaller} with a convolution of "
        "size 1, one of the model's layers."
    )
    yield assigned(known, "shortcut", conv, text) + assigned(known, "y", sign(*codes))


def _are_maps(known: Known, numbers: tuple[int, int]) -> bool:
    """Whether both are batches of maps with channels: tokens and positions are none."""
    a, b = (known.shapes[number] for number in numbers)
    if len(a) != len(b) or not 3 <= len(a) <= 5 or a[0] != b[0]:
        return False
    if any(known.parameter(number) for number in numbers):
        return False
    return len(a) > 3 or any(axis_names(known, n)[:2] == ("N", "C") for n in numbers)


def same_size(known: Known) -> Iterator[Repair]:
    """Settings of one branch's layers with which both branches come out alike."""
    numbers, model = pair(known), known.model
    if numbers is None or model is None or known.trace is None:
        return
    a, b = (known.shapes[number] for number in numbers)
    if len(a) != len(b) or len(a) < 3 or a[2:] == b[2:]:
        return
    sides = own_calls(known, numbers)
    pairs = list(zip(a[2:], b[2:], strict=True))
    strides = [tuple(-(-x // y) for x, y in pairs), tuple(-(-y // x) for x, y in pairs), ()]
    ways = zip((*sides, [*sides[0], *sides[1]]), strides, strict=True)
    for text, changes in (one for side, stride in ways for one in _judged(side, stride)):
        layer = model.get_submodule
        codes = {path: built_member(layer(path), new) for path, new in changes.items()}
        with torch.device("meta"):
            windows = {path: layers.read(run(code, {})).windows for path, code in codes.items()}
        ends = []
        for side, shape in zip(sides, (a, b), strict=True):
            start = side[0].input_shapes[0] if side else shape
            axes = range(2 - len(shape), 0)
            ends.append([through(side, start[axis], axis, windows) for axis in axes])
        if ends[0] == ends[1] and all(ends[0]):
            yield Repair(text, tuple(Step(path, "layer", code) for path, code in codes.items()))


def _judged(
    side: list[Call], stride: tuple[int, ...]
) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """What may be changed, as an expert would look through it: padding, stride, rounding.

    The stride is what the other branch takes and this one does not.
    """
    sliding = [call for call in side if call.windows and call.path]
    convs = [c for c in sliding if c.kind.startswith("Conv") and "Transpose" not in c.kind]
    strided = [c for c in convs if any(w.stride > 1 for w in c.windows)]
    shrinking = [
        c for c in convs if c not in strided and any(w.output_size(64) < 64 for w in c.windows)
    ]
    if odd := [c for c in shrinking if all(w.span % 2 for w in c.windows)]:
        many = "these convolutions" if len(odd) > 1 else "the convolution"
        yield f"Pad {many} so that the size stays.", {call.path: _half(call) for call in odd}
    if shrinking:
        text = "Pad so that the size stays, with padding='same'."
        yield text, {call.path: {"padding": "same"} for call in shrinking}
    for call in convs:
        if call not in strided and max(stride, default=1) > 1:
            text = "The convolution takes the stride of the other branch."
            yield text, {call.path: {"stride": typed(stride)}}
    for call in reversed(strided if len(strided) > 1 else ()):
        yield "Only the first convolution of a block has the stride.", {call.path: {"stride": 1}}
    for call in sliding:
        own = call.windows[0]
        if "Pool" in call.kind and own.stride == 1:
            yield "Pad the pool so that the size stays.", {call.path: _half(call)}
        elif "Pool" in call.kind:
            text = "Let the pool round up, as a padded convolution does."
            yield text, {call.path: {"ceil_mode": True}}
        for extra in range(own.stride) if own.transposed and not any(own.padding) else ():
            text = (
                "Take off what the windows stand out, half the kernel, as the way down has put on."
            )
            yield text, {call.path: {**_half(call), "output_padding": extra}}
    yield from _left_open([call for call in sliding if call.windows[0].transposed])
    for call in strided:
        if not any(w.padding[0] for w in call.windows):
            yield "Pad by half the kernel.", {call.path: _half(call)}


def _left_open(growing: list[Call]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """The sizes that a decoder's strides leave open, those first that change the fewest layers."""
    own = [call.windows[0] for call in growing]
    ways = list(product(*(range(window.stride) for window in own)))[:_MOST_WAYS]
    pairs = [[(c, e) for c, w, e in zip(growing, own, way, strict=True) if e != w.output_padding]
             for way in ways]  # fmt: skip
    for changed in sorted(filter(None, pairs), key=len):
        extras = " and ".join(dict.fromkeys(f"output_padding={extra}" for _, extra in changed))
        text = f"A stride rounds down on the way in; {extras} gives back what was there."
        yield text, {call.path: {"output_padding": extra} for call, extra in changed}


def _half(call: Call) -> dict[str, Any]:
    return {"padding": typed(tuple((window.span - 1) // 2 for window in call.windows))}
