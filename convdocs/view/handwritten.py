"""The sum of an explained cell as one would write it down, columns one under the other."""

from __future__ import annotations

from itertools import groupby
from math import ceil, isinf
from typing import TYPE_CHECKING, NamedTuple

from convdocs.view.numbers import number, printed_places

if TYPE_CHECKING:
    from convdocs.cells.explanation import Explanation, Term

CHANNELS = 8  # with more than these, those in the middle are left out
LINES = 12  # the same for the lines of one channel
TERMS = 5  # on one line

Line = tuple[str, str, str]  # label, terms, what they make


class Digits(NamedTuple):
    """Decimals of the inputs, of the weights, and of what comes of them.

    Numbers side by side look alike, as they do in a tensor that torch prints.
    """

    values: int
    weights: int
    results: int

    @classmethod
    def of(cls, explanation: Explanation) -> Digits:
        """Those that suit the numbers of a cell."""
        terms = explanation.terms
        results = [explanation.value, explanation.layer_value, explanation.bias or 0.0]
        return cls(
            printed_places(term.value for term in terms),
            printed_places(term.weight for term in terms if term.weight is not None),
            printed_places([*results, *(term.product for term in terms)]),
        )


def sums(explanation: Explanation, terms: list[Term]) -> list[Line]:
    """A line per channel, or per row of its kernel, with what the channel adds.

    Parameters
    ----------
    explanation : Explanation
        The cell.
    terms : list of Term
        Those of its terms that are to be written down.
    """
    channels = [
        (channel, [term for term in terms if term.channel == channel])
        for channel in dict.fromkeys(term.channel for term in explanation.terms)
    ]
    hidden = channels[4:-1] if len(channels) > CHANNELS else []
    shown = [one for one in channels if one not in hidden]
    blocks = _written(explanation, [some for _, some in shown])
    lines: list[Line] = []
    for (channel, some), block in zip(shown, blocks, strict=True):
        if hidden and channel == shown[-1][0]:
            rest = [term for _, more in hidden for term in more]
            lines.append(("…", f"{len(hidden)} more channels", _made(explanation, rest)))
        labels = [f"channel {channel}", *[""] * (len(block) - 1)]
        made = [*[""] * (len(block) - 1), _made(explanation, some)]
        lines += zip(labels, block, made, strict=True)
    return lines


def adds_up(explanation: Explanation) -> bool:
    """Whether the cell is a sum; a max pool's is not, nor one of an LPPool with power infinity."""
    infinite = explanation.power is not None and isinf(explanation.power)
    return explanation.family != "max" and not infinite


def _made(explanation: Explanation, terms: list[Term]) -> str:
    if not adds_up(explanation):
        return ""
    return number(sum(term.product for term in terms), Digits.of(explanation).results)


def _written(explanation: Explanation, channels: list[list[Term]]) -> list[list[str]]:
    """The lines of every channel."""
    digits = Digits.of(explanation)
    grid = [
        [[_factors(explanation, term, digits) for term in row] for row in _rows(terms)]
        for terms in channels
    ]
    widths: dict[tuple[int, int], int] = {}
    for row in (row for rows in grid for row in rows):
        for place, factors in enumerate(row):
            for side, word in enumerate(factors):
                widths[place, side] = max(widths.get((place, side), 0), len(word))
    folded = any(len(rows) > 1 for rows in grid)
    joint = "+" if adds_up(explanation) else ","
    return [_lines(rows, widths, joint, folded) for rows in grid]


def _lines(
    rows: list[list[tuple[str, ...]]], widths: dict[tuple[int, int], int], joint: str, folded: bool
) -> list[str]:
    between = ", " if joint == "," else " + "
    lines = [
        between.join(
            " × ".join(f"{word:>{widths[place, side]}}" for side, word in enumerate(factors))
            for place, factors in enumerate(row)
        )
        for row in rows
    ]
    if len(lines) > LINES:
        lines = [*lines[: LINES - 2], f"… {len(lines) - LINES + 1} more lines", lines[-1]]
    if folded and joint == "+":
        lines = [f"{'+' if at else ' '} {line}" for at, line in enumerate(lines)]
    elif folded:
        lines = [f"{line}," for line in lines[:-1]] + lines[-1:]
    return lines or ["no tap on an input cell"]


def _rows(terms: list[Term]) -> list[list[Term]]:
    """The terms of one channel, a line per row of the kernel; long ones in equal parts."""
    lines = []
    for _, some in groupby(terms, key=lambda term: term.kernel[:-1]):
        row = list(some)
        length = ceil(len(row) / ceil(len(row) / TERMS))
        lines += [row[at : at + length] for at in range(0, len(row), length)]
    return lines


def _factors(explanation: Explanation, term: Term, digits: Digits) -> tuple[str, ...]:
    """The value, in brackets where it is padding, and the weight."""
    value = number(term.value, digits.values)
    if term.padded:
        value = "[0]" if term.index is None and term.value == 0 else f"[{value}]"
    if not adds_up(explanation) and explanation.power is not None:
        value = f"|{value}|"
    elif explanation.power is not None:
        value = f"{f'({value})' if term.value < 0 else value}^{explanation.power:g}"
    if term.weight is None:
        return (value,)
    return value, number(term.weight, digits.weights)
