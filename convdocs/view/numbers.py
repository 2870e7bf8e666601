"""How numbers are written: as torch prints them, with fewer digits where there is no room."""

from __future__ import annotations

import math
from collections.abc import Iterable

PLACES = 4  # torch's print options


def number(value: float, places: int = PLACES) -> str:
    """``value`` with ``places`` decimals; whole when places is 0, with an exponent when below."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if places < 0:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}e{int(exponent)}"
    return f"{value:.{places}f}" if value else f"{0:.{places}f}"


def places_for(values: Iterable[float], at_most: int = PLACES) -> int:
    """Decimals for numbers side by side: none for whole ones, an exponent for huge or tiny ones."""
    finite = [abs(value) for value in values if math.isfinite(value)]
    largest = max(finite, default=0.0)
    if largest >= 1e5 or 0 < largest < 0.5 * 10.0**-at_most:
        return -1
    return 0 if all(value == math.floor(value) for value in finite) else at_most


def plain(value: float) -> str:
    """A number alone."""
    return number(value, places_for([value]))
