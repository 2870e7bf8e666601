"""The one walker of values that hold tensors: lists, tuples, dicts, dataclasses, objects."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from copyreg import _slotnames  # type: ignore[attr-defined]
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

ATOMS = frozenset(
    {int, float, bool, complex, str, bytes, type(None), type(Ellipsis), range, type}
    | {torch.dtype, torch.device, torch.Size, torch.memory_format, torch.layout}
)


@lru_cache(maxsize=1024)
def is_object(kind: Any) -> bool:
    """Whether instances of a class are plain objects, whose attributes can be looked through."""
    # what is written in C has neither, and is no object before its own code has made it one
    roots = [vars(base) for base in kind.__mro__ if base.__base__ is object]
    written = all("__dict__" in own or "__slots__" in own for own in roots)
    plain = written and kind.__module__ not in ("builtins", "functools")
    return plain and not issubclass(kind, nn.Module | type | BaseException)


def attributes(value: Any) -> Iterable[tuple[str, Any]]:
    """Names and values of an object's attributes, those in slots included."""
    kind: Any = type(value)
    for name in _slotnames(kind):
        if hasattr(value, name):
            yield name, getattr(value, name)
    yield from getattr(value, "__dict__", {}).items()


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in a nested value, in order, each as often as it stands there."""
    if type(value) is Tensor:
        return [value]
    found: list[Tensor] = []
    collect(value, Tensor, found, set())
    return found


_SEQUENCES = (list, tuple, set, frozenset, deque)


def collect(value: Any, wanted: type, found: list[Any], seen: set[int]) -> None:
    """Add what is of a wanted class in a nested value to what was found."""
    kind: Any = type(value)
    if kind in ATOMS:
        return
    if issubclass(kind, wanted):
        found.append(value)
        return
    if id(value) in seen:
        return
    inner: Iterable[Any] = ()
    if kind is tuple or kind is list or issubclass(kind, _SEQUENCES):
        inner = value
    elif issubclass(kind, dict):
        inner = value.values()
    elif kind is slice:
        inner = (value.start, value.stop, value.step)
    elif is_object(kind):
        inner = [one for _, one in attributes(value)]
    seen.add(id(value))
    for one in inner:
        inner_kind = type(one)
        if inner_kind is wanted:
            found.append(one)
        elif inner_kind not in ATOMS:
            collect(one, wanted, found, seen)
    seen.discard(id(value))


def mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """The arguments of a torch function with ``change`` applied to each tensor."""
    if type(value) in ATOMS:
        return value
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, list):
        return [change(one) if type(one) is Tensor else mapped(one, change) for one in value]
    if isinstance(value, tuple) and type(value) is not torch.Size:
        parts = [one if type(one) in ATOMS else mapped(one, change) for one in value]
        return rebuilt_tuple(type(value), parts)
    if isinstance(value, dict):
        return {key: mapped(one, change) for key, one in value.items()}
    if isinstance(value, slice):
        return slice(*(mapped(one, change) for one in (value.start, value.stop, value.step)))
    return value


def rebuilt_tuple(kind: Any, parts: list[Any]) -> Any:
    """A tuple of the same kind: a plain one, a named one, or one of torch's return types."""
    if kind is tuple:
        return tuple(parts)
    if kind.__module__ == "torch.return_types":
        return kind(parts)
    return tuple.__new__(kind, parts)
