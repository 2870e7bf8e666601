# ruff: noqa: SIM905 (long lists of names read best as words)
"""Asking torch's own kernels on meta what a call gives, and the CPU's for the errors they raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import prod
from typing import Any

import torch
from torch import Tensor

from convdocs.layers import windows
from convdocs.report import Shape
from convdocs.tracing import functions
from convdocs.tracing.answer import FunctionCall
from convdocs.tracing.costs import COSTS, Counter
from convdocs.tracing.memory import META, Layout, Mark, Operand
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import SLIDING, Sliding, dims_of, entering, rule_of

FLOATS = frozenset({torch.float32, torch.float64, torch.bfloat16, torch.float16})
LARGEST = 1_000_000  # elements that a call may have which is tried on the CPU


class NeedsValues(BaseException):
    """The model's Python looked at a value; not an Exception, so that no model catches it."""

    def __init__(self, function: Any) -> None:
        told = isinstance(function, str)
        self.why = function if told else f"{functions.name(function)}() needs values"
        self.gradient = not told and function in functions.NEED_GRADIENT
        super().__init__(self.why)


class NeedsIntegers(BaseException):
    """The model looks inputs up in a table: what was given as a shape has integers."""

    def __init__(self, inputs: set[Mark]) -> None:
        super().__init__()
        self.inputs = inputs


def asked(call: FunctionCall) -> tuple[Any, int | None, str]:
    """What a call on meta gives, its multiply-accumulates, and why they are not known.

    Raises the CPU's own error where the call fails, and :class:`NeedsValues` where it cannot be
    answered without values.
    """
    func = call.func
    if func in functions.READ_VALUES:
        raise NeedsValues(func)
    args, kwargs = functions.moved_to_meta(func, call.args, call.kwargs)
    inputs = [one.layout for one in call.marks]
    if func in functions.MOVES:
        return args[0], 0, ""
    own = trivial(func, args, call.operands, inputs)
    if own is not None:
        return own, _cost(func, call.operands, own), ""
    try:
        if func in COSTS or rule_of(func) is not None:
            out, note = func(*args, **kwargs), ""
            macs = _cost(func, call.operands, out)
        else:
            with Counter() as counter:
                out = func(*args, **kwargs)
            macs, note = counter.macs, counter.note
    except Exception as error:
        if not about_meta(error) or _small(inputs, []):
            _try_on_cpu(func, args, kwargs, inputs)
        raise NeedsValues(func) from error
    if _doubtful(func, inputs) and _small(inputs, tensors_in(out), macs):
        _try_on_cpu(func, args, kwargs, inputs)
    return out, macs, note


def _cost(func: Any, operands: Any, out: Any) -> int | None:
    if func not in COSTS:
        return 0
    macs: int = COSTS[func](tuple(getattr(out, "shape", ())), *operands[0], **operands[1])
    return macs


def about_meta(error: BaseException) -> bool:
    """Whether a kernel failed for want of values rather than for what it was given."""
    words = str(error)
    return isinstance(error, NotImplementedError) or "meta" in words or "INTERNAL ASSERT" in words


# whose kernels on meta let settings and sizes pass that the CPU's refuse
_LENIENT: dict[Any, bool] = {}
entering(_LENIENT)(
    *"conv_transpose1d conv_transpose2d conv_transpose3d batch_norm instance_norm group_norm "
    "layer_norm pad interpolate upsample pixel_shuffle pixel_unshuffle channel_shuffle "
    "embedding softmax log_softmax softmin dropout".split()
)(True)


def _doubtful(func: Any, inputs: Sequence[Layout]) -> bool:
    """Whether the meta kernel may let pass what the real one refuses."""
    if func in _LENIENT or any(0 in one.shape for one in inputs):
        return True
    dtypes = {one.dtype for one in inputs}
    return len(dtypes) > 1 or not dtypes <= FLOATS


def _small(inputs: Sequence[Layout], outputs: Sequence[Tensor], macs: int | None = 0) -> bool:
    """Whether a call takes no time on the CPU."""
    size = sum(one.count for one in inputs) + sum(t.numel() for t in outputs)
    return size <= LARGEST and (macs or 0) <= 100 * LARGEST


def _try_on_cpu(func: Any, args: Any, kwargs: Any, inputs: Sequence[Layout]) -> None:
    """Call ``func`` on CPU tensors of these shapes, for the exception that it may raise."""
    try:
        _on_zeros(func, args, kwargs)
    except Exception as error:
        numbers = any(not one.dtype.is_floating_point for one in inputs)
        if numbers and rule_of(func) is None:
            # it may be the zeros, as lengths or indices, that were refused
            raise NeedsValues(func) from None
        raise error from None


def _on_zeros(func: Any, args: Any, kwargs: dict[str, Any]) -> None:
    if str(kwargs.get("device")) == "meta":
        kwargs = {**kwargs, "device": "cpu"}
    with torch.no_grad():
        func(*mapped(args, _zeros_like), **mapped(kwargs, _zeros_like))


def _zeros_like(tensor: Tensor) -> Tensor:
    """Zeros; for a large one a single zero, repeated by strides of 0, that takes no memory."""
    if tensor.numel() <= LARGEST:
        strides = tensor.stride()
        return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device="cpu").zero_()
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)


# The shape of what a function gives, where torch's kernel on meta is a slow decomposition in
# Python; None for what that shall say. Each is proven against the kernel in the tests.

Trivial = Callable[..., "Sequence[int] | None"]
TRIVIAL: dict[Any, Trivial] = {}


def trivial(func: Any, args: Any, operands: Any, inputs: Sequence[Layout]) -> Any:
    """The output of a function whose shape is known, for contiguous tensors of one float dtype."""
    rule = TRIVIAL.get(func)
    if rule is None or not inputs or inputs[0].dtype not in FLOATS:
        return None
    own = inputs[0]
    if any(not (one.contiguous and one.count and one.dtype is own.dtype) for one in inputs):
        return None
    try:
        shape = rule(*operands[0], **operands[1])
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None  # what torch refuses too, in its own words
    if shape is None:
        return None
    if functions.in_place(func, operands[1]):
        return args[0] if shape == own.shape else None
    if shape and not isinstance(shape[0], int):
        return tuple([_blank(one, own) for one in shape])
    return own.tensor() if shape == own.shape else _blank(shape, own)


def _blank(shape: Sequence[int], own: Layout) -> Tensor:
    return torch.empty(tuple(shape), dtype=own.dtype, device=META)


_shape_of = entering(TRIVIAL)


@_shape_of(
    *"relu relu6 sigmoid tanh silu gelu mish hardswish hardsigmoid leaky_relu elu selu celu "
    "softplus softsign logsigmoid tanhshrink exp sqrt rsqrt neg abs square "
    "pow __pow__ clamp_min clamp_max rsub __rsub__".split()
)
def _elementwise(x: Operand, *settings: Any, **more: Any) -> Shape | None:
    plain = all(isinstance(one, int | float | str) for one in (*settings, *more.values()))
    return x.shape if plain else None


@_shape_of("dropout")
def _dropout(x: Operand, p: float = 0.5, *rest: Any, **more: Any) -> Shape | None:
    return x.shape if 0 <= p <= 1 else None


@_shape_of("hardtanh", "clamp")
def _between(x: Operand, least: Any = None, most: Any = None, **more: Any) -> Shape | None:
    least = more.get("min", more.get("min_val", least))
    most = more.get("max", more.get("max_val", most))
    plain = isinstance(least, int | float) and isinstance(most, int | float) and least <= most
    return x.shape if plain else None


@_shape_of(*"add sub mul div add_ sub_ mul_ div_ __iadd__ __isub__ __imul__ __itruediv__".split())
def _arithmetic(x: Operand, other: Any) -> Shape | None:
    if type(other) in (int, float) or x.shape == other.shape:
        return x.shape
    # torch.broadcast_shapes loads a library of symbols for it
    pairs = list(zip_longest(x.shape[::-1], other.shape[::-1], fillvalue=1))[::-1]
    return tuple(map(max, pairs)) if all(a == b or 1 in (a, b) for a, b in pairs) else None


@_shape_of("linear")
def _linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Shape | None:
    wide, narrow = weight.shape
    fits = x.shape[-1] == narrow and (bias is None or bias.shape == (wide,))
    return (*x.shape[:-1], wide) if fits else None


def _slid(own: Sliding) -> Trivial:
    """Of a convolution or a pool whose windows are ones that torch takes."""

    def shape(*args: Any, **kwargs: Any) -> Shape | None:
        given = own.settings(args, kwargs)
        along = windows(own.family, own.dims, given)
        lead, sizes = given["input"].shape[: -own.dims], given["input"].shape[-own.dims :]
        if any(min(w.kernel, w.stride, w.dilation) < 1 or w.padding[0] < 0 for w in along):
            return None
        out = tuple([window.output_size(size) for window, size in zip(along, sizes, strict=True)])
        if min(out) < 1 or isinstance(given.get("padding"), str):
            return None
        if "weight" not in given:
            unusual = given.get("return_indices"), given.get("divisor_override")
            plain = all(one is None or one is False for one in unusual)
            fit = plain and all(2 * w.padding[0] <= w.kernel for w in along)
            return (*lead, *out) if fit and len(lead) in (1, 2) else None
        (samples, channels), groups = lead, given.get("groups", 1)
        wide, narrow = given["weight"].shape[:2]
        taken, made = narrow * groups, wide
        if own.family == "transposed":
            taken, made = made, taken
            if any(not 0 <= w.output_padding < max(w.stride, w.dilation) for w in along):
                return None
        fit = channels == taken and wide % groups == 0 and _vectors((given.get("bias"),), (made,))
        return (samples, made, *out) if fit else None

    return shape


for _function, _own in SLIDING.items():
    if _own.family != "lp" and functions.name(_function)[-1] == "d":  # with indices come two
        TRIVIAL[_function] = _slid(_own)


@_shape_of("cat")
def _cat(tensors: Sequence[Operand], dim: int = 0) -> Shape | None:
    (dim,) = dims_of(dim, len(tensors[0].shape))
    (rest,) = {(x.shape[:dim], x.shape[dim + 1 :]) for x in tensors}
    return (*rest[0], sum(x.shape[dim] for x in tensors), *rest[1])


@_shape_of("adaptive_avg_pool2d")
def _adaptive(x: Operand, output_size: Any) -> Shape | None:
    sizes = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    found = [n if m is None else m for m, n in zip(sizes, x.shape[2:], strict=True)]
    return (*x.shape[:2], *found) if min(found) > 0 and len(x.shape) == 4 else None


@_shape_of("mean")
def _mean(x: Operand, dim: Any, keepdim: bool = False) -> Shape | None:
    dims = dims_of(dim, len(x.shape))
    if len(set(dims)) < len(dims) or not dims:
        return None
    return tuple(
        [1 if at in dims else n for at, n in enumerate(x.shape) if keepdim or at not in dims]
    )


@_shape_of("scaled_dot_product_attention")
def _attention(query: Operand, key: Operand, value: Operand, **more: Any) -> Shape | None:
    q, k, v = query.shape, key.shape, value.shape
    fit = q[:-2] == k[:-2] == v[:-2] and q[-1] == k[-1] and k[-2] == v[-2]
    return (*q[:-1], v[-1]) if fit and more.get("attn_mask") is None else None


@_shape_of("batch_norm")
def _batch_norm(
    x: Operand, mean: Any, var: Any, weight: Any = None, bias: Any = None, training: bool = False,
    momentum: float = 0.1, eps: float = 1e-5,
) -> Shape | None:  # fmt: skip
    fit = _vectors((mean, var, weight, bias), x.shape[1:2])
    cells = x.shape[0] * prod(x.shape[2:])
    known = cells > 1 if training else mean is not None and var is not None
    return x.shape if fit and known else None


@_shape_of("layer_norm")
def _layer_norm(
    x: Operand, sizes: Sequence[int], weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Shape | None:
    wanted = tuple(sizes)
    fit = bool(wanted) and x.shape[-len(wanted) :] == wanted
    return x.shape if fit and _vectors((weight, bias), wanted) else None


@_shape_of("group_norm")
def _group_norm(
    x: Operand, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> Shape | None:
    channels = x.shape[1]
    fit = channels % groups == 0 and prod(x.shape) // groups > 1
    return x.shape if fit and _vectors((weight, bias), (channels,)) else None


def _vectors(vectors: Sequence[Operand | None], shape: Shape) -> bool:
    return all(one is None or one.shape == shape for one in vectors)


@_shape_of("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(x: Operand, hx: Any, weights: list[Operand], *settings: Any) -> Any:
    """Torch's kernel on meta works through every step."""
    _, layers, _, _, both, batch_first = settings
    states = [hx] if isinstance(hx, Operand) else hx
    turned = x.shape[1 - batch_first] if len(x.shape) == 3 else None
    hidden, ways = states[0].shape, 2 if both else 1
    if weights[0].shape[1] != x.shape[-1] or hidden[:-1] != (layers * ways, turned):
        return None
    return ((*x.shape[:-1], ways * hidden[-1]), *(one.shape for one in states))
