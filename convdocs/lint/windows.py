"""Windows that miss cells, hang over the border, shift their output or see nothing new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from convdocs.geometry import AXIS_NAMES, Window
from convdocs.lint.graph import POOLS, Graph
from convdocs.receptive import IDENTITY, AxisField, through
from convdocs.report import CONSTANT, Call

LONGEST = 20_000  # cells of an axis that are looked at one by one
PADDING = AxisField(1, 0, -1)  # every cell was made, of none


def plain(call: Call) -> bool:
    """Whether there is nothing to say of a layer's borders: most layers are asked no further."""
    dims = len(call.windows)
    for window, size, outputs in zip(
        call.windows, call.input_shapes[0][-dims:], call.output_shapes[0][-dims:], strict=True
    ):
        if window.padding[0] != window.padding[1]:
            return False
        if not window.transposed and (
            window.span > size or (window.stride > 1 and _between(window, size, outputs))
        ):
            return False
    return True


def dropped_border(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """The last cells of an axis, after the last window."""
    for window, size, cells, along in _alike(call, _unread_axes(call, graph)):
        end = _end(window, window.output_size(size))
        if cells[0] >= end and window.stride <= window.span:
            missed = f"cell {cells[0]}" if len(cells) == 1 else f"cells {cells[0]} to {cells[-1]}"
            pad = end + window.stride - size - window.padding[1]
            ceil = " or use ceil_mode=True" if call.family in POOLS else ""
            yield (
                f"{call.code} never reads {missed} of the {size} along {along}: its last window "
                "ends before.",
                f"Pad the input by {pad} at the end{ceil}, or crop it on purpose.",
            )


def unread_cells(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """Cells between the windows, or between the taps of all of them."""
    for window, size, cells, along in _alike(call, _unread_axes(call, graph)):
        if cells[0] < _end(window, window.output_size(size)) or window.stride > window.span:
            taps = "one tap does" if window.kernel == 1 else f"{window.kernel} taps do"
            yield (
                f"{call.code} steps over {len(cells)} of the {size} cells along {along}: with a "
                f"stride of {window.stride} its {taps} not reach all in between.",
                f"Use a stride that shares no divisor with the dilation of {window.dilation}."
                if window.dilation > 1
                else f"Use a kernel of {window.stride} or more, or a stride of {window.kernel}.",
            )


def _alike(call: Call, answers: Iterable[Any]) -> Iterator[tuple[Window, int, Any, str]]:
    """What there is to say along each axis, with its window and size, once for axes alike."""
    names = AXIS_NAMES[len(call.windows)]
    sizes = call.input_shapes[0][-len(names) :]
    along: dict[tuple[Window, int, Any], list[str]] = {}
    for *key, name in zip(call.windows, sizes, answers, names, strict=False):
        along.setdefault(tuple(key), []).append(name)
    return ((*key, " and ".join(axes)) for key, axes in along.items() if key[-1])


def _unread_axes(call: Call, graph: Graph) -> list[tuple[int, ...]]:
    """Per axis, the cells of the input that neither this nor another reader of them reads."""
    if graph.readers[call.sources[0]][0] is not call:  # it is said of the first reader
        return []
    return [tuple(_unread(call, axis, graph)) for axis in range(-len(call.windows), 0)]


def _unread(call: Call, axis: int, graph: Graph) -> Sequence[int]:
    """Cells along an axis (counted from the last) of a call's input that nothing reads.

    The same values may have been read before: on the way back through calls that only copy cells,
    every other reader is asked. A cell that was made on the way is padding and misses nobody.
    """
    cells, field = _missed(call, axis), IDENTITY  # where the input's cells lie further up
    reader: Call | None = call
    while cells and reader is not None:
        source = reader.sources[0]
        if source in graph.returned or source == CONSTANT:
            return ()
        for other in graph.readers[source]:
            passed = _passed_over(other, reader, axis, len(call.windows))
            cells = [cell for cell in cells if field.cells(cell)[0] in passed or other is reader]
        reader = graph.source(reader)
        local = _copies(reader, axis) if reader is not None else None
        if reader is None or local is None:
            break
        field = through(local, field)
        cells = [cell for cell in cells if 0 <= field.cells(cell)[0] < reader.input_shapes[0][axis]]
    return cells


def _missed(call: Call, axis: int) -> Sequence[int]:
    """Cells along an axis of a call's input that no window of its own reads."""
    window = call.windows[axis]
    if window.stride == 1 or window.transposed or _copies_border(call, window):
        return ()
    return _between(window, call.input_shapes[0][axis], call.output_shapes[0][axis])


@lru_cache(maxsize=1024)
def _between(window: Window, size: int, outputs: int) -> Sequence[int]:
    """Cells between or after the windows."""
    if window.dilation == 1 and window.stride <= window.kernel:
        return range(_end(window, outputs), size)
    if size > LONGEST:
        return ()
    cells = set(range(size))
    for tap in range(window.kernel):
        first = tap * window.dilation - window.padding[0]
        cells.difference_update(range(first, first + outputs * window.stride, window.stride))
    return sorted(cells)


def _end(window: Window, outputs: int) -> int:
    """The first cell after the last window."""
    return (outputs - 1) * window.stride - window.padding[0] + window.span


def _copies_border(call: Call, window: Window) -> bool:
    """Whether a layer pads with copies of cells: what it reads there is not nothing."""
    return any(window.padding) and dict(call.settings).get("padding_mode", "zeros") != "zeros"


def _passed_over(other: Call, reader: Call, axis: int, dims: int) -> Collection[int]:
    """Cells that another reader of the same tensor leaves out; none where that is not known."""
    slides = len(other.windows) == dims and other.sources[0] == reader.sources[0]
    if slides and other.output_shapes and other.input_shapes[0] == reader.input_shapes[0]:
        return frozenset(_missed(other, axis))
    return ()


def _copies(call: Call, axis: int) -> AxisField | None:
    """The cell that each output cell copies or works on alone; None for any other call."""
    before, after = call.input_shapes[0], call.output_shapes[0]
    if call.windows or len(before) != len(after):
        return None
    fields = call.local_fields[0] if call.local_fields else ()
    field = fields[axis] if len(fields) >= -axis else None  # None: the axes have no names
    if before[axis] < after[axis]:
        zeros = call.family == "constant pad" or dict(call.settings).get("mode") == "constant"
        return field if zeros and field is not None else PADDING  # perhaps copies of the cells
    if sum(source != CONSTANT for source in call.sources) != 1:
        return None
    if before == after and (field is None or field.stride == 0):
        return IDENTITY  # a norm works on each cell, whatever it averages
    exact = field is not None and field.status == "exact" and not field.runs
    return field if exact and field is not None and field.size == 1 else None


def kernel_over_input(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """A kernel that always hangs over the border on some side."""
    sizes = call.input_shapes[0][-len(call.windows) :]
    pairs = zip(call.windows, sizes, strict=True)
    over = [w.span > size and any(w.padding) and not w.transposed for w, size in pairs]
    for window, size, _, along in _alike(call, over):
        outcome = "padding is part of every sum"
        if call.family in POOLS:
            outcome = "every window hangs over the border"
        if copied := _copies_border(call, window):
            outcome = "copies of cells are part of every sum"
        reached = [window.positions(output) for output in range(window.output_size(size))]
        taps = zip(*reached, strict=True)
        idle = sum(not any(0 <= cell < size for cell in tap) for tap in taps)
        if idle and not copied:
            outcome += f", and {idle} of its {window.kernel} taps never reach a cell"
        yield (
            f"{call.code} spans {window.span} cells along {along}, where the input has {size}: "
            f"{outcome}.",
            f"Use a kernel that spans {size} or less, or a larger input.",
        )


def one_sided_padding(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """'same' with an even span."""
    for window in [window for window in call.windows if window.padding[0] != window.padding[1]][:1]:
        yield (
            f"{call.code} pads {window.padding[0]} before and {window.padding[1]} after, since its "
            f"span of {window.span} has no middle cell: its output is shifted by half a cell.",
            f"Use an odd kernel, such as {window.kernel + 1}.",
        )


def field_exceeds_input(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """A convolution of cells that, by every path, have all seen the whole model input."""
    before, dims = graph.source(call), len(call.windows)
    if before is None or call.family != "convolution" or all(w.kernel == 1 for w in call.windows):
        return
    extents = next((shape[-dims:] for shape in graph.inputs if len(shape) > dims), ())
    sizes = call.input_shapes[0][-dims:]

    def covered(fields: Sequence[AxisField]) -> bool:
        return len(fields) == len(extents) == dims and all(map(_covers, fields, sizes, extents))

    # of all paths together, and of the one that sees least
    if covered(before.receptive_field) and covered(graph.narrow[before.index]):
        yield (
            f"Every cell that {call.code} reads has already seen the whole input. It can learn no "
            "new neighbourhood.",
            "Use a larger input, or fewer layers and strides before it.",
        )


def _covers(field: AxisField, size: int, extent: int) -> bool:
    """Whether the first and the last of ``size`` cells, and so all of them, see all of an axis."""
    if field.size is None or field.size < extent:
        return False
    first, last = field.cells(0), field.cells(size - 1)
    return max(first.start, last.start) <= 0 and min(first.stop, last.stop) >= extent
