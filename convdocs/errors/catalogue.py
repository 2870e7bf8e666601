"""Every error that is known, by family: read from ``entries/*.toml`` when first asked for."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from torch import nn

from convdocs.errors import strategies
from convdocs.errors.conditions import CONDITIONS, Condition
from convdocs.errors.entry import Entry, Family
from convdocs.errors.facts import FACTS, Facts
from convdocs.errors.failure import Failure

_FOLDER = Path(__file__).parent / "entries"
# The order is the site's.
_PAGES = (
    "inputs", "linear", "joining", "losses", "sequences", "dtypes", "norms", "convolution",
    "pooling", "unpooling", "padding", "folding", "resampling", "models",
)  # fmt: skip
# Two families may know the same words; the one that asks more of the failure is asked first.
_ASKED = (
    "losses", "sequences", "dtypes", "convolution", "inputs", "unpooling", "pooling", "padding",
    "folding", "norms", "resampling", "linear", "joining", "models",
)  # fmt: skip


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
    """What is pasted as an error, and is none of shapes: its pattern, what to say, and a page."""
    text = (_FOLDER.parent / "elsewhere.toml").read_text(encoding="utf-8")
    found: list[dict[str, str]] = tomllib.loads(text)["message"]
    return found


def find(failure: Failure) -> tuple[Entry, Facts] | None:
    """The entry that knows the failure's message, with what is known of it."""
    for entry in _asked():
        parts = entry.match(failure)
        if parts is not None:
            return entry, Facts(failure, parts)
    return None


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
    fixes = [_strategy(one) for one in declared["fixes"]]
    when = [_condition(one) for one in declared.get("when", ())]
    fields = {**declared, "fixes": fixes, "when": when}
    entry = Entry(code, page, **{key: _frozen(value) for key, value in fields.items()})
    groups = re.findall(r"\(\?P<(\w+)>", " ".join(entry.patterns))
    for name in re.findall(r"\{(\w+)", repr([declared["cause"], declared["fixes"]])):
        if name not in groups and name not in FACTS and name not in _settings():
            raise ValueError(f"there is no fact {name!r}")
    return entry


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _strategy(declared: str | dict[str, Any]) -> Any:
    """A strategy by its name, or made by a function of that name with the arguments beside it."""
    if isinstance(declared, str):
        return _named(_strategies(), declared, "strategy")
    arguments = {key: _argument(value) for key, value in declared.items() if key != "use"}
    return _named(_strategies(), declared["use"], "strategy")(**arguments)


def _argument(value: Any) -> Any:
    """What TOML has no words for: nothing, and numbers as keys."""
    if isinstance(value, dict):
        return {int(key): one for key, one in value.items()}
    return None if value == "None" else value


def _condition(declared: str) -> Condition:
    name = declared.removeprefix("not ")
    condition: Condition = _named(CONDITIONS, name, "condition")
    return condition if name == declared else lambda failure: not condition(failure)


def _named(known: dict[str, Any], name: str, what: str) -> Any:
    if name not in known:
        raise ValueError(f"there is no {what} {name!r}")
    return known[name]


@cache
def _strategies() -> dict[str, Any]:
    """All public functions of the strategies' room by name, whichever file they stand in."""
    room = strategies.__name__
    files = [import_module(f"{room}.{file.name}") for file in iter_modules(strategies.__path__)]
    return {
        name: value
        for file in files
        for name, value in vars(file).items()
        if str(getattr(value, "__module__", "")).startswith(room) and not name.startswith("_")
    }


@cache
def _settings() -> set[str]:
    """Names of the settings that torch's layers are built with; "dims" is said of every layer."""
    codes = (getattr(getattr(nn, name).__init__, "__code__", None) for name in nn.modules.__all__)
    arguments = (code.co_varnames[: code.co_argcount] for code in codes if code)
    return {"dims", *(name for names in arguments for name in names)}
