"""The parts under the themes that people use, where each theme has its own way to be dark."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

THEMES = {
    "alabaster": {},
    "furo": {},
    "pydata_sphinx_theme": {},
    "sphinx_book_theme": {},
    "sphinx_immaterial": {
        "font": False,  # it would ask for one while it builds
        "palette": [
            {"media": "(prefers-color-scheme: light)", "scheme": "default"},
            {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
        ],
    },
    "sphinx_rtd_theme": {},
}
INDEX = """
Net
===

.. conv-figure:: Conv1d(1, 1, 3)
   :size: 7
   :align: right

   A picture at the side.

.. layer-trace:: Sequential(Conv1d(10, 16, 3), ReLU())
   :input: 2,10,7

.. conv-explorer:: Conv1d(1, 1, 3)
   :size: 7
   :name: live

   Seven cells, :numref:`live`.

.. exercise:: Choose
   :answer: "ReLU"
   :choices: Conv1d; ReLU

   Which has no weights?
"""
PAIRS = """() => [...document.querySelectorAll('.convdocs-pair')].map(pair =>
  [...pair.querySelectorAll('picture')].filter(one => one.getClientRects().length)
    .map(one => one.className.match(/only-(\\w+)/)[1]).join())"""
BOXES = """() => [...document.querySelectorAll('.convdocs-part > figure, .convdocs-part table')]
  .filter(node => node.getClientRects().length)
  .map(node => { const {left, right, top, bottom} = node.getBoundingClientRect();
                 return [left, right, top, bottom]; })"""


@pytest.fixture(scope="module", params=THEMES)
def index(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page built under a theme."""
    theme = request.param
    pytest.importorskip(theme)
    source = tmp_path_factory.mktemp(theme)
    more = [theme] if theme == "sphinx_immaterial" else []
    conf = {
        "project": "Nets",
        "extensions": ["convdocs.sphinxext", *more],
        "html_theme": theme,
        "html_theme_options": THEMES[theme],
        "numfig": True,
        "convdocs_execute": True,
    }
    lines = "".join(f"{name} = {value!r}\n" for name, value in conf.items())
    (source / "conf.py").write_text(lines)
    (source / "index.rst").write_text(INDEX)
    command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", ".", "_build"]
    subprocess.run(command, cwd=source, check=True)
    return source / "_build" / "index.html"


def lightness(page: Page, selector: str) -> float:
    """How light the page really is beside an element, 0 to 255, from its pixels."""
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L")
    return float(shot.getpixel((max(int(box["x"]) - 3, 0), int(box["y"] + box["height"] / 2))))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pictures_and_explorers_have_the_colours_that_the_page_has(
    browser: Browser, index: Path, scheme: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.goto(index.as_uri())
    page.wait_for_timeout(600)
    real = "dark" if lightness(page, ".convdocs-pair") < 128 else "light"
    assert page.evaluate(PAIRS) == [real]
    assert page.locator(".cx").get_attribute("data-scheme") == real
    page.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_parts_do_not_cover_each_other_and_the_explorer_has_its_number(
    browser: Browser, index: Path, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(index.as_uri())
    page.wait_for_timeout(300)
    boxes = page.evaluate(BOXES)
    assert len(boxes) == 3
    for number, (left, right, top, bottom) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = right <= other[0] or other[1] <= left or bottom <= other[2] or other[3] <= top
            assert apart, boxes
    caption = page.locator(".conv-explorer > figure > figcaption").inner_text()
    assert caption.startswith("Fig. 2")
    assert caption.count("Fig. 2") == 2
    assert page.get_by_role("group", name="Choose one").get_by_role("radio").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()
