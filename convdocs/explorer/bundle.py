"""The explorers' scripts and style sheets: files here, joined to one of each for a page.

A page that is opened from file:// loads classic scripts only, no modules. So the files share one
scope: a function around all of them.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent
# what an explorer is made of, in the order in which it is needed
FILES = {
    "explorer": ("geometry", "values", "solve", "messages", "pool_messages", "settings",
                 "numbers", "view", "start"),
    "network": ("network_ops", "network_model", "network_graph", "network_terms", "network_paint",
                "network_input", "network_overview", "network_detail", "network"),
}  # fmt: skip
GLOBALS = {"explorer": "ConvExplorer", "network": "ConvNetwork"}
SHADOWED = ("network",)  # lives in a shadow root, which a page's style sheets do not reach

_NO_CODE = re.compile(r"^[ \t]*(?:/\*[\s\S]*?\*/\s*\n|//[^\n]*\n|(?=\S)|\n)", re.MULTILINE)


@lru_cache
def script(name: str) -> str:
    """The classic script of an explorer, without its comments; a second copy on a page is idle.

    Examples
    --------
    >>> script("explorer").startswith("(() => {")
    True
    """
    files = (HERE / "js" / f"{file}.js" for file in FILES[name])
    body = "".join(_NO_CODE.sub("", file.read_text(encoding="utf-8")) for file in files)
    if name in SHADOWED:
        body = f"const STYLE = {json.dumps(style(name))};\n{body}"
    already = f"window.{GLOBALS[name]}"
    return f'(() => {{\n"use strict";\nif ({already}) return {already}.start();\n{body}}})();\n'


@lru_cache
def style(name: str) -> str:
    """The style sheet of an explorer.

    Examples
    --------
    >>> ".cx" in style("explorer")
    True
    """
    return (HERE / f"{name}.css").read_text(encoding="utf-8")
