"""A fix run: on the failing call by itself, then in the whole model, in batches of other sizes too.

The model is never changed: what runs is a copy of its tree that shares all but what was mended.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convdocs import tracing
from convdocs.cells.replica import replica
from convdocs.errors import sizes
from convdocs.errors.code import Code, run
from convdocs.errors.failure import Failure, Site, is_users
from convdocs.errors.repair import Repair, Step
from convdocs.report import Call, Trace
from convdocs.tracing.copier import Copier
from convdocs.tracing.nested import mapped, tensors_in

MANY_BYTES = 256 * 1024**2  # a layer up to this size is run for real when its dtype is in question


# which function calls a fix answers: by the function, its arguments and where it was called
_Fits = Callable[[Any, Any, Site | None], bool]


class Answers(TorchFunctionMode):
    """Answers the calls of some rules with their fix; its frame in a traceback holds the others."""

    def __init__(self, *rules: tuple[_Fits, Callable[..., Any]]) -> None:
        super().__init__()
        self.rules = rules

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs, frame = kwargs or {}, sys._getframe(1) if self.rules else None
        while frame is not None and not is_users(frame):
            frame = frame.f_back
        here = (frame.f_code, frame.f_lasti) if frame is not None else None
        for fits, answer in self.rules:
            if fits(func, (args, kwargs), here):
                return answer(*args, **kwargs)
        return func(*args, **kwargs)


@contextlib.contextmanager
def quiet(values: bool) -> Iterator[None]:
    """Without gradients or a change of the random state; new tensors on meta, or real."""
    device = contextlib.nullcontext() if values else torch.device("meta")
    with torch.no_grad(), torch.random.fork_rng(devices=[]), device:
        yield


def _shared(**values: Any) -> Any:
    """Holds what a trace's stand-in is to share: it copies objects, and no class."""
    return type("_Shared", (), values)


class FixedCall(nn.Module):
    """The failing call with its steps done: called as the layer or the function was."""

    def __init__(self, failure: Failure, steps: list[Step], values: bool) -> None:
        super().__init__()
        self.layer, self.shortcut = failure.layer, None
        if self.layer is not None and not failure.own:  # a copy to change at will
            real = values and sum(p.nbytes for p in self.layer.parameters()) <= MANY_BYTES
            self.layer = replica(self.layer, lambda t: t.clone() if real else t.to("meta"))
        with quiet(values):
            for step in steps:
                if step.target == "layer":
                    self.layer = run(step.code, {"layer": self.layer})
                    if failure.layer is not None and not str(step.code).endswith(".eval()"):
                        self.layer.train(failure.layer.training)
                elif step.target == "shortcut":
                    self.shortcut = run(step.code, {})
        rest = [step for step in steps if step.target not in ("layer", "shortcut")]
        self.held = _shared(failure=failure, rest=rest)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        failure, operands = self.held.failure, list[Any]()
        failure.with_operands(args, kwargs, operands.append)
        scope = {**kwargs, "shortcut": self.shortcut, "layer": self.layer}
        scope.update(zip(failure.names, operands, strict=False))
        result = None
        for step in self.held.rest:
            scope[step.target] = run(step.code, scope)
            result = step.target if step.target in ("y", "") else result
        if result is not None:
            return scope[result]
        new = iter([scope[name] for name in failure.names])
        kwargs = {key: scope[key] for key in kwargs}
        args, kwargs = failure.with_operands(args, kwargs, lambda operand: next(new, operand))
        call: Any = failure.call if failure.layer is None else self.layer
        return call(*args, **kwargs)


def _called_at(site: Site | None, function: Any = None) -> _Fits:
    return lambda func, given, here: here == site and function in (None, func)


def _called_as(call: Call) -> _Fits:
    """A function on tensors of the same shape; and then again wherever that was."""
    learned: list[Site | None] = []

    def fits(func: Any, given: Any, here: Site | None) -> bool:
        if getattr(func, "__name__", "") != call.kind:
            return False
        if not learned and [*tensors_in(given)[0].shape] == [*call.input_shapes[0]]:
            learned.append(here)
        return here in learned

    return fits


class Mended(nn.Module):
    """The model with a fix in place: a copy that shares tensors, and has others in some places."""

    def __init__(self, model: nn.Module, repair: Repair, values: bool) -> None:
        super().__init__()
        inputs: list[tuple[int, Code]] = []
        rules: list[tuple[_Fits, Callable[..., Any]]] = []
        members: dict[str, Any] = {}
        modules, copier = dict(model.named_modules()), Copier(lambda tensor: tensor)
        failures = dict.fromkeys(s.where for s in repair.steps if isinstance(s.where, Failure))
        for step in repair.steps:
            match step.where:
                case str(path):
                    with quiet(values):
                        members[path] = run(step.code, {})
                    if path in modules:
                        members[path].train(modules[path].training)
                case int(number):
                    inputs.append((number, step.code))
                case Call() as call:
                    rules.append((_called_as(call), _on_first(step.code)))
        for failure in failures:
            steps = [step for step in repair.steps if step.where is failure]
            fixed = FixedCall(failure, steps, values)
            if failure.layer is None:
                rules.append((_called_at(failure.site, failure.call), fixed))
            elif any(failure.layer is module for module in modules.values()):
                copier.replace(failure.layer, fixed)
            else:  # made in forward, or held in a plain list: its first function is answered
                rules.append((_called_at(failure.site), lambda x, *_, fixed=fixed, **__: fixed(x)))
        self.model = copier.copy(model)
        for path, new in members.items():
            owner, _, name = path.rpartition(".")
            module = self.model.get_submodule(owner)
            module.__dict__.pop(name, None)  # a plain list makes room for a module
            setattr(module, name, new)
        self.held = _shared(inputs=inputs, rules=rules)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        for number, code in self.held.inputs:
            given[number] = run(code, {"x": given[number]})
        rules = self.held.rules
        with Answers(*rules) if rules else contextlib.nullcontext():
            return self.model(*given, **kwargs)


def _on_first(code: Code) -> Callable[..., Any]:
    return lambda *args, **kwargs: run(code, {"x": tensors_in((args, kwargs))[0]})


def try_here(failure: Failure, repair: Repair) -> Exception | None:
    """What goes wrong when the failing call is run by itself with the fix; None where it holds."""
    values = not failure.on_shapes
    try:
        fixed = FixedCall(failure, list(repair.steps), values)
        args, kwargs = _copied((failure.args, failure.kwargs), values=values)
        if failure.built is not None:
            return None
        if failure.layer is not None and not values:
            tracing.trace(fixed, *args, **kwargs)  # on shapes it is stricter than torch
            return None
        with quiet(values), Answers():
            fixed(*args, **kwargs)
    except tracing.TraceError as error:
        return error.__cause__ if isinstance(error.__cause__, Exception) else error
    except Exception as error:
        return error
    return None


def _copied(held: Any, *, values: bool) -> Any:
    """The arguments with their tensors detached, or put on meta where values do not count."""
    return mapped(held, lambda t: t.detach() if values else t.detach().to("meta"))


@dataclass(frozen=True)
class Run:
    """The run of a model that failed, with what it was called with."""

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
            inputs, kwargs = _copied((inputs, kwargs), values=False)  # the mended layer is on meta
        return trace(model, *inputs, **kwargs)

    def other_batches(self, failure: Failure, repair: Repair) -> list[Any]:
        """The inputs with one sample more, as far as one can tell which axis counts them."""
        first = _shape(self.inputs[0]) if self.inputs else ()
        adds_batch = any("unsqueeze(0)" in str(s) or "[None" in str(s) for s in repair.steps)
        if not first or adds_batch or _one_sample(failure):
            return []
        sequence_first = any(getattr(m, "batch_first", True) is False for m in self.model.modules())
        batches: list[Any] = []
        for axis in range(min(1 + sequence_first, len(first))):
            grow = partial(_grown, count=first[axis], axis=axis)
            inputs, named = list(map(grow, self.inputs)), self.kwargs
            batches.append((inputs, {key: grow(value) for key, value in named.items()}))
            batches.append(((inputs[0], *self.inputs[1:]), named))  # the others count no samples
        return batches

    def worked_before(self, failure: Failure) -> list[Any]:
        """Images that halve without a remainder, where two branches meet and those run as it is."""
        first, step = _shape(self.inputs[0]) if self.inputs else (), sizes.step(failure)
        even = (*first[:2], *(-(-size // step) * step for size in first[2:]))
        if failure.layer is not None or even == first or len(first) < 3:
            return []
        image = self.inputs[0]
        given = (image.new_zeros(even) if isinstance(image, Tensor) else even, *self.inputs[1:])
        return [] if self.fails(self.model, (given, self.kwargs)) else [(given, self.kwargs)]


def _one_sample(failure: Failure) -> bool:
    """Whether the model was given a sample without a batch axis."""
    least = {"Fold": 2, "PixelShuffle": 3, "PixelUnshuffle": 3}.get(failure.kind, failure.dims + 1)
    takes_samples = not failure.kind.startswith(("BatchNorm", "GroupNorm"))
    lone = failure.source(0) == -1 and len(failure.shape) <= least and takes_samples
    return sizes.lacks_batch(failure) or lone


def _shape(value: Any) -> tuple[int, ...]:
    """The shape of an input, which may be given as one."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    whole = isinstance(value, tuple) and all(type(size) is int for size in value)
    return tuple(value) if whole else ()


def _grown(value: Any, count: int, axis: int) -> Any:
    """A tensor or a shape with one more along the axis that counts the samples."""
    shape = _shape(value)
    place = next(
        (place for place in (axis, 1 - axis) if shape[place : place + 1] == (count,)), None
    )
    if place is None or count == 0:
        return value
    if isinstance(value, Tensor):
        return torch.cat([value, value.narrow(place, 0, 1)], place)
    return (*shape[:place], shape[place] + 1, *shape[place + 1 :])
