"""Tries the fixes of the catalogue's examples, for the error pages."""

from __future__ import annotations

from dataclasses import dataclass

from convdocs.errors.entry import Entry
from convdocs.errors.examples import ErrorRun, failing, parts_of, run_example, scope
from convdocs.report import Diagnosis

__all__ = ["ErrorRun", "FixRun", "run_call", "run_example", "run_fixes"]


@dataclass(frozen=True)
class FixRun:
    """A fix, the lines that try it, and what the last of them shows."""

    text: str
    code: str
    shown: str


def run_call(call: str) -> ErrorRun:
    """Another call, in one line."""
    return failing(lambda: eval(call, scope()))


def run_fixes(entry: Entry, found: Diagnosis) -> list[FixRun]:
    """Try each fix on the example: its code, then the call that failed before."""
    return [_run_fix(entry.example, fix.text, fix.code) for fix in found.fixes]


def _run_fix(example: str, text: str, code: str) -> FixRun:
    if code.startswith("#"):  # advice, which no line of code can give
        return FixRun(text, code, "")
    setup, call = parts_of(example)
    names = scope()
    exec(setup, names)
    exec(code, names)
    last = code.split("\n")[-1]
    if call.startswith("layer ="):
        return FixRun(text, f"{code}\nlayer", repr(names["layer"]))
    if last.startswith("y ="):
        return FixRun(text, f"{code}\ny.shape", repr(names["y"].shape))
    if call.startswith("y ="):
        exec(call, names)
        return FixRun(text, f"{code}\n{call}\ny.shape", repr(names["y"].shape))
    if call.rstrip(")") in code:  # the fix makes the call itself
        return FixRun(text, code, repr(eval(last, names)))
    return FixRun(text, f"{code}\n{call}.shape", repr(eval(call, names).shape))
