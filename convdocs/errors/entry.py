"""One entry of the catalogue, as data: how an error is known, what it means, what may mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from convdocs.errors.conditions import Condition
from convdocs.errors.facts import Facts, Missing
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair

Strategy = Callable[[Failure, Facts], Iterable[Repair]]


@dataclass(frozen=True)
class Entry:
    """An error that is known; what a field says is left out in the files where it is nothing."""

    code: str  # a stable name, "channels-mismatch"; also the anchor on the site
    page: str  # of the site, and the file that it is declared in
    title: str  # what went wrong, in a few words
    patterns: tuple[str, ...]  # of torch's messages; none for what a model's own check says
    example: str  # names layer or model, x and so on; the last line is the call that fails
    # sentences with facts in braces, left out where one is not known; of several, the first known
    cause: tuple[str | tuple[str, ...], ...]
    fixes: tuple[Strategy, ...]  # the likeliest first
    kind: str = ""  # a pattern of the layers and functions it may come from, whatever their case
    when: tuple[Condition, ...] = ()  # what else is asked, where torch says the same of several
    calls: tuple[str, ...] = ()  # that fail so too, each with another of torch's messages
    other_devices: tuple[str, ...] = ()  # messages of devices that the site is not built on

    @property
    def place(self) -> str:
        """Where it stands on the site."""
        return f"errors/{self.page}.html#{self.code}"

    def match(self, failure: Failure) -> dict[str, str] | None:
        """The named parts of the message, or None where it is another error's."""
        if failure.own == bool(self.patterns) or not re.search(self.kind, failure.kind, re.I):
            return None
        if not all(condition(failure) for condition in self.when):
            return None
        found = (re.search(pattern, failure.message) for pattern in self.patterns or ("",))
        return next((one.groupdict(default="") for one in found if one), None)

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
