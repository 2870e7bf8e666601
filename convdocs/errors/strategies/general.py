"""What an entry may ask for by itself: a setting, an operand's method, advice.

A strategy yields the repairs that may hold, the likeliest first. An entry names it, with the
sentence that goes with it and its arguments; one with a sentence of its own is named alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from torch import Tensor

from convdocs.errors.code import Code, run
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure
from convdocs.errors.repair import (
    Repair,
    assigned,
    each,
    given,
    operands,
    rebuilt,
    typed,
)
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
    codes = {}
    for number, code in enumerate(operands(failure)):
        if of in str(code) if isinstance(of, str) else _is_at(number, of, failure):
            codes[number] = (
                code[values] if attribute == "index" else getattr(code, attribute)(*values)
            )
    if codes and (not values or all(_moves(failure, *one) for one in codes.items())):
        yield assigned(failure, "y", codes[0]) if result else given(failure, codes)


def _is_at(number: int, of: int | list[int], failure: Failure) -> bool:
    return number in each(of) or number - len(failure.operands) in each(of)


def _moves(failure: Failure, number: int, code: Code) -> bool:
    """Whether a method makes a tensor of another shape of the operand."""
    operand = failure.operands[number]
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
