"""A sheet of paper measured in points: the few marks all pictures are made of.

Marks are gathered and handed to matplotlib in a few collections, and every setting that
matplotlib would look up in its global rcParams is given here instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.image import AxesImage
from matplotlib.text import Text

from convdocs.draw.palette import Theme, colour

VALUE_SIZE, TITLE_SIZE, NOTE_SIZE = 9.0, 9.5, 8.5
HEAD = 4.5  # of an arrow
FRAME, HALO = 1.8, 3.6
DPI = 100
FONT = "DejaVu Sans"  # ships with matplotlib, so that sizes are the same everywhere
# hatches are above cells, below patches; halos below frames
ORDER = {"hatch": 1.3, "halo": 2.15}
CELLS, PATCHES, IMAGES, LINES, LETTERS = 1.0, 1.5, 1.8, 2.0, 5.0

Points = Sequence[tuple[float, float]]
Place = Figure | SubFigure | Axes


def text_width(words: str, size: float, weight: str = "normal") -> float:
    """Width of a text in points, from the advances of the font's glyphs."""
    return size * sum(_advance(letter, weight) for letter in words)


@lru_cache(maxsize=1024)
def _advance(letter: str, weight: str) -> float:
    """How far a letter of size 1 moves the next one."""
    font = get_font(findfont(FontProperties(family=FONT, weight=weight)))
    font.set_size(64, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 64


def corners(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


class Sheet:
    """Marks on a page ``width`` by ``height`` points, x to the right and y downwards.

    The page is scaled to the room that the figure or the axes have, letters too.
    """

    def __init__(self, width: float, height: float, place: Place, theme: Theme = "light"):
        self.theme = theme
        self.ax = ax = place if isinstance(place, Axes) else place.add_axes((0, 0, 1, 1))
        root = ax.get_figure(root=True)
        assert root is not None
        self.figure: Figure = root
        box, inch = ax.get_window_extent(), root.dpi
        self.scale = min(box.width / inch * 72 / width, box.height / inch * 72 / height)
        ax.set_axis_off()
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.set_aspect("equal", adjustable="box")
        self._fills: dict[float, dict[str, list[Points]]] = {CELLS: {}, PATCHES: {}}
        self._lines: dict[tuple[str, float, str], list[Points]] = {}

    def colour(self, role: str) -> str:
        return colour(role, self.theme)

    def cell(
        self, x: float, y: float, width: float, height: float, role: str, order: float = CELLS
    ) -> None:
        """A filled rectangle: a cell with a thin border, or a patch over cells without one."""
        self.shape(corners(x, y, width, height), role, order)

    def shape(self, points: Points, role: str, order: float = CELLS) -> None:
        self._fills[order].setdefault(role, []).append(points)

    def polygons(
        self, shapes: Sequence[Points], fills: Sequence[str], edge: str | None, width: float,
        order: float, name: str = "",
    ) -> PolyCollection:  # fmt: skip
        """Shapes that are drawn together, each in its role's colour."""
        polygons = PolyCollection(
            shapes, facecolors=list(map(self.colour, fills)) or "none",
            edgecolors=self.colour(edge) if edge else "none", antialiaseds=True,
            linewidths=width * self.scale, zorder=order,
        )  # fmt: skip
        polygons.set_gid(name)
        self.ax.add_collection(polygons, autolim=False)
        return polygons

    def image(self, x: float, y: float, width: float, height: float, pixels: np.ndarray) -> None:
        """Pixels (red, green, blue, opacity from 0 to 255) stretched over a field."""
        picture = AxesImage(self.ax, interpolation="none", origin="upper", zorder=IMAGES,
                            extent=(x, x + width, y + height, y), resample=False,
                            interpolation_stage="data")  # fmt: skip
        picture.set_data(pixels)
        self.ax.add_image(picture)

    def line(
        self, points: Points, role: str = "line", width: float = 0.6, style: str = "solid"
    ) -> None:
        self._lines.setdefault((role, width, style), []).append(points)

    def grid(self, x: float, y: float, columns: Sequence[float], rows: Sequence[float]) -> None:
        width, height = sum(columns), sum(rows)
        for left in accumulate(columns, initial=x):
            self.line([(left, y), (left, y + height)], "line", 0.4)
        for top in accumulate(rows, initial=y):
            self.line([(x, top), (x + width, top)], "line", 0.4)

    def frame(self, x: float, y: float, width: float, height: float, role: str) -> None:
        around = corners(x, y, width, height)
        # the first side twice, so that the closing corner is joined like the others
        self.line([*around, *around[:2]], role, HALO if role == "halo" else FRAME)

    def arrow(
        self, points: Points, role: str = "muted", width: float = 1.0, head: float = HEAD
    ) -> None:
        """A line through ``points`` with a head at its end."""
        before, end = (complex(*point) for point in points[-2:])
        along = (end - before) / max(abs(end - before), 1e-9) * head
        tips = end - along + along * 0.5j, end, end - along - along * 0.5j
        self.line(points, role, width)
        self.line([(tip.real, tip.imag) for tip in tips], role, width)

    def text(
        self, x: float, y: float, words: str, *, size: float = VALUE_SIZE, role: str = "ink",
        align: str = "center", weight: str = "normal",
    ) -> Text:  # fmt: skip
        """Letters, centred on ``y``."""
        font = FontProperties(family=FONT, style="normal", weight=weight, size=size * self.scale)
        return self.ax.text(
            x, y, words, ha=align, va="center_baseline", color=self.colour(role), zorder=LETTERS,
            fontproperties=font, usetex=False, parse_math=False,
        )  # fmt: skip

    def finish(self) -> None:
        """Hand the marks to matplotlib."""
        for (order, fills), edge in zip(self._fills.items(), ("line", None), strict=True):
            roles = [role for role, some in fills.items() for _ in some]
            if roles:
                shapes = [shape for some in fills.values() for shape in some]
                self.polygons(shapes, roles, edge, 0.5 if edge else 0.0, order)
        for place, ((role, width, style), lines) in enumerate(sorted(self._lines.items())):
            order = ORDER.get(role, LINES + width / 10 + place / 1000)
            strokes = LineCollection(lines, colors=self.colour(role), linestyles=style,
                                     linewidths=width * self.scale, antialiaseds=True,
                                     zorder=order)  # fmt: skip
            self.ax.add_collection(strokes, autolim=False)
