"""How long the site takes, from nothing and again without changes, and whether it stays the same.

A cold build is set against the gallery's scripts, each run bare in a process of its own, one after
another; a rebuild without changes against an empty furo site. Both in one run. The site is built
in two folders, and the two must be the same, byte for byte. Then a page, a script and a docstring
are edited, each built, and all put back: what is built from that must be the same again.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 5
COLD, AGAIN = 1.5, 4.0  # limits, in times
LEFT = {"_build", "errors", "gallery"}  # of docs/: what a build makes
NOTED = {".buildinfo"}  # a hash of the settings
EDITS = {  # what each adds to a file, and how long its build may take in times of an empty site's
    "a page": ("docs/learn/padding.md", "\nOne more sentence.\n", 6.0),
    "a script": ("gallery/beyond/stride.py", "\n# %%\n# One more block.\n\nprint(1 + 1)\n", 12.0),
    "a docstring": ("convdocs/door.py", "One more sentence.", 12.0),
}


def seconds(folder: Path, *command: str | Path) -> float:
    """Run Python on a command in a folder, with the package of the project that it is in."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"}
    env["PYTHONPATH"] = str(next(at for at in (folder, ROOT) if (at / "convdocs").exists()))
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def processor() -> float:
    """Seconds that processors have worked for the commands so far; a busy machine adds little."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def copied(folder: Path) -> Path:
    """The project's sources, with nothing that a build has made."""

    def left(at: str, names: list[str]) -> set[str]:
        made = LEFT if Path(at) == ROOT / "docs" else set()
        return {name for name in names if name in made or name.startswith(".")}

    return Path(shutil.copytree(ROOT, folder, ignore=left))


def files(project: Path) -> dict[str, bytes]:
    site = project / "docs" / "_build" / "html"
    found = (path for path in site.rglob("*") if path.is_file() and path.name not in NOTED)
    return {path.relative_to(site).as_posix(): path.read_bytes() for path in found}


def different(first: Path, second: Path) -> list[str]:
    """Names of the files that two built sites do not share."""
    one, other = files(first), files(second)
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def cold(first: Path, second: Path) -> tuple[float, float]:
    """Seconds of a build from nothing, and of the same scripts run bare."""
    start = processor()
    whole = min(seconds(project, "docs/build.py") for project in (first, second))
    between = processor()
    scripts = sorted(first.glob("gallery/*/*.py"))
    with tempfile.TemporaryDirectory() as folder:
        bare = sum(seconds(Path(folder), script) for script in scripts)
    built, ran = (between - start) / 2, processor() - between
    print(f"of processor: cold build {built:.1f} s, scripts {ran:.1f} s; {built / ran:.2f}x")
    return whole, bare


def rebuild(source: Path, out: Path) -> float:
    options = ["-b", "html", "-j", "auto", "-q", "-n", "-d", out / "doctrees"]
    return seconds(source.parent, "-m", "sphinx", *options, source, out / "html")


def again(project: Path, empty: Path) -> tuple[float, float]:
    """Seconds of a rebuild without changes, and of an empty site's; medians, taken in turn."""
    empty.mkdir()
    (empty / "conf.py").write_text('html_theme = "furo"\n', encoding="utf-8")
    (empty / "index.rst").write_text("Empty\n=====\n", encoding="utf-8")
    pairs = [(docs, docs / "_build") for docs in (project / "docs", empty)]
    for pair in pairs:
        rebuild(*pair)
    rounds = [[rebuild(*pair) for pair in pairs] for _ in range(ROUNDS)]
    site, bare = (statistics.median(times) for times in zip(*rounds, strict=True))
    return site, bare


def edited(project: Path) -> Iterator[tuple[str, float, float]]:
    """Each edit, and the seconds of the build after it, by the clock and by the processor; then all
    put back.
    """
    before = {}
    for name, (file, more, _) in EDITS.items():
        path = project / file
        before[path] = text = path.read_text(encoding="utf-8")
        at = text.index('"""', 3) if name == "a docstring" else len(text)
        path.write_text(text[:at] + more + text[at:], encoding="utf-8")
        start = processor()
        yield name, seconds(project, "docs/build.py"), processor() - start
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")
    start = processor()
    yield "all put back", seconds(project, "docs/build.py"), processor() - start


def main() -> None:
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        first, second = (copied(Path(folder) / name / "convdocs-site") for name in ("one", "two"))
        whole, bare = cold(first, second)
        print(f"cold build: {whole:.1f} s; its scripts bare: {bare:.1f} s; {whole / bare:.2f}x")
        unlike = different(first, second)
        print(f"{len(unlike)} of {len(files(first))} files differ between two builds")
        site, empty = again(first, Path(folder) / "empty")
        print(f"rebuild without changes: {site:.2f} s; empty: {empty:.2f} s; {site / empty:.2f}x")
        for name, took, worked in edited(first):
            print(
                f"{name}: {took:.1f} s, {took / empty:.1f} times an empty site's; "
                f"{worked:.1f} s of processor"
            )
            if name in EDITS and took > EDITS[name][2] * empty:
                faults.append(
                    f"{name} takes more than {EDITS[name][2]} times an empty site's time."
                )
        grown = different(first, second)
        print(
            f"{len(grown)} files differ between what grew by edits and what was built from nothing"
        )
    if whole > COLD * bare:
        faults.append(f"A cold build takes more than {COLD} times its scripts' time.")
    if site > AGAIN * empty:
        faults.append(f"A rebuild takes more than {AGAIN} times an empty site's time.")
    if unlike:
        faults.append(f"Two builds differ in {', '.join(unlike[:20])}.")
    if grown:
        faults.append(f"After edits these differ: {', '.join(grown[:20])}.")
    sys.exit("\n".join(faults) or 0)


if __name__ == "__main__":
    main()
