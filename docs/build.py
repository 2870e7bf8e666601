"""Build the site, afresh when what its pages were computed from has changed.

Run by every session that needs the pages: ``python docs/build.py [serve|fresh|links]``.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from inner_links import broken, pages

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BUILD = DOCS / "_build"
GALLERY = DOCS / "gallery"
LIMIT = int(os.environ.get("DOCS_TIME_LIMIT", "900"))  # seconds
OPTIONS = ["-n", "-W", "--keep-going", "-q", "-d", str(BUILD / "doctrees")]


def fingerprint() -> str:
    """Of everything that pages are computed from, and Sphinx does not watch itself."""
    address = os.environ.get("DOCS_URL")
    digest = hashlib.sha256(f"{sys.version} torch {version('torch')} at {address}".encode())
    folders = [ROOT / "convdocs", DOCS / "_ext"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in sorted([*files, DOCS / "conf.py", ROOT / "constraints.txt"]):
        if "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def freshen() -> None:
    """Remove every built page and executed example if the fingerprint is not theirs."""
    stamp, wanted = BUILD / "fingerprint.txt", fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    for folder in (BUILD, GALLERY):
        shutil.rmtree(folder, ignore_errors=True)
    BUILD.mkdir()
    stamp.write_text(wanted, encoding="utf-8")


def sphinx(*arguments: str) -> None:
    """Run sphinx-build under the time limit, with all the processes it starts."""
    command = [sys.executable, "-m", "sphinx", *arguments]
    # some of torch's messages list a set, in an order that follows the seed of Python's hashes
    fixed = {**os.environ, "PYTHONHASHSEED": "0"}
    child = subprocess.Popen(command, cwd=ROOT, env=fixed, start_new_session=True)
    try:
        code = child.wait(timeout=LIMIT)
    except BaseException as reason:
        _stop(child)
        if not isinstance(reason, subprocess.TimeoutExpired):
            raise
        sys.exit(
            f"The build took longer than {LIMIT} s and was stopped; the last lines above say "
            "where it stood. DOCS_TIME_LIMIT=1800 gives it half an hour."
        )
    if code:
        sys.exit(f"The build failed (sphinx-build ended with {code}); the messages are above.")


def _stop(child: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def build() -> None:
    freshen()
    html = BUILD / "html"
    sphinx("-b", "html", "-j", "auto", *OPTIONS, str(DOCS), str(html))
    twins(html)
    check_links(html)
    print(f"The site is built; open {(html / 'index.html').as_uri()}")


def twins(html: Path) -> None:
    """Write the pages' Markdown twins and llms.txt from the doctrees, without running anything."""
    if out_of_date(html / "llms.txt"):
        sphinx("-b", "markdown", "-a", *OPTIONS, str(DOCS), str(html))


def out_of_date(index: Path) -> bool:
    """Has a page been read since the twins were listed?"""
    read = [path.stat().st_mtime for path in (BUILD / "doctrees").rglob("*.doctree")]
    return not index.exists() or index.stat().st_mtime < max(read)


def check_links(html: Path) -> None:
    """Fail if a link between pages leads nowhere; after a build that wrote a page."""
    checked = BUILD / "links_checked"
    written = max(path.stat().st_mtime_ns for path in pages(html).values())
    if checked.exists() and checked.stat().st_mtime_ns >= written:
        return
    found = broken(html, urlsplit(os.environ.get("DOCS_URL", "")).path)
    if found:
        sys.exit("\n".join(f"{page}: the link to {link} leads nowhere" for page, link in found))
    checked.touch()


def links() -> None:
    freshen()
    sphinx("-b", "linkcheck", "-j", "auto", *OPTIONS, str(DOCS), str(BUILD / "links"))


def serve() -> None:
    watched = [f"--watch={ROOT / folder}" for folder in ("gallery", "convdocs")]
    ignored = [f"--ignore={folder}/*" for folder in (BUILD, GALLERY)]
    first = f"--pre-build={sys.executable} {Path(__file__)} fresh"
    command = [
        sys.executable,
        "-m",
        "sphinx_autobuild",
        *watched,
        *ignored,
        first,
        "--open-browser",
    ]
    subprocess.run(
        [*command, first, *OPTIONS[:1], str(DOCS), str(BUILD / "html")], cwd=ROOT, check=True
    )


if __name__ == "__main__":
    actions = {"serve": serve, "fresh": freshen, "links": links}
    match sys.argv[1:]:
        case []:
            build()
        case [name] if name in actions:
            actions[name]()
        case _:
            sys.exit(f"usage: docs/build.py [{'|'.join(actions)}]")
