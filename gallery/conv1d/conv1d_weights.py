"""
Weights and bias
================

What a Conv1d layer holds before it has seen any data: one filter per output channel, and one
bias.
"""

# %%
# A convolution layer is a handful of numbers. Printing them is the quickest way to see how it is
# built. The notebook starts with its imports. Its first line,
#
# .. code-block:: python
#
#    from torchvision import datasets
#
# is shown here and not run: nothing in the notebook uses it, and torchvision is not installed
# where this page is built.
#
# .. _cell-1:

import torch
import torch.nn as nn
import matplotlib.pyplot as plt

# %%
# The filters
# -----------
#
# This layer takes 3 channels and gives 2. Its filters are 3 cells long. A filter spans *all*
# input channels, so each of the two filters is a table of 3 rows (one per input channel) and 3
# columns (one per cell of its length).
#
# ``torch.manual_seed(42)`` fixes the random numbers that the filters start from. With the same
# seed you get the same digits.
#
# .. _cell-2:

##### No padding
torch.manual_seed(42)
conv = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3)
print(conv.weight)
print(conv.bias)

# %%
# There are two blocks, one per output channel. Below them are two biases, also one per output
# channel: a bias is added to each sum that its filter makes.
#
# Why are all of them so small? PyTorch draws them evenly from between
# :math:`-1/\sqrt{C_{in} K}` and :math:`+1/\sqrt{C_{in} K}`, where :math:`C_{in}`
# is the number of input channels and :math:`K` the length of the filter. Here that is
# :math:`1/\sqrt{9}`, a third. The more numbers a filter adds up, the smaller each one starts.
#
# The shape of the weight
# -----------------------
#
# .. _cell-3:

conv.weight.shape

# %%
# The order is always the same:
#
# 1. output channels: how many filters there are,
# 2. input channels: how many rows each filter has,
# 3. kernel size: how many cells each row has.
#
# That makes 2 · 3 · 3 = 18 weights, and 2 biases. The length of the input does not
# appear: the same layer takes a sequence of 5 cells or of 5,000.
#
# Here are the two filters as a picture, one above the other.

from convdocs import draw

draw.kernel(conv)
