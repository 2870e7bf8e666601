"""A Trace in parts: a table of its tree, and what else there is to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING

from convdocs.suggest import nearest
from convdocs.view.numbers import byte_size, count, millions, share
from convdocs.view.tables import Column, Paragraph, Part, Table
from convdocs.view.tree import Row, rows

if TYPE_CHECKING:
    from convdocs.receptive import AxisField
    from convdocs.report import Call, Finding, Shape, Trace

MOST_PLACES = 5  # that a sentence lists
_PARTLY, _GATED = " (partly)", " + all"
_LARGEST_DENOMINATOR = 999
_IN_MILLIONS = 10**9  # MACs of a model from which on they are shown in millions


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
    shown, shut = rows(trace, depth, fold, page=page)
    levels = [] if paths else [row.level for row in shown]
    if not any(levels):
        levels, shown = [], [row._replace(name=row.path) for row in shown]
    lines = [_cells(row, trace) for row in shown]
    keys = _keys(columns or (_TREE if any(row.node.call is None for row in shown) else _FLAT))
    if lines and not columns:
        keys = [key for key in keys if any(line[key] for line in lines)]
    macs = _sum_known(call.macs for call in trace.calls)
    if macs[0] >= _IN_MILLIONS:
        keys = ["macs in millions" if key == "macs" else key for key in keys]
    totals = last = {
        "layer": "total",
        "params": count(trace.params),
        "trainable": count(trace.trainable_params),
        "macs": count(*macs),
        "macs in millions": millions(*macs),
        "memory": byte_size(trace.activation_bytes),
    }
    if call := trace.failed:
        last = {"#": str(call.index), "path": call.path, "layer": call.code, "output": "✗ failed"}
        last["input"] = _shapes(call.input_shapes)
    summed = not call and any(key in totals for key in keys if key != "layer")
    cells = tuple(tuple(line.get(key, "") for key in keys) for line in (*lines, last))
    table = Table(
        columns=tuple(_COLUMNS[key] for key in keys),
        rows=cells if call else cells[:-1],
        caption=_caption(trace),
        totals=cells[-1] if summed else (),
        marked=frozenset([len(lines)] if call else []),
        levels=(*levels, *([0] if call and levels else [])),
        shut=shut,
    )
    marks = {cell for line in cells[:-1] for cell in line}
    words = _sentences(trace, shown, marks, totals, {*keys} if columns else {*totals})
    findings = (part for record in trace.findings for part in finding(record, trace))
    return [table, *map(Paragraph, words), *findings]


def finding(record: Finding, trace: Trace | None = None) -> list[Part]:
    """A finding as a paragraph, with the other places that it is about."""
    words = f"{record.sentence} {record.fix}"
    others = [place for place in record.places if place != record.index]
    if others:
        paths = [(trace.calls[place].path if trace else "") or f"#{place}" for place in others]
        words += f" The same at {_listed(dict.fromkeys(paths))}."
    return [Paragraph(words, lead=f"{record.path or '(model)'} [{record.code}]")]


# by what a user calls them; those of two words are for the count before them
_COLUMNS = {
    "#": Column("#", "right", rank=7, minor=True),
    "path": Column("path", code=True, rank=2, least=10, tree=True),
    "layer": Column("layer", code=True, least=12, tree=True),
    "input": Column("input", code=True),
    "output": Column("output", code=True),
    "dtype": Column("dtype"),
    "axes": Column("axes", rank=8, minor=True),
    "kernel": Column("kernel", "right"),
    "params": Column("params", "right"),
    "params share": Column("share", "right", rank=4),
    "trainable": Column("trainable", "right"),
    "macs": Column("MACs", "right", rank=3),
    "macs in millions": Column("MACs (M)", "right", rank=3),
    "macs share": Column("share", "right", rank=6),
    "memory": Column("memory", "right"),
    "field": Column("field", "right", rank=5),
    "step": Column("step", "right", rank=9),
}
_FLAT = ["#", "path", "layer", "output", "axes", "params", "macs", "field", "step"]
_TREE = [*_FLAT[:6], "share", "macs", "share", *_FLAT[7:]]


def _keys(names: Iterable[str]) -> list[str]:
    """The columns of those names."""
    keys: list[str] = []
    for name in map(str.lower, names):
        key = f"{keys[-1] if keys else ''} share" if name == "share" else name
        if key not in _COLUMNS and name == "share":
            raise ValueError("a share is one of params or MACs: name one of them before it")
        if key not in _COLUMNS:
            known = [column.title for key, column in _COLUMNS.items() if " " not in key]
            there = f"; there are {', '.join([*known, 'share'])}"
            raise ValueError(f"there is no column {name!r}{nearest(name, known) or there}")
        keys.append(key)
    return keys


def _cells(row: Row, trace: Trace) -> dict[str, str]:
    """What each column shows of a row; of one that stands for several nodes, the last of them."""
    node, times, call = row.node, row.times, row.node.call
    calls = trace.calls[node.first : node.last + 1]
    whole = call or node.module
    outputs, fields = (whole.output_shapes, whole.receptive_field) if whole else ((), ())
    params, trainable, macs = (
        _sum_known((getattr(call, name) for call in calls), times)
        for name in ("params", "trainable", "macs")
    )
    memory, known = _sum_known(map(_output_bytes, calls), times)
    return {
        "#": "–".join(map(str, sorted({row.first, row.last}))) if calls else "",
        "path": row.name,
        "layer": f"{times} × {node.kind}" if times > 1 else node.kind,
        "input": "".join(_shapes(first.input_shapes) for first in calls[:1]),
        "output": _shapes(outputs),
        "dtype": "".join(", ".join(dict.fromkeys(last.output_dtypes)) for last in calls[-1:]),
        "axes": "".join(last.axes for last in calls[-1:] if last.output_shapes == outputs),
        "kernel": "×".join(str(window.kernel) for window in call.windows) if call else "",
        "params": _params(call, params, trainable),
        "params share": _share(params, trace.params),
        "trainable": count(*trainable),
        "macs": count(*macs),
        "macs in millions": millions(*macs),
        "macs share": _share(macs, trace.macs),
        "memory": byte_size(memory) if known else "?",
        "field": _along(map(_size, fields)),
        "step": _along(map(_step, fields)),
    }


def _params(call: Call | None, params: tuple[int, bool], trainable: tuple[int, bool]) -> str:
    """A row's parameters, with whom they are shared, and whether some are frozen."""
    note = call.params_note if call else ""
    if call and call.params is None:
        return note
    words = count(*params)
    if note:
        words += f" ({note.replace('shared with call ', 'as #')})"
    if trainable[1] and trainable[0] != params[0]:
        words += _PARTLY if trainable[0] else " (frozen)"
    return words


def _share(part: tuple[int, bool], whole: int | None) -> str:
    return share(part[0], whole) if part[1] and whole is not None else "?"


def _along(axes: Iterable[str]) -> str:
    """One word for all axes where they agree, else one for each."""
    words = list(axes)
    return words[0] if len(set(words)) == 1 else " × ".join(words)


def _size(field: AxisField) -> str:
    """The receptive field's size, with a sign for a bound, and for a gate that has read all."""
    if field.size is None:
        return "?"
    bound = "≤ " if field.status == "upper bound" else ""
    return f"{bound}{field.size}{_GATED if field.gated else ''}"


def _step(field: AxisField) -> str:
    """The step from one cell's field to its neighbour's."""
    if field.stride is None:
        return "?"
    short = field.stride.denominator <= _LARGEST_DENOMINATOR
    return str(field.stride) if short else f"≈ {float(field.stride):.4g}"


def _output_bytes(call: Call) -> int | None:
    """None where a dtype is missing; its name says the bits, as float8_e4m3fn, and bool has 8."""
    if len(call.output_dtypes) != len(call.output_shapes):
        return None
    bits = [re.search(r"\d+", dtype) for dtype in call.output_dtypes]
    sizes = [max(1, int(digits[0]) // 8) if digits else 1 for digits in bits]
    return sum(prod(shape) * size for shape, size in zip(call.output_shapes, sizes, strict=True))


def _sum_known(values: Iterable[int | None], times: int = 1) -> tuple[int, bool]:
    """The sum of what is known, and whether all is."""
    values = list(values)
    return times * sum(value or 0 for value in values), None not in values


def _shapes(several: Sequence[Shape]) -> str:
    """Shapes one after the other, equal ones once: "2 × (1, 64)"."""
    runs = [(shape, len(list(same))) for shape, same in groupby(several)]
    return ", ".join(f"{times} × {shape}" if times > 1 else str(shape) for shape, times in runs)


def _caption(trace: Trace) -> str:
    """What the table shows, in words."""
    if not trace.input_shapes:
        return f"Layers of {trace.model}"
    plural = "inputs" if len(trace.input_shapes) > 1 else "an input"
    verb = "up to where it failed on" if trace.failed is not None else "on"
    return f"Layers of {trace.model} {verb} {plural} of {_listed(map(str, trace.input_shapes))}"


def _sentences(
    trace: Trace, shown: Sequence[Row], cells: set[str], totals: dict[str, str], keys: set[str]
) -> Iterator[str]:
    """What the marks in the cells mean, what there is in all, exactly, and what is not known."""
    if any(row.times > 1 for row in shown):
        yield "A row with n × sums n that are alike; its output and field are those of the last."
    if any(cell.endswith(_PARTLY) for cell in cells):
        yield "Partly: some of these parameters are frozen."
    if any(cell.endswith(_GATED) for cell in cells):
        yield "Field + all: through a gate, a cell reads all of the input as well."
    sums = []
    if keys & {"params", "trainable"}:
        trained = ", all trainable" if "trainable" in keys else ""
        if trace.trainable_params != trace.params:
            trained = f", {trace.trainable_params:,} trainable"
        sums.append(f"{trace.params:,} parameters{trained}")
    if keys & {"macs", "macs in millions"}:
        sums.append(f"{totals['macs']} MACs")
    if "memory" in keys:
        held = byte_size(trace.parameter_bytes)
        sums.append(f"{held} of parameters and buffers, {totals['memory']} of activations")
    if sums and trace.failed is None:
        yield f"{'; '.join(sums)}."
    for note in trace.notes:
        yield f"{note[0].upper()}{note[1:]}."
    uncounted: dict[str, list[str]] = {}
    for call in trace.calls:
        if call.macs_note:
            where = f"#{call.index} {call.path or call.code}"
            uncounted.setdefault(call.macs_note, []).append(where)
    for why, calls in uncounted.items():
        yield f"MACs of {_listed(calls)} {why}."


def _listed(words: Iterable[str]) -> str:
    """Things in a sentence: the first of many, and how many more there are."""
    *others, last = words
    if len(others) > MOST_PLACES:
        others[MOST_PLACES:], last = [], f"{len(others) + 1 - MOST_PLACES} more"
    return f"{', '.join(others)} and {last}" if others else last
