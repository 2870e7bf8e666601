"""Every error that is known, by family: read from ``entries/*.toml`` when first asked for."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from torch import nn

from convdocs.errors import strategies
from convdocs.errors.failure import Failure
from convdocs.errors.known import FACTS, Known
from convdocs.errors.repair import Repair, written

Strategy = Callable[[Known], Iterable[Repair]]

_FOLDER = Path(__file__).parent / "entries"
# The families in the order of the site. Two may know the same words: the one that asks more of the
# failure is asked first, by these numbers.
_ASKED = {
    "inputs": 5, "linear": 12, "joining": 13, "losses": 1, "sequences": 2, "dtypes": 3, "norms": 10,
    "convolution": 4, "pooling": 7, "unpooling": 6, "padding": 8, "folding": 9, "resampling": 11,
    "models": 14, "building": 15, "training": 16,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Entry:
    """An error that is known; the files leave out fields that say nothing."""

    code: str  # a stable name, "channels-mismatch"; also the anchor on the site
    page: str  # of the site, and the file that it is declared in
    title: str  # what went wrong, in a few words
    patterns: Sequence[str]  # of torch's messages; none for what a model's own check says
    example: str  # names layer or model, x and so on; the last line is the call that fails
    # sentences with facts in braces, left out where one is not known; of several, the first known
    cause: Sequence[str | Sequence[str]]
    fixes: Sequence[Strategy]  # the likeliest first
    kind: str = ""  # a pattern of the layers and functions it may come from, whatever their case
    when: Sequence[str] = ()  # facts that hold, or do not, where torch says the same of several
    calls: Sequence[str] = ()  # that fail so too, each with another of torch's messages
    other_devices: Sequence[str] = ()  # messages of other devices and torches
    mended: str = ""  # the example as it should be, where no line put before its call mends it

    @property
    def place(self) -> str:
        """Its address on the site."""
        return f"errors/{self.page}.html#{self.code}"

    def match(self, known: Known) -> dict[str, str] | None:
        """The named parts of the message, or None where it is another error's."""
        if known.own == bool(self.patterns) or not re.search(self.kind, known.kind, re.I):
            return None
        found = (re.search(pattern, known.message) for pattern in self.patterns or ("",))
        words = next((one.groupdict(default="") for one in found if one), None)
        return words if words is not None and all(map(known.holds, self.when)) else None

    def told(self, known: Known) -> str:
        """The cause, with the numbers at hand."""
        sentences = []
        for one in self.cause:
            for template in (one,) if isinstance(one, str) else one:
                with suppress(AttributeError, LookupError):
                    sentences.append(known.filled(template))
                    break
        return " ".join(sentences)


@dataclass(frozen=True)
class Family:
    """A page of the site with its entries."""

    name: str
    title: str
    mistake: str  # what the reader did wrong, in a few words: the pages are listed by it
    intro: str
    entries: tuple[Entry, ...]


@cache
def families() -> tuple[Family, ...]:
    """The pages of the site, each with its entries."""
    return tuple(read(_FOLDER / f"{name}.toml") for name in _ASKED)


@cache
def entries() -> tuple[Entry, ...]:
    """All entries in the order of the site."""
    return tuple(entry for family in families() for entry in family.entries)


@cache
def elsewhere() -> list[dict[str, str]]:
    """What is pasted as an error, but is not about shapes: its pattern, what to say, and a page."""
    text = (_FOLDER.parent / "elsewhere.toml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = tomllib.loads(text)["message"]
    return found


def find(failure: Failure) -> tuple[Entry, Known] | None:
    """The entry that knows the failure's message, with what is known of it."""
    known = Known(failure, {})
    asked = sorted(entries(), key=lambda entry: _ASKED[entry.page])
    matches = ((entry, entry.match(known)) for entry in asked)
    found = ((entry, Known(failure, words)) for entry, words in matches if words is not None)
    return next(found, None)


def read(path: Path) -> Family:
    """A family from its file; a ValueError names the file and the entry of what it cannot read."""
    known = tomllib.loads(path.read_text(encoding="utf-8"))
    texts = {key: text for key, text in known.items() if isinstance(text, str)}
    place, found = path.name, []
    try:
        for code in (key for key in known if key not in texts):
            place = f"{path.name}, {code}"
            found.append(_entry(code, path.stem, known[code]))
        place = path.name
        return Family(path.stem, entries=tuple(found), **texts)
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"{place}: {error}") from error


def _entry(code: str, page: str, declared: dict[str, Any]) -> Entry:
    fixes = [_fix("", one) if isinstance(one, str) else _fix(**one) for one in declared["fixes"]]
    entry = Entry(code, page, **{**declared, "fixes": fixes})
    known = {*FACTS, *Failure.__dataclass_fields__, *vars(Failure)}
    _check("condition", [one.removeprefix("not ") for one in entry.when], known)
    groups = re.findall(r"\(\?P<(\w+)>", " ".join(entry.patterns))
    facts = re.findall(r"(?<!\{)\{(\w+)", repr([declared["cause"], declared["fixes"]]))
    _check("fact", facts, known.union(groups, _settings()))
    return entry


def _fix(
    text: str, use: str = "", when: Iterable[str] = (), onwards: bool = False, **arguments: Any
) -> Strategy:
    """A strategy, or steps as code, with a sentence for the fixes and what must hold."""
    if use:
        _check("strategy", [use], set(_strategies()))
        inspect.signature(_strategies()[use]).bind(None, **arguments)

    def repairs(known: Known) -> Iterable[Repair]:
        if use:
            found: Iterable[Repair] = _strategies()[use](known, **arguments)
            return found
        steps = {target: known.filled(code) for target, code in arguments.items()}
        return [written(known, steps)]

    def worded(known: Known) -> Iterator[Repair]:
        if all(map(known.holds, when)):
            for repair in repairs(known):
                words = repair.text or known.filled(text, repair.words)
                yield replace(repair, text=words, onwards=repair.onwards or onwards)

    return worded


def _check(what: str, names: Iterable[str], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"there is no {what} {name!r}")


@cache
def _strategies() -> dict[str, Any]:
    """All public functions of the strategies by name, whichever file they are in."""
    room = strategies.__name__
    files = [import_module(f"{room}.{file.name}") for file in iter_modules(strategies.__path__)]
    return {
        name: value
        for file in files
        for name, value in vars(file).items()
        if getattr(value, "__module__", "") == file.__name__ and not name.startswith("_")
    }


@cache
def _settings() -> set[str]:
    """Names of the settings that torch's layers are built with."""
    codes = (getattr(getattr(nn, name).__init__, "__code__", None) for name in nn.modules.__all__)
    return {name for code in codes if code for name in code.co_varnames[: code.co_argcount]}
