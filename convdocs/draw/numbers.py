"""How a number stands in a cell: as torch prints it, with fewer digits where cells are small."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from convdocs.draw.sheet import VALUE_SIZE, text_width

PLACES = 4  # torch's print options
MARGIN = 2.5  # points left free beside a number


def number(value: float, places: int = PLACES) -> str:
    """``value`` with ``places`` decimals; whole when places is 0, with an exponent when below.

    Examples
    --------
    >>> number(0.63451), number(3.0, 0), number(-123456.0, -1)
    ('0.6345', '3', '-1.2e5')
    >>> number(float("nan")), number(float("-inf"))
    ('nan', '-∞')
    """
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if places < 0:
        digits, exponent = f"{value:.1e}".split("e")
        return f"{digits}e{int(exponent)}"
    return f"{value:.{places}f}" if value else f"{0:.{places}f}"


def places_for(values: np.ndarray, at_most: int) -> int:
    """Decimals for a grid: none for whole numbers, an exponent for huge or tiny ones.

    Examples
    --------
    >>> places_for(np.array([1.0, 2.0]), 4), places_for(np.array([0.5]), 3)
    (0, 3)
    """
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max(initial=0.0))
    if largest >= 1e5 or 0 < largest < 0.5 * 10.0**-at_most:
        return -1
    return 0 if bool(np.all(finite == np.floor(finite))) else at_most


def cell_width(words: Iterable[str], size: float = VALUE_SIZE) -> float:
    """Width of a cell that holds the widest of ``words``.

    Examples
    --------
    >>> cell_width(["0.5"]) < cell_width(["0.5", "-0.25"])
    True
    """
    return max((text_width(word, size) for word in words), default=0.0) + 2 * MARGIN
