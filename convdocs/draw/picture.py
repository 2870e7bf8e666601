"""A matplotlib Figure that shows itself, says what it shows, and fits a page or a phone."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from io import BytesIO
from typing import Any, cast

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure, SubFigure

from convdocs.draw.boxes import Box
from convdocs.draw.palette import ROLES, Theme, asset
from convdocs.draw.sheet import DPI, Place, Sheet
from convdocs.draw.svg import svg

EDGE = 4.0  # points around a page
PAGE = 544.0  # points across: 736 pixels with the edges, the width of a page's text
PHONE = 342.0  # points across: on a phone a point is then about a CSS pixel
THUMBNAIL = (247.5, 165.0)  # points: 330 by 220 pixels

Layout = Callable[[float], Box]  # the page for so many points across
_NAMES = {light: f"var(--cv-{role.replace(' ', '-')})" for role, (light, _) in ROLES.items()}


def shared(room: float, gap: float, across: int = 2, on_phone: int = 1) -> float:
    """What each of so many boxes side by side has of a page, or of a phone."""
    count = on_phone if room <= PHONE else across
    return (room - gap * (count - 1)) / count


class Picture(Figure):
    """A matplotlib Figure that shows itself in a notebook, and carries its words along.

    Attributes
    ----------
    alt : str
        What it shows, for those who cannot see it.
    caption : str
        What to see in it.
    """

    alt = ""
    caption = ""
    _layout: Layout | None = None
    _thumb: Box | None = None

    def narrow(self) -> Picture:
        """The same picture for a phone: as wide as one, its parts below one another."""
        page = self._layout(PHONE) if self._layout else None
        return self if page is None else cast(Picture, drawn(page, self.alt, self.caption).figure)

    def thumbnail(self) -> Picture:
        """The picture's gist, without small letters, for a card of 330 by 220 pixels."""
        made = drawn(self._thumb, self.alt, self.caption, size=THUMBNAIL) if self._thumb else None
        return self if made is None else cast(Picture, made.figure)

    def __getstate__(self) -> dict[str, Any]:
        state = cast(dict[str, Any], super().__getstate__())
        return state | {"_layout": None}  # a function is not pickled

    def _repr_svg_(self) -> str:
        return svg(self)

    def _repr_pdf_(self) -> bytes:
        return pdf(self)

    def _repr_html_(self) -> str:
        words = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        style = f"<style>{asset('picture.css')}</style>"
        return f'<figure class="cv-picture">{style}{inline(svg(self), self.alt)}{words}</figure>'


def show(
    body: Layout,
    alt: str,
    title: tuple[str | None, str],
    note: str,
    caption: tuple[str | None, str],
    thumb: Box,
    place: Place | None,
) -> Figure:
    """A picture of what ``body`` lays out below a title and a note; or its marks in the reader's
    own figure or axes. Title and caption are the reader's, or else ours.
    """
    head, words = (ours if own is None else own for own, ours in (title, caption))

    def layout(room: float) -> Box:
        return body(room).titled(head, note, room, 8)

    if place is None:
        figure = cast(Picture, drawn(layout(PAGE), alt, words).figure)
        figure._layout, figure._thumb = layout, thumb
        return figure
    space = place.get_window_extent() if isinstance(place, Axes) else place.bbox
    root = place.get_figure(root=True)
    assert root is not None
    room = PAGE if space.width / root.dpi * 72 > PHONE * 1.2 else PHONE
    return drawn(layout(room), alt, words, place).figure


def drawn(
    page: Box,
    alt: str,
    caption: str,
    place: Place | None = None,
    size: tuple[float, float] | None = None,
    theme: Theme = "light",
) -> Sheet:
    """Draw a page where the reader wants it, or as a picture of its size or a given one."""
    width, height = page.width + 2 * EDGE, page.height + 2 * EDGE
    if place is None:
        wide, high = size or (width, height)
        picture = Picture((wide / 72, high / 72), DPI, facecolor="none", edgecolor="none")
        picture.set_layout_engine("none")
        place, picture.alt, picture.caption = picture, alt, caption
    sheet = Sheet(width, height, place, theme)
    page.draw(sheet, EDGE, EDGE)
    sheet.finish()
    sheet.ax.add_artist(Description(alt))
    return sheet


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


def pdf(fig: Figure) -> bytes:
    """The figure as PDF, for LaTeX; the same bytes every time."""
    out = BytesIO()
    fig.savefig(out, format="pdf", metadata={"CreationDate": None})
    return out.getvalue()


def inline(text: str, alt: str) -> str:
    """An SVG to be put into HTML: named by its alt text, its colours those of picture.css.

    A title would be shown to whoever points at it.
    """
    bare = re.sub("<title>.*?</title>", "", text, flags=re.DOTALL).strip()
    bare = re.sub(r"#[0-9a-f]{6}\b", lambda code: _NAMES.get(code[0], code[0]), bare)
    return bare.replace("<svg ", f'<svg role="img" aria-label="{escape(alt)}" ', 1)
