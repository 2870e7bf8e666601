"""
Input shapes: one image or a batch
==================================

A Conv2d layer accepts (C, H, W), one image, or (N, C, H, W), a batch of them.
"""

# %%
# Here is the layer from :ref:`cell 14 <cell-14>`, built again with its seed.

import torch
import torch.nn as nn

torch.manual_seed(42)
conv = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 3))

# %%
# Four axes have names
# --------------------
#
# - **N**: images in the batch,
# - **C**: channels of each image; it must be the layer's ``in_channels``,
# - **H**: height, the number of rows,
# - **W**: width, the number of columns.
#
# Rows come before columns, as in a matrix and unlike in the (x, y) of a drawing. This is one
# image of 3 channels, 4 rows and 5 columns:
#
# .. _cell-17:

torch.manual_seed(42)
input = torch.randn(3, 4, 5)
input.shape

# %%
# .. admonition:: Imprecise in the notebook
#    :class: imprecise
#
#    - *"n is the number of batches."* It is the number of images in one batch.
#    - *"height and width need to be >= kernel_size."* With the padding counted in, and each axis
#      against its own side of the kernel.
#
# One image, no batch axis
# ------------------------
#
# .. _cell-18:

### 3D Input:
### Representing the case of a single sample with 3D shape
### Then nn.Conv2d treats it as a scenario with a batch size of 1.
conv(torch.randn(3, 4, 5))

# %%
# Three axes are (C, H, W). A batch axis of 1 is put in front and taken away again at the end,
# which leaves its trace in ``SqueezeBackward1``. The result is (2, 2, 3): 2 channels, 4 − 2 = 2
# rows, 5 − 2 = 3 columns.
#
# Mind the difference from Conv1d. There, three axes are a *batch*. The number of axes alone says
# nothing; it depends on the layer that reads them. That is what makes the :doc:`MaxPool trap
# </gallery/cnn/pool_trap>`.
#
# Batches
# -------
#
# .. _cell-19:

### 4D Input:
### nn.Conv2d processes it according to this batch size.
print(conv(torch.randn(1, 3, 4, 5)))
print("-" * 80)
print(conv(torch.randn(2, 3, 4, 5)))

# %%
# A batch of one keeps its axis: (1, 2, 2, 3). The batch of two is (2, 2, 2, 3). Read the blank
# lines of the printout: one between channels, two between images.

from convdocs import draw

draw.layer(conv, input, at=(0, 1, 2))
