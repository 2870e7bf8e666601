"""The published site from a server, where addresses lead nowhere; pages on paper."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from published_site import publish
from serving import listening

PRINTED = {
    "index.html": "See where every number comes from",
    "learn/one_number.html": "One number of a convolution",
    "errors/pooling.html": "Pools",
    "gallery/cnn/pool_trap.html": "The MaxPool trap",
}
# of what is on the page, the elements that a reader on paper has no use for
# a network's maps and numbers are buttons, too, and are printed as what they show
PRESSED = (
    "button:not(.node button, .maps button, .term, .part), input, select, .sidebar-drawer, "
    ".toc-drawer, .mobile-header, .related-pages, .cx-play"
)
CUT = """() => [...document.querySelectorAll("article :is(img, table, pre, .cx, math)")]
    .filter(one => one.getClientRects().length)
    .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .map(one => one.outerHTML.slice(0, 100))"""


class Host(SimpleHTTPRequestHandler):
    """Serves a folder under a path and, where there is no such file, its 404.html."""

    def __init__(self, *args, folder: Path, root: str, **kwargs) -> None:
        self.folder, self.root = folder, root
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        path = re.sub(r"[?#].*", "", self.path).removeprefix(self.root)
        found = self.path.startswith(self.root) and (self.folder / path).is_file()
        file = self.folder / path if found else self.folder / "404.html"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", self.guess_type(str(file)))
        with suppress(ConnectionError):  # the reader has gone on
            self.end_headers()
            self.wfile.write(file.read_bytes())

    def log_message(self, *args) -> None:
        """Say nothing."""


@pytest.fixture(scope="module", params=["/", "/a/base/"])
def host(request, site, tmp_path_factory) -> Iterator[str]:
    folder = publish(tmp_path_factory, f"https://example.org{request.param}")
    handler = partial(Host, folder=folder, root=request.param)
    with listening(handler) as address:
        yield address + request.param


def lost(browser: Browser, address: str) -> tuple[Page, list[str]]:
    """A page opened at an address that leads nowhere, and the addresses that gave an error."""
    page = browser.new_page()
    failed: list[str] = []
    page.on("response", lambda got: failed.append(got.url) if got.status != 200 else None)
    page.goto(address)
    return page, failed


@pytest.mark.parametrize("path", ["nothing", "a/b/c/nothing"])
def test_an_address_that_leads_nowhere_shows_the_site(
    browser: Browser, host: str, path: str
) -> None:
    page, failed = lost(browser, host + path)
    assert failed == [host + path]
    assert page.title() == "Page not found - convdocs"
    font = page.evaluate("getComputedStyle(document.querySelector('article h1')).letterSpacing")
    assert font.startswith("-")  # site.css has come
    page.click("text=Glossary of convolution terms")
    assert page.url == f"{host}reference/glossary.html"
    page.close()


def test_the_page_for_lost_addresses_searches(browser: Browser, host: str) -> None:
    page, _ = lost(browser, f"{host}x/y/nothing")
    page.fill("form.not-found input", "dilation")
    page.click("form.not-found button")
    page.wait_for_selector("#search-results li a")
    page.click("#search-results li a >> nth=0")
    page.wait_for_url(re.compile(re.escape(host) + r"[\w/]+\.html"))
    assert "dilation" in page.inner_text("article").lower()
    page.close()


@pytest.mark.parametrize("name", PRINTED)
def test_a_page_prints(browser: Browser, site: Path, name: str) -> None:
    # A4 between its margins; the reader's screen is dark
    page = browser.new_page(viewport={"width": 680, "height": 1000}, color_scheme="dark")
    page.goto((site / name).as_uri())
    page.emulate_media(media="print")
    assert page.inner_text("article h1").startswith(PRINTED[name])
    assert not page.locator(PRESSED).locator("visible=true").count()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not page.locator(".only-dark").locator("visible=true").count()
    assert page.evaluate(CUT) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    page.close()


def test_paper_shows_answers_and_the_explorer_in_light_colours(
    browser: Browser, site: Path
) -> None:
    page = browser.new_page(viewport={"width": 680, "height": 1000}, color_scheme="dark")
    page.goto((site / "learn" / "one_number.html").as_uri())
    page.emulate_media(media="print")
    assert page.locator("text=37, 43 is larger by 10").is_visible()
    assert page.locator(".cx-output svg").is_visible()
    paper = "getComputedStyle(document.querySelector('.cx')).backgroundColor"
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.close()
