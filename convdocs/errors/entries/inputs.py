"""The input of a convolution: its axes, its channels, its size."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.strategies import axes, settings, upstream
from convdocs.errors.strategies.settings import change

FAMILY = Family(
    "inputs",
    "Axes, channels and size of the input",
    "The input is not what the convolution reads",
    "A convolution reads its input by position: batch, channels, then the axes its window moves "
    "over. These errors say that one of them is not what the layer was built for.",
    (
        Entry(
            "conv-rank",
            "The input has too few or too many axes",
            (
                r"Expected \d+D \(unbatched\) or \d+D \(batched\) input to (?P<op>\w+), but "
                r"got input of size: \[?(?P<shape>[^\]]*)",
                r"Expected \d+-dimensional input for \d+-dimensional weight ?\[[^\]]*"
                r"\], but got \d+-dimensional input of size \[(?P<shape>[^\]]*)\] instead",
            ),
            "layer = nn.Conv1d(3, 2, 3)\nx = torch.zeros(2, 3, 5, 6)\nlayer(x)",
            ("The input {shape} has {axes}; {name} takes {takes}.",),
            (settings.other_dims({4: 2, 5: 3, 3: 1}), axes.joined, axes.one_channel),
        ),
        Entry(
            "channels-mismatch",
            "The input has another number of channels than the layer",
            (
                r"Given groups=\d+, weight of size \[+[^\]]*\]+, expected input"
                r"\[+(?P<shape>[^\]]*)\]+ to have (?P<need>\d+) channels, but got \d+ channels",
                r"Given transposed=\w+, weight of size \[+[^\]]*\]+, expected input"
                r"\[+(?P<shape>[^\]]*)\]+ to have (?P<need>\d+) channels, but got \d+ channels",
                r"Invalid channel dimensions",
            ),
            "layer = nn.Conv1d(3, 2, 3)\nx = torch.zeros(2, 4, 5)\nlayer(x)",
            (
                "The input {shape} has C={channels}; {name} expects C={wanted_channels}.",
                "{no_batch}",
            ),
            (
                axes.channels_moved,
                axes.image_channels,
                change("Build the layer for C={channels}.", in_channels="{channels}"),
            ),
        ),
        Entry(
            "kernel-larger-than-input",
            "The kernel is wider than the padded input",
            (
                r"Calculated padded input size per channel: \((?P<size>[^)]*)\)\. Kernel size: "
                r"\((?P<reach>[^)]*)\)\. Kernel size can't be greater than actual input size",
            ),
            "layer = nn.Conv1d(3, 2, 3)\nx = torch.zeros(2, 3, 2)\nlayer(x)",
            (
                (
                    "Along {short_axis} the input with its padding has {padded}; the kernel "
                    "reaches over {span}, so it fits nowhere.",
                    "The input with its padding has {size} cells; the kernel reaches over "
                    "{reach}, so it fits nowhere.",
                ),
                "The dilation widens it: {spread}.",
                "Images must be at least {smallest_input} for the layers up to here.",
            ),
            (
                upstream.image_large_enough,
                change(
                    "Pad the input by {fitting_padding} on each side.", padding="{fitting_padding}"
                ),
                change("Use a kernel that fits: {fitting_kernel}.", kernel_size="{fitting_kernel}"),
            ),
        ),
        Entry(
            "transposed-output-too-small",
            "A transposed convolution crops its whole output away",
            (
                r"Given input size per channel: [(\[][^)\]]*[)\]]\. Calculated output size per "
                r"channel: [(\[](?P<out>[^)\]]*)[)\]]\. Output size is too small",
                r"Trying to create tensor with negative dimension -\d+: \[(?P<out>[^\]]*)\]",
                r"invalid shape dimension -\d+ at index \d+ of shape \[(?P<out>[^\]]*)\]",
                r"could not construct a memory descriptor",
            ),
            "layer = nn.ConvTranspose2d(3, 2, 3, padding=3)\nx = torch.zeros(1, 3, 2, 2)\nlayer(x)",
            (
                "The output would have the size {output}. The padding of a transposed convolution "
                "takes cells off its output, here {padding} on each side.",
            ),
            (
                change("Take less off: padding={less_padding}.", padding="{less_padding}"),
                change("Use a wider kernel: {grown_kernel}.", kernel_size="{grown_kernel}"),
            ),
            lambda failure: failure.built is None and of_kind("transpose")(failure),
        ),
        Entry(
            "empty-input",
            "An axis of the input has no cells",
            (
                r"Only zero batch or zero channel inputs are supported, but got input shape: "
                r"\[(?P<shape>[^\]]*)\]",
                r"Expected input(?:'s non-batch dimensions)? to have (?:positive length|non-zero "
                r"size for non-batch dimensions), but (?:input has(?: a shape of| sizes)|got) ?"
                r"(?:torch\.Size\()?[(\[]?\[?(?P<shape>[\d, ]*)",
                r"[Nn]on-empty|optional 0 dim batch size|non-zero dimensions|non-zero size"
                r"|positive length",
            ),
            "layer = nn.MaxPool2d(2)\nx = torch.zeros(1, 3, 0, 4)\nlayer(x)",
            ("An axis of the input {shape} has the size 0: there is nothing for {name} to read.",),
            (axes.look_upstream,),
            lambda failure: not failure.tensors or 0 in failure.shape,
        ),
    ),
)
