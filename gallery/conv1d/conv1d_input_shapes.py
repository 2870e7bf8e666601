"""
Input shapes: one sample or a batch
===================================

A Conv1d layer accepts (C, L), one sample, or (N, C, L), a batch of them. It tells them apart only
by the number of axes.
"""

# %%
# This page needs the layer from :ref:`cell 2 <cell-2>`. The same seed makes the same layer.

import torch
import torch.nn as nn

torch.manual_seed(42)
conv = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3)

# %%
# Three axes have names
# ---------------------
#
# - **N**: how many samples there are in the batch,
# - **C**: how many channels each sample has; it must be the layer's ``in_channels``,
# - **L**: how many cells each channel has, the length.
#
# So this input is 2 samples of 3 channels of 4 cells:
#
# .. _cell-5:

torch.manual_seed(42)
input = torch.randn(2, 3, 4)
input

# %%
# .. admonition:: Imprecise in the notebook
#    :class: imprecise
#
#    - *"n is the number of batches."* It is the number of samples in one batch, the batch size.
#    - *"The convolutional layer has dimension (output_channels, input_channels, kernel_size)."*
#      That is the shape of its weight.
#    - *"width needs to be >= kernel_size."* The **padded** width needs to be. A layer with
#      ``padding=1`` and a kernel of 3 takes a sequence of a single cell.
#
# One sample, no batch axis
# -------------------------
#
# .. _cell-6:

### 2D Input:
### Representing the case of a single sample with 2D shape
### Then nn.Conv1d treats it as a scenario with a batch size of 1.
conv(torch.randn(3, 5))

# %%
# Two axes can only be (C, L), because the layer knows just two readings: two axes are one sample,
# three are a batch. PyTorch puts a batch axis of 1 in front, convolves, and takes the axis away
# again. You can see the last step in the output: ``grad_fn=<SqueezeBackward1>``. The result is
# (2, 3): 2 output channels, and 5 − (3 − 1) = 3 places where a filter of 3 fits on 5 cells.
#
# Batches
# -------
#
# .. _cell-7:

### 3D Input:
### nn.Conv2d processes it according to this batch size.
print(conv(torch.randn(1, 3, 5)))
print("-" * 80)
print(conv(torch.randn(2, 3, 5)))

# %%
# A batch of one keeps its batch axis: (1, 2, 3). Count the brackets. The batch of two gives (2,
# 2, 3). Every sample goes through the same two filters and knows nothing of its neighbour.
#
# .. admonition:: Imprecise in the notebook
#    :class: imprecise
#
#    The comment in this cell says ``nn.Conv2d``. The layer is a Conv1d.
#
# The digits of these two cells come from new random inputs, so they have nothing to do with the
# output of ``input`` that :doc:`comes later <conv1d_outputs>`.
#
# A batch is samples side by side. To see this, take the first sample of ``input`` alone:

alone, together = conv(input[0]), conv(input)
print(alone.shape, together.shape)
print(torch.allclose(alone, together[0]))

# %%
# The picture shows which sample, which channels and which cells one output number reads.

from convdocs import draw

draw.layer(conv, input, at=(1, 0, 0))
