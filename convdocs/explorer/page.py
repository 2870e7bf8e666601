"""What an explorer is put into: a page of its own, a script element."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any


class Page:
    """Shows itself in a notebook, and saves itself as a page that needs no other file."""

    def title(self) -> str:
        """The heading of its page."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        raise NotImplementedError

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


def as_json(data: Any) -> str:
    """JSON that can stand inside a script element whatever text is in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
