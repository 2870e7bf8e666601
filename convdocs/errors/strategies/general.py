"""What an entry may ask for by itself: a setting, an operand's method, a number that divides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from torch import Tensor

from convdocs.errors.code import Code, run
from convdocs.errors.entry import Strategy
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, each, given, operands, rebuilt


def _value(declared: Any, facts: Facts) -> Any:
    """A value of an entry; ``"{half}"`` is the value of a fact, a number where it is one's word."""
    if not isinstance(declared, str) or not declared.startswith("{"):
        return declared
    value = facts[declared[1:-1]]
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def change(text: str, kind: str = "", **changes: Any) -> Strategy:
    """The same call with other settings, or another layer with the same."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        values = {key: _value(value, facts) for key, value in changes.items()}
        if failure.settings and not failure.function and not kind:
            values = {key: value for key, value in values.items() if key in failure.settings}
        made = kind.format(dims=failure.dims, kind=failure.kind)
        if values or made:
            yield from rebuilt(failure, facts.filled(text), made, **values)

    return strategy


def method(text: str, of: int | str | list[int] = 0, **called: Any) -> Strategy:
    """An operand after one of its methods: ``of`` is its number or in its name, or several."""
    ((attribute, arguments),) = called.items()

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        values = [_value(argument, facts) for argument in each(arguments)]
        codes = {
            number: getattr(code, attribute)(*values)
            for number, code in enumerate(operands(failure))
            if (of in str(code) if isinstance(of, str) else _is_at(number, of, failure))
        }
        moves = not values or all(_moves(failure, number, code) for number, code in codes.items())
        if codes and moves:
            yield given(failure, facts.filled(text), codes)

    return strategy


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


def advise(text: str, note: str) -> Strategy:
    """What to do where no line of code can do it."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        yield Repair(facts.filled(text), note=f"# {facts.filled(note)}")

    return strategy


def divisor(
    text: str, key: str, of: list[str], *, least: int = 1, only_fewer: bool = False
) -> Strategy:
    """The number nearest to a setting that divides others."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        known = failure.settings
        now, sizes = known[key], [known[other] for other in of]
        fits = [n for n in range(least, min(sizes) + 1) if all(size % n == 0 for size in sizes)]
        near = min(
            (n for n in fits if n < now or not (only_fewer or n == now)),
            key=lambda n: (abs(n - now), n > now),
        )
        yield from rebuilt(failure, text.format(**{key: near}), **{key: near})

    return strategy


def multiple(text: str, key: str, of: str) -> Strategy:
    """A setting raised to the next multiple of another."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        now, by = failure.settings[key], failure.settings[of]
        if now % by:
            up = -(-now // by) * by
            yield from rebuilt(failure, text.format(**{key: up}), **{key: up})

    return strategy
