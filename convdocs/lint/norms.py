"""Normalisations that undo a bias, or that leave nothing of what they normalise."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convdocs.lint.graph import Graph, finding
from convdocs.report import Call, Finding, Shape


def bias_before_norm(call: Call, graph: Graph) -> Iterator[Finding]:
    """A bias that batch norm subtracts again."""
    bias = dict(call.parameters).get("bias")
    readers = graph.readers.get(call.index, [])
    if bias is None or not readers or not all(_is_batch_norm(one) for one in readers):
        return
    yield finding(
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


def one_value(call: Call, graph: Graph) -> Iterator[Finding]:
    """A normalisation over a single value, which is always the mean of itself."""
    shape = call.input_shapes[0]
    values = _normalised(call, shape)
    if values != 1:
        return
    yield finding(
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
