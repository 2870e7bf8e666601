"""Draw the picture of README.md again: ``python docs/readme_picture.py``.

A 3x3 input of 0 to 8 under a 2x2 kernel of 0 to 3, the example of "Dive into Deep Learning".
"""

from pathlib import Path

import torch
from torch import nn

from convdocs import draw

STATIC = Path(__file__).parent / "_static"


def pictures() -> dict[Path, str]:
    conv = nn.Conv2d(1, 1, 2, bias=False)
    with torch.no_grad():
        conv.weight[:] = torch.arange(4.0).reshape(2, 2)
    light = draw.svg(draw.layer(conv, torch.arange(9.0).reshape(1, 3, 3), at=(0, 0, 0)))
    return {STATIC / "readme-light.svg": light, STATIC / "readme-dark.svg": draw.dark(light)}


if __name__ == "__main__":
    for path, text in pictures().items():
        path.write_text(text, encoding="utf-8")
