"""Errors of the pools: windows over the input, adaptive and fractional ones."""

from __future__ import annotations

from typing import Any

from convdocs.errors.entry import Family, Reading, Said, axes_of, counted, of_kind, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, instead, rebuilt
from convdocs.errors.wording import (
    axes,
    both,
    moved_axis,
    other_dims,
    setting,
    spatial,
    the_input,
    typed,
)

FAMILY = Family(
    "pooling",
    "Pools",
    "A pool moves a window without weights over each channel. It cannot tell a batch from the "
    "channels, so an input with one axis too few is read as one sample, and the window then runs "
    "over the wrong axes.",
)

POOL = of_kind("pool")


@FAMILY.entry(
    "pool-rank",
    "The pool's input has too few or too many axes",
    [
        r"Expected \d to \dD? ?dimensions, but got \d+-dimensional tensor for argument #1",
        r"Expected \dD or \dD \(batch mode\) tensor with optional 0 dim batch size for input, but "
        r"got:?\s?(?:torch\.Size\()?\[(?P<shape>[^\]]*)\]",
        r"non-empty \dD or \dD \(batch mode\) tensor expected for input",
        r"pool\dd\w*(?:\(\))?: Expected \dD (?:or|to) \dD tensor(?: for input)?, but got:? ?"
        r"\[?(?P<shape>[^\]]*)",
        r"Input to max_unpooling\dd should be a \dd or \dd Tensor",
        r"Input dimension should be at least \d",
        r"Expected \dD or \dD tensor, but got",
        r"Dimension specified as -?\d+ but tensor has no dimensions",
        r"Dimension out of range",
        r"^tuple index out of range$",
    ],
    "layer = nn.MaxPool2d(2)\nx = torch.zeros(8, 8)\nlayer(x)",
    when=lambda failure: POOL(failure) and _rank_wrong(failure),
)
def pool_rank(failure: Failure, said: Said) -> Reading:
    shape = failure.shape if failure.tensors else tuple(whole(said.get("shape", "")))
    name = failure.name or "the pool"
    cause = f"The input {shape} has {axes_of(shape)}; {name} takes {both(failure.dims)}."
    if not failure.tensors or len(failure.tensors) > 1:
        return cause, []
    repairs: list[Repair | None] = [other_dims(failure, {4: 2, 5: 3, 3: 1})]
    missing = failure.dims + 1 - len(shape)
    if missing > 0:
        nones = "None, " * missing
        repairs.append(
            given(
                f"Add {counted(missing, 'axis')[:-1]}s of size 1 in front."
                if missing > 1
                else "Add the channel axis, of size 1.",
                f"x[{nones}...]",
            )
        )
    if len(shape) > failure.dims + 2:
        text = f"Join the leading axes into one; {axes(failure.dims)} is left."
        repairs.append(given(text, f"x.flatten(0, {len(shape) - failure.dims - 2})"))
    return cause, repairs


def _rank_wrong(failure: Failure) -> bool:
    if not failure.tensors or not failure.dims:
        return True
    return len(failure.shape) not in (failure.dims + 1, failure.dims + 2)


@FAMILY.entry(
    "pool-output-too-small",
    "The pool's window does not fit its input",
    [
        r"Given input size: \((?P<input>[^)]*)\)\. Calculated output size: \((?P<out>[^)]*)\)\. "
        r"Output size is too small",
        r"max_pool1d\(\) Invalid computed output size: (?P<one>-?\d+)",
        r"input image \(T: (?P<size>.*)\) smaller than kernel size",
    ],
    "layer = nn.MaxPool2d(3)\nx = torch.zeros(1, 8, 2, 2)\nlayer(x)",
    when=POOL,
)
def pool_output_small(failure: Failure, said: Said) -> Reading:
    sizes = spatial(failure)
    reach = _reach(failure)
    # the average pool over three axes does not count its padding here
    padding = setting(failure, "none" if "input image" in failure.message else "padding")
    short = [
        i for i, (s, p, r) in enumerate(zip(sizes, padding, reach, strict=False)) if s + 2 * p < r
    ]
    if not sizes or not short:
        out = said.get("out") or said.get("one") or "0"
        return f"The pool's output would have the size ({out}); it must be 1 or more.", []
    axis, names = short[0], axes(failure.dims)[1:-1].split(", ")[2:]
    cause = (
        f"{failure.name} reaches over {counted(reach[axis], 'cell')} along {names[axis]}; "
        f"{the_input(failure)} has {sizes[axis]} there, so there is no output."
    )
    return cause, _pool_fits(failure, sizes, padding)


def _reach(failure: Failure) -> tuple[int, ...]:
    kernel, dilation = setting(failure, "kernel_size", 1), setting(failure, "dilation", 1)
    return tuple(d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=False))


def _pool_fits(
    failure: Failure, sizes: tuple[int, ...], padding: tuple[int, ...]
) -> list[Repair | None]:
    """A pool over one axis less, a smaller window, the adaptive pool, a wider input."""
    repairs: list[Repair | None] = []
    if failure.dims > 1 and len(failure.shape) == failure.dims + 1:
        fewer = failure.dims - 1
        plain = {name: _plain(value) for name, value in failure.settings.items()}
        text = (
            f"With {len(failure.shape)} axes the input is one sample "
            f"{axes(failure.dims, batched=False)}"
            f". If it is a batch {axes(fewer)}, pool over {fewer}."
        )
        repairs.append(rebuilt(failure, text, f"{failure.kind[:-2]}{fewer}d", **plain))
    if len(failure.shape) == failure.dims + 2 and failure.shape[1] > failure.shape[-1] * 4:
        repairs.append(moved_axis(failure, len(failure.shape) - 1, 1))
    kernel = setting(failure, "kernel_size", 1)
    fits = tuple(min(k, s) for k, s in zip(kernel, sizes, strict=True))
    half = tuple(min(p, k // 2) for p, k in zip(padding, fits, strict=True))
    changes: dict[str, Any] = {"kernel_size": typed(fits)}
    if "dilation" in failure.settings:
        changes["dilation"] = 1
    if any(padding):
        changes["padding"] = typed(half)
    repairs.append(rebuilt(failure, f"Use a window that fits: {typed(fits)}.", **changes))
    if failure.kind.startswith(("Max", "Avg")):
        kind = f"Adaptive{failure.kind}"
        text = "Let the window follow the input: an adaptive pool gives any size."
        repairs.append(instead(text, f"nn.{kind}(1)"))
    missing = [max(0, r - s) for r, s in zip(_reach(failure), sizes, strict=True)]
    amounts = ", ".join(f"0, {m}" for m in reversed(missing))
    repairs.append(given("Feed a larger input.", f"nn.functional.pad(x, ({amounts}))"))
    return repairs


def _plain(value: Any) -> Any:
    return value[-1] if isinstance(value, tuple) else value


@FAMILY.entry(
    "pool-padding",
    "A pool padded by more than half its window",
    [
        r"pad should be (?:at most half of effective kernel size|smaller than or equal to half of "
        r"kernel size)",
        r"max_pool1d\(\) padding should be at most half of kernel size",
    ],
    "layer = nn.MaxPool2d(2, padding=2)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
)
def pool_padding(failure: Failure, said: Said) -> Reading:
    numbers = whole(failure.message)
    padding = setting(failure, "padding") if failure.settings else tuple(numbers[:1])
    kernel = setting(failure, "kernel_size", 1) if failure.settings else tuple(numbers[1:2])
    if min(kernel) < 1:
        return _no_kernel(failure)
    half = typed(tuple(min(p, k // 2) for p, k in zip(padding, kernel, strict=False)))
    cause = (
        f"padding={typed(padding)} is more than half of the window {typed(kernel)}: a window could "
        "then lie in the padding alone and read no cell of the input."
    )
    wide = typed(tuple(max(k, 2 * p) for k, p in zip(kernel, padding, strict=False)))
    return cause, [
        rebuilt(failure, f"Pad by {half} at most.", padding=half),
        rebuilt(failure, f"Or use a window of {wide}.", kernel_size=wide),
    ]


@FAMILY.entry(
    "pool-negative-padding",
    "A negative padding of a pool",
    [r"pad must be non-negative, but got pad: ", r"padding must be non-negative, but got"],
    "layer = nn.MaxPool2d(2, padding=-1)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
)
def pool_negative_padding(failure: Failure, said: Said) -> Reading:
    got = typed(setting(failure, "padding")) if failure.settings else whole(failure.message)[-1]
    cause = f"padding={got} is below 0; a pool's padding adds cells, it does not cut them off."
    return cause, [rebuilt(failure, "Use no padding.", padding=0)]


@FAMILY.entry(
    "pool-stride",
    "A stride of a pool below 1",
    [
        r"stride should not be zero",
        r"strides? (?:should|must) be greater than (?:zero|0)",
        r"output_size must contain non-negative spatial dimensions",
    ],
    "layer = nn.MaxPool2d(2, stride=-1)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
    when=lambda failure: (
        POOL(failure)
        and min(setting(failure, "kernel_size", 1)) > 0
        and min(setting(failure, "stride", 1)) < 1
    ),
)
def pool_stride(failure: Failure, said: Said) -> Reading:
    stride = typed(setting(failure, "stride", 1))
    kernel = typed(setting(failure, "kernel_size", 1))
    cause = f"With stride={stride} the window would not move on; it must be 1 or more."
    return cause, [
        rebuilt(failure, f"Leave the stride out: it is the window, {kernel}.", stride=kernel),
        rebuilt(failure, "Or move by one cell.", stride=1),
    ]


@FAMILY.entry(
    "pool-dilation",
    "A dilation of a pool below 1",
    [r"dilation (?:should|must) be greater than (?:zero|0)"],
    "layer = nn.MaxPool2d(2, dilation=0)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
    when=POOL,
)
def pool_dilation(failure: Failure, said: Said) -> Reading:
    got = typed(setting(failure, "dilation", 1))
    cause = f"dilation={got} puts the window's cells on one another; it must be 1 or more."
    return cause, [rebuilt(failure, "Let the cells be neighbours.", dilation=1, padding=0)]


@FAMILY.entry(
    "pool-kernel",
    "A pool with a window of size 0",
    [
        r"kernel[ _]size (?:should|must) be greater than (?:zero|0)",
        r"strides? should (?:not be zero|be greater than zero)",
        r"output_size must contain non-negative spatial dimensions",
    ],
    "layer = nn.MaxPool2d(0)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
    when=lambda failure: POOL(failure) and min(setting(failure, "kernel_size", 1)) < 1,
)
def pool_kernel(failure: Failure, said: Said) -> Reading:
    return _no_kernel(failure)


def _no_kernel(failure: Failure) -> Reading:
    kernel = setting(failure, "kernel_size", 1)
    one = typed(tuple(max(1, k) for k in kernel))
    cause = f"kernel_size={typed(kernel)} is a window of no cells; it must be 1 or more."
    repairs = []
    for size, text in ((2, "The usual window has size 2."), (one, f"The smallest is {one}.")):
        changes: dict[str, Any] = {"kernel_size": size, "stride": size}
        if "padding" in failure.settings:
            changes["padding"] = 0
        repairs.append(rebuilt(failure, text, **changes))
    return cause, repairs


@FAMILY.entry(
    "pool-setting-per-axis",
    "A pool's setting with the wrong number of values",
    [
        r"pool\dd(?:\(\))?:? (?P<which>\w+) (?:argument )?must (?:either )?be (?:either )?(?:a "
        "single int|"
        r"omitted|None|an int|a single Int)",
        r"argument '(?P<which>\w+)' should contain one int \(got (?P<got>\d+)\)",
        r"There should be exactly (?P<need>two|three) elements \([^)]*\) in (?P<which>\w+)",
        r"(?:elements of )?output_size(?:\.size\(\))? must be (?P<need>\d)$",
        r"not enough values to unpack",
        r"too many values to unpack",
        r"^tuple index out of range$",
        r"argument 'other' \(position 1\) must be Tensor, not tuple",
        r"Input dimension should be at least \d",
    ],
    "layer = nn.MaxPool2d((2, 2, 2))\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
    when=POOL,
)
def pool_setting_per_axis(failure: Failure, said: Said) -> Reading:
    dims, name = failure.dims, failure.kind
    sizes = ("kernel_size", "stride", "padding", "dilation", "output_size", "output_ratio")
    wrong = {}
    for key in sizes:
        value = failure.settings.get(key)
        if isinstance(value, tuple | list) and (len(value) != dims or name == "LPPool1d"):
            wrong[key] = tuple(value)
    listed = " and ".join(f"{key}={value}" for key, value in wrong.items())
    cause = (
        f"{name} has {dims} spatial ax{'is' if dims == 1 else 'es'}, so a setting is one number"
        f"{'' if dims == 1 else f' or {dims} of them'}; it got {listed or 'another count'}."
    )
    changes: dict[str, Any] = {key: _cut(value, dims) for key, value in wrong.items()}
    return cause, [rebuilt(failure, "Give each setting a number per axis.", **changes)]


def _cut(values: tuple[Any, ...], dims: int) -> Any:
    return typed((values * dims)[:dims])


@FAMILY.entry(
    "adaptive-output-size",
    "An output size below 0",
    [
        r"elements of output_size must be greater than or equal to 0 but received",
        r"Trying to create tensor with negative dimension",
    ],
    "layer = nn.AdaptiveAvgPool2d(-1)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
    when=of_kind("adaptive"),
)
def adaptive_output_size(failure: Failure, said: Said) -> Reading:
    asked = failure.settings.get("output_size")
    cause = f"The output size {asked} is below 0; it says how many cells the output has per axis."
    return cause, [
        rebuilt(failure, "Ask for one cell per channel (global pooling).", output_size=1),
    ]


@FAMILY.entry(
    "adaptive-none",
    "An output size of None in one dimension",
    [
        r"argument 'output_size' \(position 2\) must be tuple of ints, but found element of "
        "type NoneType"
    ],
    "layer = nn.AdaptiveAvgPool1d((None,))\nx = torch.zeros(1, 8, 8)\nlayer(x)",
)
def adaptive_none(failure: Failure, said: Said) -> Reading:
    cause = (
        "An empty place in output_size means 'as large as the input', which the pools over two and "
        f"three axes take and {failure.kind} does not."
    )
    size = failure.shape[-1] if failure.shape else 1
    return cause, [rebuilt(failure, f"Say the size, {size}.", output_size=size)]


@FAMILY.entry(
    "fractional-size",
    "A fractional pool without an output size that makes sense",
    [
        r"requires specifying either an output.size,? or (?:a pooling ratio|an output_ratio)",
        r"only one of output_size and output_ratio may be specified",
        r"output_ratio must be between 0 and 1 \(got (?P<got>[^)]*\)?)\)",
    ],
    "layer = nn.FractionalMaxPool2d(2, output_ratio=1.5)",
)
def fractional_size(failure: Failure, said: Said) -> Reading:
    got = said.get("got")
    both_given = "only one" in failure.message
    cause = (
        f"The output is a fraction of the input: output_ratio={got} is not between 0 and 1."
        if got
        else "Either output_size or output_ratio says how large the output is; both were given."
        if both_given
        else (
            "Either output_size or output_ratio must say how large the output is; neither was "
            "given."
        )
    )
    return cause, [
        rebuilt(failure, "Halve the size.", output_ratio=0.5, output_size=None),
    ]


@FAMILY.entry(
    "fractional-too-large",
    "A fractional pool's output is too large for its input",
    [
        r"fractional_max_pool\dd\w*(?:\(\))?: (?:pool|kernel) (?P<axis>\w+) (?P<pool>\d+) "
        "(?:is )?too large "
        r"relative to input \w+ (?P<size>\d+)",
    ],
    "layer = nn.FractionalMaxPool2d(3, output_size=7)\nx = torch.zeros(1, 8, 8, 8)\nlayer(x)",
)
def fractional_large(failure: Failure, said: Said) -> Reading:
    cause = (
        f"Windows of {said['pool']} cells cannot give that many outputs from {said['size']} along "
        f"the {said['axis']}: output_size + kernel_size − 1 must stay within the input."
    )
    sizes, kernel = spatial(failure), setting(failure, "kernel_size", 1)
    most = tuple(s - k for s, k in zip(sizes, kernel, strict=False))
    repairs: list[Repair | None] = []
    if sizes and min(most) > 0:
        halved = tuple(max(1, min(m, s // 2)) for m, s in zip(most, sizes, strict=True))
        text = f"Ask for {typed(halved)}."
        changes: dict[str, Any] = {"output_size": typed(halved), "output_ratio": None}
        repairs.append(rebuilt(failure, text, **changes))
    if sizes:
        wider = ", ".join(
            f"0, {max(0, k + 1 - s)}" for s, k in zip(sizes[::-1], kernel[::-1], strict=True)
        )
        one = rebuilt(failure, "", output_size=1, output_ratio=None)
        text = "Feed a larger input and ask for one cell."
        pad = ("x", f"nn.functional.pad(x, ({wider}))")
        repairs.append(Repair(text, (*one.steps, pad)) if one else None)
    text = "Use windows of one cell on the smallest output."
    repairs.append(rebuilt(failure, text, kernel_size=1, output_size=1, output_ratio=None))
    return cause, repairs
