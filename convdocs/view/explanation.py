"""An explained cell: the sum as one would write it down, and its terms as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, zip_longest
from math import ceil, isinf
from typing import TYPE_CHECKING

from convdocs.geometry import AXIS_NAMES
from convdocs.view.numbers import PLACES, number, places_for
from convdocs.view.tables import Column, Paragraph, Part, Table

if TYPE_CHECKING:
    from convdocs.cells.explanation import Explanation, Term

CHANNELS = 8  # with more than these, those in the middle are left out
LINES = 12  # the same for the lines of one channel
TERMS = 5  # on one line
ROWS = 60  # with more terms than these, the table leaves out those in the middle
LAST = 10  # of which so many are the last ones


def text(explanation: Explanation) -> str:
    """The sum for a terminal, columns one under the other."""
    cell = _Cell(explanation)
    sums = [*cell.sums()]
    label = max(len(name) for name, _, _ in sums)
    lines = [(f"{name:{label}}  {words}", result) for name, words, result in sums] + cell.steps()
    width, digits = (max(map(len, column)) for column in zip(*lines, strict=True))
    written = [
        f"{words:{width}}  = {result:>{digits}}" if result else words.rstrip()
        for words, result in lines
    ]
    return "\n".join([cell.name, cell.window, *written, *cell.notes("[ ] is")])


def parts(explanation: Explanation) -> list[Part]:
    """The terms as a table with what is done with them below, and the notes."""
    cell = _Cell(explanation)
    heads = cell.row(explanation.terms[0])
    columns = tuple(Column(head, "left" if at < 3 else "right") for at, head in enumerate(heads))

    def line(label: str, result: str) -> tuple[str, ...]:
        return (label, *[""] * (len(columns) - 2), result)

    rows = [(tuple(cell.row(term).values()), term.padded) for term in cell.seen]
    if (hidden := len(rows) - ROWS) > 0:
        rows[ROWS - LAST : -LAST] = [(line("…", f"{hidden} more terms"), False)]
    muted = frozenset(at for at, (_, padded) in enumerate(rows) if padded)
    *between, last = [line(*step) for step in cell.steps()]
    caption = f"{cell.name}, {cell.window}"
    table = Table(columns, (*(row for row, _ in rows), *between), caption, last, muted=muted)
    return [table, *map(Paragraph, cell.notes("hatched:" if muted else ""))]


class _Cell:
    """An explained cell, what is seen of it, and how its numbers are written."""

    def __init__(self, explanation: Explanation) -> None:
        self.explained, self.power = explanation, explanation.power
        self.name = f"{explanation.code}, output cell {explanation.at}"
        axes = AXIS_NAMES[len(explanation.windows)]
        self.window = f"window on {', '.join(map(_stands_on, axes, explanation.window))}"
        terms = explanation.terms
        # a max pool's cell is no sum, nor is one of an LPPool with power infinity
        self.adds_up = explanation.family != "max" and not isinf(self.power or 0)
        # torch sees neither the holes of a transposed layer nor what is past the padding
        spread = explanation.family == "transposed"
        self.seen = [t for t in terms if (t.index if spread else t.reason != "outside")]
        # numbers side by side look alike, as they do in a tensor that torch prints
        self.value_places = places_for((t.value for t in terms), digits=PLACES)
        self.weight_places = places_for((t.weight or 0 for t in terms), digits=PLACES)
        results = [explanation.value, explanation.layer_value, explanation.bias or 0]
        self.places = places_for([*results, *(t.product for t in terms)], digits=PLACES)

    def sums(self) -> Iterator[tuple[str, str, str]]:
        """A line per channel, or per row of its kernel: label, terms, what the channel adds."""
        channels: dict[int, list[Term]] = {term.channel: [] for term in self.explained.terms}
        for term in self.seen:
            channels[term.channel].append(term)
        last = list(channels)[-1]
        hidden = list(channels)[4:-1] if len(channels) > CHANNELS else []
        rest = [term for channel in hidden for term in channels.pop(channel)]
        grids = {channel: list(self._grid(terms)) for channel, terms in channels.items()}
        words = zip_longest(*(row for grid in grids.values() for row in grid), fillvalue="")
        widths = [max(map(len, column)) for column in words]
        folded = any(len(grid) > 1 for grid in grids.values())
        for channel, grid in grids.items():
            if hidden and channel == last:
                yield "…", f"{len(hidden)} more channels", self._result(rest)
            lines = ["".join(map(str.rjust, row, widths)) for row in grid]
            if len(lines) > LINES:
                lines[LINES - 2 : -1] = [f"… {len(lines) - LINES + 1} more lines"]
            for at, line in enumerate(lines or ["no tap on an input cell"]):
                ends = at + 1 >= len(lines)
                if lines and folded and self.adds_up:
                    line = f"{'+' if at else ' '} {line}"
                label = "" if at else f"channel {channel}"
                comma = "" if ends or self.adds_up else ","
                yield label, line + comma, self._result(channels[channel]) if ends else ""

    def _result(self, terms: Iterable[Term]) -> str:
        return number(sum(term.product for term in terms), self.places) if self.adds_up else ""

    def _grid(self, terms: list[Term]) -> Iterator[list[str]]:
        """The words of one channel, a line per row of the kernel; long ones in equal parts."""
        for _, same in groupby(terms, key=lambda term: term.kernel[:-1]):
            row = list(same)
            length = ceil(len(row) / ceil(len(row) / TERMS))
            for at in range(0, len(row), length):
                words = (
                    (" + " if self.adds_up else ", ", *self._factors(term))
                    for term in row[at : at + length]
                )
                yield [word for factors in words for word in factors][1:]

    def _factors(self, term: Term) -> tuple[str, ...]:
        """The value, in brackets where it is padding, and the weight."""
        value = number(term.value, self.value_places)
        if term.padded:
            value = "[0]" if term.index is None and term.value == 0 else f"[{value}]"
        if self.power is not None and not self.adds_up:
            value = f"|{value}|"
        elif self.power is not None:
            value = f"{f'({value})' if term.value < 0 else value}^{self.power:g}"
        weight = term.weight
        return (value,) if weight is None else (value, " × ", number(weight, self.weight_places))

    def steps(self) -> list[tuple[str, str]]:
        """What is done with the terms, each step with its result, down to the layer's number."""
        cell, power, divisor = self.explained, self.power, self.explained.divisor
        done = [] if cell.bias is None else [("bias", cell.bias)]
        if not self.adds_up:
            done.append(("smallest" if power is not None and power < 0 else "largest", cell.value))
        elif cell.family in ("convolution", "transposed"):
            done.append(("sum", cell.value))
        elif power is not None:
            if divisor is not None:
                total = sum(term.product for term in cell.terms)
                done.append((f"times {1 / divisor:g}", total / divisor))
            done.append((f"^(1/{power:g})", cell.value))
        elif divisor is not None:
            done.append((f"divided by {divisor:g}", cell.value))
        done.append(("layer's own", cell.layer_value))
        return [(label, number(result, self.places)) for label, result in done]

    def notes(self, mark: str) -> Iterator[str]:
        """What is marked as padding and left out, what torch does besides, and if both agree."""
        cell = self.explained
        reasons = [term.reason for term in cell.terms]
        if mark and any(term.padded for term in self.seen):
            what = ""
            if cell.padding_mode != "zeros":
                what = f", copied from the input ({cell.padding_mode})"
            elif cell.family == "average" and cell.divisor == reasons.count(None):
                what = ", which does not count"
            yield f"{mark} padding{what}"
        counts = {
            "between the input's cells": reasons.count("hole"),
            "past its edge": reasons.count("padding") if cell.family == "transposed" else 0,
            "past the padding, where ceil_mode lets the window reach": reasons.count("outside"),
        }
        if left_out := [f"{count} {where}" for where, count in counts.items() if count]:
            yield f"taps left out: {', '.join(left_out)}"
        if cell.family == "lp" and cell.divisor is not None:
            yield "an LPPool scales the sum up by what the edge cuts off its window"
        if not cell.agrees:
            besides = f"{cell.kind} does something besides, or its numbers have too few bits"
            yield f"the two differ: {besides}"

    def row(self, term: Term) -> dict[str, str]:
        """A term's cells under their headings."""
        copied = term.padded and term.index is not None
        cells = {
            "channel": str(term.channel),
            "kernel": str(term.kernel[0] if len(term.kernel) == 1 else term.kernel),
            "input cell": f"copy of {term.index}" if copied else str(term.index or term.reason),
            "value": number(term.value, self.value_places),
        }
        product = number(term.product, self.places)
        if term.weight is not None:
            cells |= {"weight": number(term.weight, self.weight_places), "product": product}
        elif self.power is not None:
            cells[f"^{self.power:g}" if self.adds_up else "size"] = product
        return cells


def _stands_on(axis: str, positions: Iterable[int | None]) -> str:
    known = sorted(place for place in positions if place is not None)
    if len(known) < 2:
        return f"{axis} {known[0]}" if known else f"no cell along {axis}"
    step = known[1] - known[0]
    return f"{axis} {known[0]} to {known[-1]}" + (f" in steps of {step}" if step > 1 else "")
