"""How the numbers of an explained cell are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite

from convdocs.cells.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Digits:
    """Formats for the input, the weights, and what comes of them.

    Numbers that stand together look alike, as they do in a tensor that torch prints.
    """

    values: str
    weights: str
    results: str

    @classmethod
    def of(cls, explanation: Explanation) -> Digits:
        """Those that suit the numbers of a cell."""
        terms = explanation.terms
        results = [explanation.value, explanation.layer_value, explanation.bias or 0.0]
        return cls(
            values=suiting(term.value for term in terms),
            weights=suiting(term.weight for term in terms if term.weight is not None),
            results=suiting([*results, *(term.product for term in terms)]),
        )


def suiting(numbers: Iterable[float]) -> str:
    """The format for numbers that stand together: torch's four places, or none if all are whole.

    Examples
    --------
    >>> suiting([0.5, 2.0]), suiting([1.0, 2.0]), suiting([1e-5])
    ('z.4f', 'z.0f', '.4e')
    """
    finite = [one for one in numbers if isfinite(abs(one))]
    largest = max(map(abs, finite), default=0.0)
    if largest >= 1e5 or 0 < largest < 1e-3:
        return ".4e"
    return "z.0f" if all(one.real % 1 == 0 and one.imag == 0 for one in finite) else "z.4f"


def number(value: float, form: str) -> str:
    """A number in one of those formats.

    Examples
    --------
    >>> number(0.63451, "z.4f"), number(-3, "z.0f"), number(float("-inf"), "z.0f")
    ('0.6345', '-3', '-inf')
    """
    return f"{float(value) if isinstance(value, int) else value:{form}}"
