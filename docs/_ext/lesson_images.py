"""What the lessons look at: a photograph, a scene in colour, a recording, digits, and filters."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from matplotlib import cbook, image
from torch import Tensor, nn

KERNELS = {
    "blur": [[1 / 9] * 3] * 3,
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "Laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}


@cache
def photo() -> Tensor:
    """Grace Hopper in grey, (1, 1, 120, 102), each number from 0 to 1.

    The United States Navy's official portrait of January 1984, public domain, as matplotlib
    ships it.
    """
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        pixels = torch.tensor(image.imread(file, format="jpg")) / 255
    grey = (pixels @ torch.tensor([0.299, 0.587, 0.114]))[None, None]
    return nn.functional.avg_pool2d(grey, 5)[:, :, :120]


@cache
def recording() -> Tensor:
    """Three seconds of an electroencephalogram, (1, 240), as matplotlib ships it: 80 a second."""
    with cbook.get_sample_data("eeg.dat") as file:
        numbers = np.frombuffer(file.read(), dtype=float).reshape(800, 4)
    return torch.tensor(numbers[100:340, 0], dtype=torch.float32)[None]


@cache
def scene() -> Tensor:
    """A red ball and a green tree under a blue sky, (3, 64, 64), each number from 0 to 1."""
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    painted = [
        ((0.35, 0.62, 0.95), y < 44),  # sky
        ((0.35, 0.70, 0.25), y >= 44),  # grass
        ((0.42, 0.27, 0.14), (abs(x - 18) < 3) & (y > 28) & (y < 50)),  # trunk
        ((0.10, 0.45, 0.16), (x - 18) ** 2 + (y - 20) ** 2 < 13**2),  # crown
        ((0.88, 0.16, 0.14), (x - 46) ** 2 + (y - 46) ** 2 < 9**2),  # ball
    ]
    canvas = torch.zeros(3, 64, 64)
    for shade, place in painted:
        canvas = torch.where(place, torch.tensor(shade)[:, None, None], canvas)
    return canvas


def batch_of_scenes() -> Tensor:
    """The scene four times, (4, 3, 64, 64): as it is, mirrored, darker, and moved to one side."""
    own = scene()
    return torch.stack([own, own.flip(-1), own * 0.5, own.roll(20, -1)])


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


def colour_filters() -> nn.Conv2d:
    """Brightness, red that is not green, edges of brightness, edges of blue."""
    eye, red, blue = (
        torch.tensor(shares)[:, None, None]
        for shares in ([0.299, 0.587, 0.114], [1.0, -1.0, 0.0], [0.0, 0.0, 1.0])
    )
    dot = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 0, 0]])
    line = torch.tensor(KERNELS["Laplacian"], dtype=torch.float32)
    conv = nn.Conv2d(3, 4, 3, padding=1, padding_mode="replicate", bias=False)
    conv.load_state_dict({"weight": torch.stack([eye * dot, red * dot, eye * line, blue * line])})
    return conv.requires_grad_(False)
