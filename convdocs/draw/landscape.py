"""A small drawn scene in full colour, for pictures that show what channels are."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

FINER = 4  # pixels that each one is the mean of

# shape, colour, and its corners or bounds in shares of the width and height
THINGS = (
    ("rectangle", "#7db9ee", (0, 0, 1, 0.7)),  # sky
    ("ellipse", "#ffd83a", (0.76, 0.08, 0.92, 0.29)),  # sun
    ("ellipse", "#f4f6f8", (0.12, 0.13, 0.34, 0.26)),  # cloud
    ("ellipse", "#f4f6f8", (0.24, 0.09, 0.46, 0.25)),
    ("polygon", "#2f8f4e", (0, 1, 0, 0.6, 0.25, 0.48, 0.6, 0.66, 1, 0.52, 1, 1)),  # hill
    ("rectangle", "#f1e3cf", (0.32, 0.58, 0.56, 0.84)),  # house
    ("polygon", "#d22f27", (0.28, 0.59, 0.44, 0.37, 0.6, 0.59)),  # its red roof
    ("rectangle", "#3c5a9a", (0.41, 0.67, 0.48, 0.84)),
    ("rectangle", "#6b4a2b", (0.765, 0.66, 0.795, 0.86)),  # tree
    ("ellipse", "#1d6b35", (0.69, 0.42, 0.87, 0.72)),
    ("ellipse", "#1f58c8", (0.02, 0.86, 0.52, 1.06)),  # pond
)


def landscape(height: int = 120, width: int = 160) -> Tensor:
    """A red roof, green hills and a blue pond: a colour image without a file.

    Parameters
    ----------
    height, width : int
        Pixels.

    Returns
    -------
    torch.Tensor
        (3, H, W): red, green and blue from 0 to 1.

    Examples
    --------
    >>> from convdocs import draw
    >>> draw.landscape(60, 80).shape
    torch.Size([3, 60, 80])
    """
    wide, high = width * FINER, height * FINER
    image = Image.new("RGB", (wide, high))
    pen = ImageDraw.Draw(image)
    for shape, colour, places in THINGS:
        points = [part * (high if at % 2 else wide) for at, part in enumerate(places)]
        getattr(pen, shape)(points, fill=colour)
    small = image.resize((width, height), Image.Resampling.BOX)
    return torch.from_numpy(np.array(small, dtype=np.float32) / 255).permute(2, 0, 1)
