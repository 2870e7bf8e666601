"""
Weights and bias
================

A Conv2d filter is a small image with as many channels as the input has.
"""

# %%
# The layer takes 3 channels and gives 2, like the Conv1d before. What is new is the kernel, 3 cells
# high and 3 cells wide.

import torch
import torch.nn as nn

# %%
# .. _cell-14:

##### No padding
torch.manual_seed(42)
conv = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 3))
print(conv.weight)
print(conv.bias)

# %%
# There are two filters. Each is three 3×3 tables, one for each input channel. The seed is the same
# as for :ref:`the Conv1d layer <cell-2>`, but the digits are different: now a filter adds up 27
# numbers instead of 9, so each starts within :math:`1/\sqrt{27} \approx 0.19` of zero instead of a
# third.
#
# Look closer and you find the old numbers again. 0.2548 there, 0.1471 here: the same random draw,
# divided by :math:`\sqrt{3}`.
#
# The shape of the weight
# -----------------------
#
# .. _cell-15:

conv.weight.shape

# %%
# 1. output channels,
# 2. input channels,
# 3. the kernel's height,
# 4. the kernel's width.
#
# That makes 2 · 3 · 3 · 3 = 54 weights, and 2 biases. As before, the size of the image does not
# appear.

from convdocs import draw

draw.kernel(conv)
