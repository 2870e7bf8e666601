"""What the directives share: options, models, captions, and mistakes told with their line."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from docutils import nodes
from docutils.parsers.rst.directives import unchanged
from sphinx.util.docutils import SphinxDirective

from convdocs.sphinxext import kept, options, pictures
from convdocs.sphinxext.options import Option

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Answer = TypeVar("Answer")


class PageDirective(SphinxDirective):
    """A directive with the options that declared.toml, or its own class, declares for it."""

    called: ClassVar[str]
    summary: ClassVar[str]
    argument: ClassVar[str]
    body: ClassVar[str]
    example: ClassVar[str]
    declared: ClassVar[tuple[Option, ...]]

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def __init_subclass__(cls) -> None:
        for name, value in options.DIRECTIVES.get(cls.called, {}).items():
            setattr(cls, name, value)
        # an option that is not declared comes through as well, for options.read to judge
        known = {option.name: unchanged for option in cls.declared}
        cls.option_spec = defaultdict(lambda: unchanged, known)

    def run(self) -> list[nodes.Node]:
        """Make the nodes, or take those that were kept; a mistake is an error at its line."""
        self._note_versions()
        settings = (self.config.convdocs_execute, self.config.convdocs_errors_url)
        written = (self.called, self.arguments, list(self.options.items()), list(self.content))
        file = kept.path(self.env, written, settings)
        box = kept.load(file) or self._make(file)
        for node in box.findall(nodes.Element):
            if node["names"]:
                node["ids"] = []
                self.state.document.note_explicit_target(node, node)
        self.set_source_info(box)
        return [box]

    def _make(self, file: Path) -> nodes.container:
        self.files: tuple[Path, ...] = ()
        try:
            values = options.read(self.declared, self.options)
            with _quiet_torch():
                made = self.make(values)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # whatever a model, torch or a picture raises ends this directive, not the build
            raise self.error(f"{self.called}: {_reason(error)}") from error
        box = nodes.container("", *made, classes=["convdocs-part", self.called, *values["class"]])
        if not self.files:
            kept.save(file, box)
        return box

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

    def picture(self, figure: Figure, values: Mapping[str, Any]) -> nodes.figure:
        """A node that shows ``figure`` as the options want it."""
        from convdocs import draw

        alt = values["alt"] or draw.describe(figure)
        made = pictures.picture(self.env, figure, alt, values["width"])
        if values.get("align"):
            made["align"] = values["align"]
        self.label(made, values["name"])
        return made

    def label(self, node: nodes.Element, label: str | None) -> None:
        """Let ``:ref:`` and ``:numref:`` find ``node``, once it is on the page."""
        self.set_source_info(node)
        if label:
            node["names"].append(nodes.fully_normalize_name(label))

    def errors(self) -> str | None:
        """Where the pages of the errors are, seen from this page; None where nobody says."""
        site: str = self.config.convdocs_errors_url
        if site.startswith("/"):  # in this project: seen from this page
            site = "../" * self.env.docname.count("/") + site[1:]
        return f"{site}errors/" if self.config.convdocs_errors_url else None

    def parsed(self, start: int = 0, end: int | None = None) -> list[nodes.Node]:
        """Lines of the body as nodes."""
        read = nodes.Element()
        self.state.nested_parse(self.content[start:end], self.content_offset + start, read)
        return read.children

    def caption(self) -> list[nodes.Node]:
        """The body as a caption and, after its first paragraph, a legend."""
        if not self.content:
            return []
        first, *rest = self.parsed()
        if not isinstance(first, nodes.paragraph):
            raise ValueError("its body is a caption and starts with a paragraph")
        caption = nodes.caption(first.rawsource, "", *first.children)
        caption.source, caption.line = first.source, first.line
        return [caption, nodes.legend("", *rest)] if rest else [caption]

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
            raise ValueError(f":input: is needed: {options.OPTIONS['input'].takes}")
        target = self.arguments[0]
        if not spec.is_layer(target):
            self.may_run(target)
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
        self.may_run("its body")
        code = "\n".join(self.content)
        if inputs is not None:
            return partial(snippet.last_value(code), *inputs[0], **inputs[1])
        return snippet.example(code)

    def _dependency(self, name: str) -> Path:
        path = Path(self.env.relfn2path(name)[1])
        if not path.is_file():
            raise ValueError(f":depends: there is no file {name}")
        self.env.note_dependency(str(path))
        return path

    def may_run(self, what: str) -> None:
        """Refuse code where the project does not let directives run it."""
        if not self.config.convdocs_execute:
            raise ValueError(
                f"{what} is code; set convdocs_execute = True in conf.py to let directives run it"
            )


@contextmanager
def _quiet_torch() -> Iterator[None]:
    """Torch without its thread pool, which hangs in the forks of a parallel build."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


def _reason(error: BaseException) -> str:
    """An error in a sentence; a type is named where the words alone may not say enough."""
    from convdocs import TraceError

    if isinstance(error, TraceError):
        return f"{error.call.path or error.trace.model}: {error.__cause__}"
    plain = isinstance(error, ValueError | RuntimeError) and str(error)
    return str(error) if plain else f"{type(error).__name__}: {error}"
