"""A network's shapes: a box for every tensor, the layers between them, branches and skips."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure, SubFigure

from convdocs.draw.boxes import BUDGET, Box, Column, Words, wrapped
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Sheet
from convdocs.draw.tensors import Tensor, boxes_of, lanes
from convdocs.report import Trace

EDGE = 6.0
LARGEST_SIDE = 50.0
SMALLEST_SIDE = 5.0
SLANT = 0.35  # of the depth
LANE = 9.0
GAP = 12.0  # between a box and the next layer's name
LINE = 14.0  # of a shape
MOST_TENSORS = 150
MOST_TOLD = 24  # tensors in the description


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
    if not tensors:
        raise DrawError(f"{trace.model} was traced without a tensor: there is no shape to draw")
    if len(tensors) > MOST_TENSORS:
        raise DrawError(
            f"{trace.model} makes {len(tensors)} tensors of different shape or use, more than the "
            f"{MOST_TENSORS} that can be read in a picture; trace a part of it, such as one block"
        )
    ways = [(source, place) for place, box in enumerate(tensors) for source in box.sources]
    skips = lanes([way for way in ways if way[1] - way[0] > 1])
    left = EDGE + (LANE * (max(skips.values()) + 1) + 4 if skips else 0)
    pieces = _pieces(trace, tensors, left)
    width = max(piece.right for piece in pieces) + EDGE
    sheet = Sheet(width, pieces[-1].top + max(pieces[-1].height, LINE) + EDGE, fig=fig)
    for piece in pieces:
        piece.draw(sheet)
    for source, to in ways:
        lane = skips.get((source, to))
        at = None if lane is None else left - LANE * (lane + 1)
        _arrow(sheet, pieces[source], pieces[to], at)
    return sheet.finish(_words(trace, tensors))


@dataclass(frozen=True)
class _Piece:
    """A tensor's box with the layers above it and its shape beside it.

    Parameters
    ----------
    tensor : Tensor
        The tensor.
    names : Column
        The layers that made it.
    middle, text : float
        Where the middle of the box and the left of all texts are, across.
    top : float
        Where the box's front starts, down.
    width, height, depth : float
        Of the box; the depth is drawn aslant, up and to the right.
    """

    tensor: Tensor
    names: Column
    middle: float
    text: float
    top: float
    width: float
    height: float
    depth: float

    @property
    def left(self) -> float:
        return self.middle - (self.width + self.depth) / 2

    @property
    def _label(self) -> tuple[Words, Words]:
        note = Words(self.tensor.note, NOTE_SIZE, "muted")
        return Words(self.tensor.words, weight="bold"), note

    @property
    def right(self) -> float:
        shape, note = self._label
        return self.text + max(self.names.width, shape.width + 4 + note.width)

    def draw(self, sheet: Sheet) -> None:
        self.names.draw(sheet, self.text, self.top - self.depth - self.names.height - 4)
        x, y, wide, deep = self.left, self.top, self.width, self.depth
        if deep:
            roof = [(x, y), (x + deep, y - deep), (x + wide + deep, y - deep), (x + wide, y)]
            sheet.shape(roof, "box")
            low, end = y + self.height, x + wide
            side = [(end, y), (end + deep, y - deep), (end + deep, low - deep), (end, low)]
            sheet.shape(side, "box")
        sheet.cell(x, y, wide, self.height, "output" if self.tensor.calls else "input")
        shape, note = self._label
        line = y + max(0.0, (self.height - LINE) / 2)
        shape.draw(sheet, self.text, line)
        note.draw(sheet, self.text + shape.width + 4, line)


def _pieces(trace: Trace, tensors: list[Tensor], left: float) -> list[_Piece]:
    """All boxes in one column below one another, the texts to the right of it."""
    longest = max((side for tensor in tensors for side in tensor.sides), default=1)
    unit = LARGEST_SIDE / max(longest, 1) ** 0.5
    sizes = [_size(tensor, unit) for tensor in tensors]
    column = max(wide + deep for wide, _, deep in sizes)
    text = left + column + 14
    marks = [(finding.index, finding.code) for finding in trace.findings]
    pieces = []
    y = EDGE
    for tensor, (wide, high, deep) in zip(tensors, sizes, strict=True):
        names = _names(tensor, marks, BUDGET - text)
        top = y + names.height + (6 if tensor.calls else 0) + deep
        pieces.append(_Piece(tensor, names, left + column / 2, text, top, wide, high, deep))
        y = top + max(high, LINE) + GAP
    return pieces


def _size(tensor: Tensor, unit: float) -> tuple[float, float, float]:
    """Width, height and depth: length and channels, or width, height and channels."""
    sides = [max(SMALLEST_SIDE, unit * side**0.5) for side in tensor.sides]
    match sides:
        case []:
            return SMALLEST_SIDE, SMALLEST_SIDE, 0.0
        case [features]:
            return features, SMALLEST_SIDE, 0.0
        case [channels, length]:
            return length, channels, 0.0
    return sides[-1], sides[-2], sides[-3] * SLANT


def _names(tensor: Tensor, marks: list[tuple[int, str]], room: float) -> Column:
    """The layers that made a tensor, and what is amiss with them."""
    words: list[Box] = []
    for call in tensor.calls:
        label = call.code if call.kind in call.code else call.kind
        name = f"{call.path}  {label}" if call.path else label
        words += [Words(line, NOTE_SIZE) for line in wrapped(name, room, NOTE_SIZE)]
        codes = (code for index, code in marks if index == call.index)
        words += [Words(f"! {code}", NOTE_SIZE, "window", "bold") for code in codes]
    return Column(tuple(words), gap=0)


def _arrow(sheet: Sheet, source: _Piece, to: _Piece, lane: float | None) -> None:
    """From a box down to the next, or around those between, in a lane at the left."""
    if lane is None:
        foot = (source.middle, source.top + source.height)
        sheet.arrow([foot, (to.middle, to.top - to.depth)])
        return
    start, end = source.top + 0.7 * source.height, to.top + 0.3 * to.height
    sheet.arrow([(source.left, start), (lane, start), (lane, end), (to.left, end)])


def _words(trace: Trace, tensors: list[Tensor]) -> str:
    """The picture's description."""
    parts = []
    for place, tensor in enumerate(tensors):
        if not tensor.calls:
            parts.append(f"{tensor.note} {tensor.words}")
            continue
        names = ", ".join(f"{call.path} {call.code}".strip() for call in tensor.calls)
        part = f"{names} {'gives' if len(tensor.calls) == 1 else 'give'} {tensor.words}"
        if tensor.sources and tensor.sources != (place - 1,):
            part += " from " + " and ".join(str(tensors[one].shape) for one in tensor.sources)
        parts.append(part)
    if len(parts) > MOST_TOLD:
        left_out = len(parts) - MOST_TOLD
        parts[MOST_TOLD - 1 : -1] = [f"{left_out} more"]
    return f"Shapes in {trace.model}: {'; '.join(parts)}."
