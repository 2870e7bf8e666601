"""What a reader of the network explorer does: pointer, keys, drawing, folding, themes, widths."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
import torch
import torch.nn.functional as F
from playwright.sync_api import Browser, Page
from torch import nn

import convdocs
from convdocs.explorer.network import NetworkExplorer

AXE = Path(axe_playwright_python.__file__).parent / "axe.min.js"
AUDIT = """async () => (await axe.run()).violations.map(
    v => `${v.id}: ${v.nodes.map(n => n.html.slice(0, 160)).join(" | ")}`)"""
OVERHANG = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
NET = "document.querySelector('[data-convdocs=network]').network"


class Block(nn.Module):
    def __init__(self, inside: int, outside: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm = nn.BatchNorm2d(outside)
        self.short = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(x)) + self.short(x))


class Deep(nn.Sequential):
    def __init__(self) -> None:
        sizes = [1, 4, 4, 4, 6, 6, 6, 8, 8, 8, 8, 8, 8]
        blocks = [Block(a, b) for a, b in pairwise(sizes)]
        super().__init__(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))


def digits() -> NetworkExplorer:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    )
    found = convdocs.explore(
        net, torch.rand(3, 1, 8, 8), classes=list("0123456789"), labels=[4, 5, 6], blocks=4
    )
    assert isinstance(found, NetworkExplorer)
    return found


class Unknown(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv1d(2, 3, 3), nn.Hardshrink(), nn.Flatten(), nn.Linear(18, 4))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("networks")
    torch.manual_seed(0)
    digits().save(where / "digits.html")
    for name, net, x in (
        ("deep", Deep(), torch.rand(1, 1, 12, 12)),
        ("unknown", Unknown(), torch.rand(2, 2, 8)),
        ("vector", nn.Sequential(nn.Linear(6, 30), nn.Tanh(), nn.Linear(30, 2)), torch.randn(1, 6)),
    ):
        found = convdocs.explore(net, x)
        assert isinstance(found, NetworkExplorer)
        found.save(where / f"{name}.html")
    return where


class Reader:
    """A page with a network, and everything it did that it should not."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder
        self.faults: list[str] = []
        page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("request", lambda asked: self._outside(asked.url))

    def _outside(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.faults.append(f"request: {url}")

    def open(self, name: str) -> Page:
        self.page.goto((self.folder / f"{name}.html").as_uri())
        return self.page

    def words(self, where: str) -> str:
        return " ".join(self.page.locator(where).inner_text().split())

    def said(self) -> str:
        self.page.wait_for_timeout(300)
        return self.page.locator(".voice").text_content() or ""


@pytest.fixture
def reader(browser: Browser, folder: Path) -> Iterator[Reader]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    one = Reader(page, folder)
    yield one
    page.close()
    assert not one.faults


def choose(page: Page, name: str) -> None:
    page.get_by_role("button", name=re.compile(name)).first.click()


def test_the_element_speaks_to_scripts(reader: Reader) -> None:
    page = reader.open("digits")
    calls = page.evaluate(f"{NET}.calls.map(({{index, path, kind, shape}}) => "
                          "({index, path, kind, shape}))")  # fmt: skip
    assert calls[2] == {"index": 2, "path": "2", "kind": "MaxPool2d", "shape": [1, 8, 4, 4]}
    assert page.evaluate(f"{NET}.live")
    assert page.evaluate(f"{NET}.values(4) instanceof Float32Array && {NET}.values(4).length") == 10
    before = page.evaluate(f"[...{NET}.values(0)]")
    page.evaluate(f"{NET}.setInput(new Float32Array(64))")
    assert page.evaluate(f"[...{NET}.values(0)]") != before
    with pytest.raises(Exception, match="setInput takes 64 numbers, those of 1 x 1 x 8 x 8"):
        page.evaluate(f"{NET}.setInput([1, 2])")


def test_a_cells_sum_is_written_out(reader: Reader) -> None:
    page = reader.open("digits")
    choose(page, "call 0 of 5")
    page.locator(".detail .surface").focus()
    page.keyboard.press("Home")
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    values = page.evaluate(f"[...{NET}.values(0)]")
    terms = page.locator(".term em").all_inner_texts()
    total = sum(float(one.replace("−", "-")) for one in terms)
    bias = float(reader.words(".total").split("bias ")[1].split()[0].replace("−", "-"))
    row = int(re.search(r"row (\d)", reader.words(".place"))[1])  # type: ignore[index]
    map_ = int(re.search(r"map (\d) of 8", reader.words(".place"))[1])  # type: ignore[index]
    assert abs(total + bias - values[map_ * 64 + row * 8]) < 0.01
    assert len(terms) == 9
    assert page.locator(".term .padding").count() >= 3  # column 0 reads padding on its left
    assert (
        f"sees rows {max(row - 1, 0)} to {row + 1} and columns 0 to 1 of the input" in reader.said()
    )


def test_a_pool_shows_its_winner_and_a_norm_its_line(reader: Reader) -> None:
    page = reader.open("digits")
    choose(page, "MaxPool2d")
    terms = [float(one.replace("−", "-")) for one in page.locator(".term").all_inner_texts()]
    assert float(page.locator(".term.won").inner_text().replace("−", "-")) == max(terms)
    assert reader.words(".line").startswith("The largest of 4 is")
    choose(page, "ReLU")
    assert re.match(r"max\(0, −?[\d.]+\) = [\d.]+", reader.words(".line"))
    choose(page, "Flatten")
    assert "moved here from call 2, MaxPool2d" in reader.words(".line")
    choose(page, "Linear")
    assert page.locator(".term").count() == 128


def test_hovering_shows_and_leaving_goes_back(reader: Reader) -> None:
    page = reader.open("digits")
    choose(page, "call 0 of 5")
    before = reader.words(".place")
    box = page.locator(".detail canvas").last.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    assert "row 0, column 0" in reader.words(".place")
    page.mouse.move(2, 2)
    assert reader.words(".place") == before


def test_drawing_counts_blocks(reader: Reader) -> None:
    page = reader.open("digits")
    box = page.locator(".in .surface canvas").first.bounding_box()
    assert box
    cell = box["width"] / 8
    page.mouse.move(box["x"] + 1.5 * cell, box["y"] + 2.5 * cell)
    page.mouse.down()
    page.mouse.move(box["x"] + 6.5 * cell, box["y"] + 2.5 * cell, steps=8)
    page.mouse.up()
    drawn = torch.tensor(page.evaluate(f"[...{NET}.values(-1)]")).reshape(8, 8)
    high = max(torch.tensor(page.evaluate(f"[...{NET}.samples[{n}].data]")).max() for n in range(3))
    assert (drawn[2, 2:6] > 0.9 * high).all()  # the pen is a little wider than a cell
    assert (drawn[5:] == drawn[7, 7]).all()
    got = page.evaluate(f"[...{NET}.values(4)]")
    net = digits_net()
    want = net(drawn.reshape(1, 1, 8, 8))[0]
    torch.testing.assert_close(torch.tensor(got), want, rtol=1e-4, atol=1e-5)
    share = want.softmax(0).max().item()
    assert reader.words(".verdict") == f"{int(want.argmax())}, {round(100 * share)} %"
    choose(page, "sample 1, labelled 5")
    assert reader.said() == "sample 1, labelled 5"


def digits_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    ).eval()


def test_the_pad_takes_keys(reader: Reader) -> None:
    page = reader.open("digits")
    pad = page.locator(".in .surface")
    pad.focus()
    page.get_by_role("button", name="Clear").click()
    low = page.evaluate(f"{NET}.values(-1)[0]")
    pad.focus()
    for key in ("Space", "ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert page.evaluate(f"[...{NET}.values(-1)].filter(one => one > {low}).length") >= 1
    assert re.match(r"row \d+, column \d+", reader.said())
    for key in ("Delete", "ArrowUp", "Delete", "ArrowLeft", "Delete", "ArrowLeft", "Delete"):
        page.keyboard.press(key)
    assert page.evaluate(f"[...{NET}.values(-1)].filter(one => one > {low}).length") == 0


def test_maps_and_layers_are_turned_off_and_on(reader: Reader) -> None:
    page = reader.open("digits")
    before = page.evaluate(f"[...{NET}.values(4)]")
    choose(page, "call 0 of 5")
    page.get_by_role("button", name="Turn off this map").click()
    map_ = int(re.search(r"map (\d) of 8", reader.words(".place"))[1])  # type: ignore[index]
    mine = f"{NET}.values(0).slice({64 * map_}, {64 * map_ + 64})"
    assert page.evaluate(f"{mine}.every(one => one === 0)")
    assert page.evaluate(f"[...{NET}.values(4)]") != pytest.approx(before)
    assert "turned off" in reader.words(".line")
    choose(page, "ReLU")
    page.get_by_role("button", name="Turn off ReLU").click()
    assert page.evaluate(f"{NET}.values(1).some(one => one < 0)")  # it hands its input on
    page.get_by_role("button", name="Undo all changes").click()
    assert page.evaluate(f"[...{NET}.values(4)]") == pytest.approx(before, abs=1e-5)


def test_a_weight_is_changed(reader: Reader) -> None:
    page = reader.open("digits")
    choose(page, "call 0 of 5")
    before = page.evaluate(f"[...{NET}.values(4)]")
    page.locator(".term").nth(4).click()
    slider = page.get_by_label("weight", exact=True)
    slider.focus()
    page.keyboard.press("End")
    assert page.evaluate(f"[...{NET}.values(4)]") != pytest.approx(before)
    assert page.evaluate("document.activeElement.shadowRoot.activeElement.id") == "weight"
    page.get_by_role("button", name="Undo all changes").click()
    assert page.evaluate(f"[...{NET}.values(4)]") == pytest.approx(before, abs=1e-5)


def test_blocks_fold_and_keys_walk_the_calls(reader: Reader) -> None:
    page = reader.open("deep")
    assert page.evaluate(f"{NET}.calls.length") >= 60
    count = page.locator(".node").count()
    assert count < 20
    page.get_by_role("button", name="unfold 0, Block").click()
    assert page.locator(".node").count() > count
    page.get_by_role("button", name="fold 0, Block", exact=False).first.click()
    assert page.locator(".node").count() == count
    page.locator(".card").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    assert page.locator(".card.chosen").count() == 1
    assert page.locator(".card[tabindex='0']").count() == 1
    page.keyboard.press("End")
    focused = "document.activeElement.shadowRoot.activeElement.getAttribute('aria-label')"
    assert "Linear" in page.evaluate(focused)


def test_a_network_with_another_call_is_recorded(reader: Reader) -> None:
    page = reader.open("unknown")
    why = "the page cannot work out call 1, Hardshrink() (1)"
    assert why in reader.words(".why")
    assert not page.evaluate(f"{NET}.live")
    with pytest.raises(
        Exception, match="this network is recorded: the page cannot work out call 1"
    ):
        page.evaluate(f"{NET}.setInput(new Float32Array(16))")
    choose(page, "Hardshrink")
    assert "torch’s own" in reader.words(".line")
    choose(page, "call 0 of 4")
    assert page.locator(".term").count() == 3
    before = page.evaluate(f"[...{NET}.values(3)]")
    choose(page, "sample 1")
    assert page.evaluate(f"[...{NET}.values(3)]") != before
    assert page.get_by_role("button", name="Turn off", exact=False).count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["digits", "deep", "unknown", "vector"])
def test_axe_has_nothing_to_say(reader: Reader, name: str, theme: Any) -> None:
    reader.page.emulate_media(color_scheme=theme)
    page = reader.open(name)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(AUDIT) == []
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(100)
        assert page.evaluate(AUDIT) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280, 3840])
@pytest.mark.parametrize("name", ["digits", "deep", "vector"])
def test_it_fits_every_width(reader: Reader, name: str, width: int) -> None:
    reader.page.set_viewport_size({"width": width, "height": 900})
    page = reader.open(name)
    assert page.evaluate(OVERHANG) <= 0
    inside = """(() => { const root = document.querySelector('[data-convdocs]').shadowRoot;
      const box = root.querySelector('.net').getBoundingClientRect();
      return [...root.querySelectorAll('.top, .head, .body, .right, .left, .flow')]
        .every(one => one.getBoundingClientRect().right <= box.right + 1); })()"""
    assert page.evaluate(inside)


def test_it_takes_the_pages_colours(reader: Reader) -> None:
    page = reader.open("digits")
    scheme = (
        "document.querySelector('[data-convdocs]').shadowRoot.querySelector('.net').dataset.scheme"
    )
    assert page.evaluate(scheme) == "light"
    page.evaluate("document.body.style.background = '#101820'")
    page.wait_for_timeout(200)
    assert page.evaluate(scheme) == "dark"
    rules = "* { font-size: 40px !important; color: red !important; border: 9px solid }"
    page.add_style_tag(content=rules)
    size = page.locator(".verdict").evaluate("one => getComputedStyle(one).fontSize")
    assert size == "17px"
