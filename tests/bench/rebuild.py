"""How long a rebuild without changes takes, against an empty furo site, in one run.

Both are timed in turn, several times, and the medians compared; the limit is four times.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROUNDS, LIMIT = 5, 4.0


def seconds(source: Path, out: Path) -> float:
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-j", "auto", "-q", "-n"]
    start = time.perf_counter()
    subprocess.run(
        [*command, "-d", str(out / "doctrees"), str(source), str(out / "html")],
        cwd=ROOT,
        check=True,
    )
    return time.perf_counter() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder)
        (empty / "conf.py").write_text('html_theme = "furo"\n', encoding="utf-8")
        (empty / "index.rst").write_text("Empty\n=====\n", encoding="utf-8")
        pairs = [(ROOT / "docs", ROOT / "docs" / "_build"), (empty, empty / "_build")]
        for pair in pairs:
            seconds(*pair)
        rounds = [[seconds(*pair) for pair in pairs] for _ in range(ROUNDS)]
    site, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(
        f"rebuild without changes: {site:.2f} s; empty furo site: {bare:.2f} s; {site / bare:.2f}x"
    )
    if site > LIMIT * bare:
        sys.exit(f"A rebuild takes more than {LIMIT:.0f} times an empty site's time.")


if __name__ == "__main__":
    main()
