"""Errors of a convolution's settings: stride, padding, dilation, groups, output padding."""

from __future__ import annotations

from typing import Any

from convdocs.errors.entry import Family, Reading, Said, of_kind, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, given, rebuilt
from convdocs.errors.wording import axes, setting, typed

FAMILY = Family(
    "convolution",
    "Settings of a convolution",
    "Some settings are refused when the layer is built, others only when the first input comes. "
    "Either way the layer itself has to change.",
)

CONV = of_kind("conv")


@FAMILY.entry(
    "same-with-stride",
    "padding='same' with a stride",
    [r"padding='same' is not supported for strided convolutions"],
    'layer = nn.Conv2d(3, 8, 3, stride=2, padding="same")',
)
def same_with_stride(failure: Failure, said: Said) -> Reading:
    strides = setting(failure, "stride", 1)
    cause = (
        "'same' pads so that the output is as large as the input, which only a stride of 1 can "
        f"give; here the stride is {typed(strides) if failure.settings else 'larger'}."
    )
    reach = zip(setting(failure, "kernel_size", 1), setting(failure, "dilation", 1), strict=False)
    half = typed(tuple(d * (k - 1) // 2 for k, d in reach))
    return cause, [
        rebuilt(failure, f"Pad by half the kernel's reach, padding={half}.", padding=half),
        rebuilt(failure, "Keep 'same' and move by one cell.", stride=1),
    ]


@FAMILY.entry(
    "padding-string",
    "A padding that is neither a number nor 'same' nor 'valid'",
    [r"Invalid padding string:? '(?P<got>[^']*)'"],
    'layer = nn.Conv2d(3, 8, 3, padding="full")',
)
def padding_string(failure: Failure, said: Said) -> Reading:
    cause = f"padding={said.get('got', '')!r} is no word that torch knows: 'same' and 'valid' are."
    full = typed(setting(failure, "kernel_size", 1))
    whole_window = typed(tuple(k - 1 for k in setting(failure, "kernel_size", 1)))
    repairs = [
        rebuilt(failure, "Keep the size of the input.", padding="same"),
        rebuilt(failure, "Use no padding.", padding="valid"),
    ]
    if said.get("got") == "full" and full:
        text = f"'full' padding is the kernel's size less one: {whole_window}."
        repairs.insert(0, rebuilt(failure, text, padding=whole_window))
    return cause, repairs


@FAMILY.entry(
    "padding-mode",
    "An unknown padding mode",
    [
        r"padding_mode must be one of .*, but got padding_mode='(?P<got>[^']*)'",
        r"Unrecognised padding mode (?P<got>\w+)",
    ],
    'layer = nn.Conv2d(3, 8, 3, padding=1, padding_mode="edge")',
)
def padding_mode(failure: Failure, said: Said) -> Reading:
    same_as = {"edge": "replicate", "wrap": "circular", "symmetric": "reflect", "constant": "zeros"}
    near = same_as.get(said["got"], "zeros")
    others = [mode for mode in ("zeros", "reflect", "replicate", "circular") if mode != near]
    cause = f"padding_mode={said['got']!r} is none of torch's four modes."
    texts = (
        {near: f"NumPy's {said['got']!r} is torch's {near!r}."} if said["got"] in same_as else {}
    )
    return cause, [
        rebuilt(failure, texts.get(mode, f"Use the mode {mode!r}."), padding_mode=mode)
        for mode in (near, *others)
    ]


@FAMILY.entry(
    "transposed-padding-mode",
    "A transposed convolution with a padding mode",
    [r"Only [\"`]zeros[\"`] padding mode is supported for (?P<op>\w+)"],
    'layer = nn.ConvTranspose2d(3, 8, 3, padding_mode="reflect")',
)
def transposed_padding_mode(failure: Failure, said: Said) -> Reading:
    mode = failure.settings.get("padding_mode", "another mode")
    cause = (
        f"{said['op']} adds no cells around its input, so there is nothing that {mode!r} could "
        "fill: its padding takes cells off the output."
    )
    return cause, [rebuilt(failure, "Leave padding_mode out.", padding_mode="zeros")]


@FAMILY.entry(
    "groups-not-positive",
    "Groups below 1",
    [r"groups must be a positive integer", r"non-positive groups is not supported"],
    "layer = nn.Conv2d(4, 8, 3, groups=0)",
)
def groups_not_positive(failure: Failure, said: Said) -> Reading:
    got = failure.settings.get("groups", failure.kwargs.get("groups"))
    cause = f"{'groups' if got is None else f'groups={got}'} must be 1 or more; 1 is no grouping."
    channels = failure.settings.get("in_channels")
    repairs = [rebuilt(failure, "Let every output channel see every input channel.", groups=1)]
    if channels:
        text = "Or one group per input channel (depthwise)."
        repairs.append(rebuilt(failure, text, groups=channels))
    return cause, repairs


@FAMILY.entry(
    "groups-do-not-divide",
    "Groups that do not divide the channels",
    [
        r"(?P<which>in_channels|out_channels) must be divisible by groups",
        r"Given groups=(?P<groups>\d+), expected weight to be (?:at least|divisible by) \d+ at "
        r"dimension 0, but got weight of size \[+(?P<weight>[^\]]*)\]+",
    ],
    "layer = nn.Conv2d(3, 8, 3, groups=2)",
)
def groups_do_not_divide(failure: Failure, said: Said) -> Reading:
    groups = int(failure.settings.get("groups", said.get("groups") or 1))
    if "in_channels" not in failure.settings or not said.get("which"):
        filters = whole(said["weight"])[0] if said.get("weight") else "other"
        cause = f"The weight has {filters} filters; groups={groups} does not divide them."
        return cause, [rebuilt(failure, "Use no groups.", groups=1)]
    inputs, outputs = failure.settings["in_channels"], failure.settings["out_channels"]
    which = said["which"]
    count = inputs if which == "in_channels" else outputs
    cause = f"{which}={count} is not a multiple of groups={groups}."
    common = [g for g in range(2, groups + 1) if inputs % g == 0 and outputs % g == 0]
    up = -(-count // groups) * groups
    repairs = [
        rebuilt(failure, f"Use {g} groups, which divide both.", groups=g) for g in common[-1:]
    ]
    repairs.append(rebuilt(failure, f"Use {which}={up}.", **{which: up}))
    repairs.append(rebuilt(failure, "Use no groups.", groups=1))
    return cause, repairs


@FAMILY.entry(
    "stride-not-positive",
    "A stride below 1",
    [
        r"non-positive stride is not supported",
        r"integer division or modulo by zero",
    ],
    "layer = nn.Conv2d(3, 8, 3, stride=0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=CONV,
)
def stride_not_positive(failure: Failure, said: Said) -> Reading:
    stride = typed(setting(failure, "stride", 1)) if failure.settings else "one below 1"
    cause = f"With stride={stride} the window would never move on; it must be 1 or more."
    return cause, [
        rebuilt(failure, "Move by one cell.", stride=1),
        rebuilt(failure, "Or by two, which halves the size.", stride=2),
    ]


@FAMILY.entry(
    "dilation-not-positive",
    "A dilation below 1",
    [
        r"non-positive dilation is not supported",
        r"[Dd]ilation (?:should|must) be greater than (?:zero|0)",
        r"dimensions are invalid",
        r"could not create a (?:primitive )?descriptor",
        r"could not construct a memory descriptor",
        r"Trying to create tensor with negative dimension",
        r"Output size is too small",
        r"resulting in an empty dimension",
    ],
    "layer = nn.Conv2d(3, 8, 3, dilation=0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=lambda failure: CONV(failure) and min(setting(failure, "dilation", 1)) < 1,
)
def dilation_not_positive(failure: Failure, said: Said) -> Reading:
    dilation = typed(setting(failure, "dilation", 1))
    cause = (
        f"dilation={dilation} puts the kernel's taps no cell apart; neighbouring taps are at "
        "least 1 apart."
    )
    return cause, [rebuilt(failure, "Let the taps be neighbours, dilation=1.", dilation=1)]


@FAMILY.entry(
    "negative-padding",
    "A negative padding",
    [
        r"negative padding is not supported",
        r"Negative padding value is resulting in an empty dimension",
        r"numel: integer multiplication overflow",
    ],
    "layer = nn.Conv2d(3, 8, 3, padding=-1)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=CONV,
)
def negative_padding(failure: Failure, said: Said) -> Reading:
    padding = typed(setting(failure, "padding")) if failure.settings else "below 0"
    cause = (
        f"A convolution cannot have the padding {padding}: it adds cells, it does not cut them off."
    )
    repairs = [rebuilt(failure, "Use no padding.", padding=0)]
    if failure.layer is not None:
        repairs.append(_cropped(failure))
    return cause, repairs


def _cropped(failure: Failure) -> Repair | None:
    """A negative pad crops, and is allowed before the layer."""
    padding = setting(failure, "padding")
    plain = rebuilt(failure, "", padding=tuple(max(p, 0) for p in padding))
    if plain is None:
        return None
    amounts = ", ".join(f"{min(p, 0)}, {min(p, 0)}" for p in reversed(padding))
    text = "Crop the input before the layer."
    return Repair(text, (*plain.steps, ("x", f"nn.functional.pad(x, ({amounts}))")))


@FAMILY.entry(
    "kernel-not-positive",
    "A kernel of size 0",
    [
        r"could not create a (?:primitive )?descriptor",
        r"could not construct a memory descriptor",
        r"non-empty .* tensor expected for weight",
        r"kernel size should be greater than zero",
        r"Trying to create tensor with negative dimension",
        r"Output size is too small",
    ],
    "layer = nn.Conv2d(3, 8, 0)\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=lambda failure: (
        CONV(failure) and failure.layer is not None and min(setting(failure, "kernel_size", 1)) < 1
    ),
)
def kernel_not_positive(failure: Failure, said: Said) -> Reading:
    kernel = typed(setting(failure, "kernel_size", 1))
    cause = f"kernel_size={kernel} leaves {failure.kind} no weights along an axis."
    return cause, [
        rebuilt(failure, "The smallest kernel has size 1 (it mixes channels only).", kernel_size=1),
        rebuilt(failure, "The usual one has size 3.", kernel_size=3),
    ]


@FAMILY.entry(
    "setting-per-axis",
    "A setting with the wrong number of values",
    [
        "expected (?P<which>stride|padding|dilation|output_padding) to be a single integer "
        "value or "
        r"a list of (?P<need>\d+) values to match the convolution dimensions, but got "
        r"\w+=\[(?P<got>"
        r"[^\]]*)\]",
        r"(?P<which>stride|padding|dilation) cannot broadcast to (?P<need>\d+) dimensions",
        r"weight should have at least three dimensions",
        r"^list index out of range$",
        r"^tuple index out of range$",
    ],
    "layer = nn.Conv2d(3, 8, 3, stride=(2, 2, 2))\nx = torch.zeros(1, 3, 8, 8)\nlayer(x)",
    when=CONV,
)
def setting_per_axis(failure: Failure, said: Said) -> Reading:
    if failure.layer is None and failure.built is None:
        return _weight_rank(failure, said)
    wrong = {}
    for name in ("kernel_size", "stride", "padding", "dilation", "output_padding"):
        value = failure.settings.get(name)
        if isinstance(value, tuple | list) and len(value) != failure.dims:
            wrong[name] = tuple(value)
    listed = " and ".join(f"{name}={value}" for name, value in wrong.items())
    cause = (
        f"{failure.kind} has {failure.dims} spatial ax{'is' if failure.dims == 1 else 'es'}, so a "
        f"setting is one number or {failure.dims} of them; it got {listed or 'another count'}."
    )
    changes: dict[str, Any] = {name: _to_length(v, failure.dims) for name, v in wrong.items()}
    return cause, [rebuilt(failure, "Give each setting a number per axis.", **changes)]


def _to_length(values: tuple[int, ...], dims: int) -> int | tuple[int, ...]:
    return typed((values * dims)[:dims])


def _weight_rank(failure: Failure, said: Said) -> Reading:
    shapes = failure.shapes
    if len(shapes) > 1 and len(shapes[1]) != failure.dims + 2:
        cause = (
            f"{failure.kind} takes a weight (out_channels, in_channels / groups, "
            f"{axes(failure.dims)[1:-1].split(', ', 2)[2].lower()}); it got one of shape "
            f"{shapes[1]}."
        )
        missing = failure.dims + 2 - len(shapes[1])
        if missing < 1:
            return cause, []
        ends = ", ".join(["None"] * missing)
        text = "Give the weight its missing axes, of size 1."
        return cause, [given(text, f"weight[..., {ends}]", "weight")]
    which, need = said.get("which") or "a setting", int(said.get("need") or failure.dims or 1)
    wrong: dict[str, Any] = {
        name: _to_length(tuple(value), need)
        for name, value in failure.settings.items()
        if isinstance(value, tuple | list) and len(value) not in (1, need) and name != "kernel_size"
    }
    cause = f"{failure.kind} takes one number or {need} of them for {which}."
    return cause, [rebuilt(failure, "Give each setting a number per axis.", **wrong)]


@FAMILY.entry(
    "negative-size",
    "A layer with a negative size",
    [
        r"Trying to create tensor with negative dimension",
        r"in1_features must be > 0",
        r"kernel_size must be greater than 0, but got",
    ],
    "layer = nn.Conv2d(3, -8, 3)",
    when=lambda failure: failure.built is not None,
)
def negative_size(failure: Failure, said: Said) -> Reading:
    bad = {
        name: value
        for name, value in failure.settings.items()
        if name not in ("padding", "stride") and _least(value) < 1
    }
    listed = " and ".join(f"{name}={value}" for name, value in bad.items())
    cause = f"{failure.kind} was asked for {listed or 'a negative size'}; a size is at least 1."
    made: dict[str, Any] = {
        name: tuple(abs(v) or 1 for v in value) if isinstance(value, tuple) else abs(value) or 1
        for name, value in bad.items()
    }
    return cause, [rebuilt(failure, "Give sizes above 0.", **made)]


def _least(value: Any) -> int:
    numbers = [v for v in (value if isinstance(value, tuple) else (value,)) if type(v) is int]
    return min(numbers, default=1)


@FAMILY.entry(
    "bias-size",
    "A bias that does not fit the weight",
    [
        r"weight of size \[(?P<weight>[^\]]*)\], expected bias to be 1-dimensional with "
        r"(?P<need>\d+) elements, but got bias of size \[(?P<bias>[^\]]*)\]",
    ],
    "x = torch.zeros(1, 3, 8, 8)\nweight = torch.zeros(4, 3, 3, 3)\nbias = torch.zeros(3)\n"
    "nn.functional.conv2d(x, weight, bias)",
)
def bias_size(failure: Failure, said: Said) -> Reading:
    cause = (
        f"The weight ({said.get('weight')}) makes {said.get('need')} output channels, and each has "
        f"one bias; the bias has the shape ({said.get('bias')})."
    )
    repairs = [
        given(f"Give {said.get('need')} biases.", f"x.new_zeros({said.get('need')})", "bias")
    ]
    return cause, list(repairs) if len(failure.tensors) == 3 else []
