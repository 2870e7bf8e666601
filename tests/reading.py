"""Reads a drawn figure's grids back from its texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from convdocs.draw.palette import ROLES

_NUMBER = re.compile(r"-?(\d+\.?\d*(e-?\d+)?|∞)|nan")
_TITLE = re.compile(r"(input|weight|products|sums?|bias|output|window|copied|largest|cells)\b")
GAP = 26  # more points than that from row to row, and a title stands between


@dataclass(frozen=True)
class Mark:
    """A text with its place: x to the right, y downwards."""

    x: float
    y: float
    words: str
    bold: bool

    @property
    def is_number(self) -> bool:
        return _NUMBER.fullmatch(self.words) is not None

    @property
    def is_title(self) -> bool:
        return self.bold and _TITLE.match(self.words) is not None

    @property
    def value(self) -> float:
        return float(self.words.replace("∞", "inf"))


def marks(figure: Figure) -> list[Mark]:
    """Every text of a figure."""
    return [
        Mark(*text.get_position(), text.get_text(), text.get_fontweight() == "bold")
        for axes in figure.axes
        for text in axes.texts
    ]


def places(words: str) -> int:
    """Decimals a number was written with."""
    return len(words.partition(".")[2])


def grid_below(figure: Figure, title: str) -> list[list[str]]:
    """The numbers below a title, row by row, down to where the next title stands."""
    found = marks(figure)
    top = next(mark for mark in found if mark.is_title and mark.words == title)
    titles = [mark for mark in found if mark.is_title and mark is not top]
    right = min((t.x for t in titles if abs(t.y - top.y) < 4 and t.x > top.x), default=np.inf)
    labels = [m.x for m in found if not m.is_number and 0 < m.y - top.y < 60 and m.x > top.x + 1]
    right = min([right, *labels])
    cells = [
        mark for mark in found if mark.is_number and top.x - 1 < mark.x < right and top.y < mark.y
    ]
    levels = sorted({round(cell.y, 1) for cell in cells})
    end = next((i for i, (a, b) in enumerate(pairwise(levels), 1) if b - a > GAP), len(levels))
    return [
        [cell.words for cell in sorted(cells, key=lambda c: c.x) if round(cell.y, 1) == level]
        for level in levels[:end]
    ]


def cell_of(figure: Figure, name: str) -> str:
    """The one number beside a name that ends in ``name``, or else below it."""
    found = marks(figure)
    for mark in found:
        if mark.words.endswith(name):
            level = [m for m in found if m.is_number and abs(m.y - mark.y) < 3 and m.x > mark.x]
            if level:
                return min(level, key=lambda m: m.x).words
    ((words,),) = grid_below(figure, name)
    return words


def agrees(written: list[list[str]], numbers: np.ndarray) -> bool:
    """Whether a grid shows these numbers, to the digits it shows."""
    numbers = np.atleast_2d(numbers)
    shape = (len(written), len(written[0])) if written else (0, 0)
    if shape != numbers.shape:
        return False
    return all(
        _same(words, float(number))
        for row, values in zip(written, numbers, strict=True)
        for words, number in zip(row, values, strict=True)
    )


def _same(words: str, number: float) -> bool:
    shown = float(words.replace("∞", "inf"))
    if np.isnan(number) or np.isinf(number):
        return bool(np.isnan(shown)) if np.isnan(number) else shown == number
    if "e" in words:
        return abs(shown - number) <= 0.051 * 10.0 ** int(words.partition("e")[2])
    return abs(shown - number) <= 0.5 * 10.0 ** -places(words) + 1e-6


def marks_on(figure: Figure, role: str) -> list[Mark]:
    """The numbers that stand in cells of one role's colour."""
    colour = to_rgba(ROLES[role][0])
    boxes = [
        path.get_extents()
        for shapes in figure.axes[0].collections
        if isinstance(shapes, PolyCollection)
        for path, fill in zip(shapes.get_paths(), shapes.get_facecolor(), strict=False)
        if tuple(fill) == colour
    ]
    return [m for m in marks(figure) if m.is_number and any(b.contains(m.x, m.y) for b in boxes)]
