"""Batch, instance, group and layer normalisation."""

from convdocs.errors.entry import Entry, Family, of_kind
from convdocs.errors.strategies import axes, settings, upstream
from convdocs.errors.strategies.settings import change

_NORM = of_kind("norm")

FAMILY = Family(
    "norms",
    "Normalisation",
    "A norm cannot tell its channels",
    "Batch norm takes the mean of each channel over the batch and all positions, so it must know "
    "which axis holds the channels, and it needs more than one value for each.",
    (
        Entry(
            "one-value-per-channel",
            "Batch norm in training with one value per channel",
            (
                r"Expected more than 1 value per channel when training, got input size "
                r"(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
                r"Expected more than 1 spatial element when training, got input size "
                r"(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
            ),
            "layer = nn.BatchNorm2d(8)\nx = torch.zeros(1, 8, 1, 1)\nlayer(x)",
            (
                "The input {shape} has one value per channel; a single value has no spread to "
                "normalise by.",
                "To train, use batches of 2 or more (drop_last=True in the loader).",
            ),
            (settings.evaluated, settings.fewer_norm_groups, settings.larger_batch),
        ),
        Entry(
            "norm-rank",
            "The norm's input has too few or too many axes",
            (
                r"expected \dD input \(got (?P<got>\d+)D input\)",
                r"expected \dD or \dD input \(got (?P<got>\d+)D input\)",
                r"expected at least 2D input \(got (?P<got>\d+)D input\)",
                r"Expected at least 2 dimensions for input tensor but received (?P<got>\d+)",
            ),
            "layer = nn.BatchNorm2d(8)\nx = torch.zeros(4, 8)\nlayer(x)",
            (
                (
                    "The input {shape} has {axes}; {name} takes {norm_takes}.",
                    "The input has {got} axes; the norm takes other shapes.",
                ),
                "Upstream, {lost_batch}.",
                "Upstream, {unbatched}.",
            ),
            (
                axes.no_batch,
                upstream.batch_kept,
                axes.one_sample,
                settings.norm_dims,
                axes.axes_at_end,
                axes.norm_axes_in_front,
                axes.joined_trailing,
                axes.joined,
                axes.built_for_channels,
            ),
            _NORM,
        ),
        Entry(
            "norm-channels",
            "The input has another number of channels than the norm",
            (
                r"(?:running_mean|running_var|weight|bias) should contain \d+ elements "
                r"not (?P<need>\d+)",
                r"expected input's size at dim=\d+ to match num_features \((?P<need>\d+)\), "
                r"but got: \d+",
                "Expected weight to be a vector of size equal to the number of channels in input, "
                r"but got weight of shape \[(?P<need>\d+)\] and input of shape \[[^\]]*\]",
                r"Expected (?:weight|bias) to be a vector of size equal to the number of channels",
                r"shape '.*' is invalid for input of size",
                r"Expected number of channels in input to be divisible by num_groups",
            ),
            "layer = nn.BatchNorm2d(8)\nx = torch.zeros(4, 16, 5, 5)\nlayer(x)",
            (
                (
                    "The input {shape} has C={channels}; {name} expects C={wanted_channels}.",
                    "The norm is built for C={need}; the input has another number of channels.",
                ),
            ),
            (axes.channels_there_and_back, axes.channels_moved, axes.built_for_input),
            lambda failure: _NORM(failure) and "Layer" not in failure.kind,
        ),
        Entry(
            "group-norm-groups",
            "Groups that do not divide the norm's channels",
            (
                r"num_channels \(\d+\) must be divisible by num_groups \(\d+\)",
                r"integer modulo by zero",
            ),
            "layer = nn.GroupNorm(3, 8)",
            (
                "num_groups={num_groups} does not divide num_channels={num_channels}; each group "
                "holds as many channels, and there is at least 1 group.",
            ),
            (settings.fewer_groups,),
            _NORM,
        ),
        Entry(
            "layer-norm-shape",
            "Layer norm over other sizes than the input's last ones",
            (
                r"Given normalized_shape=\[(?P<sizes>[^\]]*)\], expected input with shape "
                r"\[[^\]]*\], but got input of size ?(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
            ),
            "layer = nn.LayerNorm(8)\nx = torch.zeros(4, 8, 5, 5)\nlayer(x)",
            (
                "LayerNorm normalises the last axes and expects the size ({sizes}) there; the "
                "input is {shape}.",
            ),
            (axes.norm_there_and_back, axes.normalised_last),
        ),
        Entry(
            "norm-eps",
            "Batch norm with an eps that is not positive",
            (
                "batch_norm eps must be (?:positive|non-negative)(?: during training)?, but got "
                r"(?P<got>-?\d+(?:\.\d+)?(?:e-?\d+)?)",
            ),
            "layer = nn.BatchNorm2d(8, eps=0)\nx = torch.zeros(4, 8, 5, 5)\nlayer(x)",
            (
                "eps={got} is added to the variance so that nothing is divided by 0; it must be "
                "positive.",
            ),
            (change("Leave eps at its default.", eps=1e-05),),
        ),
    ),
)
