"""A Trace in parts: a table of its tree, and what else there is to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from convdocs.view.columns import GATED, PARTLY, shapes, sum_known, table_of, totals
from convdocs.view.numbers import byte_size, count
from convdocs.view.tables import Paragraph, Part, Table
from convdocs.view.tree import Row, rows

if TYPE_CHECKING:
    from convdocs.report import Finding, Trace

MOST_PLACES = 5  # that a sentence lists


def parts(
    trace: Trace,
    depth: int | None = None,
    columns: Sequence[str] | None = None,
    fold: bool | None = None,
    *,
    page: bool = False,
    paths: bool = False,
) -> list[Part]:
    """The table, what it sums up to, what is not known, and the findings.

    On a ``page`` rows can be opened and shut, so that all are there; with ``paths``, where nothing
    can be moved in, they have their whole path, as in a table that is no tree.
    """
    names = columns or None
    shown, shut = rows(trace, depth, fold, page=page)
    if paths or not any(row.level for row in shown):
        shown = [row._replace(name=row.path) for row in shown]
    made, cells = table_of(trace, shown, names)
    titles = [column.title for column in made]
    levels = [] if paths else [row.level for row in shown]
    words = [*_legend(cells, shown), *_sums(trace, names and titles), *_remarks(trace)]
    last = totals(trace)
    marked = []
    if call := trace.failed:
        last = {"#": str(call.index), "path": call.path, "layer": call.code, "output": "✗ failed"}
        last["input"] = shapes(call.input_shapes)
        marked = [len(cells)]
        levels += [0] if levels else []
    end = tuple(last.get(title, "") for title in titles)
    table = Table(
        columns=made,
        rows=(*cells, end) if marked else cells,
        caption=_caption(trace),
        totals=() if marked else end,
        marked=frozenset(marked),
        levels=tuple(levels),
        shut=shut,
    )
    return [table, *map(Paragraph, words), *(note(finding, trace) for finding in trace.findings)]


def _caption(trace: Trace) -> str:
    """What the table shows, in words."""
    if not trace.input_shapes:
        return f"Layers of {trace.model}"
    plural = "inputs" if len(trace.input_shapes) > 1 else "an input"
    verb = "up to where it failed on" if trace.failed is not None else "on"
    given = _listed(map(str, trace.input_shapes))
    return f"Layers of {trace.model} {verb} {plural} of {given}"


def note(finding: Finding, trace: Trace | None = None) -> Paragraph:
    """A finding as a paragraph, with the other places that it is about."""
    words = f"{finding.sentence} {finding.fix}"
    others = [place for place in finding.places if place != finding.index]
    if others:
        paths = [(trace.calls[place].path if trace else "") or f"#{place}" for place in others]
        words += f" The same at {_listed(dict.fromkeys(paths))}."
    return Paragraph(words, lead=f"{finding.path or '(model)'} [{finding.code}]")


def _remarks(trace: Trace) -> list[str]:
    """How the model was run, where not on shapes, and why a count is missing."""
    reasons: dict[str, list[str]] = {}
    for call in trace.calls:
        if call.macs_note:
            reasons.setdefault(call.macs_note, []).append(f"#{call.index} {call.path or call.code}")
    missing = [f"MACs of {_listed(where)} {why}." for why, where in reasons.items()]
    return [*(f"{word[0].upper()}{word[1:]}." for word in trace.notes), *missing]


def _sums(trace: Trace, titles: Sequence[str] | None) -> Iterator[str]:
    """What the model has in all, exactly, in one line: of columns that were asked for, if any."""
    if trace.failed is not None:
        return
    sums = []
    if titles is None or "params" in titles or "trainable" in titles:
        sums.append(f"{trace.params:,} parameters")
        if trace.trainable_params != trace.params:
            sums[0] += f", {trace.trainable_params:,} trainable"
        elif titles is None or "trainable" in titles:
            sums[0] += ", all trainable"
    if titles is None or {"MACs", "MACs (M)"} & {*titles}:
        sums.append(f"{count(*sum_known(call.macs for call in trace.calls))} MACs")
    if titles is None or "memory" in titles:
        held, outputs = byte_size(trace.parameter_bytes), byte_size(trace.activation_bytes)
        sums.append(f"{held} of parameters and buffers, {outputs} of activations")
    if sums:
        yield f"{'; '.join(sums)}."


def _legend(cells: Sequence[tuple[str, ...]], shown: Sequence[Row]) -> Iterator[str]:
    """What the marks in the cells mean, of those that there are."""
    every = {cell for line in cells for cell in line}
    if any(row.times > 1 for row in shown):
        yield "A row with n × sums n that are alike; its output and field are those of the last."
    if any(cell.endswith(PARTLY) for cell in every):
        yield "Partly: some of these parameters are frozen."
    if any(cell.endswith(GATED) for cell in every):
        yield "Field + all: through a gate, a cell reads all of the input as well."


def _listed(words: Iterable[str]) -> str:
    """Things in a sentence: the first of many, and how many more there are."""
    *others, last = words
    if len(others) > MOST_PLACES:
        others[MOST_PLACES:], last = [], f"{len(others) + 1 - MOST_PLACES} more"
    return f"{', '.join(others)} and {last}" if others else last
