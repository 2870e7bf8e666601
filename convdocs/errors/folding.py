"""Errors of Unfold, which writes windows as columns, and Fold, which adds them back up."""

from __future__ import annotations

from math import prod
from typing import Any

from convdocs.errors.entry import Family, Reading, Said, axes_of, counted, of_kind
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import setting, spatial, the_input, typed
from convdocs.geometry import Window

FAMILY = Family(
    "folding",
    "Fold and Unfold",
    "Unfold turns an image (N, C, H, W) into columns (N, C·kernel cells, windows); Fold adds such "
    "columns up to an image. Both work on two spatial axes only.",
)

FOLD = of_kind("fold|im2col|col2im")


def windows(failure: Failure) -> tuple[Window, ...]:
    """The layer's windows over height and width."""
    return tuple(
        Window(kernel=k, stride=max(s, 1), padding=(p, p), dilation=d)
        for k, s, p, d in zip(
            setting(failure, "kernel_size", 1),
            setting(failure, "stride", 1),
            setting(failure, "padding"),
            setting(failure, "dilation", 1),
            strict=True,
        )
    )


@FAMILY.entry(
    "fold-setting",
    "A setting of Fold or Unfold out of range",
    [
        r"(?P<which>kernel[ _]size|output_size|strides?|dilation) should be greater than zero",
        r"(?P<which>padding) should be (?:non-negative|greater than zero)",
        r"Expected (?P<which>output) spatial size to be positive",
    ],
    "layer = nn.Unfold(2, stride=0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=lambda failure: FOLD(failure) and bool(_out_of_range(failure)),
)
def fold_setting(failure: Failure, said: Said) -> Reading:
    bad = _out_of_range(failure)
    listed = " and ".join(f"{name}={value}" for name, (value, _) in bad.items())
    cause = (
        f"{failure.kind} got {listed}; sizes, stride and dilation are 1 or more, padding 0 or more."
    )
    changes: dict[str, Any] = {name: least for name, (_, least) in bad.items()}
    repairs = [rebuilt(failure, "Use the smallest values there are.", **changes)]
    if failure.kind == "Fold" and failure.tensors:
        repairs.append(
            _fitting_input(failure, "Use them on an input of the size they need.", changes)
        )
    return cause, repairs


def _out_of_range(failure: Failure) -> dict[str, tuple[Any, int]]:
    least = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0, "output_size": 1}
    found = {}
    for name, floor in least.items():
        value = failure.settings.get(name)
        if value is not None and min(value if isinstance(value, tuple) else (value,)) < floor:
            found[name] = (value, floor)
    return found


def _fitting_input(failure: Failure, text: str, changes: dict[str, Any]) -> Repair | None:
    """The layer with changes, and an input of zeros of the size that it needs."""
    layer = rebuilt(failure, text, **changes)
    changed = Failure(
        "", built=type(failure.layer), settings={**failure.settings, **changes}, args=failure.args
    )
    rows, columns = fold_shape(changed)
    if layer is None or min(rows, columns) < 1:
        return None
    return Repair(text, (*layer.steps, ("x", f"x.new_zeros(1, {rows}, {columns})")))


def fold_shape(failure: Failure) -> tuple[int, int]:
    """Rows and columns that Fold takes for one channel."""
    axes = windows(failure)
    sizes = setting(failure, "output_size", 1)
    counts = (window.output_size(size) for window, size in zip(axes, sizes, strict=True))
    return prod(window.kernel for window in axes), prod(counts)


@FAMILY.entry(
    "fold-setting-per-axis",
    "A setting of Fold or Unfold with the wrong number of values",
    [
        r"It is expected (?P<which>\w+) equals to 2, but got size (?P<got>\d+)",
        r"only 2D (?P<which>[\w ]+) supported",
    ],
    "layer = nn.Unfold((2, 2, 2))\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
)
def fold_setting_per_axis(failure: Failure, said: Said) -> Reading:
    wrong: dict[str, Any] = {
        name: value
        for name, value in failure.settings.items()
        if isinstance(value, tuple | list) and len(value) != 2
    }
    listed = " and ".join(f"{name}={tuple(value)}" for name, value in wrong.items())
    cause = (
        f"{failure.kind} works on height and width, so a setting is one number or two; it got "
        f"{listed or said['which']}."
    )
    changes: dict[str, Any] = {name: typed((tuple(value) * 2)[:2]) for name, value in wrong.items()}
    return cause, [
        rebuilt(failure, "Give one number, or two.", **changes),
        _fitting_input(failure, "Give one number, or two.", changes)
        if failure.kind == "Fold"
        else None,
    ]


@FAMILY.entry(
    "fold-rank",
    "The input of Fold or Unfold has too few or too many axes",
    [
        r"Expected \dD or \dD \(batch mode\) tensor for input with possibl[ey] 0 batch size and "
        r"non-zero dimensions(?: for input)?, but got: [\[(](?P<shape>[^\])]*)",
        r"Expected \dD or \dD \(batch mode\) tensor with possibly 0 batch size and other non-zero "
        r"dimensions for input, but got: [\[(](?P<shape>[^\])]*)",
        r"Dimension out of range",
        r"Dimension specified as -?\d+ but tensor has no dimensions",
    ],
    "layer = nn.Unfold(2)\nx = torch.zeros(8, 8)\nlayer(x)",
    when=FOLD,
)
def fold_rank(failure: Failure, said: Said) -> Reading:
    shape, name = failure.shape, failure.kind
    unfold = name.lower() in ("unfold", "im2col")
    takes = (
        "(C, H, W) for one image or (N, C, H, W) for a batch"
        if unfold
        else "(C·kernel cells, windows) for one image or (N, C·kernel cells, windows) for a batch"
    )
    empty = (
        f", one of size 0; {name} needs cells along each"
        if 0 in shape
        else f"; {name} takes {takes}"
    )
    cause = f"The input {shape} has {axes_of(shape)}{empty}."
    if not failure.tensors:
        return cause, []
    rank = 3 if unfold else 2
    repairs: list[Repair | None] = []
    if 0 in shape:
        filled = tuple(max(1, size) for size in shape)
        repairs.append(
            given("Look upstream for what cut the input away.", f"x.new_zeros({filled})")
        )
    if len(shape) < rank:
        nones = "None, " * (rank - len(shape))
        repairs.append(given("Give the input its missing axes.", f"x[{nones}...]"))
    if len(shape) > rank + 1:
        text = "Join the leading axes into one batch axis."
        repairs.append(given(text, f"x.flatten(0, {len(shape) - rank - 1})"))
    if not unfold and failure.settings:
        rows, columns = fold_shape(failure)
        text = f"For one channel Fold takes (N, {rows}, {columns})."
        if min(rows, columns) > 0:
            repairs.append(given(text, f"x.new_zeros(1, {rows}, {columns})"))
        elif _out_of_range(failure):
            changes: dict[str, Any] = {n: least for n, (_, least) in _out_of_range(failure).items()}
            repairs.append(_fitting_input(failure, "Use settings in range.", changes))
        else:
            repairs.append(_holding_one(failure))
    return cause, repairs


@FAMILY.entry(
    "fold-channels",
    "Fold's input has rows that make no whole number of channels",
    [
        "Expected size of input's (?:dimension 1|first non-batch dimension) to be divisible "
        "by the product of "
        r"kernel_size, but got input\.\w+[\(\[]-?\d[\)\]] ?= ?(?P<rows>\d+) and kernel_size=[\[(]"
        r"(?P<kernel>[^\])]*)",
    ],
    "layer = nn.Fold(4, 2, stride=2)\nx = torch.zeros(1, 6, 4)\nlayer(x)",
)
def fold_channels(failure: Failure, said: Said) -> Reading:
    kernel = setting(failure, "kernel_size", 1)
    cells = prod(kernel)
    cause = (
        f"Each column holds C windows of {' x '.join(map(str, kernel))} = {cells} cells; "
        f"{said['rows']} rows are no multiple of {cells}."
    )
    return cause, _fold_repairs(failure, int(said["rows"]))


def _fold_repairs(failure: Failure, rows: int) -> list[Repair | None]:
    """Swap rows and columns, or the size that the settings need."""
    if not failure.tensors:
        return []
    need_rows, need_columns = fold_shape(failure)
    repairs: list[Repair | None] = []
    if failure.shape[-2:][0] == need_columns and failure.shape[-1] % need_rows == 0:
        repairs.append(given("Swap rows and columns.", "x.transpose(-2, -1)"))
    if min(need_rows, need_columns) > 0:
        channels = max(1, rows // need_rows)
        text = (
            f"For {counted(channels, 'channel')} and these settings Fold takes "
            f"(N, {channels * need_rows}, {need_columns})."
        )
        size = f"{channels * need_rows}, {need_columns}"
        lead = "1, " if len(failure.shape) == 3 else ""
        repairs.append(given(text, f"x.new_zeros({lead}{size})"))
    else:
        repairs.append(_holding_one(failure))
    return repairs


def _holding_one(failure: Failure) -> Repair | None:
    """An output that has room for one window at least."""
    sizes = setting(failure, "output_size", 1)
    spans = (window.span for window in windows(failure))
    roomy = typed(tuple(max(s, r) for s, r in zip(sizes, spans, strict=True)))
    text = f"Ask for an output that holds a window, {roomy}."
    return _fitting_input(failure, text, {"output_size": roomy})


@FAMILY.entry(
    "fold-blocks",
    "Fold's input has another number of windows than its settings give",
    [
        r"Given output_size=[\[(](?P<out>[^\])]*)[\])], .*expected (?:size of input's "
        r"dimension \d to match the "
        r"calculated number of sliding blocks .* = (?P<need>-?\d+), but got "
        r"input\.size\(\d\)=(?P<got>\d+)"
        r"|input\.size\(-1\) to be (?P<want>-?\d+) but got (?P<have>\d+))",
    ],
    "layer = nn.Fold(4, 2, stride=2)\nx = torch.zeros(1, 12, 9)\nlayer(x)",
)
def fold_blocks(failure: Failure, said: Said) -> Reading:
    need, got = said.get("need") or said.get("want"), said.get("got") or said.get("have")
    counts = " x ".join(
        str(window.output_size(size))
        for window, size in zip(windows(failure), setting(failure, "output_size", 1), strict=True)
    )
    cause = (
        f"An output of ({said['out']}) has {counts} = {need} windows with these settings, one "
        "column "
        f"each; the input has {got} columns."
    )
    repairs = _fold_repairs(failure, failure.shape[-2] if failure.tensors else 1)
    return cause, [_output_for(failure, int(got or 0)), *repairs]


def _output_for(failure: Failure, columns: int) -> Repair | None:
    """A square output that has as many windows as the input has columns."""
    side = round(columns**0.5)
    if not failure.tensors or side * side != columns:
        return None
    size = [(side - 1) * w.stride + w.span - sum(w.padding) for w in windows(failure)]
    text = f"{columns} windows, {side} a side, come from an output of {typed(tuple(size))}."
    return rebuilt(failure, text, output_size=typed(tuple(size)))


@FAMILY.entry(
    "unfold-too-small",
    "No window fits: nothing to unfold or fold",
    [
        r"Given an? ?input with spatial size \((?P<size>[^)]*)\).*but its components must be "
        "at least one",
        r"Given input with spatial size \((?P<size>[^)]*)\).*but its components must be at "
        "least one",
        r"Given output_size=[\[(](?P<out>[^\])]*)[\])].*calculated shape of the array of "
        "sliding blocks as? ?"
        r".*too small \(non-positive\)",
    ],
    "layer = nn.Unfold(3)\nx = torch.zeros(1, 3, 2, 2)\nlayer(x)",
)
def unfold_small(failure: Failure, said: Said) -> Reading:
    size = tuple(whole_sizes(failure))
    reach = tuple(window.span for window in windows(failure))
    what = the_input(failure) if failure.kind == "Unfold" else "the output"
    cause = (
        f"The window reaches over {typed(reach)} cells, and {what} has {typed(size)} with a "
        "padding of "
        f"{typed(setting(failure, 'padding'))}: it fits nowhere."
    )
    padding = setting(failure, "padding")
    short = tuple(max(0, r - s - 2 * p) for r, s, p in zip(reach, size, padding, strict=True))
    wider = typed(tuple(p + -(-s // 2) for p, s in zip(padding, short, strict=True)))
    fits = typed(
        tuple(
            min(w.kernel, s + 2 * p)
            for w, s, p in zip(windows(failure), size, padding, strict=True)
        )
    )
    repairs = [
        rebuilt(failure, f"Pad by {wider}.", padding=wider),
        rebuilt(failure, f"Use a window that fits: {fits}.", kernel_size=fits, dilation=1),
    ]
    if failure.kind == "Fold":
        repairs.append(_holding_one(failure))
    return cause, repairs


def whole_sizes(failure: Failure) -> tuple[int, ...]:
    """Height and width of the image that the windows lie on."""
    return spatial(failure) if failure.kind == "Unfold" else setting(failure, "output_size", 1)
