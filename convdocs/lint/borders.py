"""Windows that miss cells, hang over the border or shift their output."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from convdocs.geometry import Window
from convdocs.lint.graph import Graph, finding
from convdocs.report import Call, Finding


def unread_cells(call: Call, graph: Graph) -> Iterator[Finding]:
    """Cells that neither this layer nor any other reader of the same tensor reads."""
    if all(window.stride == 1 or window.transposed for window in call.windows):
        return
    dims, shape = len(call.windows), call.input_shapes[0]
    readers = graph.readers.get(call.sources[0], [])
    if readers[:1] != [call] or any(one.input_shapes[0] != shape for one in readers):
        return  # told with the first reader, or read elsewhere in another shape
    if not all(len(one.windows) == dims for one in readers):
        return  # somebody reads all of it
    missed: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for axis, size in enumerate(shape[-dims:]):
        passes = [(one.windows[axis], one.output_shapes[0][-dims:][axis]) for one in readers]
        count, first = _missed(passes, size)
        if count:
            missed[size, count, first].append(axis)
    for (size, count, first), axes in missed.items():
        yield _unread(call, axes, size, count, first)


LONGEST = 20_000  # cells of an axis that are looked at one by one


def _missed(passes: Sequence[tuple[Window, int]], size: int) -> tuple[int, int]:
    """How many of the cells no window reads, and the first of them."""
    window, outputs = passes[0]
    if len(passes) == 1 and window.dilation == 1 and window.stride <= window.kernel:
        end = (outputs - 1) * window.stride - window.padding[0] + window.kernel
        return max(0, size - end), end
    if size > LONGEST or any(window.transposed for window, _ in passes):
        return 0, 0
    cells = set(range(size))
    for window, outputs in passes:
        for tap in range(window.kernel):
            first = tap * window.dilation - window.padding[0]
            cells.difference_update(range(first, first + outputs * window.stride, window.stride))
    return len(cells), min(cells, default=0)


def _spatial_names(call: Call) -> tuple[str, ...]:
    """Names of the axes that the window moves over, also where no rule knew the output's."""
    dims = len(call.windows)
    known = tuple(call.axes.split()[-dims:])
    return known if len(known) == dims else tuple(("L", "H W", "D H W")[dims - 1].split())


def _unread(call: Call, axes: Sequence[int], size: int, count: int, first: int) -> Finding:
    window, names = call.windows[axes[0]], _spatial_names(call)
    along = " and ".join(names[axis] for axis in axes)
    if first == size - count and window.stride <= window.kernel:
        cells = f"cell {first}" if count == 1 else f"cells {first} to {size - 1}"
        ceil = " or use ceil_mode=True" if "Pool" in call.kind else ""
        return finding(
            "dropped-border",
            call,
            f"{call.code} never reads {cells} of the {size} along {along}: its last window ends "
            "before.",
            f"Pad the input by {window.stride - count} at the end{ceil}, or crop it on purpose.",
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
        f"{window.stride} its {window.kernel} taps do not reach all in between.",
        mended,
    )


def kernel_over_input(call: Call, graph: Graph) -> Iterator[Finding]:
    """A kernel that always hangs over the border on some side."""
    sizes = call.input_shapes[0][-len(call.windows) :]
    for axis, (window, size) in enumerate(zip(call.windows, sizes, strict=True)):
        if window.transposed or window.span <= size:
            continue
        name = _spatial_names(call)[axis]
        yield finding(
            "kernel-over-input",
            call,
            f"{call.code} spans {window.span} cells along {name}, where the input has {size}: "
            "padding is part of every sum.",
            f"Use a kernel that spans {size} or less, or a larger input.",
        )
        return


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
