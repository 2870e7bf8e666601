"""README.md's first screen: what it shows is what the package prints today."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def readme():
    spec = importlib.util.spec_from_file_location("readme", ROOT / "docs" / "readme_picture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["trace", "diagnosis"])
def test_a_block_is_what_is_printed_today(readme, name):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.partition(f"<!-- {name} -->\n```text\n")[2].partition("\n```")[0]
    assert block == readme.texts()[name].rstrip(), "renew: python docs/readme_picture.py"
    assert max(map(len, block.splitlines())) <= 90


def test_the_picture_is_described(readme):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    picture = readme.PICTURE.relative_to(ROOT).as_posix()
    assert readme.PICTURE.exists()
    assert f'<img src="{picture}" width="{readme.WIDTH}" alt="The layer explorer' in text
