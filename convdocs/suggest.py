"""What someone who wrote an unknown word may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known one that is meant, or nothing."""
    lower: dict[str, str] = {}
    for name in known:
        lower.setdefault(name.lower(), name)
    near = difflib.get_close_matches(word.lower(), lower, n=3)
    return f"; did you mean {' or '.join(lower[name] for name in near)}?" if near else ""
