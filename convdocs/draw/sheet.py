"""A sheet of paper measured in points: the few marks all pictures are made of.

Marks are gathered and handed to matplotlib in a few collections, and every setting that
matplotlib would look up in its global rcParams is given here instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.image import AxesImage
from matplotlib.patches import Polygon

from convdocs.draw.palette import Theme, colour

VALUE_SIZE = 9.0
TITLE_SIZE = 9.5
NOTE_SIZE = 8.5
HEAD = 4.5  # of an arrow
HALO = 3.6
DPI = 100
ORDER = {"hatch": 1.3, "halo": 2.15}  # hatches above cells, below patches; halos below frames
FONT = "DejaVu Sans"  # ships with matplotlib, so that sizes are the same everywhere

Points = Sequence[tuple[float, float]]


def text_width(words: str, size: float, weight: str = "normal") -> float:
    """Width of a text in points, from the advances of the font's glyphs."""
    return size * sum(_advance(letter, weight) for letter in words)


@lru_cache(maxsize=1024)
def _advance(letter: str, weight: str) -> float:
    """How far a letter of size 1 moves the next one."""
    font = get_font(findfont(FontProperties(family=FONT, weight=weight)))
    font.set_size(64, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / 64


class Sheet:
    """Marks on a page ``width`` by ``height`` points, x to the right and y downwards.

    With ``fig`` or ``ax`` the page is scaled to the room there is, letters too.
    """

    def __init__(
        self,
        width: float,
        height: float,
        *,
        fig: Figure | SubFigure | None = None,
        ax: Axes | None = None,
        theme: Theme = "light",
    ) -> None:
        self.theme = theme
        if ax is None:
            assert fig is not None
            ax = fig.add_axes((0, 0, 1, 1))
        self.ax = ax
        root = ax.get_figure(root=True)
        assert root is not None
        self.figure: Figure = root
        box, inch = ax.get_window_extent(), root.dpi
        self.scale = min(box.width / inch * 72 / width, box.height / inch * 72 / height)
        ax.set_axis_off()
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.set_aspect("equal", adjustable="box")
        self._cells: list[Points] = []
        self._fills: list[str] = []
        self._fonts: dict[tuple[float, str], FontProperties] = {}
        self._lines: dict[tuple[str, float, str], list[list[tuple[float, float]]]] = {}

    def colour(self, role: str) -> str:
        """Hex code of a role on this sheet."""
        return colour(role, self.theme)

    def cell(self, x: float, y: float, width: float, height: float, role: str) -> None:
        """A filled cell with a thin border."""
        self.shape([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], role)

    def shape(self, corners: Points, role: str) -> None:
        """A filled shape with a thin border."""
        self._cells.append(corners)
        self._fills.append(self.colour(role))

    def patch(
        self, x: float, y: float, width: float, height: float, role: str, order: float = 1.5
    ) -> None:
        """A filled field without a border, by default over the cells."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
        patch = Polygon(
            corners, facecolor=self.colour(role), edgecolor="none", linewidth=0, zorder=order
        )
        self.ax.add_artist(patch)

    def movable(
        self, name: str, order: float, fill: str | None, edge: str | None, width: float
    ) -> PolyCollection:
        """Shapes of one look that are moved later on."""
        shapes = PolyCollection(
            [],
            facecolors=self.colour(fill) if fill else "none",
            edgecolors=self.colour(edge) if edge else "none",
            linewidths=width * self.scale if edge else 0.0,
            antialiaseds=True,
            zorder=order,
            gid=name,
        )
        self.ax.add_collection(shapes, autolim=False)
        return shapes

    def image(self, x: float, y: float, width: float, height: float, pixels: np.ndarray) -> None:
        """Pixels (red, green, blue, opacity from 0 to 255) stretched over a field."""
        picture = AxesImage(
            self.ax,
            interpolation="none",
            origin="upper",
            extent=(x, x + width, y + height, y),
            resample=False,
            interpolation_stage="data",
            zorder=1.8,
        )
        picture.set_data(pixels)
        self.ax.add_image(picture)

    def line(
        self, points: Points, role: str = "line", width: float = 0.6, style: str = "solid"
    ) -> None:
        """A line through ``points``."""
        self._lines.setdefault((role, width, style), []).append(list(points))

    def frame(
        self, x: float, y: float, width: float, height: float, role: str, line: float = 1.8
    ) -> None:
        """An unfilled frame."""
        corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)]
        # the last side twice, so that the closing corner is joined like the others
        self.line([*corners, corners[1]], role, line)

    def halo(self, x: float, y: float, width: float, height: float, role: str) -> None:
        """A frame that can be seen on any picture."""
        self.frame(x, y, width, height, "halo", HALO)
        self.frame(x, y, width, height, role)

    def arrow(
        self, points: Points, role: str = "muted", width: float = 1.0, head: float = HEAD
    ) -> None:
        """A line through ``points`` with a head at its end."""
        (x0, y0), (x1, y1) = points[-2:]
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
        along, across = (x1 - x0) / length * head, (y1 - y0) / length * head
        left = (x1 - along - across / 2, y1 - across + along / 2)
        right = (x1 - along + across / 2, y1 - across - along / 2)
        self.line(points, role, width)
        self.line([left, (x1, y1), right], role, width)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float = VALUE_SIZE,
        role: str = "ink",
        align: str = "center",
        weight: str = "normal",
    ) -> None:
        """Letters, centred on ``y``."""
        self.ax.text(
            x,
            y,
            words,
            ha=align,
            va="center_baseline",
            color=self.colour(role),
            zorder=5,
            fontproperties=self._font(size, weight),
            usetex=False,
            parse_math=False,
        )

    def _font(self, size: float, weight: str) -> FontProperties:
        if (size, weight) not in self._fonts:
            self._fonts[size, weight] = FontProperties(
                family=FONT, style="normal", weight=weight, size=size * self.scale
            )
        return self._fonts[size, weight]

    def finish(self) -> None:
        """Hand the marks to matplotlib."""
        if self._cells:
            cells = PolyCollection(
                self._cells,
                facecolors=self._fills,
                edgecolors=self.colour("line"),
                linewidths=0.5 * self.scale,
                antialiaseds=True,
                zorder=1,
            )
            self.ax.add_collection(cells, autolim=False)
        for order, ((role, width, style), lines) in enumerate(sorted(self._lines.items())):
            strokes = LineCollection(
                lines,
                colors=self.colour(role),
                linewidths=width * self.scale,
                linestyles=style,
                antialiaseds=True,
                zorder=ORDER.get(role, 2 + width / 10 + order / 1000),
            )
            self.ax.add_collection(strokes, autolim=False)
