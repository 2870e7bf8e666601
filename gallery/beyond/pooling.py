"""
Pooling and ceil_mode
=====================

After this page you can say what a pool does at the end of an axis that it doesn't divide evenly,
and what it takes the padding for.
"""

# %%
# A max pool keeps the largest number under its window. ``MaxPool1d(2)`` takes its cells two by two:
# unless you give a stride, it is the length of the kernel.

import torch
import torch.nn as nn

from convdocs import draw

x = torch.tensor([[[3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0]]])
draw.layer(nn.MaxPool1d(2), x, at=(0, 0, 2))

# %%
# Seven cells make three pairs. No window reads the last cell, the 2. ``ceil_mode=True`` rounds the
# number of windows up instead of down, and lets the last window reach past the end:

draw.layer(nn.MaxPool1d(2, ceil_mode=True), x, at=(0, 0, 3))

# %%
# What lies outside does not count: the largest of one number is that number.

print(nn.MaxPool1d(2)(x))
print(nn.MaxPool1d(2, ceil_mode=True)(x))

# %%
# The length
# ----------
#
# With P cells of padding at either end, K taps and steps of S:
#
# .. math:: L_{out} = \frac{L + 2P - K}{S} + 1
#
# rounded down, or with ``ceil_mode`` rounded up. Rounding up has an exception that is easy to miss:
# **a last window that would start in the padding behind the input is dropped**, because it would
# read nothing. Take five cells, P = 1, K = 2, S = 2:

five = torch.arange(1.0, 6.0).reshape(1, 1, 5)
for ceil_mode in (False, True):
    pool = nn.MaxPool1d(2, padding=1, ceil_mode=ceil_mode)
    print(ceil_mode, pool(five)[0, 0].tolist())

# %%
# (5 + 2 − 2)/2 + 1 = 3.5, so 3 rounded down and 4 rounded up. The fourth window would start at cell
# 5, behind the last real cell, which is cell 4. It is dropped, and both pools have three numbers.
#
# What the padding counts as
# --------------------------
#
# A max pool pads with minus infinity. If it padded with zeros, an input of negative numbers would
# come out as zero at its edges:

negative = -five
print(nn.MaxPool1d(3, stride=1, padding=1)(negative)[0, 0].tolist())

# %%
# An average pool pads with zeros, *and counts them*: the sum is divided by the kernel's length.
# With ``count_include_pad=False`` it divides by the number of real cells.

draw.layer(nn.AvgPool1d(3, stride=1, padding=1), five, at=(0, 0, 0))

# %%
# The first window holds a padded zero, 1 and 2. Counted, that is 3/3 = 1; not counted, 3/2 = 1.5:

for count in (True, False):
    pool = nn.AvgPool1d(3, stride=1, padding=1, count_include_pad=count)
    print(count, pool(five)[0, 0].tolist())

# %%
# Cells past the padding, which ``ceil_mode`` may reach, are never counted.
#
# In two directions
# -----------------
#
# Here is an image of 4×4, cut into four squares. Each axis is rounded by itself.

image = torch.arange(16.0).reshape(1, 1, 4, 4)
draw.layer(nn.AvgPool2d(2), image, at=(0, 0, 1, 0))

# %%
# And here is the largest number of each square beside the mean:

draw.compare(
    nn.MaxPool2d(2),
    nn.AvgPool2d(2),
    image,
    at=(0, 0, 1, 0),
    caption="The same four squares: one pool keeps the largest number, the other the mean.",
)

# %%
# A pool has no weights, treats each channel by itself and never mixes samples. Give it the right
# number of axes, though: :doc:`MaxPool2d on a batch of sequences </gallery/cnn/pool_trap>` halves
# the channels without a warning.
#
# Point at it
# -----------
#
# Every output cell shows what it was made from.
#
# .. conv-explorer:: AvgPool1d(2, ceil_mode=True)
#    :size: 7
#    :controls: basic
#
# Check it
# --------
#
# The rule for the length, including its exception, holds for all these small pools:

import convdocs

cases = 0
for length in range(1, 12):
    for kernel in range(1, 6):
        for stride in range(1, 5):
            for padding in range(kernel // 2 + 1):
                room = length + 2 * padding - kernel
                if room < 0:
                    continue
                cells = -(-room // stride) + 1
                if (cells - 1) * stride >= length + padding:
                    cells -= 1
                pool = nn.MaxPool1d(kernel, stride, padding, ceil_mode=True)
                assert pool(torch.zeros(1, 1, length)).shape[-1] == cells
                cases += 1
assert nn.AvgPool1d(2, ceil_mode=True)(five)[0, 0, -1] == 5  # 5 / 1, not 5 / 2
assert convdocs.explain.reads(nn.MaxPool1d(2), (1, 1, 7), (0, 0, 6)) == ()
print(f"ceil_mode's length, worked out by hand, agrees in {cases} cases")
