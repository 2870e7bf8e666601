"""Boxes that know their size, and rows and columns of them: how a picture is laid out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from convdocs.draw.sheet import NOTE_SIZE, TITLE_SIZE, Sheet, text_width

LINE_HEIGHT = 1.45
HINTED = 1.025  # letters that are fitted to a screen's pixels take a little more room
START, MIDDLE, END = 0.0, 0.5, 1.0  # how boxes are aligned
WIDE = 1e9


class Box:
    """Something with a size that is drawn from its upper left corner on; this one is empty."""

    def __init__(self, width: float = 0.0, height: float = 0.0) -> None:
        self.width, self.height = width, height

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        """Draw the marks on the sheet."""

    def titled(self, title: str, note: str = "", room: float = WIDE, gap: float = 3.0) -> Column:
        """The box under a title and, smaller, a note."""
        room = max(self.width, room)
        head = Column((lines(title, room, TITLE_SIZE, "ink", "bold"), lines(note, room)), 0)
        return Column((head, self) if title or note else (self,), gap)


class Rule(Box):
    """A level line, as above a sum."""

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        sheet.line([(x, y), (x + self.width, y)], "ink", 0.9)


class Words(Box):
    def __init__(
        self, words: str, size: float = TITLE_SIZE, role: str = "ink", weight: str = "normal"
    ) -> None:
        super().__init__(text_width(words, size, weight) * HINTED, size * LINE_HEIGHT)
        self.words, self.size, self.role, self.weight = words, size, role, weight

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        look = {"role": self.role, "weight": self.weight, "align": "left"}
        sheet.text(x, y + self.height / 2, self.words, size=self.size, **look)


class Row(Box):
    def __init__(self, parts: Iterable[Box], gap: float = 8.0, align: float = START) -> None:
        self.parts, self.gap, self.align = tuple(parts), gap, align
        width = sum(part.width for part in self.parts) + gap * (len(self.parts) - 1)
        super().__init__(max(0.0, width), max((part.height for part in self.parts), default=0.0))

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        for part in self.parts:
            part.draw(sheet, x, y + (self.height - part.height) * self.align)
            x += part.width + self.gap


class Column(Box):
    def __init__(self, parts: Iterable[Box], gap: float = 4.0, align: float = START) -> None:
        self.parts, self.gap, self.align = tuple(parts), gap, align
        height = sum(part.height for part in self.parts) + gap * (len(self.parts) - 1)
        super().__init__(max((part.width for part in self.parts), default=0.0), max(0.0, height))

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        for part in self.parts:
            part.draw(sheet, x + (self.width - part.width) * self.align, y)
            y += part.height + self.gap


_Some = TypeVar("_Some", bound=Box)


def first_fitting(boxes: Iterable[_Some], room: float) -> _Some:
    """The first box that is no wider than ``room``, else the last of all."""
    for box in boxes:
        if box.width <= room + 0.01:
            break
    return box


def flow(
    parts: Iterable[Box], room: float, gap: float = 12.0, align: float = START, below: float = 10.0
) -> Column:
    """Boxes in rows of as many as fit side by side."""
    rows: list[list[Box]] = [[]]
    for part in parts:
        if rows[-1] and Row((*rows[-1], part), gap).width > room + 0.01:
            rows.append([])
        rows[-1].append(part)
    return Column((Row(row, gap, align) for row in rows), gap=below)


def lines(
    words: str, room: float, size: float = NOTE_SIZE, role: str = "muted", weight: str = "normal"
) -> Column:
    """Text that is broken at spaces into lines of at most ``room`` points; none for no words."""
    broken: list[str] = []
    for word in words.split(" ") if words else ():
        longer = f"{broken[-1]} {word}" if broken else word
        if broken and text_width(longer, size, weight) * HINTED <= room:
            broken[-1] = longer
        else:
            broken.append(word)
    return Column((Words(line, size, role, weight) for line in broken), gap=0)
