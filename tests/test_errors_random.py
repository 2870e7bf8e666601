"""Random wrong calls: each exception of torch's is known, in torch's words, and fixes hold."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from random import Random

import pytest

sys.path.insert(0, str(Path(__file__).parent / "bench"))

from fuzz_errors import MOST_UNKNOWN, outcome, wrong_call

CALLS = 500
SEED = 14


def test_random_wrong_calls_are_diagnosed_in_torchs_words_and_hardly_one_is_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rng, unknown, failed = Random(SEED), [], 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = [outcome(wrong_call(rng)) for _ in range(CALLS)]
    for found in outcomes:
        if found is None:
            continue
        error, diagnosis = found
        failed += 1
        if diagnosis is None or diagnosis.code == "unknown":
            unknown.append(str(error))
        if diagnosis is not None:
            assert diagnosis.message == str(error)
            assert "{" not in diagnosis.cause
            assert len(diagnosis.fixes) <= 3
    with capsys.disabled():
        print(f"\n{failed} random errors, {len(unknown)} unknown")
    assert failed > 200
    assert len(unknown) <= MOST_UNKNOWN * failed, unknown
