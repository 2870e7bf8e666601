"""The site as it is published: with an address of its own, from the doctrees of the built one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

DOCS = Path(__file__).parent.parent / "docs"
SITE = DOCS / "_build" / "html"
ADDRESS, EDIT = "https://example.org/docs/", "https://example.org/owner/name/edit/main/"


def publish(folders: pytest.TempPathFactory, address: str = ADDRESS) -> Path:
    """The published site's folder, written once in a run, whichever worker asks first."""
    base = folders.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / re.sub(r"\W+", "-", address)
    # two builds at a time would write the gallery's sources over each other
    with FileLock(shared / "published.lock"):
        if not (folder / "done").exists():
            write(folder, address)
            (folder / "done").touch()
    return folder / "html"


def write(folder: Path, address: str) -> None:
    """Write the pages once more, as for ``address``; no page is read and nothing run again."""
    # the build's own doctrees stay as they are
    shutil.copytree(DOCS / "_build" / "doctrees", folder / "doctrees", dirs_exist_ok=True)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-n", "-W", "--keep-going"]
    settings = {"DOCS_URL": address, "DOCS_EDIT_URL": EDIT, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        env={**os.environ, **settings, "PYTHONHASHSEED": "0"},
        cwd=DOCS.parent,
        check=True,
        timeout=300,
    )
