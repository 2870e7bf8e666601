"""The build itself: what makes it start afresh, and what makes it fail."""

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.site

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture
def build(tmp_path, monkeypatch):
    """docs/build.py, working on a small tree of its own."""
    monkeypatch.syspath_prepend(str(DOCS))  # where its own modules are
    spec = importlib.util.spec_from_file_location("site_build", DOCS / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    docs = tmp_path / "docs"
    for folder in (tmp_path / "convdocs", docs / "_ext", docs / "gallery"):
        folder.mkdir(parents=True)
    for name in ("convdocs/room.py", "docs/conf.py", "constraints.txt", "docs/gallery/page.rst"):
        (tmp_path / name).write_text("one\n", encoding="utf-8")
    places = {"ROOT": tmp_path, "DOCS": docs, "BUILD": docs / "_build"}
    for name, path in {**places, "GALLERY": docs / "gallery"}.items():
        monkeypatch.setattr(module, name, path)
    return module


def built(build, tmp_path):
    build.freshen()
    for page in (build.BUILD / "page.html", build.GALLERY / "page.rst"):
        page.parent.mkdir(exist_ok=True)
        page.write_text("built", encoding="utf-8")
    return [build.BUILD / "page.html", build.GALLERY / "page.rst"]


def test_nothing_changed_keeps_what_was_built(build, tmp_path):
    pages = built(build, tmp_path)
    build.freshen()
    assert all(page.exists() for page in pages)


@pytest.mark.parametrize("name", ["convdocs/room.py", "docs/conf.py", "constraints.txt"])
def test_a_change_starts_afresh(build, tmp_path, name):
    pages = built(build, tmp_path)
    (tmp_path / name).write_text("two\n", encoding="utf-8")
    build.freshen()
    assert not any(page.exists() for page in pages)


def test_another_torch_starts_afresh(build, tmp_path, monkeypatch):
    pages = built(build, tmp_path)
    monkeypatch.setattr(build, "version", lambda name: "2.99.0")
    build.freshen()
    assert not any(page.exists() for page in pages)


def test_another_address_starts_afresh(build, tmp_path, monkeypatch):
    pages = built(build, tmp_path)
    monkeypatch.setenv("DOCS_URL", "https://example.org/docs/")
    build.freshen()
    assert not any(page.exists() for page in pages)


def test_a_docstring_leaves_what_it_is_not_shown_on(build, tmp_path):
    room = tmp_path / "convdocs" / "room.py"
    code = '"""{}"""\n\nclass A:\n    \'{}\'\n    x = {}\n'
    room.write_text(code.format("One.", "Two.", 1), encoding="utf-8")
    pages = built(build, tmp_path)
    room.write_text(code.format("Three.\n\nMore.\n", "Four.", 1), encoding="utf-8")
    build.freshen()
    assert all(page.exists() for page in pages)
    room.write_text(code.format("One.", "Two.", 2), encoding="utf-8")
    build.freshen()
    assert not any(page.exists() for page in pages)


def test_the_package_s_own_docstring_is_shown_by_its_command(build, tmp_path):
    package = tmp_path / "convdocs" / "__init__.py"
    package.write_text('"""One."""\n', encoding="utf-8")
    pages = built(build, tmp_path)
    package.write_text('"""Two."""\n', encoding="utf-8")
    build.freshen()
    assert not any(page.exists() for page in pages)


def test_a_stuck_build_is_stopped_with_a_message(build, monkeypatch):
    monkeypatch.setattr(build, "LIMIT", 0.01)
    with pytest.raises(SystemExit, match=r"took longer than 0\.01 s and was stopped"):
        build.sphinx("--version")


NESTED = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""


def is_running(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text(encoding="utf-8").split()[2] != "Z"


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are looked up in /proc")
def test_who_stops_the_build_stops_what_it_has_started(tmp_path):
    noted = tmp_path / "process"
    code = f"import build; build.run('-c', {NESTED!r}, {str(noted)!r})"
    outer = subprocess.Popen([sys.executable, "-c", code], cwd=DOCS)
    deadline = time.monotonic() + 30
    while not (noted.exists() and noted.read_text(encoding="utf-8")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process = int(noted.read_text(encoding="utf-8"))
    assert is_running(process)
    outer.terminate()
    outer.wait(timeout=30)
    while is_running(process):  # the system takes a moment
        assert time.monotonic() < deadline
        time.sleep(0.05)


GROWN = f"""
import sys
sys.path.insert(0, {str(DOCS / "_ext")!r})
extensions = ["myst_parser", "published", "search_index", "twins"]
html_theme = "furo"
"""
TERMS = "\n```{{glossary}}\n{}\n  What it is.\n```\n"


def test_what_grew_by_edits_is_what_is_built_from_nothing(tmp_path):
    def site(folder: Path) -> dict[str, bytes]:
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "-d"]
        subprocess.run(
            [*command, str(folder / "trees"), str(docs), str(folder / "html")], check=True
        )
        found = [path for path in (folder / "html").rglob("*") if path.is_file()]
        return {path.name: path.read_bytes() for path in found if path.name != ".buildinfo"}

    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "conf.py").write_text(GROWN, encoding="utf-8")
    index = "# Home\n\nFirst words.\n\n```{toctree}\n:caption: All\nfirst\nsecond\n```\n"
    (docs / "index.md").write_text(index, encoding="utf-8")
    for name in ("first", "second"):
        text = f"# The {name}\n\nAbout the {name}.\n{TERMS.format(name)}"
        (docs / f"{name}.md").write_text(text, encoding="utf-8")
    before = site(tmp_path / "grown")
    assert b"The second](second.md): About the second." in before["llms.txt"]
    own = (docs / "first.md").read_text(encoding="utf-8")
    (docs / "first.md").write_text(own + "\nAn unheard-of word.\n", encoding="utf-8")
    edited = site(tmp_path / "grown")
    assert b"unheard-of" in edited["first.md"]
    assert b'"indexentries":{"first":[[0,"term-first",true]],"second"' in edited["searchindex.js"]
    (docs / "first.md").write_text(own, encoding="utf-8")
    back = site(tmp_path / "grown")
    assert back.keys() == before.keys()
    assert [name for name in before if back[name] != before[name]] == []


CONF = f"""
import sys
sys.path.insert(0, {str(DOCS / "_ext")!r})
extensions = ["sphinx_gallery.gen_gallery", "notebook_cells"]
exclude_patterns = ["gallery/**.ipynb", "gallery/**.py", "gallery/**.zip", "gallery/**.json"]
sphinx_gallery_conf = {{
    "examples_dirs": ["scripts"], "gallery_dirs": ["gallery"], "filename_pattern": ".py",
    "reset_modules": ("strict_warnings.reset",), "reset_modules_order": "both",
}}
"""
SCRIPT = '"""\nA page\n======\n"""\n\n# %%\n# .. _cell-{cell}:\n\n{code}\n'


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """What Sphinx says of a site with one wrong digit and one Python warning."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "scripts").mkdir()
    wrong = SCRIPT.format(cell=3, code='print("torch.Size([2, 3, 4])")')
    warns = SCRIPT.format(cell=15, code='import warnings\n\nwarnings.warn("old")')
    texts = {
        "conf.py": CONF,
        "index.rst": "Site\n====\n\n.. toctree::\n\n   gallery/index\n",
        "scripts/GALLERY_HEADER.rst": "Pages\n=====\n",
        "scripts/wrong.py": wrong,
        "scripts/warns.py": warns,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run(
        [*command, str(folder), str(folder / "out")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    return done.stderr


def test_a_wrong_digit_fails_the_build(failed):
    assert "cell 3 does not print what the notebook prints" in failed


def test_a_cell_on_no_page_fails_the_build(failed):
    assert "cell 34 of the notebook is on no page" in failed


def test_a_python_warning_fails_the_build(failed):
    assert "UserWarning: old" in failed


def test_a_new_title_is_said_in_the_links_to_it(tmp_path):
    conf = f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\nextensions = ['pages']\n"
    (tmp_path / "conf.py").write_text(conf, encoding="utf-8")
    (tmp_path / "index.rst").write_text("Home\n====\n\nSee :doc:`other`.\n", encoding="utf-8")
    for title in ("First title", "Second title", "Second title"):
        other = f":orphan:\n\n{title}\n============\n"
        (tmp_path / "other.rst").write_text(other, encoding="utf-8")
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html"]
        subprocess.run([*command, str(tmp_path), str(tmp_path / "out")], check=True)
        assert title in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")


PAGE = """<h1 id="page">Page</h1>
<a href="index.html">good</a> <a href="#page">good</a> <a href="https://example.org/">good</a>
<a href="index.html?q=1#page">good</a> <a href="gone.html">bad</a> <img alt="" src="gone.png">
<p class="x" id="here"></p> <a href="index.html#here">good</a> <a href="#nowhere">bad</a>
<a href="/docs/index.html#here">good</a> <a href="/docs/gone.html">bad</a>
<a href="/index.html">bad</a>
"""


def test_a_link_to_nowhere_is_found(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS))
    from inner_links import broken

    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    found = broken(tmp_path, "/docs/")
    links = ["gone.html", "gone.png", "#nowhere", "/docs/gone.html", "/index.html"]
    assert found == [("index.html", link) for link in links]


def test_a_link_to_nowhere_fails_the_build_until_it_is_mended(build):
    page = build.BUILD / "html" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text('<a href="gone.html">', encoding="utf-8")
    for _ in range(2):  # also when nothing is written anew
        with pytest.raises(SystemExit, match=r"index\.html: the link to gone\.html leads nowhere"):
            build.check_links(page.parent)
    page.write_text('<a href="index.html">', encoding="utf-8")
    build.check_links(page.parent)


@pytest.fixture
def errors(tmp_path, monkeypatch):
    """The errors' pages in a folder of their own, and what writes them."""
    monkeypatch.setenv("PYTHONHASHSEED", "0")  # as build.py does: some messages list a set
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import error_pages

    class App:
        srcdir = tmp_path

    error_pages.write_pages(App)
    return tmp_path / "errors", lambda: error_pages.write_pages(App)


def test_an_error_page_that_is_gone_or_changed_is_written_again(errors):
    folder, write_pages = errors
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "linear.md").unlink()
    (folder / "norms.md").write_text("changed", encoding="utf-8")
    (folder / "messages.json").unlink()
    kept = (folder / "index.md").stat().st_mtime_ns
    write_pages()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert (folder / "index.md").stat().st_mtime_ns == kept
