"""What a first visit to each page fetches, packed, and whether the page then stands still.

A page's text is all that is no picture: its HTML, style sheets, scripts. Pictures are fetched as
the reader comes near them, for the reader's theme only; they are counted when the page is opened
and once more when it has been read to its end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request
from serving import served, slowly

# what an explorer or the search runs on counts as text
TEXT, APPLICATION, NETWORK = 60_000, 100_000, 140_000
PICTURE, MOVING = 60_000, 180_000
STILL = 0.001
WATCH = """window.shifts = [];
    new PerformanceObserver(list => list.getEntries().forEach(one => window.shifts.push({
        value: one.value, of: one.sources.map(s => s.node?.outerHTML?.slice(0, 90)).join(" | ")
    }))).observe({type: "layout-shift", buffered: true});"""
READ = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 1500) {
        window.scrollTo({top: y, behavior: "instant"});
        await new Promise(done => requestAnimationFrame(() => setTimeout(done, 30)));
    }
}"""
SHIFTS = (
    "window.shifts.filter(one => one.value > 0).map(one => `${one.value.toFixed(4)} ${one.of}`)"
)


@dataclass
class Weight:
    """Bytes on the wire, by address."""

    text: dict[str, int]
    opened: dict[str, int]
    read: dict[str, int]

    @property
    def limit(self) -> int:
        if any("network.js" in url for url in self.text):
            return NETWORK
        runs = any(re.search("explorer.js|searchindex.js", url) for url in self.text)
        return APPLICATION if runs else TEXT

    def __str__(self) -> str:
        kinds = (self.text, self.opened, self.read)
        return " ".join(f"{sum(kind.values()) / 1000:8.1f}" for kind in kinds)


class Visit:
    """A first visit, in a window that has nothing stored."""

    def __init__(self, browser: Browser, address: str, width: int) -> None:
        self.window = browser.new_context(viewport={"width": width, "height": 900})
        self.asked: list[Request] = []
        self.page: Page = self.window.new_page()
        self.page.add_init_script(WATCH)
        self.page.on("requestfinished", lambda one: self.asked.append(one))
        self.page.goto(address, wait_until="load")
        self.page.wait_for_timeout(250)  # for the pictures in and near the window
        self.opened = len(self.asked)
        self.page.evaluate(READ)
        self.page.wait_for_timeout(150)

    def weight(self) -> Weight:
        found = Weight({}, {}, {})
        for place, one in enumerate(self.asked):
            size = one.sizes()["responseBodySize"]
            if one.resource_type != "image":
                found.text[one.url] = size
            elif place < self.opened:
                found.opened[one.url] = size
            else:
                found.read[one.url] = size
        return found

    def close(self) -> list[str]:
        """Close the window; what moved in it."""
        shifts = self.page.evaluate(SHIFTS)
        self.window.close()
        return [shift for shift in shifts if float(shift.split()[0]) > STILL]


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    with served(site) as made:
        yield made


FOLDERS = ["", "learn", "howto", "reference", "errors", "gallery/conv1d", "gallery/conv2d",
           "gallery/cnn", "gallery/beyond", "gallery"]  # fmt: skip


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder or "home")
def test_pages_are_light_and_stand_still(
    browser: Browser, site: Path, address: str, folder: str
) -> None:
    table, faults = ["kB:     text pictures at once, and to the end"], []
    for path in sorted((site / folder).glob("*.html")):
        name = path.relative_to(site).as_posix()
        visit = Visit(browser, f"{address}/{name}", 1280)
        weight = visit.weight()
        table.append(f"{weight}  {name}")
        if sum(weight.text.values()) > weight.limit:
            faults.append(f"{name}: its text weighs over {weight.limit / 1000:.0f} kB")
        pictures = {**weight.opened, **weight.read}
        faults += [
            f"{name}: {url} weighs {size / 1000:.0f} kB"
            for url, size in pictures.items()
            if size > (MOVING if url.endswith("gif") else PICTURE)
        ]
        faults += [f"{name}: moves by {shift}" for shift in visit.close()]
    print("\n".join(table))
    assert len(table) > 1
    assert not faults, "\n".join([*table, *faults])


NARROW = ["index", "explorer", "learn/stride", "howto/draw_model", "reference/layers",
          "reference/directives", "errors/linear", "errors/index", "gallery/index",
          "gallery/conv2d/conv2d_outputs", "gallery/beyond/animations"]  # fmt: skip


@pytest.mark.parametrize("name", NARROW)
def test_pages_stand_still_on_a_phone(browser: Browser, address: str, name: str) -> None:
    assert not Visit(browser, f"{address}/{name}.html", 390).close()


GROWING = ["index", "learn/teachers", "reference/records", "gallery/beyond/index"]


def test_pages_stand_still_while_they_come_in(browser: Browser, site: Path) -> None:
    """Tables widen and grids fill as their rows are read: nothing is painted before the foot."""
    with slowly(site) as address:
        for name in GROWING:
            assert not Visit(browser, f"{address}/{name}.html", 1280).close(), name
