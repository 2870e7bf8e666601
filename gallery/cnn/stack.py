"""
Six layers and their shapes
===========================

Four convolutions and two pools on a batch of sequences, with the shape after each step, as a
table and as a picture.
"""

# %%
# Why a stack
# -----------
#
# One convolution answers one question about each place: is there an edge, is this letter followed
# by that one? Whether there is a word, or a face, depends on how such answers are arranged. So the
# next layer slides over the answers of the first, and the next over those. Between them a pool
# makes the sequence shorter: each later window then reaches over more of the input, for less work.
# The channels usually grow on the way, from a few raw numbers at each place to many features.
# :doc:`/learn/stack` says more; here are six layers, one at a time.

import torch
import torch.nn as nn

# %%
# The notebook seeds the generator once, in :ref:`cell 17 <cell-17>`, and never again. So the
# numbers on this page depend on every draw made since then, those inside the four error cells
# included. To get the same digits, the same draws are made again here, in the same order, and
# thrown away.
#
# .. raw:: html
#
#    <details><summary>The eight draws</summary>

torch.manual_seed(42)
for shape in [
    (3, 4, 5),  # cell 17
    (3, 4, 5),  # cell 18
    (1, 3, 4, 5),  # cell 19
    (2, 3, 4, 5),
    (4, 5),  # cells 20 to 23, which raise after they have drawn
    (2, 3, 5, 6, 4, 5),
    (2, 4, 5),
    (3, 2, 2),
]:
    torch.randn(shape)

# %%
# .. raw:: html
#
#    </details>
#
# The input
# ---------
#
# Two sequences. Each has 7 cells, and each cell is described by 10 numbers: (N, C, L) = (2, 10,
# 7). The name ``one_hot_size`` is a hint at what such data is: text, where each letter is one of
# 10, written as a vector of 10 numbers.
#
# .. raw:: html
#
#    <details><summary>All 140 numbers</summary>
#
# .. _cell-26:

batch_size = 2
one_hot_size = 10
sequence_width = 7
input_data = torch.randn(batch_size, one_hot_size, sequence_width)
print("input_data")
print("-" * 80)
print(input_data.shape)
print("-" * 80)
print(input_data)

# %%
# .. raw:: html
#
#    </details>
#
# The notebook's own printout breaks off in the middle of a number. What is left of it equals the
# beginning of this one.
#
# Three convolutions
# ------------------
#
# The first one turns 10 channels into 16. One zero at either end keeps the length at 7.
#
# .. _cell-27:

conv1 = nn.Conv1d(in_channels=one_hot_size, out_channels=16, kernel_size=3, padding=1)
intermediate1 = conv1(input_data)
print("intermediate1")
print("-" * 80)
print(intermediate1.shape)

# %%
# The second has no padding. A filter of 3 has 5 places on 7 cells.
#
# .. _cell-28:

conv2 = nn.Conv1d(in_channels=16, out_channels=32, kernel_size=3)
intermediate2 = conv2(intermediate1)
print("intermediate2")
print("-" * 80)
print(intermediate2.shape)

# %%
# The third leaves the shape as it is.
#
# .. _cell-29:

conv3 = nn.Conv1d(in_channels=32, out_channels=32, kernel_size=3, padding=1)
intermediate3 = conv3(intermediate2)
print("intermediate3")
print("-" * 80)
print(intermediate3.shape)

# %%
# A pool
# ------
#
# A pool of 2 keeps the larger of two neighbours and so halves an axis. Before you read on: if (2,
# 32, 5) goes in, what should come out?
#
# .. _cell-30:

maxpool1 = nn.MaxPool2d(2)
intermediate4 = maxpool1(intermediate3)
print("intermediate4")
print("-" * 80)
print(intermediate4.shape)

# %%
# Not (2, 32, 2). The length was halved, and **so were the channels**: 32 became 16. The notebook
# uses ``MaxPool2d`` where ``MaxPool1d`` was meant. The pool has read the batch of 2 sequences as
# one image of 2 channels, 32 rows and 5 columns. There is no error and no warning.
# :doc:`The next page <pool_trap>` takes this apart.
#
# Here is what came out:
#
# .. raw:: html
#
#    <details><summary>All 64 numbers</summary>
#
# .. _cell-31:

intermediate4

# %%
# .. raw:: html
#
#    </details>
#
# Each of these numbers is the largest of four: two neighbouring cells in each of two neighbouring
# channels.
#
# The rest of the stack
# ---------------------
#
# The fourth convolution was built for 16 channels. It fits, and the mistake stays hidden.
#
# .. _cell-32:

conv4 = nn.Conv1d(in_channels=16, out_channels=24, kernel_size=3, padding=1)
intermediate5 = conv4(intermediate4)
print("intermediate5")
print("-" * 80)
print(intermediate5.shape)

# %%
# The second pool does it again: 24 channels become 12.
#
# .. _cell-33:

maxpool2 = nn.MaxPool2d(2)
intermediate6 = maxpool2(intermediate5)
print("intermediate6")
print("-" * 80)
print(intermediate6.shape)

# %%
# All shapes
# ----------
#
# .. _cell-34:

print("input_data")
print(input_data.shape)
print("-" * 60)
print("nn.Conv1d(in_channels=one_hot_size,out_channels=16,kernel_size=3,padding=1)")
print("intermediate1")
print(intermediate1.shape)
print("-" * 60)
print("nn.Conv1d(in_channels=16, out_channels=32, kernel_size=3)")
print("intermediate2")
print(intermediate2.shape)
print("-" * 60)
print("nn.Conv1d(in_channels=32, out_channels=32, kernel_size=3, padding=1) ")
print("intermediate3")
print(intermediate3.shape)
print("-" * 60)
print("nn.MaxPool2d(2)")
print("intermediate4")
print(intermediate4.shape)
print("-" * 60)
print("nn.Conv1d(in_channels=16, out_channels=24, kernel_size=3, padding=1) ")
print("intermediate5")
print(intermediate5.shape)
print("-" * 60)
print("nn.MaxPool2d(2)")
print("intermediate6")
print(intermediate6.shape)
print("-" * 60)

# %%
# That took a ``print`` for every shape. ``convdocs.trace`` runs the same six layers and lists
# everything at once: the shapes with the names of their axes, the parameters, the multiplications,
# and how far each layer sees. It needs no values for that, only shapes.

import convdocs
from convdocs import draw

net = nn.Sequential(conv1, conv2, conv3, maxpool1, conv4, maxpool2)
trace = convdocs.trace(net, input_data)
trace

# %%
# Here are the same shapes as a picture. Watch the height of the boxes, the channels, at the two
# pools.

draw.stack(trace)
