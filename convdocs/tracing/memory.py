"""What a tensor of a run carries: how it is laid out, and where it came from.

Calls are told apart by layouts, so that torch is asked but once for each distinct one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs import report
from convdocs.report import Shape
from convdocs.tracing.axes import State, constant, fresh, lost
from convdocs.tracing.nested import ATOMS

META = torch.device("meta")
MOST_LAYOUTS = 16384
_QUANTISED = frozenset({torch.quint8, torch.qint8, torch.qint32, torch.quint4x2, torch.quint2x4})


class Layout:
    """Shape, strides and dtype of a tensor: one object for all that are alike."""

    __slots__ = (
        "blank", "contiguous", "count", "dtype", "name", "nbytes", "plain", "shape", "strides",
    )  # fmt: skip

    def __init__(self, shape: Shape, strides: Shape, dtype: torch.dtype, plain: bool) -> None:
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.name = str(dtype).removeprefix("torch.")
        self.count = prod(shape)
        self.nbytes = self.count * dtype.itemsize
        self.plain = plain and dtype not in _QUANTISED  # whether torch has kernels on meta for it
        self.blank = self.fresh()
        self.contiguous = self.blank.is_contiguous()

    def fresh(self) -> Tensor:
        """One on meta that shares nothing with any other; no quantised ones lie there."""
        dtype = torch.uint8 if self.dtype in _QUANTISED else self.dtype
        return torch.empty_strided(self.shape, self.strides, dtype=dtype, device=META)

    def tensor(self) -> Tensor:
        """A tensor on meta that is laid out so; a view of a blank is made quicker than anew."""
        return self.blank.detach()


_LAYOUTS: dict[tuple[Any, ...], Layout] = {}


def layout_of(tensor: Tensor) -> Layout:
    """A tensor's layout."""
    try:
        return _LAYOUTS[tensor.shape, tensor.stride(), tensor.dtype]
    except (KeyError, RuntimeError, TypeError):  # a new one, or one without shape and strides
        return _new_layout(tensor)


def _new_layout(tensor: Tensor) -> Layout:
    key: tuple[Any, ...]
    if tensor.layout is torch.strided and not tensor.is_nested:
        key = (tensor.shape, tensor.stride(), tensor.dtype)
    else:
        shape = tuple(tensor.shape) if not tensor.is_nested else (tensor.size(0),)
        key = (shape, torch.empty(shape, device=META).stride(), tensor.dtype, tensor.layout)
    known = _LAYOUTS.get(key)
    if known is None:
        if len(_LAYOUTS) >= MOST_LAYOUTS:
            _LAYOUTS.clear()
        known = _LAYOUTS[key] = Layout(tuple(key[0]), key[1], key[2], plain=len(key) == 3)
    return known


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has shape and strides, and kernels of torch's own on meta."""
    return has_own_kernels(tensor) and layout_of(tensor).plain


def has_own_kernels(tensor: Tensor) -> bool:
    """Whether no subclass of somebody's answers for torch."""
    kind = type(tensor)
    usual = kind is Tensor or kind is nn.Parameter
    return usual or kind.__torch_dispatch__ is Tensor.__torch_dispatch__


class Parameter:
    """What there is to know of a model's parameter; no layout while it is not initialised."""

    __slots__ = ("count", "layout", "path", "registered", "trainable")

    def __init__(
        self, path: str, layout: Layout | None, trainable: bool, registered: bool = True
    ) -> None:
        self.path = path
        self.layout = layout
        self.count = 0 if layout is None else layout.count
        self.trainable = trainable
        self.registered = registered


class Node:
    """What made tensors: a call as it happened, or one of the three origins below.

    Those of a layer's own calls have no index among the trace's, and no states.
    """

    __slots__ = ("answer", "index", "inputs", "states")

    def __init__(
        self,
        answer: Any,
        inputs: tuple[Mark, ...] = (),
        index: int = report.CONSTANT,
        states: Sequence[State] = (),
    ) -> None:
        self.answer = answer
        self.inputs = inputs
        self.index = index
        self.states = states  # what the axes of the outputs are


# an input, a constant, a parameter or a buffer of the model
INPUT, CONSTANT, OWN = Node(None, index=report.MODEL_INPUT), Node(None), Node(None)


class Mark:
    """What is written on a tensor of a run: its layout, the call that made it, what its axes are.

    A constant has the parameters that it was worked out from.
    """

    __slots__ = ("layout", "maker", "parameters", "place", "state")

    def __init__(
        self, layout: Layout, maker: Node, place: int = 0, parameters: tuple[Parameter, ...] = ()
    ) -> None:
        self.layout = layout
        self.maker = maker
        self.place = place
        self.parameters = parameters
        states, rank = maker.states, len(layout.shape)
        if 0 <= place < len(states) and len(states[place].names) == rank:
            self.state = states[place]
        elif maker is INPUT:
            self.state = fresh(layout.shape)
        else:
            self.state = (constant if self.fixed else lost)(("",) * rank)

    @property
    def origin(self) -> Any:
        """What two marks have in common that are of the same cells."""
        return self if self.maker.answer is None else (self.maker, self.place)

    @property
    def fixed(self) -> bool:
        """Whether no input of the model is in it and no call that is shown made it."""
        return self.maker is CONSTANT or self.maker is OWN


def mark(tensor: Tensor, maker: Node, place: int = 0) -> Mark:
    """Write on a tensor where it came from."""
    made = tensor._convdocs_mark = Mark(layout_of(tensor), maker, place)  # type: ignore[attr-defined]
    return made


def mark_of(tensor: Tensor) -> Mark:
    """What is written on a tensor; of one that came from nowhere, that it is a constant."""
    known: Mark | None = getattr(tensor, "_convdocs_mark", None)
    return Mark(layout_of(tensor), CONSTANT) if known is None else known


def claim(tensor: Tensor, made: Mark) -> None:
    """A call gave a tensor or wrote into it: it is the call's, unless the model owns it."""
    known = getattr(tensor, "_convdocs_mark", None)
    if known is None or known.maker is not OWN:
        tensor._convdocs_mark = made  # type: ignore[attr-defined]


class Operand(NamedTuple):
    """Stands for a tensor among a call's arguments: which one, its shape, whether it is fixed."""

    number: int
    shape: Shape
    fixed: bool = False


def add_to_key(
    values: Iterable[Any], parts: list[Any], marks: list[Mark], stranger: Callable[[Tensor], Mark]
) -> bool:
    """Extend a key, and the marks of its tensors; False for what no key can be made of.

    ``stranger`` gives the mark of a tensor that has none.
    """
    for value in values:
        kind = type(value)
        if kind is Tensor or kind is nn.Parameter:
            try:
                own = value._convdocs_mark
            except AttributeError:
                own = stranger(value)
            marks.append(own)
            parts.append(own.layout)
        elif kind in ATOMS:
            parts += (kind, value)  # 1, 1.0 and True are equal
        elif kind is list or kind is tuple:
            parts += (kind, len(value))
            if not add_to_key(value, parts, marks, stranger):
                return False
        elif kind is slice:
            parts.append(slice)
            if not add_to_key((value.start, value.stop, value.step), parts, marks, stranger):
                return False
        elif kind is dict:
            parts += (dict, *value)
            if not add_to_key(value.values(), parts, marks, stranger):
                return False
        else:
            return False
    return True
