"""The explorer in pages of others: seen at once, untouched by their styles, without a script."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import torch
from playwright.sync_api import Browser, Page
from torch import nn

import convdocs
from convdocs.explorer import bundle, embed

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
ONE = embed.case(nn.Conv2d(1, 1, 3, padding=1), (1, 5, 5), values="small")
SETTINGS = {
    "one channel": ONE,
    "notebook 1-D": embed.case(nn.Conv1d(3, 2, 3, padding=1), (2, 3, 4)),
    "notebook 2-D": embed.case(nn.Conv2d(3, 2, 3, padding=1), (3, 4, 5)),
    "digit": {**embed.case(nn.Conv2d(1, 1, 3), (1, 8, 8), values="digit"), "filter": "upright"},
    "photograph": embed.case(nn.Conv2d(1, 1, 3), (1, 28, 28), values="photograph"),
    "stride": embed.case(nn.Conv2d(1, 1, 3, stride=2), (1, 7, 7), values="small"),
    "pool": embed.case(nn.MaxPool2d(3, 2, 1), (1, 5, 5), values="small"),
    "transposed": embed.case(nn.ConvTranspose2d(1, 1, 3, stride=2), (1, 3, 3), values="small"),
}
BOXES = """() => {
  const host = document.querySelector('.cx'), inner = query => host.shadowRoot.querySelector(query);
  const box = node => { const {top, bottom, left, right} = node.getBoundingClientRect();
                        return {top, bottom, left, right}; };
  return {host: box(host), sum: box(inner('.cx-sum')), play: box(inner('.cx-play')),
          frame: box(inner('.cx-frame.cx-on') ?? inner('.cx-input')),
          filter: box(inner('[data-panel=kernel]')), at: box(inner('.cx-output .cx-at')),
          number: box(inner('.cx-head b')), controls: box(inner('.cx-controls')),
          open: inner('.cx-controls').open};
}"""
HOSTILE = """
  * { font: italic 40px cursive !important; color: red !important; letter-spacing: 9px !important;
      border: 7px dotted lime !important; padding: 30px !important; transform: rotate(2deg); }
  details, summary, button, input, select, svg, text, rect, .cx, .cx-body, .cx-panel, p, b
    { background: yellow !important; fill: red !important; display: flex !important;
      width: 30px !important; float: right !important; box-shadow: 0 0 40px red !important; }
  summary { list-style: square !important; } [hidden] { display: block !important; }
"""
LOOKS = """() => [...document.querySelector('.cx').shadowRoot.querySelectorAll('*')].map(node => {
  const style = getComputedStyle(node);
  return [node.localName, ...['fontSize', 'fontFamily', 'fontStyle', 'color', 'fill', 'display',
    'backgroundColor', 'borderTopWidth', 'paddingLeft', 'letterSpacing', 'float', 'boxShadow',
    'listStyleType', 'transform'].map(name => style[name])].join(' ');
})"""


def document(setting: dict[str, Any], css: str = "", body: str = "", **known: Any) -> str:
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Explorer</title>"
        f"<meta name='viewport' content='width=device-width'><style>{css}</style>"
        f"<body {body}><main style='max-width: 46rem; margin: 0 auto'><h1>Explorer</h1>"
        f"{embed.Explorer('', {'setting': setting}).markup('a', **known)}</main>"
        f"<script>{bundle.script('explorer')}</script>"
    )


def opened(browser: Browser, content: str, width: int, height: int, **known: Any) -> Page:
    page = browser.new_page(viewport={"width": width, "height": height}, **known)
    page.set_content(content)
    page.wait_for_timeout(150)
    return page


# the explorer moved to a place of one width in each page
MOVE = """() => {
  const host = document.querySelector('.cx'), place = document.createElement('div');
  place.style.cssText = 'all: initial !important; display: block !important;'
    + 'width: 700px !important; --font-stack: sans-serif';
  document.body.append(place);
  place.append(host);
  host.explorer.draw();
}"""


@pytest.mark.parametrize("name", SETTINGS)
def test_grids_play_and_sum_are_seen_at_once(browser: Browser, name: str) -> None:
    page = opened(browser, document(SETTINGS[name]), 1280, 800)
    found = page.evaluate(BOXES)
    assert found["sum"]["bottom"] - found["host"]["top"] <= 800
    assert found["play"]["bottom"] < found["sum"]["top"] < found["controls"]["top"]
    assert found["at"]["right"] <= found["host"]["right"]
    page.close()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_phone_shows_window_filter_and_number_together(browser: Browser, name: str) -> None:
    known = {"has_touch": True, "is_mobile": True}
    page = opened(browser, document(SETTINGS[name]), 390, 844, **known)
    found = page.evaluate(BOXES)
    for part in ("frame", "filter", "at", "number"):
        assert found[part]["bottom"] - found["host"]["top"] <= 844, part
        assert 0 <= found[part]["left"] < found[part]["right"] <= 390, part
    assert found["controls"]["top"] > found["sum"]["bottom"]
    assert not found["open"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_styles_of_the_page_around_change_nothing(browser: Browser) -> None:
    plain = opened(browser, document(ONE), 1280, 800)
    hostile = opened(browser, document(ONE, HOSTILE), 1280, 800)
    for page in (plain, hostile):
        page.evaluate(MOVE)
    looks = plain.evaluate(LOOKS)
    assert len(looks) > 200
    assert hostile.evaluate(LOOKS) == looks
    plain.close()
    hostile.close()


@pytest.mark.parametrize(
    ("css", "system", "want"),
    [
        ("", "light", "light"),
        ("", "dark", "light"),  # a page that says nothing is white
        ("html { background: #101418 }", "light", "dark"),
        ("body { background: oklch(0.2 0.02 260) }", "light", "dark"),
        ("body { background: #fff } html { color-scheme: dark }", "dark", "light"),
        (":root { color-scheme: dark }", "light", "dark"),
        (":root { color-scheme: light dark }", "dark", "dark"),
        (":root { color-scheme: light dark }", "light", "light"),
        ("main { background: rgb(0 0 0 / 90%) }", "light", "dark"),
    ],
)
def test_it_is_as_dark_as_the_page(browser: Browser, css: str, system: str, want: str) -> None:
    page = opened(browser, document(ONE, css), 1280, 800, color_scheme=system)
    page_colour = "getComputedStyle(document.querySelector('.cx')).backgroundColor"
    dark = page.evaluate(page_colour) == "rgb(21, 24, 27)"
    assert ("dark" if dark else "light") == want
    page.close()


def test_it_follows_a_switch_of_the_theme(browser: Browser) -> None:
    css = "body { background: #fff; transition: background .2s } body.night { background: #111 }"
    page = opened(browser, document(ONE, css), 1280, 800)
    scheme = "document.querySelector('.cx').dataset.scheme"
    assert page.evaluate(scheme) == "light"
    page.evaluate("document.body.className = 'night'")
    page.wait_for_timeout(600)
    assert page.evaluate(scheme) == "dark"
    page.close()


def test_without_a_script_a_table_stands_there(browser: Browser) -> None:
    torch.manual_seed(0)
    layer, x = nn.Conv2d(1, 1, 2), torch.arange(9.0).reshape(1, 3, 3)
    html = convdocs.explore(layer, x, at=(0, 1, 1))._repr_html_()
    page = opened(browser, html, 390, 844, java_script_enabled=False)
    assert "Conv2d(1, 1, 2), output cell (0, 1, 1)" in page.locator("caption").inner_text()
    cells = page.locator("tbody td:nth-child(4)").all_inner_texts()
    assert cells[:4] == ["4", "5", "7", "8"]
    box = page.locator(".cx").bounding_box()
    assert box
    assert box["height"] < 300
    page.close()


@pytest.mark.parametrize("theme", ["furo", "alabaster"])
def test_it_looks_the_same_under_other_themes(browser: Browser, tmp_path: Path, theme: str) -> None:
    conf = f"extensions = ['convdocs.sphinxext']\nhtml_theme = '{theme}'\nproject = 'Pages'\n"
    (tmp_path / "conf.py").write_text(conf)
    (tmp_path / "index.rst").write_text(
        "Pages\n=====\n\n.. conv-explorer:: Conv2d(1, 1, 3, padding=1)\n   :size: 5x5\n"
        "   :values: edge\n   :filter: upright\n   :controls: basic\n   :name: a\n"
    )
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "-n", str(tmp_path), str(tmp_path / "out")]
    subprocess.run(build, check=True)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.goto((tmp_path / "out" / "index.html").as_uri())
    page.wait_for_timeout(200)
    setting = {**embed.case(nn.Conv2d(1, 1, 3, padding=1), (1, 5, 5), values="edge")}
    plain = opened(browser, document({**setting, "filter": "upright"}, controls="basic"), 1280, 800)
    for one in (page, plain):
        one.evaluate(MOVE)
    assert page.evaluate(LOOKS) == plain.evaluate(LOOKS)
    page.evaluate(AXE.read_text("utf-8"))
    assert page.evaluate("async () => (await axe.run('.cx')).violations.map(v => v.id)") == []
    page.close()
    plain.close()
