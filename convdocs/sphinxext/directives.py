"""The directives: each turns its argument, options and body into nodes for every builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from docutils import nodes
from sphinx import addnodes

import convdocs
from convdocs.sphinxext import options, parts
from convdocs.sphinxext.base import PageDirective
from convdocs.sphinxext.exercise import Exercise
from convdocs.sphinxext.options import Option
from convdocs.view.tables import Column, Table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from convdocs.layers import Layer
    from convdocs.report import Diagnosis, Trace


class Figure(PageDirective):
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


class Shapes(PageDirective):
    """``conv-shapes``: a layer's output size, worked out."""

    called = "conv-shapes"
    summary = "The size formula of a layer with the numbers in it, an axis a row."
    argument = "a layer, as Conv2d(1, 1, 3, stride=2)"
    body = "Nothing."
    example = ".. conv-shapes:: Conv2d(1, 1, 3, stride=2)\n   :size: 7x7"
    declared = (options.SIZE, options.NAME, options.CLASS)

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """The formula of each axis as a table."""
        from convdocs import layers
        from convdocs.spec import layer as from_text
        from convdocs.spec import sliding

        layer = from_text(self.text())
        read = sliding(layer, values["size"])
        refused = convdocs.diagnose(layer, (read.in_channels or 1, *values["size"]))
        if refused:  # the formula gives a number for settings that torch does not take
            raise ValueError(refused.message)
        spec, table = parts.table(shapes_table(read, values["size"], layers.code(layer)))
        self.set_source_info(table)
        self.label(table, values["name"])
        return [spec, table]


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
        options.FILTER,
        options.CONTROLS,
        options.BATCH,
        options.ADDRESS,
    )

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """Embed the explorer, and draw the layer for builders without scripts."""
        from convdocs.sphinxext import pictures

        layer, x = self.layer(values)
        return [pictures.enliven(self.draw((layer, x), values), self.embed(layer, x, values))]

    def layer(self, values: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
        """The layer and an input with the numbers of the options."""
        from convdocs.explorer import numbers

        ready = values["values"] in numbers.INPUTS
        layer, x = super().layer({**values, "values": "whole" if ready else values["values"]})
        if values["batch"]:
            x = x.expand(values["batch"], *x.shape)
        if ready:
            x = numbers.fill_input(values["values"], x, len(values["size"]))
        filters = values["filter"] or ("notebook" if values["values"] == "notebook" else None)
        if filters and hasattr(layer, "weight"):
            numbers.fill_filters(filters, layer)
        return layer, x

    def embed(self, layer: nn.Module, x: Tensor, values: Mapping[str, Any]) -> str:
        """The explorer's element; numbers that the script has by name are not written out."""
        from convdocs.explorer import embed, numbers

        explorer = embed.explore(layer, x, values["at"], controls=values["controls"])
        own = dict(explorer.own)
        setting = explorer.setting | {"filter": "own"}
        if values["values"] in numbers.INPUTS:
            setting["values"] = values["values"]
            del own["x"]
        if values["filter"] or values["values"] == "notebook":
            setting["filter"] = values["filter"] or "notebook"
            own = {name: tensor for name, tensor in own.items() if name == "x"}
        return embed.markup(
            setting,
            own=own,
            at=values["at"],
            address=values["address"],
            errors=self.errors(),
            controls=values["controls"],
            still=explorer.still,
        )


class NetworkExplorer(PageDirective):
    """``network-explorer``: a whole network, alive, and its picture where nothing can interact."""

    called = "network-explorer"
    summary = "Every call of a network with its maps, alive in HTML; its picture elsewhere."
    argument = "a model, as net:small or net.py:Net, or a layer; or code in the body"
    body = "Code whose last line is the model, or calls it on its input."
    example = ".. network-explorer:: net.py:small\n   :input: 1,10,7"
    declared = (
        options.INPUT,
        options.KWARGS,
        options.DEPENDS,
        options.CLASSES,
        options.LABELS,
        options.CALLS,
        options.BLOCKS,
        options.ALT,
        options.WIDTH,
        options.NAME,
        options.CLASS,
    )

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """Run the network, embed its explorer, and draw it for builders without scripts."""
        from convdocs import draw
        from convdocs.explorer import network
        from convdocs.sphinxext import pictures

        names = ("classes", "labels", "calls", "blocks")
        ask = partial(network.explore, **{name: values[name] for name in names})
        try:
            found: network.NetworkExplorer = self.on_model(values, ask)
        except (RuntimeError, TypeError) as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
        figure = draw.stack(found.trace)
        alt = values["alt"] or draw.describe(figure)
        still = pictures.picture(self.env, figure, alt, values["width"])
        self.set_source_info(still)
        self.label(still, values["name"])
        return [pictures.enliven(still, found.markup())]


class LayerTrace(PageDirective):
    """``layer-trace``: a model's layers as a table."""

    called = "layer-trace"
    summary = "The layers of a model as a table: shapes, parameters, MACs, receptive fields."
    argument = "a model, as net:small or net.py:Net, or a layer; or code in the body"
    body = "Code whose last line is the model, or calls it on its input."
    example = ".. layer-trace:: net:small\n   :input: 2,10,7"
    declared = (
        options.INPUT,
        options.KWARGS,
        options.COLUMNS,
        options.DEPTH,
        options.DEPENDS,
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
        shown = view.parts(found, values["depth"], values["columns"], paths=True)
        made = parts.to_nodes(shown)
        self.label(next(node for node in made if isinstance(node, nodes.table)), values["name"])
        if values["name"] or all(module.depth < 2 for module in found.modules):
            return made
        # a tree opens and shuts on a page; a table with a name is one that numbers refer to
        page = found.to_html(depth=values["depth"], columns=values["columns"])
        return [
            addnodes.only("", nodes.raw("", page, format="html"), expr="html and not epub"),
            addnodes.only("", *made, expr="not html or epub"),
        ]


class ShapeError(PageDirective):
    """``shape-error``: an example that fails, and why."""

    called = "shape-error"
    summary = "An example that fails: torch's message, the cause, and fixes that were tried."
    argument = "a model, as net:small or net.py:Net, or a layer; or code in the body"
    body = "Code whose last line calls a model, a layer or a function, and fails."
    example = ".. shape-error:: Conv1d(3, 2, 3)\n   :input: 2,4,5"
    declared = (options.INPUT, options.KWARGS, options.DEPENDS, options.CLASS)

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """Run the example, and explain its error."""
        found: Diagnosis | None = self.on_model(values, convdocs.diagnose)
        if found is None:
            raise ValueError("this example runs: there is no error to explain")
        code = "\n".join(self.content) or self.call(values)
        said = parts.to_nodes(replace(found, url="").parts())
        return [parts.code(code), *said, *self.link(found)]

    def call(self, values: Mapping[str, Any]) -> str:
        """The argument and its input as code that runs."""
        args, kwargs = values["input"]
        named = [f"{key}={tensor_code(value)}" for key, value in kwargs.items()]
        return f"import torch\n{self.code}({', '.join([*map(tensor_code, args), *named])})"

    def link(self, found: Diagnosis) -> list[nodes.Node]:
        """Where the error is explained, if the project says where that is."""
        site: str = self.config.convdocs_errors_url
        if not site or not found.url:
            return []
        words = f"More about {found.code}"
        target = nodes.reference(
            "", words, refuri=f"{self.errors()}{found.url[7:]}", internal=False
        )
        return [nodes.paragraph("", "", target)]


def tensor_code(value: Any) -> str:
    """An input of a directive in Python.

    Examples
    --------
    >>> tensor_code((2, 4, 5))
    'torch.zeros(2, 4, 5)'
    """
    if isinstance(value, dict):
        entries = (f"{key!r}: {tensor_code(one)}" for key, one in value.items())
        return f"{{{', '.join(entries)}}}"
    shape = ", ".join(map(str, tuple(getattr(value, "shape", value))))
    dtype = f", dtype={value.dtype}" if hasattr(value, "dtype") else ""
    return f"torch.zeros({shape}{dtype})"


DIRECTIVES: tuple[type[PageDirective], ...] = (
    Figure,
    Explorer,
    NetworkExplorer,
    LayerTrace,
    Shapes,
    ShapeError,
    Exercise,
)
