"""
The gradient of a convolution is a convolution
==============================================

After this page you can work out by hand the three gradients of a convolution, and name the
convolution that computes each.
"""

# %%
# Here is a small layer, going forward. Three weights over five cells give three numbers:

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 5.0]]])
conv = nn.Conv1d(1, 1, kernel_size=3)
with torch.no_grad():
    conv.weight.copy_(torch.tensor([[[1.0, 0.0, 2.0]]]))
    conv.bias.fill_(1.0)
draw.layer(conv, x, at=(0, 0, 1))

# %%
# In training, the gradient of the loss says for each output cell how fast the loss grows with it.
# Call that number g. Let it be 1, 10 and 100, and let PyTorch carry it back:

steps = torch.tensor([[[1.0, 10.0, 100.0]]])
signal = x.clone().requires_grad_()
conv(signal).backward(steps)
print("weight", conv.weight.grad)
print("bias  ", conv.bias.grad)
print("input ", signal.grad)

# %%
# The weights
# -----------
#
# The first weight is used three times, once at each stop of the window: on 1, then on 2, then on 3.
# Each time, raising the weight raises an output cell by that much, and that cell raises the loss by
# its g. In all, that is 1·1 + 10·2 + 100·3 = 321.
#
# The second weight is used on 2, 3 and 4, one cell further. So the gradient is g sliding over the
# input: **a convolution whose kernel is g.**

by_weight = nn.Conv1d(1, 1, kernel_size=3, bias=False)
by_weight.load_state_dict({"weight": steps})
draw.layer(by_weight, x, at=(0, 0, 0))

# %%
# The bias is added to each output cell once. Its gradient is the sum of g, here 111.
#
# The input
# ---------
#
# An input cell is read by up to three windows, by each with a different weight. What comes back to
# it is the sum of those weights, each times the g of its window. Going back, each g stamps the
# kernel into the input: **a transposed convolution with the same weights.** (The picture shows the
# sum that makes one cell, for which the kernel is flipped.)

by_input = nn.ConvTranspose1d(1, 1, kernel_size=3, bias=False)
by_input.load_state_dict({"weight": conv.weight.detach()})
draw.layer(by_input, steps, at=(0, 0, 2))

# %%
# It can be written as an ordinary convolution, too. Put K − 1 zeros around g, and flip the kernel:

full = nn.Conv1d(1, 1, kernel_size=3, padding=2, bias=False)
full.load_state_dict({"weight": conv.weight.detach().flip(-1)})
draw.layer(full, steps, at=(0, 0, 2))

# %%
# All three
# ---------
#
# With g as the gradient of the output y:
#
# ===========  =====================================================================
# gradient of  is
# ===========  =====================================================================
# the weight   g slid over the input x
# the bias     the sum of g
# the input    the weights stamped along g (transposed convolution)
# ===========  =====================================================================
#
# Settings change places on the way back. A forward *stride* becomes the *dilation* of g when it
# slides over the input. A forward *dilation* becomes its *stride*. So a framework needs both
# settings for the backward pass alone.
#
# Check it
# --------
#
# The three rules against autograd, with a batch, channels, stride, padding and dilation:

torch.manual_seed(0)
settings = {"stride": 2, "padding": 1, "dilation": 2}
layer = nn.Conv1d(2, 4, kernel_size=3, **settings).double()
signal = torch.randn(3, 2, 11, dtype=torch.float64, requires_grad=True)
out = layer(signal)
g = torch.randn_like(out)
out.backward(g)

swapped = F.conv1d(  # samples take the part of channels, and are added up
    signal.detach().transpose(0, 1), g.transpose(0, 1), padding=1, stride=2, dilation=2
).transpose(0, 1)
assert torch.allclose(layer.weight.grad, swapped[..., :3])
assert torch.allclose(layer.bias.grad, g.sum(dim=(0, 2)))
back = F.conv_transpose1d(g, layer.weight, **settings)
assert torch.allclose(signal.grad, back)
assert conv.weight.grad.flatten().tolist() == [321, 432, 543]
assert torch.equal(by_input(steps), full(steps))
print("gradients by convolution = by autograd: weight, bias and input agree")
