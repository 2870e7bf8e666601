"""
output_padding: which size to go back to
========================================

After this page you can go back up to exactly the size you came from, and say what the extra cell
holds.
"""

# %%
# A kernel of 3, a stride of 2 and a padding of 1 halve a sequence. Five cells become three, and so
# do six, because the length is rounded down:

import torch
import torch.nn as nn
import torch.nn.functional as F

down = nn.Conv1d(1, 1, kernel_size=3, stride=2, padding=1, bias=False)
for length in (5, 6):
    print(f"{length} -> {down(torch.zeros(1, 1, length)).shape[-1]}")

# %%
# So which one should the way up give? The transposed layer goes back to 5, the smallest size that
# fits:

from convdocs import draw

x = torch.tensor([[[1.0, 2.0, 3.0]]])


def up(**settings):
    layer = nn.ConvTranspose1d(1, 1, kernel_size=3, stride=2, bias=False, **settings)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[[1.0, 10.0, 100.0]]]))
    return layer


draw.layer(up(padding=1), x, at=(0, 0, 4))

# %%
# ``output_padding=1`` makes it 6, with one more cell at the end:

draw.layer(up(padding=1, output_padding=1), x, at=(0, 0, 5))

# %%
# What the extra cell holds
# -------------------------
#
# Despite its name, it does not pad with zeros. The stamps of the three inputs cover 7 cells.
# ``padding=1`` cuts one off at either end. ``output_padding=1`` keeps the one at the far end:

for settings in [{}, {"padding": 1}, {"padding": 1, "output_padding": 1}]:
    print(up(**settings)(x)[0, 0].int().tolist(), settings or "nothing cut")

# %%
# The new cell is 300, a number that had been there and was cut off. Only if there is nothing to
# bring back, that is without ``padding``, does the extra cell stay empty:

print(up(output_padding=1)(x)[0, 0].int().tolist())

# %%
# Then it holds only the bias, and this layer has none.
#
# The formula, with O for ``output_padding``:
#
# .. math:: L_{out} = (L - 1) \cdot S - 2P + K + O
#
# O must be smaller than the stride (or the dilation), because at most S sizes shrink to the same
# length:

try:
    up(padding=1, output_padding=2)(x)
except RuntimeError as error:
    print(str(error).split(", but")[0])

# %%
# Give the size instead
# ---------------------
#
# The call takes ``output_size``, and works out the extra cell. This suits networks that go down and
# up again, where the size to return to is known:

for length in (5, 6):
    signal = torch.zeros(1, 1, length)
    back = up(padding=1)(down(signal), output_size=signal.shape[-1:])
    print(f"{length} -> {down(signal).shape[-1]} -> {back.shape[-1]}")

# %%
# ``nn.Sequential`` can't pass it on. There, give ``output_padding`` when you build the layer.
#
# To double a length of any parity, the usual choices are a kernel of 4 with a padding of 1, or a
# kernel of 3 with a padding of 1 and an output padding of 1:

for kernel, extra in [(4, 0), (3, 1)]:
    double = nn.ConvTranspose1d(1, 1, kernel, 2, padding=1, output_padding=extra)
    lengths = [double(torch.zeros(1, 1, length)).shape[-1] for length in (3, 4, 5)]
    print(f"kernel {kernel}: 3, 4, 5 ->", lengths)

# %%
# Point at it
# -----------
#
# The last output cell is the one that ``output_padding`` adds.
#
# .. conv-explorer:: ConvTranspose1d(1, 1, 3, stride=2, padding=1, output_padding=1, bias=False)
#    :size: 4
#    :controls: basic
#
# Check it
# --------
#
# For every small layer, going down and up again gives the size back if ``output_padding`` is what
# rounding down threw away:

cases = 0
for kernel in range(1, 6):
    for stride in range(1, 5):
        for padding in range(kernel):
            for length in range(max(kernel, 2), 14):
                lost = (length + 2 * padding - kernel) % stride
                weight = torch.ones(1, 1, kernel)
                signal = torch.zeros(1, 1, length)
                small = F.conv1d(signal, weight, stride=stride, padding=padding)
                large = F.conv_transpose1d(
                    small, weight, stride=stride, padding=padding, output_padding=lost
                )
                assert large.shape[-1] == length
                cases += 1
assert up(padding=1, output_padding=1)(x)[0, 0, -1] == up()(x)[0, 0, -1] == 300
print(f"output_padding = what rounding down threw away: {cases} cases agree")
