"""Records as what JSON holds, and back: read by the types that they declare for their fields."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from inspect import signature
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

VERSION = 2
READABLE = (1, 2)  # the first lacks what has a default since

_WORDS = {int: "a whole number", str: "a text", bool: "true or false", float: "a number"}
_WORDS |= {Fraction: 'a fraction such as "1/2"', NoneType: "null"}
R = TypeVar("R")


def plain(value: Any) -> Any:
    """Records as dicts, tuples as lists, a Fraction as a string."""
    if isinstance(value, Fraction):
        return str(value)
    if names := _names(type(value)):
        return {name: plain(getattr(value, name)) for name in names}
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def version_of(data: Any) -> int:
    """The schema version that data was written with; a ValueError for one that is not read."""
    if not isinstance(data, Mapping):
        raise ValueError(f"expected an object with a schema version, not {_shown(data)}")
    version = data.get("schema")
    if version not in READABLE or isinstance(version, bool):
        known = " and ".join(map(str, READABLE))
        raise ValueError(
            f"this has schema version {_shown(version)}; this convdocs reads versions {known}"
        )
    return int(version)


def record(cls: type[R], data: Any, where: str = "") -> R:
    """A record from the dict that :func:`plain` made of it.

    A ValueError says where something is missing, unknown or of another type.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{where or cls.__name__}: expected an object, not {_shown(data)}")
    kinds, needed = _fields(cls)  # type: ignore[arg-type]
    lead = f"{where}." if where else ""
    for name in data:
        if name not in kinds:
            raise ValueError(f"{lead}{name}: {cls.__name__} has no such field")
    for name in needed:
        if name not in data:
            raise ValueError(f"{lead}{name}: missing")
    return cls(**{name: _value(kinds[name], data[name], f"{lead}{name}") for name in data})


def _value(kind: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        exact = [other for other in args if type(value) is other]
        others = [other for other in args if other is not NoneType]
        return _value([*others, *exact][-1], value, where)
    if origin is tuple:
        return _sequence(args, value, where)
    if origin is Literal:
        if value not in args:
            raise ValueError(f"{where}: expected {' or '.join(map(repr, args))}, not {value!r}")
        return value
    if kind is object:  # a setting: a number, a text, a truth, nothing, or several
        if isinstance(value, list | tuple):
            return _sequence((object, ...), value, where)
        if value is None or type(value) in (int, float, str, bool):
            return value
        raise ValueError(f"{where}: expected numbers or texts, not {_shown(value)}")
    if _names(kind):
        return record(kind, value, where)
    if kind is Fraction and isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
    elif type(value) is kind:
        return value
    raise ValueError(f"{where}: expected {_WORDS[kind]}, not {_shown(value)}")


def _sequence(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where}: expected a list, not {_shown(value)}")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{where}: expected {len(kinds)} items, not {len(value)}")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(_value(kind, item, f"{where}[{place}]") for place, (kind, item) in pairs)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _names(cls: Any) -> tuple[str, ...]:
    """The fields of a record's class, none for any other."""
    names: tuple[str, ...] = getattr(cls, "__match_args__", ())
    return names


@lru_cache(maxsize=64)
def _fields(cls: Any) -> tuple[dict[str, Any], list[str]]:
    """The types of a record's fields, and those that have no default."""
    hints, given = get_type_hints(cls), signature(cls).parameters
    needed = [name for name, field in given.items() if field.default is field.empty]
    return {name: hints[name] for name in given}, needed
