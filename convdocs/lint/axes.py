"""Axes taken for others: a batch for channels, channels for a spatial axis, cells for samples."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convdocs.layers import FAMILIES
from convdocs.lint.graph import POOLS, Graph
from convdocs.report import CONSTANT, Call


def batch_as_channels(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
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
    if misread:
        read = ", ".join(f"{n}={s}" for n, s in zip(call.axes.split(), shape, strict=True))
        suited = (call.family, dims - 1)
        layer = next((cls.__name__ for cls, known in FAMILIES.items() if known == suited), None)
        axes = "L" if dims == 2 else "H, W"
        yield (
            f"{call.code} reads {shape} as one sample ({read}), so the batch of {shape[0]} is "
            "taken for channels.",
            f"Use {layer} for (N, C, {axes})."
            if layer
            else "Give the input its batch axis: x.unsqueeze(0).",
        )


def channels_last(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
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
        batch = (0,) * (len(shape) - dims - 1)
        order = (*batch, len(shape) - 1, *range(len(batch), len(shape) - 1))
        yield (
            f"{call.code} reads {shape} with {shape[-dims - 1]} channels; the channels "
            f"seem to be the last axis, {shape[-1]} of them.",
            f"Put them first: x.permute{order}.",
        )


def flatten_merges_batch(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """A flatten or a view after which the samples have no rows of their own, for good.

    Heads, windows or frames that are folded into the batch are unfolded later: then a call after
    this one has the batch as its first axis again. A loss takes all numbers alike.
    """
    before, samples = graph.source(call), graph.batch
    names = before.axes.split() if before is not None else []
    if "N" not in names or not call.output_shapes or not call.output_shapes[0]:
        return
    shape, out, at = call.input_shapes[0], call.output_shapes[0], names.index("N")
    changes = f"{call.code} turns {shape} into {out}: the batch"
    features = len(shape) < 2 or (len(out) > 1 and out[-1] == shape[-1])
    if shape[at] != samples:
        return
    if at and out[0] == samples > 1 and prod(shape[:at]) > 1:
        yield (
            f"{changes} is axis {at}, so that each row has numbers of several samples.",
            f"Move the batch first: x.transpose(0, {at}).",
        )
    elif not at and out[0] != samples and not features and not graph.unfolds(call):
        yield f"{changes} of {samples} is no longer the first axis.", "Keep it: x.flatten(1)."


def broadcast_to_matrix(call: Call, graph: Graph) -> Iterator[tuple[str, str]]:
    """(N, 1) against (N,), which meets every sample with every other one."""
    if graph.batch < 2 or CONSTANT in call.sources:
        return
    vector, column = (graph.batch,), (graph.batch, 1)
    matrix = vector * 2
    squares = call.output_shapes == (matrix,) or (call.family == "loss" and call.output_shapes)
    if {*call.input_shapes} == {vector, column} and squares and not _meant(call, graph):
        yield (
            f"{call.code} of {call.input_shapes[0]} and {call.input_shapes[1]} broadcasts to "
            f"{matrix}: each sample meets every other one.",
            "Give both one shape: squeeze(1) the column, or unsqueeze(1) the vector.",
        )


def _meant(call: Call, graph: Graph) -> bool:
    """Whether a column was made of a vector for it, or the matrix meets another one."""
    made = [graph.calls[source].input_shapes for source in call.sources if source >= 0]
    read = [
        pair
        for r in graph.readers[call.index]
        for pair in zip(r.sources, r.input_shapes, strict=True)
    ]
    others = [shape for source, shape in read if source != call.index]
    column = any((graph.batch,) in shapes for shapes in made)
    return column or any(len(shape) == 2 and shape[1] > 1 for shape in others)
