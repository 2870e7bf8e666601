"""The tree of modules that a run went through, from when each container began and ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate

from convdocs.receptive import AxisField
from convdocs.report import Call, ModuleSummary
from convdocs.tracing.memory import Mark


class Span:
    """One run of a container's forward, in numbers of calls.

    Parameters
    ----------
    path, kind : str
        The container's name in the model, and its class.
    depth : int
        How many containers it ran inside of.
    start : int
        The call that came first in it; ``end`` is the one after its last.
    """

    __slots__ = ("depth", "end", "kind", "outputs", "path", "start")

    def __init__(self, path: str, kind: str, depth: int, start: int) -> None:
        self.path = path
        self.kind = kind
        self.depth = depth
        self.start = self.end = start
        self.outputs: tuple[Mark, ...] = ()


def summaries(
    spans: Iterable[Span],
    calls: Sequence[Call],
    field: Callable[[Mark], tuple[AxisField, ...]],
) -> tuple[ModuleSummary, ...]:
    """A record of every container and every call, in order, containers before their insides.

    Parameters
    ----------
    spans : iterable of Span
        In the order in which the containers began.
    calls : sequence of Call
        Of the whole run.
    field : callable
        The receptive field of a tensor.
    """
    totals = [
        _Sums([getattr(call, name) for call in calls]) for name in ("params", "trainable", "macs")
    ]
    found: list[ModuleSummary] = []
    open_: list[tuple[int, int]] = []  # depth, and the call after its last, of each container
    waiting = iter(spans)
    span = next(waiting, None)
    for index in range(len(calls) + 1):
        while span is not None and span.start <= index:
            first, after = span.start, span.end
            params, trainable, macs = (total.between(first, after) for total in totals)
            shapes = tuple([mark.layout.shape for mark in span.outputs])
            fields = field(span.outputs[0]) if span.outputs else ()
            found.append(
                ModuleSummary(
                    span.path,
                    span.kind,
                    span.depth,
                    first,
                    after - 1,
                    params,
                    trainable,
                    macs,
                    shapes,
                    fields,
                )
            )
            open_.append((span.depth, after))
            span = next(waiting, None)
        if index == len(calls):
            break
        while open_ and open_[-1][1] <= index:
            open_.pop()
        depth = open_[-1][0] + 1 if open_ else 0
        found.append(_leaf(calls[index], depth))
    return tuple(found)


def _leaf(call: Call, depth: int) -> ModuleSummary:
    return ModuleSummary(
        call.path,
        call.kind,
        depth,
        call.index,
        call.index,
        call.params,
        call.trainable,
        call.macs,
        call.output_shapes,
        call.receptive_field,
    )


class _Sums:
    """Sums of any part of a list, None where one of the part is."""

    def __init__(self, values: Sequence[int | None]) -> None:
        self.known = [0, *accumulate(value or 0 for value in values)]
        self.missing = [0, *accumulate(value is None for value in values)]

    def between(self, first: int, after: int) -> int | None:
        """The sum from ``first`` to before ``after``."""
        if self.missing[after] > self.missing[first]:
            return None
        return self.known[after] - self.known[first]
