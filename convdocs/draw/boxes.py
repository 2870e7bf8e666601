"""Boxes that know their size, and rows and columns of them: how a picture is laid out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from convdocs.draw.sheet import NOTE_SIZE, TITLE_SIZE, Sheet, text_width

LINE_HEIGHT = 1.45
HINTED = 1.025  # letters that are fitted to a screen's pixels take a little more room
START, MIDDLE, END = 0.0, 0.5, 1.0  # how boxes are aligned


class Box(Protocol):
    """Something with a size that can be drawn with its upper left corner at (x, y)."""

    @property
    def width(self) -> float: ...
    @property
    def height(self) -> float: ...
    def draw(self, sheet: Sheet, x: float, y: float) -> None: ...


@dataclass(frozen=True)
class Words:
    """One line of text."""

    words: str
    size: float = TITLE_SIZE
    role: str = "ink"
    weight: str = "normal"

    @property
    def width(self) -> float:
        return text_width(self.words, self.size, self.weight) * HINTED

    @property
    def height(self) -> float:
        return self.size * LINE_HEIGHT

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        sheet.text(x, y + self.height / 2, self.words, size=self.size, role=self.role,
                   weight=self.weight, align="left")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """Boxes side by side."""

    parts: tuple[Box, ...]
    gap: float = 8.0
    align: float = START

    @property
    def width(self) -> float:
        return sum(part.width for part in self.parts) + self.gap * (len(self.parts) - 1)

    @property
    def height(self) -> float:
        return max((part.height for part in self.parts), default=0.0)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        for part in self.parts:
            part.draw(sheet, x, y + (self.height - part.height) * self.align)
            x += part.width + self.gap


@dataclass(frozen=True)
class Column:
    """Boxes below one another."""

    parts: tuple[Box, ...]
    gap: float = 4.0
    align: float = START

    @property
    def width(self) -> float:
        return max((part.width for part in self.parts), default=0.0)

    @property
    def height(self) -> float:
        return max(0.0, sum(part.height + self.gap for part in self.parts) - self.gap)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        for part in self.parts:
            part.draw(sheet, x + (self.width - part.width) * self.align, y)
            y += part.height + self.gap


@dataclass(frozen=True)
class Space:
    """An empty box, or a level line."""

    width: float = 0.0
    height: float = 0.0
    ruled: bool = False

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        if self.ruled:
            sheet.line([(x, y), (x + self.width, y)], "ink", 0.9)


def first_fitting(boxes: Iterable[Box], room: float) -> Box:
    """The first box that is no wider than ``room``, else the last of all."""
    for box in boxes:
        if box.width <= room + 0.01:
            break
    return box


def flow(parts: Iterable[Box], room: float, gap: float = 12.0, align: float = START) -> Column:
    """Boxes in rows of as many as fit side by side."""
    rows: list[list[Box]] = [[]]
    for part in parts:
        if rows[-1] and Row((*rows[-1], part), gap).width > room + 0.01:
            rows.append([])
        rows[-1].append(part)
    return Column(tuple(Row(tuple(row), gap, align) for row in rows), gap=10)


def wrapped(words: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """``words`` broken at spaces into lines of at most ``width`` points."""
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip() if lines[-1] else word
        if lines[-1] and text_width(longer, size, weight) * HINTED > width:
            lines.append(word)
        else:
            lines[-1] = longer if word else lines[-1] + " "
    return lines


def note(words: str, room: float) -> Column:
    """Small text, on as many lines as it takes."""
    lines = wrapped(words, room, NOTE_SIZE) if words else []
    return Column(tuple(Words(line, NOTE_SIZE, "muted") for line in lines), gap=0)


def titled(box: Box, title: str, words: str = "", room: float = 1e9) -> Column:
    """A box under its title and, smaller, a note."""
    return Column((_heading(title, words, max(box.width, room)), box), gap=3)


def page(room: float, title: str, words: str, *parts: Box, gap: float = 8.0) -> Column:
    """A whole picture: its title, what else there is to know, and its parts."""
    head = (_heading(title, words, room),) if title or words else ()
    return Column((*head, *parts), gap)


def _heading(title: str, words: str, room: float) -> Column:
    lines = wrapped(title, room, TITLE_SIZE, "bold") if title else []
    return Column((*(Words(line, weight="bold") for line in lines), note(words, room)), gap=0)
