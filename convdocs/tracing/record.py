"""Runs a model's stand-in and writes down each call, on shapes alone or on real tensors.

A recorder is a TorchFunctionMode, so that every torch function the model calls passes through it;
which layer a call belongs to it learns from the :class:`~convdocs.tracing.forward.Forward` that
each module of the stand-in has for its ``forward``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.overrides import TorchFunctionMode

from convdocs.layers import layer_class
from convdocs.tracing import functions, kernels
from convdocs.tracing.answer import (
    ANSWERS,
    Answer,
    FunctionCall,
    remember,
    replayed,
)
from convdocs.tracing.axes import composed
from convdocs.tracing.costs import Counter
from convdocs.tracing.kernels import NeedsIntegers, NeedsValues
from convdocs.tracing.memory import (
    CONSTANT,
    INPUT,
    OWN,
    Mark,
    Parameter,
    add_to_key,
    is_plain,
    layout_of,
    mark,
    mark_of,
    overwrite,
)
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import PRODUCTS

OnCall = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]


class Node:
    """One call as it happened: of a function, or of a layer."""

    __slots__ = ("answer", "inputs", "layer", "path", "states")

    def __init__(self, path: str, layer: Any, inputs: tuple[Mark, ...], answer: Answer) -> None:
        self.path = path
        self.layer = layer  # what stands for the layer's forward; None for a function
        self.inputs = inputs
        self.answer = answer
        self.states: list[Any] = []  # what the axes of the outputs are, found later


def container_node(path: str, module: nn.Module, marks: list[Mark]) -> Node:
    """What is told of a container whose own code failed."""
    answer = Answer(layer_class(module).__name__, marks)
    answer.describe(module)
    return Node(path, None, tuple(marks), answer)


class Span:
    """One run of a container's forward, in numbers of calls: from ``start`` to before ``end``."""

    __slots__ = ("depth", "end", "kind", "outputs", "path", "start")

    def __init__(self, path: str, kind: str, depth: int, start: int) -> None:
        self.path = path
        self.kind = kind
        self.depth = depth  # how many containers it ran inside of
        self.start = self.end = start
        self.outputs: tuple[Mark, ...] = ()


class Recorder(TorchFunctionMode):
    """Records every call of one run.

    On shapes no arithmetic is done and no memory taken: every tensor lies on torch's meta device,
    and torch is asked once per distinct call.

    Parameters
    ----------
    device : torch.device
        What tensors of the run say their device is: the model's own.
    values : bool
        Run on real tensors.
    on_call : callable, optional
        Called behind each call that is written down, with the module or the function, its
        arguments and its output; then every call is run, on meta too.
    live : bool
        Have every call run, for what follows its tensors.
    """

    def __init__(
        self, device: torch.device, values: bool, on_call: OnCall | None = None, live: bool = False
    ) -> None:
        super().__init__()
        self.device = device
        self.values = values
        self.on_call = on_call
        self.live = values or live or on_call is not None
        self.nodes: list[Node] = []
        self.path = ""  # of the module whose forward is running
        self.inside: list[Node] | None = None  # the calls inside the layer that is running
        self.failed: tuple[BaseException, Node] | None = None
        self.notes: dict[str, None] = {}
        self.thread = get_ident()
        self.transformed = False  # whether vmap or its like handed out tensors of its own
        self.spans: list[Span] = []
        self.depth = 0  # containers that are running
        self.remembers = True  # functions' answers; not inside a layer whose own is remembered
        self.listening = False  # in a thread that the model started
        self.from_shapes = False  # whether the inputs were given as shapes
        self._strangers: dict[int, tuple[Tensor, Mark]] = {}  # parameters that are not the model's
        self._elsewhere: dict[int, Recorder] = {}
        self._foreign: dict[int, tuple[Tensor, Tensor]] = {}  # real tensors, with those on meta

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Record in this thread."""
        self.listening = True
        try:
            with self:
                yield
        finally:
            self.listening = False

    def anew(self) -> Recorder:
        """One like this that has seen nothing yet."""
        made = Recorder(self.device, self.values, self.on_call, self.live)
        made.notes = self.notes
        return made

    def of_this_thread(self) -> Recorder:
        """The recorder of a thread that the model started: it writes into the same lists."""
        own = self._elsewhere.get(get_ident())
        if own is None:
            own = self._elsewhere[get_ident()] = self.anew()
            own.nodes, own.path, own.spans, own.depth = (
                self.nodes, self.path, self.spans, self.depth,
            )  # fmt: skip
        return own

    def run_container(self, path: str, module: nn.Module, run: Any, args: Any, kwargs: Any) -> Any:
        """Run a module that is made of others, and note from which call to which it ran."""
        outer, self.path = self.path, path
        span = Span(path, layer_class(module).__name__, self.depth, len(self.nodes))
        self.spans.append(span)
        self.depth += 1
        out = None
        try:
            out = run(*args, **kwargs)
        except Exception as error:
            marks = [self.mark_of(one) for one in tensors_in((args, kwargs))]
            self.note_failure(error, container_node(path, module, marks))
            raise
        finally:
            self.path, self.depth = outer, span.depth
            span.end = len(self.nodes)
            with torch._C.DisableTorchFunction():
                span.outputs = tuple([self.mark_of(one) for one in tensors_in(out)])
        return out

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in functions.PLAIN_READS or (types and any(map(_is_uninitialised, types))):
            return func(*args, **kwargs)
        if func in functions.DEVICE_READS:
            return functions.DEVICE_READS[func](self.device)
        if func in functions.IGNORED and not self.values:
            return None
        call = FunctionCall(func, args, kwargs)
        key = self._key(call)
        try:
            if not self._live():
                answer = ANSWERS.get(key) if key is not None else None
                if answer is None:
                    return self._asked(call, key)
                node = self._node(answer, call.marks)
                constant = () if node else parameters_behind(call.marks)
                return replayed(answer, node, (args, kwargs), constant)
            return self._run(call, key)
        except Exception as error:
            if self.from_shapes and func in functions.EMBEDDINGS:
                self._needs_integers(call.marks[functions.EMBEDDINGS[func]])
            if self.inside is None:
                self.note_failure(error, Node(self.path, None, tuple(call.marks), call.answer()))
            raise

    def _key(self, call: FunctionCall) -> Any:
        """What distinguishes a function's call, whose marks are found on the way."""
        parts = [call.func]
        if (
            self.remembers
            and call.func not in functions.UNKEYED
            and add_to_key(call.args, parts, call.marks, self.stranger)
            and (not call.kwargs or add_to_key((call.kwargs,), parts, call.marks, self.stranger))
        ):
            if call.func in PRODUCTS:
                parts.append(call.marks[-1].fixed)
            return tuple(parts)
        call.marks = [self.mark_of(one) for one in call.tensors]
        return None

    @staticmethod
    def _needs_integers(index: Mark) -> None:
        """Ask for integers where an input that was given as a shape is looked up in a table."""
        if index.layout.dtype.is_floating_point:
            raise NeedsIntegers(inputs_behind(index)) from None

    def mark_of(self, tensor: Tensor) -> Mark:
        """Where a tensor came from."""
        known: Mark | None = getattr(tensor, "_convdocs_mark", None)
        return self.stranger(tensor) if known is None else known

    def stranger(self, tensor: Tensor) -> Mark:
        """The mark of a tensor that no call seen here made: a constant, or what vmap gives."""
        if self.transformed and self.nodes:
            return mark(tensor, self.nodes[-1], -1)
        if not isinstance(tensor, nn.Parameter):
            return Mark(layout_of(tensor), CONSTANT)
        known = self._strangers.get(id(tensor))
        if known is None:
            own = layout_of(tensor)
            made = Parameter("", own, tensor.requires_grad, registered=False)
            known = self._strangers[id(tensor)] = tensor, Mark(own, CONSTANT, 0, (made,))
        return known[1]

    def _live(self) -> bool:
        """Whether the call has to be run: as asked, for gradients, or in torch's transforms."""
        if torch._C._functorch.peek_interpreter_stack() is not None:
            self.transformed = True
            return True
        return self.live or torch.is_grad_enabled()

    def _asked(self, call: FunctionCall, key: Any) -> Any:
        """Ask torch, and remember its answer for the next call that is the same."""
        call.change(self.on_meta)
        out, *cost = kernels.asked(call)
        answer, out = self._written_down(call, out, cost)
        if key is not None and answer is not None and call.func is not Tensor.__setitem__:
            pairs = zip(call.tensors, call.marks, strict=True) if call.in_place else ()
            if all(layout_of(one) is own.layout for one, own in pairs):  # not resize_ or t_
                _remember(key, answer, out, call.tensors)
        return out

    def _run(self, call: FunctionCall, key: Any) -> Any:
        """Run the function, and tell of it as a run on shapes would."""
        answer, cost = None, [0, ""]
        if self.values:
            answer = self._foreseen(call, key)
        else:
            call.change(self.on_meta)
            if call.func in functions.READ_VALUES:
                raise NeedsValues(call.func)
            call.args, call.kwargs = functions.moved_to_meta(call.func, call.args, call.kwargs)
        try:
            if answer is not None:
                out = call.func(*call.args, **call.kwargs)
            else:
                with Counter() as counter:
                    out = call.func(*call.args, **call.kwargs)
                cost = [counter.macs, counter.note]
        except NotImplementedError:
            if self.values:
                raise
            raise NeedsValues(call.func) from None
        return self._written_down(call, out, cost, answer)[1]

    def _foreseen(self, call: FunctionCall, key: Any) -> Answer | None:
        """What the same call gives on shapes, so that both runs say the same of it."""
        transformed = torch._C._functorch.peek_interpreter_stack() is not None
        if transformed or not all(map(is_plain, call.tensors)):
            return None
        known = ANSWERS.get(key) if key is not None else None
        if known is not None:
            return known
        try:
            on_meta = FunctionCall(call.func, call.args, call.kwargs, call.marks)
            on_meta.change(_blank)
            with torch.no_grad():
                out, macs, note = kernels.asked(on_meta)
            layouts = [layout_of(one) for one in on_meta.outputs(out)]
            return on_meta.answer(layouts, macs, note)
        except (Exception, NeedsValues):
            return None

    def _written_down(
        self, call: FunctionCall, out: Any, cost: Any, answer: Answer | None = None
    ) -> tuple[Answer | None, Any]:
        """Write a call down that has been run; what is told of it, and its output."""
        if not call.in_place:
            out = _apart(out, call.tensors)
        outputs = call.outputs(out)
        if not outputs:
            if functions.is_setter(call.func):
                was, tensor = call.marks[0], call.args[0]
                tensor._convdocs_mark = Mark(
                    layout_of(tensor), was.maker, was.place, was.parameters
                )
            return None, out
        layouts = [layout_of(one) for one in outputs]
        if answer is None:
            answer = call.answer(layouts, *cost)
        elif list(answer.outputs) != layouts:
            answer = answer.with_outputs(layouts)
        node = self._node(answer, call.marks)
        behind = () if node else parameters_behind(call.marks)
        for place, (tensor, own) in enumerate(zip(outputs, layouts, strict=True)):
            made = Mark(own, node or CONSTANT, place, behind)
            if not any(tensor is one for one in call.tensors):
                tensor._convdocs_mark = made  # type: ignore[attr-defined]
            elif node is not None:
                overwrite(tensor, made)
        if self.on_call is not None and self.inside is None and node is not None:
            self.on_call(call.func, call.args, call.kwargs, out)
        return answer, out

    def _node(self, answer: Answer, marks: list[Mark]) -> Node | None:
        """One more call, inside the layer that is running or outside any.

        None where it is not shown: it only prepares constants and multiplies nothing.
        """
        if answer.macs == 0 and all(one.fixed for one in marks):
            return None
        node = Node(self.path, None, tuple(marks), answer)
        (self.nodes if self.inside is None else self.inside).append(node)
        return node

    def note_failure(self, error: Exception, node: Node) -> None:
        """Keep the innermost call that ``error``, or the error it came of, passed through."""
        if self.failed is not None and self.failed[0] in _chain(error):
            node = self.failed[1]
        self.failed = (error, node)

    def run_layer(self, layer: Any, run: Any, args: Any, kwargs: Any, note: str = "") -> Any:
        """Run a layer, or replay it; the functions it calls are written down as its own.

        ``note`` says why it cannot be counted.
        """
        key: Any = None
        marks: list[Mark] = []
        with torch._C.DisableTorchFunction():
            if not self._live():
                key = layer.key(args, kwargs, marks, self.stranger)
            try:
                answer = ANSWERS.get(key) if key is not None else None
            except TypeError:  # a list or a tensor among the settings
                key = answer = None
            if answer is not None:
                node = Node(layer.path, layer, tuple(marks), answer)
                self.nodes.append(node)
                return replayed(answer, node, (args, kwargs))
            inputs = tensors_in((args, kwargs))
            if key is None:
                marks = [self.mark_of(one) for one in inputs]
        answer = Answer(layer_class(layer.module).__name__, marks)
        node = Node(layer.path, layer, tuple(marks), answer)
        inside = self.inside = []
        self.remembers = key is None  # what is inside is not asked again
        try:
            out = run(*args, **kwargs)
        except Exception as error:
            answer.describe(layer.module)
            self.note_failure(error, node)
            raise
        finally:
            self.inside, self.remembers = None, True
        with torch._C.DisableTorchFunction():
            out = self._finished_layer(node, inside, inputs, out)
            answer.parameters = layer.shapes()
            if note:
                answer.macs, answer.note = None, note
            if self.on_call is not None:
                self.on_call(layer.module, args, kwargs, out)
            if key is not None:
                _remember(key, answer, out, inputs)
        return out

    def _finished_layer(
        self, node: Node, inside: list[Node], inputs: list[Tensor], out: Any
    ) -> Any:
        """Write a layer down from the calls inside it; returns its output."""
        answer = node.answer
        out = _apart(out, [one for one in inputs if self.mark_of(one).maker not in inside])
        outputs = tensors_in(out)
        before = [self.mark_of(one) for one in outputs]
        answer.put([one.layout for one in before])
        answer.flows = composed(inside, node.inputs, before)
        answer.describe(node.layer.module, [one.answer for one in inside])
        for place, (tensor, was) in enumerate(zip(outputs, before, strict=True)):
            made = Mark(was.layout, node, place)
            if any(tensor is one for one in inputs):
                overwrite(tensor, made)
            elif was.maker is not OWN:
                tensor._convdocs_mark = made  # type: ignore[attr-defined]
        self.nodes.append(node)
        return out

    def on_meta(self, tensor: Tensor) -> Tensor:
        """The tensor itself, or for a real one from outside the model its stand-in on meta."""
        if tensor.is_meta:
            return tensor
        known = self._foreign.get(id(tensor))
        if known is None:
            known = self._foreign[id(tensor)] = (tensor, _blank(tensor))
        return known[1]


def _is_uninitialised(kind: type) -> bool:
    return issubclass(kind, UninitializedParameter | UninitializedBuffer)


def _blank(tensor: Tensor) -> Tensor:
    return layout_of(tensor).tensor()


def _remember(key: Any, answer: Answer, out: Any, given: list[Tensor]) -> None:
    """Keep what is told of a call, with how its outputs are nested."""
    if not isinstance(out, Tensor):
        if type(out) not in (tuple, list) and type(out).__module__ != "torch.return_types":
            return
        answer.form = mapped(out, _blank)
    answer.alias = {
        place: number
        for place, one in enumerate(tensors_in(out))
        for number, own in enumerate(given)
        if one is own
    }
    remember(key, answer)


def _apart(out: Any, inputs: list[Tensor]) -> Any:
    """The output, where it is an input itself as a tensor of its own that has its own origin."""
    if isinstance(out, Tensor):
        if isinstance(out, nn.Parameter) or not any(out is one for one in inputs):
            return out
        twin = out.view_as(out) if torch.is_grad_enabled() else out.detach()
        if hasattr(out, "_convdocs_mark"):
            twin._convdocs_mark = mark_of(out)  # type: ignore[attr-defined]
        return twin
    if type(out) in (tuple, list):
        return type(out)(_apart(one, inputs) for one in out)
    return out


def parameters_behind(marks: Any) -> tuple[Parameter, ...]:
    """The parameters among a call's inputs, and those that its constants were made of."""
    behind = [p for one in marks for p in one.parameters]
    return tuple(dict.fromkeys(behind)) if behind else ()


def inputs_behind(mark: Mark) -> set[Mark]:
    """The model's inputs that a tensor was worked out from."""
    found, waiting, seen = set(), [mark], set()
    while waiting:
        one = waiting.pop()
        if one.maker is INPUT:
            found.add(one)
        elif type(one.maker) is not str and id(one.maker) not in seen:
            seen.add(id(one.maker))
            waiting += one.maker.inputs
    return found


def _chain(error: BaseException) -> list[BaseException]:
    """The error, what it was raised from, and so on."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found
