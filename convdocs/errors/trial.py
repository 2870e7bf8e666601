"""A fix run: on the failing call by itself, then in the whole model, in batches of other sizes too.

The model is never changed: what runs is a copy of its tree that shares all but what was mended.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convdocs import tracing
from convdocs.cells.replica import replica
from convdocs.errors import meaning
from convdocs.errors.code import Code, run
from convdocs.errors.failure import Failure, Site, is_users
from convdocs.errors.repair import Repair, Step
from convdocs.errors.sizes import multiple_above
from convdocs.report import Call, Trace
from convdocs.tracing.copier import Copier
from convdocs.tracing.nested import mapped, tensors_in
from convdocs.tracing.run import is_shape

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

    def __init__(self, failure: Failure, steps: list[Step]) -> None:
        super().__init__()
        self.layer, self.shortcut, self.project = failure.layer, None, None
        values, rest = not failure.on_shapes, []
        if self.layer is not None and not failure.own:  # a copy to change at will
            real = values and sum(p.nbytes for p in self.layer.parameters()) <= MANY_BYTES
            self.layer = replica(self.layer, lambda t: t.clone() if real else t.to("meta"))
        for step in steps:
            if step.target in ("layer", "shortcut", "project"):
                with quiet(values):
                    made = run(step.code, {"layer": self.layer})
                if failure.layer is not None and not str(step.code).endswith(".eval()"):
                    made.train(failure.layer.training)
                setattr(self, step.target, made)
            else:
                rest.append(step)
        self.held = _shared(failure=failure, rest=rest)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        failure, operands = self.held.failure, list[Any]()
        failure.with_operands(args, kwargs, operands.append)
        made = {"shortcut": self.shortcut, "project": self.project, "layer": self.layer}
        scope = {**kwargs, **made}
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

    def __init__(self, failure: Failure, repair: Repair) -> None:
        super().__init__()
        assert failure.model is not None
        inputs: list[tuple[int, Code]] = []
        rules: list[tuple[_Fits, Callable[..., Any]]] = []
        members: dict[str, Any] = {}
        modules, copier = dict(failure.model.named_modules()), Copier(lambda tensor: tensor)
        fixed_calls: dict[Failure, list[Step]] = {}
        for step in repair.steps:
            match step.where:
                case Failure() as failed:
                    fixed_calls.setdefault(failed, []).append(step)
                case str(path):
                    with quiet(not failure.on_shapes):
                        members[path] = run(step.code, {})
                    if path in modules:
                        members[path].train(modules[path].training)
                case int(number):
                    inputs.append((number, step.code))
                case Call() as call:
                    rules.append((_called_as(call), partial(_of_first, step.code)))
        fixed = [FixedCall(failed, steps) for failed, steps in fixed_calls.items()]
        for failed, one in zip(fixed_calls, fixed, strict=True):
            if failed.layer is None:
                rules.append((_called_at(failed.site, failed.call), one))
            elif any(failed.layer is module for module in modules.values()):
                copier.replace(failed.layer, one)
            else:  # made in forward, or held in a plain list: its first function is answered
                rules.append((_called_at(failed.site), lambda x, *_, one=one, **__: one(x)))
        self.model = copier.copy(failure.model)
        for path, new in members.items():
            owner, _, name = path.rpartition(".")
            module = self.model.get_submodule(owner)
            module.__dict__.pop(name, None)  # a plain list makes room for a module
            setattr(module, name, new)
        made = [*members.values(), *fixed]
        weights = [one for one in made if isinstance(one, Tensor)]
        weights += [p for one in made if isinstance(one, nn.Module) for p in one.parameters()]
        on_meta = any(weight.is_meta for weight in weights)
        self.held = _shared(inputs=inputs, rules=rules, on_meta=on_meta)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        given = list(args)
        for number, code in self.held.inputs:
            given[number] = run(code, {"x": given[number]})
        rules = self.held.rules
        with Answers(*rules) if rules else contextlib.nullcontext():
            return self.model(*given, **kwargs)


def _of_first(code: Code, *args: Any, **kwargs: Any) -> Any:
    return run(code, {"x": tensors_in((args, kwargs))[0]})


def try_here(failure: Failure, repair: Repair) -> Exception | None:
    """What goes wrong when the failing call is run by itself with the fix; None where it holds."""
    try:
        fixed = FixedCall(failure, list(repair.steps))
        args, kwargs = _copied((failure.args, failure.kwargs), failure.on_shapes)
        if failure.built is not None:
            return None
        if failure.layer is not None and failure.on_shapes:
            tracing.trace(fixed, *args, **kwargs)  # on shapes it is stricter than torch
            return None
        with quiet(not failure.on_shapes), Answers():
            fixed(*args, **kwargs)
    except tracing.TraceError as error:
        return error.__cause__ if isinstance(error.__cause__, Exception) else error
    except Exception as error:
        return error
    return None


def _copied(held: Any, on_shapes: bool) -> Any:
    """The arguments with their tensors detached, or put on meta where values do not count."""
    return mapped(held, lambda t: t.detach().to("meta" if on_shapes else t.device))


def run_of(failure: Failure, model: nn.Module, inputs: Any = None) -> Trace:
    """The trace of a mended model, or of the failed one on other inputs; TraceError if it fails."""
    given = inputs or failure.inputs
    if failure.on_shapes and isinstance(model, Mended) and model.held.on_meta:
        given = _copied(given, on_shapes=True)  # the mended layer is on meta
    trace = tracing.trace if failure.on_shapes else tracing.trace_values
    return trace(model, *given[0], **given[1])


def error_of(failure: Failure, model: nn.Module, inputs: Any = None) -> tracing.TraceError | None:
    """What goes wrong in such a run; None where it goes well."""
    try:
        run_of(failure, model, inputs)
    except tracing.TraceError as error:
        return error
    return None


def other_batches(failure: Failure, repair: Repair) -> list[Any]:
    """The model's inputs with one sample more, as far as one can tell which axis counts them."""
    (inputs, named), model, kind = failure.inputs, failure.model, failure.kind
    first = shape_of(inputs[0]) if inputs else ()
    adds_batch = any("unsqueeze(0)" in str(s) or "[None" in str(s) for s in repair.steps)
    sample = {"Fold": 2, "PixelShuffle": 3, "PixelUnshuffle": 3}.get(kind, failure.dims + 1)
    lone = failure.source(0) == -1 and len(failure.shape) <= sample
    lone = lone and not kind.startswith(("BatchNorm", "GroupNorm"))
    if model is None or not first or adds_batch or lone or meaning.lacks_batch(failure):
        return []
    sequence_first = any(getattr(m, "batch_first", True) is False for m in model.modules())
    batches: list[Any] = []
    for axis in range(min(1 + sequence_first, len(first))):
        grow = partial(_grown, count=first[axis], axis=axis)
        grown = tuple(map(grow, inputs))
        batches.append((grown, {key: grow(value) for key, value in named.items()}))
        batches.append(((grown[0], *inputs[1:]), named))  # the others count no samples
    return batches


def worked_before(failure: Failure) -> list[Any]:
    """Images that halve without a remainder, where two branches meet and those run as it is."""
    inputs, named = failure.inputs
    first, step = shape_of(inputs[0]) if inputs else (), meaning.halving(failure)
    even = (*first[:2], *(multiple_above(size, step) for size in first[2:]))
    if failure.layer is not None or failure.model is None or even == first or len(first) < 3:
        return []
    image = inputs[0].new_zeros(even) if isinstance(inputs[0], Tensor) else even
    given = ((image, *inputs[1:]), named)
    return [] if error_of(failure, failure.model, given) else [given]


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of an input, which may be given as one."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    return tuple(value) if is_shape(value) else ()


def _grown(value: Any, count: int, axis: int) -> Any:
    """A tensor or a shape with one more along the axis that counts the samples."""
    shape = shape_of(value)
    place = next((place for place in (axis, 1 - axis) if shape[place : place + 1] == (count,)), -1)
    if place < 0 or count == 0:
        return value
    if isinstance(value, Tensor):
        return torch.cat([value, value.narrow(place, 0, 1)], place)
    return (*shape[:place], shape[place] + 1, *shape[place + 1 :])
