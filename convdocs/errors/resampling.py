"""Errors of Upsample, PixelShuffle and ChannelShuffle."""

from __future__ import annotations

from typing import Any

from convdocs.errors.entry import Family, Reading, Said, axes_of, of_kind
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import capital, the_input

FAMILY = Family(
    "resampling",
    "Upsampling and shuffling",
    "Upsample takes a batch (N, C, …) only, and each mode belongs to a number of axes: linear one, "
    "bilinear and bicubic two, trilinear three. PixelShuffle turns channels into pixels.",
)

UP = of_kind("upsampl|interpolate")
MODES = {3: "linear", 4: "bilinear", 5: "trilinear"}


@FAMILY.entry(
    "upsample-rank",
    "A mode that does not fit the input's axes",
    [
        r"Got (?P<got>\d)D input, but (?P<mode>\w+) mode needs (?P<need>\d)D input",
        r"Input Error: Only 3D, 4D and 5D input Tensors supported \(got (?P<got>\d+)D\) for "
        "the modes: .* "
        r"\(got (?P<mode>[\w-]+)\)",
        r"align_corners option",
    ],
    'layer = nn.Upsample(scale_factor=2, mode="bilinear")\nx = torch.zeros(3, 8, 8)\nlayer(x)',
    when=UP,
)
def upsample_rank(failure: Failure, said: Said) -> Reading:
    mode = failure.settings.get("mode") or said.get("mode") or "this mode"
    takes = {
        "linear": "(N, C, L)",
        "bilinear": "(N, C, H, W)",
        "bicubic": "(N, C, H, W)",
        "trilinear": "(N, C, D, H, W)",
    }.get(mode, "(N, C, L), (N, C, H, W) or (N, C, D, H, W)")
    rank = len(failure.shape) if failure.tensors else int(said.get("got") or 0)
    if "align_corners" in failure.message:
        return _align_corners(failure, mode, rank)
    cause = (
        f"{capital(the_input(failure))} has {axes_of((0,) * rank)}; the mode "
        f"{mode!r} "
        f"takes {takes}."
    )
    if not failure.tensors:
        return cause, []
    need = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}.get(
        mode, max(3, min(5, rank))
    )
    repairs: list[Repair | None] = []
    if rank < need:
        text = (
            "Give the sample its batch axis."
            if need - rank == 1
            else "Give the input its missing axes."
        )
        repairs.append(given(text, f"x[{'None, ' * (need - rank)}...]"))
    if rank > need:
        repairs.append(
            given("Join the leading axes into the batch.", f"x.flatten(0, {rank - need})")
        )
    if rank in MODES:
        repairs.insert(
            0 if rank > need else 1,
            rebuilt(failure, f"Use the mode for {rank} axes, {MODES[rank]!r}.", mode=MODES[rank]),
        )
        repairs.append(rebuilt(failure, "Use 'nearest', which takes any.", mode="nearest"))
        repairs.append(
            rebuilt(
                failure,
                f"Use the mode {MODES[rank]!r} and a factor of 2.",
                mode=MODES[rank],
                size=None,
                scale_factor=2,
            )
        )
    return cause, repairs


def _align_corners(failure: Failure, mode: str, rank: int) -> Reading:
    cause = f"align_corners goes with a mode that interpolates; {mode!r} copies, with {rank} axes."
    fits = MODES.get(rank, "bilinear")
    return cause, [
        rebuilt(failure, "Leave align_corners out.", align_corners=None),
        rebuilt(failure, f"Or interpolate, with mode={fits!r}.", mode=fits),
    ]


@FAMILY.entry(
    "upsample-size",
    "An output size or factor that does not fit",
    [
        r"Input and (?P<which>output|scale_factor) must have the same number of spatial dimensions",
        r"Input and output sizes should be greater than 0, but got (?P<sizes>.*)",
        r"(?:either|only one of) size or scale_factor should be defined",
        r"upper bound and (?:lower bound inconsistent|larger bound inconsistent)",
        r"elements of output_size must be greater",
        r"recompute_scale_factor is not meaningful",
        r"(?:division|modulo) by zero",
    ],
    "layer = nn.Upsample(size=(16, 16))\nx = torch.zeros(1, 3, 8)\nlayer(x)",
    when=UP,
)
def upsample_size(failure: Failure, said: Said) -> Reading:
    size, factor = failure.settings.get("size"), failure.settings.get("scale_factor")
    spatial = failure.shape[2:]
    asked = f"size={size}" if size is not None else f"scale_factor={factor}"
    cause = (
        f"{capital(the_input(failure))} has the spatial size {spatial}; {asked} does not give an "
        "output of at least 1 in each of these axes."
    )
    if "only one of" in failure.message:
        cause = f"size={size} and scale_factor={factor} both say how large the output is."
    elif "recompute_scale_factor" in failure.message:
        cause = f"recompute_scale_factor goes with a scale_factor; here size={size} is given."
    elif size is None and not factor:
        cause = "Neither size nor scale_factor says how large the output is; 2 doubles each axis."
    if not failure.tensors:
        return cause, []
    number = len(spatial)
    repairs: list[Repair | None] = []
    if isinstance(size, tuple) and 0 < number != len(size) and min(size) > 0:
        one = size[-1] if number == 1 else (size * number)[:number]
        repairs.append(rebuilt(failure, "Give one number per spatial axis.", size=one))
    text = "Double the size along every axis."
    mode = failure.settings.get("mode", "nearest")
    fits = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode, number) == number
    right = mode if fits else MODES.get(len(failure.shape), "nearest")
    repairs.append(rebuilt(failure, text, size=None, scale_factor=2, mode=right))
    if 0 in failure.shape:
        filled = tuple(max(1, n) for n in failure.shape)
        empty = given("", f"x.new_zeros({filled})").steps
        doubled = rebuilt(failure, "", size=None, scale_factor=2, mode=right)
        text = "Look upstream for what cut the input away."
        repairs.append(Repair(text, (*doubled.steps, *empty)) if doubled else None)
    return cause, repairs


@FAMILY.entry(
    "shuffle",
    "Channels or pixels that cannot be shuffled",
    [
        r"pixel_(?:un)?shuffle expects (?P<what>.*)",
        "Invalid input shape for pixel_(?:un)?shuffle: "
        r"(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]\)? with",
        r"Number of channels must be divisible by groups\. Got (?P<got>\d+) channels and "
        r"(?P<groups>-?\d+) groups",
        r"Number of groups to divide channels in must be positive",
        r"channel_shuffle expects input with > 2 dims",
        r"integer (?:division or )?modulo by zero",
        r"shape '.*' is invalid for input of size",
    ],
    "layer = nn.PixelShuffle(2)\nx = torch.zeros(1, 6, 8, 8)\nlayer(x)",
    when=of_kind("shuffle"),
)
def shuffle(failure: Failure, said: Said) -> Reading:
    name = next(
        (n for n in ("upscale_factor", "downscale_factor", "groups") if n in failure.settings), ""
    )
    by = failure.settings.get(name, 1)
    if by < 1:
        return f"{name}={by} must be 1 or more.", [_by(failure, name, 2), _by(failure, name, 1)]
    takes = {
        "PixelShuffle": f"channels in multiples of {by * by} (factor {by} squared)",
        "PixelUnshuffle": f"height and width in multiples of {by}",
        "ChannelShuffle": f"channels in multiples of {by}",
    }.get(failure.kind, "other sizes")
    name_or_call = failure.name or "The call"
    cause = f"{name_or_call} takes (N, C, H, W) with {takes}; the input is {failure.shape}."
    if not failure.tensors or len(failure.shape) < 3:
        rank = 4 - len(failure.shape)
        return cause, [
            given("Give the input its missing axes.", f"x[{'None, ' * rank}...]"),
            _by(failure, name, 1, f"x[{'None, ' * rank}...]"),
        ]
    shape = list(failure.shape)
    unit = by * by if failure.kind == "PixelShuffle" else by
    for axis in {"PixelShuffle": (-3,), "ChannelShuffle": (1,)}.get(failure.kind, (-2, -1)):
        shape[axis] = max(unit, -(-shape[axis] // unit) * unit)
    text = f"Feed a size that divides, such as {tuple(shape)}."
    return cause, [given(text, f"x.new_zeros({tuple(shape)})"), _by(failure, name, 1)]


def _by(failure: Failure, name: str, factor: int, x: str = "") -> Repair | None:
    change: dict[str, Any] = {name: factor}
    made = rebuilt(failure, f"Use {name}={factor}.", **change)
    return Repair(made.text, (*made.steps, ("x", x))) if made and x else made
