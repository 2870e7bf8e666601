"""The explorers' scripts: files under js/, joined to one classic script for a page.

A page that is opened from file:// loads classic scripts only, no modules. So the files share one
scope, a function around all of them, which takes the style sheet and the samples.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

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
SHEETS = {"explorer": ("theme", "explorer"), "network": ("network",), "pictures": ()}
GLOBALS = {"explorer": "ConvExplorer", "network": "ConvNetwork", "pictures": "ConvPictures"}

_NO_CODE = re.compile(
    r"^[ \t]*(?:/\*[\s\S]*?\*/\s*\n|//[^\n]*\n|(?=\S)|\n)|[ \t]+// [^\n'\"`]*$|(?<=[,;({[])\n",
    re.MULTILINE,
)
_NO_RULE = re.compile(r"(?<=[{};,:])\s+|\s+(?=[{}])|;\s*(?=\})")


def as_json(data: Any) -> str:
    """JSON that can stand inside a script element whatever text is in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@lru_cache
def samples() -> dict[str, Any]:
    """Numbers that mean something: the notebook's, ten digits, a photograph, learned kernels."""
    found: dict[str, Any] = json.loads((HERE / "samples.json").read_text(encoding="utf-8"))
    found.pop("about")
    return found


@lru_cache
def style(name: str) -> str:
    """The style sheet of an explorer, for the inside of its shadow root."""
    sheets = ((HERE / f"{file}.css").read_text(encoding="utf-8") for file in SHEETS[name])
    return re.sub(r"/\*[\s\S]*?\*/|(?<=[;{}\n])\s+", "", "".join(sheets))


def source(name: str) -> str:
    """The files of an explorer as one function of its constants, without their comments."""
    files = (HERE / "js" / f"{file}.js" for file in FILES[name])
    body = "".join(_NO_CODE.sub("", file.read_text(encoding="utf-8")) for file in files)
    already = f"window.{GLOBALS[name]}"
    start = f"if ({already}) return {already}.start();"
    return f'(STYLE, STOCK) => {{\n"use strict";\n{start}\n{body}}}'


def seal(text: str) -> str:
    """The first line of a packed script: which source it was packed from."""
    return f"/* {hashlib.sha256(text.encode()).hexdigest()} */\n"


def packed(name: str) -> str | None:
    """What `nox -s pack` made of the source; None where that has changed since."""
    file = HERE / "packed" / f"{name}.js"
    if not file.exists():
        return None
    text = file.read_text(encoding="utf-8")
    mark = seal(source(name))
    return text.removeprefix(mark) if text.startswith(mark) else None


@lru_cache
def script(name: str) -> str:
    """The classic script of an explorer; a second copy on a page is idle."""
    constants = (_NO_RULE.sub("", style(name)), samples() if name == "explorer" else None)
    return f"({packed(name) or source(name)})({', '.join(map(as_json, constants))});\n"
