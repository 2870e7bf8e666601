"""From a call that fails to its diagnosis: the layer, the cause, and fixes that have been run.

Each fix is tried, and where one error hides another, both are mended.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from itertools import islice
from typing import Any

from torch import nn

from convdocs import tracing
from convdocs.errors import catalogue, function, trial
from convdocs.errors.catalogue import Entry
from convdocs.errors.failure import Failure, module_calls, read, read_trace
from convdocs.errors.known import ODD, Known
from convdocs.errors.repair import Repair, Step
from convdocs.report import Diagnosis, Fix
from convdocs.tracing.guard import collector_paused
from convdocs.tracing.nested import tensors_in

_MOST_FIXES = 3
_MOST_ERRORS = 4  # of one call, mended one after the other
_MOST_TRIES = 2  # fixes of each further error
_MANY_CALLS = 250  # in larger models only the first fix that holds is run as a whole


@contextmanager
def _unheard() -> Iterator[None]:
    """Without warnings: they are of the user's run, and here would name a line of this package."""
    with warnings.catch_warnings(action="ignore"):
        yield


@_unheard()
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
            function.run(model, inputs, kwargs)
        except Exception as error:
            return _diagnosis(read(error))
        return None
    model = _unwrapped(model)
    own = (*nn.Module.parameters(model), *nn.Module.buffers(model))  # whatever hides them
    held = (*own, *tensors_in((*inputs, *kwargs.values())))
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


@_unheard()
def of_trace(
    error: tracing.TraceError, model: nn.Module, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Diagnosis:
    """The diagnosis of a trace that failed."""
    failure = read_trace(error, _unwrapped(model), error.call.path, (inputs, kwargs))
    # garbage that is collected between two runs on shapes takes as long as several of them
    with collector_paused() if failure.on_shapes else nullcontext():
        return _diagnosis(failure)


@_unheard()
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
    mended = tuple(_fixes(entry, known))  # which may tell the cause more
    cause = entry.told(known) or f"{entry.title}."  # where the call itself is not known
    return Diagnosis(entry.code, failure.path, failure.message, cause, mended, entry.place, **told)


@contextmanager
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
        with suppress(Exception):
            found = of_exception(error)
            if found is not None:
                error.add_note(found.note())
        raise


def _fixes(entry: Entry, failure: Known) -> list[Fix]:
    """The repairs that hold, those that the whole model was run with in front."""
    found: dict[str, tuple[bool, bool, Fix]] = {}
    for repair in _holding(failure, _candidates(entry, failure)):
        verified = False
        known = _is_large(failure) and any(fix.verified for *_, fix in found.values())
        if repair.steps and not known:
            repair, verified = _in_whole(failure, repair)
            if not verified and not repair.is_here:
                continue  # what mends elsewhere is only seen to help by the whole run
            failure.told.update(repair.words if repair.onwards else {})
        fix = Fix(repair.text, repair.code, verified)
        found.setdefault(fix.code, (not verified, repair.loses or not repair.steps, fix))
        if len(found) == _MOST_FIXES:
            break
    fixes = [fix for *_, fix in sorted(found.values(), key=lambda one: one[:2])]
    if fixes and fixes[0].text.startswith("Or "):  # with nothing before it
        fixes[0] = replace(fixes[0], text=fixes[0].text[3:4].upper() + fixes[0].text[4:])
    return fixes


def _candidates(entry: Entry, known: Known) -> Iterator[Repair]:
    """The repairs of an entry's strategies, in order; a strategy may lack what it needs."""
    seen: set[str] = set()
    for strategy in entry.fixes:
        # what a strategy cannot read of an odd call it cannot mend
        with suppress(ArithmeticError, *ODD):
            for repair in strategy(known):
                if repair.code and repair.code not in seen:
                    seen.add(repair.code)
                    yield repair


def _is_large(failure: Failure) -> bool:
    return failure.trace is not None and len(failure.trace.calls) > _MANY_CALLS


def _holding(failure: Failure, repairs: Iterable[Repair]) -> Iterator[Repair]:
    """The fixes that mend the failing call; where none does, each with a further one."""
    hidden: list[tuple[Repair, Exception]] = []
    mends = False
    for repair in repairs:
        error = trial.try_here(failure, repair) if repair.steps and repair.is_here else None
        if error is not None:
            anew = any(str(step.code).startswith("nn.") for step in repair.steps)
            if anew or str(error) != failure.message:
                hidden.append((repair, error))
            continue
        mends = mends or bool(repair.steps)
        yield repair
    if not mends:
        further = (_further(failure, [repair], error) for repair, error in hidden)
        yield from filter(None, further)


def _further(failure: Failure, repairs: list[Repair], error: Exception) -> Repair | None:
    """The fixes together with one of the error that came up behind them, in the same call."""
    behind = read(error)
    if failure.layer is None and failure.built is None:
        same = behind.function == failure.function
    else:
        same = behind.layer is not None or behind.built is not None
    found = catalogue.find(behind) if len(repairs) < _MOST_ERRORS and same else None
    known = _candidates(*found) if found else iter(())
    for more in islice((one for one in known if one.steps and one.is_here), _MOST_TRIES):
        together = [*repairs, more]
        still = trial.try_here(failure, _together(failure, together))
        if still is None:
            for repair in repairs:  # one of another error may do without it
                fewer = [one for one in together if one is not repair]
                in_layer = any(step.target == "layer" for step in repair.steps)
                if not in_layer and trial.try_here(failure, _together(failure, fewer)) is None:
                    together = fewer
            return _together(failure, together)
        if deeper := _further(failure, together, still):
            return deeper
    return None


def _together(failure: Failure, repairs: list[Repair]) -> Repair:
    """Several fixes of one call: what a later one makes anew is not made before."""
    steps: list[Step] = []
    for repair in repairs:
        made = (s for s in repair.steps if not str(s.code).startswith(("layer", "model")))
        anew = {step.target for step in made} & {"layer", "y"}
        steps = [step for step in steps if step.target not in anew]
        steps += [replace(step, where=failure) for step in repair.steps]
    steps.sort(key=lambda step: step.target == "y")
    text = " ".join(dict.fromkeys(repair.text for repair in repairs))
    return Repair(text, tuple(steps), any(repair.loses for repair in repairs))


def _in_whole(failure: Failure, repair: Repair) -> tuple[Repair, bool]:
    """The fix, with what it entails, and whether the whole model runs with it in place.

    It runs on the inputs that were given, on one sample more, and on images that it ran on before.
    """
    if failure.trace is None:
        return repair, repair.is_here
    with suppress(Exception):
        for _ in range(_MOST_ERRORS):
            mended = trial.Mended(failure, repair)
            if _is_large(failure) and _ends_there(failure, mended, repair):
                return repair, True
            error = trial.error_of(failure, mended)
            if error is None:
                return repair, _runs_elsewhere(failure, mended, repair)
            further = _consequence(failure, error) if repair.onwards else None
            if further is None:
                break
            repair = further if further.onwards else repair + further
    return repair, False


def _ends_there(failure: Failure, mended: trial.Mended, repair: Repair) -> bool:
    """Whether one sample more runs through a model whose last call is the mended one.

    On the inputs that were given, all before that call has run already, and it by itself.
    """
    if failure.trace is not None and repair.is_here and not repair.onwards:
        for given in trial.other_batches(failure, repair):
            with suppress(tracing.TraceError):
                calls = trial.run_of(failure, mended, given).calls
                return len(calls) == len(failure.trace.calls) + 1
    return False


def _runs_elsewhere(failure: Failure, mended: trial.Mended, repair: Repair) -> bool:
    """Whether it runs on images that worked before, and on one sample more, as far as it mends."""
    if any(trial.error_of(failure, mended, image) for image in trial.worked_before(failure)):
        return False
    others, failed = trial.other_batches(failure, repair), failure.trace and failure.trace.failed
    for given in others:
        error = trial.error_of(failure, mended, given)
        # what fails before the mended call is no matter of a fix there
        before = error and failed and error.call.index < failed.index
        if error is None or (before and repair.is_here):
            return True
    return not others


def _consequence(failure: Failure, error: tracing.TraceError) -> Repair | None:
    """The fix of the next error, where a layer was built for what came before the fix."""
    assert failure.model is not None
    path = error.call.path.removeprefix("model.").removeprefix("model")
    behind = read_trace(error, failure.model, path, failure.inputs)
    found = catalogue.find(behind) if behind.layer is not None else None
    for repair in _candidates(*found) if found else ():
        if (repair.onwards and repair.words) or (
            repair.is_here and {step.target for step in repair.steps} == {"layer"}
        ):
            return repair
    return None
