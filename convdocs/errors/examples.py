"""The catalogue's examples run: what each raises, what it is diagnosed as, what may be done.

The site's pages and ``convdocs errors`` show the same, from here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import nn

from convdocs.errors import catalogue
from convdocs.errors.catalogue import Entry
from convdocs.errors.diagnosis import diagnose, of_exception
from convdocs.errors.failure import module_calls
from convdocs.report import Diagnosis
from convdocs.view.shown import Sheet
from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

SCOPE = {"torch": torch, "nn": nn, "numpy": numpy}  # the names that every example may use
_HEADING = re.compile(r"^[\w.]+(?:Error|Exception): ", re.M)  # what stands before a pasted message


def parts_of(example: str) -> tuple[str, str]:
    """The lines before the call that fails, and that call."""
    lines, last = example.split("\n"), ast.parse(example).body[-1].lineno - 1
    return "\n".join(lines[:last]), "\n".join(lines[last:])


def failing(call: Callable[[], Any]) -> tuple[Exception, Diagnosis]:
    """Run what must fail, as a user of ``explaining`` or ``diagnose`` would."""
    try:
        call()
    except Exception as error:
        found = of_exception(error) if module_calls(error) else diagnose(call)
        assert found is not None
        return error, found
    raise AssertionError("the example runs")


def run_example(entry: Entry) -> tuple[Exception, Diagnosis]:
    """The entry's own example."""
    setup, call = parts_of(entry.example)
    names: dict[str, Any] = dict(SCOPE)
    exec(setup, names)
    return failing(lambda: exec(call, names))


def explained(entry: Entry) -> Sheet:
    """An entry as on the site: the message, the cause, the example, its fixes."""
    _, found = run_example(entry)
    _, *told, _ = found.parts()  # without its name and its place
    example = (Paragraph("", lead="Example:"), CodeBlock(entry.example))
    mended: list[Part] = [Paragraph("", lead="As it should be:"), CodeBlock(entry.mended)]
    title = Paragraph(f"{entry.title} ({entry.code})")
    return Sheet(title, *example, *told, *mended * bool(entry.mended))


def listed() -> Sheet:
    """All entries by what went wrong."""
    columns = (Column("code", code=True), Column("what went wrong"))
    tables = (
        Table(columns, tuple((entry.code, entry.title) for entry in family.entries), family.mistake)
        for family in catalogue.families()
    )
    return Sheet(*tables)


def matching(message: str) -> list[Entry]:
    """The entries that know a message, those that know the most of it in front."""
    words = _HEADING.sub("", message)
    known = {}
    for entry in catalogue.entries():
        found = (re.search(pattern, words, re.M) for pattern in entry.patterns)
        known[entry] = max((len(one[0]) for one in found if one), default=0)
    # a message that names its layer's kind is not for entries of another
    return sorted((entry for entry in known if known[entry]), key=lambda entry: -known[entry])
