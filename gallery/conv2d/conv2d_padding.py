"""
Padding changes no weight
=========================

A frame of zeros around the image, and the same 56 numbers in the layer.
"""

# %%
# ``padding=1`` puts a frame of zeros, one cell wide, around each channel of the image: above and
# below, left and right.

import torch
import torch.nn as nn

# %%
# .. _cell-16:

##### With padding
torch.manual_seed(42)
conv_padding = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 3), padding=1)
print(conv_padding.weight)
print(conv_padding.bias)

# %%
# Again the weights :ref:`without padding <cell-14>`, and for the same reason: same seed, same
# shapes, and padding takes no random draw. It is not in the layer's parameters at all:

[(name, tuple(parameter.shape)) for name, parameter in conv_padding.named_parameters()]

# %%
# The picture shows the frame around an image of 4 rows and 5 columns.

from convdocs import draw

draw.padding("zeros", x=torch.arange(1.0, 21.0).reshape(4, 5), pad=1)

# %%
# Each axis is padded by itself. ``padding=(1, 0)`` would add a row above and one below and leave
# the width alone. Height and width never mix:
#
# .. math::
#
#    H_{out} &= H + 2 \cdot \text{padding}_H - (K_H - 1) \\
#    W_{out} &= W + 2 \cdot \text{padding}_W - (K_W - 1)
