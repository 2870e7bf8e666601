"""The package's front door to a trace: a model that fails gets its diagnosis at once."""

from __future__ import annotations

import contextlib
from typing import Any

from torch import nn

from convdocs import tracing
from convdocs.errors.diagnosis import of_trace
from convdocs.report import Trace


def trace(model: nn.Module, *inputs: Any, **kwargs: Any) -> Trace:
    """Run a model on shapes alone and tell what every call did.

    :param model: On any device, in train or eval mode; it is left exactly as it is.
    :param inputs: What ``forward`` takes: tensors, whose values are not read, or a tuple of ints
        for a float tensor of that shape; also inside lists and dicts.
    :param kwargs: The same by name.
    :raises TraceError: When the model raises; the message shows the table up to the layer that
        failed, and ``.diagnosis`` says why it failed and what to write instead.

    Examples
    --------
    >>> found = trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
    >>> [(call.path, call.kind, call.output_shapes) for call in found.calls]
    [('0', 'Conv1d', ((2, 16, 5),)), ('1', 'ReLU', ((2, 16, 5),))]
    """
    try:
        return tracing.trace(model, *inputs, **kwargs)
    except tracing.TraceError as error:
        # nothing that goes wrong in here may stand in the way of the model's own error
        with contextlib.suppress(Exception):
            error.diagnosis = of_trace(error, model, inputs, kwargs)
            error.add_note(error.diagnosis.note())
        raise
