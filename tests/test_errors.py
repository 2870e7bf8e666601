"""The catalogue of errors: its entries by their own examples, its texts, its pages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

import convdocs
from convdocs.errors import catalogue
from convdocs.errors.catalogue import Entry
from convdocs.errors.examples import run_example
from convdocs.errors.failure import Failure
from convdocs.report import Diagnosis, Fix

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

from error_runs import run_call, run_fix, run_mended  # noqa: E402
from write_errors import main as write_pages  # noqa: E402

ENTRIES = {entry.code: entry for entry in catalogue.entries()}
each_entry = pytest.mark.parametrize("entry", ENTRIES.values(), ids=list(ENTRIES))

# torch warns of some of these layers before it refuses them
pytestmark = [
    pytest.mark.filterwarnings("ignore:Initializing zero-element tensors:UserWarning"),
    pytest.mark.filterwarnings("ignore:input's size at dim:UserWarning"),
    pytest.mark.filterwarnings("ignore:enable_nested_tensor is True:UserWarning"),
]

WITHOUT_NUMBERS = {"building", "training", "packed-order"}  # mistakes of the program, not of sizes

# patterns of messages that only the random calls of fuzz_errors.py bring about
BY_CHANCE = {
    ("transposed-output-too-small", "Trying to create tensor"),
    ("transposed-output-too-small", "invalid shape dimension"),
    ("dilation-not-positive", "Output size is too small"),
    ("dilation-not-positive", "resulting in an empty dimension"),
    ("negative-padding", "numel"),
    ("kernel-not-positive", "could not construct"),
    ("kernel-not-positive", "Trying to create tensor"),
    ("pool-rank", "^tuple index"),
    ("pool-kernel", "output_size must contain"),
    ("no-such-axis", "Dimension specified as"),
    ("upsample-size", "(?:division|modulo) by zero"),
}


def is_advice(fix: Fix) -> bool:
    """Whether a fix says what to do where no line of code can do it."""
    return fix.code.startswith("# ")


@cache
def run_of(code: str) -> tuple[Exception, Diagnosis]:
    return run_example(ENTRIES[code])


@cache
def run_of_call(call: str) -> tuple[Exception, Diagnosis]:
    return run_call(call)


@each_entry
def test_the_example_is_diagnosed_with_torchs_own_words(entry: Entry) -> None:
    error, found = run_of(entry.code)
    assert found.code == entry.code
    assert found.message == str(error)
    assert found.url == entry.place == f"errors/{entry.page}.html#{entry.code}"


@each_entry
def test_every_fix_is_verified_and_runs_as_pasted(entry: Entry) -> None:
    _, found = run_of(entry.code)
    assert found.fixes
    for fix in found.fixes:
        assert is_advice(fix) or (fix.verified and run_fix(entry, fix).shown), fix.code
    assert run_mended(entry).shown if entry.mended else not all(map(is_advice, found.fixes))


@each_entry
def test_texts_are_sentences_with_their_numbers_filled_in(entry: Entry) -> None:
    _, found = run_of(entry.code)
    for text in (found.cause, *(fix.text for fix in found.fixes)):
        assert not re.search(r"[{}]|\bNone\b|  |\.\.|\( ", text), text
        assert text.endswith("."), text
        assert re.match(r"[A-Z0-9'(]|\w+=|a is ", text), text
    numbers = re.search(r"\d|padding_mode|padding=|'module.'", found.cause)
    assert numbers or {entry.page, entry.code} & WITHOUT_NUMBERS, "the numbers at hand"


@pytest.mark.parametrize(
    ("code", "call"), [(entry.code, call) for entry in ENTRIES.values() for call in entry.calls]
)
def test_other_words_lead_to_the_same_entry(code: str, call: str) -> None:
    error, found = run_of_call(call)
    assert found.code == code
    assert found.message == str(error)
    assert not re.search(r"[{}]|  ", found.cause)
    assert all(fix.verified or is_advice(fix) for fix in found.fixes)


def test_words_of_other_devices_are_known() -> None:
    for entry in ENTRIES.values():
        for message in entry.other_devices:
            found = catalogue.find(Failure(message, function=entry.kind))
            assert found is not None
            assert found[0] is entry


@each_entry
def test_every_pattern_is_a_message_that_was_seen(entry: Entry) -> None:
    runs = [run_of(entry.code), *map(run_of_call, entry.calls)]
    messages = [*(str(error) for error, _ in runs), *entry.other_devices]
    for pattern in entry.patterns:
        seen = any(re.search(pattern, message) for message in messages)
        chance = any(c == entry.code and pattern.startswith(start) for c, start in BY_CHANCE)
        assert seen or chance, pattern


def test_codes_are_unique_and_plain() -> None:
    codes = [entry.code for entry in catalogue.entries()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


def test_pages_have_an_anchor_for_every_code(tmp_path: Path) -> None:
    write_pages(tmp_path)
    for family in catalogue.families():
        page = (tmp_path / f"{family.name}.md").read_text(encoding="utf-8")
        anchors = re.findall(r"(?m)^\(([a-z-]+)\)=$", page)
        assert anchors == [entry.code for entry in family.entries]
        assert page.count(":class: output") == page.count(":class: fixed") >= len(anchors)
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(#([a-z-]+)\)", index)) == set(ENTRIES)


def test_an_unchanged_page_is_not_written_again(tmp_path: Path) -> None:
    from write_errors import write

    page = tmp_path / "page.md"
    write(page, "one")
    before = page.stat().st_mtime_ns
    write(page, "one")
    assert page.stat().st_mtime_ns == before
    write(page, "two")
    assert page.read_text(encoding="utf-8") == "two"


NOTEBOOK = {
    "conv-rank": [((4,), 1), ((2, 3, 5, 6, 4, 5), 1), ((4,), 2), ((2, 3, 5, 6, 4, 5), 2)],
    "channels-mismatch": [((2, 4, 5), 1), ((2, 4, 5, 5), 2)],
    "kernel-larger-than-input": [((2, 3, 2), 1), ((2, 3, 2, 2), 2)],
}


@pytest.mark.parametrize(
    ("code", "shape", "dims"),
    [(code, shape, dims) for code, cases in NOTEBOOK.items() for shape, dims in cases],
)
def test_the_notebooks_eight_errors(code: str, shape: tuple[int, ...], dims: int) -> None:
    layer = (nn.Conv1d, nn.Conv2d)[dims - 1](3, 2, 3)
    found = convdocs.diagnose(layer, torch.zeros(shape))
    assert found is not None
    assert found.code == code
    assert found.fixes[0].verified


def test_the_notebooks_messages_are_the_ones_diagnosed() -> None:
    cells = json.loads((ROOT / "docs" / "_ext" / "notebook_cells.json").read_text(encoding="utf-8"))
    printed = [cell["output"].strip() for cell in cells if "incorrect input" in cell["source"]]
    assert len(printed) >= 4
    for message in printed:
        found = catalogue.find(Failure(message))
        assert found is not None
        assert found[0].code in NOTEBOOK


WRONG = {
    'heading = "No matrix"': "unexpected keyword argument 'heading'",
    'fixes = ["no_such_fix"]': "there is no strategy 'no_such_fix'",
    'when = ["not no_such_thing"]': "there is no condition 'no_such_thing'",
    'cause = ["{no_such_fact} is odd."]': "there is no fact 'no_such_fact'",
    'fixes = [{ use = "change", text = "{got}", wrong = "{no_such_fact}" }]': "'no_such_fact'",
    'fixes = [{ use = "change", words = "Use none." }]': "missing 1 required",
}


@pytest.mark.parametrize(("line", "words"), WRONG.items())
def test_what_an_entry_says_wrong_is_named_with_its_file(
    tmp_path: Path, line: str, words: str
) -> None:
    lines = {
        "title": '"No matrix"', "patterns": '["matrix (?P<got>.*)"]', "example": '"x"',
        "cause": '["It is {got}, {shape}, {kernel_size}."]', "fixes": '["no_batch"]',
    }  # fmt: skip
    kept = [f"{key} = {value}" for key, value in lines.items() if f"{key} =" not in line]
    head = 'title = "Matrices"\nmistake = "A matrix is none"\nintro = "Two axes."\n'
    path = tmp_path / "matrices.toml"
    path.write_text("\n".join([head, "[no-matrix]", *kept, line]), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"matrices\.toml, no-matrix: .*{re.escape(words)}"):
        catalogue.read(path)


def test_a_family_without_its_texts_is_named_with_its_file(tmp_path: Path) -> None:
    path = tmp_path / "matrices.toml"
    path.write_text('title = "Matrices"\nnote = "Two axes."', encoding="utf-8")
    with pytest.raises(ValueError, match=r"matrices\.toml"):
        catalogue.read(path)


def test_every_file_of_entries_is_read_once_and_when_it_is_asked_for() -> None:
    folder = Path(catalogue.__file__).parent / "entries"
    assert {path.stem for path in folder.glob("*.toml")} == {
        one.name for one in catalogue.families()
    }
    assert catalogue.families() is catalogue.families()
    code = (
        "from convdocs.errors import catalogue, diagnosis; print(catalogue.families.cache_info())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "currsize=0" in done.stdout
