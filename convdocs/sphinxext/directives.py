"""The five directives: each turns its argument, options and body into nodes for every builder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from docutils import nodes
from docutils.nodes import fully_normalize_name
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

import convdocs
from convdocs.sphinxext import options, parts
from convdocs.sphinxext.options import Option
from convdocs.view.tables import Column, Table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from convdocs.layers import Layer
    from convdocs.report import Trace


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


class Part(SphinxDirective):
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
        """Make the nodes; a mistake in the directive is an error at its line."""
        import torch

        self._note_versions(torch)
        try:
            values = options.read(self.declared, self.options)
            with _one_thread(torch), torch.random.fork_rng(devices=[]):
                made = self.make(values)
        except ValueError as error:  # SpecError, LayerError, DrawError, OptionError
            raise self.error(f"{self.called}: {error}") from error
        box = nodes.container(classes=["convdocs-part", self.called, *values["class"]])
        box += made
        self.set_source_info(box)
        return [box]

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """The nodes for this directive; raises ValueError for a mistake in it."""
        raise NotImplementedError

    def _note_versions(self, torch: Any) -> None:
        """What a page shows depends on torch and on this package: read it anew with another."""
        self.env.note_dependency(str(Path(torch.__file__).with_name("version.py")))
        self.env.note_dependency(str(Path(__file__).parents[1] / "__init__.py"))

    def text(self) -> str:
        """The argument, which a body cannot stand for."""
        if not self.arguments:
            raise ValueError(f"it needs {self.argument}")
        return self.arguments[0]

    def label(self, node: nodes.Element, label: str | None) -> None:
        """Let ``:ref:`` and ``:numref:`` find ``node``."""
        if label:
            node["names"].append(fully_normalize_name(label))
            self.state.document.note_explicit_target(node, node)

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
            for file in found.files:  # the page is read anew when one of them changes
                self.env.note_dependency(str(file))
            return ask(found.model, *values["input"])

    def _from_body(self, inputs: tuple[Any, ...] | None) -> partial[Any]:
        from convdocs import loading

        if not self.content:
            raise ValueError(f"it needs {self.argument}")
        self._may_run("its body")
        code = "\n".join(self.content)
        if inputs is not None:
            return partial(loading.last_value(code), *inputs)
        return loading.example(code)

    def _may_run(self, what: str) -> None:
        if not self.config.convdocs_execute:
            raise ValueError(
                f"{what} is code; set convdocs_execute = True in conf.py to let directives run it"
            )


@contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Torch without its thread pool, which hangs in the forks of a parallel build."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Figure(Part):
    """``conv-figure``: a layer's picture."""

    called = "conv-figure"
    summary = "The picture of a layer at work: its input, its window, its output."
    argument = "a layer, as Conv2d(1, 1, 3, padding=1)"
    body = "The picture's caption."
    example = ".. conv-figure:: Conv2d(1, 1, 3, padding=1)\n   :size: 4x5"
    declared: ClassVar[tuple[Option, ...]] = (
        options.SIZE,
        options.AT,
        options.VALUES,
        options.SEED,
        options.ALT,
        options.WIDTH,
        options.ALIGN,
        options.NAME,
        options.CLASS,
    )

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """Draw the layer."""
        return [self.draw(self.layer(values), values)]

    def layer(self, values: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
        """The layer and an input for it."""
        from convdocs import spec

        return spec.worked(
            self.text(), values["size"], values=values["values"], seed=values["seed"]
        )

    def draw(self, layer: tuple[nn.Module, Tensor], values: Mapping[str, Any]) -> nodes.figure:
        """The figure node with its caption."""
        from convdocs import draw
        from convdocs.sphinxext import pictures

        figure = draw.layer(*layer, at=values["at"])
        alt = values["alt"] or draw.describe(figure)
        made = pictures.picture(self.env, figure, alt, values["width"])
        if values["align"]:
            made["align"] = values["align"]
        made += self.caption()
        self.set_source_info(made)
        self.label(made, values["name"])
        return made


class Shapes(Part):
    """``conv-shapes``: a layer's output size, worked out."""

    called = "conv-shapes"
    summary = "The size formula of a layer with the numbers in it, an axis a row."
    argument = "a layer, as Conv2d(1, 1, 3, stride=2)"
    body = "Nothing."
    example = ".. conv-shapes:: Conv2d(1, 1, 3, stride=2)\n   :size: 7x7"
    declared = (options.SIZE, options.NAME, options.CLASS)

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """The formula of each axis as a table."""
        from convdocs import layers, spec

        layer = spec.layer(self.text())
        read = spec.sliding(layer, values["size"])
        made = parts.table(shapes_table(read, values["size"], layers.code(layer)))
        self.set_source_info(made)
        self.label(made, values["name"])
        return [made]


def shapes_table(layer: Layer, size: Sequence[int], code: str) -> Table:
    """The output size of a layer that was read, axis by axis.

    Examples
    --------
    >>> from torch import nn
    >>> from convdocs import layers
    >>> table = shapes_table(layers.read(nn.Conv1d(1, 1, 3)), (7,), "Conv1d(1, 1, 3)")
    >>> table.caption
    'Conv1d(1, 1, 3): 7 → 5'
    >>> table.rows
    (('L', '7', '⌊(7 + 0 + 0 − 1·(3 − 1) − 1) / 1⌋ + 1 = 5', '5'),)
    """
    rows, sizes = [], []
    for axis, window, cells in zip(layer.axes, layer.windows, size, strict=True):
        out = window.output_size(cells)
        if out < 1:
            raise ValueError(f"{axis}={cells} is too small for its kernel: {window.formula(cells)}")
        rows.append((axis, str(cells), window.formula(cells), str(out)))
        sizes.append(out)
    columns = (
        Column("axis"),
        Column("input", "right"),
        Column("formula"),
        Column("output", "right"),
    )
    before, after = ("×".join(map(str, one)) for one in (size, sizes))
    return Table(columns, tuple(rows), f"{code}: {before} → {after}")


class Explorer(Figure):
    """``conv-explorer``: the interactive part, and the picture where nothing can interact."""

    called = "conv-explorer"
    summary = "The interactive explorer in HTML; its picture in EPUB, LaTeX, text and man pages."
    argument = "a layer, as Conv1d(1, 1, 3)"
    body = "The caption of the picture."
    example = ".. conv-explorer:: Conv1d(1, 1, 3)\n   :size: 7"
    declared = (
        *(one for one in Figure.declared if one is not options.VALUES),
        options.NUMBERS,
        options.BATCH,
        options.ADDRESS,
    )

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """Embed the explorer, and draw the layer for builders without scripts."""
        layer, x = self.layer(values)
        if values["batch"]:
            x = x.expand(values["batch"], *x.shape)
        return [
            addnodes.only(
                "",
                nodes.raw("", self.embed(layer, x, values), format="html"),
                expr="html and not epub",
            ),
            addnodes.only("", self.draw((layer, x), values), expr="not html or epub"),
        ]

    def layer(self, values: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
        """The layer and an input; the notebook's own numbers are the script's to put in."""
        drawn = "random" if values["values"] == "notebook" else values["values"]
        return super().layer({**values, "values": drawn})

    def embed(self, layer: nn.Module, x: Tensor, values: Mapping[str, Any]) -> str:
        """The explorer's element, with the layer's numbers or the notebook's."""
        from convdocs.explorer import embed

        known = {
            "at": values["at"],
            "name": nodes.make_id(values["name"] or ""),
            "address": values["address"],
            "errors": self.errors(),
        }
        if values["values"] == "notebook":
            return embed.markup(embed.case(layer, tuple(x.shape)), **known)
        explorer = embed.explore(layer, x)
        return embed.markup(explorer.setting, own=explorer.own, **known)

    def errors(self) -> str | None:
        """Where the explorer finds the pages of the errors, if anywhere."""
        site: str = self.config.convdocs_errors_url
        if site.startswith("/"):  # in this project: seen from this page
            site = "../" * self.env.docname.count("/") + site[1:]
        return f"{site}errors/" if self.config.convdocs_errors_url else None


class LayerTrace(Part):
    """``layer-trace``: a model's layers as a table."""

    called = "layer-trace"
    summary = "The layers of a model as a table: shapes, parameters, MACs, receptive fields."
    argument = "a model, as net:small or net.py:Net, or a layer; or code in the body"
    body = "Code whose last line is the model, or calls it on its input."
    example = ".. layer-trace:: net:small\n   :input: 2,10,7"
    declared = (
        options.INPUT,
        options.KWARGS,
        options.FINDINGS,
        options.NAME,
        options.CLASS,
    )

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """Trace the model."""
        from convdocs.view import trace as view

        try:
            found: Trace = self.on_model(values, convdocs.trace)
        except convdocs.TraceError as error:
            raise ValueError(
                f"{error.call.path or error.trace.model}: {error.__cause__}"
            ) from error
        if values["findings"] == "hide":
            found = replace(found, findings=())
        made = parts.to_nodes(view.parts(found))
        self.label(next(node for node in made if isinstance(node, nodes.table)), values["name"])
        return made


DIRECTIVES: tuple[type[Part], ...] = (Figure, Explorer, LayerTrace, Shapes)
