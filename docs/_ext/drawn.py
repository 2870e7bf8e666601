"""``drawn``: the picture that a page's code draws, for light and dark pages, and the code itself.

The body is Python that ends in a figure, or in a list of figures to step through (site.js). With
``:code:`` the page shows it; ``lesson_pictures`` holds what several pages draw from.
"""

import ast
from collections.abc import Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from convdocs.sphinxext import options, parts
from convdocs.sphinxext.base import PageDirective
from convdocs.sphinxext.options import Option


class Drawn(PageDirective):
    """A picture from code."""

    called = "drawn"
    summary = "The picture that code draws."
    argument = "nothing"
    body = "Python whose last line is a figure of convdocs.draw."
    example = ".. drawn::\n\n   draw.kernel(nn.Conv1d(1, 1, 3))"
    declared = (
        Option("caption", "a text", "What to see.", str, ""),
        Option("code", "nothing", "Show the code.", lambda text: True, default=False),
        *(options.OPTIONS[name] for name in ("alt", "width", "name", "class")),
    )

    def make(self, values: Mapping[str, Any]) -> list[nodes.Node]:
        from convdocs import snippet  # which loads torch: only where a picture is drawn

        code = "\n".join(self.content)
        value = snippet.last_value(code)
        figures = value if isinstance(value, list) else [value]
        # the name is that of the first
        names = (values["name"], *[None] * (len(figures) - 1))
        made: list[nodes.Element] = [
            self.picture(figure, {**values, "name": name})
            for figure, name in zip(figures, names, strict=True)
        ]
        inline = self.line(values["caption"])
        if len(made) > 1:  # the page's script puts the buttons in their room
            bar = nodes.container("", classes=["steps-bar"])
            words = nodes.paragraph("", "", *inline, classes=["steps-caption"])
            made = [nodes.container("", *made, bar, words, classes=["convdocs-part", "steps"])]
        elif inline:
            made[0] += nodes.caption(values["caption"], "", *inline)
        return [*([parts.code(shown(code))] if values["code"] else []), *made]


def shown(code: str) -> str:
    """The code without the figure at its end being a bare name."""
    last = ast.parse(code).body[-1]
    lines = code.split("\n")
    bare = isinstance(last, ast.Expr) and isinstance(last.value, ast.Name)
    return "\n".join(lines[: last.lineno - 1] if bare else lines)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("drawn", Drawn)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
