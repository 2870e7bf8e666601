"""What is installed: the wheel alone, in an empty environment, used from another folder.

torch, numpy, matplotlib and Sphinx are lent by the running environment; convdocs is not.
"""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PAGE = """
Net
===

.. conv-explorer:: Conv1d(1, 1, 3)
   :size: 7

.. conv-figure:: Conv1d(1, 1, 3)
   :size: 7

.. layer-trace:: Conv1d(3, 2, 3)
   :input: 2,3,5
"""


def run(*command: str | Path, cwd: Path) -> str:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**kept, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """An environment with the wheel in it, and the running one's packages behind it."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    (wheel,) = built.glob("*.whl")
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=folder)
    here = Path(
        run(python, "-c", "import sysconfig as s; print(s.get_path('purelib'))", cwd=folder).strip()
    )
    (here / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_the_wheel_holds_every_file_of_the_package(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    files = (path for path in (ROOT / "convdocs").rglob("*") if path.is_file())
    wanted = {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert wanted <= names
    assert {
        "convdocs/py.typed",
        "convdocs/explorer/js/geometry.js",
        "convdocs/explorer/explorer.css",
        "convdocs/errors/entries/linear.toml",
    } <= names
    assert all(name.startswith(("convdocs/", "convdocs-")) for name in names)


def test_the_sdist_holds_the_sources_and_nothing_that_was_made(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "tests/test_wheel.py", "noxfile.py"} <= names
    made = {"__pycache__", "_build", ".nox", ".venv", "dist"}
    assert not any(made & set(Path(name).parts) for name in names)


def test_the_metadata_names_the_addresses_that_were_set_and_no_other(built, tmp_path):
    def addresses(folder):
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as packed:
            name = next(name for name in packed.namelist() if name.endswith("METADATA"))
            lines = packed.read(name).decode().splitlines()
        return [line.partition(": ")[2] for line in lines if line.startswith("Project-URL")]

    assert addresses(built) == []
    settings = {"REPOSITORY_URL": "https://example.org/code", "DOCS_URL": "https://example.org/d/"}
    command = (sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path)
    subprocess.run(
        [*map(str, command), str(ROOT)], env={**os.environ, **settings}, check=True,
        capture_output=True,
    )  # fmt: skip
    assert addresses(tmp_path) == [
        "Documentation, https://example.org/d/",
        "Source, https://example.org/code",
        "Issues, https://example.org/code/issues",
        "Changelog, https://example.org/d/changelog.html",
    ]


def test_the_installed_package_traces_from_another_folder(installed, tmp_path):
    code = (
        "import convdocs, torch; from torch import nn\n"
        "print(convdocs.__file__)\n"
        "print(convdocs.trace(nn.Conv1d(3, 2, 3), (2, 3, 5)).macs)\n"
        "page = convdocs.explore(nn.Conv1d(1, 1, 3), torch.ones(1, 7))._repr_html_()\n"
        "print('<script>' in page)"
    )
    file, macs, live = run(installed, "-c", code, cwd=tmp_path).split()
    assert Path(file).is_relative_to(installed.parents[1])
    assert (macs, live) == (str(2 * 2 * 3 * 3 * 3), "True")


def test_the_installed_command_runs_from_another_folder(installed, tmp_path):
    command = installed.with_name("convdocs")
    assert run(command, "--version", cwd=tmp_path).startswith("convdocs ")
    assert "channels-mismatch" in run(command, "errors", cwd=tmp_path)
    assert "108" in run(command, "trace", "Conv1d(3, 2, 3)", "--input", "2,3,5", cwd=tmp_path)
    run(command, "explore", "conv1d", "--size", "7", "--kernel", "3", "-o", "e.html", cwd=tmp_path)
    assert "<script>" in (tmp_path / "e.html").read_text(encoding="utf-8")


def test_the_installed_extension_builds_a_project_from_another_folder(installed, tmp_path):
    (tmp_path / "conf.py").write_text('extensions = ["convdocs.sphinxext"]\n', encoding="utf-8")
    (tmp_path / "index.rst").write_text(PAGE, encoding="utf-8")
    run(installed, "-m", "sphinx", "-q", "-n", "-W", ".", "_build", cwd=tmp_path)
    page = (tmp_path / "_build" / "index.html").read_text(encoding="utf-8")
    assert all(word in page for word in ('class="cx"', "only-dark", "<p>108</p>"))
    for file in ("explorer.js", "convdocs.css"):
        assert (tmp_path / "_build" / "_static" / file).exists()
