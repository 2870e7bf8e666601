"""Convolutions that come when every cell has already seen the whole input."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.lint.graph import Graph, finding
from convdocs.receptive import IDENTITY, AxisField, through
from convdocs.report import CONSTANT, MODEL_INPUT, Call, Finding

Fields = tuple[AxisField, ...]
Narrow = dict[int, Fields | None]  # by source: the narrowest field of its cells, by any path


def field_exceeds_input(graph: Graph) -> Iterator[Finding]:
    """Convolutions whose input cells, by every path, have all seen the whole model input."""
    if not _ever_wide(graph):
        return
    narrow: Narrow = {}
    for call in graph.calls:
        if not call.receptive_field or not call.output_shapes:
            continue
        if call.family == "convolution" and any(window.kernel > 1 for window in call.windows):
            before = _of_source(call.sources[0], len(call.windows), narrow)
            if before is not None and _sees_all(call, before, graph):
                yield finding(
                    "field-exceeds-input",
                    call,
                    f"Every cell that {call.code} reads has already seen the whole input. It can "
                    "learn no new neighbourhood.",
                    "Use a larger input, or fewer layers and strides before it.",
                )
        narrow[call.index] = _narrowest(call, narrow)


def _ever_wide(graph: Graph) -> bool:
    """Whether any field is as large as an axis of an input: in most networks none is."""
    least = min((size for shape in graph.inputs for size in shape[2:]), default=0)
    fields = (field for call in graph.calls for field in call.receptive_field)
    return any(field.size is not None and field.size >= least for field in fields)


def _of_source(source: int, rank: int, narrow: Narrow) -> Fields | None:
    fields = (IDENTITY,) * rank if source == MODEL_INPUT else narrow.get(source)
    return fields if fields is not None and len(fields) == rank else None


def _narrowest(call: Call, narrow: Narrow) -> Fields | None:
    """The smallest field that a path to this call gives its cells; None where one is not known."""
    if len(call.sources) == 1 and not call.windows and call.input_shapes == call.output_shapes:
        # a norm's mean of all cells, or a softmax over them, tells no neighbourhood
        return _of_source(call.sources[0], len(call.receptive_field), narrow)
    paths: list[Fields] = []
    for source, local in zip(call.sources, call.local_fields, strict=False):
        if source != CONSTANT:
            before = _of_source(source, len(local), narrow)
            if not local or before is None:
                return None
            paths.append(tuple(map(through, before, local)))
    return min(paths, key=lambda fields: [field.size or 0 for field in fields], default=None)


def _sees_all(call: Call, before: Fields, graph: Graph) -> bool:
    dims = len(before)
    extents = next((shape[-dims:] for shape in graph.inputs if len(shape) > dims), None)
    sizes = call.input_shapes[0][-dims:]
    return extents is not None and all(map(_covers, before, sizes, extents))


def _covers(field: AxisField, size: int, extent: int) -> bool:
    """Whether the first and the last of ``size`` cells, and so all of them, see all of an axis."""
    if field.size is None or field.size < extent:
        return False
    first, last = field.cells(0), field.cells(size - 1)
    return max(first.start, last.start) <= 0 and min(first.stop, last.stop) >= extent
