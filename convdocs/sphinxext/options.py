"""The directives' options and the extension's settings, as declared.toml has them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from docutils.nodes import make_id
from docutils.parsers.rst import directives

from convdocs.suggest import nearest


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a directive: what its value looks like, does, and how it is read."""

    name: str
    takes: str
    help: str
    read: Callable[[str], Any]
    default: Any = None
    required: bool = False


def read(declared: Sequence[Option], given: Mapping[str, str | None]) -> dict[str, Any]:
    """Values of all the options that are declared, from the text of those that are given.

    A ValueError says which option there is not, or cannot take its value.
    """
    values = {option.name: option.default for option in declared}
    for name in given:
        if name not in values:
            near = nearest(name, values) or f"; there are {', '.join(values)}"
            raise ValueError(f"there is no option :{name}:{near}")
    for option in declared:
        if option.name in given:
            try:
                values[option.name] = option.read((given[option.name] or "").strip())
            except ValueError as error:
                raise ValueError(f":{option.name}: {error}") from error
        elif option.required:
            raise ValueError(f":{option.name}: is needed: {option.takes}")
    return values


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"takes a whole number, not {text!r}")
    return int(text)


def _flag(text: str) -> bool:
    if text:
        raise ValueError(f"takes no value, not {text!r}")
    return True


def _text(text: str) -> str:
    if not text:
        raise ValueError("is empty")
    return text


def _one_of(words: Sequence[str], text: str) -> str:
    if text not in words:
        raise ValueError(f"takes {_either(words)}, not {text!r}{nearest(text, words)}")
    return text


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _split(mark: str | None, text: str) -> list[str]:
    return [word.strip() for word in text.split(mark)]


def _typed() -> Any:
    """What reads sizes and inputs; it loads torch, which a build without changes never needs."""
    from convdocs import inputs

    return inputs


_READERS: dict[str, Callable[[str], Any]] = {
    "size": lambda text: _typed().size(text),
    "cell": lambda text: _typed().whole_numbers(text, ",", "0,1,2"),
    "inputs": lambda text: _typed().arguments(text.split(";")),
    "kwargs": lambda text: _typed().keywords(text),
    "calls": lambda text: [int(word) if word.isdecimal() else word for word in text.split()],
    "classes": lambda text: [make_id(word) for word in text.split()],
    "length": lambda text: directives.length_or_percentage_or_unitless(text, "px"),
    "commas": partial(_split, ","),
    "semicolons": partial(_split, ";"),
    "names": partial(_split, None),
    "number": float,
    "whole": _whole,
    "flag": _flag,
    "text": _text,
}


def _option(name: str, entry: dict[str, Any]) -> Option:
    if words := entry.pop("words", None):
        entry |= {"takes": _either(words), "read": partial(_one_of, words)}
    else:
        entry["read"] = _READERS[entry["read"]]
    return Option(**{"name": name, **entry})


_DECLARED = tomllib.loads(Path(__file__).with_name("declared.toml").read_text(encoding="utf-8"))
SETTINGS: dict[str, dict[str, Any]] = _DECLARED["settings"]  # values of conf.py
OPTIONS = {name: _option(name, entry) for name, entry in _DECLARED["options"].items()}
DIRECTIVES: dict[str, dict[str, Any]] = {
    name: {**entry, "declared": tuple(OPTIONS[option] for option in entry.pop("options"))}
    for name, entry in _DECLARED["directives"].items()
}
