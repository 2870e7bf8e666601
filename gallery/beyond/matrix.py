"""
A convolution as a matrix
=========================

After this page you can write a convolution as one matrix, and read off it what padding, stride,
sharing of weights and transposition mean.
"""

# %%
# A convolution multiplies and adds, so without its bias it is a matrix, like any linear layer. Each
# row makes one output cell; each column belongs to one input cell. For a kernel of 3 over 6 cells:

import torch
import torch.nn as nn

from convdocs import draw

conv = nn.Conv1d(1, 1, kernel_size=3, bias=False)
with torch.no_grad():
    conv.weight.copy_(torch.tensor([[[1.0, 2.0, 3.0]]]))
draw.matrix(conv, (1, 6))

# %%
# Each row has the same three numbers, one step further to the right. You can see what makes this
# layer different from ``nn.Linear(6, 4)``:
#
# - half of it is zero, and in larger ones nearly all of it: a cell looks at its neighbours only;
# - the rest repeats: there are 3 weights instead of 24.
#
# The matrix without a picture
# ----------------------------
#
# Column j of a matrix is what it makes of the unit vector j. So give the layer all unit vectors, as
# a batch:

matrix = conv(torch.eye(6).unsqueeze(1)).squeeze(1).T.detach()
print(matrix.int())

# %%
# Padding cuts, stride skips
# --------------------------
#
# Padding adds rows at the top and at the bottom whose numbers are partly cut off, because the
# padded cells have no column:

padded = nn.Conv1d(1, 1, kernel_size=3, padding=1, bias=False)
padded.load_state_dict(conv.state_dict())
draw.matrix(padded, (1, 6))

# %%
# A stride of 2 keeps every other row:

halved = nn.Conv1d(1, 1, kernel_size=3, padding=1, stride=2, bias=False)
halved.load_state_dict(conv.state_dict())
draw.matrix(halved, (1, 6))

# %%
# In two directions
# -----------------
#
# Number the cells of the image row by row and do the same. An image of 3×3 becomes 9 columns and an
# output of 2×2 becomes 4 rows. The band breaks in two, one piece for each row of the kernel:

conv2d = nn.Conv2d(1, 1, kernel_size=2, bias=False)
with torch.no_grad():
    conv2d.weight.copy_(torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]))
draw.matrix(conv2d, (1, 3, 3))

# %%
# Rows for columns
# ----------------
#
# Swap rows and columns, and you have the matrix of ``ConvTranspose1d`` with the same weights; hence
# its name. It is also the matrix that carries gradients back: see :doc:`gradient`.

back = nn.ConvTranspose1d(1, 1, kernel_size=3, bias=False)
back.load_state_dict(conv.state_dict())
draw.matrix(back, (1, 4))

# %%
# Nobody computes convolutions this way. For an image of 224×224 pixels and an output of the same
# size, the matrix would have this many entries, nearly all of them zero:

print(f"{(224 * 224) ** 2:,}")

# %%
# :doc:`im2col` shows the matrix that *is* used.
#
# Check it
# --------
#
# The matrix times the signal is the layer, and its transpose is the transposed layer. In two
# directions and with a stride as well:

signal = torch.randn(6)
by_layer = conv(signal.reshape(1, 1, 6)).flatten()
assert torch.allclose(matrix @ signal, by_layer, atol=1e-6)
small = torch.randn(4)
by_layer = back(small.reshape(1, 1, 4)).flatten()
assert torch.allclose(matrix.T @ small, by_layer, atol=1e-6)

layer = nn.Conv2d(1, 1, kernel_size=3, stride=2, bias=False)
whole = layer(torch.eye(49).reshape(49, 1, 7, 7)).flatten(1).T
image = torch.randn(1, 1, 7, 7)
by_layer = layer(image).flatten()
assert torch.allclose(whole @ image.flatten(), by_layer, atol=1e-6)
transposed = nn.ConvTranspose2d(1, 1, kernel_size=3, stride=2, bias=False)
transposed.load_state_dict(layer.state_dict())
small = torch.randn(1, 1, 3, 3)
by_layer = transposed(small).flatten()
assert torch.allclose(whole.T @ small.flatten(), by_layer, atol=1e-6)
print("matrix × signal = Conv, its transpose × signal = ConvTranspose: all agree")
