"""A layer's picture whose window can be moved: what the frames of an animation are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

from convdocs.draw.boxes import Box, Column, Row, Words, first_fitting, heading, note, titled
from convdocs.draw.layer import half
from convdocs.draw.palette import ROLES, Theme
from convdocs.draw.picture import EDGE, PAGE, Description, Picture
from convdocs.draw.plane import (
    DIGITS,
    MOST_ROWS,
    Plane,
    are,
    fine,
    fitting,
    numbers,
    scale_of,
    shades,
)
from convdocs.draw.scene import Scene
from convdocs.draw.sheet import DPI, TITLE_SIZE, VALUE_SIZE, Sheet
from convdocs.draw.svg import rectangle, svg
from convdocs.draw.units import Unit, left_out, named, units
from convdocs.draw.words import input_words, padding_words, total_words
from convdocs.view.numbers import plain

LINE = 18.0  # points for the line below the planes

Corners = list[tuple[float, float]]

# what moves: name, order, fill, edge, width of the edge
MOVING = (
    ("cv-read", 1.2, "read", None, 0.0),
    ("cv-lit", 1.2, "lit", None, 0.0),
    ("cv-window", 2.3, None, "window", 1.8),
    ("cv-winner", 2.4, None, "lit frame", 1.8),
    ("cv-later", 6.0, "box", "line", 0.5),
    ("cv-cell", 7.0, None, "lit frame", 1.8),
)


@dataclass
class Placed:
    """A plane that remembers where it was drawn."""

    plane: Plane
    corner: tuple[float, float] = field(default=(0.0, 0.0))

    @property
    def width(self) -> float:
        return self.plane.width

    @property
    def height(self) -> float:
        return self.plane.height

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        self.corner = (x, y)
        self.plane.draw(sheet, x, y)

    def corners(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Corners:
        """The corners of some cells on the sheet."""
        left, top, wide, high = self.plane.area(row, column, rows, columns)
        x, y = self.corner[0] + left, self.corner[1] + top
        return [(x, y), (x + wide, y), (x + wide, y + high), (x, y + high)]


class Stage:
    """A picture of a layer with everything that moves apart from what does not.

    Parameters
    ----------
    scenes : list of Scene
        One per output cell, in the order of the walk; all of one output channel.
    theme : str
        ``"light"`` or ``"dark"``.
    title, caption : str
        What is written above and below.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.
    """

    def __init__(
        self,
        scenes: list[Scene],
        theme: Theme,
        title: str,
        caption: str,
        fig: Figure | SubFigure | None = None,
    ) -> None:
        self.scenes, self.title, self.caption = scenes, title, caption
        self.theme: Theme = theme
        self._units = [units(shown) for shown in scenes]
        self._inputs, self._output, page = _arranged(scenes[0], self._units[0], title)
        width, height = page.width + 2 * EDGE, page.height + 2 * EDGE + LINE
        if fig is None:
            fig = Picture((width / 72, height / 72), DPI, facecolor="none", edgecolor="none")
            fig.set_layout_engine("none")
        sheet = Sheet(width, height, fig=fig, theme=theme)
        sheet.patch(0, 0, width, height, "page", -1)
        page.draw(sheet, EDGE, EDGE)
        texts = list(sheet.ax.texts)
        sheet.text(EDGE, page.height + EDGE + LINE / 2, "", align="left", size=VALUE_SIZE + 0.5)
        sheet.finish()
        alt = _alt(scenes[0], len(scenes))
        sheet.ax.add_artist(Description(alt))
        self.figure, self.axes = sheet.figure, sheet.ax
        if isinstance(fig, Picture):
            fig.alt, fig.caption = alt, caption
        self._at = {_near(*text.get_position()): text for text in texts}
        self._said: Text = sheet.ax.texts[-1]
        self._shapes = {name: sheet.movable(name, *look) for name, *look in MOVING}

    @property
    def moving(self) -> list[Artist]:
        """What changes from frame to frame."""
        return [*self._shapes.values(), self._said]

    def show(self, number: int) -> list[Artist]:
        """Move to a frame; what to draw again, in the order to draw it."""
        places = self._places(number)
        for name, corners in places.items():
            self._shapes[name].set_verts(corners)
        self._said.set_text(self.words(number))
        lit = [*places["cv-read"], *places["cv-cell"]]
        letters = [text for corners in lit if (text := self._at.get(_middle(corners)))]
        under, over = list(self._shapes.values())[:2], list(self._shapes.values())[2:]
        return [*under, *letters, *over, self._said]

    def words(self, number: int) -> str:
        """What is worked out at a frame."""
        shown = self.scenes[number]
        return f"{total_words(shown)} = {plain(shown.cell.value)}"

    def paths(self, number: int) -> dict[str, str]:
        """The frame's moving shapes as SVG paths."""
        return {
            name: "".join(map(rectangle, corners)) for name, corners in self._places(number).items()
        }

    def still(self) -> str:
        """What does not move, as SVG with an empty group at the place of each shape that does."""
        for shapes in self._shapes.values():
            shapes.set_verts([])
        self._said.set_text("")
        return svg(self.figure)

    @property
    def looks(self) -> dict[str, str]:
        """The moving shapes' attributes in SVG."""
        return {name: _look(fill, edge, width) for name, _, fill, edge, width in MOVING}

    def _places(self, number: int) -> dict[str, list[Corners]]:
        """Where everything is at a frame."""
        shown, parts = self.scenes[number], self._units[number]
        pairs = list(zip(self._inputs, parts, strict=True))
        read = [
            placed.corners(int(row), int(column))
            for placed, unit in pairs
            if placed.plane.pixels is None  # shades are not to be painted over
            for row, column in zip(*np.nonzero(are(unit.roles, "read")), strict=True)
        ]
        cell = self._output.corners(*_place(shown))
        framed = [
            (placed.corners(*frame[:4]), frame[4])
            for placed, unit in pairs
            for frame in unit.frames
        ]
        return {
            "cv-read": read,
            "cv-lit": [cell] if self._output.plane.pixels is None else [],
            "cv-window": [corners for corners, role in framed if role == "window"],
            "cv-winner": [corners for corners, role in framed if role != "window"],
            "cv-later": [self._output.corners(*_place(one)) for one in self.scenes[number + 1 :]],
            "cv-cell": [cell],
        }


def _look(fill: str | None, edge: str | None, width: float) -> str:
    parts = f' fill="{ROLES[fill][0]}"' if fill else ""
    return parts + (f' stroke="{ROLES[edge][0]}" stroke-width="{width:g}"' if edge else "")


def _near(x: float, y: float) -> tuple[float, float]:
    return round(x, 3), round(y, 3)


def _middle(corners: Corners) -> tuple[float, float]:
    (left, top), (right, bottom) = corners[0], corners[2]
    return _near((left + right) / 2, (top + bottom) / 2)


def _place(shown: Scene) -> tuple[int, int]:
    """Row and column of the cell in its channel."""
    row, column = (0, *shown.place)[-2:]
    return row, column


def _arranged(shown: Scene, parts: list[Unit], title: str) -> tuple[list[Placed], Placed, Box]:
    """The planes that move, and the page; with as many decimals as fit."""
    tall = max(unit.values.shape[0] for unit in parts) > MOST_ROWS
    for places in (None,) if tall else DIGITS:
        inputs = [Placed(_input(shown, unit, places)) for unit in parts]
        rows = [_beside(shown, *pair, places) for pair in zip(inputs, parts, strict=True)]
        body = Column(tuple(rows), gap=8)
        if body.width <= PAGE:
            break
    more, what = left_out(shown, parts)
    if more > 0:
        body = Column((*body.parts, note(f"{more} more {what}, not drawn", PAGE)), gap=8)
    plane = np.atleast_2d(shown.y[shown.channel])
    roles = np.full(plane.shape, "output", dtype=object)
    output = Placed(fitting(plane, roles, PAGE if shown.layer.dims == 1 else half(PAGE)))
    out = titled(output, named("output", shown.sample, shown.channel))
    arrow = Words("→", TITLE_SIZE + 2, "muted")
    main = first_fitting((Row((body, arrow, out), gap=10), Column((body, out), gap=8)), PAGE)
    return inputs, output, Column((heading(title, PAGE, input_words(shown)), main), gap=8)


def _input(shown: Scene, unit: Unit, places: int | None) -> Plane:
    roles = np.where(are(unit.roles, "read"), "input", unit.roles)
    if places is not None:
        return numbers(unit.values, roles, places)
    size = fine(unit.values.shape, half(PAGE) * 0.8)
    return shades(unit.values, roles, size, scale_of(shown.x))


def _beside(shown: Scene, placed: Placed, unit: Unit, places: int | None) -> Box:
    """A plane of the input and the part of the kernel that reads it."""
    plane = titled(placed, unit.name)
    if shown.cell.terms[0].weight is None:
        return plane
    weights = numbers(shown.taken("weight")[unit.part], "kernel", places or 2)
    sign = Words("×", TITLE_SIZE + 2, "muted")
    return Row((plane, sign, titled(weights, unit.kernel)), gap=6)


def _alt(shown: Scene, count: int) -> str:
    words = f"The walk of {shown.cell.code} over an input of shape {shown.cell.input_shape}"
    if padded := padding_words(shown):
        words += f", {padded}"
    name = named("output", shown.sample, shown.channel)
    return f"{words}: in {count} steps the window visits every place, and {name} fills up."
