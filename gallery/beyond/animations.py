"""
Convolutions that move
======================

After this page you can tell the settings of a convolution apart by the way its window walks, and
work out the output size of each of eighteen examples.
"""

# %%
# Which grid is the input?
# ------------------------
#
# The settings are those of V. Dumoulin and F. Visin, *A guide to convolution arithmetic for deep
# learning* (2016), whose moving pictures many people know. Here each grid bears its name:
# input, weight or output. The input holds the numbers 0, 1, 2 and so on; all weights are 1.
#
# Nothing moves until you want it to. Step with the arrows below a picture or with the slider, or
# let it play. :func:`draw.animate <convdocs.draw.animate>` makes such a player for a layer of your
# own, and its ``save`` method makes a GIF.

import torch
import torch.nn as nn
import torch.nn.functional as F

import convdocs
from convdocs import draw


def ones(layer):
    """The layer, with weights of 1."""
    for weight in layer.parameters():
        nn.init.ones_(weight)
    return layer


def count(*sizes):
    """One image or signal with the numbers 0, 1, 2 and so on."""
    return torch.arange(float(torch.Size(sizes).numel())).reshape(1, 1, *sizes)


# %%
# Convolutions
# ------------

# %%
# No padding
# ~~~~~~~~~~
#
# The window of 3 has two places along each axis of 4: 4 − 3 + 1 = 2.

draw.animate(ones(nn.Conv2d(1, 1, 3, bias=False)), count(4, 4))

# %%
# Padding of any width
# ~~~~~~~~~~~~~~~~~~~~
#
# Two zeros at either end of 5 cells, a window of 4: 5 + 2·2 − 4 + 1 = 6.

draw.animate(ones(nn.Conv2d(1, 1, 4, padding=2, bias=False)), count(5, 5))

# %%
# Half padding: the size stays
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~
#
# With an odd window of 3, one zero at either end gives 5 + 2 − 3 + 1 = 5. ``padding="same"`` works
# that out: see :doc:`same`.

draw.animate(ones(nn.Conv2d(1, 1, 3, padding=1, bias=False)), count(5, 5))

# %%
# Full padding
# ~~~~~~~~~~~~
#
# With K − 1 = 2 zeros at either end, every window that touches the input at all has a place: 5 + 4
# − 3 + 1 = 7.

draw.animate(ones(nn.Conv2d(1, 1, 3, padding=2, bias=False)), count(5, 5))

# %%
# Stride
# ~~~~~~
#
# In steps of 2: (5 − 3)/2 + 1 = 2. See :doc:`stride`.

draw.animate(ones(nn.Conv2d(1, 1, 3, stride=2, bias=False)), count(5, 5))

# %%
# Padding and stride
# ~~~~~~~~~~~~~~~~~~
#
# (5 + 2 − 3)/2 + 1 = 3.

draw.animate(ones(nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False)), count(5, 5))

# %%
# Padding and stride, an even size
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
#
# (6 + 2 − 3)/2 = 2.5 is rounded down, and 2 + 1 = 3 again. The padding below and on the right is
# never read.

draw.animate(ones(nn.Conv2d(1, 1, 3, stride=2, padding=1, bias=False)), count(6, 6))

# %%
# Dilation
# ~~~~~~~~
#
# The taps of the window are two cells apart and reach over 5: 7 − 5 + 1 = 3. See
# :doc:`dilation`.

draw.animate(ones(nn.Conv2d(1, 1, 3, dilation=2, bias=False)), count(7, 7))

# %%
# Transposed convolutions
# -----------------------
#
# Each goes back to the size that the one above came from.

# %%
# No padding, transposed
# ~~~~~~~~~~~~~~~~~~~~~~
#
# Back from 2 to 4. A transposed convolution can be drawn as a plain one, with zeros around the
# input: K − 1 = 2 of them at either end. (The kernel is flipped.)

draw.animate(ones(nn.ConvTranspose2d(1, 1, 3, bias=False)), count(2, 2))

# %%
# Padding of any width, transposed
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
#
# ``padding=2`` takes zeros away here: K − 1 − 2 = 1 is left at either end. From 6 to 5.

draw.animate(ones(nn.ConvTranspose2d(1, 1, 4, padding=2, bias=False)), count(6, 6))

# %%
# Half padding, transposed
# ~~~~~~~~~~~~~~~~~~~~~~~~
#
# From 5 to 5.

draw.animate(ones(nn.ConvTranspose2d(1, 1, 3, padding=1, bias=False)), count(5, 5))

# %%
# Full padding, transposed
# ~~~~~~~~~~~~~~~~~~~~~~~~
#
# No zeros are left. From 7 to 5.

draw.animate(ones(nn.ConvTranspose2d(1, 1, 3, padding=2, bias=False)), count(7, 7))

# %%
# Stride, transposed
# ~~~~~~~~~~~~~~~~~~
#
# A stride of 2 spreads the input, with a hole between every two cells. The window moves in steps
# of 1. From 2 to 5.

draw.animate(ones(nn.ConvTranspose2d(1, 1, 3, stride=2, bias=False)), count(2, 2))

# %%
# Padding and stride, transposed
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
#
# From 3 to 5.

draw.animate(
    ones(nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1, bias=False)),
    count(3, 3),
)

# %%
# Padding and stride, transposed, an even size
# ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
#
# ``output_padding=1`` adds a row and a column at the end: from 3 to 6. See :doc:`output_padding`.

draw.animate(
    ones(nn.ConvTranspose2d(1, 1, 3, 2, padding=1, output_padding=1, bias=False)),
    count(3, 3),
)

# %%
# Dilation, transposed
# ~~~~~~~~~~~~~~~~~~~~
#
# From 3 back to 7.

draw.animate(ones(nn.ConvTranspose2d(1, 1, 3, dilation=2, bias=False)), count(3, 3))

# %%
# One axis
# --------

# %%
# Along one axis
# ~~~~~~~~~~~~~~
#
# A sequence of 6 cells has 4 places for a window of 3.

draw.animate(ones(nn.Conv1d(1, 1, 3, bias=False)), count(6))

# %%
# Causal
# ~~~~~~
#
# All the padding is in front: the last tap is on the present, and no output cell reads what
# comes later. The two zeros in front were added with ``pad``. See :doc:`causal`.

signal = F.pad(count(6), (2, 0))
draw.animate(ones(nn.Conv1d(1, 1, 3, bias=False)), signal)

# %%
# Check it
# --------
#
# Here are the sizes on this page, as the guide's figures have them: kernel, settings, input and
# output. A transposed layer with the same settings goes from the output back to the input.

sizes = [
    (3, {}, 4, 2),
    (4, {"padding": 2}, 5, 6),
    (3, {"padding": 1}, 5, 5),
    (3, {"padding": 2}, 5, 7),
    (3, {"stride": 2}, 5, 2),
    (3, {"stride": 2, "padding": 1}, 5, 3),
    (3, {"stride": 2, "padding": 1}, 6, 3),
    (3, {"dilation": 2}, 7, 3),
]
for kernel, settings, before, after in sizes:
    down = ones(nn.Conv2d(1, 1, kernel, bias=False, **settings))
    up = ones(nn.ConvTranspose2d(1, 1, kernel, bias=False, **settings))
    assert down(count(before, before)).shape == (1, 1, after, after)
    back = up(count(after, after), output_size=(before, before))
    assert back.shape == (1, 1, before, before)
layer = ones(nn.Conv2d(1, 1, 3, bias=False))
first = convdocs.explain(layer, count(4, 4), at=(0, 0, 0, 0))
assert first.value == 0 + 1 + 2 + 4 + 5 + 6 + 8 + 9 + 10
print("eight settings, there and back: 16 sizes agree")
