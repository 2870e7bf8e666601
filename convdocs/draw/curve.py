"""How size, channels, receptive field and cost go along a network's depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, floor, log2

from matplotlib.figure import Figure, SubFigure

from convdocs.draw.boxes import Box, flow, page, titled
from convdocs.draw.picture import PHONE, show
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Sheet
from convdocs.report import Call, Trace

TALL = 92.0  # points of a panel
AXIS = 34.0  # points for the numbers at its left
MOST_NAMES = 9  # layers whose places are numbered below

Reader = Callable[[Call], float | None]


def curve(
    trace: Trace,
    *,
    title: str | None = None,
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw how size, channels, receptive field and MACs go along the depth of a network.

    Each line of a panel's grid is twice the one below it, so that a halving is a step down by one
    wherever it happens.

    Parameters
    ----------
    trace : Trace
        From :func:`convdocs.trace`.
    title, caption : str, optional
        What is written above and below; the model's name and a sentence when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

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
    panels = [
        _Panel(name, tuple(read(call) for call in calls), PHONE)
        for name, read in READERS.items()
        if any(read(call) for call in calls)
    ]
    alt = f"{trace.model} along its {len(calls)} layers: " + "; ".join(
        f"{panel.name} {panel.reach}" for panel in panels
    )
    layout = partial(_page, trace.model if title is None else title, calls, panels)
    thumb = flow([_Panel("", panel.values, 150.0) for panel in panels], 320.0)
    return show(layout, f"{alt}.", CAPTION if caption is None else caption, thumb=thumb, place=fig)


CAPTION = (
    "From left to right the layers. Each line of a grid is twice the one below: where the size "
    "halves, the channels often double, and the receptive field grows in larger steps."
)


def _spatial(call: Call) -> int:
    axes = call.axes.split()
    return len(axes) - 2 if axes[:2] == ["N", "C"] else len(call.receptive_field)


def _size(call: Call) -> float | None:
    dims = _spatial(call)
    return max(call.output_shapes[0][-dims:]) if dims else None


def _channels(call: Call) -> float | None:
    axes = call.axes.split()
    return call.output_shapes[0][axes.index("C")] if "C" in axes else None


def _field(call: Call) -> float | None:
    sizes = [axis.size for axis in call.receptive_field if axis.size is not None]
    return max(sizes, default=None)


READERS: dict[str, Reader] = {
    "size": _size,
    "channels": _channels,
    "receptive field": _field,
    "MACs": lambda call: call.macs,
}


def _page(title: str, calls: list[Call], panels: list[_Panel], room: float) -> Box:
    side = room if room <= PHONE else (room - 16) / 2
    boxes = [titled(replace(panel, width=side), panel.name) for panel in panels]
    words = f"{len(calls)} layers, from {_name(calls[0])} to {_name(calls[-1])}"
    return page(room, title, words, flow(boxes, room, 16), gap=9)


def _name(call: Call) -> str:
    return f"{call.path} {call.kind}".strip()


@dataclass(frozen=True)
class _Panel:
    """One quantity on a scale on which each line is twice the one below: as a line of steps, or as
    bars where some layers do not have it.
    """

    name: str
    values: tuple[float | None, ...]
    width: float
    height: float = TALL + 14

    @property
    def reach(self) -> str:
        """First and last value, in words."""
        known = [_short(value) for value in self.values if value is not None]
        return known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        known = [value for value in self.values if value]
        line, count = all(self.values), len(self.values)
        low, high = floor(log2(min(known))), ceil(log2(max(known)))
        low, high = low - (not line), max(high, low + 1)
        left, right, bottom = x + AXIS, x + self.width, y + TALL
        step, rise = (right - left) / count, (TALL - 6) / (high - low)
        for power in range(low, high + 1):
            place = bottom - (power - low) * rise
            sheet.line([(left, place), (right, place)], "line", 0.3)
            if (power - low) % ceil((high - low) / 6) == 0:
                sheet.text(left - 4, place, _short(2.0**power), size=NOTE_SIZE, role="muted",
                           align="right")  # fmt: skip
        points: list[tuple[float, float]] = []
        for place, value in enumerate(self.values):
            if value:
                start, top = left + place * step, bottom - (log2(value) - low) * rise
                points += [(start, top), (start + step, top)]
                if not line:
                    sheet.cell(start, top, step, bottom - top, "lit")
        if line:
            sheet.line(points, "lit frame", 1.8)
        for place in range(0, count, max(1, ceil(count / MOST_NAMES))):
            words = {"size": NOTE_SIZE, "role": "muted"}
            sheet.text(left + (place + 0.5) * step, bottom + 8, str(place), **words)  # type: ignore[arg-type]


def _short(value: float) -> str:
    """A whole number in few letters: 1.8 G."""
    for limit, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= limit:
            return f"{value / unit:.{0 if value >= 10 * unit else 1}f} {letter}"
    return f"{value:g}"
