"""The pools: windows over the input, adaptive and fractional ones."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.failure import Failure
from convdocs.errors.sizes import setting
from convdocs.errors.strategies import axes, settings, upstream
from convdocs.errors.strategies.settings import change

_POOL = of_kind("pool")


def _rank_is_wrong(failure: Failure) -> bool:
    if not failure.tensors or not failure.dims:
        return _POOL(failure)
    return _POOL(failure) and len(failure.shape) - failure.dims not in (1, 2)


def _below(key: str, failure: Failure) -> bool:
    return _POOL(failure) and min(setting(failure, key, 1)) < 1


_NO_WINDOW = (
    change("The usual window has size 2.", kernel_size=2, stride=2, padding=0),
    change("The smallest is 1.", kernel_size=1, stride=1, padding=0),
)

FAMILY = Family(
    "pooling",
    "Pools",
    "A pool's window does not fit",
    "A pool moves a window without weights over each channel. It cannot tell a batch from the "
    "channels, so an input with one axis too few is read as one sample, and the window then runs "
    "over the wrong axes.",
    (
        Entry(
            "pool-rank",
            "The pool's input has too few or too many axes",
            (
                r"Expected \d to \dD? ?dimensions, but got \d+-dimensional tensor for argument #1",
                r"Expected \dD or \dD \(batch mode\) tensor with optional 0 dim batch size for "
                r"input, but got:?\s?(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
                r"non-empty \dD or \dD \(batch mode\) tensor expected for input",
                r"pool\dd\w*(?:\(\))?: Expected \dD (?:or|to) \dD tensor(?: for input)?, but "
                r"got:? ?\[?(?P<shape>[^\]]*)",
                r"Input to max_unpooling\dd should be a \dd or \dd Tensor",
                r"Input dimension should be at least \d",
                r"Expected \dD or \dD tensor, but got",
                r"Dimension specified as -?\d+ but tensor has no dimensions",
                r"Dimension out of range",
                r"^tuple index out of range$",
            ),
            "layer = nn.MaxPool2d(2)\nx = torch.zeros(8, 8)\nlayer(x)",
            ("The input {shape} has {axes}; {name} takes {takes}.",),
            (settings.other_dims({4: 2, 5: 3, 3: 1}), axes.axes_in_front(), axes.joined),
            _rank_is_wrong,
        ),
        Entry(
            "pool-output-too-small",
            "The pool's window does not fit its input",
            (
                r"Given input size: \([^)]*\)\. Calculated output size: \((?P<out>[^)]*)\)\. "
                r"Output size is too small",
                r"max_pool1d\(\) Invalid computed output size: (?P<out>-?\d+)",
                r"input image \(T: .*\) smaller than kernel size",
            ),
            "layer = nn.MaxPool2d(3)\nx = torch.zeros(1, 8, 2, 2)\nlayer(x)",
            (
                (
                    "{name} reaches over {span} along {short_axis}; {input} has {short_size} "
                    "there, so there is no output.",
                    "The pool's output would have the size ({out}); it must be 1 or more.",
                ),
                "Images must be at least {smallest_input} for the layers up to here.",
            ),
            (
                settings.pool_over_fewer,
                axes.channels_in_front,
                upstream.image_large_enough,
                settings.fitting_window,
                settings.adaptive,
            ),
            _POOL,
        ),
        Entry(
            "pool-padding",
            "A pool padded by more than half its window",
            (
                r"pad should be (?:at most half of effective kernel size|smaller than or equal to "
                r"half of kernel size)",
                r"max_pool1d\(\) padding should be at most half of kernel size",
            ),
            "layer = nn.MaxPool2d(2, padding=2)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            (
                "padding={padding} is more than half of the window {kernel_size}: a window could "
                "then lie in the padding alone and read no cell of the input.",
            ),
            (
                change("Pad by {half_window} at most.", padding="{half_window}"),
                change("Or use a window of {twice_padding}.", kernel_size="{twice_padding}"),
                *_NO_WINDOW,
            ),
        ),
        Entry(
            "pool-negative-padding",
            "A negative padding of a pool",
            (r"pad must be non-negative, but got pad: ", r"padding must be non-negative, but got"),
            "layer = nn.MaxPool2d(2, padding=-1)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            (
                (
                    "padding={padding} is below 0; a pool's padding adds cells, it does not cut "
                    "them off.",
                    "A pool's padding is 0 or more: it adds cells, it does not cut them off.",
                ),
            ),
            (change("Use no padding.", padding=0),),
        ),
        Entry(
            "pool-stride",
            "A stride of a pool below 1",
            (
                r"stride should not be zero",
                r"strides? (?:should|must) be greater than (?:zero|0)",
                r"output_size must contain non-negative spatial dimensions",
            ),
            "layer = nn.MaxPool2d(2, stride=-1)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            ("With stride={stride} the window would not move on; it must be 1 or more.",),
            (
                change(
                    "Leave the stride out: it is the window, {kernel_size}.",
                    stride="{kernel_size}",
                ),
                change("Or move by one cell.", stride=1),
            ),
            lambda failure: _below("stride", failure) and not _below("kernel_size", failure),
        ),
        Entry(
            "pool-dilation",
            "A dilation of a pool below 1",
            (r"dilation (?:should|must) be greater than (?:zero|0)",),
            "layer = nn.MaxPool2d(2, dilation=0)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            ("dilation={dilation} puts the window's cells on one another; it must be 1 or more.",),
            (change("Let the cells be neighbours.", dilation=1, padding=0),),
            _POOL,
        ),
        Entry(
            "pool-kernel",
            "A pool with a window of size 0",
            (
                r"kernel[ _]size (?:should|must) be greater than (?:zero|0)",
                r"strides? should (?:not be zero|be greater than zero)",
                r"output_size must contain non-negative spatial dimensions",
            ),
            "layer = nn.MaxPool2d(0)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            ("kernel_size={kernel_size} is a window of no cells; it must be 1 or more.",),
            _NO_WINDOW,
            lambda failure: _below("kernel_size", failure),
        ),
        Entry(
            "pool-setting-per-axis",
            "A pool's setting with the wrong number of values",
            (
                r"pool\dd(?:\(\))?:? \w+ (?:argument )?must (?:either )?be (?:either )?(?:a "
                "single int|omitted|None|an int|a single Int)",
                r"argument '\w+' should contain one int \(got \d+\)",
                r"There should be exactly (?:two|three) elements \([^)]*\) in \w+",
                r"(?:elements of )?output_size(?:\.size\(\))? must be \d$",
                r"not enough values to unpack",
                r"too many values to unpack",
                r"^tuple index out of range$",
                r"argument 'other' \(position 1\) must be Tensor, not tuple",
                r"Input dimension should be at least \d",
            ),
            "layer = nn.MaxPool2d((2, 2, 2))\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            (
                (
                    "{kind} has {spatial_axes}, so a setting is one number or one an axis; it got "
                    "{per_axis}.",
                    "{kind} has {spatial_axes}; a setting has another number of values.",
                ),
            ),
            (settings.per_axis,),
            _POOL,
        ),
        Entry(
            "adaptive-output-size",
            "An output size below 0",
            (
                r"elements of output_size must be greater than or equal to \d+ but received",
                r"Trying to create tensor with negative dimension",
            ),
            "layer = nn.AdaptiveAvgPool2d(-1)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            (
                "The output size {output_size} is below 0; it says how many cells the output has "
                "per axis.",
            ),
            (change("Ask for one cell per channel (global pooling).", output_size=1),),
            of_kind("adaptive"),
        ),
        Entry(
            "adaptive-none",
            "An output size of None in one dimension",
            (
                r"argument 'output_size' \(position 2\) must be tuple of ints, but found element "
                "of type NoneType",
            ),
            "layer = nn.AdaptiveAvgPool1d((None,))\nx = torch.zeros(1, 8, 8)\nlayer(x)",
            (
                "An empty place in output_size means 'as large as the input', which the pools over "
                "2 and 3 axes take and {kind} does not.",
            ),
            (change("Say the size, {last}.", output_size="{last}"),),
        ),
        Entry(
            "fractional-size",
            "A fractional pool without an output size that makes sense",
            (
                r"requires specifying either an output.size,? or (?:a pooling ratio"
                r"|an output_ratio)",
                r"only one of output_size and output_ratio may be specified",
                r"output_ratio must be between 0 and 1 \(got (?P<got>[^)]*\)?)\)",
            ),
            "layer = nn.FractionalMaxPool2d(2, output_ratio=1.5)",
            (
                (
                    "The output is a fraction of the input: output_ratio={got} is not between 0 "
                    "and 1.",
                    "One of output_size and output_ratio says how large the output is, not both "
                    "and not neither; 0.5 halves each axis.",
                ),
            ),
            (change("Halve the size.", output_ratio=0.5, output_size=None),),
        ),
        Entry(
            "fractional-too-large",
            "A fractional pool's output is too large for its input",
            (
                r"fractional_max_pool\dd\w*(?:\(\))?: (?:pool|kernel) (?P<axis>\w+) (?P<pool>\d+) "
                r"(?:is )?too large relative to input \w+ (?P<size>\d+)",
            ),
            "layer = nn.FractionalMaxPool2d(3, output_size=7)\n"
            "x = torch.zeros(1, 8, 8, 8)\nlayer(x)",
            (
                "Windows of {pool} cells cannot give that many outputs from {size} along the "
                "{axis}: output_size + kernel_size − 1 must stay within the input.",
            ),
            (
                settings.fitting_fraction,
                change(
                    "Use windows of one cell on the smallest output.",
                    kernel_size=1,
                    output_size=1,
                    output_ratio=None,
                ),
            ),
        ),
    ),
)
