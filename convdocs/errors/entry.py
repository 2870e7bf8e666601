"""One entry of the catalogue, as data: how an error is known, what it means, what may mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from convdocs.errors.facts import Facts, Missing
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair

Strategy = Callable[[Failure, Facts], Iterable[Repair]]
Condition = Callable[[Failure], bool]


@dataclass(frozen=True)
class Entry:
    """An error that is known.

    Parameters
    ----------
    code : str
        Stable name, ``"channels-mismatch"``; also the anchor on the site.
    page : str
        The page of the site that it stands on, and the file that it is declared in.
    title : str
        What went wrong, in a few words.
    patterns : tuple of str
        Regular expressions of torch's messages; their named groups are facts. Without any, the
        entry takes what a model's own check says.
    example : str
        Code that fails with it: names ``layer`` or ``model``, ``x`` and so on; the last line
        is the call.
    cause : tuple
        Sentences with facts in braces. One whose facts are not known is left out; of several in
        a tuple the first whose facts are known is taken.
    fixes : tuple of callable
        The strategies that may mend it, the likeliest first.
    kind : str
        A regular expression of the layers and functions it may come from, whatever their case.
    when : tuple of callable
        What else is asked of the failure, where torch says the same of several.
    calls : tuple of str
        More calls that fail so, each for another of torch's messages.
    other_devices : tuple of str
        Messages of devices that the build of the site does not have.
    """

    code: str
    page: str
    title: str
    patterns: tuple[str, ...]
    example: str
    cause: tuple[str | tuple[str, ...], ...]
    fixes: tuple[Strategy, ...]
    kind: str = ""
    when: tuple[Condition, ...] = ()
    calls: tuple[str, ...] = ()
    other_devices: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands on the site."""
        return f"errors/{self.page}.html#{self.code}"

    def may_be(self, failure: Failure) -> bool:
        """Whether the failure is one of those that the entry is about, whatever its message."""
        if failure.own == bool(self.patterns) or not re.search(self.kind, failure.kind, re.I):
            return False
        return all(condition(failure) for condition in self.when)

    def match(self, failure: Failure) -> dict[str, str] | None:
        """The named parts of the message, or None where it is another error's."""
        if not self.may_be(failure):
            return None
        found = (re.search(pattern, failure.message) for pattern in self.patterns or ("",))
        parts = next((one.groupdict() for one in found if one), None)
        return None if parts is None else {key: value or "" for key, value in parts.items()}

    def told(self, facts: Facts) -> str:
        """The cause, with the numbers at hand."""
        sentences = []
        for one in self.cause:
            for template in (one,) if isinstance(one, str) else one:
                try:
                    sentences.append(facts.filled(template))
                    break
                except Missing:
                    continue
        return " ".join(sentences)


@dataclass(frozen=True)
class Family:
    """A page of the site with its entries.

    Parameters
    ----------
    name, title, intro : str
        Of the page.
    mistake : str
        What the reader did wrong, in a few words: the pages are listed by it.
    entries : tuple of Entry
    """

    name: str
    title: str
    mistake: str
    intro: str
    entries: tuple[Entry, ...]
