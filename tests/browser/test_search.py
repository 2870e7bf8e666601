"""Questions as people ask them, typed into the built site's search."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

DATA = Path(__file__).parent.parent / "data" / "search_questions.json"
QUESTIONS = json.loads(DATA.read_text(encoding="utf-8"))
DONE = "/found|did not match/.test(document.querySelector('.search-summary')?.textContent)"


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the test says what was not found."""


@pytest.fixture(scope="module", params=["file", "http"])
def address(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    """The site opened from its folder, and from a server on this machine."""
    if request.param == "file":
        yield site.as_uri()
        return
    handler = functools.partial(Silent, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


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


def test_a_pasted_message_finds_its_entry_whatever_its_numbers(page: Page, address: str) -> None:
    message = "mat1 and mat2 shapes cannot be multiplied ({0}x{1} and {2}x{0})"
    for sizes in ((64, 3136, 1024), (7, 9216, 4096)):
        assert found(page, address, message.format(*sizes))[0] == "errors/linear"


def test_every_question_is_about_a_page_there_is(site: Path) -> None:
    assert not [one["page"] for one in QUESTIONS if not (site / f"{one['page']}.html").exists()]
