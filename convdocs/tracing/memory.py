"""What torch answered: per distinct call, for the process, within bounds.

A distinct call is a function or a layer by its settings, with the shapes, strides and dtypes of
its tensors. Two traces of a network, and a network's many equal blocks, ask torch but once.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from convdocs.geometry import Window
from convdocs.receptive import AxisField
from convdocs.report import Shape
from convdocs.tracing.nested import ATOMS, mapped, tensors_in

META = torch.device("meta")
MOST_ANSWERS = 8192
MOST_LAYOUTS = 16384


class Layout:
    """Shape, strides and dtype of a tensor: one object for all that are alike."""

    __slots__ = ("blank", "contiguous", "dtype", "shape", "strides")

    def __init__(self, shape: Shape, strides: Shape, dtype: torch.dtype) -> None:
        self.shape = shape
        self.strides = strides
        self.dtype = dtype
        self.blank = self.fresh()
        self.contiguous = self.blank.is_contiguous()

    def fresh(self) -> Tensor:
        """One that shares nothing with any other; there are no quantised ones on meta."""
        dtype = torch.uint8 if self.dtype in _QUANTISED else self.dtype
        return torch.empty_strided(self.shape, self.strides, dtype=dtype, device=META)

    def tensor(self) -> Tensor:
        """A tensor on meta that is laid out so; a view of a blank is made quicker than anew."""
        return self.blank.detach()


_QUANTISED = frozenset({torch.quint8, torch.qint8, torch.qint32, torch.quint4x2, torch.quint2x4})


def is_plain(tensor: Tensor) -> bool:
    """Whether a tensor has shape and strides, and kernels of torch's own on meta."""
    return (
        tensor.layout is torch.strided
        and tensor.dtype not in _QUANTISED
        and not tensor.is_nested
        and type(tensor).__torch_dispatch__ is Tensor.__torch_dispatch__
    )


_LAYOUTS: dict[tuple[Any, ...], Layout] = {}


def layout_of(tensor: Tensor) -> Layout:
    """A tensor's layout."""
    if tensor.layout is torch.strided and not tensor.is_nested:
        key = (tensor.shape, tensor.stride(), tensor.dtype)
        return _LAYOUTS.get(key) or layout(*key)
    shape = tuple(tensor.shape) if not tensor.is_nested else (tensor.size(0),)
    return layout(shape, torch.empty(shape, device=META).stride(), tensor.dtype)


def layout(shape: Shape, strides: Shape, dtype: torch.dtype) -> Layout:
    """The one object of a layout."""
    key = (tuple(shape), strides, dtype)
    known = _LAYOUTS.get(key)
    if known is None:
        if len(_LAYOUTS) >= MOST_LAYOUTS:
            _LAYOUTS.clear()
        known = _LAYOUTS[key] = Layout(*key)
    return known


class Parameter:
    """What there is to know of a model's parameter; no shape while it is not initialised."""

    __slots__ = ("count", "nbytes", "path", "registered", "shape", "trainable")

    def __init__(self, path: str, tensor: Tensor, registered: bool = True) -> None:
        lazy = type(tensor) is not nn.Parameter and is_lazy(tensor)
        self.path = path
        self.registered = registered
        self.shape: Shape | None = None if lazy else tuple(tensor.shape)
        self.count = 0 if lazy else tensor.numel()
        self.nbytes = 0 if lazy else self.count * tensor.itemsize
        self.trainable = tensor.requires_grad


INPUT, CONSTANT, OWN = "input", "constant", "own"


class Mark:
    """What a tensor of a run carries: its layout, and the call that made it.

    ``maker`` is a call's node, ``INPUT``, ``OWN`` for a parameter or a buffer of the model, or
    ``CONSTANT``; a constant has the parameters that it was worked out from.
    """

    __slots__ = ("layout", "maker", "parameters", "place")

    def __init__(
        self, layout: Layout, maker: Any, place: int = 0, parameters: tuple[Parameter, ...] = ()
    ) -> None:
        self.layout = layout
        self.maker = maker
        self.place = place
        self.parameters = parameters

    @property
    def fixed(self) -> bool:
        """Whether no input of the model is in it and no call that is shown made it."""
        return self.maker is CONSTANT or self.maker is OWN


def mark(
    tensor: Tensor, maker: Any, place: int = 0, parameters: tuple[Parameter, ...] = ()
) -> Mark:
    """Write on a tensor where it came from."""
    made = Mark(layout_of(tensor), maker, place, parameters)
    tensor._convdocs_mark = made  # type: ignore[attr-defined]
    return made


def mark_of(tensor: Tensor) -> Mark:
    """What is written on a tensor; of one that came from nowhere, that it is a constant."""
    known: Mark | None = getattr(tensor, "_convdocs_mark", None)
    return Mark(layout_of(tensor), CONSTANT) if known is None else known


# per output axis: its name, None to keep an input's; and what it reads
Read = tuple[int, int, AxisField, int]  # input, its axis, the cells, and of what kind (see axes)
OutAxis = tuple[str | None, tuple[Read, ...]]
Flow = tuple[OutAxis, ...]


class Answer:
    """What a call gives, whoever makes it and whatever the values.

    Parameters
    ----------
    inputs, outputs : tuple of Layout
    macs : int or None
    note : str
        Why they are not known.
    code : str
        The call as one would type it.
    """

    __slots__ = (
        "alias", "code", "dtypes", "family", "flows", "form", "input_shapes", "kind",
        "local_fields", "macs", "note", "output_shapes", "outputs", "settings", "states",
        "windows",
    )  # fmt: skip

    def __init__(
        self,
        kind: str,
        inputs: tuple[Layout, ...],
        outputs: tuple[Layout, ...] = (),
        macs: int | None = 0,
        note: str = "",
    ) -> None:
        self.kind = kind
        self.macs = macs
        self.note = note
        self.code = self.family = ""
        self.settings: tuple[tuple[str, object], ...] = ()
        self.windows: tuple[Window, ...] = ()
        self.flows: tuple[Flow | None, ...] = ()  # one per output; None: like its only input
        self.form: Any = None  # how the outputs are nested; None for a single tensor
        self.alias: dict[int, int] = {}  # outputs that are an input itself
        self.local_fields: dict[Any, tuple[tuple[AxisField, ...], ...]] = {}  # by names
        self.states: dict[Any, list[Any]] = {}  # of the outputs' axes, by those of the inputs
        self.input_shapes = tuple([one.shape for one in inputs])
        self.put(outputs)

    def put(self, outputs: tuple[Layout, ...]) -> None:
        """Say what comes out."""
        self.outputs = outputs
        self.output_shapes = tuple([one.shape for one in outputs])
        self.dtypes = tuple([str(one.dtype).removeprefix("torch.") for one in outputs])

    def with_outputs(self, outputs: tuple[Layout, ...]) -> Answer:
        """The same call with other outputs: what they read is known where the ranks are."""
        made = copy.copy(self)
        made.local_fields, made.states = {}, {}
        made.put(outputs)
        if [len(one) for one in made.output_shapes] != [len(one) for one in self.output_shapes]:
            made.flows = ()
        return made


ANSWERS: dict[Any, Answer] = {}


def remember(key: Any, answer: Answer) -> None:
    """Keep an answer for the next call that is the same."""
    if len(ANSWERS) >= MOST_ANSWERS:
        ANSWERS.clear()
    ANSWERS[key] = answer


def add_to_key(
    value: Any, parts: list[Any], marks: list[Mark], stranger: Callable[[Tensor], Mark]
) -> bool:
    """Extend a key, and the marks of its tensors; False for what no key can be made of.

    ``stranger`` gives the mark of a tensor that has none.
    """
    kind = type(value)
    if kind is Tensor or kind is nn.Parameter:
        try:
            own = value._convdocs_mark
        except AttributeError:
            own = stranger(value)
        marks.append(own)
        parts.append(own.layout)
    elif kind in ATOMS:
        parts.append(kind)
        parts.append(value)
    elif kind is list or kind is tuple:
        parts.append(kind)
        parts.append(len(value))
        for one in value:
            if not add_to_key(one, parts, marks, stranger):
                return False
    elif kind is slice:
        parts.append(slice)
        return add_to_key((value.start, value.stop, value.step), parts, marks, stranger)
    elif kind is dict:
        for name, one in value.items():
            parts.append(name)
            if not add_to_key(one, parts, marks, stranger):
                return False
    else:
        return False
    return True


def replayed(answer: Answer, node: Any, args: Any, constant: tuple[Parameter, ...] = ()) -> Any:
    """Tensors as a call of this kind gives them; ``constant``: marked as made of parameters."""
    maker = CONSTANT if node is None else node
    if answer.form is None and not answer.alias:
        own = answer.outputs[0]
        out = own.blank.detach()
        made = Mark(own, maker, 0, constant)
        out._convdocs_mark = made  # type: ignore[attr-defined]
        if node is not None:
            node.outputs = [made]
        return out
    given = tensors_in(args) if answer.alias else []
    outputs = []
    for place, own in enumerate(answer.outputs):
        made = Mark(own, maker, place, constant)
        if node is not None:
            node.outputs.append(made)
        if place in answer.alias:
            out = given[answer.alias[place]]
            if node is not None:
                written(out, made)
        else:
            out = own.blank.detach()
            out._convdocs_mark = made  # type: ignore[attr-defined]
        outputs.append(out)
    following = iter(outputs)
    return outputs[0] if answer.form is None else mapped(answer.form, lambda _: next(following))


def written(tensor: Tensor, now: Mark) -> None:
    """A tensor was written into: it is the call's now, unless it is a parameter or a buffer."""
    known = getattr(tensor, "_convdocs_mark", None)
    if known is not None and known.maker is not OWN:
        tensor._convdocs_mark = now  # type: ignore[attr-defined]
