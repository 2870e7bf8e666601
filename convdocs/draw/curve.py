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
from convdocs.draw.sheet import NOTE_SIZE, Sheet, text_width
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
    """One quantity as steps, on a scale on which each line is twice the one below."""

    name: str
    values: tuple[float | None, ...]
    width: float

    @property
    def height(self) -> float:
        return TALL + 14

    @property
    def _known(self) -> list[float]:
        return [value for value in self.values if value]

    @property
    def reach(self) -> str:
        """First and last value, in words."""
        known = [value for value in self.values if value is not None]
        first, last = _short(known[0]), _short(known[-1])
        return first if first == last else f"{first} to {last}"

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        low, high = floor(log2(min(self._known))), ceil(log2(max(self._known)))
        high = max(high, low + 1)
        left, right = x + AXIS, x + self.width
        top, bottom = y + 6, y + TALL

        def level(value: float) -> float:
            return bottom - (log2(value) - low) / (high - low) * (bottom - top)

        every = ceil((high - low) / 6)
        for power in range(low, high + 1):
            place = level(2.0**power)
            sheet.line([(left, place), (right, place)], "line", 0.3)
            if (power - low) % every == 0:
                look = {"size": NOTE_SIZE, "role": "muted", "align": "right"}
                sheet.text(left - 4, place, _short(2.0**power), **look)  # type: ignore[arg-type]
        self._steps(sheet, left, (right - left) / len(self.values), level)
        self._numbers(sheet, left, right, bottom + 8)

    def _steps(
        self, sheet: Sheet, left: float, step: float, level: Callable[[float], float]
    ) -> None:
        if not all(self.values):  # what some layers do not have is no line
            for place, value in enumerate(self.values):
                if value:
                    top, bottom = level(value), level(min(self._known)) + 3
                    sheet.cell(left + place * step, top, step, bottom - top, "lit")
            return
        points: list[tuple[float, float]] = []
        for place, value in enumerate(self._known):
            points += [(left + at * step, level(value)) for at in (place, place + 1)]
        sheet.line(points, "lit frame", 1.8)

    def _numbers(self, sheet: Sheet, left: float, right: float, y: float) -> None:
        """The layers' places below the axis, as many as have room."""
        count = len(self.values)
        every = max(1, ceil(count / MOST_NAMES))
        step = (right - left) / count
        for place in range(0, count, every):
            middle = left + (place + 0.5) * step
            if middle + text_width(str(place), NOTE_SIZE) / 2 <= right:
                sheet.text(middle, y, str(place), size=NOTE_SIZE, role="muted")


def _short(value: float) -> str:
    """A whole number in few letters: 1.8 G."""
    for limit, unit, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if value >= limit:
            return f"{value / unit:.{0 if value >= 10 * unit else 1}f} {letter}"
    return f"{value:g}"
