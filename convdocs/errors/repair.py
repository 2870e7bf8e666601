"""A fix as steps: each says where it goes, can be shown as a line of code, and can be run."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from convdocs import layers
from convdocs.errors.code import NN, Code, name
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


@dataclass(frozen=True)
class Step:
    """One assignment of ``code``.

    ``target`` is an operand, ``"y"`` for a call's result, ``"layer"`` for a layer; empty for a
    call whose result is not needed.
    """

    where: Here | Member | Earlier | ModelInput
    target: str
    code: Code

    def __str__(self) -> str:
        target = self.target
        if isinstance(self.where, Member):
            target = place(self.where.path)
        elif target == "layer" and isinstance(self.where, Here):
            target = str(here(self.where.failure))
        return f"{target} = {self.code}" if target else str(self.code)


@dataclass(frozen=True)
class Repair:
    """A fix that may hold.

    Without steps it is advice, and ``note`` stands in place of code. Where it ``loses``, values
    are cut off, added or repeated so that shapes agree: it comes last. Behind one that goes
    ``onwards`` the next error may be a consequence, and is mended too. ``tells`` are facts for the
    cause.
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
        text = f"{self.text} {other.text}".strip()
        return replace(self, text=text, steps=(*self.steps, *other.steps))


def place(path: str) -> str:
    """A member of the model as one would type it, ``model.features[0]``."""
    if not path:
        return "layer"
    return "model" + "".join(f"[{p}]" if p.isdecimal() else f".{p}" for p in path.split("."))


def here(failure: Failure) -> Code:
    """The failing layer."""
    return name(place(failure.path if failure.layer is not None else ""), "layer")


def operands(failure: Failure) -> list[Code]:
    """The tensors of the failing call, by their names."""
    return list(map(name, failure.names))


def given(
    failure: Failure, text: str, codes: Code | Mapping[int, Code], loses: bool = False
) -> Repair:
    """A new value for the first operand of the failing call, or for some by their numbers."""
    new = {0: codes} if isinstance(codes, Code) else codes
    steps = [Step(Here(failure), failure.names[number], code) for number, code in new.items()]
    return Repair(text, tuple(step for step in steps if str(step.code) != step.target), loses)


def in_front(failure: Failure, text: str, missing: int) -> Repair:
    """Axes of size 1 put in front of the first operand."""
    return given(failure, text, operands(failure)[0][(*[None] * missing, ...)])


def result(failure: Failure, text: str, code: Code, **more: Any) -> Repair:
    """Another call in place of the failing one."""
    return Repair(text, (Step(Here(failure), "y", code),), **more)


def instead(failure: Failure, text: str, code: Code) -> Repair:
    """Another layer in place of the failing one."""
    return Repair(text, (Step(Here(failure), "layer", code),))


def at_input(text: str, code: Code) -> Repair:
    """The model's input mended, where it goes in."""
    return Repair(text, (Step(ModelInput(), "x", code),))


def rebuilt(failure: Failure, text: str, kind: str = "", /, **changes: Any) -> Iterator[Repair]:
    """The failing layer, constructor or functional window with other settings.

    ``kind`` builds another class. Nothing where it cannot be built from its settings.
    """
    if failure.built is None and failure.layer is None:
        if failure.settings and not kind:
            yield from _called(failure, text, changes)
    elif code := built(failure, kind, changes):
        yield instead(failure, text, code)


def built(failure: Failure, kind: str, changes: Mapping[str, Any]) -> Code | None:
    """The code of a constructor with the failing layer's settings and some changes."""
    made: Any = getattr(nn, kind, None) if kind else failure.built or type(failure.layer)
    if nn_class(made) is None:
        return None
    taken = inspect.signature(made.__init__).parameters
    known = {key: value for key, value in failure.settings.items() if not kind or key in taken}
    settings = {**known, **changes}
    try:
        with torch.device("meta"), torch.no_grad():
            written = layers.code(made(**settings))
    except Exception:  # still no layer: whoever tries this fix will see what else is wrong
        given = ", ".join(f"{key}={value!r}" for key, value in settings.items())
        written = f"{made.__name__}({given})"
    weight = getattr(failure.layer, "weight", None)
    if weight is not None and weight.dtype.is_floating_point and weight.dtype != torch.float32:
        settings["dtype"] = weight.dtype
        written = f"{written[:-1]}, dtype={weight.dtype})"
    lead = "nn." if nn_class(made) is made else ""
    return Code(f"{lead}{written}", lambda _: made(**settings))


def _called(failure: Failure, text: str, changes: Mapping[str, Any]) -> Iterator[Repair]:
    """The failing function called with other settings."""
    settings = {**failure.settings, **changes}
    if failure.function.startswith("conv"):  # a functional weight stays as it is
        if changes.keys() & {"kernel_size", "in_channels", "out_channels"}:
            return
        settings.pop("kernel_size", None)
    kept = {key: value for key, value in settings.items() if value is not None}
    call = getattr(NN.functional, failure.function)
    yield result(failure, text, call(*operands(failure), **kept))


def module(kind: str, *args: Any, **kwargs: Any) -> Code:
    """A layer of torch.nn as one would type it."""
    layer: Code = getattr(NN, kind)
    return layer(*args, **kwargs)


def each(value: Any) -> Any:
    """The parts of a setting, which is one number or one an axis."""
    return value if isinstance(value, tuple | list) else (value,)


def typed(values: tuple[int, ...]) -> int | tuple[int, ...]:
    """Equal numbers as one, others as a tuple."""
    return values[0] if len(set(values)) == 1 else values


def member(text: str, path: str, code: Code) -> Repair:
    """A layer, parameter or other attribute of the model made anew."""
    return Repair(text, (Step(Member(path), "layer", code),))
