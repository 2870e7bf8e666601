"""
Outputs, number by number
=========================

Where each number of the output comes from: nine products and a bias, drawn from the real layer
and the real input.
"""

# %%
# This page needs both layers and the input from the pages before. Each was made right after
# ``torch.manual_seed(42)``, so each can be made again.

import torch
import torch.nn as nn

torch.manual_seed(42)
conv = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3)
torch.manual_seed(42)
conv_padding = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3, padding=1)
torch.manual_seed(42)
input = torch.randn(2, 3, 4)

# %%
# Without padding
# ---------------
#
# .. _cell-12:

conv(input)

# %%
# The shape is (2, 2, 2): 2 samples, 2 output channels, 2 places where a filter of 3 fits on 4
# cells.
#
# Follow the first number. The window covers the first three cells of every input channel. Each
# cell is multiplied by the weight below it, and all nine products go into one sum, together
# with the bias.

import convdocs
from convdocs import draw

draw.layer(conv, input, at=(0, 0, 0))

# %%
# Here is the same as a list. The last line is the sum, and it equals the layer's own output.

print(convdocs.explain(conv, input, at=(0, 0, 0)))

# %%
# With padding
# ------------
#
# .. _cell-13:

conv_padding(input)

# %%
# Now there are 4 places, as many as there are input cells. The two in the middle are the ones
# from above:

torch.allclose(conv_padding(input)[..., 1:-1], conv(input))

# %%
# At the two ends one cell of the window lies on the padding. Its product is zero, so the
# outermost outputs are sums of six products instead of nine. They tend to be smaller. That is
# what padding costs.

# sphinx_gallery_thumbnail_number = 2
draw.layer(conv_padding, input, at=(0, 0, 0))

# %%
# Point at it
# -----------
#
# Here is every cell of the same layer and the same input: point at one, or use the arrow keys.
#
# .. conv-explorer:: Conv1d(3, 2, 3, padding=1)
#    :size: 4
#    :values: notebook
#    :batch: 2
#    :controls: basic
