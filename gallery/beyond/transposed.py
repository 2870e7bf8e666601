"""
Transposed convolution and its checkerboard
===========================================

After this page you can say what a transposed convolution computes, and pick a kernel that leaves
no checkerboard.
"""

# %%
# A convolution gathers: many input cells make one output cell. A transposed convolution spreads:
# each input cell stamps the whole kernel into the output, times its own value, and where stamps
# overlap, they add up. ``stride`` is how far apart the stamps are.

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.tensor([[[1.0, 2.0, 3.0]]])
up = nn.ConvTranspose1d(1, 1, kernel_size=3, stride=2, bias=False)
with torch.no_grad():
    up.weight.copy_(torch.tensor([[[1.0, 10.0, 100.0]]]))
draw.layer(up, x, at=(0, 0, 2))

# %%
# The picture shows the same from the output's side. The input is spread out, with holes between its
# cells, and an ordinary window gathers from it; for that the kernel has to be flipped. Output
# cell 2 gets 100·1, the last tap of the first stamp, and 1·2, the first tap of the second. Stamp by
# stamp:

for place, value in enumerate([1, 2, 3]):
    stamp = torch.zeros(7, dtype=torch.int)
    stamp[2 * place : 2 * place + 3] = value * torch.tensor([1, 10, 100])
    print(stamp.tolist())
print(up(x)[0, 0].int().tolist(), "the sum")

# %%
# Three cells became seven:
#
# .. math:: L_{out} = (L - 1) \cdot S + K
#
# The first stamp takes K cells; each further one adds S. ``padding`` works the other way round
# here: it cuts that many cells *off* at either end.
#
# The checkerboard
# ----------------
#
# Look at how many stamps fall on each cell. With an input of ones and weights of one, that number
# is the output:

for kernel in (2, 3, 4):
    ones = nn.ConvTranspose1d(1, 1, kernel_size=kernel, stride=2, bias=False)
    nn.init.ones_(ones.weight)
    print(f"kernel {kernel}:", ones(torch.ones(1, 1, 5))[0, 0].int().tolist())

# %%
# A kernel of 3 in steps of 2 covers every other cell twice. In two directions, that gives cells
# with 1, 2 and 4 stamps, side by side:

board = nn.ConvTranspose2d(1, 1, kernel_size=3, stride=2, bias=False)
nn.init.ones_(board.weight)
draw.layer(board, torch.ones(1, 1, 4, 4), at=(0, 0, 2, 2))

# %%
# This is the pattern seen in pictures that networks paint. The weights can learn to make up for it,
# but they start out with it, and nothing forces them to.
#
# There are two ways out:
#
# - **A kernel that the stride divides**: 2 or 4 for a stride of 2. Away from the edges each cell
#   then gets the same number of stamps, as the kernel of 4 above shows.
# - **Make it larger first, then convolve**: ``nn.Upsample`` followed by an ordinary layer. An
#   ordinary layer reads the same number of cells everywhere.

smooth = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 3, bias=False))
nn.init.ones_(smooth[1].weight)
print(smooth(torch.ones(1, 1, 4, 4))[0, 0].int())

# %%
# Not an inverse
# --------------
#
# "Deconvolution" is a misleading name. A transposed convolution brings back the *shape* that a
# convolution took away, but not the numbers. Here are the same weights, down and up again:

down = nn.Conv1d(1, 1, kernel_size=3, stride=2, bias=False)
down.load_state_dict(up.state_dict())
signal = torch.arange(7.0).reshape(1, 1, 7)
print(signal[0, 0].int().tolist())
print(up(down(signal))[0, 0].int().tolist())

# %%
# It is called transposed because of its matrix: write the convolution as one, swap rows and
# columns, and you have this layer. :doc:`matrix` does that.
#
# Point at it
# -----------
#
# An output cell shows the input cells that reach it; an input cell shows the patch that it paints.
#
# .. conv-explorer:: ConvTranspose2d(1, 1, 3, stride=2, bias=False)
#    :size: 3x3
#    :controls: basic
#
# Check it
# --------
#
# A transposed convolution computes the gradient of a convolution with respect to its input. So
# PyTorch can check itself:

for kernel, stride, padding in [(3, 2, 0), (4, 2, 1), (5, 3, 2), (2, 2, 0)]:
    weight = torch.randn(2, 3, kernel, kernel)  # 3 channels to 2, or 2 to 3
    small = torch.randn(1, 2, 4, 4)
    large = F.conv_transpose2d(small, weight, stride=stride, padding=padding)
    image = torch.zeros_like(large, requires_grad=True)
    F.conv2d(image, weight, stride=stride, padding=padding).backward(small)
    assert torch.allclose(large, image.grad, atol=1e-5)

inside = board(torch.ones(1, 1, 4, 4))[0, 0, 1:-1, 1:-1]
assert inside.unique().tolist() == [1, 2, 4]
assert smooth(torch.ones(1, 1, 4, 4)).unique().tolist() == [9]
print("transposed convolution = gradient of the convolution: 4 cases agree")
