"""A kernel's walk over its input, cell by cell: stepped through, played, or saved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from torch import Tensor, nn

from convdocs.cells import explain
from convdocs.draw.boxes import MIDDLE, Box, Column, Row, Words
from convdocs.draw.palette import ROLES, Theme, asset
from convdocs.draw.picture import EDGE, PHONE, Picture, describe, drawn, inline, pdf
from convdocs.draw.plane import Area, Plane, fitting, keyed, legend, ways
from convdocs.draw.scene import DrawError, Scene, leads_to, named, scene
from convdocs.draw.sheet import TITLE_SIZE, VALUE_SIZE, Place, corners
from convdocs.draw.svg import Outline, svg
from convdocs.view.numbers import counted, plain

MOST_FRAMES = 400
LINE = 18.0  # points for the line below the planes
DRAWN = 0.8  # of half a phone's page, that a shaded input takes
DPI = 108  # an eighth more than the page shows; twice as much makes four times the file
COLOURS = 64  # the roles, and enough in between for smooth letters; more make a longer file
ROUGH = 16  # by how much Pillow's nearest colour may be off
PILLOW: dict[str, dict[str, Any]] = {
    ".gif": {},
    ".webp": {"lossless": True, "method": 3, "quality": 20},  # small enough, soon enough
}
# what moves: its fill, edge, the edge's width, and its order
MOVING: dict[str, tuple[tuple[str, ...], str | None, float, float]] = {
    "cv-read": (("read",), None, 0.0, 1.2),
    "cv-lit": (("lit",), None, 0.0, 1.2),
    "cv-window": ((), "window", 1.8, 2.3),
    "cv-winner": ((), "lit frame", 1.8, 2.4),
    "cv-later": (("box",), "line", 0.5, 6.0),
    "cv-cell": ((), "lit frame", 1.8, 7.0),
}


def animate(
    layer: nn.Module,
    x: Tensor,
    *,
    channel: int = 0,
    sample: int | None = None,
    interval: int = 700,
    theme: Theme = "light",
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
) -> Walk:
    """Animate a kernel's walk: each frame works out one more cell of an output channel.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, transposed convolution or pool of one or two dimensions.
    x : torch.Tensor
        Its input, batched or not.
    channel : int
        The output channel.
    sample : int, optional
        The sample of a batch; the first when left out.
    interval : int
        Milliseconds from frame to frame.
    theme : str
        ``"light"`` or ``"dark"``: the page it is for, as a GIF has no clear background.
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`.

    Returns
    -------
    Walk
        A matplotlib animation. In a notebook it shows as a player that is stepped through or
        played. ``save("walk.gif")`` and ``save("walk.webp")`` need Pillow alone; ``figure``
        shows a single frame.

    Examples
    --------
    >>> import torch
    >>> from convdocs import draw
    >>> walk = draw.animate(nn.Conv1d(1, 1, 3, padding=1), torch.arange(5.0)[None])
    >>> walk.frames, draw.describe(walk.figure)
    (5, 'The walk of Conv1d(1, 1, 3, padding=1) over an input of shape (1, 5), padded with...')
    """
    start = scene(layer, x, None, sample)
    if start.layer.dims > 2 or start.layer.family == "unfold":
        raise DrawError(f"{start.cell.code} is not animated; draw.layer draws one of its cells")
    if not -start.y.shape[0] <= channel < start.y.shape[0]:
        raise DrawError(f"no channel {channel} in an output of shape {start.cell.output_shape}")
    places = list(product(*map(range, start.y.shape[1:])))
    if len(places) > MOST_FRAMES:
        raise DrawError(
            f"{len(places)} output cells make too many frames (the most is {MOST_FRAMES}); "
            f"animate a smaller input"
        )
    lead = (*(() if start.sample is None else (start.sample,)), channel % start.y.shape[0])
    scenes = [replace(start, cell=explain(layer, x, (*lead, *place))) for place in places]
    words = (
        f"{counted(len(places), 'step')}: at each the window makes one more number of the output."
    )
    title = start.cell.code if title is None else title
    return Walk(scenes, title, words if caption is None else caption, interval, theme, fig)


class Walk(FuncAnimation):
    """A matplotlib animation of a kernel's walk; see :func:`animate`.

    It is a picture with all that moves apart from what does not. The scenes are one per output
    cell, in the order of the walk; all of one output channel.

    Attributes
    ----------
    figure : matplotlib Figure
        At the frame that was shown last; at first in the middle of the walk.
    frames : int
        How many there are.

    Examples
    --------
    >>> import torch
    >>> walk = animate(nn.AvgPool1d(2), torch.ones(1, 4))
    >>> walk.frames, walk.on("dark").frames, len(walk.show(1)) > 6
    (2, 2, True)
    >>> walk.player()[:33]
    '<figure class="cv-picture cv-play'
    """

    def __init__(
        self,
        scenes: list[Scene],
        title: str,
        caption: str,
        interval: int,
        theme: Theme,
        fig: Place | None = None,
    ) -> None:
        self.scenes, self.title, self.caption = scenes, title, caption
        self.interval, self.theme, self.frames = interval, theme, len(scenes)
        self._inputs, self._output, body = _arranged(scenes[0])
        body = Column((body, Box(0, LINE - 8)), gap=8)
        page = body.titled(title, scenes[0].note, PHONE, 8)
        alt = _alt(scenes[0], self.frames)
        sheet = drawn(page, alt, caption, fig, theme=theme)
        if fig is None and isinstance(sheet.figure, Picture):
            sheet.figure._thumb = scenes[self.frames // 2].thumbnail()
        self.figure, self._axes = sheet.figure, sheet.ax
        self.figure.set_facecolor(sheet.colour("page"))  # a GIF has no clear background
        self._letters = {_middle(*text.get_position()): text for text in self._axes.texts}
        bottom = EDGE + page.height - LINE / 2
        self._line = sheet.text(EDGE, bottom, "", align="left", size=VALUE_SIZE + 0.5)
        self._shapes = {name: sheet.polygons([], *look, name) for name, look in MOVING.items()}
        super().__init__(self.figure, self.show, frames=self.frames, interval=interval)
        # an animation that is never shown is no mistake here: it may be saved, or only its figure
        self._draw_was_started = True
        self.show(self.frames // 2)

    def on(self, theme: Theme) -> Walk:
        """The same walk for a light or a dark page."""
        return Walk(self.scenes, self.title, self.caption, self.interval, theme)

    def show(self, number: int) -> list[Artist]:
        """Move to a frame; what to draw again, in the order to draw it."""
        places = self._places(number)
        for name, areas in places.items():
            self._shapes[name].set_verts([corners(*area) for area in areas])
        self._line.set_text(self._words(number))
        read, lit, *above = self._shapes.values()
        covered = [_middle(*area) for area in (*places["cv-read"], *places["cv-lit"])]
        letters = [self._letters[middle] for middle in covered if middle in self._letters]
        return [read, lit, *letters, *above, self._line]

    def player(self) -> str:
        """The walk for a web page, in line: its first frame, and all others for the script of
        ``convdocs/draw/player.js``, which adds the controls.
        """
        walk = self.on("light")
        walk.show(0)
        walk._line.set_text("")  # is below the picture
        words = [self._words(number) for number in range(self.frames)]
        every = [walk._places(number) for number in range(self.frames)]
        # the output's cell stands for those of the same place in other frames or of another look
        names = [name for name in MOVING if name not in ("cv-lit", "cv-later")]
        paths = {name: [_path(places[name]) for places in every] for name in names}
        paths = {name: every for name, every in paths.items() if any(every)}
        data = json.dumps({"paths": paths, "words": words, "interval": self.interval})
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        still = inline(svg(walk.figure), describe(self.figure))
        return (
            f'<figure class="cv-picture cv-player">{still}'
            f'<p class="cv-words">{escape(words[0])}</p>{caption}'
            f'<script type="application/json">{data.replace("<", chr(92) + "u003c")}</script>'
            "</figure>"
        )

    def _repr_html_(self) -> str:
        look = f"<style>{asset('picture.css')}{asset('player.css')}</style>"
        return f"{look}{self.player()}<script>{asset('player.js')}</script>"

    def _repr_pdf_(self) -> bytes:
        return pdf(self.figure)

    def __repr__(self) -> str:
        return f"<Walk of {counted(self.frames, 'step')}: {describe(self.figure)}>"

    def save(self, filename: str | Path, *args: Any, **kwargs: Any) -> None:
        """Save as GIF or WebP through Pillow, or with matplotlib's writers as anything else.

        Parameters
        ----------
        filename : str or Path
            Ends in ``.gif`` or ``.webp``.
        *args, **kwargs
            For :meth:`matplotlib.animation.Animation.save`, when a writer is asked for.
        """
        path = Path(filename)
        if args or kwargs or path.suffix not in PILLOW:
            super().save(str(path), *args, **kwargs)
            return
        frames = [Image.fromarray(frame) for frame in self.images()]
        palette = _palette(frames[len(frames) // 2], self.theme)
        first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE)
                        for frame in frames)  # fmt: skip
        first.save(path, save_all=True, append_images=rest, duration=self.interval, loop=0,
                   **PILLOW[path.suffix])  # fmt: skip

    def images(self) -> Iterator[np.ndarray]:
        """Every frame as red, green and blue; what does not move is drawn once."""
        figure, moving = self.figure, [*self._shapes.values(), self._line]
        before = figure.canvas, figure.dpi
        figure.set_dpi(DPI)
        canvas: Any = FigureCanvasAgg(figure)
        for artist in moving:
            artist.set_animated(True)
        try:
            canvas.draw()
            still = canvas.copy_from_bbox(figure.bbox)
            for number in range(self.frames):
                canvas.restore_region(still)
                for artist in self.show(number):
                    self._axes.draw_artist(artist)
                yield np.array(canvas.buffer_rgba())[..., :3]
        finally:
            for artist in moving:
                artist.set_animated(False)
            figure.set_dpi(before[1])
            figure.set_canvas(before[0])

    def _words(self, number: int) -> str:
        shown = self.scenes[number]
        return f"{shown.words[0]} = {plain(shown.cell.value)}"

    def _places(self, number: int) -> dict[str, list[Area]]:
        """Where everything is at a frame, by the names of MOVING."""
        pairs = list(zip(self._inputs, self.scenes[number].units, strict=True))
        read = [
            plane.area(row, column)
            for plane, unit in pairs
            if plane.pixels is None  # shades are not to be painted over
            for row, column in np.argwhere(unit.roles == "read").tolist()
        ]
        window, winner = (
            [plane.area(*frame[:4]) for plane, unit in pairs for frame in unit.frames
             if frame[4] == role] for role in ("window", "lit frame")
        )  # fmt: skip
        cells = [self._output.area(*(0, *shown.place)[-2:]) for shown in self.scenes[number:]]
        lit = cells[:1] if self._output.pixels is None else []
        return dict(zip(MOVING, (read, lit, window, winner, cells[1:], cells[:1]), strict=True))


def _middle(x: float, y: float, width: float = 0.0, height: float = 0.0) -> tuple[float, float]:
    return round(x + width / 2, 3), round(y + height / 2, 3)


def _path(areas: list[Area]) -> str:
    outline, shapes = Outline(), [corners(*area) for area in areas]
    return "".join(outline.letters([*shape, shape[0]]) for shape in shapes)


def _arranged(shown: Scene) -> tuple[list[Plane], Plane, Box]:
    """The planes that move, and all of them laid out; with as many decimals as fit."""
    still = [
        unit._replace(roles=np.where(unit.roles == "read", "input", unit.roles), frames=())
        for unit in shown.units
    ]
    sign = Words("×", TITLE_SIZE + 2, "muted")
    for digits in ways(max(len(unit.values) for unit in still)):
        inputs = [shown.input_plane(unit, digits, PHONE * DRAWN) for unit in still]
        rows: list[Box] = [
            plane.titled(unit.name) for plane, unit in zip(inputs, still, strict=True)
        ]
        if shown.weighted:
            written = digits[0] or 2, digits[1]
            kernels = (
                shown.taken_plane(unit, "weight", "kernel", written).titled(unit.kernel)
                for unit in still
            )
            rows = [
                Row((row, sign, one), 6, MIDDLE) for row, one in zip(rows, kernels, strict=True)
            ]
        if Column(rows).width <= PHONE:
            break
    if scale := inputs[0].scale:
        rows.append(legend(scale))
    values = np.atleast_2d(shown.y[shown.channel])
    output = fitting(values, "output", PHONE)
    below = keyed(output).titled(named("output", shown.sample, shown.channel))
    return inputs, output, leads_to(Column(rows, gap=8), below, PHONE)


def _alt(shown: Scene, count: int) -> str:
    return (
        f"The walk of {shown.cell.code} over an input of shape {shown.cell.input_shape}"
        f"{shown.padded}: in {counted(count, 'step')} the window visits every place, and "
        f"{named('output', shown.sample, shown.channel)} fills up."
    )


def _palette(sample: Image.Image, theme: Theme) -> Image.Image:
    """The roles' colours exactly, and the commonest of the letters' edges.

    Pillow looks for the nearest colour roughly: what it might take for a role is left out.
    """
    colours, counts = np.unique(np.asarray(sample).reshape(-1, 3), axis=0, return_counts=True)
    codes = [pair[theme == "dark"] for pair in ROLES.values()]
    every = np.array([[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in codes])
    roles = every[(every[:, None] == colours).all(axis=2).any(axis=1)]
    shades = colours[np.argsort(-counts)].astype(int)
    apart = np.abs(shades[:, None] - roles).max(axis=2).min(axis=1) > ROUGH
    image = Image.new("P", (1, 1))
    image.putpalette(np.concatenate([roles, shades[apart]])[:COLOURS].astype(np.uint8).tobytes())
    return image
