"""A build that runs no script loads no matplotlib.

Sphinx-Gallery loads pyplot when its settings are read, to choose a backend, and goes on without
where it is not installed. This site's pictures need no backend.
"""

import sys

from sphinx.application import Sphinx
from sphinx.config import Config

BEFORE, AFTER = 1, 100  # Sphinx-Gallery reads its settings at priority 10


def hide(app: Sphinx, config: Config) -> None:
    if "matplotlib" not in sys.modules:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]


def show(app: Sphinx, config: Config) -> None:
    if sys.modules.get("matplotlib", ...) is None:
        del sys.modules["matplotlib"]


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("config-inited", hide, priority=BEFORE)
    app.connect("config-inited", show, priority=AFTER)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
