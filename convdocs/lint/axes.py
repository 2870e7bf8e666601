"""Axes taken for others: a batch for channels, channels for a spatial axis, cells for samples."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.lint.graph import POOLS, Graph, finding
from convdocs.report import CONSTANT, Call, Finding

_LAYERS = {
    "convolution": "Conv",
    "transposed": "ConvTranspose",
    "max": "MaxPool",
    "average": "AvgPool",
    "lp": "LPPool",
}


def batch_as_channels(call: Call, graph: Graph) -> Iterator[Finding]:
    """A layer without a batch axis in its input, where there was one before."""
    dims, shape = len(call.windows), call.input_shapes[0]
    if len(shape) != dims + 1:
        return
    before = graph.source(call)
    if before is not None and before.axes:
        misread = before.axes.startswith("N ")
    else:
        image = shape[0] in (1, 3) or len(set(shape[1:])) == 1
        misread = call.family in POOLS and dims > 1 and not image and graph.reads_input(call)
    if not misread:
        return
    read = ", ".join(f"{n}={s}" for n, s in zip(call.axes.split(), shape, strict=True))
    layer = _LAYERS.get(call.family)
    yield finding(
        "batch-as-channels",
        call,
        f"{call.code} reads {shape} as one sample ({read}), so the batch of {shape[0]} is taken "
        "for channels.",
        f"Use {layer}{dims - 1}d for (N, C, {'L' if dims == 2 else 'H, W'})."
        if layer and dims > 1
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
    """A flatten or a view that makes samples out of a sample's cells, for good.

    Heads, windows or frames that are folded into the batch are unfolded later: then a call after
    this one has the batch as its first axis again. A loss takes all numbers alike.
    """
    before = graph.source(call)
    if before is None or not before.axes.startswith("N ") or not call.output_shapes:
        return
    shape, out = call.input_shapes[0], call.output_shapes[0]
    if shape[0] != graph.batch or not out or out[0] == shape[0] or _keeps_features(shape, out):
        return
    if not any(_has_batch(graph.calls[at], graph.batch) for at in graph.after(call)):
        yield finding(
            "flatten-merges-batch",
            call,
            f"{call.code} turns {shape} into {out}: the batch of {shape[0]} is no longer the "
            "first axis.",
            "Keep it: x.flatten(1).",
        )


def _keeps_features(shape: tuple[int, ...], out: tuple[int, ...]) -> bool:
    return len(shape) < 2 or (len(out) > 1 and out[-1] == shape[-1])


def _has_batch(call: Call, batch: int) -> bool:
    """Whether the samples are apart again, or all numbers are in one."""
    return any(not s or (s[0] == batch and s != (1,)) for s in call.output_shapes)


def broadcast_to_matrix(call: Call, graph: Graph) -> Iterator[Finding]:
    """(N, 1) against (N,), which meets every sample with every other one."""
    samples = graph.batch
    vector, column, matrix = (samples,), (samples, 1), (samples, samples)
    if samples < 2 or set(call.input_shapes) != {vector, column} or len(call.input_shapes) != 2:
        return
    if call.output_shapes != (matrix,) and not (call.family == "loss" and call.output_shapes):
        return
    if CONSTANT in call.sources or _meant(call, graph, vector, column):
        return
    yield finding(
        "broadcast-to-matrix",
        call,
        f"{call.code} of {call.input_shapes[0]} and {call.input_shapes[1]} broadcasts to {matrix}: "
        "each sample meets every other one.",
        "Give both one shape: squeeze(1) the column, or unsqueeze(1) the vector.",
    )


def _meant(call: Call, graph: Graph, vector: tuple[int, ...], column: tuple[int, ...]) -> bool:
    """Whether a column was made of a vector for it, or the matrix meets another one."""
    at = call.sources[call.input_shapes.index(column)]
    made = at >= 0 and vector in graph.calls[at].input_shapes
    readers = graph.readers.get(call.index, [])
    others = [
        s
        for r in readers
        for s, of in zip(r.input_shapes, r.sources, strict=True)
        if of != call.index
    ]
    return made or any(len(shape) == 2 and shape != column for shape in others)
