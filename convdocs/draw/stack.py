"""A network's shapes: a box for every tensor, the layers between them, branches and skips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from matplotlib.figure import Figure

from convdocs.draw.blocks import Tensor, boxes_of, by_blocks, lanes
from convdocs.draw.boxes import MIDDLE, WIDE, Box, Column, Row, Words, flow, lines
from convdocs.draw.picture import shared, show
from convdocs.draw.plane import field
from convdocs.draw.scene import DrawError
from convdocs.draw.sheet import NOTE_SIZE, Place, Sheet, text_width
from convdocs.report import Trace
from convdocs.view.numbers import counted

TALLEST = 62.0  # points of the most channels, and of the longest side
SHORTEST = 26.0  # the same where there are many boxes
AT_FULL_SIZE = 12  # boxes; with more of them, names are on fewer lines as well
SMALLEST = 3.0
SLANT = 0.35  # of the depth
LANE = 9.0
GAP = 11.0  # between a box and the next
MOST_TENSORS = 150
MOST_NAMED = 24  # tensors in the description


def stack(
    *traces: Trace,
    depth: int | None = None,
    titles: Sequence[str] | None = None,
    title: str = "",
    caption: str | None = None,
    fig: Place | None = None,
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
        repeat. Left out, so deep that some 24 boxes are enough.
    titles : sequence of str, optional
        What each stack is called; the models' names when left out.
    title, caption, fig : optional
        As in :func:`convdocs.draw.layer`; no title when left out.

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
    names = [trace.model for trace in traces] if titles is None else titles
    if len(names) != len(traces):
        raise DrawError(f"{len(names)} titles for {len(traces)} stacks; give each one its title")
    pairs = [(trace, boxes_of(trace)) for trace in traces]
    for trace, tensors in pairs:
        if not tensors:
            raise DrawError(f"{trace.model} was traced without a tensor: there is no shape to draw")
        if len(tensors) > MOST_TENSORS:
            raise DrawError(
                f"{trace.model} makes {len(tensors)} tensors of different shape or use, more than "
                f"the {MOST_TENSORS} that can be read in a picture; trace a part of it, such as "
                f"one block"
            )
    scale = _Scale([tensor for _, tensors in pairs for tensor in tensors])
    alts = [_alt(*pair) for pair in pairs]
    if len(traces) > 1:
        alts = [f"{name}: {alt}" for name, alt in zip(names, alts, strict=True)]
    sides = "as high as it has channels, as wide as it is long"
    if scale.flat:
        sides = "its front is the map, its depth the channels"
    if scale.vectors:
        sides = "as high as it has features"
    elif scale.mixed:
        sides += "; vectors are not to scale"

    def body(room: float) -> Box:
        side = shared(room, 20, min(len(pairs), 2))
        placed = [_Stack(*pair, scale, side) for pair in pairs]
        if side < room and len({len(stack.heights) for stack in placed}) == 1:  # level
            level = [max(row) for row in zip(*(stack.heights for stack in placed), strict=True)]
            for stack in placed:
                stack.place(level)
        boxes = (stack.titled(name) for name, stack in zip(names, placed, strict=True))
        return Column((flow(boxes, room, 20), Row(scale.legend(), 18, MIDDLE)), gap=10)

    thumb = Row([_Stack(*pair, scale, named=False) for pair in pairs[:2]], gap=40)
    words = f"Each box is a tensor, to scale: {sides}."
    return show(body, " ".join(alts), (title, ""), "", (caption, words), thumb, fig)


class _Scale:
    """Points per channel and per cell, the same for all boxes of a picture.

    Vectors after a flatten are left out: one of 25,088 features would make all others flat.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        maps = [tensor.sides for tensor in tensors if len(tensor.sides) > 1]
        sides = maps or [tensor.sides for tensor in tensors if tensor.sides]
        most = max((axes[0] for axes in sides), default=1)
        longest = max((side for axes in maps for side in axes[1:][-2:]), default=1)
        self.dense = len(tensors) > AT_FULL_SIZE
        self.tallest = max(SHORTEST, TALLEST * min(1.0, AT_FULL_SIZE / max(len(tensors), 1)))
        self.channel, self.cell = self.tallest / max(most, 1), self.tallest / max(longest, 1)
        self.flat = any(len(axes) > 2 for axes in maps)
        self.vectors = not maps
        self.mixed = bool(maps) and any(len(tensor.sides) == 1 for tensor in tensors)

    def size(self, tensor: Tensor) -> tuple[float, float, float]:
        """Width, height and depth: length and channels, or width, height and channels."""
        sides = tensor.sides
        channels = max(SMALLEST, (sides or (0,))[0] * self.channel)
        if len(sides) < 2:
            return 8.0, min(self.tallest, channels), 0.0
        wide, high = (max(SMALLEST, side * self.cell) for side in (sides[-1], sides[-2]))
        return (wide, channels, 0.0) if len(sides) == 2 else (wide, high, channels * SLANT)

    def legend(self) -> Iterator[Row]:
        """Bars of a round number of channels and of cells, 12 points long or more."""
        channel = self.channel * (SLANT if self.flat else 1)
        name = "feature" if self.vectors else "channel"
        bars = ((channel, name, True), (self.cell, "cell", False))
        for unit, name, upright in bars[: 1 if self.vectors else 2]:
            count = next(2**power for power in range(64) if 2**power * unit >= 12)
            wide, high = (6.0, count * unit) if upright else (count * unit, 6.0)
            bar = field((1, 1), "output", (wide, high))
            words = Words(counted(count, name), NOTE_SIZE, "muted")
            yield Row((bar, words), gap=6, align=MIDDLE)


class _Stack(Box):
    """The boxes of one trace below one another, the texts to the right of them."""

    def __init__(
        self,
        trace: Trace,
        tensors: list[Tensor],
        scale: _Scale,
        room: float = WIDE,
        *,
        named: bool = True,
    ) -> None:
        self.tensors = tensors
        ways = [(source, to) for to, box in enumerate(tensors) for source in box.sources]
        skips = lanes([way for way in ways if way[1] - way[0] > 1])
        self.ways = {way: skips.get(way) for way in ways}  # those in a lane pass over other boxes
        self.sizes = [scale.size(tensor) for tensor in tensors]
        labelled = named and not scale.dense
        self.labels = [" × ".join(map(str, one.sides)) if labelled else "" for one in tensors]
        margin = LANE * max(skips.values(), default=-1) + LANE + 4 if skips else 0.0
        margin += max(text_width(label, NOTE_SIZE) for label in self.labels) + 5
        column = max(wide + deep for wide, _, deep in self.sizes)
        self.middle, self.left = margin + column / 2, margin + column + 12 * named
        self.texts = [
            _text(trace, tensors, tensor, scale.dense, room - self.left) if named else Column(())
            for tensor in tensors
        ]
        rows = zip(self.sizes, self.texts, strict=True)
        self.place([max(high + deep, text.height) for (_, high, deep), text in rows])

    def place(self, heights: list[float]) -> None:
        """Put the boxes below one another, in rows of given heights."""
        self.heights = heights
        self.tops = list(accumulate((height + GAP for height in heights), initial=0.0))
        self.fronts = [  # upper left corners; the depth goes up and to the right
            (self.middle - (wide + deep) / 2, top + (height - high - deep) / 2 + deep)
            for (wide, high, deep), top, height in zip(self.sizes, self.tops, heights, strict=False)
        ]
        super().__init__(max(text.width for text in self.texts) + self.left, self.tops[-1] - GAP)

    def draw(self, sheet: Sheet, x: float, y: float) -> None:
        for at, text in enumerate(self.texts):
            text.draw(
                sheet, x + self.left, y + self.tops[at] + (self.heights[at] - text.height) / 2
            )
            self._box(sheet, x, y, at)
        for (source, to), lane in self.ways.items():
            (_, above, _), (_, below, deep) = self.sizes[source], self.sizes[to]
            (_, start), (left, end) = self.fronts[source], self.fronts[to]
            way = [(self.middle, start + above), (self.middle, end - deep)]  # to the next box
            if lane is not None:  # past those between, at the left
                start, end = start + 0.7 * above, end + 0.3 * below
                across = self.fronts[source][0], LANE * lane, LANE * lane, left
                way = list(zip(across, (start, start, end, end), strict=True))
            sheet.arrow([(x + right, y + down) for right, down in way])

    def _box(self, sheet: Sheet, x: float, y: float, at: int) -> None:
        (wide, high, deep), (left, top) = self.sizes[at], self.fronts[at]
        left, top = x + left, y + top
        if deep:
            low, end, back = top + high, left + wide, top - deep
            sheet.shape([(left, top), (left + deep, back), (end + deep, back), (end, top)], "box")
            side = [(end, top), (end + deep, back), (end + deep, low - deep), (end, low)]
            sheet.shape(side, "box")
        sheet.cell(left, top, wide, high, "output" if self.tensors[at].calls else "input")
        label, middle = self.labels[at], top + high / 2
        if text_width(label, NOTE_SIZE) + 6 <= wide and high >= NOTE_SIZE + 4:
            sheet.text(left + wide / 2, middle, label, size=NOTE_SIZE)
        elif label:
            sheet.text(left - 4, middle, label, size=NOTE_SIZE, align="right", role="muted")


def _text(trace: Trace, tensors: list[Tensor], tensor: Tensor, dense: bool, room: float) -> Column:
    """The layers that made a tensor, what is amiss with them, its shape, and what they changed."""
    kinds = (call.code if call.kind in call.code else call.kind for call in tensor.calls)
    names = [f"{call.path}  {kind}".strip() for call, kind in zip(tensor.calls, kinds, strict=True)]
    made = [lines(name, room, role="ink") for name in ([", ".join(names)] if dense else names)]
    within = {call.index for call in tensor.calls}
    codes = dict.fromkeys(one.code for one in trace.findings if one.index in within)
    wrong = [Words(f"! {code}", NOTE_SIZE, "window", "bold") for code in codes]
    shape = Words(tensor.words, weight="bold"), Words(tensor.note, NOTE_SIZE, "muted")
    change = lines(_change(tensor, [tensors[source] for source in tensor.sources]), room)
    return Column((*made, *wrong, flow((Row(shape, 4, MIDDLE), change), room, 8, MIDDLE, 0)), gap=0)


def _change(tensor: Tensor, sources: list[Tensor]) -> str:
    """Which axes became longer or shorter: "C 32 → 16 (half)"."""
    if len(sources) != 1 or len(sources[0].shape) != len(tensor.shape):
        return ""
    names = tensor.axes.split() or [f"axis {place}" for place in range(len(tensor.shape))]
    axes: dict[str, list[str]] = {}
    for name, a, b in zip(names, sources[0].shape, tensor.shape, strict=False):
        if a != b:
            change = f"{a} → {b}{' (half)' if a > 1 and b == a // 2 else ''}"
            axes.setdefault(change, []).append(name)
    return ", ".join(f"{' '.join(names)} {change}" for change, names in axes.items())


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
