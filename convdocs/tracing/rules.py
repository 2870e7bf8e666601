# ruff: noqa: SIM905 (long lists of names read best as words)
"""Which axes of its inputs each axis of a torch function's output reads: what torch does not say.

A rule has its function's arguments, with an :class:`Operand` for each tensor, behind the shape
and the number of the output that it is asked about. What raises or returns nothing is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from inspect import isgetsetdescriptor
from itertools import accumulate
from operator import mul
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs.geometry import Window
from convdocs.layers import AXIS_NAMES, Family, windows
from convdocs.receptive import (
    IDENTITY,
    UNKNOWN,
    AxisField,
    adaptive_field,
    local_field,
    periodic,
    resized_field,
    whole,
)
from convdocs.report import Shape
from convdocs.tracing import functions
from convdocs.tracing.axes import FACTOR, MISSING, PIECE, Flow, OutAxis, kept, unknown
from convdocs.tracing.memory import Operand
from convdocs.tracing.nested import collect

Rule = Callable[..., Flow | None]
RULES: dict[Any, Rule] = {}


def flow_of(func: Any, args: Any, kwargs: Any, out: Shape, place: int) -> Flow | None:
    """What one output of a function reads; None when it is like its only input.

    ``args`` and ``kwargs`` hold operands in the place of tensors.
    """
    operands = operands_in((args, kwargs))
    rule = rule_of(func)
    if rule is not None:
        try:
            found = rule(out, place, *args, **kwargs)
        except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
            found = ()
        if found is not None and len(found) == len(out):
            same = found is kept(0, len(out)) and len(operands) == 1
            return None if same and operands[0].shape == out else found
    return unknown([one.shape for one in operands], out)


@lru_cache(maxsize=4096)
def rule_of(func: Any) -> Rule | None:
    """The rule of a function: its own, or that of what torch's operator of its name is tagged."""
    rule: Rule | None = RULES.get(func)
    if rule is None:
        operator = getattr(torch.ops.aten, functions.name(func).removesuffix("_"), None)
        kinds = operator.overloads() if operator is not None else ()
        tags = {tag for kind in kinds for tag in getattr(operator, kind).tags}
        if torch.Tag.reduction in tags:
            rule = _reduce
        elif torch.Tag.pointwise in tags:
            rule = _elementwise
    return rule


def windows_of(func: Any, args: Any, kwargs: Any) -> tuple[Window, ...]:
    """The windows of a functional convolution or pool."""
    return SLIDING[func].windows(args, kwargs) if func in SLIDING else ()


def operands_in(value: Any) -> list[Operand]:
    """The operands among a call's arguments, in order."""
    found: list[Operand] = []
    collect(value, Operand, found, set())
    return found


def spellings(name: str) -> list[Any]:
    """The function ``name`` in torch, torch.nn.functional and as a tensor's method."""
    homes = (torch, nn.functional, torch._C._nn, torch._C._VariableFunctions, Tensor)
    found = [getattr(home, name) for home in homes if hasattr(home, name)]
    getters = [one.__get__ for one in found if isgetsetdescriptor(one)]
    return list(dict.fromkeys([one for one in found if callable(one)] + getters))


def entering(
    table: dict[Any, Any], endings: Sequence[str] = ("",)
) -> Callable[..., Callable[[Any], Any]]:
    """A decorator that enters a function for every spelling of the names in torch."""

    def enter(*names: str) -> Callable[[Any], Any]:
        functions = [f for name in names for ending in endings for f in spellings(name + ending)]

        def decorate(rule: Any) -> Any:
            table.update(dict.fromkeys(functions, rule))
            return rule

        return decorate

    return enter


_rule = entering(RULES, ("", "_"))  # in place ones too


# how an axis is made


def _axis(x: Operand, axis: int, own: AxisField = IDENTITY, name: str | None = None) -> OutAxis:
    """An axis that reads one of an input's."""
    return name, ((x.number, axis % len(x.shape), own, 0),)


NEW: OutAxis = ("", ())


def _lost(*operands: Operand, name: str = "") -> OutAxis:
    """An axis whose cells may read anything."""
    return name, tuple((x.number, MISSING, UNKNOWN, 0) for x in operands)


def _kept(x: Operand) -> Flow:
    return kept(x.number, len(x.shape))


def _changed(x: Operand, axes: dict[int, OutAxis]) -> Flow:
    """The input's axes, but for some."""
    flow = list(_kept(x))
    for axis, made in axes.items():
        flow[axis] = made
    return tuple(flow)


def dims_of(dim: Any, rank: int) -> tuple[int, ...]:
    """Axis numbers counted from the front, None standing for all."""
    if dim is None:
        return tuple(range(rank))
    listed = (dim,) if isinstance(dim, int) else tuple(dim)
    if not all(isinstance(one, int) and -rank <= one < rank for one in listed):
        raise ValueError(dim)
    return tuple(one % rank for one in listed)


def _spread(out: Shape, operands: Sequence[Operand], factor: int = 0) -> Flow:
    """Each output cell reads the same cell of every input, broadcast."""
    if len(operands) == 1 and operands[0].shape == out:
        return _kept(operands[0])
    made: list[OutAxis] = []
    for axis, size in enumerate(out):
        reads = []
        for x in operands:
            own = axis - len(out) + len(x.shape)
            if own < 0:
                reads.append((x.number, MISSING, UNKNOWN, factor))
            else:
                # an input of size 1 along an axis is read by all the output's cells
                read = IDENTITY if x.shape[own] == size else whole(1)
                reads.append((x.number, own, read, factor))
        made.append((None, tuple(reads)))
    return tuple(made)


def _elementwise(out: Shape, place: int, *args: Any, **kwargs: Any) -> Flow | None:
    operands = operands_in((args, kwargs))
    return _spread(out, [x for x in operands if _fits(x.shape, out)])


def _fits(shape: Shape, out: Shape) -> bool:
    tail = zip(shape[::-1], out[::-1], strict=False)
    return len(shape) <= len(out) and all(n in (1, m) for n, m in tail)


_rule(
    # what torch does not tag as pointwise: compositions, copies, noise, likenesses
    *"hardswish softsign logsigmoid tanhshrink __rpow__ __ipow__ float half double bfloat16 long "
    "int bool to type type_as contiguous detach requires_grad_ data expand expand_as broadcast_to "
    "real imag floor_divide __and__ __or__ __xor__ cpu cuda zero_ fill_ copy_ uniform_ normal_ "
    "bernoulli zeros_like ones_like rand_like randn_like full_like empty_like dropout dropout1d "
    "dropout2d dropout3d alpha_dropout feature_alpha_dropout gumbel_softmax subtract "
    "channel_shuffle native_channel_shuffle __iadd__ __isub__ "
    "fake_quantize_per_tensor_affine".split()
)(_elementwise)


@_rule(*"mul multiply div divide true_divide __imul__ __idiv__ __itruediv__ __rdiv__".split())
def _product(out: Shape, place: int, *args: Any, **kwargs: Any) -> Flow:
    operands = operands_in((args, kwargs))
    return _spread(out, operands, FACTOR if len(operands) > 1 else 0)


@_rule("batch_norm", "prelu", "local_response_norm")
def _per_channel(out: Shape, place: int, input: Operand, *args: Any, **kwargs: Any) -> Flow:
    """The vectors go along the channels. Statistics over the batch are constants once trained."""
    return _kept(input)


def _mixed(x: Operand, dims: Any) -> Flow:
    """Along ``dims`` each output cell reads every input cell, and nothing moves (a softmax)."""
    return _changed(x, {dim: _axis(x, dim, whole(x.shape[dim])) for dim in dims})


def _mixing(dims: Callable[..., Any], *names: str) -> None:
    """Functions that mix the axes which ``dims`` finds by rank and arguments."""

    @_rule(*names)
    def rule(out: Shape, place: int, input: Operand, *args: Any, **kwargs: Any) -> Flow:
        return _mixed(input, dims(len(out), *args, **kwargs))


_mixing(
    lambda rank, *rest, use_input_stats=True, **more: range(2, rank if use_input_stats else 0),
    "instance_norm",
)
_mixing(lambda rank, *rest, **more: range(1, rank), "group_norm")
_mixing(
    lambda rank, normalized_shape, *rest, **more: range(rank - len(normalized_shape), rank),
    "layer_norm", "rms_norm",
)  # fmt: skip
_mixing(
    lambda rank, dim, *rest, **more: (dim % rank,),
    "softmax", "log_softmax", "softmin", "cumsum", "cumprod", "logcumsumexp", "cummax", "cummin",
)  # fmt: skip
_mixing(lambda rank, p=2.0, dim=1, *rest, **more: dims_of(dim, rank), "normalize")


@_rule("sort", "topk", "kthvalue", "roll", "flip", "argsort", "msort")
def _shuffled(out: Shape, place: int, input: Operand, *args: Any, **kwargs: Any) -> Flow | None:
    """One axis is put in another order, the others stay."""
    changed = [axis for axis, size in enumerate(out) if size != input.shape[axis]]
    dim = kwargs.get("dim", kwargs.get("dims"))
    if dim is None and args:
        dim = next((one for one in args[::-1] if isinstance(one, int | tuple | list)), -1)
    dims = dims_of(-1 if dim is None else dim, len(out))
    return _changed(input, {axis: _axis(input, axis, UNKNOWN) for axis in (*dims, *changed)})


# windows


def _named(x: Operand, fields: Sequence[AxisField], mixes: bool, *others: Operand) -> Flow:
    """N, C and spatial axes, along which an output cell reads the cells that ``fields`` say."""
    dims, rank = len(fields), len(x.shape)
    names = ("N", "C", *AXIS_NAMES[dims])[-rank:]
    made = [_axis(x, axis, name=names[axis]) for axis in range(rank - dims)]
    if mixes:
        made[-1] = ("C", ((x.number, rank - dims - 1, UNKNOWN, 0),))
    for at, own in enumerate(fields, start=rank - dims):
        made.append(_axis(x, at, own, names[at]))
    gates = tuple(
        (one.number, MISSING, UNKNOWN, FACTOR) for one in others
    )  # a kernel of the input's
    return tuple((name, (*reads, *gates)) for name, reads in made)


class Sliding(NamedTuple):
    """A convolution or a pool: its family, its axes, and the names of its arguments in order."""

    family: Family
    dims: int
    names: tuple[str, ...]

    def settings(self, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments of a call by name, as a layer would keep them."""
        given = {**dict(zip(self.names, args, strict=False)), **kwargs}
        if "weight" in given:
            given["kernel_size"] = tuple(given["weight"].shape[2:])
        return given

    def windows(self, args: Any, kwargs: dict[str, Any]) -> tuple[Window, ...]:
        """Those of a call."""
        return windows(self.family, self.dims, self.settings(args, kwargs))

    def flow(self, out: Shape, place: int, *args: Any, **kwargs: Any) -> Flow:
        """The rule of the function."""
        operands = operands_in((args, kwargs))
        fields = [local_field(window) for window in self.windows(args, kwargs)]
        return _named(operands[0], fields, "weight" in self.names, *operands[1:2])


SLIDING: dict[Any, Sliding] = {}
_POOL = "input kernel_size stride padding "
_ARGUMENTS: tuple[tuple[str, Family, str], ...] = (
    ("conv{}d", "convolution", "input weight bias stride padding dilation groups"),
    (
        "conv_transpose{}d",
        "transposed",
        "input weight bias stride padding output_padding groups dilation",
    ),
    ("max_pool{}d", "max", _POOL + "dilation ceil_mode return_indices"),
    ("max_pool{}d_with_indices", "max", _POOL + "dilation ceil_mode return_indices"),
    ("avg_pool{}d", "average", _POOL + "ceil_mode count_include_pad divisor_override"),
    ("lp_pool{}d", "lp", "input norm_type kernel_size stride ceil_mode"),
)
for _name, _family, _names in _ARGUMENTS:
    for _dims in AXIS_NAMES:
        _own = Sliding(_family, _dims, tuple(_names.split()))
        for _function in spellings(_name.format(_dims)):
            RULES[_function], SLIDING[_function] = _own.flow, _own


def _adaptive(dims: int) -> Rule:
    """Along each of the last axes, cell i reads its share of the input."""

    def rule(out: Shape, place: int, input: Operand, *args: Any, **kwargs: Any) -> Flow:
        pairs = zip(input.shape[-dims:], out[-dims:], strict=True)
        return _named(input, [adaptive_field(n, m) for n, m in pairs], False)

    return rule


for _dims in (1, 2, 3):
    for _name in ("avg_pool", "max_pool"):
        _name = f"adaptive_{_name}{_dims}d"
        _rule(_name, f"{_name}_with_indices")(_adaptive(_dims))


@_rule("interpolate", "upsample")
def _interpolate(
    out: Shape,
    place: int,
    input: Operand,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Flow:
    scales: Any = (None,) * (len(out) - 2)
    if scale_factor is not None and not recompute_scale_factor:
        plain = isinstance(scale_factor, int | float)
        scales = (scale_factor,) * (len(out) - 2) if plain else tuple(scale_factor)
    fields = [
        UNKNOWN
        if antialias
        else resized_field(n, m, mode, scale=scale, align_corners=bool(align_corners))
        for n, m, scale in zip(input.shape[2:], out[2:], scales, strict=True)
    ]
    return _named(input, fields, False)


@_rule("pixel_shuffle", "pixel_unshuffle")
def _pixel_shuffle(out: Shape, place: int, input: Operand, *given: int, **named: int) -> Flow:
    """Neighbouring output cells read the same input cell, or one cell as many neighbours."""
    (factor,) = (*given, *named.values())
    larger = out[-1] > input.shape[-1]
    own = periodic([(0, 0)] * factor, 1) if larger else local_field(Window(factor, factor))
    return _changed(input, {-1: _axis(input, -1, own), -2: _axis(input, -2, own)})


@_rule("pad")
def _pad(
    out: Shape, place: int, input: Operand, pad: Sequence[int], *rest: Any, **more: Any
) -> Flow:
    """Padding moves every cell; copied cells lie within reach of the border they repeat."""
    moved = {
        -1 - at: _axis(input, -1 - at, AxisField(1, 1, -pad[2 * at])) for at in range(len(pad) // 2)
    }
    return _changed(input, moved)


# products


def _features(x: Operand, out: Shape, *others: Operand) -> Flow:
    """A linear layer: the last axis becomes features, each of which reads all of it."""
    axes = [_axis(x, axis) for axis in range(len(out) - 1)]
    if len(axes) == 1:
        axes[0] = ("N", axes[0][1])
    return (*axes, ("F", ((x.number, len(x.shape) - 1, UNKNOWN, 0),)))


@_rule("linear")
def _linear(out: Shape, place: int, input: Operand, *rest: Any, **more: Any) -> Flow:
    return _features(input, out)


@_rule("embedding")
def _embedding(out: Shape, place: int, input: Operand, *rest: Any, **more: Any) -> Flow:
    """Every cell becomes a vector along a new last axis."""
    return (*_kept(input), ("E", ()))


PRODUCTS = frozenset(one for name in ("matmul", "mm", "__matmul__") for one in spellings(name))


@_rule("matmul", "mm", "__matmul__")
def _matmul(out: Shape, place: int, input: Operand, other: Operand) -> Flow | None:
    """A product with a matrix that no input of the model is in is a linear layer."""
    return _features(input, out) if other.fixed and len(other.shape) == 2 else None


@_rule("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(out: Shape, place: int, input: Operand, *rest: Any, **named: Any) -> Flow | None:
    """A recurrent layer's output sequence has its input's axes; its states have their own."""
    if place or len(out) != len(input.shape):
        return None
    same = [(None, ((input.number, axis, UNKNOWN, 0),)) for axis in range(len(out) - 1)]
    return (*same, _lost(input, name="F"))


# moving axes


@_rule("cat", "concat", "concatenate")
def _cat(out: Shape, place: int, tensors: Sequence[Operand], dim: int = 0, **more: Any) -> Flow:
    """One after the other along an axis; the cells beside it are joined."""
    parts = [x for x in tensors if len(x.shape) == len(out)]  # torch leaves out an empty (0,)
    dim = dims_of(more.get("axis", dim), len(out))[0]
    if len(parts) == 1:
        return _kept(parts[0])
    reads = [tuple([(x.number, at, IDENTITY, 0) for x in parts]) for at in range(len(out))]
    flow: list[OutAxis] = [(None, one) for one in reads]
    starts = accumulate([0, *(x.shape[dim] for x in parts)])
    pieces = [
        (x.number, dim, AxisField(1, 1, -start), PIECE)
        for x, start in zip(parts, starts, strict=False)
    ]
    flow[dim] = (None, tuple(pieces))
    return tuple(flow)


@_rule("stack", "hstack", "vstack", "dstack")
def _stack(out: Shape, place: int, tensors: Sequence[Operand], dim: int = 0) -> Flow | None:
    if len(out) != len(tensors[0].shape) + 1:
        return None
    flow = list(_spread(tensors[0].shape, tensors))
    flow.insert(dims_of(dim, len(out))[0], NEW)
    return tuple(flow)


@_rule("flatten", "reshape", "view", "view_as", "reshape_as", "unflatten", "ravel")
def _reshape(out: Shape, place: int, input: Operand, *sizes: Any, **named: Any) -> Flow:
    """Leading and trailing axes that keep their size keep their meaning; the rest is lost.

    Where one axis takes the place of several it holds features: a flatten.
    """
    shape = input.shape
    shorter = min(len(shape), len(out))
    lead = next((i for i in range(shorter) if shape[i] != out[i]), shorter)
    tail = next((i for i in range(shorter - lead) if shape[-1 - i] != out[-1 - i]), shorter - lead)
    head = [_axis(input, axis) for axis in range(lead)]
    foot = [_axis(input, axis) for axis in range(len(shape) - tail, len(shape))]
    new, gone = len(out) - lead - tail, len(shape) - lead - tail
    if new == 1 and gone > 1:
        if lead == 1:
            head[0] = ("N", head[0][1])
        return (*head, _lost(input, name="F"), *foot)
    sizes_of_new = out[lead : lead + new]
    middle = [NEW if size == 1 and not gone else _lost(input) for size in sizes_of_new]
    return (*head, *middle, *foot)


def _view(func: Any) -> Rule:
    """The rule of a function that only looks at a tensor in another way: torch says by strides.

    The function is asked about a tensor on meta with gaps, so that in the mixed radix of its
    strides the offset of what it gives has the first cell along each axis, and a stride the axis
    and the step. A new axis is one of size 1 that steps over a whole one.
    """

    def rule(out: Shape, place: int, input: Operand, *args: Any, **kwargs: Any) -> Flow | None:
        shape = input.shape
        radix = accumulate((2 * size + 3 for size in shape[:0:-1]), mul, initial=3)
        strides = [*radix][::-1][: len(shape)]
        blank = torch.empty_strided(shape, strides, device="meta")
        made = func(blank, *args, **kwargs)
        view = made if isinstance(made, Tensor) else made[place]
        if view.untyped_storage()._cdata != blank.untyped_storage()._cdata:
            return None  # cells were chosen by an index
        offset, starts = view.storage_offset(), []
        for stride in strides:
            starts.append(offset // stride)
            offset %= stride
        flow: list[OutAxis] = []
        read = set()
        for size, stride in zip(out[::-1], view.stride()[::-1], strict=True):
            axis = next((at for at, own in enumerate(strides) if own <= stride), -1)
            step = stride // strides[axis] if axis >= 0 else 0
            if axis < 0 or (size == 1 and (axis in read or step >= max(2, shape[axis]))):
                flow.append(NEW)
                continue
            if axis in read or stride % strides[axis]:
                return None
            read.add(axis)
            plain = (starts[axis], step) == (0, 1)
            flow.append(_axis(input, axis, IDENTITY if plain else AxisField(1, step, starts[axis])))
        return tuple(flow[::-1])

    return rule


for _name in (
    "permute", "transpose", "swapaxes", "swapdims", "t", "T", "mT", "adjoint", "movedim",
    "moveaxis", "unsqueeze", "squeeze", "__getitem__", "narrow", "select", "unbind", "chunk",
    "split", "tensor_split", "unsafe_chunk", "unsafe_split", "split_with_sizes",
):  # fmt: skip
    for _function in spellings(_name) + spellings(f"{_name}_"):
        RULES[_function] = _view(_function)


@_rule("glu")
def _glu(out: Shape, place: int, input: Operand, dim: int = -1) -> Flow:
    """Half of an axis times the other half's gate."""
    spatial = dim % len(out) > 1
    return _changed(input, {dim: _axis(input, dim, UNKNOWN)} if spatial else {})


@_rule("median", "nanmean")  # and what is tagged as a reduction
def _reduce(out: Shape, place: int, input: Operand, *args: Any, **kwargs: Any) -> Flow:
    """Axes are read whole and then dropped, or kept with one cell."""
    if args and isinstance(args[0], Operand):  # torch.max(x, y)
        return _spread(out, [input, args[0]])
    given = [one for one in args if isinstance(one, int | tuple | list) and type(one) is not bool]
    dim = kwargs.get("dim", kwargs.get("axis", given[0] if given else None))
    dims, rank = dims_of(dim if dim != () else None, len(input.shape)), len(input.shape)
    mixed = _mixed(input, dims)
    return mixed if len(out) == rank else tuple(mixed[at] for at in range(rank) if at not in dims)


@_rule("norm")
def _norm(
    out: Shape, place: int, input: Operand, p: Any = "fro", dim: Any = None, *rest: Any, **more: Any
) -> Flow:
    found: Flow = _reduce(out, place, input, dim=dim)
    return found


@_rule("repeat_interleave")
def _repeat_interleave(
    out: Shape, place: int, input: Operand, repeats: int, dim: int, **more: Any
) -> Flow:
    return _changed(input, {dim: _axis(input, dim, periodic([(0, 0)] * repeats, 1))})


@_rule("index_select", "gather", "take_along_dim")
def _index_select(
    out: Shape, place: int, input: Operand, dim: int, index: Operand, **more: Any
) -> Flow:
    return _changed(input, {dim: _axis(input, dim, UNKNOWN)})


@_rule("scaled_dot_product_attention")
def _attention(
    out: Shape, place: int, query: Operand, key: Operand, value: Operand, *rest: Any, **more: Any
) -> Flow:
    """Every token of the query reads all tokens of the key and the value."""
    flow = list(_spread(out[:-2], [query._replace(shape=query.shape[:-2])]))
    seen = [(one.number, len(one.shape) - 2, whole(one.shape[-2]), 0) for one in (key, value)]
    flow.append((None, ((query.number, len(query.shape) - 2, IDENTITY, 0), *seen)))
    return (*flow, (None, ((value.number, len(value.shape) - 1, UNKNOWN, 0),)))
