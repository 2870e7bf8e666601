"""Which of the fixes hold; where one error hides another, both are mended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from convdocs import tracing
from convdocs.errors import catalogue
from convdocs.errors.failure import Failure, read
from convdocs.errors.repair import Fixed, Repair, copied, perform, prepare
from convdocs.errors.trial import Mended

MOST_ERRORS = 4  # of one call, mended one after the other
MOST_TRIES = 2  # fixes of each further error


def holding(
    failure: Failure, repairs: Iterable[Repair | None], *, values: bool
) -> Iterator[tuple[Repair, Fixed]]:
    """The fixes that hold; where none does, each with a further one of the error behind it.

    ``values`` says to try them on the real device and data type.
    """
    hidden: list[tuple[Repair, Exception]] = []
    mends = False
    for repair in repairs:
        if repair is None:
            continue
        fixed = _tried(failure, repair, values)
        if isinstance(fixed, Fixed):
            mends = True
            yield repair, fixed
        else:
            hidden.append((repair, fixed))
    for repair, error in [] if mends else hidden:
        both = _further(failure, repair, error, values, MOST_ERRORS - 1)
        if both is not None:
            yield both


def _tried(failure: Failure, repair: Repair, values: bool) -> Fixed | Exception:
    try:
        fixed = prepare(failure, repair, values=values)
        if failure.layer is None or values:
            perform(failure, fixed, values=values)
        else:
            args, kwargs = copied((failure.args, failure.kwargs), values=False)
            tracing.trace(Mended(fixed), *args, **kwargs)  # on shapes it is stricter than torch
    except tracing.TraceError as error:
        return error.__cause__ if isinstance(error.__cause__, Exception) else error
    except Exception as error:
        return error
    return fixed


def _further(
    failure: Failure, repair: Repair, error: Exception, values: bool, left: int
) -> tuple[Repair, Fixed] | None:
    """The fix together with one of the error that came up behind it."""
    behind = read(error)
    found = catalogue.find(behind)
    if found is None or not _same_call(failure, behind):
        return None
    entry, said = found
    for more in [one for one in entry.read(behind, said)[1] if one is not None][:MOST_TRIES]:
        both = _joined(repair, more)
        fixed = _tried(failure, both, values)
        if isinstance(fixed, Fixed):
            return both, fixed
        if left > 1:
            deeper = _further(failure, both, fixed, values, left - 1)
            if deeper is not None:
                return deeper
    return None


def _same_call(failure: Failure, behind: Failure) -> bool:
    """Whether the names in a fix of the one mean the same in the other."""
    if failure.layer is None and failure.built is None:
        return behind.function == failure.function
    return behind.layer is not None or behind.built is not None


def _joined(first: Repair, second: Repair) -> Repair:
    """Both fixes; a layer or a result that the second makes anew is not made before."""
    anew = {
        name
        for name, expression in second.steps
        if name in ("layer", "y") and not expression.startswith("layer")
    }
    kept = tuple(step for step in first.steps if step[0] not in anew)
    order = sorted((*kept, *second.steps), key=lambda step: step[0] == "y")
    return Repair(f"{first.text} {second.text}", tuple(order))
