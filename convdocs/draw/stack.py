"""A network's shapes: a box for every tensor, the layers between them, branches and skips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from matplotlib.figure import Figure, SubFigure

from convdocs.draw.blocks import by_blocks
from convdocs.draw.boxes import MIDDLE, Box, Column, Row, Words, flow, page, titled, wrapped
from convdocs.draw.picture import PHONE, show
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Sheet, text_width
from convdocs.draw.tensors import Tensor, boxes_of, lanes
from convdocs.report import Call, Trace

TALLEST = 62.0  # points of the most channels, and of the longest side
SHORTEST = 26.0  # the same where there are many boxes
AT_FULL_SIZE = 12  # boxes; with more of them, names are on fewer lines as well
SMALLEST = 3.0
SLANT = 0.35  # of the depth
LANE = 9.0
GAP = 11.0  # between a box and the next layer's name
LINE = 13.0
MOST_TENSORS = 150
MOST_NAMED = 24  # tensors in the description


def stack(
    *traces: Trace,
    depth: int | None = None,
    titles: Sequence[str] | None = None,
    title: str = "",
    caption: str | None = None,
    fig: Figure | SubFigure | None = None,
) -> Figure:
    """Draw the shapes a network makes, from its input down to its output.

    Heights are channels and widths the length; for a feature map of two dimensions the front is
    the map and the depth its channels. All are to scale: a halving is half as high. Of several
    traces the stacks are side by side, in one scale; on a phone one above the other.

    Parameters
    ----------
    *traces : Trace
        From :func:`convdocs.trace`.
    depth : int, optional
        How deep modules are opened: a module that is not is one box, and so are blocks that
        repeat. Left out, so deep that some 40 boxes are enough.
    titles : sequence of str, optional
        What each stack is called; the models' names when left out.
    title, caption : str, optional
        What is written above all and below; no title, and a sentence, when left out.
    fig : matplotlib Figure or SubFigure, optional
        Where to draw; a new Figure when left out.

    Examples
    --------
    >>> import convdocs
    >>> from torch import nn
    >>> found = convdocs.trace(nn.Sequential(nn.Conv1d(10, 16, 3), nn.ReLU()), (2, 10, 7))
    >>> convdocs.draw.describe(convdocs.draw.stack(found))
    'Shapes in Sequential: input (2, 10, 7); 0 Conv1d(10, 16, 3), 1 ReLU() give (2, 16, 5).'
    """
    if not traces:
        raise DrawError("stack draws a trace: draw.stack(convdocs.trace(model, shape))")
    traces = tuple(by_blocks(trace, depth) for trace in traces)
    names = [trace.model for trace in traces] if titles is None else list(titles)
    if len(names) != len(traces):
        raise DrawError(f"{len(names)} titles for {len(traces)} stacks; give each one its title")
    tensors = [_tensors(trace) for trace in traces]
    scale = _Scale([tensor for some in tensors for tensor in some])
    stacks = [_Stack(*pair, scale) for pair in zip(traces, tensors, strict=True)]
    alts = [_alt(*pair) for pair in zip(traces, tensors, strict=True)]
    if len(traces) > 1:
        alts = [f"{name}: {alt}" for name, alt in zip(names, alts, strict=True)]
    sides = "its front is the map, its depth the channels" if scale.flat else (
        "as high as it has channels, as wide as it is long")  # fmt: skip
    words = f"Each box is a tensor, to scale: {sides}." if caption is None else caption
    thumb = Row(tuple(replace(one, named=False) for one in stacks[:2]), gap=40)
    layout = partial(_page, title, names, stacks, scale)
    return show(layout, " ".join(alts), words, thumb=thumb, place=fig)


def _tensors(trace: Trace) -> list[Tensor]:
    tensors = boxes_of(trace)
    if not tensors:
        raise DrawError(f"{trace.model} was traced without a tensor: there is no shape to draw")
    if len(tensors) > MOST_TENSORS:
        raise DrawError(
            f"{trace.model} makes {len(tensors)} tensors of different shape or use, more than the "
            f"{MOST_TENSORS} that can be read in a picture; trace a part of it, such as one block"
        )
    return tensors


def _page(title: str, names: list[str], stacks: list[_Stack], scale: _Scale, room: float) -> Box:
    side = room if len(stacks) == 1 or room <= PHONE else (room - 20) / 2
    placed = [replace(stack, room=side) for stack in stacks]
    if side < room and len({len(stack.tensors) for stack in placed}) == 1:  # level with each other
        heights = ([piece.names.height for piece in stack.pieces] for stack in placed)
        least = tuple(map(max, *heights))
        placed = [replace(stack, least=least) for stack in placed]
    boxes = [titled(stack, name) for name, stack in zip(names, placed, strict=True)]
    legend = Row((_Bar(scale.channel * (SLANT if scale.flat else 1), "channels", upright=True),
                  _Bar(scale.cell, "cells", upright=False)), gap=18, align=MIDDLE)  # fmt: skip
    return page(room, title, "", flow(boxes, room, 20), legend, gap=10)


class _Scale:
    """Points per channel and per cell, the same for all boxes of a picture.

    Vectors after a flatten are left out: one of 25,088 features would make all others flat.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        maps = [tensor.sides for tensor in tensors if len(tensor.sides) > 1]
        sides = maps or [tensor.sides for tensor in tensors if tensor.sides]
        most = max((axes[-min(len(axes), 3)] for axes in sides), default=1)
        longest = max((side for axes in maps for side in axes[1:][-2:]), default=1)
        self.dense = len(tensors) > AT_FULL_SIZE
        self.tallest = max(SHORTEST, TALLEST * min(1.0, AT_FULL_SIZE / max(len(tensors), 1)))
        self.channel, self.cell = self.tallest / max(most, 1), self.tallest / max(longest, 1)
        self.flat = any(len(axes) > 2 for axes in maps)

    def size(self, tensor: Tensor) -> tuple[float, float, float]:
        """Width, height and depth: length and channels, or width, height and channels."""
        sides = tensor.sides
        cells = [max(SMALLEST, side * self.cell) for side in sides]
        channels = max(SMALLEST, (sides or (0,))[-min(len(sides), 3)] * self.channel)
        match len(sides):
            case 0 | 1:
                return 8.0, min(self.tallest, channels), 0.0
            case 2:
                return cells[1], channels, 0.0
        return cells[-1], cells[-2], channels * SLANT


@dataclass(frozen=True)
class _Bar:
    """A bar of a round number of something, 12 points long or more, with its name."""

    unit: float
    name: str
    upright: bool

    @property
    def _size(self) -> tuple[float, float, str]:
        count = 1
        while count * self.unit < 12:
            count *= 2
        words = f"{count} {self.name if count > 1 else self.name[:-1]}"
        length = count * self.unit
        return (6.0, length, words) if self.upright else (length, 6.0, words)

    @property
    def width(self) -> float:
        return self._size[0] + 6 + text_width(self._size[2], NOTE_SIZE)

    @property
    def height(self) -> float:
        return max(self._size[1], LINE)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        wide, high, words = self._size
        sheet.cell(x, y + (self.height - high) / 2, wide, high, "output")
        middle = y + self.height / 2
        sheet.text(x + wide + 6, middle, words, size=NOTE_SIZE, role="muted", align="left")


@dataclass(frozen=True)
class _Stack:
    """The boxes of one trace below one another, the texts to the right of them."""

    trace: Trace
    tensors: list[Tensor]
    scale: _Scale
    room: float = 1e9
    named: bool = True
    least: tuple[float, ...] = ()  # points of the names above each box

    @cached_property
    def _ways(self) -> dict[tuple[int, int], int | None]:
        """From box to box, those that pass over others in a lane at the left."""
        ways = [(source, to) for to, box in enumerate(self.tensors) for source in box.sources]
        skips = lanes([way for way in ways if way[1] - way[0] > 1])
        return {way: skips.get(way) for way in ways}

    @cached_property
    def pieces(self) -> list[_Piece]:
        """The boxes with their places."""
        sizes = [self.scale.size(tensor) for tensor in self.tensors]
        column = max(wide + deep for wide, _, deep in sizes)
        labels = [
            _label(one) if self.named and not self.scale.dense else "" for one in self.tensors
        ]
        most = max((lane + 1 for lane in self._ways.values() if lane is not None), default=0)
        left = (
            max(text_width(label, NOTE_SIZE) for label in labels)
            + 5
            + (LANE * most + 4) * (most > 0)
        )
        text, y, pieces = left + column + 12, 0.0, list[_Piece]()
        for place, (tensor, size) in enumerate(zip(self.tensors, sizes, strict=True)):
            names = self._names(tensor, self.room - text) if self.named else Column(())
            least = self.least[place] if self.least else 0.0
            across = left + column / 2
            upper, top, lower, y = self._down(y, tensor, size, names, least)
            piece = _Piece(tensor, names, self._shape(tensor), labels[place], across, text,
                           upper, top, lower, size, self.named)  # fmt: skip
            pieces.append(piece)
        return pieces

    def _down(
        self,
        y: float,
        tensor: Tensor,
        size: tuple[float, float, float],
        names: Column,
        least: float,
    ) -> tuple[float, float, float, float]:
        """Where a tensor's names, its box, its shape, and the next tensor are.

        Names are above the box, or beside it where there are many boxes.
        """
        _, high, deep = size
        if not self.named:
            top = y + deep
            return y, top, top, top + high + GAP
        if self.scale.dense:
            row = max(deep + high, names.height + LINE)
            upper = y + (row - names.height - LINE) / 2
            return upper, y + deep + (row - deep - high) / 2, upper + names.height, y + row + GAP
        top = y + max(0.0, names.height, least) + (5 if tensor.calls else 0) + deep
        lower = top + max(0.0, (high - LINE) / 2)
        return top - deep - names.height - 4, top, lower, top + max(high, LINE) + GAP

    def _shape(self, tensor: Tensor) -> Row:
        """A tensor's shape, what its axes mean, and, where there are many boxes, what changed."""
        words = [Words(tensor.words, weight="bold"), Words(tensor.note, NOTE_SIZE, "muted")]
        if self.scale.dense and (change := self._change(tensor)):
            words.append(Words(f"  {change}", NOTE_SIZE, "muted"))
        return Row(tuple(words), gap=4, align=MIDDLE)

    @property
    def width(self) -> float:
        return max(piece.right for piece in self.pieces)

    @property
    def height(self) -> float:
        last = self.pieces[-1]
        box = last.top + max(last.size[1], LINE if self.named else 0)
        return max(box, last.lower + LINE if self.named else 0)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        for piece in self.pieces:
            piece.draw(sheet, x, y)
        for (source, to), lane in self._ways.items():
            points = _arrow(self.pieces[source], self.pieces[to], lane)
            sheet.arrow([(x + right, y + down) for right, down in points])

    def _change(self, tensor: Tensor) -> str:
        return _change(tensor, [self.tensors[source] for source in tensor.sources])

    def _names(self, tensor: Tensor, room: float) -> Column:
        """The layers that made a tensor, what is amiss with them, and what they changed."""
        words: list[Box] = []
        names = [_call_words(call) for call in tensor.calls]
        for name in [", ".join(names)] if self.scale.dense else names:
            words += [Words(line, NOTE_SIZE) for line in wrapped(name, room, NOTE_SIZE)]
        within = {call.index for call in tensor.calls}
        codes = dict.fromkeys(one.code for one in self.trace.findings if one.index in within)
        words += [Words(f"! {code}", NOTE_SIZE, "window", "bold") for code in codes]
        if not self.scale.dense and (change := self._change(tensor)):
            words.append(Words(change, NOTE_SIZE, "muted"))
        return Column(tuple(words), gap=0)


@dataclass(frozen=True)
class _Piece:
    """A tensor's box with the layers above it and its shape beside it; places are those of the
    stack, the depth is drawn aslant, up and to the right.
    """

    tensor: Tensor
    names: Column
    shape: Row
    label: str
    middle: float
    text: float
    upper: float
    top: float
    lower: float
    size: tuple[float, float, float]
    named: bool

    @property
    def left(self) -> float:
        return self.middle - (self.size[0] + self.size[2]) / 2

    @property
    def right(self) -> float:
        if not self.named:
            return self.left + self.size[0] + self.size[2]
        return self.text + max(self.names.width, self.shape.width)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        left, top, (wide, high, deep) = x + self.left, y + self.top, self.size
        if deep:
            low, end, back = top + high, left + wide, top - deep
            sheet.shape([(left, top), (left + deep, back), (end + deep, back), (end, top)], "box")
            sheet.shape([(end, top), (end + deep, back), (end + deep, low - deep), (end, low)],
                        "box")  # fmt: skip
        sheet.cell(left, top, wide, high, "output" if self.tensor.calls else "input")
        if not self.named:
            return
        self.names.draw(sheet, x + self.text, y + self.upper)
        self.shape.draw(sheet, x + self.text, y + self.lower)
        label, middle = self.label, top + high / 2
        if text_width(label, NOTE_SIZE) + 6 <= wide and high >= NOTE_SIZE + 4:
            sheet.text(left + wide / 2, middle, label, size=NOTE_SIZE)
        else:
            sheet.text(left - 4, middle, label, size=NOTE_SIZE, align="right", role="muted")


def _label(tensor: Tensor) -> str:
    return " × ".join(map(str, tensor.sides))


def _call_words(call: Call) -> str:
    label = call.code if call.kind in call.code else call.kind
    return f"{call.path}  {label}" if call.path else label


def _change(tensor: Tensor, sources: list[Tensor]) -> str:
    """Which axes became longer or shorter: "C 32 → 16 (half)"."""
    if len(sources) != 1 or len(sources[0].shape) != len(tensor.shape):
        return ""
    names = tensor.axes.split() or [f"axis {place}" for place in range(len(tensor.shape))]
    return ", ".join(
        f"{name} {a} → {b}{' (half)' if a > 1 and b == a // 2 else ''}"
        for name, a, b in zip(names, sources[0].shape, tensor.shape, strict=False)
        if a != b
    )


def _arrow(source: _Piece, to: _Piece, lane: int | None) -> list[tuple[float, float]]:
    """From a box down to the next, or around those between, in a lane at the left."""
    if lane is None:
        return [(source.middle, source.top + source.size[1]), (to.middle, to.top - to.size[2])]
    start, end = source.top + 0.7 * source.size[1], to.top + 0.3 * to.size[1]
    return [(source.left, start), (LANE * lane, start), (LANE * lane, end), (to.left, end)]


def _alt(trace: Trace, tensors: list[Tensor]) -> str:
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
    if len(parts) > MOST_NAMED:
        parts[MOST_NAMED - 1 : -1] = [f"{len(parts) - MOST_NAMED} more"]
    return f"Shapes in {trace.model}: {'; '.join(parts)}."
