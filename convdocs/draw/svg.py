"""Figures as SVG: few bytes, the same ones every time, in the colours of a light or a dark page.

matplotlib's own SVG writes a tag for each letter and draws its ids at random; a picture of 150
numbers would have 180 kB. Here letters are text of a given width, shapes of one look are one path,
and a path goes on from its last point, so that cells of one size are the same few letters.
"""

from __future__ import annotations

import base64
import io
import re
from html import escape
from typing import Any

import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.transforms import Affine2D
from PIL import Image

from convdocs.draw.palette import ROLES
from convdocs.draw.sheet import FONT, text_width

FAMILY = f"{FONT},Verdana,sans-serif"  # Verdana's letters are as wide
ASCENT, DESCENT = 0.965, 0.236  # of the font, in shares of its size
PHOTOGRAPH = 64  # pixels along each side from which on an image is one, not a grid
SMOOTH = 3.0  # points of a pixel from which on it is seen as a cell


def svg(fig: Figure) -> str:
    """The figure as SVG, the same bytes for the same picture every time.

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> first, second = (draw.svg(draw.padding("zeros")) for _ in range(2))
    >>> first == second, first.startswith("<svg")
    (True, True)
    """
    from convdocs.draw.picture import describe

    width, height = (float(side) * 72 for side in fig.get_size_inches())
    wide, high = _short(width), _short(height)
    before, renderer = fig.dpi, _Renderer(width, height)
    fig.dpi = 72
    try:
        fig.draw(renderer)
    finally:
        fig.dpi = before
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}pt" height="{high}pt" '
        f'viewBox="0 0 {wide} {high}"><title>{escape(describe(fig))}</title>'
        f'<g font-family="{FAMILY}" fill="none" stroke-linejoin="round">{renderer.text()}</g>'
        "</svg>\n"
    )


def dark(svg: str) -> str:
    """A picture's SVG in the colours of a dark page.

    Examples
    --------
    >>> dark('<path fill="#15181c"/>')
    '<path fill="#f2f5f8"/>'
    """
    to_dark = dict(ROLES.values())
    return re.sub(r"#[0-9a-f]{6}\b", lambda code: to_dark.get(code[0], code[0]), svg)


def _short(value: float) -> str:
    """A length with two decimals at most."""
    return f"{value:z.2f}".rstrip("0").rstrip(".").replace("-0.", "-.") or "0"


class Outline:
    """A path's letters; each shape starts from where the one before it ended."""

    def __init__(self) -> None:
        self._x = self._y = 0.0
        self._move = "M"

    def letters(self, points: list[tuple[float, float]]) -> str:
        """A polygon that is closed if it ends where it starts, else a line."""
        closed = len(points) > 2 and points[0] == points[-1]
        move, self._move = self._move, "m"
        written = self._step(move, *points[0])
        start = self._x, self._y
        written += "".join(self._step("l", *point) for point in points[1 : len(points) - closed])
        if closed:
            self._x, self._y = start
        return f"{written}z" if closed else written

    def _step(self, letter: str, x: float, y: float) -> str:
        x, y = round(x, 2), round(y, 2)
        across, down = _short(x - self._x), _short(y - self._y)
        self._x, self._y = x, y
        if letter == "l" and "0" in (across, down):
            return f"h{across}" if down == "0" else f"v{down}"
        return f"{letter}{across}{'' if down[0] == '-' else ' '}{down}"


class _Renderer(RendererBase):
    """Writes what matplotlib draws. Lengths are points, y downwards."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self._size = width, height
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        self._marks: list[str] = []
        self._head = self._tail = self._class = ""
        self._outline = Outline()

    def _put(self, head: str, mark: str, tail: str) -> None:
        """Write a mark; those with one head that follow each other share it."""
        if head != self._head:
            self._marks += [self._tail, head]
            self._head, self._tail, self._outline = head, tail, Outline()
        self._marks.append(mark)

    def text(self) -> str:
        self._put("", "", "")
        return "".join(self._marks)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Name the shapes that follow, which are moved later on."""
        self._class = f' class="{escape(gid)}"' if gid else ""

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        if look := _look(gc, rgbFace):
            for polygon in path.to_polygons(transform + self._flip, closed_only=False):
                self._put(f'<path{self._class}{look} d="', "", '"/>')
                self._marks.append(self._outline.letters(np.asarray(polygon).tolist()))

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        """An image; a grid keeps its hard edges, cells too small to be told apart are smoothed."""
        high, wide = im.shape[:2]
        whole = Affine2D() if transform is not None else Affine2D().scale(wide, high)
        place = whole + (transform or Affine2D()) + Affine2D().translate(x, y) + self._flip
        ends = place.transform([(0, 0), (1, 1)])
        (left, top), (right, bottom) = np.sort(ends, axis=0).tolist()
        upright = np.asarray(im) if ends[0, 1] < ends[1, 1] else np.asarray(im)[::-1]
        cell = min((right - left) / wide, (bottom - top) / high)
        style = "" if cell < SMOOTH else ' style="image-rendering:pixelated"'
        image = (
            f'<image x="{_short(left)}" y="{_short(top)}" width="{_short(right - left)}" '
            f'height="{_short(bottom - top)}" preserveAspectRatio="none"{style} '
            f'href="{_data(upright)}"/>'
        )
        self._put("", image, "")

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False,
        mtext: Any = None,
    ) -> None:  # fmt: skip
        """Letters; those in a line as wide as they were laid out, whatever the reader's font is."""
        if ismath or angle:  # the reader's own, in whatever font
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        size, weight = prop.get_size_in_points(), str(prop.get_weight())
        look = f'<g font-size="{_short(size)}" fill="{to_hex(gc.get_rgb())}"'
        look += ' font-weight="bold"' if weight == "bold" else ""
        width, centred = text_width(s, size, weight), mtext and mtext.get_ha() == "center"
        if centred:  # as a number in its cell, where a narrower font does no harm
            look, x, length = f'{look} text-anchor="middle"', x + width / 2, ""
        else:
            length = f' textLength="{_short(width)}" lengthAdjust="spacingAndGlyphs"'
        letters = f'<text x="{_short(x)}" y="{_short(y)}"{length}>{escape(s, quote=False)}</text>'
        self._put(f"{look}>", letters, "</g>")

    def get_text_width_height_descent(
        self, s: str, prop: Any, ismath: Any
    ) -> tuple[float, float, float]:
        """Size of a text; the height is a line's, so that lines stay level."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        size = prop.get_size_in_points()
        return text_width(s, size, str(prop.get_weight())), size * ASCENT, size * DESCENT

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self._size

    def option_scale_image(self) -> bool:
        """Images are handed over with their own pixels."""
        return True


def _look(gc: Any, face: Any) -> str:
    """A shape's fill and stroke; nothing for one that is not seen."""
    parts, edge = "", gc.get_rgb() if gc.get_linewidth() else None
    for what, colour in (("fill", face), ("stroke", edge)):
        if colour is None or (*colour, 1.0)[3] == 0:
            continue
        alpha = gc.get_alpha() if gc.get_forced_alpha() else (*colour, 1.0)[3]
        opacity = "" if alpha == 1 else f' {what}-opacity="{_short(alpha)}"'
        parts += f' {what}="{to_hex(colour)}"{opacity}'
    if " stroke=" in parts:
        parts += f' stroke-width="{_short(gc.get_linewidth())}"'
        if (dashes := gc.get_dashes()[1]) is not None:
            parts += f' stroke-dasharray="{" ".join(map(_short, dashes))}"'
    return parts


def _data(pixels: np.ndarray) -> str:
    """An image in few bytes: exactly, or, where that is longer, a photograph nearly so."""
    opaque = bool((pixels[..., 3] == 255).all())
    image = Image.fromarray(pixels).convert("RGB" if opaque else "RGBA")
    photograph = min(pixels.shape[:2]) > PHOTOGRAPH
    found = []
    for how in ({"lossless": True, "quality": 100}, {"quality": 80})[: 1 + photograph]:
        out = io.BytesIO()
        image.save(out, "webp", **how)
        found.append(out.getvalue())
    return f"data:image/webp;base64,{base64.b64encode(min(found, key=len)).decode()}"
