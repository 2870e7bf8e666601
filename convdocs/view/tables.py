"""Tables and paragraphs as plain text, HTML or Markdown; the one place where text is escaped.

A view builds a list of parts (:class:`Table`, :class:`Paragraph`, :class:`CodeBlock`) from plain
data, unescaped, and hands it to :func:`to_text`, :func:`to_html` or :func:`to_markdown`.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

Align = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, which side its cells lean to, and whether they are code.

    Examples
    --------
    >>> Column("params", align="right").align
    'right'
    """

    title: str
    align: Align = "left"
    code: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under columns, with a caption and, if wanted, a row of totals.

    Parameters
    ----------
    columns : tuple of Column
        One per cell of a row.
    rows : tuple of tuple of str
        The cells as plain text; nothing in them is markup.
    caption : str
        What the table shows; also its name for screen readers.
    totals : tuple of str
        A last row set apart from the others, or empty.
    marked : frozenset of int
        Rows that stand out (the failing layer, the cell in question).
    muted : frozenset of int
        Rows that stand back (padding), hatched on a page.

    Examples
    --------
    >>> table = Table((Column("layer"), Column("params", "right")), (("Conv1d", "32"),), "A net")
    >>> print(to_text([table]))
    A net
    layer   params
    ──────  ──────
    Conv1d      32
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str
    totals: tuple[str, ...] = ()
    marked: frozenset[int] = field(default_factory=frozenset)
    muted: frozenset[int] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of running text, with an optional bold lead-in.

    Examples
    --------
    >>> print(to_markdown([Paragraph("5 of 7 cells are read.", lead="Note")]))
    **Note** 5 of 7 cells are read.
    """

    text: str
    lead: str = ""


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """Lines of code to paste.

    Examples
    --------
    >>> print(to_text([CodeBlock("x = x.flatten(1)")]))
        x = x.flatten(1)
    """

    text: str


Part = Table | Paragraph | CodeBlock


def escape_html(text: str) -> str:
    """Text that is safe between HTML tags and in a quoted attribute.

    Examples
    --------
    >>> escape_html('<b> & "c"')
    '&lt;b&gt; &amp; &quot;c&quot;'
    """
    return html.escape(text)


def escape_markdown(text: str) -> str:
    r"""Text that Markdown shows as it is, also in a table's cell.

    Examples
    --------
    >>> print(escape_markdown("a*b | <c>"))
    a\*b \| &lt;c&gt;
    """
    one_line = " ".join(text.split("\n"))
    safe = one_line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]#|~$])", r"\\\1", safe)


def markdown_code(text: str) -> str:
    r"""Text as an inline code span, with a fence longer than any run of backticks in it.

    Examples
    --------
    >>> print(markdown_code("Conv1d(3, 2, 3)"))
    `Conv1d(3, 2, 3)`
    """
    one_line = " ".join(text.split("\n")).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", one_line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{one_line}{pad}{fence}" if one_line else ""


def text_width(text: str) -> int:
    """Terminal cells that ``text`` takes: wide characters take two, combining marks none.

    Examples
    --------
    >>> text_width("abc"), text_width("卷积")
    (3, 4)
    """
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def to_text(parts: Iterable[Part]) -> str:
    """The parts for a terminal, one blank line between them.

    Examples
    --------
    >>> print(to_text([Paragraph("done"), CodeBlock("x")]))
    done
    <BLANKLINE>
        x
    """
    blocks = []
    for part in parts:
        match part:
            case Table():
                blocks.append(_text_table(part))
            case Paragraph():
                blocks.append(f"{part.lead} {part.text}".strip())
            case CodeBlock():
                blocks.append("\n".join(f"    {line}" for line in part.text.split("\n")))
    return "\n".join(printable(line) for line in "\n\n".join(blocks).split("\n"))


def _text_table(table: Table) -> str:
    heads = tuple(column.title for column in table.columns)
    body = [heads, *table.rows, *([table.totals] if table.totals else [])]
    lines = [[printable(cell) for cell in row] for row in body]
    widths = [max(text_width(row[i]) for row in lines) for i in range(len(heads))]
    rule = "  ".join("─" * width for width in widths)
    marks = {row + 1 for row in table.marked}
    out = [
        _text_row(row, widths, table.columns) + ("  ◀" if number in marks else "")
        for number, row in enumerate(lines)
    ]
    out.insert(1, rule)
    if table.totals:
        out.insert(-1, rule)
    return "\n".join([table.caption, *out] if table.caption else out)


def _text_row(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> str:
    cells = []
    for cell, width, column in zip(row, widths, columns, strict=True):
        space = " " * (width - text_width(cell))
        cells.append(space + cell if column.align == "right" else cell + space)
    return "  ".join(cells).rstrip()


def printable(text: str) -> str:
    r"""Text on one line without control characters, which a terminal would obey.

    Examples
    --------
    >>> printable("a\x1b[31m")
    'a [31m'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def to_markdown(parts: Iterable[Part]) -> str:
    """The parts as Markdown with pipe tables, one blank line between them.

    Examples
    --------
    >>> table = Table((Column("layer", code=True), Column("n", "right")), (("Conv1d", "2"),), "")
    >>> print(to_markdown([table]))
    | layer | n |
    | :--- | ---: |
    | `Conv1d` | 2 |
    """
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


# The site's theme (furo) names its colours; a notebook has none, so each has a fallback that
# follows the reader's light or dark setting.
STYLE = """\
.convdocs{font-size:.875em;margin:1em 0}
.convdocs .scroll{overflow-x:auto}
.convdocs .scroll:focus-visible{outline:2px solid var(--color-brand-primary,#2757dd)}
.convdocs table{border-collapse:collapse;width:auto;margin:0;font-variant-numeric:tabular-nums}
.convdocs caption{text-align:left;font-weight:600;padding:0 0 .4em;caption-side:top}
.convdocs th,.convdocs td{padding:.25em .5em;text-align:left;vertical-align:top;\
white-space:nowrap;border:0;\
border-bottom:1px solid var(--color-background-border,rgba(128,128,128,.35))}
.convdocs th{font-weight:600}
.convdocs .right{text-align:right}
.convdocs td code{font:.95em var(--font-stack--monospace,ui-monospace,monospace);background:none;\
border:0;padding:0;white-space:nowrap}
.convdocs tfoot td{border-top:2px solid var(--color-foreground-border,rgba(128,128,128,.6));\
border-bottom:0;font-weight:600}
.convdocs tr.marked td{background:var(--color-api-background,rgba(192,64,0,.12));font-weight:600}
.convdocs tr.muted td{font-style:italic;\
background:repeating-linear-gradient(135deg,rgba(128,128,128,.16) 0 1px,transparent 1px 5px)}
.convdocs p{margin:.6em 0}
@media (max-width:40em){.convdocs th,.convdocs td{padding:.25em .4em}}
"""


def to_html(parts: Iterable[Part]) -> str:
    """The parts as one HTML fragment with its own style, for a notebook or a page.

    A table sits in a box that scrolls by itself, so that a phone's page does not; the box takes
    the keyboard's focus and bears the caption as its name.

    Examples
    --------
    >>> to_html([Paragraph("a < b")]).endswith("<p>a &lt; b</p></div>")
    True
    """
    blocks = []
    for part in parts:
        match part:
            case Table():
                blocks.append(_html_table(part))
            case Paragraph():
                lead = f"<strong>{escape_html(part.lead)}</strong> " if part.lead else ""
                blocks.append(f"<p>{lead}{escape_html(part.text)}</p>")
            case CodeBlock():
                blocks.append(f"<pre><code>{escape_html(part.text)}</code></pre>")
    return f'<div class="convdocs"><style>{STYLE}</style>{"".join(blocks)}</div>'


def _html_table(table: Table) -> str:
    label = escape_html(table.caption or "Table")
    head = "".join(_html_cell(c.title, c, 'th scope="col"') for c in table.columns)
    rows = []
    for number, row in enumerate(table.rows):
        looks = "marked" if number in table.marked else "muted" if number in table.muted else ""
        opening = f'<tr class="{looks}">' if looks else "<tr>"
        rows.append(f"{opening}{_html_cells(row, table.columns)}</tr>")
    foot = ""
    if table.totals:
        plain = [replace(column, code=False) for column in table.columns]
        foot = f"<tfoot><tr>{_html_cells(table.totals, plain)}</tr></tfoot>"
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table>'
        f"{f'<caption>{label}</caption>' if table.caption else ''}"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
        f"{foot}</table></div>"
    )


def _html_cells(row: Sequence[str], columns: Sequence[Column]) -> str:
    return "".join(_html_cell(c, column, "td") for c, column in zip(row, columns, strict=True))


def _html_cell(text: str, column: Column, opening: str) -> str:
    safe = escape_html(text)
    if column.code and text and opening == "td":
        safe = f"<code>{safe}</code>"
    side = ' class="right"' if column.align == "right" else ""
    return f"<{opening}{side}>{safe}</{opening.split()[0]}>"
