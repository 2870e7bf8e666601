"""Figures of layers and networks: matplotlib figures that show and describe themselves.

>>> import torch
>>> from convdocs import draw
>>> fig = draw.layer(torch.nn.AvgPool1d(2), torch.tensor([[1.0, 3.0]]))
"""

from convdocs.draw.animate import Walk, animate
from convdocs.draw.compare import compare
from convdocs.draw.curve import curve
from convdocs.draw.feature_maps import feature_maps
from convdocs.draw.filters import filters
from convdocs.draw.kernel import kernel
from convdocs.draw.landscape import landscape
from convdocs.draw.layer import layer
from convdocs.draw.matrix import matrix
from convdocs.draw.padding import padding
from convdocs.draw.picture import Picture, describe
from convdocs.draw.receptive_field import receptive_field
from convdocs.draw.scene import DrawError
from convdocs.draw.stack import stack
from convdocs.draw.svg import dark, svg

__all__ = [
    "DrawError",
    "Picture",
    "Walk",
    "animate",
    "compare",
    "curve",
    "dark",
    "describe",
    "feature_maps",
    "filters",
    "kernel",
    "landscape",
    "layer",
    "matrix",
    "padding",
    "receptive_field",
    "stack",
    "svg",
]
