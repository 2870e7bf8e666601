"""Every page of the site, opened from its file: wide and narrow, light and dark."""

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
# a page wider than the window, though nothing of it may scroll sideways by itself
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
BROKEN = "[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)"
AUDIT = """async ([at, rules]) => (await axe.run(at, {preload: false, ...rules})).violations.map(
    v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 120)).join(" | ")}`)"""
# what another theme can change: colours, and which of two pictures is there
OF_A_THEME = ["color-contrast", "link-in-text-block", "image-alt", "image-redundant-alt",
              "role-img-alt", "svg-img-alt"]  # fmt: skip
# Colours are the same at every width, and code and a phone's header have theirs on every page: they
# are asked at one width, of code in the gallery, of the header on the pages beside home.
PAGE, HEADER, NO_CODE = "html", ".mobile-header", {"exclude": [[".highlight"]]}
COLOURS = {"runOnly": OF_A_THEME}
OTHERWISE = {"rules": {"color-contrast": {"enabled": False}}}


def audits(folder: str, width: int, theme: str) -> list[tuple[object, object]]:
    """The parts of a page to ask, and for what."""
    light = theme == "light"
    if width < 1000:
        return [(PAGE, OTHERWISE)] * light + [(HEADER, COLOURS)] * (not folder)
    return [(PAGE if folder == "gallery" else NO_CODE, {} if light else COLOURS)]


class Visit:
    """One page in one window, and everything it did that it should not."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda said: self.faults.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("requestfailed", lambda asked: self.faults.append(f"failed: {asked.url}"))
        page.on("request", lambda asked: self._outside(asked.url))
        page.goto(address)
        page.wait_for_load_state("load")
        page.evaluate(AXE)

    def _outside(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            self.faults.append(f"request to outside: {url}")

    def inspect(self, theme: str, audits: list[tuple[object, object]]) -> None:
        self.page.emulate_media(color_scheme=theme)
        if (overhang := self.page.evaluate(OVERHANG)) > 0:
            self.faults.append(f"{theme}: scrolls sideways by {overhang} px")
        self.faults += [f"{theme}: broken image: {url}" for url in self.page.evaluate(BROKEN)]
        for audit in audits:
            self.faults += [f"{theme}: axe: {one}" for one in self.page.evaluate(AUDIT, audit)]


FOLDERS = ["", "learn", "howto", "reference", "errors", "gallery"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder or "home")
def test_every_page_is_sound(browser: Browser, site: Path, folder: str, width: int) -> None:
    window = browser.new_context(viewport={"width": width, "height": 900})
    faults = []
    pages = sorted((site / folder).glob("**/*.html" if folder else "*.html"))
    for path in pages:
        page = window.new_page()
        visit = Visit(page, path.as_uri())
        for theme in ("light", "dark"):
            visit.inspect(theme, audits(folder, width, theme))
        faults += [f"{path.relative_to(site).as_posix()}: {one}" for one in visit.faults]
        page.close()
    window.close()
    assert len(pages) > 5
    assert not faults, "\n".join(faults)


def test_no_page_is_left_out(site: Path) -> None:
    folders = {page.relative_to(site).parent.parts[:1] for page in site.rglob("*.html")}
    assert folders == {(folder,) if folder else () for folder in FOLDERS}


def test_an_image_takes_its_room_before_it_loads(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    page.goto((site / "gallery" / "conv2d" / "conv2d_outputs.html").as_uri())
    shift = """() => new Promise(done => new PerformanceObserver(list => done(
        list.getEntries().reduce((sum, one) => sum + one.value, 0)
    )).observe({type: "layout-shift", buffered: true}) || setTimeout(() => done(0), 500))"""
    assert page.evaluate(shift) < 0.02
    page.close()


def test_search_finds_a_page_from_a_file(browser: Browser, site: Path) -> None:
    page = browser.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=broadcastable")
    page.wait_for_selector("#search-results li a")
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any("conv1d_errors" in one for one in found)
    page.close()


def test_a_scrolling_block_is_reached_with_the_keyboard(browser: Browser, site: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto((site / "gallery" / "cnn" / "stack.html").as_uri())
    assert page.eval_on_selector_all(
        "pre", "all => all.filter(p => p.scrollWidth > p.clientWidth + 1 && p.tabIndex < 0).length"
    ) == 0  # fmt: skip
    page.close()
