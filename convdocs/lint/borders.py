"""Windows that miss cells, hang over the border or shift their output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from convdocs.geometry import Window
from convdocs.lint.graph import POOLS, Graph, finding
from convdocs.receptive import IDENTITY, AxisField, through
from convdocs.report import CONSTANT, Call, Finding

LONGEST = 20_000  # cells of an axis that are looked at one by one


def unread_cells(call: Call, graph: Graph) -> Iterator[Finding]:
    """Cells that neither this layer nor any other reader of the same values reads."""
    if all(window.stride == 1 or window.transposed for window in call.windows):
        return
    alike: dict[tuple[int, tuple[int, ...], Window], list[int]] = defaultdict(list)
    for axis in range(-len(call.windows), 0):
        if cells := _unread(call, axis, graph):
            alike[call.input_shapes[0][axis], tuple(cells), call.windows[axis]].append(axis)
    for (_, cells, _), axes in alike.items():
        yield _report(call, axes, cells)


def _unread(call: Call, axis: int, graph: Graph) -> Sequence[int]:
    """Cells along an axis (counted from the last) of a call's input that nothing reads.

    The same values may have been read before: on the way back through calls that only copy cells,
    every other reader is asked. A cell that was made on the way is padding and misses nobody.
    """
    cells = _missed(call, axis)
    field = IDENTITY  # where the input's cells lie in what ``reader`` reads
    reader: Call | None = call
    if graph.readers[call.sources[0]][0] is not call:
        return ()  # reported with the first reader
    while cells and reader is not None:
        source = reader.sources[0]
        if source in graph.returned or source == CONSTANT:
            return ()
        for other in graph.readers[source]:
            if other is not reader:
                passed = _passed_over(other, reader, axis, len(call.windows))
                cells = [cell for cell in cells if field.cells(cell)[0] in passed]
        reader = graph.source(reader)
        local = _copies(reader, axis) if reader is not None else None
        if reader is None or local is None:
            return () if reader is not None and _adds_cells(reader, axis) else cells
        size = reader.input_shapes[0][axis]
        field = through(local, field)
        cells = [cell for cell in cells if 0 <= field.cells(cell)[0] < size]
        if _adds_cells(reader, axis) and not _adds_constants(reader):
            return ()  # what was added may be copies of the cells
    return cells


def _missed(call: Call, axis: int) -> Sequence[int]:
    """Cells along an axis of a call's input that no window of its own reads."""
    window, outputs = call.windows[axis], call.output_shapes[0][axis]
    size = call.input_shapes[0][axis]
    if window.transposed or _copies_border(call, window):
        return ()
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
    if call.windows or sum(source != CONSTANT for source in call.sources) != 1:
        return None
    fields = call.local_fields[0] if call.local_fields else ()
    if len(fields) < -axis or call.family.endswith(" norm"):
        # unnamed axes show no more than this; a norm works on each cell, whatever it averages
        return IDENTITY if call.input_shapes[0] == call.output_shapes[0] else None
    field = fields[axis]
    return field if field.size == 1 and field.status == "exact" and not field.runs else None


def _adds_cells(call: Call, axis: int) -> bool:
    before, after = call.input_shapes[0], call.output_shapes[0]
    return len(before) == len(after) and before[axis] < after[axis]


def _adds_constants(call: Call) -> bool:
    return call.family == "constant pad" or dict(call.settings).get("mode") == "constant"


def _axis_names(call: Call, axes: Sequence[int]) -> str:
    """Names of axes that a window moves over, also where no rule knew the output's."""
    names = ("L", "H W", "D H W")[len(call.windows) - 1].split()
    return " and ".join(names[axis] for axis in axes)


def _report(call: Call, axes: Sequence[int], cells: Sequence[int]) -> Finding:
    window, along = call.windows[axes[0]], _axis_names(call, axes)
    size, outputs = call.input_shapes[0][axes[0]], call.output_shapes[0][axes[0]]
    count, taps = len(cells), f"{window.kernel} taps do"
    if cells[0] >= _end(window, outputs) and window.stride <= window.span:
        missed = f"cell {cells[0]}" if count == 1 else f"cells {cells[0]} to {cells[-1]}"
        pad = _end(window, outputs + 1) - size - window.padding[1]
        ceil = " or use ceil_mode=True" if call.family in POOLS else ""
        return finding(
            "dropped-border",
            call,
            f"{call.code} never reads {missed} of the {size} along {along}: its last window ends "
            "before.",
            f"Pad the input by {pad} at the end{ceil}, or crop it on purpose.",
        )
    mended = (
        f"Use a stride that shares no divisor with the dilation of {window.dilation}."
        if window.dilation > 1
        else f"Use a kernel of {window.stride} or more, or a stride of {window.kernel}."
    )
    return finding(
        "unread-cells",
        call,
        f"{call.code} steps over {count} of the {size} cells along {along}: with a stride of "
        f"{window.stride} its {'one tap does' if window.kernel == 1 else taps} not reach all in "
        "between.",
        mended,
    )


def kernel_over_input(call: Call, graph: Graph) -> Iterator[Finding]:
    """A kernel that always hangs over the border on some side."""
    alike: dict[tuple[Window, int], list[int]] = defaultdict(list)
    for axis, window in enumerate(call.windows, start=-len(call.windows)):
        size = call.input_shapes[0][axis]
        if any(window.padding) and not window.transposed and window.span > size:
            alike[window, size].append(axis)
    for (window, size), axes in alike.items():
        outcome = "padding is part of every sum"
        if call.family in POOLS:
            outcome = "every window hangs over the border"
        if _copies_border(call, window):
            outcome = "copies of cells are part of every sum"
        elif idle := _idle_taps(window, size, call.output_shapes[0][axes[0]]):
            outcome += f", and {idle} of its {window.kernel} taps never reach a cell"
        yield finding(
            "kernel-over-input",
            call,
            f"{call.code} spans {window.span} cells along {_axis_names(call, axes)}, where the "
            f"input has {size}: {outcome}.",
            f"Use a kernel that spans {size} or less, or a larger input.",
        )


def _idle_taps(window: Window, size: int, outputs: int) -> int:
    """Taps that never reach a cell of the input."""
    starts = range(-window.padding[0], _end(window, outputs) - window.span + 1, window.stride)
    taps = range(0, window.span, window.dilation)
    return sum(not any(0 <= start + tap < size for start in starts) for tap in taps)


def one_sided_padding(call: Call, graph: Graph) -> Iterator[Finding]:
    """'same' with an even span."""
    for window in call.windows:
        before, after = window.padding
        if before != after:
            yield finding(
                "one-sided-padding",
                call,
                f"{call.code} pads {before} before and {after} after, since its span of "
                f"{window.span} has no middle cell: its output is shifted by half a cell.",
                f"Use an odd kernel, such as {window.kernel + 1}.",
            )
            return
