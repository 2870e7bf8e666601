"""Every error that is known, by family: read from ``entries/*.toml`` when first asked for."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from torch import nn

from convdocs.errors import strategies
from convdocs.errors.facts import FACTS, Facts, Missing
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair

Strategy = Callable[[Failure, Facts], Iterable[Repair]]

_FOLDER = Path(__file__).parent / "entries"
# The order is the site's.
_PAGES = (
    "inputs", "linear", "joining", "losses", "sequences", "dtypes", "norms", "convolution",
    "pooling", "unpooling", "padding", "folding", "resampling", "models", "building", "training",
)  # fmt: skip
# Two families may know the same words; the one that asks more of the failure is asked first.
_ASKED = (
    "losses", "sequences", "dtypes", "convolution", "inputs", "unpooling", "pooling", "padding",
    "folding", "norms", "resampling", "linear", "joining", "models", "building", "training",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """An error that is known; the files leave out fields that say nothing."""

    code: str  # a stable name, "channels-mismatch"; also the anchor on the site
    page: str  # of the site, and the file that it is declared in
    title: str  # what went wrong, in a few words
    patterns: tuple[str, ...]  # of torch's messages; none for what a model's own check says
    example: str  # names layer or model, x and so on; the last line is the call that fails
    # sentences with facts in braces, left out where one is not known; of several, the first known
    cause: tuple[str | tuple[str, ...], ...]
    fixes: tuple[Strategy, ...]  # the likeliest first
    kind: str = ""  # a pattern of the layers and functions it may come from, whatever their case
    when: tuple[str, ...] = ()  # facts that hold, or do not, where torch says the same of several
    calls: tuple[str, ...] = ()  # that fail so too, each with another of torch's messages
    other_devices: tuple[str, ...] = ()  # messages of other devices and torches
    mended: str = ""  # the example as it should be, where no line put before its call mends it

    @property
    def place(self) -> str:
        """Its address on the site."""
        return f"errors/{self.page}.html#{self.code}"

    def match(self, known: Facts) -> dict[str, str] | None:
        """The named parts of the message, or None where it is another error's."""
        failure = known.failure
        if failure.own == bool(self.patterns) or not re.search(self.kind, failure.kind, re.I):
            return None
        found = (re.search(pattern, failure.message) for pattern in self.patterns or ("",))
        words = next((one.groupdict(default="") for one in found if one), None)
        return words if words is not None and all(map(known.holds, self.when)) else None

    def told(self, facts: Facts) -> str:
        """The cause, with the numbers at hand."""
        sentences = []
        for one in self.cause:
            for template in (one,) if isinstance(one, str) else one:
                with suppress(Missing):
                    sentences.append(facts.filled(template))
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
    return tuple(read(_FOLDER / f"{name}.toml") for name in _PAGES)


@cache
def entries() -> tuple[Entry, ...]:
    """All entries in the order of the site."""
    return tuple(entry for family in families() for entry in family.entries)


@cache
def _asked() -> list[Entry]:
    return sorted(entries(), key=lambda entry: _ASKED.index(entry.page))


@cache
def elsewhere() -> list[dict[str, str]]:
    """What is pasted as an error, but is not about shapes: its pattern, what to say, and a page."""
    text = (_FOLDER.parent / "elsewhere.toml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = tomllib.loads(text)["message"]
    return found


def find(failure: Failure) -> tuple[Entry, Facts] | None:
    """The entry that knows the failure's message, with what is known of it."""
    known = Facts(failure, {})
    matches = ((entry, entry.match(known)) for entry in _asked())
    found = ((entry, Facts(failure, words)) for entry, words in matches if words is not None)
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
    for condition in declared.get("when", ()):
        _named(FACTS, condition.removeprefix("not "), "condition")
    fixes = [_fix(one) for one in declared["fixes"]]
    entry = Entry(code, page, **{k: _frozen(v) for k, v in {**declared, "fixes": fixes}.items()})
    groups = re.findall(r"\(\?P<(\w+)>", " ".join(entry.patterns))
    for name in re.findall(r"\{(\w+)", repr([declared["cause"], declared["fixes"]])):
        if name not in groups:
            _named({**FACTS, **_settings()}, name, "fact")
    return entry


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _fix(declared: str | dict[str, Any]) -> Strategy:
    """A strategy that has sentences of its own, or one with what the entry says of it."""
    if isinstance(declared, str):
        strategy: Strategy = _named(_strategies(), declared, "strategy")
        return strategy
    return _worded(**declared)


def _worded(use: str, text: str, when: Iterable[str] = (), **arguments: Any) -> Strategy:
    """A strategy with a sentence for its fixes, its arguments, and what must hold."""
    strategy = _named(_strategies(), use, "strategy")
    inspect.signature(strategy).bind(None, None, **arguments)

    def worded(failure: Failure, facts: Facts) -> Iterator[Repair]:
        if all(map(facts.holds, when)):
            for repair in strategy(failure, facts, **arguments):
                yield replace(repair, text=repair.text or facts.filled(text, repair.words))

    return worded


def _named(known: dict[str, Any], name: str, what: str) -> Any:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}")
    return known[name]


@cache
def _strategies() -> dict[str, Any]:
    """All public functions of the strategies by name, whichever file they are in."""
    room = strategies.__name__
    files = [import_module(f"{room}.{file.name}") for file in iter_modules(strategies.__path__)]
    return {
        name: value
        for file in files
        for name, value in vars(file).items()
        if str(getattr(value, "__module__", "")).startswith(room) and not name.startswith("_")
    }


@cache
def _settings() -> dict[str, int]:
    """Names of the settings that torch's layers are built with; "dims" is said of every layer."""
    codes = (getattr(getattr(nn, name).__init__, "__code__", None) for name in nn.modules.__all__)
    arguments = (code.co_varnames[: code.co_argcount] for code in codes if code)
    return dict.fromkeys(("dims", *(name for names in arguments for name in names)), 0)
