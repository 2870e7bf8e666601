"""Unfold, which writes windows as columns, and Fold, which adds them back up."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.facts import below_least
from convdocs.errors.strategies import settings
from convdocs.errors.strategies.settings import change

_FOLD = of_kind("fold|im2col|col2im")

FAMILY = Family(
    "folding",
    "Fold and Unfold",
    "Columns and windows do not go together",
    "Unfold turns an image (N, C, H, W) into columns (N, C·kernel cells, windows); Fold adds such "
    "columns up to an image. Both work on two spatial axes only.",
    (
        Entry(
            "fold-setting",
            "A setting of Fold or Unfold out of range",
            (
                r"(?:kernel[ _]size|output_size|strides?|dilation) should be greater than zero",
                r"padding should be (?:non-negative|greater than zero)",
                r"Expected output spatial size to be positive",
            ),
            "layer = nn.Unfold(2, stride=0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            (
                "{kind} got {out_of_range}; sizes, stride and dilation are 1 or more, padding 0 or "
                "more.",
            ),
            (settings.smallest_values, settings.folded_input),
            lambda failure: _FOLD(failure) and bool(below_least(failure)),
        ),
        Entry(
            "fold-setting-per-axis",
            "A setting of Fold or Unfold with the wrong number of values",
            (
                r"It is expected \w+ equals to 2, but got size \d+",
                r"only 2D [\w ]+ supported",
            ),
            "layer = nn.Unfold((2, 2, 2))\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            ("{kind} works on 2 axes, so a setting is one number or two; it got {per_axis}.",),
            (settings.per_axis, settings.folded_input),
        ),
        Entry(
            "fold-rank",
            "The input of Fold or Unfold has too few or too many axes",
            (
                r"Expected \dD or \dD \(batch mode\) tensor for input with possibl[ey] 0 batch "
                r"size and non-zero dimensions(?: for input)?, but got: [\[(](?P<shape>[^\])]*)",
                r"Expected \dD or \dD \(batch mode\) tensor with possibly 0 batch size and other "
                r"non-zero dimensions for input, but got: [\[(](?P<shape>[^\])]*)",
                r"Dimension out of range",
                r"Dimension specified as -?\d+ but tensor has no dimensions",
            ),
            "layer = nn.Unfold(2)\nx = torch.zeros(8, 8)\nlayer(x)",
            ("The input {shape} has {axes}, none of which may be empty; {kind} takes {columns}.",),
            (settings.fold_axes, settings.folded_input),
            _FOLD,
        ),
        Entry(
            "fold-channels",
            "Fold's input has rows that make no whole number of channels",
            (
                "Expected size of input's (?:dimension 1|first non-batch dimension) to be "
                r"divisible by the product of kernel_size, but got input\.\w+[\(\[]-?\d[\)\]] ?= ?"
                r"(?P<rows>\d+) and kernel_size=[\[(](?P<kernel>[^\])]*)",
            ),
            "layer = nn.Fold(4, 2, stride=2)\nx = torch.zeros(1, 6, 4)\nlayer(x)",
            (
                "Each column holds C windows of {kernel_size} cells an axis, {fold_rows} cells "
                "together; {rows} rows are no multiple of {fold_rows}.",
            ),
            (settings.columns_turned, settings.folded_input),
        ),
        Entry(
            "fold-blocks",
            "Fold's input has another number of windows than its settings give",
            (
                r"Given output_size=[\[(](?P<out>[^\])]*)[\])], .*expected (?:size of input's "
                r"dimension \d to match the calculated number of sliding blocks .* = "
                r"(?P<need>-?\d+), but got input\.size\(\d\)=(?P<got>\d+)"
                r"|input\.size\(-1\) to be -?\d+ but got \d+)",
            ),
            "layer = nn.Fold(4, 2, stride=2)\nx = torch.zeros(1, 12, 9)\nlayer(x)",
            (
                "An output of ({out}) has {fold_columns} windows with these settings, one column "
                "each; the input has {last}.",
            ),
            (settings.square_output, settings.columns_turned, settings.folded_input),
        ),
        Entry(
            "unfold-too-small",
            "No window fits: nothing to unfold or fold",
            (
                r"Given an? ?input with spatial size \((?P<size>[^)]*)\).*but its components must "
                "be at least one",
                r"Given input with spatial size \((?P<size>[^)]*)\).*but its components must be at "
                "least one",
                r"Given output_size=[\[(](?P<out>[^\])]*)[\])].*calculated shape of the array of "
                r"sliding blocks as? ?.*too small \(non-positive\)",
            ),
            "layer = nn.Unfold(3)\nx = torch.zeros(1, 3, 2, 2)\nlayer(x)",
            (
                "The window of kernel_size={kernel_size} and dilation={dilation} fits nowhere in "
                "{room} cells with a padding of {padding}.",
            ),
            (
                change("Pad by {fitting_padding}.", padding="{fitting_padding}"),
                change(
                    "Use a window that fits: {fitting_kernel}.",
                    kernel_size="{fitting_kernel}",
                    dilation=1,
                ),
                settings.folded_input,
            ),
        ),
    ),
)
