"""What an entry may ask for by itself: a setting, an operand's method, advice; then more settings.

A strategy yields the repairs that may hold, the likeliest first. An entry names it, with the
sentence that goes with it and its arguments; one with a sentence of its own is named alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from torch import Tensor

from convdocs.errors.code import NN, Code, constant, run
from convdocs.errors.facts import Facts, by_axis, counted, setting_length, wrong_length
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, assigned, each, given, here, operands, rebuilt, typed
from convdocs.errors.sizes import setting
from convdocs.errors.trial import try_here

_MOST_STEPS = 64  # from a setting to the nearest that fits


def _value(declared: Any, facts: Facts) -> Any:
    """A value of an entry; ``"{rows}"`` is the value of a fact, a number where it is one's word."""
    match declared:
        case "None":  # which TOML has no word for
            return None
        case "...":
            return ...
        case str() if declared.startswith("{"):
            value = facts[declared[1:-1]]
            return int(value) if isinstance(value, str) and value.isdecimal() else value
    return declared


def change(failure: Failure, facts: Facts, kind: str = "", **changes: Any) -> Iterator[Repair]:
    """The same call with other settings, or another layer with the same."""
    values = {key: _value(value, facts) for key, value in changes.items()}
    if failure.settings and not failure.function and not kind:
        values = {key: value for key, value in values.items() if key in failure.settings}
    made = kind.format(dims=failure.dims, kind=failure.kind)
    if values or made:
        yield from rebuilt(failure, made, **values)


def settings(failure: Failure, facts: Facts, fact: str) -> Iterator[Repair]:
    """The same call with the settings that a fact tells."""
    yield from rebuilt(failure, **facts[fact])


def method(
    failure: Failure, facts: Facts, of: Any = 0, result: bool = False, **called: Any
) -> Iterator[Repair]:
    """An operand after one of its methods: ``of`` is its number or in its name, or several.

    The ``result`` is the failing call's, where that was the method.
    """
    ((attribute, arguments),) = called.items()
    values = tuple(_value(argument, facts) for argument in each(arguments))
    count = len(failure.operands)
    index = values if len(values) > 1 else values[:1] and values[0]
    codes = {
        number: code[index] if attribute == "index" else getattr(code, attribute)(*values)
        for number, code in enumerate(operands(failure))
        if (of in str(code) if isinstance(of, str) else {number, number - count} & {*each(of)})
    }
    if codes and (not values or all(_moves(failure, *one) for one in codes.items())):
        yield assigned(failure, "y", codes[0]) if result else given(failure, codes)


def _moves(failure: Failure, number: int, code: Code) -> bool:
    """Whether a method makes a tensor of another shape of the operand, or of what is none."""
    operand = failure.operands[number]
    if not isinstance(operand, Tensor):
        return True
    with suppress(Exception):  # where it cannot be called it mends nothing
        before: Tensor = operand.detach().to("meta")
        after = run(code, {failure.names[number]: before})
        return bool(after.shape != before.shape)
    return False


def advise(failure: Failure, facts: Facts, note: str) -> Iterator[Repair]:
    """What to do where no line of code can do it."""
    yield Repair(note=f"# {facts.filled(note)}")


def nearest(failure: Failure, facts: Facts, key: str, to: str, least: int = 0) -> Iterator[Repair]:
    """The value of a setting, up or down or either way, nearest to the one that does not go."""
    now = each(failure.settings[key])

    def values() -> Iterator[Any]:
        for far in range(1, _MOST_STEPS):
            if "down" in to and max(now) - far >= least:
                yield typed(tuple(min(part, max(now) - far) for part in now))
            if "up" in to:
                yield typed(tuple(max(part, min(now) + far) for part in now))

    yield from helping(failure, (one for v in values() for one in rebuilt(failure, **{key: v})))


def helping(failure: Failure, repairs: Iterable[Repair]) -> Iterator[Repair]:
    """The first with which the failing call by itself runs, or else says something else."""
    words, other = re.sub(r"\d+", "", failure.message), []
    for repair in repairs:
        error = try_here(failure, repair)
        if error is None:
            yield repair
            return
        if re.sub(r"\d+", "", str(error)) != words:
            other.append(repair)
    yield from other[:1]


def per_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One number an axis; where a convolution got one a side, a padding layer takes them."""
    wrong, dims = wrong_length(failure), failure.dims
    if failure.kind.startswith("Conv") and len(wrong.get("padding", ())) == 2 * dims:
        text = "Pad each side by its own amount in a layer of its own, before the convolution."
        padded = getattr(NN, f"ZeroPad{dims}d")(wrong["padding"])(operands(failure)[0])
        for plain in rebuilt(failure, "", text, padding=0):
            yield plain + given(failure, padded)
        return
    count = setting_length(failure)
    changes = {key: typed((value * count)[:count]) for key, value in wrong.items()}
    yield from rebuilt(failure, "", "Give each setting a number per axis.", **changes)


def weight_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    missing = failure.dims + 2 - len(failure.shapes[1])
    weight, more = operands(failure)[1], (None,) * missing
    if failure.function and missing > 0:  # a kernel by itself, or filters without a window
        places = (more, (..., *more))
        yield from helping(failure, (given(failure, {1: weight[place]}) for place in places))


def biases(failure: Failure, facts: Facts) -> Iterator[Repair]:
    x, weight, _ = operands(failure)
    yield given(failure, {2: x.new_zeros(weight.shape[int("transpose" in failure.function)])})


def other_dims(failure: Failure, facts: Facts, of_batch: bool = False) -> Iterator[Repair]:
    """The same layer over as many axes as the input has; as a batch, it may have been a sample."""
    rank = len(failure.shape)
    dims = 1 if rank == 2 and failure.kind.startswith("Batch") else rank - 2
    if failure.dims and 0 < dims < 4 and dims != failure.dims:
        kind = f"{failure.kind[:-2]}{dims}d"
        text = "" if of_batch else f"Use the layer over {counted(dims, 'spatial axis')}, {kind}."
        pairs = failure.settings.items()
        alike = {k: v[0] if isinstance(v, tuple) and len({*v}) == 1 else v for k, v in pairs}
        yield from rebuilt(failure, kind, text, **alike)


def cropped(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A negative pad crops, and is allowed before the layer."""
    padding = setting(failure, "padding")
    amounts = tuple(min(p, 0) for p in reversed(padding) for _ in range(2))
    crop = given(failure, NN.functional.pad(operands(failure)[0], amounts))
    for plain in rebuilt(failure, padding=typed(tuple(max(p, 0) for p in padding))):
        yield plain + crop


def usual_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The size that the layer gives when none is asked for."""
    size = by_axis(failure, lambda window, cells: window.output_size(cells))
    if min(size) > 0:
        asked = constant(repr(size), size)
        yield assigned(failure, "output_size", asked, words={"output_size": size})


def evaluated(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm that uses what it learned, and not this batch."""
    if failure.kind.startswith(("Batch", "Sync")):
        yield assigned(failure, "layer", here(failure).eval())
