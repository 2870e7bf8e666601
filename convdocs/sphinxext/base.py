"""What the directives share: options, models, captions, and mistakes told with their line."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from docutils import nodes
from docutils.nodes import fully_normalize_name
from sphinx.util.docutils import SphinxDirective

from convdocs.sphinxext import kept, options
from convdocs.sphinxext.options import Option

Answer = TypeVar("Answer")


class _Spec(dict[str, Any]):
    """An option_spec that lets every option through as text, for :func:`options.read` to judge."""

    def __missing__(self, name: str) -> Any:
        return str_or_empty


def str_or_empty(text: str | None) -> str:
    """An option's text as it stands.

    Examples
    --------
    >>> str_or_empty(None), str_or_empty("4x5")
    ('', '4x5')
    """
    return text or ""


def reason(error: BaseException) -> str:
    """An error in a sentence; a type is named where the words alone may not say enough.

    Examples
    --------
    >>> reason(ValueError("too small")), reason(SystemExit(3))
    ('too small', 'SystemExit: 3')
    """
    if isinstance(error, ValueError | RuntimeError) and str(error):
        return str(error)
    return f"{type(error).__name__}: {error}"


class PageDirective(SphinxDirective):
    """What the directives share: options, one thread for torch, mistakes told with their line."""

    called: ClassVar[str]
    summary: ClassVar[str]
    argument: ClassVar[str]
    body: ClassVar[str]
    example: ClassVar[str]
    declared: ClassVar[tuple[Option, ...]]

    required_arguments = 0
    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def __init_subclass__(cls) -> None:
        cls.option_spec = _Spec({option.name: str_or_empty for option in cls.declared})

    def run(self) -> list[nodes.Node]:
        """Make the nodes, or take those that were kept; a mistake is an error at its line."""
        self._note_versions()
        self.kept = kept.path(
            self.env,
            (self.called, self.arguments, list(self.options.items()), list(self.content)),
            (self.config.convdocs_execute, self.config.convdocs_errors_url),
        )
        box = kept.load(self.kept) or self._make()
        for node in box.findall(nodes.Element):
            if node["names"]:
                node["ids"] = []
                self.state.document.note_explicit_target(node, node)
        self.set_source_info(box)
        return [box]

    def _make(self) -> nodes.container:
        self.files: tuple[Path, ...] = ()
        try:
            values = options.read(self.declared, self.options)
            with self.quiet():
                made = self.make(values)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # whatever a model, torch or a picture raises ends this directive, not the build
            raise self.error(f"{self.called}: {reason(error)}") from error
        box = nodes.container("", *made, classes=["convdocs-part", self.called, *values["class"]])
        if kept.plain(made) and not self.files:
            kept.save(self.kept, box)
        return box

    def quiet(self) -> AbstractContextManager[None]:
        """What :meth:`make` runs in: one thread for torch, and its random state left as it is."""
        return quiet_torch()

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """The nodes for this directive; raises ValueError for a mistake in it."""
        raise NotImplementedError

    def _note_versions(self) -> None:
        """What a page shows depends on torch and on this package: read it anew with another."""
        torch = importlib.util.find_spec("torch")
        if torch and torch.origin:
            self.env.note_dependency(str(Path(torch.origin).with_name("version.py")))
        self.env.note_dependency(str(kept.PACKAGE / "__init__.py"))

    def text(self) -> str:
        """The argument, which a body cannot stand for."""
        if not self.arguments:
            raise ValueError(f"it needs {self.argument}")
        return self.arguments[0]

    def label(self, node: nodes.Element, label: str | None) -> None:
        """Let ``:ref:`` and ``:numref:`` find ``node``, once it is on the page."""
        if label:
            node["names"].append(fully_normalize_name(label))

    def errors(self) -> str | None:
        """Where the pages of the errors are, seen from this page; None where nobody says."""
        site: str = self.config.convdocs_errors_url
        if site.startswith("/"):  # in this project: seen from this page
            site = "../" * self.env.docname.count("/") + site[1:]
        return f"{site}errors/" if self.config.convdocs_errors_url else None

    def caption(self) -> list[nodes.Node]:
        """The body as a caption and, after its first paragraph, a legend."""
        read = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, read)
        if not read.children:
            return []
        first = read[0]
        if not isinstance(first, nodes.paragraph):
            raise ValueError("its body is a caption and starts with a paragraph")
        caption = nodes.caption(first.rawsource, "", *first.children)
        caption.source, caption.line = first.source, first.line
        return [caption, *([nodes.legend("", *read[1:])] if len(read) > 1 else [])]

    def on_model(self, values: Mapping[str, Any], ask: Callable[..., Answer]) -> Answer:
        """What ``ask`` says of the model and its input, from the argument or from the body."""
        from convdocs import loading, spec

        self.files = tuple(map(self._dependency, values["depends"]))
        if not self.arguments:
            call = self._from_body(values["input"])
            return ask(call.func, *call.args, **call.keywords)
        if self.content:
            raise ValueError("it takes a model or code in its body, not both")
        if values["input"] is None:
            raise ValueError(f":input: is needed: {options.INPUT.takes}")
        target = self.arguments[0]
        if not spec.is_layer(target):
            self._may_run(target)
        where, _, name = target.rpartition(":")
        if where.endswith(".py"):  # relative to this page, as in other directives
            target = f"{self.env.relfn2path(where)[0]}:{name}"
        with loading.loaded(target, values["kwargs"], Path(self.env.srcdir)) as found:
            self.files, self.code = (*self.files, *found.files), found.code
            for file in found.files:  # the page is read anew when one of them changes
                self.env.note_dependency(str(file))
            args, kwargs = values["input"]
            return ask(found.model, *args, **kwargs)

    def _from_body(self, inputs: tuple[list[Any], dict[str, Any]] | None) -> partial[Any]:
        from convdocs import snippet

        if not self.content:
            raise ValueError(f"it needs {self.argument}")
        self._may_run("its body")
        code = "\n".join(self.content)
        if inputs is not None:
            return partial(snippet.last_value(code), *inputs[0], **inputs[1])
        return snippet.example(code)

    def _dependency(self, name: str) -> Path:
        """A file that the page depends on."""
        path = Path(self.env.relfn2path(name)[1])
        if not path.is_file():
            raise ValueError(f":depends: there is no file {name}")
        self.env.note_dependency(str(path))
        return path

    def _may_run(self, what: str) -> None:
        if not self.config.convdocs_execute:
            raise ValueError(
                f"{what} is code; set convdocs_execute = True in conf.py to let directives run it"
            )


@contextmanager
def quiet_torch() -> Iterator[None]:
    """Torch without its thread pool, which hangs in the forks of a parallel build."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)
