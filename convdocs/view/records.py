"""A diagnosis and a count of memory in parts, and a diagnosis as the note of an exception."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING

from convdocs.view.numbers import byte_size, share
from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

if TYPE_CHECKING:
    from convdocs.report import Diagnosis, Memory

MOST_CALLS = 10
_UNKNOWN = "convdocs does not know this error; the words above are the exception's own."
_NOT_COUNTED = (
    "what kernels work in while they run, what the allocator rounds up and keeps, the loss, and "
    "what a GPU's driver takes. Attention and recurrent layers that a device runs in one piece "
    "save less, or more."
)


def diagnosis(record: Diagnosis) -> list[Part]:
    """What happened, torch's words, the cause and the fixes."""
    shown: list[Part] = [
        Paragraph(_heading(record), lead="Error:"),
        Paragraph(record.message or "nothing", lead=f"{record.error or 'It'} says:"),
        Paragraph(record.cause or _UNKNOWN, lead="Cause:"),
    ]
    for fix in record.fixes:
        lead = "Fix (verified):" if fix.verified else "Fix (not verified in the whole model):"
        shown += [Paragraph(fix.text, lead=lead), CodeBlock(fix.code)]
    return [*shown, *([Paragraph(_more(record), lead="More:")] if record.url else [])]


def note(record: Diagnosis) -> str:
    """The diagnosis below an exception's own message: cause, first fix, address.

    Examples
    --------
    >>> from torch import nn
    >>> from convdocs import diagnose
    >>> print(diagnose(nn.Conv1d(3, 2, 3), (2, 4, 5)).note())
    convdocs: channels-mismatch in Conv1d(3, 2, 3)
      The input (2, 4, 5) has C=4; Conv1d(3, 2, 3) expects C=3.
      Build the layer for C=4.
          layer = nn.Conv1d(4, 2, 3)
      More: convdocs errors channels-mismatch...
    """
    lines = [record.cause or "This error is not in its catalogue."]
    for fix in record.fixes[:1] if record.cause else ():
        lines += [fix.text, *(f"    {line}" for line in fix.code.split("\n"))]
    lines += [f"More: {_more(record)}"] if record.cause else []
    return "\n  ".join([f"convdocs: {_heading(record)}", *lines])


def _heading(record: Diagnosis) -> str:
    where = record.call.code if record.call else ""
    named = f"{record.path} ({where})" if record.path and where else record.path or where
    return f"{record.code} in {named}" if named else record.code


def _more(record: Diagnosis) -> str:
    """Where the error is explained: offline, and on the site where it has an address."""
    site = _address()
    return f"convdocs errors {record.code}" + (f" or {site}{record.url}" if site else "")


@cache
def _address() -> str:
    """The address of the documentation that this version was published with, or nothing."""
    try:
        urls = metadata("convdocs").get_all("Project-URL") or ()
    except PackageNotFoundError:
        return ""
    address = dict(url.split(", ", 1) for url in urls).get("Documentation", "")
    return f"{address.rstrip('/')}/" if address else ""


def memory(record: Memory) -> list[Part]:
    """The bytes by purpose, the calls that save the most, and what is not counted."""
    sizes = {
        "parameters": record.parameters,
        "buffers": record.buffers,
        "gradients": record.gradients,
        f"state of {record.optimizer_name}": record.optimizer,
        "saved for the backward pass": record.saved,
        "inputs": record.inputs,
    }
    rows = tuple((name, byte_size(size), f"{size:,}") for name, size in sizes.items() if size)
    total = ("held at once, at least", byte_size(record.peak), f"{record.peak:,}")
    caption = f"Memory of a training step of {record.model} with a batch of {record.batch:,}"
    shown = [Table((Column("what"), *_right("memory", "bytes")), rows, caption, total)]
    calls = record.trace.calls if record.trace else ()
    pairs = sorted(zip(calls, record.saved_by_call, strict=False), key=lambda pair: -pair[1])
    if most := tuple(
        (call.path, call.code, byte_size(size), share(size, record.saved))
        for call, size in pairs[:MOST_CALLS]
        if size
    ):
        names = Column("path", code=True, least=10), Column("layer", code=True, least=12)
        heads = (*names, *_right("saved", "share"))
        shown.append(Table(heads, most, "The calls that save the most"))
    return [*shown, Paragraph(_NOT_COUNTED, lead="Not counted:")]


def _right(*titles: str) -> list[Column]:
    return [Column(title, "right") for title in titles]
