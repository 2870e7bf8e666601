"""The explorer's numbers: those it offers, those a reader draws or pastes; pools and filters."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from playwright.sync_api import Browser, Locator, Page
from torch import nn

import convdocs
from convdocs.explorer import bundle, embed, numbers

FILTERED = [
    nn.Conv1d(1, 1, 3),
    nn.Conv1d(4, 3, 4, groups=1),
    nn.Conv2d(1, 4, 3),
    nn.Conv2d(2, 5, (2, 3)),
    nn.Conv2d(4, 4, 5, groups=2),
    nn.ConvTranspose1d(2, 4, 3, groups=2),
    nn.ConvTranspose2d(3, 2, 3),
    nn.ConvTranspose2d(3, 6, (1, 2), groups=3),
]
NUMBERS = """given => {
  const X = window.ConvExplorer, {x, weight, bias} = X.numbersOf(X.complete(given));
  return {x, weight, bias};
}"""


def page_with(setting: dict[str, Any], **known: Any) -> str:
    part = embed.Explorer("", {"setting": setting}).markup("a", **known)
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width'>"
        f"<body>{part}<script>{bundle.script('explorer')}</script>"
    )


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    yield opened
    opened.close()
    assert not faults


def show(page: Page, layer: nn.Module, shape: tuple[int, ...], values: str = "small") -> Locator:
    page.set_content(page_with(embed.case(layer, shape, values=values)))
    return page.locator("#a")


def cell(page: Page, panel: str, c: int, r: int, k: int) -> Locator:
    return page.locator(f"#a [data-panel={panel}] [data-c='{c}'][data-r='{r}'][data-k='{k}']")


def explorer(page: Page, what: str) -> Any:
    return page.evaluate(f"document.querySelector('#a').explorer.{what}")


@pytest.mark.parametrize("values", [name for name in numbers.INPUTS if name != "notebook"])
@pytest.mark.parametrize("shape", [(1, 7), (2, 8, 8), (2, 3, 5, 13), (1, 28, 28), (1, 40, 3)])
def test_python_and_script_have_the_same_inputs(
    page: Page, values: str, shape: tuple[int, ...]
) -> None:
    dims = 1 if len(shape) == 2 else 2
    if dims == 1 and values in ("digit", "photograph"):
        return  # pictures have two axes
    layer = nn.MaxPool1d(1) if dims == 1 else nn.MaxPool2d(1)
    show(page, layer, shape)
    given = embed.case(layer, shape, values=values)
    want = numbers.fill_input(values, torch.zeros(shape), dims)
    assert page.evaluate(NUMBERS, given)["x"] == want.flatten().tolist()


@pytest.mark.parametrize("layer", FILTERED, ids=str)
def test_python_and_script_have_the_same_filters(page: Page, layer: Any) -> None:
    dims = len(layer.kernel_size)
    shape = (layer.in_channels, *[9] * dims)
    show(page, layer, shape)
    offered = page.evaluate(
        "given => ConvExplorer.filtersFor(ConvExplorer.complete(given)).map(one => one[0])",
        embed.case(layer, shape),
    )
    filters = [name for name in numbers.FILTERS if name in offered]
    assert len(filters) >= 5
    assert ("learned" in filters) == (set(layer.kernel_size) == {3})
    for name in filters:
        numbers.fill_filters(name, layer)
        given = {**embed.case(layer, shape, values="small"), "filter": name}
        found = page.evaluate(NUMBERS, given)
        assert found["weight"] == pytest.approx(layer.weight.flatten().tolist()), name
        assert found["bias"] == layer.bias.tolist()


def test_each_kernel_of_a_transposed_layer_is_another(page: Page) -> None:
    layer = nn.ConvTranspose2d(3, 2, 3)
    show(page, layer, (3, 4, 5), "notebook")
    weight = explorer(page, "numbers.weight")
    kernels = {tuple(weight[i : i + 9]) for i in range(0, len(weight), 9)}
    assert len(kernels) == 6


@pytest.mark.parametrize(
    ("layer", "shape", "input_", "filter_"),
    [
        (nn.Conv2d(3, 2, 3, padding=1), (3, 4, 5), True, True),
        (nn.Conv2d(3, 2, 3), (3, 12, 12), False, True),
        (nn.Conv2d(3, 2, 2), (3, 4, 5), True, False),
        (nn.Conv1d(3, 2, 3), (2, 3, 4), True, True),
        (nn.Conv1d(3, 2, 3), (4, 3, 4), False, True),
        (nn.ConvTranspose1d(2, 3, 3), (2, 4), False, False),
        (nn.MaxPool1d(2), (3, 4), True, False),
    ],
    ids=str,
)
def test_the_notebooks_numbers_are_offered_where_they_fit(
    page: Page, layer: nn.Module, shape: tuple[int, ...], input_: bool, filter_: bool
) -> None:
    shown = show(page, layer, shape, "notebook")
    assert (shown.locator("[name=values] [value=notebook]").count() == 1) == input_
    assert (shown.locator("[name=filter] [value=notebook]").count() == 1) == filter_
    assert (shown.locator("[name=values]").input_value() == "notebook") == input_


def test_a_picture_brings_its_size(page: Page) -> None:
    shown = show(page, nn.Conv2d(1, 1, 3), (1, 5, 5))
    for name, side in (("digit", 8), ("photograph", 28)):
        shown.locator("[name=values]").select_option(name)
        assert explorer(page, "s.shape") == [1, side, side]
    assert shown.locator(".cx-input rect.cx-cell.cx-light").count() == 28 * 28  # shades of grey
    assert shown.locator(".cx-input .cx-legend").is_visible()
    assert shown.locator(".cx-sum em").count() == 9  # the window's numbers are there all the same
    shown.locator("[name=filter]").select_option("upright")
    assert "below 0" in shown.locator(".cx-output .cx-legend").inner_text()


def test_a_pointer_draws_on_the_input(page: Page) -> None:
    layer = nn.Conv2d(1, 1, 3, padding=1, bias=False)
    numbers.fill_filters("blur", layer)
    x = torch.zeros(1, 5, 5)
    explored = convdocs.explore(layer, x)
    page.set_content(page_with(**explored.data))
    page.locator("#a [data-do=draw]").click()
    page.locator("#a [name=pen]").fill("9")
    first = cell(page, "input", 0, 1, 1).bounding_box()
    last = cell(page, "input", 0, 1, 3).bounding_box()
    assert first
    assert last
    page.mouse.move(first["x"] + 9, first["y"] + 9)
    page.mouse.down()
    page.mouse.move(last["x"] + 9, last["y"] + 9, steps=12)
    page.mouse.up()
    page.mouse.move(first["x"] + 9, last["y"] + 90)  # up: nothing is drawn any more
    x[0, 1, 1:4] = 9
    assert explorer(page, "numbers.x") == x.flatten().tolist()
    found = explorer(page, "values('output')")
    want = layer(x).flatten().tolist()
    assert found == pytest.approx(want, abs=1e-6)
    shown = page.locator("#a [data-panel=output] text").all_text_contents()
    assert [float(text.replace("−", "-")) for text in shown] == pytest.approx(want, abs=5e-3)
    assert page.locator("#a [name=values]").input_value() == "own"


def test_keys_draw_on_the_input(page: Page) -> None:
    show(page, nn.Conv2d(1, 1, 2), (1, 3, 3))
    page.locator("#a [data-do=draw]").click()
    page.locator("#a [name=pen]").fill("-2.5")
    cell(page, "input", 0, 0, 0).focus()
    page.keyboard.press("7")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")  # a second time takes it away
    assert explorer(page, "numbers.x")[:5] == [7, -2.5, 2, 3, 0]
    assert "−2.5" in str(cell(page, "input", 0, 0, 1).text_content())
    assert "minus 2.5" in str(cell(page, "input", 0, 0, 1).get_attribute("aria-label"))
    page.locator("#a [data-do=draw]").click()
    cell(page, "input", 0, 2, 2).focus()
    page.keyboard.press("1")
    assert explorer(page, "numbers.x")[8] == 8  # not while the pen is down


def frame(page: Page) -> list[float]:
    return page.evaluate("""() => {
      const view = document.querySelector('#a').explorer, {width, height} = view.layout.input;
      const box = view.root.querySelector('[data-panel=input] .cx-frame.cx-on');
      const at = name => parseFloat(box.style[name]);
      return [at('y') / height, at('x') / width, at('height') / height, at('width') / width];
    }""")


def test_a_padded_pool_shows_its_whole_window(page: Page) -> None:
    shown = show(page, nn.MaxPool2d(3, 2, 1), (1, 5, 5))
    assert frame(page) == pytest.approx([-1, -1, 3, 3])
    assert shown.locator(".cx-input .cx-pad.cx-lit").count() == 5
    window = shown.locator(".cx-kernel [data-tap] text").all_text_contents()
    assert window == ["−∞", "−∞", "−∞", "−∞", "0", "1", "−∞", "5", "6"]
    assert shown.locator(".cx-kernel .cx-won").all_text_contents() == ["6"]
    assert "the largest of 9 = 6" in shown.locator(".cx-sum").inner_text()


def test_an_average_shows_what_it_counts(page: Page) -> None:
    shown = show(page, nn.AvgPool2d(3, 2, 1), (1, 5, 5))
    assert shown.locator(".cx-kernel text").all_text_contents()[:4] == ["0"] * 4
    assert "sum 12 / 9" in shown.locator(".cx-sum").inner_text()
    shown = show(page, nn.AvgPool2d(3, 2, 1, count_include_pad=False), (1, 5, 5))
    assert shown.locator(".cx-kernel text").all_text_contents()[:4] == ["–"] * 4
    assert "5 outside, not counted" in shown.locator(".cx-sum").inner_text()
    assert "sum 12 / 4" in shown.locator(".cx-sum").inner_text()


def test_a_window_past_the_end_is_drawn_whole(page: Page) -> None:
    show(page, nn.AvgPool1d(2, ceil_mode=True), (1, 7))
    cell(page, "output", 0, 0, 3).click()
    assert frame(page) == pytest.approx([0, 6, 1, 2])
    assert page.locator("#a .cx-input .cx-pad").count() == 1


def test_a_layer_over_one_axis_and_back_keeps_its_sizes(page: Page) -> None:
    shown = show(page, nn.Conv2d(1, 1, (2, 3), padding=(1, 0)), (1, 4, 5))
    before = shown.locator(".cx-code code").inner_text()
    kind = shown.locator("[name=kind]")
    kind.select_option("Conv1d")
    assert explorer(page, "s.shape") == [1, 5]
    kind.select_option("Conv2d")
    assert explorer(page, "s.shape") == [1, 4, 5]
    assert shown.locator(".cx-code code").inner_text() == before


def test_many_channels_are_shown_in_part(page: Page) -> None:
    shown = show(page, nn.Conv2d(64, 8, 3, padding=1), (64, 5, 5))
    box = shown.bounding_box()
    assert box
    assert box["height"] < 1300
    assert "0–1 of 64" in shown.locator(".cx-input .cx-pages").inner_text()
    assert "56 more channels" in shown.locator(".cx-sum").inner_text()
    page.get_by_role("button", name="input: later channels").click()
    assert cell(page, "input", 2, 0, 0).is_visible()
    assert cell(page, "kernel", 2, 0, 0).is_visible()
    cell(page, "input", 2, 0, 0).focus()
    page.keyboard.press("Control+End")
    assert cell(page, "input", 63, 4, 4).evaluate("node => node.matches(':focus')")


def test_filters_are_counted_and_turned(page: Page) -> None:
    shown = show(page, nn.Conv2d(3, 2, 3), (3, 4, 5), "notebook")
    title = shown.locator(".cx-kernel .cx-title")
    assert title.inner_text().split("\n")[0].replace("\xa0", " ").startswith("Filter")
    assert "1 of 2" in title.inner_text()
    page.get_by_role("button", name="Next filter").click()
    assert "2 of 2" in title.inner_text()
    assert "channel 1, row 0, column 0" in shown.locator(".cx-sum").inner_text()


def paste(page: Page, x: str, weight: str, bias: str) -> None:
    page.locator("#a .cx-own summary").click()
    for name, text in (("x", x), ("weight", weight), ("bias", bias)):
        page.locator(f"#a [name=own-{name}]").fill(text)
    page.get_by_role("button", name="Use these numbers").click()


def test_a_plain_grid_and_kernel_are_one_channel(page: Page) -> None:
    shown = show(page, nn.Conv2d(3, 2, 3), (3, 4, 5))
    paste(page, "0 1 2\n3 4 5\n6 7 8", "0 1\n2 3", "0")
    assert shown.locator(".cx-own .cx-error").inner_text() == ""
    assert shown.locator(".cx-code code").inner_text() == "nn.Conv2d(1, 1, 2)"
    numbers_shown = shown.locator("[data-panel=output] [data-c] text").all_text_contents()
    assert numbers_shown == ["19", "25", "37", "43"]  # Dive into Deep Learning, 7.2.1


def test_relu_and_bias_are_torchs(page: Page) -> None:
    torch.manual_seed(0)
    layer, x = nn.Conv2d(2, 3, 2), torch.randn(2, 3, 4)
    explored = convdocs.explore(layer, x)
    page.set_content(page_with(**explored.data))
    with torch.no_grad():
        for bias, relu in ((True, True), (False, True), (False, False)):
            page.locator("#a [name=bias]").set_checked(bias)
            page.locator("#a [name=relu]").set_checked(relu)
            y = layer(x) if bias else layer(x) - layer.bias[:, None, None]
            want = (y.relu() if relu else y).flatten().tolist()
            found = explorer(page, "values('output')")
            assert found == pytest.approx(want, abs=1e-5)
    page.locator("#a [name=relu]").check()
    o, r, k = map(int, torch.unravel_index(torch.argmin(y), y.shape))
    cell(page, "output", o, r, k).click()
    total = page.locator("#a .cx-total").inner_text()
    assert "with ReLU" in total
    assert total.endswith("= 0")
    code = page.locator("#a .cx-code code").inner_text()
    assert code == "nn.Sequential(nn.Conv2d(2, 3, 2, bias=False), nn.ReLU())"


def test_a_sum_is_not_said_twice(page: Page) -> None:
    shown = show(page, nn.Conv1d(1, 1, 2, bias=False), (1, 4))
    total = shown.locator(".cx-total")
    assert re.fullmatch(r"\s*= \W?\d+", total.inner_text())
    shown.locator("[name=bias]").set_checked(True)
    assert re.fullmatch(r"\W?\d+ \+ bias \W?\d+ = \W?\d+", total.inner_text())


@pytest.mark.parametrize("level", embed.LEVELS)
def test_a_page_chooses_what_can_be_changed(page: Page, level: str) -> None:
    setting = embed.case(nn.Conv1d(1, 1, 3, dilation=2), (1, 9), values="small")
    page.set_content(page_with(setting, controls=level))
    page.evaluate("document.querySelector('#a').shadowRoot.querySelectorAll('details')"
                  ".forEach(one => one.open = true)")  # fmt: skip
    shown = {
        name: page.locator(f"#a [name={name}]").locator("visible=true").count() > 0
        for name in ("values", "kernel", "dilation", "kind", "groups", "speed")
    }
    assert (
        shown
        == {
            "none": dict.fromkeys(shown, False),
            "basic": {**dict.fromkeys(shown, True), "kind": False, "groups": False},
            "all": dict.fromkeys(shown, True),
        }[level]
    )
    assert page.locator("#a [data-do=play]").is_visible()
