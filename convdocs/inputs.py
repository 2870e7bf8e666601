"""Text that names sizes, inputs and arguments, as a command line and a directive take it.

The text is parsed, never evaluated.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map

from convdocs.spec import SpecError, torchs_words
from convdocs.suggest import nearest

_LARGEST = 2**63 - 1  # torch's sizes are 64-bit integers
_BETWEEN = re.compile(r"\s*[,x×]\s*|\s+")
_NAMED = re.compile(r"\s*([A-Za-z_]\w*(?:\.\w+)*)\s*[=:]\s*(.*)", re.DOTALL)


def whole_numbers(text: str, example: str) -> tuple[int, ...]:
    """Whole numbers of at least 0, with commas, spaces or x between them, or as torch prints them.

    Examples
    --------
    >>> whole_numbers("4x5", "7"), whole_numbers("torch.Size([1, 3, 8])", "7")
    ((4, 5), (1, 3, 8))
    """
    bare = text.strip().lower().removeprefix("torch.size").strip("()[], ")
    try:
        numbers = tuple(map(int, _BETWEEN.split(bare)))
    except ValueError:
        raise SpecError(f"{text!r} is not understood: write whole numbers, as {example}") from None
    if min(numbers) < 0:
        raise SpecError(f"{text!r} has a negative number: write whole numbers, as {example}")
    if max(numbers) > _LARGEST:
        raise SpecError(f"{text!r} has a number that no tensor's size can be")
    return numbers


def size(text: str) -> tuple[int, ...]:
    """A size along the spatial axes, ``"4x5"``."""
    return whole_numbers(text, "7, 4x5 or 4x5x6")


def tensor_input(text: str) -> Any:
    """A model's input: a shape, or with ``:dtype`` a tensor of zeros of that type.

    Examples
    --------
    >>> tensor_input("1,3,224,224"), tensor_input("1x3x8x8"), tensor_input("[2, 10]")
    ((1, 3, 224, 224), (1, 3, 8, 8), (2, 10))
    >>> tensor_input("2,3:int64").dtype
    torch.int64
    """
    numbers, _, dtype = text.partition(":")
    shape = whole_numbers(numbers, "1,3,224,224 or 2,10:int64")
    if not dtype:
        return shape
    dtypes = {key: value for key, value in vars(torch).items() if isinstance(value, torch.dtype)}
    name = dtype.strip().removeprefix("torch.")
    if name not in dtypes:
        raise SpecError(f"torch has no dtype called {name}{nearest(name, dtypes)}")
    return _zeros(shape, dtypes[name])


def _zeros(shape: tuple[int, ...], dtype: torch.dtype | None = None) -> torch.Tensor:
    try:
        return torch.zeros(shape, dtype=dtype)
    except RuntimeError as error:
        raise SpecError(f"an input of {shape}: {torchs_words(error)}") from error


def arguments(texts: Iterable[str]) -> tuple[list[Any], dict[str, Any]]:
    """A model's inputs by place and by name, from one text each.

    ``x=1,3,8,8`` or ``ids:2,9:int64`` names an argument; ``batch.image=1,3,8,8`` an entry of one
    that is a dict, and so does ``batch={"image": [1, 3, 8, 8]}``.

    Examples
    --------
    >>> arguments(["1,3,8,8", "mask=1,8,8"])
    ([(1, 3, 8, 8)], {'mask': (1, 8, 8)})
    >>> arguments(["batch.image=1,3,8,8", "batch.size=1,2"])
    ([], {'batch': {'image': (1, 3, 8, 8), 'size': (1, 2)}})
    """
    by_place: list[Any] = []
    by_name: dict[str, Any] = {}
    for text in texts:
        if named := _NAMED.fullmatch(text):
            _enter(by_name, named[1], _value(named[2]))
        else:
            by_place.append(_value(text))
    given = [by_place, by_name]
    if any(isinstance(one, torch.Tensor) for one in tree_leaves(given, is_leaf=_is_input)):
        # a tuple of ints beside a tensor is what it is, not a shape
        by_place, by_name = tree_map(
            lambda one: _zeros(one) if isinstance(one, tuple) else one,
            given,
            is_leaf=_is_input,
        )
    return by_place, by_name


def _is_input(value: Any) -> bool:
    return not isinstance(value, list | dict)


def _enter(entries: dict[str, Any], name: str, value: Any) -> None:
    *way, last = name.split(".")
    for key in way:
        entries = entries.setdefault(key, {})
        if not isinstance(entries, dict):
            raise SpecError(f"{name}: {key} is a tensor already, not a dict of them")
    if last in entries:
        raise SpecError(f"{name} is given twice")
    entries[last] = value


def _value(given: Any) -> Any:
    """An input: a tensor, or a dict of them, as text or as JSON or Python has them."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        given = keywords(given)
    if isinstance(given, dict):
        return {key: _value(one) for key, one in given.items()}
    return tensor_input(given if isinstance(given, str) else str(list(given)))


def keywords(text: str) -> dict[str, Any]:
    """Keyword arguments as JSON or as a Python dict of literals."""
    for read in (json.loads, ast.literal_eval):
        try:
            given = read(text.strip())
        except (SyntaxError, ValueError):
            continue
        if isinstance(given, dict) and all(isinstance(key, str) for key in given):
            return given
    raise SpecError(f"{text!r} is no set of keyword arguments: write them as {{'width': 8}}")


def setting(text: str) -> tuple[str, Any]:
    """One argument by name, ``"width=8"``; what is no literal is text.

    Examples
    --------
    >>> setting("width=8"), setting("act=relu"), setting("sizes=(1, 2)")
    (('width', 8), ('act', 'relu'), ('sizes', (1, 2)))
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not name.isidentifier():
        raise SpecError(f"{text!r} is no argument: write it as width=8")
    words = {"true": True, "false": False, "none": None}
    try:
        return name, ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return name, words.get(value.lower(), value)
