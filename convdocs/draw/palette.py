"""The colours of the pictures: one name per role, each in a light and a dark version.

No two roles share a hex code, so the SVG of a picture can be turned from light to dark (or back)
by swapping codes; and no picture uses a colour that is not in here.
"""

from __future__ import annotations

from typing import Final, Literal

Theme = Literal["light", "dark"]

# role: (on a light page, on a dark page)
ROLES: Final[dict[str, tuple[str, str]]] = {
    # fills of cells
    "input": ("#dbe8f6", "#1f3448"),
    "read": ("#8abcea", "#2b6294"),
    "padding": ("#f3f2ef", "#2a2b2e"),
    "hole": ("#fdfdfc", "#17191c"),
    "outside": ("#fbfaf9", "#141619"),
    "kernel": ("#fbdcae", "#5a3c14"),
    "product": ("#e8daf0", "#43304f"),
    "output": ("#d3efdf", "#1a3f31"),
    "lit": ("#5cc595", "#1d7450"),
    "box": ("#eceff3", "#25292e"),
    "page": ("#ffffff", "#131416"),
    # lines and letters
    "ink": ("#15181c", "#f2f5f8"),
    "muted": ("#59616b", "#a9b3be"),
    "line": ("#9aa2ac", "#5d6671"),
    "hatch": ("#b9b5ac", "#5b5a57"),
    "window": ("#a33607", "#ff9f60"),
    "halo": ("#fcfdfe", "#0c0d0f"),  # around frames on pictures
    "lit frame": ("#0a5c3a", "#63e2ac"),
}
# the full shades of a number below and above zero, on light and dark pages alike
BELOW_ZERO: Final = (47, 124, 201)
ABOVE_ZERO: Final = (222, 110, 25)


def colour(role: str, theme: Theme = "light") -> str:
    """Hex code of a role."""
    return ROLES[role][theme == "dark"]
