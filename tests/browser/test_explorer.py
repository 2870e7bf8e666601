"""The explorer in a real browser: pointing, keys, links, settings, and what a reader needs."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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
AUDIT = """async () => (await axe.run()).violations.map(
    v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 160)).join(" | ")}`)"""
# inside of the explorers' shadow roots
DEEP = "[...document.querySelectorAll('.cx')].flatMap(host => [...host.shadowRoot.querySelectorAll("
ACTIVE = "(document.activeElement.shadowRoot ?? document).activeElement"
FOCUSED = f"{ACTIVE}.name || {ACTIVE}.dataset.do || {ACTIVE}.dataset.c && 'cell'"
OPEN = f"{DEEP}'details')]).forEach(one => one.open = true)"
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

NOTEBOOK = {"setting": embed.case(nn.Conv1d(3, 2, 3, padding=1), (2, 3, 4))}
D2L = {"setting": embed.case(nn.Conv2d(1, 1, 2), (1, 3, 3), values="small")}


def document(*parts: str) -> str:
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Explorers</title>"
        "<meta name='viewport' content='width=device-width'><link rel='icon' href='data:,'>"
        f"<body><main><h1>Explorers</h1>{''.join(parts)}</main>"
        f"<script>{bundle.script('explorer')}</script>"
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("explorers")
    pages = {
        "notebook": document(
            embed.Explorer("", NOTEBOOK).markup("a", address=True, errors="errors/")
        ),
        "d2l": document(embed.Explorer("", D2L).markup("a", address=True)),
        "two": document(
            embed.Explorer("", D2L).markup("a", address=True),
            embed.Explorer("", NOTEBOOK).markup("b"),
        ),
    }
    for name, text in pages.items():
        (where / f"{name}.html").write_text(text, encoding="utf-8")
    return where


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def loopback(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Reader:
    """A page with explorers, and everything it did that it should not."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda said: self.faults.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda asked: self._outside(asked.url))

    def _outside(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:")):
            self.faults.append(f"request to outside: {url}")

    def open(self, address: str) -> "Reader":
        self.page.goto(address)
        return self

    def cell(self, panel: str, c: int, r: int, k: int, name: str = "a") -> Any:
        return self.page.locator(
            f"#{name} [data-panel={panel}] [data-c='{c}'][data-r='{r}'][data-k='{k}']"
        )

    def lit(self, panel: str, name: str = "a") -> int:
        return self.page.locator(f"#{name} [data-panel={panel}] [data-c].cx-lit").count()

    def sum(self, name: str = "a") -> str:
        return self.page.locator(f"#{name} .cx-sum").inner_text()

    def set(self, field: str, text: str, name: str = "a") -> None:
        box = self.page.locator(f"#{name} [name='{field}']")
        box.evaluate(
            "node => { while (node = node.parentNode.closest?.('details')) node.open = true; }"
        )
        box.fill(text)
        box.press("Tab")

    def text(self, where: str, name: str = "a") -> str:
        return self.page.locator(f"#{name} {where}").inner_text()

    def hash(self) -> str:
        self.page.wait_for_timeout(300)
        return self.page.evaluate("location.hash")

    def said(self) -> str:
        self.page.wait_for_timeout(600)
        return self.page.locator("#a .cx-live").inner_text()


@pytest.fixture
def reader(browser: Browser) -> Iterator[Reader]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    one = Reader(page)
    yield one
    page.close()
    assert not one.faults


@pytest.fixture(params=["file", "loopback"])
def address(request: pytest.FixtureRequest, folder: Path, loopback: str) -> str:
    return folder.as_uri() if request.param == "file" else loopback


def test_it_opens_on_the_notebooks_digits(reader: Reader, address: str) -> None:
    reader.open(f"{address}/notebook.html")
    assert reader.text("[data-panel=output]").split() == [
        *("0", "−0.0033", "0.6345", "0.2400", "−0.2773"),
        *("1", "0.6259", "−0.0122", "−0.7956", "−0.7431"),
    ]
    assert reader.page.evaluate("document.querySelectorAll('[data-ready]').length") == 1


def test_pointing_at_an_output_shows_its_window_and_sum(reader: Reader, address: str) -> None:
    reader.open(f"{address}/d2l.html")
    reader.cell("output", 0, 1, 0).hover()
    assert reader.lit("input") == 4
    assert reader.lit("kernel") == 4
    told = " ".join(reader.sum().split())
    assert "3 × 0 0 + 4 × 1 4 + 6 × 2 12 + 7 × 3 21" in told
    assert told.endswith("37 + bias 0 = 37")
    reader.page.mouse.move(5, 5)
    assert "19" in reader.sum()  # back to the cell that was chosen


def test_pointing_at_an_input_shows_what_it_reaches(reader: Reader, address: str) -> None:
    reader.open(f"{address}/d2l.html")
    reader.cell("input", 0, 1, 1).hover()
    assert "reaches 4 output cells" in reader.sum()
    assert reader.lit("output") == 4
    reader.cell("input", 0, 0, 0).hover()
    assert "reaches 1 output cell." in reader.sum()


def test_pointing_at_a_weight_shows_all_its_products(reader: Reader, address: str) -> None:
    reader.open(f"{address}/d2l.html")
    reader.cell("kernel", 0, 1, 1).hover()
    assert "takes part in 4 products" in reader.sum()
    assert [reader.lit("input"), reader.lit("output")] == [4, 4]
    assert "8 × 3 24" in " ".join(reader.sum().split())


def test_keys_walk_the_grids(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/notebook.html").page
    reader.cell("output", 0, 0, 0).focus()
    focused = f"[...'crk'].map(key => {ACTIVE}.dataset[key]).join('')"
    walk = {
        "ArrowRight": "001", "ArrowDown": "101", "End": "103", "ArrowRight ": "103",
        "Home": "100", "ArrowUp": "000", "ArrowLeft": "000", "PageDown": "100",
        "Control+Home": "000", "Control+End": "103",
    }  # fmt: skip
    for key, want in walk.items():
        page.keyboard.press(key.strip())
        assert page.evaluate(focused) == want, key
    assert reader.page.locator("#a [data-panel=output] [tabindex='0']").count() == 1
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(f"{ACTIVE}.closest('[data-panel]').dataset.panel") == "kernel"


def test_every_control_is_reached_by_tab_and_has_a_name(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/notebook.html").page
    page.evaluate(OPEN)
    seen: list[str] = []
    while len(seen) < 60 and seen.count("values") < 2:  # once round
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    for name in ("kind", "values", "size", "in", "out", "kernel", "stride", "padding", "dilation",
                 "groups", "batch", "shape", "mode", "bias", "cell", "play", "step", "speed",
                 "sample", "copy", "link"):  # fmt: skip
        assert name in seen, name
    assert seen.count("cell") == 3


def test_the_live_region_says_the_sum(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/d2l.html").page
    assert reader.said() == ""  # nothing before the reader does something
    reader.cell("output", 0, 0, 0).focus()
    page.keyboard.press("ArrowRight")
    assert reader.said() == (
        "output channel 0, row 0, column 1: 25, which is 1 times 0, plus 2 times 1, "
        "plus 4 times 2, plus 5 times 3, plus bias 0."
    )


def test_every_kind_of_layer_draws(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/notebook.html").page
    for kind in (kind.__name__ for kind in embed.KINDS):
        page.select_option("#a [name=kind]", kind)
        assert reader.text(".cx-code code").startswith(f"nn.{kind}(")
        assert page.locator("#a [data-panel=output] [data-c]").count() > 3
        assert page.locator("#a .cx-problem").is_hidden()
        assert reader.sum()


def test_a_setting_torch_refuses_shows_its_words_and_a_way_out(
    reader: Reader, folder: Path
) -> None:
    page = reader.open(f"{folder.as_uri()}/notebook.html").page
    reader.set("kernel", "9")
    with pytest.raises(RuntimeError) as error:
        nn.Conv1d(3, 2, 9, padding=1)(torch.zeros(2, 3, 4))
    assert reader.text(".cx-problem pre") == f"RuntimeError: {error.value}"
    link = page.locator("#a .cx-problem a").get_attribute("href")
    assert link == "errors/inputs.html#kernel-larger-than-input"
    assert str(error.value) in reader.said()
    assert page.locator("#a [data-panel=output] [data-c]").count() == 0
    page.get_by_role("button", name="kernel_size=6").click()
    assert page.locator("#a .cx-problem").is_hidden()
    assert reader.text(".cx-code code") == "nn.Conv1d(3, 2, 6, padding=1)"


def test_a_field_says_what_it_takes(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/notebook.html").page
    reader.set("kernel", "three")
    assert "“three” can’t be used here: write one whole number." in reader.text(".cx-refusal")
    assert page.locator("#a [name=kernel]").get_attribute("aria-invalid") == "true"
    reader.set("kernel", "2")
    assert reader.text(".cx-refusal") == ""
    reader.set("size", "9999")
    assert "the input has 59,994 numbers; the explorer takes up to 32,768" in reader.text(
        ".cx-refusal"
    )
    assert page.locator("#a [name=size]").input_value() == "4"


def test_arrows_and_buttons_count_in_a_field(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/d2l.html").page
    page.locator("#a [name=kernel]").press("ArrowUp")
    assert reader.text(".cx-code code") == "nn.Conv2d(1, 1, 3)"
    page.get_by_role("button", name="padding: more").click()
    page.get_by_role("button", name="stride: more").click()
    assert reader.text(".cx-code code") == "nn.Conv2d(1, 1, 3, stride=2, padding=1)"
    page.evaluate(OPEN)
    assert "⌊(3 + 1 + 1 − 1·(3 − 1) − 1) / 2⌋ + 1 = 2" in reader.text(".cx-formula")


def test_a_link_opens_the_same_picture(reader: Reader, browser: Browser, address: str) -> None:
    page = reader.open(f"{address}/notebook.html").page
    page.select_option("#a [name=kind]", "ConvTranspose2d")
    reader.set("stride", "2, 1")
    reader.set("outputPadding", "1, 0")
    page.select_option("#a [name=values]", "small")
    reader.cell("kernel", 1, 0, 1).click()
    link, there = reader.hash(), browser.new_page(viewport={"width": 1280, "height": 900})
    other = Reader(there).open(f"{address}/notebook.html{link}")
    assert link.startswith("#a?kind=ConvTranspose2d&shape=")
    for part in (".cx-stage", ".cx-sum", ".cx-code code"):
        assert other.text(part) == reader.text(part)
    there.close()


def test_a_link_holds_the_readers_numbers(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/d2l.html").page
    page.select_option("#a [name=values]", "own")
    page.fill("#a [name=own-x]", "1 2 3\n4 5 6\n\n7 8 9\n1.5 -2 nan")
    page.fill("#a [name=own-weight]", "tensor([[[[1., 0.]], [[0., 1.]]]], requires_grad=True)")
    page.fill("#a [name=own-bias]", "[0.25]")
    page.get_by_role("button", name="Use these numbers").click()
    assert reader.text(".cx-code code") == "nn.Conv2d(2, 1, (1, 2))"
    before = reader.text("[data-panel=output]")
    assert before.split()[2:] == ["9.2500", "11.2500", "2.2500", "nan"]
    link = reader.hash()
    reader.open("about:blank")
    reader.open(f"{folder.as_uri()}/d2l.html{link}")
    assert reader.text("[data-panel=output]") == before


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("kind=Conv5d", "kind=Conv5d is not known; it is one of Conv1d, Conv2d"),
        ("shape=3x4", "it names no kind of layer"),
        ("kind=Conv1d&kernel_size=x", "kernel_size=x is not a whole number"),
        ("kind=Conv1d&kernel_size=3x3", "kernel_size=3x3 has 2 numbers; this layer has 1 axis"),
        ("kind=Conv1d&colour=red", "colour is no setting of Conv1d"),
        ("kind=MaxPool1d&groups=2", "groups is no setting of MaxPool1d"),
        ("kind=Conv1d&stride=1&stride=2", "stride is named twice"),
        ("kind=Conv1d&shape=3x0", "shape=3x0 is not a shape"),
        ("kind=Conv1d&shape=3x9999x9", "the input has 269,973 numbers"),
        ("kind=Conv2d&shape=3x99x99", "the padded input has 29,403 cells"),
        ("kind=Conv1d&values=own&x_values=3x1:1,2", "x_values has 2 numbers; 3x1 needs 3"),
        ("kind=Conv1d&values=own&x_values=1x1:<b>", "x_values holds <b>, which is not a number"),
        ("kind=Conv1d&at=output.1", "at=output.1 does not name a cell"),
        ("kind=Conv1d&at=output.0.0.9", "at=output.0.0.9 is outside of the output"),
        ("kind=Conv1d&filter=red", "filter=red is not known; it is one of small, identity"),
        ("kind=Conv1d&padding_mode=mirror", "padding_mode=mirror is not known"),
        ("kind=Conv1d&bias=%E0%A4%A", "bias is not written as an address"),
        ("kind", "“kind” has no value"),
        ("", "“” has no value"),
    ],
)
def test_a_bad_link_says_what_is_wrong(
    reader: Reader, folder: Path, link: str, message: str
) -> None:
    reader.open(f"{folder.as_uri()}/d2l.html#a?{link}")
    assert message in reader.text(".cx-notice")
    assert reader.text(".cx-code code") == "nn.Conv2d(1, 1, 2)"
    assert reader.page.locator("#a .cx-notice b").count() == 0


def test_only_one_explorer_follows_the_address(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/two.html#elsewhere").page
    assert reader.hash() == "#elsewhere"  # an anchor of the page is none of theirs
    reader.set("stride", "2", name="b")
    assert reader.hash() == "#elsewhere"
    reader.set("stride", "2", name="a")
    assert reader.hash().startswith("#a?kind=Conv2d")
    page.evaluate("location.hash = '#b?kind=Conv1d&kernel_size=2&values=small'")
    page.wait_for_timeout(100)
    assert reader.text(".cx-code code", name="b") == "nn.Conv1d(3, 2, 2)"
    assert reader.text(".cx-code code", name="a") == "nn.Conv2d(1, 1, 2, stride=2)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "There are no numbers here."),
        ("tensor([[1., ..., 2.]])", "The printout is shortened"),
        ("[[1, 2], [3]]", "Entry 1 (counted from 0) holds 1 number, but entry 0 holds 2 numbers"),
        ("[1, 2", "A “[” has no “]”"),
        ("[1] 2", "Something stands after the last “]”: “2”"),
        ("[[], []]", "A list “[]” is empty"),
        ("1 2 x", "“x” is not a number"),
        ("<img src=x onerror=alert(1)>", "“<img” is not a number"),
        ("1 2\n3", "holds 1 number, but entry 0 holds 2 numbers"),
    ],
)
def test_numbers_that_cannot_be_read_are_named(
    reader: Reader, folder: Path, text: str, message: str
) -> None:
    page = reader.open(f"{folder.as_uri()}/d2l.html").page
    page.select_option("#a [name=values]", "own")
    page.fill("#a [name=own-x]", text)
    page.get_by_role("button", name="Use these numbers").click()
    told = reader.text(".cx-own .cx-error")
    assert told.startswith("Input x: ")
    assert message in told


def test_printed_tensors_are_read(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/d2l.html").page
    torch.manual_seed(3)
    for tensor in (torch.randn(2, 3, 4), torch.randn(1, 1, 3, 3), torch.tensor([1e-9, -2e7]),
                   nn.Parameter(torch.randn(2, 2)), torch.randn(3, 2).double(),
                   torch.tensor([float("inf"), -1.0])):  # fmt: skip
        found = page.evaluate("text => window.ConvExplorer.read(text)", str(tensor))
        assert found["shape"] == list(tensor.shape)
        torch.testing.assert_close(
            torch.tensor(found["data"]).float(), tensor.flatten().float(), rtol=1e-3, atol=1e-4
        )


def test_play_walks_and_pause_stops(reader: Reader, folder: Path) -> None:
    page = reader.open(f"{folder.as_uri()}/d2l.html").page
    page.locator("#a [name=speed]").fill("10")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(700)
    button = page.get_by_role("button", name="Pause")
    assert button.is_visible()
    button.click()
    stopped = reader.sum()
    page.wait_for_timeout(500)
    assert reader.sum() == stopped
    reader.cell("output", 0, 0, 0).click()
    page.get_by_role("button", name="Step forward").click()
    assert "row 0, column 1" in reader.sum()
    page.get_by_role("button", name="Step back").click()
    assert "row 0, column 0" in reader.sum()


def test_nothing_moves_where_the_reader_asks_for_no_motion(browser: Browser, folder: Path) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto(f"{folder.as_uri()}/d2l.html")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(900)
    assert "row 0, column 1" in page.locator("#a .cx-sum").inner_text()  # one step, and no more
    moving = (
        f"{DEEP}'*')]).filter(node => "
        "getComputedStyle(node).transitionDuration.split(',').some(t => parseFloat(t) > 0)).length"
    )
    assert page.evaluate(moving) == 0
    page.close()


@pytest.mark.parametrize(
    ("width", "theme"),  # the narrowest and the widest in one: colours are the same in all
    [
        (320, "light"),
        (390, "light"),
        (390, "dark"),
        (1280, "light"),
        (1280, "dark"),
        (3840, "light"),
    ],
)
def test_a_page_of_explorers_is_sound(
    browser: Browser, folder: Path, width: int, theme: str
) -> None:
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=theme, reduced_motion="reduce"
    )
    reader = Reader(page).open(f"{folder.as_uri()}/two.html")
    page.evaluate(AXE.read_text("utf-8"))
    states = {
        "first": lambda: None,
        "open": lambda: page.evaluate(OPEN),
        "input": lambda: reader.cell("input", 0, 1, 1).focus(),
        "own": lambda: page.select_option("#a [name=values]", "own"),
        "wide": lambda: (reader.set("size", "28"), reader.set("kernel", "5"),
                         reader.set("padding", "2")),
        "pool": lambda: page.select_option("#b [name=kind]", "MaxPool1d"),
        "refused": lambda: reader.set("kernel", "40"),
        "misread": lambda: reader.set("stride", "x"),
    }  # fmt: skip
    for name, act in states.items():
        act()
        page.wait_for_timeout(50)
        assert page.evaluate(AUDIT) == [], name
        assert page.evaluate(OVERHANG) <= 0, name
    page.close()
    assert not reader.faults


def test_fingers_can_use_it(browser: Browser, folder: Path) -> None:
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    reader = Reader(phone.new_page()).open(f"{folder.as_uri()}/d2l.html")
    reader.cell("output", 0, 1, 1).tap()
    assert "43" in reader.sum()
    low = reader.page.evaluate(
        f"{DEEP}'button, select, [data-c]')])"
        ".filter(node => node.checkVisibility()).map(node => node.getBoundingClientRect())"
        ".filter(box => box.width < 24 || box.height < 24).length"
    )
    assert low == 0
    phone.close()
    assert not reader.faults


def test_a_saved_page_from_python_works_and_repeats(reader: Reader, tmp_path: Path) -> None:
    layer = nn.AvgPool2d(2, count_include_pad=False)
    explorer = convdocs.explore(layer, torch.arange(16.0).reshape(1, 4, 4), at=(0, 1, 1))
    cell = f"<div>{explorer._repr_html_()}</div>"
    file = tmp_path / "saved.html"
    file.write_text(
        f"<!doctype html><meta charset='utf-8'><link rel='icon' href='data:,'>{cell}{cell}"
    )
    reader.open(file.as_uri())
    assert reader.page.locator(".cx[data-ready]").count() == 2
    assert reader.page.evaluate(
        "new Set([...document.querySelectorAll('[id]')].map(n => n.id)).size"
        " === document.querySelectorAll('[id]').length"
    )
    for told in reader.page.locator(".cx-sum").all_inner_texts():
        assert re.search(r"sum 50 / 4 = 12.5", told)


def test_the_home_page_begins_with_an_explorer(reader: Reader, site: Path) -> None:
    reader.open((site / "index.html").as_uri())
    assert reader.page.locator("article .cx[data-ready]").count() == 1
    assert reader.page.locator("article .cx .cx-cell").count() > 10


def test_the_page_with_the_explorer_alone_is_wide(reader: Reader, site: Path) -> None:
    reader.open((site / "explorer.html").as_uri())
    assert reader.page.locator(".cx").bounding_box()["width"] > 800
    reader.cell("output", 0, 1, 0, name="explorer").click()
    assert reader.hash().startswith("#explorer?kind=Conv2d&shape=1x5x5")


def test_the_home_pages_output_is_ten_tabs_away(reader: Reader, site: Path) -> None:
    page = reader.open((site / "index.html").as_uri()).page
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # "Skip to content"
    output = f"{ACTIVE}.closest('[data-panel]')?.dataset.panel === 'output'"
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate(output):
            break
    assert page.evaluate(output)
