"""What is known of a failure, by the names that an entry's sentences and conditions use."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from convdocs.errors.failure import Failure
from convdocs.errors.message_facts import MESSAGE_FACTS
from convdocs.errors.shape_facts import SHAPE_FACTS
from convdocs.errors.sizes import typed

FACTS = MESSAGE_FACTS | SHAPE_FACTS
# an odd call lacks part of a fact; RuntimeError is torch's, of a stand-in's values
ODD = (AttributeError, LookupError, RuntimeError, StopIteration, TypeError, ValueError)


class Known(Failure):
    """A failure whose message is known: its facts by name, as ``known["rows"]``.

    A name is a part of the message, one of the facts below, a setting or an attribute; a fact that
    this failure does not tell raises KeyError.
    """

    words: dict[str, str]  # the named parts of the message
    told: dict[str, Any]

    def __init__(self, failure: Failure, words: Mapping[str, str]) -> None:
        parts = {key: text for key, text in words.items() if text}
        # "shape" is a fact of its own, which takes the message's words where there is no tensor
        told = {key: text for key, text in parts.items() if key != "shape"}
        vars(self).update(vars(failure), words=parts, told=told)

    def __getitem__(self, key: str) -> Any:
        if key not in self.told:
            try:
                if key in FACTS:
                    value = FACTS[key](self)
                elif key in self.settings:
                    value = self.settings[key]
                    value = typed(value) if isinstance(value, tuple) else value
                else:
                    value = getattr(self, key)
            except ODD as error:
                raise KeyError(key) from error
            self.told[key] = value
        value = self.told[key]
        if value is None or (isinstance(value, str | dict) and not value):
            raise KeyError(key)
        return value

    def value(self, declared: Any) -> Any:
        """What an entry means by a value: ``"{rows}"`` is a fact, and its digits a number."""
        match declared:
            case "None":  # which TOML has no word for
                return None
            case "...":
                return ...
            case str() if declared.startswith("{"):
                value = self[declared[1:-1]]
                return int(value) if isinstance(value, str) and value.isdecimal() else value
        return declared

    def holds(self, condition: str) -> bool:
        """Whether a fact is known and true, or is neither behind a ``not``."""
        name = condition.removeprefix("not ")
        try:
            known = bool(self[name])
        except KeyError:
            known = False
        return known == (name == condition)

    def filled(self, template: str, words: Mapping[str, Any] | None = None) -> str:
        """A sentence with its facts in place; raises LookupError where one is not known."""
        text = template.format_map(ChainMap(dict(words or {}), self))  # type: ignore[arg-type]
        return text[:1].upper() + text[1:] if template.startswith("{input}") else text
