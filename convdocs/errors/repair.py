"""A fix as code: written from the failing call's settings, and run on it to see that it holds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from convdocs import layers
from convdocs.cells.replica import replica
from convdocs.errors.failure import Failure, of_torch

MANY_BYTES = 256 * 1024**2  # a layer up to this size is run for real when its dtype is in question
LETTERS = "abcdefghij"


@dataclass(frozen=True)
class Repair:
    """A fix that may hold: what to do, and assignments to the names of the failing call.

    Parameters
    ----------
    text : str
        What to do, in a sentence.
    steps : tuple of (str, str)
        Names and the expressions they get: ``(("x", "x.permute(0, 2, 1)"),)``. ``layer`` is the
        failing layer, ``y`` what a failing function should have returned.
    """

    text: str
    steps: tuple[tuple[str, str], ...]

    def code(self, path: str = "") -> str:
        """The assignments as lines to paste; ``path`` is the failing layer's in its model.

        Examples
        --------
        >>> Repair("", (("layer", "nn.Conv1d(4, 2, 3)"),)).code("features.0")
        'model.features[0] = nn.Conv1d(4, 2, 3)'
        """
        place = _place(path)
        lines = []
        for name, expression in self.steps:
            if expression.startswith("layer") and expression[5] in ".(":
                expression = place + expression.removeprefix("layer")
            lines.append(f"{place if name == 'layer' else name} = {expression}")
        return "\n".join(lines)


def _place(path: str) -> str:
    if not path:
        return "layer"
    return "model" + "".join(f"[{p}]" if p.isdecimal() else f".{p}" for p in path.split("."))


def given(text: str, expression: str, name: str = "x") -> Repair:
    """A fix of the input: ``x`` becomes the expression.

    Examples
    --------
    >>> given("Move the channels.", "x.permute(0, 2, 1)").code()
    'x = x.permute(0, 2, 1)'
    """
    return Repair(text, ((name, expression),))


def instead(text: str, expression: str) -> Repair:
    """A fix of the layer: another one in its place.

    Examples
    --------
    >>> instead("Use two axes.", "nn.Conv2d(3, 2, 3)").code()
    'layer = nn.Conv2d(3, 2, 3)'
    """
    return Repair(text, (("layer", expression),))


def rebuilt(failure: Failure, text: str, kind: str = "", **changes: Any) -> Repair | None:
    """A fix of the layer: the same settings with some changed; ``kind`` builds another class.

    None where there is no layer of torch.nn to build anew. For a functional convolution or pool
    it is the same call with other settings.
    """
    made = failure.built or (type(failure.layer) if failure.layer is not None else None)
    if made is None:
        return _called(failure, text, changes) if failure.settings and not kind else None
    known = of_torch(made)
    made = getattr(nn, kind, None) if kind else made
    if not known or made is None:
        return None
    settings = {**failure.settings, **changes}
    try:
        with torch.device("meta"), torch.no_grad():
            expression = f"nn.{layers.code(made(**settings))}"
    except Exception:  # still no layer: whoever tries this fix will see what else is wrong
        given = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return instead(text, f"nn.{made.__name__}({given})")
    weight = getattr(failure.layer, "weight", None)
    if isinstance(weight, Tensor) and weight.dtype != torch.float32:
        expression = f"{expression[:-1]}, dtype={weight.dtype})"
    return instead(text, expression)


def _called(failure: Failure, text: str, changes: dict[str, Any]) -> Repair | None:
    """The failing function called with other settings."""
    fixed = ("kernel_size", "in_channels", "out_channels")  # a functional weight stays as it is
    if failure.function.startswith("conv") and any(name in fixed for name in changes):
        return None
    settings = {**failure.settings, **changes}
    if failure.function.startswith("conv"):
        settings.pop("kernel_size", None)
    given = "".join(f", {name}={value!r}" for name, value in settings.items() if value is not None)
    call = f"nn.functional.{failure.function}({', '.join(names(failure))}{given})"
    return Repair(text, (("y", call),))


def names(failure: Failure) -> tuple[str, ...]:
    """What the call's inputs are called in a fix's code.

    Examples
    --------
    >>> names(Failure("", function="cat", args=([torch.zeros(1), torch.zeros(2)],)))
    ('a', 'b')
    """
    if failure.layer is not None:
        return ("x", "indices", "third")[: len(failure.args)]
    count = len(failure.tensors)
    if failure.function.startswith(("conv", "linear")):
        return ("x", "weight", "bias")[:count]
    return ("x",) if count == 1 else tuple(LETTERS[:count])


@dataclass(frozen=True)
class Fixed:
    """A fix that has been made ready to run: the new layer is built, the rest waits for inputs.

    Parameters
    ----------
    failure : Failure
        The call that failed.
    steps : tuple of (str, str)
        The fix's assignments, those to the layer left out.
    layer : torch.nn.Module or None
        The layer to call, a copy or a new one.
    """

    failure: Failure
    steps: tuple[tuple[str, str], ...]
    layer: nn.Module | None

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The fixed call's output for the inputs of the failing one."""
        called = names(self.failure)
        inputs = args if self.failure.layer is not None else tuple(_tensors((args, kwargs)))
        scope: dict[str, Any] = {"torch": torch, "nn": nn, "layer": self.layer, **kwargs}
        scope.update(zip(called, inputs, strict=False))
        for name, expression in self.steps:
            scope[name] = eval(expression, scope)
        if "y" in scope:
            return scope["y"]
        if self.layer is not None:
            rest = {name: scope[name] for name in kwargs}
            return self.layer(*(scope[name] for name in called), **rest)
        fixed = iter([scope[name] for name in called])
        assert self.failure.call is not None
        return self.failure.call(*_refilled(args, fixed), **_refilled(kwargs, fixed))


def prepare(failure: Failure, repair: Repair, *, values: bool) -> Fixed:
    """Build what the fix builds: on meta, or for real where values count."""
    layer = None if failure.layer is None else twin(failure.layer, values)
    rest = []
    with quiet(values):
        for name, expression in repair.steps:
            if name == "layer":
                layer = eval(expression, {"torch": torch, "nn": nn, "layer": layer})
                if failure.layer is not None:
                    layer.train(failure.layer.training and not expression.endswith(".eval()"))
            else:
                rest.append((name, expression))
    return Fixed(failure, tuple(rest), layer)


def perform(failure: Failure, fixed: Fixed, *, values: bool) -> None:
    """Run the failing call, fixed, on a copy of its inputs; raises where the fix doesn't hold."""
    if failure.built is None:
        args, kwargs = copied((failure.args, failure.kwargs), values=values)
        with quiet(values), Witness():
            fixed(args, kwargs)


class Witness(TorchFunctionMode):
    """Calls what it is asked to; its frame in a traceback holds the function and its arguments."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return func(*args, **(kwargs or {}))


@contextlib.contextmanager
def quiet(values: bool) -> Iterator[None]:
    """Without gradients or a change of the random state; new tensors on meta, or real."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=[]))
        if not values:
            stack.enter_context(torch.device("meta"))
        yield


def twin(layer: nn.Module, values: bool) -> nn.Module:
    """A copy of the layer to change at will: on meta, or real where values count."""
    size = sum(p.nbytes for p in layer.parameters())
    if values and size <= MANY_BYTES:
        return replica(layer, lambda one: one.detach().clone())
    return replica(layer, lambda one: one.detach().to("meta"))


def _tensors(held: Any) -> Iterator[Tensor]:
    match held:
        case Tensor():
            yield held
        case dict():
            yield from _tensors(list(held.values()))
        case list() | tuple():
            for one in held:
                yield from _tensors(one)


def copied(held: Any, *, values: bool) -> Any:
    """The arguments with their tensors detached, or put on meta where values do not count.

    Examples
    --------
    >>> copied([torch.zeros(2), "same"], values=False)
    [tensor(..., device='meta', size=(2,)), 'same']
    """
    return _mapped(held, lambda one: one.detach() if values else one.detach().to("meta"))


def _refilled(held: Any, fixed: Iterator[Tensor]) -> Any:
    """The arguments with each tensor replaced by the next fixed one."""
    return _mapped(held, lambda _: next(fixed))


def _mapped(held: Any, change: Any) -> Any:
    match held:
        case Tensor():
            return change(held)
        case dict():
            return {key: _mapped(value, change) for key, value in held.items()}
        case list() | tuple() if not hasattr(held, "_fields"):
            return type(held)(_mapped(value, change) for value in held)
        case _:
            return held
