"""Parts in HTML, for notebooks and pages of any theme; the one place where text is escaped for it.

A tree is one real table. A check box in a row hides the rows inside it by a rule of style alone,
so that it works by keyboard, without scripts, and where several tables share a page; where
``:has`` is not known the tree is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from itertools import pairwise
from pathlib import Path

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

STYLE = Path(__file__).with_name("tables.css").read_text(encoding="utf-8")


def to_html(parts: Iterable[Part]) -> str:
    """The parts as one HTML fragment with its own style, for a notebook or a page.

    A table is in a box that scrolls by itself, so that a phone's page does not; the box takes
    the keyboard's focus and bears the caption as its name.
    """
    blocks = "".join(map(_part, parts))
    return f'<div class="convdocs"><style>{STYLE}</style>{blocks}</div>'


def _part(part: Part) -> str:
    match part:
        case Table():
            return _table(part)
        case Paragraph(text, lead):
            bold = f"<strong>{escape(lead)}</strong> " if lead else ""
            return f"<p>{bold}{escape(text)}</p>"
        case CodeBlock(text):
            return f"<pre><code>{escape(text)}</code></pre>"


def _table(table: Table) -> str:
    label = escape(table.caption or "Table")
    caption = f"<caption><span>{label}</span></caption>" if table.caption else ""
    opened = {at for at, (level, below) in enumerate(pairwise(table.levels)) if level < below}
    rules = "".join(
        f".convdocs .r{row}:has(input:not(:checked))~.i{row}{{display:none}}"
        for row in sorted(opened)
    )
    style = f"<style>{rules}</style>" if rules else ""
    heads = (_tag('th scope="col"', escape(c.title), _looks(c)) for c in table.columns)
    totals = [
        _tag("td", escape(n), _looks(c)) for c, n in zip(table.columns, table.totals, strict=False)
    ]
    foot = _tag("tfoot", _tag("tr", "".join(totals))) if totals else ""
    return (
        f'{style}<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table>'
        f"{caption}<thead>{_tag('tr', ''.join(heads))}</thead>"
        f"<tbody>{''.join(_rows(table, opened))}</tbody>{foot}</table></div>"
    )


def _rows(table: Table, opened: set[int]) -> Iterator[str]:
    tree = next((at for at, column in enumerate(table.columns) if column.tree and opened), None)
    above: list[int] = []  # the rows that a row is inside of
    for at, row in enumerate(table.rows):
        level = table.levels[at] if table.levels else 0
        looks = [f"i{row}" for row in above[:level]]
        above[level:] = [at]
        states = {f"r{at}": opened, "marked": table.marked, "muted": table.muted}
        looks += [look for look, rows in states.items() if at in rows]
        cells = ""
        for place, (column, text) in enumerate(zip(table.columns, row, strict=True)):
            words, tag = escape(text), "td"
            if column.code and text:
                words = f"<code>{words}</code>"
            if place == tree:
                box = _box(table, at) if at in opened else ""
                room = level + (0.5 if box else 1.8)  # that a box takes
                words, tag = box + words, f'td style="padding-left:{room:g}em"'
            cells += _tag(tag, words, _looks(column))
        yield _tag("tr", cells, looks)


def _box(table: Table, at: int) -> str:
    """The check box that opens and shuts a row."""
    pairs = zip(table.rows[at], table.columns, strict=True)
    name = " ".join(text for text, column in pairs if column.tree and text)
    state = "" if at in table.shut else " checked"
    return f'<input type="checkbox"{state} aria-label="{escape(f"Show the inside of {name}")}">'


def _looks(column: Column) -> list[str]:
    looks = {"right": column.align == "right", "minor": column.minor, "name": column.tree}
    return [look for look, has in looks.items() if has]


def _tag(opening: str, words: str, classes: Iterable[str] = ()) -> str:
    named = f' class="{" ".join(classes)}"' if classes else ""
    return f"<{opening}{named}>{words}</{opening.partition(' ')[0]}>"
