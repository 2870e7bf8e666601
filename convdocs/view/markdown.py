"""Parts in Markdown; the one place where text is escaped for it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from convdocs.view.tables import CodeBlock, Paragraph, Part, Table


def escape_markdown(text: str) -> str:
    r"""Text that Markdown shows as it is, also in a table's cell."""
    one_line = " ".join(text.split("\n"))
    safe = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", safe)


def markdown_code(text: str) -> str:
    r"""Text as an inline code span, with a fence longer than any run of backticks in it."""
    one_line = " ".join(text.split("\n")).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", one_line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{one_line}{pad}{fence}" if one_line else ""


def to_markdown(parts: Iterable[Part]) -> str:
    """The parts as Markdown with pipe tables, one blank line between them."""
    blocks = []
    for part in parts:
        match part:
            case Table():
                blocks.append(_markdown_table(part))
            case Paragraph():
                lead = f"**{escape_markdown(part.lead)}** " if part.lead else ""
                blocks.append(lead + escape_markdown(part.text))
            case CodeBlock():
                blocks.append("\n".join(f"    {line}" for line in part.text.split("\n")))
    return "\n\n".join(blocks)


def _markdown_table(table: Table) -> str:
    heads = [escape_markdown(column.title) for column in table.columns]
    sides = ["---:" if column.align == "right" else ":---" for column in table.columns]
    lines = [heads, sides]
    for row in table.rows:
        pairs = zip(row, table.columns, strict=True)
        lines.append(
            [markdown_code(c) if column.code else escape_markdown(c) for c, column in pairs]
        )
    if table.totals:
        lines.append([f"**{escape_markdown(cell)}**" if cell else "" for cell in table.totals])
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{escape_markdown(table.caption)}\n\n{rows}" if table.caption else rows
