"""Models that live in code: an import path, a file, or the lines of an example.

What is read here runs; the interpreter's module path and the modules it has are left as they were.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from convdocs.spec import SpecError, is_layer, layer
from convdocs.suggest import nearest


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, and the files of one's own that it was made from.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    files : tuple of Path
        The module it was imported from and its neighbours that were imported with it.
    """

    model: nn.Module
    files: tuple[Path, ...]


@contextmanager
def loaded(
    target: str, kwargs: Mapping[str, Any] | None = None, folder: Path | None = None
) -> Iterator[Loaded]:
    """Make the model that ``target`` names, for the length of a ``with`` block.

    Parameters
    ----------
    target : str
        ``"module:name"`` or ``"file.py:name"``; the name is a model, or a class or function
        that makes one. Or the text of a layer, which runs no code.
    kwargs : mapping, optional
        Keyword arguments for that class or function.
    folder : Path, optional
        Where files and modules are looked for first; the current folder by default.

    Raises
    ------
    SpecError
        When there is no such module, file or name, or it makes no model.

    Examples
    --------
    >>> with loaded("torch.nn:ReLU") as found:
    ...     found.model
    ReLU()
    """
    if is_layer(target):
        if kwargs:
            raise SpecError(f"{target} has its arguments already and takes no kwargs")
        yield Loaded(layer(target), ())
        return
    where, _, name = target.strip().rpartition(":")
    if not where or not name:
        raise SpecError(f"{target!r} is no model: write module:name or file.py:name")
    folder = (folder or Path.cwd()).resolve()
    root = (folder / where).resolve().parent if where.endswith(".py") else folder
    before, path = dict(sys.modules), sys.path[:]
    sys.path.insert(0, str(root))
    try:
        module = _file(root / Path(where).name) if where.endswith(".py") else _module(where, root)
        made = _made(_named(module, name, where), name, kwargs or {})
        yield Loaded(made, tuple(_own_files(module, root)))
    finally:
        sys.path[:] = path
        for key in [key for key, one in sys.modules.items() if _is_own(one, root)]:
            if key not in before:
                del sys.modules[key]


def _module(name: str, root: Path) -> ModuleType:
    importlib.invalidate_caches()
    try:
        module: ModuleType = _run(lambda: importlib.import_module(name), name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if not name.startswith(missing):
            raise SpecError(f"{name} imports {missing}, which is not installed") from error
        known = {one.name for one in pkgutil.iter_modules()} - {"__main__"}
        raise SpecError(
            f"no module called {missing}, neither in the folder {root.name or root} nor installed"
            f"{nearest(missing, sorted(known))}"
        ) from error
    return module


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        near = nearest(path.name, sorted(one.name for one in path.parent.glob("*.py")))
        raise SpecError(
            f"no file {path.name} in the folder {path.parent.name or path.parent}{near}"
        )
    name = path.stem if path.stem not in sys.modules else f"_convdocs_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader = spec.loader
    try:
        _run(lambda: loader.exec_module(module), path.name)
    except ModuleNotFoundError as error:
        raise SpecError(f"{path.name} imports {error.name}, which is not installed") from error
    return module


def _run(code: Callable[[], Any], name: str) -> Any:
    """Run code of someone else's; whatever it raises is told with its name."""
    try:
        return code()
    except ModuleNotFoundError:
        raise
    except (Exception, SystemExit) as error:
        raise SpecError(f"{name} raises {type(error).__name__}: {error}") from error


def _named(module: ModuleType, name: str, where: str) -> Any:
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            known = [key for key in dir(value) if not key.startswith("_")]
            raise SpecError(f"{where} has no {part}{nearest(part, known)}")
        value = getattr(value, part)
    return value


def _made(value: Any, name: str, kwargs: Mapping[str, Any]) -> nn.Module:
    if isinstance(value, nn.Module):
        if kwargs:
            raise SpecError(f"{name} is a model already and takes no kwargs")
        return value
    if callable(value):
        _check_kwargs(value, name, kwargs)
        value = _run(lambda: value(**kwargs), name)
    if not isinstance(value, nn.Module):
        raise SpecError(f"{name} is {_article(value)}, not a model or what makes one")
    return value


def _check_kwargs(maker: Callable[..., Any], name: str, kwargs: Mapping[str, Any]) -> None:
    try:
        signature = inspect.signature(maker)
    except ValueError:  # some builtins have none
        return
    takes = signature.parameters
    open_ended = any(one.kind is one.VAR_KEYWORD for one in takes.values())
    unknown = next((key for key in kwargs if key not in takes and not open_ended), None)
    if unknown is not None:
        raise SpecError(f"{name} takes no {unknown}{nearest(unknown, takes)}")
    needs = [
        one.name
        for one in takes.values()
        if one.default is one.empty
        and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
        and one.name not in kwargs
    ]
    if needs:
        example = ", ".join(f'"{one}": …' for one in needs)
        raise SpecError(f"{name} needs {', '.join(needs)}: give kwargs, as {{{example}}}")


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def _is_own(module: ModuleType, root: Path) -> bool:
    """Whether a module's file is in the model's folder and no installed package."""
    file = getattr(module, "__file__", None)
    if not file:
        return False
    path = Path(file)
    return path.is_relative_to(root) and "site-packages" not in path.parts


def _own_files(module: ModuleType, root: Path) -> list[Path]:
    own = {Path(one.__file__) for one in [*sys.modules.values()] if _is_own(one, root)}  # type: ignore[arg-type]
    if module.__file__:
        own.add(Path(module.__file__))
    return sorted(own)


def example(code: str) -> partial[Any]:
    """Run the lines of an example but for its last call, and return that call.

    Parameters
    ----------
    code : str
        Python whose last line calls a model on its input.

    Examples
    --------
    >>> call = example('''
    ... from torch import nn
    ... pool = nn.MaxPool1d(2)
    ... pool((1, 1, 4))
    ... ''')
    >>> call.func, call.args
    (MaxPool1d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False), ((1, 1, 4),))
    """
    *lines, last = _lines(code)
    if not isinstance(last, ast.Expr) or not isinstance(last.value, ast.Call):
        raise SpecError("the last line must call the model on its input, as model(x)")
    call = last.value
    held = ast.Call(ast.Name("__partial", ast.Load()), [call.func, *call.args], call.keywords)
    made: partial[Any] = _evaluated(lines, held)
    return made


def last_value(code: str) -> Any:
    """Run the lines of an example and return what its last line is.

    Examples
    --------
    >>> last_value("from torch import nn; nn.ReLU()")
    ReLU()
    """
    *lines, last = _lines(code)
    if not isinstance(last, ast.Expr):
        raise SpecError("the last line must be the model")
    return _evaluated(lines, last.value)


def _lines(code: str) -> list[ast.stmt]:
    try:
        lines = ast.parse(code).body
    except SyntaxError as error:
        raise SpecError(f"line {error.lineno} of the code: {error.msg}") from error
    if not lines:
        raise SpecError("there is no code")
    return lines


def _evaluated(lines: list[ast.stmt], last: ast.expr) -> Any:
    space: dict[str, Any] = {"__name__": "__convdocs__", "__partial": partial}
    body = ast.fix_missing_locations(ast.Module(lines, []))
    value = ast.fix_missing_locations(ast.Expression(last))

    def run() -> Any:
        exec(compile(body, "<example>", "exec"), space)
        return eval(compile(value, "<example>", "eval"), space)

    try:
        return _run(run, "the code")
    except ModuleNotFoundError as error:
        raise SpecError(f"the code imports {error.name}, which is not installed") from error
