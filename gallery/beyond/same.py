"""
Same padding: the length stays
==============================

After this page you can keep the length with any kernel, say where an even kernel puts its extra
zero, and know what to write instead when there is a stride.
"""

# %%
# A window of 3 fits at only 3 places on 5 cells. With one zero at either end there are 5 places,
# one for each cell. ``padding="same"`` works out how many zeros that takes.

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.arange(1.0, 6.0).reshape(1, 1, 5)
conv = nn.Conv1d(1, 1, kernel_size=3, padding="same", bias=False)
with torch.no_grad():
    conv.weight.fill_(1.0)
draw.layer(conv, x, at=(0, 0, 0))

# %%
# The window is centred on the cell whose number it writes: output cell 0 is 0 + 1 + 2.
#
# How many zeros
# --------------
#
# A window that reaches over R cells loses R − 1 places, so it needs R − 1 zeros, half of them at
# either end. (R is the kernel's length K, or D·(K − 1) + 1 with dilation D.) For 3, 5 and 7 taps
# that is 1, 2 and 3 zeros at either end.
#
# Even kernels
# ------------
#
# Four taps need 3 zeros, and 3 is odd. PyTorch puts one in front and two behind. Here they are
# added by hand, to be seen:

padded = F.pad(x, (1, 2))
even = nn.Conv1d(1, 1, kernel_size=4, bias=False)
with torch.no_grad():
    even.weight.copy_(torch.tensor([[[1.0, 2.0, 3.0, 4.0]]]))
draw.layer(even, padded, at=(0, 0, 4))

# %%
# The last window reads the last two cells and two zeros: 1·4 + 2·5 = 14. An even kernel has no
# centre, and looks one cell further ahead than back. So each such layer shifts things by half a
# cell: what ten of them write into cell 20 comes from cells 10 to 40, whose middle is 25. Odd
# kernels don't drift, which is why nearly all kernels are odd.
#
# PyTorch says nothing about the drift. It does warn, once in a session, that with an even kernel it
# may copy the input to add the extra zero. Here that warning is turned off:

import warnings

same = nn.Conv1d(1, 1, kernel_size=4, padding="same", bias=False)
same.load_state_dict(even.state_dict())
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print(same(x).detach())
print(even(padded).detach())

# %%
# Why not with a stride
# ---------------------
#
# With a stride of 2 no layer keeps the length, and PyTorch raises an error:

try:
    nn.Conv1d(1, 1, kernel_size=3, padding="same", stride=2)
except ValueError as error:
    print(error)

# %%
# TensorFlow takes "same" to mean the length divided by the stride, rounded up. The number of zeros
# then depends on the length of the input. For a kernel of 3 and a stride of 2:

kernel, stride = 3, 2
for length in (5, 6, 7, 8):
    wanted = -(-length // stride)
    zeros = max((wanted - 1) * stride + kernel - length, 0)
    front = zeros // 2
    print(f"{length} cells -> {wanted}: {front} in front, {zeros - front} behind")

# %%
# The padding of a PyTorch layer is fixed when the layer is built, before it has seen an input. In
# practice this is no loss: the usual halving layer, a kernel of 3 with ``padding=1``, gives the
# same lengths.

half = nn.Conv1d(1, 1, kernel_size=3, padding=1, stride=2)
print([half(torch.zeros(1, 1, length)).shape[-1] for length in (5, 6, 7, 8)])

# %%
# The lengths are the same, but not always the numbers. For an even length, the windows of the two
# frameworks are one cell apart, so weights taken over from TensorFlow need the zeros added by hand,
# with ``nn.functional.pad``.
#
# Check it
# --------
#
# "same" equals zeros added by hand, half of them in front and the odd one behind, for kernels of 1
# to 7 and dilations of 1 to 3:

for kernel in range(1, 8):
    for dilation in (1, 2, 3):
        zeros = dilation * (kernel - 1)
        weight, signal = torch.randn(1, 1, kernel), torch.randn(1, 1, 24)
        by_hand = F.pad(signal, (zeros // 2, zeros - zeros // 2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            same = F.conv1d(signal, weight, padding="same", dilation=dilation)
        assert same.shape == signal.shape
        plain = F.conv1d(by_hand, weight, dilation=dilation)
        assert torch.allclose(same, plain, atol=1e-5)
drift = nn.Sequential(*[nn.Conv1d(1, 1, 4, padding="same") for _ in range(10)])
for layer in drift:
    nn.init.ones_(layer.weight)
signal = torch.zeros(1, 1, 60, requires_grad=True)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    drift(signal)[0, 0, 20].backward()
read = signal.grad[0, 0].nonzero()
assert (read.min(), read.max()) == (10, 40)
print("padding='same' equals zeros set by hand: 21 cases agree")
