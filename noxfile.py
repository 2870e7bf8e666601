"""Every way to build and check the project; `nox -l` lists them.

All sessions but `lock` share one environment, `.nox/toolchain`: the site and the tests belong to
one pinned toolchain (constraints.txt), and it holds over a gigabyte.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["docs", "doctest", "tests", "lint"]
nox.options.default_venv_backend = "none"
nox.options.stop_on_first_error = True

ROOT = Path(__file__).parent
ENV = ROOT / ".nox" / "toolchain"
GROUPS = ("docs", "tests", "lint")
PROSE = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "noxfile.py"]
PACKAGES = ["docs", "gallery", "tests", "convdocs", "noxfile.py"]
# the newest of each that works with the oldest Sphinx of the extension
OLDEST_BESIDE = (
    "myst-parser==4.0.1",
    "furo==2025.12.19",
    "pydata-sphinx-theme==0.17.1",
    "sphinx-rtd-theme==3.1.0",
)
# small tensors gain nothing from threads, and torch's pool does not survive Sphinx's forks
QUIET = {"OMP_NUM_THREADS": "1"}


def requirements() -> list[str]:
    project = nox.project.load_toml(ROOT / "pyproject.toml")
    return [
        *project["project"]["dependencies"],
        *nox.project.dependency_groups(project, *GROUPS),
    ]


def executable(env: Path, name: str) -> str:
    return str(env / ("Scripts" if os.name == "nt" else "bin") / name)


def toolchain(session: nox.Session) -> str:
    """Make the shared environment, or bring it up to date; its Python."""
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    wanted = [sys.version, constraints, *requirements()]
    digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
    python, stamp = executable(ENV, "python"), ENV / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == digest:
        return python
    session.run(sys.executable, "-m", "venv", "--clear", str(ENV))
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    session.run(*pip, "-c", "constraints.txt", *requirements())
    session.run(*pip, "--no-deps", "-e", ".")
    stamp.write_text(digest, encoding="utf-8")
    return python


def site(session: nox.Session, python: str) -> None:
    """Build the site, unless an earlier job built it from this commit and handed it on."""
    if not os.environ.get("SITE_IS_BUILT"):
        session.run(python, "docs/build.py")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site; `nox -s docs -- serve` rebuilds it as files change."""
    session.run(toolchain(session), "docs/build.py", *session.posargs)


@nox.session
def doctest(session: nox.Session) -> None:
    """Run every >>> example of the pages and the docstrings; fail if one was left out."""
    python = toolchain(session)
    session.run(python, "docs/build.py")
    session.run(python, "docs/examples.py", env=QUIET)


@nox.session
def tests(session: nox.Session) -> None:
    """Build the site if it is not current, then run the tests, which read its pages."""
    python = toolchain(session)
    site(session, python)
    session.run(python, "-m", "pytest", "-n", "auto", *session.posargs, env=QUIET)


@nox.session(name="sphinx-oldest")
def sphinx_oldest(session: nox.Session) -> None:
    """Test the directives on the oldest Sphinx that pyproject.toml allows."""
    python = toolchain(session)
    extras = nox.project.load_toml(ROOT / "pyproject.toml")["project"]["optional-dependencies"]
    oldest = extras["sphinx"][0].replace(">=", "==")
    wanted = [oldest, *OLDEST_BESIDE]
    folder = ROOT / ".nox" / "oldest" / hashlib.sha256(repr(wanted).encode()).hexdigest()[:8]
    if not (folder / "installed").exists():
        pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
        session.run(*pip, "--upgrade", "--target", str(folder), *wanted)
        (folder / "installed").touch()
    env = {**QUIET, "PYTHONPATH": str(folder)}
    used = "import sphinx, sys; sys.exit(sphinx.__version__ not in sys.argv[1])"
    session.run(python, "-c", used, oldest, env=env)
    session.run(python, "-m", "pytest", "-n", "auto", "tests/test_sphinxext.py", env=env)


def _other(session: nox.Session, name: str, *torch: str) -> None:
    """Run the tests that need no site, from the source archive, in an environment of their own.

    Hypothesis tries few examples: they are the same everywhere, and ``tests`` tries them all.
    """
    env = ROOT / ".nox" / name
    session.run(sys.executable, "-m", "venv", "--clear", str(env))
    python = executable(env, "python")
    pip = (python, "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    project = nox.project.load_toml(ROOT / "pyproject.toml")
    groups = nox.project.dependency_groups(project, "docs", "tests")
    session.run(*pip, *torch, *groups, *project["project"]["optional-dependencies"]["sphinx"])
    made = session.create_tmp()
    session.run(python, "-m", "build", "--no-isolation", "--outdir", made, ".")
    (source,) = Path(made).glob("*.tar.gz")  # the source archive makes the wheel and is tested
    shutil.unpack_archive(source, made, filter="data")
    folder = Path(made) / source.name.removesuffix(".tar.gz")
    session.run(*pip, str(next(Path(made).glob("*.whl"))))
    env_few = {**QUIET, "HYPOTHESIS_PROFILE": "few"}
    with session.chdir(folder):
        session.run(python, "-m", "pytest", "-n", "auto", "-m", "not site", env=env_few)


@nox.session(default=False)
def package(session: nox.Session) -> None:
    """Build the source archive and from it the wheel; test what was installed, on this Python."""
    torch = re.search(r"^torch==\S+", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert torch is not None
    _other(session, f"package-{sys.version_info.major}.{sys.version_info.minor}", torch[0])


@nox.session(name="torch-newest", default=False)
def torch_newest(session: nox.Session) -> None:
    """Run the package's tests on the newest torch there is; its messages may have changed."""
    _other(session, "torch-newest", "torch", "--upgrade")


@nox.session(name="torch-oldest", default=False)
def torch_oldest(session: nox.Session) -> None:
    """Run the package's tests on the oldest torch that pyproject.toml allows."""
    project = nox.project.load_toml(ROOT / "pyproject.toml")["project"]
    torch = next(one for one in project["dependencies"] if one.startswith("torch"))
    _other(session, "torch-oldest", torch.replace(">=", "=="))


@nox.session
def browser(session: nox.Session) -> None:
    """Open the built site in Chromium: console, requests, layout, accessibility."""
    python = toolchain(session)
    site(session, python)
    session.run(python, "-m", "pytest", "-n", "auto", "tests/browser", *session.posargs, env=QUIET)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, and which way imports point."""
    python = toolchain(session)
    session.run(python, "-m", "ruff", "check", *PACKAGES)
    session.run(python, "-m", "ruff", "format", "--check", *PACKAGES)
    session.run(python, "-m", "mypy")
    session.run(executable(ENV, "lint-imports"))
    session.run(executable(ENV, "typos"), "docs", "gallery", "tests", "convdocs", *PROSE)
    schema = (executable(ENV, "check-jsonschema"), "--builtin-schema")
    workflows = sorted(str(path) for path in (ROOT / ".github" / "workflows").glob("*.yml"))
    session.run(*schema, "vendor.github-workflows", *workflows)
    session.run(*schema, "vendor.readthedocs", ".readthedocs.yaml")
    session.run(executable(ENV, "zizmor"), "--offline", "--quiet", *workflows)


@nox.session
def links(session: nox.Session) -> None:
    """Try every link to another site; needs the network, so it is no part of the check."""
    python = toolchain(session)
    session.run(python, "docs/build.py", "links")


@nox.session
def bench(session: nox.Session) -> None:
    """Run every benchmark in tests/bench and print what it measured."""
    python = toolchain(session)
    session.run(python, "docs/build.py")
    for script in sorted((ROOT / "tests" / "bench").glob("[!_]*.py")):
        session.run(python, str(script.relative_to(ROOT)), *session.posargs, env=QUIET)


@nox.session(default=False, venv_backend="venv")
def pack(session: nox.Session) -> None:
    """Pack the layer explorer's script, with short names, for who reads a page."""
    session.install("tdewolff-minify==2.24.12")
    session.run("python", "docs/pack_explorer.py", env={"PYTHONPATH": str(ROOT)})


@nox.session
def lock(session: nox.Session) -> None:
    """Renew constraints.txt from a fresh environment; `-- 2.14.0` takes another torch."""
    path = ROOT / "constraints.txt"
    text = path.read_text(encoding="utf-8")
    pinned = re.search(r"^torch==(\S+)", text, flags=re.MULTILINE)
    torch = session.posargs[0] if session.posargs else pinned and pinned[1]
    env = ROOT / ".nox" / "lock"
    session.run(sys.executable, "-m", "venv", "--clear", str(env))
    pip = (executable(env, "python"), "-m", "pip", "--disable-pip-version-check")
    session.run(*pip, "install", "--quiet", f"torch=={torch}", *requirements())
    frozen = subprocess.run([*pip, "freeze"], check=True, capture_output=True, text=True).stdout
    shutil.rmtree(env)
    header = [line for line in text.splitlines() if line.startswith("#")]
    # torch names its CPU build 2.13.0+cpu; the pin holds for either
    pins = re.sub(r"^(torch==[^+\n]+)\S*", r"\1", frozen, flags=re.MULTILINE).splitlines()
    path.write_text("\n".join([*header, *pins, ""]), encoding="utf-8")
