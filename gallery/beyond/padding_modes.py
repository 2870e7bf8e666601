"""
Padding modes: zeros, reflect, replicate, circular
==================================================

After this page you can choose what lies beyond the edge, and say what each choice does to the
first and last cells of the output.
"""

# %%
# Five cells, 1 to 5, and two cells of padding at either end. This is what each mode puts there:

import torch
import torch.nn as nn
import torch.nn.functional as F

from convdocs import draw

draw.padding(pad=2)

# %%
# - ``zeros``: nothing is there.
# - ``reflect``: a mirror placed *on* the last cell. The last cell itself is not repeated.
# - ``replicate``: the last cell, over and over.
# - ``circular``: the other end, as if the sequence were a ring.
#
# A layer takes the mode as ``padding_mode``. Here two of the first window's five cells are in the
# padding, and the mirror has put a 3 and a 2 there. All weights are 1, so the output is the plain
# sum.

x = torch.arange(1.0, 6.0).reshape(1, 1, 5)


def layer(mode):
    conv = nn.Conv1d(1, 1, kernel_size=5, padding=2, padding_mode=mode, bias=False)
    nn.init.ones_(conv.weight)
    return conv


draw.layer(layer("reflect"), x, at=(0, 0, 0))

# %%
# Here are the four modes. Only the first two and the last two numbers differ:

for mode in ("zeros", "reflect", "replicate", "circular"):
    print(f"{mode:10}", layer(mode)(x)[0, 0].int().tolist())

# %%
# What the edge looks like to a filter
# ------------------------------------
#
# A filter that takes the mean of 3 cells should leave an even grey as it is. With zeros beyond the
# edge it finds an edge that isn't in the data:

grey = torch.full((1, 1, 6), 3.0)
for mode in ("zeros", "reflect", "replicate", "circular"):
    mean = nn.Conv1d(1, 1, kernel_size=3, padding=1, padding_mode=mode, bias=False)
    nn.init.constant_(mean.weight, 1 / 3)
    print(f"{mode:10}", mean(grey).detach().round(decimals=3)[0, 0].tolist())

# %%
# Which to take
# -------------
#
# - ``zeros`` in networks that classify: it is the default, and the false edge tells the network
#   where the border is, which it can learn to use.
# - ``reflect`` or ``replicate`` where the output is an image and a dark rim would show.
# - ``circular`` where the data closes on itself: angles, hours of the day, a panorama.
#
# Where each exists
# -----------------
#
# ``Conv1d``, ``Conv2d`` and ``Conv3d`` have all four. Transposed convolutions have zeros only:

try:
    nn.ConvTranspose1d(1, 1, kernel_size=3, padding_mode="reflect")
except ValueError as error:
    print(error)

# %%
# A mirror can show no more cells than there are on its far side, and a ring can be gone around only
# once. A reflected padding must be shorter than the input, a circular one no longer than it:

limits = {}
for mode in ("zeros", "reflect", "replicate", "circular"):
    for width in range(12):
        try:
            nn.Conv1d(1, 1, 1, padding=width, padding_mode=mode)(x)
            limits[mode] = width
        except RuntimeError:
            break
print("the most padding that 5 cells took:")
print(limits)

# %%
# Zeros and replicate have no limit; 11 was the largest padding tried here.
#
# Pools are a case apart. They have no ``padding_mode``: a max pool pads with minus infinity, an
# average pool with zeros. :doc:`pooling` shows both.
#
# Point at it
# -----------
#
# See the copies in the padding, and the cells that they were copied from. The other modes are
# under *More settings*.
#
# .. conv-explorer:: Conv1d(1, 1, 5, padding=2, padding_mode='reflect', bias=False)
#    :size: 6
#    :controls: basic
#
# Check it
# --------
#
# A layer with a padding mode equals a layer without padding on an input that was padded first
# (``pad`` calls the zeros constant):

names = {
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "replicate",
    "circular": "circular",
}
signal = torch.randn(2, 1, 20)
for mode, name in names.items():
    padded = F.pad(signal, (2, 2), mode=name)
    by_hand = F.conv1d(padded, torch.ones(1, 1, 5))
    assert torch.allclose(layer(mode)(signal), by_hand, atol=1e-6)
inner = {mode: layer(mode)(signal)[..., 2:-2] for mode in names}
assert all(torch.allclose(inner["zeros"], one, atol=1e-6) for one in inner.values())
assert limits == {"zeros": 11, "reflect": 4, "replicate": 11, "circular": 5}
print("each padding_mode equals padding by hand: 4 modes agree")
