"""The lines of an example, run up to its last one."""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

from convdocs.loading import run
from convdocs.spec import SpecError


def example(code: str) -> partial[Any]:
    """Run the lines of an example but for its last call, and return that call."""
    lines, call = _parsed(code)
    if not isinstance(call, ast.Call):
        raise SpecError("the last line must call the model on its input, as model(x)")
    held = ast.Call(ast.Name("__partial", ast.Load()), [call.func, *call.args], call.keywords)
    made: partial[Any] = _evaluated(lines, held)
    return made


def last_value(code: str, wanted: str = "the model") -> Any:
    """Run the lines of an example and return what its last line is, which should be ``wanted``."""
    lines, last = _parsed(code)
    if last is None:
        raise SpecError(f"the last line must be {wanted}")
    return _evaluated(lines, last)


def _parsed(code: str) -> tuple[list[ast.stmt], ast.expr | None]:
    """The lines, and the expression that the last one is."""
    try:
        lines = ast.parse(code).body
    except SyntaxError as error:
        raise SpecError(f"line {error.lineno} of the code: {error.msg}") from error
    if not lines:
        raise SpecError("there is no code")
    *lines, last = lines
    return lines, last.value if isinstance(last, ast.Expr) else None


def _evaluated(lines: list[ast.stmt], last: ast.expr) -> Any:
    space: dict[str, Any] = {"__name__": "__convdocs__", "__partial": partial}
    body = ast.fix_missing_locations(ast.Module(lines, []))
    value = ast.fix_missing_locations(ast.Expression(last))

    def evaluate() -> Any:
        exec(compile(body, "<example>", "exec"), space)
        return eval(compile(value, "<example>", "eval"), space)

    return run(evaluate, "the code")
