"""Models that live in modules: an import path or a file.

What is loaded here runs; the module path and the modules of the interpreter are left as they were.
"""

from __future__ import annotations

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

from convdocs.spec import SpecError, how_written, is_layer, layer, runnable, torchs_words
from convdocs.suggest import nearest


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model, the files of one's own that it was made from, and lines that make it again."""

    model: nn.Module
    files: tuple[Path, ...]
    code: str


@contextmanager
def loaded(
    target: str, kwargs: Mapping[str, Any] | None = None, folder: Path | None = None
) -> Iterator[Loaded]:
    """Make the model that ``target`` names, for the length of a ``with`` block.

    It is ``"module:name"`` or ``"file.py:name"``, looked for in ``folder`` first, or the text of a
    layer, which runs no code. The name is a model, or a class or function that makes one of
    ``kwargs``.
    """
    given = kwargs or {}
    if is_layer(target):
        if given:
            raise SpecError(f"{target} has its arguments already and takes no kwargs")
        where, bracket, _ = target.partition("(")
        if bracket and ":" in where:
            raise SpecError(f"write {where.strip()} alone, and give its arguments by name")
        yield Loaded(layer(target), (), f"from torch import nn\n{runnable(target)}")
        return
    where, name = _parts(target)
    folder = (folder or Path.cwd()).resolve()
    file = (folder / where).resolve() if where.endswith(".py") else None
    root = file.parent if file else folder
    while file and (root / "__init__.py").is_file():  # imports start above a package
        root = root.parent
    with _own_modules(root):
        module = _file(file, root) if file else _module(where, root)
        if not name:
            raise SpecError(_models_in(module, where))
        value: Any = module
        for part in name.split("."):
            if not hasattr(value, part):
                known = [key for key in dir(value) if not key.startswith("_")]
                raise SpecError(f"{where} has no {part}{nearest(part, known)}")
            value = getattr(value, part)
        model = _made(value, name, given)
        words = ", ".join(f"{key}={value!r}" for key, value in given.items())
        called = name if isinstance(value, nn.Module) else f"{name}({words})"
        code = f"from {module.__name__} import {name.partition('.')[0]}\n{called}"
        own = [str(one.__file__) for one in [*sys.modules.values()] if _is_own(one, root)]
        files = {Path(file) for file in [*own, module.__file__] if file}
        yield Loaded(model, tuple(sorted(files)), code)


def _parts(target: str) -> tuple[str, str]:
    """The file or module, and the name in it; a file or module alone has no name."""
    target = target.strip()
    where, _, name = target.rpartition(":")
    if where and name:
        return where, name
    if target.endswith(".py") or "." in target.strip("."):
        return target.rstrip(":"), ""
    ways = "write module:name, file.py:name, or a layer as Conv1d(3, 2, 3)"
    raise SpecError(f"{target!r} is no model: {how_written(target) or ways}")


@contextmanager
def _own_modules(root: Path) -> Iterator[None]:
    """Import from ``root`` first, and forget the modules of that folder afterwards."""
    before, path, argv = set(sys.modules), sys.path[:], sys.argv
    sys.argv = [""]  # a file that reads its arguments was given none
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path[:], sys.argv = path, argv
        for key, module in [*sys.modules.items()]:
            if key not in before and _is_own(module, root):
                del sys.modules[key]


def _is_own(module: ModuleType, root: Path) -> bool:
    """Whether a module's file is in the model's folder and no installed package."""
    path = Path(getattr(module, "__file__", None) or ".")
    return path.is_relative_to(root) and "site-packages" not in path.parts


def _models_in(module: ModuleType, where: str) -> str:
    """What to write instead of a file alone: the models that it holds."""

    def is_model(value: Any) -> bool:
        made_here = inspect.isclass(value) and value.__module__ == module.__name__
        return isinstance(value, nn.Module) or (made_here and issubclass(value, nn.Module))

    names = [name for name, value in vars(module).items() if is_model(value)]
    if not names:
        return f"{where} holds no model: no nn.Module and no class of one; write {where}:name"
    return f"{where} holds {', '.join(names)}: name one, as {where}:{names[-1]}"


def _module(name: str, root: Path) -> ModuleType:
    importlib.invalidate_caches()
    module: ModuleType = run(lambda: importlib.import_module(name), name, root)
    return module


def _file(path: Path, root: Path) -> ModuleType:
    if not path.is_file():
        near = nearest(path.name, sorted(one.name for one in path.parent.glob("*.py")))
        where = path.parent.name or path.parent
        raise SpecError(f"no file {path.name} in the folder {where}{near}")
    if path.parent != root:  # inside a package, whose imports may be relative
        return _module(".".join(path.relative_to(root).with_suffix("").parts), root)
    name = path.stem if path.stem not in sys.modules else f"_convdocs_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    run(partial(spec.loader.exec_module, module), path.name)
    return module


def run(code: Callable[[], Any], name: str, root: Path | None = None) -> Any:
    """Run someone else's code; what it raises becomes a SpecError that names the code.

    If it is the import of a module, ``root`` is the folder where that is looked for.
    """
    try:
        return code()
    except ModuleNotFoundError as error:
        missing = error.name or name
        if root is None or not name.startswith(missing):
            raise SpecError(f"{name} imports {missing}, which is not installed") from error
        known = {one.name for one in pkgutil.iter_modules()} - {"__main__"}
        raise SpecError(
            f"no module called {missing}, neither in the folder {root.name or root} nor installed"
            f"{nearest(missing, sorted(known))}"
        ) from error
    except (Exception, SystemExit) as error:
        raise SpecError(f"{name} raises {type(error).__name__}: {torchs_words(error)}") from error


def _made(value: Any, name: str, kwargs: Mapping[str, Any]) -> nn.Module:
    if isinstance(value, nn.Module):
        if kwargs:
            raise SpecError(f"{name} is a model already and takes no kwargs")
        return value
    if callable(value):
        _check_kwargs(value, name, kwargs)
        value, name = run(lambda: value(**kwargs), name), f"{name}()"
    if not isinstance(value, nn.Module):
        found = type(value).__name__
        article = "an" if found[0] in "aeiouAEIOU" else "a"
        raise SpecError(f"{name} is {article} {found}, not a model or what makes one")
    return value


def _check_kwargs(maker: Callable[..., Any], name: str, kwargs: Mapping[str, Any]) -> None:
    try:
        takes = inspect.signature(maker).parameters
    except ValueError:  # some builtins have none
        return
    unknown = [key for key in kwargs if key not in takes]
    if unknown and not any(one.kind is one.VAR_KEYWORD for one in takes.values()):
        raise SpecError(f"{name} takes no {unknown[0]}{nearest(unknown[0], takes)}")
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
