"""The catalogue's examples run: what each raises, what it is diagnosed as, what may be done.

The site's pages and ``convdocs errors`` show the same, from here.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from convdocs.errors import catalogue
from convdocs.errors.diagnosis import diagnose, of_exception
from convdocs.errors.entry import Entry
from convdocs.errors.failure import module_calls
from convdocs.report import Diagnosis
from convdocs.view.shown import Sheet
from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table


@dataclass(frozen=True)
class ErrorRun:
    """An example that failed."""

    raised: str
    message: str
    found: Diagnosis


def scope() -> dict[str, Any]:
    """The names that every example may use."""
    names: dict[str, Any] = {"torch": torch, "nn": nn}
    with contextlib.suppress(ImportError):
        import numpy

        names["numpy"] = numpy
    return names


def parts_of(example: str) -> tuple[str, str]:
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
    setup, call = parts_of(entry.example)
    names = scope()
    exec(setup, names)
    return failing(lambda: exec(call, names))


def explained(entry: Entry) -> Sheet:
    """An entry as it stands on the site: the message, the cause, the example, its fixes."""
    run = run_example(entry)
    shown: list[Part] = [
        Paragraph(f"{entry.title} ({entry.code})"),
        CodeBlock(f"{run.raised}: {run.message}"),
        Paragraph(run.found.cause, lead="Cause:"),
        Paragraph("", lead="Example:"),
        CodeBlock(entry.example),
    ]
    for fix in run.found.fixes:
        shown += [Paragraph(fix.text, lead="Fix:"), CodeBlock(fix.code)]
    return Sheet(*shown)


def listed() -> Sheet:
    """All entries by what went wrong."""
    columns = (Column("code", code=True), Column("what went wrong"))
    return Sheet(
        *(
            Table(columns, tuple((e.code, e.title) for e in family.entries), family.mistake)
            for family in catalogue.families()
        )
    )


# What is pasted as an error, and is none of shapes: where to look instead.
ELSEWHERE = (
    (
        r"(?i)out of memory|can't allocate memory",
        "This is no shape error: the model, its activations and its gradients do not fit. "
        "convdocs memory counts what a training step keeps, and for which batch.",
        "howto/will_it_fit",
    ),
    (
        r"(?i)device-side assert",
        "A kernel on the GPU refused a value, mostly a label or an index that is none. Run on the "
        "CPU, which says which one.",
        "errors/losses",
    ),
)


# what a traceback writes before a message
WHOSE = re.compile(r"^[\w.]+(?:Error|Exception): ", re.M)


def matching(message: str) -> list[Entry]:
    """The entries that know a message, those that ask nothing more of the failure in front.

    Examples
    --------
    >>> said = "mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5)"
    >>> [entry.code for entry in matching(said)]
    ['features-mismatch']
    """
    said = WHOSE.sub("", message)
    known = [entry for entry in catalogue.entries() if words_of(entry) and _specific(entry, said)]
    # a message that names its layer's kind is not for entries of another
    return sorted(known, key=lambda entry: -_specific(entry, said))


def words_of(entry: Entry) -> tuple[str, ...]:
    """The patterns of torch's words that are the entry's own."""
    return () if entry.code == "own-check" else entry.patterns  # which takes whatever is said


def _specific(entry: Entry, said: str) -> int:
    """How much of a message an entry's patterns know."""
    found = (re.search(pattern, said, re.M) for pattern in words_of(entry))
    return max((len(one[0]) for one in found if one), default=0)
