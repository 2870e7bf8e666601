"""A diagnosis in parts, and as the note that an exception carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convdocs.view.tables import CodeBlock, Paragraph, Part

if TYPE_CHECKING:
    from convdocs.report import Diagnosis

_UNKNOWN = "convdocs does not know this error; the words above are torch's."


def parts(diagnosis: Diagnosis) -> list[Part]:
    """What happened, torch's words, the cause and the fixes."""
    found: list[Part] = [
        Paragraph(_heading(diagnosis), lead="Error:"),
        Paragraph(diagnosis.message, lead="torch says:"),
        Paragraph(diagnosis.cause or _UNKNOWN, lead="Cause:"),
    ]
    for fix in diagnosis.fixes:
        lead = "Fix (verified):" if fix.verified else "Fix (not verified in the whole model):"
        found += [Paragraph(fix.text, lead=lead), CodeBlock(fix.code)]
    if diagnosis.url:
        found.append(Paragraph(diagnosis.url, lead="More:"))
    return found


def note(diagnosis: Diagnosis) -> str:
    """The diagnosis below an exception's own message: cause, first fix, address."""
    lines = [f"convdocs: {_heading(diagnosis)}"]
    if not diagnosis.cause:
        return f"{lines[0]}\n  This error is not in its catalogue."
    lines.append(f"  {diagnosis.cause}")
    for fix in diagnosis.fixes[:1]:
        lines.append(f"  {fix.text}")
        lines += [f"      {line}" for line in fix.code.split("\n")]
    return "\n".join([*lines, f"  {diagnosis.url}"])


def _heading(diagnosis: Diagnosis) -> str:
    where = diagnosis.call.code if diagnosis.call else ""
    named = f"{diagnosis.path} ({where})" if diagnosis.path and where else diagnosis.path or where
    return f"{diagnosis.code} in {named}" if named else diagnosis.code
