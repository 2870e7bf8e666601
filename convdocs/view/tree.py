"""The rows of a traced model's tree: to which depth, and what repeats folded into one row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from string import digits
from typing import TYPE_CHECKING, Any, NamedTuple

from convdocs.view.numbers import counted

if TYPE_CHECKING:
    from convdocs.report import Call, ModuleSummary, Trace

ROWS = 60  # that a reader looks through
LAST = 20  # calls shown before one that failed
LONGEST_PERIOD = 4  # rows that repeat together: a block, what is done to its output, ...


@dataclass
class Node:
    """A module or a call with what happened inside it."""

    path: str
    kind: str  # of a call, its code
    first: int
    last: int
    call: Call | None = None  # None for a container
    module: ModuleSummary | None = None  # None where the trace has no modules
    inside: list[Node] = field(default_factory=list)

    @cached_property
    def alike(self) -> tuple[Any, ...]:
        """The same for what does the same with tensors of the same shapes."""
        if call := self.call:
            return call.code, call.output_shapes, call.params, call.params_note != "", call.macs
        return self.kind, *(inner.alike for inner in self.inside)


class Row(NamedTuple):
    """A line of the table: a node, or several alike of which it is the last."""

    node: Node
    level: int
    times: int
    name: str  # in its container
    path: str
    first: int
    last: int


def tree(trace: Trace) -> Node:
    """The model as a node."""
    calls, modules = trace.calls, trace.modules
    root = Node("", trace.model, 0, len(calls) - 1)
    if not modules:
        root.inside = [Node(call.path, call.code, call.index, call.index, call) for call in calls]
    open_ = [root]
    following = (*(module.depth for module in modules[1:]), 0)
    for module, next_depth in zip(modules, following, strict=False):
        is_call = next_depth <= module.depth and module.first == module.last
        if module.depth == 0 and not is_call:
            root.module = module
            continue
        call = calls[module.first] if is_call else None
        kind = call.code if call else module.kind
        del open_[max(module.depth, 1) :]
        node = Node(module.path, kind, module.first, module.last, call, module)
        open_[-1].inside.append(node)
        open_.append(node)
    return root


def rows(
    trace: Trace, depth: int | None, fold: bool | None, *, page: bool = False
) -> tuple[list[Row], frozenset[int]]:
    """The rows of a table that can be read, and those whose inside is not shown at first.

    Without a depth it is one that gives some 60 rows; with ``fold`` None, what repeats is one
    row where there are more than that. A page has all rows, and opens them to the depth.
    """
    root = tree(trace)
    if trace.failed is not None:
        page = False
        if depth is None and fold is None:
            _join_before(len(trace.calls) - LAST, root)
            fold = False
    levels = max(deepest(root), 1)
    level, every = levels if depth is None else depth, _walk([root], 0, fold=bool(fold))

    def seen() -> list[Row]:
        return [row for row in every if row.level < level]

    if fold is None and len(seen()) > ROWS:
        every = _walk([root], 0, fold=True)
    while depth is None and (page or fold is None) and level > 1 and len(seen()) > ROWS:
        level -= 1
    if not page:
        return seen(), frozenset()
    if fold is None and level < levels:
        every = _walk([root], 0, fold=True)
    shut = (at for at, row in enumerate(every) if row.node.inside and row.level + 1 >= level)
    return every, frozenset(shut)


def deepest(node: Node) -> int:
    """How many levels are inside a node."""
    return 1 + max(map(deepest, node.inside), default=-1)


def _walk(parents: Sequence[Node], level: int, *, fold: bool) -> list[Row]:
    """The rows inside containers that are alike; each row stands for one node in every one."""
    parent, walked, at = parents[-1], list[Row](), 0
    for run in runs(parent.inside) if fold else [[[node]] for node in parent.inside]:
        for place, same in enumerate(run):
            places = range(at + place, at + place + len(run) * len(same), len(run))
            nodes = [every.inside[p] for every in parents for p in places]
            name, path = (span_of(some[0].path, some[-1].path) for some in (same, nodes))
            if name == parent.path:  # a function, or what came before
                name = f"({nodes[-1].call.kind})" if nodes[-1].call else ""
            name = name.removeprefix(f"{parent.path}.")
            ends = nodes[0].first, nodes[-1].last
            walked.append(Row(nodes[-1], level, len(nodes), name, path, *ends))
            walked += _walk(nodes, level + 1, fold=fold)
        at += sum(map(len, run))
    return walked


def span_of(first: str, last: str) -> str:
    """The names of the first and the last of several, what they share once: "blocks.0 to 11"."""
    if first == last:
        return first
    stem = last.rstrip(digits)
    if stem == first.rstrip(digits) and stem not in (first, last):
        return f"{first} to {last[len(stem) :]}"
    names = last.split(".")
    for name in first.split("."):
        if names[:1] != [name]:
            break
        del names[0]
    return f"{first} to {'.'.join(names)}"


def runs(nodes: list[Node]) -> list[list[list[Node]]]:
    """The nodes in runs: [[a, b, c]] for three alike, [[a, c, e], [b, d, f]] for two in turns."""
    grouped = []
    at = 0
    while at < len(nodes):
        period, times = _repeat(nodes, at)
        end = at + period * times
        grouped.append([nodes[at + place : end : period] for place in range(period)])
        at = end
    return grouped


def _repeat(nodes: list[Node], at: int) -> tuple[int, int]:
    """How many nodes from a place on repeat together, and how often."""
    best = (1, 1)
    for period in range(1, LONGEST_PERIOD + 1):
        end = at + period
        while end < len(nodes) and nodes[end].alike == nodes[end - period].alike:
            end += 1
        times = (end - at) // period
        needed = 2 if nodes[at].inside else 3
        if times >= needed and period * times > best[0] * best[1]:
            best = (period, times)
    return best


def _join_before(start: int, node: Node) -> None:
    """Put one node in place of what came before call ``start``, in each container."""
    before = [inner for inner in node.inside if inner.last < start]
    if before:
        first, last = before[0].first, before[-1].last
        words = f"{counted(last - first + 1, 'call')} before"
        node.inside[: len(before)] = [Node(node.path, words, first, last)]
    for inner in node.inside:
        _join_before(start, inner)
