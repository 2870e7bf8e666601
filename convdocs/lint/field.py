"""Convolutions that come when every cell has already seen the whole input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from convdocs.lint.graph import Graph, finding
from convdocs.receptive import IDENTITY, AxisField, through
from convdocs.report import CONSTANT, MODEL_INPUT, Call, Finding

Fields = tuple[AxisField, ...]


def field_exceeds_input(graph: Graph) -> Iterator[Finding]:
    """Convolutions whose input cells, by every path, have all seen the whole model input."""
    if not _ever_wide(graph):
        return
    narrow: dict[int, Fields | None] = {}
    late: list[Call] = []
    for call in graph.calls:
        if not call.receptive_field or not call.output_shapes:
            continue
        mixes = call.family == "convolution" and any(w.kernel > 1 for w in call.windows)
        before = _of_source(call.sources[0], len(call.windows), narrow)
        if mixes and before is not None and _sees_all(call, before, graph):
            late.append(call)
        narrow[call.index] = _narrowest(call, narrow)
    if late:
        more = f" This and {len(late) - 1} later convolutions" if len(late) > 1 else " It"
        found = finding(
            "field-exceeds-input",
            late[0],
            f"Every cell that {late[0].code} reads has already seen the whole input.{more} can "
            "learn no new neighbourhood.",
            "Use a larger input, or fewer layers and strides before it.",
        )
        yield replace(found, places=tuple(call.index for call in late) if len(late) > 1 else ())


def _ever_wide(graph: Graph) -> bool:
    """Whether any field is as large as an axis of an input: in most networks none is."""
    least = min((size for shape in graph.inputs for size in shape[2:]), default=0)
    return any(
        field.size is not None and field.size >= least
        for call in graph.calls
        for field in call.receptive_field
    )


def _of_source(source: int, rank: int, narrow: dict[int, Fields | None]) -> Fields | None:
    fields = (IDENTITY,) * rank if source == MODEL_INPUT else narrow.get(source)
    return fields if fields is not None and len(fields) == rank else None


def _narrowest(call: Call, narrow: dict[int, Fields | None]) -> Fields | None:
    """The smallest field that a path to this call gives its cells; None where one is not known."""
    paths: list[Fields] = []
    for source, local in zip(call.sources, call.local_fields, strict=False):
        before = _of_source(source, len(local), narrow)
        if source == CONSTANT:
            continue
        if before is not None and call.family.endswith(" norm"):
            local = (IDENTITY,) * len(before)  # a mean of all cells tells no neighbourhood
        if not local or before is None:
            return None
        paths.append(tuple(map(through, before, local)))
    return min(paths, key=lambda fields: [field.size or 0 for field in fields], default=None)


def _sees_all(call: Call, before: Fields, graph: Graph) -> bool:
    dims = len(before)
    sizes = call.input_shapes[0][-dims:]
    extents = next((s[-dims:] for s in graph.inputs if len(s) > dims), None)
    if extents is None:
        return False
    for field, size, extent in zip(before, sizes, extents, strict=True):
        if field.size is None or field.size < extent:
            return False
        first, last = field.cells(0), field.cells(size - 1)
        if max(first.start, last.start) > 0 or min(first.stop, last.stop) < extent:
            return False
    return True
