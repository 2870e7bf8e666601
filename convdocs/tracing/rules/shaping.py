"""Concatenating, flattening, permuting, indexing: what changes which axis means what."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from torch import Tensor

from convdocs.receptive import AxisField
from convdocs.tracing import flow
from convdocs.tracing.rules.base import BOOK, FLOATS, Answer, by_kernel, dims_of, facts, view


@BOOK.rule("cat", "concat", "concatenate")
def concatenation(tensors: Sequence[Tensor], dim: int = 0) -> Answer | None:
    parts = [facts(one) for one in tensors]
    first = parts[0].shape
    rank = len(first)
    if not -rank <= dim < rank:
        return None
    dim %= rank
    total, sound, laid_out = 0, parts[0].dtype in FLOATS, True
    for part in parts:
        shape = part.shape
        if len(shape) != rank or shape[:dim] != first[:dim] or shape[dim + 1 :] != first[dim + 1 :]:
            return None
        sound = sound and part.dtype is parts[0].dtype
        laid_out = laid_out and part.plain
        total += shape[dim]
    shape = (*first[:dim], total, *first[dim + 1 :])
    return Answer(shape, parts[0].dtype, sound, laid_out, flow=flow.concatenated(dim))


@BOOK.rule("stack")
def stack(tensors: Sequence[Tensor], dim: int = 0) -> Answer | None:
    x = facts(tensors[0])
    return view(x, flow.stacked(dim))


@BOOK.rule("flatten", "reshape", "view", "view_as", "reshape_as", "unflatten", "ravel")
def reshape(input: Tensor, *sizes: Any, **named: Any) -> Answer:
    return view(facts(input), flow.reshaped)


@BOOK.rule("permute")
def permute(input: Tensor, *order: Any, dims: Any = None) -> Answer | None:
    x = facts(input)
    listed = dims if dims is not None else order[0] if len(order) == 1 else order
    turned = dims_of(listed, len(x.shape))
    if turned is None or len(turned) != len(x.shape):
        return None
    return view(x, flow.permuted(turned))


@BOOK.rule("transpose", "swapaxes", "swapdims")
def transpose(input: Tensor, dim0: int, dim1: int) -> Answer | None:
    x = facts(input)
    pair = dims_of((dim0, dim1), len(x.shape))
    if pair is None:
        return None
    order = list(range(len(x.shape)))
    order[pair[0]], order[pair[1]] = pair[1], pair[0]
    return view(x, flow.permuted(tuple(order)))


@BOOK.rule("t", "T", "mT", "adjoint")
def turned_over(input: Tensor) -> Answer | None:
    x = facts(input)
    rank = len(x.shape)
    return view(x, flow.permuted((*range(rank - 2), rank - 1, rank - 2))) if rank > 1 else None


@BOOK.rule("unsqueeze")
def unsqueeze(input: Tensor, dim: int) -> Answer | None:
    x = facts(input)
    place = dims_of(dim, len(x.shape) + 1)
    if place is None:
        return None
    return view(x, flow.indexed((("keep", 0, 1),) * place[0] + (("new", 0, 0),)))


@BOOK.rule("squeeze")
def squeeze(input: Tensor, dim: Any = None) -> Answer | None:
    x = facts(input)
    dims = dims_of(dim, len(x.shape))
    if dims is None:
        return None
    cuts: list[flow.Cut] = [
        ("drop", 0, 0) if at in dims and size == 1 else ("keep", 0, 1)
        for at, size in enumerate(x.shape)
    ]
    return view(x, flow.indexed(tuple(cuts)))


@BOOK.rule("__getitem__")
def getitem(input: Tensor, index: Any) -> Answer | None:
    x = facts(input)
    entries = list(index) if isinstance(index, tuple) else [index]
    if any(not (e is None or e is Ellipsis or isinstance(e, int | slice)) for e in entries):
        return None
    if any(isinstance(e, bool) for e in entries):
        return None
    taken = sum(isinstance(e, int | slice) for e in entries)
    if Ellipsis in entries:
        gap = entries.index(Ellipsis)
        entries[gap : gap + 1] = [slice(None)] * (len(x.shape) - taken)
    if taken > len(x.shape) or Ellipsis in entries:
        return None
    return view(x, flow.indexed(_cuts(entries, x.shape)))


def _cuts(entries: Sequence[Any], shape: Sequence[int]) -> tuple[flow.Cut, ...]:
    cuts: list[flow.Cut] = []
    sizes = iter(shape)
    for entry in entries:
        if entry is None:
            cuts.append(("new", 0, 0))
            continue
        size = next(sizes)
        if isinstance(entry, slice):
            start, _, step = entry.indices(size)
            cuts.append(("keep", start, step))
        else:
            cuts.append(("drop", 0, 0))
    return tuple(cuts)


@BOOK.rule("narrow")
def narrow(input: Tensor, dim: int, start: int, length: int) -> Answer | None:
    x = facts(input)
    if not isinstance(start, int):
        return None
    return view(x, flow.axis_moved(dim, AxisField(1, 1, start)))


@BOOK.rule("select")
def select(input: Tensor, dim: int, index: int) -> Answer | None:
    x = facts(input)
    dims = dims_of(dim, len(x.shape))
    if dims is None:
        return None
    return view(x, flow.indexed((("keep", 0, 1),) * dims[0] + (("drop", 0, 0),)))


@BOOK.rule("chunk")
def chunk(input: Tensor, chunks: int, dim: int = 0) -> Answer | None:
    x = facts(input)
    dims = dims_of(dim, len(x.shape))
    if dims is None or chunks < 1:
        return None
    size = x.shape[dims[0]]
    return view(x, flow.parted(dim, tuple(range(0, max(size, 1), max(1, -(-size // chunks))))))


@BOOK.rule("split")
def split(input: Tensor, split_size_or_sections: Any, dim: int = 0) -> Answer | None:
    x = facts(input)
    dims = dims_of(dim, len(x.shape))
    if dims is None:
        return None
    if isinstance(split_size_or_sections, int):
        step = max(1, split_size_or_sections)
        return view(x, flow.parted(dim, tuple(range(0, max(1, x.shape[dims[0]]), step))))
    starts = (0, *accumulate(split_size_or_sections))
    return view(x, flow.parted(dim, tuple(starts)))


@BOOK.rule("unbind")
def unbind(input: Tensor, dim: int = 0) -> Answer | None:
    x = facts(input)
    dims = dims_of(dim, len(x.shape))
    if dims is None:
        return None
    return view(x, flow.indexed((("keep", 0, 1),) * dims[0] + (("drop", 0, 0),)))


@BOOK.rule(
    "mean", "sum", "amax", "amin", "prod", "std", "var", "logsumexp", "norm", "all", "any",
    "argmax", "argmin", "median", "nanmean", "nansum", "max", "min",
)  # fmt: skip
def reduction(input: Tensor, dim: Any = None, keepdim: bool = False, **more: Any) -> Answer | None:
    x = facts(input)
    if isinstance(dim, Tensor):
        return by_kernel(x, flow.same)  # torch.max(x, y)
    dims = dims_of(dim, len(x.shape))
    return by_kernel(x, flow.reduced(dims, keepdim)) if dims is not None else None


@BOOK.rule("pad")
def padding(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: Any = None
) -> Answer | None:
    x = facts(input)
    dims = len(pad) // 2
    if len(pad) % 2 or dims > len(x.shape):
        return None
    sizes = tuple(
        n + pad[-2 * (at + 1)] + pad[-2 * (at + 1) + 1]
        for at, n in enumerate(x.shape[len(x.shape) - dims :])
    )
    sound = x.dtype in FLOATS and mode == "constant" and bool(sizes) and min(pad) >= 0
    before = tuple(flow.padded_field(pad[-2 * (at + 1)]) for at in range(dims))
    shape = (*x.shape[: len(x.shape) - dims], *sizes)
    moved = flow.local(before) if dims else flow.same
    return Answer(shape, x.dtype, sound, x.plain, flow=moved)
