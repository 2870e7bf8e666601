"""Windows that miss cells, hang over the border or shift their output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

from convdocs.geometry import Window
from convdocs.lint.graph import POOLS, Graph, finding
from convdocs.receptive import IDENTITY, AxisField, through
from convdocs.report import CONSTANT, Call, Finding

LONGEST = 20_000  # cells of an axis that are looked at one by one
PADDING = AxisField(1, 0, -1)  # every cell was made, of none


def unread_cells(call: Call, graph: Graph) -> Iterator[Finding]:
    """Cells that neither this layer nor any other reader of the same values reads."""
    alike: dict[tuple[int, tuple[int, ...], Window], list[int]] = defaultdict(list)
    for axis in range(-len(call.windows), 0):
        if _missed(call, axis) and (cells := _unread(call, axis, graph)):
            alike[call.input_shapes[0][axis], tuple(cells), call.windows[axis]].append(axis)
    for (_, cells, _), axes in alike.items():
        yield _report(call, axes, cells)


def _unread(call: Call, axis: int, graph: Graph) -> Sequence[int]:
    """Cells along an axis (counted from the last) of a call's input that nothing reads.

    The same values may have been read before: on the way back through calls that only copy cells,
    every other reader is asked. A cell that was made on the way is padding and misses nobody.
    """
    cells, field = _missed(call, axis), IDENTITY  # where the input's cells lie further up
    reader: Call | None = call if graph.readers[call.sources[0]][0] is call else None
    if reader is None:  # it is said of the first reader
        return ()
    while reader is not None:
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
    cells = set(range(size if size <= LONGEST else 0))
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


def _axis_names(call: Call, axes: Sequence[int]) -> str:
    """Names of axes that a window moves over, also where no rule knew the output's."""
    names = ("L", "H W", "D H W")[len(call.windows) - 1].split()
    return " and ".join(names[axis] for axis in axes)


def _report(call: Call, axes: Sequence[int], cells: Sequence[int]) -> Finding:
    window, along = call.windows[axes[0]], _axis_names(call, axes)
    size, outputs = call.input_shapes[0][axes[0]], call.output_shapes[0][axes[0]]
    if cells[0] >= _end(window, outputs) and window.stride <= window.span:
        missed = f"cell {cells[0]}" if len(cells) == 1 else f"cells {cells[0]} to {cells[-1]}"
        pad = _end(window, outputs + 1) - size - window.padding[1]
        ceil = " or use ceil_mode=True" if call.family in POOLS else ""
        return finding(
            "dropped-border",
            call,
            f"{call.code} never reads {missed} of the {size} along {along}: its last window ends "
            "before.",
            f"Pad the input by {pad} at the end{ceil}, or crop it on purpose.",
        )
    mended = f"Use a kernel of {window.stride} or more, or a stride of {window.kernel}."
    if window.dilation > 1:
        mended = f"Use a stride that shares no divisor with the dilation of {window.dilation}."
    taps = "one tap does" if window.kernel == 1 else f"{window.kernel} taps do"
    return finding(
        "unread-cells",
        call,
        f"{call.code} steps over {len(cells)} of the {size} cells along {along}: with a stride of "
        f"{window.stride} its {taps} not reach all in between.",
        mended,
    )


def kernel_over_input(call: Call, graph: Graph) -> Iterator[Finding]:
    """A kernel that always hangs over the border on some side."""
    sizes = call.input_shapes[0][-len(call.windows) :]
    pairs = list(zip(call.windows, sizes, strict=True))
    for window, size in dict.fromkeys(pairs):
        if window.span <= size or window.transposed or not any(window.padding):
            continue
        axes = [axis for axis, pair in enumerate(pairs) if pair == (window, size)]
        outcome = "padding is part of every sum"
        if call.family in POOLS:
            outcome = "every window hangs over the border"
        if _copies_border(call, window):
            outcome = "copies of cells are part of every sum"
        elif idle := _idle_taps(window, size):
            outcome += f", and {idle} of its {window.kernel} taps never reach a cell"
        yield finding(
            "kernel-over-input",
            call,
            f"{call.code} spans {window.span} cells along {_axis_names(call, axes)}, where the "
            f"input has {size}: {outcome}.",
            f"Use a kernel that spans {size} or less, or a larger input.",
        )


def _idle_taps(window: Window, size: int) -> int:
    """Taps that never reach a cell of the input."""
    reached = [window.positions(output) for output in range(window.output_size(size))]
    return sum(not any(0 <= cell < size for cell in tap) for tap in zip(*reached, strict=True))


def one_sided_padding(call: Call, graph: Graph) -> Iterator[Finding]:
    """'same' with an even span."""
    uneven = [window for window in call.windows if window.padding[0] != window.padding[1]]
    for window in uneven[:1]:
        yield finding(
            "one-sided-padding",
            call,
            f"{call.code} pads {window.padding[0]} before and {window.padding[1]} after, since its "
            f"span of {window.span} has no middle cell: its output is shifted by half a cell.",
            f"Use an odd kernel, such as {window.kernel + 1}.",
        )
