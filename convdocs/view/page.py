"""Parts in HTML, for notebooks and pages of any theme; the one place where text is escaped for it.

A tree is one real table. A check box in a row hides the rows inside it by a rule of style alone,
so that it works by keyboard, without scripts, and where several tables share a page; where
``:has`` is not known the tree is open.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import replace

from convdocs.view.tables import CodeBlock, Column, Paragraph, Part, Table

# furo names its colours; elsewhere each has a fallback that follows the reader's light or dark
# setting. The class is doubled to weigh more than the table rules of notebooks and themes.
STYLE = """\
.convdocs{font-size:.875em;margin:1em 0;container-type:inline-size}
.convdocs .scroll{overflow:auto;max-height:85vh}
.convdocs .scroll:focus-visible{outline:2px solid var(--color-brand-primary,#2757dd)}
.convdocs.convdocs table{display:table;border-collapse:separate;border-spacing:0;border:0;\
width:auto;min-width:0;margin:0;font-size:inherit;table-layout:auto;\
font-variant-numeric:tabular-nums;box-shadow:none;background:none}
.convdocs.convdocs caption{text-align:left;font-weight:600;padding:0 0 .4em;caption-side:top;\
color:inherit;font-size:inherit;font-style:normal}
.convdocs caption span{display:inline-block;position:sticky;left:0;max-width:95cqw}
.convdocs.convdocs table tr,.convdocs.convdocs table tr:nth-child(n){background:none;border:0}
.convdocs.convdocs table th,.convdocs.convdocs table td{padding:.25em .5em;text-align:left;\
vertical-align:top;white-space:nowrap;max-width:none;border:0;font-size:inherit;line-height:1.5;\
color:inherit;background:none;\
border-bottom:1px solid var(--color-background-border,rgba(128,128,128,.35))}
.convdocs.convdocs thead th{font-weight:600;position:sticky;top:0;z-index:1;\
background:var(--color-background-primary,var(--jp-layout-color0,Canvas))}
.convdocs.convdocs table .right{text-align:right}
.convdocs.convdocs td code{font:.95em var(--font-stack--monospace,ui-monospace,monospace);\
background:none;border:0;padding:0;color:inherit;white-space:inherit}
.convdocs.convdocs tfoot td{border-top:2px solid var(--color-foreground-border,\
rgba(128,128,128,.6));border-bottom:0;font-weight:600}
.convdocs.convdocs tr.marked td{background:var(--color-api-background,rgba(192,64,0,.12));\
font-weight:600}
.convdocs.convdocs tr.muted td{font-style:italic;\
background:repeating-linear-gradient(135deg,rgba(128,128,128,.16) 0 1px,transparent 1px 5px)}
.convdocs p{margin:.6em 0}
.convdocs input{appearance:none;margin:0 .3em 0 0;width:1em;height:1em;border:0;background:none;\
display:none;vertical-align:baseline;cursor:pointer;color:inherit;font:inherit}
.convdocs input::before{content:"▸"}
.convdocs input:checked::before{content:"▾"}
.convdocs input:focus-visible{outline:2px solid var(--color-brand-primary,#2757dd)}
@supports selector(:has(a)){.convdocs input{display:inline-block}}
@container (max-width:40em){.convdocs.convdocs table{font-size:.85em}\
.convdocs.convdocs table th,.convdocs.convdocs table td{padding:.25em .4em}\
.convdocs.convdocs table .minor{display:none}\
.convdocs.convdocs table .name{display:block;border-bottom-width:0;padding-bottom:0;\
white-space:normal;overflow-wrap:anywhere;width:10.5em;box-sizing:border-box}\
.convdocs.convdocs table .name:empty{display:none}\
.convdocs.convdocs table .name+.name{border-bottom-width:1px;padding:0 .4em .25em}}
"""


def escape_html(text: str) -> str:
    """Text that is safe between HTML tags and in a quoted attribute."""
    return html.escape(text)


def to_html(parts: Iterable[Part]) -> str:
    """The parts as one HTML fragment with its own style, for a notebook or a page.

    A table is in a box that scrolls by itself, so that a phone's page does not; the box takes
    the keyboard's focus and bears the caption as its name.
    """
    blocks = []
    for part in parts:
        match part:
            case Table():
                blocks.append(_table(part))
            case Paragraph():
                lead = f"<strong>{escape_html(part.lead)}</strong> " if part.lead else ""
                blocks.append(f"<p>{lead}{escape_html(part.text)}</p>")
            case CodeBlock():
                blocks.append(f"<pre><code>{escape_html(part.text)}</code></pre>")
    return f'<div class="convdocs"><style>{STYLE}</style>{"".join(blocks)}</div>'


def _table(table: Table) -> str:
    label = escape_html(table.caption or "Table")
    head = "".join(_cell(c.title, c, 'th scope="col"') for c in table.columns)
    foot = ""
    if table.totals:
        plain = [replace(column, code=False) for column in table.columns]
        foot = f"<tfoot><tr>{_cells(table.totals, plain)}</tr></tfoot>"
    inside = _inside(table.levels)
    parents = sorted({row for rows in inside for row in rows})
    rules = "".join(
        f".convdocs .r{row}:has(input:not(:checked))~.i{row}{{display:none}}" for row in parents
    )
    return (
        f"{f'<style>{rules}</style>' if rules else ''}"
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table>'
        f"{f'<caption><span>{label}</span></caption>' if table.caption else ''}"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(_rows(table, inside, parents))}</tbody>"
        f"{foot}</table></div>"
    )


def _inside(levels: Sequence[int]) -> list[tuple[int, ...]]:
    """Per row of a tree, the rows that it is inside of."""
    above: list[int] = []
    inside = []
    for row, level in enumerate(levels):
        del above[level:]
        inside.append(tuple(above))
        above.append(row)
    return inside


def _rows(table: Table, inside: list[tuple[int, ...]], parents: list[int]) -> Iterable[str]:
    opening = set(parents)
    tree = next((at for at, column in enumerate(table.columns) if column.tree), None)
    for number, row in enumerate(table.rows):
        looks = [f"i{above}" for above in inside[number]] if inside else []
        looks += [f"r{number}"] if number in opening else []
        if number in table.marked:
            looks.append("marked")
        if number in table.muted:
            looks.append("muted")
        cells = [_cell(text, c, "td") for text, c in zip(row, table.columns, strict=True)]
        if tree is not None and parents:
            box = _box(number, row, table) if number in opening else ""
            cells[tree] = _indented(cells[tree], box, table.levels[number])
        yield f"<tr{_class(looks)}>{''.join(cells)}</tr>"


def _box(number: int, row: tuple[str, ...], table: Table) -> str:
    name = " ".join(t for t, c in zip(row, table.columns, strict=True) if c.tree and t)
    state = "" if number in table.shut else " checked"
    label = escape_html(f"Show the inside of {name}")
    return f'<input type="checkbox"{state} aria-label="{label}">'


def _indented(cell: str, box: str, level: int) -> str:
    """A cell moved in by its level, with its check box, or the room that one takes."""
    tag, _, rest = cell.partition(">")
    room = level + (0 if box else 1.3)
    return f'{tag} style="padding-left:{room + 0.5:g}em">{box}{rest}'


def _cells(row: Sequence[str], columns: Sequence[Column]) -> str:
    return "".join(_cell(c, column, "td") for c, column in zip(row, columns, strict=True))


def _cell(text: str, column: Column, opening: str) -> str:
    safe = escape_html(text)
    if column.code and text and opening == "td":
        safe = f"<code>{safe}</code>"
    looks = ["right"] if column.align == "right" else []
    looks += ["minor"] if column.minor else []
    looks += ["name"] if column.tree else []
    return f"<{opening}{_class(looks)}>{safe}</{opening.split()[0]}>"


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""
