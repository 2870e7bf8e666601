"""The padding layers, and convolutions that pad by reflection or around."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.failure import Failure
from convdocs.errors.strategies import axes, settings
from convdocs.errors.strategies.settings import change


def _pads_are_wrong(failure: Failure) -> bool:
    """Whether a padding layer has another number of pads than two an axis."""
    padding = failure.settings.get("padding")
    layer = failure.layer is not None and failure.kind.endswith("d") and "Pad" in failure.kind
    return layer and isinstance(padding, tuple | list) and len(padding) != 2 * failure.dims


FAMILY = Family(
    "padding",
    "Padding layers and padding modes",
    "The padding is more than the mode can give",
    "Zeros and copies of the border can pad by any amount. A reflection needs as many cells as it "
    "mirrors, and going around can use each cell once.",
    (
        Entry(
            "reflect-too-large",
            "Reflection as wide as the input",
            (
                r"Padding size should be less than the corresponding input dimension, but got: "
                r"padding \((?P<pads>[^)]*)\) at dimension (?P<axis>\d+) of input "
                r"(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
            ),
            "layer = nn.ReflectionPad1d(4)\nx = torch.zeros(1, 3, 4)\nlayer(x)",
            (
                "Axis {axis} of the input ({shape}) is too short for the padding ({pads}): the "
                "reflection leaves the border cell out, so it can pad by one less than the axis "
                "has.",
            ),
            (
                settings.capped_padding(1),
                change("Repeat the border's cell instead.", padding_mode="replicate"),
                change("Pad with zeros.", padding_mode="zeros"),
                change(
                    "Repeat the border's cell instead, by as much as you like.",
                    "ReplicationPad{dims}d",
                ),
            ),
        ),
        Entry(
            "circular-too-large",
            "Circular padding wider than the input",
            (r"Padding value causes wrapping around more than once",),
            "layer = nn.CircularPad1d(5)\nx = torch.zeros(1, 3, 4)\nlayer(x)",
            (
                (
                    "Going around once gives as many cells as {input} has along an axis; a padding "
                    "of {padding} would go around twice.",
                    "Going around once gives as many cells as the input has along an axis, and "
                    "this padding is more.",
                ),
            ),
            (
                settings.capped_padding(0),
                change("Repeat the border's cell instead.", padding_mode="replicate"),
                change("Pad with zeros.", padding_mode="zeros"),
                change(
                    "Repeat the border's cell instead, by as much as you like.",
                    "ReplicationPad{dims}d",
                ),
            ),
        ),
        Entry(
            "padding-empties",
            "Negative padding takes the whole input away",
            (
                r"Negative padding value is resulting in an empty dimension",
                r"narrow\(\): length must be non-negative",
                r"input \([^)]*\) is too small\. Calculated output",
                r"numel: integer multiplication overflow",
                r"Trying to create tensor with negative dimension",
            ),
            "layer = nn.ReflectionPad1d(-2)\nx = torch.zeros(1, 3, 4)\nlayer(x)",
            (
                (
                    "A negative padding crops; {padding} takes all cells of {input} along an axis, "
                    "or more.",
                    "A negative padding crops; this one takes all cells along an axis, or more.",
                ),
            ),
            (
                settings.kept_padding,
                settings.capped_padding(1),
                change("Neither crop nor pad.", padding=0),
            ),
            of_kind("pad"),
        ),
        Entry(
            "padding-rank",
            "The padding layer's input has too few or too many axes",
            (
                r"expected \dD or \dD input \(got \d+D input\)",
                r"Padding size \d+ is not supported for \d+D input tensor",
                "Padding length should be less than or equal to two times the input dimension but "
                r"got padding length \d+ and input of dimension \d+",
            ),
            "layer = nn.ReflectionPad2d(1)\nx = torch.zeros(8, 8)\nlayer(x)",
            ("The input {shape} has {axes}; {name} takes {takes}.",),
            (settings.other_dims({4: 2, 5: 3, 3: 1}), axes.axes_in_front(), axes.joined),
            lambda failure: of_kind("pad|conv")(failure) and not _pads_are_wrong(failure),
        ),
        Entry(
            "padding-length",
            "Padding with the wrong number of values",
            (
                r"Padding length (?:must|should) be divisible by 2",
                r"[Pp]adding (?:size|length)",
                r"expected \dD or \dD input",
            ),
            "layer = nn.ReflectionPad2d((1, 1, 1))\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            (
                (
                    "{kind} takes one number, or 2 an axis, the last axis first (left, right, top, "
                    "bottom, front, back); it got {padding}.",
                    "Padding takes 2 numbers an axis, before and after, the last axis first.",
                ),
            ),
            (settings.two_pads_an_axis,),
            lambda failure: _pads_are_wrong(failure) or failure.function == "pad",
        ),
    ),
)
