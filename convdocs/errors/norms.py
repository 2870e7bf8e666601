"""Errors of batch, instance, group and layer normalisation."""

from __future__ import annotations

from typing import Any

from convdocs.errors.entry import Family, Reading, Said, axes_of, of_kind, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, instead, rebuilt
from convdocs.errors.wording import moved_axis, other_dims, the_input

FAMILY = Family(
    "norms",
    "Normalisation",
    "Batch norm takes the mean of each channel over the batch and all positions, so it must know "
    "which axis holds the channels, and it needs more than one value for each.",
)

NORM = of_kind("norm")


@FAMILY.entry(
    "one-value-per-channel",
    "Batch norm in training with one value per channel",
    [
        r"Expected more than 1 value per channel when training, got input size (?:torch\.Size\()?"
        r"\[(?P<shape>[^\]]*)\]",
        r"Expected more than 1 spatial element when training, got input size (?:torch\.Size\()?"
        r"\[(?P<shape>[^\]]*)\]",
    ],
    "layer = nn.BatchNorm2d(8)\nx = torch.zeros(1, 8, 1, 1)\nlayer(x)",
)
def one_value(failure: Failure, said: Said) -> Reading:
    spread = "each sample" if "spatial" in failure.message else "the batch"
    cause = (
        f"The input {failure.shape or tuple(whole(said['shape']))} has one value per channel "
        f"in {spread}; "
        "a single value has no spread to normalise by."
    )
    if not failure.tensors:
        return cause, []
    repairs: list[Repair | None] = []
    if failure.kind.startswith("BatchNorm"):
        repairs.append(
            Repair("For a prediction, switch to evaluation.", (("layer", "layer.eval()"),))
        )
        two = ", ".join(["2", *["1"] * (len(failure.shape) - 1)])
        repairs.append(
            given(
                "Train on batches of 2 or more (drop_last=True in the loader).", f"x.repeat({two})"
            )
        )
    if failure.kind == "GroupNorm":
        channels, groups = failure.settings["num_channels"], failure.settings["num_groups"]
        if channels > groups:
            repairs.append(None)
        fewer = next((g for g in range(groups - 1, 0, -1) if channels % g == 0), 0)
        if fewer:
            text = f"Use {fewer} group{'s' if fewer > 1 else ''}, so that each holds more values."
            repairs.append(rebuilt(failure, text, num_groups=fewer))
        repairs.append(
            given(
                "Feed a larger input.",
                f"x[..., None].expand({', '.join('-1' for _ in failure.shape)}, 2)",
            )
        )
    if failure.kind.startswith("InstanceNorm"):
        sizes = ", ".join(["1"] * (len(failure.shape) - 1) + ["2"])
        text = "Normalise before the size is down to 1, or feed a larger input."
        repairs.append(given(text, f"x.repeat({sizes})"))
    return cause, repairs


@FAMILY.entry(
    "norm-rank",
    "The norm's input has too few or too many axes",
    [
        r"expected (?P<need>\d)D input \(got (?P<got>\d+)D input\)",
        r"expected (?P<low>\d)D or (?P<high>\d)D input \(got (?P<got>\d+)D input\)",
        r"expected at least 2D input \(got (?P<got>\d+)D input\)",
        r"Expected at least 2 dimensions for input tensor but received (?P<got>\d+)",
    ],
    "layer = nn.BatchNorm2d(8)\nx = torch.zeros(4, 8)\nlayer(x)",
    when=NORM,
)
def norm_rank(failure: Failure, said: Said) -> Reading:
    need = {
        "BatchNorm1d": "(N, C) or (N, C, L)",
        "BatchNorm2d": "(N, C, H, W)",
        "BatchNorm3d": "(N, C, D, H, W)",
        "InstanceNorm1d": "(C, L) or (N, C, L)",
        "InstanceNorm2d": "(C, H, W) or (N, C, H, W)",
        "InstanceNorm3d": "(C, D, H, W) or (N, C, D, H, W)",
    }.get(failure.kind, "(N, C, …)")
    rank = len(failure.shape)
    cause = (
        f"The input {failure.shape} has {axes_of(failure.shape)}; "
        f"{failure.name or 'the norm'} takes {need}."
    )
    if not failure.tensors:
        return f"The input has {said.get('got') or 'other'} axes; the norm takes {need}.", []
    dims = {2: 1, 3: 1, 4: 2, 5: 3}
    if failure.kind.startswith("Instance"):
        dims = {3: 1, 4: 2, 5: 3}
    repairs = [other_dims(failure, dims)]
    least, most = {"B": (failure.dims + 2, failure.dims + 2)}.get(
        failure.kind[0], (failure.dims + 1, failure.dims + 2)
    )
    if failure.kind == "GroupNorm":
        least = 2
    if rank < least:
        channels = failure.settings.get("num_features", failure.settings.get("num_channels"))
        if rank >= 2 and failure.shape[1] == channels:
            ends = ", ".join(["None"] * (least - rank))
            repairs.append(given("Give the input its missing axes, of size 1.", f"x[..., {ends}]"))
        nones = "None, " * (least - rank)
        repairs.append(given("Give the input its missing axes in front.", f"x[{nones}...]"))
    if rank > most and failure.dims:
        repairs.append(given("Join the trailing axes.", f"x.flatten({most - 1})"))
        repairs.append(given("Join the leading axes into one.", f"x.flatten(0, {rank - most})"))
    repairs += _for_channels(failure, least)
    return cause, repairs


def _for_channels(failure: Failure, least: int) -> list[Repair | None]:
    """The missing axes, and a layer for the channels that the input then has."""
    name = "num_features" if "num_features" in failure.settings else "num_channels"
    missing = max(0, least - len(failure.shape))
    if name not in failure.settings or not missing:
        return []
    channels = failure.shape[0] if missing == 1 and failure.shape else 1
    changes: dict[str, Any] = {name: channels}
    if failure.kind == "GroupNorm":
        changes["num_groups"] = 1
    layer = rebuilt(failure, "", **changes)
    if layer is None:
        return []
    text = f"Give the input its missing axes in front, and build the layer for C={channels}."
    repairs: list[Repair | None] = [
        Repair(text, (*layer.steps, ("x", f"x[{'None, ' * missing}...]")))
    ]
    ends = ", ".join(["2", "2", *["2"] * (least - 2)])
    return [*repairs, Repair(text, (*layer.steps, ("x", f"x.new_zeros({ends})")))]


@FAMILY.entry(
    "norm-channels",
    "The input has another number of channels than the norm",
    [
        r"(?P<what>running_mean|running_var|weight|bias) should contain (?P<got>\d+) elements "
        r"not (?P<need>\d+)",
        r"expected input's size at dim=(?P<axis>\d+) to match num_features \((?P<need>\d+)\), "
        r"but got: (?P<got>\d+)",
        "Expected weight to be a vector of size equal to the number of channels in input, but "
        "got weight of "
        r"shape \[(?P<need>\d+)\] and input of shape \[(?P<shape>[^\]]*)\]",
        r"Expected (?:weight|bias) to be a vector of size equal to the number of channels",
        r"shape '.*' is invalid for input of size",
        r"Expected number of channels in input to be divisible by num_groups",
    ],
    "layer = nn.BatchNorm2d(8)\nx = torch.zeros(4, 16, 5, 5)\nlayer(x)",
    when=lambda failure: NORM(failure) and "Layer" not in failure.kind,
)
def norm_channels(failure: Failure, said: Said) -> Reading:
    name = "num_features" if "num_features" in failure.settings else "num_channels"
    need = failure.settings.get(name, said.get("need"))
    if not failure.tensors or len(failure.shape) < 2:
        return f"The norm is built for C={need}; the input has another number of channels.", []
    unbatched = failure.kind.startswith("Instance") and len(failure.shape) == failure.dims + 1
    axis = 0 if unbatched else 1
    got = failure.shape[axis]
    cause = f"The input {failure.shape} has C={got}; {failure.name} expects C={need}."
    repairs: list[Repair | None] = []
    if failure.shape[-1] == need and axis != len(failure.shape) - 1:
        repairs.append(moved_axis(failure, len(failure.shape) - 1, axis))
    groups = failure.settings.get("num_groups")
    changes: dict[str, Any] = {
        name: got,
        **({"num_groups": groups if groups and got % groups == 0 else 1} if groups else {}),
    }
    repairs.append(rebuilt(failure, f"Build the layer for C={got}.", **changes))
    return cause, repairs


@FAMILY.entry(
    "group-norm-groups",
    "Groups that do not divide the norm's channels",
    [
        r"num_channels \((?P<channels>\d+)\) must be divisible by num_groups \((?P<groups>\d+)\)",
        r"integer modulo by zero",
    ],
    "layer = nn.GroupNorm(3, 8)",
    when=lambda failure: NORM(failure) and "norm" in failure.kind.lower(),
)
def group_norm_groups(failure: Failure, said: Said) -> Reading:
    groups, channels = (
        failure.settings.get("num_groups", 0),
        failure.settings.get("num_channels", 1),
    )
    cause = (
        f"num_groups={groups} does not divide num_channels={channels}; each group holds as "
        "many channels."
        if groups
        else "num_groups=0 leaves no group for the channels; it must be 1 or more."
    )
    near = max((g for g in range(1, groups + 1) if channels % g == 0), default=1)
    return cause, [
        rebuilt(failure, f"Use {near} group{'s' if near > 1 else ''}.", num_groups=near),
        rebuilt(failure, "One group per channel.", num_groups=channels),
    ]


@FAMILY.entry(
    "layer-norm-shape",
    "Layer norm over other sizes than the input's last ones",
    [
        r"Given normalized_shape=\[(?P<need>[^\]]*)\], expected input with shape \[[^\]]*\], "
        "but got input of "
        r"size ?(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
    ],
    "layer = nn.LayerNorm(8)\nx = torch.zeros(4, 8, 5, 5)\nlayer(x)",
)
def layer_norm_shape(failure: Failure, said: Said) -> Reading:
    need, shape = tuple(whole(said["need"])), failure.shape or tuple(whole(said["shape"]))
    cause = (
        f"LayerNorm normalises the last {axes_of(need)} and expects the size {need} there; "
        f"{the_input(failure)} ends in {shape[-len(need) :]}."
    )
    repairs: list[Repair | None] = []
    if len(need) == 1 and need[0] in shape[1:-1]:
        text = "Put the channels last for the norm, and back after it."
        repairs.append(given(text, f"x.movedim({shape.index(need[0], 1)}, -1)"))
        norm = instead(
            "Or normalise the channels in place, as one group.", f"nn.GroupNorm(1, {need[0]})"
        )
        repairs.append(norm if shape.index(need[0], 1) == 1 else None)
    last = shape[-len(need) :]
    repairs.append(rebuilt(failure, f"Normalise {last}.", normalized_shape=last))
    return cause, repairs


@FAMILY.entry(
    "norm-eps",
    "Batch norm with an eps that is not positive",
    [
        "batch_norm eps must be (?:positive|non-negative)(?: during training)?, but got "
        r"(?P<got>-?[\d.e-]+)"
    ],
    "layer = nn.BatchNorm2d(8, eps=0)\nx = torch.zeros(4, 8, 5, 5)\nlayer(x)",
)
def norm_eps(failure: Failure, said: Said) -> Reading:
    cause = (
        f"eps={said['got'].rstrip('.')} is added to the variance so that nothing is "
        "divided by 0; it must be positive."
    )
    return cause, [rebuilt(failure, "Leave eps at its default.", eps=1e-05)]
