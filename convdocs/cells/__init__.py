"""Output cells worked out by hand, and the way back: which output cells read an input cell."""

from convdocs.cells.backward import reads
from convdocs.cells.explanation import Explanation, Term
from convdocs.cells.forward import explain
from convdocs.cells.places import CellError
from convdocs.cells.replica import replica

__all__ = ["CellError", "Explanation", "Term", "explain", "reads", "replica"]

# the question the other way round, beside the one it turns round: explain.reads(...)
explain.reads = reads  # type: ignore[attr-defined]
