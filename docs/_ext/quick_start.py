"""A build that runs no script loads no matplotlib.

Sphinx-Gallery loads pyplot when its settings are read, to choose a backend, and goes on without
where it is not installed. This site's pictures need no backend. The Open Graph extension loads it
to draw cards, which only a site with an address has.
"""

import sys
from types import ModuleType

from sphinx.application import Sphinx
from sphinx.config import Config

BEFORE, AFTER = 1, 100  # Sphinx-Gallery reads its settings at priority 10


def hide(app: Sphinx, config: Config) -> None:
    if "matplotlib" not in sys.modules:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]


def show(app: Sphinx, config: Config) -> None:
    if sys.modules.get("matplotlib", ...) is None:
        del sys.modules["matplotlib"]


def without_cards() -> None:
    """Stand in for the part of sphinxext.opengraph that draws cards."""
    part = ModuleType("sphinxext.opengraph._social_cards")
    part.__dict__.update(DEFAULT_SOCIAL_CONFIG={}, create_social_card=None)
    sys.modules[part.__name__] = part


def setup(app: Sphinx) -> dict[str, bool]:
    if not app.config.html_baseurl:
        without_cards()
    app.connect("config-inited", hide, priority=BEFORE)
    app.connect("config-inited", show, priority=AFTER)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
