"""The colours of the pictures: one name per role, each in a light and a dark version.

No two roles share a hex code, so the SVG of a picture can be turned from light to dark (or back)
by swapping codes; and no picture uses a colour that is not in here.
"""

from __future__ import annotations

import re
from typing import Final

# role: (on a light page, on a dark page)
ROLES: Final[dict[str, tuple[str, str]]] = {
    # fills of cells
    "input": ("#dbe8f6", "#1f3448"),
    "read": ("#86b8e6", "#2f6a9e"),
    "padding": ("#f3f2ef", "#2a2b2e"),
    "hole": ("#fdfdfc", "#17191c"),
    "outside": ("#fbfaf9", "#141619"),
    "kernel": ("#fbdcae", "#5a3c14"),
    "product": ("#e8daf0", "#43304f"),
    "output": ("#d3efdf", "#1a3f31"),
    "lit": ("#5cc595", "#1d7450"),
    "box": ("#eceff3", "#25292e"),
    # lines and letters
    "ink": ("#15181c", "#f2f5f8"),
    "muted": ("#59616b", "#a9b3be"),
    "line": ("#9aa2ac", "#5d6671"),
    "hatch": ("#b9b5ac", "#5b5a57"),
    "window": ("#b8410a", "#ff9f60"),
    "lit frame": ("#0a5c3a", "#63e2ac"),
}
LEVELS: Final = 16  # shades either side of zero


def _between(start: str, end: str, share: float) -> str:
    pairs = ((int(start[i : i + 2], 16), int(end[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _ramp(start: str, end: str, count: int) -> tuple[str, ...]:
    return tuple(_between(start, end, step / (count - 1)) for step in range(count))


def _diverging(low: str, middle: str, high: str) -> tuple[str, ...]:
    return _ramp(low, middle, LEVELS + 1) + _ramp(middle, high, LEVELS + 1)[1:]


# shades of a number from below zero over zero to above it
SIGNED: Final = _diverging("#08549b", "#f6f5f3", "#a8400a")
SIGNED_DARK: Final = _diverging("#74bcf7", "#202327", "#ffa162")
# shades of a picture: white is the largest on every page, so one version is enough
GREYS: Final = _ramp("#000000", "#ffffff", 2 * LEVELS + 1)

_TO_DARK: Final = {
    **dict(ROLES.values()),
    **dict(zip(SIGNED, SIGNED_DARK, strict=True)),
}
_HEX: Final = re.compile(r"#[0-9a-f]{6}\b")


def colour(role: str) -> str:
    """Hex code of a role on a light page.

    Examples
    --------
    >>> colour("ink")
    '#15181c'
    """
    return ROLES[role][0]


def dark(svg: str) -> str:
    """A picture's SVG in the colours of a dark page.

    Examples
    --------
    >>> dark('<path style="fill: #15181c"/>')
    '<path style="fill: #f2f5f8"/>'
    """
    return _HEX.sub(lambda found: _TO_DARK.get(found[0], found[0]), svg)
