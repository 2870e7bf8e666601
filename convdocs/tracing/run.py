"""The door: a model and its inputs go in, a Trace comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.lint import findings
from convdocs.report import Shape, Trace
from convdocs.tracing.build import build
from convdocs.tracing.failure import TraceError
from convdocs.tracing.guard import random_state_kept, values_kept
from convdocs.tracing.modules import listening, walk
from convdocs.tracing.nodes import Node, mapped, tensors_in
from convdocs.tracing.recorder import META, NeedsValues, Recorder, ShapeRecorder, like, mark
from convdocs.tracing.rules import facts

SIZES = ("output_size",)  # what a transposed convolution or an unpool takes by this name is one
_TURN = RLock()  # a run stands in for the modules' forward: one at a time


def trace(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """Run a model on shapes alone and tell what every call did.

    Parameters
    ----------
    model : torch.nn.Module
        On any device, in train or eval mode; it is left exactly as it is.
    *inputs, **kwargs
        What ``forward`` takes: tensors, whose values are not read, or a tuple of ints for a
        tensor of that shape and of the model's own float dtype; also inside lists and dicts.

    Returns
    -------
    Trace
        One entry per call, the totals and the findings.

    Raises
    ------
    TraceError
        When the model raises; the message shows the table up to the layer that failed.

    Notes
    -----
    A model whose Python looks at values (``if x.sum() > 0``) is run on real tensors instead:
    those given, or random ones of the given shape. ``executed`` then says ``"values"``.

    Examples
    --------
    >>> found = trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
    >>> [(call.path, call.kind, call.output_shapes) for call in found.calls]
    [('0', 'Conv1d', ((2, 16, 5),)), ('1', 'ReLU', ((2, 16, 5),))]
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"trace() takes a torch.nn.Module first, not {type(model).__name__}")
    device, dtype = _home(model)
    given = [[*inputs], kwargs]
    gradient = False
    with _TURN, random_state_kept():
        if _strangers(model, given):
            why = "run on real tensors, since an input is on another device than the model"
            return _run_real(model, given, why, gradient)
        try:
            on_meta = _prepared(given, lambda one: _shape_only(one, dtype))
            with torch.no_grad():
                return _run(model, on_meta, ShapeRecorder(device))
        except NeedsValues as reason:
            why = f"run on real tensors, since {reason}() needs values"
            gradient = reason.gradient
        return _run_real(model, given, why, gradient)


def trace_values(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """As :func:`trace`, on real tensors: for what shapes alone do not show.

    Examples
    --------
    >>> trace_values(nn.Sequential(nn.ReLU()), torch.zeros(2, 3)).executed
    'values'
    """
    with _TURN, random_state_kept():
        return _run_real(model, [[*inputs], kwargs], "run on real tensors, as asked", False)


def _run_real(model: nn.Module, given: Any, why: str, gradient: bool) -> Trace:
    device, dtype = _home(model)
    recorder = Recorder(device)
    recorder.notes[why] = None
    real = _prepared(given, lambda one: _real(one, dtype, device))
    with values_kept(list(model.modules())), torch.set_grad_enabled(gradient):
        return _run(model, real, recorder)


def _home(model: nn.Module) -> tuple[torch.device, torch.dtype]:
    """Where the model lives, and the dtype of its first floating parameter."""
    device = None
    for parameter in model.parameters():
        device = device or parameter.device
        if parameter.is_floating_point():
            return device, parameter.dtype
    return device or torch.device("cpu"), torch.get_default_dtype()


def _strangers(model: nn.Module, given: Any) -> bool:
    """Whether an input lies on a device where none of the model does."""
    devices = {tensor.device for tensor in tensors_in(given)}
    known = {parameter.device for parameter in model.parameters()} if devices else devices
    return bool(known) and not devices <= known


def _run(model: nn.Module, given: Any, recorder: Recorder) -> Trace:
    shapes = _shapes(given)
    paths = walk(model)
    modules = paths.values()
    with listening(paths, recorder):
        try:
            with recorder:
                out = model(*given[0], **given[1])
        except Exception as error:
            if recorder.failed is None or recorder.failed[0] is not error:
                marks = tuple(map(facts, tensors_in(given)))  # a hook of the model itself raised
                recorder.failed = (error, Node("", model, type(model).__name__, marks))
            partial, call = build(model, modules, recorder, shapes)
            assert call is not None
            told = findings(replace(partial, calls=(*partial.calls, call)))
            words = f"{type(error).__name__}: {error}"
            partial = replace(partial, findings=told, failed=call, error=words)
            raise TraceError(partial) from error
        recorder.failed = None
        found, _ = build(model, modules, recorder, shapes, tuple(map(facts, tensors_in(out))))
    return replace(found, findings=findings(found))


def _shapes(value: Any) -> tuple[Shape, ...]:
    return tuple(tuple(tensor.shape) for tensor in tensors_in(value))


def _is_shape(value: Any) -> bool:
    return type(value) in (tuple, torch.Size) and all(type(one) is int for one in value)


def _prepared(value: Any, make: Callable[[Any], Tensor]) -> Any:
    """The arguments with tensors and shapes made into tensors to run on."""
    if isinstance(value, Tensor) or _is_shape(value):
        return make(value)
    if type(value) is dict:
        return {k: one if k in SIZES else _prepared(one, make) for k, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_prepared(one, make) for one in value)
    return mapped(value, make)


def _shape_only(given: Any, dtype: torch.dtype) -> Tensor:
    if isinstance(given, Tensor):
        made = like(given).requires_grad_(given.requires_grad)
    else:
        made = torch.empty(given, dtype=dtype, device=META)
    mark(made, -1)
    return made


def _real(given: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    """A copy of a given tensor, which the model may write into; random values for a shape."""
    if isinstance(given, Tensor):
        made = given.detach().clone().requires_grad_(given.requires_grad)
    else:
        own = torch.Generator().manual_seed(0)
        made = torch.randn(given, generator=own).to(device, dtype)
    mark(made, -1)
    return made
