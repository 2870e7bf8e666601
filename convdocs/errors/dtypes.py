"""Errors of data types, devices and things that are no tensors."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.errors.entry import Family, Reading, Said
from convdocs.errors.failure import Failure
from convdocs.errors.repair import LETTERS, Repair, given, names, rebuilt
from convdocs.errors.wording import the_input

FAMILY = Family(
    "dtypes",
    "Data types, devices and things that are no tensors",
    "Input, weight and bias must have one data type and lie on one device. Images come as "
    "uint8, NumPy "
    "makes float64, labels are int64; a layer's weights are float32 unless you say otherwise.",
)

# torch's names for a type in its messages
DTYPES = {
    "float": "float32", "double": "float64", "c10::Half": "float16", "bool": "bool",
    "c10::BFloat16": "bfloat16", "long int": "int64", "long": "int64", "int": "int32",
    "short": "int16", "unsigned char": "uint8", "signed char": "int8",
    "c10::complex<float>": "complex64", "c10::complex<double>": "complex128", "Half": "float16",
    "Float": "float32", "Double": "float64", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Byte": "uint8", "Char": "int8", "Bool": "bool",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128",
}  # fmt: skip


def plain(name: str) -> str:
    """A data type as torch's users write it.

    Examples
    --------
    >>> plain("torch.DoubleTensor"), plain("c10::Half"), plain("CPUBFloat16Type")
    ('float64', 'float16', 'bfloat16')
    """
    bare = re.sub(r"^(torch\.(cuda\.)?|CPU|CUDA)|(Tensor|Type)$", "", name.strip())
    return DTYPES.get(bare, DTYPES.get(name.strip(), bare))


def weight_type(failure: Failure) -> torch.dtype | None:
    """Data type of the layer's weights."""
    if failure.layer is None:
        return None
    return next((p.dtype for p in failure.layer.parameters()), None) or next(
        (b.dtype for b in failure.layer.buffers() if b.is_floating_point()), None
    )


@FAMILY.entry(
    "device-mismatch",
    "Input and weights on different devices",
    [
        r"Tensor on device (?P<a>[\w:]+) is not on the expected device (?P<b>[\w:]+)",
        "Expected all tensors to be on the same device, but (?:found at least two devices, "
        r"(?P<a>[\w:]+) and "
        r"(?P<b>[\w:]+)|got)",
        r"Input type \((?P<a>torch\.cuda\.\w+)\) and weight type \((?P<b>torch\.(?!cuda)\w+)\)",
        r"Input type \((?P<a>torch\.(?!cuda)\w+)\) and weight type \((?P<b>torch\.cuda\.\w+)\)",
    ],
    'layer = nn.Linear(4, 2)\nx = torch.zeros(3, 4, device="meta")\nlayer(x)',
    when=lambda failure: len(devices(failure)) > 1 or not failure.tensors,
)
def device_mismatch(failure: Failure, said: Said) -> Reading:
    found = devices(failure)
    if len(found) < 2:
        places = " and ".join(one for one in (said.get("a"), said.get("b")) if one)
        return f"The tensors lie on different devices{f': {places}' if places else ''}.", []
    ours = failure.tensors[0].device
    own = _device(failure)
    if own is None:
        cause = f"The inputs lie on {' and '.join(found)}; one device must hold them all."
        return cause, _moved(failure)
    cause = (
        f"{the_input(failure)[0].upper()}{the_input(failure)[1:]} lies on {ours}, the "
        f"weights on {own}."
    )
    if own == ours:
        return f"The inputs lie on {' and '.join(found)}; the weights on {own}.", _moved(
            failure, str(own)
        )
    repairs = [*_moved(failure, str(own))]
    if own.type == "meta":
        text = f"Make real weights on {ours} (meta has none), then load yours."
        repairs.insert(0, Repair(text, (("layer", f'layer.to_empty(device="{ours}")'),)))
    elif ours.type != "meta":
        text = f"Or move the layer to {ours}."
        repairs.append(Repair(text, (("layer", f'layer.to("{ours}")'),)))
    return cause, repairs


def _device(failure: Failure) -> torch.device | None:
    if failure.layer is None:
        return None
    held = (*failure.layer.parameters(), *failure.layer.buffers())
    return next((tensor.device for tensor in held), None)


def devices(failure: Failure) -> list[str]:
    """The devices of the inputs and the weights."""
    if failure.on_shapes:  # the tensors are stand-ins on meta
        return []
    own = _device(failure)
    found = [tensor.device for tensor in failure.tensors] + ([own] if own else [])
    return list(dict.fromkeys(str(one) for one in found))


def _moved(failure: Failure, device: str = "") -> list[Repair | None]:
    called = [
        n
        for n, one in zip(names(failure), _given(failure), strict=False)
        if isinstance(one, Tensor)
    ]
    target = device or str(failure.tensors[0].device)
    steps = tuple(
        (
            name,
            f'torch.zeros_like({name}, device="{target}")'
            if one.is_meta
            else f'{name}.to("{target}")',
        )
        for name, one in zip(called, failure.tensors, strict=False)
        if str(one.device) != target
    )
    return [Repair(f"Bring all of them to {target} before the call.", steps)]


def _given(failure: Failure) -> tuple[Any, ...]:
    return failure.args if failure.layer is not None else failure.tensors


@FAMILY.entry(
    "not-a-tensor",
    "The input is no tensor",
    [
        r"argument '(?P<which>\w+)' \(position 1\) must be Tensor, not (?P<got>[\w.]+)",
        r"received an invalid combination of arguments - got \((?P<got>(?!Tensor|Parameter)[\w.]+)",
        r"'(?P<got>[\w.]+)' object has no attribute "
        "'(?:dim|size|shape|device|is_cuda|ndim|is_nested)'",
        r"'(?P<got>\w+)' object is not callable",
        r"expected Tensor as (?:element \d+ in )?argument \d+, but got (?P<got>[\w.]+)",
    ],
    "layer = nn.Conv2d(3, 8, 3)\nx = numpy.zeros((1, 3, 8, 8), dtype=numpy.float32)\nlayer(x)",
    when=lambda failure: (
        (bool(failure.kind) or failure.message.startswith("expected Tensor as"))
        and not (failure.args and isinstance(failure.args[0], Tensor))
    ),
)
def not_a_tensor(failure: Failure, said: Said) -> Reading:
    value = failure.args[0] if failure.args else None
    kind = (type(value).__name__ if failure.args else said["got"]).removeprefix("numpy.")
    article = "an" if kind[:1] in "aeiou" else "a"
    thing = {"NoneType": "nothing", "ndarray": "a NumPy array"}.get(kind, f"{article} {kind}")
    cause = f"{failure.name or 'The call'} was given {thing}; layers take a torch.Tensor."
    repairs: list[Repair | None] = []
    if kind == "ndarray":
        repairs.append(given("Share the array's memory with a tensor.", "torch.from_numpy(x)"))
        repairs.append(
            given("Copy it into a float tensor.", "torch.tensor(x, dtype=torch.float32)")
        )
    if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
        if len(value) == 1:
            repairs.append(given("Take the tensor out.", "x[0]"))
        repairs.append(given("Stack the tensors into a batch.", "torch.stack(list(x))"))
        repairs.append(given("Or take the first (a layer may return several).", "x[0]"))
    elif isinstance(value, list | tuple | int | float):
        repairs.append(given("Make a float tensor of it.", "torch.tensor(x, dtype=torch.float32)"))
    return cause, repairs


@FAMILY.entry(
    "argument-count",
    "A layer called with too few or too many inputs",
    [
        r"(?P<op>[\w.]+)\.forward\(\) missing \d+ required positional arguments?: (?P<missing>.*)",
        r"(?P<op>[\w.]+)\.forward\(\) takes (?P<takes>\d+) positional arguments? but "
        r"(?P<given>\d+) were given",
        r"(?P<op>[\w.]+)\.forward\(\) got an unexpected keyword argument '(?P<extra>\w+)'",
    ],
    "layer = nn.ReLU()\nx = torch.zeros(1, 3, 8, 8)\nlayer(x, x)",
)
def argument_count(failure: Failure, said: Said) -> Reading:
    name = failure.name or said["op"]
    if said.get("missing"):
        return f"{name} was called without {said['missing']}.", []
    if said.get("extra"):
        return f"{name} knows no argument {said['extra']!r}.", []
    takes, got = int(said["takes"]) - 1, int(said["given"]) - 1
    cause = f"{name} takes {takes} input{'s' if takes != 1 else ''} and was given {got}."
    return cause, [
        Repair("Leave out what it does not take.", (("y", "layer(x)"),))
    ] if takes == 1 else []


@FAMILY.entry(
    "constructor-arguments",
    "A layer built with arguments that do not fit",
    [
        r"(?P<op>\w+)\.__init__\(\) (?P<what>missing .*|takes .*|got .*)",
        r"not all arguments converted during string formatting",
        r"empty\(\): argument 'size' .*(?P<type>float|str|NoneType)",
        r"unsupported operand type\(s\) for",
        r"'<=?' not supported between instances of",
        r"argument '\w+' .*must be (?:tuple of ints|int), (?:not|but found element of type) "
        "(?P<type>float|str)",
        r"argument '\w+' failed to unpack the object at pos \d+ with error \"type must be "
        "tuple of ints,but got "
        r"(?P<type>\w+)\"",
        r"unflattened_size must be",
    ],
    "layer = nn.Conv2d(3, 8, 3.0)",
    when=lambda failure: bool(_odd_types(failure)) or _of_nn(failure.message),
)
def constructor_arguments(failure: Failure, said: Said) -> Reading:
    if said.get("what"):
        return f"{said['op']} was built with other arguments than it takes: {said['what']}.", []
    odd = _odd_types(failure)
    listed = " and ".join(f"{name}={value!r}" for name, value in odd.items())
    cause = f"{failure.kind} got {listed}; sizes and counts are whole numbers."
    made = {name: _whole(value) for name, value in odd.items()}
    return cause, [rebuilt(failure, "Give whole numbers.", **made)]


def _of_nn(message: str) -> bool:
    """Whether the message is about the constructor of one of torch's layers."""
    made = message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    return made != message and any(made == base.__name__ for one in classes for base in one.__mro__)


def _whole(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_whole(one) for one in value)
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1


NUMBERS = frozenset(
    [
        "in_channels",
        "out_channels",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "output_padding",
        "in_features",
        "out_features",
        "num_features",
        "num_channels",
        "num_groups",
        "output_size",
        "unflattened_size",
        "upscale_factor",
        "start_dim",
        "end_dim",
    ]
)


def _odd_types(failure: Failure) -> dict[str, Any]:
    """Settings that should be whole numbers and are not."""
    words = ("same", "valid")
    found = {}
    for name, value in failure.settings.items():
        parts = value if isinstance(value, tuple | list) else (value,)
        open_size = name in ("stride", "output_size")  # None is a value of theirs
        odd = [
            part
            for part in parts
            if not isinstance(part, int) and part not in words and not (open_size and part is None)
        ]
        if name in NUMBERS and odd:
            found[name] = value
    return found


@FAMILY.entry(
    "dtype-mismatch",
    "Input and weights of different data types",
    [
        r"Input type \((?P<a>[^)]*)\) and (?P<what>weight|bias) type \((?P<b>[^)]*)\) should "
        "be the same",
        r"mat1 and mat2 must have the same dtype, but got (?P<a>\w+) and (?P<b>\w+)",
        r"expected m1 and m2 to have the same dtype, but got: (?P<a>.+) != (?P<b>.+)",
        r"expected scalar type (?P<a>[\w.]+) but found (?P<b>[\w.]+)",
        r"expected both vectors to have same dtype, but found (?P<a>[\w.]+) and (?P<b>[\w.]+)",
        r"mixed dtype \(CPU\): (?:all inputs must share same datatype|expect parameter to have "
        "scalar type of)",
        r"must have the same dtype",
    ],
    "layer = nn.Conv2d(3, 8, 3)\nx = torch.zeros(1, 3, 8, 8, dtype=torch.float64)\nlayer(x)",
)
def dtype_mismatch(failure: Failure, said: Said) -> Reading:
    kind = weight_type(failure)
    if not failure.tensors:
        a, b = plain(said.get("a") or "one type"), plain(said.get("b") or "another")
        return f"The input is {a}, the weights are {b}; both must have one data type.", []
    got = failure.tensors[0].dtype
    if kind is None or failure.layer is None:
        types = " and ".join(dict.fromkeys(str(tensor.dtype) for tensor in failure.tensors))
        return f"The tensors are {types}; all must have one data type.", _one_type(failure)
    cause = f"The input is {got}, the weights of {failure.name} are {kind}."
    if got == torch.uint8:
        cause += " Images come as uint8 from 0 to 255."
    if got == torch.float64 and kind == torch.float32:
        cause += " NumPy makes float64 unless told otherwise."
    return cause, _to_weights(failure, got, kind)


CASTS = {
    torch.float32: ".float()", torch.float64: ".double()", torch.float16: ".half()",
    torch.bfloat16: ".bfloat16()",
}  # fmt: skip


def _to_weights(failure: Failure, got: torch.dtype, kind: torch.dtype) -> list[Repair | None]:
    cast = CASTS.get(kind, f".to({kind})")
    repairs: list[Repair | None] = []
    if got == torch.uint8 and kind.is_floating_point:
        text = f"Make it {kind} between 0 and 1."
        repairs.append(given(text, f"x{cast} / 255"))
    elif got.is_complex and not kind.is_complex:
        repairs.append(
            given("Take the absolute values.", f"x.abs(){'' if kind == torch.float32 else cast}")
        )
    else:
        repairs.append(given(f"Make the input {kind}.", f"x{cast}"))
    if got in CASTS:
        repairs.append(Repair(f"Or make the layer {got}.", (("layer", f"layer{CASTS[got]}"),)))
    if got.is_complex:
        repairs.append(Repair(f"Or make the layer {got}.", (("layer", f"layer.to({got})"),)))
    return repairs


def _one_type(failure: Failure) -> list[Repair | None]:
    target = next((t.dtype for t in failure.tensors if t.dtype in CASTS), torch.float32)
    cast = CASTS.get(target, f".to({target})")
    steps = tuple(
        (name, f"{name}{cast}")
        for name, tensor in zip(names(failure), failure.tensors, strict=False)
        if tensor.dtype != target
    )
    return [Repair(f"Make all of them {target}.", steps)]


@FAMILY.entry(
    "dtype-not-supported",
    "An operation that does not exist for this data type",
    [
        r"\"(?P<op>[^\"]+)\" not implemented for '(?P<type>\w+)'",
        r"could not infer output dtype\. Input dtype must be either a floating point or "
        r"complex dtype\. Got: "
        r"(?P<type>[\w.]+)",
        "(?:does not support|not supported for|is not supported on|not implemented for) "
        ".*(?P<type>"
        r"[Cc]omplex|[Bb]ool|[Hh]alf|[Bb]yte|[Ii]nt\d*)",
        r"result type \w+ can't be cast",
    ],
    "layer = nn.AvgPool2d(2)\nx = torch.zeros(1, 3, 8, 8, dtype=torch.uint8)\nlayer(x)",
)
def dtype_not_supported(failure: Failure, said: Said) -> Reading:
    kind = plain((said.get("type") or "").removeprefix("torch."))
    where = failure.device.upper() or "device"
    kind = str(failure.tensors[0].dtype) if failure.tensors else kind
    cause = f"{failure.name or said.get('op')} has no version for {kind} on the {where}."
    if not failure.tensors:
        return cause, []
    got = failure.tensors[0].dtype
    own = weight_type(failure)
    name = names(failure)[0]
    both: tuple[tuple[str, str], ...] = ()
    if own is not None and own != torch.float32:
        both = (("layer", "layer.float()"),)
    if got.is_complex:
        text = "Take the absolute values, or real and imaginary parts as channels."
        return cause, [Repair(text, (*both, (name, f"{name}.abs()")))]
    if got == torch.uint8:
        text = "Make it float32 between 0 and 1."
        return cause, [Repair(text, (*both, (name, f"{name}.float() / 255")))]
    text = "Work in float32."
    steps = [(n, f"{n}.float()") for n in names(failure)[:1]]
    if failure.layer is None:
        steps = (
            [(n, f"{n}.float()") for n in LETTERS[: len(failure.tensors)]]
            if len(failure.tensors) > 1
            else steps
        )
    return cause, [Repair(text, (*both, *steps))]
