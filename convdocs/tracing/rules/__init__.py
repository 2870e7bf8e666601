"""The shape rules, one family a module."""

from convdocs.tracing.rules import norms, pointwise, products, resizing, shaping, sliding
from convdocs.tracing.rules.base import BOOK, CONSTANT, FLOATS, Answer, Mark, Rule, facts

__all__ = [
    "BOOK",
    "CONSTANT",
    "FLOATS",
    "Answer",
    "Mark",
    "Rule",
    "facts",
    "norms",
    "pointwise",
    "products",
    "resizing",
    "shaping",
    "sliding",
]
