"""Parts in HTML, for notebooks and pages of any theme; the one place where text is escaped for it.

A tree is one real table. A check box in a row hides the rows inside it by a rule of style alone,
so that it works by keyboard, without scripts, and where several tables share a page; where
``:has`` is not known the tree is open.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from html import escape
from itertools import pairwise, repeat
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
    titles = [column.title for column in table.columns]
    head = _row(table.columns, map(escape, titles), ['th scope="col"'] * len(titles))
    foot = f"<tfoot>{_row(table.columns, map(escape, table.totals))}</tfoot>"
    return (
        f'{style}<div class="scroll" tabindex="0" role="group" aria-label="{label}">'
        f"<table>{caption}<thead>{head}</thead><tbody>{''.join(_body(table, opened))}</tbody>"
        f"{foot if table.totals else ''}</table></div>"
    )


def _body(table: Table, opened: Container[int]) -> Iterator[str]:
    tree = next((at for at, column in enumerate(table.columns) if column.tree and opened), None)
    above: list[int] = []  # the rows that a row is inside of
    levels = table.levels or (0,) * len(table.rows)
    for at, (row, level) in enumerate(zip(table.rows, levels, strict=True)):
        del above[level:]
        looks = [f"i{row}" for row in above]
        looks += [f"r{at}"] if at in opened else []
        looks += ["marked"] if at in table.marked else []
        looks += ["muted"] if at in table.muted else []
        above.append(at)
        words = [
            f"<code>{escape(text)}</code>" if column.code and text else escape(text)
            for text, column in zip(row, table.columns, strict=True)
        ]
        tags = ["td"] * len(row)
        if tree is not None:
            box = _box(at, table) if at in opened else ""
            room = level + (0.5 if box else 1.8)  # that a box takes
            tags[tree] = f'td style="padding-left:{room:g}em"'
            words[tree] = box + words[tree]
        yield _row(table.columns, words, tags, looks)


def _box(at: int, table: Table) -> str:
    """The check box that opens and shuts a row."""
    pairs = zip(table.rows[at], table.columns, strict=True)
    name = " ".join(text for text, column in pairs if column.tree and text)
    state = "" if at in table.shut else " checked"
    return f'<input type="checkbox"{state} aria-label="{escape(f"Show the inside of {name}")}">'


def _row(
    columns: Sequence[Column],
    cells: Iterable[str],
    tags: Iterable[str] = repeat("td"),
    looks: Sequence[str] = (),
) -> str:
    row = ""
    for column, cell, tag in zip(columns, cells, tags, strict=False):
        classes = ["right"] * (column.align == "right") + ["minor"] * column.minor
        row += f"<{tag}{_class(classes + ['name'] * column.tree)}>{cell}</{tag[:2]}>"
    return f"<tr{_class(looks)}>{row}</tr>"


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""
