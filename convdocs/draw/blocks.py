"""The tensors of a trace that are worth a box; a real network's in blocks, so that it fits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from convdocs.report import MODEL_INPUT, Call, Shape, Trace
from convdocs.view.tree import Node, deepest, runs, span_of, tree

MOST_JOINED = 5  # layers named at one box
MOST_BOXES = 24
MOST_INSIDE = 5  # kinds named of what is inside a block


@dataclass
class Tensor:
    """One box: a tensor, the calls that made it (none for an input), and the boxes those read."""

    shape: Shape
    axes: str
    calls: tuple[Call, ...]
    sources: tuple[int, ...]
    batched: bool
    inputs: int = 0  # that it shows: a trace does not tell inputs of one shape apart

    def __post_init__(self) -> None:
        self.sides = self.shape[1:] if self.batched else self.shape
        self.words, self.note = str(self.shape), self.axes
        if not self.calls:
            self.note = "input" if self.inputs == 1 else f"{self.inputs} inputs"
        elif more := len(self.calls[-1].output_shapes) - 1:
            self.words += f" and {more} more"


def name_of(call: Call) -> str:
    return f"{call.path} {call.kind}".strip()


def boxes_of(trace: Trace) -> list[Tensor]:
    """The boxes in the order of execution; a layer that keeps the shape shares the one before."""
    inputs = Counter(trace.input_shapes)
    batched = _batched(trace)
    boxes = [Tensor(x, "", (), (), len(x) in batched, n) for x, n in inputs.items()]
    readers = Counter(source for call in trace.calls for source in set(call.sources))
    first = {x: place for place, x in enumerate(inputs)}
    at: dict[int, int] = {}  # the box of every call
    for call in (call for call in trace.calls if call.output_shapes):
        read = (
            at.get(source, first.get(shape, 0) if source == MODEL_INPUT and first else None)
            for source, shape in zip(call.sources, call.input_shapes, strict=False)
        )
        sources = tuple(dict.fromkeys(place for place in read if place is not None))
        shape, last = call.output_shapes[0], boxes[-1:]
        if (
            sources == (len(boxes) - 1,)
            and 0 < len(last[0].calls) < MOST_JOINED
            and last[0].shape == shape
            and readers[last[0].calls[-1].index] == 1
            and not call.windows
        ):  # it only changes numbers of a tensor that nothing else reads
            boxes[-1] = replace(last[0], axes=call.axes, calls=(*last[0].calls, call))
        else:
            boxes.append(Tensor(shape, call.axes, (call,), sources, len(shape) in batched))
        at[call.index] = len(boxes) - 1
    return boxes


def _batched(trace: Trace) -> set[int]:
    """Of how many axes the tensors with a batch are.

    A batch of sequences that a pool of two axes takes for one image is a batch all the same.
    """
    known = [call.axes for call in trace.calls if call.axes]
    ranks = {len(axes.split()) for axes in known if axes.startswith("N")}
    others = {len(axes.split()) for axes in known} - ranks
    single = bool(known) and not known[0].startswith("N")
    return ranks if single else set(range(2, 9)) - others


def lanes(edges: list[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """A lane for every edge so that edges in one lane do not overlap; short ones come first."""
    taken_by: dict[tuple[int, int], int] = {}
    for edge in sorted(edges, key=lambda edge: edge[1] - edge[0]):
        used = {taken_by[other] for other in taken_by if other[0] < edge[1] and edge[0] < other[1]}
        taken_by[edge] = next(lane for lane in range(len(edges)) if lane not in used)
    return taken_by


def by_blocks(trace: Trace, depth: int | None) -> Trace:
    """The trace with a call for each block: modules opened so deep, what repeats in one.

    Left out, the depth is what 24 boxes allow.
    """
    if depth is None and len(boxes_of(trace)) <= MOST_BOXES:
        return trace
    root = tree(trace)
    for level in range(deepest(root), 0, -1) if depth is None else (depth,):
        found = _joined(trace, list(_blocks(trace, root, level)))
        if len(boxes_of(found)) <= MOST_BOXES:
            break
    return found


def _blocks(trace: Trace, node: Node, depth: int) -> Iterator[tuple[range, Call]]:
    """Calls next to one another that are drawn as one, and a call that makes what they make."""
    for run in runs(node.inside):
        nodes = sorted((node for same in run for node in same), key=lambda node: node.first)
        first, last = nodes[0], nodes[-1]
        if last.last < first.first:
            continue  # a module that called nothing
        if len(nodes) == 1 and first.inside and depth > 1:
            yield from _blocks(trace, first, depth - 1)
            continue
        kind = ", ".join(same[0].kind for same in run)
        code = f"{len(run[0])} × {f'({kind})' if len(run) > 1 else kind}"
        if len(nodes) == 1:
            code = kind if first.call else f"{kind}{_inside(first)}"
            kind = first.call.kind if first.call else kind
        call = trace.calls[last.last]._replace(
            path=span_of(first.path, last.path), kind=kind, code=code
        )
        shapes = last.module.output_shapes if last.module else ()
        if shapes and shapes != call.output_shapes:
            call = call._replace(output_shapes=shapes, axes="")
        yield range(first.first, last.last + 1), call


def _inside(node: Node) -> str:
    """What a module holds, in words: " of Conv2d, BatchNorm2d, 3 × Bottleneck"."""
    names = [inner.call.kind if inner.call else inner.kind for inner in node.inside]
    counts = [(name, len(list(same))) for name, same in groupby(names)]
    words = [f"{times} × {name}" if times > 1 else name for name, times in counts]
    if len(words) > MOST_INSIDE:
        words[MOST_INSIDE - 1 :] = [f"{len(words) - MOST_INSIDE + 1} more"]
    return f" of {', '.join(words)}" if words else ""


def _joined(trace: Trace, blocks: list[tuple[range, Call]]) -> Trace:
    at = {index: place for place, (inside, _) in enumerate(blocks) for index in inside}
    calls = []
    for place, (inside, call) in enumerate(blocks):
        read = {  # what the calls inside read of other blocks
            at.get(source, source): shape
            for index in inside
            for source, shape in zip(
                trace.calls[index].sources, trace.calls[index].input_shapes, strict=False
            )
            if source not in inside
        }
        shapes, windows = tuple(read.values()), call.windows if len(inside) == 1 else ()
        calls.append(
            call._replace(index=place, input_shapes=shapes, sources=tuple(read), windows=windows)
        )
    findings = tuple(replace(f, index=at.get(f.index, f.index)) for f in trace.findings)
    return replace(trace, calls=tuple(calls), findings=findings, modules=())
