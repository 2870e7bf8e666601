"""Figures as SVG: few bytes, the same ones every time, in the colours of a light or a dark page.

matplotlib's own SVG writes a tag for each letter and draws its ids at random; a picture of 150
numbers would have 180 kB. Here letters are text of a given width, and shapes of one look are one
path.
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
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from PIL import Image

from convdocs.draw.palette import ROLES
from convdocs.draw.sheet import FONT, text_width

FAMILY = f"{FONT},Verdana,sans-serif"  # Verdana's letters are as wide
ASCENT, DESCENT = 0.965, 0.236  # of the font, in shares of its size
SMOOTH = 64  # pixels along a side from which on an image is a photograph, not a grid
LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}


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
    look = f'font-family="{FAMILY}" fill="none" stroke-linejoin="round"'
    before, renderer = fig.dpi, _Renderer(width, height)
    fig.dpi = 72
    try:
        fig.draw(renderer)
    finally:
        fig.dpi = before
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}pt" height="{high}pt" '
        f'viewBox="0 0 {wide} {high}"><title>{escape(describe(fig))}</title>'
        f"<g {look}>{renderer.text()}</g></svg>\n"
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
    return f"{value:.2f}".rstrip("0").rstrip(".").replace("-0.", "-.") or "0"


def rectangle(corners: Any) -> str:
    """The path of a rectangle."""
    (left, top), (right, bottom) = corners[0], corners[2]
    wide = _short(right - left)
    return f"M{_short(left)} {_short(top)}h{wide}v{_short(bottom - top)}h-{wide}z"


class _Renderer(RendererBase):
    """Writes what matplotlib draws. Lengths are points, y downwards."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self._size = width, height
        self._flip = Affine2D().scale(1, -1).translate(0, height)
        self._marks: list[str] = []
        self._look, self._shapes = "", list[str]()  # of one look, not yet written

    def text(self, *marks: str) -> str:
        """All that is drawn, and ``marks`` after it."""
        if self._shapes:
            self._marks.append(f'<path{self._look} d="{"".join(self._shapes)}"/>')
            self._shapes = []
        self._marks += marks
        return "".join(self._marks)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Name the place of shapes that are moved later on, and not drawn."""
        if gid:
            self.text(f'<g class="{escape(gid)}"></g>')

    def draw_path(self, gc: Any, path: Path, transform: Any, rgbFace: Any = None) -> None:
        """A shape; those of one look that follow each other are one tag."""
        look = _look(gc, rgbFace)
        if look != self._look:
            self.text()
            self._look = look
        if look:
            for points, code in path.iter_segments(transform + self._flip, simplify=False):
                ends = " ".join(map(_short, np.asarray(points, dtype=float).tolist()))
                self._shapes.append("z" if code == Path.CLOSEPOLY else LETTERS[code] + ends)

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        """An image; a grid keeps its hard edges, a photograph is smoothed."""
        high, wide = im.shape[:2]
        whole = Affine2D() if transform is not None else Affine2D().scale(wide, high)
        place = whole + (transform or Affine2D()) + Affine2D().translate(x, y) + self._flip
        ends = place.transform([(0, 0), (1, 1)])
        (left, top), (right, bottom) = np.sort(ends, axis=0).tolist()
        upright = np.asarray(im) if ends[0, 1] < ends[1, 1] else np.asarray(im)[::-1]
        style = "" if max(wide, high) > SMOOTH else ' style="image-rendering:pixelated"'
        self.text(
            f'<image x="{_short(left)}" y="{_short(top)}" width="{_short(right - left)}" '
            f'height="{_short(bottom - top)}" preserveAspectRatio="none"{style} '
            f'href="{_data(upright)}"/>'
        )

    def draw_text(
        self,
        gc: Any,
        x: float,
        y: float,
        s: str,
        prop: Any,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Letters, as wide as they were laid out whatever the reader's font is."""
        size, weight = prop.get_size_in_points(), str(prop.get_weight())
        if ismath or angle:  # the reader's own, in whatever font
            letters = TextPath((0, 0), s, size=size, prop=prop)
            gc.set_linewidth(0)
            turned = Affine2D().rotate_deg(angle).translate(x, self._size[1] - y)
            self.draw_path(gc, letters, turned, gc.get_rgb())
            return
        bold = ' font-weight="bold"' if weight == "bold" else ""
        self.text(
            f'<text x="{_short(x)}" y="{_short(y)}" font-size="{_short(size)}"{bold} '
            f'fill="{to_hex(gc.get_rgb())}" textLength="{_short(text_width(s, size, weight))}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(s, quote=False)}</text>'
        )

    def get_text_width_height_descent(
        self, s: str, prop: Any, ismath: Any
    ) -> tuple[float, float, float]:
        """Size of a text; the height is a line's, so that lines stay level."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        size = prop.get_size_in_points()
        return text_width(s, size, str(prop.get_weight())), size * ASCENT, size * DESCENT

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Points."""
        return self._size

    def option_scale_image(self) -> bool:
        """Images are handed over with their own pixels."""
        return True


def _look(gc: Any, face: Any) -> str:
    """A shape's fill and stroke; nothing for one that is not seen."""
    parts, edge = "", gc.get_rgb()
    if face is not None and tuple(face)[3:] != (0,):
        parts += _colour("fill", face, gc)
    if gc.get_linewidth() and edge[3]:
        parts += f'{_colour("stroke", edge, gc)} stroke-width="{_short(gc.get_linewidth())}"'
        if (dashes := gc.get_dashes()[1]) is not None:
            parts += f' stroke-dasharray="{" ".join(map(_short, dashes))}"'
    return parts


def _colour(what: str, colour: Any, gc: Any) -> str:
    alpha = gc.get_alpha() if gc.get_forced_alpha() else (*colour, 1.0)[3]
    opacity = "" if alpha == 1 else f' {what}-opacity="{_short(alpha)}"'
    return f' {what}="{to_hex(colour)}"{opacity}'


def _data(pixels: np.ndarray) -> str:
    """An image in few bytes: a photograph as JPEG, a grid exactly, with a palette if it has few."""
    out, image, kind, transparency = io.BytesIO(), Image.fromarray(pixels), "png", None
    colours, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if min(pixels.shape[:2]) > SMOOTH and (pixels[..., 3] == 255).all():
        image, kind = image.convert("RGB"), "jpeg"
    elif len(colours) <= 256:
        image = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(colours[:, :3].tobytes(), "RGB")
        transparency = colours[:, 3].tobytes()
    image.save(out, kind, optimize=True, quality=85, transparency=transparency)
    return f"data:image/{kind};base64,{base64.b64encode(out.getvalue()).decode()}"
