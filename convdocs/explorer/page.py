"""What an explorer is put into: an element with its data, a notebook, a page of its own."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any, ClassVar

from convdocs.explorer import bundle


class Page:
    """Shows itself in a notebook, and saves itself as a page that needs no other file."""

    part: ClassVar[str]  # the explorer's name among the scripts

    def title(self) -> str:
        """The heading of its page."""
        raise NotImplementedError

    def markup(self) -> str:
        """The element that the script turns into the explorer; the script is not included."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return f"{self.markup()}\n<script>{bundle.script(self.part)}</script>"

    def to_page(self, title: str | None = None) -> str:
        """The whole page."""
        frame = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
        head, body = frame.split("$part")
        name = html.escape(title or self.title())
        return f"{head.replace('$title', name)}{self._repr_html_()}{body}"

    def save(self, path: str | Path, title: str | None = None) -> None:
        """Write a page that needs no other file.

        Parameters
        ----------
        path : str or Path
            The file, as ``"net.html"``.
        title : str, optional
            The page's heading; the layer, or the model's class, by default.
        """
        Path(path).write_text(self.to_page(title), encoding="utf-8")


def element(part: str, attributes: str, still: str, data: Any) -> str:
    """What a script turns into an explorer: a still for where none runs, and the data."""
    return (
        f'<div {attributes}>{still}<script type="application/json">{bundle.as_json(data)}</script>'
        # where the script came first, the page never shows the still: nothing on it moves
        f"</div><script>window.{bundle.GLOBALS[part]}?.start()</script>"
    )
