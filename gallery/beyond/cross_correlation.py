"""
Convolution or cross-correlation?
=================================

After this page you can say which of the two PyTorch computes, turn one into the other, and tell
when the difference matters.
"""

# %%
# Mathematics and PyTorch use the word differently. Take an image of 3×3 with the numbers 0 to 8,
# and a kernel of 2×2 with the numbers 0 to 3:

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

image = torch.arange(9.0).reshape(1, 1, 3, 3)
kernel = torch.arange(4.0).reshape(1, 1, 2, 2)
conv = nn.Conv2d(1, 1, kernel_size=2, bias=False)
conv.load_state_dict({"weight": kernel})
draw.layer(conv, image, at=(0, 0, 0, 0))

# %%
# PyTorch uses the kernel as it is: 0·0 + 1·1 + 3·2 + 4·3 = 19. In mathematics that is called a
# *cross-correlation*. A *convolution* first flips the kernel, upside down and left to right:

flipped = nn.Conv2d(1, 1, kernel_size=2, bias=False)
flipped.load_state_dict({"weight": kernel.flip(-1, -2)})
draw.layer(flipped, image, at=(0, 0, 0, 0))

# %%
# 0·3 + 1·2 + 3·1 + 4·0 = 5. Here are all four numbers, both ways:

print("cross-correlation", conv(image).flatten().tolist())
print("convolution      ", flipped(image).flatten().tolist())

# %%
# As formulas, along one axis. The sign is the whole difference:
#
# .. math:: correlation(i) = \sum_k w_k \, x_{i + k}
#
# .. math:: convolution(i) = \sum_k w_k \, x_{i - k}
#
# What flipping is good for
# -------------------------
#
# Send in a single 1. A convolution answers with the kernel itself. PyTorch's layer answers with the
# kernel back to front:

import numpy as np

click = np.array([0, 0, 1, 0, 0])
taps = np.array([1, 2, 3])
print(np.convolve(click, taps, mode="same"))
print(np.correlate(click, taps, mode="same"))

# %%
# A convolution is a kind of product, and its two factors can be swapped. A correlation's can't:

a, b = np.array([1, 2, 3, 4]), np.array([1, 0, 2])
print(np.convolve(a, b), np.convolve(b, a))
print(np.correlate(a, b, mode="full"), np.correlate(b, a, mode="full"))

# %%
# When it matters
# ---------------
#
# - **Learned weights: never.** A layer that flipped its kernel would learn the flipped kernel, and
#   compute the same.
# - **Weights from elsewhere: check.** A kernel from a book on signals, from ``numpy.convolve`` or
#   from a filter-design tool has to be flipped first, with ``flip``. A symmetric one, such as a
#   blur, stays the same.
# - **Weights from another framework: rarely.** TensorFlow and JAX do as PyTorch does. (Theano did
#   not.)
# - **Fourier transforms**: a product of transforms is a *convolution*.
#
# Check it
# --------
#
# PyTorch against NumPy's two functions, then against the Fourier transform:

generator = np.random.default_rng(0)
x, w = generator.integers(-9, 10, 20), generator.integers(-9, 10, 5)
signal = torch.tensor(x, dtype=torch.float64).reshape(1, 1, -1)
weight = torch.tensor(w, dtype=torch.float64).reshape(1, 1, -1)

correlation = F.conv1d(signal, weight)[0, 0]
assert correlation.tolist() == np.correlate(x, w, mode="valid").tolist()
convolution = F.conv1d(signal, weight.flip(-1), padding=len(w) - 1)[0, 0]
assert convolution.tolist() == np.convolve(x, w, mode="full").tolist()

length = len(x) + len(w) - 1
transforms = torch.fft.rfft(signal, length) * torch.fft.rfft(weight, length)
assert torch.allclose(torch.fft.irfft(transforms, length)[0, 0], convolution)
assert conv(image).flatten().tolist() == [19, 25, 37, 43]
print("conv1d = numpy.correlate; with the kernel flipped = numpy.convolve = Fourier")
