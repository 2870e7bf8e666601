"""The site as it is published: with an address of its own, from the doctrees of the built one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs"
SITE = DOCS / "_build" / "html"
ADDRESS, EDIT = "https://example.org/docs/", "https://example.org/owner/name/edit/main/"


def publish(folder: Path, address: str = ADDRESS) -> Path:
    """Write the pages once more, as for ``address``; no page is read and nothing run again."""
    # the build's own doctrees stay as they are
    shutil.copytree(DOCS / "_build" / "doctrees", folder / "doctrees")
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-n", "-W", "--keep-going"]
    settings = {"DOCS_URL": address, "DOCS_EDIT_URL": EDIT, "OMP_NUM_THREADS": "1"}
    subprocess.run(
        [*command, "-d", str(folder / "doctrees"), str(DOCS), str(folder / "html")],
        env={**os.environ, **settings, "PYTHONHASHSEED": "0"},
        cwd=DOCS.parent,
        check=True,
        timeout=300,
    )
    return folder / "html"
