"""How size, channels, receptive field and cost go along a network's depth."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, log2
from typing import Any

from matplotlib.figure import Figure

from convdocs.draw.blocks import name_of
from convdocs.draw.boxes import Box, flow
from convdocs.draw.picture import shared, show
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Place, Sheet
from convdocs.report import Call, Trace
from convdocs.view.numbers import counted

TALL = 92.0  # points of a panel
AXIS = 34.0  # points for the numbers at its left
MOST_NAMES = 9  # layers whose places are numbered below
CAPTION = (
    "From left to right the layers. Each line of a grid is twice the one below: where the size "
    "halves, the channels often double, and the receptive field grows in larger steps."
)
Values = tuple[float | None, ...]


def curve(
    trace: Trace,
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Place | None = None,
) -> Figure:
    """Draw how size, channels, receptive field and MACs go along the depth of a network.

    Each line of a panel's grid is twice the one below it, so that a halving is a step down by one
    wherever it happens.

    Parameters
    ----------
    trace : Trace
        From :func:`convdocs.trace`.
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`; the model's name for a title.

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(1, 4, 3), nn.MaxPool1d(2)), (1, 1, 18))
    >>> convdocs.draw.describe(convdocs.draw.curve(found))
    'Sequential along its 2 layers: size 16 to 8; channels 4; receptive field 3 to 4; MACs ...'
    """
    calls = [call for call in trace.calls if call.output_shapes]
    if not calls:
        raise DrawError(f"{trace.model} was traced without a layer: there is nothing to draw")
    found = {name: tuple(map(read, calls)) for name, read in READERS.items()}
    panels = {name: values for name, values in found.items() if any(values)}
    reaches = "; ".join(f"{name} {_reach(values)}" for name, values in panels.items())

    def body(room: float) -> Box:
        titled = (_Panel(panels[name], shared(room, 16)).titled(name) for name in panels)
        return flow(titled, room, 16)

    layers = counted(len(calls), "layer")
    note = f"{layers}, from {name_of(calls[0])} to {name_of(calls[-1])}" if calls[1:] else layers
    alt = f"{trace.model} along its {layers}: {reaches}."
    words = CAPTION if len(panels) == len(READERS) else f"{CAPTION.partition(':')[0]}."
    thumb = flow((_Panel(values, 150.0) for values in panels.values()), 320.0)
    return show(body, alt, (title, trace.model), note, (caption, words), thumb, fig)


def _size(call: Call) -> int | None:
    axes = call.axes.split()
    spatial = len(axes) - 2 if axes[:2] == ["N", "C"] else len(call.receptive_field)
    return max(call.output_shapes[0][-spatial:]) if spatial else None


READERS: dict[str, Callable[[Call], float | None]] = {
    "size": _size,
    "channels": lambda call: dict(zip(call.axes.split(), call.output_shapes[0], strict=False)).get(
        "C"
    ),
    "receptive field": lambda call: max((a.size or 0 for a in call.receptive_field), default=None),
    "MACs": lambda call: call.macs,
}


class _Panel(Box):
    """One quantity on a scale on which each line is twice the one below: as a line of steps, or as
    bars where some layers do not have it.
    """

    def __init__(self, values: Values, width: float) -> None:
        super().__init__(width, TALL + 14)
        self.values, self.line = values, all(values)
        known = [log2(value) for value in values if value]
        self.low = floor(min(known)) - (not self.line)
        self.powers = max(ceil(max(known)), floor(min(known)) + 1) - self.low

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        left, right, bottom, count = x + AXIS, x + self.width, y + TALL, len(self.values)
        step, rise = (right - left) / count, (TALL - 6) / self.powers
        look: dict[str, Any] = {"size": NOTE_SIZE, "role": "muted"}
        for power in range(self.powers + 1):
            level = bottom - power * rise
            sheet.line([(left, level), (right, level)], "line", 0.3)
            if power % ceil(self.powers / 6) == 0:
                sheet.text(
                    left - 4, level, _short(2.0 ** (power + self.low)), align="right", **look
                )
        steps: list[tuple[float, float]] = []
        for number, value in enumerate(self.values):
            start, high = left + number * step, (log2(value) - self.low) * rise if value else 0.0
            steps += [(start, bottom - high), (start + step, bottom - high)]
            if value and not self.line:
                sheet.cell(*steps[-2], step, high, "lit")
            if number % max(1, ceil(count / MOST_NAMES)) == 0:
                sheet.text(start + step / 2, bottom + 8, str(number), **look)
        if self.line:
            sheet.line(steps, "lit frame", 1.8)


def _reach(values: Values) -> str:
    """First and last value, in words."""
    known = [_short(value) for value in values if value]
    return " to ".join(dict.fromkeys((known[0], known[-1])))


def _short(value: float) -> str:
    """A whole number in few letters: 1.8 G."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= max(unit, 1e4):
            return f"{value / unit:.{0 if value >= 10 * unit else 1}f} {letter}"
    return f"{value:g}"
