"""Mend a shortcut: the branch and what it is added to, in channels and size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from convdocs.errors.code import Code, name
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, settings
from convdocs.errors.meaning import axis_names, joined_axis, own_calls, pair
from convdocs.errors.repair import Here, Member, Repair, Step, module, operand, rebuilt
from convdocs.errors.sizes import through
from convdocs.geometry import Window
from convdocs.report import Call

_SIGNS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "true_divide": "/"}


def widened(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A convolution of size 1 in the shortcut, with the branch's channels and stride."""
    found = pair(failure)
    sign = _SIGNS.get(failure.function.strip("_").removeprefix("r").removeprefix("i"), "")
    if found is None or not sign or not _are_maps(failure, found):
        return
    a, b = (failure.shapes[one] for one in found)
    if a[1] == b[1] and failure.trace is None:
        return
    side = _shortcut_side(failure, found)
    short, branch = (b, a) if side else (a, b)
    strides = [
        next((s for s in range(1, 9) if (n - 1) // s + 1 == m), 0)
        for n, m in zip(short[2:], branch[2:], strict=True)
    ]
    if not all(strides) or (short[1] == branch[1] and set(strides) == {1}):
        return
    stride = {} if set(strides) == {1} else {"stride": _typed(strides)}
    conv = module(f"Conv{len(short) - 2}d", short[1], branch[1], 1, **stride)
    codes = [operand(failure, one) for one in found]
    codes[side] = name("shortcut")(codes[side])
    smaller = f" and its stride of {stride['stride']}" if stride else ""
    text = (
        f"Bring the shortcut to the branch's {branch[1]} channels{smaller} with a convolution of "
        "size 1, one of the model's layers."
    )
    added = {"+": codes[0] + codes[1], "-": codes[0] - codes[1], "*": codes[0] * codes[1]}
    steps = (
        Step(Here(failure), "shortcut", conv),
        Step(Here(failure), "y", added.get(sign, codes[0] / codes[1])),
    )
    yield Repair(text, steps)


def _typed(values: list[int]) -> int | tuple[int, ...]:
    return values[0] if len(set(values)) == 1 else tuple(values)


def _are_maps(failure: Failure, found: tuple[int, int]) -> bool:
    """Whether both are batches of maps with channels: tokens and positions are none."""
    a, b = (failure.shapes[one] for one in found)
    if len(a) != len(b) or not 3 <= len(a) <= 5 or a[0] != b[0]:
        return False
    if any(failure.parameter(one) for one in found):
        return False
    names = [axis_names(failure, one) for one in found]
    return len(a) > 3 or any(known[:2] == ("N", "C") for known in names)


def _shortcut_side(failure: Failure, found: tuple[int, int]) -> int:
    """The side with fewer windows of its own is the shortcut; without a trace the narrower one."""
    sides = own_calls(failure, found)
    work = [sum(bool(call.windows) for call in calls) for calls in sides]
    if work[0] != work[1]:
        return int(work[1] < work[0])
    return int(failure.shapes[found[1]][1] < failure.shapes[found[0]][1])


Changes = Mapping[str, Any]


def same_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Settings of one branch's layers with which both branches come out alike."""
    found = pair(failure)
    if found is None or failure.model is None or failure.trace is None:
        return
    a, b = (failure.shapes[one] for one in found)
    dim = joined_axis(failure)
    if len(a) != len(b) or len(a) < 3 or a[2:] == b[2:] or (dim is None and a[1] != b[1]):
        return
    sides = own_calls(failure, found)
    for text, changes in _judged(failure, sides):
        sizes = [
            _sizes(calls, failure.shapes[one], changes)
            for calls, one in zip(sides, found, strict=True)
        ]
        if sizes[0] and sizes[0] == sizes[1]:
            yield _rebuilt_members(failure, text, changes)


def _judged(
    failure: Failure, sides: tuple[list[Call], list[Call]]
) -> Iterator[tuple[str, dict[str, Changes]]]:
    """What may be changed, as an expert would look through it: padding, stride, rounding."""
    for calls in sides:
        layers = [call for call in calls if call.windows and _layer(failure, call.path) is not None]
        convs = [c for c in layers if c.kind.startswith("Conv") and "Transpose" not in c.kind]
        shrinking = [c for c in convs if all(w.stride == 1 for w in c.windows) and _shrinks(c)]
        odd: dict[str, Changes] = {
            c.path: {"padding": _half(c)} for c in shrinking if all(w.span % 2 for w in c.windows)
        }
        if odd:
            many = "these convolutions" if len(odd) > 1 else "the convolution"
            yield f"Pad {many} so that the size stays.", odd
        if shrinking:
            text = "Pad so that the size stays, with padding='same'."
            yield text, {c.path: {"padding": "same"} for c in shrinking}
        strided = [c for c in convs if any(w.stride > 1 for w in c.windows)]
        for call in reversed(strided):
            if len(strided) > 1:
                yield (
                    "Only the first convolution of a block has the stride.",
                    {call.path: {"stride": 1}},
                )
        for call in layers:
            if "Pool" in call.kind and hasattr(_layer(failure, call.path), "ceil_mode"):
                text = "Let the pool round up, as a padded convolution does."
                yield text, {call.path: {"ceil_mode": True}}
        for call in layers:
            if "Transpose" in call.kind:
                for extra in range(1, call.windows[0].stride):
                    text = f"Of two sizes that a stride leaves open, output_padding={extra} is one."
                    yield text, {call.path: {"output_padding": extra}}
        for call in strided:
            if not any(w.padding[0] for w in call.windows):
                yield "Pad by half the kernel.", {call.path: {"padding": _half(call)}}


def _shrinks(call: Call) -> bool:
    return any(w.output_size(64) < 64 for w in call.windows)


def _half(call: Call) -> int | tuple[int, ...]:
    return _typed([(w.span - 1) // 2 for w in call.windows])


def _layer(failure: Failure, path: str) -> nn.Module | None:
    """The model's own layer of that path, where the call is a layer's."""
    found = dict(failure.model.named_modules()).get(path) if failure.model is not None else None
    return (
        found
        if path and found is not None and type(found).__module__.startswith("torch.nn")
        else None
    )


def _sizes(
    calls: list[Call], shape: tuple[int, ...], changes: Mapping[str, Changes]
) -> tuple[int, ...] | None:
    """The spatial sizes after a branch's calls with changed windows."""

    def window(call: Call, known: Window) -> Window:
        new = dict(changes.get(call.path, {}))
        pad = new.pop("padding", None)
        if pad == "same":
            total = known.span - 1
            new["padding"] = (total // 2, total - total // 2)
        elif pad is not None:
            axis = call.windows.index(known)
            pad = pad[axis] if isinstance(pad, tuple) else pad
            new["padding"] = (pad, pad)
        return known._replace(**new)

    found = []
    for axis in range(2 - len(shape), 0):
        start = calls[0].input_shapes[0][axis] if calls else shape[axis]
        size = through(calls, start, axis, window)
        if size is None:
            return None
        found.append(size)
    return tuple(found)


def _rebuilt_members(failure: Failure, text: str, changes: Mapping[str, Changes]) -> Repair:
    steps: list[Step] = []
    for path, new in changes.items():
        steps += member_steps(failure, path, new)
    return Repair(text, tuple(steps))


def member_steps(failure: Failure, path: str, changes: Changes) -> list[Step]:
    """A layer of the model, by its path, built anew with other settings."""
    layer = _layer(failure, path)
    if layer is None:
        return []
    part = Failure("", path=path, layer=layer, settings=settings(layer))
    found = [step for one in rebuilt(part, "", **changes) for step in one.steps]
    return [Step(Member(path), "layer", Code(str(one.code), one.code._compute)) for one in found]
