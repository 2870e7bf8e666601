"""How PyTorch's convolution layers work: traced, worked out by hand, drawn and diagnosed.

The public names load on first use, so that ``import convdocs`` loads neither torch nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> the room it lives in; "draw" is a room itself
_ROOMS = {
    "diagnose": "convdocs.errors.diagnosis",
    "explain": "convdocs.cells",
    "explaining": "convdocs.errors.diagnosis",
    "explore": "convdocs.explorer.embed",
    "solve": "convdocs.solving",
    "trace": "convdocs.door",
    "TraceError": "convdocs.tracing",
}
_WHOLE_ROOMS = ("draw",)

__all__ = ["__version__", *_ROOMS, *_WHOLE_ROOMS]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value = getattr(import_module(_ROOMS[name]), name)
        globals()[name] = value
        return value
    if name in _WHOLE_ROOMS:
        return import_module(f"convdocs.{name}")
    raise AttributeError(f"module 'convdocs' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
