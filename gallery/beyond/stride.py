"""
Stride: how far the window moves
================================

After this page you can say, for any stride, where the window stops, how long the output is, and
which input cells no window reads.
"""

# %%
# A window of 3 cells slides over 9 cells that hold the numbers 0 to 8: (N, C, L) = (1, 1, 9). With
# ``stride=2`` it moves two cells at a time. The weights 1, 2, 1 are set by hand, so that you can do
# the sum in your head.

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.arange(9.0).reshape(1, 1, 9)
conv = nn.Conv1d(1, 1, kernel_size=3, stride=2, bias=False)
with torch.no_grad():
    conv.weight.copy_(torch.tensor([[[1.0, 2.0, 1.0]]]))
draw.layer(conv, x, at=(0, 0, 1))

# %%
# The second stop is at cell 2, two cells after the first: 1·2 + 2·3 + 1·4 = 12. There are four
# stops, and so four numbers:

print(conv(x).detach())

# %%
# How many stops?
# ---------------
#
# The first window takes K cells. The rest, L − K cells, is crossed in steps of S:
#
# .. math:: L_{out} = \left\lfloor \frac{L - K}{S} \right\rfloor + 1
#
# The brackets mean *round down*. Here 9 − 3 = 6 cells are left, which makes 3 steps and, with the
# first window, 4 stops. Padding makes L longer; ``dilation`` makes K longer. Nothing else changes.
#
# Cells that no window reads
# --------------------------
#
# Rounding down means that the last cells can be left out. With 8 cells, there is no room for a
# fourth window. ``explain.reads`` says which outputs read the last cell, cell 7:

import convdocs

print(conv(x[..., :8]).shape)
print(convdocs.explain.reads(conv, (1, 1, 8), (0, 0, 7)))

# %%
# None does, and the layer does not complain. If those cells matter, pad.
#
# A stride longer than the kernel leaves gaps everywhere. That is a way to thin out a signal, but
# seldom what you want from a learned filter:

gaps = nn.Conv1d(1, 1, kernel_size=2, stride=3, bias=False)
readers = [convdocs.explain.reads(gaps, (1, 1, 9), (0, 0, cell)) for cell in range(9)]
print([cell for cell in range(9) if not readers[cell]])

# %%
# Two axes, two strides
# ---------------------
#
# An image has a stride for its rows and one for its columns. ``stride=(2, 1)`` halves the height
# and leaves the width alone. ``stride=2`` means ``(2, 2)``.

image = torch.arange(25.0).reshape(1, 1, 5, 5)
conv2d = nn.Conv2d(1, 1, kernel_size=3, stride=2, bias=False)
with torch.no_grad():
    conv2d.weight.fill_(1.0)
draw.layer(conv2d, image, at=(0, 0, 1, 1))

# %%
# Here it is beside the same filter with a stride of 1. Both show the second number of the second
# row:

each = nn.Conv2d(1, 1, kernel_size=3, bias=False)
each.load_state_dict(conv2d.state_dict())
# sphinx_gallery_thumbnail_number = 3
draw.compare(
    each,
    conv2d,
    image,
    at=(0, 0, 1, 1),
    titles=["stride=1", "stride=2"],
    caption="The same filter: with a stride of 2 it jumps over every other place, 4 numbers for 9.",
)

# %%
# Why use it
# ----------
#
# It makes the output smaller, and the work with it. Here is what the same filter costs with a
# stride of 1 and of 2, in multiply-accumulates (MACs):

for stride in (1, 2):
    layer = nn.Conv2d(3, 8, kernel_size=3, stride=stride, padding=1)
    trace = convdocs.trace(layer, torch.empty(1, 3, 32, 32))
    print(f"stride {stride}: output {trace.output_shapes[0]}, {trace.macs:,} MACs")

# %%
# Half as many rows and half as many columns make a quarter of the work.
#
# Point at it
# -----------
#
# Move over the output, and see the window jump two cells at a time.
#
# .. conv-explorer:: Conv2d(1, 1, 3, stride=2, bias=False)
#    :size: 7x7
#    :controls: basic
#
# Check it
# --------
#
# A stride of S computes every S-th number of a stride of 1, and no other. The formula gives the
# length. Both hold for 4 strides and 10 lengths:

weight = conv.weight.detach()
for length in range(3, 13):
    signal = torch.randn(1, 1, length)
    every = F.conv1d(signal, weight)
    for stride in (1, 2, 3, 4):
        some = F.conv1d(signal, weight, stride=stride)
        assert torch.allclose(some, every[..., ::stride], atol=1e-6)
        assert some.shape[-1] == (length - 3) // stride + 1
print("stride S is every S-th output of stride 1: 40 cases agree")
