"""Run every >>> example of the site's pages and the package's docstrings, and count them.

An example that no runner picks up, in a fence of the wrong kind or under a wrong mark, would
pass unnoticed; so those that ran are counted against those that stand in the sources.
"""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BUILD = DOCS / "_build"
PROMPT = re.compile(r"^\s*>>> ", flags=re.MULTILINE)
GENERATED = {"_build", "gallery", "_ext"}


def prompts(files: list[Path]) -> int:
    return sum(len(PROMPT.findall(file.read_text(encoding="utf-8"))) for file in files)


def pages() -> list[Path]:
    files = [path for end in ("md", "rst") for path in DOCS.rglob(f"*.{end}")]
    return [path for path in files if not GENERATED & set(path.relative_to(DOCS).parts)]


def run_pages() -> tuple[int, int]:
    """Examples of the pages: how many ran and how many there are. Pages are not read again."""
    out = BUILD / "doctest"
    command = [sys.executable, "-m", "sphinx", "-b", "doctest", "-q", "-W", "-n"]
    where = ["-d", str(BUILD / "doctrees"), str(DOCS), str(out)]
    if subprocess.run([*command, *where], cwd=ROOT, check=False).returncode:
        sys.exit("An example of a page failed; see above.")
    report = (out / "output.txt").read_text(encoding="utf-8")
    return sum(map(int, re.findall(r"(?m)^\s*(\d+) tests?$", report))), prompts(pages())


class Counter:
    """A pytest plugin that counts the examples of the doctests that ran."""

    def __init__(self) -> None:
        self.ran = 0

    def pytest_runtest_call(self, item: pytest.Item) -> None:
        test = getattr(item, "dtest", None)
        if test is not None:
            self.ran += sum(not one.options.get(doctest.SKIP) for one in test.examples)


def run_docstrings() -> tuple[int, int]:
    """Examples of the docstrings: how many ran and how many there are."""
    counter = Counter()
    failed = pytest.main(["-q", "--doctest-modules", str(ROOT / "convdocs")], plugins=[counter])
    if failed:
        sys.exit("An example of a docstring failed; see above.")
    return counter.ran, prompts(sorted((ROOT / "convdocs").rglob("*.py")))


def main() -> None:
    left_out = False
    for name, run in (("the pages", run_pages), ("the docstrings", run_docstrings)):
        ran, written = run()
        print(f"{ran} of {written} examples of {name} ran")
        left_out |= ran != written
    if left_out:
        sys.exit("Some examples were not run. In a page they stand in a {doctest} fence.")


if __name__ == "__main__":
    main()
