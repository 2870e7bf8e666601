"""Running a model on shapes and telling what happened."""

from __future__ import annotations

from threading import RLock
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.report import Call, Shape, Trace
from convdocs.tracing.build import Builder, build
from convdocs.tracing.guard import attributes_kept, random_state_kept, values_kept
from convdocs.tracing.nodes import mapped, tensors_in
from convdocs.tracing.recorder import META, NeedsValues, Recorder, ShapeRecorder
from convdocs.tracing.rules import Mark

__all__ = ["TraceError", "trace", "trace_values"]

_TURN = RLock()  # a run stands in for the modules' forward: one at a time


class TraceError(RuntimeError):
    """The model raised. Chained to torch's own exception.

    Attributes
    ----------
    trace : Trace
        The calls that went well.
    call : Call
        The one that failed; it has no outputs.
    diagnosis : Any
        What is wrong and how to fix it, where that is known.
    """

    def __init__(self, message: str, trace: Trace, call: Call) -> None:
        super().__init__(message)
        self.trace = trace
        self.call = call
        self.diagnosis: Any = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.trace, self.call), {"diagnosis": self.diagnosis}


def trace(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """Run a model on shapes alone and tell what every call did.

    Parameters
    ----------
    model : torch.nn.Module
        On any device, in train or eval mode; it is left exactly as it is.
    *inputs, **kwargs
        What ``forward`` takes: tensors, whose values are not read, or a tuple of ints for a
        float tensor of that shape; also inside lists and dicts.

    Raises
    ------
    TraceError
        When the model raises; the message shows the table up to the layer that failed.

    Examples
    --------
    >>> found = trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
    >>> [(call.path, call.kind, call.output_shapes) for call in found.calls]
    [('0', 'Conv1d', ((2, 16, 5),)), ('1', 'ReLU', ((2, 16, 5),))]
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"trace() takes a torch.nn.Module first, not {type(model).__name__}")
    with _TURN, random_state_kept():
        try:
            return _run(model, inputs, kwargs, ShapeRecorder(_device(model)), _on_meta)
        except NeedsValues:
            return trace_values(model, *inputs, **kwargs)


def trace_values(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """As :func:`trace`, on real tensors: for what shapes alone do not show.

    Examples
    --------
    >>> trace_values(nn.Sequential(nn.ReLU()), torch.zeros(2, 3)).executed
    'values'
    """
    with _TURN, random_state_kept(), values_kept(model):
        return _run(model, inputs, kwargs, Recorder(_device(model)), _real)


def _device(model: nn.Module) -> torch.device:
    first = next(model.parameters(), None)
    return first.device if first is not None else torch.device("cpu")


def _run(model: nn.Module, inputs: Any, kwargs: Any, recorder: Recorder, make: Any) -> Trace:
    dtype = _float_dtype(model)
    given = _prepared([list(inputs), kwargs], lambda one: make(one, dtype, recorder.device))
    shapes = tuple(tuple(t.shape) for t in tensors_in(given))
    named = dict(model.named_modules())
    with attributes_kept(list(named.values())), torch.no_grad():
        for path, module in named.items():
            module.__dict__["forward"] = recorder.stand_in(module, path)
            module.__dict__["_compiled_call_impl"] = None
        try:
            with recorder:
                out = model(*given[0], **given[1])
        except Exception as error:
            raise _failure(model, recorder, shapes, error) from error
    outputs = tuple(tuple(t.shape) for t in tensors_in(out))
    return build(model, recorder, shapes, outputs)


def _failure(
    model: nn.Module, recorder: Recorder, shapes: tuple[Shape, ...], error: Exception
) -> TraceError:
    from convdocs.view.trace import failure

    assert recorder.failed is not None
    partial = build(model, recorder, shapes, ())
    builder = Builder()
    for number, node in enumerate(recorder.nodes):
        builder.add(number, node)
    call = builder.call(len(builder.calls), recorder.failed[1])
    return TraceError(failure(partial, call, error), partial, call)


def _float_dtype(model: nn.Module) -> torch.dtype:
    """The dtype of a shape's tensor: that of the model's first floating parameter."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.get_default_dtype()


def _is_shape(value: Any) -> bool:
    return (
        type(value) in (tuple, torch.Size)
        and bool(value)
        and all(type(one) is int for one in value)
    )


def _prepared(value: Any, make: Any) -> Any:
    """The arguments with tensors and shapes made into tensors to run on."""
    if isinstance(value, Tensor) or _is_shape(value):
        return make(value)
    if isinstance(value, dict):
        return {key: _prepared(one, make) for key, one in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(_prepared(one, make) for one in value)
    return mapped(value, make)


def _on_meta(given: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    if isinstance(given, Tensor):
        made = torch.empty_strided(given.shape, given.stride(), dtype=given.dtype, device=META)
    else:
        made = torch.empty(given, dtype=dtype, device=META)
    return _marked(made)


def _real(given: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    if isinstance(given, Tensor):
        return _marked(given.detach().clone())
    own = torch.Generator().manual_seed(0)
    return _marked(torch.randn(given, generator=own).to(device, dtype))


def _marked(tensor: Tensor) -> Tensor:
    mark = Mark(-1, tuple(tensor.shape), tensor.dtype, tensor.is_contiguous())
    tensor._convdocs_mark = mark  # type: ignore[attr-defined]
    return tensor
