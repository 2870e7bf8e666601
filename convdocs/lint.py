"""The silent mistakes that a trace shows: pure rules, from a Trace to Findings.

A rule speaks only where the trace proves it, or, for the one that says "by the look of it", where
no sensible network looks so. None of them reads the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from math import prod

from convdocs.geometry import Window
from convdocs.receptive import IDENTITY, AxisField, local_field, through
from convdocs.report import MODEL_INPUT, Call, Finding, Shape, Trace


class _Graph:
    """The calls of a trace, with who reads whom."""

    def __init__(self, trace: Trace) -> None:
        self.calls = trace.calls
        self.inputs = trace.input_shapes
        self.readers: dict[int, list[Call]] = defaultdict(list)
        for call in trace.calls:
            for source in call.sources:
                if source >= 0:
                    self.readers[source].append(call)
                elif source == MODEL_INPUT:
                    self.readers[MODEL_INPUT].append(call)

    def source(self, call: Call) -> Call | None:
        """The call that the first input came from."""
        if call.sources and call.sources[0] >= 0:
            return self.calls[call.sources[0]]
        return None

    def reads_input(self, call: Call) -> bool:
        """Whether only functions of each element stand between the model's input and this call."""
        while (before := self.source(call)) is not None:
            if before.windows or before.input_shapes[:1] != before.output_shapes:
                return False
            call = before
        return call.sources[:1] == (MODEL_INPUT,)


Rule = Callable[[Call, _Graph], Iterator[Finding]]


def findings(trace: Trace) -> tuple[Finding, ...]:
    """All findings, in the order of the calls they are about.

    Examples
    --------
    >>> from torch import nn
    >>> from convdocs import trace
    >>> net = nn.Sequential(nn.Conv1d(10, 32, 3), nn.MaxPool2d(2))
    >>> [found.code for found in findings(trace(net, (2, 10, 7)))]
    ['batch-as-channels', 'dropped-border']
    """
    graph = _Graph(trace)
    found: list[Finding] = []
    for call in trace.calls:
        rules = _OTHER_RULES.get(call.kind, ())
        if call.windows and call.output_shapes:
            rules = _WINDOW_RULES
        if not call.input_shapes:  # a call that failed for want of a tensor
            rules = ()
        for rule in rules:
            found += rule(call, graph)
    found += _field_exceeds_input(trace, graph)
    return tuple(sorted(found, key=lambda one: one.index))


def _finding(code: str, call: Call, sentence: str, fix: str) -> Finding:
    return Finding(code, call.path, call.index, sentence, fix)


def _batch_as_channels(call: Call, graph: _Graph) -> Iterator[Finding]:
    """A layer without a batch axis in its input, where there was one before."""
    dims, shape = len(call.windows), call.input_shapes[0]
    if len(shape) != dims + 1:
        return
    before = graph.source(call)
    if before is not None and before.axes:
        misread = before.axes.startswith("N ")
    else:
        pool = "Pool" in call.kind or "pool" in call.kind
        image = shape[0] in (1, 3) or len(set(shape[1:])) == 1
        misread = pool and dims > 1 and not image and graph.reads_input(call)
    if not misread:
        return
    read = ", ".join(f"{n}={s}" for n, s in zip(call.axes.split(), shape, strict=True))
    suited = call.kind.replace(f"{dims}d", f"{dims - 1}d") if dims > 1 else ""
    yield _finding(
        "batch-as-channels",
        call,
        f"{call.code} reads {shape} as one sample ({read}), so the batch of {shape[0]} is taken "
        "for channels.",
        f"Use {suited} for (N, C, {'L' if dims == 2 else 'H, W'})."
        if suited
        else "Give the input its batch axis: x.unsqueeze(0).",
    )


def _channels_last(call: Call, graph: _Graph) -> Iterator[Finding]:
    """Channels where the layer looks for a spatial axis."""
    dims, shape = len(call.windows), call.input_shapes[0]
    before = graph.source(call)
    if before is not None and before.axes:
        misread = before.axes.endswith(" C") and before.axes.count(" ") >= dims
    else:
        spread = shape[-dims - 1 : -1]  # what would be the spatial axes
        least = 16 if dims == 1 else 8
        misread = shape[-1] <= 4 and min(spread, default=0) >= least and graph.reads_input(call)
    if misread:
        order = (
            (0, dims + 1, *range(1, dims + 1)) if len(shape) == dims + 2 else (dims, *range(dims))
        )
        yield _finding(
            "channels-last",
            call,
            f"{call.code} reads {shape} with {shape[-dims - 1]} channels; by the look of it the "
            f"channels are the last axis, {shape[-1]} of them.",
            f"Put them first: x.permute{order}.",
        )


def _bias_before_norm(call: Call, graph: _Graph) -> Iterator[Finding]:
    """A bias that batch norm subtracts again."""
    bias = dict(call.parameters).get("bias")
    readers = graph.readers.get(call.index, [])
    if bias is None or not readers or not all(_is_batch_norm(one) for one in readers):
        return
    yield _finding(
        "bias-before-norm",
        call,
        f"The bias of {call.code} ({prod(bias)} numbers) does nothing: {readers[0].kind} after "
        "it subtracts each channel's mean.",
        "Give the layer bias=False.",
    )


def _is_batch_norm(call: Call) -> bool:
    return call.kind.startswith(("BatchNorm", "SyncBatchNorm", "LazyBatchNorm")) or (
        call.kind == "batch_norm"
    )


def _unread_cells(call: Call, graph: _Graph) -> Iterator[Finding]:
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
        return _finding(
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
    return _finding(
        "unread-cells",
        call,
        f"{call.code} steps over {count} of the {size} cells along {along}: with a stride of "
        f"{window.stride} its {window.kernel} taps do not reach all in between.",
        mended,
    )


def _kernel_over_input(call: Call, graph: _Graph) -> Iterator[Finding]:
    """A kernel that always hangs over the border on some side."""
    sizes = call.input_shapes[0][-len(call.windows) :]
    for axis, (window, size) in enumerate(zip(call.windows, sizes, strict=True)):
        if window.transposed or window.span <= size:
            continue
        name = _spatial_names(call)[axis]
        yield _finding(
            "kernel-over-input",
            call,
            f"{call.code} spans {window.span} cells along {name}, where the input has {size}: "
            "padding is part of every sum.",
            f"Use a kernel that spans {size} or less, or a larger input.",
        )
        return


def _one_sided_padding(call: Call, graph: _Graph) -> Iterator[Finding]:
    """'same' with an even span."""
    for window in call.windows:
        before, after = window.padding
        if before != after:
            yield _finding(
                "one-sided-padding",
                call,
                f"{call.code} pads {before} before and {after} after, since its span of "
                f"{window.span} has no middle cell: its output is shifted by half a cell.",
                f"Use an odd kernel, such as {window.kernel + 1}.",
            )
            return


def _merged_batch(call: Call, graph: _Graph) -> Iterator[Finding]:
    """A flatten or a view that makes samples out of a sample's cells."""
    before = graph.source(call)
    if before is None or not before.axes.startswith("N ") or not call.output_shapes:
        return
    shape, out = call.input_shapes[0], call.output_shapes[0]
    if len(shape) < 2 or not out or out[0] == shape[0] or (len(out) > 1 and out[-1] == shape[-1]):
        return
    yield _finding(
        "flatten-merges-batch",
        call,
        f"{call.code} turns {shape} into {out}: the batch of {shape[0]} is no longer the first "
        "axis.",
        "Keep it: x.flatten(1).",
    )


def _one_value(call: Call, graph: _Graph) -> Iterator[Finding]:
    """A normalisation over a single value, which is always the mean of itself."""
    shape = call.input_shapes[0]
    values = _normalised(call, shape)
    if values != 1:
        return
    yield _finding(
        "one-value-norm",
        call,
        f"{call.code} normalises one value at a time on {shape}: each is its own mean, so the "
        "output is the same whatever the input.",
        "Use a larger batch or input, fewer groups, or no normalisation here.",
    )


def _normalised(call: Call, shape: Shape) -> int:
    """Values that one mean is taken over; 0 where the layer takes none."""
    if _is_batch_norm(call):
        return shape[0] * prod(shape[2:]) if call.training and len(shape) > 1 else 0
    if call.kind in ("GroupNorm", "group_norm"):
        place = (
            0 if call.kind == "GroupNorm" else 1
        )  # GroupNorm(groups, ...), group_norm(x, groups)
        groups = int(call.code.split("(")[1].split(",")[place].strip(" )"))
        return prod(shape[1:]) // groups
    weight = dict(call.parameters).get("weight")
    return prod(weight) if weight is not None else 0


def _field_exceeds_input(trace: Trace, graph: _Graph) -> Iterator[Finding]:
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
        yield _finding(
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


_WINDOW_RULES: tuple[Rule, ...] = (
    _batch_as_channels,
    _channels_last,
    _bias_before_norm,
    _unread_cells,
    _kernel_over_input,
    _one_sided_padding,
)
_RESHAPES = ("Flatten", "flatten", "view", "reshape", "ravel", "Unflatten")
_NORMS = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "group_norm", "LayerNorm", "RMSNorm",
)  # fmt: skip
_OTHER_RULES: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(_RESHAPES, (_merged_batch,)),
    **dict.fromkeys(_NORMS, (_one_value,)),
    "Linear": (_bias_before_norm,),
}
