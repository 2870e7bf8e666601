"""The rows of a traced model's tree: to which depth, and what repeats folded into one row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from convdocs.report import Call, ModuleSummary, Trace

ROWS = 60  # that a reader looks through
LAST = 20  # calls shown before one that failed
LONGEST_PERIOD = 4  # rows that repeat together: a block, what is done to its output, ...


@dataclass(slots=True)
class Node:
    """A module or a call with what happened inside it.

    Parameters
    ----------
    path, kind : str
        As in a ModuleSummary; for a call the code is its kind.
    first, last : int
        Of its calls.
    call : Call or None
        None for a container.
    module : ModuleSummary or None
        None for a call of a trace that has no modules.
    inside : list of Node
        In order of execution.
    alike : int
        A number that nodes share which do the same with tensors of the same shapes.
    """

    path: str
    kind: str
    first: int
    last: int
    call: Call | None = None
    module: ModuleSummary | None = None
    inside: list[Node] = field(default_factory=list)
    alike: int = 0


class Row(NamedTuple):
    """A line of the table: a node, or several alike of which it is the last.

    Parameters
    ----------
    node : Node
        Whose output is shown.
    level : int
        How far it is moved in.
    times : int
        How many nodes the row sums.
    name, path : str
        In its container, and in the model.
    first, last : int
        The calls that the row is about.
    """

    node: Node
    level: int
    times: int
    name: str
    path: str
    first: int
    last: int


def tree(trace: Trace) -> Node:
    """The model as a node."""
    root = Node("", trace.model, 0, len(trace.calls) - 1)
    known: dict[Any, int] = {}
    open_ = [(-1, root)]
    for depth, node in _nodes(trace):
        while open_[-1][0] >= depth:
            _name(open_.pop()[1], known)
        if depth == 0 and node.call is None:
            root.module = node.module
            continue
        open_[-1][1].inside.append(node)
        open_.append((depth, node))
    for _, node in reversed(open_):
        _name(node, known)
    return root


def _nodes(trace: Trace) -> Iterator[tuple[int, Node]]:
    calls = trace.calls
    if not trace.modules:
        for call in calls:
            yield 1, Node(call.path, call.code, call.index, call.index, call)
        return
    modules = trace.modules
    for place, module in enumerate(modules):
        following = modules[place + 1].depth if place + 1 < len(modules) else 0
        is_call = following <= module.depth and module.first == module.last
        made = calls[module.first] if is_call else None
        kind = made.code if made else module.kind
        yield module.depth, Node(module.path, kind, module.first, module.last, made, module)


def _name(node: Node, known: dict[Any, int]) -> None:
    """Number a node whose inside is numbered."""
    key: Any
    if (call := node.call) is None:
        key = (node.kind, tuple([inner.alike for inner in node.inside]))
    else:
        key = (call.code, call.output_shapes, call.params, call.params_note != "", call.macs)
    node.alike = known.setdefault(key, len(known))


def rows(trace: Trace, depth: int | None = None, *, fold: bool | None = None) -> list[Row]:
    """The rows of a table that can be read.

    Parameters
    ----------
    trace : Trace
        The run.
    depth : int or None
        How deep containers are opened; None for the depth that gives some 60 rows.
    fold : bool or None
        Whether what repeats is one row; None for where there are more than 60 rows otherwise.
    """
    root = tree(trace)
    if trace.failed is not None and depth is None and fold is None:
        return _named(_up_to(root, len(trace.calls) - LAST, 0))
    return _named(_fitting(root, depth, fold)[0])


def all_rows(
    trace: Trace, depth: int | None = None, *, fold: bool | None = None
) -> tuple[list[Row], frozenset[int]]:
    """The rows to any depth, and those of them whose inside is not shown at first."""
    root = tree(trace)
    shown, depth = _fitting(root, depth, fold)
    levels = deepest(root)
    if fold is None and (levels > depth or any(row.times > 1 for row in shown)):
        fold = True
    found = list(_walk([root.inside], 0, levels, fold=bool(fold)))
    shut = (at for at, row in enumerate(found) if row.node.inside and row.level + 1 >= depth)
    return _named(found), frozenset(shut)


def _fitting(root: Node, depth: int | None, fold: bool | None) -> tuple[list[Row], int]:
    """The rows to the wanted depth, or to the depth that gives some 60, and that depth."""
    wanted = deepest(root) if depth is None else depth
    if fold is not None or _size(root, wanted) <= ROWS:
        return list(_walk([root.inside], 0, wanted, fold=bool(fold))), wanted
    for level in (wanted,) if depth is not None else range(wanted, 0, -1):
        found = list(_walk([root.inside], 0, level, fold=True))
        if len(found) <= ROWS:
            break
    return found, level


def deepest(node: Node) -> int:
    """How many levels are inside a node."""
    return 1 + max(map(deepest, node.inside), default=-1)


def _size(node: Node, depth: int) -> int:
    """How many rows are inside a node when nothing is folded."""
    return len(node.inside) + sum(_size(inner, depth - 1) for inner in node.inside) if depth else 0


def _walk(alike: Sequence[list[Node]], level: int, depth: int, *, fold: bool) -> Iterator[Row]:
    """The rows inside containers that are alike; each row stands for one node in every one."""
    if level >= depth:
        return
    nodes = alike[-1]
    found = runs(nodes) if fold else [[[node]] for node in nodes]
    at = 0
    for run in found:
        for place, same in enumerate(run):
            places = range(at + place, at + place + len(run) * len(same), len(run))
            every = [inside[p] for inside in alike for p in places]
            yield _row(every, level, same)
            yield from _walk([node.inside for node in every], level + 1, depth, fold=fold)
        at += sum(map(len, run))


def _row(nodes: Sequence[Node], level: int, named: Sequence[Node]) -> Row:
    name, path = (span_of(some[0].path, some[-1].path) for some in (named, nodes))
    return Row(nodes[-1], level, len(nodes), name, path, nodes[0].first, nodes[-1].last)


def span_of(first: str, last: str) -> str:
    """The names of the first and the last of several, what they share once: "blocks.0 to 11"."""
    if first == last:
        return first
    number = re.search(r"\d+$", last)
    if number and re.fullmatch(re.escape(last[: number.start()]) + r"\d+", first):
        return f"{first} to {number[0]}"
    shared = 0
    for one, other in zip(first.split("."), last.split("."), strict=False):
        if one != other:
            break
        shared += len(one) + 1
    return f"{first} to {last[shared:]}"


def runs(nodes: list[Node]) -> list[list[list[Node]]]:
    """The nodes in runs: [[a, b, c]] for three alike, [[a, c, e], [b, d, f]] for two in turns."""
    found = []
    at = 0
    while at < len(nodes):
        period, times = _repeat(nodes, at)
        end = at + period * times
        found.append([nodes[at + place : end : period] for place in range(period)])
        at = end
    return found


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


def _up_to(node: Node, start: int, level: int) -> Iterator[Row]:
    """The calls from ``start`` on, one by one; what came before them in one row a container."""
    before = [inner for inner in node.inside if inner.last < start]
    if before:
        merged = Node(node.path, "", before[0].first, before[-1].last)
        calls = merged.last - merged.first + 1
        merged.kind = f"{calls} call{'s' * (calls > 1)} before"
        yield _row([merged], level, [merged])
    for inner in node.inside[len(before) :]:
        yield _row([inner], level, [inner])
        yield from _up_to(inner, start, level + 1)


def _named(rows: Iterable[Row]) -> list[Row]:
    """The rows with names that leave out what the row above them in the tree has said.

    A function has no name of its own; in a tree its kind keeps its place.
    """
    rows = list(rows)
    flat = not any(row.level for row in rows)
    above: list[str] = []
    found = []
    for row in rows:
        del above[row.level :]
        parent = above[-1] if above else ""
        name = row.name
        if name == parent:
            call = row.node.call
            name = "" if flat or call is None else f"({call.kind})"
        elif parent and name.startswith(f"{parent}."):
            name = name[len(parent) + 1 :]
        found.append(row._replace(name=name))
        above.append(row.node.path)
    return found
