"""Run a user's script as Python would; an error of a model gets its diagnosis below."""

from __future__ import annotations

import io
import linecache
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, TracebackType

FAILED = 1


def run(script: str, arguments: Sequence[str]) -> int:
    """Run a script as ``python SCRIPT ARGUMENTS`` does; its exit status.

    ``__main__``, ``sys.argv`` and ``sys.path`` are the script's, and what it raises is printed by
    ``sys.excepthook`` as always. When it is an error of a model, a layer or a loss, the diagnosis
    follows on standard error.
    """
    sys.argv[:] = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)
    module = ModuleType("__main__")
    module.__file__ = script
    sys.modules["__main__"] = module
    try:
        with io.open_code(str(Path(script).absolute())) as file:
            code = compile(file.read(), script, "exec")
        exec(code, module.__dict__)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:
        own = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error.with_traceback(own), own)
        _explain(error, own)
        return FAILED
    return 0


def _explain(error: BaseException, trace: TracebackType | None) -> None:
    """Print the diagnosis of an error that a model raised, with the user's own line."""
    if "torch" not in sys.modules or not isinstance(error, Exception):
        return
    try:
        from convdocs.errors.diagnosis import of_exception
        from convdocs.errors.failure import is_users

        if found := of_exception(error):
            walk = traceback.walk_tb(trace)
            users = [(frame.f_code.co_filename, line) for frame, line in walk if is_users(frame)]
            file, line = users[-1]
            said = linecache.getline(file, line).strip()
            print(f"\n{file}:{line}: {said}\n\n{found}", file=sys.stderr)
    except Exception:  # nothing that goes wrong in here may hide the script's own error
        return
