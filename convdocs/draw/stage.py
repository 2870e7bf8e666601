"""A layer's picture whose window can be moved: what the frames of an animation are made of."""

from __future__ import annotations

import numpy as np
from matplotlib.artist import Artist
from matplotlib.text import Text

from convdocs.draw.boxes import MIDDLE, Box, Column, Row, Words, lines, page, titled
from convdocs.draw.palette import ROLES, Theme
from convdocs.draw.picture import PHONE, drawn, fill
from convdocs.draw.plane import (
    DIGITS,
    MOST_ROWS,
    Area,
    Plane,
    are,
    fitting,
)
from convdocs.draw.scene import Scene
from convdocs.draw.sheet import TITLE_SIZE, VALUE_SIZE, Place, Points, corners
from convdocs.draw.sides import (
    Unit,
    half,
    input_plane,
    leads_to,
    left_out,
    named,
    taken_plane,
    thumbnail,
    units,
)
from convdocs.draw.svg import Outline, svg
from convdocs.draw.words import input_words, padding_words, total_words
from convdocs.view.numbers import plain

LINE = 18.0  # points for the line below the planes
DRAWN = 0.8  # of half a phone's page, that a shaded input takes

# what moves: its order, fill, edge, and the edge's width
MOVING: dict[str, tuple[float, str | None, str | None, float]] = {
    "cv-read": (1.2, "read", None, 0.0),
    "cv-lit": (1.2, "lit", None, 0.0),
    "cv-window": (2.3, None, "window", 1.8),
    "cv-winner": (2.4, None, "lit frame", 1.8),
    "cv-later": (6.0, "box", "line", 0.5),
    "cv-cell": (7.0, None, "lit frame", 1.8),
}


class Stage:
    """A picture of a layer with everything that moves apart from what does not.

    The scenes are one per output cell, in the order of the walk; all of one output channel.
    """

    def __init__(
        self, scenes: list[Scene], theme: Theme, title: str, caption: str, fig: Place | None = None
    ) -> None:
        self.scenes, self.title, self.caption = scenes, title, caption
        self._units = [units(shown) for shown in scenes]
        self._inputs, self._output, body = _arranged(scenes[0], self._units[0])
        page_ = page(PHONE, title, input_words(scenes[0]), body, Box(0, LINE - 8))
        alt = _alt(scenes[0], len(scenes))
        if fig is None:
            figure, sheet = drawn(page_, alt, caption, theme=theme)
            figure._thumb = thumbnail(scenes[len(scenes) // 2])
        else:
            sheet = fill(page_, fig, alt, theme)
        self.figure, self.axes, self.theme = sheet.figure, sheet.ax, theme
        self.figure.set_facecolor(sheet.colour("page"))  # a GIF has no clear background
        self._at = {_near(*text.get_position()): text for text in self.axes.texts}
        edge, level = (self.axes.get_xlim()[1] - page_.width) / 2, self.axes.get_ylim()[0]
        self._line: Text = sheet.text(edge, level - edge - LINE / 2, "", align="left",
                                      size=VALUE_SIZE + 0.5)  # fmt: skip
        self._shapes = {name: sheet.movable(name, *look) for name, look in MOVING.items()}

    @property
    def moving(self) -> list[Artist]:
        return [*self._shapes.values(), self._line]

    def show(self, number: int) -> list[Artist]:
        """Move to a frame; what to draw again, in the order to draw it."""
        places = self._places(number)
        for name, areas in places.items():
            self._shapes[name].set_verts([corners(*area) for area in areas])
        self._line.set_text(self.words(number))
        lit = [*places["cv-read"], *places["cv-lit"]]
        middles = (_near(x + wide / 2, y + high / 2) for x, y, wide, high in lit)
        letters = [text for middle in middles if (text := self._at.get(middle))]
        read, over, *rest = self._shapes.values()
        return [read, over, *letters, *rest, self._line]

    def words(self, number: int) -> str:
        shown = self.scenes[number]
        return f"{total_words(shown)} = {plain(shown.cell.value)}"

    def paths(self) -> dict[str, list[str]]:
        """The moving shapes in every frame as SVG paths, but for those that are the output's cell,
        in other frames or of another look.
        """
        every = [self._places(number) for number in range(len(self.scenes))]
        names = [name for name in MOVING if name not in ("cv-lit", "cv-later")]
        return {name: [_path(places[name]) for places in every] for name in names}

    def first(self) -> str:
        """The first frame as SVG whose moving shapes are a path each."""
        for shapes in self._shapes.values():
            shapes.set_verts([])
        self._line.set_text("")
        marks = svg(self.figure)
        for name, areas in self._places(0).items():
            _, inside, edge, width = MOVING[name]
            look = f' fill="{ROLES[inside][0]}"' if inside else ""
            look += f' stroke="{ROLES[edge][0]}" stroke-width="{width:g}"' if edge else ""
            shown = "" if name == "cv-lit" and not areas else f'class="{name}"'
            path = f'<path {shown}{look} d="{_path(areas)}"/>'
            marks = marks.replace(f'<g class="{name}"></g>', path)
        return marks

    def _places(self, number: int) -> dict[str, list[Area]]:
        """Where everything is at a frame."""
        pairs = list(zip(self._inputs, self._units[number], strict=True))
        read = [
            plane.area(row, column)
            for plane, unit in pairs
            if plane.pixels is None  # shades are not to be painted over
            for row, column in np.argwhere(are(unit.roles, "read")).tolist()
        ]
        framed = [(plane.area(*frame[:4]), frame[4])
                  for plane, unit in pairs for frame in unit.frames]  # fmt: skip
        cells = [self._output.area(*(0, *shown.place)[-2:]) for shown in self.scenes[number:]]
        return {
            "cv-read": read,
            "cv-lit": cells[:1] if self._output.pixels is None else [],
            "cv-window": [area for area, role in framed if role == "window"],
            "cv-winner": [area for area, role in framed if role != "window"],
            "cv-later": cells[1:],
            "cv-cell": cells[:1],
        }


def _near(x: float, y: float) -> tuple[float, float]:
    return round(x, 3), round(y, 3)


def _path(areas: list[Area]) -> str:
    outline = Outline()
    shapes: list[Points] = [corners(*area) for area in areas]
    return "".join(outline.letters([*shape, shape[0]]) for shape in shapes)


def _arranged(shown: Scene, parts: list[Unit]) -> tuple[list[Plane], Plane, Box]:
    """The planes that move, and all of them laid out; with as many decimals as fit."""
    still = [
        unit._replace(roles=np.where(are(unit.roles, "read"), "input", unit.roles), frames=())
        for unit in parts
    ]
    tall = max(len(unit.values) for unit in parts) > MOST_ROWS
    for digits in DIGITS[-1:] if tall else DIGITS:
        inputs = [input_plane(shown, unit, digits, half(PHONE) * DRAWN) for unit in still]
        rows: list[Box] = []
        for plane, unit in zip(inputs, parts, strict=True):
            row: list[Box] = [titled(plane, unit.name)]
            if shown.weighted:
                written = digits[0] or 2, digits[1]
                kernel = taken_plane(shown, parts, unit, "weight", "kernel", written)
                row += [Words("×", TITLE_SIZE + 2, "muted"), titled(kernel, unit.kernel)]
            rows.append(Row(row, gap=6, align=MIDDLE))
        if Column(rows).width <= PHONE:
            break
    more, what = left_out(shown, parts)
    if more > 0:
        rows.append(lines(f"{more} more {what}, not drawn", PHONE))
    values = np.atleast_2d(shown.y[shown.channel])
    output = fitting(values, "output", PHONE if shown.layer.dims == 1 else half(PHONE))
    below = titled(output, named("output", shown.sample, shown.channel))
    return inputs, output, leads_to(Column(rows, gap=8), below, PHONE)


def _alt(shown: Scene, count: int) -> str:
    words = f"The walk of {shown.cell.code} over an input of shape {shown.cell.input_shape}"
    if padded := padding_words(shown):
        words += f", {padded}"
    name = named("output", shown.sample, shown.channel)
    return f"{words}: in {count} steps the window visits every place, and {name} fills up."
