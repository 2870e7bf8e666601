"""Reference pages from where things are declared: the directives' options and settings.

Two directives, `declared-directive` and `declared-settings`, write what the package itself reads.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from convdocs.sphinxext import directives, options, parts
from convdocs.view.tables import Paragraph


def entry(word: str, takes: str, *said: str) -> nodes.definition_list_item:
    """A word in code, what it takes, and what there is to say about it."""
    made = nodes.definition_list_item("", nodes.term("", "", nodes.literal(word, word)))
    if takes:
        made += nodes.classifier(takes, takes)
    words = " ".join(filter(None, said))
    made += nodes.definition("", nodes.paragraph(words, words))
    return made


def default(value: object) -> str:
    return (
        "" if value is None or value is False or value in ("", [], "{}") else f"Default: {value}."
    )


def in_myst(example: str) -> str:
    """A directive's example in MyST, from reStructuredText."""
    head, *rest = example.split("\n")
    name, argument = re.fullmatch(r"\.\. ([\w-]+):: ?(.*)", head).groups()
    return "\n".join([f"```{{{name}}} {argument}".rstrip(), *(line[3:] for line in rest), "```"])


class DeclaredDirective(SphinxDirective):
    """What one of the package's directives takes, and how it is written."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        told = {one.called: one for one in directives.DIRECTIVES}[self.arguments[0]]
        entries = [
            entry(
                f":{one.name}:", one.takes, one.help, "Needed." * one.required, default(one.default)
            )
            for one in told.declared
        ]
        lines = [
            Paragraph(f"{told.argument}.", lead="Argument:"),
            Paragraph(told.body, lead="Body:"),
            Paragraph("", lead="Options:"),
        ]
        return [
            *parts.to_nodes([Paragraph(told.summary), Paragraph("In reStructuredText:")]),
            parts.code(told.example, "rst"),
            *parts.to_nodes([Paragraph("In MyST:")]),
            parts.code(in_myst(told.example), "md"),
            *parts.to_nodes(lines),
            nodes.definition_list("", *entries),
        ]


class DeclaredSettings(SphinxDirective):
    """The extension's settings in conf.py."""

    def run(self) -> list[nodes.Node]:
        entries = [
            entry(name, type(one["default"]).__name__, one["help"], f"Default: {one['default']!r}.")
            for name, one in options.SETTINGS.items()
        ]
        return [nodes.definition_list("", *entries)]


def drop_repeated_ids(app: Sphinx, document: nodes.document) -> None:
    """Keep the first of equal ids: sphinx-argparse gives each command's groups the same ones."""
    seen: set[str] = set()
    for section in document.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name not in seen]
        seen.update(section["ids"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", drop_repeated_ids)
    app.add_directive("declared-directive", DeclaredDirective)
    app.add_directive("declared-settings", DeclaredSettings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
