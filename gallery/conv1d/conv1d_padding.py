"""
Padding changes no weight
=========================

The same layer with padding has the same numbers in it, to the last digit. Padding belongs to the
input.
"""

# %%
# Without padding, a filter of 3 cells fits at only two places on a sequence of 4. With
# ``padding=1``, a zero is put before the sequence and another after it, and there are four places.

import torch
import torch.nn as nn

# %%
# .. _cell-4:

##### With padding
torch.manual_seed(42)
conv_padding = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3, padding=1)
print(conv_padding.weight)
print(conv_padding.bias)

# %%
# These are the weights :ref:`without padding <cell-2>`, digit for digit. This is no accident:
#
# - the seed is the same, so the random numbers come in the same order;
# - the shapes are the same, so the layer draws just as many of them: 18 for the weights, then 2 for
#   the biases;
# - the zeros of the padding are put beside the *input*, each time the layer runs. They are not
#   parameters of the layer, and take no random number.
#
# The layer only remembers how many zeros to add. Ask it:

print(conv_padding)

# %%
# What the padding holds
# ----------------------
#
# Zeros, unless you ask for something else. ``padding_mode`` has four ways to fill the cells at
# the ends. Here they are on the sequence 1 2 3 4, with one cell on either side.

from convdocs import draw

draw.padding(x=[1.0, 2.0, 3.0, 4.0], pad=1)

# %%
# How much padding?
# -----------------
#
# For a filter that moves one cell at a time:
#
# .. math:: L_{out} = L + 2 \cdot \text{padding} - (K - 1)
#
# So :math:`4 + 0 - 2 = 2` without padding, and :math:`4 + 2 - 2 = 4` with it. To keep the length,
# an odd filter needs :math:`(K - 1) / 2` cells at either end. ``padding="same"`` works that out
# for you.
