"""
Causal 1-D convolution: no look ahead
=====================================

After this page you can build a convolution that reads only the present and the past, and prove
that no output cell has seen the future.
"""

# %%
# Forecasts and live audio need this: the number for time t may depend on times up to t, no later.
# An ordinary layer with ``padding=1`` breaks that rule. Output cell 2 reads cell 3:

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

x = torch.arange(1.0, 7.0).reshape(1, 1, 6)
centred = nn.Conv1d(1, 1, kernel_size=3, padding=1, bias=False)
with torch.no_grad():
    centred.weight.copy_(torch.tensor([[[1.0, 2.0, 3.0]]]))
draw.layer(centred, x, at=(0, 0, 2))

# %%
# Put all the padding in front: K − 1 zeros, and none behind. Now the last tap covers the present.

padded = F.pad(x, (2, 0))
causal = nn.Conv1d(1, 1, kernel_size=3, bias=False)
causal.load_state_dict(centred.state_dict())
draw.layer(causal, padded, at=(0, 0, 2))

# %%
# Cell 2 of the output is 1·1 + 2·2 + 3·3 = 14. With two zeros in front, cell 2 of the input has
# become cell 4 of what the layer sees, and the window ends right there.
#
# As a layer
# ----------
#
# ``padding`` is the same at both ends; it does not take a pair of numbers. So a causal layer pads
# its input itself. With dilation the reach is longer, and so is the padding:


class CausalConv1d(nn.Conv1d):
    def forward(self, signal):
        reach = self.dilation[0] * (self.kernel_size[0] - 1)
        return super().forward(F.pad(signal, (reach, 0)))


net = CausalConv1d(1, 1, kernel_size=3, bias=False)
net.load_state_dict(causal.state_dict())
print(net(x).detach())

# %%
# You will also see another way: pad both ends with ``padding=K - 1``, and cut off the last K − 1
# numbers. The result is the same, with a little work thrown away:

both_ends = F.conv1d(x, net.weight, padding=2)
print(both_ends[..., :-2].detach())

# %%
# Far back with few layers
# ------------------------
#
# With 2 taps and dilations 1, 2, 4 and 8 each layer doubles what the stack sees. This is how
# WaveNet looks back over thousands of samples.

import convdocs

layers = [CausalConv1d(1, 1, kernel_size=2, dilation=d) for d in (1, 2, 4, 8)]
wave = nn.Sequential(*layers)
signal = torch.randn(1, 1, 40, requires_grad=True)
wave(signal)[0, 0, 30].backward()
print("output cell 30 has seen the cells")
print(signal.grad[0, 0].nonzero().flatten().tolist())

# %%
# One cell at a time
# ------------------
#
# A causal layer can run live. Keep the last K − 1 cells; when a new one arrives, run the layer on
# these K cells. The numbers are the same as for the whole sequence at once:

memory = torch.zeros(1, 1, 2)
live = []
for cell in x.unbind(-1):
    window = torch.cat([memory, cell.unsqueeze(-1)], dim=-1)
    live.append(causal(window).item())
    memory = window[..., 1:]
print(live)

# %%
# Check it
# --------
#
# If the future changes, nothing before it may. The ordinary layer does not pass this test:

torch.manual_seed(0)
past = torch.randn(1, 1, 20)
future = past.clone()
future[..., 12:] += 1.0
assert torch.equal(net(past)[..., :12], net(future)[..., :12])
assert torch.equal(wave(past)[..., :12], wave(future)[..., :12])
assert not torch.equal(centred(past)[..., :12], centred(future)[..., :12])
assert live == net(x)[0, 0].tolist()
assert convdocs.explain.reads(centred, (1, 1, 6), (0, 0, 3))[0] == (0, 0, 2)
print("cells 12 and on were changed: outputs 0 to 11 stayed the same")
