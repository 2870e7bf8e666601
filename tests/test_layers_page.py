"""The reference of layers against the signatures of torch's own classes."""

import inspect
import re
from pathlib import Path

import pytest
from torch import nn

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "layers.md"
SECTION = re.compile(r"^## (?P<title>.+)\n(?P<body>(?s:.*?))(?=^## |\Z)", flags=re.MULTILINE)
OPTION = re.compile(r"^\| `(\w+)` \| [^|]* \| (?:`([^`]+)`)? *\|", flags=re.MULTILINE)
SECTIONS = {
    part["title"]: dict(OPTION.findall(part["body"]))
    for part in SECTION.finditer(PAGE.read_text(encoding="utf-8"))
}
NAMES = [(name, title) for title in SECTIONS for name in title.split(", ") if hasattr(nn, name)]


def options(name: str) -> dict[str, str]:
    """Each option of a class with its default in Python, empty where it has none."""
    declared = list(inspect.signature(getattr(nn, name)).parameters.values())
    return {
        one.name: "" if one.default is one.empty else repr(one.default)
        for one in declared
        if not one.name.startswith("_")
    }


@pytest.mark.parametrize(("name", "title"), NAMES)
def test_every_option_and_default_of_a_layer_is_listed(name: str, title: str) -> None:
    written, known = SECTIONS[title], options(name)
    assert written == known


def test_every_layer_that_slides_a_window_has_a_section() -> None:
    kinds = r"(Conv|ConvTranspose|(Adaptive)?(Max|Avg|LP)Pool|FractionalMaxPool|MaxUnpool)[123]d"
    sliding = {name for name in vars(nn) if re.fullmatch(kinds, name)}
    assert sliding | {"Unfold", "Fold", "Upsample"} == {name for name, _ in NAMES}


def test_the_table_of_who_has_which_option_is_torch_s() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## Which option exists where")[2]
    table = text.strip().split("\n\n")[0].split("\n")
    head, _, *lines = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    kinds = [getattr(nn, f"{cell.strip('`')}2d") for cell in head[1:]]
    assert len(lines) == 11
    for option, *cells in lines:
        for kind, cell in zip(kinds, cells, strict=True):
            has = option.strip("`") in inspect.signature(kind).parameters
            assert cell == ("yes" if has else "–"), (option, kind)
