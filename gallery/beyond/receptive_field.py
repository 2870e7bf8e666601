"""
The receptive field
===================

After this page you can say which input cells a number deep inside a network depends on, and work
out the size of that field on paper.
"""

# %%
# Here are three small layers on an image of 12×12. Each output cell is computed from a square of
# the image, its *receptive field*. The picture follows one output cell back, layer by layer:

import torch
import torch.nn as nn

import convdocs
from convdocs import draw

net = nn.Sequential(
    nn.Conv2d(1, 1, kernel_size=3),
    nn.MaxPool2d(2),
    nn.Conv2d(1, 1, kernel_size=3),
)
trace = convdocs.trace(net, torch.empty(1, 1, 12, 12))
draw.receptive_field(trace, at=(1, 1))

# %%
# On paper
# --------
#
# Follow two numbers from the input to the output. The *size* r is how many cells the field has. The
# *step* j is the distance, in input cells, between two neighbouring cells of this layer. Both start
# at 1. A layer with kernel K and stride S makes
#
# .. math:: r \leftarrow r + (K - 1) \cdot j \qquad j \leftarrow j \cdot S
#
# Each layer adds its kernel minus one, *in steps of its input*. That is why an early pool makes all
# later layers see further. Padding does not affect the size. By hand, and by ``trace``:

size, step = 1, 1
for call, (kernel, stride) in zip(trace.calls, [(3, 1), (2, 2), (3, 1)], strict=True):
    size, step = size + (kernel - 1) * step, step * stride
    field = call.receptive_field[0]
    print(f"{call.kind:9} by hand {size, step}, traced {field.size, field.stride}")

# %%
# The table of the trace has it as a column:

trace

# %%
# The middle counts more
# ----------------------
#
# Not all cells of the field count the same. Set all weights of three layers of 3 to 1, and the
# gradient of one output cell counts the paths on which each input cell reaches it:

deep = nn.Sequential(*[nn.Conv1d(1, 1, kernel_size=3, bias=False) for _ in range(3)])
for layer in deep:
    nn.init.ones_(layer.weight)
signal = torch.zeros(1, 1, 7, requires_grad=True)
deep(signal).sum().backward()
print(signal.grad[0, 0].int().tolist())

# %%
# There are 27 paths in all, 7 of them from the middle and 1 from either end. With more layers, the
# curve comes to look like a bell. What a network *really* uses is smaller than its field.
#
# Small kernels, deep networks
# ----------------------------
#
# Three layers of 3 see 7 cells with 9 weights, where one layer of 7 takes 7 weights. In two
# directions the balance tips: 3·9 = 27 weights against 49, and two more nonlinearities on the way.
# VGG was built on this. Here are its blocks, as deep as VGG-16, to the last pool:


def vgg(widths):
    layers, channels = [], 3
    for width in widths:
        if width == "pool":
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.ReLU()]
            channels = width
    return nn.Sequential(*layers)


plan = [64, 64, "pool", 128, 128, "pool"]
for width in (256, 512, 512):
    plan += [width, width, width, "pool"]
with torch.device("meta"):
    vgg16 = vgg(plan)
deep_trace = convdocs.trace(vgg16, torch.empty(1, 3, 224, 224))
pools = [call for call in deep_trace.calls if call.kind == "MaxPool2d"]
fields = [pool.receptive_field[0] for pool in pools]
print([(field.size, field.stride) for field in fields])

# %%
# After the last pool, one cell sees 212 of 224 pixels, and its neighbour a field 32 pixels further.
# Here is what the middle cell sees after the fourth pool, on a photograph (of Grace Hopper, by the
# United States Navy; :doc:`edges_and_blur` says more):

from matplotlib import cbook, image

with cbook.get_sample_data("grace_hopper.jpg") as file:
    pixels = torch.tensor(image.imread(file, format="jpg")).permute(2, 0, 1) / 255
photo = torch.nn.functional.avg_pool2d(pixels, 2)[:, :224, 16:240]
# sphinx_gallery_thumbnail_number = 2
draw.receptive_field(
    deep_trace,
    of=pools[3].path,
    image=photo,
    title="VGG-16, up to its fourth pool",
    caption="One cell after the fourth pool of VGG-16 sees 100 by 100 pixels: the face.",
)

# %%
# Here is the whole way as curves. Sizes halve at each pool, and the channels double until they are
# 512; between two pools the field grows in even steps, which are twice as long after each pool:

draw.curve(
    deep_trace,
    title="VGG-16, layer by layer",
    caption="At each pool the size halves; after it the receptive field grows twice as fast.",
)

# %%
# Check it
# --------
#
# The gradient says which cells really matter. The formula says 8 by 8 cells, starting at row 2 and
# column 2; no cell outside may have a gradient:

for module in net:
    if isinstance(module, nn.Conv2d):
        nn.init.ones_(module.weight)
# an average pool has the field of a max pool, and passes on all its cells
average = nn.Sequential(net[0], nn.AvgPool2d(2), net[2])
x = torch.zeros(1, 1, 12, 12, requires_grad=True)
average(x)[0, 0, 1, 1].backward()
rows, columns = x.grad[0, 0].nonzero(as_tuple=True)
assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 9, 2, 9)
assert trace.calls[-1].receptive_field[0].size == 8
assert signal.grad.flatten().tolist() == [1, 3, 6, 7, 6, 3, 1]
assert [field.size for field in fields] == [6, 16, 44, 100, 212]
print("cells with a gradient: rows 2 to 9, columns 2 to 9, as the formula says")
