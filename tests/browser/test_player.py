"""The player of an animation: it waits, steps, plays and pauses, by mouse and by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, Page

from convdocs import draw


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    walk = draw.animate(torch.nn.AvgPool1d(2), torch.arange(8.0)[None], interval=400)
    path = tmp_path_factory.mktemp("player") / "walk.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{walk._repr_html_()}", encoding="utf-8")
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 390, "height": 700})
    asked: list[str] = []
    opened.on("request", lambda one: asked.append(one.url))
    opened.goto(file.as_uri())
    yield opened
    opened.close()
    assert len(asked) == 1  # the page alone


def at(page: Page) -> str:
    return page.locator(".cv-controls output").inner_text()


def window(page: Page) -> str:
    return str(page.locator("path.cv-window").get_attribute("d"))


def test_nothing_moves_before_it_is_asked_to(page: Page) -> None:
    before = window(page)
    page.wait_for_timeout(300)
    assert (at(page), window(page)) == ("1 of 4", before)


def test_it_steps_by_mouse_slider_and_keys(page: Page) -> None:
    first = window(page)
    page.get_by_label("Step forward").click()
    assert at(page) == "2 of 4"
    assert window(page) != first
    assert page.locator(".cv-words").inner_text().endswith("= 2.5000")
    page.keyboard.press("ArrowRight")
    assert at(page) == "3 of 4"
    page.get_by_label("Step", exact=True).focus()
    page.keyboard.press("End")
    assert at(page) == "4 of 4"
    page.get_by_label("Step back").click()
    assert at(page) == "3 of 4"


def test_it_plays_once_and_pauses(page: Page) -> None:
    page.get_by_label("Play").click()
    page.wait_for_function("document.querySelector('output').textContent != '1 of 4'")
    page.get_by_label("Pause").click()
    held = at(page)
    page.wait_for_timeout(500)
    assert at(page) == held
    page.get_by_label("Play").press("Space")
    page.wait_for_function("document.querySelector('output').textContent == '4 of 4'")
    page.wait_for_selector('[aria-label="Play"]')  # it does not start again by itself


def test_less_motion_leaves_the_steps(browser: Browser, file: Path) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto(file.as_uri())
    assert page.get_by_label("Play").count() == 0
    page.get_by_label("Step forward").click()
    assert at(page) == "2 of 4"
    page.close()


@pytest.mark.parametrize(
    ("page_says", "system", "shade"),
    [
        ("", "light", "light"),
        ("", "dark", "light"),  # a page that knows no dark stays white
        ("document.documentElement.style.colorScheme = 'dark'", "light", "dark"),
        ("document.documentElement.style.colorScheme = 'light dark'", "dark", "dark"),
        ("document.body.dataset.theme = 'auto'", "dark", "dark"),
        ("document.body.dataset.theme = 'auto'", "light", "light"),
        ("document.body.dataset.theme = 'light'", "dark", "light"),
        ("document.body.dataset.jpThemeLight = 'false'", "light", "dark"),
        ("document.body.dataset.jpThemeLight = 'true'", "dark", "light"),
    ],
)
def test_it_is_light_and_dark_as_its_page_is(
    browser: Browser, file: Path, page_says: str, system: str, shade: str
) -> None:
    page = browser.new_page(color_scheme=system)  # type: ignore[arg-type]
    page.goto(file.as_uri())
    page.evaluate(page_says)
    colour = page.eval_on_selector(".cv-player", "one => getComputedStyle(one).backgroundColor")
    assert colour == {"light": "rgb(255, 255, 255)", "dark": "rgb(19, 20, 22)"}[shade]
    page.close()
