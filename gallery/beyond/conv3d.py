"""
Conv3d: video and volumes
=========================

After this page you can name the five axes of a video or a scan, follow one number of a 3-D
convolution, and write a filter that sees motion.
"""

# %%
# A third axis is a third direction to slide in. The input of ``Conv3d`` is (N, C, D, H, W): sample,
# channel, *depth*, height, width. Depth is time in a video and the slice in a scan. Don't take it
# for the channels: the window moves along D, but never along C.
#
# Take a cube of 3×3×3 with the numbers 0 to 26, and a kernel of 2×2×2. The picture shows the three
# slices of the cube.

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

cube = torch.arange(27.0).reshape(1, 1, 3, 3, 3)
conv = nn.Conv3d(1, 1, kernel_size=2, bias=False)
with torch.no_grad():
    conv.weight.fill_(1.0)
draw.layer(conv, cube, at=(0, 0, 0, 1, 1))

# %%
# The window covers four numbers of the first slice and the same four places of the second. All
# weights are 1, so the output is the sum: 4 + 5 + 7 + 8 + 13 + 14 + 16 + 17 = 84. In all there are
# 2·2·2 places:

print(conv(cube).detach())

# %%
# Each axis follows the same formula, independently of the others:
#
# .. math:: D_{out} = D - K_D + 1
#
# and so on for H and W; ``kernel_size``, ``stride``, ``padding`` and ``dilation`` each take three
# numbers.
#
# A filter that sees motion
# -------------------------
#
# A kernel of (2, 1, 1) looks at one pixel in two frames. With the weights −1 and 1 it gives the
# later frame minus the earlier one: zero where nothing happens. Here are four frames in which a
# bright spot moves from left to right:

video = torch.zeros(1, 1, 4, 3, 4)
for time in range(4):
    video[0, 0, time, 1, time] = 9.0
motion = nn.Conv3d(1, 1, kernel_size=(2, 1, 1), bias=False)
with torch.no_grad():
    motion.weight.copy_(torch.tensor([-1.0, 1.0]).reshape(1, 1, 2, 1, 1))
draw.layer(motion, video, at=(0, 0, 0, 1, 1))

# %%
# In each difference the spot is −9 where it left and 9 where it came:

print(motion(video)[0, 0, :, 1].int())

# %%
# What it costs
# -------------
#
# A kernel of 3×3×3 has 27 weights where 3×3 has 9, and it runs at every slice. Many networks for
# video therefore split it: first (1, 3, 3) within each frame, then (3, 1, 1) along time. From 16
# channels to 16 on 8 frames of 32×32:

import convdocs

clip = torch.empty(1, 16, 8, 32, 32)
whole = nn.Conv3d(16, 16, kernel_size=3, padding=1, bias=False)
split = nn.Sequential(
    nn.Conv3d(16, 16, kernel_size=(1, 3, 3), padding=(0, 1, 1), bias=False),
    nn.Conv3d(16, 16, kernel_size=(3, 1, 1), padding=(1, 0, 0), bias=False),
)
for name, net in {"whole": whole, "split": split}.items():
    trace = convdocs.trace(net, clip)
    print(f"{name}: {trace.params:,} weights, {trace.macs:,} MACs")

# %%
# It takes 12 taps instead of 27.
#
# Check it
# --------
#
# A 3-D convolution is a sum of 2-D ones, one for each slice of the kernel. And the split costs
# twelve taps where the whole costs 27:

layer = nn.Conv3d(2, 3, kernel_size=(3, 2, 2), bias=False)
volume = torch.randn(1, 2, 6, 5, 5)
out = layer(volume)
for depth in range(out.shape[2]):
    by_slice = 0
    for tap in range(3):
        by_slice = by_slice + F.conv2d(volume[:, :, depth + tap], layer.weight[:, :, tap])
    assert torch.allclose(out[:, :, depth], by_slice, atol=1e-6)
assert convdocs.trace(split, clip).macs * 27 == convdocs.trace(whole, clip).macs * 12
print("Conv3d = the sum of a Conv2d for each slice: 4 output slices agree")
