"""
Edge and blur kernels on a photograph
=====================================

After this page you can blur, sharpen and find edges with a convolution whose nine numbers you
wrote yourself.
"""

# %%
# The photograph is of Grace Hopper, who wrote one of the first compilers. It is the United States
# Navy's official portrait of January 1984 (Naval History and Heritage Command, public domain), and
# comes with matplotlib. We turn it grey with the usual weights for red, green and blue, and take
# the mean of each square of 5×5 pixels.

import torch
import torch.nn as nn
import torch.nn.functional as F
from matplotlib import cbook, image

with cbook.get_sample_data("grace_hopper.jpg") as file:
    pixels = torch.tensor(image.imread(file, format="jpg")) / 255
grey = pixels @ torch.tensor([0.299, 0.587, 0.114])
photo = F.avg_pool2d(grey[None, None], 5)
print("(N, C, H, W) =", tuple(photo.shape))

# %%
# Three kernels of 3×3 make one layer with one input channel and three output channels. The padding
# repeats the border, so that no edge is found where the picture ends.

edge_kernels = {
    "vertical edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "all edges": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
}


def layer(*kernels):
    size = len(kernels)
    conv = nn.Conv2d(1, size, 3, padding=1, padding_mode="replicate", bias=False)
    weight = torch.tensor(kernels, dtype=torch.float).reshape(size, 1, 3, 3)
    conv.load_state_dict({"weight": weight})
    return conv.requires_grad_(False)


from convdocs import draw

edges = layer(*edge_kernels.values())
names = list(edge_kernels)
draw.feature_maps(
    edges,
    photo,
    names=names,
    title="Three edge filters",
    caption="Where the picture does not change, a filter for edges answers 0: its map is blank.",
)

# %%
# Blue is below zero, orange above. The first map shows the sides of the face and the stripes of the
# flag, the second the brim of the cap, the third every fine line.
#
# Blur, and look again
# --------------------
#
# This kernel takes a mean of nine pixels in which the middle one counts four times. Six rounds of
# it make a soft picture, and most of the lines are gone. The bar above each map says at which
# number it has its full colour; these numbers are much smaller now:

blur = layer([[1 / 16, 2 / 16, 1 / 16], [2 / 16, 4 / 16, 2 / 16], [1 / 16, 2 / 16, 1 / 16]])
soft = photo
for _ in range(6):
    soft = blur(soft)
draw.feature_maps(
    edges,
    soft,
    names=names,
    title="The same filters on the soft picture",
    caption="A blurred picture has wide, weak edges; the fine lines are gone.",
)

# %%
# Sharpen
# -------
#
# Sharpening does the opposite: it takes five times the pixel, minus its four neighbours. Each edge
# gets steeper. What is darker than black or brighter than white is clipped:

sharpen = layer([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
sharp = sharpen(photo).clamp(0, 1)
draw.feature_maps(
    edges,
    sharp,
    names=names,
    title="The same filters on the sharp picture",
    caption="A sharpened picture answers strongly, above all to the filter for all edges.",
)

# %%
# In numbers, this is the mean size of the answers of "all edges":

for name, picture in {"soft": soft, "photo": photo, "sharp": sharp}.items():
    print(f"{name:6} {edges(picture)[0, 2].abs().mean():.3f}")

# %%
# In colour
# ---------
#
# A colour picture has three input channels. A kernel of 1×1 for each of red, green and blue mixes
# them at each pixel: this layer asks how much *more* of its colour a pixel has than of the others.

scene = draw.landscape()
colours = nn.Conv2d(3, 3, kernel_size=1, bias=False)
with torch.no_grad():
    colours.weight.copy_((1.5 * torch.eye(3) - 0.5).reshape(3, 3, 1, 1))
draw.feature_maps(
    colours,
    scene,
    names=["redder", "greener", "bluer"],
    title="One filter for each colour",
    caption="The roof is red, hills and tree are green, sky and pond are blue.",
)

# %%
# How a kernel does it
# --------------------
#
# Look at one number. In this small picture a dark area meets a bright one. The kernel for vertical
# edges takes what is to the right of the cell minus what is to its left:

step = torch.tensor([0.0, 0.0, 0.0, 9.0, 9.0, 9.0]).expand(1, 1, 5, 6)
edge = nn.Conv2d(1, 1, kernel_size=3, bias=False)
edge.load_state_dict({"weight": edges.weight[:1]})
draw.layer(edge, step, at=(0, 0, 1, 1))

# %%
# It is 36 at the edge and 0 elsewhere. Two simple sums show what a kernel is for:
#
# - **Weights that add up to 1** keep the brightness. An even area stays as it is: blur, sharpen.
# - **Weights that add up to 0** see differences only. An even area becomes 0: the edges.

for conv in (blur, sharpen, edges):
    print(conv.weight.sum(dim=(1, 2, 3)).tolist())

# %%
# The kernels for vertical and horizontal edges are named after Irwin Sobel. Together they give the
# strength of an edge, whatever its direction:

vertical, horizontal = edges(photo)[0, :2]
strength = (vertical**2 + horizontal**2).sqrt()
print(f"strongest edge {strength.max():.2f}, typical {strength.median():.2f}")

# %%
# A blur is two blurs
# -------------------
#
# The blur kernel is a column times a row. Blur along the height, then along the width, and you need
# 3 + 3 weights instead of 9. A kernel can be split in this way if its matrix has rank 1:

for name, conv in {"blur": blur, "sharpen": sharpen, "edges": edges}.items():
    print(f"{name:7}", torch.linalg.matrix_rank(conv.weight[:, 0]).tolist())

# %%
# A network is not given kernels; it learns them. :doc:`One that reads digits <digits>` finds an
# edge kernel by itself.
#
# Check it
# --------
#
# The blur against its two halves, and the two sums on an even area:

line = torch.tensor([1.0, 2.0, 1.0]) / 4
column, row = line.reshape(1, 1, 3, 1), line.reshape(1, 1, 1, 3)
twice = F.conv2d(F.conv2d(photo, column), row)
assert torch.allclose(blur(photo)[..., 1:-1, 1:-1], twice, atol=1e-6)

even = torch.full((1, 1, 8, 8), 0.5)
assert torch.allclose(blur(even), even)
assert torch.allclose(sharpen(even), even)
assert edges(even).count_nonzero() == 0
assert edge(step)[0, 0, 1].tolist() == [0, 36, 36, 0]
print("blur = a column, then a row; even areas: blur and sharpen keep them, edges give 0")
