"""Parts in Markdown; the one place where text is escaped for it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from convdocs.view.tables import CodeBlock, Paragraph, Part, Table


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, also in a table's cell."""
    one_line = text.replace("\n", " ")
    safe = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", safe)


def markdown_code(text: str) -> str:
    """Text as an inline code span, with a fence longer than any run of backticks in it."""
    one_line = text.replace("\n", " ").replace("|", "\\|")
    longest = max(map(len, re.findall("`+", one_line)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{one_line}{pad}{fence}" if one_line else ""


def to_markdown(parts: Iterable[Part]) -> str:
    """The parts as Markdown with pipe tables, one blank line between them."""
    return "\n\n".join(map(_part, parts))


def _part(part: Part) -> str:
    match part:
        case Table():
            return _table(part)
        case Paragraph(text, lead):
            return (f"**{escape_markdown(lead)}** " if lead else "") + escape_markdown(text)
        case CodeBlock(text):
            return "\n".join(f"    {line}" for line in text.split("\n"))


def _table(table: Table) -> str:
    columns = table.columns
    write = [markdown_code if column.code else escape_markdown for column in columns]
    lines = [
        [escape_markdown(column.title) for column in columns],
        ["---:" if column.align == "right" else ":---" for column in columns],
        *([form(cell) for form, cell in zip(write, row, strict=True)] for row in table.rows),
    ]
    if table.totals:
        lines.append([f"**{escape_markdown(cell)}**" if cell else "" for cell in table.totals])
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{escape_markdown(table.caption)}\n\n{rows}" if table.caption else rows
