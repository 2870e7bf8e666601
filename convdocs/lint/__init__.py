"""The silent mistakes that a trace shows: pure rules, from a Trace to Findings.

A rule speaks only where the trace proves it, or, for the one that says "by the look of it", where
no sensible network looks so. None of them reads the model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from convdocs.lint.axes import batch_as_channels, broadcast_to_matrix, channels_last, merged_batch
from convdocs.lint.borders import kernel_over_input, one_sided_padding, unread_cells
from convdocs.lint.field import field_exceeds_input
from convdocs.lint.graph import Graph
from convdocs.lint.parameters import bias_before_norm, one_value, unregistered
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
        if call.input_shapes:  # a call that failed for want of a tensor has none
            for rule in _rules(call):
                found += rule(call, graph)
    found += field_exceeds_input(graph)
    return tuple(sorted(_gathered(found), key=lambda finding: finding.index))


def _rules(call: Call) -> tuple[Rule, ...]:
    if call.windows and call.output_shapes:
        return _WINDOW_RULES
    return _FAMILY_RULES.get(call.family, _OTHER_RULES)


_WINDOW_RULES: tuple[Rule, ...] = (
    batch_as_channels,
    channels_last,
    bias_before_norm,
    unread_cells,
    kernel_over_input,
    one_sided_padding,
    unregistered,
)
_OTHER_RULES: tuple[Rule, ...] = (broadcast_to_matrix, unregistered)
_FAMILY_RULES: dict[str, tuple[Rule, ...]] = {
    "reshape": (merged_batch,),
    "linear": (bias_before_norm, unregistered),
    **{f"{kind} norm": (one_value,) for kind in ("batch", "instance", "group", "layer", "rms")},
}


def _gathered(found: list[Finding]) -> list[Finding]:
    """What has the same remedy in several places is said once, of the first of them."""
    alike: dict[tuple[str, str], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding.code, finding.fix), []).append(finding)
    return [_together(group) if len(group) > 1 else group[0] for group in alike.values()]


def _together(group: list[Finding]) -> Finding:
    first, more = group[0], len(group) - 1
    sentence = f"{first.sentence} So it is in {more} more call{'s' if more > 1 else ''}."
    return replace(first, sentence=sentence, places=tuple(finding.index for finding in group))
