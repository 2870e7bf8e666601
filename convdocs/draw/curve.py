"""How size, channels, receptive field and cost go along a network's depth."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, log2

from matplotlib.figure import Figure

from convdocs.draw.boxes import Box, flow
from convdocs.draw.picture import PHONE, show
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Place, Sheet
from convdocs.draw.tensors import name_of
from convdocs.report import Call, Trace

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
        side = room if room <= PHONE else (room - 16) / 2
        return flow((_Panel(panels[name], side).titled(name) for name in panels), room, 16)

    note = f"{len(calls)} layers, from {name_of(calls[0])} to {name_of(calls[-1])}"
    alt = f"{trace.model} along its {len(calls)} layers: {reaches}."
    thumb = flow((_Panel(values, 150.0) for values in panels.values()), 320.0)
    return show(body, alt, (title, trace.model), note, (caption, CAPTION), thumb, fig)


def _spatial(call: Call) -> int:
    axes = call.axes.split()
    return len(axes) - 2 if axes[:2] == ["N", "C"] else len(call.receptive_field)


def _axes(call: Call) -> dict[str, int]:
    return dict(zip(call.axes.split(), call.output_shapes[0], strict=False))


READERS: dict[str, Callable[[Call], float | None]] = {
    "size": lambda call: max(call.output_shapes[0][-_spatial(call) :]) if _spatial(call) else None,
    "channels": lambda call: _axes(call).get("C"),
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
        known = [value for value in values if value]
        low, high = floor(log2(min(known))), ceil(log2(max(known)))
        self.low = low - (not self.line)
        self.powers = max(high, low + 1) - self.low

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        left, right, count = x + AXIS, x + self.width, len(self.values)
        step, rise = (right - left) / count, (TALL - 6) / self.powers
        for power in range(self.powers + 1):
            place = y + TALL - power * rise
            sheet.line([(left, place), (right, place)], "line", 0.3)
            if power % ceil(self.powers / 6) == 0:
                words = _short(2.0 ** (power + self.low))
                sheet.text(left - 4, place, words, size=NOTE_SIZE, role="muted", align="right")
        points: list[tuple[float, float]] = []
        for number, value in enumerate(self.values):
            start, high = left + number * step, (log2(value) - self.low) * rise if value else 0.0
            points += [(start, y + TALL - high), (start + step, y + TALL - high)]
            if value and not self.line:
                sheet.cell(*points[-2], step, high, "lit")
            if number % max(1, ceil(count / MOST_NAMES)) == 0:
                middle = start + step / 2
                sheet.text(middle, y + TALL + 8, str(number), size=NOTE_SIZE, role="muted")
        if self.line:
            sheet.line(points, "lit frame", 1.8)


def _reach(values: Values) -> str:
    """First and last value, in words."""
    known = [_short(value) for value in values if value is not None]
    return known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def _short(value: float) -> str:
    """A whole number in few letters: 1.8 G."""
    for unit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= max(unit, 1e4):
            return f"{value / unit:.{0 if value >= 10 * unit else 1}f} {letter}"
    return f"{value:g}"
