"""The columns that a trace's table can have, and what each shows of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from convdocs.suggest import nearest
from convdocs.view.numbers import byte_size, count, millions, share
from convdocs.view.tables import Column
from convdocs.view.tree import Row

if TYPE_CHECKING:
    from convdocs.receptive import AxisField
    from convdocs.report import Call, Shape, Trace

LARGEST_DENOMINATOR = 999
PARTLY, GATED = " (partly)", " + all"
IN_MILLIONS = 10**9  # MACs of a model from which on they are shown in millions


class Known:
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


class TraceColumn(NamedTuple):
    """A column with what it shows of a row, and of the whole model."""

    name: str
    look: Column
    cell: Callable[[Row, Known], str]
    total: Callable[[Known], str]


def look(column: TraceColumn, known: Known) -> Column:
    large = column.name == "MACs" and known.in_millions
    return replace(column.look, title="MACs (M)") if large else column.look


def _nothing(known: Known) -> str:
    return ""


def _number(row: Row, known: Known) -> str:
    if row.last < row.first:
        return ""
    return str(row.first) if row.first == row.last else f"{row.first}–{row.last}"


def _layer(row: Row, known: Known) -> str:
    return f"{row.times} × {row.node.kind}" if row.times > 1 else row.node.kind


def _outputs(row: Row) -> tuple[Shape, ...]:
    node = row.node
    return (
        node.call.output_shapes if node.call else node.module.output_shapes if node.module else ()
    )


def _output(row: Row, known: Known) -> str:
    return _shapes(_outputs(row))


def _shapes(shapes: Sequence[Shape]) -> str:
    """Shapes one after the other, equal ones once: "2 × (1, 64)"."""
    runs = [(shape, len(list(same))) for shape, same in groupby(shapes)]
    return ", ".join(f"{times} × {shape}" if times > 1 else str(shape) for shape, times in runs)


def _input(row: Row, known: Known) -> str:
    calls = known.inside(row)
    return _shapes(calls[0].input_shapes) if calls else ""


def _axes(row: Row, known: Known) -> str:
    call = known.last(row)
    return call.axes if call and call.output_shapes == _outputs(row) else ""


def _dtype(row: Row, known: Known) -> str:
    call = known.last(row)
    return ", ".join(dict.fromkeys(call.output_dtypes)) if call else ""


def _kernel(row: Row, known: Known) -> str:
    call = row.node.call
    return "×".join(str(window.kernel) for window in call.windows) if call else ""


def sum_known(values: Iterable[int | None], times: int = 1) -> tuple[int, bool]:
    """The sum of what is known, and whether all is."""
    values = list(values)
    return times * sum(value or 0 for value in values), None not in values


def _params(row: Row, known: Known) -> str:
    call = row.node.call
    if call is not None and call.params is None:
        return call.params_note
    total, whole = sum_known((call.params for call in known.inside(row)), row.times)
    words = count(total, whole=whole)
    if call is not None and call.params_note:
        words += f" ({call.params_note.replace('shared with call ', 'as #')})"
    return words + _frozen(row, known, total)


def _frozen(row: Row, known: Known, total: int) -> str:
    if not known.some_frozen or not total:
        return ""
    trainable, whole = sum_known((call.trainable for call in known.inside(row)), row.times)
    if not whole or trainable == total:
        return ""
    return PARTLY if trainable else " (frozen)"


def _trainable(row: Row, known: Known) -> str:
    trainable, whole = sum_known((call.trainable for call in known.inside(row)), row.times)
    return count(trainable, whole=whole)


def _macs(row: Row, known: Known) -> str:
    total, whole = sum_known((call.macs for call in known.inside(row)), row.times)
    return known.macs(total, whole=whole)


def _params_share(row: Row, known: Known) -> str:
    total, whole = sum_known((call.params for call in known.inside(row)), row.times)
    return share(total, known.trace.params) if whole else "?"


def _macs_share(row: Row, known: Known) -> str:
    total, _ = sum_known((call.macs for call in known.inside(row)), row.times)
    return share(total, known.trace.macs) if known.trace.macs is not None else "?"


def _memory(row: Row, known: Known) -> str:
    sizes = [_bytes(call) for call in known.inside(row)]
    total, whole = sum_known(sizes, row.times)
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


def _along(tell: Callable[[AxisField], str]) -> Callable[[Row, Known], str]:
    def cell(row: Row, known: Known) -> str:
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
    return f"{bound}{field.size}{GATED if field.gated else ''}"


def field_step(field: AxisField) -> str:
    """The step from one cell's field to its neighbour's."""
    if field.stride is None:
        return "?"
    short = field.stride.denominator <= LARGEST_DENOMINATOR
    return str(field.stride) if short else f"≈ {float(field.stride):.4g}"


def _all_macs(known: Known) -> str:
    total, whole = sum_known(call.macs for call in known.calls)
    return known.macs(total, whole=whole)


ALL = (
    TraceColumn("#", Column("#", "right", rank=7, minor=True), _number, _nothing),
    TraceColumn("path", Column("path", code=True, rank=2, least=10, tree=True),
            lambda row, known: row.name, _nothing),
    TraceColumn("layer", Column("layer", code=True, least=12, tree=True), _layer,
            lambda known: "total"),
    TraceColumn("input", Column("input", code=True), _input, _nothing),
    TraceColumn("output", Column("output", code=True), _output, _nothing),
    TraceColumn("dtype", Column("dtype"), _dtype, _nothing),
    TraceColumn("axes", Column("axes", rank=8, minor=True), _axes, _nothing),
    TraceColumn("kernel", Column("kernel", "right"), _kernel, _nothing),
    TraceColumn("params", Column("params", "right"), _params,
                lambda known: count(known.trace.params)),
    TraceColumn("params share", Column("share", "right", rank=4), _params_share, _nothing),
    TraceColumn("trainable", Column("trainable", "right"), _trainable,
            lambda known: count(known.trace.trainable_params)),
    TraceColumn("MACs", Column("MACs", "right", rank=3), _macs, _all_macs),
    TraceColumn("MACs share", Column("share", "right", rank=6), _macs_share, _nothing),
    TraceColumn("memory", Column("memory", "right"), _memory,
            lambda known: byte_size(known.trace.activation_bytes)),
    TraceColumn("field", Column("field", "right", rank=5), _along(field_size), _nothing),
    TraceColumn("step", Column("step", "right", rank=9), _along(field_step), _nothing),
)  # fmt: skip
_BY_NAME = {column.name.lower(): column for column in ALL}
_FLAT = ("#", "path", "layer", "output", "axes", "params", "macs", "field", "step")
_TREE = (
    "#", "path", "layer", "output", "axes", "params", "params share", "macs", "macs share",
    "field", "step",
)  # fmt: skip
_SHARES = {"params": "params share", "macs": "macs share"}


def chosen(shown: Sequence[Row], names: Sequence[str] | None) -> list[TraceColumn]:
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
