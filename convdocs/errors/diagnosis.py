"""From a call that fails to its diagnosis: the layer, the cause, and fixes that have been run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from convdocs import tracing
from convdocs.errors import catalogue
from convdocs.errors.failure import Failure, module_calls, read, read_trace
from convdocs.errors.search import fixes
from convdocs.errors.trial import Answers, quiet
from convdocs.report import Diagnosis
from convdocs.tracing.guard import collector_paused
from convdocs.tracing.nested import tensors_in


def diagnose(model: Callable[..., Any], *inputs: Any, **kwargs: Any) -> Diagnosis | None:
    """Say why a model, a layer or a function fails on these inputs; None when it runs.

    The model is run on shapes first, and on the inputs themselves where shapes alone show no
    error (another data type, another device, an index out of range). It is left as it was.

    Parameters
    ----------
    model : torch.nn.Module or callable
        What fails. A function without inputs serves for a layer that cannot be built:
        ``diagnose(lambda: nn.Conv2d(3, 8, 3, groups=2))``.
    *inputs, **kwargs
        What it is called with; for a module also a tuple of ints in place of a tensor.

    Examples
    --------
    >>> print(diagnose(nn.Conv1d(3, 2, 3), (2, 4, 5)).cause)
    The input (2, 4, 5) has C=4; Conv1d(3, 2, 3) expects C=3.
    >>> diagnose(nn.Conv1d(3, 2, 3), (2, 3, 5)) is None
    True
    """
    if not isinstance(model, nn.Module):
        try:
            with quiet(values=True), Answers():
                model(*inputs, **kwargs)
        except Exception as error:
            return _diagnosis(read(error))
        return None
    model = _unwrapped(model)
    held = (*model.parameters(), *model.buffers(), *tensors_in((*inputs, *kwargs.values())))
    try:
        on_meta = any(tensor.is_meta for tensor in held)  # where the real run costs no more
        if not on_meta and tracing.trace(model, *inputs, **kwargs).executed == "values":
            return None
        tracing.trace_values(model, *inputs, **kwargs)
    except tracing.TraceError as error:
        return of_trace(error, model, inputs, kwargs)
    return None


def _unwrapped(model: nn.Module) -> nn.Module:
    """The model that torch.compile was given: compiling it again for each trial takes minutes."""
    while isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
        model = inner
    return model


def of_trace(
    error: tracing.TraceError, model: nn.Module, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Diagnosis:
    """The diagnosis of a trace that failed."""
    failure = read_trace(error, _unwrapped(model), error.call.path, (inputs, kwargs))
    # garbage that is collected between two runs on shapes takes as long as several of them
    with collector_paused() if failure.on_shapes else contextlib.nullcontext():
        return _diagnosis(failure)


def of_exception(error: BaseException) -> Diagnosis | None:
    """The diagnosis of an exception that a model, a layer, a constructor or a loss raised.

    None for an exception that came from none of them.
    """
    calls = module_calls(error)
    if not calls:
        failure = read(error)
        known = failure.built is not None or catalogue.find(failure) is not None
        return _diagnosis(failure) if known else None
    model = calls[0]["layer"]
    again = diagnose(model, *calls[0]["args"], **calls[0]["kwargs"])
    if again is not None and again.error == type(error).__name__:
        return again
    return _diagnosis(read(error, _unwrapped(model)))


def _diagnosis(failure: Failure) -> Diagnosis:
    trace, found = failure.trace, catalogue.find(failure)
    told: dict[str, Any] = {"error": failure.error, "trace": trace, "call": trace and trace.failed}
    if found is None:
        return Diagnosis("unknown", failure.path, failure.message, "", **told)
    entry, known = found
    mended = tuple(fixes(entry, known))  # which may tell the cause more
    cause = entry.told(known)
    return Diagnosis(entry.code, failure.path, failure.message, cause, mended, entry.place, **told)


@contextlib.contextmanager
def explaining() -> Iterator[None]:
    """Add a diagnosis to any exception that passes through, as a note.

    The exception stays the same, with its type, message and traceback.

    Examples
    --------
    >>> import torch
    >>> try:
    ...     with explaining():
    ...         nn.Conv1d(3, 2, 3)(torch.zeros(2, 4, 5))
    ... except RuntimeError as error:
    ...     print(error.__notes__[0].splitlines()[0])
    convdocs: channels-mismatch in Conv1d(3, 2, 3)
    """
    try:
        yield
    except Exception as error:
        # nothing that goes wrong in here may stand in the way of the user's own error
        with contextlib.suppress(Exception):
            found = of_exception(error)
            if found is not None:
                error.add_note(found.note())
        raise
