"""
Groups and depthwise-separable convolution
==========================================

After this page you can read the weight shape of a grouped layer, and say how much cheaper a
depthwise layer and a 1×1 layer are than one full layer.
"""

# %%
# Every filter of an ordinary layer reads every input channel. ``groups=2`` splits the channels into
# two halves that know nothing of each other. Here four channels come in, and filter 3 reads the
# last two:

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.arange(20.0).reshape(1, 4, 5)
grouped = nn.Conv1d(4, 4, kernel_size=2, groups=2, bias=False)
with torch.no_grad():
    grouped.weight.fill_(1.0)
draw.layer(grouped, x, at=(0, 3, 0))

# %%
# The shape of the weight
# -----------------------
#
# It is (out channels, in channels / groups, K). The second number is how many channels *one filter*
# reads, here half of the four:

print(grouped.weight.shape)
print(nn.Conv1d(4, 4, kernel_size=2).weight.shape)

# %%
# That is half the weights and half the multiplications. Both numbers of channels must be divisible
# by ``groups``:

for channels in [(3, 6), (4, 5)]:
    try:
        nn.Conv1d(*channels, kernel_size=2, groups=2)
    except ValueError as error:
        print(channels, error)

# %%
# Depthwise: one group per channel
# --------------------------------
#
# With as many groups as channels, each channel has a filter of its own, and no channel sees
# another. This is called *depthwise*:

depthwise = nn.Conv2d(3, 3, kernel_size=3, padding=1, groups=3, bias=False)
with torch.no_grad():
    depthwise.weight.copy_(torch.arange(27.0).reshape(3, 1, 3, 3))
draw.kernel(depthwise)

# %%
# Pointwise: a window of one cell
# -------------------------------
#
# A kernel of 1×1 does the opposite. It looks at one place only, and mixes all the channels there.
# It is a linear layer that is applied to each cell.

pointwise = nn.Conv2d(3, 2, kernel_size=1, bias=False)
with torch.no_grad():
    mix = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0]])
    pointwise.weight.copy_(mix.reshape(2, 3, 1, 1))
draw.layer(pointwise, torch.arange(27.0).reshape(1, 3, 3, 3), at=(0, 1, 1, 1))

# %%
# Both, one after the other
# -------------------------
#
# First look around in each channel, then mix the channels: this is a *depthwise-separable*
# convolution. It has the shapes of a full layer and far fewer weights. From 32 channels to 64 on
# images of 16×16:

import convdocs

full = nn.Conv2d(32, 64, kernel_size=3, padding=1, bias=False)
separable = nn.Sequential(
    nn.Conv2d(32, 32, kernel_size=3, padding=1, groups=32, bias=False),
    nn.Conv2d(32, 64, kernel_size=1, bias=False),
)
image = torch.empty(1, 32, 16, 16)
cost = {}
for name, net in {"full": full, "separable": separable}.items():
    trace = convdocs.trace(net, image)
    cost[name] = trace
    print(f"{name:9} {trace.params:6,} weights, {trace.macs:9,} MACs")

# %%

convdocs.trace(separable, image)

# %%
# For each weight of the full layer the separable pair has :math:`1/C_{out} + 1/K^2`. The first part
# is the depthwise layer, the second the 1×1 layer. Here that is 1/64 + 1/9, about an eighth. The
# price is that not every full layer can be written as such a pair. Networks for phones, such as
# MobileNet, pay it.
#
# Point at it
# -----------
#
# Each output cell lights up the input of its own group only.
#
# .. conv-explorer:: Conv1d(4, 4, 2, groups=2, bias=False)
#    :size: 5
#    :controls: basic
#
# Check it
# --------
#
# A grouped layer is two small layers side by side; and the two shares are right:

signal = torch.randn(2, 4, 9)
grouped = nn.Conv1d(4, 6, kernel_size=3, groups=2)
first = F.conv1d(signal[:, :2], grouped.weight[:3], grouped.bias[:3])
second = F.conv1d(signal[:, 2:], grouped.weight[3:], grouped.bias[3:])
assert torch.allclose(grouped(signal), torch.cat([first, second], dim=1), atol=1e-6)

share = cost["separable"].params / cost["full"].params
assert abs(share - (1 / 64 + 1 / 9)) < 1e-12
assert cost["separable"].macs / cost["full"].macs == share
print(f"two groups = two layers; the separable pair costs {share:.3f} of the full one")
