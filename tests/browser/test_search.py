"""Questions as people ask them, typed into the built site's search."""

import json
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page
from serving import served

from convdocs.errors.catalogue import entries
from convdocs.errors.examples import run_example

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "docs" / "_ext"))
from error_runs import run_call

DATA = Path(__file__).parent.parent / "data" / "search_questions.json"
QUESTIONS = json.loads(DATA.read_text(encoding="utf-8"))
DONE = "/found|did not match/.test(document.querySelector('.search-summary')?.textContent)"


@pytest.fixture(scope="module", params=["file", "http"])
def address(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    """The site opened from its folder, and from a server on this machine."""
    if request.param == "file":
        yield site.as_uri()
        return
    with served(site) as made:
        yield made


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    yield opened
    opened.close()


def found(page: Page, address: str, query: str) -> list[str]:
    """Names of the pages that a query finds, in their order."""
    page.goto(f"{address}/search.html?q={quote(query)}")
    page.wait_for_function(DONE)
    links = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    return [link.removeprefix(f"{address}/").split(".html")[0] for link in links]


def test_every_question_finds_its_page_among_the_first_three(page: Page, address: str) -> None:
    missed = {}
    for question in QUESTIONS:
        pages = found(page, address, question["query"])
        if question["page"] not in pages[:3]:
            missed[question["query"]] = (question["page"], pages[:5])
    assert len(QUESTIONS) >= 30
    assert not missed, json.dumps(missed, indent=1)


def others(message: str) -> str:
    """A message with numbers that stand on no page."""
    return re.sub(r"(?<![\w.])\d+(?![\w.])", lambda one: str(int(one[0]) + 1011), message)


@pytest.fixture(scope="module")
def messages() -> list[tuple[str, str]]:
    """What torch says for the examples of all entries, then for other calls; where it belongs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runs = [(run_example(entry), entry) for entry in entries()]
        runs += [(run_call(call), one) for one in entries() for call in one.calls]
    return [(f"{type(e).__name__}: {others(str(e))}", one.place) for (e, _), one in runs]


def test_a_pasted_message_finds_its_entry_whatever_its_numbers(
    page: Page, site: Path, messages: list[tuple[str, str]]
) -> None:
    missed, first = [], 0
    own = messages[: len(entries())]  # a page is opened for each
    for message, place in own:
        page.goto(f"{(site / 'search.html').as_uri()}?q={quote(message)}", wait_until="load")
        links = page.eval_on_selector_all(
            ".found-message a", "all => all.map(a => a.getAttribute('href'))"
        )
        first += links[:1] == [place]
        if place not in links:  # three, or four where torch says the same of four
            missed.append((message, place, links))
    assert len({place for _, place in own}) == len(entries()) == len(own)
    assert not missed, json.dumps(missed, indent=1)
    assert first > 0.85 * len(own)


def test_the_list_of_messages_keeps_what_is_like_the_pasted_one(
    page: Page, site: Path, messages: list[tuple[str, str]]
) -> None:
    page.goto((site / "errors" / "index.html").as_uri())
    rows = page.locator("table.messages tbody tr").count()
    for message, place in messages:
        page.fill(".find-message textarea", message)
        links = page.eval_on_selector_all(
            "table.messages tr:not([hidden]) a",
            "all => all.filter(a => a.offsetParent).map(a => a.getAttribute('href'))",
        )
        assert place.removeprefix("errors/") in links, message
        assert len(links) < rows / 2, message


def test_what_is_no_shape_error_is_said_and_led_on(page: Page, site: Path) -> None:
    said = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0)"
    page.goto(f"{(site / 'search.html').as_uri()}?q={quote(said)}", wait_until="load")
    assert "not a shape error" in page.inner_text(".found-message")
    for link in (".found-message a", ".error-search a"):
        if "error-search" in link:
            page.goto((site / "errors" / "index.html").as_uri())
            page.fill(".find-message textarea", said)
        page.click(link)
        assert page.url.endswith("/howto/will_it_fit.html")


def test_the_message_of_a_loss_finds_its_entry_alone(page: Page, site: Path) -> None:
    said = (
        "ValueError: Using a target size (torch.Size([8])) that is different to the input size "
        "(torch.Size([8, 1])) is deprecated. Please ensure they have the same size."
    )
    page.goto((site / "errors" / "index.html").as_uri())
    page.fill(".find-message textarea", said)
    assert page.locator("table.messages tr:not([hidden]) a:visible").count() == 1


def test_the_list_of_errors_is_short(browser: Browser, site: Path) -> None:
    for width, most in ((1280, 8000), (390, 11000)):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto((site / "errors" / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollHeight") < most
        page.close()


def test_a_question_is_taken_for_no_message(page: Page, site: Path) -> None:
    asked = [one["query"] for one in QUESTIONS if not one["page"].startswith("errors/")]
    for query in asked:
        page.goto(f"{(site / 'search.html').as_uri()}?q={quote(query)}", wait_until="load")
        assert page.locator(".found-message").count() == 0, query


def test_results_from_a_file_come_to_an_end_without_a_fault(browser: Browser, site: Path) -> None:
    """Their lines would have to be fetched, which browsers refuse there."""
    page, faults = browser.new_page(), []
    page.on("console", lambda said: faults.append(said.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    links = found(page, site.as_uri(), "choose padding")
    page.wait_for_load_state("networkidle")
    results = page.locator("#search-results li")
    assert len(links) == results.count() > 3
    assert all(text.strip() for text in results.all_inner_texts())
    assert page.locator("#search-results li :empty:visible").count() == 0
    assert not faults
    page.close()


def test_results_from_a_server_show_where_the_words_stand(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    with served(site) as address:
        found(page, address, "choose padding")
        page.wait_for_selector("#search-results li p.context")
    page.close()


def test_every_question_is_about_a_page_there_is(site: Path) -> None:
    assert not [one["page"] for one in QUESTIONS if not (site / f"{one['page']}.html").exists()]
