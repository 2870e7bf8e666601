"""A Chromium to open the built pages in: an installed one, else the one Playwright brings."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Playwright, sync_playwright

SITE = Path(__file__).parent.parent.parent / "docs" / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def launch(playwright: Playwright) -> Browser:
    installed = next((path for name in NAMES if (path := shutil.which(name))), None)
    if installed is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)
    try:
        return playwright.chromium.launch(executable_path=installed, args=QUIET)
    except Error as error:
        pytest.exit(
            "No browser: install Chromium or Chrome (on Debian: apt-get install chromium), or let "
            f"`playwright install chromium` download one. It said: {error.message.splitlines()[0]}",
            returncode=1,
        )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def site() -> Path:
    if not (SITE / "index.html").exists():
        pytest.exit("The site is not built: nox -s docs", returncode=1)
    return SITE
