"""Code that can be shown and run: written as Python, by operating on names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

Scope = Mapping[str, Any]


class Code:
    """An expression over named values.

    Operating on one gives a longer one: nothing happens until :meth:`run_in` gets the values.

    Examples
    --------
    >>> x = name("x")
    >>> x.permute(0, 2, 1)[:, None] / 255
    x.permute(0, 2, 1)[:, None] / 255
    >>> run(x.permute(1, 0), {"x": torch.zeros(2, 3)}).shape
    torch.Size([3, 2])
    """

    __slots__ = ("_compute", "_text")

    def __init__(self, text: str, compute: Callable[[Scope], Any]) -> None:
        self._text = text
        self._compute = compute

    def __repr__(self) -> str:
        return self._text

    def __getattr__(self, attribute: str) -> Code:
        if attribute.startswith("_"):
            raise AttributeError(attribute)
        return Code(f"{_whole(self)}.{attribute}", lambda s: getattr(self._compute(s), attribute))

    def __call__(self, *args: Any, **kwargs: Any) -> Code:
        given = [shown(one) for one in args] + [f"{k}={shown(v)}" for k, v in kwargs.items()]
        return Code(
            f"{self._text}({', '.join(given)})",
            lambda s: self._compute(s)(
                *_spread(args, s), **{k: run(v, s) for k, v in kwargs.items()}
            ),
        )

    def __getitem__(self, key: Any) -> Code:
        return Code(f"{_whole(self)}[{_index(key)}]", lambda s: self._compute(s)[run(key, s)])

    def __add__(self, other: Any) -> Code:
        return self._with("+", other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Code:
        return self._with("-", other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Code:
        return self._with("*", other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Code:
        return self._with("/", other, lambda a, b: a / b)

    def _with(self, sign: str, other: Any, both: Callable[[Any, Any], Any]) -> Code:
        text = f"{_whole(self)} {sign} {shown(other)}"
        return Code(text, lambda s: both(self._compute(s), run(other, s)))


def name(text: str, key: str = "") -> Code:
    """A value of the scope by its name, shown as ``text``.

    Examples
    --------
    >>> name("model[1]", "layer")(name("x"))
    model[1](x)
    """
    return Code(text, lambda scope: scope[key or text])


def constant(text: str, value: Any) -> Code:
    """A value that is shown as ``text``."""
    return Code(text, lambda _: value)


def length(one: Code) -> Code:
    """How many samples a batch has."""
    return Code(f"len({one})", lambda s: len(one._compute(s)))


def star(one: Code) -> Code:
    """Its values as arguments of their own."""
    return Code(f"*{one}", one._compute)


def run(value: Any, scope: Scope) -> Any:
    """The value of code, also inside a tuple, a list or a slice; anything else as it is."""
    match value:
        case Code():
            return value._compute(scope)
        case slice():
            return slice(*(run(part, scope) for part in (value.start, value.stop, value.step)))
        case tuple() | list():
            return type(value)(run(one, scope) for one in value)
    return value


def shown(value: Any) -> str:
    """A value as one would type it.

    Examples
    --------
    >>> shown((1, None)), shown(torch.float16), shown([name("a"), 2])
    ('(1, None)', 'torch.float16', '[a, 2]')
    """
    match value:
        case Code():
            return str(value)
        case tuple() if not hasattr(value, "_fields"):
            return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
        case list():
            return f"[{', '.join(map(shown, value))}]"
    return repr(value)


def _spread(values: tuple[Any, ...], scope: Scope) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, Code) and value._text.startswith("*"):
            found.extend(run(value, scope))
        else:
            found.append(run(value, scope))
    return found


def _whole(one: Code) -> str:
    """The text, in parentheses where an operator would take it apart."""
    depth = 0
    for place, letter in enumerate(one._text):
        depth += (letter in "([") - (letter in ")]")
        if letter == " " and depth == 0 and one._text[place + 1] in "+-*/":
            return f"({one._text})"
    return one._text


def _index(key: Any) -> str:
    parts = key if isinstance(key, tuple) else (key,)
    return ", ".join(_slice(part) if isinstance(part, slice) else _plain(part) for part in parts)


def _slice(part: slice) -> str:
    ends = [("" if end is None else shown(end)) for end in (part.start, part.stop)]
    return ":".join(ends)


def _plain(part: Any) -> str:
    return "..." if part is Ellipsis else shown(part)


NN = constant("nn", nn)
TORCH = constant("torch", torch)
