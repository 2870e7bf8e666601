"""Each gallery page's downloads run as they are, in an empty folder."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "_build" / "html"
SECTIONS = ["conv1d", "conv2d", "cnn", "beyond"]
RUN = """
import json, runpy, sys, warnings
warnings.simplefilter("error")
for path in sys.argv[1:]:
    print(path, flush=True)
    if path.endswith(".py"):
        runpy.run_path(path, run_name="__main__")
        continue
    names = {"__name__": "__main__"}
    for cell in json.load(open(path, encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and cell["source"][0] != "%matplotlib inline":
            exec(compile("".join(cell["source"]), path, "exec"), names)
"""

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not SITE.exists(), reason="the site is not built: nox -s docs"),
]


def downloads(section: str, suffix: str) -> list[Path]:
    """One for each script of the section, as the site gives it."""
    scripts = sorted((ROOT / "gallery" / section).glob("*.py"))
    found = [list((SITE / "_downloads").glob(f"*/{one.stem}{suffix}")) for one in scripts]
    assert [len(files) for files in found] == [1] * len(scripts)
    return [file for (file,) in found]


def run(files: list[Path], tmp_path: Path) -> None:
    """One after another, in one process that is not in the repository."""
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    env |= {"MPLBACKEND": "agg", "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *map(str, files)],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, [*done.stdout.split("\n")[-2:], done.stderr]
    assert done.stdout.count("_downloads") >= len(files)
    assert not list(tmp_path.iterdir()), "it leaves files behind"


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
@pytest.mark.parametrize("section", SECTIONS)
def test_downloads_of_the_gallery_run(tmp_path, section, suffix):
    run(downloads(section, suffix), tmp_path)


@pytest.mark.parametrize("suffix", [".py", ".ipynb"])
def test_downloads_of_other_pages_run(tmp_path, suffix):
    files = sorted((SITE / "_downloads" / "pages").glob(f"*{suffix}"))
    sources = [
        *ROOT.glob("docs/learn/*.md"),
        *ROOT.glob("docs/howto/*.md"),
        *ROOT.glob("docs/reference/*.md"),
    ]
    taught = {
        "_".join(path.relative_to(ROOT / "docs").with_suffix("").parts)
        for path in sources
        if "```{doctest}" in path.read_text(encoding="utf-8")
    }
    assert {path.stem for path in files} == taught
    run(files, tmp_path)


def test_a_page_s_code_is_that_of_its_examples():
    page = (ROOT / "docs" / "learn" / "channels.md").read_text(encoding="utf-8")
    code = (SITE / "_downloads" / "pages" / "learn_channels.py").read_text(encoding="utf-8")
    for line in re.findall(r"(?m)^>>> (.*)$", page):
        assert line in code


def test_a_notebook_shows_in_its_kernel_what_the_page_shows(tmp_path):
    (file,) = downloads("cnn", ".ipynb")[-1:]
    notebook = nbformat.read(file, as_version=4)
    where = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=120, resources=where).execute()
    shown = json.dumps([cell.get("outputs", []) for cell in notebook.cells])
    assert "torch.Size([2, 10, 7])" in shown
    assert "image/svg+xml" in shown
