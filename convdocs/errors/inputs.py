"""Errors of a convolution's input: its axes, its channels, its size."""

from __future__ import annotations

from convdocs.errors.entry import Family, Reading, Said, axes_of, counted, of_kind, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import (
    axes,
    both,
    capital,
    moved_axis,
    other_dims,
    setting,
    spatial,
    typed,
)
from convdocs.geometry import Window

FAMILY = Family(
    "inputs",
    "Axes, channels and size of the input",
    "A convolution reads its input by position: batch, channels, then the axes its window moves "
    "over. These errors say that one of them is not what the layer was built for.",
)


@FAMILY.entry(
    "conv-rank",
    "The input has too few or too many axes",
    [
        r"Expected \d+D \(unbatched\) or \d+D \(batched\) input to (?P<op>\w+), but "
        r"got input of size: \[?(?P<shape>[^\]]*)",
        r"Expected (?P<need>\d+)-dimensional input for \d+-dimensional weight ?\[(?P<weight>[^\]]*)"
        r"\], but got \d+-dimensional input of size \[(?P<shape>[^\]]*)\] instead",
    ],
    "layer = nn.Conv1d(3, 2, 3)\nx = torch.zeros(2, 3, 5, 6)\nlayer(x)",
)
def conv_rank(failure: Failure, said: Said) -> Reading:
    shape = failure.shape if failure.tensors else tuple(whole(said.get("shape", "")))
    dims = failure.dims
    cause = (
        f"The input {shape} has {axes_of(shape)}; {failure.name or 'the convolution'} takes "
        f"{both(dims)}."
    )
    if not failure.tensors:
        return cause, []
    channels = failure.settings.get("in_channels")
    repairs: list[Repair | None] = [other_dims(failure, {4: 2, 5: 3, 3: 1})]
    if len(failure.shape) > dims + 2:
        if channels in failure.shape[1:2]:
            end = f", -{dims}" if dims > 1 else ""
            text = f"Join the axes after the channels, so that {axes(dims)} is left."
            repairs.append(given(text, f"x.flatten(2{end})"))
        text = f"Join the leading axes into one batch axis; {axes(dims)} is left."
        repairs.append(given(text, f"x.flatten(0, {len(failure.shape) - dims - 2})"))
    else:
        repairs += _more_axes(failure, channels)
    return cause, repairs


def _more_axes(failure: Failure, channels: object) -> list[Repair | None]:
    """Add the missing axes: the one of channels, and the window's own of size 1."""
    missing = failure.dims + 1 - len(failure.shape)
    if missing < 1:
        return []
    whole_input = f"x[{'None, ' * missing}...]"
    if channels == 1:
        return [given("Give the input its missing axes.", whole_input)]
    one = rebuilt(failure, "", in_channels=1, groups=1)
    if one is None:
        return []
    text = "Read the input as one channel, and build the layer for one channel."
    return [Repair(text, (*one.steps, ("x", whole_input)))]


@FAMILY.entry(
    "channels-mismatch",
    "The input has another number of channels than the layer",
    [
        r"Given groups=(?P<groups>\d+), weight of size \[+(?P<weight>[^\]]*)\]+, expected input"
        r"\[+(?P<shape>[^\]]*)\]+ to have (?P<need>\d+) channels, but got (?P<got>\d+) channels",
        r"Given transposed=\w+, weight of size \[+(?P<weight>[^\]]*)\]+, expected input"
        r"\[+(?P<shape>[^\]]*)\]+ to have (?P<need>\d+) channels, but got (?P<got>\d+) channels",
        r"Invalid channel dimensions",
    ],
    "layer = nn.Conv1d(3, 2, 3)\nx = torch.zeros(2, 4, 5)\nlayer(x)",
)
def channels_mismatch(failure: Failure, said: Said) -> Reading:
    need = int(said.get("need") or _channels(failure))
    shape = failure.shape or tuple(whole(said.get("shape", "")))
    rank = failure.dims + 2 if failure.dims else len(shape)
    axis = 1 if len(shape) == rank else 0
    got = shape[axis] if shape else int(said.get("got") or 0)
    cause = f"The input {shape} has C={got}; {failure.name or 'the weight'} expects C={need}."
    if axis == 0:
        cause += (
            f" With {len(shape)} axes the input is read as one sample "
            f"{axes(failure.dims, batched=False)}, without a batch."
        )
    if not failure.tensors:
        return cause, []
    repairs = _moves(failure, need, axis) + _channel_counts(failure, need, got, axis)
    changed = rebuilt(failure, f"Build the layer for C={got}.", in_channels=got)
    return cause, [*repairs, changed]


def _channels(failure: Failure) -> int:
    """Channels the layer or the functional weight reads, for a message without numbers."""
    if "in_channels" in failure.settings:
        return int(failure.settings["in_channels"])
    weight = failure.shapes[1] if len(failure.shapes) > 1 else (0, 0)
    return (
        weight[0] if "transpose" in failure.kind else weight[1] * failure.settings.get("groups", 1)
    )


def _moves(failure: Failure, need: int, axis: int) -> list[Repair | None]:
    """The axis that has the right size may be the channels: the last one first."""
    places = [i for i, size in enumerate(failure.shape) if size == need and i != axis]
    if not places:
        return []
    last = len(failure.shape) - 1
    chosen = last if last in places else places[0]
    return [moved_axis(failure, chosen, axis)]


def _channel_counts(failure: Failure, need: int, got: int, axis: int) -> list[Repair | None]:
    """Grey, coloured and see-through images, and a sample that lacks its channel axis."""
    repairs: list[Repair | None] = []
    if need == 1 and axis == 0:
        repairs.append(
            given("The batch has no channel axis: give it one of size 1.", "x.unsqueeze(1)")
        )
    before = ":, " * axis
    if got == 1 and need > 1:
        sizes = ", ".join(str(need) if i == axis else "-1" for i in range(len(failure.shape)))
        repairs.append(given(f"Repeat the one channel {need} times.", f"x.expand({sizes})"))
    if need == 3 and got == 4 and failure.dims == 2:
        text = "Leave the fourth channel out (transparency, in an RGBA image)."
        repairs.append(given(text, f"x[{before}:3]"))
    if need == 1 and got == 3 and failure.dims == 2:
        text = "Make one grey channel of the three by their mean."
        repairs.append(given(text, f"x.mean({axis}, keepdim=True)"))
    return repairs


@FAMILY.entry(
    "kernel-larger-than-input",
    "The kernel is wider than the padded input",
    [
        r"Calculated padded input size per channel: \((?P<size>[^)]*)\)\. Kernel size: "
        r"\((?P<span>[^)]*)\)\. Kernel size can't be greater than actual input size",
    ],
    "layer = nn.Conv1d(3, 2, 3)\nx = torch.zeros(2, 3, 2)\nlayer(x)",
)
def kernel_larger(failure: Failure, said: Said) -> Reading:
    padded, span = whole(said["size"]), whole(said["span"])
    names = axes(len(span))[1:-1].split(", ")[2:]
    axis = next(i for i in range(len(span)) if span[i] > padded[i])
    cause = (
        f"Along {names[axis]} the input with its padding has {counted(padded[axis], 'cell')}; the "
        f"kernel reaches over {span[axis]}, so it fits nowhere."
    )
    if setting(failure, "dilation", 1) != setting(failure, "none", 1):
        cause += f" The dilation widens it: {_spread(failure, span)}."
    if not failure.tensors:
        return cause, []
    return cause, _fitting(failure, padded, span)


def _spread(failure: Failure, span: list[int]) -> str:
    kernel, dilation = setting(failure, "kernel_size"), setting(failure, "dilation", 1)
    parts = zip(kernel, dilation, span, strict=False)
    return ", ".join(f"{d}·({k} − 1) + 1 = {s}" for k, d, s in parts)


def _fitting(failure: Failure, padded: list[int], span: list[int]) -> list[Repair | None]:
    short = [max(0, need - have) for need, have in zip(span, padded, strict=True)]
    padding = setting(failure, "padding")
    wider = tuple(p + -(-s // 2) for p, s in zip(padding, short, strict=False))
    dilation = setting(failure, "dilation", 1)
    kernel = setting(failure, "kernel_size")
    smaller = tuple(
        min(k, (have - 1) // max(d, 1) + 1)
        for k, have, d in zip(kernel, padded, dilation, strict=False)
    )
    repairs: list[Repair | None] = []
    if padding != wider:
        text = f"Pad the input by {typed(wider)} on each side."
        repairs.append(rebuilt(failure, text, padding=typed(wider)))
    if min(smaller, default=0) > 0:
        text = f"Use a kernel that fits: {typed(smaller)}."
        repairs.append(rebuilt(failure, text, kernel_size=typed(smaller)))
    amounts = ", ".join(f"0, {s}" for s in reversed(short))
    text = "Widen the input with zeros, or feed a larger one."
    repairs.append(given(text, f"nn.functional.pad(x, ({amounts}))"))
    return repairs


@FAMILY.entry(
    "transposed-output-too-small",
    "A transposed convolution crops its whole output away",
    [
        r"Given input size per channel: [(\[](?P<size>[^)\]]*)[)\]]\. Calculated output size per "
        r"channel: [(\[](?P<out>[^)\]]*)[)\]]\. Output size is too small",
        r"Trying to create tensor with negative dimension -\d+: \[(?P<out>[^\]]*)\]",
        r"invalid shape dimension -\d+ at index \d+ of shape \[(?P<out>[^\]]*)\]",
        r"could not construct a memory descriptor",
    ],
    "layer = nn.ConvTranspose2d(3, 2, 3, padding=3)\nx = torch.zeros(1, 3, 2, 2)\nlayer(x)",
    when=lambda failure: failure.built is None and of_kind("transpose")(failure),
)
def transposed_small(failure: Failure, said: Said) -> Reading:
    out = _transposed_sizes(failure) or tuple(whole(said.get("out", "")))[-failure.dims :]
    padding = setting(failure, "padding")
    cause = (
        f"The output would have the size {typed(out) if out else 0}. The padding of a transposed "
        f"convolution takes cells off its output, here {typed(padding)} on each side."
    )
    less = tuple(max(0, p - -(-(1 - o) // 2)) for p, o in zip(padding, out, strict=False))
    text = f"Take less off: padding={typed(less)}."
    repairs = [rebuilt(failure, text, padding=typed(less))]
    kernel = setting(failure, "kernel_size")
    wider = tuple(k + max(0, 1 - o) for k, o in zip(kernel, out, strict=False))
    repairs.append(
        rebuilt(failure, f"Use a wider kernel: {typed(wider)}.", kernel_size=typed(wider))
    )
    return cause, repairs


def _transposed_sizes(failure: Failure) -> tuple[int, ...]:
    """The output's sizes by the formula, below 1 where nothing is left."""
    sizes = spatial(failure) if failure.layer is not None else ()
    parts = zip(
        sizes,
        setting(failure, "kernel_size", 1),
        setting(failure, "stride", 1),
        setting(failure, "padding"),
        setting(failure, "dilation", 1),
        setting(failure, "output_padding"),
        strict=False,
    )
    return tuple(
        Window(k, s, (p, p), d, extra, transposed=True).output_size(size)
        for size, k, s, p, d, extra in parts
    )


@FAMILY.entry(
    "empty-input",
    "An axis of the input has no cells",
    [
        r"Only zero batch or zero channel inputs are supported, but got input shape: "
        r"\[(?P<shape>[^\]]*)\]",
        r"Expected input(?:'s non-batch dimensions)? to have (?:positive length|non-zero size for "
        r"non-batch dimensions), but (?:input has(?: a shape of| sizes)|got) ?(?:torch\.Size\()?"
        r"[(\[]?\[?(?P<shape>[\d, ]*)",
        r"[Nn]on-empty|optional 0 dim batch size|non-zero dimensions|non-zero size|positive length",
    ],
    "layer = nn.MaxPool2d(2)\nx = torch.zeros(1, 3, 0, 4)\nlayer(x)",
    when=lambda failure: not failure.tensors or 0 in failure.shape,
)
def empty_input(failure: Failure, said: Said) -> Reading:
    shape = failure.shape or tuple(whole(said.get("shape", "")))
    empty = [i for i, size in enumerate(shape) if size == 0]
    where = f"axis {empty[0]} of the input {shape} has size 0" if empty else "an axis is empty"
    cause = f"{capital(where)}: there is nothing for {failure.name} to read."
    if not failure.tensors or not empty:
        return cause, []
    sizes = tuple(max(1, *_needed(failure), size) if size == 0 else size for size in shape)
    text = "Look upstream for what cut the input away; with cells there the layer runs."
    return cause, [given(text, f"x.new_zeros({sizes})")]


def _needed(failure: Failure) -> tuple[int, ...]:
    kernel = setting(failure, "kernel_size", 1)
    return tuple(setting(failure, "dilation", 1)[0] * (k - 1) + 1 for k in kernel) or (1,)
