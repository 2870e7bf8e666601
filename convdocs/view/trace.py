"""A Trace in parts: a table of its tree, and what else there is to say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
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
    if is_tree := not paths and any(row.level for row in shown):
        levels = [row.level for row in shown]
    else:
        levels, shown = [], [row._replace(name=row.path) for row in shown]
    macs = _sum_known(call.macs for call in trace.calls)
    made, cells = _columns(trace, shown, columns, large=macs[0] >= _IN_MILLIONS)
    last = {
        "layer": "total",
        "params": count(trace.params),
        "trainable": count(trace.trainable_params),
        "MACs": count(*macs),
        "MACs (M)": millions(*macs),
        "memory": byte_size(trace.activation_bytes),
    }
    words = list(_legend(cells, shown))
    if call := trace.failed:
        last = {"#": str(call.index), "path": call.path, "layer": call.code, "output": "✗ failed"}
        last["input"] = _shapes(call.input_shapes)
    elif sums := _sums(trace, last, {column.title for column in made} if columns else None):
        words.append(sums)
    end = tuple(last.get(column.title, "") for column in made)
    table = Table(
        columns=made,
        rows=(*cells, end) if call else cells,
        caption=_caption(trace),
        totals=() if call else end,
        marked=frozenset([len(cells)] if call else []),
        levels=(*levels, *([0] if call and is_tree else [])),
        shut=shut,
    )
    words += _remarks(trace)
    return [table, *map(Paragraph, words), *(note(finding, trace) for finding in trace.findings)]


def note(finding: Finding, trace: Trace | None = None) -> Paragraph:
    """A finding as a paragraph, with the other places that it is about."""
    words = f"{finding.sentence} {finding.fix}"
    others = [place for place in finding.places if place != finding.index]
    if others:
        paths = [(trace.calls[place].path if trace else "") or f"#{place}" for place in others]
        words += f" The same at {_listed(dict.fromkeys(paths))}."
    return Paragraph(words, lead=f"{finding.path or '(model)'} [{finding.code}]")


class _Line:
    """A row, and what the columns show of it."""

    def __init__(self, row: Row, trace: Trace) -> None:
        node = row.node
        self.row, self.trace, self.call = row, trace, node.call
        # of the last of the nodes that the row stands for
        self.calls = trace.calls[node.first : node.last + 1]
        self.last = self.calls[-1] if self.calls else None
        whole = node.call or node.module
        self.outputs = whole.output_shapes if whole else ()
        self.fields = whole.receptive_field if whole else ()

    def sum(self, field: str) -> tuple[int, bool]:
        """What all calls of the row have together, as far as known, and whether all is."""
        return _sum_known((getattr(call, field) for call in self.calls), self.row.times)

    def number(self) -> str:
        first, last = self.row.first, self.row.last
        return "" if last < first else str(first) if first == last else f"{first}–{last}"

    def layer(self) -> str:
        times, kind = self.row.times, self.row.node.kind
        return f"{times} × {kind}" if times > 1 else kind

    def params(self) -> str:
        note = self.call.params_note if self.call else ""
        if self.call and self.call.params is None:
            return note
        total, whole = self.sum("params")
        words = count(total, whole)
        if note:
            words += f" ({note.replace('shared with call ', 'as #')})"
        trainable, known = self.sum("trainable")
        if known and trainable != total:
            words += _PARTLY if trainable else " (frozen)"
        return words

    def share(self, field: str) -> str:
        (part, known), whole = self.sum(field), getattr(self.trace, field)
        return share(part, whole) if known and whole is not None else "?"

    def memory(self) -> str:
        total, known = _sum_known(map(_output_bytes, self.calls), self.row.times)
        return byte_size(total) if known else "?"

    def along(self, tell: Callable[[AxisField], str]) -> str:
        """One word for all axes of the field where they agree, else one for each."""
        words = [tell(field) for field in self.fields]
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


# what each column shows of a line; a name of two words is not for users
_COLUMNS: dict[str, tuple[Column, Callable[[_Line], str]]] = {
    "#": (Column("#", "right", rank=7, minor=True), _Line.number),
    "path": (Column("path", code=True, rank=2, least=10, tree=True), lambda line: line.row.name),
    "layer": (Column("layer", code=True, least=12, tree=True), _Line.layer),
    "input": (
        Column("input", code=True),
        lambda line: _shapes(line.calls[0].input_shapes) if line.calls else "",
    ),
    "output": (Column("output", code=True), lambda line: _shapes(line.outputs)),
    "dtype": (
        Column("dtype"),
        lambda line: ", ".join(dict.fromkeys(line.last.output_dtypes)) if line.last else "",
    ),
    "axes": (
        Column("axes", rank=8, minor=True),
        lambda line: (
            line.last.axes if line.last and line.last.output_shapes == line.outputs else ""
        ),
    ),
    "kernel": (
        Column("kernel", "right"),
        lambda line: "×".join(str(w.kernel) for w in line.call.windows) if line.call else "",
    ),
    "params": (Column("params", "right"), _Line.params),
    "params share": (Column("share", "right", rank=4), lambda line: line.share("params")),
    "trainable": (Column("trainable", "right"), lambda line: count(*line.sum("trainable"))),
    "macs": (Column("MACs", "right", rank=3), lambda line: count(*line.sum("macs"))),
    "macs in millions": (
        Column("MACs (M)", "right", rank=3),
        lambda line: millions(*line.sum("macs")),
    ),
    "macs share": (Column("share", "right", rank=6), lambda line: line.share("macs")),
    "memory": (Column("memory", "right"), _Line.memory),
    "field": (Column("field", "right", rank=5), lambda line: line.along(_size)),
    "step": (Column("step", "right", rank=9), lambda line: line.along(_step)),
}
_FLAT = ["#", "path", "layer", "output", "axes", "params", "macs", "field", "step"]
_TREE = [*_FLAT[:6], "share", "macs", "share", *_FLAT[7:]]


def _columns(
    trace: Trace, shown: Sequence[Row], names: Sequence[str] | None, *, large: bool
) -> tuple[tuple[Column, ...], tuple[tuple[str, ...], ...]]:
    """The columns of those names, or those that say something of such rows, and their cells."""
    keys: list[str] = []
    for name in names or (_TREE if any(row.node.call is None for row in shown) else _FLAT):
        key = name.lower()
        if key == "share":  # of the count before it
            key = f"{keys[-1] if keys else ''} share"
            if key not in _COLUMNS:
                raise ValueError("a share is one of params or MACs: name one of them before it")
        elif key not in _COLUMNS:
            known = [column.title for key, (column, _) in _COLUMNS.items() if " " not in key]
            there = f"; there are {', '.join([*known, 'share'])}"
            raise ValueError(f"there is no column {key!r}{nearest(key, known) or there}")
        keys.append(key)
    pairs = [_COLUMNS["macs in millions" if large and key == "macs" else key] for key in keys]
    lines = [_Line(row, trace) for row in shown]
    made = [(column, [cell(line) for line in lines]) for column, cell in pairs]
    if lines and not names:
        made = [(column, cells) for column, cells in made if any(cells)]
    columns, cells = zip(*made, strict=True)
    return columns, tuple(zip(*cells, strict=True))


def _caption(trace: Trace) -> str:
    """What the table shows, in words."""
    if not trace.input_shapes:
        return f"Layers of {trace.model}"
    plural = "inputs" if len(trace.input_shapes) > 1 else "an input"
    verb = "up to where it failed on" if trace.failed is not None else "on"
    return f"Layers of {trace.model} {verb} {plural} of {_listed(map(str, trace.input_shapes))}"


def _legend(cells: Sequence[tuple[str, ...]], shown: Sequence[Row]) -> Iterator[str]:
    """What the marks in the cells mean, of those that there are."""
    every = {cell for line in cells for cell in line}
    if any(row.times > 1 for row in shown):
        yield "A row with n × sums n that are alike; its output and field are those of the last."
    if any(cell.endswith(_PARTLY) for cell in every):
        yield "Partly: some of these parameters are frozen."
    if any(cell.endswith(_GATED) for cell in every):
        yield "Field + all: through a gate, a cell reads all of the input as well."


def _sums(trace: Trace, totals: dict[str, str], asked: set[str] | None) -> str:
    """What the model has in all, exactly, in one line: of columns that were asked for, if any."""
    titles = {"params", "trainable", "MACs", "memory"} if asked is None else asked
    sums = []
    if titles & {"params", "trainable"}:
        trained = ", all trainable" if "trainable" in titles else ""
        if trace.trainable_params != trace.params:
            trained = f", {trace.trainable_params:,} trainable"
        sums.append(f"{trace.params:,} parameters{trained}")
    if titles & {"MACs", "MACs (M)"}:
        sums.append(f"{totals['MACs']} MACs")
    if "memory" in titles:
        held = byte_size(trace.parameter_bytes)
        sums.append(f"{held} of parameters and buffers, {totals['memory']} of activations")
    return f"{'; '.join(sums)}." if sums else ""


def _remarks(trace: Trace) -> list[str]:
    """How the model was run, where not on shapes, and why a count is missing."""
    reasons: dict[str, list[str]] = {}
    for call in trace.calls:
        if call.macs_note:
            reasons.setdefault(call.macs_note, []).append(f"#{call.index} {call.path or call.code}")
    missing = [f"MACs of {_listed(where)} {why}." for why, where in reasons.items()]
    return [*(f"{word[0].upper()}{word[1:]}." for word in trace.notes), *missing]


def _listed(words: Iterable[str]) -> str:
    """Things in a sentence: the first of many, and how many more there are."""
    *others, last = words
    if len(others) > MOST_PLACES:
        others[MOST_PLACES:], last = [], f"{len(others) + 1 - MOST_PLACES} more"
    return f"{', '.join(others)} and {last}" if others else last
