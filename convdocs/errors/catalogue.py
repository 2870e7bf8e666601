"""Every error that is known, by family; the site's error pages are written from it."""

from __future__ import annotations

from convdocs.errors import (
    convolution,
    dtypes,
    folding,
    inputs,
    joining,
    linear,
    norms,
    padding,
    pooling,
    resampling,
    transposed,
    unpooling,
)
from convdocs.errors.entry import Entry, Family, Said
from convdocs.errors.failure import Failure

# The order is the site's.
FAMILIES: tuple[Family, ...] = tuple(
    room.FAMILY
    for room in (
        inputs,
        transposed,  # convolution's family, with its own entries added
        pooling,
        unpooling,
        padding,
        folding,
        linear,
        joining,
        norms,
        dtypes,
        resampling,
    )
)

# Two families may know the same words; the one that asks more of the failure is asked first.
_ASKED = (
    dtypes, convolution, inputs, unpooling, pooling, padding, folding, norms, resampling, linear,
    joining,
)  # fmt: skip


def entries() -> tuple[Entry, ...]:
    """All entries in the order of the site.

    Examples
    --------
    >>> [entry.code for entry in entries()][:2]
    ['conv-rank', 'channels-mismatch']
    """
    return tuple(entry for family in FAMILIES for entry in family.entries)


def find(failure: Failure) -> tuple[Entry, Said] | None:
    """The entry that knows the failure's message, with the message's named parts.

    Examples
    --------
    >>> entry, said = find(Failure("Padding value causes wrapping around more than once."))
    >>> entry.code
    'circular-too-large'
    >>> find(Failure("no such words")) is None
    True
    """
    for room in _ASKED:
        for entry in room.FAMILY.entries:
            said = entry.match(failure)
            if said is not None:
                return entry, said
    return None
