"""Settings of a convolution: stride, padding, dilation, groups, output padding."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.facts import odd_types
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, operand
from convdocs.errors.sizes import setting
from convdocs.errors.strategies import settings
from convdocs.errors.strategies.settings import change

_CONV = of_kind("conv")


def _biases(failure: Failure, facts: object) -> list[Repair]:
    x, weight, _ = (operand(failure, number) for number in range(3))
    channels = weight.shape[1] if "transpose" in failure.function else weight.shape[0]
    text = "Give each output channel a bias; here they begin at 0."
    return [given(failure, text, x, weight, x.new_zeros(channels))]


FAMILY = Family(
    "convolution",
    "Settings of a convolution",
    "A setting of a convolution is refused",
    "Some settings are refused when the layer is built, others only when the first input comes. "
    "Either way the layer itself has to change.",
    (
        Entry(
            "same-with-stride",
            "padding='same' with a stride",
            (r"padding='same' is not supported for strided convolutions",),
            'layer = nn.Conv2d(3, 8, 3, stride=2, padding="same")',
            (
                "'same' pads so that the output is as large as the input, which only a stride of 1 "
                "can give.",
                "Here the stride is {stride}.",
            ),
            (
                change("Pad by half the kernel's reach, padding={half}.", padding="{half}"),
                change("Keep 'same' and move by one cell.", stride=1),
            ),
        ),
        Entry(
            "padding-string",
            "A padding that is neither a number nor 'same' nor 'valid'",
            (r"Invalid padding string:? '(?P<got>[^']*)'",),
            'layer = nn.Conv2d(3, 8, 3, padding="full")',
            ("padding='{got}' is no word that torch knows: 'same' and 'valid' are.",),
            (
                settings.full_padding,
                change("Keep the size of the input.", padding="same"),
                change("Use no padding.", padding="valid"),
            ),
        ),
        Entry(
            "padding-mode",
            "An unknown padding mode",
            (
                r"padding_mode must be one of .*, but got padding_mode='(?P<got>[^']*)'",
                r"Unrecognised padding mode (?P<got>\w+)",
            ),
            'layer = nn.Conv2d(3, 8, 3, padding=1, padding_mode="edge")',
            ("padding_mode='{got}' is none of torch's four modes.",),
            (settings.padding_modes,),
        ),
        Entry(
            "transposed-padding-mode",
            "A transposed convolution with a padding mode",
            (r"Only [\"`]zeros[\"`] padding mode is supported for (?P<op>\w+)",),
            'layer = nn.ConvTranspose2d(3, 8, 3, padding_mode="reflect")',
            (
                "{op} adds no cells around its input, so there is nothing that padding_mode="
                "'{padding_mode}' could fill: its padding takes cells off the output.",
            ),
            (change("Leave padding_mode out.", padding_mode="zeros"),),
        ),
        Entry(
            "groups-not-positive",
            "Groups below 1",
            (r"groups must be a positive integer", r"non-positive groups is not supported"),
            "layer = nn.Conv2d(4, 8, 3, groups=0)",
            ("groups={groups} must be 1 or more; 1 is no grouping.",),
            (
                change("Let every output channel see every input channel.", groups=1),
                change("Or one group per input channel (depthwise).", groups="{in_channels}"),
            ),
        ),
        Entry(
            "groups-do-not-divide",
            "Groups that do not divide the channels",
            (
                r"(?P<which>in_channels|out_channels) must be divisible by groups",
                r"Given groups=(?P<groups>\d+), expected weight to be (?:at least|divisible by) "
                r"\d+ at dimension 0, but got weight of size \[+(?P<weight>[^\]]*)\]+",
            ),
            "layer = nn.Conv2d(3, 8, 3, groups=2)",
            (
                (
                    "{undivided} is not a multiple of groups={groups}.",
                    "The weight ({weight}) has filters that groups={groups} does not divide.",
                ),
            ),
            (settings.fewer_groups,),
        ),
        Entry(
            "stride-not-positive",
            "A stride below 1",
            (r"non-positive stride is not supported", r"integer division or modulo by zero"),
            "layer = nn.Conv2d(3, 8, 3, stride=0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            ("With stride={stride} the window would never move on; it must be 1 or more.",),
            (
                change("Move by one cell.", stride=1),
                change("Or by two, which halves the size.", stride=2),
            ),
            _CONV,
        ),
        Entry(
            "dilation-not-positive",
            "A dilation below 1",
            (
                r"non-positive dilation is not supported",
                r"[Dd]ilation (?:should|must) be greater than (?:zero|0)",
                r"dimensions are invalid",
                r"could not create a (?:primitive )?descriptor",
                r"could not construct a memory descriptor",
                r"Trying to create tensor with negative dimension",
                r"Output size is too small",
                r"resulting in an empty dimension",
            ),
            "layer = nn.Conv2d(3, 8, 3, dilation=0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            (
                "dilation={dilation} puts the kernel's taps no cell apart; neighbouring taps are "
                "at least 1 apart.",
            ),
            (change("Let the taps be neighbours, dilation=1.", dilation=1),),
            lambda failure: _CONV(failure) and min(setting(failure, "dilation", 1)) < 1,
        ),
        Entry(
            "negative-padding",
            "A negative padding",
            (
                r"negative padding is not supported",
                r"Negative padding value is resulting in an empty dimension",
                r"numel: integer multiplication overflow",
            ),
            "layer = nn.Conv2d(3, 8, 3, padding=-1)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            (
                (
                    "A convolution cannot have the padding {padding}: it adds cells, it does not "
                    "cut them off.",
                    "A convolution's padding is 0 or more: it adds cells and cuts none off.",
                ),
            ),
            (change("Use no padding.", padding=0), settings.cropped),
            _CONV,
        ),
        Entry(
            "kernel-not-positive",
            "A kernel of size 0",
            (
                r"could not create a (?:primitive )?descriptor",
                r"could not construct a memory descriptor",
                r"non-empty .* tensor expected for weight",
                r"kernel size should be greater than zero",
                r"Trying to create tensor with negative dimension",
                r"Output size is too small",
            ),
            "layer = nn.Conv2d(3, 8, 0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            ("kernel_size={kernel_size} leaves {kind} no weights along an axis.",),
            (
                change("The smallest kernel has size 1 (it mixes channels only).", kernel_size=1),
                change("The usual one has size 3.", kernel_size=3),
            ),
            lambda failure: (
                _CONV(failure)
                and failure.layer is not None
                and min(setting(failure, "kernel_size", 1)) < 1
            ),
        ),
        Entry(
            "setting-per-axis",
            "A setting with the wrong number of values",
            (
                "expected (?P<which>stride|padding|dilation|output_padding) to be a single integer "
                r"value or a list of (?P<need>\d+) values to match the convolution dimensions, but "
                r"got \w+=\[[^\]]*\]",
                r"(?P<which>stride|padding|dilation) cannot broadcast to (?P<need>\d+) dimensions",
                r"weight should have at least three dimensions",
                r"^list index out of range$",
                r"^tuple index out of range$",
            ),
            "layer = nn.Conv2d(3, 8, 3, stride=(2, 2, 2))\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            (
                (
                    "{kind} has {spatial_axes}, so a setting is one number or one an axis; it got "
                    "{per_axis}.",
                    "{kind} moves over {spatial_axes}; the shapes are {shapes}.",
                ),
                "{four_sides}",
            ),
            (settings.per_axis, settings.weight_axes),
            _CONV,
        ),
        Entry(
            "negative-size",
            "A layer with a negative size",
            (
                r"Trying to create tensor with negative dimension",
                r"in1_features must be > 0",
                r"kernel_size must be greater than 0, but got",
            ),
            "layer = nn.Conv2d(3, -8, 3)",
            ("{kind} was asked for {negative}; a size is at least 1.",),
            (settings.positive_sizes,),
            lambda failure: failure.built is not None and not odd_types(failure),
        ),
        Entry(
            "bias-size",
            "A bias that does not fit the weight",
            (
                r"weight of size \[(?P<weight>[^\]]*)\], expected bias to be 1-dimensional with "
                r"(?P<need>\d+) elements, but got bias of size \[(?P<bias>[^\]]*)\]",
            ),
            "x = torch.zeros(1, 3, 8, 8)\nweight = torch.zeros(4, 3, 3, 3)\nbias = torch.zeros(3)\n"
            "nn.functional.conv2d(x, weight, bias)",
            (
                "The weight ({weight}) makes {need} output channels, and each has one bias; the "
                "bias has the shape ({bias}).",
            ),
            (_biases,),
        ),
        Entry(
            "output-padding-too-large",
            "An output padding as large as the stride",
            (r"output padding must be smaller than either stride or dilation",),
            "layer = nn.ConvTranspose2d(3, 2, 3, stride=2, output_padding=2)\n"
            "x = torch.zeros(1, 3, 4, 4)\nlayer(x)",
            (
                "output_padding={output_padding} must be below the stride ({stride}) or the "
                "dilation ({dilation}): it only chooses among the sizes that the stride leaves "
                "open.",
            ),
            (
                change(
                    "Use output_padding={most_output_padding}.",
                    output_padding="{most_output_padding}",
                ),
                change("Or a larger stride: {wider_stride}.", stride="{wider_stride}"),
            ),
        ),
        Entry(
            "negative-output-padding",
            "A negative output padding",
            (r"negative output_padding is not supported",),
            "layer = nn.ConvTranspose2d(3, 2, 3, output_padding=-1)\n"
            "x = torch.zeros(1, 3, 4, 4)\nlayer(x)",
            (
                "The output padding is {output_padding}; it adds cells after the output, so it is "
                "0 or more.",
            ),
            (
                change(
                    "Use output_padding=0; to make the output smaller, raise padding.",
                    output_padding=0,
                ),
            ),
        ),
        Entry(
            "transposed-output-size",
            "An output size that the transposed convolution cannot reach",
            (
                r"requested an output size of [\[(](?P<got>[^\])]*)[\])], but valid sizes range "
                r"from \[(?P<low>[^\]]*)\] to \[(?P<high>[^\]]*)\]",
                r"input, output_size must have (?P<need>\d+) or (?P<full>\d+) elements "
                r"\(got (?P<n>\d+)\)",
            ),
            "layer = nn.ConvTranspose2d(3, 2, 3, stride=2)\nx = torch.zeros(1, 3, 4, 4)\n"
            "output_size = (12, 12)\nlayer(x, output_size=output_size)",
            (
                (
                    "From the input {shape} this layer makes sizes from ({low}) to ({high}); "
                    "({got}) is outside.",
                    "output_size has {n} numbers; {kind} takes {need}, one per spatial axis, or "
                    "the whole shape of {full}.",
                ),
            ),
            (settings.reachable_size, settings.stride_to_reach),
        ),
    ),
)
