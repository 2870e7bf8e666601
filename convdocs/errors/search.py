"""Which fixes hold: each is tried, and where one error hides another, both are mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from convdocs import tracing
from convdocs.errors import catalogue
from convdocs.errors.catalogue import Entry
from convdocs.errors.facts import Known
from convdocs.errors.failure import Failure, read, read_trace
from convdocs.errors.repair import Repair
from convdocs.errors.trial import Mended, error_of, other_batches, run_of, try_here, worked_before
from convdocs.report import Fix

MOST_FIXES = 3
MOST_ERRORS = 4  # of one call, mended one after the other
MOST_TRIES = 2  # fixes of each further error
MANY_CALLS = 250  # in larger models only the first fix that holds is run as a whole


def fixes(entry: Entry, failure: Known) -> list[Fix]:
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
        if len(found) == MOST_FIXES:
            break
    return [fix for *_, fix in sorted(found.values(), key=lambda one: one[:2])]


def _candidates(entry: Entry, known: Known) -> Iterator[Repair]:
    """The repairs of an entry's strategies, in order; a strategy may lack what it needs."""
    seen: set[str] = set()
    for strategy in entry.fixes:
        # what a strategy cannot read of an odd call it cannot mend
        with suppress(ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            for repair in strategy(known):
                if repair.code and repair.code not in seen:
                    seen.add(repair.code)
                    yield repair


def _is_large(failure: Failure) -> bool:
    return failure.trace is not None and len(failure.trace.calls) > MANY_CALLS


def _holding(failure: Failure, repairs: Iterable[Repair]) -> Iterator[Repair]:
    """The fixes that mend the failing call; where none does, each with a further one."""
    hidden: list[tuple[Repair, Exception]] = []
    mends = False
    for repair in repairs:
        error = try_here(failure, repair) if repair.steps and repair.is_here else None
        if error is not None:
            hidden.append((repair, error))
            continue
        mends = mends or bool(repair.steps)
        yield repair
    if not mends:
        further = (_further(failure, *one, MOST_ERRORS - 1) for one in hidden)
        yield from filter(None, further)


def _further(failure: Failure, repair: Repair, error: Exception, left: int) -> Repair | None:
    """The fix together with one of the error that came up behind it, in the same call."""
    behind = read(error)
    if failure.layer is None and failure.built is None:
        same = behind.function == failure.function
    else:
        same = behind.layer is not None or behind.built is not None
    found = catalogue.find(behind) if left and same else None
    known = _candidates(*found) if found else iter(())
    for more in islice((one for one in known if one.steps and one.is_here), MOST_TRIES):
        # what the second makes anew is not made before
        made = (s for s in more.steps if not str(s.code).startswith(("layer", "model")))
        anew = {step.target for step in made} & {"layer", "y"}
        steps = [step for step in repair.steps if step.target not in anew]
        steps += [replace(step, where=failure) for step in more.steps]
        steps.sort(key=lambda step: step.target == "y")
        loses, text = repair.loses or more.loses, f"{repair.text} {more.text}"
        both = Repair(text, tuple(steps), loses)
        still = try_here(failure, both)
        if still is None:
            return both
        if deeper := _further(failure, both, still, left - 1):
            return deeper
    return None


def _in_whole(failure: Failure, repair: Repair) -> tuple[Repair, bool]:
    """The fix, with what it entails, and whether the whole model runs with it in place.

    It runs on the inputs that were given, on one sample more, and on images that it ran on before.
    """
    if failure.trace is None:
        return repair, repair.is_here
    with suppress(Exception):
        for _ in range(MOST_ERRORS):
            mended = Mended(failure, repair)
            if _is_large(failure) and repair.is_here and not repair.onwards:
                # on the inputs given, all before that call has run already, and it by itself
                for more in other_batches(failure, repair):
                    with suppress(tracing.TraceError):
                        if len(run_of(failure, mended, more).calls) == len(failure.trace.calls) + 1:
                            return repair, True
            error = error_of(failure, mended)
            if error is None:
                breaks = any(error_of(failure, mended, image) for image in worked_before(failure))
                return repair, not breaks and _in_other_batches(failure, mended, repair)
            further = _consequence(failure, error) if repair.onwards else None
            if further is None:
                break
            repair = further if further.onwards else repair + further
    return repair, False


def _in_other_batches(failure: Failure, mended: Mended, repair: Repair) -> bool:
    """Whether the mended model runs on one sample more, as far as the fix is concerned."""
    others, failed = other_batches(failure, repair), failure.trace and failure.trace.failed
    for given in others:
        error = error_of(failure, mended, given)
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
