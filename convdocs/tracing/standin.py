"""Stand-ins for a model and its arguments, so that no run can change anything of the user's.

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
from types import BuiltinMethodType, CellType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from convdocs.tracing.kernels import NeedsValues
from convdocs.tracing.memory import (
    INPUT,
    META,
    OWN,
    Layout,
    Mark,
    Parameter,
    has_own_kernels,
    is_plain,
    layout_of,
)
from convdocs.tracing.nested import ATOMS, attributes, is_object, rebuilt_tuple

Maker = Callable[["Copier", Any], Any]


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


class Copier:
    """Copies values for one run; ``tensor`` makes the stand-in of each tensor.

    ``late``: those of modules are made when they are looked at.
    """

    def __init__(self, tensor: Callable[[Tensor], Any], late: bool = False) -> None:
        self.tensor = tensor
        self.late = late
        self.memo: dict[int, Any] = {}
        self.modules: list[tuple[nn.Module, nn.Module]] = []  # each with its copy
        self._kept: list[Any] = []  # what is held by a weak reference alone

    def replace(self, value: Any, other: Any) -> None:
        """Let ``other`` stand wherever ``value`` stood."""
        self.memo[id(value)] = other

    def copy(self, value: Any) -> Any:
        """The value's stand-in."""
        kind = type(value)
        if kind in ATOMS:
            return value
        known = self.memo.get(id(value))
        if known is not None:
            return known
        make = _MAKERS.get(kind)
        if make is None:
            make = _MAKERS[kind] = _maker(kind)
        return make(self, value)


def _share(copier: Copier, value: Any) -> Any:
    return value


def _tensor(copier: Copier, value: Tensor) -> Any:
    made = copier.memo[id(value)] = copier.tensor(value)
    kept = value.__dict__
    if kept and made is not value:
        for name, one in kept.items():
            if not name.startswith("_convdocs"):
                setattr(made, name, copier.copy(one))
    return made


def _module(copier: Copier, value: Any) -> Any:
    made = copier.memo[id(value)] = object.__new__(type(value))
    copier.modules.append((value, made))
    kept, own = value.__dict__, made.__dict__
    own.update(kept)
    for name, one in kept.items():
        kind = type(one)
        if kind in ATOMS:
            continue
        if name in _TORCHS and not one:  # a dict of hooks, most of the time
            own[name] = kind()
        elif copier.late and name in ("_parameters", "_buffers"):
            own[name] = held = Held(one)
            held.copier = copier
        elif not (kind is tuple and ATOMS.issuperset(map(type, one))):
            own[name] = copier.copy(one)
    return made


_TORCHS = frozenset(nn.Module().__dict__)  # what every module has to itself


def _script(copier: Copier, value: Any) -> Any:
    made = copier.memo[id(value)] = copy.deepcopy(value)
    copier.modules.append((value, made))
    return made


_FILL = ((list, list.extend), (set, set.update), (deque, deque.extend))


def _collection(copier: Copier, value: Any) -> Any:
    kind: Any = type(value)
    made = kind(maxlen=value.maxlen) if kind is deque else kind.__new__(kind)
    copier.memo[id(value)] = made
    plain = kind is list and ATOMS.issuperset(map(type, value))
    fill: Any = next(fill for base, fill in _FILL if issubclass(kind, base))
    fill(made, value if plain else [copier.copy(one) for one in value])
    return _with_attributes(copier, value, made)


def _dict(copier: Copier, value: Any) -> Any:
    kind: Any = type(value)
    made = copier.memo[id(value)] = kind.__new__(kind)
    if kind is dict:
        for key, one in value.items():
            made[key if type(key) is str else copier.copy(key)] = copier.copy(one)
        return made
    if issubclass(kind, defaultdict):
        made.default_factory = copier.copy(value.default_factory)
    put = OrderedDict.__setitem__ if issubclass(kind, OrderedDict) else dict.__setitem__
    for key, one in value.items():
        put(made, key if type(key) is str else copier.copy(key), copier.copy(one))
    return _with_attributes(copier, value, made)


def _tuple(copier: Copier, value: Any) -> Any:
    if ATOMS.issuperset(map(type, value)):
        return value
    parts = [copier.copy(one) for one in value]
    if all(map(lambda a, b: a is b, parts, value)):
        return value
    made = frozenset(parts) if isinstance(value, frozenset) else rebuilt_tuple(type(value), parts)
    copier.memo[id(value)] = made
    copier._kept.append(value)
    return made


def _object(copier: Copier, value: Any) -> Any:
    try:
        made = object.__new__(type(value))
    except TypeError:  # built upon a type of C
        made = copy.copy(value)
    copier.memo[id(value)] = made
    return _with_attributes(copier, value, made)


def _with_attributes(copier: Copier, value: Any, made: Any) -> Any:
    if type(value) not in _PLAIN:
        for name, one in attributes(value):
            object.__setattr__(made, name, copier.copy(one))
    return made


def _function(copier: Copier, value: FunctionType) -> Any:
    """A function that closes over something: the same code over the stand-ins."""
    if not value.__closure__ or (value.__module__ or "").startswith("torch."):
        return value
    cells = tuple([_cell(copier, cell) for cell in value.__closure__])
    made = FunctionType(
        value.__code__, value.__globals__, value.__name__, value.__defaults__, cells
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
        own.cell_contents = copier.copy(content)
    return made


def _cell(copier: Copier, cell: CellType) -> CellType:
    made: CellType | None = copier.memo.get(id(cell))
    if made is None:
        made = copier.memo[id(cell)] = CellType()
    return made


def _method(copier: Copier, value: Any) -> Any:
    owner = copier.copy(value.__self__)
    return value if owner is value.__self__ else MethodType(copier.copy(value.__func__), owner)


def _builtin_method(copier: Copier, value: Any) -> Any:
    owner = value.__self__
    if owner is None or isinstance(owner, ModuleType | type):
        return value
    made = copier.copy(owner)
    return value if made is owner else getattr(made, value.__name__)


def _partial(copier: Copier, value: Any) -> Any:
    args, kwargs = copier.copy(value.args), copier.copy(value.keywords)
    return type(value)(copier.copy(value.func), *args, **kwargs)


def _reference(copier: Copier, value: Any) -> Any:
    target = value()
    if target is None:
        return value
    made = copier.copy(target)
    copier._kept.append((target, made))
    return value if made is target else weakref.ref(made)


def _generator(copier: Copier, value: torch.Generator) -> torch.Generator:
    made = copier.memo[id(value)] = torch.Generator(value.device)
    made.set_state(value.get_state())
    return made


def _whole(copier: Copier, value: Any) -> Any:
    made = copier.memo[id(value)] = copy.deepcopy(value)
    return made


_OPERATORS = (torch._ops.OperatorBase, torch._ops.OpOverloadPacket)  # torch.ops.aten.relu
_PLAIN = frozenset({list, dict, set, deque, OrderedDict, defaultdict})
_MAKERS: dict[type, Maker] = {
    tuple: _tuple, list: _collection, dict: _dict, FunctionType: _function, MethodType: _method,
    BuiltinMethodType: _builtin_method, functools.partial: _partial, torch.Generator: _generator,
    weakref.ref: _reference, ModuleType: _share,
}  # fmt: skip
_BY_BASE: tuple[tuple[Any, Maker], ...] = (
    ((Enum, type, torch.fx.Graph, weakref.WeakKeyDictionary, *_OPERATORS), _share),
    (Tensor, _tensor), (torch.jit.ScriptModule, _script), (nn.Module, _module), (dict, _dict),
    ((list, set, deque), _collection), ((tuple, frozenset), _tuple),
    (random.Random, _whole),
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
    if kind.__module__ in ("threading", "logging", builtins.__name__):
        return _share
    return _object if is_object(kind) else _share


class Owned(NamedTuple):
    """A module's own parameters, and the layouts of its parameters and buffers."""

    parameters: list[Parameter]
    layouts: tuple[Layout | None, ...]


class StandIn:
    """A model's stand-in for one run, with what there is to know of its parameters.

    Parameters
    ----------
    model : torch.nn.Module
        The user's own.
    values : bool
        Whether its tensors are copies with their values, or lie on meta.
    apart : bool
        Whether those on meta have memory of their own, or share what is never written.
    """

    def __init__(self, model: nn.Module, *, values: bool, apart: bool = False) -> None:
        self.model = model
        self.parameters: dict[int, Parameter] = {}  # by the id of the user's own
        self.owned: dict[int, Owned] = {}  # by the id of the user's module
        self.buffer_bytes = 0
        self.paths: dict[int, str] = {}  # of the user's modules, by id
        self._maker: Any = OWN
        self._storages: dict[int, Any] = {}
        self._apart = apart
        self._walk(model)
        self.registered = frozenset(self.paths)
        self.copier = Copier(self._real if values else self._on_meta, late=not (values or apart))
        self.twin: nn.Module = self.copier.copy(model)

    def given(self, value: Any) -> Any:
        """The stand-in of an argument, whose tensors are inputs."""
        self._maker = INPUT
        made = self.copier.copy(value)
        self._maker = OWN
        return made

    def path_of(self, module: nn.Module) -> str:
        """A module's path; of one in a plain list, where it stands."""
        known = self.paths.get(id(module))
        if known is None:
            self._search()
            known = self.paths.setdefault(id(module), type(module).__name__)
        return known

    def _search(self) -> None:
        """Find the modules that stand in lists, dicts and objects: no part of the model."""
        for original, _ in list(self.copier.modules):
            path = self.paths.get(id(original))
            if path is None:
                continue
            for name, value in original.__dict__.items():
                if not name.startswith("_"):
                    for inner, module in _modules_in(value, name):
                        self._name(module, f"{path}.{inner}" if path else inner)

    def _name(self, module: nn.Module, path: str) -> None:
        if id(module) not in self.paths:
            self.paths[id(module)] = path
            for name, inner in module._modules.items():
                if inner is not None:
                    self._name(inner, f"{path}.{name}")

    def _walk(self, model: nn.Module) -> None:
        """Read every module's parameters and buffers once."""
        paths, buffers = self.paths, {}
        waiting = [("", model)]
        while waiting:
            path, module = waiting.pop()
            if id(module) in paths:
                continue
            paths[id(module)] = path
            lead = f"{path}." if path else ""
            own, held = module._parameters, module._buffers
            if isinstance(module, torch.jit.ScriptModule):
                own, held = dict(module.named_parameters()), dict(module.named_buffers())
            elif module._modules:
                inner = reversed(module._modules.items())
                waiting += [(lead + name, one) for name, one in inner if one is not None]
            if not own and not held:
                self.owned[id(module)] = _NOTHING
                continue
            found: list[Parameter] = []
            for name, one in own.items():
                if one is not None:
                    known = self.parameters.get(id(one))
                    if known is None:
                        known = self.parameters[id(one)] = _parameter(lead + name, one)
                    found.append(known)
            layouts = [
                None if one is None else self.parameters[id(one)].layout for one in own.values()
            ]
            for buffer in held.values():
                layout = None if buffer is None or _is_uninitialised(buffer) else layout_of(buffer)
                layouts.append(layout)
                if layout is not None:
                    buffers[id(buffer)] = layout.nbytes
            self.owned[id(module)] = Owned(found, tuple(layouts))
        self.buffer_bytes = sum(buffers.values())

    def _marked(self, tensor: Tensor, made: Any, own: Layout) -> Any:
        known = self.parameters.get(id(tensor))
        if known is None and type(tensor) is not Tensor and isinstance(tensor, nn.Parameter):
            known = _parameter("", tensor, registered=False)
        made._convdocs_mark = Mark(own, self._maker, 0, () if known is None else (known,))
        return made

    def _lazy(self, tensor: Any, device: torch.device) -> Any:
        """One that is still without a shape: its layer's own hook will initialise it."""
        made = type(tensor)(tensor.requires_grad, device=device, dtype=tensor.dtype)
        made._convdocs_lazy = self.parameters.get(id(tensor))
        return made

    def _on_meta(self, tensor: Tensor) -> Any:
        if _is_uninitialised(tensor):
            return self._lazy(tensor, META)
        known = self.parameters.get(id(tensor))
        own = layout_of(tensor) if known is None or known.layout is None else known.layout
        if not (own.plain and has_own_kernels(tensor)):
            kind = type(tensor).__name__ + f", {tensor.layout}"
            kind = "quantised" if tensor.is_quantized else kind
            raise NeedsValues(f"a tensor of the model's has no meta kernels ({kind})")
        blank = own.fresh() if self._apart else own.blank
        if type(tensor) is Tensor:
            made = blank.detach()
            if tensor.requires_grad:
                made.requires_grad_()
        else:
            made = torch.Tensor._make_subclass(type(tensor), blank, tensor.requires_grad)
        return self._marked(tensor, made, own)

    def _real(self, tensor: Tensor) -> Any:
        """A copy; tensors that share their memory share it in the copy too."""
        if _is_uninitialised(tensor):
            return self._lazy(tensor, tensor.device)
        with torch.no_grad():
            made = self._copied(tensor)
        if type(tensor) not in (Tensor, type(made)):
            made = torch.Tensor._make_subclass(type(tensor), made)
        return self._marked(tensor, made.requires_grad_(tensor.requires_grad), layout_of(made))

    def _copied(self, tensor: Tensor) -> Tensor:
        plain = tensor.detach()
        if not is_plain(tensor) or tensor.is_meta:
            return plain.clone()
        storage = plain.untyped_storage()
        twin = self._storages.get(storage._cdata)
        if twin is None:
            if storage.nbytes() > plain.numel() * plain.itemsize:
                return plain.clone()  # a piece of something larger
            twin = self._storages[storage._cdata] = storage.clone()  # type: ignore[no-untyped-call]
        made = torch.empty(0, dtype=plain.dtype, device=plain.device)
        return made.set_(twin, plain.storage_offset(), plain.shape, plain.stride())


_NOTHING = Owned([], ())
_USUAL = (Tensor, nn.Parameter)


def _is_uninitialised(tensor: Tensor) -> bool:
    return type(tensor) not in _USUAL and is_lazy(tensor)


def _parameter(path: str, tensor: Tensor, registered: bool = True) -> Parameter:
    own = None if _is_uninitialised(tensor) else layout_of(tensor)
    return Parameter(path, own, tensor.requires_grad, registered)


def _modules_in(value: Any, path: str, depth: int = 3) -> list[tuple[str, nn.Module]]:
    """The modules in nested containers and objects, by where they stand."""
    if isinstance(value, nn.Module):
        return [(path, value)]
    kind: Any = type(value)
    if depth == 0 or kind in ATOMS:
        return []
    inner: list[tuple[str, Any]] = []
    if isinstance(value, list | tuple):
        inner = [(f"{path}[{at}]", one) for at, one in enumerate(value)]
    elif isinstance(value, dict):
        inner = [(f"{path}[{key!r}]", one) for key, one in value.items()]
    elif is_object(kind):
        inner = [(f"{path}.{name}", one) for name, one in attributes(value)]
    return [found for name, one in inner for found in _modules_in(one, name, depth - 1)]
