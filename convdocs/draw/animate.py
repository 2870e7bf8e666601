"""The walk of a kernel over its input, cell by cell: stepped through, played, or saved."""

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
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor, nn

from convdocs.cells import explain
from convdocs.draw.palette import ROLES, Theme, asset
from convdocs.draw.picture import describe, inline, pdf
from convdocs.draw.scene import DrawError, scene
from convdocs.draw.sheet import Place
from convdocs.draw.stage import Stage

MOST_FRAMES = 400
DPI = 108  # an eighth more than the page shows; twice as much makes four times the file
COLOURS = 64  # the roles, and enough in between for smooth letters; more make a longer file
ROUGH = 16  # by how much Pillow's nearest colour may be off
PILLOW: dict[str, dict[str, Any]] = {
    ".gif": {},
    ".webp": {"lossless": True, "method": 3, "quality": 20},  # small enough, soon enough
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
    words = f"{len(places)} steps: at each the window makes one more number of the output."
    head = start.cell.code if title is None else title
    return Walk(Stage(scenes, theme, head, words if caption is None else caption, fig), interval)


class Walk(FuncAnimation):
    """A matplotlib animation of a kernel's walk; see :func:`animate`.

    Examples
    --------
    >>> import torch
    >>> walk = animate(nn.AvgPool1d(2), torch.ones(1, 4))
    >>> walk.frames
    2
    """

    def __init__(self, stage: Stage, interval: int) -> None:
        self.stage = stage
        self.interval = interval
        self.frames = len(stage.scenes)
        super().__init__(stage.figure, self._step, frames=self.frames, interval=interval)
        # an animation that is never shown is no mistake here: it may be saved, or only its figure
        self._draw_was_started = True
        stage.show(self.frames // 2)

    @property
    def figure(self) -> Figure:
        """The figure at the last frame that was shown; at first in the middle of the walk."""
        return self.stage.figure

    def on(self, theme: Theme) -> Walk:
        """The same walk for a light or a dark page.

        Examples
        --------
        >>> import torch
        >>> animate(nn.AvgPool1d(2), torch.ones(1, 4)).on("dark").frames
        2
        """
        stage = self.stage
        return Walk(Stage(stage.scenes, theme, stage.title, stage.caption), self.interval)

    def player(self) -> str:
        """The walk for a web page, in line: its first frame, and all others for the script of
        ``convdocs/draw/player.js``, which adds the controls.

        Examples
        --------
        >>> import torch
        >>> animate(nn.AvgPool1d(2), torch.ones(1, 4)).player()[:33]
        '<figure class="cv-picture cv-play'
        """
        stage = self.on("light").stage
        words = [stage.words(number) for number in range(self.frames)]
        data = json.dumps({"paths": stage.paths(), "words": words, "interval": self.interval})
        caption = f"<figcaption>{escape(stage.caption)}</figcaption>" if stage.caption else ""
        return (
            f'<figure class="cv-picture cv-player">{inline(stage.first(), describe(self.figure))}'
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
        return f"<Walk of {self.frames} steps: {describe(self.figure)}>"

    def _step(self, number: int) -> list[Artist]:
        return self.stage.show(number)

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
        palette = _palette(frames[len(frames) // 2], self.stage.theme)
        first, *rest = (frame.quantize(palette=palette, dither=Image.Dither.NONE)
                        for frame in frames)  # fmt: skip
        first.save(path, save_all=True, append_images=rest, duration=self.interval, loop=0,
                   **PILLOW[path.suffix])  # fmt: skip

    def images(self) -> Iterator[np.ndarray]:
        """Every frame as red, green and blue; what does not move is drawn once."""
        figure, moving = self.stage.figure, self.stage.moving
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
                for artist in self.stage.show(number):
                    self.stage.axes.draw_artist(artist)
                yield np.array(canvas.buffer_rgba())[..., :3]
        finally:
            for artist in moving:
                artist.set_animated(False)
            figure.set_dpi(before[1])
            figure.set_canvas(before[0])


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
