"""One entry of the catalogue, as data: how an error is known, what it means, what may mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from convdocs.errors.facts import Facts, Missing
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair

Strategy = Callable[[Failure, Facts], Iterable[Repair]]
Sentences = tuple[str | tuple[str, ...], ...]


def always(failure: Failure) -> bool:
    """The message alone tells the error."""
    return True


@dataclass(frozen=True)
class Entry:
    """An error that is known.

    Parameters
    ----------
    code : str
        Stable name, ``"channels-mismatch"``; also the anchor on the site.
    title : str
        What went wrong, in a few words.
    patterns : tuple of str
        Regular expressions of the messages; their named groups are facts.
    example : str
        Code that fails with it: names ``layer`` or ``model``, ``x`` and so on; the last line
        is the call.
    cause : tuple
        Sentences with facts in braces. One whose facts are not known is left out; of several in
        a tuple the first whose facts are known is taken.
    fixes : tuple of callable
        The strategies that may mend it, the likeliest first.
    when : callable
        Which failures it may be, where torch says the same of several.
    """

    code: str
    title: str
    patterns: tuple[str, ...]
    example: str
    cause: Sentences
    fixes: tuple[Strategy, ...] = ()
    when: Callable[[Failure], bool] = always

    def match(self, failure: Failure) -> dict[str, str] | None:
        """The named parts of the message, or None where it is another error's."""
        if not self.when(failure):
            return None
        for pattern in self.patterns:
            found = re.search(pattern, failure.message)
            if found:
                return {key: value or "" for key, value in found.groupdict().items()}
        return None

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


def of_kind(pattern: str) -> Callable[[Failure], bool]:
    """A failure whose layer or function has a name like ``pattern``.

    Examples
    --------
    >>> of_kind("Pool")(Failure("", function="max_pool2d")), of_kind("Pool")(Failure(""))
    (True, False)
    """
    return lambda failure: bool(re.search(pattern, failure.kind, re.I))
