"""The silent mistakes that a trace shows: pure rules, from a Trace to Findings.

A rule speaks only where the trace proves it, or, for the one that says "by the look of it", where
no sensible network looks so. None of them reads the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from convdocs.lint.axes import batch_as_channels, channels_last, merged_batch
from convdocs.lint.borders import kernel_over_input, one_sided_padding, unread_cells
from convdocs.lint.field import field_exceeds_input
from convdocs.lint.graph import Graph
from convdocs.lint.norms import bias_before_norm, one_value
from convdocs.report import Call, Finding, Trace

Rule = Callable[[Call, Graph], Iterator[Finding]]


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
    graph = Graph(trace)
    found: list[Finding] = []
    for call in trace.calls:
        rules = _OTHER_RULES.get(call.kind, ())
        if call.windows and call.output_shapes:
            rules = _WINDOW_RULES
        if not call.input_shapes:  # a call that failed for want of a tensor
            rules = ()
        for rule in rules:
            found += rule(call, graph)
    found += field_exceeds_input(trace, graph)
    return tuple(sorted(found, key=lambda one: one.index))


_WINDOW_RULES: tuple[Rule, ...] = (
    batch_as_channels,
    channels_last,
    bias_before_norm,
    unread_cells,
    kernel_over_input,
    one_sided_padding,
)
_RESHAPES = ("Flatten", "flatten", "view", "reshape", "ravel", "Unflatten")
_NORMS = (
    "BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "GroupNorm", "group_norm", "LayerNorm", "RMSNorm",
)  # fmt: skip
_OTHER_RULES: dict[str, tuple[Rule, ...]] = {
    **dict.fromkeys(_RESHAPES, (merged_batch,)),
    **dict.fromkeys(_NORMS, (one_value,)),
    "Linear": (bias_before_norm,),
}
