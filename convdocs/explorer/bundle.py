"""The explorers' scripts, joined from the files under js/ to one, and the pages that hold them.

A page that is opened from file:// loads classic scripts only, no modules. So the files share one
scope, a function around all of them, which takes the style sheet and the samples.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

HERE = Path(__file__).parent
# what an explorer is made of, in the order in which it is needed
FILES = {
    "explorer": ("geometry", "values", "solve", "messages", "numbers", "settings",
                 "text", "scheme", "theme", "sums", "grids", "form", "pen", "point", "explorer",
                 "listen", "start"),
    "network": ("scheme", "network_ops", "network_model", "network_graph", "network_terms",
                "network_paint", "network_input", "network_overview", "network_detail", "network"),
    "pictures": ("scheme", "pictures"),
}  # fmt: skip
_SHEETS = {"explorer": ("theme", "explorer"), "network": ("network",), "pictures": ()}
_NO_CODE = re.compile(
    r"^[ \t]*(?:/\*[\s\S]*?\*/\s*\n|//[^\n]*\n|(?=\S)|\n)|[ \t]+// [^\n'\"`]*$|(?<=[,;({[])\n",
    re.MULTILINE,
)
_NO_RULE = re.compile(r"(?<=[{};,:])\s+|\s+(?=[{}])|;\s*(?=\})")


@dataclass(frozen=True, eq=False, repr=False)
class Page:
    """Shows itself in a notebook, and saves itself as a page that needs no other file.

    Parameters
    ----------
    title : str
        What is explored: a layer as one writes it, or a model's class.
    data : dict
        What the script takes.
    """

    part: ClassVar[str]  # the explorer's name among the scripts
    mark: ClassVar[str]  # the attribute by which the script finds its element

    title: str
    data: dict[str, Any]

    def _still(self) -> str:
        """What is shown where no script runs."""
        raise NotImplementedError

    def markup(self, name: str = "", **more: Any) -> str:
        """The element that the script turns into the explorer; the script is not included.

        ``name`` is its id; what the page says besides goes to the script as well.
        """
        named = f' id="{html.escape(name)}"' if name else ""
        data = as_json(self.data | more)
        return (
            f"<div {self.mark}{named}>{self._still()}"
            f'<script type="application/json">{data}</script></div>'
            # where the script came first, the page never shows the still: nothing on it moves
            f"<script>window.Conv{self.part.title()}?.start()</script>"
        )

    def _repr_html_(self) -> str:
        return f"{self.markup()}\n<script>{script(self.part)}</script>"

    def to_page(self, title: str | None = None) -> str:
        """The whole page."""
        head, body = _text("page.html").split("$part")
        name = html.escape(title or self.title)
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


def _text(file: str) -> str:
    return (HERE / file).read_text(encoding="utf-8")


@lru_cache
def samples() -> dict[str, Any]:
    """Numbers that mean something: the notebook's, ten digits, a photograph, learned kernels."""
    return {
        key: value for key, value in json.loads(_text("samples.json")).items() if key != "about"
    }


@lru_cache
def style(name: str) -> str:
    """The style sheet of an explorer, for the inside of its shadow root."""
    sheets = "".join(_text(f"{file}.css") for file in _SHEETS[name])
    return re.sub(r"/\*[\s\S]*?\*/|(?<=[;{}\n])\s+", "", sheets)


def source(name: str) -> str:
    """The files of an explorer as one function of its constants, without their comments."""
    body = "".join(_NO_CODE.sub("", _text(f"js/{file}.js")) for file in FILES[name])
    already = f"window.Conv{name.title()}"
    start = f"if ({already}) return {already}.start();"
    return f'(STYLE, STOCK) => {{\n"use strict";\n{start}\n{body}}}'


def seal(text: str) -> str:
    """The first line of a packed script: which source it was packed from."""
    return f"/* {hashlib.sha256(text.encode()).hexdigest()} */\n"


def packed(name: str) -> str | None:
    """What `nox -s pack` made of the source; None where that has changed since."""
    mark, file = seal(source(name)), f"packed/{name}.js"
    text = _text(file) if (HERE / file).exists() else ""
    return text.removeprefix(mark) if text.startswith(mark) else None


@lru_cache
def script(name: str) -> str:
    """The classic script of an explorer; a second copy on a page is idle."""
    constants = (_NO_RULE.sub("", style(name)), samples() if name == "explorer" else None)
    return f"({packed(name) or source(name)})({', '.join(map(as_json, constants))});\n"
