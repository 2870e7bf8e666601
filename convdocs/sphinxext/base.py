"""What the directives share: options, models, captions, and mistakes told with their line.

What a directive has made is kept beside the doctrees, so that a page is read again without torch.
It is known by the directive's text, by torch's version and by this package's files.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from docutils import nodes
from docutils.parsers.rst.directives import unchanged
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from convdocs.sphinxext import options, pictures
from convdocs.sphinxext.options import Option

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Answer = TypeVar("Answer")

_PACKAGE = Path(__file__).parents[1]
# nodes that are all there is of them: they register nothing with their page
_PLAIN = (
    *(nodes.Text, nodes.paragraph, nodes.strong, nodes.emphasis, nodes.literal, nodes.math),
    *(nodes.raw, nodes.figure, nodes.image, nodes.caption, nodes.container, nodes.literal_block),
    *(nodes.table, nodes.title, nodes.tgroup, nodes.colspec, nodes.thead, nodes.tbody),
    *(nodes.row, nodes.entry, nodes.reference, addnodes.only, addnodes.tabular_col_spec),
    *(nodes.bullet_list, nodes.list_item, pictures.themed),
)


class PageDirective(SphinxDirective):
    """A directive with the options that declared.toml, or its own class, declares for it."""

    called: ClassVar[str]
    argument: ClassVar[str]  # what it takes, in words
    declared: ClassVar[tuple[Option, ...]]
    loads_torch: ClassVar[bool] = True

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
        # what a page shows depends on torch and on this package: read it anew with another
        for package in ("torch", "convdocs"):
            if (spec := find_spec(package)) and spec.origin:
                self.env.note_dependency(spec.origin)
        settings = (self.config.convdocs_execute, self.config.convdocs_errors_url)
        written = (self.called, self.arguments, list(self.options.items()), self.block_text)
        known = repr((self.env.docname, written, settings, *_versions()))
        name = f"{hashlib.sha256(known.encode()).hexdigest()[:20]}.pickle"
        file = Path(self.env.doctreedir) / "convdocs" / name
        box = pickle.loads(file.read_bytes()) if file.exists() else self._made(file)
        for node in box.findall(nodes.Element):
            if node["names"]:
                node["ids"] = []
                self.state.document.note_explicit_target(node, node)
        self.set_source_info(box)
        return [box]

    def _made(self, file: Path) -> nodes.container:
        self.files: list[Path] = []  # of the project's own that the nodes depend on
        try:
            values = options.read(self.declared, self.options, self.block_text)
            with _quiet_torch(self.loads_torch), _nobody_types():
                made = self.make(values)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            # whatever a model, torch or a picture raises ends this directive, not the build
            raise self.error(f"{self.called}: {_reason(error)}") from error
        box = nodes.container("", *made, classes=["convdocs-part", self.called, *values["class"]])
        # a part within, or a file's text, depends on what the page would not be told of again
        inside = [node for child in made for node in child.findall()]
        if not self.files and all(map(_is_plain, inside)):
            pictures.write_at_once(file, pickle.dumps(box))
        return box

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """The nodes for this directive; raises ValueError for a mistake in it."""
        raise NotImplementedError

    def text(self) -> str:
        """The argument, which a body cannot stand for."""
        if not self.arguments:
            raise ValueError(f"it needs {self.argument}")
        return self.arguments[0]

    def picture(
        self, figure: Figure, values: Mapping[str, Any], caption: Iterable[nodes.Node] = ()
    ) -> nodes.figure:
        """A node that shows ``figure`` as the options want it."""
        from convdocs import draw

        alt = values["alt"] or draw.describe(figure)
        made = pictures.picture(self.env, figure, alt, values["width"])
        if values.get("align"):
            made["align"] = values["align"]
        made += caption
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
        if site.startswith("/"):  # in this project
            site = "../" * self.env.docname.count("/") + site[1:]
        return f"{site}errors/" if self.config.convdocs_errors_url else None

    def parsed(self, start: int = 0, end: int | None = None) -> list[nodes.Node]:
        """Lines of the body as nodes."""
        read = nodes.Element()
        self.state.nested_parse(self.content[start:end], self.content_offset + start, read)
        return read.children

    def line(self, text: str) -> list[nodes.Node]:
        """A text with its inline markup."""
        inline, messages = self.state.inline_text(text, self.lineno)
        return [*inline, *messages]

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
        from convdocs import loading, snippet, spec

        for name in values["depends"]:
            path = Path(self.env.relfn2path(name)[1])
            if not path.is_file():
                raise ValueError(f":depends: there is no file {name}")
            self.depend(path)
        if not self.arguments:
            if not self.content:
                raise ValueError(f"it needs {self.argument}")
            self.may_run("its body")
            code = "\n".join(self.content)
            if values["input"] is None:
                call = snippet.example(code)
                return ask(call.func, *call.args, **call.keywords)
            args, kwargs = values["input"]
            return ask(snippet.last_value(code), *args, **kwargs)
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
            self.depend(*found.files)
            self.code = found.code
            args, kwargs = values["input"]
            return ask(found.model, *args, **kwargs)

    def depend(self, *files: Path) -> None:
        """Have the page read anew when one of these files changes."""
        self.files += files
        for file in files:
            self.env.note_dependency(str(file))

    def may_run(self, what: str) -> None:
        """Refuse code where the project does not let directives run it."""
        if not self.config.convdocs_execute:
            raise ValueError(
                f"{what} is code; set convdocs_execute = True in conf.py to let directives run it"
            )


@cache
def _versions() -> tuple[str, int]:
    files = (path.stat().st_mtime_ns for path in _PACKAGE.rglob("*.*") if path.suffix != ".pyc")
    return version("torch"), max(files)


def _is_plain(node: nodes.Node) -> bool:
    """Whether a node means the same wherever and however often it is put on a page."""
    depends = isinstance(node, nodes.Element) and (
        "convdocs-part" in node["classes"] or node.get("source") is not None
    )
    return isinstance(node, _PLAIN) and not depends


@contextmanager
def _quiet_torch(loaded: bool) -> Iterator[None]:
    """Torch without its thread pool, which hangs in the forks of a parallel build."""
    if not loaded:
        yield
        return
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _nobody_types() -> Iterator[None]:
    """An input that is at its end: a model that reads it fails, and does not hold up the build."""
    before, sys.stdin = sys.stdin, io.StringIO()  # which exit() may close
    try:
        yield
    finally:
        sys.stdin = before


def _reason(error: BaseException) -> str:
    """An error in a sentence; a type is named where the words alone may not say enough."""
    from convdocs import TraceError

    if isinstance(error, TraceError) and error.__cause__:
        return f"{error.call.path or error.trace.model}: {_reason(error.__cause__)}"
    plain = isinstance(error, ValueError | RuntimeError) and str(error)
    return str(error) if plain else f"{type(error).__name__}: {error}".rstrip(": ")
