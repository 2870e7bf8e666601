# ruff: noqa: SIM905 (long lists of names read best as words)
"""What torch's functions are called, and which of them need care when values are missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import isfunction, signature
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.tracing.memory import Operand


def _getter(name: str) -> Any:
    return getattr(Tensor, name).__get__


# Functions that tell about a tensor without making one.
PLAIN_READS = frozenset(
    getattr(Tensor, name)
    for name in (
        "size dim numel nelement stride is_contiguous is_floating_point is_complex "
        "element_size storage_offset __len__ ndimension is_signed is_same_size"
    ).split()
).union(
    map(
        _getter,
        "shape dtype ndim layout requires_grad is_sparse is_quantized is_leaf is_nested "
        "is_mkldnn itemsize nbytes grad_fn _version grad name output_nr retains_grad".split(),
    ),
    (torch.is_tensor, torch.is_floating_point, torch.is_complex, torch.numel),
)

DEVICE_READS: dict[Any, Callable[[torch.device], Any]] = {
    _getter("device"): lambda device: device,
    _getter("is_cuda"): lambda device: device.type == "cuda",
    _getter("is_cpu"): lambda device: device.type == "cpu",
    _getter("is_meta"): lambda device: device.type == "meta",
    Tensor.get_device: lambda device: device.index if device.index is not None else -1,
}

# Functions whose answer, or whose answer's shape, depends on values.
READ_VALUES = frozenset(
    getattr(home, name)
    for home in (Tensor, torch)
    for name in (
        "item __bool__ __int__ __float__ __index__ __complex__ tolist numpy __array__ nonzero "
        "unique masked_select equal allclose argwhere bincount unique_consecutive backward "
        "__contains__ histc _pack_padded_sequence _pad_packed_sequence"
    ).split()
    if hasattr(home, name)
) | {torch.autograd.grad}

NEED_GRADIENT = frozenset({Tensor.backward, torch.autograd.grad})

FACTORIES = frozenset(
    getattr(torch, name)
    for name in (
        "tensor as_tensor asarray zeros ones full empty rand randn randint randperm arange "
        "linspace logspace eye tril_indices triu_indices from_numpy empty_strided scalar_tensor "
        "hann_window hamming_window blackman_window bartlett_window kaiser_window"
    ).split()
)
MOVES = frozenset(  # between devices: nothing on shapes
    getattr(Tensor, name) for name in ("cpu", "cuda", "xpu") if hasattr(Tensor, name)
)
# whose arguments are data, or are changed in themselves: no answer to them is worth keeping
UNKEYED = frozenset({torch.tensor, torch.as_tensor, torch.asarray, torch.from_numpy})
# which of their tensors is looked up in the other
EMBEDDINGS = {
    nn.functional.embedding: 0,
    torch.embedding: 1,
    nn.functional.embedding_bag: 0,
    torch.embedding_bag: 1,
}
# checks of values, which a run on shapes has nothing to say to
IGNORED = frozenset({torch._assert_async, torch._assert})


def moved_to_meta(
    func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments with every device, named or implied, replaced by meta."""
    if func in FACTORIES or kwargs.get("device") is not None:
        kwargs = {**kwargs, "device": "meta"}
    if kwargs.get("generator") is not None:
        kwargs = {**kwargs, "generator": None}
    if func is Tensor.to:
        args = tuple("meta" if isinstance(a, str | torch.device) else a for a in args)
    return args, kwargs


def in_place(func: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a function writes into its first argument and returns it.

    Torch's functions in Python hand on how they were called by keyword, whoever gave what by place.
    """
    return bool(kwargs.get("inplace")) or kwargs.get("out") is not None or _writes(func)


@lru_cache(maxsize=4096)
def _writes(func: Any) -> bool:
    called = getattr(func, "__name__", "")
    if called.startswith("__"):
        return called.startswith("__i") and called not in ("__invert__", "__index__", "__int__")
    return str(called).endswith("_")


def is_setter(func: Any) -> bool:
    """Whether it sets an attribute of a tensor."""
    return getattr(func, "__name__", "") == "__set__"


@lru_cache(maxsize=1024)
def name(func: Any) -> str:
    """The name one would call a function by: ``"relu"``, ``"flatten"``, ``"add"``."""
    plain = getattr(func, "__name__", type(func).__name__)
    if plain == "__get__":
        return str(func.__self__.__name__)
    if plain == "fn":
        return _DISPATCHED.get(func, "fn")
    return str(plain).strip("_") if plain.startswith("__") else str(plain)


_DISPATCHED = {
    getattr(nn.functional, spelled): spelled
    for spelled in dir(nn.functional)
    if getattr(getattr(nn.functional, spelled), "__name__", "") == "fn"
}


@lru_cache(maxsize=1024)
def _defaults(func: Any) -> dict[str, Any]:
    """The defaults of a Python function's arguments: torch hands them on as if they were given."""
    if func in _DISPATCHED:
        func = getattr(nn.functional, f"_{_DISPATCHED[func]}")
    if not isfunction(func):
        return {}
    try:
        parameters = signature(func).parameters.values()
    except ValueError:  # a function in Python around one in C
        return {}
    return {p.name: p.default for p in parameters if p.default is not p.empty}


_OPERATORS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "matmul": "@", "pow": "**"}
_LETTERS = "xyzuvw"


def _index(value: Any, spell: Callable[[Any], str]) -> str:
    """What is between the brackets, as one would type it."""
    if isinstance(value, tuple):
        return ", ".join(_index(part, spell) for part in value) or "()"
    if value is Ellipsis:
        return "..."
    if not isinstance(value, slice):
        return spell(value)
    start, stop = ("" if end is None else spell(end) for end in (value.start, value.stop))
    return f"{start}:{stop}" if value.step is None else f"{start}:{stop}:{spell(value.step)}"


def text(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """The call as one would type it, operands as letters: ``x + y``, ``x[..., :4]``."""
    letters = iter(_LETTERS)

    def spell(value: Any) -> str:
        if isinstance(value, Operand):
            return next(letters, "…")
        if isinstance(value, list | tuple):
            inner = ", ".join(spell(one) for one in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner})"
        return str(getattr(value, "__name__", "...")) if " at 0x" in repr(value) else repr(value)

    called = name(func)
    if called == "getitem":
        return f"{spell(args[0])}[{_index(args[1], spell)}]"
    words = [spell(one) for one in args]
    if called in _OPERATORS and len(words) == 2 and not kwargs:
        return f"{words[0]} {_OPERATORS[called]} {words[1]}"
    usual = _defaults(func)
    for key, value in kwargs.items():
        if isinstance(value, Operand) or key not in usual or value != usual[key]:
            words.append(f"{key}={spell(value)}")
    return f"{called}({', '.join(words)})"
