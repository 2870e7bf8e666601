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
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.sizes import by_axis, setting, short, typed, windows
from convdocs.layers import AXIS_NAMES
from convdocs.report import Call
from convdocs.suggest import nearest
from convdocs.tracing.nested import tensors_in
from convdocs.view.numbers import counted

VOID = 100  # a label so far above the classes marks what has none: 255 in most data sets
_ODD = (
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
)  # an odd call lacks part of a fact


class Known(Failure):
    """A failure whose message is known: its facts by name, as ``known["rows"]``.

    A name is a part of the message, one of the facts below, a setting or an attribute; a fact that
    this failure does not tell raises KeyError.
    """

    words: dict[str, str]  # the named parts of the message
    told: dict[str, Any]

    def __init__(self, failure: Failure, words: Mapping[str, str]) -> None:
        parts = {key: text for key, text in words.items() if text}
        # "shape" is a fact of its own, which takes the message's words where there is no tensor
        told = {key: text for key, text in parts.items() if key != "shape"}
        vars(self).update(vars(failure), words=parts, told=told)

    def __getitem__(self, key: str) -> Any:
        if key not in self.told:
            try:
                if key in FACTS:
                    value = FACTS[key](self)
                elif key in self.settings:
                    value = self.settings[key]
                    value = typed(value) if isinstance(value, tuple) else value
                else:
                    value = getattr(self, key)
            except _ODD as error:
                raise KeyError(key) from error
            self.told[key] = value
        value = self.told[key]
        if value is None or (isinstance(value, str | dict) and not value):
            raise KeyError(key)
        return value

    def value(self, declared: Any) -> Any:
        """What an entry means by a value: ``"{rows}"`` is a fact, and its digits a number."""
        match declared:
            case "None":  # which TOML has no word for
                return None
            case "...":
                return ...
            case str() if declared.startswith("{"):
                value = self[declared[1:-1]]
                return int(value) if isinstance(value, str) and value.isdecimal() else value
        return declared

    def holds(self, condition: str) -> bool:
        """Whether a fact is known and true, or is neither behind a ``not``."""
        name = condition.removeprefix("not ")
        try:
            known = bool(self[name])
        except KeyError:
            known = False
        return known == (name == condition)

    def filled(self, template: str, words: Mapping[str, Any] | None = None) -> str:
        """A sentence with its facts in place; raises LookupError where one is not known."""
        text = template.format_map(ChainMap(dict(words or {}), self))  # type: ignore[arg-type]
        return text[:1].upper() + text[1:] if template.startswith("{input}") else text


def whole(text: str) -> tuple[int, ...]:
    """The whole numbers in a message's part."""
    return tuple(map(int, re.findall(r"-?\d+", text)))


def times(values: Iterable[int]) -> str:
    """Sizes as one says them, 3 x 28 x 28."""
    return " x ".join(map(str, values))


def _given(settings: Mapping[str, Any]) -> str:
    return " and ".join(f"{key}={value!r}" for key, value in settings.items())


# Axes, channels and features.


def _axes(dims: int, *, batched: bool = True) -> str:
    """The axes' names of an input, as in ``(N, C, L)``."""
    names = ("C", *AXIS_NAMES.get(dims, ("…",)))
    return f"({', '.join(('N', *names) if batched else names)})"


def _wanted_channels(f: Known) -> int:
    settings = ("in_channels", "num_features", "num_channels")
    wanted = next((f.settings[k] for k in settings if k in f.settings), f.words.get("need"))
    if wanted is None:
        weight, transposed = f.shapes[1], "transpose" in f.kind
        wanted = weight[0] if transposed else weight[1] * f.settings.get("groups", 1)
    return int(wanted)


_MODE_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


def _takes(f: Known) -> str:
    """The axes that a layer reads; a mode of upsampling reads some of its own."""
    kind, dims = f.kind, f.dims
    if "interpolate" in kind or "Upsample" in kind:
        dims = _MODE_AXES.get(f.words.get("mode") or f.settings.get("mode", ""), 0)
        return _axes(dims) if dims else "batches of 1, 2 or 3 spatial axes"
    if "Norm" in kind and not kind.startswith("Instance"):
        return "(N, C) or (N, C, L)" if kind == "BatchNorm1d" else _axes(dims)
    columns = {"fold": "C·kernel cells, windows", "unfold": "C, H, W"}
    columns |= {"col2im": columns["fold"], "im2col": columns["unfold"]}
    if found := columns.get(kind.lower()):
        return f"({found}) for one image or (N, {found}) for a batch"
    return f"{_axes(dims, batched=False)} for one sample or {_axes(dims)} for a batch"


def _flattened(f: Known) -> str:
    parts = meaning.flattened(f)
    words = "channels x height x width" if len(parts) == 3 else "channels x length"
    return f"{prod(parts)} = {times(parts)} ({words} of what was flattened)" if parts else ""


def _asked_values(f: Known) -> str:
    asked = whole(f.words["shape"])
    if min(asked) < -1:
        return f"a size of {min(asked)} is none (only −1, 'what is left', is)"
    fixed = prod(size for size in asked if size >= 0)
    return f"{asked} needs a multiple of {fixed}" if -1 in asked else f"{asked} has {fixed}"


def _constructor_of_torch(f: Known) -> bool:
    made = f.message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    known = any(made == base.__name__ for one in classes for base in one.__mro__)
    return bool(sizes.not_whole(f)) or (made != f.message and known)


# Sequences, tables and targets.


def _batch_is_first(f: Known) -> bool:
    """Three-axis inputs of one batch, for a layer that reads the length first."""
    modules = f.layer.modules() if f.layer is not None else ()
    second = any(getattr(one, "batch_first", None) is False for one in modules)
    batches = [shape[0] for shape in f.shapes if len(shape) == 3]
    return second and len(batches) > 1 and len(set(batches)) == 1


def _transformer(f: Known) -> str:
    """The layer of torch's that a failing attention is a part of."""
    owner = f.model.get_submodule(f.path.rpartition(".")[0]) if f.model and f.path else None
    name = type(owner).__name__
    return name if name.startswith("Transformer") else ""


def _memory_widths(f: Known) -> dict[str, int]:
    """Keys and values of another width than the queries."""
    query, key, value = (shape[-1] for shape in f.shapes[:3])
    wanted = f.settings["embed_dim"]
    apart = query == wanted and (key, value) != (wanted, wanted)
    return {"kdim": key, "vdim": value} if apart else {}


def _axis_of_one(shape: Shape, other: Shape) -> int:
    """An axis of size 1 that a shape has, and the other lacks."""
    axes = [axis for axis, size in enumerate(shape) if size == 1]
    return next(axis for axis in axes if shape[:axis] + shape[axis + 1 :] == other)


def indices(failure: Failure) -> torch.Tensor | None:
    """The first tensor of whole numbers, where its values are known."""
    whole_numbers = (t for t in failure.tensors if not t.is_floating_point() and t.numel())
    first = next(whole_numbers, None)
    return None if first is None or first.is_meta else first


def _rows(f: Known) -> int:
    """Rows of an embedding's table, classes of a loss, or cells along an axis."""
    if f.function == "embedding" and len(f.shapes) > 1:
        return f.shapes[1][0]
    return int(f.settings.get("num_embeddings", f.shapes[0][int(len(f.shapes[0]) > 1)]))


# Types and devices.


def weight_type(failure: Failure) -> torch.dtype | None:
    """Data type of the layer's weights."""
    numbers = (t for t in failure.weights if t.is_floating_point() or t.is_complex())
    return next((tensor.dtype for tensor in numbers), None)


def layer_device(failure: Failure) -> torch.device | None:
    """The device of the layer's weights."""
    return next((tensor.device for tensor in failure.weights), None)


def _devices(f: Known) -> list[str]:
    """The devices of the inputs and the weights; none for stand-ins, which lie on meta."""
    tensors = () if f.on_shapes else (*f.tensors, *f.weights[:1])
    return list(dict.fromkeys(str(tensor.device) for tensor in tensors))


def _habit(f: Known) -> str:
    dtype = f.tensors[0].dtype
    if dtype == torch.uint8:
        return "Images come as uint8 from 0 to 255"
    habit = dtype == torch.float64 and weight_type(f) == torch.float32
    return "NumPy makes float64 unless told otherwise" if habit else ""


def _thing(f: Known) -> str:
    word = type(f.args[0]).__name__ if f.args else f.words["got"]
    word = word.removeprefix("numpy.")
    article = "an" if word[:1] in "aeiou" else "a"
    return {"NoneType": "nothing", "ndarray": "a NumPy array"}.get(word, f"{article} {word}")


# Where it came from.


def _unlike(f: Known) -> str:
    """The axis in which two tensors differ, with both sizes."""
    numbers = meaning.pair(f)
    a, b = (f.shapes[number] for number in numbers)
    names = next(filter(None, (meaning.axis_names(f, number) for number in numbers)), ())
    rank, joined = max(len(a), len(b)), meaning.joined_axis(f)
    for back in range(3 if "matmul" in f.function else 1, min(len(a), len(b)) + 1):
        x, y = a[-back], b[-back]
        if x != y and rank - back != joined and (joined is not None or 1 not in (x, y)):
            known = len(names) == rank and names[-back] in "NCDHWL"
            place = names[-back] if known else f"axis {rank - back}"
            return f"In {place} they are {x} and {y}."
    return ""


def _makes(call: Call, name: str) -> str:
    return f"{name} makes {call.output_shapes[0]} of {call.input_shapes[0]}"


def _lost_batch(f: Known) -> str:
    call = meaning.lost_batch(f)
    return _makes(call, call.code or call.kind) if call else ""


def _ways(f: Known) -> str:
    """How the sizes of two branches came about since they parted."""
    numbers, sentences = meaning.pair(f), []
    for number, calls in zip(numbers, meaning.own_calls(f, numbers), strict=True):
        changing = [call for call in calls if call.output_shapes[0] != call.input_shapes[0]]
        if steps := [_makes(call, call.path or call.kind) for call in changing[-3:]]:
            sentences.append(f"In {f.names[number]}, {', then '.join(steps)}.")
    return " ".join(sentences)


def _multiple(f: Known) -> int | None:
    """Image sizes that are multiples of this halve without a remainder."""
    a, b = (f.shapes[number] for number in meaning.pair(f))
    maps, step = len(a) == len(b) and len(a) > 2, meaning.halving(f)
    apart = max(abs(x - y) for x, y in zip(a[2:], b[2:], strict=True)) if maps else 0
    given = f.trace.input_shapes[0][2:] if f.trace else ()
    rounded = not given or any(size % step for size in given)
    return step if 0 < apart <= step and step > 1 and rounded else None


# What a program does, rather than its sizes.


def _parameters(f: Known) -> dict[str, inspect.Parameter]:
    """What the constructor of a torch layer takes."""
    classes = [base for one in vars(nn).values() for base in getattr(one, "__mro__", ())]
    made: Any = next(one for one in classes if one.__name__ == f.words["op"])
    known = inspect.signature(made.__init__).parameters.items()
    left_out = ("self", "device", "dtype")
    return {k: one.replace(annotation=one.empty) for k, one in known if k not in left_out}


# what leaves the graph of gradients behind
_CUTS = re.compile(
    r"argmax|\.item\(|\.detach\(|\.numpy\(|\.data\b|torch\.tensor\(|no_grad|inference_mode|"
    r"requires_grad\w*[ (=]+False"
)


def _cutting_line(f: Known) -> str:
    """The user's line that leaves the graph behind, in the function that asked for gradients."""
    try:
        lines = inspect.getsourcelines(f.site[0])[0] if f.site else []
    except OSError:
        return ""
    return next((line.strip() for line in lines if _CUTS.search(line)), "")


def _parted(f: Known) -> tuple[list[int], list[int]]:
    """The axes that a view parts or joins, and into what, without those that it leaves alone."""
    shape, asked = list(f.shape), list(whole(f.words["shape"]))
    while shape and asked and asked[0] in (shape[0], -1):
        del shape[0], asked[0]
    while shape and asked and asked[-1] in (shape[-1], -1):
        del shape[-1], asked[-1]
    some = shape and len(asked) > 1 and min(asked) > 0 and len(f.shape) > len(shape)
    return (shape, asked) if some else ([], [])


def _multiple_of(f: Known) -> str:
    """By what an axis is parted that it does not divide by: a window's size, or the heads."""
    shape, asked = _parted(f)
    heads = len(shape) == 1 and f.shape[-1:] == (*shape,)  # of the features, windows of the others
    pairs = zip(shape, asked[::2], asked[1::2], strict=True)
    for size, first, second in pairs if len(asked) == 2 * len(shape) else ():
        by = first if heads else second
        if size % by and size // by * by == first * second:
            near = f"{size // by * by} and {(size // by + 1) * by}"
            return f"{size} is no multiple of {by}; {near} are"
    return ""


def _unsplit(f: Known) -> str:
    shape, asked = _parted(f)
    if not shape:
        return ""
    total = f" = {prod(shape)}" if len(shape) > 1 else ""
    return f"What it parts is {times(shape)}{total}, and {times(asked)} = {prod(asked)}."


def _reconstructed(f: Known) -> bool:
    """Whether images meet a decoder's output, whose sizes differ by what was rounded down."""
    (*lead, high, wide), (*others, tall, broad) = f.shapes[:2]
    near = all(2 * max(pair) <= 3 * min(pair) for pair in ((high, tall), (wide, broad)))
    numbers = bool(re.search("(?i)mse|l1|huber", f.kind))
    return near and numbers and not f.chain() and len(lead) == 2 and lead == others


_TOLD: tuple[Callable[[Known], Any], ...] = (
    _constructor_of_torch, _takes, _wanted_channels, _asked_values, short,
    _flattened, _lost_batch, weight_type, _habit, layer_device, _thing, _rows, _transformer,
    _batch_is_first, _memory_widths, _unlike, _ways, _multiple, _cutting_line, _unsplit,
    _multiple_of,
)  # fmt: skip
FACTS: dict[str, Callable[[Known], Any]] = {
    **{fact.__name__.lstrip("_"): fact for fact in _TOLD},
    # the call
    "name": lambda f: f.name or f.words.get("op") or "the call",
    "owner": lambda f: f.layer and type(f.layer).__name__,
    "input": lambda f: f"the input {f.shape}" if f.tensors else "the input",
    "shape": lambda f: f.shape if f.tensors else whole(f.words["shape"]),
    "all_shapes": lambda f: " and ".join(map(str, f.shapes)),
    "with_shapes": lambda f: " and ".join(map("{} {}".format, f.names, f.shapes)),
    "after_gru": lambda f: (
        f.trace is not None and any(c.kind in ("GRU", "RNN") for c in f.trace.calls[-2:])
    ),
    "features_last": lambda f: f.shape[-1] == f.settings["input_size"],
    "given_layer": lambda f: isinstance(f.args[0], nn.Module),
    "given_class": lambda f: type(f.args[0]).__name__,
    "similar_widths": lambda f: (
        len({shape[:-1] for shape in f.shapes}) == 1 == len(f.shape) - 1
        and bool(re.search("(?i)similarity|distance|triplet|embedding_?loss", f.kind))
    ),
    "odd_one": lambda f: f.shapes[0] == f.shapes[1],
    "compared": lambda f: (
        f.function.strip("_") in ("eq", "ne")
        and len(f.shapes[1]) == len(f.shape) + 1
        and not f.tensors[1].is_floating_point()
    ),
    "in_place": lambda f: f.function.endswith("_") and f.function != "copy_",
    "copied": lambda f: f.function == "copy_" and f.shapes[0][1:2] == (1,),
    "out_of_place": lambda f: f.function.removesuffix("_"),
    "levels": lambda f: (
        meaning.joined_axis(f) == 1
        and len(f.shape) == 4
        and f.shapes[0][:2] == f.shapes[1][:2]
        and f.chain(0)[-1].code == f.chain(1)[-1].code
    ),
    "reconstructed": _reconstructed,
    "target_sizes": lambda f: times(f.shapes[1][2:]),
    "repeats": lambda f: (
        int(f["stack"]) // int(f["other"]) if int(f["stack"]) % int(f["other"]) == 0 else None
    ),
    "third_shape": lambda f: str(f.shapes[2]),
    "in_a_list": lambda f: isinstance(f.args[0], list),
    "map_of_features": lambda f: (
        f.settings["in_features"] == f.shape[1] and len(f.shape) > 3 and prod(f.shape[2:]) > 1
    ),
    "map_axes": lambda f: tuple(range(2, len(f.shape))),
    "of_grey_masks": lambda f: len(f.shape) == 3 and f.shape[0] not in (1, 3, 4),
    "divisible": lambda f: tuple(
        -(-size // f.settings["downscale_factor"]) * f.settings["downscale_factor"]
        for size in f.shape[-2:]
    ),
    "similarity": lambda f: f.function in ("cosine_similarity", "pairwise_distance"),
    "kernel_alone": lambda f: len(f.shapes[1]) == f.dims and f["channels"] == 1,
    "constructor": lambda f: f.built is not None,
    "several_tensors": lambda f: len(f.tensors) > 1,
    "two_matrices": lambda f: len(f.tensors) == 2 and f.function != "linear",
    "no_tensor": lambda f: (
        bool(f.kind or f.message.startswith("expected Tensor as"))
        and not isinstance(next(iter(f.args), None), Tensor)
    ),
    "same_rank": lambda f: len(f.shapes[0]) == len(f.shapes[1]) or f.function == "mm",
    "of_numbers": lambda f: (
        not isinstance(f.args[0], nn.Module | type(None)) and not tensors_in(f.args[0])
    ),
    "one_input": lambda f: f.layer is not None and f.words.get("takes") == "2",
    "last": lambda f: f.shape[-1],
    "strides": lambda f: str(f.tensors[0].stride()),
    # its axes
    "axes": lambda f: counted(len(f["shape"]), "axis"),
    "axis_range": lambda f: (
        f"0 to {len(f.shape) - 1}, or {-len(f.shape)} to −1 from the end" if f.shape else "none"
    ),
    "empty": lambda f: not f.tensors or 0 in f.shape,
    "empty_axis": lambda f: f.shape.index(0),
    "odd_rank": lambda f: not f.tensors or not f.dims or len(f.shape) - f.dims not in (1, 2),
    "spatial_axes": lambda f: counted(f.dims, "spatial axis"),
    "channel_axis": lambda f: int(not f.dims or len(f.shape) == f.dims + 2),
    "channels": lambda f: f["shape"][
        min(f["channel_axis"] if f.tensors else 1, len(f["shape"]) - 1)
    ],
    "channels_second": lambda f: f["wanted_channels"] == f.shape[1],
    "channels_elsewhere": lambda f: f["wanted_channels"] in f.shape and f.source(0) >= 0,
    "fitting_groups": lambda f: n if f["channels"] % (n := f.settings["num_groups"]) == 0 else 1,
    # where an input is read as one sample without a batch
    "lone_axes": lambda f: _axes(f.dims, batched=False) if f.dims and not f["channel_axis"] else "",
    "last_sizes": lambda f: f.shape[-len(f.settings["normalized_shape"]) :],
    "norm_elsewhere": lambda f: f.settings["normalized_shape"] in [(size,) for size in f.shape],
    "norm_of_maps": lambda f: len(f.settings["normalized_shape"]) == len(f.shape) - 1 > 1,
    "unbatched": lambda f: (
        f.trace.input_shapes[0] if f.trace and meaning.lacks_batch(f) else None
    ),
    "values": lambda f: prod(f.shape) if f.tensors else int(f.words["size"]),
    # its settings
    "per_axis": lambda f: _given(sizes.wrong_length(f)),
    "odd": lambda f: _given(sizes.not_whole(f)),
    "too_low": lambda f: _given(sizes.too_low(f)),
    "in_range": sizes.in_range,
    "undivided": lambda f: _given(
        {
            key: f.settings[key]
            for key in ("in_channels", "out_channels")
            if f.settings[key] % f.settings["groups"]
        }
    ),
    "sides": lambda f: 2 * f.dims if len(sizes.each(f.settings["padding"])) == 2 * f.dims else None,
    "odd_pads": lambda f: sizes.setting_length(f) > f.dims and bool(sizes.wrong_length(f)),
    "stride_below_one": lambda f: min(setting(f, "stride", 1)) < 1,
    "dilation_below_one": lambda f: min(setting(f, "dilation", 1)) < 1,
    "kernel_below_one": lambda f: min(setting(f, "kernel_size", 1)) < 1,
    # its window
    "room": lambda f: typed(sizes.room(f)),
    "half": lambda f: typed(by_axis(f, lambda window, _: (window.span - 1) // 2)),
    "full": lambda f: typed(by_axis(f, lambda window, _: window.kernel - 1)),
    "span": lambda f: counted(f["short"][3], "cell"),
    "padded": lambda f: counted(f["short"][2], "cell"),
    "spread": lambda f: ", ".join(
        f"{w.dilation}·({w.kernel} − 1) + 1 = {w.span}" for w in windows(f) if w.dilation > 1
    ),
    "smallest_input": lambda f: times(meaning.smallest_image(f)),
    # by the formula, below 1 where nothing is left
    "output": lambda f: typed(
        by_axis(f, lambda window, cells: window.output_size(cells))
        if f.layer is not None and sizes.room(f)
        else whole(f.words.get("out", "0"))[-f.dims :]
    ),
    # flatten and linear
    "features_axis": lambda f: f.shape.index(
        f.settings.get("in_features", f.settings.get("input_size")), 1, len(f.shape) - 1
    ),
    "rest": lambda f: f"{times(f.shape[1:])} = {prod(f.shape[1:])}" if f.shape[2:] else "",
    "asked_flat": lambda f: len(whole(f.words["shape"])) < 3,
    "fits_flattened": lambda f: prod(f.shape[1:]) == f.settings["in_features"],
    "image": lambda f: times(meaning.image(f)),
    "built_for": lambda f: times(meaning.fitting_image(f)),
    # data types and devices
    "torch_version": lambda f: torch.__version__,
    "class": lambda f: re.sub("^_|Nd$", "", f.words["op"]),
    "signature": lambda f: str(inspect.Signature([*_parameters(f).values()])),
    "meant": lambda f: nearest(f["extra"], _parameters(f)).strip("; ?").capitalize(),
    "dtypes": lambda f: " and ".join(dict.fromkeys(str(tensor.dtype) for tensor in f.tensors)),
    "several_devices": lambda f: not f.tensors or len(_devices(f)) > 1,
    "places": lambda f: " and ".join(_devices(f)),
    "where": lambda f: "CPU" if f.on_shapes else f.tensors[0].device.type.upper(),
    "listed": meaning.listed,
    # tables, targets, states
    "largest": lambda f: int(indices(f).max()),  # type: ignore[union-attr]
    "least": lambda f: int(indices(f).min()),  # type: ignore[union-attr]
    "valid": lambda f: f"0 to {int(f['rows']) - 1}",
    "more_classes": lambda f: (
        f["largest"] + 1 if int(f["rows"]) <= f["largest"] < int(f["rows"]) + VOID else None
    ),
    "layers": lambda f: (
        counted(f.settings.get("num_layers", 1), "layer")
        + " x 2 directions" * f.settings.get("bidirectional", False)
    ),
    "target_shape": lambda f: str(f.shape[:1] + f.shape[2:] if len(f.shape) > 1 else ()),
    "targets_first": lambda f: (
        not f.tensors[0].is_floating_point() and f.tensors[1].is_floating_point()
    ),
    "length_first": lambda f: len(f.shapes[0]) == 3 and f.shapes[0][1:2] == f.shapes[1],
    "one_cell": lambda f: {*f.shape[3:]} == {1} == {*f.shape[2:]} and f.shapes[1] == f.shape[:1],
    "one_a_sample": lambda f: f.shapes[1] == (prod(f.shapes[0]),),
    "one_hot": lambda f: f.shapes[0] == f.shapes[1] and not f.tensors[1].is_floating_point(),
    "of_positions": lambda f: len(f.shape) > 2,
    "of_rows": lambda f: len(f.shape) > 1,
    "of_maps": lambda f: len(f.shape) > 3,
    "one_batch": lambda f: f.shapes[0][:1] == f.shapes[1][:1],
    "scattered": lambda f: "scatter" in f.function and f.shapes[1] == f.shapes[2][:1],
    "label_per_sample": lambda f: len(f.shape) == 3 and f.shapes[1] == f.shape[:1],
    "two_batches": lambda f: (
        f.shapes[0][1:] == f.shapes[1][1:]
        and len({1, f.shapes[0][0], f.shapes[1][0]}) == 3
        and f.function not in ("cosine_similarity", "pairwise_distance")
    ),
    "target_width": lambda f: (
        f.shapes[1][-1]
        if len(f.shape) > 1 and f.shapes[0] != f.shapes[1] and f.shapes[0][:-1] == f.shapes[1][:-1]
        else None
    ),
    "multiplied": lambda f: (
        int(f["a"]) // int(f["b"])
        if len(f.shape) == 2 and int(f["a"]) % int(f["b"]) == 0
        else None
    ),
    "steps_last": lambda f: f.shapes[2] == f.shape[:1],
    "row_per_label": lambda f: f.shapes[1] == f.shape[:1] and f.shape[1:] not in ((), (1,)),
    "colours": lambda f: f.shapes[1][-1] if f.shapes[1][-1] in (3, 4) else None,
    "output_axis_of_one": lambda f: _axis_of_one(*f.shapes[:2]),
    "target_axis_of_one": lambda f: _axis_of_one(*f.shapes[1::-1]),
    # two branches
    "table": lambda f: f.parameter(meaning.positions(f)),
    "positions": lambda f: f.shapes[meaning.positions(f)][-2],
    "tokens": lambda f: f.shapes[1 - meaning.positions(f)][-2],
    # a model's own checks, and saved weights
    "own": meaning.own_words,
    "mismatched": lambda f: "; ".join(
        f"{path} was saved as {saved}, and the model's is {own}"
        for path, saved, own in meaning.mismatches(f)[:3]
    ),
    # fold, upsampling, shuffling, padding
    "fold_rows": lambda f: prod(setting(f, "kernel_size", 1)) if f.kind == "Fold" else None,
    "fold_columns": lambda f: prod(by_axis(f, lambda w, cells: max(0, w.output_size(cells)))),
    "cells": lambda f: prod(whole(f.words["size"])),
    "asked": lambda f: (
        _given({k: f.settings[k] for k in ("size", "scale_factor") if f.settings[k] is not None})
        or "no size and no factor"
    ),
    "squared": lambda f: f.settings["upscale_factor"] ** 2,
    "fitting_mode": lambda f: {3: "linear", 4: "bilinear", 5: "trilinear"}[len(f.shape)],
    "size_per_axis": lambda f: typed((f.settings["size"][-1:] * 3)[: len(f.shape) - 2]),
    # torch's names for the padding modes of NumPy
    "torch_mode": lambda f: {
        "edge": "replicate", "wrap": "circular", "symmetric": "reflect", "constant": "zeros"
    }.get(f.words["got"]),
}  # fmt: skip
