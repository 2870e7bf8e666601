"""A Trace in parts: a table of its tree, and what else there is to say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convdocs.view.columns import GATED, PARTLY, Known, chosen, look, sum_known
from convdocs.view.numbers import byte_size, count
from convdocs.view.tables import Paragraph, Part, Table
from convdocs.view.tree import Row, all_rows, rows

if TYPE_CHECKING:
    from convdocs.report import Call, Finding, Trace

MOST_PLACES = 5  # that a sentence lists


def parts(
    trace: Trace,
    depth: int | None = None,
    columns: Sequence[str] | None = None,
    *,
    fold: bool | None = None,
    page: bool = False,
    paths: bool = False,
) -> list[Part]:
    """The table, what it sums up to, what is not known, and the findings.

    Parameters
    ----------
    trace : Trace
        The run.
    depth : int or None
        How deep containers are opened; None for what gives some 60 rows.
    columns : sequence of str or None
        Names of columns in the order wanted.
    fold : bool or None
        Whether what repeats is one row; None for where the table is long.
    page : bool
        Whether rows can be opened and shut, so that all are there.
    paths : bool
        Whether rows have their whole path, where nothing can be moved in.
    """
    shut: frozenset[int] = frozenset()
    if page and trace.failed is None:
        shown, shut = all_rows(trace, depth, fold=fold)
    else:
        shown = rows(trace, depth, fold=fold)
    known = Known(trace)
    made = chosen(shown, columns)
    cells = [tuple([column.cell(row, known) for column in made]) for row in shown]
    if columns is None and cells:
        filled = [at for at, column in enumerate(zip(*cells, strict=True)) if any(column)]
        made = [made[at] for at in filled]
        cells = [tuple([line[at] for at in filled]) for line in cells]
    levels = () if paths else tuple(row.level for row in shown)
    if paths:
        at = [place for place, column in enumerate(made) if column.name == "path"]
        cells = [_with_path(row, line, at) for row, line in zip(shown, cells, strict=True)]
    totals = tuple(column.total(known) for column in made)
    marked: frozenset[int] = frozenset()
    if trace.failed is not None:
        cells.append(tuple(_failed(column.name, trace.failed, known) for column in made))
        levels = levels and (*levels, 0)
        marked, totals = frozenset({len(cells) - 1}), ()
    looks = tuple(look(column, known) for column in made)
    table = Table(looks, tuple(cells), caption(trace), totals, marked, levels=levels, shut=shut)
    words = map(Paragraph, [*_legend(cells, shown), *_sums(trace), *remarks(trace)])
    return [table, *words, *(note(finding, trace) for finding in trace.findings)]


def caption(trace: Trace) -> str:
    """What the table shows, in words."""
    shapes = list(map(str, trace.input_shapes))
    if not shapes:
        return f"Layers of {trace.model}"
    plural = "inputs" if len(shapes) > 1 else "an input"
    verb = "up to where it failed on" if trace.failed is not None else "on"
    return f"Layers of {trace.model} {verb} {plural} of {_listed(shapes)}"


def note(finding: Finding, trace: Trace | None = None) -> Paragraph:
    """A finding as a paragraph, with the other places that it is about."""
    words = f"{finding.sentence} {finding.fix}"
    others = [place for place in finding.places if place != finding.index]
    if others:
        paths = [trace.calls[place].path if trace else "" for place in others]
        named = [path or f"#{place}" for path, place in zip(paths, others, strict=True)]
        words += f" The same at {_listed(_some(list(dict.fromkeys(named))))}."
    return Paragraph(words, lead=f"{finding.path or '(model)'} [{finding.code}]")


def remarks(trace: Trace) -> list[str]:
    """How the model was run, where not on shapes, and why a count is missing."""
    reasons: dict[str, list[str]] = {}
    for call in trace.calls:
        if call.macs_note:
            reasons.setdefault(call.macs_note, []).append(f"#{call.index} {call.path or call.code}")
    missing = [f"MACs of {_listed(_some(where))} {why}." for why, where in reasons.items()]
    return [*(f"{word[0].upper()}{word[1:]}." for word in trace.notes), *missing]


def _sums(trace: Trace) -> list[str]:
    """Parameters, MACs and memory of the whole model, exactly, in one line."""
    if trace.failed is not None:
        return []
    some = "all" if trace.trainable_params == trace.params else f"{trace.trainable_params:,}"
    macs, whole = sum_known(call.macs for call in trace.calls)
    held, outputs = byte_size(trace.parameter_bytes), byte_size(trace.activation_bytes)
    return [
        f"{trace.params:,} parameters, {some} trainable; {count(macs, whole=whole)} MACs; "
        f"{held} of parameters and buffers, {outputs} of activations."
    ]


def _legend(cells: Sequence[tuple[str, ...]], shown: Sequence[Row]) -> list[str]:
    """What the marks in the cells mean, of those that there are."""
    every = {cell for line in cells for cell in line}
    legend = []
    if any(row.times > 1 for row in shown):
        legend.append("A row with n × sums n that are alike; its output and field are the last's.")
    if any(cell.endswith(PARTLY) for cell in every):
        legend.append("Partly: some of these parameters are frozen.")
    if any(cell.endswith(GATED) for cell in every):
        legend.append("Field + all: through a gate, a cell reads all of the input as well.")
    return legend


def _some(words: list[str]) -> list[str]:
    if len(words) <= MOST_PLACES + 1:
        return words
    return [*words[:MOST_PLACES], f"{len(words) - MOST_PLACES} more"]


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _with_path(row: Row, cells: tuple[str, ...], at: list[int]) -> tuple[str, ...]:
    return tuple(row.path if place in at else cell for place, cell in enumerate(cells))


def _failed(name: str, call: Call, known: Known) -> str:
    """A cell of the call that failed."""
    if name == "input":
        return ", ".join(map(str, call.input_shapes))
    words = {"#": str(call.index), "path": call.path, "layer": call.code, "output": "✗ failed"}
    return words.get(name, "")
