"""
im2col: a convolution by Unfold
===============================

After this page you can compute a convolution with ``nn.Unfold`` and one matrix product, and say
what that costs in memory.
"""

# %%
# A convolution looks at many small patches of the image. ``nn.Unfold`` cuts out all of them and
# makes each a column. For an image of 3×3 with the numbers 0 to 8 and patches of 2×2, there are
# four columns of four numbers. This trick is called *im2col*, image to columns.

import torch
import torch.nn as nn

from convdocs import draw

image = torch.arange(9.0).reshape(1, 1, 3, 3)
unfold = nn.Unfold(kernel_size=2)
draw.layer(unfold, image, at=(0, 0, 1))

# %%
# Column 1 is the patch at the upper right: 1, 2, 4, 5.

columns = unfold(image)
print(columns.int())

# %%
# The shape is (N, C·K_H·K_W, patches). Cells in the middle of the image are in several patches, and
# so in several columns: 4 is in every one.
#
# One product
# -----------
#
# Write the weights of each filter as a row. Row times column is the sum of products that makes one
# output cell, and the matrix product makes all of them:

conv = nn.Conv2d(1, 1, kernel_size=2, bias=False)
conv.load_state_dict({"weight": torch.arange(4.0).reshape(1, 1, 2, 2)})
rows = conv.weight.flatten(1).detach()
print(rows)
print(rows @ columns)
print(conv(image).detach())

# %%
# These are the same four numbers, in a row. ``reshape`` makes an image of them again.
#
# Why would anyone do this? Because matrix products are what processors are best at. Many libraries
# have computed convolutions in this way.
#
# The price
# ---------
#
# The columns hold each pixel up to K·K times. For an image of 64 channels and a kernel of 3×3, that
# is nine times the memory:

channels = torch.empty(1, 64, 56, 56)
patches = nn.Unfold(kernel_size=3, padding=1)(channels)
print(f"image {channels.numel():,} numbers, columns {patches.numel():,}")

# %%
# And back
# --------
#
# ``nn.Fold`` puts the columns back, and *adds up* where patches overlap. So it doesn't undo
# ``Unfold``, unless you divide by how often each cell was read:

fold = nn.Fold(output_size=3, kernel_size=2)
often = fold(unfold(torch.ones_like(image)))
print(often[0, 0].int())
print((fold(columns) / often)[0, 0].int())

# %%
# The counts 1, 2 and 4 are the ones behind :doc:`the checkerboard <transposed>`: adding up patches
# is just what a transposed convolution does.
#
# Check it
# --------
#
# The product equals the layer, with several channels, stride, padding, dilation and bias:

settings = {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}
layer = nn.Conv2d(3, 5, **settings)
photo = torch.randn(2, 3, 10, 12)
out = layer(photo)
by_product = layer.weight.flatten(1) @ nn.Unfold(**settings)(photo)
by_product += layer.bias.unsqueeze(1)
assert torch.allclose(by_product.reshape(out.shape), out, atol=1e-5)
assert torch.equal(fold(columns) / often, image)
assert patches.numel() == 9 * channels.numel()
print("rows of weights × columns of patches = Conv2d, for", tuple(out.shape))
