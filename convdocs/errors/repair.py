"""A fix as steps: each says where it goes, can be shown as a line of code, and can be run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn

from convdocs import layers
from convdocs.errors.code import LEN, NN, TORCH, Code, name, parsed
from convdocs.errors.failure import Failure, nn_class, settings
from convdocs.report import Call


@dataclass(frozen=True)
class Step:
    """One assignment of ``code``.

    It goes to the call that failed, to a layer or parameter of the model by its path, to an earlier
    call that went well, or to one of the model's inputs by its number. ``target`` is an operand,
    ``"y"`` for a call's result, ``"layer"``; empty for a call whose result is not needed.
    """

    where: Failure | str | Call | int
    target: str
    code: Code

    def __str__(self) -> str:
        target = self.target
        if isinstance(self.where, str):
            target = place(self.where)
        elif target == "layer" and isinstance(self.where, Failure):
            target = str(here(self.where))
        return f"{target} = {self.code}" if target else str(self.code)


@dataclass(frozen=True)
class Repair:
    """A fix that may hold.

    Without steps it is advice, and ``note`` stands in place of code. Where it ``loses``, values
    are cut off, added or repeated so that shapes agree: it comes last. Behind one that goes
    ``onwards`` the next error may be a consequence, and is mended too. ``words`` are facts for the
    text, and of a fix that goes onwards for the cause too.
    """

    text: str = ""
    steps: tuple[Step, ...] = ()
    loses: bool = False
    onwards: bool = False
    note: str = ""
    words: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The steps as lines to paste."""
        return "\n".join(map(str, self.steps)) or self.note

    def __add__(self, other: Repair) -> Repair:
        text = f"{self.text} {other.text}".strip()
        return replace(self, text=text, steps=(*self.steps, *other.steps))

    @property
    def is_here(self) -> bool:
        """Whether all of it goes to calls that failed."""
        return all(isinstance(step.where, Failure) for step in self.steps)


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
    failure: Failure, codes: Code | Mapping[int, Code], text: str = "", **more: Any
) -> Repair:
    """A new value for the first operand of the failing call, or for some by their numbers."""
    new = {0: codes} if isinstance(codes, Code) else codes
    steps = (Step(failure, failure.names[number], code) for number, code in new.items())
    return Repair(text, tuple(step for step in steps if str(step.code) != step.target), **more)


def assigned(
    where: Failure | str | Call | int, target: str, code: Code, text: str = "", **more: Any
) -> Repair:
    """One assignment: another layer in place of the failing one, another call, a model's input."""
    return Repair(text, (Step(where, target, code),), **more)


_ANY = {"nn": NN, "torch": TORCH, "len": LEN, "project": name("project")}


def written(failure: Failure, steps: Mapping[str, str], text: str = "", **more: Any) -> Repair:
    """A fix as an entry writes it: what is assigned, by names that each stand for an operand.

    ``first``, ``second``, ``third`` and ``all`` are the operands whatever they are called, ``mask``
    the one that is a mask; ``layer`` is the failing layer or function, ``y`` what it returns.
    LookupError where the call has none of what is assigned.
    """
    own = dict(zip(failure.names, operands(failure), strict=True))
    places = dict(zip(("first", "second", "third"), own.values(), strict=False))
    masks = [("mask", code) for key, code in own.items() if "mask" in key][:1]
    called = here(failure) if failure.layer is not None else _function(failure)
    names = {**_ANY, "layer": called, "all": [*own.values()], **dict(masks), **places, **own}
    found = []
    for target, line in steps.items():
        if target in ("layer", "y") or target in names:
            if len(failure.shape) == 3:  # as one writes it
                line = re.sub(r"movedim\((-1, 1|1, -1)\)", "transpose(1, 2)", line)
            place = target if target in ("layer", "y") else str(names[target])
            found.append(Step(failure, place, parsed(line, names)))
    if not found:
        raise LookupError
    return Repair(text, tuple(found), **more)


def _function(failure: Failure) -> Code:
    of_nn = hasattr(nn.functional, failure.function)
    code: Code = getattr(NN.functional if of_nn else TORCH, failure.function or "call")
    return code


def rebuilt(failure: Failure, kind: str = "", text: str = "", /, **changes: Any) -> Repair:
    """The failing layer, constructor or function of torch.nn with other settings.

    ``kind`` builds another class; LookupError where it cannot be built from its settings.
    """
    if failure.built is not None or failure.layer is not None:
        return assigned(failure, "layer", built(failure, kind, changes), text, words=changes)
    known, convolution = {**failure.settings, **changes}, failure.function.startswith("conv")
    of_weight = convolution and changes.keys() & {"kernel_size", "in_channels", "out_channels"}
    if kind or of_weight or not hasattr(nn.functional, failure.function):
        raise LookupError  # a functional weight stays as it is
    left_out = ("kernel_size",) if convolution else ()
    kept = {k: value for k, value in known.items() if value is not None and k not in left_out}
    code = getattr(NN.functional, failure.function)(*operands(failure), **kept)
    return assigned(failure, "y", code, text, words=changes)


def built(failure: Failure, kind: str, changes: Mapping[str, Any]) -> Code:
    """The code of a constructor with the failing layer's settings and some changes."""
    made: Any = getattr(nn, kind, None) if kind else failure.built or type(failure.layer)
    if nn_class(made) is None:
        raise LookupError
    taken = inspect.signature(made.__init__).parameters
    known = {key: value for key, value in failure.settings.items() if not kind or key in taken}
    window = known.get("kernel_size")
    if "kernel_size" in changes and "ool" in failure.kind and known.get("stride") == window:
        del known["stride"]  # it follows a pool's window
    arguments = {**known, **changes}
    try:
        with torch.device("meta"), torch.no_grad():
            written = layers.code(made(**arguments))
    except Exception:  # still no layer: whoever tries this fix will see what else is wrong
        words = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        written = f"{made.__name__}({words})"
    weight = getattr(failure.layer, "weight", None)
    if weight is not None and weight.dtype.is_floating_point and weight.dtype != torch.float32:
        arguments["dtype"] = weight.dtype
        written = f"{written[:-1]}, dtype={weight.dtype})"
    lead = "nn." if nn_class(made) is made else ""
    return Code(f"{lead}{written}", lambda _: made(**arguments))


def built_member(layer: nn.Module, changes: Mapping[str, Any]) -> Code:
    """A layer of the model that did not fail itself, with other settings."""
    return built(Failure("", layer=layer, settings=settings(layer)), "", changes)
