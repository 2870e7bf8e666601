"""What the lessons train: a kernel for edges, and a network that reads digits."""

from __future__ import annotations

import copy
from functools import cache

import torch
from lesson_images import KERNELS, digits, photo
from lesson_pictures import PAGE, SIGNS, bare, canvas, cells, fitted, pictures
from torch import Tensor, nn

from convdocs.draw import Picture
from convdocs.draw.palette import colour

EPOCHS = 25  # of the digits' training
LEARNED = (0, 1, 3, 10, 30, 100, 300, 1000, 2000)


def learning() -> list[Picture]:
    """A kernel on its way from noise to an edge filter: its weights, its map, the loss so far."""
    picture = nn.functional.pad(photo() - photo().mean(), (1, 1, 1, 1), mode="replicate")
    goal = torch.tensor(KERNELS["vertical edges"], dtype=torch.float32)[None, None]
    # The loss is the mean of (X (w - goal))², with a window of the image in each row of X. So it
    # is (w - goal)ᵀ G (w - goal) with G = XᵀX / rows: nine weights need no image at each step.
    windows = nn.functional.unfold(picture, 3)[0]
    gram = windows @ windows.T / windows.shape[1]
    weight = torch.randn(9, generator=torch.Generator().manual_seed(3))
    losses, frames = [], []
    for step in range(LEARNED[-1] + 1):
        change = gram @ (weight - goal.flatten())
        losses.append(float((weight - goal.flatten()) @ change))
        if step in LEARNED:
            kernel = weight.reshape(1, 1, 3, 3)
            filtered = nn.functional.conv2d(picture, kernel)[0, 0]
            frames.append(_frame(step, kernel[0, 0], filtered, losses.copy()))
        weight = weight - 0.2 * 2 * change
    return frames


def _frame(step: int, weight: Tensor, filtered: Tensor, losses: list[float]) -> Picture:
    def draw(room: float) -> Picture:
        wide = room == PAGE
        figure = canvas(room, 2.45 if wide else 4.4)
        ratios = {"width_ratios": [1, 0.9, 1.25] if wide else [1, 1]}
        grid = figure.add_gridspec(1 if wide else 2, 3 if wide else 2, **ratios)
        left, middle = (figure.add_subplot(grid[0, place]) for place in range(2))
        right = figure.add_subplot(grid[0, 2] if wide else grid[1, :])
        cells(left, weight.numpy(), 4, ".1f")
        middle.imshow(filtered.numpy(), cmap=SIGNS, vmin=-2, vmax=2)
        middle.set_axis_off()
        right.plot(losses, color=colour("window"))
        right.plot([step], losses[-1:], "o", color=colour("window"))
        right.set(xlim=(-20, LEARNED[-1] + 20), ylim=(-0.02, 0.95))
        bare(right)
        titles = (f"after {step:,} steps", "its map", f"loss {losses[-1]:.4f}")
        for axis, title in zip((left, middle, right), titles, strict=True):
            axis.set_title(title, fontsize=10, color=colour("ink"))
        figure.subplots_adjust(0.005 if wide else 0.08, 0.1, 0.97, 0.88 if wide else 0.93, 0.14)
        return figure

    rows = "; ".join(" ".join(f"{w:z.1f}" for w in row) for row in weight)
    return fitted(
        draw, f"After {step:,} steps the weights are {rows}, and the loss is {losses[-1]:.4f}."
    )


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
    before = copy.deepcopy(net).requires_grad_(False)
    shown, wanted = images[~unseen()], labels[~unseen()]
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(EPOCHS):
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


def mistakes(most: int) -> Picture:
    """Unseen digits that the trained network takes for others."""
    images, labels = digits()
    images, labels = images[unseen()], labels[unseen()]
    answers = trained()[1](images).argmax(dim=1)
    wrong = (answers != labels).nonzero().flatten().tolist()[:most]
    shown = {f"{answers[n]}, meant {labels[n]}": images[n] for n in wrong}
    listed = ", ".join(f"a {labels[n]} taken for a {answers[n]}" for n in wrong)
    return pictures(shown, f"Handwritten digits of 8 by 8 pixels: {listed}.", across=8)
