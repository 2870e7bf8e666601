"""Every finding fires where it should, and keeps quiet where it should."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from convdocs.lint import findings
from convdocs.report import Call, Trace
from convdocs.tracing import TraceError, trace

sys.path.insert(0, str(Path(__file__).parent / "bench"))
import models

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")


class Way(nn.Module):
    def __init__(self, way: Any) -> None:
        super().__init__()
        self.way = way

    def forward(self, x: Tensor) -> Any:
        return self.way(x)


def codes(model: nn.Module, *shapes: tuple[int, ...]) -> list[str]:
    return [found.code for found in trace(model, *shapes).findings]


def images(*layers: nn.Module) -> nn.Module:
    """The layers after one that says that its input is a batch of images."""
    return nn.Sequential(nn.Conv2d(1, 4, 1), *layers)


SHORT = nn.Sequential(nn.Conv2d(1, 1, 1, 2), nn.Conv2d(1, 1, 1, 2))
FIRES: dict[str, list[tuple[nn.Module, tuple[int, ...]]]] = {
    "batch-as-channels": [
        (nn.Sequential(nn.Conv1d(10, 32, 3, padding=1), nn.MaxPool2d(1)), (2, 10, 5)),
        (nn.Sequential(nn.Conv1d(4, 8, 1), nn.ReLU(), nn.Conv2d(2, 3, 1)), (2, 4, 5)),
        (nn.AvgPool2d(1), (2, 32, 5)),
        (nn.Sequential(nn.ReLU(), nn.MaxPool3d(1)), (2, 32, 5, 6)),
    ],
    "channels-last": [
        (nn.MaxPool2d(1), (2, 32, 32, 3)),
        (nn.Conv2d(8, 4, 1), (2, 8, 32, 3)),
        (nn.Conv1d(50, 4, 1), (8, 50, 2)),
        (images(Way(lambda x: x.permute(0, 2, 3, 1)), nn.MaxPool2d(1)), (2, 1, 8, 8)),
    ],
    "bias-before-norm": [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.ConvTranspose1d(3, 4, 3), nn.BatchNorm1d(4)), (2, 3, 8)),
        (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), (2, 3)),
    ],
    "unread-cells": [
        (nn.Conv2d(3, 4, 2, stride=3), (2, 3, 8, 8)),
        (nn.Conv1d(3, 4, 3, stride=2, dilation=2), (2, 3, 9)),
        (nn.MaxPool1d(1, stride=2), (2, 3, 9)),
    ],
    "dropped-border": [
        (nn.MaxPool1d(2), (1, 3, 7)),
        (nn.Conv2d(1, 1, 3, stride=2), (1, 1, 8, 9)),
        (nn.AvgPool2d(3, 3, 1), (1, 1, 9, 9)),
    ],
    "kernel-over-input": [
        (nn.Conv1d(3, 4, 9, padding=4), (2, 3, 5)),
        (nn.Conv2d(1, 1, 3, padding=2, dilation=2), (1, 1, 4, 9)),
    ],
    "one-sided-padding": [(nn.Conv1d(3, 4, 4, padding="same"), (2, 3, 9))],
    "flatten-merges-batch": [
        (images(nn.Flatten(0)), (2, 1, 3, 3)),
        (images(Way(lambda x: x.view(-1, 6))), (3, 1, 3, 3)),
        (images(Way(torch.flatten)), (1, 1, 3, 3)),
    ],
    "one-value-norm": [
        (images(nn.GroupNorm(4, 4)), (2, 1, 1, 1)),
        (nn.LayerNorm(1), (3, 1)),
        (Way(lambda x: F.group_norm(x, 2)), (3, 2, 1)),
    ],
    "field-exceeds-input": [
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        (nn.Sequential(nn.AvgPool1d(8), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
    ],
}  # fmt: skip

QUIET: dict[str, list[tuple[nn.Module, tuple[int, ...]]]] = {
    "batch-as-channels": [
        (nn.Sequential(nn.Conv1d(10, 32, 3, padding=1), nn.MaxPool1d(1)), (2, 10, 5)),
        (nn.MaxPool2d(2), (3, 32, 48)),  # an image by itself
        (nn.MaxPool2d(2), (8, 32, 32)),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2)), (3, 32, 8)),  # unbatched all along
        (nn.MaxPool1d(1), (2, 9)),
    ],
    "channels-last": [
        (nn.MaxPool2d(1), (2, 3, 32, 32)),
        (nn.MaxPool2d(1), (2, 64, 4, 4)),
        (images(nn.MaxPool2d(1)), (2, 1, 9, 3)),
        (images(Way(lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2)), nn.ReLU()), (2, 1, 8, 8)),
    ],
    "bias-before-norm": [
        (nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), Way(lambda x: F.relu(x) + x)), (2, 3, 8, 8)),
    ],
    "unread-cells": [
        (nn.Conv2d(3, 4, 3, stride=3), (2, 3, 9, 9)),
        (nn.Conv1d(3, 4, 3, dilation=2), (2, 3, 11)),
        (nn.ConvTranspose1d(3, 4, 2, stride=3), (2, 3, 9)),
        (models.Bottleneck(8, 4, 2), (1, 8, 8, 8)),  # the other branch reads them
        (models.Basic(8, 16, 2), (1, 8, 8, 8)),
    ],
    "dropped-border": [
        (nn.MaxPool1d(2), (1, 3, 8)),
        (nn.MaxPool1d(2, ceil_mode=True), (1, 3, 7)),
        (nn.Conv2d(1, 1, 3, stride=2, padding=1), (1, 1, 8, 8)),  # only padding is left over
        (nn.Conv1d(1, 1, 3), (1, 1, 8)),
    ],
    "kernel-over-input": [
        (nn.Conv1d(3, 4, 5, padding=2), (2, 3, 5)),
        (nn.ConvTranspose1d(3, 4, 5), (2, 3, 2)),
    ],
    "one-sided-padding": [
        (nn.Conv1d(3, 4, 3, padding="same"), (2, 3, 9)),
        (nn.Conv1d(3, 4, 4, padding=1), (2, 3, 9)),
        (nn.Conv1d(3, 4, 4, padding="same", dilation=2), (2, 3, 9)),
    ],
    "flatten-merges-batch": [
        (images(nn.Flatten()), (2, 1, 3, 3)),
        (images(Way(lambda x: x.view(2, -1))), (2, 1, 3, 3)),
        # one row per cell, the features kept: what a loss over pixels takes
        (images(Way(lambda x: x.permute(0, 2, 3, 1).reshape(-1, 4))), (2, 1, 3, 3)),
        (Way(torch.flatten), (2, 3)),  # nothing says that the first axis is a batch
    ],
    "one-value-norm": [
        (images(nn.GroupNorm(2, 4)), (2, 1, 1, 1)),
        (images(nn.BatchNorm2d(4)).eval(), (1, 1, 1, 1)),
        (nn.LayerNorm(2), (3, 2)),
        (Way(lambda x: F.group_norm(x, 1)), (3, 2, 1)),
    ],
    "field-exceeds-input": [
        (nn.Sequential(nn.Conv1d(1, 1, 9, padding=4), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.Conv1d(1, 1, 1)), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.ReLU()), (1, 1, 8)),
        # the skip connection has seen less
        (Way(lambda x: F.conv1d(x + F.avg_pool1d(x, 17, 1, 8), x.new_ones(1, 1, 3))), (1, 1, 9)),
    ],
}


@pytest.mark.parametrize(
    ("code", "model", "shape"), [(c, *case) for c, cases in FIRES.items() for case in cases]
)
def test_fires(code: str, model: nn.Module, shape: tuple[int, ...]):
    assert code in codes(model, shape)


@pytest.mark.parametrize(
    ("code", "model", "shape"), [(c, *case) for c, cases in QUIET.items() for case in cases]
)
def test_keeps_quiet(code: str, model: nn.Module, shape: tuple[int, ...]):
    assert code not in codes(model, shape)


def test_every_finding_is_tested_both_ways():
    rules = Path(findings.__code__.co_filename).parent.glob("*.py")
    calls = [
        node
        for path in rules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "finding"
    ]
    written = {node.args[0].value for node in calls if isinstance(node.args[0], ast.Constant)}
    assert written == FIRES.keys() == QUIET.keys()


@pytest.mark.parametrize(
    "make",
    [
        models.AlexNet, models.VGG, models.resnet18, models.resnet50, models.resnet152,
        models.densenet201, models.efficientnet_b4, models.UNet,
    ],
)  # fmt: skip
def test_nothing_fires_on_networks_as_published(make: Any):
    with torch.device("meta"):
        model = make()
    assert codes(model, (2, 3, 224, 224)) == []


def test_the_sentences():
    net = nn.Sequential(nn.Conv1d(10, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
    batch, border = trace(net, (2, 10, 5)).findings
    assert str(batch) == (
        "2: MaxPool2d(2) reads (2, 32, 5) as one sample (C=2, H=32, W=5), so the batch of 2 is "
        "taken for channels. Use MaxPool1d for (N, C, L). [batch-as-channels]"
    )
    assert str(border) == (
        "2: MaxPool2d(2) never reads cell 4 of the 5 along W: its last window ends before. Pad the "
        "input by 1 at the end or use ceil_mode=True, or crop it on purpose. [dropped-border]"
    )
    (both,) = trace(nn.Conv2d(3, 4, 3, stride=3, bias=False), (2, 3, 11, 11)).findings
    assert both.sentence == (
        "Conv2d(3, 4, 3, stride=3, bias=False) never reads cells 9 to 10 of the 11 along H and W: "
        "its last window ends before."
    )


def test_a_fix_mends_what_it_is_for():
    assert codes(nn.MaxPool1d(2, ceil_mode=True), (1, 3, 7)) == []
    assert codes(nn.Sequential(nn.ConstantPad1d((0, 1), 0.0), nn.MaxPool1d(2)), (1, 3, 7)) == []
    assert codes(nn.Conv1d(3, 4, 5, padding="same"), (2, 3, 9)) == []
    assert "channels-last" not in codes(nn.MaxPool2d(1), (2, 3, 32, 32))


def test_a_failure_is_read_too():
    """Batch norm on one value is no silent mistake: torch refuses. What came before may be one."""
    net = nn.Sequential(nn.Conv1d(2, 4, 1), nn.BatchNorm1d(4))
    with pytest.raises(TraceError, match="Expected more than 1 value per channel") as raised:
        trace(net, (1, 2, 1))
    found = {one.code: one.path for one in raised.value.trace.findings}
    assert found == {"bias-before-norm": "0", "one-value-norm": "1"}


def test_a_long_axis_costs_nothing():
    assert codes(nn.MaxPool1d(3), (1, 1, 10**9)) == ["dropped-border"]
    assert codes(nn.Conv1d(1, 1, 2, stride=4, bias=False), (1, 1, 10**9)) == []


def test_findings_come_in_the_order_of_their_calls():
    net = images(nn.Flatten(0))
    found = trace(net, (2, 1, 5, 5)).findings
    assert [one.index for one in found] == sorted(one.index for one in found)


def test_a_trace_without_calls():
    assert findings(Trace("Net")) == ()
    lone = Call(0, "", "Flatten", "Flatten()", (), ())
    assert findings(Trace("Net", calls=(lone,))) == ()
