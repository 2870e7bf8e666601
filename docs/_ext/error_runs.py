"""Runs the catalogue's examples: what each raises, what it is diagnosed as, what its fixes give."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy
import torch
from torch import nn

from convdocs.errors.diagnosis import diagnose, of_exception
from convdocs.errors.entry import Entry
from convdocs.errors.failure import module_calls
from convdocs.report import Diagnosis

Scope = dict[str, Any]


@dataclass(frozen=True)
class FixRun:
    """A fix, the lines that try it, and what the last of them shows."""

    text: str
    code: str
    shown: str


@dataclass(frozen=True)
class ErrorRun:
    """An example that failed."""

    raised: str
    message: str
    found: Diagnosis


def scope() -> Scope:
    """The names that every example may use."""
    return {"torch": torch, "nn": nn, "numpy": numpy}


def parts(example: str) -> tuple[str, str]:
    """The lines before the call that fails, and that call."""
    lines, last = example.split("\n"), ast.parse(example).body[-1]
    return "\n".join(lines[: last.lineno - 1]), "\n".join(lines[last.lineno - 1 :])


def failing(call: Callable[[], Any]) -> ErrorRun:
    """Run what must fail, as a user of ``explaining`` or ``diagnose`` would."""
    try:
        call()
    except Exception as error:
        found = of_exception(error) if module_calls(error) else diagnose(call)
        assert found is not None
        return ErrorRun(type(error).__name__, str(error), found)
    raise AssertionError("the example runs")


def run_example(entry: Entry) -> ErrorRun:
    """The entry's own example."""
    setup, call = parts(entry.example)
    names = scope()
    exec(setup, names)
    return failing(lambda: exec(call, names))


def run_call(call: str) -> ErrorRun:
    """Another call, in one line."""
    return failing(lambda: eval(call, scope()))


def run_fixes(entry: Entry, found: Diagnosis) -> list[FixRun]:
    """Try each fix on the example: its code, then the call that failed before."""
    return [_run_fix(entry.example, fix.text, fix.code) for fix in found.fixes]


def _run_fix(example: str, text: str, code: str) -> FixRun:
    if code.startswith("#"):  # advice, which no line of code can give
        return FixRun(text, code, "")
    setup, call = parts(example)
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
