"""How PyTorch's convolution layers work: traced, worked out by hand, drawn and diagnosed.

The public names load on first use, so that ``import convdocs`` loads neither torch nor matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convdocs import draw as draw
    from convdocs.cells import explain as explain
    from convdocs.door import trace as trace
    from convdocs.errors.diagnosis import diagnose as diagnose
    from convdocs.errors.diagnosis import explaining as explaining
    from convdocs.explorer.network import explore as explore
    from convdocs.solving import solve as solve
    from convdocs.tracing import TraceError as TraceError
    from convdocs.training import memory as memory

__version__ = "0.2.0"

# public name -> the room it lives in; "draw" is a room itself
_ROOMS = {
    "diagnose": "convdocs.errors.diagnosis",
    "explain": "convdocs.cells",
    "explaining": "convdocs.errors.diagnosis",
    "explore": "convdocs.explorer.network",
    "memory": "convdocs.training",
    "solve": "convdocs.solving",
    "trace": "convdocs.door",
    "TraceError": "convdocs.tracing",
}

# written out, since type checkers read it as text
__all__ = [
    "TraceError",
    "__version__",
    "diagnose",
    "draw",
    "explain",
    "explaining",
    "explore",
    "memory",
    "solve",
    "trace",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value = getattr(import_module(_ROOMS[name]), name)
        globals()[name] = value
        return value
    if name == "draw":
        return import_module("convdocs.draw")
    raise AttributeError(f"module 'convdocs' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Show a diagnosis below each cell that a shape error ends: ``%load_ext convdocs``."""
    import_module("convdocs.uncaught").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Stop showing them: ``%unload_ext convdocs``."""
    import_module("convdocs.uncaught").unload(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
