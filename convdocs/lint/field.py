"""Convolutions that come when every cell has already seen the whole input."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.lint.graph import Graph, finding
from convdocs.receptive import IDENTITY, AxisField, local_field, through
from convdocs.report import MODEL_INPUT, Call, Finding, Trace


def field_exceeds_input(trace: Trace, graph: Graph) -> Iterator[Finding]:
    """Convolutions whose input cells, by every path, have all seen the whole model input."""
    narrow: dict[int, tuple[AxisField, ...] | None] = {}
    late: list[Call] = []
    if not _ever_wide(trace):
        return
    for call in trace.calls:
        if not call.receptive_field or not call.input_shapes:
            continue
        before = _narrowest(call, narrow)
        mixes = call.params and any(w.kernel > 1 and not w.transposed for w in call.windows)
        if mixes and before is not None and _sees_all(call, before, trace):
            late.append(call)
        narrow[call.index] = _moved(call, before)
    if late:
        more = f" This and {len(late) - 1} later convolutions" if len(late) > 1 else " It"
        yield finding(
            "field-exceeds-input",
            late[0],
            f"Every cell that {late[0].code} reads has already seen the whole input.{more} can "
            "learn no new neighbourhood.",
            "Use a larger input, or fewer layers and strides before it.",
        )


def _ever_wide(trace: Trace) -> bool:
    """Whether any field is as large as an axis of an input: in most networks none is."""
    least = min((size for shape in trace.input_shapes for size in shape[2:]), default=0)
    return any(
        field.size is not None and field.size >= least
        for call in trace.calls
        for field in call.receptive_field
    )


def _narrowest(
    call: Call, narrow: dict[int, tuple[AxisField, ...] | None]
) -> tuple[AxisField, ...] | None:
    """The smallest field among a call's inputs; None where one is not known."""
    rank = len(call.receptive_field)
    if len(call.sources) == 1 and call.sources[0] >= 0:
        only = narrow.get(call.sources[0])
        return only if only is not None and len(only) == rank else None
    seen: list[tuple[AxisField, ...]] = []
    for source in call.sources:
        if source == MODEL_INPUT:
            seen.append((IDENTITY,) * rank)
        elif source >= 0:
            fields = narrow.get(source)
            if fields is None or len(fields) != rank:
                return None
            seen.append(fields)
    return min(seen, key=lambda fields: [field.size or 0 for field in fields], default=None)


def _moved(call: Call, before: tuple[AxisField, ...] | None) -> tuple[AxisField, ...] | None:
    if before is None:
        return None
    if call.windows:
        return tuple(map(through, before, map(local_field, call.windows)))
    if call.input_shapes[0] == call.output_shapes[0]:
        return before
    dims = len(before)
    kept = any(shape[-dims:] == call.output_shapes[0][-dims:] for shape in call.input_shapes)
    return before if kept else None


def _sees_all(call: Call, before: tuple[AxisField, ...], trace: Trace) -> bool:
    dims = len(before)
    sizes = call.input_shapes[0][-dims:]
    extents = next((s[-dims:] for s in trace.input_shapes if len(s) > dims), None)
    if extents is None:
        return False
    for field, size, extent in zip(before, sizes, extents, strict=True):
        if field.size is None or field.size < extent:
            return False
        first, last = field.cells(0), field.cells(size - 1)
        if max(first.start, last.start) > 0 or min(first.stop, last.stop) < extent:
            return False
    return True
