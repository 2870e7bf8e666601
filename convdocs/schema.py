"""Records as what JSON holds, and back: read by the types that they declare for their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from fractions import Fraction
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

VERSION = 2
READABLE = (1, 2)  # the first lacks what has a default since

_WORDS = {int: "a whole number", str: "a text", bool: "true or false", float: "a number"}
_WORDS |= {Fraction: 'a fraction such as "1/2"', NoneType: "null"}
R = TypeVar("R")


def plain(value: Any) -> Any:
    """Records as dicts, tuples as lists, a Fraction as a string.

    Examples
    --------
    >>> plain((1, Fraction(1, 2)))
    [1, '1/2']
    """
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple) and not hasattr(value, "_asdict"):
        return [plain(item) for item in value]
    cls: Any = type(value)
    names = _names(cls)
    return {name: plain(getattr(value, name)) for name in names} if names else value


def version_of(data: Any) -> int:
    """The schema version that data was written with.

    Raises
    ------
    ValueError
        When it is no mapping, or of a version that cannot be read.

    Examples
    --------
    >>> version_of({"schema": 2})
    2
    """
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

    Raises
    ------
    ValueError
        When something is missing, unknown or of another type; the message says where.

    Examples
    --------
    >>> from convdocs.geometry import Window
    >>> record(Window, {"kernel": "3"}, "windows[0]")
    Traceback (most recent call last):
    ...
    ValueError: windows[0].kernel: expected a whole number, not '3'
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
        return _of_union(args, value, where)
    if origin is tuple:
        return _sequence(args, value, where)
    if origin is Literal:
        if value not in args:
            raise ValueError(f"{where}: expected {' or '.join(map(repr, args))}, not {value!r}")
        return value
    if kind is object:
        return _setting(value, where)
    if _names(kind):
        return record(kind, value, where)
    if kind is Fraction and isinstance(value, str):
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError):
            raise _unexpected(kind, value, where) from None
    if type(value) is not kind:
        raise _unexpected(kind, value, where)
    return value


def _of_union(kinds: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    kinds = tuple(kind for kind in kinds if kind is not NoneType)
    for kind in kinds[:-1]:
        if type(value) is kind:
            return value
    return _value(kinds[-1], value, where)


def _sequence(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where}: expected a list, not {_shown(value)}")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{where}: expected {len(kinds)} items, not {len(value)}")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(_value(kind, item, f"{where}[{place}]") for place, (kind, item) in pairs)


def _setting(value: Any, where: str) -> Any:
    """A number, a text, a truth, nothing, or several."""
    if isinstance(value, list | tuple):
        return tuple(_setting(item, f"{where}[{place}]") for place, item in enumerate(value))
    if value is None or type(value) in (int, float, str, bool):
        return value
    raise ValueError(f"{where}: expected numbers or texts, not {_shown(value)}")


def _unexpected(kind: Any, value: Any, where: str) -> ValueError:
    return ValueError(f"{where}: expected {_WORDS[kind]}, not {_shown(value)}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


@lru_cache(maxsize=64)
def _names(cls: Any) -> tuple[str, ...]:
    """The fields of a record's class, none for any other."""
    if hasattr(cls, "__dataclass_fields__"):
        return tuple(field.name for field in fields(cls))
    return getattr(cls, "_fields", ())


@lru_cache(maxsize=64)
def _fields(cls: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The types of a record's fields, and those that have no default."""
    names = _names(cls)
    if hasattr(cls, "_fields"):
        defaults: Any = cls._field_defaults
    else:
        defaults = [field.name for field in fields(cls) if field.default is not MISSING]
    hints = get_type_hints(cls)
    return {name: hints[name] for name in names}, tuple(n for n in names if n not in defaults)
