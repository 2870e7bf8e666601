"""Text that names a layer, as a command line and a directive take it.

The text is parsed, never evaluated: layers are torch.nn's classes, arguments are literals.
"""

from __future__ import annotations

import ast
import inspect
import re
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin

from convdocs import layers
from convdocs.suggest import nearest

_MEMORY = re.compile("allocate memory|[Oo]verflow")
_MOST = 2**24  # numbers in an input that is made to be drawn


class SpecError(ValueError):
    """Text that does not name a layer, a size or a model; says what is wrong and what to write."""


def kind(name: str) -> type[nn.Module]:
    """The class of torch.nn called ``name``; upper and lower case are one."""
    classes = {key: cls for key, cls in vars(nn).items() if isinstance(cls, type)}
    classes = {key: cls for key, cls in classes.items() if issubclass(cls, nn.Module)}
    for key, cls in classes.items():
        if key.lower() == name.lower():
            return cls
    raise SpecError(f"torch.nn has no layer called {name}{nearest(name, classes)}")


def is_layer(text: str) -> bool:
    """Whether a model is named by layer text, which runs no code, not by an import path."""
    return text.rstrip().endswith(")")


def how_written(name: str) -> str:
    """What to write instead of a kind of layer alone; empty for a word that is none."""
    try:
        cls = kind(name)
    except SpecError:
        return ""
    parameters = inspect.signature(cls).parameters.values()
    taken = (one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD)
    needed = [one.name for one in taken if one.default is one.empty]
    numbers = " with numbers" if needed else ""
    return f"write the layer whole, as {cls.__name__}({', '.join(needed)}){numbers}"


def layer(text: str, *, seed: int = 0) -> nn.Module:
    """Build the layer that ``text`` names; torch's random state stays as it is.

    The text is a constructor call of a class of torch.nn with literals, or other such layers, as
    its arguments. ``nn.`` or ``torch.nn.`` may stand before a name.
    """
    try:
        parsed = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        parsed = None
    if not isinstance(parsed, ast.Call):
        raise SpecError(f"{text!r} is no layer: write one as Conv2d(1, 1, 3, padding=1)")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _built(parsed)


def runnable(text: str) -> str:
    """Layer text as code that runs after ``from torch import nn``.

    Examples
    --------
    >>> runnable("Sequential(conv1d(1, 1, 3), nn.ReLU())")
    'nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU())'
    """
    parsed = ast.parse(text.strip(), mode="eval")
    for call in ast.walk(parsed):
        if isinstance(call, ast.Call):
            call.func = ast.Name(f"nn.{kind(_name(call)).__name__}")
    return ast.unparse(parsed)


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func).removeprefix("torch.").removeprefix("nn.")


def _built(call: ast.Call) -> nn.Module:
    name = _name(call)
    cls = kind(name)
    args = [_argument(value, name) for value in call.args]
    if any(keyword.arg is None for keyword in call.keywords):
        raise SpecError(f"{name}: write the arguments out, ** is not read here")
    kwargs = {str(keyword.arg): _argument(keyword.value, name) for keyword in call.keywords}
    try:
        return cls(*args, **kwargs)
    except (TypeError, ValueError, RuntimeError, AssertionError) as error:
        raise SpecError(f"{ast.unparse(call)}: {_refusal(cls, error, kwargs)}") from error


def _argument(value: ast.expr, name: str) -> Any:
    if isinstance(value, ast.Call):
        return _built(value)
    try:
        return ast.literal_eval(value)
    except ValueError as error:
        raise SpecError(
            f"{name}: {ast.unparse(value)} is not a literal; write the number, text or tuple itself"
        ) from error


def _refusal(cls: type[nn.Module], error: Exception, kwargs: dict[str, Any]) -> str:
    """Torch's own words, and the arguments the layer does take when those were wrong."""
    words = torchs_words(error)
    if not isinstance(error, TypeError) or words != str(error):
        return words
    taken = [name for name in inspect.signature(cls).parameters if name not in ("device", "dtype")]
    for name in kwargs:
        if name not in taken:
            return f"it takes no {name}{nearest(name, taken)}"
    return f"{error}; it takes ({', '.join(taken)})"


def torchs_words(error: BaseException) -> str:
    """What torch says, without the stack of its C++; of memory, first what that means."""
    words = str(error).partition("\nException raised from")[0]
    too_large = _MEMORY.search(words)
    return f"its numbers do not fit into memory; torch says: {words}" if too_large else words


def sliding(made: nn.Module, size: tuple[int, ...]) -> layers.Layer:
    """Read a sliding-window layer, and check that ``size`` has a number for each of its axes."""
    if isinstance(made, LazyModuleMixin):
        name = type(made).__name__
        raise SpecError(
            f"{name} gets its channels from its first input: write {name.removeprefix('Lazy')} "
            "with them"
        )
    read = layers.read(made)
    if len(size) != read.dims:
        raise SpecError(
            f"{read.kind} slides over {' and '.join(read.axes)}: its size is "
            f"{read.dims} number{'s'[: read.dims - 1]}, as {'x'.join('7' * read.dims)}, "
            f"not {'x'.join(map(str, size))}"
        )
    return read


def worked(
    text: str, size: tuple[int, ...], *, values: str = "whole", seed: int = 0
) -> tuple[nn.Module, Tensor]:
    """Build a layer and an unbatched input of ``size`` for a picture, both with numbers in them.

    ``values`` is ``"whole"``: small whole numbers; ``"counting"``: 0, 1, 2 and so on, in the input
    and in each parameter; or ``"random"``: what torch draws.
    """
    made = layer(text, seed=seed)
    shape = (sliding(made, size).in_channels or 1, *size)
    if prod(shape) > _MOST:
        raise SpecError(f"an input of {' x '.join(map(str, shape))} is too large to draw")
    numbers = torch.Generator().manual_seed(seed)
    if values == "random":
        return made, torch.randn(shape, generator=numbers)

    def filled(shape: tuple[int, ...], least: int, end: int) -> Tensor:
        if values == "counting":
            return torch.arange(float(prod(shape))).reshape(shape)
        return torch.randint(least, end, shape, generator=numbers).float()

    for parameter in made.parameters():
        parameter.data = filled(parameter.shape, -1, 3)
    return made, filled(shape, 0, 10)
