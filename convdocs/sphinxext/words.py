"""What formats without pictures show, and what smart quotes leave alone."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.transforms import SphinxTransform
from sphinx.transforms.post_transforms import SphinxPostTransform

from convdocs.sphinxext.parts import verbatim


class Unwrap(SphinxTransform):
    """Leave the text of ``verbatim`` nodes where they are, after SmartQuotes (priority 855)."""

    default_priority = 856

    def apply(self, **kwargs: Any) -> None:
        """Replace each node by its text."""
        for node in list(self.document.findall(verbatim)):
            node.replace_self(node.children)


class Words(SphinxPostTransform):
    """Say a picture in words and set a table's caption above it, in text, Markdown and man pages.

    Their writers have no place for either: a man page would take the caption for its own name.
    The builder ``markdown`` is sphinx-markdown-builder's.
    """

    default_priority = 100  # after what other builders get is gone from the page
    builders = ("text", "man", "markdown")

    def run(self, **kwargs: Any) -> None:
        """Replace the pictures and captions of this package's directives."""
        for figure in list(self.document.findall(nodes.figure)):
            if _is_part(figure.parent) or "conv-picture" in figure["classes"]:
                figure.replace_self(_said(figure))
        for box in list(self.document.findall(_is_part)):
            for table in list(box.findall(nodes.table)):
                if isinstance(table[0], nodes.title):
                    caption = nodes.paragraph("", "", *table.pop(0).children)
                    table.parent.insert(table.parent.index(table), caption)


def _is_part(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and "convdocs-part" in node["classes"]


def _said(figure: nodes.figure) -> list[nodes.Node]:
    image = next(figure.findall(nodes.image))  # the one for dark pages shows the same
    said: list[nodes.Node] = [nodes.paragraph("", image["alt"])]
    for child in figure.children:
        match child:
            case nodes.caption() if child.astext() not in image["alt"]:
                said.append(nodes.paragraph("", "", *child.children))
            case nodes.legend():
                said += child.children
    return said
