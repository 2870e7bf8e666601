"""How the lessons draw what they look at; for a phone each picture is drawn anew, narrower."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from convdocs.draw import Picture
from convdocs.draw.palette import ABOVE_ZERO, BELOW_ZERO, colour
from convdocs.draw.picture import Description

PAGE, PHONE = 7.2, 4.86  # inches across; at 72 pixels an inch as wide as a phone's text
TITLE = 0.25  # inches
# blue below zero, orange above, and clear at zero, so that a dark page stays dark there
BLUE, ORANGE = (np.array(shade) / 255 for shade in (BELOW_ZERO, ABOVE_ZERO))
SIGNS = LinearSegmentedColormap.from_list(
    "signs", [(0, (*BLUE, 1)), (0.5, (*BLUE, 0)), (0.5, (*ORANGE, 0)), (1, (*ORANGE, 1))]
)
WRITTEN = 0.75  # the strongest shade that a page's ink can be read on, light or dark
ON_LIGHT, ON_DARK = "#000000", "#fefefe"  # ink on a grey that a dark page leaves as it is
MIDDLE_GREY = 0.46  # both inks are read on it


def fitted(draw: Callable[[float], Picture], words: str) -> Picture:
    """What ``draw`` draws for so many inches across: a page's, and a phone's when asked."""

    def described(room: float) -> Picture:
        picture = draw(room)
        picture.alt = words
        picture.add_artist(Description(words))
        return picture

    picture = described(PAGE)
    picture.narrow = lambda: described(PHONE)
    return picture


def canvas(width: float, height: float) -> Picture:
    return Picture((width, height), facecolor="none")


def pictures(shown: Mapping[str, Tensor], words: str, *, across: int = 4) -> Picture:
    """Images with a title each: in colour (3, H, W), from black to white, or, where numbers are
    below zero, in blue and orange. A phone has half as many side by side.
    """
    across = min(across, len(shown))
    shapes = [numbers.shape[-2:] for numbers in shown.values()]
    tall = max(rows / columns for rows, columns in shapes)

    def draw(room: float) -> Picture:
        wide = across if room == PAGE or across < 4 else across // 2
        down, side = -(-len(shown) // wide), room / wide
        figure = canvas(room, down * (side * tall + TITLE))
        for place, (title, numbers) in enumerate(shown.items()):
            _image(figure.add_subplot(down, wide, place + 1), numbers.detach().squeeze(), title)
        top = 1 - TITLE / down / figure.get_figheight() * down
        figure.subplots_adjust(0.005, 0.005, 0.995, top, 0.05, TITLE / side / tall + 0.03)
        return figure

    return fitted(draw, words)


def _image(axis: Axes, numbers: Tensor, title: str) -> None:
    axis.set_axis_off()
    axis.set_title(title, fontsize=10, color=colour("ink"), pad=3)
    look = {"cmap": "gray", "vmin": 0, "vmax": max(float(numbers.max()), 1e-9)}
    if numbers.ndim == 3:
        numbers, look = numbers.permute(1, 2, 0).clamp(0, 1), {}
    elif numbers.min() < 0:
        most = float(numbers.abs().flatten().quantile(0.99))  # a few extremes leave the rest pale
        look = {"cmap": SIGNS, "vmin": -most, "vmax": most}
    axis.imshow(numbers.numpy(), interpolation="nearest", **look)


def curves(shown: Mapping[str, Tensor], words: str) -> Picture:
    """Sequences in strips, the middles of the shorter below the middles of their windows."""
    longest = max(map(Tensor.numel, shown.values()))

    def draw(room: float) -> Picture:
        figure = canvas(room, 1.35 * len(shown))
        strips = figure.subplots(len(shown), 1, sharex=True, squeeze=False).flatten()
        for strip, role, (title, numbers) in zip(
            strips, ("ink", "window"), shown.items(), strict=True
        ):
            first = (longest - numbers.numel()) / 2
            places = np.arange(numbers.numel()) + first
            strip.plot(places, numbers.detach().flatten().numpy(), color=colour(role))
            strip.set_xlim(0, longest)
            strip.set_title(title, fontsize=10, color=colour("ink"), loc="left", pad=3)
            bare(strip)
        figure.subplots_adjust(0.5 / room, 0.1, 0.99, 0.93, 0, 0.45)
        return figure

    return fitted(draw, words)


def bare(axis: Axes) -> None:
    """Leave an axis its numbers and the lines beside them."""
    axis.set_facecolor("none")
    axis.tick_params(colors=colour("muted"), labelsize=8)
    for side, spine in axis.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colour("line"))


def cells(axis: Axes, numbers: np.ndarray, most: float, form: str = "g") -> None:
    """Numbers in cells, blue below zero and orange above."""
    axis.imshow(np.clip(numbers / most, -WRITTEN, WRITTEN), cmap=SIGNS, vmin=-1, vmax=1)
    for (row, column), number in np.ndenumerate(numbers):
        words = "1/9" if np.isclose(number, 1 / 9) else f"{number:z{form}}"
        _number(axis, row, column, words, colour("ink"))
    axis.set_axis_off()


def _number(axis: Axes, row: int, column: int, words: str, ink: str) -> None:
    words = words.replace("-", "−")
    axis.text(column, row, words, ha="center", va="center", color=ink, size=9)


def patch(picture: Tensor, conv: nn.Conv2d, at: tuple[int, int]) -> Picture:
    """A piece of an image under a kernel, with each number, and the sum of the products."""
    (row, column), kernel = at, conv.weight[0, 0]
    high, wide = kernel.shape
    pixels = picture[0, 0, row : row + high, column : column + wide]
    products = pixels * kernel
    total = products.sum()

    def draw(room: float) -> Picture:
        across = 4 if room == PAGE else 2
        figure = canvas(room, 2.1 * 4 / across)
        whole, under, weights, summed = (
            figure.add_subplot(4 // across, across, place + 1) for place in range(4)
        )
        _image(whole, picture[0, 0], "the image")
        around = Rectangle((column - 1.5, row - 1.5), wide + 2, high + 2, fill=False, linewidth=2)
        whole.add_patch(around).set_edgecolor(colour("window"))
        _image(under, pixels, "nine pixels")
        under.images[0].set_clim(0, 1)
        for (i, j), pixel in np.ndenumerate(pixels.numpy()):
            _number(under, i, j, f"{pixel:.2f}", ON_DARK if pixel < MIDDLE_GREY else ON_LIGHT)
        cells(weights, kernel.numpy(), 2.5)
        cells(summed, products.numpy(), 2.5, ".2f")
        for axis, title in (
            (weights, "× weights"),
            (summed, f"products, sum {products.sum():.2f}"),
        ):
            axis.set_title(title, fontsize=10, color=colour("ink"), pad=3)
        figure.subplots_adjust(0.005, 0.02, 0.995, 1 - 0.24 / figure.get_figheight(), 0.1, 0.2)
        return figure

    words = f"{high} by {wide} pixels of a photograph, times a kernel's weights, add up to "
    return fitted(draw, f"{words}{total:.2f}.")


def kernels(shown: Mapping[str, Sequence[Sequence[float]]]) -> Picture:
    """Kernels side by side, their weights in their cells."""

    def draw(room: float) -> Picture:
        across = len(shown) if room == PAGE else 3
        down, side = -(-len(shown) // across), room / across
        figure = canvas(room, down * (side + TITLE))
        for place, (title, rows) in enumerate(shown.items()):
            axis = figure.add_subplot(down, across, place + 1)
            weights = np.array(rows, dtype=float)
            cells(axis, weights, np.abs(weights).max() * 2)
            axis.set_title(title, fontsize=9, color=colour("ink"), pad=3)
        top = 1 - TITLE / figure.get_figheight()
        figure.subplots_adjust(0.005, 0.01, 0.995, top, 0.12, 0.25)
        return figure

    listed = "; ".join(f"{title} {[list(row) for row in rows]}" for title, rows in shown.items())
    return fitted(draw, f"Kernels: {listed.replace(str(1 / 9), '1/9')}.")


def laid_out(batch: Tensor, channels: Sequence[str]) -> Picture:
    """A batch as a table: a sample a row, a channel a column."""
    count, wide = batch.shape[:2]

    def draw(room: float) -> Picture:
        room = min(room, 5.2)
        figure = canvas(room, room * count / (wide + 1) + 0.1)
        axes = figure.subplots(count, wide + 1)
        for number, (row, sample) in enumerate(zip(axes, batch, strict=True)):
            for place, axis in enumerate(row):
                shown = sample.permute(1, 2, 0) if place == 0 else sample[place - 1]
                axis.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
                axis.set_axis_off()
                if number == 0:
                    title = f"c = {place - 1}: {channels[place - 1]}" if place else "the sample"
                    axis.set_title(title, fontsize=9, color=colour("ink"))
            look = {"ha": "right", "va": "center", "size": 9, "color": colour("ink")}
            row[0].text(-0.06, 0.5, f"n = {number}", transform=row[0].transAxes, **look)
        figure.subplots_adjust(0.1, 0.01, 0.995, 0.95, 0.05, 0.05)
        return figure

    words = f"A table of {count} rows, the samples, and {wide} columns, their channels."
    return fitted(draw, words)
