"""A diagnosis in parts, and as the note that an exception carries."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata
from typing import TYPE_CHECKING

from convdocs.view.tables import CodeBlock, Paragraph, Part

if TYPE_CHECKING:
    from convdocs.report import Diagnosis

_UNKNOWN = "convdocs does not know this error; the words above are the exception's own."


def parts(diagnosis: Diagnosis) -> list[Part]:
    """What happened, torch's words, the cause and the fixes."""
    found: list[Part] = [
        Paragraph(_heading(diagnosis), lead="Error:"),
        Paragraph(diagnosis.message, lead=f"{diagnosis.error or 'It'} says:"),
        Paragraph(diagnosis.cause or _UNKNOWN, lead="Cause:"),
    ]
    for fix in diagnosis.fixes:
        lead = "Fix (verified):" if fix.verified else "Fix (not verified in the whole model):"
        found += [Paragraph(fix.text, lead=lead), CodeBlock(fix.code)]
    if diagnosis.url:
        found.append(Paragraph(_more(diagnosis), lead="More:"))
    return found


def note(diagnosis: Diagnosis) -> str:
    """The diagnosis below an exception's own message: cause, first fix, address."""
    heading = f"convdocs: {_heading(diagnosis)}"
    if not diagnosis.cause:
        return f"{heading}\n  This error is not in its catalogue."
    lines = [heading, f"  {diagnosis.cause}"]
    for fix in diagnosis.fixes[:1]:
        lines += [f"  {fix.text}", *(f"      {line}" for line in fix.code.split("\n"))]
    return "\n".join([*lines, f"  More: {_more(diagnosis)}"])


def _heading(diagnosis: Diagnosis) -> str:
    where = diagnosis.call.code if diagnosis.call else ""
    named = f"{diagnosis.path} ({where})" if diagnosis.path and where else diagnosis.path or where
    return f"{diagnosis.code} in {named}" if named else diagnosis.code


def _more(diagnosis: Diagnosis) -> str:
    """Where the error is explained: offline, and on the site where it has an address."""
    site = _address()
    return f"convdocs errors {diagnosis.code}" + (f" or {site}{diagnosis.url}" if site else "")


@cache
def _address() -> str:
    """The address of the documentation that this version was published with, or nothing."""
    try:
        urls = metadata("convdocs").get_all("Project-URL") or ()
    except PackageNotFoundError:
        return ""
    address = dict(url.split(", ", 1) for url in urls).get("Documentation", "")
    return f"{address.rstrip('/')}/" if address else ""
