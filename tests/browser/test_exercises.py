"""Exercises in a page: what counts as right, what is said, what the browser keeps."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

CONF = """
extensions = ["myst_parser", "convdocs.sphinxext"]
html_theme = "furo"
convdocs_execute = True
"""
PAGE = """# Exercises

```{exercise}
:answer: nn.Conv1d(1, 1, 3)(torch.zeros(1, 7)).shape[-1]
:hint: Count the places.
How many?
+++
The places are counted.
```

```{exercise}
:answer: nn.Conv2d(3, 8, 3)(torch.zeros(1, 3, 7, 9)).shape
Which shape?
```

```{exercise}
:answer: dict(weights=nn.Conv2d(3, 400, 1, bias=False).weight.numel(), share=1 / 9)
How many, and which part?
```

```{exercise}
:answer: ("max" if 3 > 2 else "average")
:choices: average; max; `neither`
Which pool?
```

```{exercise}
:answer: 3 > 4
Is it?
```
"""
# the theme's own use of the storage goes on
REFUSE = """for (const name of ["getItem", "setItem"]) {
    const own = Storage.prototype[name];
    Storage.prototype[name] = function (key, ...rest) {
        if (key.includes("exercises")) throw new Error("refused");
        return own.call(this, key, ...rest);
    };
}"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("exercises")
    (folder / "conf.py").write_text(CONF, encoding="utf-8")
    (folder / "index.md").write_text(PAGE, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "-b", "html"]
    subprocess.run([*command, str(folder), str(folder / "out")], check=True)
    return Path(folder / "out" / "index.html").as_uri()


@pytest.fixture
def page(browser: Browser, built: str) -> Iterator[Page]:
    window = browser.new_context()
    opened = window.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(built)
    yield opened
    assert not faults
    window.close()


def answered(page: Page, number: int, *texts: str) -> str:
    """What the page says to an answer that is typed, or chosen by its words."""
    box = page.locator(f"#exercise-{number}")
    fields = box.locator("input[type=text]")
    if fields.count():
        for place, text in enumerate(texts):
            fields.nth(place).fill(text)
    else:
        box.get_by_label(texts[0], exact=True).check()
    box.get_by_role("button", name="Check").click()
    return box.locator("output").inner_text()


@pytest.mark.parametrize(
    ("number", "texts"),
    [
        *((1, (text,)) for text in ("5", " 5.0 ", "10/2")),
        *((2, (text,)) for text in ("1, 8, 5, 7", "(1, 8, 5, 7)", "1x8x5x7", "1 8 5 7")),
        *((3, pair) for pair in (("1200", "0.111"), ("1,200", "1/9"), ("1 200", ".1111"))),
        *((4, ("max",)), (5, ("No",))),
    ],
)
def test_right_in_each_way_of_writing_it(page: Page, number: int, texts: tuple[str, ...]) -> None:
    assert answered(page, number, *texts) == "Right."
    assert "conv-right" in str(page.locator(f"#exercise-{number}").get_attribute("class"))


@pytest.mark.parametrize(
    ("number", "texts", "words"),
    [
        (1, ("6",), "Not yet. There is a hint below."),
        (1, ("",), "Write your answer first."),
        (1, ("five",), "Write a number."),
        (2, ("8, 5, 7",), "You gave 3 numbers. The answer has another count."),
        (2, ("1, 8, 5, 8",), "Not yet."),
        (3, ("1200", "0.2"), "1 of 2 are right so far."),
        (3, ("1201", "0.2"), "Not yet."),
        (4, ("neither",), "Not this one."),
        (5, ("Yes",), "Not this one."),
    ],
)
def test_wrong_is_said_and_how(page: Page, number: int, texts: tuple[str, ...], words: str) -> None:
    assert answered(page, number, *texts) == words
    assert "conv-right" not in str(page.locator(f"#exercise-{number}").get_attribute("class"))


def test_progress_stays_in_the_browser_until_it_is_cleared(page: Page) -> None:
    said, clear = page.locator(".conv-progress"), page.get_by_role("button", name="Clear")
    assert "Solved on this page: 0 of 5" in said.inner_text()
    assert not clear.is_visible()
    answered(page, 1, "5")
    page.reload()
    assert "Solved on this page: 1 of 5" in said.inner_text()
    clear.click()
    page.reload()
    assert "Solved on this page: 0 of 5" in said.inner_text()


def test_a_browser_that_stores_nothing_checks_all_the_same(page: Page, built: str) -> None:
    page.add_init_script(REFUSE)
    page.goto(built)
    assert answered(page, 1, "5") == "Right."


def test_without_javascript_there_is_a_fold_with_the_answer(browser: Browser, built: str) -> None:
    window = browser.new_context(java_script_enabled=False)
    page = window.new_page()
    page.goto(built)
    first = page.locator("#exercise-1")
    assert not first.get_by_text("The places are counted.").is_visible()
    first.get_by_text("Solution").click()
    assert first.get_by_text("The places are counted.").is_visible()
    assert first.locator(".conv-solved").inner_text() == "5"
    assert page.locator("#exercise-4 li").all_inner_texts() == ["average", "max", "neither"]
    window.close()
