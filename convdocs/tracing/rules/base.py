"""What a shape rule is: from a call's arguments to its output's shape, its windows and its cost.

A rule has the signature of the function that it answers for and reads shapes, never values. It
says whether the call is *sound*, certain to succeed with that very shape, and whether it is laid
out plainly, so that the output is contiguous. Only when both hold may torch's own kernel be left
out. A sound call of another layout goes to the kernel, which settles the strides; of a call that is
not known to be sound the kernel's word is doubted too, and torch's CPU is asked for its errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import isgetsetdescriptor
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs.geometry import Window
from convdocs.tracing import flow

Shape = tuple[int, ...]

FLOATS = frozenset({torch.float32, torch.float64, torch.bfloat16, torch.float16})


CONSTANT = -2


class Mark:
    """What a recorded tensor carries: where it came from, and its shape, at hand without torch.

    A constant's has the parameters that it was worked out from.
    """

    __slots__ = ("dtype", "parameters", "plain", "shape", "source")

    def __init__(
        self,
        source: int,
        shape: Shape,
        dtype: torch.dtype,
        plain: bool,
        parameters: tuple[nn.Parameter, ...] = (),
    ) -> None:
        self.source = source
        self.shape = shape
        self.dtype = dtype
        self.plain = plain
        self.parameters = parameters


def own_facts(parameter: Tensor) -> Mark:
    """The same for a parameter of the model, which no run ever marks."""
    shape, laid_out = tuple(parameter.shape), parameter.is_contiguous()
    return Mark(CONSTANT, shape, parameter.dtype, laid_out)


def facts(tensor: Tensor) -> Mark:
    """The mark of a recorded tensor, or the same facts about a parameter or a constant."""
    try:
        return tensor._convdocs_mark  # type: ignore[attr-defined,no-any-return]
    except AttributeError:
        own = (tensor,) if isinstance(tensor, nn.Parameter) else ()
        return Mark(CONSTANT, tuple(tensor.shape), tensor.dtype, tensor.is_contiguous(), own)


class Answer(NamedTuple):
    """What a rule says about one call.

    ``shape`` and ``dtype`` are those of the output when the call is :attr:`plain`. ``macs`` is
    None when they cannot be counted.
    """

    shape: Shape
    dtype: torch.dtype
    sound: bool
    laid_out: bool
    macs: int | None = 0
    windows: tuple[Window, ...] = ()
    flow: flow.Flow = flow.unknown
    inplace: bool = False

    @property
    def plain(self) -> bool:
        """Whether torch's kernel may be left out."""
        return self.sound and self.laid_out


Rule = Callable[..., Answer | None]


def by_kernel(x: Mark, moved: flow.Flow, macs: int | None = 0) -> Answer:
    """Answer that leaves the shape to torch's kernel and says what the axes become."""
    return Answer(x.shape, x.dtype, x.dtype in FLOATS, False, macs, flow=moved)


def view(x: Mark, moved: flow.Flow) -> Answer:
    """The same for a function that only looks at its input in another way, whatever its dtype."""
    return Answer(x.shape, x.dtype, True, False, flow=moved)


@dataclass
class Book:
    """The rules, by the function they answer for and by the leaf module they stand in for."""

    functions: dict[Any, Rule] = field(default_factory=dict)
    modules: dict[type[nn.Module], Rule] = field(default_factory=dict)

    def rule(self, *names: str) -> Callable[[Rule], Rule]:
        """Register a rule for every spelling that torch has for ``names``, in place ones too."""

        def register(rule: Rule) -> Rule:
            for name in names:
                for function in spellings(name):
                    self.functions[function] = rule
                for function in spellings(f"{name}_"):
                    self.functions[function] = _writing_in_place(rule)
            return rule

        return register

    def module(self, *classes: type[nn.Module]) -> Callable[[Rule], Rule]:
        """Register a rule for leaf modules of exactly these classes: ``rule(module, x)``."""

        def register(rule: Rule) -> Rule:
            for one in classes:
                self.modules[one] = rule
            return rule

        return register


def _writing_in_place(rule: Rule) -> Rule:
    def in_place(input: Any, *args: Any, **kwargs: Any) -> Answer | None:
        answer = rule(input, *args, **kwargs)
        if answer is None or not isinstance(input, Tensor):
            return None
        fits = answer.shape == facts(input).shape
        return answer._replace(inplace=True, sound=answer.sound and fits)

    return in_place


def spellings(name: str) -> list[Any]:
    """The function ``name`` in torch, torch.nn.functional and as a tensor's method.

    Examples
    --------
    >>> len(spellings("conv1d"))
    1
    """
    homes = (torch, nn.functional, torch._C._nn, Tensor)
    found = [getattr(home, name) for home in homes if hasattr(home, name)]
    getters = [one.__get__ for one in found if isgetsetdescriptor(one)]
    return list(dict.fromkeys([one for one in found if callable(one)] + getters))


def dims_of(dim: Any, rank: int) -> tuple[int, ...] | None:
    """Axis numbers counted from the front, None standing for all; None if one does not exist."""
    if dim is None:
        return tuple(range(rank))
    listed = (dim,) if isinstance(dim, int) else tuple(dim)
    if not all(isinstance(one, int) and -rank <= one < rank for one in listed):
        return None
    return tuple(one % rank for one in listed)


BOOK = Book()
