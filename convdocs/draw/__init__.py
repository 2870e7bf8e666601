"""Figures of layers and networks: matplotlib figures that show and describe themselves.

>>> import torch
>>> from convdocs import draw
>>> fig = draw.layer(torch.nn.AvgPool1d(2), torch.tensor([[1.0, 3.0]]))
"""

from convdocs.draw.animate import Walk as Walk
from convdocs.draw.animate import animate as animate
from convdocs.draw.compare import compare as compare
from convdocs.draw.curve import curve as curve
from convdocs.draw.feature_maps import feature_maps as feature_maps
from convdocs.draw.filters import filters as filters
from convdocs.draw.kernel import kernel as kernel
from convdocs.draw.landscape import landscape as landscape
from convdocs.draw.layer import layer as layer
from convdocs.draw.matrix import matrix as matrix
from convdocs.draw.padding import padding as padding
from convdocs.draw.picture import Picture as Picture
from convdocs.draw.picture import describe as describe
from convdocs.draw.receptive_field import receptive_field as receptive_field
from convdocs.draw.scene import DrawError as DrawError
from convdocs.draw.stack import stack as stack
from convdocs.draw.svg import dark as dark
from convdocs.draw.svg import svg as svg
