"""Errors of a transposed convolution's output: its padding and the size asked of it."""

from __future__ import annotations

from convdocs.errors.convolution import FAMILY
from convdocs.errors.entry import Reading, Said, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import given, rebuilt
from convdocs.errors.wording import setting, typed


@FAMILY.entry(
    "output-padding-too-large",
    "An output padding as large as the stride",
    [r"output padding must be smaller than either stride or dilation"],
    "layer = nn.ConvTranspose2d(3, 2, 3, stride=2, output_padding=2)\n"
    "x = torch.zeros(1, 3, 4, 4)\nlayer(x)",
)
def output_padding_large(failure: Failure, said: Said) -> Reading:
    extra = typed(setting(failure, "output_padding"))
    stride, dilation = setting(failure, "stride", 1), setting(failure, "dilation", 1)
    cause = (
        f"output_padding={extra} must be below the stride ({typed(stride)}) or the dilation "
        f"({typed(dilation)}): it only chooses among the sizes that the stride leaves open."
    )
    room = tuple(max(s, d) - 1 for s, d in zip(stride, dilation, strict=False))
    wanted = zip(setting(failure, "output_padding"), room, strict=False)
    most = typed(tuple(min(e, r) for e, r in wanted))
    wider = typed(tuple(e + 1 for e in setting(failure, "output_padding")))
    return cause, [
        rebuilt(failure, f"Use output_padding={most}.", output_padding=most),
        rebuilt(failure, f"Or a larger stride: {wider}.", stride=wider),
    ]


@FAMILY.entry(
    "negative-output-padding",
    "A negative output padding",
    [r"negative output_padding is not supported"],
    "layer = nn.ConvTranspose2d(3, 2, 3, output_padding=-1)\nx = torch.zeros(1, 3, 4, 4)\nlayer(x)",
)
def negative_output_padding(failure: Failure, said: Said) -> Reading:
    extra = typed(setting(failure, "output_padding")) if failure.settings else "below 0"
    cause = f"The output padding is {extra}; it adds cells after the output, so it is 0 or more."
    text = "Use output_padding=0; to make the output smaller, raise padding."
    return cause, [rebuilt(failure, text, output_padding=0)]


@FAMILY.entry(
    "transposed-output-size",
    "An output size that the transposed convolution cannot reach",
    [
        r"requested an output size of [\[(](?P<got>[^\])]*)[\])], but valid sizes range from "
        r"\[(?P<low>[^\]]*)\] to \[(?P<high>[^\]]*)\]",
        r"input, output_size must have (?P<need>\d+) or (?P<full>\d+) elements \(got (?P<n>\d+)\)",
    ],
    "layer = nn.ConvTranspose2d(3, 2, 3, stride=2)\nx = torch.zeros(1, 3, 4, 4)\n"
    "output_size = (12, 12)\nlayer(x, output_size=output_size)",
)
def transposed_output_size(failure: Failure, said: Said) -> Reading:
    if said.get("need"):
        cause = (
            f"output_size has {said['n']} numbers; {failure.kind} takes {said['need']}, one per "
            f"spatial axis, or the whole shape of {said['full']}."
        )
        return cause, []
    low, high = whole(said["low"]), whole(said["high"])
    cause = (
        f"From the input {failure.shape[-len(low) :]} this layer makes sizes from {tuple(low)} to "
        f"{tuple(high)}; ({said['got']}) is outside."
    )
    asked = whole(said["got"])[-len(low) :]
    nearest = [min(max(a, lo), hi) for a, lo, hi in zip(asked, low, high, strict=False)]
    scale = typed(
        tuple(max(1, a // s) for a, s in zip(asked, failure.shape[-len(asked) :], strict=False))
    )
    return cause, [
        given(f"Ask for {tuple(nearest)}.", f"{tuple(nearest)}", "output_size"),
        rebuilt(failure, f"Or use stride={scale}.", stride=scale),
    ]
