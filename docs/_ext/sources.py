"""What pages are computed from: the code of the Python files, without docstrings and comments.

A docstring is shown by autodoc, which notes its file; nothing else depends on one.
"""

import ast
import hashlib
from collections.abc import Iterable
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
    if path.suffix != ".py":
        return content
    try:
        tree = ast.parse(content)
    except SyntaxError:  # the build will say so
        return content
    for node in ast.walk(tree):
        if _has_docstring(node):
            node.body[0].value.value = ""
    return ast.dump(tree).encode()


def _has_docstring(node: ast.AST) -> bool:
    owner = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return isinstance(node, owner) and ast.get_docstring(node, clean=False) is not None
