"""Scripts and style sheets of the explorers, and a page of its own around one."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{title}</title>
<style>body {{ max-width: 80rem; margin: 0 auto; padding: 1rem; font-family: sans-serif; }}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{part}
</main>
</body>
</html>
"""
NETWORK = ("network_ops", "network_model", "network_graph", "network_terms", "network_paint",
           "network_input", "network_detail", "network")  # fmt: skip


def page(title: str, part: str) -> str:
    """A whole page around a part that brings its own script and style."""
    return PAGE.format(title=html.escape(title), part=part)


def network_script() -> str:
    """The network explorer as one classic script, its style sheet inside."""
    files = (HERE / "js" / f"{name}.js" for name in NETWORK)
    script = "".join(file.read_text(encoding="utf-8") for file in files)
    style = (HERE / "js" / "network.css").read_text(encoding="utf-8")
    return f"window.ConvNetworkStyle = {as_json(style)};\n{script}"


def as_json(data: Any) -> str:
    """JSON that can stand inside a script element whatever text is in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
