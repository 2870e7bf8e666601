"""Runs a model's stand-in and writes down each call, on shapes alone or on real tensors.

A recorder is a TorchFunctionMode, so that every torch function the model calls passes through it;
which layer a call belongs to it learns from the :class:`~convdocs.tracing.forward.Forward` that
each module of the stand-in has for its ``forward``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.overrides import TorchFunctionMode

from convdocs.layers import family, function_settings, layer_class
from convdocs.tracing import functions, kernels
from convdocs.tracing.axes import composed, unknown
from convdocs.tracing.costs import Counter
from convdocs.tracing.kernels import NeedsIntegers, NeedsValues
from convdocs.tracing.memory import (
    ANSWERS,
    CONSTANT,
    INPUT,
    OWN,
    Answer,
    Mark,
    Parameter,
    add_to_key,
    is_plain,
    layout_of,
    mark,
    mark_of,
    remember,
    replayed,
    written,
)
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.tree import Span

OnCall = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]


class Node:
    """One call as it happened: of a function, or of a layer."""

    __slots__ = ("answer", "inputs", "module", "outputs", "parameters", "path", "states")

    def __init__(
        self,
        path: str,
        module: nn.Module | None,
        inputs: tuple[Mark, ...],
        answer: Answer,
        parameters: tuple[Parameter, ...] = (),
    ) -> None:
        self.path = path
        self.module = module
        self.inputs = inputs
        self.answer = answer
        self.parameters = parameters
        self.outputs: list[Mark] = []
        self.states: list[Any] = []


class Recorder(TorchFunctionMode):
    """Records every call of one run on real tensors.

    Parameters
    ----------
    device : torch.device
        What tensors of the run say their device is: the model's own.
    on_call : callable or None
        Called behind each call that is written down, with the module or the function, its
        arguments and its output.
    """

    executed = "values"

    def __init__(self, device: torch.device, on_call: OnCall | None = None) -> None:
        super().__init__()
        self.device = device
        self.on_call = on_call
        self.nodes: list[Node] = []
        self.path = ""  # of the module whose forward is running
        self.inside: list[Node] | None = None  # the calls inside the layer that is running
        self.failed: tuple[BaseException, Node] | None = None
        self.notes: dict[str, None] = {}
        self.thread = get_ident()
        self.transformed = False  # whether vmap or its like handed out tensors of its own
        self.spans: list[Span] = []
        self.open = 0  # containers that are running
        self.listening = False  # in a thread that the model started
        self.from_shapes = False  # whether the inputs were given as shapes
        self._parameters: dict[int, tuple[Tensor, Mark]] = {}  # that are not the model's
        self._elsewhere: dict[int, Recorder] = {}

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Record in this thread."""
        self.listening = True
        try:
            with self:
                yield
        finally:
            self.listening = False

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
        with torch._C.DisableTorchFunction():
            span.outputs = tuple([self.mark_of(one) for one in tensors_in(out)])

    def anew(self) -> Recorder:
        """One like this that has seen nothing yet."""
        made = type(self)(self.device, self.on_call)
        made.notes = self.notes
        return made

    def of_this_thread(self) -> Recorder:
        """The recorder of a thread that the model started: it writes into the same list."""
        own = self._elsewhere.get(get_ident())
        if own is None:
            own = self._elsewhere[get_ident()] = self.anew()
            own.nodes, own.path = self.nodes, self.path
            own.spans, own.open = self.spans, self.open
        return own

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in functions.PLAIN_READS or (types and any(map(_is_uninitialised, types))):
            return func(*args, **kwargs)
        if func in functions.DEVICE_READS:
            return functions.DEVICE_READS[func](self.device)
        parts: list[Any] = [func]
        marks: list[Mark] = []
        keyed = func not in functions.UNKEYED and (
            add_to_key(args, parts, marks, self.stranger)
            and (not kwargs or add_to_key(kwargs, parts, marks, self.stranger))
        )
        if not keyed:
            marks = [self.mark_of(one) for one in tensors_in((args, kwargs))]
        elif func in kernels.WEIGHTED:
            parts.append(marks[-1].fixed)
        try:
            return self._called(func, args, kwargs, tuple(parts) if keyed else None, tuple(marks))
        except Exception as error:
            self._needs_integers(func, marks)
            if self.inside is None:
                self.note_failure(error, _failing(self.path, func, args, kwargs, marks))
            raise

    def _needs_integers(self, func: Any, marks: list[Mark]) -> None:
        """Ask for integers where an input that was given as a shape is looked up in a table."""
        if self.from_shapes and func in functions.EMBEDDINGS:
            index = marks[functions.EMBEDDINGS[func]]
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
        known = self._parameters.get(id(tensor))
        if known is None:
            made = Parameter("", tensor, registered=False)
            known = tensor, Mark(layout_of(tensor), CONSTANT, 0, (made,))
            self._parameters[id(tensor)] = known
        return known[1]

    def _called(self, func: Any, args: Any, kwargs: Any, key: Any, marks: tuple[Mark, ...]) -> Any:
        """Run the function and write it down."""
        answer = self._foreseen(func, args, kwargs, key, marks)
        if answer is not None:
            return self._written_down(func, args, kwargs, answer, marks, func(*args, **kwargs))
        with Counter() as counter:
            out = func(*args, **kwargs)
        cost = counter.macs, counter.note
        return self._written_down(func, args, kwargs, None, marks, out, *cost)

    def _foreseen(
        self, func: Any, args: Any, kwargs: Any, key: Any, marks: tuple[Mark, ...]
    ) -> Answer | None:
        """What the same call gives on shapes, so that both runs say the same of it."""
        if self._live():
            return None
        known = ANSWERS.get(key) if key is not None else None
        if known is not None:
            return known
        if not all(map(is_plain, tensors_in((args, kwargs)))):
            return None
        try:
            blanks = mapped((args, kwargs), _blank)
            with torch.no_grad():
                out, macs, note = kernels.asked(func, *blanks)
        except (Exception, NeedsValues):
            return None
        layouts = [layout_of(one) for one in _outputs_of(func, blanks[0], out)]
        return kernels.answer_to(func, args, kwargs, marks, layouts, macs, note)

    def _live(self) -> bool:
        """Whether torch is transforming the function, so that its tensors are no plain ones."""
        if torch._C._functorch.peek_interpreter_stack() is None:
            return False
        self.transformed = True
        return True

    def _written_down(
        self, func: Any, args: Any, kwargs: Any, answer: Answer | None, marks: tuple[Mark, ...],
        out: Any, macs: int | None = 0, note: str = "",
    ) -> Any:  # fmt: skip
        """Write a call down that has been run; returns its output."""
        given = tensors_in((args, kwargs))
        if not functions.in_place(func, kwargs):
            out = _apart(out, given)
        outputs = _outputs_of(func, args, out)
        if not outputs:
            if functions.is_setter(func):
                args[0]._convdocs_mark = Mark(layout_of(args[0]), *_origin(self.mark_of(args[0])))
            return out
        layouts = [layout_of(one) for one in outputs]
        if answer is None:
            answer = kernels.answer_to(func, args, kwargs, marks, layouts, macs, note)
        elif list(answer.outputs) != layouts:
            answer = answer.with_outputs(tuple(layouts))
        self._mark_outputs(given, answer, marks, outputs)
        if self.on_call is not None and self.inside is None and not hidden(answer, marks):
            self.on_call(func, args, kwargs, out)
        return out

    def _mark_outputs(
        self, given: list[Tensor], answer: Answer, marks: tuple[Mark, ...], outputs: list[Tensor]
    ) -> None:
        behind = parameters_behind(marks)
        node = None if hidden(answer, marks) else Node(self.path, None, marks, answer, behind)
        for place, (tensor, own) in enumerate(zip(outputs, answer.outputs, strict=True)):
            made = Mark(own, node or CONSTANT, place, () if node else behind)
            if not any(tensor is one for one in given):
                tensor._convdocs_mark = made  # type: ignore[attr-defined]
            elif node is not None:
                written(tensor, made)
            if node is not None:
                node.outputs.append(made)
        if node is not None:
            self.append(node)

    def append(self, node: Node) -> None:
        """One more call, inside the layer that is running or outside any."""
        (self.nodes if self.inside is None else self.inside).append(node)

    def note_failure(self, error: Exception, node: Node) -> None:
        """Keep the innermost call that ``error``, or the error it came of, passed through."""
        if self.failed is not None and self.failed[0] in _chain(error):
            node = self.failed[1]
        self.failed = (error, node)

    def run_layer(
        self, path: str, module: nn.Module, run: Callable[..., Any], args: Any, kwargs: Any,
        note: str = "",
    ) -> Any:  # fmt: skip
        """Run a layer; the functions it calls are written down as its own.

        ``note`` says why it cannot be counted.
        """
        with torch._C.DisableTorchFunction():
            inputs = tensors_in((args, kwargs))
            marks = tuple(map(self.mark_of, inputs))
        answer = Answer(layer_class(module).__name__, tuple([one.layout for one in marks]))
        node = Node(path, module, marks, answer)
        inside: list[Node] = []
        self.inside = inside
        try:
            out = run(*args, **kwargs)
        except Exception as error:
            kernels.describe_layer(answer, module, [])
            self.note_failure(error, node)
            raise
        finally:
            self.inside = None
        with torch._C.DisableTorchFunction():
            out = self._finished_layer(node, inside, inputs, out)
            if note:
                answer.macs, answer.note = None, note
            if self.on_call is not None:
                self.on_call(module, args, kwargs, out)
        return out

    def _finished_layer(
        self, node: Node, inside: list[Node], inputs: list[Tensor], out: Any
    ) -> Any:
        """Write a layer down from the calls inside it; returns its output."""
        answer = node.answer
        untouched = [one for one in inputs if self.mark_of(one).maker not in inside]
        out = _apart(out, untouched)
        outputs = tensors_in(out)
        before = [self.mark_of(one) for one in outputs]
        answer.put(tuple([one.layout for one in before]))
        answer.flows = tuple(
            [
                composed(inside, node.inputs, one, answer.input_shapes)
                or unknown(answer.input_shapes, one.layout.shape)
                for one in before
            ]
        )
        kernels.describe_layer(answer, node.module, [one.answer for one in inside])
        for place, tensor in enumerate(outputs):
            made = Mark(before[place].layout, node, place)
            node.outputs.append(made)
            if any(tensor is one for one in inputs):
                written(tensor, made)
                answer.alias[place] = [tensor is one for one in inputs].index(True)
            elif before[place].maker is not OWN:
                tensor._convdocs_mark = made  # type: ignore[attr-defined]
        self.nodes.append(node)
        return out


class ShapeRecorder(Recorder):
    """Records a run on shapes: no arithmetic is done and no memory taken.

    Every tensor lies on torch's meta device. Torch is asked once per distinct call; ``live`` has
    every call run, for what follows its tensors.
    """

    executed = "shapes"

    def __init__(
        self, device: torch.device, on_call: OnCall | None = None, live: bool = False
    ) -> None:
        super().__init__(device, on_call)
        self.live = live or on_call is not None
        self._foreign: dict[int, tuple[Tensor, Tensor]] = {}

    def anew(self) -> Recorder:
        made = super().anew()
        assert isinstance(made, ShapeRecorder)
        made.live = self.live
        return made

    def _called(self, func: Any, args: Any, kwargs: Any, key: Any, marks: tuple[Mark, ...]) -> Any:
        answer = ANSWERS.get(key) if key is not None else None
        if answer is None or self._live():
            return self._asked(func, args, kwargs, key, marks)
        if hidden(answer, marks):
            return replayed(answer, None, (args, kwargs), parameters_behind(marks))
        node = Node(self.path, None, marks, answer, parameters_behind(marks))
        self.append(node)
        return replayed(answer, node, (args, kwargs))

    def _live(self) -> bool:
        return super()._live() or self.live or torch.is_grad_enabled()

    def _asked(self, func: Any, args: Any, kwargs: Any, key: Any, marks: tuple[Mark, ...]) -> Any:
        """Ask torch, and remember its answer for the next call that is the same."""
        args, kwargs = mapped((args, kwargs), self.on_meta)
        if func in functions.IGNORED:
            return None
        if self._live():
            return self._run_live(func, args, kwargs, marks)
        out, macs, note = kernels.asked(func, args, kwargs)
        given = tensors_in((args, kwargs))
        written_into = functions.in_place(func, kwargs)
        if not written_into:
            out = _apart(out, given)
        outputs = _outputs_of(func, args, out)
        if not outputs:
            return self._written_down(func, args, kwargs, None, marks, out)
        layouts = [layout_of(one) for one in outputs]
        answer = kernels.answer_to(func, args, kwargs, marks, layouts, macs, note)
        kept = all(layout_of(one) is own.layout for one, own in zip(given, marks, strict=True))
        if key is not None and kept and func is not Tensor.__setitem__:
            self._remember(key, answer, out, outputs, given)
        self._mark_outputs(given, answer, marks, outputs)
        return out

    def _run_live(self, func: Any, args: Any, kwargs: Any, marks: tuple[Mark, ...]) -> Any:
        if func in functions.READ_VALUES:
            raise NeedsValues(func)
        args, kwargs = functions.moved_to_meta(func, args, kwargs)
        try:
            with Counter() as counter:
                out = func(*args, **kwargs)
        except NotImplementedError:
            raise NeedsValues(func) from None
        cost = counter.macs, counter.note
        return self._written_down(func, args, kwargs, None, marks, out, *cost)

    @staticmethod
    def _remember(
        key: Any, answer: Answer, out: Any, outputs: list[Tensor], given: list[Tensor]
    ) -> None:
        answer.alias = {
            place: number
            for place, one in enumerate(outputs)
            for number, own in enumerate(given)
            if one is own
        }
        if not isinstance(out, Tensor):
            if type(out) not in (tuple, list) and not functions.is_return_type(out):
                return
            answer.form = mapped(out, lambda one: layout_of(one).blank)
        remember(key, answer)

    def run_layer(
        self, path: str, module: nn.Module, run: Callable[..., Any], args: Any, kwargs: Any,
        note: str = "",
    ) -> Any:  # fmt: skip
        key: Any = None
        marks: list[Mark] = []
        with torch._C.DisableTorchFunction():
            if not self._live():
                key = kernels.layer_key(module, args, kwargs, marks, self.stranger)
            try:
                answer = ANSWERS.get(key) if key is not None else None
            except TypeError:  # a list or a tensor among the settings
                key = answer = None
            if answer is not None:
                node = Node(path, module, tuple(marks), answer)
                self.nodes.append(node)
                return replayed(answer, node, (args, kwargs))
        out = super().run_layer(path, module, run, args, kwargs, note)
        made = self.nodes[-1].answer
        if key is not None and isinstance(out, Tensor) and self.nodes[-1].module is module:
            remember(key, made)
        elif key is not None and type(out) is tuple and self.nodes[-1].module is module:
            with torch._C.DisableTorchFunction():
                made.form = mapped(out, lambda one: layout_of(one).blank)
            remember(key, made)
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


def _outputs_of(func: Any, args: Any, out: Any) -> list[Tensor]:
    """The tensors that a call gave, or that it wrote into."""
    return [args[0]] if func is Tensor.__setitem__ else tensors_in(out)


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


def _origin(known: Mark) -> tuple[Any, int, tuple[Parameter, ...]]:
    return known.maker, known.place, known.parameters


def _failing(path: str, func: Any, args: Any, kwargs: Any, marks: list[Mark]) -> Node:
    answer = Answer(functions.name(func), tuple([one.layout for one in marks]))
    with torch._C.DisableTorchFunction():
        answer.code = functions.text(func, args, kwargs)
        answer.family = family(answer.kind)
        with suppress(TypeError):  # arguments that the function refuses too
            answer.settings = function_settings(func, args, kwargs)
    return Node(path, None, tuple(marks), answer, parameters_behind(marks))


def hidden(answer: Answer, marks: Any) -> bool:
    """Whether a call is not shown: it only prepares constants and multiplies nothing."""
    return answer.macs == 0 and all(one.fixed for one in marks)


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
