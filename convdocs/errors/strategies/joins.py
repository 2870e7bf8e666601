"""Align two tensors that meet in a sum, a cat or a stack: what their axes mean decides."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

from convdocs.errors.code import NN, TORCH, Code, length, name, star
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair
from convdocs.errors.repair import Repair, Step, assigned, built_member, given, operands, typed
from convdocs.errors.sizes import through
from convdocs.geometry import Window
from convdocs.report import Call

_WORDS = {"N": "batch", "C": "channels", "D": "depth", "H": "height", "W": "width", "L": "length"}


def missing_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The operand with fewer axes gets those it misses, each in its place."""
    shapes, numbers, dim = failure.shapes, pair(failure), joined_axis(failure)
    if failure.function == "scaled_dot_product_attention" and len(shapes) > 3:
        short, target, names = 3, (*shapes[0][:-1], shapes[1][-2]), tuple[str, ...]()
        sizes: Any = target
    elif numbers is not None and len(shapes[numbers[0]]) != len(shapes[numbers[1]]):
        short, long = sorted(numbers, key=lambda number: len(shapes[number]))
        target, names, sizes = (
            shapes[long],
            axis_names(failure, long),
            operands(failure)[long].shape,
        )
    else:
        return
    own, code, every = axis_names(failure, short), operands(failure)[short], range(len(target))
    mask = str(failure.tensors[short].dtype) == "torch.bool" or "mask" in failure.names[short]

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
        lacking = [axis for axis in every if axis not in kept]
        means = [_WORDS.get(names[axis] if names else "", f"axis {axis}") for axis in lacking]
        text = f"Put {' and '.join(means)} into {code} {shapes[short]}, which lacks it."
        text += " The values are repeated there." * (dim is not None)
        new = _with_axes(code, dim, sizes, lacking, len(target))
        yield given(failure, {short: new}, text)


def _with_axes(code: Code, dim: int | None, sizes: Any, lacking: list[int], rank: int) -> Code:
    """A tensor with axes that it lacks; for a cat it is repeated along them."""
    key: list[Any] = [None if axis in lacking else slice(None) for axis in range(rank)]
    while dim is None and key[0] is None:
        key.pop(0)
    while key[-1] == slice(None):
        key.pop()
    code, repeated = code[tuple(key)], [axis for axis in lacking if axis != dim]
    if dim is None or not repeated:
        return code
    first = repeated[0]
    if repeated == list(range(first, rank)):
        return code.expand(*[-1] * first, star(sizes[first:]))
    return code.expand(*(sizes[axis] if axis in repeated else -1 for axis in range(rank)))


def one_for_all(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An operand of a cat that is one for all samples, as a class token is."""
    numbers, dim = pair(failure) or (0, 0), joined_axis(failure)
    if len({len(failure.shapes[n]) for n in numbers}) > 1:
        return
    for number, other in (numbers, numbers[::-1]):
        own, target = failure.shapes[number], failure.shapes[other]
        unlike = [axis for axis in range(len(own)) if axis != dim and own[axis] != target[axis]]
        if unlike and all(own[axis] == 1 for axis in unlike):
            a, b = operands(failure)[number], operands(failure)[other]
            sizes: list[Any] = [-1] * len(own)
            for axis in unlike:
                sizes[axis] = b.shape[axis] if axis else length(b)
            samples = failure.parameter(number) or axis_names(failure, other)[:1] == ("N",)
            what = "sample of the batch" if unlike == [0] and samples else "place of the other"
            text = f"Repeat {a}, which belongs to every {what}."
            yield given(failure, {number: a.expand(*sizes)}, text)


def tokens_first(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A map that was flattened to (N, C, L) beside tokens, (N, L, C)."""
    numbers, dim = pair(failure), joined_axis(failure)
    if numbers is None or {len(failure.shapes[number]) for number in numbers} != {3}:
        return
    for number, other in (numbers[::-1], numbers):
        own, target = failure.shapes[number], failure.shapes[other]
        turned = (own[0], own[2], own[1])
        agrees = all(
            x in (y, 1) or y == 1
            for i, (x, y) in enumerate(zip(turned, target, strict=True))
            if i != dim
        )
        if agrees and own[1] != own[2] and axis_names(failure, number)[:2] == ("N", "C"):
            code = operands(failure)[number]
            text = (
                f"{code} {own} is a flattened map, with its channels on axis 1: make tokens of it."
            )
            yield given(failure, {number: code.transpose(1, 2)}, text)


def causal(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A convolution that pads the whole reach of its window at both ends, as a causal one does."""
    numbers = pair(failure) or (0, 0)
    for number, calls in zip(numbers, own_calls(failure, numbers), strict=True):
        for window in (call.windows[0] for call in calls if len(call.windows) == 1):
            surplus = window.padding[1]
            if surplus == window.span - 1 > 0 and window.stride == 1 and not window.transposed:
                code = operands(failure)[number]
                text = (
                    f"The convolution pads {surplus} cells at both ends. Drop the last {surplus}: "
                    "then no cell sees what comes after it."
                )
                yield given(failure, {number: code[..., :-surplus]}, text)


def surplus_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An axis of size 1 taken out of the operand of a cat that has one axis more."""
    short, long = sorted(range(2), key=lambda number: len(failure.shapes[number]))
    own, target, dim = failure.shapes[long], failure.shapes[short], joined_axis(failure)
    for axis in (axis for axis, size in enumerate(own) if size == 1):
        left = own[:axis] + own[axis + 1 :]
        if len(left) == len(target) and dim is not None:
            at = dim - (dim > axis)
            if left[:at] + left[at + 1 :] == target[:at] + target[at + 1 :]:
                code = operands(failure)[long]
                text = f"{code} {own} has an axis of size 1 that the other lacks: take it out."
                yield given(failure, {long: code.squeeze(axis)}, text)


def along_other_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join along the only axis in which the tensors differ."""
    shapes = failure.shapes
    differ = [axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len({*sizes}) > 1]
    # maps that differ in height or width are not joined along it
    if len(differ) == 1 and not (len(shapes[0]) > 3 and differ[0] > 1):
        text = f"Join along axis {differ[0]}, the only one in which they differ."
        yield assigned(failure, "y", TORCH.cat(operands(failure), differ[0]), text)


def resized(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The map that was upsampled takes the other's size."""
    numbers = pair(failure) or (0, 0)
    (first, second), ranks = ([failure.shapes[n] for n in numbers], {3, 4, 5})
    if len(first) != len(second) or len(first) not in ranks or first[2:] == second[2:]:
        return
    calls = own_calls(failure, numbers)
    grown = [any(map(_enlarges, side)) for side in calls]
    if failure.trace is None:
        grown = [first[2:] <= second[2:], True]
    elif not any(grown) and len(failure.inputs) > 1 and first[2:] != second[2:]:
        smaller = first[2:] < second[2:]  # maps of two inputs
        grown = [smaller, not smaller]
    if any(grown):
        side = grown.index(True)
        a, b = (operands(failure)[numbers[place]] for place in (side, 1 - side))
        why = ": upsampling does not undo what was rounded down" * any(map(_enlarges, calls[side]))
        text = f"Bring {a} to the size of {b}{why}."
        yield given(failure, {numbers[side]: NN.functional.interpolate(a, size=b.shape[2:])}, text)


def _enlarges(call: Call) -> bool:
    if call.windows and not call.windows[0].transposed:
        return False  # a convolution that pads more than its window reaches
    before, after = call.input_shapes[:1], call.output_shapes[:1]
    pairs = zip(before, after, strict=False)
    return any(len(x) == len(y) and any(map(int.__lt__, x[2:], y[2:])) for x, y in pairs)


def cut(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Cut the larger tensor, which loses its last cells."""
    numbers, dim = pair(failure) or (0, 0), joined_axis(failure)
    a, b = (failure.shapes[number] for number in numbers)
    unlike = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if i != dim and x != y]
    odd = [axis for axis in unlike if 1 not in (a[axis], b[axis])]
    if not odd or min(odd) < min(2, len(a) - 1) or abs(a[odd[0]] - b[odd[0]]) > 2:
        return
    large, small = numbers if a[odd[0]] > b[odd[0]] else numbers[::-1]
    x, y = operands(failure)[large], operands(failure)[small]
    text = f"Or cut {x} to the size of {y}; the last cells of {x} are lost."
    yield given(failure, {large: _cut_to(x, y, odd)}, text, loses=True)


def _cut_to(x: Code, y: Code, axes: list[int]) -> Code:
    every = range(axes[-1] + 1)
    return x[tuple(slice(None, y.shape[axis]) if axis in axes else slice(None) for axis in every)]


def shared_cells(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Values and indices of one pool; here cut to what they share."""
    (x, indices), pairs = operands(failure)[:2], list(zip(*failure.shapes[:2], strict=True))
    longer = [axis for axis, (a, b) in enumerate(pairs) if a > b]
    shorter = [axis for axis, (a, b) in enumerate(pairs) if a < b]
    codes = {0: _cut_to(x, indices, longer)} if longer else {}
    codes |= {1: _cut_to(indices, x, shorter)} if shorter else {}
    yield given(failure, codes, loses=True)


def padded_sequences(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Sequences of several lengths become one batch, the shorter ones padded."""
    shapes, codes = failure.shapes, operands(failure)
    alike = len({shape[1:] for shape in shapes}) == 1 and shapes[0]
    if alike and len(shapes[0]) < 3:
        text = (
            "Sequences of several lengths: pad the shorter ones with zeros, and keep the lengths."
        )
        padded = NN.utils.rnn.pad_sequence(codes, batch_first=True)
        yield assigned(failure, "y", padded, text)
    if {len(shape) for shape in shapes} == {3} and not alike:
        sized = [NN.functional.interpolate(x[None], size=codes[0].shape[1:])[0] for x in codes]
        others = {n: sized[n] for n, shape in enumerate(shapes) if shape != shapes[0]}
        yield given(failure, others, "Bring the images to one size first.")
    if alike:
        text = "Or join them along their first axis, which may differ in size."
        yield assigned(failure, "y", TORCH.cat(codes), text)


def stacked_numbers(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if not any(failure.shapes):
        yield assigned(failure, "y", TORCH.stack(operands(failure)))


# A shortcut: the branch and what it is added to, in channels and size.

_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "true_divide": operator.truediv,
}  # fmt: skip


def widened(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A convolution of size 1 in the shortcut, with the branch's channels and stride."""
    numbers = pair(failure)
    sign = _SIGNS.get(failure.function.strip("_").removeprefix("r").removeprefix("i"))
    if numbers is None or sign is None or not _are_maps(failure, numbers):
        return
    # the side with fewer windows of its own is the shortcut, or else the narrower one
    work = [sum(bool(call.windows) for call in calls) for calls in own_calls(failure, numbers)]
    width = [failure.shapes[number][1] for number in numbers]
    side = int((work[1], width[1]) < (work[0], width[0]))
    short, branch = (failure.shapes[numbers[place]] for place in (side, 1 - side))
    pairs = zip(short[2:], branch[2:], strict=True)
    strides = tuple(next((s for s in range(1, 9) if (n - 1) // s + 1 == m), 0) for n, m in pairs)
    if not all(strides) or not (short[1] != branch[1] or (failure.trace and {*strides} != {1})):
        return
    stride = {} if set(strides) == {1} else {"stride": typed(strides)}
    conv = getattr(NN, f"Conv{len(short) - 2}d")(short[1], branch[1], 1, **stride)
    codes = [operands(failure)[number] for number in numbers]
    codes[side] = name("shortcut")(codes[side])
    smaller = f" and its stride of {stride['stride']}" if stride else ""
    text = (
        f"Bring the shortcut to the branch's {branch[1]} channels{smaller} with a convolution of "
        "size 1, one of the model's layers."
    )
    yield assigned(failure, "shortcut", conv, text) + assigned(failure, "y", sign(*codes))


def _are_maps(failure: Failure, numbers: tuple[int, int]) -> bool:
    """Whether both are batches of maps with channels: tokens and positions are none."""
    a, b = (failure.shapes[number] for number in numbers)
    if len(a) != len(b) or not 3 <= len(a) <= 5 or a[0] != b[0]:
        return False
    if any(failure.parameter(number) for number in numbers):
        return False
    return len(a) > 3 or any(axis_names(failure, n)[:2] == ("N", "C") for n in numbers)


def same_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Settings of one branch's layers with which both branches come out alike."""
    numbers = pair(failure)
    if numbers is None or failure.model is None or failure.trace is None:
        return
    a, b = (failure.shapes[number] for number in numbers)
    if len(a) != len(b) or len(a) < 3 or a[2:] == b[2:]:
        return
    if joined_axis(failure) is None and a[1] != b[1]:
        return
    sides, model = own_calls(failure, numbers), failure.model
    for text, changes in (one for side in sides for one in _judged(side)):
        windows = {call.path: changed for call, changed, _ in changes}
        sizes = [
            _sizes(side, failure.shapes[number], windows)
            for side, number in zip(sides, numbers, strict=True)
        ]
        if sizes[0] and sizes[0] == sizes[1]:
            layers = ((c.path, model.get_submodule(c.path), new) for c, _, new in changes)
            codes = ((path, built_member(layer, new)) for path, layer, new in layers)
            yield Repair(text, tuple(Step(path, "layer", code) for path, code in codes if code))


_Change = tuple[Call, tuple[Window, ...], dict[str, Any]]  # a layer's windows, by other settings


def _judged(side: list[Call]) -> Iterator[tuple[str, list[_Change]]]:
    """What may be changed, as an expert would look through it: padding, stride, rounding."""
    layers = [call for call in side if call.windows and call.path]
    convs = [c for c in layers if c.kind.startswith("Conv") and "Transpose" not in c.kind]
    strided = [c for c in convs if any(w.stride > 1 for w in c.windows)]
    shrinking = [
        c for c in convs if c not in strided and all(w.output_size(64) < 64 for w in c.windows)
    ]
    if odd := [c for c in shrinking if all(w.span % 2 for w in c.windows)]:
        many = "these convolutions" if len(odd) > 1 else "the convolution"
        yield f"Pad {many} so that the size stays.", list(map(_padded, odd))
    if shrinking:
        text = "Pad so that the size stays, with padding='same'."
        yield text, [_padded(call, same=True) for call in shrinking]
    for call in convs:
        if all(w.kernel == w.stride == 1 for w in call.windows):
            text = "The convolution of size 1 takes the stride of the other branch."
            yield text, [_changed(call, stride=2)]
    for call in reversed(strided if len(strided) > 1 else ()):
        yield "Only the first convolution of a block has the stride.", [_changed(call, stride=1)]
    for call in layers:
        if "Pool" in call.kind:
            text = "Let the pool round up, as a padded convolution does."
            yield text, [_changed(call, ceil_mode=True)]
        for extra in range(1, call.windows[0].stride) if "Transpose" in call.kind else ():
            text = f"Of two sizes that a stride leaves open, output_padding={extra} is one."
            yield text, [_changed(call, output_padding=extra)]
    for call in strided:
        if not any(w.padding[0] for w in call.windows):
            yield "Pad by half the kernel.", [_padded(call)]


def _changed(call: Call, **new: Any) -> _Change:
    return call, tuple(window._replace(**new) for window in call.windows), new


def _padded(call: Call, same: bool = False) -> _Change:
    """Padded by half the kernel or by 'same', which differ where the kernel is even."""
    half = tuple((window.span - 1) // 2 for window in call.windows)
    pairs = list(zip(call.windows, half, strict=True))
    pads = ((less, window.span - 1 - less if same else less) for window, less in pairs)
    windows = (window._replace(padding=pad) for window, pad in zip(call.windows, pads, strict=True))
    return call, tuple(windows), {"padding": "same" if same else typed(half)}


def _sizes(
    calls: list[Call], shape: Shape, changed: Mapping[str, tuple[Window, ...]]
) -> Shape | None:
    """The spatial sizes after a branch's calls, with the windows of some layers changed."""
    start = calls[0].input_shapes[0] if calls else shape
    found = [through(calls, start[axis], axis, changed) for axis in range(2 - len(shape), 0)]
    return None if None in found else tuple(filter(None, found))
