"""How a record shows itself: printed, in a notebook, in Markdown."""

from __future__ import annotations

from typing import Any

from convdocs.view.markdown import to_markdown
from convdocs.view.page import to_html
from convdocs.view.tables import Part
from convdocs.view.terminal import page_width, to_text


class Shown:
    """A record that shows itself in parts, which its class gives in ``parts``.

    A record must show itself wherever it comes from, a pickle or JSON among them, so what shows
    it is below it: it reads a record's fields and knows its class only for the type checker.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        # IPython asks a class's own repr, which a dataclass has, before an inherited method
        cls._repr_pretty_ = Shown._repr_pretty_  # type: ignore[method-assign]

    def parts(self) -> list[Part]:
        """The tables, paragraphs and code it shows itself in, for any writer of them."""
        raise NotImplementedError

    def to_text(self, *, width: int | None = None, colour: bool = False) -> str:
        """As text; as wide as the terminal, or 100 where there is none, when no width is given."""
        return to_text(self.parts(), width or page_width(), colour=colour)

    def to_markdown(self) -> str:
        """In Markdown."""
        return to_markdown(self.parts())

    def to_html(self) -> str:
        """As an HTML fragment with its own style."""
        return to_html(self.parts())

    def __str__(self) -> str:
        return self.to_text()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.to_text())

    def _repr_html_(self) -> str:
        return self.to_html()


class Sheet(Shown):
    """Parts that are no record's."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts

    def parts(self) -> list[Part]:
        """Those that it was made of."""
        return [*self._parts]
