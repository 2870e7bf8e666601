"""Runs a model and writes down each call: on shapes alone, or on real tensors.

A recorder is a TorchFunctionMode, so that every torch function the model calls passes through
it. Which module a call belongs to it learns from :mod:`convdocs.tracing.modules`.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convdocs.layers import function_settings
from convdocs.report import Shape
from convdocs.tracing import functions
from convdocs.tracing.costs import Counter
from convdocs.tracing.nodes import OUTPUT, Node, mapped, tensors_in
from convdocs.tracing.replay import raise_for_real, refused_at_once
from convdocs.tracing.rules import BOOK, CONSTANT, FLOATS, Answer, Mark, Rule, facts
from convdocs.tracing.tree import Span

META = torch.device("meta")


class NeedsValues(BaseException):
    """The model's Python looked at a value; not an Exception, so that no model catches it."""

    def __init__(self, function: Any) -> None:
        super().__init__(functions.name(function))
        self.gradient = function in functions.NEED_GRADIENT


class Recorder(TorchFunctionMode):
    """Records every call of one run on real tensors.

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
        self.path = ""  # of the module whose forward is running
        self.leaf: Node | None = None  # the leaf module that is running
        self.failed: tuple[BaseException, Node] | None = None
        self.notes: dict[str, None] = {}
        self.thread = get_ident()
        self.spans: list[Span] = []
        self.open = 0  # containers that are running

    def enter(self, path: str, kind: str) -> Span:
        """Note that a container's forward begins."""
        span = Span(path, kind, self.open, len(self.nodes))
        self.spans.append(span)
        self.open += 1
        return span

    def leave(self, span: Span, out: Any) -> None:
        """Note that it ends, with what came out."""
        self.open = span.depth
        span.end = len(self.nodes)
        span.outputs = tuple(map(facts, tensors_in(out)))

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
        inputs = tensors_in((args, kwargs) if kwargs else args)
        node = Node(self.path, None, functions.name(func), tuple(map(facts, inputs)))
        answer = asked(rule, *args, **kwargs)
        try:
            out = self._execute(func, args, kwargs, answer, node)
        except Exception as error:
            self.note_failure(error, node, lambda: functions.text(func, args, kwargs))
            raise
        outputs = tensors_in(out)
        if not outputs:
            return out
        if all(one.source == CONSTANT for one in node.inputs):
            self._mark_constants(node, inputs, outputs)
            return out
        if answer is not None:
            node.flow, node.windows, node.macs = answer.flow, answer.windows, answer.macs
        if self.leaf is None:
            node.text = functions.text(func, args, kwargs)
            node.settings = function_settings(func, args, kwargs)
            node.parameters = parameters_behind(node)
        self._append(node, inputs, outputs)
        return out

    def _mark_constants(self, node: Node, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        """What is worked out from parameters alone is no call: no input of the model is in it."""
        behind = parameters_behind(node)
        for tensor in outputs:
            if not any(tensor is one for one in inputs):
                mark(tensor, CONSTANT, behind)

    def _append(self, node: Node, inputs: list[Tensor], outputs: list[Tensor]) -> None:
        number = len(self.nodes)
        node.leaf = self.leaf
        self.nodes.append(node)
        # the model's own tensors, written in place, are not marked
        node.outputs = tuple(
            facts(tensor)
            if not hasattr(tensor, "_convdocs_mark") and any(tensor is one for one in inputs)
            else mark(tensor, number + place * OUTPUT)
            for place, tensor in enumerate(outputs)
        )

    def _execute(
        self, func: Any, args: Any, kwargs: dict[str, Any], answer: Answer | None, node: Node
    ) -> Any:
        if answer is not None:
            return func(*args, **kwargs)
        with Counter() as counter:
            out = func(*args, **kwargs)
        node.macs, node.note = counter.macs, counter.note
        self._recount(func, args, kwargs, node)
        return out

    def _recount(self, func: Any, args: Any, kwargs: dict[str, Any], node: Node) -> None:
        """Count on meta where that works, as a run on shapes does: a CPU has kernels of its own."""
        counter = Counter()
        args, kwargs = mapped((args, kwargs), lambda tensor: tensor.detach().to(META))
        args, kwargs = functions.moved_to_meta(func, args, kwargs)
        try:
            with counter:
                func(*args, **kwargs)
        except Exception:
            return
        else:
            node.macs, node.note = counter.macs, counter.note

    def note_failure(
        self, error: Exception, node: Node, text: Callable[[], str] | None = None
    ) -> None:
        """Keep the innermost call that ``error``, or the error it came of, passed through."""
        if self.leaf is not None:
            return  # the leaf itself is the call that failed
        if self.failed is not None and self.failed[0] in _chain(error):
            self.failed = (error, self.failed[1])
            return
        if text is not None:
            with torch._C.DisableTorchFunction():
                node.text = text()
        self.failed = (error, node)


def asked(rule: Rule | None, /, *args: Any, **kwargs: Any) -> Answer | None:
    """What a rule says about a call, if there is a rule and it can say anything."""
    if rule is None:
        return None
    try:
        return rule(*args, **kwargs)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None  # settings or an input that torch refuses too, in its own words


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what it was raised from, and so on."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


def parameters_behind(node: Node) -> tuple[nn.Parameter, ...]:
    """The parameters among a call's inputs, and those that its constants were made of."""
    behind = [p for one in node.inputs for p in one.parameters]
    return tuple(dict.fromkeys(behind)) if behind else ()


def mark(tensor: Tensor, source: int, parameters: tuple[nn.Parameter, ...] = ()) -> Mark:
    """Write on a tensor where it came from."""
    plain = tensor.is_contiguous()
    made = Mark(source, tuple(tensor.shape), tensor.dtype, plain, parameters)
    tensor._convdocs_mark = made  # type: ignore[attr-defined]
    return made


class ShapeRecorder(Recorder):
    """Records a run on shapes: no arithmetic is done and no memory taken.

    Every tensor the model sees lies on torch's meta device; parameters and other real tensors
    are replaced in each call, so that nothing is ever written into them.
    """

    executed = "shapes"

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._stand_ins: dict[int, tuple[Tensor, Tensor]] = {}
        self._blanks: dict[tuple[Shape, torch.dtype], Tensor] = {}

    def blank(self, shape: Shape, dtype: torch.dtype) -> Tensor:
        """A contiguous tensor on meta; another view of one is made quicker than one anew."""
        known = self._blanks.get((shape, dtype))
        if known is None:
            known = torch.empty(shape, dtype=dtype, device=META)
            self._blanks[shape, dtype] = known
        return known.detach()

    def on_meta(self, tensor: Tensor) -> Tensor:
        """The tensor itself if the run made it; for a real one its stand-in on meta."""
        if hasattr(tensor, "_convdocs_mark"):
            return tensor
        known = self._stand_ins.get(id(tensor))
        if known is None:
            known = self._stand_ins[id(tensor)] = (tensor, like(tensor))
            mark(known[1], CONSTANT)
        return known[1]

    def _execute(
        self, func: Any, args: Any, kwargs: dict[str, Any], answer: Answer | None, node: Node
    ) -> Any:
        if answer is not None and answer.plain:
            if not answer.inplace:
                return self.blank(answer.shape, answer.dtype)
            if hasattr(args[0], "_convdocs_mark"):
                return args[0]
        if func in functions.READ_VALUES:
            raise NeedsValues(func)
        args, kwargs = mapped((args, kwargs), self.on_meta)
        args, kwargs = functions.moved_to_meta(func, args, kwargs)
        if _doubtful(func, answer, node) and refused_at_once(node.inputs, answer):
            self._ask_the_cpu(func, args, kwargs, node)
        try:
            if answer is not None:
                return func(*args, **kwargs)
            with Counter() as counter:
                out = func(*args, **kwargs)
        except Exception as error:
            if not _about_meta(error) or refused_at_once(node.inputs, answer):
                self._ask_the_cpu(func, args, kwargs, node)
            raise NeedsValues(func) from error
        node.macs, node.note = counter.macs, counter.note
        return out

    @staticmethod
    def _ask_the_cpu(func: Any, args: Any, kwargs: dict[str, Any], node: Node) -> None:
        try:
            raise_for_real(func, args, kwargs)
        except Exception as error:
            numbers = any(not one.dtype.is_floating_point for one in node.inputs)
            if numbers and func not in BOOK.functions:
                # it may be the zeros, as lengths or indices, that were refused
                raise NeedsValues(func) from None
            raise error from None


def _doubtful(func: Any, answer: Answer | None, node: Node) -> bool:
    """Whether the meta kernel may let pass what the real one refuses."""
    odd = any(0 in one.shape for one in node.inputs)
    if answer is not None:
        return odd or not answer.sound
    return odd or func in BOOK.functions or any(one.dtype not in FLOATS for one in node.inputs)


def _about_meta(error: Exception) -> bool:
    """Whether a kernel failed for want of values rather than for what it was given."""
    return isinstance(error, NotImplementedError) or "meta" in str(error)


def like(tensor: Tensor) -> Tensor:
    """A tensor on meta of the same shape, strides and dtype."""
    if tensor.layout is not torch.strided:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
    strides = tensor.stride()
    made = torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device=META)
    return made.requires_grad_() if tensor.requires_grad and tensor.is_leaf else made
