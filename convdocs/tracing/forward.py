"""What stands in for each module's ``forward`` in a run, and tells the recorder where it is.

Only ``forward`` is stood in for: torch's own call machinery runs the model's hooks around it, so
that a hook sees, and may change, what it would in a real run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.report import Shape
from convdocs.tracing.memory import META, Mark, Parameter, add_to_key, mark_of
from convdocs.tracing.nested import mapped
from convdocs.tracing.record import Recorder
from convdocs.tracing.standin import Held, Owned, StandIn

_OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Forward:
    """The ``forward`` of one module of a stand-in; ``original`` is the user's own module."""

    __slots__ = ("known", "module", "original", "path", "recorder", "replaced", "script", "standin")

    def __init__(self, module: Any, original: Any, standin: StandIn, recorder: Recorder) -> None:
        self.module = module
        self.original = original
        self.standin = standin
        self.path = standin.path_of(original)
        self.recorder = recorder
        self.known: Owned | None = None  # of the tensors, as long as nobody looked at them
        self.script = is_script(module)
        # by somebody, on this one alone; a script's is no function of its class
        self.replaced = module.forward if self.script else module.__dict__.get("forward")

    def __deepcopy__(self, memo: dict[int, Any]) -> Forward:
        """The same for a copy that the model makes of one of its modules."""
        module = memo.get(id(self.module), self.module)
        twin = Forward(module, self.original, self.standin, self.recorder)
        twin.replaced = self.replaced
        return twin

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The module's own forward."""
        if self.replaced is not None:
            return self.replaced(*args, **kwargs)
        return type(self.module).forward(self.module, *args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        recorder, module = self.recorder, self.module
        if get_ident() != recorder.thread:
            recorder = recorder.of_this_thread()
            if not recorder.listening:
                with recorder.heard():
                    return self(*args, **kwargs)
        if recorder.inside is not None:
            return self.run(*args, **kwargs)
        if self.script:
            name = self.path or type(module).__name__
            recorder.notes[f"{name} is a script: nothing inside it is shown"] = None
            return recorder.run_layer(self, self._run_script, args, kwargs, "not counted: a script")
        if self.replaced is None and is_leaf(module):
            return recorder.run_layer(self, self.run, args, kwargs)
        if is_compiled(module):
            recorder.notes["compiled: shown as the module that was compiled"] = None
            return module._orig_mod(*args, **kwargs)
        return recorder.run_container(self.path, module, self.run, args, kwargs)

    def _run_script(self, *args: Any, **kwargs: Any) -> Any:
        """Run a script; on shapes with zeros, since it is no Python that could be followed."""
        with torch._C.DisableTorchFunction():
            if self.recorder.values:
                return self.replaced(*args, **kwargs)
            device = self.recorder.device
            args, kwargs = mapped((args, kwargs), lambda t: torch.zeros_like(t, device=device))
            return mapped(self.replaced(*args, **kwargs), lambda t: t.to(META))

    def key(
        self, args: Any, kwargs: Any, marks: list[Mark], stranger: Callable[[Tensor], Mark]
    ) -> Any:
        """What distinguishes this call of a layer of torch.nn; None where that cannot be said."""
        kept, cls = self.module.__dict__, type(self.module)
        if kept["_modules"]:
            return None
        if cls not in _SETTINGS:
            own = cls.__module__.startswith("torch.nn.modules.")
            _SETTINGS[cls] = _settings_in(kept) if own else None
        names = _SETTINGS[cls]
        if names is None:
            return None
        parts = [cls, kept["training"], *map(kept.get, names), self._layouts()]
        keyed = add_to_key(args, parts, marks, stranger) and (
            not kwargs or add_to_key((kwargs,), parts, marks, stranger)
        )
        return tuple(parts) if keyed else None

    def _layouts(self) -> tuple[Any, ...]:
        """Those of the layer's parameters and buffers."""
        kept = self.module.__dict__
        own, held = kept["_parameters"], kept["_buffers"]
        if _is_untouched(own) and _is_untouched(held):
            self.known = self.standin.owned.get(id(self.original))
            if self.known is not None:
                return self.known.layouts
        tensors = (*own.values(), *held.values())
        return tuple([None if one is None else mark_of(one).layout for one in tensors])

    def owned(self) -> list[Parameter]:
        """The layer's parameters."""
        if self.known is not None:
            return self.known.parameters
        if self.script:
            return [self.standin.parameters[id(one)] for one in self.original.parameters()]
        return [one for _, one in self._found()]

    def _found(self) -> Iterator[tuple[str, Parameter]]:
        for name, tensor in named_parameters(self.module, ""):
            mark = getattr(tensor, "_convdocs_mark", None)
            if mark is not None:
                yield from [(name, one) for one in mark.parameters]
            elif (lazy := getattr(tensor, "_convdocs_lazy", None)) is not None:
                yield name, lazy
            else:  # of a copy that the model made of a layer
                key = id(original(self.module)._parameters.get(name))
                if key in self.standin.parameters:
                    yield name, self.standin.parameters[key]

    def shapes(self) -> tuple[tuple[str, Shape], ...]:
        """The names and the shapes of the layer's parameters."""
        found = () if self.script else self._found()
        return tuple([(name, one.layout.shape) for name, one in found if one.layout])


def _is_untouched(tensors: dict[str, Any]) -> bool:
    """Whether nobody has looked at any of a module's parameters or buffers."""
    return not tensors or (type(tensors) is Held and tensors.copier is not None)


_SETTINGS: dict[type, tuple[str, ...] | None] = {}  # None: not torch's own


def _settings_in(kept: dict[str, Any]) -> tuple[str, ...]:
    return tuple([n for n in kept if n[0] != "_" and n not in ("training", "forward")])


def named_parameters(module: nn.Module, lead: str) -> Iterator[tuple[str, Tensor]]:
    """Those of a layer and of what it is made of."""
    for name, one in module._parameters.items():
        if one is not None:
            yield lead + name, one
    for name, inner in module._modules.items():
        if inner is not None:
            yield from named_parameters(inner, f"{lead}{name}.")


def original(module: nn.Module) -> nn.Module:
    """The user's own module that a run's stand-in stands for."""
    forward = module.__dict__.get("forward")
    return forward.original if isinstance(forward, Forward) else module


def is_script(module: nn.Module) -> bool:
    """Whether torch.jit made the module, so that its forward is not Python."""
    return isinstance(module, torch.jit.ScriptModule)


def is_compiled(module: nn.Module) -> bool:
    """Whether torch.compile made the module, whose part of torch is not loaded before."""
    dynamo = sys.modules.get("torch._dynamo")
    return dynamo is not None and isinstance(module, dynamo.OptimizedModule)


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is shown as one call: a layer of torch.nn that calls no other module."""
    cls: Any = type(module)
    if not _is_torchs_layer(cls):
        return False
    inner = module._modules
    if not inner or inner.keys() == {"parametrizations"}:
        return True
    return isinstance(module, nn.MultiheadAttention)


@lru_cache(maxsize=1024)
def _is_torchs_layer(cls: Any) -> bool:
    """Whether a class's forward is torch's own and is not there to call other modules."""
    home = cls.forward.__module__ or ""
    return home.startswith(("torch.nn.", "torch.ao.")) and not issubclass(cls, _OPENED)
