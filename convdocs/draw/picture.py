"""A matplotlib Figure that shows itself, says what it shows, and fits a page or a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure, SubFigure

from convdocs.draw.boxes import Box
from convdocs.draw.palette import ROLES
from convdocs.draw.sheet import DPI, Sheet
from convdocs.draw.svg import svg

EDGE = 4.0  # points around a page
PAGE = 544.0  # points across: 736 pixels with the edges, the width of a page's text
PHONE = 342.0  # points across: on a phone a point is then about a CSS pixel
THUMBNAIL = (247.5, 165.0)  # points: 330 by 220 pixels

Layout = Callable[[float], Box]  # the page for so many points across


class Picture(Figure):
    """A matplotlib Figure that shows itself in a notebook, and carries its words along.

    Attributes
    ----------
    alt : str
        What it shows, for those who do not see it.
    caption : str
        What there is to see in it.
    """

    alt = ""
    caption = ""
    _layout: Layout
    _thumb: Box | None

    def narrow(self) -> Picture:
        """The same picture for a phone: as wide as one, its parts below one another."""
        return _picture(self._layout(PHONE), self.alt, self.caption, self._layout, self._thumb)

    def thumbnail(self) -> Picture:
        """The picture's gist, without small letters, for a card of 330 by 220 pixels."""
        box = self._thumb or self._layout(PHONE)
        return _picture(box, self.alt, self.caption, self._layout, box, THUMBNAIL)

    def _repr_html_(self) -> str:
        return html(self)

    def _repr_svg_(self) -> str:
        return svg(self)


def show(
    layout: Layout,
    alt: str,
    caption: str,
    *,
    thumb: Box | None = None,
    fig: Figure | SubFigure | None = None,
    ax: Axes | None = None,
) -> Figure:
    """A picture of what ``layout`` lays out; or its marks in the reader's own figure or axes."""
    if fig is None and ax is None:
        return _picture(layout(PAGE), alt, caption, layout, thumb)
    place = ax if ax is not None else fig
    assert place is not None
    root = place.get_figure(root=True)
    assert root is not None
    space = place.get_window_extent() if isinstance(place, Axes) else place.bbox
    page = layout(PAGE if space.width / root.dpi * 72 > PHONE * 1.2 else PHONE)
    sheet = Sheet(page.width + 2 * EDGE, page.height + 2 * EDGE, fig=fig, ax=ax)
    _fill(sheet, page, alt)
    return sheet.figure


def _picture(
    page: Box,
    alt: str,
    caption: str,
    layout: Layout,
    thumb: Box | None,
    size: tuple[float, float] | None = None,
) -> Picture:
    wide, high = page.width + 2 * EDGE, page.height + 2 * EDGE
    width, height = size or (wide, high)
    made = Picture((width / 72, height / 72), DPI, facecolor="none", edgecolor="none")
    made.set_layout_engine("none")
    made.alt, made.caption, made._layout, made._thumb = alt, caption, layout, thumb
    _fill(Sheet(wide, high, fig=made), page, alt)
    return made


def _fill(sheet: Sheet, page: Box, alt: str) -> None:
    page.draw(sheet, EDGE, EDGE)
    sheet.finish()
    sheet.ax.add_artist(Description(alt))


class Description(Artist):
    """An invisible mark that says in words what a picture shows."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def draw(self, renderer: RendererBase) -> None:
        """Draw nothing."""


def describe(fig: Figure | SubFigure) -> str:
    """Say in words what a figure of this package shows: its alt text.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.describe(draw.padding("zeros", x=[1.0, 2.0], pad=1))
    'Padding of 1: zeros makes 0 | 1 2 | 0.'
    """
    parts = [mark.words for mark in fig.findobj(Description) if isinstance(mark, Description)]
    if not parts:
        raise ValueError("this figure holds no picture drawn by convdocs.draw")
    return " ".join(parts)


def html(picture: Picture) -> str:
    """The picture in line, in the colours of the page around it, with its caption."""
    words = f"<figcaption>{escape(picture.caption)}</figcaption>" if picture.caption else ""
    return (
        f'<figure class="cv-picture"><style>{LOOKS}</style>{inline(svg(picture), picture.alt)}'
        f"{words}</figure>"
    )


def inline(text: str, alt: str) -> str:
    """An SVG to be put into HTML: named by its alt text, its colours those of :data:`LOOKS`.

    A title would be shown to whoever points at it.
    """
    bare = re.sub("<title>.*?</title>", "", text, flags=re.DOTALL).strip()
    bare = re.sub(r"#[0-9a-f]{6}\b", lambda code: _NAMES.get(code[0], code[0]), bare)
    return bare.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)


def _variable(role: str) -> str:
    return f"--cv-{role.replace(' ', '-')}"


_NAMES = {light: f"var({_variable(role)})" for role, (light, _) in ROLES.items()}
_COLOURS = "".join(f"{_variable(role)}:light-dark({a},{b});" for role, (a, b) in ROLES.items())
_DARK = ('html[data-theme="dark"]', 'body[data-theme="dark"]', 'body[data-jp-theme-light="false"]',
         "body.vscode-dark", 'html[theme="dark"]')  # fmt: skip
_LIGHT = ('html[data-theme="light"]', 'body[data-theme="light"]',
          'body[data-jp-theme-light="true"]', "body.vscode-light")  # fmt: skip
# what a page, a notebook or an editor calls light and dark; else the system's choice
LOOKS = (
    f".cv-picture{{color-scheme:light dark;{_COLOURS}margin:.5em 0;background:var(--cv-page);"
    "color:var(--cv-ink)}.cv-picture svg{display:block;max-width:100%;height:auto}"
    ".cv-picture figcaption{margin-top:.4em;color:var(--cv-muted);font-size:.9em}"
    f":is({','.join(_DARK)}) .cv-picture{{color-scheme:dark}}"
    f":is({','.join(_LIGHT)}) .cv-picture{{color-scheme:light}}"
)
