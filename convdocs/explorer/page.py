"""A page of its own around an explorer."""

from __future__ import annotations

import html
import json
from typing import Any

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>body {{ max-width: 80rem; margin: 0 auto; padding: 1rem; font-family: sans-serif; }}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{part}
</main>
</body>
</html>"""


def page(title: str, part: str) -> str:
    """A whole page around a part that brings its own script and style."""
    return PAGE.format(title=html.escape(title), part=part)


def as_json(data: Any) -> str:
    """JSON that can stand inside a script element whatever text is in it."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
