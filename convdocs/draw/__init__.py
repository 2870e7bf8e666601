"""Figures of layers and networks: matplotlib figures that carry their own description.

>>> import torch
>>> from convdocs import draw
>>> fig = draw.layer(torch.nn.AvgPool1d(2), torch.tensor([[1.0, 3.0]]))
"""

from convdocs.draw.banded import matrix
from convdocs.draw.borders import padding
from convdocs.draw.field import receptive_field
from convdocs.draw.kernels import kernel
from convdocs.draw.maps import feature_maps
from convdocs.draw.palette import dark
from convdocs.draw.scene import DrawError
from convdocs.draw.shapes import stack
from convdocs.draw.sheet import describe, svg
from convdocs.draw.walk import Walk, animate
from convdocs.draw.working import layer

__all__ = [
    "DrawError",
    "Walk",
    "animate",
    "dark",
    "describe",
    "feature_maps",
    "kernel",
    "layer",
    "matrix",
    "padding",
    "receptive_field",
    "stack",
    "svg",
]
