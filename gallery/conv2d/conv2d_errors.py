"""
Four errors of Conv2d
=====================

The same four mistakes on an image. One message has a trap of its own: it shows a batch axis that
you never wrote.
"""

# %%
# The layer expects 3 channels, and at least 3 rows and 3 columns.

import torch
import torch.nn as nn

torch.manual_seed(42)
conv = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=(3, 3))

# %%
# Too few axes
# ------------
#
# .. _cell-20:

### incorrect input - 2D input
try:
    conv(torch.randn(4, 5))
except Exception as e:
    print(e)

# %%
# **What it says.** There are two axes, where three, (C, H, W), or four, (N, C, H, W), are accepted.
#
# **Other messages for it, and fixes that were tried:** :ref:`conv-rank`.
#
# **What to do.** Rows and columns alone are a grey image. Give it its channel axis:
# ``x.unsqueeze(0)`` is (1, 4, 5). A layer for grey images has ``in_channels=1``.
#
# Too many axes
# -------------
#
# .. _cell-21:

### incorrect input - >4D input
try:
    conv(torch.randn(2, 3, 5, 6, 4, 5))
except Exception as e:
    print(e)

# %%
# **What it says.** There are six axes, where three or four are accepted.
#
# **Other messages for it, and fixes that were tried:** :ref:`conv-rank`.
#
# **What to do.** For images stacked along several axes, such as (batch, frame, C, H, W), fold the
# axes in front into one: ``x.flatten(0, -4)``. For a volume, use ``nn.Conv3d``.
#
# The wrong number of channels
# ----------------------------
#
# .. _cell-22:

### wrong dimension - not broadcastable
try:
    conv(torch.randn(2, 4, 5))
except Exception as e:
    print(e)

# %%
# **What it says.** This input has three axes. So it is one image, (C, H, W) = (2, 4, 5), with 2
# channels instead of 3. The message shows ``[1, 2, 4, 5]``: the 1 is the batch axis that PyTorch
# has put in front.
#
# **Other messages for it, and fixes that were tried:** :ref:`channels-mismatch`.
#
# **What to do.** If the 2 was meant as a batch of two grey images, the channel axis is missing:
# ``x.unsqueeze(1)`` gives (2, 1, 4, 5). If the channels come last, as most image files have them,
# move them: ``x.permute(2, 0, 1)`` for one image, ``x.permute(0, 3, 1, 2)`` for a batch.
#
# .. admonition:: Imprecise in the notebook
#    :class: imprecise
#
#    *"Not broadcastable"*: channels are never broadcast. The number of rows in a filter and the
#    number of channels in the input must be the same, and 1 is no exception.
#
# A kernel larger than the image
# ------------------------------
#
# .. _cell-23:

### wrong dimension - kernel size greater than input size
try:
    conv(torch.randn(3, 2, 2))
except Exception as e:
    print(e)

# %%
# **What it says.** A 3×3 window does not fit on 2×2 cells. A single axis that is too short is
# enough:

try:
    conv(torch.randn(3, 2, 200))
except Exception as e:
    print(e)

# %%
# **Other messages for it, and fixes that were tried:** :ref:`kernel-larger-than-input`.
#
# **What to do.** Use a larger image, a smaller kernel, or padding. In a deep network, this message
# means that the layers before have used up the image: each 3×3 convolution without padding takes 2
# rows, each pool half of what is left.
#
# With a frame of zeros, the 2×2 image does have room for the window:

from convdocs import draw

torch.manual_seed(42)
conv_padding = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=3, padding=1)
draw.layer(conv_padding, torch.randn(3, 2, 2), at=(0, 0, 0))
