"""The gallery's pages beyond the notebook: how each begins and ends, and that it runs."""

import ast
import importlib.util
import json
import re
import runpy
import time
from pathlib import Path

import pytest
import torch
from bs4 import BeautifulSoup
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

import convdocs
from convdocs import draw
from convdocs.sphinxext import gallery

pytestmark = pytest.mark.site

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "gallery" / "beyond"
PAGES = sorted(path.stem for path in FOLDER.glob("*.py"))
ANIMATIONS = 18
SECONDS = {"digits": 10.0}  # of processor time; it trains a network
OTHERS = 2.0


def source(page: str) -> str:
    return (FOLDER / f"{page}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_first_sentence_says_what_you_will_be_able_to_do(page: str) -> None:
    title, line, _, *rest = (ast.get_docstring(ast.parse(source(page))) or "").splitlines()
    assert set(line) == {"="}
    assert len(line) >= len(title)
    promise = " ".join(rest)
    assert promise.startswith("After this page you can ")
    assert promise.count(". ") == 0
    assert promise.endswith(".")


@pytest.mark.parametrize("page", PAGES)
def test_a_picture_stands_before_the_first_formula(page: str) -> None:
    text = source(page)
    assert "\ndraw." in text
    assert ".. math::" not in text.split("\ndraw.")[0]


@pytest.mark.parametrize("page", PAGES)
def test_last_section_is_a_check_that_can_fail(page: str) -> None:
    *_, text, code = split_code_and_text_blocks(str(FOLDER / f"{page}.py"))[1]
    assert (text.type, code.type) == ("text", "code")
    assert re.findall(r"^(.+)\n(?:-+|~+)$", text.content, re.MULTILINE)[-1:] == ["Check it"]
    body = ast.parse(code.content).body
    asserts = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Assert)]
    assert asserts
    assert ast.unparse(body[-1]).startswith("print(")


@pytest.fixture(scope="module")
def warm() -> None:
    """What is loaded once is not the pages' own time."""
    layer = torch.nn.Conv1d(1, 1, 3)
    convdocs.trace(layer, torch.empty(1, 1, 5))
    draw.layer(layer, torch.zeros(1, 1, 5))


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize("page", PAGES)
def test_runs_quickly_without_a_warning(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    start = time.process_time()
    with torch.random.fork_rng(devices=[]):
        runpy.run_path(str(FOLDER / f"{page}.py"))
    assert time.process_time() - start < SECONDS.get(page, OTHERS)
    assert capsys.readouterr().out.strip()


def test_every_page_has_its_place_in_the_reading_order() -> None:
    path = ROOT / "docs" / "_ext" / "reading_order.py"
    spec = importlib.util.spec_from_file_location("reading_order", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert set(PAGES) <= set(module.PAGES)


def test_animations_show_the_guide_s_eight_both_ways_and_one_axis() -> None:
    calls = re.findall(r"\ndraw\.animate\(\s*ones\(\s*nn\.(\w+)\(", source("animations"))
    assert len(calls) == ANIMATIONS
    assert {kind: calls.count(kind) for kind in calls} == {
        "Conv2d": 8,
        "ConvTranspose2d": 8,
        "Conv1d": 2,
    }


def test_an_animation_waits_for_its_reader_and_can_be_downloaded(tmp_path: Path) -> None:
    walk = draw.animate(torch.nn.AvgPool1d(2), torch.arange(4.0).reshape(1, 4))
    names = {"image_path_iterator": iter([str(tmp_path / "walk.png")])}
    names["example_globals"] = {"___": walk}
    block = ("code", "draw.animate(pool, x)", 1)
    text = gallery.scrape(block, names, {"src_dir": str(tmp_path)})
    (tmp_path / "index.rst").write_text(f"Walk\n====\n{text}", encoding="utf-8")
    settings = {"extensions": ["convdocs.sphinxext.gallery"]}
    folders = [str(tmp_path), None, str(tmp_path / "html"), str(tmp_path / "doctrees")]
    with patch_docutils(), docutils_namespace():
        Sphinx(*folders, "html", settings, status=None, warningiserror=True).build()
    html = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    page = BeautifulSoup(html, "html.parser")
    assert "player.js" in html
    assert not page.find_all("img")
    (player,) = page.select("figure.cv-player")
    assert player.svg["aria-label"] == draw.describe(walk.figure)
    data = json.loads(player.find("script", type="application/json").string)
    cells = data["paths"]["cv-cell"]
    assert cells == sorted(set(cells))
    assert [words.rpartition(" ")[2] for words in data["words"]] == ["0.5000", "2.5000"]
    (link,) = page.select("a.download")
    with Image.open(tmp_path / "html" / link["href"]) as image:
        assert image.n_frames == 2
