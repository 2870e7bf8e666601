"""What a type checker sees of the public names, in a script as a user would write it."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import convdocs

SCRIPT = """
from __future__ import annotations

import torch
from torch import nn

import convdocs

conv = nn.Conv1d(3, 2, 3)
trace = convdocs.trace(conv, (1, 3, 7))
macs: int | None = trace.macs
paths: list[str] = [call.path for call in trace.calls]
cell = convdocs.explain(conv, torch.rand(3, 7), at=(0, 0))
total: float = cell.value
found = convdocs.diagnose(conv, (1, 4, 7))
if found is not None:
    codes: list[str] = [fix.code for fix in found.fixes]
sizes: list[int] = [window.kernel for window in convdocs.solve(7, 5)]
convdocs.draw.layer(conv, torch.rand(3, 7)).savefig("layer.svg")
page: str = convdocs.explore(conv, torch.rand(3, 7))._repr_html_()
try:
    convdocs.trace(conv, (1, 4, 7))
except convdocs.TraceError as error:
    where: str = error.call.path
"""
MISTAKE = "\nwrong: str = trace.params\n"


def check(tool: str, file: Path) -> subprocess.CompletedProcess[str]:
    commands = {
        "mypy": ["mypy", "--strict", "--cache-dir", str(file.parent / "cache"), str(file)],
        "basedpyright": [
            "basedpyright", "--level", "error", "--pythonpath", sys.executable, str(file),
        ],
    }  # fmt: skip
    (file.parent / "pyproject.toml").write_text(
        "[tool.basedpyright]\ntypeCheckingMode = 'standard'\n"
    )
    return subprocess.run(
        [sys.executable, "-m", *commands[tool]],
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": str(Path(convdocs.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("tool", ["mypy", "basedpyright"])
def test_a_users_script_is_checked_with_real_types(tmp_path, tool):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = check(tool, script)
    assert done.returncode == 0, done.stdout + done.stderr
    script.write_text(SCRIPT + MISTAKE)
    done = check(tool, script)
    assert done.returncode == 1
    assert "str" in done.stdout


def test_the_names_that_type_checkers_read_are_those_that_load():
    tree = ast.parse(Path(convdocs.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    loaded = {name: f"{room}.{name}" for name, room in convdocs._ROOMS.items()}
    assert imported == {**loaded, "draw": "convdocs.draw"}
    assert set(convdocs.__all__) == {*imported, "__version__"}
    assert all(hasattr(convdocs, name) for name in convdocs.__all__)
