"""
Four errors of Conv1d
=====================

Four inputs that the layer rejects, what each message means, and what to change.
"""

# %%
# Here is the layer once more. It expects 3 channels, and at least 3 cells in each.

import torch
import torch.nn as nn

torch.manual_seed(42)
conv = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3)

# %%
# Too few axes
# ------------
#
# .. _cell-8:

### incorrect input - 1D input
try:
    conv(torch.randn(4))
except Exception as e:
    print(e)

# %%
# **What it says.** The input has one axis. The layer takes two, (C, L), or three, (N, C, L).
#
# **Other messages for it, and fixes that were tried:** :ref:`conv-rank`.
#
# **What to do.** Name the axes you have. One bare sequence is an L. Add the channel axis in front
# with ``x.unsqueeze(0)``, which gives (1, 4). The layer must then be one that reads one channel,
# ``nn.Conv1d(1, ...)``.
#
# Too many axes
# -------------
#
# .. _cell-9:

### incorrect input - >3D input
try:
    conv(torch.randn(2, 3, 5, 6, 4, 5))
except Exception as e:
    print(e)

# %%
# **What it says.** There are six axes, where two or three are accepted.
#
# **Other messages for it, and fixes that were tried:** :ref:`conv-rank`.
#
# **What to do.** If the extra axes in front are all kinds of "which sample", fold them into one:
# ``x.flatten(0, -3)`` leaves the last two alone and gives (N, C, L). If there are several
# *spatial* axes, the data is an image or a volume: take ``nn.Conv2d`` or ``nn.Conv3d``.
#
# The wrong number of channels
# ----------------------------
#
# .. _cell-10:

### wrong dimension - not broadcastable
try:
    conv(torch.randn(2, 4, 5))
except Exception as e:
    print(e)

# %%
# **What it says.** The weight is [2, 3, 3], so each filter has 3 rows, one per channel. The input
# is (N, C, L) = (2, 4, 5) and has 4.
#
# **Other messages for it, and fixes that were tried:** :ref:`channels-mismatch`.
#
# **What to do.** Look for the 3 in your shape. If it is the last axis, as in (N, L,
# C), swap the two: ``x.transpose(1, 2)``. If it is nowhere, the layer was made for other data: its
# ``in_channels`` has to be 4.
#
# .. admonition:: Imprecise in the notebook
#    :class: imprecise
#
#    The notebook calls this *"not broadcastable"*. A convolution never broadcasts channels. In an
#    addition, an axis of 1 would be stretched to 3. Here even that is refused:

try:
    conv(torch.randn(2, 1, 5))
except Exception as e:
    print(e)

# %%
# If you do want one channel three times, say so: ``x.expand(-1, 3, -1)``.
#
# A kernel longer than the input
# ------------------------------
#
# .. _cell-11:

### wrong dimension - kernel size greater than input size
try:
    conv(torch.randn(2, 3, 2))
except Exception as e:
    print(e)

# %%
# **What it says.** A filter of 3 cells does not fit on a sequence of 2. "Padded input size" is
# the length *with* the padding; this layer has none, so it is still 2.
#
# **Other messages for it, and fixes that were tried:** :ref:`kernel-larger-than-input`.
#
# **What to do.** Use a longer sequence or a shorter kernel, or pad. With one zero at either end
# there are 4 cells, and the filter has two places:

conv_padding = nn.Conv1d(in_channels=3, out_channels=2, kernel_size=3, padding=1)
short = torch.randn(2, 3, 2)
conv_padding(short).shape

# %%
# .. admonition:: Imprecise in the notebook
#    :class: imprecise
#
#    It asks for *width >= kernel_size*. What counts is the padded width, and with ``dilation`` the
#    distance from the filter's first cell to its last: the padded width must be at least
#    ``dilation * (kernel_size - 1) + 1``.
#
# Here is the filter on the short sequence; thanks to the padding, it fits:

from convdocs import draw

draw.layer(conv_padding, short, at=(0, 0, 0))
