"""Runs a model and writes down each call: on shapes alone, or on real tensors.

A recorder is a TorchFunctionMode, so that every torch function the model calls passes through
it, and for the time of the run it stands in for each module's ``forward`` to know the paths.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convdocs.tracing import flow, functions
from convdocs.tracing.nodes import OUTPUT, Node, mapped, tensors_in
from convdocs.tracing.replay import raised_for_real
from convdocs.tracing.rules import BOOK, Answer, Mark, facts

META = torch.device("meta")


class NeedsValues(BaseException):
    """The model's Python looked at a value; not an Exception, so that no model catches it."""


class Recorder(TorchFunctionMode):
    """Records every call of one run.

    Parameters
    ----------
    device : torch.device
        What tensors of the run say their device is: the model's own.
    """

    executed = "values"

    def __init__(self, device: torch.device) -> None:
        super().__init__()
        self.device = device
        self.nodes: list[Node] = []
        self.path = ""
        self.leaf: Node | None = None
        self.failed: tuple[BaseException, Node] | None = None
        self.thread = get_ident()

    # -- functions

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        rule = BOOK.functions.get(func)
        if rule is None:
            if func in functions.PLAIN_READS:
                return func(*args, **kwargs)
            if func in functions.DEVICE_READS:
                return functions.DEVICE_READS[func](self.device)
        return self._record(func, args, kwargs, rule)

    def _record(self, func: Any, args: Any, kwargs: dict[str, Any], rule: Any) -> Any:
        inputs = tuple(tensors_in((args, kwargs)))
        node = Node(self.path, None, functions.name(func), tuple(facts(t) for t in inputs))
        answer = self._ask(rule, args, kwargs)
        try:
            out = self._execute(func, args, kwargs, answer)
        except Exception as error:
            self._note_failure(error, node, lambda: functions.text(func, args, kwargs))
            raise
        outputs = tuple(tensors_in(out))
        if not outputs:
            return out
        if not inputs:
            for tensor in outputs:
                self._mark(tensor, -2)
            return out
        if answer is not None:
            node.flow, node.windows, node.macs = answer.flow, answer.windows, answer.macs
        if self.leaf is None:
            node.text = functions.text(func, args, kwargs)
            node.parameters = tuple(t for t in inputs if isinstance(t, nn.Parameter))
        self._append(node, inputs, outputs)
        return out

    @staticmethod
    def _ask(rule: Any, args: Any, kwargs: dict[str, Any]) -> Answer | None:
        if rule is None:
            return None
        try:
            answer: Answer | None = rule(*args, **kwargs)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            return None  # not a call that the function takes; torch will say so
        return answer

    def _append(self, node: Node, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> None:
        number = len(self.nodes)
        node.leaf = self.leaf
        self.nodes.append(node)
        marks = []
        for place, tensor in enumerate(outputs):
            if not hasattr(tensor, "_convdocs_mark") and any(tensor is one for one in inputs):
                marks.append(facts(tensor))  # one of the model's own tensors, written in place
            else:
                marks.append(self._mark(tensor, number + place * OUTPUT))
        node.outputs = tuple(marks)

    @staticmethod
    def _mark(tensor: Tensor, source: int) -> Mark:
        mark = Mark(source, tuple(tensor.shape), tensor.dtype, tensor.is_contiguous())
        tensor._convdocs_mark = mark  # type: ignore[attr-defined]
        return mark

    def _execute(self, func: Any, args: Any, kwargs: dict[str, Any], answer: Answer | None) -> Any:
        return func(*args, **kwargs)

    def _note_failure(self, error: Exception, node: Node, text: Callable[[], str] = str) -> None:
        if self.leaf is None and (self.failed is None or self.failed[0] is not error):
            node.text = text()
            self.failed = (error, node)

    # -- modules

    def stand_in(self, module: nn.Module, path: str) -> Callable[..., Any]:
        """What to call in place of ``module.forward`` during the run."""
        original = module.forward
        if is_leaf(module):
            return self._leaf_forward(module, path, original)
        return self._inner_forward(module, path, original)

    def _inner_forward(
        self, module: nn.Module, path: str, original: Callable[..., Any]
    ) -> Callable[..., Any]:
        def forward(*args: Any, **kwargs: Any) -> Any:
            if get_ident() != self.thread:
                return original(*args, **kwargs)
            outer, self.path = self.path, path
            try:
                return original(*args, **kwargs)
            except Exception as error:
                inputs = tuple(facts(one) for one in tensors_in((args, kwargs)))
                self._note_failure(error, Node(path, module, type(module).__name__, inputs))
                raise
            finally:
                self.path = outer

        return forward

    def _leaf_forward(
        self, module: nn.Module, path: str, original: Callable[..., Any]
    ) -> Callable[..., Any]:
        def forward(*args: Any, **kwargs: Any) -> Any:
            if get_ident() != self.thread or self.leaf is not None:
                return original(*args, **kwargs)
            return self._run_leaf(module, path, original, args, kwargs)

        return forward

    def _run_leaf(
        self,
        module: nn.Module,
        path: str,
        original: Callable[..., Any],
        args: Any,
        kwargs: dict[str, Any],
    ) -> Any:
        with torch._C.DisableTorchFunction():
            inputs = tuple(tensors_in((args, kwargs)))
            node = Node(path, module, type(module).__name__, tuple(facts(t) for t in inputs))
        self.leaf = node
        try:
            out = original(*args, **kwargs)
        except Exception as error:
            self.leaf = None
            self._note_failure(error, node)
            raise
        finally:
            self.leaf = None
        with torch._C.DisableTorchFunction():
            return self._finish_leaf(node, inputs, out)

    def _finish_leaf(self, node: Node, inputs: tuple[Tensor, ...], out: Any) -> Any:
        passed = [one for one in inputs if one is out]
        if passed and facts(out).source == node.inputs[0].source:
            out = out.detach()  # a layer that hands on its input; the input keeps its own source
            node.flow = flow.same
            self._mark(out, len(self.nodes))
        node.outputs = tuple(facts(one) for one in tensors_in(out))
        self.nodes.append(node)
        return out


class ShapeRecorder(Recorder):
    """Records a run on shapes: no arithmetic is done and no memory taken.

    Every tensor the model sees lies on torch's meta device; parameters and other real tensors
    are replaced in each call, so that nothing is ever written into them.
    """

    executed = "shapes"

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._stand_ins: dict[int, tuple[Tensor, Tensor]] = {}

    def on_meta(self, tensor: Tensor) -> Tensor:
        """The tensor itself if the run made it; for a real one its stand-in on meta."""
        if hasattr(tensor, "_convdocs_mark"):
            return tensor
        known = self._stand_ins.get(id(tensor))
        if known is None:
            made = torch.empty_strided(
                tensor.shape, tensor.stride(), dtype=tensor.dtype, device=META
            )
            known = self._stand_ins[id(tensor)] = (tensor, made)
            self._mark(made, -2)
        return known[1]

    def _execute(self, func: Any, args: Any, kwargs: dict[str, Any], answer: Answer | None) -> Any:
        if answer is not None and answer.plain:
            if not answer.inplace:
                return torch.empty(answer.shape, dtype=answer.dtype, device=META)
            if hasattr(args[0], "_convdocs_mark"):
                return args[0]
        if func in functions.READ_VALUES:
            raise NeedsValues(functions.name(func))
        args, kwargs = mapped(args, self.on_meta), mapped(kwargs, self.on_meta)
        args, kwargs = functions.moved_to_meta(func, args, kwargs)
        try:
            return func(*args, **kwargs)
        except Exception as error:
            real = raised_for_real(func, args, kwargs)
            if real is None:
                raise NeedsValues(functions.name(func)) from error
            raise real from None

    def _leaf_forward(
        self, module: nn.Module, path: str, original: Callable[..., Any]
    ) -> Callable[..., Any]:
        rule = BOOK.modules.get(type(module))
        if rule is None:
            return super()._leaf_forward(module, path, original)
        kind = type(module).__name__
        nodes, empty, thread = self.nodes, torch.empty, self.thread

        def forward(*args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread or self.leaf is not None:
                return original(*args, **kwargs)
            if len(args) == 1 and not kwargs and (seen := _mark_of(args[0])):
                with torch._C.DisableTorchFunction():
                    answer = self._ask(rule, (module, args[0]), {})
                    if answer is not None and answer.plain:
                        shape, dtype, _, macs, windows, moved, inplace = answer
                        out: Any = args[0] if inplace else empty(shape, dtype=dtype, device=META)
                        node = Node(path, module, kind, (seen,))
                        node.flow, node.macs, node.windows = moved, macs, windows
                        mark = Mark(len(nodes), shape, dtype, True)
                        out._convdocs_mark = mark
                        node.outputs = (mark,)
                        nodes.append(node)
                        return out
            return self._run_leaf(module, path, original, args, kwargs)

        return forward


def _mark_of(value: Any) -> Mark | None:
    return getattr(value, "_convdocs_mark", None)


_OPENED = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def is_leaf(module: nn.Module) -> bool:
    """Whether a module is shown as one call: a layer of torch.nn that calls no other module."""
    home = type(module).forward.__module__ or ""
    if not home.startswith(("torch.nn.", "torch.ao.")) or isinstance(module, _OPENED):
        return False
    if isinstance(module, nn.MultiheadAttention):
        return True
    return all(name == "parametrizations" for name in module._modules)
