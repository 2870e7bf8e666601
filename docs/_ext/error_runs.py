"""Tries the fixes of the catalogue's examples, for the error pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convdocs.errors.catalogue import Entry
from convdocs.errors.examples import SCOPE, failing, parts_of
from convdocs.report import Diagnosis, Fix


@dataclass(frozen=True)
class FixRun:
    """A fix, the lines that try it, and what the last of them shows."""

    text: str
    code: str
    shown: str


def run_call(call: str) -> tuple[Exception, Diagnosis]:
    """Another call, in one line."""
    return failing(lambda: eval(call, dict(SCOPE)))


def run_mended(entry: Entry) -> FixRun:
    """The example as it should be, and what its last line gives."""
    setup, last = parts_of(entry.mended)
    names: dict[str, Any] = dict(SCOPE)
    exec(setup, names)
    return FixRun("The example as it should be:", entry.mended, repr(eval(last, names)))


def run_fix(entry: Entry, fix: Fix) -> FixRun:
    """Try a fix on the example: its code, then the call that failed before."""
    if fix.code.startswith("#"):  # advice, which no line of code can give
        return FixRun(fix.text, fix.code, "")
    setup, call = parts_of(entry.example)
    names: dict[str, Any] = dict(SCOPE)
    exec(setup, names)
    exec(fix.code, names)
    last = fix.code.split("\n")[-1]
    if call.startswith("layer ="):
        lines = [fix.code, "layer"]
    elif last.startswith("y ="):
        lines = [fix.code, "y.shape"]
    elif call.startswith("y ="):
        exec(call, names)
        lines = [fix.code, call, "y.shape"]
    elif call.rstrip(")") in fix.code:  # the fix makes the call itself
        return FixRun(fix.text, fix.code, repr(eval(last, names)))
    else:
        lines = [fix.code, f"{call}.shape"]
    return FixRun(fix.text, "\n".join(lines), repr(eval(lines[-1], names)))
