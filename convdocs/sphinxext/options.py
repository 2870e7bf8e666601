"""The directives' options and the extension's settings, as declared.toml has them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import inf
from pathlib import Path
from typing import Any

from docutils.parsers.rst import directives

from convdocs.suggest import nearest

# one of a directive's options, as reStructuredText and MyST or as YAML has it after ---
_LINE = re.compile(r"\s*(?:---|:?([\w-]+):)(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a directive: what its value looks like, does, and how it is read."""

    name: str
    takes: str
    help: str
    read: Callable[[str], Any]
    default: Any = None
    required: bool = False
    words: Sequence[str] = ()  # of which it takes one

    def value(self, text: str) -> Any:
        """What a text means; a ValueError says what it should have been."""
        try:
            return self.read(text)
        except ValueError as error:
            # what reads sizes and inputs has words of its own
            wrong = f"takes {self.takes}, not {text!r}{nearest(text, self.words)}"
            told = wrong if type(error) is ValueError else error
            raise ValueError(f":{self.name}: {told}") from error


def read(
    declared: Sequence[Option], given: Mapping[str, str | None], written: str = ""
) -> dict[str, Any]:
    """Values of all the options that are declared, from the text of those that are given.

    A ValueError says which option there is not, cannot take its value, or is in the directive as
    it is written twice: MyST would take the last.
    """
    values = {option.name: option.default for option in declared}
    lines = takewhile(bool, map(_LINE.match, written.splitlines()[1:]))
    names = [line[1] for line in lines if line]
    for name in names:
        if name in given and names.count(name) > 1:
            raise ValueError(f":{name}: is given twice")
    for name in given:
        if name not in values:
            near = nearest(name, values) or f"; there are {', '.join(values)}"
            raise ValueError(f"there is no option :{name}:{near}")
    for option in declared:
        if option.name in given:
            values[option.name] = option.value((given[option.name] or "").strip())
        elif option.required:
            raise ValueError(f":{option.name}: is needed: {option.takes}")
    return values


def _typed() -> Any:
    """What reads sizes and inputs; it loads torch, which a build without changes never needs."""
    from convdocs import inputs

    return inputs


def _only_if(fits: Any, value: Any) -> Any:
    if not fits:
        raise ValueError
    return value


_READERS: dict[str, Callable[[str], Any]] = {
    "size": lambda text: _typed().size(text),
    "cell": lambda text: _typed().whole_numbers(text, "0,1,2"),
    "inputs": lambda text: _typed().arguments(text.split(";")),
    "kwargs": lambda text: _typed().keywords(text),
    "calls": lambda text: [int(word) if word.isdecimal() else word for word in text.split()],
    "classes": directives.class_option,
    "length": lambda text: directives.length_or_percentage_or_unitless(text, "px"),
    "commas": lambda text: [word.strip() for word in text.split(",")],
    "semicolons": lambda text: [word.strip() for word in text.split(";")],
    "names": str.split,
    "number": lambda text: _only_if(0 <= float(text) < inf, float(text)),
    "whole": lambda text: _only_if(directives.nonnegative_int(text) < 2**63, int(text)),
    "flag": lambda text: _only_if(not text, True),
    "text": lambda text: _only_if(text, text),
}


def _option(name: str, entry: dict[str, Any]) -> Option:
    words = entry.get("words", ())
    choices = {
        "takes": f"{', '.join(words[:-1])} or {words[-1]}" if words else "",
        "read": lambda text: words[words.index(text)],
    }
    reads = {"read": _READERS[entry["read"]]} if "read" in entry else choices
    return Option(**{"name": name, **entry, **reads})


_DECLARED = tomllib.loads(Path(__file__).with_name("declared.toml").read_text(encoding="utf-8"))
SETTINGS: dict[str, dict[str, Any]] = _DECLARED["settings"]  # values of conf.py
OPTIONS = {name: _option(name, entry) for name, entry in _DECLARED["options"].items()}
DIRECTIVES: dict[str, dict[str, Any]] = {
    name: {**entry, "declared": tuple(OPTIONS[option] for option in entry.pop("options"))}
    for name, entry in _DECLARED["directives"].items()
}
