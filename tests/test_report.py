"""A trace is plain data."""

from __future__ import annotations

import builtins
import json
import pickle
import re
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
from torch import nn

import convdocs
from convdocs.report import Diagnosis, Trace
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
    assert json.loads(told.to_json(indent=2))["schema"] == 2


def test_another_schema_is_refused(told: Trace):
    data = {**told.to_dict(), "schema": 99}
    with pytest.raises(ValueError, match="schema version 99; this convdocs reads versions 1 and 2"):
        Trace.from_dict(data)
    with pytest.raises(ValueError, match="schema version None"):
        Trace.from_dict({})


SINCE = ("output_dtypes", "trainable", "local_fields", "family", "settings", "unregistered")


def first_version(trace: Trace) -> dict[str, Any]:
    """What convdocs 0.1.0 wrote."""
    data = trace.to_dict()
    data["schema"] = 1
    for name in ("modules", "failed", "error", "diagnosis", "output_sources"):
        del data[name]
    for call in data["calls"]:
        for name in SINCE:
            del call[name]
    for finding in data["findings"]:
        del finding["places"]
    return data


def test_the_first_version_is_still_read(told: Trace):
    again = Trace.from_dict(first_version(told))
    assert [call.code for call in again.calls] == [call.code for call in told.calls]
    assert [call.receptive_field for call in again.calls] == [
        call.receptive_field for call in told.calls
    ]
    assert again.calls[0].trainable is None  # not said, which is not 0
    assert "Conv1d(2, 2, 4, padding='same')" in str(again)


GARBAGE = {
    "calls[2].output_shapes[0][1]: expected a whole number, not 2.5": (
        ["calls", 2, "output_shapes", 0, 1], 2.5),
    "calls[0].windows[0].padding: expected 2 items, not 3": (
        ["calls", 0, "windows", 0, "padding"], [1, 2, 3]),
    "calls[1].receptive_field[0].status: expected 'exact' or 'upper bound'": (
        ["calls", 1, "receptive_field", 0, "status"], "perhaps"),
    'calls[3].receptive_field[0].stride: expected a fraction such as "1/2", not \'half\'': (
        ["calls", 3, "receptive_field", 0, "stride"], "half"),
    "calls[1]: expected an object, not None": (["calls", 1], None),
    "calls: expected a list, not 'none'": (["calls"], "none"),
    "executed: expected 'shapes' or 'values', not 'twice'": (["executed"], "twice"),
    "calls[4].sources: there are 8 calls": (["calls", 4, "sources"], [99]),
    "modules[1]: there are 8 calls": (["modules", 1, "last"], 70),
    "params: expected a whole number, not True": (["params"], True),
    "calls[0].settings[0][1]: expected numbers or texts, not {}": (
        ["calls", 0, "settings", 0, 1], {}),
    "macs2: Trace has no such field": (["macs2"], 1),
}  # fmt: skip


@pytest.mark.parametrize("message", GARBAGE)
def test_garbage_is_refused_with_its_place(told: Trace, message: str):
    (*way, last), value = GARBAGE[message]
    data = json.loads(told.to_json())
    inside: Any = data
    for step in way:
        inside = inside[step]
    inside[last] = value
    with pytest.raises(ValueError, match=re.escape(message)):
        Trace.from_dict(data)


@pytest.mark.parametrize("data", [None, [], "x", 3, {"schema": 2}, {"schema": True}])
def test_what_is_no_trace_at_all_is_a_value_error(data: Any):
    for record in (Trace, Diagnosis):
        with pytest.raises(ValueError, match=r"."):
            record.from_dict(data)


def test_a_run_that_failed_and_its_diagnosis_are_one_document():
    with pytest.raises(convdocs.TraceError) as raised:
        convdocs.trace(nn.Sequential(nn.ReLU(), nn.Conv1d(3, 2, 3)), (2, 4, 5))
    trace, diagnosis = raised.value.trace, raised.value.diagnosis
    assert trace.failed == raised.value.call
    data = json.loads(json.dumps(diagnosis.to_dict()))
    assert Trace.from_dict(data) == trace
    assert Diagnosis.from_dict(data) == diagnosis
    assert {**data, "diagnosis": None} == json.loads(trace.to_json())
    with pytest.raises(ValueError, match="diagnosis: missing; this is a trace's data"):
        Diagnosis.from_dict(trace.to_dict())


def test_a_diagnosis_without_a_model_comes_back():
    def build() -> nn.Module:
        return nn.Conv2d(3, 8, 3, groups=2)

    found = convdocs.diagnose(build)
    assert found is not None
    assert Diagnosis.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    with pytest.raises(ValueError, match="model"):
        Trace.from_dict(found.to_dict())


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

    code = "import sys, convdocs.report, convdocs.view.shown; print('torch' in sys.modules)"
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
