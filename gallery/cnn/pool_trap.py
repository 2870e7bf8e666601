"""
The MaxPool trap
================

``nn.MaxPool2d`` on a batch of sequences halves the channels, without an error or a warning.
"""

# %%
# Two pools, one tensor
# ---------------------
#
# Take a batch of 2 sequences with 32 channels of 5 cells: (N, C, L) = (2, 32, 5). Both pools accept
# it.

import torch
import torch.nn as nn

torch.manual_seed(0)
sequences = torch.randn(2, 32, 5)
print("MaxPool1d:", nn.MaxPool1d(2)(sequences).shape)
print("MaxPool2d:", nn.MaxPool2d(2)(sequences).shape)

# %%
# ``MaxPool1d`` slides along one axis, the last. It halves L and leaves N and C alone.
#
# ``MaxPool2d`` slides along two, the last *two*. It expects images: (N, C, H, W), or (C, H, W) for
# a single one. A tensor with three axes can only be a single image, so it reads
#
# ============  ===  ===  ===
# The tensor     2    32   5
# ============  ===  ===  ===
# what it is     N    C    L
# read as        C    H    W
# ============  ===  ===  ===
#
# and halves what it takes for the height, which is the channel axis. The tensor is valid, so there
# is no error.
#
# What is wrong with it
# ---------------------
#
# Channels have no order. Channel 6 is one learned feature, channel 7 another. "The larger of the
# two" mixes features that have nothing to do with each other, and half of them are gone. A
# network with this mistake trains all the same, only worse. Nothing in the loss curve tells you
# why.
#
# One number of the output shows it. It should be the larger of 2 cells of one channel, but it is
# the largest of 4, from two channels:

mixed = nn.MaxPool2d(2)(sequences)
print(sequences[0, 0:2, 0:2])
print(mixed[0, 0, 0])

# %%
# The stack with the pool that was meant
# --------------------------------------
#
# Two things change: the pools, and the input channels of the last convolution, which now gets all
# 32.

import convdocs

meant = nn.Sequential(
    nn.Conv1d(10, 16, 3, padding=1),
    nn.Conv1d(16, 32, 3),
    nn.Conv1d(32, 32, 3, padding=1),
    nn.MaxPool1d(2),
    nn.Conv1d(32, 24, 3, padding=1),
    nn.MaxPool1d(2),
)
convdocs.trace(meant, torch.randn(2, 10, 7))

# %%
# And here is the notebook's stack. ``trace`` notices that a 2-D pool was given a batch of
# sequences, and says so below the table.

notebook = nn.Sequential(
    nn.Conv1d(10, 16, 3, padding=1),
    nn.Conv1d(16, 32, 3),
    nn.Conv1d(32, 32, 3, padding=1),
    nn.MaxPool2d(2),
    nn.Conv1d(16, 24, 3, padding=1),
    nn.MaxPool2d(2),
)
trace = convdocs.trace(notebook, torch.randn(2, 10, 7))
trace

# %%
# Here is the stack that was meant beside the notebook's. The height of a box is its channels. In
# the notebook's stack they are halved at each pool.

from convdocs import draw

draw.stack(
    convdocs.trace(meant, torch.randn(2, 10, 7)),
    trace,
    titles=["MaxPool1d, as meant", "MaxPool2d, the notebook's"],
    caption="At MaxPool1d a box gets narrower; at MaxPool2d it loses half its height as well.",
)

# %%
# The trap, alive
# ---------------
#
# This is the notebook's stack with a random input. Choose ``MaxPool2d``, and then one of its cells:
# the frame in the ``Conv1d`` before it is around two channels and two cells. After it, what used to
# be rows of channels is one image.
#
# .. network-explorer::
#    :name: pool-trap-alive
#
#    import torch
#    from torch import nn
#
#    torch.manual_seed(0)
#    notebook = nn.Sequential(
#        nn.Conv1d(10, 16, 3, padding=1),
#        nn.Conv1d(16, 32, 3),
#        nn.Conv1d(32, 32, 3, padding=1),
#        nn.MaxPool2d(2),
#        nn.Conv1d(16, 24, 3, padding=1),
#        nn.MaxPool2d(2),
#    )
#    notebook(torch.randn(2, 10, 7))

# %%
# How to avoid it
# ---------------
#
# - The number in a layer's name is the number of axes it slides along. Sequences have one:
#   ``Conv1d``, ``MaxPool1d``, ``BatchNorm1d``, ``Dropout1d``.
# - ``Conv2d`` would have raised an error, because it checks the number of channels. A pool has no
#   number of channels to check.
# - Look at the shapes after every layer, once. The channels should change at a convolution and
#   nowhere else.

# %%
# Point at it
# -----------
#
# ``MaxPool2d(2)`` takes two rows and two columns together, whatever the rows are meant to be.
#
# .. conv-explorer:: MaxPool2d(2)
#    :size: 6x5
#    :controls: basic
