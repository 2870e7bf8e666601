"""The door: a model and its inputs go in, a Trace comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.layers import layer_class
from convdocs.lint import findings
from convdocs.report import Trace
from convdocs.tracing.failure import TraceError
from convdocs.tracing.guard import (
    collector_paused,
    forgotten,
    nothing_compiled,
    random_state_kept,
    room_for_frames,
    scripts_dispatched,
)
from convdocs.tracing.kernels import NeedsIntegers, NeedsValues, about_meta
from convdocs.tracing.memory import INPUT, META, Parameter, mark, mark_of
from convdocs.tracing.nested import tensors_in
from convdocs.tracing.record import OnCall, Recorder, failed_container, total
from convdocs.tracing.standin import StandIn

Make = Callable[[Any, int], Tensor]  # a tensor for a shape, and for which of them
MOST_NAMES = 5  # of parameters, in a remark
SIZES = ("output_size",)  # what a transposed convolution or an unpool takes by this name is one


def trace(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """As :func:`convdocs.trace`, without a diagnosis of what fails.

    A tuple of ints is a tensor of that shape where none of the inputs is a tensor: of the
    model's own float dtype, or of integers for a model that looks them up in an embedding. A
    model whose Python looks at values (``if x.sum() > 0``) is run on real tensors: those given,
    or random ones. Either way it is a stand-in of the model that runs, so that nothing of the
    model itself can change.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"trace() takes a torch.nn.Module first, not {type(model).__name__}")
    run = _Run(model, inputs, kwargs)
    if run.has_strangers():
        return run.on_values("an input is on another device than the model")
    try:
        return run.on_shapes()
    except NeedsValues as reason:
        return run.on_values(reason.why, gradient=reason.gradient)


def trace_values(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """As :func:`trace`, on real tensors: for what shapes alone do not show."""
    return _Run(model, inputs, kwargs).on_values("")


def observed(
    model: nn.Module,
    inputs: Sequence[Any],
    kwargs: dict[str, Any],
    on_call: OnCall,
    *,
    values: bool = True,
    gradient: bool = False,
    training: bool | None = None,
    ready: Callable[[nn.Module], None] | None = None,
) -> Trace:
    """Trace a model and watch every call as it happens.

    Parameters
    ----------
    model, inputs, kwargs
        As :func:`trace` takes them. The model's stand-in runs; the model is not touched.
    on_call : callable
        ``on_call(what, args, kwargs, output)`` behind each call, in the order of the trace's
        calls: the stand-in's layer or torch's function, what it was given and what it returned.
    values : bool
        Run on real tensors; otherwise on meta, every call anew.
    gradient : bool
        Record the graph of gradients, with memory of their own for all tensors.
    training : bool, optional
        Put the stand-in into training or evaluation mode first.
    ready : callable, optional
        Called with the stand-in before it runs.
    """
    run = _Run(model, inputs, kwargs, on_call)
    run.training, run.ready = training, ready
    if values:
        return run.on_values("", gradient=gradient)
    return run.on_shapes(gradient=gradient)


class _Run:
    """One model with its arguments, to be run in one way or another."""

    def __init__(
        self,
        model: nn.Module,
        inputs: Sequence[Any],
        kwargs: dict[str, Any],
        on_call: OnCall | None = None,
    ) -> None:
        self.model = model
        self.given = [[*inputs], kwargs]
        self.on_call = on_call
        self.training: bool | None = None
        self.ready: Callable[[nn.Module], None] | None = None
        self.shapes_allowed = not tensors_in(self.given)
        self.integers: set[int] = set()  # which of the shapes are of integers

    def has_strangers(self) -> bool:
        """Whether an input lies on a device where none of the model does."""
        devices = {tensor.device for tensor in tensors_in(self.given)}
        homes = {one.device for one in self._parameters()} if devices else set()
        return bool(homes) and not devices <= homes

    def _parameters(self) -> Iterator[Tensor]:
        """The model's, whose own ways to them may be written over."""
        return (one for _, one in nn.Module.named_parameters(self.model))

    def _home(self) -> tuple[torch.device, torch.dtype]:
        """The model's device, and the dtype of its first floating parameter."""
        device = next((one.device for one in self._parameters()), torch.device("cpu"))
        dtypes = (one.dtype for one in self._parameters() if one.dtype.is_floating_point)
        return device, next(dtypes, torch.get_default_dtype())

    def on_shapes(self, *, gradient: bool = False) -> Trace:
        """Run on shapes; raises NeedsValues where that does not do."""
        device, dtype = self._home()
        recorder = Recorder(device, values=False, on_call=self.on_call, live=gradient)

        def empty(shape: Any, number: int) -> Tensor:
            own = torch.int64 if number in self.integers else dtype
            return torch.empty(shape, dtype=own, device=META)

        return self._run(recorder, empty, gradient)

    def on_values(self, why: str, *, gradient: bool = False) -> Trace:
        """Run on real tensors, and say why."""
        device, dtype = self._home()
        recorder = Recorder(device, values=True, on_call=self.on_call)
        recorder.notes[f"run on real tensors, {f'since {why}' if why else 'as asked'}"] = None

        def random(shape: Any, number: int) -> Tensor:
            if number in self.integers:
                return torch.zeros(shape, dtype=torch.int64, device=device)
            own = torch.Generator().manual_seed(0)
            return torch.randn(shape, generator=own).to(device, dtype)

        return self._run(recorder, random, gradient)

    def _run(self, recorder: Recorder, make: Make, gradient: bool) -> Trace:
        try:
            with collector_paused():
                found = self._run_once(recorder, make, gradient)
        finally:
            if kept := [one for ref in recorder.constants if (one := ref()) is not None]:
                forgotten(kept)  # on meta, they would fail the model's next real call
        return self._run(recorder.anew(), make, gradient) if found is None else found

    def _run_once(self, recorder: Recorder, make: Make, gradient: bool) -> Trace | None:
        """One run; nothing where some of the shapes turn out to be of integers."""
        with random_state_kept(), room_for_frames(), torch.set_grad_enabled(gradient):
            standin = StandIn(self.model, recorder, apart=gradient)
            args, kwargs = standin.given(self._with_tensors(self.given, make, standin, count()))
            given = tensors_in((args, kwargs))
            recorder.from_shapes = self.shapes_allowed
            if self.training is not None:
                standin.twin.train(self.training)
            if self.ready is not None:
                self.ready(standin.twin)
            try:
                with nothing_compiled(), scripts_dispatched(), recorder:
                    out = standin.twin(*args, **kwargs)
            except NeedsIntegers as need:
                marks = [mark_of(one) for one in given]
                self.integers |= {marks.index(one) for one in need.inputs}
            except Exception as error:
                if not recorder.values and about_meta(error):
                    raise NeedsValues("shapes alone do not do") from error
                raise _failure(standin, recorder, given, error) from error
            else:
                recorder.failed = None
                found = _built(standin, recorder, given, tensors_in(out))
                if self.on_call is None:
                    standin.forget()
                    recorder.nodes.clear()
                return replace(found, findings=findings(found))
        return None

    def _with_tensors(self, value: Any, make: Make, standin: StandIn, number: Iterator[int]) -> Any:
        """The arguments with a tensor for each shape."""
        if not self.shapes_allowed:
            return value
        if is_shape(value):
            made = make(value, next(number))
            mark(made, INPUT)
            standin.replace(made, made)
            return made
        if type(value) is dict:
            return {
                k: one if k in SIZES else self._with_tensors(one, make, standin, number)
                for k, one in value.items()
            }
        if type(value) in (list, tuple):
            return type(value)(self._with_tensors(one, make, standin, number) for one in value)
        return value


def is_shape(value: Any) -> bool:
    """Whether a value stands for a tensor of that shape."""
    return type(value) in (tuple, torch.Size) and all(type(one) is int for one in value)


def _failure(
    standin: StandIn, recorder: Recorder, given: list[Tensor], error: Exception
) -> TraceError:
    """The error with the table up to the call that failed."""
    if recorder.failed is None or recorder.failed[0] is not error:  # a hook of the model's own
        recorder.failed = (error, failed_container("", standin.model, list(map(mark_of, given))))
    partial = _built(standin, recorder, given)
    assert partial.failed is not None
    told = findings(replace(partial, calls=(*partial.calls, partial.failed)))
    return TraceError(replace(partial, findings=told, error=f"{type(error).__name__}: {error}"))


def _built(
    standin: StandIn, recorder: Recorder, inputs: Sequence[Tensor], outputs: Sequence[Tensor] = ()
) -> Trace:
    """The trace of one run, complete or up to the call that failed."""
    parameters = standin.parameters.values()
    made = [recorder.mark_of(one) for one in outputs]
    calls, modules = recorder.finished()
    failed = recorder.failed
    remarks = [] if failed else _remarks(standin, recorder.first_use)
    return Trace(
        model=layer_class(standin.model).__name__,
        calls=calls,
        params=sum([one.count for one in parameters]),
        trainable_params=sum([one.count for one in parameters if one.trainable]),
        macs=total([call.macs for call in calls]),
        input_shapes=tuple([recorder.mark_of(one).layout.shape for one in inputs]),
        output_shapes=tuple([one.layout.shape for one in made]),
        parameter_bytes=standin.buffer_bytes
        + sum([one.layout.nbytes for one in parameters if one.layout]),
        activation_bytes=sum([o.nbytes for node in recorder.nodes for o in node.answer.outputs]),
        executed="values" if recorder.values else "shapes",
        notes=(*recorder.notes, *remarks),
        modules=modules,
        output_sources=tuple([one.maker.index for one in made]),
        failed=recorder.failed_call(),
    )


def _remarks(standin: StandIn, used: dict[Parameter, int]) -> list[str]:
    """Why the calls' parameters do not add up to the model's."""
    found = []
    unused = [p for p in standin.parameters.values() if p not in used and p.count]
    if unused:
        names = ", ".join(p.path for p in unused[:MOST_NAMES])
        more = f" and {len(unused) - MOST_NAMES} more" if len(unused) > MOST_NAMES else ""
        count = sum(p.count for p in unused)
        found.append(f"{count:,} parameters were used by no call: {names}{more}")
    outside = [p for p in used if not p.registered and p.count]
    if outside:
        names = ", ".join([p.path for p in outside if p.path][:MOST_NAMES])
        count = sum(p.count for p in outside)
        words = f"{count:,} parameters are not the model's own, nor in its total"
        found.append(f"{words}: {names}" if names else words)
    return found
