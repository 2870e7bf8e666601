"""An error that ends a script or a notebook's cell gets its diagnosis below.

Nothing that goes wrong in here may hide the error itself.
"""

from __future__ import annotations

import io
import linecache
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

FAILED = 1


def run(script: str, arguments: Sequence[str]) -> int:
    """Run a script as ``python SCRIPT ARGUMENTS`` does; its exit status.

    ``__main__``, ``sys.argv`` and ``sys.path`` are the script's, and what it raises is printed by
    ``sys.excepthook`` as always. When it is an error of a model, a layer or a loss, the diagnosis
    follows on standard error, below the user's own line.
    """
    sys.argv[:] = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)
    module = ModuleType("__main__")
    path = module.__file__ = str(Path(script).absolute())
    sys.modules["__main__"] = module
    try:
        with io.open_code(path) as file:
            code = compile(file.read(), path, "exec")
        exec(code, module.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        own = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error.with_traceback(own), own)
        with suppress(Exception):
            if found := _diagnosis(error):
                from convdocs.errors.failure import is_users

                walk = traceback.walk_tb(own)
                file_, line = [(f.f_code.co_filename, n) for f, n in walk if is_users(f)][-1]
                said = linecache.getline(file_, line).strip()
                print(f"\n{file_}:{line}: {said}\n\n{found}", file=sys.stderr)
        return FAILED
    return 0


def _diagnosis(error: BaseException | None) -> Any:
    if "torch" not in sys.modules or not isinstance(error, Exception):
        return None
    from convdocs.errors.diagnosis import of_exception

    return of_exception(error)


def explain_cell(result: Any) -> None:
    """Show the diagnosis of the error that ended a notebook's cell, below it."""
    from IPython.display import display

    with suppress(Exception):
        if found := _diagnosis(result.error_in_exec):
            display(found)  # type: ignore[no-untyped-call]


def load(shell: Any) -> None:
    """Listen to the end of each cell."""
    if explain_cell not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", explain_cell)


def unload(shell: Any) -> None:
    """Listen no more."""
    if explain_cell in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", explain_cell)
