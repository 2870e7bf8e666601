"""What stands in for each module's ``forward`` in a run, and tells the recorder where it is.

Only ``forward`` is stood in for: torch's own call machinery runs the model's hooks around it, so
that a hook sees, and may change, what it would in a real run.
"""

from __future__ import annotations

import sys
from functools import lru_cache
from threading import get_ident
from typing import Any

import torch
from torch import nn

from convdocs.layers import layer_class
from convdocs.tracing.memory import META, Answer
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.record import Node, Recorder

_OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Forward:
    """The ``forward`` of one module of a stand-in; ``original`` is the user's own module."""

    __slots__ = ("module", "original", "path", "recorder", "replaced", "script")

    def __init__(self, module: Any, original: Any, path: str, recorder: Recorder) -> None:
        self.module = module
        self.original = original
        self.path = path
        self.recorder = recorder
        self.script = is_script(module)
        # by somebody, on this one alone; a script's is no function of its class
        self.replaced = module.forward if self.script else module.__dict__.get("forward")

    def __deepcopy__(self, memo: dict[int, Any]) -> Forward:
        """The same for a copy that the model makes of one of its modules."""
        twin = Forward.__new__(Forward)
        twin.module = memo.get(id(self.module), self.module)
        twin.original, twin.path = self.original, self.path
        twin.recorder, twin.replaced, twin.script = self.recorder, self.replaced, self.script
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
            return _run_script(self, recorder, args, kwargs)
        if self.replaced is None and is_leaf(module):
            return recorder.run_layer(self.path, module, self.run, args, kwargs)
        if is_compiled(module):
            recorder.notes["compiled: shown as the module that was compiled"] = None
            return module._orig_mod(*args, **kwargs)
        outer, recorder.path = recorder.path, self.path
        span, out = recorder.enter(self.path, layer_class(module).__name__), None
        try:
            out = self.run(*args, **kwargs)
        except Exception as error:
            marks = tuple(map(recorder.mark_of, tensors_in((args, kwargs))))
            answer = Answer(type(module).__name__, tuple([one.layout for one in marks]))
            recorder.note_failure(error, Node(self.path, module, marks, answer))
            raise
        finally:
            recorder.path = outer
            recorder.leave(span, out)
        return out


def original(module: nn.Module) -> nn.Module:
    """The user's own module that a run's stand-in stands for.

    Examples
    --------
    >>> layer = nn.Linear(2, 2)
    >>> original(layer) is layer
    True
    """
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
    """Whether a module is shown as one call: a layer of torch.nn that calls no other module.

    Examples
    --------
    >>> is_leaf(nn.Conv1d(1, 1, 3)), is_leaf(nn.Sequential()), is_leaf(nn.MultiheadAttention(4, 2))
    (True, False, True)
    """
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


def _run_script(forward: Forward, recorder: Recorder, args: Any, kwargs: Any) -> Any:
    """Run a script; on shapes with zeros, since it is no Python that could be followed."""
    module, name = forward.module, forward.path or type(forward.module).__name__
    recorder.notes[f"{name} is a script: nothing inside it is shown"] = None

    def run(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            if recorder.executed != "shapes":
                return forward.replaced(*args, **kwargs)
            parts = mapped((args, kwargs), lambda t: torch.zeros_like(t, device=recorder.device))
            return mapped(forward.replaced(*parts[0], **parts[1]), lambda t: t.to(META))

    return recorder.run_layer(forward.path, module, run, args, kwargs, "not counted: a script")
