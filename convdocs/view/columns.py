"""The columns that a trace's table can have, and what each shows of a row."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
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

PARTLY, GATED = " (partly)", " + all"
_LARGEST_DENOMINATOR = 999
_IN_MILLIONS = 10**9  # MACs of a model from which on they are shown in millions


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

    def layer(self) -> str:
        times, kind = self.row.times, self.row.node.kind
        return f"{times} × {kind}" if times > 1 else kind

    def input(self) -> str:
        return shapes(self.calls[0].input_shapes) if self.calls else ""

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

    def share(self, field: str) -> str:
        (part, known), whole = self.sum(field), getattr(self.trace, field)
        return share(part, whole) if known and whole is not None else "?"

    def memory(self) -> str:
        total, known = sum_known(map(_output_bytes, self.calls), self.row.times)
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


def _output_bytes(call: Call) -> int | None:
    """None where a dtype is missing; its name says the bits, as float8_e4m3fn, and bool has 8."""
    if len(call.output_dtypes) != len(call.output_shapes):
        return None
    bits = [re.search(r"\d+", dtype) for dtype in call.output_dtypes]
    sizes = [max(1, int(digits[0]) // 8) if digits else 1 for digits in bits]
    return sum(prod(shape) * size for shape, size in zip(call.output_shapes, sizes, strict=True))


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
    short = field.stride.denominator <= _LARGEST_DENOMINATOR
    return str(field.stride) if short else f"≈ {float(field.stride):.4g}"


_ALL: dict[str, tuple[Column, Callable[[Line], str]]] = {
    "#": (Column("#", "right", rank=7, minor=True), Line.number),
    "path": (Column("path", code=True, rank=2, least=10, tree=True), lambda line: line.row.name),
    "layer": (Column("layer", code=True, least=12, tree=True), Line.layer),
    "input": (Column("input", code=True), Line.input),
    "output": (Column("output", code=True), lambda line: shapes(line.outputs)),
    "dtype": (Column("dtype"), Line.dtype),
    "axes": (Column("axes", rank=8, minor=True), Line.axes),
    "kernel": (Column("kernel", "right"), Line.kernel),
    "params": (Column("params", "right"), Line.params),
    "params share": (Column("share", "right", rank=4), lambda line: line.share("params")),
    "trainable": (Column("trainable", "right"), lambda line: count(*line.sum("trainable"))),
    "macs": (Column("MACs", "right", rank=3), lambda line: count(*line.sum("macs"))),
    "macs share": (Column("share", "right", rank=6), lambda line: line.share("macs")),
    "memory": (Column("memory", "right"), Line.memory),
    "field": (Column("field", "right", rank=5), lambda line: line.along(_size)),
    "step": (Column("step", "right", rank=9), lambda line: line.along(_step)),
}
_MILLIONS = (Column("MACs (M)", "right", rank=3), lambda line: millions(*line.sum("macs")))
_TREE = [name for name in _ALL if name not in ("input", "dtype", "kernel", "trainable", "memory")]
_FLAT = [name for name in _TREE if "share" not in name]


def totals(trace: Trace) -> dict[str, str]:
    """The row of the whole model, by the columns' titles."""
    macs = sum_known(call.macs for call in trace.calls)
    return {
        "layer": "total",
        "params": count(trace.params),
        "trainable": count(trace.trainable_params),
        "MACs": count(*macs),
        "MACs (M)": millions(*macs),
        "memory": byte_size(trace.activation_bytes),
    }


def table_of(
    trace: Trace, shown: Sequence[Row], names: Sequence[str] | None
) -> tuple[tuple[Column, ...], tuple[tuple[str, ...], ...]]:
    """The columns of those names, or those that say something of such rows, and their cells.

    A share is one of the count before it.
    """
    wanted: list[str] = []
    if names is None:
        wanted = _TREE if any(row.node.call is None for row in shown) else _FLAT
    for name in map(str.lower, names or ()):
        if name == "share":
            share_of = f"{wanted[-1]} share" if wanted else ""
            if share_of not in _ALL:
                raise ValueError("a share is one of params or MACs: name one of them before it")
            wanted.append(share_of)
        elif name not in _ALL:
            known = [column.title for key, (column, _) in _ALL.items() if " " not in key]
            there = f"; there are {', '.join([*known, 'share'])}"
            raise ValueError(f"there is no column {name!r}{nearest(name, known) or there}")
        else:
            wanted.append(name)
    large = sum(call.macs or 0 for call in trace.calls) >= _IN_MILLIONS
    pairs = [_MILLIONS if large and name == "macs" else _ALL[name] for name in wanted]
    lines = [Line(row, trace) for row in shown]
    made = [(column, [cell(line) for line in lines]) for column, cell in pairs]
    if names is None and lines:
        made = [(column, cells) for column, cells in made if any(cells)]
    columns, cells = zip(*made, strict=True) if made else ((), ())
    return columns, tuple(zip(*cells, strict=True))
