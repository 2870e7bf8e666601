"""``%load_ext convdocs``: an uncaught shape error in a cell gets its diagnosis below."""

from __future__ import annotations

from typing import Any

from IPython.display import display


def explain(result: Any) -> None:
    """Show the diagnosis of the error that ended a cell, if a model or a loss raised it."""
    error = result.error_in_exec
    if not isinstance(error, Exception):
        return
    try:
        from convdocs.errors.diagnosis import of_exception

        found = of_exception(error)
    except Exception:  # nothing that goes wrong in here may disturb the notebook
        return
    if found is not None:
        display(found)  # type: ignore[no-untyped-call]


def load(shell: Any) -> None:
    """Listen to the end of each cell."""
    if explain not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", explain)


def unload(shell: Any) -> None:
    """Listen no more."""
    if explain in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", explain)
