"""The directives: each turns its argument, options and body into nodes for every builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

import convdocs
from convdocs.sphinxext import parts, pictures
from convdocs.sphinxext.base import PageDirective
from convdocs.sphinxext.exercise import Exercise
from convdocs.view.tables import Column, Table

if TYPE_CHECKING:
    from torch import Tensor, nn

    from convdocs.layers import Layer
    from convdocs.report import Diagnosis, Trace


class Figure(PageDirective):
    """``conv-figure``: a layer's picture."""

    called = "conv-figure"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import draw

        figure = draw.layer(*self.layer(values), at=values["at"])
        made = self.picture(figure, values)
        words = getattr(figure, "caption", "")
        made += self.caption() or [nodes.caption(words, "", parts.verbatim("", words))]
        return [made]

    def layer(self, values: Mapping[str, Any]) -> tuple[nn.Module, Tensor]:
        """The layer and an input for it."""
        from convdocs import spec

        return spec.worked(
            self.text(), values["size"], values=values["values"], seed=values["seed"]
        )


class Explorer(Figure):
    """``conv-explorer``: the interactive part, and the picture where nothing can interact."""

    called = "conv-explorer"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import draw

        layer, x = self.layer(values)
        made = self.picture(draw.layer(layer, x, at=values["at"]), values)
        made += self.caption()
        return [pictures.enliven(made, self.embed(layer, x, values))]

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
        own, named = explorer.data["own"], {"filter": "own"}
        if values["values"] in numbers.INPUTS:
            named["values"] = values["values"]
            del own["x"]
        if values["filter"] or values["values"] == "notebook":
            named["filter"] = values["filter"] or "notebook"
            own = {name: tensor for name, tensor in own.items() if name == "x"}
        setting = explorer.data["setting"] | named
        return explorer.markup(
            setting=setting, own=own, address=values["address"], errors=self.errors()
        )


class NetworkExplorer(PageDirective):
    """``network-explorer``: a whole network, alive, and its picture where nothing can interact."""

    called = "network-explorer"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import draw
        from convdocs.explorer import network

        names = ("classes", "labels", "calls", "blocks")
        asked = {name: values[name] for name in names}
        found = self.on_model(values, lambda net, *x: network.network(net, x, **asked))
        still = self.picture(draw.stack(found.trace), values)
        return [pictures.enliven(still, found.markup())]


class LayerTrace(PageDirective):
    """``layer-trace``: a model's layers as a table."""

    called = "layer-trace"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs.view import trace as view

        found: Trace = self.on_model(values, convdocs.trace)
        if values["findings"] == "hide":
            found = replace(found, findings=())
        made = parts.to_nodes(view.parts(found, values["depth"], values["columns"], paths=True))
        self.label(next(node for node in made if isinstance(node, nodes.table)), values["name"])
        if values["name"] or all(module.depth < 2 for module in found.modules):
            return made
        # a tree opens and shuts on a page; a table with a name is one that numbers refer to
        page = found.to_html(depth=values["depth"], columns=values["columns"])
        return [
            addnodes.only("", pictures.live(page), expr="html and not epub"),
            addnodes.only("", *made, expr="not html or epub"),
        ]


class Shapes(PageDirective):
    """``conv-shapes``: a layer's output size, worked out."""

    called = "conv-shapes"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import layers, spec

        layer = spec.layer(self.text())
        read = spec.sliding(layer, values["size"])
        refused = convdocs.diagnose(layer, (read.in_channels or 1, *values["size"]))
        if refused:  # the formula gives a number for settings that torch does not take
            raise ValueError(refused.message)
        columns, table = parts.table(_shapes_table(read, values["size"], layers.code(layer)))
        self.label(table, values["name"])
        return [columns, table]


def _shapes_table(layer: Layer, size: Sequence[int], code: str) -> Table:
    """The output size of a layer that was read, axis by axis."""
    sizes = [window.output_size(cells) for window, cells in zip(layer.windows, size, strict=True)]
    rows = tuple(
        (axis, str(cells), window.formula(cells), str(out))
        for axis, window, cells, out in zip(layer.axes, layer.windows, size, sizes, strict=True)
    )
    right = Column("input", "right"), Column("output", "right")
    columns = (Column("axis"), right[0], Column("formula"), right[1])
    before, after = ("×".join(map(str, one)) for one in (size, sizes))
    return Table(columns, rows, f"{code}: {before} → {after}")


class ShapeError(PageDirective):
    """``shape-error``: an example that fails, and why."""

    called = "shape-error"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        found: Diagnosis | None = self.on_model(values, convdocs.diagnose)
        if found is None:
            raise ValueError("this example runs: there is no error to explain")
        code = "\n".join(self.content) or self.call(values)
        said = parts.to_nodes(replace(found, url="").parts())
        return [parts.code(code), *said, *self.link(found)]

    def call(self, values: Mapping[str, Any]) -> str:
        """The argument and its input as code that runs."""
        args, kwargs = values["input"]
        named = [f"{key}={_tensor_code(value)}" for key, value in kwargs.items()]
        return f"import torch\n{self.code}({', '.join([*map(_tensor_code, args), *named])})"

    def link(self, found: Diagnosis) -> list[nodes.Node]:
        """Where the error is explained, if the project says where that is."""
        if not self.errors() or not found.url:
            return []
        address = f"{self.errors()}{found.url.removeprefix('errors/')}"
        words = f"More about {found.code}"
        target = nodes.reference("", words, refuri=address, internal=False)
        return [nodes.paragraph("", "", target)]


def _tensor_code(value: Any) -> str:
    if isinstance(value, dict):
        entries = (f"{key!r}: {_tensor_code(one)}" for key, one in value.items())
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
