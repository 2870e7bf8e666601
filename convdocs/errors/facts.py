"""What a cause may speak of: facts of a failure by name, worked out when they are asked for."""

from __future__ import annotations

import inspect
import re
from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.errors import meaning, sizes
from convdocs.errors.failure import Failure
from convdocs.errors.repair import each, typed
from convdocs.errors.sizes import setting, spatial, windows
from convdocs.geometry import Window
from convdocs.layers import AXIS_NAMES
from convdocs.report import Call
from convdocs.suggest import nearest
from convdocs.tracing.nested import tensors_in

VOID = 100  # a label so far above the classes marks what has none: 255 in most data sets


class Missing(LookupError):
    """A fact that this failure does not tell."""


class Facts(dict[str, Any]):
    """The named parts of a message, then the facts below, then the layer's settings."""

    def __init__(self, failure: Failure, words: Mapping[str, str]) -> None:
        self.failure = failure
        self.words = {key: text for key, text in words.items() if text}
        # "shape" is a fact of its own, which takes the message's words where there is no tensor
        super().__init__({key: text for key, text in self.words.items() if key != "shape"})

    def __missing__(self, key: str) -> Any:
        try:
            if key in FACTS:
                value = FACTS[key](self)
            else:
                value = self.failure.settings[key]
                value = typed(value) if isinstance(value, tuple) and value else value
        except (LookupError, TypeError, ValueError) as error:  # an odd call lacks a part of it
            raise Missing(key) from error
        if key in FACTS and value in (None, "", {}):
            raise Missing(key)
        self[key] = value
        return value

    def holds(self, condition: str) -> bool:
        """Whether a fact is known and true, or is neither behind a ``not``."""
        name = condition.removeprefix("not ")
        try:
            known = bool(self[name])
        except Missing:
            known = False
        return known == (name == condition)

    def filled(self, template: str, words: Mapping[str, Any] | None = None) -> str:
        """A sentence with its facts in place; raises Missing where one is not known."""
        text = template.format_map(ChainMap(dict(words or {}), self))
        return text[:1].upper() + text[1:] if template.startswith("{input}") else text


def need(value: Any) -> Any:
    """The value; raises Missing where there is none."""
    if value is None or (isinstance(value, str | tuple | list | dict) and not value):
        raise Missing
    return value


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not 1."""
    plural = f"{noun[:-2]}es" if noun.endswith("axis") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def whole(text: str) -> tuple[int, ...]:
    """The whole numbers in a message's part."""
    return tuple(map(int, re.findall(r"-?\d+", text)))


def _axis_names(dims: int, *, batched: bool = True) -> str:
    """The axes' names of an input, as in ``(N, C, L)``."""
    names = ("C", *AXIS_NAMES.get(dims, ("…",)))
    return f"({', '.join(('N', *names) if batched else names)})"


def _times(values: Iterable[int]) -> str:
    return " x ".join(map(str, values))


# Settings that are none.

_LEAST = {"kernel_size": 1, "stride": 1, "dilation": 1, "padding": 0, "output_size": 1}
_NUMBERS = frozenset({
    "in_channels", "out_channels", "kernel_size", "stride", "padding", "dilation", "groups",
    "output_padding", "in_features", "out_features", "num_features", "num_channels", "num_groups",
    "output_size", "unflattened_size", "upscale_factor", "start_dim", "end_dim",
})  # fmt: skip


def setting_length(failure: Failure) -> int:
    """How many values a setting has: one per axis, or one per side."""
    sides = failure.layer is not None and "Pad" in failure.kind and failure.kind.endswith("d")
    return 2 * failure.dims if sides else failure.dims


def wrong_length(failure: Failure) -> dict[str, tuple[Any, ...]]:
    """Settings that have another number of values than the layer has axes."""
    keys = (*_LEAST, "output_padding", "output_ratio")
    many = {key: failure.settings.get(key) for key in keys}
    return {
        key: tuple(value)
        for key, value in many.items()
        if isinstance(value, tuple | list)
        and (value or failure.layer is not None or failure.built is not None)
        and (len(value) != setting_length(failure) or failure.kind == "LPPool1d")
    }


def _wrong(failure: Failure, wrong: Callable[[str, Any], bool]) -> dict[str, Any]:
    """The settings of which a part is wrong."""
    known = failure.settings.items()
    return {key: value for key, value in known if any(wrong(key, part) for part in each(value))}


def _odd(key: str, part: Any) -> bool:
    """Whether it should be a whole number and is not."""
    left_open = part is None and key in ("stride", "output_size")
    whole_number = isinstance(part, int) or part in ("same", "valid") or left_open
    return key in _NUMBERS and not whole_number


def _too_low(key: str, part: Any) -> bool:
    return key in _LEAST and isinstance(part, int) and part < _LEAST[key]


def _below_one(key: str, part: Any) -> bool:
    return key not in ("padding", "stride") and type(part) is int and part < 1


def _given(settings: Mapping[str, Any]) -> str:
    return " and ".join(f"{key}={value!r}" for key, value in settings.items())


def _each_part(settings: Mapping[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
    """The settings with each of their numbers changed."""

    def changed(value: Any) -> Any:
        return tuple(map(changed, value)) if isinstance(value, tuple | list) else change(value)

    return {key: changed(value) for key, value in settings.items()}


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1


def _constructor_of_torch(failure: Failure) -> bool:
    made = failure.message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    known = any(made == base.__name__ for one in classes for base in one.__mro__)
    return bool(_wrong(failure, _odd)) or (made != failure.message and known)


def _parameters(facts: Facts) -> dict[str, inspect.Parameter]:
    """What the constructor of a torch layer takes."""
    name = facts.words["op"]
    classes = [base for one in vars(nn).values() for base in getattr(one, "__mro__", ())]
    made: Any = next(one for one in classes if one.__name__ == name)
    known = inspect.signature(made.__init__).parameters
    return {key: value for key, value in known.items() if key not in ("self", "device", "dtype")}


def _signature(facts: Facts) -> str:
    plain = (one.replace(annotation=one.empty) for one in _parameters(facts).values())
    return str(inspect.Signature(list(plain)))


# Windows and sizes.


def _room(failure: Failure) -> tuple[int, ...]:
    """What the windows must fit in: the input, or the output of Fold."""
    if failure.kind == "Fold":
        return setting(failure, "output_size", 1)
    return spatial(failure)


def by_axis(failure: Failure, number: Callable[[Window, int], int]) -> tuple[int, ...]:
    """A number for each axis; a constructor has no input yet, and its windows no cells."""
    known = windows(failure)
    cells = _room(failure) or (1,) * len(known)
    return tuple(number(window, size) for window, size in zip(known, cells, strict=False))


def _short(failure: Failure) -> tuple[str, int, Window]:
    """The first axis that is too short for its window, with its cells and the window."""
    # the average pool over three axes does not count its padding here
    counts = "input image" not in failure.message
    for axis, (size, window) in enumerate(zip(spatial(failure), windows(failure), strict=False)):
        if size + counts * sum(window.padding) < window.span:
            return AXIS_NAMES[failure.dims][axis], size, window
    raise Missing


def _output(facts: Facts) -> Any:
    """The output's sizes by the formula, below 1 where nothing is left."""
    failure = facts.failure
    if failure.layer is None or not spatial(failure):
        return typed(whole(facts.words.get("out", "0"))[-failure.dims :])
    return typed(by_axis(failure, lambda window, cells: window.output_size(cells)))


# Axes, channels and features.


def _channel_axis(facts: Facts) -> int:
    """Behind the batch, or first in a sample without one."""
    failure = facts.failure
    return int(not failure.dims or len(failure.shape) == failure.dims + 2)


def _channels(facts: Facts) -> int:
    shape = facts["shape"]
    axis = _channel_axis(facts) if facts.failure.tensors else 1
    return int(shape[min(axis, len(shape) - 1)])


def norm_channels(failure: Failure) -> tuple[str, int | None]:
    """The setting of a norm's channels, and its value."""
    key = "num_features" if "num_features" in failure.settings else "num_channels"
    return key, failure.settings.get(key)


def _wanted_channels(facts: Facts) -> int:
    known = facts.failure.settings
    wanted = known.get("in_channels", norm_channels(facts.failure)[1] or facts.get("need"))
    if wanted is None:
        weight = facts.failure.shapes[1]
        transposed = "transpose" in facts.failure.kind
        wanted = weight[0] if transposed else weight[1] * known.get("groups", 1)
    return int(wanted)


def _takes(facts: Facts) -> str:
    """The axes that a layer reads; a mode of upsampling reads some of its own."""
    failure = facts.failure
    kind, dims = failure.kind, failure.dims
    if "interpolate" in kind or "Upsample" in kind:
        dims = _MODE_AXES.get(facts.words.get("mode") or failure.settings.get("mode", ""), 0)
        return _axis_names(dims) if dims else "batches of 1, 2 or 3 spatial axes"
    if kind.lower() in ("unfold", "im2col"):
        return "(C, H, W) for one image or (N, C, H, W) for a batch"
    if kind.lower() in ("fold", "col2im"):
        columns = "C·kernel cells, windows"
        return f"({columns}) for one image or (N, {columns}) for a batch"
    if "Norm" in kind and not kind.startswith("Instance"):
        return "(N, C) or (N, C, L)" if kind == "BatchNorm1d" else _axis_names(dims)
    return f"{_axis_names(dims, batched=False)} for one sample or {_axis_names(dims)} for a batch"


def _rest(failure: Failure) -> str:
    """What a sample's axes make, flattened."""
    parts = failure.shape[1:]
    return f"{_times(parts)} = {prod(parts)}" if len(parts) > 1 else ""


def _flattened(failure: Failure) -> str:
    parts = need(sizes.flattened(failure))
    words = "channels x height x width" if len(parts) == 3 else "channels x length"
    return f"{prod(parts)} = {_times(parts)} ({words} of what was flattened)"


def _memory_widths(failure: Failure) -> dict[str, int]:
    """Keys and values of another width than the queries."""
    query, key, value = (shape[-1] for shape in failure.shapes[:3])
    wanted = failure.settings["embed_dim"]
    apart = query == wanted and (key, value) != (wanted, wanted)
    return {"kdim": key, "vdim": value} if apart else {}


def _asked_values(facts: Facts) -> str:
    asked = need(whole(facts.words.get("shape", "")))
    if min(asked) < -1:
        return f"a size of {min(asked)} is none (only −1, 'what is left', is)"
    fixed = prod(size for size in asked if size >= 0)
    return f"{asked} needs a multiple of {fixed}" if -1 in asked else f"{asked} has {fixed}"


# what leaves the graph of gradients behind
_CUTS = re.compile(
    r"argmax|\.item\(|\.detach\(|\.numpy\(|\.data\b|torch\.tensor\(|no_grad|inference_mode|"
    r"requires_grad\w*[ (=]+False"
)


def _cutting_line(failure: Failure) -> str:
    """The user's line that leaves the graph behind, in the function that asked for gradients."""
    try:
        lines = inspect.getsourcelines(need(failure.site)[0])[0]
    except OSError:
        return ""
    return next((line.strip() for line in lines if _CUTS.search(line)), "")


def _unsplit(facts: Facts) -> str:
    """The axes that a view parts or joins, without those that it leaves as they are."""
    shape, asked = list(facts.failure.shape), list(need(whole(facts.words.get("shape", ""))))
    while shape and asked and shape[0] == asked[0]:
        del shape[0], asked[0]
    while shape and asked and shape[-1] == asked[-1]:
        shape.pop(), asked.pop()
    if not shape or len(asked) < 2 or min(asked) < 1 or len(facts.failure.shape) == len(shape):
        return ""
    left, right = _times(shape), _times(asked)
    total = f" = {prod(shape)}" if len(shape) > 1 else ""
    return f"What it parts is {left}{total}, and {right} = {prod(asked)}."


def _batch_is_first(failure: Failure) -> bool:
    """Three-axis inputs of one batch, for a layer that reads the length first."""
    modules = failure.layer.modules() if failure.layer is not None else ()
    second = any(getattr(one, "batch_first", None) is False for one in modules)
    batches = [shape[0] for shape in failure.shapes if len(shape) == 3]
    return second and len(batches) > 1 and len(set(batches)) == 1


def _axis_of_one(shape: tuple[int, ...], other: tuple[int, ...]) -> int | None:
    """An axis of size 1 that a shape has, and the other lacks."""
    axes = (axis for axis, size in enumerate(shape) if size == 1)
    return next((axis for axis in axes if shape[:axis] + shape[axis + 1 :] == other), None)


# Types and devices.


def weight_type(failure: Failure) -> torch.dtype | None:
    """Data type of the layer's weights."""
    numbers = (t for t in failure.weights if t.is_floating_point() or t.is_complex())
    return next((tensor.dtype for tensor in numbers), None)


def layer_device(failure: Failure) -> torch.device | None:
    """The device of the layer's weights."""
    return next((tensor.device for tensor in failure.weights), None)


def _devices(failure: Failure) -> list[str]:
    """The devices of the inputs and the weights; none for stand-ins, which lie on meta."""
    tensors = () if failure.on_shapes else (*failure.tensors, *failure.weights[:1])
    return list(dict.fromkeys(str(tensor.device) for tensor in tensors))


def _habit(failure: Failure) -> str:
    dtype = failure.tensors[0].dtype
    if dtype == torch.uint8:
        return "images come as uint8 from 0 to 255"
    habit = dtype == torch.float64 and weight_type(failure) == torch.float32
    return "NumPy makes float64 unless told otherwise" if habit else ""


def _thing(facts: Facts) -> str:
    """What was given in place of a tensor."""
    given = facts.failure.args
    word = type(given[0]).__name__ if given else facts.words["got"]
    word = word.removeprefix("numpy.")
    article = "an" if word[:1] in "aeiou" else "a"
    return {"NoneType": "nothing", "ndarray": "a NumPy array"}.get(word, f"{article} {word}")


# Tables, targets and states.


def indices(failure: Failure) -> torch.Tensor | None:
    """The first tensor of whole numbers, where its values are known."""
    whole_numbers = (t for t in failure.tensors if not t.is_floating_point() and t.numel())
    first = next(whole_numbers, None)
    return None if first is None or first.is_meta else first


def _rows(failure: Failure) -> int:
    """Rows of an embedding's table, classes of a loss, or cells along an axis."""
    if "num_embeddings" in failure.settings:
        return int(failure.settings["num_embeddings"])
    if failure.function == "embedding" and len(failure.shapes) > 1:
        return failure.shapes[1][0]
    return int(failure.shapes[0][int(len(failure.shapes[0]) > 1)])


# Where it came from.


def _unlike(failure: Failure) -> str:
    """The axis in which two tensors differ, with both sizes."""
    numbers = need(meaning.pair(failure))
    a, b = (failure.shapes[number] for number in numbers)
    names = next(filter(None, (meaning.axis_names(failure, number) for number in numbers)), ())
    rank, joined = max(len(a), len(b)), meaning.joined_axis(failure)
    for back in range(3 if "matmul" in failure.function else 1, min(len(a), len(b)) + 1):
        x, y = a[-back], b[-back]
        if x != y and rank - back != joined and (joined is not None or 1 not in (x, y)):
            place = names[-back] if len(names) == rank else f"axis {rank - back}"
            return f"In {place} they are {x} and {y}."
    return ""


def _makes(call: Call, name: str) -> str:
    """What a call makes of its input."""
    return f"{name} makes {call.output_shapes[0]} of {call.input_shapes[0]}"


def _lost_batch(failure: Failure) -> str:
    call = need(meaning.lost_batch(failure))
    return _makes(call, call.code or call.kind)


def _ways(failure: Failure) -> str:
    """How the sizes of two branches came about since they parted."""
    numbers, sentences = need(meaning.pair(failure)), []
    for number, calls in zip(numbers, meaning.own_calls(failure, numbers), strict=True):
        changing = [call for call in calls if call.output_shapes[0] != call.input_shapes[0]]
        steps = [_makes(call, call.path or call.kind) for call in changing]
        if steps:
            sentences.append(f"In {failure.names[number]}, {', then '.join(steps[-3:])}.")
    return " ".join(sentences)


def _multiple(failure: Failure) -> int | None:
    """Image sizes that are multiples of this halve without a remainder."""
    numbers, step = need(meaning.pair(failure)), sizes.step(failure)
    a, b = (failure.shapes[number] for number in numbers)
    maps = len(a) == len(b) and len(a) > 2
    apart = max(abs(x - y) for x, y in zip(a[2:], b[2:], strict=True)) if maps else 0
    return step if 0 < apart <= step and step > 1 else None


def _positions(failure: Failure) -> str:
    number = need(meaning.positions(failure))
    tokens, own = failure.shapes[1 - number][1], failure.shapes[number][1]
    size = meaning.grid_size(failure)
    built = f"; they belong to images of {_times(size)}" if size else ""
    return f"There are {tokens} tokens and {own} positions in {failure.parameter(number)}{built}."


def _own_wish(failure: Failure) -> str:
    """What a module's own check wants, in its own words' numbers."""
    got, wanted, divides = need(meaning.own_numbers(failure))
    if divides:
        return f"{got} is not divisible by {wanted}: sizes must be multiples of {wanted}"
    return f"it wants {wanted} where there are {got}"


def _prefix(failure: Failure) -> str:
    """What all unexpected names begin with."""
    names = re.findall(r"Unexpected key\(s\) in state_dict: (.*)", failure.message)
    keys = re.findall(r'"([^"]+)"', names[0]) if names else []
    leads = ("module.", "_orig_mod.", "model.")
    return next((lead for lead in leads if keys and all(k.startswith(lead) for k in keys)), "")


# Fold, upsampling, shuffling.


# torch's names for the padding modes of NumPy
_MODES = {"edge": "replicate", "wrap": "circular", "symmetric": "reflect", "constant": "zeros"}
_MODE_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def _shuffled(failure: Failure) -> str:
    known = failure.settings
    if (by := known.get("upscale_factor", 0)) > 0:
        return f"channels in multiples of {by * by} (factor {by} squared)"
    if (by := known.get("downscale_factor", 0)) > 0:
        return f"height and width in multiples of {by}"
    return f"channels in multiples of {by}" if (by := known.get("groups", 0)) > 0 else ""


def _of_call(tell: Callable[[Failure], Any]) -> Callable[[Facts], Any]:
    return lambda facts: tell(facts.failure)


# what the failing call tells by itself; those that may be false are conditions of entries too
_OF_CALL: dict[str, Callable[[Failure], Any]] = {
    # the call
    "kind": lambda f: f.kind,
    "layer": lambda f: f.layer is not None,
    "owner": lambda f: type(need(f.layer)).__name__,
    "constructor": lambda f: f.built is not None,
    "constructor_of_torch": _constructor_of_torch,
    "input": lambda f: f"the input {f.shape}" if f.tensors else "the input",
    "shapes": lambda f: " and ".join(map(str, f.shapes)),
    "operands": lambda f: " and ".join(map("{} {}".format, f.names, f.shapes)),
    "similarity": lambda f: f.function in ("cosine_similarity", "pairwise_distance"),
    "after_gru": lambda f: (
        f.trace is not None and any(c.kind in ("GRU", "RNN") for c in f.trace.calls[-2:])
    ),
    "features_last": lambda f: f.shape[-1] == f.settings["input_size"],
    "given_layer": lambda f: isinstance(f.args[0], nn.Module),
    "given_class": lambda f: type(f.args[0]).__name__,
    "several_tensors": lambda f: len(f.tensors) > 1,
    "two_matrices": lambda f: len(f.tensors) == 2 and f.function != "linear",
    "no_tensor": lambda f: (
        bool(f.kind or f.message.startswith("expected Tensor as"))
        and not isinstance(next(iter(f.args), None), Tensor)
    ),
    "of_numbers": lambda f: (
        not isinstance(f.args[0], nn.Module | type(None)) and not tensors_in(f.args[0])
    ),
    "first_shape": lambda f: str(f.shapes[0]),
    "second_shape": lambda f: str(f.shapes[1]),
    "last": lambda f: f.shape[-1],
    "strides": lambda f: str(f.tensors[0].stride()),
    # its axes
    "axis_range": lambda f: (
        f"0 to {len(f.shape) - 1}, or {-len(f.shape)} to −1 from the end" if f.shape else "none"
    ),
    "empty": lambda f: not f.tensors or 0 in f.shape,
    "empty_axis": lambda f: f.shape.index(0),
    "odd_rank": lambda f: not f.tensors or not f.dims or len(f.shape) - f.dims not in (1, 2),
    "spatial_axes": lambda f: counted(f.dims, "spatial axis"),
    "last_sizes": lambda f: f.shape[-len(f.settings["normalized_shape"]) :],
    "norm_elsewhere": lambda f: f.settings["normalized_shape"] in [(size,) for size in f.shape],
    "norm_of_maps": lambda f: len(f.settings["normalized_shape"]) == len(f.shape) - 1 > 1,
    "unbatched": lambda f: f.trace.input_shapes[0] if f.trace and sizes.lacks_batch(f) else None,
    "batch_is_first": _batch_is_first,
    # its settings
    "per_axis": lambda f: _given(wrong_length(f)),
    "odd": lambda f: _given(_wrong(f, _odd)),
    "whole_numbers": lambda f: _each_part(_wrong(f, _odd), _whole),
    "out_of_range": lambda f: _given(_wrong(f, _too_low)),
    "smallest_values": lambda f: {key: _LEAST[key] for key in _wrong(f, _too_low)},
    "negative": lambda f: _given(_wrong(f, _below_one)),
    "positive_sizes": lambda f: _each_part(_wrong(f, _below_one), lambda size: abs(size) or 1),
    "undivided": lambda f: _given(
        {
            key: f.settings[key]
            for key in ("in_channels", "out_channels")
            if f.settings[key] % f.settings["groups"]
        }
    ),
    "sides": lambda f: 2 * f.dims if len(each(f.settings["padding"])) == 2 * f.dims else None,
    "odd_pads": lambda f: setting_length(f) > f.dims and bool(wrong_length(f)),
    "stride_below_one": lambda f: min(setting(f, "stride", 1)) < 1,
    "dilation_below_one": lambda f: min(setting(f, "dilation", 1)) < 1,
    "kernel_below_one": lambda f: min(setting(f, "kernel_size", 1)) < 1,
    # its window
    "room": lambda f: typed(_room(f)),
    "half": lambda f: typed(by_axis(f, lambda window, _: (window.span - 1) // 2)),
    "full": lambda f: typed(by_axis(f, lambda window, _: window.kernel - 1)),
    "short_axis": lambda f: _short(f)[0],
    "short_size": lambda f: _short(f)[1],
    "span": lambda f: counted(_short(f)[2].span, "cell"),
    "padded": lambda f: counted(_short(f)[1] + sum(_short(f)[2].padding), "cell"),
    "spread": lambda f: ", ".join(
        f"{w.dilation}·({w.kernel} − 1) + 1 = {w.span}" for w in windows(f) if w.dilation > 1
    ),
    "smallest_input": lambda f: _times(sizes.smallest(f)),
    # flatten and linear
    "features_axis": lambda f: f.shape.index(
        f.settings.get("in_features", f.settings.get("input_size")), 1, len(f.shape) - 1
    ),
    "rest": _rest,
    "fits_flattened": lambda f: prod(f.shape[1:]) == f.settings["in_features"],
    "flattened": _flattened,
    "image": lambda f: _times(sizes.image(f)),
    "built_for": lambda f: _times(sizes.image_for(f)),
    "lost_batch": _lost_batch,
    # data types and devices
    "float32": lambda f: torch.float32,
    "cutting_line": _cutting_line,
    "torch_version": lambda f: torch.__version__,
    "bytes": lambda f: f.tensors[0].dtype == torch.uint8,
    "complex": lambda f: f.tensors[0].is_complex(),
    "dtype": lambda f: str(f.tensors[0].dtype),
    "dtypes": lambda f: " and ".join(dict.fromkeys(str(tensor.dtype) for tensor in f.tensors)),
    "weights": lambda f: str(need(weight_type(f))),
    "target_dtype": lambda f: str(f.tensors[1].dtype),
    "habit": _habit,
    "several_devices": lambda f: not f.tensors or len(_devices(f)) > 1,
    "places": lambda f: " and ".join(_devices(f)),
    "weights_device": lambda f: str(need(layer_device(f))),
    "input_device": lambda f: str(f.tensors[0].device),
    "where": lambda f: "CPU" if f.on_shapes else f.tensors[0].device.type.upper(),
    "listed": meaning.listed,
    # tables, targets, states
    "largest": lambda f: int(need(indices(f)).max()),
    "least": lambda f: int(need(indices(f)).min()),
    "rows": _rows,
    "layers": lambda f: (
        counted(f.settings.get("num_layers", 1), "layer")
        + " x 2 directions" * f.settings.get("bidirectional", False)
    ),
    "memory_widths": _memory_widths,
    "target_shape": lambda f: str(f.shape[:1] + f.shape[2:] if len(f.shape) > 1 else ()),
    "targets_first": lambda f: (
        not f.tensors[0].is_floating_point() and f.tensors[1].is_floating_point()
    ),
    "one_hot": lambda f: f.shapes[0] == f.shapes[1] and not f.tensors[1].is_floating_point(),
    "colours": lambda f: f.shapes[1][-1] if f.shapes[1][-1] in (3, 4) else None,
    "length_first": lambda f: len(f.shapes[0]) == 3 and f.shapes[0][1:2] == f.shapes[1],
    "one_a_sample": lambda f: f.shapes[1] == (prod(f.shapes[0]),),
    "output_axis_of_one": lambda f: _axis_of_one(f.shapes[0], f.shapes[1]),
    "target_axis_of_one": lambda f: _axis_of_one(f.shapes[1], f.shapes[0]),
    # two branches
    "unlike": _unlike,
    "ways": _ways,
    "multiple": _multiple,
    "positions": _positions,
    "built_for_positions": lambda f: _times(meaning.grid_size(f)),
    # a model's own checks, and saved weights
    "own_wish": _own_wish,
    "mismatched": lambda f: "; ".join(
        f"{path} was saved as {saved}, and the model's is {own}"
        for path, saved, own in meaning.mismatches(f)[:3]
    ),
    "prefix": _prefix,
    # fold, upsampling, shuffling
    "fold_rows": lambda f: prod(setting(f, "kernel_size", 1)) if f.kind == "Fold" else None,
    "fold_columns": lambda f: prod(by_axis(f, lambda w, cells: max(0, w.output_size(cells)))),
    "asked": lambda f: (
        _given(
            {
                key: f.settings[key]
                for key in ("size", "scale_factor")
                if f.settings[key] is not None
            }
        )
        or "no size and no factor"
    ),
    "fitting_mode": lambda f: {3: "linear", 4: "bilinear", 5: "trilinear"}[len(f.shape)],
    "size_per_axis": lambda f: typed((f.settings["size"][-1:] * 3)[: len(f.shape) - 2]),
    "shuffled": _shuffled,
}

# what the message's words are needed for, or other facts
FACTS: dict[str, Callable[[Facts], Any]] = {
    "class": lambda f: re.sub("^_|Nd$", "", f.words["op"]),
    "signature": _signature,
    "meant": lambda f: nearest(f["extra"], _parameters(f)).strip("; ?").capitalize(),
    **{name: _of_call(tell) for name, tell in _OF_CALL.items()},
    "function": lambda f: f"{need(f.failure.function)}()",
    "name": lambda f: f.failure.name or f.words.get("op") or "the call",
    "shape": lambda f: f.failure.shape if f.failure.tensors else need(whole(f.words["shape"])),
    "axes": lambda f: counted(len(f["shape"]), "axis"),
    "values": lambda f: prod(f.failure.shape) if f.failure.tensors else int(need(f.get("size"))),
    "channel_axis": _channel_axis,
    "channels": _channels,
    "wanted_channels": _wanted_channels,
    # its axes, where an input is read as one sample without a batch
    "lone_axes": lambda f: (
        _axis_names(need(f.failure.dims), batched=False) * (not f["channel_axis"])
    ),
    "output": _output,
    "cells": lambda f: prod(need(whole(f.words.get("size", "")))),
    "asked_values": _asked_values,
    "asked_flat": lambda f: len(whole(f.words["shape"])) < 3,
    "unsplit": _unsplit,
    "valid": lambda f: f"0 to {int(f['rows']) - 1}",
    "more_classes": lambda f: (
        f["largest"] + 1 if int(f["rows"]) <= f["largest"] < int(f["rows"]) + VOID else None
    ),
    "takes": _takes,
    "thing": _thing,
    "torch_mode": lambda f: _MODES.get(f.words.get("got", "")),
}
