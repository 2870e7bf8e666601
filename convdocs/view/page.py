"""Parts in HTML, for notebooks and pages of any theme; the one place where text is escaped for it.

A tree is one real table. A check box in a row hides the rows inside it by a rule of style alone,
so that it works by keyboard, without scripts, and where several tables share a page; where
``:has`` is not known the tree is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape
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
    inside = _inside(table.levels)
    parents = sorted({above for rows in inside for above in rows})
    rules = "".join(
        f".convdocs .r{row}:has(input:not(:checked))~.i{row}{{display:none}}" for row in parents
    )
    style = f"<style>{rules}</style>" if rules else ""
    head = "".join(_cell(escape(one.title), one, 'th scope="col"') for one in table.columns)
    body = "".join(_rows(table, inside, frozenset(parents)))
    totals = "".join(map(_cell, map(escape, table.totals), table.columns))
    foot = f"<tfoot><tr>{totals}</tr></tfoot>" if totals else ""
    return (
        f'{style}<div class="scroll" tabindex="0" role="group" aria-label="{label}">'
        f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>"
    )


def _inside(levels: Sequence[int]) -> list[list[int]]:
    """Per row of a tree, the rows that it is inside of."""
    above: list[int] = []
    inside = []
    for row, level in enumerate(levels):
        del above[level:]
        inside.append([*above])
        above.append(row)
    return inside


def _rows(table: Table, inside: Sequence[Sequence[int]], parents: frozenset[int]) -> Iterator[str]:
    tree = next((at for at, column in enumerate(table.columns) if column.tree and parents), None)
    for at, row in enumerate(table.rows):
        looks = [f"i{above}" for above in inside[at]] if inside else []
        looks += [f"r{at}"] if at in parents else []
        looks += ["marked"] if at in table.marked else []
        looks += ["muted"] if at in table.muted else []
        words = [
            f"<code>{escape(text)}</code>" if column.code and text else escape(text)
            for text, column in zip(row, table.columns, strict=True)
        ]
        opening = ["td"] * len(row)
        if tree is not None:
            box = _box(at, table) if at in parents else ""
            room = table.levels[at] + (0.5 if box else 1.8)  # that a box takes
            opening[tree] = f'td style="padding-left:{room:g}em"'
            words[tree] = box + words[tree]
        yield f"<tr{_class(looks)}>{''.join(map(_cell, words, table.columns, opening))}</tr>"


def _box(at: int, table: Table) -> str:
    """The check box that opens and shuts a row."""
    pairs = zip(table.rows[at], table.columns, strict=True)
    name = " ".join(text for text, column in pairs if column.tree and text)
    state = "" if at in table.shut else " checked"
    label = escape(f"Show the inside of {name}")
    return f'<input type="checkbox"{state} aria-label="{label}">'


def _cell(words: str, column: Column, opening: str = "td") -> str:
    looks = ["right"] if column.align == "right" else []
    looks += ["minor"] if column.minor else []
    looks += ["name"] if column.tree else []
    return f"<{opening}{_class(looks)}>{words}</{opening[:2]}>"


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""
