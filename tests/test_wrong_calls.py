"""A hundred wrong calls: the expert's fix comes first, and no verified fix changes the meaning."""

from __future__ import annotations

import re

import pytest
from unseen_calls import UNSEEN
from wrong_calls import CASES, WrongCall

import convdocs
from convdocs.report import Diagnosis

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def diagnosed(case: WrongCall) -> Diagnosis:
    model, *inputs = case.build()
    found = convdocs.diagnose(model, *inputs)
    assert found is not None, "it runs"
    return found


def test_there_are_a_hundred_of_them() -> None:
    assert len(CASES) == len({case.name for case in CASES}) == 100


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_experts_fix_comes_first(case: WrongCall) -> None:
    found = diagnosed(case)
    assert found.fixes, found.message
    first = found.fixes[0]
    assert re.search(case.fix, first.code) or re.search(case.fix, first.text), first
    assert first.verified or not case.verified, first
    assert re.search(case.cause, found.cause), found.cause
    for fix in found.fixes:
        assert not (fix.verified and re.search(case.never, fix.code)), fix


@pytest.mark.parametrize("name", UNSEEN)
def test_calls_that_were_not_seen_before(name: str) -> None:
    build, fix = UNSEEN[name]
    model, *inputs = build()
    found = convdocs.diagnose(model, *inputs)
    assert found is not None
    assert found.cause
    assert found.fixes, found.message
    assert not found.fixes[0].text.startswith("Or ")  # there is nothing before it
    assert re.search(fix, f"{found.fixes[0].code}\n{found.fixes[0].text}"), found.fixes[0]
