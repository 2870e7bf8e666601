"""Figures as SVG: few bytes, the same ones every time, in the colours of a light or a dark page.

matplotlib's own SVG writes a tag for each letter and draws its ids at random; a picture of 150
numbers would have 180 kB. Here letters are text of a given width, and shapes of one look are one
path.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Transform
from PIL import Image

from convdocs.draw.palette import ROLES
from convdocs.draw.sheet import FONT, text_width

FAMILY = f"{FONT},Verdana,sans-serif"  # Verdana's letters are as wide
SMOOTH = 64  # pixels along a side from which on an image is a photograph, not a grid

_TO_DARK = dict(ROLES.values())
_HEX = re.compile(r"#[0-9a-f]{6}\b")


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
    size = f'width="{_short(width)}pt" height="{_short(height)}pt"'
    box = f'viewBox="0 0 {_short(width)} {_short(height)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box}><title>'
    look = f'font-family="{FAMILY}" fill="none" stroke-linejoin="round"'
    marks = "".join(_Renderer(width, height).marks_of(fig))
    return f"{head}{escape(describe(fig))}</title><g {look}>{marks}</g></svg>\n"


def dark(svg: str) -> str:
    """A picture's SVG in the colours of a dark page.

    Examples
    --------
    >>> dark('<path fill="#15181c"/>')
    '<path fill="#f2f5f8"/>'
    """
    return _HEX.sub(lambda found: _TO_DARK.get(found[0], found[0]), svg)


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
        self._named = False
        self._path: tuple[str, list[str]] = "", []  # shapes of one look, not yet written

    def marks_of(self, fig: Figure) -> list[str]:
        """All marks of a figure."""
        before = fig.dpi
        fig.dpi = 72
        try:
            fig.draw(self)
        finally:
            fig.dpi = before
        self._write()
        return self._marks

    def _write(self, *marks: str) -> None:
        look, parts = self._path
        if parts:
            self._marks.append(f'<path{look} d="{"".join(parts)}"/>')
        self._path = "", []
        self._marks += marks

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Name the place of shapes that are moved later on."""
        if gid:
            self._write(f'<g class="{escape(gid)}">')
            self._named = True

    def close_group(self, s: str) -> None:
        """End a named group; they hold no others."""
        if self._named:
            self._write("</g>")
            self._named = False

    def draw_path(
        self,
        gc: GraphicsContextBase,
        path: Path,
        transform: Transform,
        rgbFace: Any = None,
    ) -> None:
        """A shape; those of one look in one tag, if they do not overlap by their order."""
        look = self._look(gc, rgbFace)
        if not look:
            return
        if look != self._path[0]:
            self._write()
        self._path[1].extend(_commands(path, transform + self._flip))
        self._path = look, self._path[1]

    def _look(self, gc: GraphicsContextBase, face: Any) -> str:
        alpha = gc.get_alpha()
        parts = []
        if face is not None and (len(face) < 4 or face[3]):
            parts.append(f' fill="{to_hex(face)}"{_opacity("fill", face, alpha)}')
        edge = gc.get_rgb()
        if gc.get_linewidth() and edge[3]:
            width = _short(gc.get_linewidth())
            parts.append(f' stroke="{to_hex(edge)}" stroke-width="{width}"')
            parts.append(_opacity("stroke", edge, alpha))
            dashes: Any = gc.get_dashes()[1]
            if dashes is not None:
                parts.append(f' stroke-dasharray="{" ".join(map(_short, dashes))}"')
        return "".join(parts)

    def draw_image(
        self, gc: GraphicsContextBase, x: float, y: float, im: Any, transform: Any = None
    ) -> None:
        """An image; a grid keeps its hard edges, a photograph is smoothed."""
        high, wide = im.shape[:2]
        whole = Affine2D() if transform is not None else Affine2D().scale(wide, high)
        place = whole + (transform or Affine2D()) + Affine2D().translate(x, y) + self._flip
        ends = place.transform([(0, 0), (1, 1)])
        (left, top), (right, bottom) = np.sort(ends, axis=0)
        upright = np.asarray(im) if ends[0, 1] < ends[1, 1] else np.asarray(im)[::-1]
        style = "" if max(wide, high) > SMOOTH else ' style="image-rendering:pixelated"'
        self._write(
            f'<image x="{_short(left)}" y="{_short(top)}" width="{_short(right - left)}" '
            f'height="{_short(bottom - top)}" preserveAspectRatio="none"{style} '
            f'href="{_data(upright)}"/>'
        )

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Letters, as wide as they were laid out whatever the reader's font is."""
        if ismath or angle:
            self._draw_text_as_path(gc, x, self._size[1] - y, s, prop, angle, ismath)  # type: ignore[attr-defined]
            return
        size, weight = prop.get_size_in_points(), str(prop.get_weight())
        bold = ' font-weight="bold"' if weight == "bold" else ""
        width = text_width(s, size, weight)
        self._write(
            f'<text x="{_short(x)}" y="{_short(y)}" font-size="{_short(size)}"{bold} '
            f'fill="{to_hex(gc.get_rgb())}" textLength="{_short(width)}" '
            f'lengthAdjust="spacingAndGlyphs">{escape(s, quote=False)}</text>'
        )

    def get_text_width_height_descent(
        self, s: str, prop: FontProperties, ismath: Any
    ) -> tuple[float, float, float]:
        """Size of a text; the height is a line's, so that lines stay level."""
        if ismath:
            return super().get_text_width_height_descent(s, prop, ismath)
        size = prop.get_size_in_points()
        width = text_width(s, size, str(prop.get_weight()))
        return width, size * 0.965, size * 0.236  # DejaVu's ascent and descent

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Points."""
        return self._size

    def option_scale_image(self) -> bool:
        """Images are handed over with their own pixels."""
        return True


def _opacity(what: str, colour: Any, alpha: float | None) -> str:
    shown = alpha if alpha is not None else colour[3] if len(colour) > 3 else 1.0
    return "" if shown == 1 else f' {what}-opacity="{_short(shown)}"'


def _commands(path: Path, transform: Transform) -> Iterable[str]:
    """A path in SVG's letters."""
    letters = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C"}
    for points, code in path.iter_segments(transform, simplify=False):
        if code == Path.CLOSEPOLY:
            yield "z"
        else:
            yield letters[code] + " ".join(map(_short, points.tolist()))


def _data(pixels: np.ndarray) -> str:
    """An image in few bytes: a photograph as JPEG, a grid exactly, with a palette if it has few."""
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    if min(pixels.shape[:2]) > SMOOTH and (pixels[..., 3] == 255).all():
        image.convert("RGB").save(out, "JPEG", quality=85, optimize=True)
        return f"data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}"
    transparency = None
    colours, places = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    if len(colours) <= 256:
        image = Image.fromarray(places.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(colours[:, :3].tobytes(), "RGB")
        transparency = colours[:, 3].tobytes()
    image.save(out, "PNG", optimize=True, transparency=transparency)
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
