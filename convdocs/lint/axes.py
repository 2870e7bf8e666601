"""Axes taken for others: a batch for channels, channels for a spatial axis, cells for samples."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.lint.graph import Graph, finding
from convdocs.report import Call, Finding


def batch_as_channels(call: Call, graph: Graph) -> Iterator[Finding]:
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
    yield finding(
        "batch-as-channels",
        call,
        f"{call.code} reads {shape} as one sample ({read}), so the batch of {shape[0]} is taken "
        "for channels.",
        f"Use {suited} for (N, C, {'L' if dims == 2 else 'H, W'})."
        if suited
        else "Give the input its batch axis: x.unsqueeze(0).",
    )


def channels_last(call: Call, graph: Graph) -> Iterator[Finding]:
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
        yield finding(
            "channels-last",
            call,
            f"{call.code} reads {shape} with {shape[-dims - 1]} channels; by the look of it the "
            f"channels are the last axis, {shape[-1]} of them.",
            f"Put them first: x.permute{order}.",
        )


def merged_batch(call: Call, graph: Graph) -> Iterator[Finding]:
    """A flatten or a view that makes samples out of a sample's cells."""
    before = graph.source(call)
    if before is None or not before.axes.startswith("N ") or not call.output_shapes:
        return
    shape, out = call.input_shapes[0], call.output_shapes[0]
    if len(shape) < 2 or not out or out[0] == shape[0] or (len(out) > 1 and out[-1] == shape[-1]):
        return
    yield finding(
        "flatten-merges-batch",
        call,
        f"{call.code} turns {shape} into {out}: the batch of {shape[0]} is no longer the first "
        "axis.",
        "Keep it: x.flatten(1).",
    )
