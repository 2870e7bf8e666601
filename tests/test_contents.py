"""No page and no example drops out of the site unnoticed."""

import json

import pytest
from contents import RECORD, SITE, contents

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not SITE.exists(), reason="the site is not built: nox -s docs"),
]
Held = dict[str, dict[str, int]]


def fewer(before: Held, after: Held) -> list[str]:
    """What ``before`` held and ``after`` does not."""
    gone = [f"the page {page}" for page in before if page not in after]
    for page in before.keys() & after.keys():
        for kind, number in before[page].items():
            left = after[page].get(kind, 0)
            gone += [f"{number - left} of {number} {kind} of {page}"] if left < number else []
    return sorted(gone)


@pytest.fixture(scope="module")
def held() -> tuple[Held, Held]:
    return json.loads(RECORD.read_text(encoding="utf-8")), contents()


def test_nothing_is_missing(held):
    recorded, found = held
    assert not fewer(recorded, found), "if that is meant: python tests/contents.py"


def test_what_is_new_is_recorded(held):
    recorded, found = held
    assert not fewer(found, recorded), "record what is new: python tests/contents.py"


def test_what_goes_is_named():
    before = {"a": {"examples": 3}, "b": {"pictures": 1, "code": 2}, "c": {}}
    after = {"a": {"examples": 4}, "b": {"code": 1}}
    assert fewer(before, after) == ["1 of 1 pictures of b", "1 of 2 code of b", "the page c"]
