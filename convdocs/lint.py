"""The silent mistakes that a trace shows: pure rules, from a Trace to Findings."""

from __future__ import annotations

from convdocs.report import Finding, Trace


def findings(trace: Trace) -> tuple[Finding, ...]:
    """All findings, in the order of the calls they are about."""
    return ()
