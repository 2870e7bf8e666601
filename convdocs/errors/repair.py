"""A fix as steps: each says where it goes, can be shown as a line of code, and can be run."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from convdocs import layers
from convdocs.errors.code import NN, Code, constant, name
from convdocs.errors.failure import Failure, nn_class
from convdocs.report import Call


@dataclass(frozen=True)
class Here:
    """The call that failed."""

    failure: Failure


@dataclass(frozen=True)
class Member:
    """A layer, a parameter or another attribute of the model, by its path."""

    path: str


@dataclass(frozen=True)
class Earlier:
    """A function call that went well before, and made what the failing call could not use."""

    call: Call


@dataclass(frozen=True)
class ModelInput:
    """An input of the whole model."""

    number: int = 0


Where = Here | Member | Earlier | ModelInput


@dataclass(frozen=True)
class Step:
    """One assignment.

    Parameters
    ----------
    where : Here, Member, Earlier or ModelInput
    target : str
        What is assigned: an operand, ``"y"`` for a call's result, ``"layer"`` for a layer;
        empty for a call whose result is not needed.
    code : Code
        Its new value.
    """

    where: Where
    target: str
    code: Code

    def __str__(self) -> str:
        if isinstance(self.where, Member):
            return f"{place(self.where.path)} = {self.code}"
        if self.target == "layer" and isinstance(self.where, Here):
            return f"{here(self.where.failure)} = {self.code}"
        return f"{self.target} = {self.code}" if self.target else str(self.code)


@dataclass(frozen=True)
class Repair:
    """A fix that may hold.

    Parameters
    ----------
    text : str
        What to do, in a sentence.
    steps : tuple of Step
        None for advice that no line of code can give.
    loses : bool
        Values are cut off, added or repeated so that shapes agree: comes last.
    onwards : bool
        The next error may be a consequence; it is mended too.
    note : str
        Shown in place of code.
    tells : tuple of (str, str)
        Facts for the cause that come with the fix.
    """

    text: str
    steps: tuple[Step, ...] = ()
    loses: bool = False
    onwards: bool = False
    note: str = ""
    tells: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> str:
        """The steps as lines to paste."""
        return "\n".join(map(str, self.steps)) or self.note

    def __add__(self, other: Repair) -> Repair:
        return replace(self, text=f"{self.text} {other.text}", steps=(*self.steps, *other.steps))


def place(path: str) -> str:
    """A member of the model as one would type it.

    Examples
    --------
    >>> place("features.0"), place("")
    ('model.features[0]', 'layer')
    """
    if not path:
        return "layer"
    return "model" + "".join(f"[{p}]" if p.isdecimal() else f".{p}" for p in path.split("."))


def here(failure: Failure) -> Code:
    """The failing layer."""
    return name(place(failure.path if failure.layer is not None else ""), "layer")


def operand(failure: Failure, number: int = 0) -> Code:
    """A tensor or argument of the failing call, by its name."""
    return name(failure.names[number])


def given(failure: Failure, text: str, *codes: Code, loses: bool = False) -> Repair:
    """New values for the first operands of the failing call."""
    where = Here(failure)
    steps = [
        Step(where, target, code)
        for target, code in zip(failure.names, codes, strict=False)
        if str(code) != target
    ]
    return Repair(text, tuple(steps), loses)


def result(failure: Failure, text: str, code: Code, **more: Any) -> Repair:
    """Another call in place of the failing one."""
    return Repair(text, (Step(Here(failure), "y", code),), **more)


def instead(failure: Failure, text: str, code: Code) -> Repair:
    """Another layer in place of the failing one."""
    return Repair(text, (Step(Here(failure), "layer", code),))


def at_input(text: str, code: Code, number: int = 0) -> Repair:
    """The model's input mended, where it goes in."""
    return Repair(text, (Step(ModelInput(number), "x", code),))


def member(text: str, path: str, code: Code) -> Repair:
    """A layer, parameter or other attribute of the model made anew."""
    return Repair(text, (Step(Member(path), "layer", code),))


def advice(text: str, note: str) -> Repair:
    """What to do where no line of code can do it."""
    return Repair(text, note=f"# {note}")


def rebuilt(failure: Failure, text: str, kind: str = "", /, **changes: Any) -> Iterator[Repair]:
    """The failing layer, constructor or functional window with other settings.

    ``kind`` builds another class. Nothing where it cannot be built from its settings.
    """
    made = failure.built or (type(failure.layer) if failure.layer is not None else None)
    if made is not None:
        code = built(failure, kind, changes)
        if code is not None:
            yield instead(failure, text, code)
    elif failure.settings and not kind:
        yield from _called(failure, text, changes)


def built(failure: Failure, kind: str, changes: dict[str, Any]) -> Code | None:
    """The code of a constructor with the failing layer's settings and some changes."""
    made: Any = failure.built or type(failure.layer)
    made = getattr(nn, kind, None) if kind else made
    if made is None or nn_class(made) is None:
        return None
    lead = "" if nn_class(made) is not made else "nn."
    known = {key: value for key, value in failure.settings.items() if not kind or _takes(made, key)}
    settings = {**known, **changes}
    try:
        with torch.device("meta"), torch.no_grad():
            written = layers.code(made(**settings))
    except Exception:  # still no layer: whoever tries this fix will see what else is wrong
        given = ", ".join(f"{key}={value!r}" for key, value in settings.items())
        written = f"{made.__name__}({given})"
    weight = getattr(failure.layer, "weight", None)
    extra = {}
    if weight is not None and weight.dtype.is_floating_point and str(weight.dtype)[6:] != "float32":
        extra = {"dtype": weight.dtype}
        written = f"{written[:-1]}, dtype={weight.dtype})"
    return Code(f"{lead}{written}", lambda _: made(**settings, **extra))


def _takes(made: Any, key: str) -> bool:
    return key in inspect.signature(made.__init__).parameters


def _called(failure: Failure, text: str, changes: dict[str, Any]) -> Iterator[Repair]:
    """The failing function called with other settings."""
    fixed = ("kernel_size", "in_channels", "out_channels")  # a functional weight stays as it is
    convolution = failure.function.startswith("conv")
    if convolution and any(key in fixed for key in changes):
        return
    settings = {**failure.settings, **changes}
    if convolution:
        settings.pop("kernel_size", None)
    kept = {key: value for key, value in settings.items() if value is not None}
    call = getattr(NN.functional, failure.function)
    yield result(failure, text, call(*map(name, failure.names), **kept))


def module(kind: str, *args: Any, **kwargs: Any) -> Code:
    """A layer of torch.nn as one would type it."""
    layer: Code = getattr(NN, kind)
    return layer(*args, **kwargs)


def typed(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """Equal numbers as one, others as a tuple.

    Examples
    --------
    >>> typed((3, 3)), typed((3, 1))
    (3, (3, 1))
    """
    return values[0] if len(set(values)) == 1 else values


def number(value: Any) -> Code:
    """A plain value as code."""
    return constant(repr(value), value)
