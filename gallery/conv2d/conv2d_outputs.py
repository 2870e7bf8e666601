"""
Outputs, number by number
=========================

Both output channels, without padding and with it: each number is 27 products and a bias.
"""

# %%
# Here are both layers and the input again, each after its seed.

import torch
import torch.nn as nn

torch.manual_seed(42)
conv = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 3))
torch.manual_seed(42)
conv_padding = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 3), padding=1)
torch.manual_seed(42)
input = torch.randn(3, 4, 5)

# %%
# Without padding
# ---------------
#
# .. _cell-24:

conv(input)

# %%
# (2, 2, 3): 2 output channels of 2 rows and 3 columns. The first number of the first channel:

import convdocs
from convdocs import draw

draw.layer(conv, input, at=(0, 0, 0))

# %%
# Here is the same as a list: 27 products, three sums, the bias. The last line equals the layer's
# own output.

print(convdocs.explain(conv, input, at=(0, 0, 0)))

# %%
# The window covers 3×3 cells in *all three* input channels at once: 27 cells, 27 weights, one sum.
# This is the step that many drawings leave out. A filter does not make one output for each input
# channel; it adds them up.
#
# The second output channel reads the very same 27 cells with other weights.

draw.layer(conv, input, at=(1, 0, 0))

# %%
# With padding
# ------------
#
# .. _cell-25:

conv_padding(input)

# %%
# (2, 4, 5): as high and as wide as the input. The inner part is the output without padding:

torch.allclose(conv_padding(input)[:, 1:-1, 1:-1], conv(input))

# %%
# In the corner, only 4 of the 9 cells of a channel are real. The other five are in the frame of
# zeros.

draw.layer(conv_padding, input, at=(0, 0, 0))

# %%
# And the second channel, in the opposite corner:

draw.layer(conv_padding, input, at=(1, 3, 4))

# %%
# Point at it
# -----------
#
# Here is every cell of the same layer and the same input: point at one, or use the arrow keys.
#
# .. conv-explorer:: Conv2d(3, 2, 3, padding=1)
#    :size: 4x5
#    :values: notebook
#    :controls: basic
