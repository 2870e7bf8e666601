"""How the numbers of an explained cell are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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


def count(number: int, *, whole: bool = True) -> str:
    """A count with separators; a dash for none, a sign where some of it is not known.

    Examples
    --------
    >>> count(1234), count(0), count(1234, whole=False), count(0, whole=False)
    ('1,234', '–', '≥ 1,234', '?')
    """
    if whole:
        return f"{number:,}" if number else "–"
    return f"≥ {number:,}" if number else "?"


def millions(number: int, *, whole: bool = True) -> str:
    """A large count in millions, with one place.

    Examples
    --------
    >>> millions(1_234_567_890), millions(2_000), millions(0), millions(5, whole=False)
    ('1,234.6', '< 0.1', '–', '≥ 0.0')
    """
    if not whole:
        return f"≥ {number / 1e6:,.1f}" if number else "?"
    if not number:
        return "–"
    return f"{number / 1e6:,.1f}" if number >= 50_000 else "< 0.1"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent.

    Examples
    --------
    >>> share(1, 3), share(1, 10_000), share(0, 3)
    ('33.3 %', '< 0.1 %', '–')
    """
    if not part or not whole:
        return "–"
    return f"{100 * part / whole:.1f} %" if 2000 * part >= whole else "< 0.1 %"


def byte_size(number: int) -> str:
    """Bytes in a unit that keeps the number short.

    Examples
    --------
    >>> byte_size(999), byte_size(13_500), byte_size(2_000_000_000_000)
    ('999 B', '13.5 kB', '2 TB')
    """
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def byte_count(text: str) -> float:
    """How many bytes a text such as ``"24GiB"`` says.

    Raises
    ------
    ValueError
        For another text.

    Examples
    --------
    >>> byte_count("8GB"), byte_count("1.5 KiB"), byte_count("100")
    (8000000000.0, 1536.0, 100.0)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?))?B?\s*", text, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text} is no number of bytes, as 8GB or 24GiB")
    number, unit, binary = match.groups()
    power = "KMGT".index(unit.upper()) + 1 if unit else 0
    return float(number) * float(1024 if binary else 1000) ** power
