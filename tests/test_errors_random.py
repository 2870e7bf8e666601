"""Random wrong calls: each exception of torch's is known, in torch's words, and fixes hold."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent / "bench"))

from fuzz_errors import MOST_UNKNOWN, outcome, wrong_call

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
counts: Counter[str] = Counter()


@settings(max_examples=500)
@given(st.integers(0, 2**32))
def test_a_random_wrong_call_is_diagnosed_in_torchs_words(seed: int) -> None:
    found = outcome(wrong_call(Random(seed)))
    if found is None:
        return
    error, diagnosis = found
    counts["failed"] += 1
    counts["unknown"] += diagnosis is None or diagnosis.code == "unknown"
    if diagnosis is not None:
        assert diagnosis.message == str(error)
        assert "{" not in diagnosis.cause
        assert len(diagnosis.fixes) <= 3


def test_fewer_than_one_in_a_hundred_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    if not counts["failed"]:
        pytest.skip("counts what the test above saw")
    with capsys.disabled():
        print(f"\n{counts['failed']} random errors, {counts['unknown']} unknown")
    assert counts["failed"] > 200
    assert counts["unknown"] <= MOST_UNKNOWN * counts["failed"]
