"""Upsample, PixelShuffle and ChannelShuffle."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.strategies import axes, settings

_UP = of_kind("upsampl|interpolate")

FAMILY = Family(
    "resampling",
    "Upsampling and shuffling",
    "A size that cannot be resampled or shuffled",
    "Upsample takes a batch (N, C, …) only, and each mode belongs to a number of axes: linear one, "
    "bilinear and bicubic two, trilinear three. PixelShuffle turns channels into pixels.",
    (
        Entry(
            "upsample-rank",
            "A mode that does not fit the input's axes",
            (
                r"Got (?P<got>\d)D input, but (?P<mode>\w+) mode needs \dD input",
                r"Input Error: Only 3D, 4D and 5D input Tensors supported \(got (?P<got>\d+)D\) "
                r"for the modes: .* \(got (?P<mode>[\w-]+)\)",
            ),
            'layer = nn.Upsample(scale_factor=2, mode="bilinear")\nx = torch.zeros(3, 8, 8)\n'
            "layer(x)",
            ("{input} has {axes}; the mode '{mode}' takes {mode_takes}.",),
            (axes.interpolating_mode,),
            _UP,
        ),
        Entry(
            "upsample-corners",
            "align_corners with a mode that copies",
            (r"align_corners option",),
            "layer = nn.Upsample(scale_factor=2, align_corners=True)\n"
            "x = torch.zeros(1, 3, 8, 8)\nlayer(x)",
            (
                "The option align_corners goes with a mode that interpolates; '{mode}' copies each "
                "of the cells of {input}.",
            ),
            (axes.without_align_corners,),
            _UP,
        ),
        Entry(
            "upsample-size",
            "An output size or factor that does not fit",
            (
                r"Input and (?:output|scale_factor) must have the same number of spatial "
                r"dimensions",
                r"Input and output sizes should be greater than 0, but got",
                r"(?:either|only one of) size or scale_factor should be defined",
                r"upper bound and (?:lower bound inconsistent|larger bound inconsistent)",
                r"elements of output_size must be greater",
                r"recompute_scale_factor is not meaningful",
                r"(?:division|modulo) by zero",
            ),
            "layer = nn.Upsample(size=(16, 16))\nx = torch.zeros(1, 3, 8)\nlayer(x)",
            (
                "size={asked_size} and scale_factor={asked_factor} do not give {input} an output "
                "of at least 1 in each spatial axis, in one way.",
            ),
            (axes.doubled, axes.look_upstream),
            _UP,
        ),
        Entry(
            "shuffle",
            "Channels or pixels that cannot be shuffled",
            (
                r"pixel_(?:un)?shuffle expects",
                r"Invalid input shape for pixel_(?:un)?shuffle: (?:torch\.Size\()?\[[^\]]*\]\)? "
                "with",
                r"Number of channels must be divisible by groups\. Got \d+ channels and -?\d+ "
                "groups",
                r"Number of groups to divide channels in must be positive",
                r"channel_shuffle expects input with > 2 dims",
                r"integer (?:division or )?modulo by zero",
                r"shape '.*' is invalid for input of size",
            ),
            "layer = nn.PixelShuffle(2)\nx = torch.zeros(1, 6, 8, 8)\nlayer(x)",
            ("{name} takes (N, C, H, W) with {shuffled}; the input is {shape}.",),
            (settings.shuffle_factor, settings.shuffle_input),
            of_kind("shuffle"),
        ),
    ),
)
