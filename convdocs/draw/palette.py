"""The colours of the pictures: one name per role, each in a light and a dark version.

They are those of picture.css. No two roles share a hex code, so the SVG of a picture can be turned
from light to dark by swapping codes; and no picture uses a colour that is not in there.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final, Literal

Theme = Literal["light", "dark"]

# the full shades of a number below and above zero, on light and dark pages alike
BELOW_ZERO: Final = (47, 124, 201)
ABOVE_ZERO: Final = (222, 110, 25)


@cache
def asset(name: str) -> str:
    """A style sheet or script of this room."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


# role: (on a light page, on a dark page)
ROLES: Final[dict[str, tuple[str, str]]] = {
    name.replace("-", " "): (light, dark)
    for name, light, dark in re.findall(
        r"--cv-([\w-]+): light-dark\((#\w+), (#\w+)\)", asset("picture.css")
    )
}


def colour(role: str, theme: Theme = "light") -> str:
    """Hex code of a role."""
    return ROLES[role][theme == "dark"]
