"""What stands in for each module's ``forward`` during a run, and tells the recorder the path.

Only ``forward`` is stood in for: torch's own call machinery runs the model's hooks around it, so
that a hook sees, and may change, what it would in a real run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import get_ident
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.layers import layer_class
from convdocs.tracing import flow
from convdocs.tracing.guard import attributes_kept, values_kept
from convdocs.tracing.lazy import initialised_twin, is_lazy, without_lazy_hooks
from convdocs.tracing.nodes import OUTPUT, Node, mapped, tensors_in
from convdocs.tracing.recorder import META, Recorder, ShapeRecorder, asked, mark
from convdocs.tracing.rules import BOOK, Answer, Mark, Rule, facts

Forward = Callable[..., Any]

_OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_COMPILED = torch._dynamo.OptimizedModule if hasattr(torch, "_dynamo") else ()


@contextmanager
def listening(paths: dict[str, nn.Module], recorder: Recorder) -> Iterator[None]:
    """Tell ``recorder`` of every module's call; afterwards the modules are as they were."""
    added = [module.__dict__ for module in paths.values() if "forward" not in module.__dict__]
    with attributes_kept(list(paths.values())):
        try:
            for path, module in paths.items():
                own = module.__dict__
                own["forward"] = _stand_in(module, path, recorder)
                if "_compiled_call_impl" in own:
                    own["_compiled_call_impl"] = None
            yield
        finally:
            for own in added:
                own.pop("forward", None)


def walk(model: nn.Module) -> dict[str, nn.Module]:
    """Every module once, by its path; what is inside a script stays inside."""
    seen = set()
    found = {}
    waiting = [("", model)]
    while waiting:
        path, module = waiting.pop()
        if id(module) in seen:
            continue
        seen.add(id(module))
        found[path] = module
        inner = module._modules
        if inner and not is_script(module):
            lead = f"{path}." if path else ""
            waiting += [(lead + n, m) for n, m in reversed(inner.items()) if m is not None]
    return found


def is_script(module: nn.Module) -> bool:
    """Whether torch.jit made the module, so that its forward is not Python."""
    return isinstance(module, torch.jit.ScriptModule)


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


def _stand_in(module: nn.Module, path: str, recorder: Recorder) -> Forward:
    rule = BOOK.modules.get(type(module))
    replaced = "forward" in module.__dict__  # by somebody, on this one alone
    if rule is not None and not replaced and isinstance(recorder, ShapeRecorder):
        return _Ruled(module, path, recorder, rule)
    if is_script(module):
        return _script(module, path, recorder)
    if isinstance(module, _COMPILED):
        return _compiled(module, recorder)
    if replaced:
        return _opened(module, path, recorder)
    if is_lazy(module):
        return _lazy(module, path, recorder)
    return (_leaf if is_leaf(module) else _opened)(module, path, recorder)


def _opened(module: nn.Module, path: str, recorder: Recorder) -> Forward:
    original = module.forward
    kind = layer_class(module).__name__

    def forward(*args: Any, **kwargs: Any) -> Any:
        if get_ident() != recorder.thread:
            return original(*args, **kwargs)
        outer, recorder.path = recorder.path, path
        span = None if recorder.leaf else recorder.enter(path, kind)
        out = None
        try:
            out = original(*args, **kwargs)
        except Exception as error:
            inputs = tuple(map(facts, tensors_in((args, kwargs))))
            recorder.note_failure(error, Node(path, module, type(module).__name__, inputs))
            raise
        finally:
            recorder.path = outer
            if span is not None:
                with torch._C.DisableTorchFunction():
                    recorder.leave(span, out)
        return out

    return forward


def _leaf(module: nn.Module, path: str, recorder: Recorder) -> Forward:
    original = module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        if get_ident() != recorder.thread or recorder.leaf is not None:
            return original(*args, **kwargs)
        return run_leaf(module, path, recorder, original, args, kwargs)

    return forward


class _Ruled:
    """A leaf whose rule knows its output without running torch's Python, where that is plain."""

    __slots__ = ("kind", "module", "path", "recorder", "rule")

    def __init__(self, module: nn.Module, path: str, recorder: ShapeRecorder, rule: Rule) -> None:
        self.module = module
        self.path = path
        self.recorder = recorder
        self.rule = rule
        self.kind = type(module).__name__

    @property
    def original(self) -> Forward:
        """The forward of the module's class, which this stands in for."""
        forward: Forward = MethodType(type(self.module).forward, self.module)
        return forward

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        recorder, module = self.recorder, self.module
        if get_ident() != recorder.thread or recorder.leaf is not None:
            return self.original(*args, **kwargs)
        seen = getattr(args[0], "_convdocs_mark", None) if len(args) == 1 and not kwargs else None
        if seen is not None:
            with torch._C.DisableTorchFunction():
                answer = asked(self.rule, module, args[0])
                if answer is not None and answer.plain:
                    return self._written_down(seen, args[0], answer)
        return run_leaf(module, self.path, recorder, self.original, args, kwargs)

    def _written_down(self, seen: Mark, x: Tensor, answer: Answer) -> Tensor:
        shape, dtype, _, _, macs, windows, moved, inplace = answer
        nodes = self.recorder.nodes
        out = x if inplace else self.recorder.blank(shape, dtype)
        made = Mark(len(nodes), shape, dtype, True)
        out._convdocs_mark = made  # type: ignore[attr-defined]
        nodes.append(
            Node(self.path, self.module, self.kind, (seen,), moved, macs, windows, (made,))
        )
        return out


def _lazy(module: nn.Module, path: str, recorder: Recorder) -> Forward:
    without_lazy_hooks(module)

    def forward(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            device = META if recorder.executed == "shapes" else recorder.device
            twin = initialised_twin(module, args, device)
        return run_leaf(module, path, recorder, twin.forward, args, kwargs)

    return forward


def _script(module: nn.Module, path: str, recorder: Recorder) -> Forward:
    original = module.forward

    def on_zeros(*args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction(), values_kept(list(module.modules())):
            parts = mapped((args, kwargs), lambda t: torch.zeros_like(t, device=recorder.device))
            out = original(*parts[0], **parts[1])
            return mapped(out, lambda t: t.to(META)) if recorder.executed == "shapes" else out

    def forward(*args: Any, **kwargs: Any) -> Any:
        name = path or type(module).__name__
        recorder.notes[f"{name} is a script: nothing inside it is shown"] = None
        run = on_zeros if recorder.executed == "shapes" else original
        return run_leaf(module, path, recorder, run, args, kwargs, note="not counted: a script")

    return forward


def _compiled(module: Any, recorder: Recorder) -> Forward:
    def forward(*args: Any, **kwargs: Any) -> Any:
        recorder.notes["compiled: shown as the module that was compiled"] = None
        return module._orig_mod(*args, **kwargs)

    return forward


def run_leaf(
    module: nn.Module,
    path: str,
    recorder: Recorder,
    run: Forward,
    args: Any,
    kwargs: dict[str, Any],
    note: str = "",
) -> Any:
    """Run a leaf module's forward; the functions it calls are written down as its own."""
    with torch._C.DisableTorchFunction():
        inputs = tensors_in((args, kwargs))
        node = Node(path, module, layer_class(module).__name__, tuple(map(facts, inputs)))
    recorder.leaf = node
    try:
        out = run(*args, **kwargs)
    except Exception as error:
        recorder.leaf = None
        recorder.note_failure(error, node)
        raise
    finally:
        recorder.leaf = None
    with torch._C.DisableTorchFunction():
        if note:
            node.macs, node.note = None, note
        return _finished(node, recorder, inputs, out)


def _finished(node: Node, recorder: Recorder, inputs: list[Tensor], out: Any) -> Any:
    number = len(recorder.nodes)
    if any(out is one for one in inputs) and facts(out).source == node.inputs[0].source:
        out = out.detach()  # a layer that hands on its input, which keeps its own source
        node.flow = flow.same
        mark(out, number)
    for place, one in enumerate(tensors_in(out)):
        if not hasattr(one, "_convdocs_mark") and not isinstance(one, nn.Parameter):
            mark(one, number + place * OUTPUT)
    node.outputs = tuple(map(facts, tensors_in(out)))
    recorder.nodes.append(node)
    return out
