"""How numbers are written, in print and in pictures: the one place that decides it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

PLACES = 4  # torch's print options


def number(value: complex, places: int = PLACES) -> str:
    """``value`` with ``places`` decimals, or with an exponent and ``-places`` decimals."""
    if isinstance(value, complex):
        return f"{value:.{-places}e}" if places < 0 else f"{value:z.{places}f}"
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if places < 0:
        digits, exponent = f"{value:.{-places}e}".split("e")
        return f"{digits}e{int(exponent)}"
    return f"{float(value):z.{places}f}"


def places_for(values: Iterable[complex], at_most: int = PLACES, digits: int = 1) -> int:
    """Decimals for numbers side by side: none for whole ones, at most so many for others.

    Below 0 for huge or tiny ones, which have an exponent and so many ``digits`` after the point.
    """
    finite = [value for value in values if math.isfinite(abs(value))]
    largest = max(map(abs, finite), default=0.0)
    if largest >= 1e5 or 0 < largest < 0.5 * 10.0**-at_most:
        return -digits
    return 0 if all(value.imag == 0 and value.real % 1 == 0 for value in finite) else at_most


def plain(value: float) -> str:
    """A number alone."""
    return number(value, places_for([value]))


def count(number: int, whole: bool = True) -> str:
    """A count with separators; a dash for none, a sign where some of it is not known."""
    return _known(number, f"{number:,}", whole)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not 1."""
    plural = f"{noun[:-2]}es" if noun.endswith("axis") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def millions(number: int, whole: bool = True) -> str:
    """A large count in millions, with one place."""
    tiny = whole and number < 50_000
    return _known(number, "< 0.1" if tiny else f"{number / 1e6:,.1f}", whole)


def _known(number: int, words: str, whole: bool) -> str:
    if not number:
        return "–" if whole else "?"
    return words if whole else f"≥ {words}"


def share(part: int, whole: int) -> str:
    """A part of a whole in percent."""
    if not part or not whole:
        return "–"
    return f"{100 * part / whole:.1f} %" if 2000 * part >= whole else "< 0.1 %"


def byte_size(number: int) -> str:
    """Bytes in a unit that keeps the number short."""
    amount = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 999.5:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} TB"


def byte_count(text: str) -> float:
    """How many bytes a text such as ``"24GiB"`` says; a ValueError for another text."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([kMGT])(i?))?B?\s*", text, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{text} is no number of bytes, as 8GB or 24GiB")
    number, unit, binary = match.groups()
    power = "KMGT".index(unit.upper()) + 1 if unit else 0
    return float(number) * float(1024 if binary else 1000) ** power
