"""The silent mistakes that a trace shows: pure rules, from a Trace to Findings.

A rule is named like its finding. It is asked of one call and yields what happens and what to do
about it, only where the trace proves it or, for the one that says "seem", where no
sensible network looks so. None of them reads the model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from convdocs.lint import axes, parameters, windows
from convdocs.lint.graph import NORMS, Graph
from convdocs.report import Call, Finding, Trace

Rule = Callable[[Call, Graph], Iterator[tuple[str, str]]]

_LAYER_RULES: tuple[Rule, ...] = (
    axes.batch_as_channels,
    axes.channels_last,
    parameters.bias_before_norm,
    windows.field_exceeds_input,
)
_BORDER_RULES: tuple[Rule, ...] = (
    windows.unread_cells,
    windows.dropped_border,
    windows.kernel_over_input,
    windows.one_sided_padding,
)
_PAIR_RULES: tuple[Rule, ...] = (axes.broadcast_to_matrix,)
_PARAMETER_RULES: tuple[Rule, ...] = (parameters.unregistered_parameters,)
_RULES: dict[str, tuple[Rule, ...]] = {
    "reshape": (axes.flatten_merges_batch,),
    "linear": (parameters.bias_before_norm,),
    **dict.fromkeys(NORMS, (parameters.one_value_norm,)),
}


def findings(trace: Trace) -> tuple[Finding, ...]:
    """All findings, in order of the calls; what has one remedy in several places is said once."""
    graph = Graph(trace)
    alike: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for call in trace.calls:
        for rule in _rules(call):
            for sentence, fix in rule(call, graph):
                code = rule.__name__.replace("_", "-")
                alike[code, fix].append(Finding(code, call.path, call.index, sentence, fix))
    return tuple(sorted(map(_together, alike.values()), key=lambda finding: finding.index))


def _rules(call: Call) -> tuple[Rule, ...]:
    if not call.input_shapes:  # it failed for want of a tensor
        return ()
    if call.windows and call.output_shapes:
        rules = _LAYER_RULES if windows.plain(call) else _LAYER_RULES + _BORDER_RULES
    else:
        rules = _RULES.get(call.family, _PAIR_RULES if len(call.input_shapes) == 2 else ())
    return rules + _PARAMETER_RULES if call.unregistered else rules


def _together(group: list[Finding]) -> Finding:
    first, more = group[0], len(group) - 1
    if not more:
        return first
    words = f"{first.sentence} So it is in {more} more call{'s' if more > 1 else ''}."
    return replace(first, sentence=words, places=tuple(finding.index for finding in group))
