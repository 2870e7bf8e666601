"""The directives: each turns its argument, options and body into nodes for every builder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from math import isfinite
from typing import Any

from docutils import nodes
from sphinx import addnodes

import convdocs
from convdocs.sphinxext import parts, pictures
from convdocs.sphinxext.base import PageDirective
from convdocs.view.tables import Column, Table

_SOLUTION = "+++"  # the line between an exercise's question and its solution
_NAMES = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nimport convdocs\n"


class Figure(PageDirective):
    """``conv-figure``: a layer's picture."""

    called = "conv-figure"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import draw, spec

        numbers = {name: values[name] for name in ("values", "seed")}
        layer, x = spec.worked(self.text(), values["size"], **numbers)
        figure = draw.layer(layer, x, at=values["at"])
        words = getattr(figure, "caption", "")
        caption = self.caption() or [nodes.caption(words, words, **parts.AS_TYPED)]
        return [self.picture(figure, values, caption)]


class Explorer(PageDirective):
    """``conv-explorer``: the interactive part, and the picture where nothing can interact."""

    called = "conv-explorer"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import draw, spec
        from convdocs.explorer import embed, numbers

        named = values["values"] if values["values"] in numbers.INPUTS else None
        filters = values["filter"] or ("notebook" if named == "notebook" else None)
        drawn = "whole" if named else values["values"]
        layer, x = spec.worked(self.text(), values["size"], values=drawn, seed=values["seed"])
        if values["batch"]:
            x = x.expand(values["batch"], *x.shape)
        if named:
            x = numbers.fill_input(named, x, len(values["size"]))
        if filters and hasattr(layer, "weight"):
            numbers.fill_filters(filters, layer)
        elif values["filter"]:
            raise ValueError(f":filter: {type(layer).__name__} has no weights")
        figure = self.picture(draw.layer(layer, x, at=values["at"]), values, self.caption())
        asked = {"values": named or "own", "filters": filters or "own"}
        explorer = embed.explore(layer, x, values["at"], controls=values["controls"], **asked)
        markup = explorer.markup(address=values["address"], errors=self.errors())
        figure[0] = pictures.on_pages(pictures.live(markup))
        return [figure]


class NetworkExplorer(PageDirective):
    """``network-explorer``: a whole network, alive, and its picture where nothing can interact."""

    called = "network-explorer"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import draw
        from convdocs.explorer import network

        asked = {name: values[name] for name in ("classes", "labels", "calls", "blocks")}
        found = self.on_model(values, lambda net, *x: network.network(net, x, **asked))
        figure = self.picture(draw.stack(found.trace), values)
        figure[0] = pictures.on_pages(pictures.live(found.markup()))
        return [figure]


class LayerTrace(PageDirective):
    """``layer-trace``: a model's layers as a table."""

    called = "layer-trace"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs.view import trace as view

        found = self.on_model(values, convdocs.trace)
        if values["findings"] == "hide":
            found = replace(found, findings=())
        made = parts.to_nodes(view.parts(found, values["depth"], values["columns"], paths=True))
        self.label(next(node for node in made if isinstance(node, nodes.table)), values["name"])
        if values["name"] or all(module.depth < 2 for module in found.modules):
            return made
        # a tree opens and shuts on a page; a table with a name is one that numbers refer to
        page = found.to_html(depth=values["depth"], columns=values["columns"])
        still = addnodes.only("", *made, expr="not html or epub")
        return [pictures.on_pages(pictures.live(page)), still]


class Shapes(PageDirective):
    """``conv-shapes``: a layer's output size, worked out axis by axis."""

    called = "conv-shapes"
    has_content = False

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import layers, spec

        layer, size = spec.layer(self.text()), values["size"]
        read = spec.sliding(layer, size)
        refused = convdocs.diagnose(layer, (read.in_channels or 1, *size))
        if refused:  # the formula gives a number for settings that torch does not take
            raise ValueError(refused.message)
        axes = [*zip(read.axes, read.windows, size, strict=True)]
        outs = [window.output_size(cells) for _, window, cells in axes]
        rows = tuple(
            (axis, str(cells), window.formula(cells), str(out))
            for (axis, window, cells), out in zip(axes, outs, strict=True)
        )
        right = Column("input", "right"), Column("output", "right")
        columns = (Column("axis"), right[0], Column("formula"), right[1])
        before, after = ("×".join(map(str, sizes)) for sizes in (size, outs))
        caption = f"{layers.code(layer)}: {before} → {after}"
        types, table = parts.table(Table(columns, rows, caption))
        self.label(table, values["name"])
        return [types, table]


class ShapeError(PageDirective):
    """``shape-error``: an example that fails, and why."""

    called = "shape-error"

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        found = self.on_model(values, convdocs.diagnose)
        if found is None:
            raise ValueError("this example runs: there is no error to explain")
        code = "\n".join(self.content)
        if not code:  # the argument and its input as code that runs
            args, kwargs = values["input"]
            named = [f"{key}={_tensor_code(value)}" for key, value in kwargs.items()]
            code = f"import torch\n{self.code}({', '.join([*map(_tensor_code, args), *named])})"
        said = [parts.code(code), *parts.to_nodes(replace(found, url="").parts())]
        if self.errors() and found.url:
            address = f"{self.errors()}{found.url.removeprefix('errors/')}"
            words = f"More about {found.code}"
            target = nodes.reference("", words, refuri=address, internal=False)
            said.append(nodes.paragraph("", "", target))
        return said


def _tensor_code(value: Any) -> str:
    if isinstance(value, dict):
        entries = (f"{key!r}: {_tensor_code(one)}" for key, one in value.items())
        return f"{{{', '.join(entries)}}}"
    shape = ", ".join(map(str, getattr(value, "shape", value)))
    dtype = f", dtype={value.dtype}" if hasattr(value, "dtype") else ""
    return f"torch.zeros({shape}{dtype})"


class Exercise(PageDirective):
    """``exercise``: a question whose answer the build computes and the page checks."""

    called = "exercise"

    def run(self) -> list[nodes.Node]:
        """Make the exercise, and number it among those of its page."""
        [box] = super().run()
        assert isinstance(box, nodes.container)
        number = int(self.env.temp_data.get("convdocs exercises") or 0) + 1
        self.env.temp_data["convdocs exercises"] = number
        box["ids"].append(f"exercise-{number}")
        title = f"Exercise {number}" + (f": {self.arguments[0]}" if self.arguments else "")
        box.insert(0, nodes.rubric(title, title))
        return [box]

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import snippet

        self.may_run("its answer")
        choices = values["choices"] or []
        answer = _plain(snippet.last_value(_NAMES + values["answer"], "the answer"))
        if isinstance(answer, bool):
            answer, choices = "Yes" if answer else "No", ["Yes", "No"]
        if isinstance(answer, str) and answer not in choices:
            raise ValueError(f"the answer {answer!r} is none of the choices: {'; '.join(choices)}")
        if choices and not isinstance(answer, str):
            raise ValueError(f"the answer is {answer!r}, and not one of the choices")
        lines = [line.strip() for line in self.content]
        end = lines.index(_SOLUTION) if _SOLUTION in lines else len(lines)
        if not any(lines[:end]):
            raise ValueError("its body is the question, and there is none")
        asked = {"answer": answer, "choices": choices, "within": values["within"]}
        asked["page"] = self.env.docname
        place = f'<div class="conv-ask" data-exercise="{escape(json.dumps(asked))}"></div>'
        solved = nodes.paragraph("", "", nodes.strong("", _said(answer)), classes=["conv-solved"])
        items = [nodes.list_item("", self._paragraph(choice)) for choice in choices]
        hint = values["hint"]
        return [
            *self.parsed(0, end),
            *([nodes.bullet_list("", *items, classes=["conv-choices"])] if items else []),
            nodes.raw("", place, format="html"),
            *(_fold("Hint", self._paragraph(hint)) if hint else []),
            *_fold("Solution", solved, *self.parsed(end + 1)),
        ]

    def _paragraph(self, text: str) -> nodes.paragraph:
        return nodes.paragraph(text, "", *self.line(text))


def _plain(value: Any) -> Any:
    """An answer as JSON has it."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"the answer is {value}, which nobody can type")
    match value:
        case bool() | int() | float() | str():
            return value
        case tuple() | list():
            return [_plain(part) for part in value]
        case dict():
            return {str(label): _plain(part) for label, part in value.items()}
    raise ValueError(f"the answer is a {type(value).__name__}; see the option :answer:")


def _said(answer: Any) -> str:
    match answer:
        case dict():
            return ", ".join(f"{label} {_said(part)}" for label, part in answer.items())
        case list():
            return f"({', '.join(map(_said, answer))})"
        case int():
            return f"{answer:,}"
        case float():
            return f"{answer:.4g}"
    return str(answer)


def _fold(title: str, *content: nodes.Node) -> list[nodes.Node]:
    """What is folded under a title on a page, and stands below it elsewhere."""
    opening = f'<details class="conv-{title.lower()}"><summary>{title}</summary>'
    words = nodes.paragraph("", "", nodes.strong(title, title))
    return [
        nodes.raw("", opening, format="html"),
        addnodes.only("", words, expr="not html"),
        *content,
        nodes.raw("", "</details>", format="html"),
    ]


DIRECTIVES = (Figure, Explorer, NetworkExplorer, LayerTrace, Shapes, ShapeError, Exercise)
