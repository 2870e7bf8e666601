"""The shape rules, one family a module."""

from convdocs.tracing.rules import pointwise, shaping, sliding
from convdocs.tracing.rules.base import BOOK, Answer, Mark, facts

__all__ = ["BOOK", "Answer", "Mark", "facts", "pointwise", "shaping", "sliding"]
