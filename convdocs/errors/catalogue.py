"""Every error that is known, by family; the site's error pages are written from it."""

from __future__ import annotations

from convdocs.errors.entries import (
    convolution,
    dtypes,
    folding,
    inputs,
    joining,
    linear,
    losses,
    models,
    norms,
    padding,
    pooling,
    resampling,
    sequences,
    unpooling,
)
from convdocs.errors.entry import Entry, Family
from convdocs.errors.failure import Failure

# The order is the site's.
FAMILIES: tuple[Family, ...] = tuple(
    room.FAMILY
    for room in (
        inputs, linear, joining, losses, sequences, dtypes, norms, convolution, pooling, unpooling,
        padding, folding, resampling, models,
    )
)  # fmt: skip

# Two families may know the same words; the one that asks more of the failure is asked first.
_ASKED = (
    losses, sequences, dtypes, convolution, inputs, unpooling, pooling, padding, folding, norms,
    resampling, linear, joining, models,
)  # fmt: skip

_PAGES = {entry.code: family.name for family in FAMILIES for entry in family.entries}


def entries() -> tuple[Entry, ...]:
    """All entries in the order of the site.

    Examples
    --------
    >>> [entry.code for entry in entries()][:2]
    ['conv-rank', 'channels-mismatch']
    """
    return tuple(entry for family in FAMILIES for entry in family.entries)


def page(entry: Entry) -> str:
    """The page of the site that an entry stands on.

    Examples
    --------
    >>> page(entries()[0])
    'inputs'
    """
    return _PAGES[entry.code]


def find(failure: Failure) -> tuple[Entry, dict[str, str]] | None:
    """The entry that knows the failure's message, with the message's named parts.

    Examples
    --------
    >>> entry, said = find(Failure("Padding value causes wrapping around more than once."))
    >>> entry.code
    'circular-too-large'
    >>> find(Failure("no such words")) is None
    True
    """
    if failure.own:
        own = models.FAMILY.entries[-1]
        said = own.match(failure)
        return None if said is None else (own, said)
    for room in _ASKED:
        for entry in room.FAMILY.entries:
            said = entry.match(failure)
            if said is not None and not failure.own:
                return entry, said
    return None
