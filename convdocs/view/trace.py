"""A Trace in parts: a table of its tree, and what else there is to say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING

from convdocs.view.columns import GATED, PARTLY, Line, chosen, shapes, sum_known
from convdocs.view.numbers import byte_size, count
from convdocs.view.tables import Paragraph, Part, Table
from convdocs.view.tree import Row, rows

if TYPE_CHECKING:
    from convdocs.report import Call, Finding, Trace

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
    columns = columns or None
    shown, shut = rows(trace, depth, fold, page=page)
    if paths or not any(row.level for row in shown):
        shown = [row._replace(name=row.path) for row in shown]
    made = chosen(trace, shown, columns)
    lines = [Line(row, trace) for row in shown]
    cells = [tuple([column.cell(line) for column in made]) for line in lines]
    if columns is None and cells:
        filled = [any(column) for column in zip(*cells, strict=True)]
        made = list(compress(made, filled))
        cells = [tuple(compress(line, filled)) for line in cells]
    table = Table(
        columns=tuple(made),
        rows=tuple(cells),
        caption=_caption(trace),
        totals=tuple(column.total(trace) for column in made),
        levels=() if paths else tuple(row.level for row in shown),
        shut=shut,
    )
    titles = [column.title for column in made]
    words = [*_legend(cells, shown), *_sums(trace, None if columns is None else titles)]
    words += _remarks(trace)
    return [
        table if trace.failed is None else _with_failure(table, trace.failed),
        *map(Paragraph, words),
        *(note(finding, trace) for finding in trace.findings),
    ]


def _with_failure(table: Table, call: Call) -> Table:
    """The table with the call that failed in place of totals."""
    words = {"#": str(call.index), "path": call.path, "layer": call.code, "output": "✗ failed"}
    words["input"] = shapes(call.input_shapes)
    row = tuple(words.get(column.title, "") for column in table.columns)
    return replace(
        table,
        rows=(*table.rows, row),
        totals=(),
        marked=frozenset({len(table.rows)}),
        levels=table.levels and (*table.levels, 0),
    )


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
