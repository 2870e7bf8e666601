"""Python warnings in a gallery script are errors: a page must not print one."""

import warnings
from typing import Any

_OUTSIDE = list(warnings.filters)


def reset(gallery_conf: dict[str, Any], fname: str, when: str) -> None:
    """Called by Sphinx-Gallery before and after each script."""
    warnings.resetwarnings()
    if when == "before":
        warnings.simplefilter("error")
    else:
        warnings.filters.extend(_OUTSIDE)  # type: ignore[attr-defined]
