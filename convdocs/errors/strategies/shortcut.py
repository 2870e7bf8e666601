"""Mend a shortcut: what a branch is added to, or the layers by which two branches differ."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import torch

from convdocs import layers
from convdocs.errors.code import NN, Code, name, run
from convdocs.errors.facts import Known
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair, through
from convdocs.errors.repair import Repair, Step, assigned, built_member, operands
from convdocs.errors.sizes import typed
from convdocs.report import Call

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
    if joined_axis(known) is None and a[1] != b[1]:
        return
    sides = own_calls(known, numbers)
    for text, changes in (one for side in sides for one in _judged(side)):
        codes: dict[str, Code] = {}
        for path, settings in changes.items():
            if code := built_member(model.get_submodule(path), settings):
                codes[path] = code
        with torch.device("meta"):
            windows = {path: layers.read(run(code, {})).windows for path, code in codes.items()}
        ends = []
        for side, shape in zip(sides, (a, b), strict=True):
            start = side[0].input_shapes[0] if side else shape
            axes = range(2 - len(shape), 0)
            ends.append([through(side, start[axis], axis, windows) for axis in axes])
        if ends[0] == ends[1] and None not in ends[0]:
            yield Repair(text, tuple(Step(path, "layer", code) for path, code in codes.items()))


def _judged(side: list[Call]) -> Iterator[tuple[str, dict[str, dict[str, Any]]]]:
    """What may be changed, as an expert would look through it: padding, stride, rounding."""
    sliding = [call for call in side if call.windows and call.path]
    convs = [c for c in sliding if c.kind.startswith("Conv") and "Transpose" not in c.kind]
    strided = [c for c in convs if any(w.stride > 1 for w in c.windows)]
    shrinking = [
        c for c in convs if c not in strided and all(w.output_size(64) < 64 for w in c.windows)
    ]
    if odd := [c for c in shrinking if all(w.span % 2 for w in c.windows)]:
        many = "these convolutions" if len(odd) > 1 else "the convolution"
        yield f"Pad {many} so that the size stays.", {call.path: _half(call) for call in odd}
    if shrinking:
        text = "Pad so that the size stays, with padding='same'."
        yield text, {call.path: {"padding": "same"} for call in shrinking}
    for call in reversed(strided if len(strided) > 1 else ()):
        yield "Only the first convolution of a block has the stride.", {call.path: {"stride": 1}}
    for call in sliding:
        if "Pool" in call.kind:
            text = "Let the pool round up, as a padded convolution does."
            yield text, {call.path: {"ceil_mode": True}}
        for extra in range(1, call.windows[0].stride) if "Transpose" in call.kind else ():
            text = f"Of two sizes that a stride leaves open, output_padding={extra} is one."
            yield text, {call.path: {"output_padding": extra}}
    for call in strided:
        if not any(w.padding[0] for w in call.windows):
            yield "Pad by half the kernel.", {call.path: _half(call)}


def _half(call: Call) -> dict[str, Any]:
    return {"padding": typed(tuple((window.span - 1) // 2 for window in call.windows))}
