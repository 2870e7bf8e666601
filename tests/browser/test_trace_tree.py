"""The tree of a trace in a page: it folds by keyboard, and fits a phone and any theme."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from torch import Tensor, nn

import convdocs

# what notebooks and themes do to every table
FOREIGN = """
table{width:100%;border:3px solid red;font-size:30px} td,th{text-align:center;
border:2px solid blue;padding:20px;background:yellow;color:purple;max-width:2em}
tr:nth-child(even){background:lime} thead th{position:static} code{color:red;font-size:40px}
input{appearance:auto;width:50px;height:50px}
"""


class Block(nn.Module):
    """A convolution with a way around it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x).relu()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), *[Block() for _ in range(30)], nn.Flatten())
    twice = convdocs.trace(net, (1, 3, 112, 112)).to_html() * 2
    path = tmp_path_factory.mktemp("tree") / "tree.html"
    head = '<meta charset=utf-8><meta name="viewport" content="width=device-width">'
    path.write_text(f"<!doctype html>{head}<style>{FOREIGN}</style>{twice}", encoding="utf-8")
    return path


@pytest.fixture(params=[1280, 390])
def page(browser: Browser, file: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": request.param, "height": 700})
    opened.goto(file.as_uri())
    yield opened
    opened.close()


def rows(page: Page, table: int = 0) -> list[str]:
    """The names in the rows that are seen."""
    body = page.locator("table").nth(table).locator("tbody tr:visible")
    return [row.locator("td.name").first.inner_text() for row in body.all()]


def test_a_container_shuts_and_opens_by_keyboard_and_alone(page: Page):
    assert rows(page) == ["0", "1 to 30", "conv", "(relu)", "(add)", "31"]
    page.locator("input").first.focus()
    page.keyboard.press("Space")
    assert rows(page) == ["0", "1 to 30", "31"]
    assert len(rows(page, table=1)) == 6  # the other table of the page is not touched
    page.keyboard.press("Space")
    assert len(rows(page)) == 6
    name = page.get_by_role("checkbox", name="Show the inside of 1 to 30 30 × Block")
    assert name.count() == 2


def test_output_and_params_are_on_the_first_screen(page: Page):
    width = page.viewport_size["width"]  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for title in ("output", "params"):
        box = page.locator("th", has_text=title).first.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    assert page.locator("th", has_text="#").first.is_visible() == (width > 640)


def test_head_and_totals_stay_in_sight_and_cover_nothing(page: Page):
    page.locator(".scroll").first.evaluate("box => {box.style.maxHeight = '200px'}")
    edges = """() => {
      const box = document.querySelector('.scroll'), around = box.getBoundingClientRect();
      const cells = [...box.querySelectorAll('th, tfoot td')].filter(one => one.textContent);
      return cells.filter(one => one.getClientRects().length).every(one => {
        const {top, bottom} = one.getBoundingClientRect();
        return top >= around.top - 1 && bottom <= around.top + box.clientHeight + 1;
      });
    }"""
    for far in (0, 60, 10_000):
        page.locator(".scroll").first.evaluate(f"box => box.scrollTo(0, {far})")
        assert page.evaluate(edges), far
    last = page.locator("table").first.locator("tbody tr:visible").last.bounding_box()
    totals = page.locator("tfoot").first.bounding_box()
    assert last is not None
    assert totals is not None
    assert last["y"] + last["height"] <= totals["y"] + 1
    page.locator(".scroll").first.evaluate("box => {box.style.maxHeight = '120px'}")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")  # from the box to its check box, which the head must not cover
    assert page.evaluate(
        "() => {const box = document.activeElement.getBoundingClientRect();"
        "return document.activeElement.matches('input') && document.activeElement =="
        " document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2)}"
    )


def test_a_foreign_theme_does_not_reach_the_table(page: Page):
    look = page.evaluate(
        "() => {const own = name => getComputedStyle(document.querySelector(name));"
        "const cell = own('tbody tr:nth-child(2) td:nth-child(4)'), code = own('td code');"
        "return [cell.backgroundColor, cell.borderTopWidth, parseFloat(cell.paddingTop) < 10,"
        " parseFloat(code.fontSize) < 20, code.color == cell.color,"
        " own('tbody tr:nth-child(2)').backgroundColor]}"
    )
    clear = "rgba(0, 0, 0, 0)"
    assert look == [clear, "0px", True, True, True, clear]
