"""``exercise``: a question whose answer the build computes and the page checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from docutils import nodes
from sphinx import addnodes

from convdocs.sphinxext.base import PageDirective

_SOLUTION = "+++"  # the line between the question and its solution
_NAMES = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nimport convdocs\n"


class Exercise(PageDirective):
    """A question, a hint, and a solution, with a field for the answer."""

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
        answer = _plain(snippet.last_value(_NAMES + values["answer"]))
        if isinstance(answer, bool):
            answer, choices = "Yes" if answer else "No", ["Yes", "No"]
        if isinstance(answer, str) and answer not in choices:
            raise ValueError(f"the answer {answer!r} is none of the choices: {'; '.join(choices)}")
        if choices and not isinstance(answer, str):
            raise ValueError(f"the answer is {answer!r}, and not one of the choices")
        lines = [line.strip() for line in self.content]
        end = lines.index(_SOLUTION) if _SOLUTION in lines else len(lines)
        asked = {"answer": answer, "choices": choices, "within": values["within"]}
        asked["page"] = self.env.docname
        place = f'<div class="conv-ask" data-exercise="{escape(json.dumps(asked))}"></div>'
        solved = nodes.paragraph("", "", nodes.strong("", _said(answer)), classes=["conv-solved"])
        items = [nodes.list_item("", self.line(choice)) for choice in choices]
        return [
            *self.parsed(0, end),
            *([nodes.bullet_list("", *items, classes=["conv-choices"])] if items else []),
            nodes.raw("", place, format="html"),
            *(_fold("Hint", self.line(values["hint"])) if values["hint"] else []),
            *_fold("Solution", solved, *self.parsed(end + 1)),
        ]

    def line(self, text: str) -> nodes.paragraph:
        """An option's text with its inline markup."""
        inline, messages = self.state.inline_text(text, self.lineno)
        return nodes.paragraph(text, "", *inline, *messages)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
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
