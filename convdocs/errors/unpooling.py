"""Errors of the unpools, which put a max pool's values back in their places."""

from __future__ import annotations

from convdocs.errors.entry import Family, Reading, Said, of_kind, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import setting, the_input, typed

FAMILY = Family(
    "unpooling",
    "Unpools and their indices",
    "nn.MaxUnpool2d puts values where nn.MaxPool2d(…, return_indices=True) found them. The indices "
    "number the cells of the pool's input, so values, indices and output size must fit together.",
)

UNPOOL = of_kind("unpool")
START = (
    "pool = nn.MaxPool2d(2, return_indices=True)\nlayer = nn.MaxUnpool2d(2)\n"
    "x, indices = pool(torch.zeros(1, 3, 8, 8))\n"
)


@FAMILY.entry(
    "unpool-indices-shape",
    "Indices of another shape than the values",
    [
        r"Expected shape of indices to be same as that of the input tensor \((?:torch\.Size\()?"
        r"\[(?P<input>[^\]]*)\]\)?\) but got indices tensor with shape: (?:torch\.Size\()?"
        r"\[(?P<got>[^\]]*)\]",
    ],
    f"{START}x = x[:, :, :3]\nlayer(x, indices)",
)
def unpool_shape(failure: Failure, said: Said) -> Reading:
    value, index = whole(said["input"]), whole(said["got"])
    if len(failure.shapes) > 1:
        value, index = list(failure.shapes[0]), list(failure.shapes[1])
    cause = (
        f"The values have the shape {tuple(value)}, their indices {tuple(index)}; each value needs "
        "its own index, so the shapes must be equal."
    )
    if len(value) != len(index):
        return cause, []
    least = [min(v, i) for v, i in zip(value, index, strict=True)]
    cut = ", ".join(f":{n}" for n in least)
    both = Repair(
        "Use the values and indices of the same pool; here both are cut to what they share.",
        (("x", f"x[{cut}]"), ("indices", f"indices[{cut}]")),
    )
    return cause, [both]


@FAMILY.entry(
    "unpool-indices-dtype",
    "Indices that are not int64",
    [r"elements in indices should be type int64(?: but got: (?P<got>\w+))?"],
    f"{START}indices = indices.int()\nlayer(x, indices)",
)
def unpool_dtype(failure: Failure, said: Said) -> Reading:
    got = (
        str(failure.tensors[1].dtype) if len(failure.tensors) > 1 else said.get("got") or "another"
    )
    cause = f"The indices are {got}; a max pool returns torch.int64, and an unpool takes only that."
    return cause, [given("Turn them back.", "indices.long()", "indices")]


@FAMILY.entry(
    "unpool-index-range",
    "An index outside the unpool's output",
    [
        r"[Ff]ound an invalid max index:? (?P<index>-?\d+) \(output volumes are of size "
        r"(?P<size>[\dx ]*)",
    ],
    "pool = nn.MaxPool2d(3, return_indices=True)\nlayer = nn.MaxUnpool2d(2)\n"
    "x, indices = pool(torch.arange(81.0).reshape(1, 1, 9, 9))\nlayer(x, indices)",
)
def unpool_range(failure: Failure, said: Said) -> Reading:
    size = said["size"].strip()
    cells = 1
    for one in whole(size):
        cells *= one
    cause = (
        f"An index says cell {said['index']}; the output of {size} has the cells 0 to {cells - 1}. "
        "The indices come from a pool over a larger input."
    )
    largest = failure.tensors[1].max().item() if len(failure.tensors) > 1 else 0
    repairs: list[Repair | None] = []
    for kernel in range(2, 8):
        grown = 1
        for one in failure.shape[-failure.dims :]:
            grown *= one * kernel
        if grown > largest >= 0:
            text = f"Use the pool's own window, {kernel} by the look of it."
            repairs.append(rebuilt(failure, text, kernel_size=kernel, stride=kernel))
            break
    text = "Leave out what lies outside (the output is then not the pool's input)."
    repairs.append(given(text, f"indices.clamp(0, {cells - 1})", "indices"))
    return cause, repairs


@FAMILY.entry(
    "unpool-output-size",
    "An output size that the unpool cannot give",
    [
        r"invalid output_size \"(?P<got>[^\"]*)\" \(dim (?P<axis>\d+) must be between "
        r"(?P<low>-?\d+) and "
        r"(?P<high>-?\d+)\)",
        r"output_size should be a sequence containing (?P<need>\d+) or (?P<full>\d+) elements, "
        "but it "
        r"has a length of '(?P<n>\d+)'",
    ],
    f"{START}output_size = (12, 12)\nlayer(x, indices, output_size=output_size)",
)
def unpool_output_size(failure: Failure, said: Said) -> Reading:
    if said.get("need"):
        cause = (
            f"output_size has {said['n']} numbers; {failure.kind} takes {said['need']}, one per "
            f"spatial axis, or the whole shape of {said['full']}."
        )
    else:
        cause = (
            f"From {the_input(failure)} the output along axis {said['axis']} lies between "
            f"{said['low']} and {said['high']}, both left out; ({said['got'].strip('(,)')}) "
            "was asked for."
        )
    usual = _usual(failure)
    if not usual or min(usual) < 1:
        return cause, []
    return cause, [given(f"Ask for {usual}, or the pool's input size.", f"{usual}", "output_size")]


def _usual(failure: Failure) -> tuple[int, ...]:
    sizes = failure.shape[-failure.dims :] if failure.dims else ()
    parts = zip(
        sizes,
        setting(failure, "kernel_size", 1),
        setting(failure, "stride", 1),
        setting(failure, "padding"),
        strict=False,
    )
    return tuple((s - 1) * st + k - 2 * p for s, k, st, p in parts)


@FAMILY.entry(
    "unpool-empty-output",
    "An unpool whose output has no size",
    [
        r"max_unpooling: output_size must contain non-negative spatial dimensions",
    ],
    f"layer = nn.MaxUnpool2d(1, padding=1)\n{START.split(chr(10), 2)[2]}layer(x, indices)".replace(
        "pool(torch.zeros(1, 3, 8, 8))",
        "torch.zeros(1, 3, 1, 1), torch.zeros(1, 3, 1, 1, dtype=torch.int64)",
    ),
    when=lambda failure: UNPOOL(failure) and min(setting(failure, "stride", 1)) > 0,
)
def unpool_empty(failure: Failure, said: Said) -> Reading:
    usual = _usual(failure)
    cause = (
        "(size − 1)·stride − 2·padding + kernel_size gives "
        f"{typed(usual) if usual else 'less than 0'}"
        f" for {the_input(failure)}: the padding takes off more than there is."
    )
    return cause, [rebuilt(failure, "Use no padding, as in the pool.", padding=0)]
