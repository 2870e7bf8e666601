"""A Trace in parts: a table of its tree, and what else there is to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from convdocs.suggest import nearest
from convdocs.view.numbers import byte_size, count, millions, share
from convdocs.view.tables import Column, Paragraph, Part, Table
from convdocs.view.tree import Row, all_rows, rows

if TYPE_CHECKING:
    from convdocs.receptive import AxisField
    from convdocs.report import Call, Finding, Shape, Trace

MOST_PLACES = 5  # that a sentence lists
LARGEST_DENOMINATOR = 999
_PARTLY, _GATED = " (partly)", " + all"
IN_MILLIONS = 10**9  # MACs of a model from which on they are shown in millions


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
    known = _Known(trace)
    made = _columns(shown, columns)
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
    looks = tuple(_look(column, known) for column in made)
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
    macs, whole = _sum(call.macs for call in trace.calls)
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
    if any(cell.endswith(_PARTLY) for cell in every):
        legend.append("Partly: some of these parameters are frozen.")
    if any(cell.endswith(_GATED) for cell in every):
        legend.append("Field + all: through a gate, a cell reads all of the input as well.")
    return legend


def _some(words: list[str]) -> list[str]:
    if len(words) <= MOST_PLACES + 1:
        return words
    return [*words[:MOST_PLACES], f"{len(words) - MOST_PLACES} more"]


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


class _Known:
    """A trace with what several cells need of it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.calls = trace.calls
        self.some_frozen = trace.trainable_params != trace.params
        self.in_millions = sum(call.macs or 0 for call in trace.calls) >= IN_MILLIONS

    def macs(self, number: int, *, whole: bool) -> str:
        """A count of MACs, in millions where the whole model's would be too long to read."""
        return millions(number, whole=whole) if self.in_millions else count(number, whole=whole)

    def last(self, row: Row) -> Call | None:
        """The last call of what the row shows."""
        return self.calls[row.node.last] if row.node.last >= row.node.first else None

    def inside(self, row: Row) -> Sequence[Call]:
        """The calls of the last of what the row shows."""
        return (row.node.call,) if row.node.call else self.calls[row.node.first : row.node.last + 1]


class _Column(NamedTuple):
    name: str
    look: Column
    cell: Callable[[Row, _Known], str]
    total: Callable[[_Known], str]


def _look(column: _Column, known: _Known) -> Column:
    large = column.name == "MACs" and known.in_millions
    return replace(column.look, title="MACs (M)") if large else column.look


def _nothing(known: _Known) -> str:
    return ""


def _number(row: Row, known: _Known) -> str:
    if row.last < row.first:
        return ""
    return str(row.first) if row.first == row.last else f"{row.first}–{row.last}"


def _layer(row: Row, known: _Known) -> str:
    return f"{row.times} × {row.node.kind}" if row.times > 1 else row.node.kind


def _outputs(row: Row) -> tuple[Shape, ...]:
    node = row.node
    return (
        node.call.output_shapes if node.call else node.module.output_shapes if node.module else ()
    )


def _output(row: Row, known: _Known) -> str:
    return _shapes(_outputs(row))


def _shapes(shapes: Sequence[Shape]) -> str:
    """Shapes one after the other, equal ones once: "2 × (1, 64)"."""
    runs = [(shape, len(list(same))) for shape, same in groupby(shapes)]
    return ", ".join(f"{times} × {shape}" if times > 1 else str(shape) for shape, times in runs)


def _input(row: Row, known: _Known) -> str:
    calls = known.inside(row)
    return _shapes(calls[0].input_shapes) if calls else ""


def _axes(row: Row, known: _Known) -> str:
    call = known.last(row)
    return call.axes if call and call.output_shapes == _outputs(row) else ""


def _dtype(row: Row, known: _Known) -> str:
    call = known.last(row)
    return ", ".join(dict.fromkeys(call.output_dtypes)) if call else ""


def _kernel(row: Row, known: _Known) -> str:
    call = row.node.call
    return "×".join(str(window.kernel) for window in call.windows) if call else ""


def _sum(values: Iterable[int | None], times: int = 1) -> tuple[int, bool]:
    """The sum of what is known, and whether all is."""
    values = list(values)
    return times * sum(value or 0 for value in values), None not in values


def _params(row: Row, known: _Known) -> str:
    call = row.node.call
    if call is not None and call.params is None:
        return call.params_note
    total, whole = _sum((call.params for call in known.inside(row)), row.times)
    words = count(total, whole=whole)
    if call is not None and call.params_note:
        words += f" ({call.params_note.replace('shared with call ', 'as #')})"
    return words + _frozen(row, known, total)


def _frozen(row: Row, known: _Known, total: int) -> str:
    if not known.some_frozen or not total:
        return ""
    trainable, whole = _sum((call.trainable for call in known.inside(row)), row.times)
    if not whole or trainable == total:
        return ""
    return _PARTLY if trainable else " (frozen)"


def _trainable(row: Row, known: _Known) -> str:
    trainable, whole = _sum((call.trainable for call in known.inside(row)), row.times)
    return count(trainable, whole=whole)


def _macs(row: Row, known: _Known) -> str:
    total, whole = _sum((call.macs for call in known.inside(row)), row.times)
    return known.macs(total, whole=whole)


def _params_share(row: Row, known: _Known) -> str:
    total, whole = _sum((call.params for call in known.inside(row)), row.times)
    return share(total, known.trace.params) if whole else "?"


def _macs_share(row: Row, known: _Known) -> str:
    total, _ = _sum((call.macs for call in known.inside(row)), row.times)
    return share(total, known.trace.macs) if known.trace.macs is not None else "?"


def _memory(row: Row, known: _Known) -> str:
    sizes = [_bytes(call) for call in known.inside(row)]
    total, whole = _sum(sizes, row.times)
    return byte_size(total) if whole else "?"


def _bytes(call: Call) -> int | None:
    """Of a call's outputs."""
    if len(call.output_dtypes) != len(call.output_shapes):
        return None
    pairs = zip(call.output_shapes, call.output_dtypes, strict=True)
    return sum(prod(shape) * _item_size(dtype) for shape, dtype in pairs)


def _item_size(dtype: str) -> int:
    """Bytes of a number, as its dtype's name says: float8_e4m3fn has 8 bits, bool a byte."""
    digits = "".join(letter if letter.isdigit() else " " for letter in dtype).split()
    return max(1, int(digits[0]) // 8) if digits else 1


def _along(tell: Callable[[AxisField], str]) -> Callable[[Row, _Known], str]:
    def cell(row: Row, known: _Known) -> str:
        node = row.node
        fields = node.call or node.module
        return along(fields.receptive_field, tell) if fields else ""

    return cell


def along(fields: tuple[AxisField, ...], tell: Callable[[AxisField], str]) -> str:
    """One word for all axes where they agree, else one for each."""
    words = [tell(field) for field in fields]
    return words[0] if len(set(words)) == 1 else " × ".join(words)


def field_size(field: AxisField) -> str:
    """The receptive field's size, with a sign for a bound, and for a gate that has read all."""
    if field.size is None:
        return "?"
    bound = "≤ " if field.status == "upper bound" else ""
    return f"{bound}{field.size}{_GATED if field.gated else ''}"


def field_step(field: AxisField) -> str:
    """The step from one cell's field to its neighbour's."""
    if field.stride is None:
        return "?"
    short = field.stride.denominator <= LARGEST_DENOMINATOR
    return str(field.stride) if short else f"≈ {float(field.stride):.4g}"


def _all_macs(known: _Known) -> str:
    total, whole = _sum(call.macs for call in known.calls)
    return known.macs(total, whole=whole)


ALL = (
    _Column("#", Column("#", "right", rank=7, minor=True), _number, _nothing),
    _Column("path", Column("path", code=True, rank=2, least=10, tree=True),
            lambda row, known: row.name, _nothing),
    _Column("layer", Column("layer", code=True, least=12, tree=True), _layer,
            lambda known: "total"),
    _Column("input", Column("input", code=True), _input, _nothing),
    _Column("output", Column("output", code=True), _output, _nothing),
    _Column("dtype", Column("dtype"), _dtype, _nothing),
    _Column("axes", Column("axes", rank=8, minor=True), _axes, _nothing),
    _Column("kernel", Column("kernel", "right"), _kernel, _nothing),
    _Column("params", Column("params", "right"), _params, lambda known: count(known.trace.params)),
    _Column("params share", Column("share", "right", rank=4), _params_share, _nothing),
    _Column("trainable", Column("trainable", "right"), _trainable,
            lambda known: count(known.trace.trainable_params)),
    _Column("MACs", Column("MACs", "right", rank=3), _macs, _all_macs),
    _Column("MACs share", Column("share", "right", rank=6), _macs_share, _nothing),
    _Column("memory", Column("memory", "right"), _memory,
            lambda known: byte_size(known.trace.activation_bytes)),
    _Column("field", Column("field", "right", rank=5), _along(field_size), _nothing),
    _Column("step", Column("step", "right", rank=9), _along(field_step), _nothing),
)  # fmt: skip
_BY_NAME = {column.name.lower(): column for column in ALL}
_FLAT = ("#", "path", "layer", "output", "axes", "params", "macs", "field", "step")
_TREE = (
    "#", "path", "layer", "output", "axes", "params", "params share", "macs", "macs share",
    "field", "step",
)  # fmt: skip
_SHARES = {"params": "params share", "macs": "macs share"}


def _columns(shown: Sequence[Row], names: Sequence[str] | None) -> list[_Column]:
    """The columns of those names; a share is one of each count that is shown."""
    if names is None:
        tree = any(row.node.call is None for row in shown)
        return [_BY_NAME[name] for name in (_TREE if tree else _FLAT)]
    wanted: list[str] = []
    for name in map(str.lower, names):
        if name == "share":
            wanted += [_SHARES[last] for last in wanted[-1:] if last in _SHARES]
        elif name not in _BY_NAME:
            known = [column.name for column in ALL if " " not in column.name]
            there = f"; there are {', '.join([*known, 'share'])}"
            raise ValueError(f"there is no column {name!r}{nearest(name, known) or there}")
        else:
            wanted.append(name)
    return [_BY_NAME[name] for name in wanted]


def _with_path(row: Row, cells: tuple[str, ...], at: list[int]) -> tuple[str, ...]:
    return tuple(row.path if place in at else cell for place, cell in enumerate(cells))


def _failed(name: str, call: Call, known: _Known) -> str:
    """A cell of the call that failed."""
    if name == "input":
        return ", ".join(map(str, call.input_shapes))
    words = {"#": str(call.index), "path": call.path, "layer": call.code, "output": "✗ failed"}
    return words.get(name, "")
