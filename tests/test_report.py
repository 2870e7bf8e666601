"""A trace is plain data."""

from __future__ import annotations

import builtins
import json
import pickle
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from torch import nn

from convdocs.report import Trace
from convdocs.tracing import trace


@pytest.fixture(scope="module")
def told() -> Trace:
    """With findings, notes on sharing, uneven fields, and layers of all kinds."""
    conv = nn.Conv1d(2, 2, 4, padding="same")
    net = nn.Sequential(
        conv, nn.BatchNorm1d(2), conv, nn.Upsample(scale_factor=3), nn.MaxPool1d(2),
        nn.AdaptiveAvgPool1d(5), nn.Flatten(), nn.LazyLinear(2),
    )  # fmt: skip
    return trace(net, (2, 2, 7))


def test_frozen_equal_hashable(told: Trace):
    with pytest.raises(FrozenInstanceError):
        told.params = 3  # type: ignore[misc]
    again = Trace.from_dict(told.to_dict())
    assert again == told
    assert hash(again) == hash(told)
    assert len({again, told}) == 1


def test_pickles(told: Trace):
    assert pickle.loads(pickle.dumps(told)) == told


def test_json_there_and_back(told: Trace):
    assert Trace.from_dict(json.loads(told.to_json())) == told
    assert json.loads(told.to_json(indent=2))["schema"] == 1


def test_another_schema_is_refused(told: Trace):
    data = {**told.to_dict(), "schema": 99}
    with pytest.raises(ValueError, match="schema version 99; this convdocs reads version 1"):
        Trace.from_dict(data)
    with pytest.raises(ValueError, match="schema version None"):
        Trace.from_dict({})


def test_dataframe(told: Trace):
    frame = told.to_dataframe()
    assert list(frame.index) == [call.index for call in told.calls]
    assert list(frame["kind"][:2]) == ["Conv1d", "BatchNorm1d"]
    assert frame["macs"].dtype.kind in "iO"


def test_dataframe_without_pandas(told: Trace, monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_dataframe\(\) needs pandas: pip install pandas"):
        told.to_dataframe()


def test_importing_the_report_loads_no_torch():
    import subprocess
    import sys

    code = "import sys, convdocs.report, convdocs.receptive; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_builtins_alone_in_the_dict(told: Trace):
    def check(value: Any) -> None:
        assert type(value).__module__ == builtins.__name__
        for one in (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        ):
            check(one)

    check(told.to_dict())
