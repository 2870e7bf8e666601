"""A network's shapes: a box for every tensor, the layers between them, branches and skips."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure, SubFigure

from convdocs.draw.boxes import BUDGET, Box, Column, Words, wrapped
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Sheet
from convdocs.report import MODEL_INPUT, Call, Shape, Trace

WIDTH = BUDGET
EDGE = 6.0
LARGEST_SIDE = 50.0
SMALLEST_SIDE = 5.0
LANE = 9.0
GAP = 12.0  # between a box and the next layer's name
MOST_TENSORS = 150
MOST_LANES = 12
# layers that keep the shape are told in one row with the layer before them
QUIET = 5


@dataclass(frozen=True)
class Tensor:
    """One box: a tensor, the calls that made it, and the boxes those read.

    Parameters
    ----------
    shape : tuple of int
        Its shape.
    axes : str
        What the axes mean.
    calls : tuple of Call
        The layers between this box and those it was made from; empty for a model input.
    sources : tuple of int
        Places of the boxes it was made from.
    """

    shape: Shape
    axes: str
    calls: tuple[Call, ...]
    sources: tuple[int, ...]


def stack(trace: Trace, *, fig: Figure | SubFigure | None = None) -> Figure:
    """Draw the shapes a network makes, from its input down to its output.

    Sides of the boxes grow with the square root of the sizes; for a feature map of two
    dimensions the depth is the channels.

    Parameters
    ----------
    trace : Trace
        From :func:`convdocs.trace`.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
    >>> convdocs.draw.describe(convdocs.draw.stack(found))
    'Shapes in Sequential: input (2, 10, 7); 0 Conv1d(10, 16, 3), 1 ReLU() give (2, 16, 5).'
    """
    tensors = boxes_of(trace)
    if len(tensors) > MOST_TENSORS:
        raise DrawError(
            f"{trace.model} makes {len(tensors)} tensors of different shape or use, more than the "
            f"{MOST_TENSORS} that can be read in a picture; trace a part of it, such as one block"
        )
    return _Drawing(trace, tensors).draw(fig)


def boxes_of(trace: Trace) -> list[Tensor]:
    """The tensors worth a box: calls that neither change the shape nor branch share one.

    Examples
    --------
    >>> call = Call(0, "", "relu", "relu", ((2, 3),), ((2, 3),), sources=(-1,))
    >>> [box.shape for box in boxes_of(Trace("Net", (call,), input_shapes=((2, 3),)))]
    [(2, 3), (2, 3)]
    """
    boxes = [Tensor(shape, "", (), ()) for shape in trace.input_shapes]
    inputs = list(range(len(boxes)))
    read = Counter(source for call in trace.calls for source in call.sources)
    at: dict[int, int] = {}
    for call in trace.calls:
        if not call.output_shapes:
            continue
        sources = _sources(call, at, trace.input_shapes, inputs)
        last = boxes[sources[0]] if len(sources) == 1 else None
        joins = (
            last is not None
            and last.calls
            and call.output_shapes[0] == last.shape
            and sources[0] == len(boxes) - 1
            and read[last.calls[-1].index] == 1
            and len(last.calls) < QUIET
            and not call.windows
        )
        if joins and last is not None:
            boxes[-1] = Tensor(last.shape, call.axes, (*last.calls, call), last.sources)
        else:
            boxes.append(Tensor(call.output_shapes[0], call.axes, (call,), sources))
        at[call.index] = len(boxes) - 1
    return boxes


def _sources(
    call: Call, at: dict[int, int], shapes: tuple[Shape, ...], inputs: list[int]
) -> tuple[int, ...]:
    """Boxes that a call read; which of several model inputs is told by their shape."""
    found = []
    for number, source in enumerate(call.sources):
        if source in at:
            found.append(at[source])
        elif source == MODEL_INPUT and inputs:
            shape = call.input_shapes[number] if number < len(call.input_shapes) else None
            found.append(next((i for i in inputs if shapes[i] == shape), inputs[0]))
    return tuple(dict.fromkeys(found))


class _Drawing:
    """The picture of some boxes, one below the other, edges that skip at their left."""

    def __init__(self, trace: Trace, tensors: list[Tensor]) -> None:
        self.trace = trace
        self.tensors = tensors
        biggest = max((s for t in tensors for s in t.shape[1:] or t.shape), default=1)
        self.unit = LARGEST_SIDE / max(biggest, 1) ** 0.5
        self.lanes = _lanes([(source, to) for source, to in self._edges() if to - source > 1])
        sizes = [self._size(t.shape) for t in tensors]
        self.column = max((w + d for w, _, d in sizes), default=0.0)
        lanes = max(self.lanes.values(), default=-1) + 1
        self.left = EDGE + LANE * lanes + (4 if lanes else 0)
        self.text = self.left + self.column + 14
        self.findings = {finding.index: finding.code for finding in trace.findings}

    def _edges(self) -> Iterator[tuple[int, int]]:
        for place, tensor in enumerate(self.tensors):
            for source in tensor.sources:
                yield source, place

    def _size(self, shape: Shape) -> tuple[float, float, float]:
        """Width, height and (drawn aslant) depth of a box."""
        axes = shape[1:] if len(shape) > 1 else shape
        sides = [max(SMALLEST_SIDE, self.unit * side**0.5) for side in axes]
        match sides:
            case []:
                return SMALLEST_SIDE, SMALLEST_SIDE, 0.0
            case [features]:
                return features, SMALLEST_SIDE, 0.0
            case [channels, length]:
                return length, channels, 0.0
        return sides[-1], sides[-2], sides[-3] * 0.35

    def _names(self, tensor: Tensor) -> Column:
        words = []
        for call in tensor.calls:
            label = call.code if call.kind in call.code else call.kind
            name = f"{call.path}  {label}" if call.path else label
            words += [
                Words(part, NOTE_SIZE) for part in wrapped(name, WIDTH - self.text, NOTE_SIZE)
            ]
            if call.index in self.findings:
                words.append(Words(f"! {self.findings[call.index]}", NOTE_SIZE, "window", "bold"))
        return Column(tuple(words), gap=0)

    def draw(self, fig: Figure | SubFigure | None) -> Figure:
        names = [self._names(tensor) for tensor in self.tensors]
        y = EDGE
        tops = []
        for tensor, name in zip(self.tensors, names, strict=True):
            _, high, deep = self._size(tensor.shape)
            tops.append(y + max(name.height, 0) + (6 if tensor.calls else 0) + deep)
            y = tops[-1] + max(high, 14) + GAP
        sheet = Sheet(self._width(names), y - GAP + EDGE, fig=fig)
        for place, (tensor, name) in enumerate(zip(self.tensors, names, strict=True)):
            name.draw(sheet, self.text, tops[place] - name.height - 4 - self._size(tensor.shape)[2])
            self._box(sheet, tensor, tops[place])
        for source, to in self._edges():
            self._edge(sheet, source, to, tops)
        return sheet.finish(self.words())

    def _width(self, names: list[Column]) -> float:
        shapes: list[Box] = [
            Words(f"{t.shape}   {t.axes or 'input'}", weight="bold") for t in self.tensors
        ]
        return self.text + max(box.width for box in [*names, *shapes]) + EDGE

    def _box(self, sheet: Sheet, tensor: Tensor, top: float) -> None:
        wide, high, deep = self._size(tensor.shape)
        x = self._middle - (wide + deep) / 2
        fill = "output" if tensor.calls else "input"
        if deep:
            sheet.shape([(x, top), (x + deep, top - deep), (x + wide + deep, top - deep),
                         (x + wide, top)], "box")  # fmt: skip
            sheet.shape([(x + wide, top), (x + wide + deep, top - deep),
                         (x + wide + deep, top + high - deep), (x + wide, top + high)],
                        "box")  # fmt: skip
        sheet.cell(x, top, wide, high, fill)
        y = top + max(high, 14) / 2 - (0 if high > 14 else (14 - high) / 2)
        sheet.text(self.text, y, str(tensor.shape), align="left", weight="bold")
        if tensor.axes or not tensor.calls:
            note = tensor.axes or "input"
            x = self.text + Words(str(tensor.shape), weight="bold").width + 4
            sheet.text(x, y, note, align="left", role="muted", size=NOTE_SIZE)

    @property
    def _middle(self) -> float:
        return self.left + self.column / 2

    def _edge(self, sheet: Sheet, source: int, to: int, tops: list[float]) -> None:
        _, high, _ = self._size(self.tensors[source].shape)
        wide, tall, deep = self._size(self.tensors[to].shape)
        x = self._middle
        if to - source == 1:
            sheet.arrow([(x, tops[source] + high), (x, tops[to] - deep)])
            return
        lane = self.left - LANE * (self.lanes[source, to] + 1)
        start = tops[source] + high * 0.7
        end = tops[to] + tall * 0.3
        source_wide, _, source_deep = self._size(self.tensors[source].shape)
        sheet.arrow([
            (x - (source_wide + source_deep) / 2, start),
            (lane, start),
            (lane, end),
            (x - (wide + deep) / 2, end),
        ])  # fmt: skip

    def words(self) -> str:
        """The picture's description."""
        parts = []
        for place, tensor in enumerate(self.tensors):
            if not tensor.calls:
                parts.append(f"input {tensor.shape}")
                continue
            names = ", ".join(f"{c.path} {c.code}".strip() for c in tensor.calls)
            part = f"{names} {'gives' if len(tensor.calls) == 1 else 'give'} {tensor.shape}"
            if tensor.sources and tensor.sources != (place - 1,):
                part += " from " + " and ".join(str(self.tensors[s].shape) for s in tensor.sources)
            parts.append(part)
        if len(parts) > 24:
            parts[20:-1] = [f"{len(parts) - 21} more"]
        return f"Shapes in {self.trace.model}: {'; '.join(parts)}."


def _lanes(edges: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for every edge such that edges in one lane do not overlap; short ones inside."""
    lanes: dict[tuple[int, int], int] = {}
    for edge in sorted(edges, key=lambda edge: edge[1] - edge[0]):
        taken = {lanes[other] for other in lanes if other[0] < edge[1] and edge[0] < other[1]}
        lanes[edge] = next(lane for lane in range(len(edges)) if lane not in taken)
    return lanes
