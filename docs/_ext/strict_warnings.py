"""Python warnings in a gallery script are errors: a page must not print one."""

import warnings
from typing import Any

_outside = warnings.catch_warnings()


def reset(gallery_conf: dict[str, Any], fname: str, when: str) -> None:
    """Called by Sphinx-Gallery before and after each script."""
    if when == "before":
        _outside.__enter__()
        warnings.simplefilter("error")
    else:
        _outside.__exit__(None, None, None)
