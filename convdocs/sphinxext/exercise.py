"""``exercise``: a question whose answer the build computes and the page checks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from html import escape
from typing import TYPE_CHECKING, Any

from docutils import nodes

from convdocs.sphinxext import kept, options
from convdocs.sphinxext.base import PageDirective, quiet_torch

if TYPE_CHECKING:
    from sphinx.writers.html5 import HTML5Translator

SOLUTION = "+++"  # the line between the question and its solution
NAMES = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\nimport convdocs\n"
YES_OR_NO = ("Yes", "No")


class fold(nodes.General, nodes.Element):
    """A title, the first child, and what is folded under it."""


class Exercise(PageDirective):
    """``exercise``: a question, a hint, and a solution, with a field for the answer."""

    called = "exercise"
    summary = "A question with an answer that the build computes and the page checks."
    argument = "a title, or nothing"
    body = f"The question and, after a line {SOLUTION}, the solution worked out."
    example = (
        ".. exercise::\n   :answer: nn.Conv1d(1, 1, 3)(torch.zeros(1, 7)).shape[-1]\n"
        "   :hint: Count the places that the window has.\n\n"
        "   How many numbers does a kernel of 3 make of 7?\n\n"
        f"   {SOLUTION}\n\n   The window has 7 − 2 = 5 places."
    )
    declared = (
        *(options.ANSWER, options.CHOICES, options.HINT, options.WITHIN),
        *(options.NAME, options.CLASS),
    )

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

    def quiet(self) -> AbstractContextManager[None]:
        """Only the answer needs torch."""
        return nullcontext()

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        """The question, the place for its answer, and what is folded below."""
        choices = values["choices"] or []
        answer = self.answer(values["answer"])
        if isinstance(answer, bool):
            choices, answer = list(YES_OR_NO), YES_OR_NO[not answer]
        _check(answer, choices)
        lines = [line.strip() for line in self.content]
        end = lines.index(SOLUTION) if SOLUTION in lines else len(lines)
        asked = {"answer": answer, "choices": choices, "within": values["within"]}
        asked["page"] = self.env.docname
        place = f'<div class="conv-ask" data-exercise="{escape(json.dumps(asked))}"></div>'
        solved = nodes.paragraph("", "", nodes.strong("", said(answer)), classes=["conv-solved"])
        return [
            *self.parsed(0, end),
            *([self.listed(choices)] if choices else []),
            nodes.raw("", place, format="html"),
            *([_fold("Hint", self.line(values["hint"]))] if values["hint"] else []),
            _fold("Solution", solved, *self.parsed(end + 1, len(lines))),
        ]

    def answer(self, code: str) -> Any:
        """What the code of the answer gives, as plain data; computed once for a text."""
        file = kept.path(self.env, "answer", code)
        if (found := kept.load(file)) is None:
            self._may_run("its answer")
            from convdocs import snippet

            with quiet_torch():
                found = _plain(snippet.last_value(NAMES + code))
            kept.save(file, found)
        return found

    def parsed(self, start: int, end: int) -> list[nodes.Node]:
        """Lines of the body as nodes."""
        read = nodes.Element()
        self.state.nested_parse(self.content[start:end], self.content_offset + start, read)
        return read.children

    def line(self, text: str) -> nodes.paragraph:
        """An option's text with its inline markup."""
        inline, messages = self.state.inline_text(text, self.lineno)
        return nodes.paragraph(text, "", *inline, *messages)

    def listed(self, choices: list[str]) -> nodes.bullet_list:
        """The choices, which the page's script makes buttons of."""
        items = (nodes.list_item("", self.line(choice)) for choice in choices)
        return nodes.bullet_list("", *items, classes=["conv-choices"])


def _plain(value: Any) -> Any:
    """A tensor or a tuple as numbers and lists."""
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


def _check(answer: Any, choices: list[str]) -> None:
    if isinstance(answer, str) and answer not in choices:
        raise ValueError(f"the answer {answer!r} is none of the choices: {'; '.join(choices)}")
    if choices and not isinstance(answer, str):
        raise ValueError(f"the answer is {answer!r}, and not one of the choices")


def said(answer: Any) -> str:
    """An answer as one would write it.

    Examples
    --------
    >>> said([1, 8, 30, 30]), said({"rows": 5, "columns": 1200})
    ('(1, 8, 30, 30)', 'rows 5, columns 1,200')
    """
    match answer:
        case dict():
            return ", ".join(f"{label} {said(part)}" for label, part in answer.items())
        case list():
            return f"({', '.join(map(said, answer))})"
        case int():
            return f"{answer:,}"
        case float():
            return f"{answer:.4g}"
    return str(answer)


def _fold(title: str, *content: nodes.Node) -> fold:
    words = nodes.paragraph("", "", nodes.strong(title, title))
    return fold("", words, *content, classes=[f"conv-{title.lower()}"])


def visit_html(self: HTML5Translator, node: fold) -> None:
    """Write the fold, with its title for a summary."""
    self.body.append(self.starttag(node, "details", ""))
    self.body.append(f"<summary>{escape(node[0].astext())}</summary>\n")
    for child in node[1:]:
        child.walkabout(self)
    self.body.append("</details>\n")
    raise nodes.SkipNode


def show(self: nodes.NodeVisitor, node: fold) -> None:
    """Formats without folds show what is in one."""
