"""Build the site: what has changed, or all of it when what its pages were computed from has.

Run by every session that needs the pages: ``python docs/build.py [serve|fresh|links]``.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from inner_links import broken, pages

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BUILD = DOCS / "_build"
GALLERY = DOCS / "gallery"
LIMIT = int(os.environ.get("DOCS_TIME_LIMIT", "900"))  # seconds
OPTIONS = ["-n", "-W", "--keep-going", "-q", "-j", "auto", "-d", str(BUILD / "doctrees")]

sys.path.insert(0, str(DOCS / "_ext"))
from sources import digest  # noqa: E402


def fingerprint() -> str:
    """Of everything that pages are computed from, and Sphinx does not watch itself."""
    address = os.environ.get("DOCS_URL")
    files = [path for at in (ROOT / "convdocs", DOCS / "_ext") for path in at.rglob("*")]
    files += [DOCS / "conf.py", DOCS / "learn" / "nets.py", ROOT / "constraints.txt"]
    return digest(files, ROOT, f"{sys.version} torch {version('torch')} at {address}")


def freshen() -> None:
    """Remove every built page and executed example if the fingerprint is not theirs."""
    stamp, wanted = BUILD / "fingerprint.txt", fingerprint()
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    for folder in (BUILD, GALLERY):
        shutil.rmtree(folder, ignore_errors=True)
    BUILD.mkdir()
    stamp.write_text(wanted, encoding="utf-8")


def run(*command: str, limit: float | None = None) -> int:
    """Run Python on a command; when that ends, or is ended, so do all processes it has started."""
    # some of torch's messages list a set, in an order that follows the seed of Python's hashes
    fixed = {**os.environ, "PYTHONHASHSEED": "0"}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    child = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=fixed, start_new_session=True
    )
    try:
        return child.wait(timeout=limit)
    finally:
        _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):  # all have ended by themselves
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()


def sphinx(*arguments: str) -> None:
    """Run sphinx-build under the time limit."""
    try:
        code = run("-m", "sphinx", *arguments, limit=LIMIT)
    except subprocess.TimeoutExpired:
        sys.exit(
            f"The build took longer than {LIMIT} s and was stopped; the last lines above say "
            "what it was doing. DOCS_TIME_LIMIT=1800 gives it half an hour."
        )
    if code:
        sys.exit(f"The build failed (sphinx-build ended with {code}); the messages are above.")


def build() -> None:
    freshen()
    html = BUILD / "html"
    sphinx("-b", "html", *OPTIONS, str(DOCS), str(html))
    check_links(html)
    print(f"The site is built; open {(html / 'index.html').as_uri()}")


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
    sphinx("-b", "linkcheck", *OPTIONS, str(DOCS), str(BUILD / "links"))


def serve() -> None:
    """Build as ``build`` does, whenever a source is changed, and show it in a browser."""
    watched = [f"--watch={ROOT / folder}" for folder in ("gallery", "convdocs")]
    made = [*(f"{folder}/*" for folder in (BUILD, GALLERY, DOCS / "errors")), "*__pycache__*"]
    ignored = [f"--ignore={pattern}" for pattern in made]
    first = f"--pre-build={sys.executable} {Path(__file__)} fresh"
    where = ["--port=0", "--open-browser", str(DOCS), str(BUILD / "html")]
    sys.exit(run("-m", "sphinx_autobuild", *watched, *ignored, first, *OPTIONS, *where))


if __name__ == "__main__":
    actions = {"serve": serve, "fresh": freshen, "links": links}
    match sys.argv[1:]:
        case []:
            build()
        case [name] if name in actions:
            actions[name]()
        case _:
            sys.exit(f"usage: docs/build.py [{'|'.join(actions)}]")
