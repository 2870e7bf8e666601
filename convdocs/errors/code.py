"""Code that can be shown and run: written as Python, by operating on names."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import nn

Scope = Mapping[str, Any]


def _infix(sign: str, both: Callable[[Any, Any], Any]) -> Callable[[Code, Any], Code]:
    return lambda one, other: Code(
        f"{_whole(one)} {sign} {shown(other)}", lambda s: both(run(one, s), run(other, s))
    )


class Code:
    """An expression over named values.

    Operating on one gives a longer one: nothing happens until :func:`run` gets the values.

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
        return Code(f"{_whole(self)}.{attribute}", lambda s: getattr(run(self, s), attribute))

    def __call__(self, *args: Any, **kwargs: Any) -> Code:
        given = [*map(shown, args), *(f"{key}={shown(value)}" for key, value in kwargs.items())]
        text = f"{self._text}({', '.join(given)})"
        return Code(text, lambda s: run(self, s)(*_spread(args, s), **run(kwargs, s)))

    def __getitem__(self, key: Any) -> Code:
        index = ", ".join(map(shown, key if isinstance(key, tuple) else (key,)))
        return Code(f"{_whole(self)}[{index}]", lambda s: run(self, s)[run(key, s)])

    def __iter__(self) -> Iterator[Code]:
        """All of its values as arguments of a call, by a star."""
        yield Code(f"*{self}", self._compute)

    __add__ = _infix("+", operator.add)
    __sub__ = _infix("-", operator.sub)
    __mul__ = _infix("*", operator.mul)
    __truediv__ = _infix("/", operator.truediv)

    def __neg__(self) -> Code:
        return Code(f"-{_whole(self)}", lambda s: -run(self, s))


def name(text: str, key: str = "") -> Code:
    """A value of the scope by its name ``key``, shown as ``text``."""
    return Code(text, lambda scope: scope[key or text])


def constant(text: str, value: Any) -> Code:
    """A value that is shown as ``text``."""
    return Code(text, lambda _: value)


def run(value: Any, scope: Scope) -> Any:
    """The value of code, also inside what holds it; anything else as it is."""
    match value:
        case Code():
            return value._compute(scope)
        case slice():
            return slice(*(run(part, scope) for part in (value.start, value.stop, value.step)))
        case dict():
            return {key: run(one, scope) for key, one in value.items()}
        case tuple() | list():
            return type(value)(run(one, scope) for one in value)
    return value


def shown(value: Any) -> str:
    """A value as one would type it; a slice as in an index."""
    match value:
        case slice():
            return ":".join("" if end is None else shown(end) for end in (value.start, value.stop))
        case tuple() if not hasattr(value, "_fields"):
            return f"({', '.join(map(shown, value))}{',' * (len(value) == 1)})"
        case list():
            return f"[{', '.join(map(shown, value))}]"
    return "..." if value is Ellipsis else repr(value)


def _spread(values: tuple[Any, ...], scope: Scope) -> Iterator[Any]:
    for value in values:
        starred = isinstance(value, Code) and value._text.startswith("*")
        yield from run(value, scope) if starred else [run(value, scope)]


def _whole(one: Code) -> str:
    """The text, in parentheses where an operator would take it apart."""
    depth = 0
    for letter, following in pairwise(one._text):
        depth += (letter in "([") - (letter in ")]")
        if letter == " " and depth == 0 and following in "+-*/":
            return f"({one._text})"
    return one._text


def parsed(text: str, names: Mapping[str, Any]) -> Code:
    """An expression in Python, read with the values or the code that its names stand for.

    Examples
    --------
    >>> parsed("x.flatten(1)[:, None]", {"x": name("out")})
    out.flatten(1)[:, None]
    """
    value = _read(ast.parse(text, mode="eval").body, names)
    return value if isinstance(value, Code) else Code(shown(value), lambda scope: run(value, scope))


_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.USub: operator.neg,
}  # fmt: skip


def _read(node: Any, names: Mapping[str, Any]) -> Any:
    def read(part: Any) -> Any:
        return part and _read(part, names)

    match node:
        case ast.Constant(value):
            return value
        case ast.Name(key):
            return names[key]
        case ast.Attribute(value, attribute):
            return getattr(read(value), attribute)
        case ast.Subscript(value, key):
            return read(value)[read(key)]
        case ast.Slice(lower, upper, step):
            return slice(*map(read, (lower, upper, step)))
        case ast.Tuple(parts):
            return tuple(map(read, parts))
        case ast.List(parts):
            return list(map(read, parts))
        case ast.Call(called, arguments, keywords):
            named = {str(keyword.arg): read(keyword.value) for keyword in keywords}
            return read(called)(*map(read, arguments), **named)
        case ast.UnaryOp(sign, value):
            return _OPERATORS[type(sign)](read(value))
        case ast.BinOp(left, sign, right):
            return _OPERATORS[type(sign)](read(left), read(right))
    raise ValueError(f"{ast.unparse(node)} is no code that a fix may hold")


NN, TORCH = constant("nn", nn), constant("torch", torch)
LEN = constant("len", len)  # of a batch: how many samples it has
