"""One entry of the catalogue: how an error is known, what it means, what may mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair

Said = dict[str, str]
Reading = tuple[str, list[Repair | None]]


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
        Regular expressions of torch's messages; their named groups go to ``read``.
    example : str
        Code that fails with it: names ``layer`` or ``model``, ``x`` and so on; the last line
        is the call.
    read : callable
        ``(failure, said) -> (cause, repairs)``, the likeliest repair first.
    family : str
        The page it stands on.
    when : callable
        Which failures it may be, where torch says the same of several.
    """

    code: str
    title: str
    patterns: tuple[str, ...]
    example: str
    read: Callable[[Failure, Said], Reading]
    family: str
    when: Callable[[Failure], bool] = always

    def match(self, failure: Failure) -> Said | None:
        """The named parts of the message, or None where it is another error's.

        Examples
        --------
        >>> entry = Entry("c", "", (r"got (?P<n>[0-9]+)",), "", lambda f, s: ("", []), "")
        >>> entry.match(Failure("expected 1, got 4"))
        {'n': '4'}
        """
        if not self.when(failure):
            return None
        for pattern in self.patterns:
            found = re.search(pattern, failure.message)
            if found:
                return {key: value or "" for key, value in found.groupdict().items()}
        return None


class Family:
    """A page's entries, collected by decorating the functions that read them."""

    def __init__(self, name: str, title: str, intro: str) -> None:
        self.name = name
        self.title = title
        self.intro = intro
        self.entries: list[Entry] = []

    def entry(
        self,
        code: str,
        title: str,
        patterns: Iterable[str],
        example: str,
        when: Callable[[Failure], bool] = always,
    ) -> Callable[[Callable[[Failure, Said], Reading]], Callable[[Failure, Said], Reading]]:
        """Register the decorated function as the reading of ``code``."""

        def register(
            read: Callable[[Failure, Said], Reading],
        ) -> Callable[[Failure, Said], Reading]:
            self.entries.append(
                Entry(code, title, tuple(patterns), example.strip(), read, self.name, when)
            )
            return read

        return register


def whole(text: str) -> list[int]:
    """The whole numbers in a message's part.

    Examples
    --------
    >>> whole("[2, -1, 3 x 4]")
    [2, -1, 3, 4]
    """
    return [int(one) for one in re.findall(r"-?\d+", text)]


def of_kind(pattern: str) -> Callable[[Failure], bool]:
    """A failure whose layer or function has a name like ``pattern``.

    Examples
    --------
    >>> of_kind("Pool")(Failure("", function="max_pool2d")), of_kind("Pool")(Failure(""))
    (True, False)
    """
    return lambda failure: bool(re.search(pattern, failure.kind, re.I))


def axes_of(shape: tuple[int, ...]) -> str:
    """How many axes a shape has, in words.

    Examples
    --------
    >>> axes_of((3,)), axes_of((2, 3))
    ('1 axis', '2 axes')
    """
    return "1 axis" if len(shape) == 1 else f"{len(shape)} axes"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "channel"), counted(3, "channel")
    ('1 channel', '3 channels')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"
