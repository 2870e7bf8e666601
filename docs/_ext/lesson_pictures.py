"""What several lessons draw from: a photograph, a scene in colour, a recording, digits, curves."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np
import torch
from matplotlib import cbook, image
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor, nn

from convdocs.draw.palette import ABOVE_ZERO, BELOW_ZERO, colour
from convdocs.draw.picture import Description

WIDTH = 7.2  # inches, about as wide as a page's text
SIGNS = LinearSegmentedColormap.from_list(
    "signs", [np.array(shade) / 255 for shade in (BELOW_ZERO, (255, 255, 255), ABOVE_ZERO)]
)
KERNELS = {
    "blur": [[1 / 9] * 3] * 3,
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "Laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}


@cache
def photo() -> Tensor:
    """Grace Hopper in grey, (1, 1, 120, 103), each number from 0 to 1.

    The United States Navy's official portrait of January 1984, public domain, as matplotlib
    ships it.
    """
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        pixels = torch.tensor(image.imread(file, format="jpg")) / 255
    grey = (pixels @ torch.tensor([0.299, 0.587, 0.114]))[None, None]
    return nn.functional.avg_pool2d(grey, 5)[:, :, :120, :103]


@cache
def recording() -> Tensor:
    """A second or so of an electroencephalogram, (1, 240), as matplotlib ships it."""
    with cbook.get_sample_data("eeg.dat") as file:
        numbers = np.frombuffer(file.read(), dtype=float).reshape(800, 4)
    return torch.tensor(numbers[100:340, 0], dtype=torch.float32)[None]


@cache
def scene() -> Tensor:
    """A red ball and a green tree under a blue sky, (3, 64, 64), each number from 0 to 1."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    shades = {"sky": (0.35, 0.62, 0.95), "grass": (0.35, 0.70, 0.25), "ball": (0.88, 0.16, 0.14)}
    shades |= {"crown": (0.10, 0.45, 0.16), "trunk": (0.42, 0.27, 0.14)}
    places = {
        "sky": y < 44,
        "grass": y >= 44,
        "trunk": (abs(x - 18) < 3) & (y > 28) & (y < 50),
        "crown": (x - 18) ** 2 + (y - 20) ** 2 < 13**2,
        "ball": (x - 46) ** 2 + (y - 46) ** 2 < 9**2,
    }
    made = torch.zeros(3, 64, 64)
    for name, place in places.items():
        made = torch.where(place, torch.tensor(shades[name])[:, None, None], made)
    return made


@cache
def digits() -> tuple[Tensor, Tensor]:
    """scikit-learn's handwritten digits, (1797, 1, 8, 8) from 0 to 1, and what each is."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
    return images, torch.tensor(data.target)


def layer(*kernels: Sequence[Sequence[float]], **settings: object) -> nn.Conv2d:
    """A layer of one input channel with these kernels; the border is repeated around an image."""
    settings = {"padding": 1, "padding_mode": "replicate", "bias": False, **settings}
    conv = nn.Conv2d(1, len(kernels), len(kernels[0]), **settings)
    conv.load_state_dict({"weight": torch.tensor(kernels, dtype=torch.float32)[:, None]})
    return conv.requires_grad_(False)


def pictures(
    shown: Mapping[str, Tensor], words: str, *, across: int = 4, high: float | None = None
) -> Figure:
    """Images with a title each: in colour (3, H, W), from black to white, or, where numbers are
    below zero, from blue over white to orange.
    """
    across = min(across, len(shown))
    down = -(-len(shown) // across)
    high = high or WIDTH / across + 0.25
    figure = Figure(figsize=(WIDTH, high * down))
    axes = figure.subplots(down, across, squeeze=False).flatten()
    for axis in axes:
        axis.set_axis_off()
    for axis, (title, picture) in zip(axes, shown.items(), strict=False):
        picture = picture.detach().squeeze()
        if picture.ndim == 3:
            axis.imshow(picture.permute(1, 2, 0).clamp(0, 1).numpy(), interpolation="nearest")
        elif picture.min() < 0:
            most = float(picture.abs().flatten().quantile(0.99))
            axis.imshow(picture.numpy(), cmap=SIGNS, vmin=-most, vmax=most, interpolation="nearest")
        else:
            most = max(float(picture.max()), 1e-9)
            axis.imshow(picture.numpy(), cmap="gray", vmin=0, vmax=most, interpolation="nearest")
        axis.set_title(title, fontsize=10, color=colour("ink"))
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.99 - 0.25 / high / down, 0.04, 0.25)
    axes[0].add_artist(Description(words))
    return figure


def curves(shown: Mapping[str, Tensor], words: str, *, down: bool = True) -> Figure:
    """Sequences, each in a strip of its own, or all in one."""
    figure = Figure(figsize=(WIDTH, 1.35 * len(shown) if down else 2.6))
    strips = figure.subplots(len(shown) if down else 1, 1, sharex=True, squeeze=False).flatten()
    roles = ["ink", "window", "lit frame"]
    for place, (title, numbers) in enumerate(shown.items()):
        strip = strips[place if down else 0]
        strip.plot(numbers.detach().flatten().numpy(), color=colour(roles[place % 3]), label=title)
        strip.set_facecolor("none")
        strip.tick_params(colors=colour("muted"), labelsize=8)
        for side, spine in strip.spines.items():
            spine.set_visible(side in ("left", "bottom"))
            spine.set_color(colour("line"))
        if down:
            strip.set_title(title, fontsize=10, color=colour("ink"), loc="left", pad=3)
    if not down:
        strips[0].legend(frameon=False, fontsize=9, labelcolor=colour("ink"))
    figure.subplots_adjust(0.07, 0.1, 0.99, 0.93, 0, 0.45)
    strips[0].add_artist(Description(words))
    return figure


def patch(picture: Tensor, conv: nn.Conv2d, at: tuple[int, int]) -> Figure:
    """A piece of an image under a kernel, with each number, and the sum of the products."""
    row, column = at
    kernel = conv.weight[0, 0]
    high, wide = kernel.shape
    under = picture[0, 0, row : row + high, column : column + wide]
    products = under * kernel
    figure = Figure(figsize=(WIDTH, 2.2))
    axes = figure.subplots(1, 4, width_ratios=[1.25, 1, 1, 1])
    for axis in axes:
        axis.set_axis_off()
    axes[0].imshow(picture[0, 0].numpy(), cmap="gray", vmin=0, vmax=1)
    around = Rectangle((column - 1.5, row - 1.5), wide + 2, high + 2, fill=False)
    around.set(edgecolor=colour("window"), linewidth=2)
    axes[0].add_patch(around)
    titles = ["the image", "nine pixels", "× weights", f"products, sum {products.sum():.2f}"]
    for axis, numbers in zip(axes[1:], (under, kernel, products), strict=True):
        gray = {"cmap": "gray", "vmin": 0, "vmax": 1}
        signed = {"cmap": SIGNS, "vmin": -2.5, "vmax": 2.5}
        axis.imshow(numbers.numpy(), **(gray if numbers is under else signed))
        for (i, j), value in np.ndenumerate(numbers.numpy()):
            light = numbers is under and value < 0.5
            ink = "white" if light else "#15181d"
            words = f"{value:.2f}" if numbers is not kernel else f"{value:g}"
            axis.text(j, i, words.replace("-", "−"), ha="center", va="center", color=ink, size=9)
    for axis, title in zip(axes, titles, strict=True):
        axis.set_title(title, fontsize=10, color=colour("ink"))
    figure.subplots_adjust(0.005, 0.02, 0.995, 0.88, 0.08)
    words = f"{high} by {wide} pixels of a photograph, times a kernel's weights, add up to "
    axes[0].add_artist(Description(f"{words}{products.sum():.2f}."))
    return figure


def kernels(shown: Mapping[str, Sequence[Sequence[float]]]) -> Figure:
    """Kernels side by side, their weights in their cells."""
    figure = Figure(figsize=(WIDTH, WIDTH / len(shown) + 0.25))
    axes = figure.subplots(1, len(shown), squeeze=False).flatten()
    for axis, (title, rows) in zip(axes, shown.items(), strict=True):
        weights = np.array(rows, dtype=float)
        most = np.abs(weights).max() * 2
        axis.imshow(weights, cmap=SIGNS, vmin=-most, vmax=most)
        for (i, j), weight in np.ndenumerate(weights):
            words = "1/9" if abs(weight - 1 / 9) < 1e-6 else f"{weight:.3g}".replace("-", "−")
            axis.text(j, i, words, ha="center", va="center", color="#15181d", size=9)
        axis.set_axis_off()
        axis.set_title(title, fontsize=9, color=colour("ink"))
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.88, 0.12)
    said = "; ".join(f"{title} {[list(row) for row in rows]}" for title, rows in shown.items())
    axes[0].add_artist(Description(f"Kernels: {said.replace(str(1 / 9), '1/9')}."))
    return figure


def colour_filters() -> nn.Conv2d:
    """Brightness, red that is not green, edges of brightness, vertical edges of blue."""
    eye = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    dot = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    line = torch.tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])
    red, blue = (torch.tensor(part)[:, None, None] for part in ([1.0, -1.0, 0.0], [0.0, 0.0, 1.0]))
    weight = torch.stack([eye * dot, red * dot, eye * line, blue * line])
    conv = nn.Conv2d(3, 4, 3, padding=1, padding_mode="replicate", bias=False)
    conv.load_state_dict({"weight": weight})
    return conv.requires_grad_(False)


def batch_of_scenes() -> Tensor:
    """The scene four times, (4, 3, 64, 64): as it is, mirrored, darker, and moved to one side."""
    own = scene()
    return torch.stack([own, own.flip(-1), own * 0.5, own.roll(20, -1)])


def laid_out(batch: Tensor, channels: Sequence[str]) -> Figure:
    """A batch as a table: a sample a row, a channel a column."""
    figure = Figure(figsize=(WIDTH * 0.72, WIDTH * 0.72 * len(batch) / (len(channels) + 1) + 0.1))
    axes = figure.subplots(len(batch), len(channels) + 1)
    for number, (row, sample) in enumerate(zip(axes, batch, strict=True)):
        for place, axis in enumerate(row):
            shown = sample.permute(1, 2, 0) if place == 0 else sample[place - 1]
            axis.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            for spine in axis.spines.values():
                spine.set_visible(False)
            if number == 0:
                title = f"c = {place - 1}: {channels[place - 1]}" if place else "the sample"
                axis.set_title(title, fontsize=9, color=colour("ink"))
        words = {"ha": "right", "va": "center", "size": 9, "color": colour("ink")}
        row[0].text(-0.06, 0.5, f"n = {number}", transform=row[0].transAxes, **words)
    figure.subplots_adjust(0.1, 0.01, 0.995, 0.95, 0.05, 0.05)
    count, wide = batch.shape[:2]
    words = f"A table of {count} rows, the samples, and {wide} columns, their channels."
    figure.axes[0].add_artist(Description(words))
    return figure


LEARNED = (0, 1, 3, 10, 30, 100, 300, 1000, 2000)


def learning() -> list[Figure]:
    """A kernel on its way from noise to an edge filter: its weights, its map, the loss so far."""
    picture = nn.functional.pad(photo() - photo().mean(), (1, 1, 1, 1), mode="replicate")
    goal = torch.tensor(KERNELS["vertical edges"], dtype=torch.float32)[None, None]
    wanted = nn.functional.conv2d(picture, goal)
    kept = torch.random.get_rng_state()
    torch.manual_seed(3)
    weight = torch.randn(1, 1, 3, 3)
    torch.random.set_rng_state(kept)
    losses, frames = [], []
    for step in range(LEARNED[-1] + 1):
        weight.requires_grad_()
        made = nn.functional.conv2d(picture, weight)
        loss = ((made - wanted) ** 2).mean()
        losses.append(loss.item())
        if step in LEARNED:
            frames.append(_learned(step, weight.detach()[0, 0], made.detach()[0, 0], losses))
        (change,) = torch.autograd.grad(loss, weight)
        weight = (weight - 0.2 * change).detach()
    return frames


def _learned(step: int, weight: Tensor, made: Tensor, losses: list[float]) -> Figure:
    figure = Figure(figsize=(WIDTH, 2.45))
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 0.9, 1.25])
    left.set_title(f"after {step:,} steps", fontsize=10, color=colour("ink"))
    _weights(left, weight.numpy())
    middle.imshow(made.numpy(), cmap=SIGNS, vmin=-2, vmax=2)
    middle.set_axis_off()
    middle.set_title("its map", fontsize=10, color=colour("ink"))
    right.plot(losses, color=colour("window"))
    right.plot([step], losses[-1:], "o", color=colour("window"))
    right.set(xlim=(-20, LEARNED[-1] + 20), ylim=(-0.02, 0.95), facecolor="none")
    right.set_title(f"loss {losses[-1]:.4f}", fontsize=10, color=colour("ink"))
    right.tick_params(colors=colour("muted"), labelsize=8)
    for side, spine in right.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colour("line"))
    figure.subplots_adjust(0.005, 0.1, 0.97, 0.88, 0.14)
    rows = "; ".join(" ".join(f"{w:.1f}" for w in row) for row in weight)
    words = f"After {step:,} steps the weights are {rows}, and the loss is {losses[-1]:.4f}."
    left.add_artist(Description(words))
    return figure


def _weights(axis: Axes, weights: np.ndarray) -> None:
    axis.imshow(weights, cmap=SIGNS, vmin=-4, vmax=4)
    for (i, j), weight in np.ndenumerate(weights):
        words = f"{weight:.1f}".replace("-", "−")
        axis.text(j, i, words, ha="center", va="center", color="#15181d", size=9)
    axis.set_axis_off()


@cache
def trained() -> tuple[nn.Sequential, nn.Sequential]:
    """The network of the lesson on digits, before its training and after."""
    images, labels = digits()
    kept = torch.random.get_rng_state()
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )
    before = copy.deepcopy(net)
    shown, wanted = images[~unseen()], labels[~unseen()]
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(40):
        for batch in torch.randperm(len(shown)).split(64):
            loss = nn.functional.cross_entropy(net(_moved(shown[batch])), wanted[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.random.set_rng_state(kept)
    return before, net.requires_grad_(False)


def _moved(images: Tensor) -> Tensor:
    """Each resized to 80 to 110 % and moved by up to half a pixel: a reader's digit may be too."""
    count = len(images)
    grid = torch.zeros(count, 2, 3)
    grid[:, 0, 0] = grid[:, 1, 1] = 1 / (0.8 + 0.3 * torch.rand(count))
    grid[:, :, 2] = (torch.rand(count, 2) - 0.5) / 4
    places = nn.functional.affine_grid(grid, list(images.shape), align_corners=False)
    return nn.functional.grid_sample(images, places, align_corners=False)


def unseen() -> Tensor:
    """Which digits the network is not shown: every fifth."""
    return torch.arange(len(digits()[0])) % 5 == 0


def with_softmax() -> nn.Sequential:
    """The trained network, whose answers are shares."""
    return nn.Sequential(*trained()[1], nn.Softmax(dim=1))


def one_of_each() -> Tensor:
    """The first unseen digit of each kind, (10, 1, 8, 8)."""
    images, labels = digits()
    known = list(zip(images[unseen()], labels[unseen()], strict=True))
    return torch.stack([next(image for image, of in known if of == kind) for kind in range(10)])


def filters_before_and_after() -> Figure:
    """The first layer's eight filters, untrained above and trained below."""
    figure = Figure(figsize=(WIDTH, 2.1))
    axes = figure.subplots(2, 8)
    for line, net, title in zip(axes, trained(), ("before", "after"), strict=True):
        weights = net[0].weight.detach()[:, 0]
        for number, (axis, weight) in enumerate(zip(line, weights, strict=True)):
            most = float(weights.abs().max())
            axis.imshow(weight.numpy(), cmap=SIGNS, vmin=-most, vmax=most)
            axis.set_axis_off()
            words = f"{title} {number}" if number == 0 else str(number)
            axis.set_title(words, fontsize=9, color=colour("ink"))
    figure.subplots_adjust(0.005, 0.01, 0.995, 0.9, 0.1, 0.25)
    words = "Eight filters of 3 by 3 before training, and the same after it."
    axes[0, 0].add_artist(Description(words))
    return figure


def mistakes(most: int) -> Figure:
    """Unseen digits that the trained network takes for others."""
    images, labels = digits()
    images, labels = images[unseen()], labels[unseen()]
    answers = trained()[1](images).argmax(dim=1)
    wrong = (answers != labels).nonzero().flatten().tolist()[:most]
    shown = {f"{answers[n]}, meant {labels[n]}": images[n] for n in wrong}
    said = ", ".join(f"a {labels[n]} taken for a {answers[n]}" for n in wrong)
    return pictures(shown, f"Handwritten digits of 8 by 8 pixels: {said}.", across=8, high=1.2)


def dead_channel() -> Figure:
    """A map that is negative everywhere, after a ReLU, and after batch norm and a ReLU."""
    made = layer([[-0.2, -0.1, -0.2], [0.1, -0.3, -0.1], [-0.2, 0.1, -0.2]])(photo())
    assert float(made.max()) < 0
    norm = (made - made.mean()) / made.std()
    shown = {"the layer's output": made, "after ReLU": made.relu(), "norm, then ReLU": norm.relu()}
    words = "A portrait in blue, all below zero; a black square; a portrait in shades of grey."
    return pictures(shown, words, across=3)
