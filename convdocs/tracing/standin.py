"""A model's stand-in for one run: its modules tell the recorder when they are called.

Only ``forward`` is stood in for: torch's own call machinery runs the model's hooks around it, so
that a hook sees, and may change, what it would in a real run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import itemgetter
from threading import get_ident
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from convdocs.report import Shape
from convdocs.tracing.copier import Copier, Held
from convdocs.tracing.costs import Counter
from convdocs.tracing.kernels import NeedsValues
from convdocs.tracing.memory import (
    INPUT,
    META,
    OWN,
    Layout,
    Mark,
    Parameter,
    add_to_key,
    has_own_kernels,
    is_plain,
    layout_of,
    mark_of,
)
from convdocs.tracing.nested import mapped
from convdocs.tracing.record import Recorder


class Owned(NamedTuple):
    """A module's own parameters, and the layouts of its parameters and buffers."""

    parameters: list[Parameter]
    layouts: tuple[Layout | None, ...]


class StandIn(Copier):
    """A model's stand-in, with what there is to know of its parameters.

    On meta its tensors share what is never written; for gradients they have memory of their own.

    Parameters
    ----------
    model : torch.nn.Module
        The user's own.
    recorder : Recorder
        What the modules tell of their calls.
    apart : bool
        Whether gradients are recorded.
    """

    def __init__(self, model: nn.Module, recorder: Recorder, *, apart: bool = False) -> None:
        super().__init__()
        self.model = model
        self.recorder = recorder
        self.parameters: dict[int, Parameter] = {}  # by the id of the user's own
        self.owned: dict[int, Owned] = {}  # by the id of the user's module
        self.late = not (recorder.values or apart)
        self._apart = apart
        self._maker = OWN
        self._paths: dict[int, str] = {}  # of parameters of layers that are no part of the model
        self._storages: dict[int, Any] = {}
        buffers: dict[int, int] = {}
        self.enter(model, "")
        for module, _, path in self.modules:
            self._read(module, path, buffers)
        self.buffer_bytes = sum(buffers.values())
        self.twin: nn.Module = self.copy(model)

    def given(self, value: Any) -> Any:
        """The stand-in of an argument, whose tensors are inputs."""
        self._maker = INPUT
        made = self.copy(value)
        self._maker = OWN
        return made

    def fill(self, module: nn.Module, made: nn.Module, path: str) -> None:
        """Give a module's copy its attributes, and what tells the recorder of its calls."""
        if id(module) not in self.owned:
            for name, one in module._parameters.items():
                self._paths[id(one)] = f"{path}.{name}"
        super().fill(module, made, path)
        own = made.__dict__
        own["forward"] = Forward(made, module, path, self)
        if own.get("_compiled_call_impl") is not None:
            own["_compiled_call_impl"] = None

    def forget(self) -> None:
        """Undo the circles: the copies are gone at once and not when garbage is collected."""
        for _, made, _ in self.modules:
            made.__dict__.clear()

    def _read(self, module: nn.Module, path: str, buffers: dict[int, int]) -> None:
        """Note a module's parameters, and the bytes of its buffers."""
        own, held = module._parameters, module._buffers
        if isinstance(module, torch.jit.ScriptModule):
            own, held = dict(module.named_parameters()), dict(module.named_buffers())
        parameters: list[Parameter] = []
        layouts: list[Layout | None] = []
        for name, one in own.items():
            known = None
            if one is not None:
                known = self.parameters.get(id(one))
                if known is None:
                    lead = f"{path}." if path else ""
                    known = self.parameters[id(one)] = _parameter(lead + name, one)
                parameters.append(known)
            layouts.append(None if known is None else known.layout)
        for buffer in held.values():
            layout = None if buffer is None or _is_uninitialised(buffer) else layout_of(buffer)
            layouts.append(layout)
            if layout is not None:
                buffers[id(buffer)] = layout.nbytes
        self.owned[id(module)] = Owned(parameters, tuple(layouts))

    def tensor(self, value: Any) -> Any:
        """The stand-in of a tensor; one without a shape will get it from its layer's own hook."""
        values = self.recorder.values
        if _is_uninitialised(value):
            device = value.device if values else META
            made = type(value)(value.requires_grad, device=device, dtype=value.dtype)
            made._convdocs_lazy = self.parameters.get(id(value))
            return made
        known = self.parameters.get(id(value))
        if known is None and isinstance(value, nn.Parameter):
            known = _parameter(self._paths.get(id(value), ""), value, registered=False)
        if values:
            made = self._real(value)
            own = layout_of(made)
        else:
            own = known.layout if known is not None and known.layout else layout_of(value)
            made = self._on_meta(value, own)
        made._convdocs_mark = Mark(own, self._maker, 0, () if known is None else (known,))
        return made

    def _on_meta(self, tensor: Tensor, own: Layout) -> Any:
        if not (own.plain and has_own_kernels(tensor)):
            kind = type(tensor).__name__ + f", {tensor.layout}"
            kind = "quantised" if tensor.is_quantized else kind
            raise NeedsValues(f"a tensor of the model's has no meta kernels ({kind})")
        blank = own.fresh() if self._apart else own.blank
        if type(tensor) is not Tensor:
            return torch.Tensor._make_subclass(type(tensor), blank, tensor.requires_grad)
        return blank.detach().requires_grad_(tensor.requires_grad)

    def _real(self, tensor: Tensor) -> Any:
        """A copy; tensors that share their memory share it in the copy too."""
        with torch.no_grad():
            made = self._copied(tensor)
        if type(tensor) not in (Tensor, type(made)):
            made = torch.Tensor._make_subclass(type(tensor), made)
        return made.requires_grad_(tensor.requires_grad)

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


_USUAL = (Tensor, nn.Parameter)


def _is_uninitialised(tensor: Tensor) -> bool:
    return type(tensor) not in _USUAL and is_lazy(tensor)


def _parameter(path: str, tensor: Tensor, registered: bool = True) -> Parameter:
    own = None if _is_uninitialised(tensor) else layout_of(tensor)
    return Parameter(path, own, tensor.requires_grad, registered)


class Forward:
    """The ``forward`` of one module of a stand-in; ``original`` is the user's own module."""

    __slots__ = ("known", "module", "original", "path", "recorder", "replaced", "script", "standin")

    def __init__(self, module: Any, original: Any, path: str, standin: StandIn) -> None:
        self.module = module
        self.original = original
        self.path = path
        self.standin = standin
        self.recorder = standin.recorder
        self.known: Owned | None = None  # of the tensors, as long as nobody looked at them
        self.script = isinstance(module, torch.jit.ScriptModule)  # its forward is no Python
        # by somebody, on this one alone; a script's is no function of its class
        self.replaced = module.forward if self.script else module.__dict__.get("forward")

    def __deepcopy__(self, memo: dict[int, Any]) -> Forward:
        """The same for a copy that the model makes of one of its modules."""
        module = memo.get(id(self.module), self.module)
        twin = Forward(module, self.original, self.path, self.standin)
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
        if self.replaced is None and is_leaf(module):
            return recorder.run_layer(self, self.run, args, kwargs)
        if self.script:
            name = self.path or type(module).__name__
            recorder.notes[f"{name} is a script: nothing inside it is shown"] = None
            return recorder.run_layer(self, self._run_script, args, kwargs)
        dynamo = sys.modules.get("torch._dynamo")  # not loaded before something is compiled
        if dynamo is not None and isinstance(module, dynamo.OptimizedModule):
            recorder.notes["compiled: shown as the module that was compiled"] = None
            return module._orig_mod(*args, **kwargs)
        return recorder.run_container(self.path, module, self.run, args, kwargs)

    def _run_script(self, *args: Any, **kwargs: Any) -> Any:
        """Run a script; on shapes with zeros, since it is no Python that could be followed."""
        recorder = self.recorder
        with torch._C.DisableTorchFunction():
            if not recorder.values:
                device = recorder.device
                args, kwargs = mapped((args, kwargs), lambda t: torch.zeros_like(t, device=device))
            try:
                with Counter() as counter:
                    out = self.replaced(*args, **kwargs)
            except Exception:  # in torch's own words, which a script under a counter loses
                out = self.replaced(*args, **kwargs)
            recorder.count_inside(counter)
            return out if recorder.values else mapped(out, lambda t: t.to(META))

    def key(
        self, args: Any, kwargs: Any, marks: list[Mark], stranger: Callable[[Tensor], Mark]
    ) -> Any:
        """What distinguishes this call of a layer of torch.nn; None where that cannot be said."""
        kept, cls = self.module.__dict__, type(self.module)
        if kept["_modules"]:
            return None
        if cls not in _SETTINGS:
            own = cls.__module__.startswith("torch.nn.modules.")
            _SETTINGS[cls] = itemgetter(*_settings_in(kept)) if own else None
        settings = _SETTINGS[cls]
        if settings is None:
            return None
        try:
            parts = [cls, settings(kept), self._layouts()]
        except KeyError:  # the first one of its class had more attributes
            del _SETTINGS[cls]
            return self.key(args, kwargs, marks, stranger)
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
        known = self.standin.owned.get(id(self.original)) if self.script else self.known
        if known is not None:
            return known.parameters
        return [one for _, one in self._found()]

    def _found(self) -> Iterator[tuple[str, Parameter]]:
        for name, tensor in nn.Module.named_parameters(self.module):
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


_SETTINGS: dict[type, Callable[[Any], Any] | None] = {}  # reads them; None: not torch's own


def _settings_in(kept: dict[str, Any]) -> list[str]:
    return ["training", *[n for n in kept if n[0] != "_" and n not in ("training", "forward")]]


def original(module: nn.Module) -> nn.Module:
    """The user's own module that a run's stand-in stands for."""
    forward = module.__dict__.get("forward")
    return forward.original if isinstance(forward, Forward) else module


_OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is shown as one call: a layer of torch.nn that calls no other module."""
    cls: Any = type(module)
    if not _is_torchs_layer(cls):
        return False
    inner = module._modules
    return (
        not inner
        or inner.keys() == {"parametrizations"}
        or isinstance(module, nn.MultiheadAttention)
    )


@lru_cache(maxsize=1024)
def _is_torchs_layer(cls: Any) -> bool:
    """Whether a class's forward is torch's own and is not there to call other modules."""
    home = cls.forward.__module__ or ""
    return home.startswith(("torch.nn.", "torch.ao.")) and not issubclass(cls, _OPENED)
