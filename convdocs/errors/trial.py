"""A fix run: on the failing call by itself, then in the whole model, in batches of other sizes too.

The model is never changed: what runs is a copy of its tree that shares all but what was mended.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convdocs import tracing
from convdocs.cells.replica import replica
from convdocs.errors.code import Code, run
from convdocs.errors.failure import Failure, Site, is_users, tensors_in
from convdocs.errors.repair import Earlier, Here, Member, ModelInput, Repair, Step
from convdocs.errors.sizes import lacks_batch
from convdocs.report import Call, Trace
from convdocs.tracing.standin import Copier

MANY_BYTES = 256 * 1024**2  # a layer up to this size is run for real when its dtype is in question
_MADE_ONCE = ("layer", "shortcut")


class Witness(TorchFunctionMode):
    """Calls what it is asked to; its frame in a traceback holds the function and its arguments."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def quiet(values: bool) -> Iterator[None]:
    """Without gradients or a change of the random state; new tensors on meta, or real."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        if not values:
            stack.enter_context(torch.device("meta"))
        yield


def twin(layer: nn.Module, values: bool) -> nn.Module:
    """A copy of the layer to change at will: on meta, or real where values count."""
    size = sum(p.nbytes for p in layer.parameters())
    if values and size <= MANY_BYTES:
        return replica(layer, lambda one: one.detach().clone())
    return replica(layer, lambda one: one.detach().to("meta"))


def _shared(**values: Any) -> Any:
    """Holds what a trace's stand-in is to share: it copies objects, and no class."""
    return type("_Shared", (), values)


class FixedCall(nn.Module):
    """The failing call with its steps done: called as the layer or the function was."""

    def __init__(self, failure: Failure, steps: tuple[Step, ...], values: bool) -> None:
        super().__init__()
        self.layer = None if failure.layer is None or failure.own else twin(failure.layer, values)
        if failure.own:
            self.layer = failure.layer
        made_once: dict[str, Any] = {}
        rest: list[Step] = []
        with quiet(values):
            for step in steps:
                if step.target not in _MADE_ONCE:
                    rest.append(step)
                    continue
                made = run(step.code, {"layer": self.layer})
                if step.target == "layer" and failure.layer is not None:
                    still = failure.layer.training and not str(step.code).endswith(".eval()")
                    self.layer = made.train(still)
                else:
                    made_once[step.target] = made
        self.shortcut = made_once.get("shortcut")
        self.held = _shared(failure=failure, rest=rest)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        failure, first = self.held.failure, None
        scope = {**kwargs, "shortcut": self.shortcut, "layer": self.layer}
        held = (args, kwargs)
        if failure.layer is not None and args and not isinstance(args[0], Tensor):
            first, held = args[0], (args[1:], kwargs)
        operands = [*([] if first is None else [first]), *_all_tensors(held)]
        scope.update(zip(failure.names, operands, strict=False))
        for step in self.held.rest:
            scope[step.target] = run(step.code, scope)
        results = [step.target for step in self.held.rest if step.target in ("y", "")]
        if results:
            return scope[results[-1]]
        return self._call(args, {**kwargs, **{k: scope[k] for k in kwargs}}, scope)

    def _call(self, args: Any, kwargs: dict[str, Any], scope: dict[str, Any]) -> Any:
        failure = self.held.failure
        names = list(failure.names)
        if failure.layer is not None and args and not isinstance(args[0], Tensor):
            fixed = iter([scope[name] for name in names[1:]])
            args = (scope[names[0]], *_mapped(args[1:], lambda _: next(fixed)))
        else:
            fixed = iter([scope[name] for name in names])
            args = _mapped(args, lambda _: next(fixed))
        kwargs = _mapped(kwargs, lambda one: next(fixed, one))
        call = self.layer if failure.layer is not None else failure.call
        assert call is not None
        return call(*args, **kwargs)


def _all_tensors(held: Any) -> Iterator[Tensor]:
    args, kwargs = held
    yield from tensors_in((*args, *kwargs.values()))


@dataclass
class _Rule:
    """Which function calls are answered by a fix, and how."""

    answer: Any
    function: Any = None
    site: Site | None = None
    call: Call | None = None
    learned: list[Site] = field(default_factory=list)

    def fits(self, func: Any, args: Any, kwargs: dict[str, Any], here: Site | None) -> bool:
        """Whether a call is the one that is to be answered."""
        if self.call is None:
            return (self.function is None or func is self.function) and here == self.site
        if getattr(func, "__name__", "") != self.call.kind:
            return False
        if self.learned:
            return here in self.learned
        shapes = [tuple(one.shape) for one in tensors_in((*args, *kwargs.values()))]
        if shapes[:1] != [self.call.input_shapes[0]]:
            return False
        self.learned += [here] if here else []
        return True


class _Answers(TorchFunctionMode):
    """Answers the calls of some rules with their fix."""

    def __init__(self, rules: list[_Rule]) -> None:
        super().__init__()
        self.rules = rules

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        here = _users_site()
        for rule in self.rules:
            if rule.fits(func, args, kwargs, here):
                return rule.answer(*args, **kwargs)
        return func(*args, **kwargs)


def _users_site() -> Site | None:
    frame = sys._getframe(2)
    while frame is not None:
        if is_users(frame):
            return frame.f_code, frame.f_lasti
        frame = frame.f_back  # type: ignore[assignment]
    return None


class Mended(nn.Module):
    """The model with a fix in place."""

    def __init__(self, model: nn.Module, repair: Repair, values: bool) -> None:
        super().__init__()
        inputs: list[tuple[int, Code]] = []
        rules: list[_Rule] = []
        swaps: list[tuple[Any, Any]] = []
        members: dict[str, Any] = {}
        here: dict[int, tuple[Failure, list[Step]]] = {}
        for step in repair.steps:
            match step.where:
                case Here(failure):
                    here.setdefault(id(failure), (failure, []))[1].append(step)
                case Member(path):
                    with quiet(values):
                        members[path] = run(step.code, {})
                case ModelInput(number):
                    inputs.append((number, step.code))
                case Earlier(call):
                    rules.append(_Rule(_first_mended(step.code), call=call))
        known = {id(module) for module in model.modules()}
        for failure, steps in here.values():
            fixed = FixedCall(failure, tuple(steps), values)
            if failure.layer is not None and id(failure.layer) in known:
                swaps.append((failure.layer, fixed))
            elif failure.layer is not None:  # made in forward, or held in a plain list
                rules.append(_Rule(_on_first(fixed), site=failure.site))
            else:
                rules.append(_Rule(fixed, failure.call, failure.site))
        for path, new in members.items():
            old = dict(model.named_modules()).get(path)
            if old is not None:
                new.train(old.training)
        self.model = _mended(model, swaps, members)
        self.held = _shared(inputs=inputs, rules=rules)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        for number, code in self.held.inputs:
            given[number] = run(code, {"x": given[number]})
        if not self.held.rules:
            return self.model(*given, **kwargs)
        with _Answers(self.held.rules):
            return self.model(*given, **kwargs)


def _first_mended(code: Code) -> Any:
    return lambda *args, **kwargs: run(code, {"x": next(tensors_in((*args, *kwargs.values())))})


def _on_first(fixed: FixedCall) -> Any:
    """Answers the first function inside a layer with the whole mended layer."""
    return lambda *args, **kwargs: fixed(args[0])


def _mended(model: nn.Module, swaps: list[tuple[Any, Any]], members: dict[str, Any]) -> nn.Module:
    """A copy of the model with others in some places; tensors are shared, the rest is its own."""
    copier = Copier(lambda tensor: tensor)
    for old, new in swaps:
        copier.replace(old, new)
    made: nn.Module = copier.copy(model)
    for path, new in members.items():
        owner, _, name = path.rpartition(".")
        module = made.get_submodule(owner)
        module.__dict__.pop(name, None)  # a plain list makes room for a module
        setattr(module, name, new)
    return made


def try_here(failure: Failure, repair: Repair, *, values: bool) -> Exception | None:
    """What goes wrong when the failing call is run by itself with the fix; None where it holds."""
    try:
        fixed = FixedCall(failure, repair.steps, values)
        if failure.built is not None:
            return None
        args, kwargs = copied((failure.args, failure.kwargs), values=values)
        if failure.layer is not None and not values:
            tracing.trace(fixed, *args, **kwargs)  # on shapes it is stricter than torch
            return None
        with quiet(values), Witness():
            fixed(*args, **kwargs)
    except tracing.TraceError as error:
        return error.__cause__ if isinstance(error.__cause__, Exception) else error
    except Exception as error:
        return error
    return None


def copied(held: Any, *, values: bool) -> Any:
    """The arguments with their tensors detached, or put on meta where values do not count.

    Examples
    --------
    >>> copied([torch.zeros(2), "same"], values=False)
    [tensor(..., device='meta', size=(2,)), 'same']
    """
    return _mapped(held, lambda one: one.detach() if values else one.detach().to("meta"))


def _mapped(held: Any, change: Any) -> Any:
    match held:
        case Tensor():
            return change(held)
        case dict():
            return {key: _mapped(value, change) for key, value in held.items()}
        case list() | tuple() if not hasattr(held, "_fields"):
            return type(held)(_mapped(value, change) for value in held)
        case _:
            return held


@dataclass(frozen=True)
class Run:
    """The run of a model that failed.

    Parameters
    ----------
    model : torch.nn.Module
    inputs, kwargs : tuple and dict
        What it was called with.
    error : TraceError
    """

    model: nn.Module
    inputs: tuple[Any, ...]
    kwargs: dict[str, Any]
    error: tracing.TraceError

    @property
    def values(self) -> bool:
        """Whether it had to be run on real tensors."""
        return self.error.trace.executed == "values"

    def fails(self, model: nn.Module, given: Any = None) -> tracing.TraceError | None:
        """What goes wrong when a mended model is run; None where it runs."""
        try:
            self.again(model, given)
        except tracing.TraceError as error:
            return error
        return None

    def again(self, model: nn.Module, given: Any = None) -> Trace:
        """The trace of a mended model; raises TraceError where it fails."""
        trace = tracing.trace_values if self.values else tracing.trace
        inputs, kwargs = given or (self.inputs, self.kwargs)
        if not self.values and any(p.is_meta for p in model.parameters()):
            inputs, kwargs = copied((inputs, kwargs), values=False)  # the mended layer is on meta
        return trace(model, *inputs, **kwargs)

    def passes(self, error: tracing.TraceError) -> bool:
        """Whether a later error shows that the failing call was got past."""
        return error.call.index > self.error.call.index

    def other_batches(self, failure: Failure, repair: Repair) -> list[Any]:
        """The inputs with one sample more, as far as one can tell which axis counts them."""
        shapes = [_shape(one) for one in self.inputs]
        if not shapes or not shapes[0] or _one_sample(failure) or _adds_batch(repair):
            return []
        found = []
        for axis in (0, 1) if self._sequence_first() else (0,):
            count = shapes[0][axis] if axis < len(shapes[0]) else 0
            for only_first in (False, True):
                grown = [
                    _grown(one, count, axis, place > 0 and only_first)
                    for place, one in enumerate((*self.inputs, *self.kwargs.values()))
                ]
                kwargs = dict(zip(self.kwargs, grown[len(self.inputs) :], strict=True))
                found.append((tuple(grown[: len(self.inputs)]), kwargs))
        return found

    def _sequence_first(self) -> bool:
        return any(getattr(m, "batch_first", None) is False for m in self.model.modules())


def _one_sample(failure: Failure) -> bool:
    """Whether the model was given a sample without a batch axis."""
    if lacks_batch(failure):
        return True
    least = {"Fold": 2, "Unfold": 3, "PixelShuffle": 3, "PixelUnshuffle": 3}.get(
        failure.kind, failure.dims + 1
    )
    norm = failure.kind.startswith(("BatchNorm", "GroupNorm"))
    return failure.source(0) == -1 and len(failure.shape) <= least and not norm


def _adds_batch(repair: Repair) -> bool:
    return any("unsqueeze(0)" in str(step) or "[None" in str(step) for step in repair.steps)


def _shape(value: Any) -> tuple[int, ...]:
    if isinstance(value, Tensor):
        return tuple(value.shape)
    whole = isinstance(value, tuple) and all(type(one) is int for one in value)
    return tuple(value) if whole else ()


def _grown(value: Any, count: int, axis: int, kept: bool) -> Any:
    """A tensor or a shape with one more along the axis that counts the samples."""
    shape = _shape(value)
    if kept or not shape or count == 0:
        return value
    places = [place for place in (axis, 1 - axis) if place < len(shape) and shape[place] == count]
    if not places:
        return value
    place = places[0]
    if isinstance(value, Tensor):
        return torch.cat([value, value.narrow(place, 0, 1)], place)
    return (*shape[:place], shape[place] + 1, *shape[place + 1 :])
