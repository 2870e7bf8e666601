"""
A small CNN that reads digits
=============================

After this page you can train a small network on real images, see what its filters pick out before
and after, and check its answers on images it has not seen.
"""

# %%
# scikit-learn comes with 1,797 handwritten digits, each 8×8 pixels with 17 shades of grey (E.
# Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998). As a tensor they are (N,
# C, H, W) = (1797, 1, 8, 8). Every fifth image is set aside for the test at the end.

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(data.target)
aside = torch.arange(len(images)) % 5 == 0
print(images.shape, "of them", int(aside.sum()), "aside")

# %%
# The network
# -----------
#
# Two convolutions look for strokes, two pools halve the image, and a linear layer weighs what was
# found. With the seed, the network starts from the same weights each time.

import convdocs

torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 8, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(8, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Flatten(),
    nn.Linear(16 * 2 * 2, 10),
)
trace = convdocs.trace(net, images[:1])
trace

# %%
# The 64 that the linear layer takes is in the table, in the row of ``Flatten``: 16 channels of 2×2
# cells each.

from convdocs import draw

draw.stack(trace)

# %%
# Before
# ------
#
# Here is a zero, and what the first layer makes of it with its random weights: eight filters give
# eight maps.

zero = images[:1]
draw.feature_maps(
    net[0],
    zero,
    title="Before training",
    caption="Random filters: most maps are a pale copy of the digit.",
)

# %%
# Training
# --------
#
# Show the network 64 digits, compare its answers with the labels, and move each weight a little
# against its gradient. Go through all digits fifteen times:


def accuracy():
    with torch.no_grad():
        answers = net(images[aside]).argmax(dim=1)
    return (answers == labels[aside]).float().mean().item()


before = accuracy()
train, target = images[~aside], labels[~aside]
optimizer = torch.optim.Adam(net.parameters(), lr=0.005)
for epoch in range(15):
    for batch in torch.randperm(len(train)).split(64):
        loss = F.cross_entropy(net(train[batch]), target[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        print(f"after {epoch + 1:2} rounds: {accuracy():.1%} right")

# %%
# After
# -----
#
# Here is the same zero, after the same layer with the weights it has learned:

# sphinx_gallery_thumbnail_number = 3
draw.feature_maps(
    net[0],
    zero,
    title="After training",
    caption="Each filter has found something of its own: strokes, edges, the inside of the loop.",
)

# %%
# The numbers beside the bars, at which a map has its full colour, have grown, and the maps differ
# more from each other. Map 2 follows the whole stroke. Map 4 is blue along the upper side
# of each horizontal stroke and orange along its lower side. Nobody told filter 4 to look for edges.
# The weights of all eight:

draw.filters(net[0], title="The eight learned filters")

# %%
# And those of number 4 in figures, with the sums of its rows:

with torch.no_grad():
    for row in net[0].weight[4, 0]:
        print(" ".join(f"{weight:6.2f}" for weight in row), f"  sum {row.sum():5.2f}")

# %%
# Positive above, negative below: this is roughly the kernel for horizontal edges of
# :doc:`edges_and_blur`, with its sign reversed.
#
# Check it
# --------
#
# On digits that it had never seen, the network started by guessing. Now:

after = accuracy()
assert aside.sum() == 360
assert before < 0.3
assert after > 0.95
assert net[0].weight[4, 0, 0].sum() > 0 > net[0].weight[4, 0, 2].sum()
print(f"right on 360 unseen digits: {before:.1%} before, {after:.1%} after")
