"""A layer's picture whose window can be moved: what the frames of an animation are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

from convdocs.draw.boxes import MIDDLE, Box, Column, Row, Words, first_fitting, note, page, titled
from convdocs.draw.layer import half, thumbnail
from convdocs.draw.palette import ROLES, Theme
from convdocs.draw.picture import EDGE, PHONE, Description, blank
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
from convdocs.draw.sheet import TITLE_SIZE, VALUE_SIZE, Sheet, corners
from convdocs.draw.svg import rectangle, svg
from convdocs.draw.units import Unit, left_out, named, units
from convdocs.draw.words import input_words, padding_words, total_words
from convdocs.view.numbers import plain

LINE = 18.0  # points for the line below the planes

Corners = list[tuple[float, float]]

# what moves: its order, fill, edge, and the edge's width
MOVING: dict[str, tuple[float, str | None, str | None, float]] = {
    "cv-read": (1.2, "read", None, 0.0),
    "cv-lit": (1.2, "lit", None, 0.0),
    "cv-window": (2.3, None, "window", 1.8),
    "cv-winner": (2.4, None, "lit frame", 1.8),
    "cv-later": (6.0, "box", "line", 0.5),
    "cv-cell": (7.0, None, "lit frame", 1.8),
}


@dataclass
class Placed:
    """A plane that remembers where it was drawn."""

    plane: Plane
    corner: tuple[float, float] = (0.0, 0.0)

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
        return corners(self.corner[0] + left, self.corner[1] + top, wide, high)


class Stage:
    """A picture of a layer with everything that moves apart from what does not.

    The scenes are one per output cell, in the order of the walk; all of one output channel.
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
        self._inputs, self._output, box = _arranged(scenes[0], self._units[0], title)
        width, height = box.width + 2 * EDGE, box.height + 2 * EDGE + LINE
        alt = _alt(scenes[0], len(scenes))
        if fig is None:
            fig = blank(width, height)
            fig.alt, fig.caption = alt, caption
            fig._thumb = thumbnail(scenes[len(scenes) // 2])
        sheet = Sheet(width, height, fig, theme)
        sheet.figure.set_facecolor(sheet.colour("page"))  # a GIF has no clear background
        box.draw(sheet, EDGE, EDGE)
        self._at = {_near(*text.get_position()): text for text in sheet.ax.texts}
        sheet.text(EDGE, box.height + EDGE + LINE / 2, "", align="left", size=VALUE_SIZE + 0.5)
        self._line: Text = sheet.ax.texts[-1]
        sheet.finish()
        sheet.ax.add_artist(Description(alt))
        self.figure: Figure = sheet.figure
        self.axes: Axes = sheet.ax
        self._shapes = {name: sheet.movable(name, *look) for name, look in MOVING.items()}

    @property
    def moving(self) -> list[Artist]:
        """What changes from frame to frame."""
        return [*self._shapes.values(), self._line]

    def show(self, number: int) -> list[Artist]:
        """Move to a frame; what to draw again, in the order to draw it."""
        places = self._places(number)
        for name, shapes in places.items():
            self._shapes[name].set_verts(shapes)
        self._line.set_text(self.words(number))
        lit = [*places["cv-read"], *places["cv-cell"]]
        letters = [text for shape in lit if (text := self._at.get(_middle(shape)))]
        read, over, *rest = self._shapes.values()
        return [read, over, *letters, *rest, self._line]

    def words(self, number: int) -> str:
        """What is worked out at a frame."""
        shown = self.scenes[number]
        return f"{total_words(shown)} = {plain(shown.cell.value)}"

    def frames(self) -> list[dict[str, str]]:
        """The moving shapes of every frame as SVG paths; of the cells to come, which are those
        of the frames after it, none.
        """
        return [
            {
                name: "".join(map(rectangle, shapes))
                for name, shapes in self._places(number).items()
                if name != "cv-later"
            }
            for number in range(len(self.scenes))
        ]

    def first(self) -> str:
        """The first frame as SVG whose moving shapes are a path each."""
        for shapes in self._shapes.values():
            shapes.set_verts([])
        self._line.set_text("")
        marks, (first, *others) = svg(self.figure), self.frames()
        first["cv-later"] = "".join(frame["cv-cell"] for frame in others)
        for name, (_, fill, edge, width) in MOVING.items():
            look = f' fill="{ROLES[fill][0]}"' if fill else ""
            look += f' stroke="{ROLES[edge][0]}" stroke-width="{width:g}"' if edge else ""
            path = f'<path class="{name}"{look} d="{first[name]}"/>'
            marks = marks.replace(f'<g class="{name}"></g>', path)
        return marks

    def _places(self, number: int) -> dict[str, list[Corners]]:
        """Where everything is at a frame."""
        shown, output = self.scenes[number], self._output
        pairs = list(zip(self._inputs, self._units[number], strict=True))
        read = [
            placed.corners(*place)
            for placed, unit in pairs
            if placed.plane.pixels is None  # shades are not to be painted over
            for place in np.argwhere(are(unit.roles, "read")).tolist()
        ]
        framed = [(placed.corners(*frame[:4]), frame[4])
                  for placed, unit in pairs for frame in unit.frames]  # fmt: skip
        cell = output.corners(*_place(shown))
        return {
            "cv-read": read,
            "cv-lit": [cell] if output.plane.pixels is None else [],
            "cv-window": [shape for shape, role in framed if role == "window"],
            "cv-winner": [shape for shape, role in framed if role != "window"],
            "cv-later": [output.corners(*_place(one)) for one in self.scenes[number + 1 :]],
            "cv-cell": [cell],
        }


def _near(x: float, y: float) -> tuple[float, float]:
    return round(x, 3), round(y, 3)


def _middle(shape: Corners) -> tuple[float, float]:
    (left, top), (right, bottom) = shape[0], shape[2]
    return _near((left + right) / 2, (top + bottom) / 2)


def _place(shown: Scene) -> tuple[int, int]:
    """Row and column of the cell in its channel."""
    row, column = (0, *shown.place)[-2:]
    return row, column


def _arranged(shown: Scene, parts: list[Unit], title: str) -> tuple[list[Placed], Placed, Box]:
    """The planes that move, and the page; with as many decimals as fit."""
    tall = max(len(unit.values) for unit in parts) > MOST_ROWS
    for places, size in DIGITS[-1:] if tall else DIGITS:
        inputs = [Placed(_input(shown, unit, places, size)) for unit in parts]
        rows = [_beside(shown, *pair, places, size) for pair in zip(inputs, parts, strict=True)]
        body = Column(tuple(rows), gap=8)
        if body.width <= PHONE:
            break
    more, what = left_out(shown, parts)
    if more > 0:
        body = Column((*body.parts, note(f"{more} more {what}, not drawn", PHONE)), gap=8)
    plane = np.atleast_2d(shown.y[shown.channel])
    output = Placed(fitting(plane, "output", PHONE if shown.layer.dims == 1 else half(PHONE)))
    out = titled(output, named("output", shown.sample, shown.channel))
    arrow = Words("→", TITLE_SIZE + 2, "muted")
    beside = Row((body, arrow, out), gap=10, align=MIDDLE)
    main = first_fitting((beside, Column((body, out), gap=8)), PHONE)
    return inputs, output, page(PHONE, title, input_words(shown), main)


def _input(shown: Scene, unit: Unit, places: int | None, size: float) -> Plane:
    roles = np.where(are(unit.roles, "read"), "input", unit.roles)
    if places is not None:
        return numbers(unit.values, roles, places, size=size)
    cell = fine(unit.values.shape, half(PHONE) * 0.8)
    return shades(unit.values, roles, cell, scale_of(shown.x))


def _beside(shown: Scene, placed: Placed, unit: Unit, places: int | None, size: float) -> Box:
    """A plane of the input and the part of the kernel that reads it."""
    plane = titled(placed, unit.name)
    if not shown.weighted:
        return plane
    weights = numbers(shown.taken("weight")[unit.part], "kernel", places or 2, size=size)
    sign = Words("×", TITLE_SIZE + 2, "muted")
    return Row((plane, sign, titled(weights, unit.kernel)), gap=6, align=MIDDLE)


def _alt(shown: Scene, count: int) -> str:
    words = f"The walk of {shown.cell.code} over an input of shape {shown.cell.input_shape}"
    if padded := padding_words(shown):
        words += f", {padded}"
    name = named("output", shown.sample, shown.channel)
    return f"{words}: in {count} steps the window visits every place, and {name} fills up."
