"""The recipe for Sphinx-Gallery in docs/howto/embed.md, followed word for word in a new folder."""

import re
import subprocess
import sys
from pathlib import Path

from bs4 import BeautifulSoup

EMBED = Path(__file__).parent.parent / "docs" / "howto" / "embed.md"
SCRIPT = '''"""
Two layers
==========

Pictures and a table.
"""

import torch
from torch import nn

import convdocs
from convdocs import draw

draw.layer(nn.Conv1d(1, 1, 3), torch.ones(1, 5))

# %%
# A figure that is given a name:
named = draw.layer(nn.AvgPool1d(2), torch.ones(1, 4))

# %%
# Two of them in a tuple:
ones = torch.ones(1, 4)
first, second = draw.layer(nn.MaxPool1d(2), ones), draw.layer(nn.MaxPool1d(3), ones)

# %%
# An attribute:
named.more = draw.layer(nn.AvgPool1d(3), torch.ones(1, 4))

# %%
# A list that has a name:
listed = [draw.layer(nn.MaxPool1d(4), torch.ones(1, 4))]

# %%
# A trace:
convdocs.trace(nn.Conv1d(1, 2, 3), (1, 1, 7))
'''


def test_the_recipe_works_as_it_is_written(tmp_path):
    text = EMBED.read_text(encoding="utf-8").partition("## In a Sphinx-Gallery")[2]
    recipe = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    (tmp_path / "conf.py").write_text(recipe)
    (tmp_path / "index.rst").write_text("Net\n===\n\n.. toctree::\n\n   gallery/index\n")
    examples = tmp_path / "examples"
    examples.mkdir()
    (examples / "GALLERY_HEADER.rst").write_text("Examples\n========\n")
    (examples / "two_layers.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", ".", "_build"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "_build" / "gallery" / "two_layers.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    light = [image["alt"] for image in soup.select(".convdocs-pair img.only-light")]
    assert any(alt.startswith("Conv1d(1, 1, 3) on an input") for alt in light)
    for kind in ("AvgPool1d(2)", "MaxPool1d(2)", "MaxPool1d(3)", "AvgPool1d(3)", "MaxPool1d(4)"):
        assert any(alt.startswith(f"{kind} on an input") for alt in light), kind
    assert soup.find("code", string="Conv1d(1, 2, 3)")
    assert "Picture size" not in page
    assert "_static/convdocs.css" in page  # which hides the pictures for dark pages
