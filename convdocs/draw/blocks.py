"""A trace in blocks: modules in place of the calls inside them, so that a real network fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from convdocs.draw.tensors import boxes_of
from convdocs.report import Call, Trace
from convdocs.view.tree import Node, deepest, runs, span_of, tree

MOST_BOXES = 24
MOST_INSIDE = 5  # kinds named of what is inside a block


class _Block(NamedTuple):
    """Calls next to one another that are drawn as one, which makes what ``node`` makes."""

    path: str
    kind: str
    code: str
    first: int
    last: int
    node: Node


def by_blocks(trace: Trace, depth: int | None) -> Trace:
    """The trace with a call for each block: modules opened so deep, what repeats in one.

    Left out, the depth is what 24 boxes allow.
    """
    if depth is None and len(boxes_of(trace)) <= MOST_BOXES:
        return trace
    root = tree(trace)
    for level in range(deepest(root), 0, -1) if depth is None else (depth,):
        found = _joined(trace, list(_blocks(root, level)))
        if len(boxes_of(found)) <= MOST_BOXES:
            break
    return found


def _blocks(node: Node, depth: int) -> Iterator[_Block]:
    for run in runs(node.inside):
        nodes = sorted((node for same in run for node in same), key=lambda node: node.first)
        first, last = nodes[0], nodes[-1]
        if last.last < first.first:
            continue  # a module that called nothing
        if len(nodes) == 1 and first.inside and depth > 1:
            yield from _blocks(first, depth - 1)
            continue
        kind = ", ".join(same[0].kind for same in run)
        code = f"{len(run[0])} × {f'({kind})' if len(run) > 1 else kind}"
        if len(nodes) == 1:
            code = kind if first.call else f"{kind}{_inside(first)}"
            kind = first.call.kind if first.call else kind
        yield _Block(span_of(first.path, last.path), kind, code, first.first, last.last, last)


def _inside(node: Node) -> str:
    """What a module holds, in words: " of Conv2d, BatchNorm2d, 3 × Bottleneck"."""
    names = [inner.call.kind if inner.call else inner.kind for inner in node.inside]
    counts = [(name, len(list(same))) for name, same in groupby(names)]
    words = [f"{times} × {name}" if times > 1 else name for name, times in counts]
    if len(words) > MOST_INSIDE:
        words[MOST_INSIDE - 1 :] = [f"{len(words) - MOST_INSIDE + 1} more"]
    return f" of {', '.join(words)}" if words else ""


def _joined(trace: Trace, blocks: list[_Block]) -> Trace:
    at = {call: place for place, b in enumerate(blocks) for call in range(b.first, b.last + 1)}
    calls = tuple(_call(trace, place, block, at) for place, block in enumerate(blocks))
    findings = tuple(replace(f, index=at.get(f.index, f.index)) for f in trace.findings)
    return replace(trace, calls=calls, findings=findings, modules=())


def _call(trace: Trace, place: int, block: _Block, at: dict[int, int]) -> Call:
    """One call in place of a block's: it reads what they read of other blocks."""
    inside = trace.calls[block.first : block.last + 1]
    read = {
        at.get(source, source): shape
        for call in inside
        for source, shape in zip(call.sources, call.input_shapes, strict=False)
        if not block.first <= source <= block.last
    }
    module, last = block.node.module, inside[-1]
    shapes = module.output_shapes if module and module.output_shapes else last.output_shapes
    return last._replace(
        index=place,
        path=block.path,
        kind=block.kind,
        code=block.code,
        input_shapes=tuple(read.values()),
        output_shapes=shapes,
        axes=last.axes if shapes == last.output_shapes else "",
        sources=tuple(read),
        windows=last.windows if len(inside) == 1 else (),
    )
