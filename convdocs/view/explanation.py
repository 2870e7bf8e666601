"""An explained cell as the sum one would write down, and as a table for a web page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from convdocs.geometry import AXIS_NAMES
from convdocs.view.handwritten import Digits, adds_up, sums
from convdocs.view.numbers import number
from convdocs.view.tables import Column, Paragraph, Part, Table

if TYPE_CHECKING:
    from convdocs.cells.explanation import Explanation, Term

ROWS = 60  # with more terms than these, the table leaves out those in the middle
LAST = 10  # of which so many are the last ones


def text(explanation: Explanation) -> str:
    """The sum for a terminal."""
    terms = sums(explanation, seen(explanation))
    label = max(len(one) for one, _, _ in terms)
    lines = [(f"{one:{label}}  {words}", made) for one, words, made in terms] + steps(explanation)
    width = max(len(words) for words, _ in lines)
    digits = max(len(made) for _, made in lines)
    written = [
        f"{words:{width}}  = {made:>{digits}}" if made else words.rstrip() for words, made in lines
    ]
    legend = [f"[ ] is {padding(explanation)}"] if padding(explanation) else []
    above, below = [cell(explanation), window(explanation)], [*legend, *notes(explanation)]
    return "\n".join([*above, *written, *below])


def parts(explanation: Explanation) -> list[Part]:
    """The terms as a table with what is done with them below, and the notes."""
    terms = seen(explanation)
    hidden = len(terms) - ROWS if len(terms) > ROWS else 0
    shown = [*terms[: ROWS - LAST], *terms[-LAST:]] if hidden else terms
    columns = _columns(explanation)
    rows = [_row(explanation, term) for term in shown]
    muted = {at for at, term in enumerate(shown) if term.padded}
    if hidden:
        rows.insert(ROWS - LAST, _line("…", f"{hidden} more terms", columns))
        muted = {at + (at >= ROWS - LAST) for at in muted}
    *between, last = [_line(label, made, columns) for label, made in steps(explanation)]
    caption = f"{cell(explanation)}, {window(explanation)}"
    table = Table(columns, (*rows, *between), caption, last, muted=frozenset(muted))
    legend = [f"hatched: {padding(explanation)}"] if muted else []
    return [table, *(Paragraph(note) for note in [*legend, *notes(explanation)])]


def cell(explanation: Explanation) -> str:
    """Which cell of what."""
    return f"{explanation.code}, output cell {explanation.at}"


def window(explanation: Explanation) -> str:
    """Where the window stands."""
    names = AXIS_NAMES[len(explanation.windows)]
    places = map(_stands_on, names, explanation.window)
    return f"window on {', '.join(places)}"


def _stands_on(axis: str, positions: Iterable[int | None]) -> str:
    known = sorted(one for one in positions if one is not None)
    if not known:
        return f"no cell along {axis}"
    if len(known) == 1:
        return f"{axis} {known[0]}"
    step = known[1] - known[0]
    return f"{axis} {known[0]} to {known[-1]}" + (f" in steps of {step}" if step > 1 else "")


def seen(explanation: Explanation) -> list[Term]:
    """The terms torch sees: not the holes of a transposed layer, nor what is past the padding."""
    if explanation.family == "transposed":
        return [term for term in explanation.terms if term.index is not None]
    return [term for term in explanation.terms if term.reason != "outside"]


def steps(explanation: Explanation) -> list[tuple[str, str]]:
    """What is done with the terms, each step with its result, down to the layer's own number."""
    total = sum(term.product for term in explanation.terms)
    value, power, divisor = explanation.value, explanation.power, explanation.divisor
    done: list[tuple[str, float]] = []
    if explanation.bias is not None:
        done.append(("bias", explanation.bias))
    if not adds_up(explanation):
        done.append(("smallest" if power is not None and power < 0 else "largest", value))
    elif explanation.family in ("convolution", "transposed"):
        done.append(("sum", value))
    elif explanation.family == "average" and divisor is not None:
        done.append((f"divided by {divisor:g}", value))
    elif power is not None:
        if divisor is not None:
            done.append((f"times {1 / divisor:g}", total / divisor))
        done.append((f"^(1/{power:g})", value))
    form = Digits.of(explanation).results
    done.append(("layer's own", explanation.layer_value))
    return [(label, number(made, form)) for label, made in done]


def notes(explanation: Explanation) -> list[str]:
    """What was left out, what torch does besides, and whether the layer agrees."""
    said = []
    reasons = [term.reason for term in explanation.terms]
    counts = {
        "between the input's cells": reasons.count("hole"),
        "past its edge": reasons.count("padding") if explanation.family == "transposed" else 0,
        "past the padding, where ceil_mode lets the window reach": reasons.count("outside"),
    }
    left_out = [f"{count} {where}" for where, count in counts.items() if count]
    if left_out:
        said.append(f"taps left out: {', '.join(left_out)}")
    if explanation.family == "lp" and explanation.divisor is not None:
        said.append("an LPPool scales the sum up by what the edge cuts off its window")
    if not explanation.agrees:
        said.append(
            f"the two differ: {explanation.kind} does something besides, "
            "or its numbers have too few bits"
        )
    return said


def padding(explanation: Explanation) -> str:
    """What the padding is, if the window reaches it."""
    if not any(term.padded for term in seen(explanation)):
        return ""
    if explanation.padding_mode != "zeros":
        return f"padding, copied from the input ({explanation.padding_mode})"
    real = sum(term.index is not None for term in explanation.terms)
    if explanation.family == "average" and explanation.divisor == real:
        return "padding, which does not count"
    return "padding"


def _columns(explanation: Explanation) -> tuple[Column, ...]:
    columns = (Column("channel"), Column("kernel"), Column("input cell"), Column("value", "right"))
    if explanation.terms[0].weight is not None:
        return (*columns, Column("weight", "right"), Column("product", "right"))
    if explanation.power is not None:
        power = f"^{explanation.power:g}" if adds_up(explanation) else "size"
        return (*columns, Column(power, "right"))
    return columns


def _row(explanation: Explanation, term: Term) -> tuple[str, ...]:
    digits = Digits.of(explanation)
    where = str(term.index or term.reason)
    if term.padded and term.index is not None:
        where = f"copy of {term.index}"
    kernel = term.kernel[0] if len(term.kernel) == 1 else term.kernel
    cells = [str(term.channel), str(kernel), where, number(term.value, digits.values)]
    if term.weight is not None:
        cells.append(number(term.weight, digits.weights))
    if term.weight is not None or explanation.power is not None:
        cells.append(number(term.product, digits.results))
    return tuple(cells)


def _line(label: str, made: str, columns: tuple[Column, ...]) -> tuple[str, ...]:
    return (label, *[""] * (len(columns) - 2), made)
