"""Runs a model's stand-in and writes down each call, on shapes alone or on real tensors.

A recorder is a TorchFunctionMode, so that every torch function the model calls passes through it;
which layer a call belongs to it learns from the :class:`~convdocs.tracing.standin.Forward` that
each module of the stand-in has for its ``forward``.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from threading import get_ident
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._C import _functorch as functorch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.overrides import TorchFunctionMode

from convdocs.layers import layer_class
from convdocs.report import Call, ModuleSummary
from convdocs.tracing import functions, kernels
from convdocs.tracing.answer import ANSWERS, Answer, FunctionCall, remember
from convdocs.tracing.axes import State, composed
from convdocs.tracing.costs import Counter
from convdocs.tracing.kernels import NeedsIntegers, NeedsValues
from convdocs.tracing.memory import (
    CONSTANT,
    INPUT,
    Mark,
    Node,
    Parameter,
    add_to_key,
    claim,
    is_plain,
    layout_of,
    mark_of,
)
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.rules import PRODUCTS

OnCall = Callable[[Any, tuple[Any, ...], dict[str, Any], Any], None]
_NOTHING = State((), (), ())


class Failed(NamedTuple):
    """The call that failed, as far as it came."""

    path: str
    answer: Answer
    marks: Sequence[Mark]
    owned: Sequence[Parameter] = ()


def failed_container(path: str, module: nn.Module, marks: list[Mark]) -> Failed:
    """What is told of a container whose own code failed."""
    answer = Answer(layer_class(module).__name__, marks)
    answer.describe(module)
    return Failed(path, answer, marks, parameters_behind(marks))


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
        self.calls: list[Call] = []
        self.nodes: list[Node] = []  # of the calls
        self.modules: list[Any] = []  # a summary of every call, and a list of one of a container
        self.first_use: dict[Parameter, int] = {}  # the index of the call
        self.path = ""  # of the module whose forward is running
        self.depth = 0  # containers that are running
        self.inside: list[Node] | None = None  # the calls inside the layer that is running
        self.remembers = True  # functions' answers; not inside a layer whose own is remembered
        self.failed: tuple[BaseException, Failed] | None = None
        self.notes: dict[str, None] = {}
        self.constants: list[weakref.ref[Tensor]] = []  # made on meta
        self.thread = get_ident()
        self.listening = False  # in a thread that the model started
        self.transformed = False  # whether vmap or its like handed out tensors of its own
        self.from_shapes = False  # whether the inputs were given as shapes
        self._numbers = count()
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
            own = self._elsewhere[get_ident()] = copy.copy(self)
            own.inside, own.failed, own.remembers = None, None, True
        return own

    def finished(self) -> tuple[tuple[Call, ...], tuple[ModuleSummary, ...]]:
        """All calls, and all modules with containers before what they are made of."""
        calls = sorted(self.calls) if self._elsewhere else self.calls
        # an endless recursion may end while a module is summed up: nothing is known of that one
        return tuple(calls), tuple([m[0] if type(m) is list else m for m in self.modules if m])

    def run_container(self, path: str, module: nn.Module, run: Any, args: Any, kwargs: Any) -> Any:
        """Run a module that is made of others, and sum up the calls inside."""
        outer, depth, first = self.path, self.depth, len(self.calls)
        summary: list[ModuleSummary] = []
        self.modules.append(summary)
        self.path, self.depth = path, depth + 1
        out = None
        try:
            out = run(*args, **kwargs)
        except Exception as error:
            marks = [self.mark_of(one) for one in tensors_in((args, kwargs))]
            self.note_failure(error, failed_container(path, module, marks))
            raise
        finally:
            self.path, self.depth = outer, depth
            with torch._C.DisableTorchFunction():
                marks = [self.mark_of(one) for one in tensors_in(out)]
            calls = self.calls[first:]
            summary.append(
                ModuleSummary(
                    path,
                    layer_class(module).__name__,
                    depth,
                    first,
                    first + len(calls) - 1,
                    total([one.params for one in calls]),
                    total([one.trainable for one in calls]),
                    total([one.macs for one in calls]),
                    tuple([one.layout.shape for one in marks]),
                    marks[0].state.receptive_field if marks else (),
                )
            )
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
                node, behind = self._maker(answer, call.marks)
                out = answer.replayed(node, (args, kwargs), behind)
                if node is CONSTANT:
                    self.constants += map(weakref.ref, tensors_in(out))
                return out
            return self._run(call, key)
        except Exception as error:
            if self.from_shapes and func in functions.EMBEDDINGS:
                self._needs_integers(call.marks[functions.EMBEDDINGS[func]])
            if self.inside is None:
                own = parameters_behind(call.marks)
                self.note_failure(error, Failed(self.path, call.answer(), call.marks, own))
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
        was = None
        if functorch.is_functorch_wrapped_tensor(tensor):
            was = self.mark_of(functorch.get_unwrapped(tensor))
        elif self.transformed and self.nodes:  # what a transform gives is its last call's
            was = Mark(layout_of(tensor), self.nodes[-1], -1)
        if was is not None:
            made = Mark(layout_of(tensor), was.maker, was.place, was.parameters)
            claim(tensor, made)
            return made
        if not isinstance(tensor, nn.Parameter):
            return Mark(layout_of(tensor), CONSTANT)
        known = self._strangers.get(id(tensor))
        if known is None:
            own = layout_of(tensor)
            parameter = Parameter("", own, tensor.requires_grad, registered=False)
            known = self._strangers[id(tensor)] = tensor, Mark(own, CONSTANT, 0, (parameter,))
        return known[1]

    def _live(self) -> bool:
        """Whether the call has to be run: as asked, for gradients, or in torch's transforms."""
        if functorch.peek_interpreter_stack() is not None:
            self.transformed = True
            return True
        return self.live or torch.is_grad_enabled()

    def _asked(self, call: FunctionCall, key: Any) -> Any:
        """Ask torch, and remember its answer for the next call that is the same."""
        call.change(self.on_meta)
        out, *cost = self._as_one(kernels.asked, call)
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
                out = self._as_one(call.func, *call.args, **call.kwargs)
            else:
                with Counter() as counter:
                    out = self._as_one(call.func, *call.args, **call.kwargs)
                cost = [counter.macs, counter.note]
        except NotImplementedError:
            if self.values:
                raise
            raise NeedsValues(call.func) from None
        return self._written_down(call, out, cost, answer)[1]

    def _as_one(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a function; the layers that it calls (torch.cond's branches) have no rows."""
        outer, self.inside = self.inside, []
        try:
            return func(*args, **kwargs)
        finally:
            self.inside = outer

    def _foreseen(self, call: FunctionCall, key: Any) -> Answer | None:
        """What the same call gives on shapes, so that both runs say the same of it."""
        transformed = functorch.peek_interpreter_stack() is not None
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
                own = layout_of(tensor)
                tensor._convdocs_mark = Mark(own, was.maker, was.place, was.parameters)
            return None, out
        layouts = [layout_of(one) for one in outputs]
        if answer is None:
            answer = call.answer(layouts, *cost)
        elif list(answer.outputs) != layouts:
            answer = answer.with_outputs(layouts)
        node, behind = self._maker(answer, call.marks)
        if node is CONSTANT and not self.values:
            self.constants += map(weakref.ref, outputs)
        for place, (tensor, own) in enumerate(zip(outputs, layouts, strict=True)):
            if node is not CONSTANT or not any(tensor is one for one in call.tensors):
                claim(tensor, Mark(own, node, place, behind))
        if self.on_call is not None and self.inside is None and node is not CONSTANT:
            self.on_call(call.func, call.args, call.kwargs, out)
        return answer, out

    def _maker(self, answer: Answer, marks: list[Mark]) -> tuple[Node, tuple[Parameter, ...]]:
        """What makes a function's outputs, and the parameters that they are constants of.

        A call is not shown that only prepares constants and multiplies nothing.
        """
        if answer.macs == 0 and all(one.fixed for one in marks):
            return CONSTANT, parameters_behind(marks)
        if self.inside is None:
            return self._write(self.path, answer, marks), ()
        node = Node(answer, tuple(marks))
        self.inside.append(node)
        return node, ()

    def _write(
        self, path: str, answer: Answer, marks: Sequence[Mark], owned: Sequence[Parameter] = ()
    ) -> Node:
        """One more call of the trace."""
        behind = parameters_behind(marks)  # a layer may be given a learned query
        owned = [*owned, *[one for one in behind if one not in owned]] if behind else owned
        states = answer.states(tuple([one.state for one in marks]))
        node = Node(answer, tuple(marks), next(self._numbers), states)
        call = self.call(node.index, states[0] if states else _NOTHING, path, answer, marks, owned)
        self.nodes.append(node)
        self.calls.append(call)
        self.modules.append(
            ModuleSummary(
                path, call.kind, self.depth, node.index, node.index, call.params, call.trainable,
                call.macs, call.output_shapes, call.receptive_field,
            )
        )  # fmt: skip
        return node

    def failed_call(self) -> Call | None:
        """The record of the call that failed."""
        if self.failed is None:
            return None
        return self.call(len(self.calls), _NOTHING, *self.failed[1])

    def call(
        self,
        index: int,
        state: State,
        path: str,
        answer: Answer,
        marks: Sequence[Mark],
        owned: Sequence[Parameter],
    ) -> Call:
        """The record of one call; ``state`` is that of its first output."""
        what, cost, settings, fields = answer.record(state.names, state.axes)
        params, trainable, unregistered, note = (
            self._counted(index, owned) if owned else (0, 0, 0, "")
        )
        sources = tuple([one.maker.index for one in marks])
        own = *cost, state.receptive_field, sources, *settings, trainable, *fields, unregistered
        return Call._make((index, path, *what, params, note, *own))

    def _counted(
        self, index: int, owned: Sequence[Parameter]
    ) -> tuple[int | None, int | None, int, str]:
        """Parameters used here for the first time, all and trainable; a word about the others."""
        counted = trainable = unregistered = 0
        shared, note = set(), ""
        for one in owned:
            size = one.count
            first = self.first_use.setdefault(one, index)
            if first != index:
                shared.add(first)
            else:
                counted += size
                if one.trainable:
                    trainable += size
            if not one.registered and one.trainable:
                unregistered += size
            if one.layout is None:
                note = "uninitialised"
        if note:
            return None, None, unregistered, note
        if shared:
            note = f"shared with call {', '.join(map(str, sorted(shared)))}"
        return counted, trainable, unregistered, note

    def note_failure(self, error: Exception, found: Failed) -> None:
        """Keep the innermost call that ``error``, or the error it came of, passed through."""
        if self.failed is not None and self.failed[0] in _chain(error):
            found = self.failed[1]
        self.failed = (error, found)

    def count_inside(self, counter: Counter) -> None:
        """Add what nobody could follow to the calls inside the layer that is running."""
        made = Answer("", (), (), counter.macs, counter.note)
        made.flows = ()
        assert self.inside is not None
        self.inside.append(Node(made))

    def run_layer(self, layer: Any, run: Any, args: Any, kwargs: Any) -> Any:
        """Run a layer, or replay it; the functions it calls are written down as its own."""
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
                node = self._write(layer.path, answer, marks, layer.owned())
                return answer.replayed(node, (args, kwargs))
            inputs = tensors_in((args, kwargs))
            if key is None:
                marks = [self.mark_of(one) for one in inputs]
        answer = Answer(layer_class(layer.module).__name__, marks)
        inside = self.inside = []
        self.remembers = key is None  # what is inside is not asked again
        try:
            out = run(*args, **kwargs)
        except Exception as error:
            answer.describe(layer.module)
            self.note_failure(error, Failed(layer.path, answer, marks, layer.owned()))
            raise
        finally:
            self.inside, self.remembers = None, True
        with torch._C.DisableTorchFunction():
            out = _apart(out, [one for one in inputs if self.mark_of(one).maker not in inside])
            outputs = tensors_in(out)
            made = [self.mark_of(one) for one in outputs]
            answer.put([one.layout for one in made])
            answer.flows = composed(inside, marks, made)
            answer.describe(layer.module, [one.answer for one in inside])
            answer.parameters = layer.shapes()
            node = self._write(layer.path, answer, marks, layer.owned())
            for place, (tensor, own) in enumerate(zip(outputs, answer.outputs, strict=True)):
                claim(tensor, Mark(own, node, place))
            if self.on_call is not None:
                self.on_call(layer.module, args, kwargs, out)
            if key is not None:
                _remember(key, answer, out, inputs)
        return out

    def on_meta(self, tensor: Tensor) -> Tensor:
        """The tensor itself, or for a real one from outside the model its stand-in on meta."""
        if tensor.is_meta:
            return tensor
        known = self._foreign.get(id(tensor))
        if known is None:
            known = self._foreign[id(tensor)] = (tensor, _blank(tensor))
        return known[1]


def total(counts: Sequence[int | None]) -> int | None:
    """The sum, None where one of them is."""
    return None if None in counts else sum(counts)  # type: ignore[arg-type]


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
        elif one.maker not in seen:
            seen.add(one.maker)
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
