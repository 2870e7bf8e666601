"""What only a published site has, the pages' Markdown twins and llms.txt."""

import html
import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from published_site import ADDRESS, DOCS, EDIT, SITE, publish

import convdocs

ROOT = DOCS.parent
WITHOUT_SOURCE = {"genindex.html", "search.html", "404.html"}

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not SITE.exists(), reason="the site is not built: nox -s docs"),
]


def read(site: Path) -> dict[str, BeautifulSoup]:
    found = (page for page in sorted(site.rglob("*.html")) if "_static" not in page.parts)
    return {
        page.relative_to(site).as_posix(): BeautifulSoup(page.read_text("utf-8"), "html.parser")
        for page in found
    }


@pytest.fixture(scope="module")
def pages() -> dict[str, BeautifulSoup]:
    return read(SITE)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    return publish(tmp_path_factory)


@pytest.fixture(scope="module")
def published(site) -> dict[str, BeautifulSoup]:
    return read(site)


def twin(page: str) -> str:
    return (SITE / page).with_suffix(".md").read_text(encoding="utf-8")


def sources(pages: dict[str, BeautifulSoup]) -> list[str]:
    """The pages that are written by hand or by the build, not those of Sphinx itself."""
    return [page for page in pages if page not in WITHOUT_SOURCE]


# ---- every page


def test_every_page_says_the_version_and_has_an_icon(pages):
    for page, soup in pages.items():
        foot = soup.select_one("footer .right-details a")
        assert foot.get_text() == f"convdocs {convdocs.__version__}", page
        if page != "changelog.html":
            assert (SITE / page).parent.joinpath(foot["href"]).resolve() == SITE / "changelog.html"
        icon = soup.select_one("link[rel~=icon]")["href"]
        assert (SITE / page).parent.joinpath(icon).resolve().is_file(), page


def test_every_page_describes_itself_in_whole_sentences(pages):
    for page in set(sources(pages)) - {"changelog.html"}:  # which is a list
        (told,) = pages[page].select('meta[name="description"]')
        assert (
            told["content"] == pages[page].select_one('meta[property="og:description"]')["content"]
        )
        assert re.search(r"[.?!:]$", told["content"]), page
        assert len(told["content"]) <= 300, page


def test_without_an_address_no_host_is_named(pages):
    assert not (SITE / "sitemap.xml").exists()
    assert not (SITE / "404.html").exists()
    for page, soup in pages.items():
        assert not soup.select('link[rel="canonical"], [property="og:url"], [rel="edit"]'), page
        assert not soup.select('[property="og:image"]'), page
    assert "://" not in (SITE / "llms.txt").read_text(encoding="utf-8")


def test_the_changelog_and_the_recipes_are_pages(pages):
    for page, file in (
        ("changelog.html", "CHANGELOG.md"),
        ("contributing.html", "CONTRIBUTING.md"),
    ):
        titles = re.findall(r"(?m)^#+ (.+)$", (ROOT / file).read_text(encoding="utf-8"))
        shown = [
            head.get_text().removesuffix("¶") for head in pages[page].select("article :is(h1, h2)")
        ]
        assert len(titles) > 1
        assert [title.replace("`", "") for title in titles] == shown


# ---- with an address


def test_every_page_names_its_own_address(published):
    for page in sources(published):
        soup = published[page]
        assert soup.select_one('link[rel="canonical"]')["href"] == ADDRESS + page
        assert soup.select_one('[property="og:url"]')["content"] == ADDRESS + page
    assert not published["404.html"].select('link[rel="canonical"]')


def test_every_page_has_a_card(published, site):
    for page in sources(published):
        told = {tag["property"]: tag["content"] for tag in published[page].select("meta[property]")}
        heading = published[page].h1.get_text().removesuffix("¶")
        assert told["og:title"] == heading
        assert told["og:type"] == "website"
        assert heading in told["og:image:alt"]
        card = site / told["og:image"].removeprefix(ADDRESS)
        assert card.read_bytes().startswith(b"\x89PNG"), page


def test_the_sitemap_lists_every_page_in_order(published, site):
    places = ElementTree.parse(site / "sitemap.xml").findall(".//{*}loc")
    listed = [place.text for place in places]
    assert sorted(listed) == sorted(ADDRESS + page for page in sources(published))
    assert listed == sorted(listed)


def test_every_page_is_edited_where_it_is_written(published):
    links = {page: published[page].select('a[rel="edit"]') for page in sources(published)}
    edited = {page: link["href"].removeprefix(EDIT) for page, (link,) in links.items()}
    assert not {page: file for page, file in edited.items() if not (ROOT / file).is_file()}
    # which the build writes, and no repository holds
    assert not [
        file for file in edited.values() if file.startswith(("docs/gallery", "docs/errors"))
    ]
    assert len(set(edited.values())) == len(edited)
    assert edited["gallery/conv2d/conv2d_errors.html"] == "gallery/conv2d/conv2d_errors.py"
    assert edited["errors/pooling.html"] == "convdocs/errors/entries/pooling.toml"


def test_the_page_for_lost_addresses_leads_on_from_anywhere(published, site):
    soup = published["404.html"]
    links = [tag.get("href") or tag.get("src") for tag in soup.select("[href], [src]")]
    inside = [link for link in links if not re.match(r"https?:|#", link)]
    assert len(inside) > 20
    for link in inside:
        path = re.sub("[?#].*", "", link)
        assert path.startswith("/docs/"), link
        assert (site / path.removeprefix("/docs/")).is_file(), link


def test_an_address_changes_no_words(pages, published):
    for page in sources(pages):
        assert pages[page].article.get_text() == published[page].article.get_text(), page


# ---- twins


def test_every_page_has_a_twin_with_its_title(pages):
    for page in sources(pages):
        (link,) = pages[page].select('link[rel="alternate"][type="text/markdown"]')
        assert (SITE / page).parent / link["href"] == (SITE / page).with_suffix(".md")
        title = re.search(r"(?m)^# (.+)$", twin(page))[1]
        assert re.sub(r"[\\`]", "", title) == pages[page].h1.get_text().removesuffix("¶")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("index.html", "output[0, 1, 2] = 23"),
        ("learn/one_number.html", "[[[19, 25], [37, 43]]]"),
        ("learn/digits.html", "| **total**                     |                  | **1,898** |"),
        ("gallery/conv1d/conv1d_errors.html", "expected input[2, 4, 5] to have 3 channels"),
        ("gallery/conv1d/conv1d_errors.html", "9 products -0.4413 + bias -0.1867"),
        ("gallery/cnn/pool_trap.html", "`Conv1d(10, 16, 3, padding=1)` | `(2, 16, 7)`"),
        ("gallery/conv1d/index.html", "[Four errors of Conv1d](conv1d_errors.md)"),
        ("errors/pooling.html", "torch.Size([1, 4, 4])"),
        ("notebook.html", "9 of 9 cells print what the notebook printed."),
        ("reference/api.html", "convdocs.trace(model"),
    ],
)
def test_a_twin_holds_what_the_page_computed(page, words):
    assert words in twin(page)


def test_a_twin_holds_every_line_of_code_and_output(pages):
    for page in sources(pages):
        lines = {line.removeprefix("> ").strip() for line in twin(page).splitlines()}
        for block in pages[page].select("article .highlight pre"):
            shown = {line.strip() for line in block.get_text().splitlines()}
            assert not shown - lines - {""}, page


def test_a_twin_holds_every_table_row_by_row(pages):
    def bare(text: str) -> str:
        return re.sub(r"\]\([^)]*\)|<br/>|[\s`*\\|\[\]]", "", text)

    for page in sources(pages):
        lines = {bare(html.unescape(line)) for line in twin(page).splitlines()}
        for row in pages[page].select("article table tr:not(:has(math))"):
            if row.find_parent(class_="cx"):  # an explorer's still; the twin has its picture
                continue
            if re.match(r"i\d", " ".join(row.get("class", []))):  # folded: the twin has its block
                continue
            cells = "".join(cell.get_text() for cell in row.select("th, td"))
            assert bare(cells) in lines, page


def test_a_twin_says_every_picture(pages):
    for page in sources(pages):
        words = " ".join(re.sub(r"\\(.)", r"\1", twin(page)).split())
        pictures = pages[page].select("article figure img.only-light")
        assert not [one["alt"] for one in pictures if " ".join(one["alt"].split()) not in words], (
            page
        )


def test_a_twin_is_markdown_without_the_page_s_machinery(pages):
    for page in sources(pages):
        prose = re.sub(r"(?ms)^ *(```+)\w*\n.*?^ *\1$|`[^`\n]*`", "", twin(page))
        assert not re.search(r"<(?!br ?/>|a id=|sup>)[a-z!/](?!/a>)", prose.replace("</a>", "")), (
            page
        )
        assert str(ROOT) not in twin(page)
        assert "_build/" not in twin(page)


def test_links_between_twins_lead_somewhere(pages):
    count = 0
    for page in sources(pages):
        prose = re.sub(r"(?ms)^ *(```+)\w*\n.*?^ *\1$|`[^`\n]*`", "", twin(page))
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
            if not re.match("https?:|mailto:", link):
                assert (SITE / page).parent.joinpath(unquote(link)).is_file(), f"{page}: {link}"
                count += 1
    assert count > 200


def test_llms_txt_lists_every_page_with_what_it_is_about(pages):
    text = (SITE / "llms.txt").read_text(encoding="utf-8")
    assert text.startswith("# convdocs\n\n> ")
    listed = re.findall(r"(?m)^- \[(.+)\]\((\S+)\.md\)(?:: (.+))?$", text)
    assert sorted(f"{page}.html" for _, page, _ in listed) == sorted(sources(pages))
    about = {page: told for _, page, told in listed}
    assert [page for page in about if not about[page]] == ["index"]
    assert about["howto/flatten"].startswith("nn.Linear(16 * 5 * 5, 120) comes from")
    for title, page, _ in listed:
        assert title == pages[f"{page}.html"].h1.get_text().removesuffix("¶")
