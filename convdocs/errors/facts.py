"""What a cause may speak of: facts of a failure by name, worked out when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Any

import torch

from convdocs.errors import meaning, sizes
from convdocs.errors.failure import Failure
from convdocs.errors.repair import typed
from convdocs.errors.sizes import setting, spatial, windows
from convdocs.layers import AXIS_NAMES

_LEAST = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0, "output_size": 1}
FACTS: dict[str, Callable[[Failure, dict[str, str]], Any]] = {}


class Missing(LookupError):
    """A fact that this failure does not tell."""


class Facts(dict[str, Any]):
    """The named parts of a message, then the facts below, then the layer's settings."""

    def __init__(self, failure: Failure, said: dict[str, str]) -> None:
        # "shape" is a fact of its own, which takes the message's words where there is no tensor
        super().__init__({k: value for k, value in said.items() if value and k != "shape"})
        self.failure = failure
        self.said = {key: value for key, value in said.items() if value}

    def __missing__(self, key: str) -> Any:
        if key in FACTS:
            self[key] = value = FACTS[key](self.failure, self.said)
            return value
        if key in self.failure.settings:
            return _typed(self.failure.settings[key])
        raise Missing(key)

    def filled(self, template: str) -> str:
        """A sentence with its facts in place; raises Missing where one is not known."""
        text = template.format_map(self)
        return capital(text) if template.startswith("{input}") else text


def fact(tell: Callable[[Failure, dict[str, str]], Any]) -> Any:
    """Register a function as the fact of its name."""
    FACTS[tell.__name__.strip("_")] = tell
    return tell


def need(value: Any, what: str = "") -> Any:
    """The value; raises Missing where there is none."""
    if value is None or (isinstance(value, str | tuple | list | dict) and not value):
        raise Missing(what)
    return value


def capital(text: str) -> str:
    """The text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "channel"), counted(3, "channel"), counted(2, "axis")
    ('1 channel', '3 channels', '2 axes')
    """
    plural = "axes" if noun == "axis" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def whole(text: str) -> list[int]:
    """The whole numbers in a message's part.

    Examples
    --------
    >>> whole("[2, -1, 3 x 4]")
    [2, -1, 3, 4]
    """
    return [int(one) for one in re.findall(r"-?\d+", text)]


def axis_names(dims: int, *, batched: bool = True) -> str:
    """The axes' names of an input.

    Examples
    --------
    >>> axis_names(1), axis_names(2, batched=False)
    ('(N, C, L)', '(C, H, W)')
    """
    names = ("C", *AXIS_NAMES.get(dims, ("…",)))
    return f"({', '.join(('N', *names) if batched else names)})"


def _typed(value: Any) -> Any:
    return typed(value) if isinstance(value, tuple) and value else value


@fact
def shape(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """Shape of the first input."""
    return failure.shape if failure.tensors else tuple(need(whole(said.get("shape", ""))))


@fact
def shapes(failure: Failure, said: dict[str, str]) -> str:
    """All inputs' shapes."""
    return " and ".join(map(str, need(failure.shapes)))


@fact
def operands(failure: Failure, said: dict[str, str]) -> str:
    """All inputs with their names and shapes."""
    pairs = zip(failure.names, need(failure.shapes), strict=False)
    return " and ".join(f"{name} {shape}" for name, shape in pairs)


@fact
def axes(failure: Failure, said: dict[str, str]) -> str:
    """How many axes the first input has, in words."""
    return counted(len(shape(failure, said)), "axis")


@fact
def input_(failure: Failure, said: dict[str, str]) -> str:
    """The input with its shape."""
    return f"the input {failure.shape}" if failure.tensors else "the input"


@fact
def name(failure: Failure, said: dict[str, str]) -> str:
    """The layer as one would type it, or the function's name."""
    return failure.name or said.get("op") or "the call"


@fact
def kind(failure: Failure, said: dict[str, str]) -> str:
    """The layer's class or the function's name."""
    return str(need(failure.kind))


@fact
def takes(failure: Failure, said: dict[str, str]) -> str:
    """The two inputs a layer takes, by name."""
    dims = failure.dims
    return f"{axis_names(dims, batched=False)} for one sample or {axis_names(dims)} for a batch"


@fact
def spatial_axes(failure: Failure, said: dict[str, str]) -> str:
    """How many axes the window moves over."""
    return counted(failure.dims, "spatial axis").replace("axiss", "axes")


@fact
def channel_axis(failure: Failure, said: dict[str, str]) -> int:
    """Where the channels are read: behind the batch, or first in a sample without one."""
    rank = failure.dims + 2 if failure.dims else len(failure.shape)
    return 1 if len(failure.shape) == rank else 0


@fact
def channels(failure: Failure, said: dict[str, str]) -> int:
    """The input's channels, as the layer reads them."""
    found = shape(failure, said)
    axis = channel_axis(failure, said) if failure.tensors else 1
    return int(found[min(axis, len(found) - 1)])


@fact
def wanted_channels(failure: Failure, said: dict[str, str]) -> int:
    """The channels the layer was built for."""
    for key in ("in_channels", "num_features", "num_channels"):
        if key in failure.settings:
            return int(failure.settings[key])
    if said.get("need"):
        return int(said["need"])
    weight = need(failure.shapes[1:])[0]
    groups = failure.settings.get("groups", 1)
    return int(weight[0] if "transpose" in failure.kind else weight[1] * groups)


@fact
def no_batch(failure: Failure, said: dict[str, str]) -> str:
    """Said where the layer takes the input for one sample."""
    if channel_axis(failure, said) or not failure.dims:
        raise Missing
    lone = axis_names(failure.dims, batched=False)
    return f"With {axes(failure, said)} the input is read as one sample {lone}, without a batch."


@fact
def unbatched(failure: Failure, said: dict[str, str]) -> str:
    """Said where the model's own input was read as one sample."""
    if not sizes.lacks_batch(failure):
        raise Missing
    given = failure.trace.input_shapes[0] if failure.trace else ()
    return f"the model's input {given} was read as one sample, without its batch axis"


@fact
def per_axis(failure: Failure, said: dict[str, str]) -> str:
    """Settings that have another number of values than the layer has axes."""
    return " and ".join(f"{key}={value}" for key, value in need(wrong_length(failure)).items())


def wrong_length(failure: Failure) -> dict[str, tuple[Any, ...]]:
    """Settings that have another number of values than the layer has axes."""
    found = {}
    for key in (*_LEAST, "output_padding", "output_ratio"):
        value = failure.settings.get(key)
        if not isinstance(value, tuple | list):
            continue
        if len(value) != failure.dims or failure.kind == "LPPool1d":
            found[key] = tuple(value)
    return found


@fact
def odd(failure: Failure, said: dict[str, str]) -> str:
    """Settings that should be whole numbers and are not."""
    return " and ".join(f"{key}={value!r}" for key, value in need(odd_types(failure)).items())


_NUMBERS = frozenset({
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups",
    "output_padding", "in_features", "out_features", "num_features", "num_channels", "num_groups",
    "output_size", "unflattened_size", "upscale_factor", "start_dim", "end_dim",
})  # fmt: skip


def odd_types(failure: Failure) -> dict[str, Any]:
    """Settings that should be whole numbers and are not."""
    found = {}
    for key, value in failure.settings.items():
        open_size = key in ("stride", "output_size")  # None is a value of theirs
        wrong = [
            part
            for part in (value if isinstance(value, tuple | list) else (value,))
            if not isinstance(part, int)
            and part not in ("same", "valid")
            and not (open_size and part is None)
        ]
        if key in _NUMBERS and wrong:
            found[key] = value
    return found


def below_least(failure: Failure) -> dict[str, tuple[Any, int]]:
    """Settings of a window that are below the smallest value there is, with that value."""
    found = {}
    for key, least in _LEAST.items():
        value = failure.settings.get(key)
        if value is not None and min(value if isinstance(value, tuple) else (value,)) < least:
            found[key] = (value, least)
    return found


@fact
def out_of_range(failure: Failure, said: dict[str, str]) -> str:
    """Settings of a window below the smallest value there is."""
    return " and ".join(f"{key}={value}" for key, (value, _) in need(below_least(failure)).items())


def negative_sizes(failure: Failure) -> dict[str, Any]:
    """Sizes of a constructor below 1."""
    return {
        key: value
        for key, value in failure.settings.items()
        if key not in ("padding", "stride") and _least(value) < 1
    }


def _least(value: Any) -> int:
    numbers = [v for v in (value if isinstance(value, tuple) else (value,)) if type(v) is int]
    return min(numbers, default=1)


@fact
def negative(failure: Failure, said: dict[str, str]) -> str:
    """Sizes of a constructor below 1."""
    return " and ".join(f"{key}={value}" for key, value in need(negative_sizes(failure)).items())


# Windows and sizes.


@fact
def half(failure: Failure, said: dict[str, str]) -> Any:
    """Padding that keeps the size at a stride of 1."""
    pairs = zip(setting(failure, "kernel_size", 1), setting(failure, "dilation", 1), strict=True)
    return typed(tuple(d * (k - 1) // 2 for k, d in pairs))


@fact
def full(failure: Failure, said: dict[str, str]) -> Any:
    """Padding by the kernel's size less one."""
    return typed(tuple(k - 1 for k in setting(failure, "kernel_size", 1)))


@fact
def half_window(failure: Failure, said: dict[str, str]) -> Any:
    """The largest padding that a pool of this window takes."""
    pairs = zip(setting(failure, "padding"), setting(failure, "kernel_size", 1), strict=True)
    return typed(tuple(min(p, k // 2) for p, k in pairs))


@fact
def twice_padding(failure: Failure, said: dict[str, str]) -> Any:
    """The smallest window that a pool takes with this padding."""
    pairs = zip(setting(failure, "padding"), setting(failure, "kernel_size", 1), strict=True)
    return typed(tuple(max(k, 2 * p) for p, k in pairs))


def _short(failure: Failure) -> list[int]:
    """The axes that are too short for the window, with their padding."""
    if not failure.tensors:
        raise Missing
    # the average pool over three axes does not count its padding here
    counts = "input image" not in failure.message
    return [
        axis
        for axis, (size, one) in enumerate(zip(spatial(failure), windows(failure), strict=False))
        if size + counts * sum(one.padding) < one.span
    ]


@fact
def short_axis(failure: Failure, said: dict[str, str]) -> str:
    """Name of the first axis that is too short."""
    axis: int = need(_short(failure))[0]
    return AXIS_NAMES[failure.dims][axis]


@fact
def span(failure: Failure, said: dict[str, str]) -> str:
    """Over how many cells the window reaches there."""
    return counted(windows(failure)[need(_short(failure))[0]].span, "cell")


@fact
def padded(failure: Failure, said: dict[str, str]) -> str:
    """How many cells there are with the padding."""
    axis = need(_short(failure))[0]
    return counted(spatial(failure)[axis] + sum(windows(failure)[axis].padding), "cell")


@fact
def short_size(failure: Failure, said: dict[str, str]) -> int:
    """How many cells the input has along the axis that is too short."""
    axis: int = need(_short(failure))[0]
    return spatial(failure)[axis]


@fact
def spread(failure: Failure, said: dict[str, str]) -> str:
    """How the dilation widens the window, where there is one."""
    found = [f"{w.dilation}·({w.kernel} − 1) + 1 = {w.span}" for w in windows(failure)]
    if {w.dilation for w in windows(failure)} <= {1}:
        raise Missing
    return ", ".join(found)


@fact
def fitting_padding(failure: Failure, said: dict[str, str]) -> Any:
    """Padding with which the window fits."""
    return typed(
        tuple(
            w.padding[0] + max(0, -(-(w.span - size - sum(w.padding)) // 2))
            for size, w in zip(room(failure), windows(failure), strict=True)
        )
    )


@fact
def fitting_kernel(failure: Failure, said: dict[str, str]) -> Any:
    """The widest kernel that fits."""
    found = [
        min(w.kernel, (size + sum(w.padding) - 1) // w.dilation + 1)
        for size, w in zip(room(failure), windows(failure), strict=True)
    ]
    return typed(tuple(need(found if min(found) > 0 else None)))


def sizes_to_fit(failure: Failure) -> tuple[int, ...]:
    """What the windows must fit in: the input, or the output of Fold."""
    folds = failure.kind == "Fold"
    return setting(failure, "output_size", 1) if folds else tuple(need(spatial(failure)))


@fact
def smallest_input(failure: Failure, said: dict[str, str]) -> str:
    """The smallest image that reaches through all layers up to this one."""
    return " x ".join(map(str, need(sizes.smallest(failure))))


@fact
def output(failure: Failure, said: dict[str, str]) -> Any:
    """The output's sizes by the formula, below 1 where nothing is left."""
    if failure.layer is None or not spatial(failure):
        return typed(tuple(whole(said.get("out", "0"))[-failure.dims :]))
    pairs = zip(spatial(failure), windows(failure), strict=False)
    return typed(tuple(window.output_size(size) for size, window in pairs))


@fact
def less_padding(failure: Failure, said: dict[str, str]) -> Any:
    """Padding that leaves something of a transposed convolution's output."""
    out = output(failure, said)
    out = out if isinstance(out, tuple) else (out,) * failure.dims
    pairs = zip(setting(failure, "padding"), out, strict=False)
    return typed(tuple(max(0, p - -(-(1 - o) // 2)) for p, o in pairs))


@fact
def grown_kernel(failure: Failure, said: dict[str, str]) -> Any:
    """A kernel wide enough that a transposed convolution has an output."""
    out = output(failure, said)
    out = out if isinstance(out, tuple) else (out,) * failure.dims
    pairs = zip(setting(failure, "kernel_size"), out, strict=False)
    return typed(tuple(k + max(0, 1 - o) for k, o in pairs))


@fact
def most_output_padding(failure: Failure, said: dict[str, str]) -> Any:
    """The largest output padding that stride and dilation allow, at most what was asked."""
    columns = [setting(failure, key, 1) for key in ("stride", "dilation")]
    room = [max(s, d) - 1 for s, d in zip(*columns, strict=True)]
    return typed(
        tuple(min(e, r) for e, r in zip(setting(failure, "output_padding"), room, strict=True))
    )


@fact
def wider_stride(failure: Failure, said: dict[str, str]) -> Any:
    """A stride above the output padding."""
    return typed(tuple(extra + 1 for extra in setting(failure, "output_padding")))


@fact
def reachable(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """The reachable output size next to the one that was asked for."""
    low, high = whole(need(said.get("low"))), whole(said["high"])
    asked = whole(said["got"])[-len(low) :]
    return tuple(min(max(a, lo), hi) for a, lo, hi in zip(asked, low, high, strict=False))


@fact
def unpooled(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """The size an unpool gives when none is asked for."""
    columns = [
        setting(failure, key, key != "padding") for key in ("kernel_size", "stride", "padding")
    ]
    rows = zip(spatial(failure), *columns, strict=False)
    found = tuple((size - 1) * s + k - 2 * p for size, k, s, p in rows)
    return tuple(need(found if found and min(found) > 0 else None))


@fact
def cells(failure: Failure, said: dict[str, str]) -> int:
    """The cells of an output whose size the message tells."""
    return prod(whole(need(said.get("size"))))


# Linear layers and reshapes.


@fact
def last(failure: Failure, said: dict[str, str]) -> int:
    """Size of the last axis of the input."""
    return int(need(failure.shape)[-1])


@fact
def flattened(failure: Failure, said: dict[str, str]) -> str:
    """What a flatten made into the last axis."""
    parts = need(sizes.flattened(failure))
    words = "channels x height x width" if len(parts) == 3 else "channels x length"
    return f"{prod(parts)} = {' x '.join(map(str, parts))} ({words} of what was flattened)"


@fact
def built_for(failure: Failure, said: dict[str, str]) -> str:
    """The image size for which a linear layer's in_features was chosen."""
    wanted, given = need(sizes.image_for(failure)), sizes.image(failure)
    return (
        f"{failure.name} belongs to images of {' x '.join(map(str, wanted))}; "
        f"these are {' x '.join(map(str, given))}"
    )


@fact
def values(failure: Failure, said: dict[str, str]) -> int:
    """How many values the input has."""
    return prod(failure.shape) if failure.tensors else int(need(said.get("size")))


@fact
def asked(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """The shape that was asked for."""
    return tuple(whole(need(said.get("shape"))))


@fact
def asked_values(failure: Failure, said: dict[str, str]) -> str:
    """How many values the shape that was asked for has."""
    wanted = asked(failure, said)
    if any(size < -1 for size in wanted):
        return f"a size of {min(wanted)} is none (only −1, 'what is left', is)"
    fixed = prod(size for size in wanted if size >= 0)
    return f"{wanted} needs a multiple of {fixed}" if -1 in wanted else f"{wanted} has {fixed}"


@fact
def unflattened(failure: Failure, said: dict[str, str]) -> tuple[int, int]:
    """Two sizes that multiply up to the axis, the first as it was asked for if that can be."""
    wanted, size = [n for n in whole(said["sizes"]) if n > 0], int(said["size"])
    first = next(n for n in (wanted[0] if wanted else 1, 1) if n == 1 or (n and size % n == 0))
    return (first, size // first)


@fact
def strides(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """How far apart the input's values lie in memory."""
    return tuple(need(failure.tensors)[0].stride())


@fact
def axis_range(failure: Failure, said: dict[str, str]) -> str:
    """The axes that the input has."""
    rank = len(failure.shape)
    if not failure.tensors:
        raise Missing
    return f"0 to {rank - 1}, or {-rank} to −1 from the end" if rank else "none at all"


# Types and devices.


@fact
def dtype(failure: Failure, said: dict[str, str]) -> str:
    """The input's data type."""
    return str(need(failure.tensors)[0].dtype)


@fact
def dtypes(failure: Failure, said: dict[str, str]) -> str:
    """The inputs' data types."""
    return " and ".join(dict.fromkeys(str(one.dtype) for one in need(failure.tensors)))


def weight_type(failure: Failure) -> torch.dtype | None:
    """Data type of the layer's weights."""
    if failure.layer is None:
        return None
    held = (*failure.layer.parameters(), *failure.layer.buffers())
    return next((one.dtype for one in held if one.is_floating_point() or one.is_complex()), None)


@fact
def weights(failure: Failure, said: dict[str, str]) -> str:
    """Data type of the layer's weights."""
    return str(need(weight_type(failure)))


@fact
def habit(failure: Failure, said: dict[str, str]) -> str:
    """Where such a data type comes from."""
    got = need(failure.tensors)[0].dtype
    if got == torch.uint8:
        return "images come as uint8 from 0 to 255"
    if got == torch.float64 and weight_type(failure) == torch.float32:
        return "NumPy makes float64 unless told otherwise"
    raise Missing


def devices(failure: Failure) -> list[str]:
    """The devices of the inputs and the weights."""
    if failure.on_shapes:  # the tensors are stand-ins on meta
        return []
    own = layer_device(failure)
    found = [tensor.device for tensor in failure.tensors] + ([own] if own else [])
    return list(dict.fromkeys(str(one) for one in found))


def layer_device(failure: Failure) -> torch.device | None:
    """Where the layer's weights lie."""
    if failure.layer is None:
        return None
    held = (*failure.layer.parameters(), *failure.layer.buffers())
    return next((tensor.device for tensor in held), None)


@fact
def weights_device(failure: Failure, said: dict[str, str]) -> str:
    """Where the layer's weights lie."""
    return str(need(layer_device(failure)))


@fact
def input_device(failure: Failure, said: dict[str, str]) -> str:
    """Where the first input lies."""
    return str(need(failure.tensors)[0].device)


@fact
def places(failure: Failure, said: dict[str, str]) -> str:
    """The devices of inputs and weights, or those that the message names."""
    known = devices(failure) or [said[key] for key in ("a", "b") if said.get(key)]
    return " and ".join(need(known))


@fact
def where(failure: Failure, said: dict[str, str]) -> str:
    """The device that has no such operation."""
    return failure.device.upper() or "device"


# torch's names for a type in its messages
_DTYPES = {
    "float": "float32", "double": "float64", "c10::Half": "float16", "bool": "bool",
    "c10::BFloat16": "bfloat16", "long int": "int64", "long": "int64", "int": "int32",
    "short": "int16", "unsigned char": "uint8", "signed char": "int8",
    "c10::complex<float>": "complex64", "c10::complex<double>": "complex128", "Half": "float16",
    "Float": "float32", "Double": "float64", "BFloat16": "bfloat16", "Long": "int64",
    "Int": "int32", "Short": "int16", "Byte": "uint8", "Char": "int8", "Bool": "bool",
    "ComplexFloat": "complex64", "ComplexDouble": "complex128",
}  # fmt: skip


def plain_dtype(name: str) -> str:
    """A data type as torch's users write it.

    Examples
    --------
    >>> plain_dtype("torch.DoubleTensor"), plain_dtype("c10::Half"), plain_dtype("CPUBFloat16Type")
    ('float64', 'float16', 'bfloat16')
    """
    bare = re.sub(r"^(torch\.(cuda\.)?|CPU|CUDA)|(Tensor|Type)$", "", name.strip())
    return _DTYPES.get(bare, _DTYPES.get(name.strip(), bare))


@fact
def said_dtypes(failure: Failure, said: dict[str, str]) -> str:
    """The two data types that the message names."""
    return " and ".join(plain_dtype(need(said.get(key))) for key in ("a", "b"))


@fact
def thing(failure: Failure, said: dict[str, str]) -> str:
    """What stands where a tensor should."""
    value = failure.args[0] if failure.args else None
    word = (type(value).__name__ if failure.args else need(said.get("got"))).removeprefix("numpy.")
    article = "an" if word[:1] in "aeiou" else "a"
    return {"NoneType": "nothing", "ndarray": "a NumPy array"}.get(word, f"{article} {word}")


# Tables, targets and states.


def indices(failure: Failure) -> torch.Tensor | None:
    """The first tensor of whole numbers, where its values are known."""
    whole_numbers = (t for t in failure.tensors if not t.is_floating_point() and t.numel())
    found = next(whole_numbers, None)
    return None if found is None or found.is_meta else found


@fact
def largest(failure: Failure, said: dict[str, str]) -> int:
    """The largest index."""
    return int(need(indices(failure), "values").max())


@fact
def least(failure: Failure, said: dict[str, str]) -> int:
    """The smallest index."""
    return int(need(indices(failure), "values").min())


@fact
def rows(failure: Failure, said: dict[str, str]) -> int:
    """Rows of an embedding's table, classes of a loss, or cells along an axis."""
    if "num_embeddings" in failure.settings:
        return int(failure.settings["num_embeddings"])
    if failure.function == "embedding" and len(failure.shapes) > 1:
        return failure.shapes[1][0]
    if said.get("rows"):
        return int(said["rows"])
    return int(need(failure.shapes)[0][1 if len(failure.shapes[0]) > 1 else 0])


@fact
def valid(failure: Failure, said: dict[str, str]) -> str:
    """The indices there are."""
    return f"0 to {rows(failure, said) - 1}"


@fact
def state_size(failure: Failure, said: dict[str, str]) -> str:
    """What the axes of a recurrent layer's state mean, with their sizes."""
    layers = failure.settings.get("num_layers", 1)
    ways = 2 if failure.settings.get("bidirectional") else 1
    parts = f"{counted(layers, 'layer')}" + (" x 2 directions" if ways == 2 else "")
    return f"({parts}, batch, {failure.settings.get('hidden_size')})"


@fact
def owner(failure: Failure, said: dict[str, str]) -> str:
    """The class that refused its input itself."""
    return type(need(failure.layer)).__name__


@fact
def shape_0(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """Shape of the first operand."""
    return tuple(need(failure.shapes)[0])


@fact
def shape_1(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """Shape of the second operand."""
    return tuple(need(failure.shapes[1:])[0])


@fact
def target_shape(failure: Failure, said: dict[str, str]) -> tuple[int, ...]:
    """The shape that class targets should have."""
    output = need(failure.shapes)[0]
    return output[:1] + output[2:] if len(output) > 1 else ()


@fact
def target_dtype(failure: Failure, said: dict[str, str]) -> str:
    """The targets' data type."""
    return str(need(failure.tensors[1:])[0].dtype)


# Where it came from.


@fact
def undivided(failure: Failure, said: dict[str, str]) -> str:
    """The channels that the groups do not divide."""
    known = failure.settings
    groups = need(known.get("groups"))
    odd = [key for key in ("in_channels", "out_channels") if known.get(key, 0) % groups]
    return " and ".join(f"{key}={known[key]}" for key in need(odd))


@fact
def unlike(failure: Failure, said: dict[str, str]) -> str:
    """The axis in which two tensors differ, with both sizes."""
    found = meaning.pair(failure)
    if found is None:
        raise Missing
    a, b = (failure.shapes[one] for one in found)
    names = meaning.axis_names(failure, found[0]) or meaning.axis_names(failure, found[1])
    rank, joined = max(len(a), len(b)), meaning.joined_axis(failure)
    for back in range(1, min(len(a), len(b)) + 1):
        x, y = a[-back], b[-back]
        if x != y and rank - back != joined and (joined is not None or 1 not in (x, y)):
            place = names[-back] if len(names) == rank else f"axis {rank - back}"
            return f"In {place} they are {x} and {y}."
    raise Missing


@fact
def lost_batch(failure: Failure, said: dict[str, str]) -> str:
    """The reshape that did not keep the batch."""
    call = meaning.lost_batch(failure)
    if call is None:
        raise Missing
    return f"{call.code or call.kind} makes {call.output_shapes[0]} of {call.input_shapes[0]}"


@fact
def ways(failure: Failure, said: dict[str, str]) -> str:
    """How the sizes of two branches came about since they parted."""
    found = meaning.pair(failure)
    if found is None or failure.trace is None:
        raise Missing
    told = []
    for number, calls in zip(found, meaning.own_calls(failure, found), strict=True):
        steps = [
            f"{call.path or call.kind} makes {call.output_shapes[0]} of {call.input_shapes[0]}"
            for call in calls
            if call.output_shapes[0] != call.input_shapes[0]
        ]
        if steps:
            told.append(f"In {failure.names[number]}, {', then '.join(steps[-3:])}.")
    return " ".join(need(told))


@fact
def multiple(failure: Failure, said: dict[str, str]) -> int:
    """Image sizes that are multiples of this halve without a remainder."""
    found, step = meaning.pair(failure), sizes.step(failure)
    if found is None or step < 2:
        raise Missing
    a, b = (failure.shapes[one] for one in found)
    same = len(a) == len(b) and len(a) > 2 and max(map(abs, map(int.__sub__, a[2:], b[2:])))
    if not same or same > step:
        raise Missing
    return step


@fact
def positions(failure: Failure, said: dict[str, str]) -> str:
    """Tokens against a table of positions."""
    for number in (0, 1) if len(failure.shapes) > 1 else ():
        path, own, other = (
            failure.parameter(number),
            failure.shapes[number],
            failure.shapes[1 - number],
        )
        if path and len(own) == len(other) == 3 and own[0] == 1:
            size = meaning.grid_size(failure)
            built = f"; they belong to images of {' x '.join(map(str, size))}" if size else ""
            return f"There are {other[1]} tokens and {own[1]} positions in {path}{built}."
    raise Missing


@fact
def listed(failure: Failure, said: dict[str, str]) -> str:
    """A plain list that holds the failing layer."""
    path = need(meaning.listed(failure))
    return (
        f"The layer stands in the plain list {path}: the model does not know of it, so that to(), "
        "double() and parameters() miss it."
    )


@fact
def own_wish(failure: Failure, said: dict[str, str]) -> str:
    """What a module's own check wants, in its own words' numbers."""
    found = meaning.own_numbers(failure)
    if found is None:
        raise Missing
    got, wanted, divides = found
    if divides:
        return f"{got} is not divisible by {wanted}: sizes must be multiples of {wanted}"
    return f"it wants {wanted} where there are {got}"


@fact
def mismatched(failure: Failure, said: dict[str, str]) -> str:
    """Which saved layers do not fit, and which way."""
    found = need(meaning.mismatches(failure))
    parts = [f"{path} was saved as {saved}, and the model's is {own}" for path, saved, own in found]
    return "; ".join(parts[:3])


@fact
def prefix(failure: Failure, said: dict[str, str]) -> str:
    """What all unexpected names begin with."""
    names = re.findall(r"Unexpected key\(s\) in state_dict: (.*)", failure.message)
    keys = re.findall(r'"([^"]+)"', names[0]) if names else []
    for lead in ("module.", "_orig_mod.", "model."):
        if keys and all(key.startswith(lead) for key in keys):
            return lead
    raise Missing


# Fold, norms, upsampling, shuffling.


def room(failure: Failure) -> tuple[int, ...]:
    """What the windows must fit in: the input, or the output of Fold."""
    folds = failure.kind == "Fold"
    return setting(failure, "output_size", 1) if folds else tuple(need(spatial(failure)))


FACTS["room"] = lambda failure, said: typed(room(failure))


@fact
def columns(failure: Failure, said: dict[str, str]) -> str:
    """The inputs of Fold or Unfold, by name."""
    if failure.kind.lower() in ("unfold", "im2col"):
        return "(C, H, W) for one image or (N, C, H, W) for a batch"
    return "(C·kernel cells, windows) for one image or (N, C·kernel cells, windows) for a batch"


@fact
def fold_rows(failure: Failure, said: dict[str, str]) -> int:
    """Rows that Fold takes for one channel."""
    return prod(setting(failure, "kernel_size", 1))


@fact
def fold_columns(failure: Failure, said: dict[str, str]) -> int:
    """Columns that Fold takes, one a window."""
    pairs = zip(windows(failure), setting(failure, "output_size", 1), strict=True)
    return prod(max(0, window.output_size(size)) for window, size in pairs)


@fact
def four_sides(failure: Failure, said: dict[str, str]) -> str:
    """Said of a padding with two numbers an axis."""
    if len(wrong_length(failure).get("padding", ())) != 2 * failure.dims:
        raise Missing
    return "A convolution pads both ends of an axis alike; a padding layer before it need not."


@fact
def norm_takes(failure: Failure, said: dict[str, str]) -> str:
    """The inputs a norm takes, by name."""
    if failure.kind == "BatchNorm1d":
        return "(N, C) or (N, C, L)"
    if failure.kind.startswith("Instance"):
        return str(takes(failure, said))
    return axis_names(failure.dims) if failure.dims else "(N, C, …)"


@fact
def mode(failure: Failure, said: dict[str, str]) -> str:
    """How an upsampling fills in."""
    return str(need(failure.settings.get("mode")))


@fact
def mode_takes(failure: Failure, said: dict[str, str]) -> str:
    """The inputs that a mode of upsampling takes."""
    dims = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
    known = dims.get(said.get("mode") or failure.settings.get("mode", ""))
    return axis_names(known) if known else "batches of 1, 2 or 3 spatial axes"


@fact
def asked_size(failure: Failure, said: dict[str, str]) -> Any:
    """The output size of an upsampling."""
    return "none" if failure.settings.get("size") is None else failure.settings["size"]


@fact
def asked_factor(failure: Failure, said: dict[str, str]) -> Any:
    """The factor of an upsampling."""
    return (
        "none" if failure.settings.get("scale_factor") is None else failure.settings["scale_factor"]
    )


@fact
def shuffled(failure: Failure, said: dict[str, str]) -> str:
    """What a shuffle takes."""
    known = failure.settings
    if (by := known.get("upscale_factor")) is not None:
        return f"channels in multiples of {by * by} (factor {by} squared)"
    if (by := known.get("downscale_factor")) is not None:
        return f"height and width in multiples of {by}"
    return f"channels in multiples of {known.get('groups', 'the groups')}"
