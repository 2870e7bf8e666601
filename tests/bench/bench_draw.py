"""How long pictures take against matplotlib drawing as many rectangles and letters plainly.

Run with ``python tests/bench/bench_draw.py``; it fails when a 28x28 Conv2d figure takes more than
four times the plainest drawing of the same marks, or 100 frames more than 100 redraws of one.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PatchCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import nn

from convdocs import draw

MOST = 4.0
MOST_PER_FRAME = 100.0
ROUNDS = 7


def seconds(run: Callable[[], object]) -> float:
    """One run's time."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def saved(figure: Figure, kind: str) -> None:
    """Both sides are rendered and written in the same way."""
    if kind == "svg":
        draw.svg(figure)
    else:
        figure.savefig(io.BytesIO(), format=kind, dpi=100)


def drawn(layer: nn.Module, x: torch.Tensor, kind: str) -> Figure:
    """Our picture."""
    figure = draw.layer(layer, x, (0, 5, 7))
    saved(figure, kind)
    return figure


def plain(like: Figure, kind: str) -> None:
    """As many images, rectangles and texts, with nothing but matplotlib's own calls."""
    ours = like.axes[0]
    figure = Figure(figsize=like.get_size_inches())
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    polygons = [one for one in ours.collections if isinstance(one, PolyCollection)]
    corners = [path.vertices[0] for one in polygons for path in one.get_paths()]
    rectangles = [Rectangle(tuple(corner), 20, 20) for corner in corners]
    axes.add_collection(PatchCollection(rectangles, edgecolor="grey"))
    for picture in ours.images:
        axes.imshow(np.asarray(picture.get_array()), extent=picture.get_extent())
    for text in ours.texts:
        axes.text(*text.get_position(), text.get_text(), fontsize=text.get_fontsize())
    axes.set_xlim(ours.get_xlim())
    axes.set_ylim(ours.get_ylim())
    figure.savefig(io.BytesIO(), format=kind, dpi=100)


def pictures() -> bool:
    """A 28x28 picture against the plainest one of the same marks."""
    fine = True
    for name, x in (("28x28 shaded", torch.rand(1, 28, 28)),
                    ("12x12 in numbers", torch.arange(144.0).reshape(1, 12, 12) % 10)):  # fmt: skip
        layer = nn.Conv2d(1, 1, 3, padding=1)
        for kind in ("svg", "png"):
            like = drawn(layer, x, kind)
            plain(like, kind)
            times = [
                (seconds(lambda: drawn(layer, x, kind)), seconds(lambda: plain(like, kind)))  # noqa: B023
                for _ in range(ROUNDS)
            ]
            ours, theirs = (statistics.median(column) for column in zip(*times, strict=True))
            marks = sum(len(c.get_paths()) for c in like.axes[0].collections)
            print(
                f"{name}, {kind}: {len(like.axes[0].texts)} texts, {marks} shapes: "
                f"{ours * 1e3:.0f} ms, plainly {theirs * 1e3:.0f} ms: {ours / theirs:.2f}x"
            )
            fine &= ours / theirs <= MOST
    return fine


def animation() -> bool:
    """A 100-frame animation, made and saved, against one frame's redraw."""
    x = torch.arange(144.0).reshape(1, 12, 12) % 10
    layer = nn.Conv2d(1, 1, 3)

    def redraw() -> None:
        canvas.draw()

    walk = draw.animate(layer, x)
    assert walk.frames == 100
    walk.figure.set_dpi(144)
    canvas = FigureCanvasAgg(walk.figure)
    redraw()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "walk.gif"
        times = [
            (seconds(redraw), seconds(lambda: draw.animate(layer, x).save(path))) for _ in range(3)
        ]
    once, whole = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"redraw {once * 1e3:.0f} ms, 100 frames {whole:.2f} s: {whole / once:.0f}x")
    return whole / once <= MOST_PER_FRAME


def main() -> None:
    """Print what was measured; fail when a limit is passed."""
    torch.set_num_threads(1)
    if not (pictures() & animation()):
        raise SystemExit("a picture takes too long")


if __name__ == "__main__":
    main()
