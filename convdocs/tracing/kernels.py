# ruff: noqa: SIM905 (long lists of names read best as words)
"""Asking torch's own kernels on meta what a call gives, and the CPU's for the errors they raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.layers import (
    LayerError,
    code,
    family,
    function_settings,
    layer_class,
    plain_settings,
    read,
)
from convdocs.tracing import functions
from convdocs.tracing.costs import COSTS, Counter
from convdocs.tracing.memory import META, Answer, Layout, Mark, add_to_key, layout_of, mark_of
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import (
    PIECES,
    RULES,
    as_operands,
    dims_of,
    flow_of,
    flows_of_pieces,
    spellings,
    windows_of,
    with_weight,
)

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


def asked(func: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, int | None, str]:
    """What a call on meta gives, its multiply-accumulates, and why they are not known.

    Raises the CPU's own error where the call fails, and :class:`NeedsValues` where it cannot be
    answered without values.
    """
    if func in functions.READ_VALUES:
        raise NeedsValues(func)
    args, kwargs = functions.moved_to_meta(func, args, kwargs)
    own = _trivial(func, args, kwargs)
    if own is not None:
        return own, _cost(func, args, kwargs, own), ""
    on_meta = functions.on_shapes(func)
    try:
        if func in RULES or func in COSTS:
            out, note = on_meta(*args, **kwargs), ""
            macs = _cost(func, args, kwargs, out)
        else:
            with Counter() as counter:
                out = on_meta(*args, **kwargs)
            macs, note = counter.macs, counter.note
    except Exception as error:
        marks = [mark_of(tensor) for tensor in tensors_in((args, kwargs))]
        if not about_meta(error) or _small(marks, []):
            _try_on_cpu(func, args, kwargs, marks)
        raise NeedsValues(func) from error
    inputs = [mark_of(tensor) for tensor in tensors_in((args, kwargs))]
    if _doubtful(func, inputs) and _small(inputs, tensors_in(out), macs):
        _try_on_cpu(func, args, kwargs, inputs)
    return out, macs, note


def _cost(func: Any, args: Any, kwargs: Any, out: Any) -> int | None:
    if func not in COSTS:
        return 0
    shape = tuple(out.shape) if isinstance(out, Tensor) else ()
    (args, kwargs), _ = as_operands((args, kwargs))
    macs: int = COSTS[func](shape, *args, **kwargs)
    return macs


def about_meta(error: BaseException) -> bool:
    """Whether a kernel failed for want of values rather than for what it was given."""
    words = str(error)
    return isinstance(error, NotImplementedError) or "meta" in words or "INTERNAL ASSERT" in words


# whose kernels on meta let settings and sizes pass that the CPU's refuse
_LENIENT = frozenset(
    function
    for name in (
        "max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d lp_pool1d lp_pool2d "
        "lp_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d "
        "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d conv_transpose1d "
        "conv_transpose2d conv_transpose3d batch_norm instance_norm group_norm layer_norm pad "
        "interpolate upsample pixel_shuffle pixel_unshuffle channel_shuffle embedding softmax "
        "log_softmax softmin dropout"
    ).split()
    for function in spellings(name)
)


_POOLS = {
    function: dims
    for dims in (1, 2, 3)
    for name in ("max", "avg", "lp", "adaptive_avg", "adaptive_max")
    for function in spellings(f"{name}_pool{dims}d")
}


def _doubtful(func: Any, inputs: Sequence[Mark]) -> bool:
    """Whether the meta kernel may let pass what the real one refuses."""
    if func in _LENIENT or any(0 in one.layout.shape for one in inputs):
        return True
    dtypes = {one.layout.dtype for one in inputs}
    return len(dtypes) > 1 or not dtypes <= FLOATS


def _small(inputs: Sequence[Mark], outputs: Sequence[Tensor], macs: int | None = 0) -> bool:
    """Whether a call takes no time on the CPU."""
    size = sum(prod(one.layout.shape) for one in inputs) + sum(t.numel() for t in outputs)
    return size <= LARGEST and (macs or 0) <= 100 * LARGEST


def _try_on_cpu(func: Any, args: Any, kwargs: Any, inputs: Sequence[Mark]) -> None:
    with suppress(Exception):
        if func in _POOLS:  # one channel of one sample stands for all where nothing is wrong
            lead = [slice(1)] * (len(inputs[0].layout.shape) - _POOLS[func])
            raise_for_real(func, *mapped((args, kwargs), lambda tensor: tensor[tuple(lead)]))
            return
    try:
        raise_for_real(func, args, kwargs)
    except Exception as error:
        numbers = any(not one.layout.dtype.is_floating_point for one in inputs)
        if numbers and func not in RULES:
            # it may be the zeros, as lengths or indices, that were refused
            raise NeedsValues(func) from None
        raise error from None


def raise_for_real(func: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Call ``func`` on CPU tensors of these shapes, for the exception that it may raise.

    Every tensor is replaced by zeros; a large one by a single zero, repeated by strides of 0,
    so that it takes no memory whatever its shape.

    Examples
    --------
    >>> x = torch.empty(1, 3, 8, 8, device="meta")
    >>> w = torch.empty(4, 5, 3, 3, device="meta")
    >>> try:
    ...     raise_for_real(torch.conv2d, (x, w), {})
    ... except RuntimeError as error:
    ...     print(error)
    Given groups=1, weight of size [4, 5, 3, 3], expected input[1, 3, 8, 8] to have 5 channels, ...
    """
    if str(kwargs.get("device")) == "meta":
        kwargs = {**kwargs, "device": "cpu"}
    with torch.no_grad():
        func(*mapped(args, _zeros_like), **mapped(kwargs, _zeros_like))


def _zeros_like(tensor: Tensor) -> Tensor:
    if tensor.numel() <= LARGEST:
        strides = tensor.stride()
        return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device="cpu").zero_()
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)


# Outputs like the input, where torch's kernel on meta is a slow decomposition in Python, the first
# of which loads torch's compiler (a second). Each is proven against the kernel in the tests.


def _trivial(func: Any, args: Any, kwargs: Any) -> Any:
    rule = _TRIVIAL.get(func)
    first = args[0] if args else None
    if type(first) in (list, tuple) and first:
        first = first[0]
    if rule is None or type(first) is not Tensor:
        return None
    own = mark_of(first).layout
    if not own.contiguous or own.dtype not in FLOATS or 0 in own.shape:
        return None
    try:
        found = rule(own, *args, **kwargs)
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):
        return None  # what torch refuses too, in its own words
    return found.tensor() if isinstance(found, Layout) else found


_TRIVIAL: dict[Any, Callable[..., Any]] = {}


def _like_input(*names: str) -> Callable[[Any], Any]:
    def register(rule: Any) -> Any:
        _TRIVIAL.update({function: rule for name in names for function in spellings(name)})
        return rule

    return register


def _blank(shape: Sequence[int], own: Layout) -> Tensor:
    return torch.empty(tuple(shape), dtype=own.dtype, device=META)


@_like_input(
    *"relu relu6 sigmoid tanh silu gelu mish hardswish hardsigmoid leaky_relu elu selu celu "
    "softplus softsign logsigmoid tanhshrink exp sqrt rsqrt neg abs square dropout dropout1d "
    "dropout2d dropout3d pow __pow__ clamp_min clamp_max rsub __rsub__".split()
)
def _elementwise(
    own: Layout, input: Tensor, *settings: Any, inplace: bool = False, **more: Any
) -> Any:
    if not 0 <= more.get("p", 0.5) <= 1 or any(type(one) not in _PLAIN for one in settings):
        return None
    if any(type(one) not in _PLAIN for one in more.values()):
        return None
    return input if inplace else own


_PLAIN = (int, float, bool, str)


@_like_input("hardtanh", "clamp")
def _between(own: Layout, input: Tensor, least: Any = None, most: Any = None, **more: Any) -> Any:
    least, most = (
        more.get("min", more.get("min_val", least)),
        more.get("max", more.get("max_val", most)),
    )
    plain = type(least) in (int, float) and type(most) in (int, float) and least <= most
    return own if plain and not more.get("inplace") else None


@_like_input("add", "sub", "mul", "div")
def _arithmetic(own: Layout, input: Tensor, other: Any) -> Any:
    if type(other) in (int, float):
        return own
    theirs = mark_of(other).layout
    if not theirs.contiguous or theirs.dtype is not own.dtype or 0 in theirs.shape:
        return None
    if theirs is own:
        return own
    shape = tuple(torch.broadcast_shapes(own.shape, theirs.shape))  # type: ignore[no-untyped-call]
    return own if shape == own.shape else _blank(shape, own)


@_like_input("linear")
def _linear(own: Layout, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    known = [mark_of(one).layout for one in (weight, bias) if one is not None]
    if any(one.dtype is not own.dtype or not one.contiguous for one in known):
        return None
    wide, narrow = known[0].shape
    if own.shape[-1] != narrow or any(one.shape != (wide,) for one in known[1:]):
        return None
    return _blank((*own.shape[:-1], wide), own)


@_like_input("cat")
def _cat(own: Layout, tensors: Sequence[Tensor], dim: int = 0) -> Any:
    rank = len(own.shape)
    dim = dim % rank if -rank <= dim < rank else rank
    rest = {(one.shape[:dim], one.shape[dim + 1 :], one.dtype, one.contiguous)
            for one in [mark_of(tensor).layout for tensor in tensors]}  # fmt: skip
    if len(rest) > 1 or dim == rank:
        return None
    total = sum(mark_of(tensor).layout.shape[dim] for tensor in tensors)
    return _blank((*own.shape[:dim], total, *own.shape[dim + 1 :]), own)


@_like_input("adaptive_avg_pool2d")
def _adaptive(own: Layout, input: Tensor, output_size: Any) -> Any:
    asked = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    if len(own.shape) != 4 or len(asked) != 2:
        return None
    sizes = [n if m is None else m for m, n in zip(asked, own.shape[2:], strict=True)]
    return _blank((*own.shape[:2], *sizes), own) if min(sizes) > 0 else None


@_like_input("mean")
def _mean(own: Layout, input: Tensor, dim: Any, keepdim: bool = False) -> Any:
    dims = dims_of(dim, len(own.shape))
    if len(set(dims)) < len(dims) or not dims:
        return None
    kept = [(1 if at in dims else n) for at, n in enumerate(own.shape) if keepdim or at not in dims]
    return _blank(kept, own)


@_like_input("scaled_dot_product_attention")
def _attention(
    own: Layout, query: Tensor, key: Tensor, value: Tensor, *rest: Any, **more: Any
) -> Any:
    keys, values = mark_of(key).layout, mark_of(value).layout
    alike = own.shape[:-2] == keys.shape[:-2] == values.shape[:-2] and keys.dtype is own.dtype
    fit = own.shape[-1] == keys.shape[-1] and keys.shape[-2] == values.shape[-2]
    plain = keys.contiguous and values.contiguous and values.dtype is own.dtype
    if not (alike and fit and plain) or tensors_in((rest, more)):
        return None
    return _blank((*own.shape[:-1], values.shape[-1]), own)


@_like_input("batch_norm")
def _batch_norm(
    own: Layout,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    channels, vectors = own.shape[1:2], (running_mean, running_var, weight, bias)
    known = [mark_of(one).layout for one in vectors if one is not None]
    if any(one.shape != channels or one.dtype is not own.dtype for one in known):
        return None
    if training:
        return own if own.shape[0] * prod(own.shape[2:]) > 1 else None
    return own if running_mean is not None and running_var is not None else None


@_like_input("layer_norm")
def _layer_norm(
    own: Layout,
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Any:
    wanted = tuple(normalized_shape)
    known = [mark_of(one).layout for one in (weight, bias) if one is not None]
    if any(one.shape != wanted or one.dtype is not own.dtype for one in known):
        return None
    return own if wanted and own.shape[-len(wanted) :] == wanted else None


@_like_input("group_norm")
def _group_norm(
    own: Layout,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Any:
    known = [mark_of(one).layout for one in (weight, bias) if one is not None]
    if any(one.shape != own.shape[1:2] or one.dtype is not own.dtype for one in known):
        return None
    cells = prod(own.shape) // own.shape[1] * (own.shape[1] // num_groups)
    return own if own.shape[1] % num_groups == 0 and cells > 1 else None


@_like_input("softmax", "log_softmax")
def _softmax(own: Layout, input: Tensor, dim: int, _stacklevel: int = 3, dtype: Any = None) -> Any:
    return own if dtype is None and -len(own.shape) <= dim < len(own.shape) else None


@_like_input("lstm", "gru", "rnn_tanh", "rnn_relu")
def _recurrent(own: Layout, input: Tensor, hx: Any, weights: Any, *settings: Any) -> Any:
    """Torch's kernel on meta works through every step."""
    if not isinstance(weights, list) or len(settings) != 6:
        return None  # a packed sequence
    states = hx if isinstance(hx, tuple) else (hx,)
    hidden = tuple(states[0].shape)
    _, layers, _, _, both, batch_first = settings
    turned = own.shape[1 - batch_first] if len(own.shape) == 3 else None
    given = mark_of(weights[0]).layout
    ways = 2 if both else 1
    if given.shape[1] != own.shape[-1] or given.dtype is not own.dtype:
        return None
    if hidden[:-1] != (layers * ways, turned) or mark_of(states[0]).layout.dtype is not own.dtype:
        return None
    sizes = [(*own.shape[:-1], ways * hidden[-1]), *(one.shape for one in states)]
    return tuple([_blank(size, own) for size in sizes])


def layer_key(
    module: nn.Module, args: Any, kwargs: Any, marks: list[Mark], stranger: Callable[[Tensor], Mark]
) -> Any:
    """What distinguishes the call of a layer of torch.nn; None where that cannot be said."""
    kept, cls = module.__dict__, type(module)
    names = _SETTINGS.get(cls)
    if names is None:
        own = cls.__module__.startswith("torch.nn.modules.")
        names = _SETTINGS[cls] = _settings_of(kept) if own else ()
    if not names or kept["_modules"]:
        return None
    key = [cls, kept["training"], *map(kept.get, names)]
    for held in (kept["_parameters"], kept["_buffers"]):
        for tensor in held.values():
            if tensor is None:
                key.append(None)
                continue
            mark = getattr(tensor, "_convdocs_mark", None)
            key.append(layout_of(tensor) if mark is None else mark.layout)
    keyed = add_to_key(args, key, marks, stranger) and (
        not kwargs or add_to_key(kwargs, key, marks, stranger)
    )
    return tuple(key) if keyed else None


_SETTINGS: dict[type, tuple[str, ...]] = {}


def _settings_of(kept: dict[str, Any]) -> tuple[str, ...]:
    """The names of a layer's own attributes, behind which no class of torch hides anything."""
    return (
        "forward_of_class",
        *(n for n in kept if n[0] != "_" and n not in ("training", "forward")),
    )


def describe_layer(answer: Answer, module: Any, inside: Sequence[Answer]) -> None:
    """What a layer's call costs and how it is written, by the calls inside it."""
    counted = [one.macs for one in inside]
    answer.macs = None if None in counted else sum(counted)  # type: ignore[arg-type]
    answer.note = next((one.note for one in inside if one.note), "")
    answer.code, answer.settings = code(module), plain_settings(module)
    answer.family = family(layer_class(module))
    known = [one.windows for one in inside if one.windows]
    try:
        # Unfold has windows, but its output no axis that they move along
        own = () if isinstance(module, nn.Unfold) else read(module).windows
    except LayerError:
        own = known[0] if len(known) == 1 else ()
    answer.windows = own


def answer_to(
    func: Any, args: Any, kwargs: Any, inputs: Sequence[Mark], outputs: Sequence[Layout],
    macs: int | None, note: str,
) -> Answer:  # fmt: skip
    """All there is to know of a call, from what it was given and what torch gave."""
    layouts = tuple([one.layout for one in inputs])
    answer = Answer(functions.name(func), layouts, tuple(outputs), macs, note)
    answer.code = functions.text(func, args, kwargs)
    answer.family, answer.settings = family(answer.kind), function_settings(func, args, kwargs)
    (args, kwargs), operands = as_operands((args, kwargs))
    shapes = answer.output_shapes
    if func in PIECES and operands and len({len(one) for one in shapes}) == 1:
        answer.flows = tuple(flows_of_pieces(operands[0], shapes))
    elif (
        func in WEIGHTED and len(operands) == 2 and inputs[1].fixed and len(operands[1].shape) == 2
    ):
        answer.flows = (with_weight(shapes[0], operands[0]),)
    else:
        answer.flows = tuple(
            [flow_of(func, args, kwargs, operands, one, place) for place, one in enumerate(shapes)]
        )
    try:
        answer.windows = windows_of(func, args, kwargs)
    except (LookupError, TypeError, ValueError):
        answer.windows = ()
    return answer


WEIGHTED = frozenset(one for name in ("matmul", "mm", "__matmul__") for one in spellings(name))
