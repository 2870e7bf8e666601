"""A layer's picture whose window can be moved: what the frames of an animation are made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.text import Text

from convdocs.draw.boxes import BUDGET, EDGE, Box, Column, Row, titled
from convdocs.draw.captions import padding_words, plain, total_words
from convdocs.draw.grids import Grid, are, grid
from convdocs.draw.palette import Theme
from convdocs.draw.panels import MOST_ROWS, fine, head, named, note, sign
from convdocs.draw.scene import Scene
from convdocs.draw.shading import Shaded, scale
from convdocs.draw.sheet import VALUE_SIZE, Sheet
from convdocs.draw.units import Unit, left_out, units

LINE = 18.0  # points for the line below the grids

Corners = list[tuple[float, float]]


@dataclass
class Placed:
    """A grid that remembers where it was drawn."""

    grid: Grid | Shaded
    corner: tuple[float, float] = field(default=(0.0, 0.0))

    @property
    def width(self) -> float:
        return self.grid.width

    @property
    def height(self) -> float:
        return self.grid.height

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        self.corner = (x, y)
        self.grid.draw(sheet, x, y)

    def corners(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Corners:
        """The corners of some cells on the sheet."""
        left, top, wide, high = self.grid.area(row, column, rows, columns)
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
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Examples
    --------
    >>> import torch
    >>> from convdocs.draw.scene import scene
    >>> stage = Stage([scene(torch.nn.AvgPool1d(2), torch.ones(1, 2), None, None)], "light")
    >>> set(stage.moving) <= set(stage.show(0))
    True
    """

    def __init__(
        self, scenes: list[Scene], theme: Theme, fig: Figure | SubFigure | None = None
    ) -> None:
        self.scenes = scenes
        self.theme: Theme = theme
        self._units = [units(one) for one in scenes]
        self._inputs, self._output, page = _arranged(scenes[0], self._units[0])
        sheet = Sheet(page.width + 2 * EDGE, page.height + 2 * EDGE + LINE, fig=fig, theme=theme)
        sheet.patch(0, 0, page.width + 2 * EDGE, page.height + 2 * EDGE + LINE, "page", -1)
        page.draw(sheet, EDGE, EDGE)
        texts = list(sheet.ax.texts)
        sheet.text(EDGE, page.height + EDGE + LINE / 2, "", align="left", size=VALUE_SIZE + 0.5)
        self.figure: Figure = sheet.finish(_words(scenes[0], len(scenes)))
        self.axes: Axes = sheet.ax
        self._at = {_near(*text.get_position()): text for text in texts}
        self._said: Text = sheet.ax.texts[-1]
        self._read, self._lit = sheet.movable(1.2, "read"), sheet.movable(1.2, "lit")
        self._window = sheet.movable(2.3, edge="window")
        self._winner = sheet.movable(2.4, edge="lit frame")
        self._hidden = sheet.movable(6.0, "box", "line", 0.5)
        self._cell = sheet.movable(7.0, edge="lit frame")

    @property
    def moving(self) -> list[Artist]:
        """What changes from frame to frame."""
        return [self._read, self._lit, self._window, self._winner, self._hidden, self._cell,
                self._said]  # fmt: skip

    def show(self, number: int) -> list[Artist]:
        """Move to a frame; what to draw again, in the order to draw it."""
        shown, parts = self.scenes[number], self._units[number]
        pairs = list(zip(self._inputs, parts, strict=True))
        read = [
            placed.corners(int(row), int(column))
            for placed, unit in pairs
            if isinstance(placed.grid, Grid)  # shades are not to be painted over
            for row, column in zip(*np.nonzero(are(unit.roles, "read")), strict=True)
        ]
        cell = self._output.corners(*_place(shown))
        later = [self._output.corners(*_place(one)) for one in self.scenes[number + 1 :]]
        framed = [
            (placed.corners(*frame[:4]), frame[4])
            for placed, unit in pairs
            for frame in unit.frames
        ]
        self._read.set_verts(read)
        self._lit.set_verts([cell] if isinstance(self._output.grid, Grid) else [])
        self._window.set_verts([corners for corners, role in framed if role == "window"])
        self._winner.set_verts([corners for corners, role in framed if role != "window"])
        self._hidden.set_verts(later)
        self._cell.set_verts([cell])
        self._said.set_text(f"{total_words(shown)} = {plain(shown.cell.value)}")
        letters = [text for one in (*read, cell) if (text := self._at.get(_middle(one)))]
        return [self._read, self._lit, *letters, self._window, self._winner, self._hidden,
                self._cell, self._said]  # fmt: skip


def _near(x: float, y: float) -> tuple[float, float]:
    return round(x, 3), round(y, 3)


def _middle(corners: Corners) -> tuple[float, float]:
    (left, top), (right, bottom) = corners[0], corners[2]
    return _near((left + right) / 2, (top + bottom) / 2)


def _place(shown: Scene) -> tuple[int, int]:
    """Row and column of the cell in its channel."""
    row, column = (0, *shown.place)[-2:]
    return row, column


def _arranged(shown: Scene, parts: list[Unit]) -> tuple[list[Placed], Placed, Box]:
    """The grids that move, and the page; with as many decimals as fit."""
    tall = max(unit.values.shape[0] for unit in parts) > MOST_ROWS
    for places in (None,) if tall else (4, 3, 2, 1, None):
        inputs = [Placed(_input(shown, unit, places)) for unit in parts]
        rows = [_beside(shown, *pair, places) for pair in zip(inputs, parts, strict=True)]
        body = Column(tuple(rows), gap=8)
        if body.width <= BUDGET:
            break
    more, what = left_out(shown, parts)
    if more > 0:
        body = Column((*body.parts, note(f"{more} more {what}, not drawn")), gap=8)
    plane = np.atleast_2d(shown.y[shown.channel])
    output = Placed(_output(plane))
    out = titled(output, named("output", shown.sample, shown.channel))
    if body.width + out.width + 30 <= BUDGET:
        main: Box = Row((body, sign("→", output.height), out), gap=8, align="top")
    else:
        main = Column((body, out), gap=8)
    return inputs, output, Column((head(shown), main), gap=8)


def _input(shown: Scene, unit: Unit, places: int | None) -> Grid | Shaded:
    roles = np.where(are(unit.roles, "read"), "input", unit.roles)
    if places is not None:
        return grid(unit.values, roles, places)
    return Shaded(unit.values, roles, fine(unit.values.shape, BUDGET / 2), scale(shown.x))


def _beside(shown: Scene, placed: Placed, unit: Unit, places: int | None) -> Box:
    """A plane of the input and the part of the kernel that reads it."""
    plane = titled(placed, unit.name)
    if shown.cell.terms[0].weight is None:
        return plane
    weights = grid(shown.taken("weight")[unit.part], "kernel", places or 2)
    parts = (sign("×", weights.height), titled(weights, unit.kernel))
    if shown.layer.dims == 1:
        return Column((plane, Row(parts, gap=4, align="top")), gap=8)
    return Row((plane, *parts), gap=4, align="top")


def _output(plane: np.ndarray) -> Grid | Shaded:
    if plane.shape[0] <= MOST_ROWS:
        for places in (4, 3, 2, 1):
            box = grid(plane, "output", places)
            if box.width <= BUDGET:
                return box
    roles = np.full(plane.shape, "output", dtype=object)
    return Shaded(plane, roles, fine(plane.shape, BUDGET / 2), scale(plane))


def _words(shown: Scene, count: int) -> str:
    said = f"The walk of {shown.cell.code} over an input of shape {shown.cell.input_shape}"
    if padded := padding_words(shown):
        said += f", {padded}"
    name = named("output", shown.sample, shown.channel)
    return f"{said}: in {count} steps the window visits every place, and {name} fills up."
