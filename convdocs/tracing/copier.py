"""Copies of a model and its arguments, so that no run can change anything of the user's.

A copy has the same structure and other tensors: modules, containers, objects, closures and bound
methods are copied, what cannot change is shared. Everything is copied once, so that what was one
object stays one.
"""

from __future__ import annotations

import builtins
import copy
import functools
import random
import sys
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from enum import Enum
from types import (
    BuiltinMethodType,
    CellType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.tracing.nested import ATOMS, attributes, is_object, rebuilt_tuple

Maker = Callable[["Copier", Any, str], Any]


class Held(dict[str, Any]):
    """A module's parameters or buffers, whose stand-ins are made when one is looked at."""

    copier: Copier | None = None

    def fill(self) -> None:
        """Put the stand-ins in."""
        if self.copier is not None:
            copier, self.copier = self.copier, None
            with torch._C.DisableTorchFunction():
                for name, one in [*dict.items(self)]:
                    dict.__setitem__(self, name, copier.copy(one))

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


def _filling(name: str) -> Any:
    plain = getattr(dict, name)

    def method(self: Held, *args: Any, **kwargs: Any) -> Any:
        self.fill()
        return plain(self, *args, **kwargs)

    return method


for _name in (
    "__delitem__", "__eq__", "__getitem__", "__ior__", "__iter__", "__or__", "__reversed__",
    "__ror__", "__setitem__", "clear", "copy", "get", "items", "keys", "pop", "popitem",
    "setdefault", "update", "values",
):  # fmt: skip
    setattr(Held, _name, _filling(_name))

_TORCHS = frozenset(nn.Module().__dict__)  # what every module has to itself
_TENSORS = ("_parameters", "_buffers")


class Copier:
    """Copies values for one run; ``tensor`` makes the stand-in of each tensor."""

    late = False  # whether tensors of modules are copied when they are looked at

    def __init__(self, tensor: Callable[[Tensor], Any] | None = None) -> None:
        self.memo: dict[int, Any] = {}
        self.modules: list[tuple[nn.Module, nn.Module, str]] = []  # each with its copy and its path
        self._tensor = tensor
        self._filled = 0  # how many of the modules have their attributes
        self._kept: list[Any] = []  # what is held by a weak reference alone

    def tensor(self, value: Tensor) -> Any:
        """The stand-in of a tensor."""
        assert self._tensor is not None
        return self._tensor(value)

    def replace(self, value: Any, other: Any) -> None:
        """Let ``other`` stand wherever ``value`` stood."""
        self.memo[id(value)] = other

    def copy(self, value: Any) -> Any:
        """The value's stand-in."""
        made = self.within(value)
        while self._filled < len(self.modules):
            self._filled += 1
            self.fill(*self.modules[self._filled - 1])
        return made

    def within(self, value: Any, where: str = "") -> Any:
        """The stand-in of what stands at ``where``; modules have their attributes later."""
        kind = type(value)
        if kind in ATOMS:
            return value
        known = self.memo.get(id(value))
        if known is not None:
            return known
        make = _MAKERS.get(kind)
        if make is None:
            make = _MAKERS[kind] = _maker(kind)
        return make(self, value, where)

    def enter(self, module: nn.Module, path: str) -> Any:
        """Empty copies of a module and of all that are registered inside."""
        waiting = [(path, module)]
        while waiting:
            path, one = waiting.pop()
            if id(one) in self.memo:
                continue
            if isinstance(one, torch.jit.ScriptModule):
                made: nn.Module = copy.deepcopy(one)
            else:
                made = object.__new__(type(one))
                lead = f"{path}." if path else ""
                inner = reversed(one._modules.items())
                waiting += [(lead + name, part) for name, part in inner if part is not None]
            self.memo[id(one)] = made
            self.modules.append((one, made, path))
        return self.memo[id(module)]

    def fill(self, module: nn.Module, made: nn.Module, path: str) -> None:
        """Give a module's copy its attributes."""
        if isinstance(module, torch.jit.ScriptModule):
            return
        kept, own = module.__dict__, made.__dict__
        own.update(kept)
        for name, one in kept.items():
            kind = type(one)
            if kind in ATOMS:
                continue
            if name in _TORCHS and not one:  # a dict of hooks, most of the time
                own[name] = kind()
            elif self.late and name in _TENSORS:
                own[name] = held = Held(one)
                held.copier = self
            elif not (kind is tuple and ATOMS.issuperset(map(type, one))):
                where = "" if name[0] == "_" else f"{path}.{name}" if path else name
                own[name] = self.within(one, where)


def _share(copier: Copier, value: Any, where: str) -> Any:
    return value


def _copied_tensor(copier: Copier, value: Tensor, where: str) -> Any:
    made = copier.memo[id(value)] = copier.tensor(value)
    kept = value.__dict__
    if kept and made is not value:
        for name, one in kept.items():
            if not name.startswith("_convdocs"):
                setattr(made, name, copier.within(one))
    return made


def _module(copier: Copier, value: Any, where: str) -> Any:
    return copier.enter(value, where or type(value).__name__)


_FILL = ((list, list.extend), (set, set.update), (deque, deque.extend))


def _container(copier: Copier, value: Any, where: str) -> Any:
    kind: Any = type(value)
    made: Any = kind(maxlen=value.maxlen) if kind is deque else kind.__new__(kind)
    copier.memo[id(value)] = made
    if isinstance(value, dict):
        if isinstance(value, defaultdict):
            made.default_factory = copier.within(value.default_factory)
        put = OrderedDict.__setitem__ if isinstance(value, OrderedDict) else dict.__setitem__
        for key, one in value.items():
            if type(key) in ATOMS:
                put(made, key, copier.within(one, where and f"{where}[{key!r}]"))
            else:
                put(made, copier.within(key), copier.within(one))
    else:
        fill: Any = next(fill for base, fill in _FILL if isinstance(value, base))
        plain = ATOMS.issuperset(map(type, value))
        fill(made, value if plain else _parts(copier, value, where))
    return made if kind in _PLAIN else _with_attributes(copier, value, where)


def _parts(copier: Copier, values: Any, where: str) -> list[Any]:
    return [copier.within(one, where and f"{where}[{at}]") for at, one in enumerate(values)]


def _tuple(copier: Copier, value: Any, where: str) -> Any:
    if ATOMS.issuperset(map(type, value)):
        return value
    parts = _parts(copier, value, where)
    if all(map(lambda a, b: a is b, parts, value)):
        return value
    made = frozenset(parts) if isinstance(value, frozenset) else rebuilt_tuple(type(value), parts)
    copier.memo[id(value)] = made
    copier._kept.append(value)
    return made


def _object(copier: Copier, value: Any, where: str) -> Any:
    try:
        made = object.__new__(type(value))
    except TypeError:  # built upon a type of C
        try:
            made = copy.copy(value)
        except Exception:  # such as a connection: there is but the one
            return value
    copier.memo[id(value)] = made
    return _with_attributes(copier, value, where)


def _with_attributes(copier: Copier, value: Any, where: str) -> Any:
    made = copier.memo[id(value)]
    for name, one in attributes(value):
        object.__setattr__(made, name, copier.within(one, where and f"{where}.{name}"))
    return made


def _function(copier: Copier, value: FunctionType, where: str) -> Any:
    """A function that closes over something: the same code over the stand-ins."""
    if not value.__closure__ or (value.__module__ or "").startswith("torch."):
        return value
    cells = [copier.memo.setdefault(id(cell), CellType()) for cell in value.__closure__]
    made = FunctionType(
        value.__code__, value.__globals__, value.__name__, value.__defaults__, tuple(cells)
    )
    made.__kwdefaults__ = value.__kwdefaults__
    made.__dict__.update(value.__dict__)
    made.__qualname__, made.__module__ = value.__qualname__, value.__module__
    copier.memo[id(value)] = made
    for cell, own in zip(value.__closure__, cells, strict=True):
        try:
            content = cell.cell_contents
        except ValueError:  # nothing in it yet
            continue
        own.cell_contents = copier.within(content)
    return made


def _method(copier: Copier, value: Any, where: str) -> Any:
    owner = value.__self__
    if owner is None or isinstance(owner, ModuleType | type):
        return value
    made = copier.within(owner)
    if made is owner:
        return value
    if isinstance(value, MethodType):
        return MethodType(copier.within(value.__func__), made)
    return getattr(made, value.__name__)


def _partial(copier: Copier, value: Any, where: str) -> Any:
    func, args, kwargs = map(copier.within, (value.func, value.args, value.keywords))
    return type(value)(func, *args, **kwargs)


def _reference(copier: Copier, value: Any, where: str) -> Any:
    target = value()
    made = copier.within(target)
    copier._kept.append((target, made))
    return value if made is target else weakref.ref(made)


def _proxy(copier: Copier, value: Any, where: str) -> Any:
    return MappingProxyType(copier.within(dict(value), where))


def _whole(copier: Copier, value: Any, where: str) -> Any:
    made = copier.memo[id(value)] = copy.deepcopy(value)
    return made


_OPERATORS = (torch._ops.OperatorBase, torch._ops.OpOverloadPacket)  # torch.ops.aten.relu
_PLAIN = frozenset({list, dict, set, deque, OrderedDict, defaultdict})
_MAKERS: dict[type, Maker] = {
    tuple: _tuple, FunctionType: _function, MethodType: _method, BuiltinMethodType: _method,
    functools.partial: _partial, torch.Generator: _whole, weakref.ref: _reference,
    MappingProxyType: _proxy, ModuleType: _share,
}  # fmt: skip
_BY_BASE: tuple[tuple[Any, Maker], ...] = (
    ((Enum, type, torch.fx.Graph, weakref.WeakKeyDictionary, *_OPERATORS), _share),
    (Tensor, _copied_tensor), (nn.Module, _module), ((dict, list, set, deque), _container),
    ((tuple, frozenset), _tuple), (random.Random, _whole),
)  # fmt: skip


def _maker(kind: type) -> Maker:
    """How instances of a class are copied; what is written in C and not known is shared."""
    for base, make in _BY_BASE:
        if issubclass(kind, base):
            return make
    numpy = sys.modules.get("numpy")
    if numpy is not None and issubclass(
        kind, numpy.ndarray | numpy.random.Generator | numpy.random.RandomState
    ):
        return _whole
    if kind.__module__ in ("threading", "logging", "concurrent.futures.thread", builtins.__name__):
        return _share
    return _object if is_object(kind) else _share
