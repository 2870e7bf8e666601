"""What pages are computed from: the lines of the Python files, without docstrings.

A docstring is shown by autodoc, which notes its file; nothing else depends on one, but for those of
packages: the first line of ``convdocs``' own describes the command.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path


def digest(files: Iterable[Path], root: Path, *more: str) -> str:
    """A hash of the files' names and of what they do, and of some words."""
    found = hashlib.sha256("\0".join(more).encode())
    for path in sorted(files):
        if path.is_file() and "__pycache__" not in path.parts:
            found.update(path.relative_to(root).as_posix().encode() + b"\0" + _content(path))
    return found.hexdigest()


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    if path.suffix != ".py" or path.name == "__init__.py":
        return content
    lines = content.splitlines()
    try:
        tree = ast.parse(content)
    except SyntaxError:  # the build will say so
        return content
    for first, last in _docstrings(tree):
        lines[first - 1 : last] = [b""] * (last + 1 - first)
    return b"\n".join(line for line in lines if line)


def _docstrings(node: ast.AST) -> Iterator[tuple[int, int]]:
    """First and last lines of the docstrings in a file."""
    for part in node.body:
        if isinstance(part, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _docstrings(part)
    if ast.get_docstring(node, clean=False) is not None:
        yield node.body[0].lineno, node.body[0].end_lineno
