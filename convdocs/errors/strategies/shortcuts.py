"""Mend a shortcut: the branch and what it is added to, in channels and size."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from convdocs.errors.code import name
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, settings
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair
from convdocs.errors.repair import (
    Here,
    Member,
    Repair,
    Step,
    built,
    each,
    module,
    operands,
    result,
    typed,
)
from convdocs.errors.sizes import through
from convdocs.geometry import Window
from convdocs.report import Call

Branches = tuple[list[Call], list[Call]]
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "true_divide": operator.truediv,
}


def widened(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A convolution of size 1 in the shortcut, with the branch's channels and stride."""
    numbers = pair(failure)
    sign = _SIGNS.get(failure.function.strip("_").removeprefix("r").removeprefix("i"))
    if numbers is None or sign is None or not _are_maps(failure, numbers):
        return
    side = _shortcut_side(failure, numbers)
    short, branch = (failure.shapes[numbers[place]] for place in (side, 1 - side))
    strides = tuple(
        next((s for s in range(1, 9) if (n - 1) // s + 1 == m), 0)
        for n, m in zip(short[2:], branch[2:], strict=True)
    )
    wider = short[1] != branch[1]
    if not all(strides) or not (wider or (failure.trace and set(strides) != {1})):
        return
    stride = {} if set(strides) == {1} else {"stride": typed(strides)}
    conv = module(f"Conv{len(short) - 2}d", short[1], branch[1], 1, **stride)
    codes = [operands(failure)[number] for number in numbers]
    codes[side] = name("shortcut")(codes[side])
    smaller = f" and its stride of {stride['stride']}" if stride else ""
    text = (
        f"Bring the shortcut to the branch's {branch[1]} channels{smaller} with a convolution of "
        "size 1, one of the model's layers."
    )
    made = Repair(text, (Step(Here(failure), "shortcut", conv),))
    yield made + result(failure, "", sign(*codes))


def _are_maps(failure: Failure, numbers: tuple[int, int]) -> bool:
    """Whether both are batches of maps with channels: tokens and positions are none."""
    a, b = (failure.shapes[number] for number in numbers)
    if len(a) != len(b) or not 3 <= len(a) <= 5 or a[0] != b[0]:
        return False
    if any(failure.parameter(number) for number in numbers):
        return False
    return len(a) > 3 or any(axis_names(failure, n)[:2] == ("N", "C") for n in numbers)


def _shortcut_side(failure: Failure, numbers: tuple[int, int]) -> int:
    """The side with fewer windows of its own is the shortcut; without a trace the narrower one."""
    work = [sum(bool(call.windows) for call in calls) for calls in own_calls(failure, numbers)]
    if work[0] != work[1]:
        return int(work[1] < work[0])
    return int(failure.shapes[numbers[1]][1] < failure.shapes[numbers[0]][1])


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
    sides = own_calls(failure, numbers)
    for text, paths, changes in _judged(failure, sides):
        changed = dict.fromkeys(paths, changes)
        sizes = [
            _sizes(calls, failure.shapes[number], changed)
            for calls, number in zip(sides, numbers, strict=True)
        ]
        if sizes[0] and sizes[0] == sizes[1]:
            steps = [member_steps(failure, path, changes) for path in paths]
            yield Repair(text, sum(steps, ()))


def _judged(
    failure: Failure, sides: Branches
) -> Iterator[tuple[str, list[str], Mapping[str, Any]]]:
    """What may be changed, as an expert would look through it: padding, stride, rounding."""
    for calls in sides:
        layers = [call for call in calls if call.windows and _layer(failure, call.path) is not None]
        convs = [c for c in layers if c.kind.startswith("Conv") and "Transpose" not in c.kind]
        shrinking = [
            c for c in convs if all(w.stride == 1 and w.output_size(64) < 64 for w in c.windows)
        ]
        strided = [c for c in convs if any(w.stride > 1 for w in c.windows)]
        odd = [c.path for c in shrinking if all(w.span % 2 for w in c.windows)]
        if odd:
            many = "these convolutions" if len(odd) > 1 else "the convolution"
            yield f"Pad {many} so that the size stays.", odd, {"padding": "half"}
        if shrinking:
            text = "Pad so that the size stays, with padding='same'."
            yield text, [c.path for c in shrinking], {"padding": "same"}
        for call in reversed(strided if len(strided) > 1 else ()):
            text = "Only the first convolution of a block has the stride."
            yield text, [call.path], {"stride": 1}
        for call in layers:
            if "Pool" in call.kind and hasattr(_layer(failure, call.path), "ceil_mode"):
                text = "Let the pool round up, as a padded convolution does."
                yield text, [call.path], {"ceil_mode": True}
            for extra in range(1, call.windows[0].stride) if "Transpose" in call.kind else ():
                text = f"Of two sizes that a stride leaves open, output_padding={extra} is one."
                yield text, [call.path], {"output_padding": extra}
        for call in strided:
            if not any(w.padding[0] for w in call.windows):
                yield "Pad by half the kernel.", [call.path], {"padding": "half"}


def _layer(failure: Failure, path: str) -> nn.Module | None:
    """The model's own layer of that path, where the call is a layer's."""
    layer = dict(failure.model.named_modules()).get(path) if failure.model and path else None
    return layer if type(layer).__module__.startswith("torch.nn") else None


def _sizes(
    calls: list[Call], shape: tuple[int, ...], changed: Mapping[str, Mapping[str, Any]]
) -> tuple[int, ...] | None:
    """The spatial sizes after a branch's calls with changed windows."""

    def window(call: Call, known: Window) -> Window:
        new = dict(changed.get(call.path, {}))
        if "padding" in new:  # half the kernel or 'same', which differ where the kernel is even
            less = (known.span - 1) // 2
            more = known.span - 1 - less if new["padding"] == "same" else less
            new["padding"] = (less, more)
        return known._replace(**new)

    start = calls[0].input_shapes[0] if calls else shape
    found = [through(calls, start[axis], axis, window) for axis in range(2 - len(shape), 0)]
    return None if None in found else tuple(filter(None, found))


def member_steps(failure: Failure, path: str, changes: Mapping[str, Any]) -> tuple[Step, ...]:
    """A layer of the model, by its path, built anew with other settings."""
    layer = _layer(failure, path)
    if layer is None:
        return ()
    part = Failure("", path=path, layer=layer, settings=settings(layer))
    if changes.get("padding") == "half":
        pairs = zip(
            each(part.settings["kernel_size"]), each(part.settings["dilation"]), strict=True
        )
        changes = {"padding": typed(tuple(d * (k - 1) // 2 for k, d in pairs))}
    code = built(part, "", changes)
    return (Step(Member(path), "layer", code),) if code else ()
