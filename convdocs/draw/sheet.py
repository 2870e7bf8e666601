"""A sheet of paper measured in points: the few marks all pictures are made of.

Marks are gathered and handed to matplotlib in a few collections, and every setting that
matplotlib would look up in its global rcParams is given here instead.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Polygon
from matplotlib.transforms import Bbox
from PIL import Image

from convdocs.draw.palette import Theme, colour

VALUE_SIZE = 9.0
TITLE_SIZE = 9.5
NOTE_SIZE = 8.5
HEAD = 4.5  # of an arrow
HALO = 3.6
DPI = 100
ORDER = {"hatch": 1.3, "halo": 2.15}  # hatches above cells, below patches; halos below frames

_EMBEDDED = re.compile(r'data:image/png;base64,\s*([A-Za-z0-9+/=\s]+)"')
_FONT = "DejaVu Sans"  # ships with matplotlib, so that sizes are the same everywhere
_ADVANCE = {".": 0.318, "-": 0.361, "∞": 0.833, " ": 0.318, ",": 0.318, "(": 0.39, ")": 0.39,
            "=": 0.838, "+": 0.838, "×": 0.838, "[": 0.39, "]": 0.39, "i": 0.278, "l": 0.278,
            "t": 0.392, "m": 0.974, "w": 0.818, "f": 0.352, "r": 0.411, "s": 0.521, "→": 0.838,
            ":": 0.337, "/": 0.337, "c": 0.55, "k": 0.579, "v": 0.592, "x": 0.592}  # fmt: skip


def text_width(words: str, size: float, weight: str = "normal") -> float:
    """Width of a text in points, from the font's advances (no renderer needed).

    Examples
    --------
    >>> round(text_width("-0.5", 10), 1)
    19.5
    """
    wide = 1.1 if weight == "bold" else 1.0
    return wide * size * sum(_ADVANCE.get(letter, 0.636) for letter in words)


class Description(Artist):
    """An invisible mark that says in words what a picture shows."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def draw(self, renderer: RendererBase) -> None:
        """Draw nothing."""


class Sheet:
    """Marks on a page ``width`` by ``height`` points, x to the right and y downwards.

    With ``fig`` or ``ax`` the page is scaled to the room there is, letters too; otherwise it gets
    a Figure of its own.
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
            if fig is None:
                size = (width / 72, height / 72)
                fig = Figure(size, DPI, facecolor="none", edgecolor="none")
                fig.set_layout_engine("none")
            ax = fig.add_axes((0, 0, 1, 1))
        self.ax = ax
        root = ax.get_figure(root=True)
        assert root is not None
        self.figure: Figure = root
        box = ax.get_window_extent()
        inch = self.figure.dpi
        self.scale = min(box.width / inch * 72 / width, box.height / inch * 72 / height)
        ax.set_axis_off()
        ax.set_xlim(0, width)
        ax.set_ylim(height, 0)
        ax.set_aspect("equal", adjustable="box")
        self._cells: list[Sequence[tuple[float, float]]] = []
        self._fills: list[str] = []
        self._fonts: dict[tuple[float, str], FontProperties] = {}
        self._lines: dict[tuple[str, float, str], list[list[tuple[float, float]]]] = {}

    def colour(self, role: str) -> str:
        """Hex code of a role on this sheet."""
        return colour(role, self.theme)

    def cell(self, x: float, y: float, width: float, height: float, role: str) -> None:
        """A filled cell with a thin border."""
        self.shape([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], role)

    def shape(self, corners: Sequence[tuple[float, float]], role: str) -> None:
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
        self, order: float, fill: str | None = None, edge: str | None = None, width: float = 1.8
    ) -> PolyCollection:
        """Shapes of one look that are moved later on."""
        shapes = PolyCollection(
            [],
            facecolors=self.colour(fill) if fill else "none",
            edgecolors=self.colour(edge) if edge else "none",
            linewidths=width * self.scale if edge else 0.0,
            antialiaseds=True,
            zorder=order,
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
        self,
        points: Sequence[tuple[float, float]],
        role: str = "line",
        width: float = 0.6,
        style: str = "solid",
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
        """A frame that stands out from a picture."""
        self.frame(x, y, width, height, "halo", HALO)
        self.frame(x, y, width, height, role)

    def arrow(
        self,
        points: Sequence[tuple[float, float]],
        role: str = "muted",
        width: float = 1.0,
        head: float = HEAD,
    ) -> None:
        """A line through ``points`` with a head at its end."""
        (x0, y0), (x1, y1) = points[-2:]
        length = max(((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5, 1e-9)
        along, across = (x1 - x0) / length * head, (y1 - y0) / length * head
        one = (x1 - along - across / 2, y1 - across + along / 2)
        other = (x1 - along + across / 2, y1 - across - along / 2)
        self.line(points, role, width)
        self.line([one, (x1, y1), other], role, width)

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
                family=_FONT, style="normal", weight=weight, size=size * self.scale
            )
        return self._fonts[size, weight]

    def finish(self, description: str) -> Figure:
        """Hand the marks to matplotlib and attach the picture's description."""
        ax = self.ax
        if self._cells:
            ax.add_collection(
                PolyCollection(
                    self._cells,
                    facecolors=self._fills,
                    edgecolors=self.colour("line"),
                    linewidths=0.5 * self.scale,
                    antialiaseds=True,
                    zorder=1,
                ),
                autolim=False,
            )
        for order, ((role, width, style), lines) in enumerate(sorted(self._lines.items())):
            ax.add_collection(
                LineCollection(
                    lines,
                    colors=self.colour(role),
                    linewidths=width * self.scale,
                    linestyles=style,
                    antialiaseds=True,
                    zorder=ORDER.get(role, 2 + width / 10 + order / 1000),
                ),
                autolim=False,
            )
        ax.add_artist(Description(description))
        return self.figure


def describe(fig: Figure | SubFigure) -> str:
    """Say in words what a figure of this package shows: its alt text.

    Examples
    --------
    >>> fig = Sheet(10, 10).finish("An empty square.")
    >>> describe(fig)
    'An empty square.'
    """
    parts = [mark.words for mark in fig.findobj(Description) if isinstance(mark, Description)]
    if not parts:
        raise ValueError("this figure holds no picture drawn by convdocs.draw")
    return " ".join(parts)


def svg(fig: Figure) -> str:
    """The figure as SVG, the same bytes for the same picture every time.

    Examples
    --------
    >>> first, second = (svg(Sheet(10, 10).finish("An empty square.")) for _ in range(2))
    >>> first == second, first.startswith("<svg")
    (True, True)
    """
    out = io.StringIO()
    meta = {"Date": None, "Creator": None, "Format": None, "Type": None, "Title": describe(fig)}
    page = Bbox.from_bounds(0, 0, *fig.get_size_inches())
    fig.savefig(
        out,
        format="svg",
        dpi=72,
        facecolor="none",
        edgecolor="none",
        bbox_inches=page,
        pad_inches=0,
        metadata=meta,
    )
    text = out.getvalue()[out.getvalue().index("<svg") :]
    return _stable_ids(_EMBEDDED.sub(_with_palette, text))


def _with_palette(found: re.Match[str]) -> str:
    """An embedded image with the same pixels in fewer bytes, if it has at most 256 colours."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))
    colours, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) > 256:
        return found[0]
    image = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
    image.putpalette(colours[:, :3].tobytes(), "RGB")
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True, transparency=colours[:, 3].tobytes())
    return found[0].replace(found[1], base64.b64encode(out.getvalue()).decode())


def _stable_ids(text: str) -> str:
    """Number the ids that matplotlib draws at random, after the picture they belong to.

    matplotlib would take a fixed salt from its global settings only.
    """
    made = re.findall(r'id="([a-z_]*[0-9a-f]{10})"', text)
    rest = text
    for number, name in enumerate(made):
        rest = rest.replace(name, f"\0{number}\0")
    stamp = hashlib.sha256(rest.encode()).hexdigest()[:8]
    return re.sub(r"\0(\d+)\0", rf"c{stamp}-\1", rest)
