"""
Dilated convolution: a window with holes
========================================

After this page you can spread a kernel over more cells without more weights, and say what a stack
of dilated layers sees and what it misses.
"""

# %%
# ``dilation=2`` puts the taps of a kernel two cells apart. Three weights then reach over five
# cells, and the cells between the taps are not read.

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.arange(9.0).reshape(1, 1, 9)
conv = nn.Conv1d(1, 1, kernel_size=3, dilation=2, bias=False)
with torch.no_grad():
    conv.weight.copy_(torch.tensor([[[1.0, 2.0, 3.0]]]))
draw.layer(conv, x, at=(0, 0, 1))

# %%
# Output cell 1 reads the cells 1, 3 and 5: 1·1 + 2·3 + 3·5 = 22. Its neighbours start one cell
# later and one earlier. The *window* is spread, but its *steps* are not; those are set by the
# stride.

print(conv(x).detach())

# %%
# In two directions the taps form a lattice.

image = torch.arange(49.0).reshape(1, 1, 7, 7)
conv2d = nn.Conv2d(1, 1, kernel_size=3, dilation=2, bias=False)
with torch.no_grad():
    conv2d.weight.fill_(1.0)
draw.layer(conv2d, image, at=(0, 0, 1, 1))

# %%
# Nine weights in both; without dilation they are side by side:

dense = nn.Conv2d(1, 1, kernel_size=3, bias=False)
dense.load_state_dict(conv2d.state_dict())
# sphinx_gallery_thumbnail_number = 3
draw.compare(
    dense,
    conv2d,
    image,
    at=(0, 0, 1, 1),
    titles=["dilation=1", "dilation=2"],
    caption="Nine weights each: with a dilation of 2 they reach over 5×5 cells and skip 16.",
)

# %%
# The reach of a kernel
# ---------------------
#
# Between K taps there are K − 1 gaps, each of D cells from tap to tap. With the first tap itself
#
# .. math:: reach = D \cdot (K - 1) + 1
#
# so 2·2 + 1 = 5. In every size formula, the reach takes the place of K. To keep the length, an odd
# kernel needs D·(K − 1)/2 zeros at either end.
#
# Seeing far with few layers
# --------------------------
#
# Double the dilation from layer to layer, and the stack sees about twice as far with each. Here are
# four layers of 3 taps each, without dilation and with it:


def stack(dilations):
    return nn.Sequential(
        *[nn.Conv1d(1, 1, 3, dilation=d, padding=d, bias=False) for d in dilations]
    )


import convdocs

for dilations in [(1, 1, 1, 1), (1, 2, 4, 8)]:
    trace = convdocs.trace(stack(dilations), torch.empty(1, 1, 64))
    field = trace.calls[-1].receptive_field[0]
    print(f"dilations {dilations}: {field.size} cells seen, {trace.params} weights")

# %%
# Each layer adds D·(K − 1) cells: 2 + 4 + 8 + 16 = 30, and the cell itself.
#
# Missing half of it
# ------------------
#
# There is a trap. Three layers that *all* have dilation 2 reach over 13 cells, but each layer reads
# only every other cell, and so do all of them together. To see it, set all weights to 1 and ask for
# the gradient of one output cell. It is zero where a cell was not read; elsewhere it counts the
# paths from that cell to the output.


def paths(net, length=33):
    for layer in net:
        nn.init.ones_(layer.weight)
    signal = torch.zeros(1, 1, length, requires_grad=True)
    net(signal)[0, 0, length // 2].backward()
    return signal.grad[0, 0].int()


for dilations in [(2, 2, 2), (1, 2, 3)]:
    counts = paths(stack(dilations))
    read = counts.nonzero()
    print(dilations, counts[read.min() : read.max() + 1].tolist())

# %%
# Both stacks have 9 weights and reach over 13 cells. With dilations 2, 2, 2 the output knows
# nothing about every other cell. This is the *gridding* that dilated networks are known for. With
# 1, 2, 3 there are no holes.
#
# Point at it
# -----------
#
# Move the window, gaps and all, with your pointer or the arrow keys.
#
# .. conv-explorer:: Conv1d(1, 1, 3, dilation=2, bias=False)
#    :size: 9
#    :controls: basic
#
# Check it
# --------
#
# A dilated kernel is an ordinary kernel with zeros between its weights:

filled = torch.tensor([[[1.0, 0.0, 2.0, 0.0, 3.0]]])
signal = torch.randn(4, 1, 50)
assert torch.allclose(conv(signal), F.conv1d(signal, filled), atol=1e-6)
assert paths(stack((1, 2, 4, 8))).count_nonzero() == 31
assert paths(stack((2, 2, 2))).count_nonzero() == 7
assert paths(stack((1, 2, 3))).count_nonzero() == 13
print("dilated = zeros between the weights; cells read: 31 of 31, 7 of 13, 13 of 13")
