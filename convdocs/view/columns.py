"""The columns that a trace's table can have, and what each shows of a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING

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


class Line:
    """A row, and what each column shows of it."""

    def __init__(self, row: Row, trace: Trace) -> None:
        node = row.node
        self.row, self.trace, self.call = row, trace, node.call
        # of the last of the nodes that the row stands for
        self.calls = (node.call,) if node.call else trace.calls[node.first : node.last + 1]
        self.whole = node.call or node.module
        self.outputs = self.whole.output_shapes if self.whole else ()

    def sum(self, field: str) -> tuple[int, bool]:
        """What all calls of the row have together, as far as known, and whether all is."""
        return sum_known((getattr(call, field) for call in self.calls), self.row.times)

    def number(self) -> str:
        first, last = self.row.first, self.row.last
        return "" if last < first else str(first) if first == last else f"{first}–{last}"

    def name(self) -> str:
        return self.row.name

    def layer(self) -> str:
        times, kind = self.row.times, self.row.node.kind
        return f"{times} × {kind}" if times > 1 else kind

    def input(self) -> str:
        return shapes(self.calls[0].input_shapes) if self.calls else ""

    def output(self) -> str:
        return shapes(self.outputs)

    def dtype(self) -> str:
        return ", ".join(dict.fromkeys(self.calls[-1].output_dtypes)) if self.calls else ""

    def axes(self) -> str:
        last = self.calls[-1] if self.calls else None
        return last.axes if last and last.output_shapes == self.outputs else ""

    def kernel(self) -> str:
        return "×".join(str(window.kernel) for window in self.call.windows) if self.call else ""

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
            words += PARTLY if trainable else " (frozen)"
        return words

    def trainable(self) -> str:
        return count(*self.sum("trainable"))

    def share(self, field: str) -> str:
        (part, known), whole = self.sum(field), getattr(self.trace, field)
        return share(part, whole) if known and whole is not None else "?"

    def memory(self) -> str:
        total, known = sum_known(map(_bytes, self.calls), self.row.times)
        return byte_size(total) if known else "?"

    def along(self, tell: Callable[[AxisField], str]) -> str:
        """One word for all axes of the field where they agree, else one for each."""
        words = [tell(field) for field in self.whole.receptive_field] if self.whole else []
        return words[0] if len(set(words)) == 1 else " × ".join(words)


def sum_known(values: Iterable[int | None], times: int = 1) -> tuple[int, bool]:
    """The sum of what is known, and whether all is."""
    values = list(values)
    return times * sum(value or 0 for value in values), None not in values


def shapes(several: Sequence[Shape]) -> str:
    """Shapes one after the other, equal ones once: "2 × (1, 64)"."""
    runs = [(shape, len(list(same))) for shape, same in groupby(several)]
    return ", ".join(f"{times} × {shape}" if times > 1 else str(shape) for shape, times in runs)


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


def _size(field: AxisField) -> str:
    """The receptive field's size, with a sign for a bound, and for a gate that has read all."""
    if field.size is None:
        return "?"
    bound = "≤ " if field.status == "upper bound" else ""
    return f"{bound}{field.size}{GATED if field.gated else ''}"


def _step(field: AxisField) -> str:
    """The step from one cell's field to its neighbour's."""
    if field.stride is None:
        return "?"
    short = field.stride.denominator <= LARGEST_DENOMINATOR
    return str(field.stride) if short else f"≈ {float(field.stride):.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceColumn(Column):
    """A column with what it shows of a row, and of the whole model."""

    cell: Callable[[Line], str]
    total: Callable[[Trace], str] = lambda trace: ""


def _macs(title: str, write: Callable[[int, bool], str]) -> TraceColumn:
    return TraceColumn(
        title,
        "right",
        rank=3,
        cell=lambda line: write(*line.sum("macs")),
        total=lambda trace: write(*sum_known(call.macs for call in trace.calls)),
    )


_ALL = {
    "#": TraceColumn("#", "right", rank=7, minor=True, cell=Line.number),
    "path": TraceColumn("path", code=True, rank=2, least=10, tree=True, cell=Line.name),
    "layer": TraceColumn(
        "layer", code=True, least=12, tree=True, cell=Line.layer, total=lambda trace: "total"
    ),
    "input": TraceColumn("input", code=True, cell=Line.input),
    "output": TraceColumn("output", code=True, cell=Line.output),
    "dtype": TraceColumn("dtype", cell=Line.dtype),
    "axes": TraceColumn("axes", rank=8, minor=True, cell=Line.axes),
    "kernel": TraceColumn("kernel", "right", cell=Line.kernel),
    "params": TraceColumn(
        "params", "right", cell=Line.params, total=lambda trace: count(trace.params)
    ),
    "params share": TraceColumn("share", "right", rank=4, cell=lambda line: line.share("params")),
    "trainable": TraceColumn(
        "trainable",
        "right",
        cell=Line.trainable,
        total=lambda trace: count(trace.trainable_params),
    ),
    "macs": _macs("MACs", count),
    "macs share": TraceColumn("share", "right", rank=6, cell=lambda line: line.share("macs")),
    "memory": TraceColumn(
        "memory", "right", cell=Line.memory, total=lambda trace: byte_size(trace.activation_bytes)
    ),
    "field": TraceColumn("field", "right", rank=5, cell=lambda line: line.along(_size)),
    "step": TraceColumn("step", "right", rank=9, cell=lambda line: line.along(_step)),
}
_IN_MILLIONS = _macs("MACs (M)", millions)
_TREE = [name for name in _ALL if name not in ("input", "dtype", "kernel", "trainable", "memory")]
_FLAT = [name for name in _TREE if "share" not in name]


def chosen(trace: Trace, shown: Sequence[Row], names: Sequence[str] | None) -> list[TraceColumn]:
    """The columns of those names; a share is one of each count that is shown."""
    wanted: list[str] = []
    if names is None:
        wanted = _TREE if any(row.node.call is None for row in shown) else _FLAT
    for name in map(str.lower, names or ()):
        if name == "share":
            wanted += [f"{last} share" for last in wanted[-1:] if f"{last} share" in _ALL]
        elif name not in _ALL:
            known = [column.title for key, column in _ALL.items() if " " not in key]
            there = f"; there are {', '.join([*known, 'share'])}"
            raise ValueError(f"there is no column {name!r}{nearest(name, known) or there}")
        else:
            wanted.append(name)
    large = sum(call.macs or 0 for call in trace.calls) >= IN_MILLIONS
    return [_IN_MILLIONS if large and name == "macs" else _ALL[name] for name in wanted]
