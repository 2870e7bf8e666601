"""Boxes that know their size, and rows and columns of them: how a picture is laid out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from convdocs.draw.sheet import NOTE_SIZE, TITLE_SIZE, Sheet, text_width

LINE_HEIGHT = 1.45
EDGE = 4.0  # points around a page
BUDGET = 342.0  # points across a page: on a phone a point is then about a CSS pixel


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
        return text_width(self.words, self.size, self.weight)

    @property
    def height(self) -> float:
        return self.size * LINE_HEIGHT

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        sheet.text(
            x,
            y + self.height / 2,
            self.words,
            size=self.size,
            role=self.role,
            weight=self.weight,
            align="left",
        )


@dataclass(frozen=True)
class Row:
    """Boxes side by side."""

    parts: tuple[Box, ...]
    gap: float = 8.0
    align: Literal["top", "middle", "bottom"] = "middle"

    @property
    def width(self) -> float:
        return sum(part.width for part in self.parts) + self.gap * (len(self.parts) - 1)

    @property
    def height(self) -> float:
        return max((part.height for part in self.parts), default=0.0)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        share = {"top": 0.0, "middle": 0.5, "bottom": 1.0}[self.align]
        for part in self.parts:
            part.draw(sheet, x, y + (self.height - part.height) * share)
            x += part.width + self.gap


@dataclass(frozen=True)
class Column:
    """Boxes below one another."""

    parts: tuple[Box, ...]
    gap: float = 4.0
    align: Literal["left", "middle"] = "left"

    @property
    def width(self) -> float:
        return max((part.width for part in self.parts), default=0.0)

    @property
    def height(self) -> float:
        return sum(part.height for part in self.parts) + self.gap * (len(self.parts) - 1)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        share = {"left": 0.0, "middle": 0.5}[self.align]
        for part in self.parts:
            part.draw(sheet, x + (self.width - part.width) * share, y)
            y += part.height + self.gap


@dataclass(frozen=True)
class Space:
    """An empty box."""

    width: float = 0.0
    height: float = 0.0

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        """Draw nothing."""


def wrapped(words: str, width: float, size: float) -> list[str]:
    """``words`` broken at spaces into lines of at most ``width`` points.

    Examples
    --------
    >>> wrapped("Conv1d(3, 2, 3)", 60, 9)
    ['Conv1d(3, 2,', '3)']
    """
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip() if lines[-1] else word
        if lines[-1] and text_width(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer if word else lines[-1] + " "
    return lines


def titled(box: Box, title: str, note: str = "") -> Column:
    """A box under its title and, smaller, a note."""
    lines: list[Box] = [Words(title, weight="bold")]
    if note:
        lines += [Words(line, NOTE_SIZE, "muted") for line in wrapped(note, BUDGET, NOTE_SIZE)]
    return Column((Column(tuple(lines), gap=0), box), gap=3)


def paste(
    page: Box,
    description: str,
    *,
    fig: Figure | SubFigure | None = None,
    ax: Axes | None = None,
) -> Figure:
    """A figure of a page and nothing else.

    Examples
    --------
    >>> paste(Space(64, 28), "Empty.").get_size_inches().tolist()
    [1.0, 0.5]
    """
    sheet = Sheet(page.width + 2 * EDGE, page.height + 2 * EDGE, fig=fig, ax=ax)
    page.draw(sheet, EDGE, EDGE)
    return sheet.finish(description)
