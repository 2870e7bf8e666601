"""What the built pages say, read as a visitor would; `nox -s tests` builds them first."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).parent.parent
SITE = ROOT / "docs" / "_build" / "html"
CELLS = json.loads((Path(__file__).parent / "data" / "cells.json").read_text(encoding="utf-8"))

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not SITE.exists(), reason="the site is not built: nox -s docs"),
]


def read(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def pages() -> dict[str, BeautifulSoup]:
    found = (page for page in SITE.rglob("*.html") if "_static" not in page.parts)
    return {page.relative_to(SITE).as_posix(): read(page) for page in found}


@pytest.fixture(scope="module")
def places(pages) -> dict[int, Tag]:
    anchors = {}
    for soup in pages.values():
        for place in soup.find_all(id=re.compile(r"^cell-\d+$")):
            number = int(place["id"].removeprefix("cell-"))
            assert number not in anchors, f"cell {number} stands on two pages"
            anchors[number] = place
    return anchors


def blocks(place: Tag) -> tuple[Tag, Tag | None]:
    """The code block under an anchor, and the output block before the next code block."""
    code = place.find_next("div", class_="highlight-Python")
    after = code.find_next("div", class_=re.compile("^highlight-(Python|none)$"))
    return code, after if after is not None and "highlight-none" in after["class"] else None


def test_every_cell_has_its_place(places):
    assert sorted(places) == list(range(1, 35))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"cell-{cell['cell']}")
def test_cell_prints_what_the_notebook_printed(places, cell):
    _, output = blocks(places[cell["cell"]])
    if not cell["output"]:
        return
    printed = output.pre.get_text().removesuffix("\n")
    if cell.get("output_truncated"):
        assert printed.startswith(cell["output"])
    else:
        assert printed == cell["output"]


@pytest.mark.parametrize("cell", CELLS[1:], ids=lambda cell: f"cell-{cell['cell']}")
def test_cell_runs_the_notebook_s_code(places, cell):
    """Up to spaces, quotes and line breaks, which the formatter sets."""

    def bare(code: str) -> str:
        return re.sub(r"\s|,(?=\))", "", code.replace("'", '"'))

    code, _ = blocks(places[cell["cell"]])
    assert bare(code.pre.get_text()).endswith(bare(cell["source"]))


def test_cell_1_is_shown_whole_and_not_called_equal(places, pages):
    code, _ = blocks(places[1])
    before = places[1].find_previous("div", class_="highlight-python")
    shown = f"{before.pre.get_text()}{code.pre.get_text()}".split("\n")
    assert [line for line in shown if line] == CELLS[0]["source"].split("\n")
    rows = pages["notebook.html"].select("tbody tr")
    [row] = [row for row in rows if row.a["href"].endswith("#cell-1")]
    assert not row.select_one(".equal")


def test_the_list_of_cells_says_equal_33_times(pages):
    table = pages["notebook.html"].select("table.notebook-cells tbody tr")
    assert len(table) == 34
    assert len([row for row in table if row.select_one(".equal")]) == 33
    for row in table:
        page, anchor = row.a["href"].split("#")
        assert pages[page].find(id=anchor)


def test_nothing_is_loaded_from_elsewhere(pages):
    for name, soup in pages.items():
        links = [tag.get("src") or tag.get("href") for tag in soup.select("[src], link[href]")]
        assert not [link for link in links if re.match(r"(https?:)?//", link)], name


def test_every_picture_has_words_and_a_size(pages):
    for name, soup in pages.items():
        for image in soup.select("article img"):
            words = image["alt"]
            assert int(image["width"]) > 0, name
            assert int(image["height"]) > 0, name
            assert len(words) > 10, f"{name}: {words!r}"
            assert not re.search(r"[A-Za-z]\S*/\S|\\|\.(svg|png)\b", words), f"{name}: {words!r}"


def test_thumbnails_are_distinct_and_small(pages):
    shown = [
        image for soup in pages.values() for image in soup.select(".sphx-glr-thumbcontainer img")
    ]
    assert len(shown) > 50
    cards = {}
    for image in shown:
        assert (image["width"], image["height"]) == ("330", "220")
        file = SITE / "_images" / Path(image["src"]).name
        cards[file.name] = file.read_bytes()
        assert len(gzip.compress(cards[file.name])) < 12_000, file.name
    marks = {re.sub(rb"<title>.*?</title>", b"", card, flags=re.DOTALL) for card in cards.values()}
    assert len(marks) == len(cards)


def test_pictures_come_light_and_dark(pages):
    for name, soup in pages.items():
        for figure in soup.select("figure.conv-picture"):
            kinds = {kind for image in figure.find_all("img") for kind in image["class"]}
            assert kinds >= {"only-dark", "only-light"}, name
            assert figure.figcaption.get_text(strip=True), name


def test_no_page_shows_a_machine_s_path(pages):
    for name, soup in pages.items():
        assert str(ROOT) not in soup.get_text(), name


def test_an_id_stands_for_one_place(pages):
    twice = [
        (name, place)
        for name, soup in pages.items()
        for place, count in Counter(tag["id"] for tag in soup.find_all(id=True)).items()
        if count > 1
    ]
    assert twice == []
