"""Every finding fires where it should, and keeps quiet where it should."""

from __future__ import annotations

import re
import sys
from math import prod
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn

from convdocs import lint
from convdocs.lint import findings
from convdocs.report import Call, Trace
from convdocs.tracing import TraceError, trace

sys.path.insert(0, str(Path(__file__).parent / "bench"))
import models

pytestmark = [
    pytest.mark.filterwarnings("ignore:Using padding='same'"),
    pytest.mark.filterwarnings("ignore:Using a target size"),
]


class Way(nn.Module):
    def __init__(self, way: Any) -> None:
        super().__init__()
        self.way = way

    def forward(self, *inputs: Tensor) -> Any:
        return self.way(*inputs)


class Parts(nn.ModuleDict):
    """Named layers, and how they are put together."""

    def __init__(self, way: Any, **layers: nn.Module) -> None:
        super().__init__(layers)
        self.way = way

    def forward(self, *inputs: Tensor) -> Any:
        return self.way(self, *inputs)


class Listed(nn.Module):
    """A layer in a plain list is no part of the model."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = [nn.Conv2d(3, 3, 3, padding=1)]
        self.last = nn.Conv2d(3, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layers[0](x))


class OwnGroupNorm(nn.GroupNorm):
    """Keeps none of its arguments, and takes them in another order."""

    def __init__(self, channels: int, **more: Any) -> None:
        super().__init__(channels, channels, **more)


class OwnPool(nn.MaxPool2d):
    pass


def images(*layers: nn.Module) -> nn.Module:
    """The layers after one that says that its input is a batch of images."""
    return nn.Sequential(nn.Conv2d(1, 4, 1), *layers)


def heads(x: Tensor) -> Tensor:
    """Heads in the batch, and out again (timm's botnet)."""
    n, c, h, w = x.shape
    folded = x.reshape(n * 2, c // 2, h * w).transpose(1, 2)
    return (folded @ folded.transpose(1, 2)).softmax(-1).reshape(n, 2, h * w, h * w)


def windows(x: Tensor) -> Tensor:
    """Windows in the batch, and out again (Swin)."""
    n, c, h, w = x.shape
    x = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
    x = x.softmax(1).view(n, h // 2, w // 2, 2, 2, c)
    return x.permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


def patches(x: Tensor) -> Tensor:
    """Patches of channels in the batch, and out again (MobileViT)."""
    n, c, h, w = x.shape
    y = x.reshape(n * c * h // 2, 2, w // 2, 2).transpose(1, 2).reshape(n, c, h * w // 4, 4)
    return y.softmax(2).view(n * c * h // 2, w // 2, 2, 2).transpose(1, 2).reshape(n, c, h, w)


def frames(net: Any, video: Tensor) -> Tensor:
    """Frames in the batch for a layer of images, and out again."""
    return net["conv"](video.flatten(0, 1)).view(*video.shape[:2], -1).mean(1)


def same(x: Tensor) -> Tensor:
    """Padding of the size that TensorFlow's 'same' gives."""
    return F.conv2d(F.pad(x, (0, 1, 0, 1)), x.new_ones(1, x.shape[1], 3, 3), stride=2)


def blurred(x: Tensor) -> Tensor:
    """An anti-aliased pool: a fixed filter behind reflected borders (timm's resnetblur)."""
    kernel = x.new_ones(x.shape[1], 1, 3, 3) / 9
    return F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), kernel, stride=2, groups=x.shape[1])


def grouped(x: Tensor) -> Tensor:
    """A group norm as a function, whose weight is a tensor too."""
    return F.group_norm(x, 1, x.new_ones(x.shape[1]), x.new_zeros(x.shape[1]))


STRIDED = {"a": nn.Conv2d(4, 4, 3, 2, 1), "b": nn.Conv2d(4, 4, 1, 2)}
CONV, NORM = nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4)
FROZEN = nn.Linear(3, 2).requires_grad_(False).forward
TWO = ((8, 1), (8,))

Cases = dict[str, list[tuple[nn.Module, tuple[Any, ...]]]]
FIRES: Cases = {
    "batch-as-channels": [
        (nn.Sequential(nn.Conv1d(10, 32, 3, padding=1), nn.MaxPool2d(1)), (2, 10, 5)),
        (nn.Sequential(nn.Conv1d(4, 8, 1), nn.ReLU(), nn.Conv2d(2, 3, 1)), (2, 4, 5)),
        (nn.Sequential(nn.Conv1d(10, 32, 3, padding=1), OwnPool(1)), (2, 10, 5)),
        (nn.AvgPool2d(1), (2, 32, 5)),
        (nn.Sequential(nn.ReLU(), nn.MaxPool3d(1)), (2, 32, 5, 6)),
        (Way(lambda x: F.max_pool2d(x, 1)), (2, 32, 5)),
    ],
    "channels-last": [
        (nn.MaxPool2d(1), (2, 32, 32, 3)),
        (nn.Conv2d(8, 4, 1), (2, 8, 32, 3)),
        (nn.Conv2d(8, 4, 1), (2, 8, 8, 4)),  # the least spatial axes, the most channels
        (nn.Conv1d(50, 4, 1), (8, 50, 2)),
        (nn.Conv1d(16, 4, 1), (8, 16, 4)),
        (images(Way(lambda x: x.permute(0, 2, 3, 1)), nn.MaxPool2d(1)), (2, 1, 8, 8)),
    ],
    "bias-before-norm": [
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.ConvTranspose1d(3, 4, 3), nn.BatchNorm1d(4)), (2, 3, 8)),
        (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), (2, 3)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.SyncBatchNorm(4)).eval(), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv1d(3, 4, 3), nn.InstanceNorm1d(4)), (2, 3, 8)),
        (nn.Sequential(CONV, Way(lambda x: F.batch_norm(x, None, None, training=True))),
         (2, 1, 3, 3)),
    ],
    "unread-cells": [
        (nn.Conv2d(3, 4, 2, stride=3), (2, 3, 8, 8)),
        (nn.Conv1d(3, 4, 3, stride=2, dilation=2), (2, 3, 9)),
        (nn.MaxPool1d(1, stride=2), (2, 3, 9)),
        (images(nn.ReLU(), nn.Conv2d(4, 4, 1, 2)), (1, 1, 8, 8)),
        # both readers step over the same cells
        (Parts(lambda net, x: net["a"](x) + net["b"](x), a=nn.Conv2d(3, 4, 1, 2),
               b=nn.Conv2d(3, 4, 1, 2)), (1, 3, 8, 8)),
    ],
    "dropped-border": [
        (nn.MaxPool1d(2), (1, 3, 7)),
        (nn.Conv2d(1, 1, 3, stride=2), (1, 1, 8, 9)),
        (nn.AvgPool2d(3, 3, 1), (1, 1, 9, 9)),
        # more cells are left over than were padded
        (images(nn.ZeroPad2d(1), nn.MaxPool2d(4)), (1, 1, 9, 9)),
        (images(Way(lambda x: F.max_pool2d(F.pad(x, (0, 1, 0, 1)), 3))), (1, 1, 7, 7)),
    ],
    "kernel-over-input": [
        (nn.Conv1d(3, 4, 9, padding=4), (2, 3, 5)),
        (nn.Conv2d(1, 1, 3, padding=2, dilation=2), (1, 1, 4, 9)),
        (nn.MaxPool2d(5, 1, 2), (1, 1, 4, 4)),
    ],
    "one-sided-padding": [(nn.Conv1d(3, 4, 4, padding="same"), (2, 3, 9))],
    "flatten-merges-batch": [
        (images(nn.Flatten(0)), (2, 1, 3, 3)),
        (images(Way(lambda x: x.view(-1, 6))), (3, 1, 3, 3)),
        (images(Way(torch.flatten)), (1, 1, 3, 3)),
        (images(Way(lambda x: x.view(-1, 18)), nn.Linear(18, 2), nn.ReLU()), (3, 1, 3, 3)),
        (images(Way(torch.flatten), nn.Linear(36, 1)), (1, 1, 3, 3)),
        (images(Way(lambda x: x.permute(2, 0, 1, 3).reshape(2, -1))), (2, 1, 3, 3)),
    ],
    "one-value-norm": [
        (images(nn.GroupNorm(4, 4)), (2, 1, 1, 1)),
        (images(OwnGroupNorm(4, eps=1e-3)), (2, 1, 1, 1)),
        (nn.LayerNorm(1), (3, 1)),
        (nn.LayerNorm((1, 1), elementwise_affine=False), (3, 1, 1)),
        (nn.RMSNorm(1), (3, 1)),
        (Way(lambda x: F.group_norm(x, 2)), (3, 2, 1)),
        (Way(lambda x: F.layer_norm(x, [1])), (3, 2, 1)),
        (images(nn.BatchNorm2d(4, track_running_stats=False).eval()), (1, 1, 1, 1)),
        (images(nn.InstanceNorm2d(4)), (2, 1, 1, 1)),
    ],
    "field-exceeds-input": [
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        (nn.Sequential(nn.AvgPool1d(8), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        (nn.Sequential(nn.AvgPool1d(8), nn.ReLU(), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        # both branches have seen all of it
        (Way(lambda x: F.conv1d(F.avg_pool1d(x, 9) + F.max_pool1d(x, 9), x.new_ones(1, 1, 3),
                                padding=1)), (1, 1, 9)),
    ],
    "unregistered-parameters": [
        (Listed(), (1, 3, 8, 8)),
        (Way(lambda x: nn.Linear(3, 2)(x)), (2, 3)),  # made anew in each run
    ],
    "broadcast-to-matrix": [
        (Way(lambda y, target: (y - target).square().mean()), TWO),
        (Way(lambda y, target: target == y), TWO),
        (Way(F.mse_loss), TWO),
        (nn.L1Loss(), TWO),
        (Parts(lambda net, x, target: (net["f"](x) - target).abs(), f=nn.Linear(5, 1)),
         ((8, 5), (8,))),
    ],
}  # fmt: skip

QUIET: Cases = {
    "batch-as-channels": [
        (nn.Sequential(nn.Conv1d(10, 32, 3, padding=1), nn.MaxPool1d(1)), (2, 10, 5)),
        (nn.MaxPool2d(2), (3, 32, 48)),  # an image by itself
        (nn.MaxPool2d(2), (8, 32, 32)),
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.MaxPool2d(2)), (3, 32, 8)),  # unbatched all along
        (nn.MaxPool1d(1), (2, 9)),
        (nn.Conv2d(2, 3, 1), (2, 32, 5)),
    ],
    "channels-last": [
        (nn.MaxPool2d(1), (2, 3, 32, 32)),
        (nn.MaxPool2d(1), (2, 64, 4, 4)),
        (nn.MaxPool2d(1), (2, 32, 32, 5)),
        (nn.MaxPool2d(1), (2, 7, 32, 3)),
        (nn.Conv1d(15, 4, 1), (8, 15, 2)),
        (nn.Conv2d(1, 4, 1), (2, 1, 128, 3)),  # three sensors over time
        (Way(lambda x: F.max_pool2d(x.view(2, 32, 32, 3), 1)), (2, 3072)),  # the model's own view
        (images(nn.MaxPool2d(1)), (2, 1, 9, 3)),
        (images(Way(lambda x: x.permute(0, 2, 3, 1).permute(0, 3, 1, 2)), nn.ReLU()), (2, 1, 8, 8)),
    ],
    "bias-before-norm": [
        (nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)), (2, 3, 8, 8)),
        (nn.Sequential(nn.Conv2d(3, 4, 3), Way(lambda x: F.relu(x) + x)), (2, 3, 8, 8)),
        # the output is read, or returned, with the bias in it too
        (Parts(lambda net, x: net["n"](y := net["c"](x)) + y, c=CONV, n=NORM), (2, 1, 8, 8)),
        (Parts(lambda net, x: (net["n"](y := net["c"](x)), y), c=CONV, n=NORM), (2, 1, 8, 8)),
        # the norm has it for its weight
        (Parts(lambda net, x: F.batch_norm(x, None, None, net["f"](x.mean(0)[None])[0], None, True),
               f=nn.Linear(3, 3)), (2, 3)),
        # the norm's channels are another axis than the bias's
        (nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(5)), (2, 5, 3)),
        (nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(6)), (3, 8)),
    ],
    "unread-cells": [
        (nn.Conv2d(3, 4, 3, stride=3), (2, 3, 9, 9)),
        (nn.Conv1d(3, 4, 3, dilation=2), (2, 3, 11)),
        (nn.ConvTranspose1d(3, 4, 2, stride=3), (2, 3, 9)),
        (models.Bottleneck(8, 4, 2), (1, 8, 8, 8)),  # the other branch reads them
        (models.Basic(8, 16, 2), (1, 8, 8, 8)),
        # the other branch reads them in front of what stands before this one
        *((Parts(lambda net, x: net["a"](x) + net["b"](net["before"](x)), before=before, **STRIDED),
           (1, 4, 8, 8)) for before in (nn.ReLU(), nn.Identity(), nn.Dropout(), nn.BatchNorm2d(4))),
        *((images(Parts(lambda net, x: net["a"](x) + net["b"](net["before"](x))[..., :4, :4],
                        before=before, **STRIDED)), (1, 1, 8, 8))
          for before in (nn.ReLU(), nn.Sequential(nn.Identity(), nn.BatchNorm2d(4), nn.ReLU()),
                         nn.ZeroPad2d(1), nn.GroupNorm(2, 4))),
        # the model returns them
        (images(Parts(lambda net, x: (x, net["b"](x)), **STRIDED)), (1, 1, 8, 8)),
        (nn.Conv1d(1, 1, 1, stride=3, padding=1, padding_mode="circular"), (1, 1, 3)),
    ],
    "dropped-border": [
        (nn.MaxPool1d(2), (1, 3, 8)),
        (nn.MaxPool1d(2, ceil_mode=True), (1, 3, 7)),
        (nn.Conv2d(1, 1, 3, stride=2, padding=1), (1, 1, 8, 8)),  # only padding is left over
        (nn.Conv1d(1, 1, 3), (1, 1, 8)),
        # what is left over was padded
        *((nn.Sequential(pad(1), nn.Conv2d(3, 4, 3, stride=2)), (1, 3, 8, 8))
          for pad in (nn.ReflectionPad2d, nn.ReplicationPad2d, nn.ZeroPad2d, nn.CircularPad2d)),
        *((images(pad(1), nn.ReLU(), nn.Conv2d(4, 4, 3, stride=2)), (1, 1, 8, 8))
          for pad in (nn.ReflectionPad2d, nn.ReplicationPad2d, nn.ZeroPad2d, nn.CircularPad2d)),
        *((net, (1, 1, 8, 8)) for way in (same, blurred) for net in (Way(way), images(Way(way)))),
        # the padding before is a copy of what is left over
        (images(nn.CircularPad2d((2, 0, 2, 0)), nn.MaxPool2d(3)), (1, 1, 9, 9)),
        (nn.Conv1d(1, 1, 3, stride=3, padding=1, padding_mode="circular"), (1, 1, 9)),
        (Way(lambda x: F.max_pool1d(torch.cat([x, x[..., -1:]], -1), 2)), (1, 1, 8)),
    ],
    "kernel-over-input": [
        (nn.Conv1d(3, 4, 5, padding=2), (2, 3, 5)),
        (nn.ConvTranspose1d(3, 4, 5), (2, 3, 2)),
        (nn.ConvTranspose1d(3, 4, 5, padding=1), (2, 3, 2)),
        (nn.AvgPool2d(64, ceil_mode=True), (2, 3, 2, 2)),  # a global pool
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
        *((images(Way(way)), (2, 1, 8, 8)) for way in (heads, windows, patches)),
        *((images(Way(way)), (1, 1, 8, 8)) for way in (heads, windows, patches)),
        (Parts(frames, conv=nn.Conv2d(3, 4, 1)), (2, 5, 3, 4, 4)),
        # of frames it is not known what a row is to be
        (Parts(lambda net, video: net["conv"](video.flatten(0, 1)).view(5, -1),
               conv=nn.Conv2d(3, 4, 1)), (2, 5, 3, 4, 4)),
        (images(Way(lambda x: x.permute(2, 0, 1, 3).reshape(3, -1))), (2, 1, 3, 3)),
        (images(Way(lambda x: x.permute(2, 0, 1, 3).reshape(2, -1))), (2, 1, 1, 3)),
        # a loss takes all numbers alike
        (images(Way(lambda x: F.mse_loss(x.view(-1), x.view(-1).tanh()))), (2, 1, 3, 3)),
    ],
    "one-value-norm": [
        (images(nn.GroupNorm(2, 4)), (2, 1, 1, 1)),
        (images(nn.BatchNorm2d(4)).eval(), (1, 1, 1, 1)),
        (images(nn.BatchNorm2d(4)), (2, 1, 1, 1)),
        (nn.LayerNorm(2), (3, 2)),
        (nn.LayerNorm((2, 1)), (3, 2, 1)),
        (Way(lambda x: F.group_norm(x, 1)), (3, 2, 1)),
        (Way(lambda x: torch.group_norm(x, 2)), (3, 2, 2)),
        (Way(lambda x: F.batch_norm(x, x.new_zeros(2), x.new_ones(2))), (1, 2, 1)),
        (images(nn.InstanceNorm2d(4, track_running_stats=True)).eval(), (2, 1, 1, 1)),
    ],
    "field-exceeds-input": [
        (nn.Sequential(nn.Conv1d(1, 1, 9, padding=4), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.Conv1d(1, 1, 1)), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.ReLU()), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 1, 17, padding=8), nn.AvgPool1d(3)), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 1, 15, padding=7), nn.ConvTranspose1d(1, 1, 3)), (1, 1, 8)),
        # the field is large enough, and lies beside one end of the input
        (nn.Sequential(nn.Conv1d(1, 1, 8, padding=7), nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8)),
        # the skip connection has seen less
        (Way(lambda x: F.conv1d(x + F.avg_pool1d(x, 17, 1, 8), x.new_ones(1, 1, 3))), (1, 1, 9)),
        # a norm's mean of all cells is no neighbourhood
        (nn.Sequential(nn.Conv1d(1, 2, 1), nn.GroupNorm(1, 2), nn.Conv1d(2, 1, 3)), (1, 1, 8)),
        (nn.Sequential(nn.Conv1d(1, 2, 1), Way(grouped), nn.Conv1d(2, 1, 3)), (1, 1, 8)),
        # nor is a gate, whose squeeze reads all of it
        (nn.Sequential(nn.Conv1d(1, 2, 1), Way(lambda x: x * x.mean(-1, keepdim=True).sigmoid()),
                       nn.Conv1d(2, 1, 3)), (1, 1, 8)),
    ],
    "unregistered-parameters": [
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(8, 2)), (1, 3, 8, 8)),
        (Parts(lambda net, x: F.linear(x, net["f"].weight), f=nn.Linear(3, 2)), (2, 3)),
        (Way(FROZEN), (2, 3)),  # a teacher that is not to learn, kept out of the model
        (nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))), (2, 3)),
    ],
    "broadcast-to-matrix": [
        (Way(lambda y, target: y.squeeze(1) - target), TWO),
        (Way(lambda y, target: y - target.unsqueeze(1)), TWO),
        (nn.CrossEntropyLoss(), (torch.zeros(8, 1), torch.zeros(8, dtype=torch.long))),
        # each against each, on purpose
        (Way(lambda x: x[:, None] - x), ((8,),)),
        (Way(lambda labels: labels.view(-1, 1) == labels), ((8,),)),
        (Way(lambda x: (x**2).sum(1, keepdim=True) + (x**2).sum(1) - 2 * x @ x.T), ((8, 3),)),
        (Way(lambda x: x * torch.arange(8.0, device=x.device)), ((8, 1),)),
        (Way(lambda y, target: y - target), ((1, 1), (1,))),
    ],
}  # fmt: skip


def codes(model: nn.Module, inputs: tuple[Any, ...]) -> list[str]:
    """What is found, whether or not the model runs; a lone shape needs no tuple around it."""
    inputs = inputs if isinstance(inputs[0], tuple | Tensor) else (inputs,)
    try:
        found = trace(model, *inputs).findings
    except TraceError as error:
        found = error.trace.findings
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("code", "model", "inputs"), [(c, *case) for c, cases in FIRES.items() for case in cases]
)
def test_fires(code: str, model: nn.Module, inputs: tuple[Any, ...]):
    assert code in codes(model, inputs)


@pytest.mark.parametrize(
    ("code", "model", "inputs"), [(c, *case) for c, cases in QUIET.items() for case in cases]
)
def test_keeps_quiet(code: str, model: nn.Module, inputs: tuple[Any, ...]):
    assert code not in codes(model, inputs)


def test_every_finding_is_tested_both_ways():
    rules = [*lint._LAYER_RULES, *lint._BORDER_RULES]
    rules += [*lint._PAIR_RULES, *lint._PARAMETER_RULES]
    rules += [rule for family in lint._RULES.values() for rule in family]
    codes = {rule.__name__.replace("_", "-") for rule in rules}
    assert codes == FIRES.keys() == QUIET.keys()


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


def test_a_norm_that_subtracts_nothing_leaves_the_sign():
    (found,) = trace(nn.RMSNorm(1), (3, 1)).findings
    assert "divided by its own size, so that only its sign is left" in found.sentence
    with torch.no_grad():
        signs = nn.RMSNorm(1)(torch.tensor([[0.5], [-3.0]])).flatten().tolist()
    assert signs == pytest.approx([1, -1])


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


def cells_said(sentence: str) -> set[int]:
    """The cells that a dropped-border finding names."""
    first, last = re.search(r"reads cells? (\d+)(?: to (\d+))? ", sentence).groups()  # type: ignore[union-attr]
    return set(range(int(first), int(last or first) + 1))


@st.composite
def passes(draw: Any, size: int) -> nn.Conv1d:
    """A convolution of positive weights, with every setting that decides what it reads."""
    kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["zeros", "zeros", "reflect", "replicate", "circular"]))
    padding = draw(st.integers(0, 3))
    assume(dilation * (kernel - 1) + 1 <= size + 2 * padding)
    conv = nn.Conv1d(1, 1, kernel, draw(st.integers(1, 5)), padding, dilation, padding_mode=mode)
    nn.init.ones_(conv.weight)
    return conv


def unread_by_gradient(model: nn.Module, x: Tensor) -> set[int]:
    """The cells of an input that no output depends on."""
    outputs = model(x.requires_grad_())
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    (gradient,) = torch.autograd.grad(sum(y.sum() for y in outputs), x)
    return set((gradient[0, 0] == 0).nonzero().flatten().tolist())


@given(st.data(), st.integers(4, 14))
def test_cells_are_unread_exactly_where_the_gradient_is_zero(data: Any, size: int):
    conv = data.draw(passes(size))
    found = [f for f in trace(conv, (1, 1, size)).findings if f.code in BORDERS]
    unread = unread_by_gradient(conv, torch.ones(1, 1, size))
    if conv.padding_mode != "zeros" and conv.padding != (0,):
        assert not found or unread  # what is padded there are copies; then it is not asked
    else:
        assert bool(unread) == bool(found)
    assert len(found) <= 1
    for finding in found:
        if finding.code == "dropped-border":
            assert cells_said(finding.sentence) == unread
        else:
            assert f"steps over {len(unread)} of the {size} cells" in finding.sentence


BORDERS = ("unread-cells", "dropped-border")
BEFORE = {
    "relu": nn.ReLU(),
    "norm": nn.GroupNorm(1, 1),
    "zeros": nn.ConstantPad1d((1, 2), 0.0),
    "reflect": nn.ReflectionPad1d((2, 1)),
    "circular": nn.CircularPad1d((1, 1)),
    "crop": Way(lambda x: x[..., 1:]),
    "every other": Way(lambda x: x[..., ::2]),
    "softmax": nn.Softmax(-1),
}


@given(st.data(), st.integers(6, 14), st.lists(st.sampled_from(sorted(BEFORE)), max_size=2))
def test_what_is_said_of_a_branch_holds_beside_the_other(data: Any, size: int, before: list[str]):
    """A cell that a finding says nobody reads has no gradient, in the tensor that branches."""
    front = nn.Sequential(*(BEFORE[name] for name in before))
    first = data.draw(passes(size))
    second = data.draw(passes(front(torch.ones(1, 1, size)).shape[-1]))
    stem = nn.Conv1d(1, 1, 1, bias=False)
    nn.init.ones_(stem.weight)
    branches = Parts(lambda net, x: (net["first"](x), net["second"](net["front"](x))),
                     first=first, second=second, front=front)  # fmt: skip
    found = trace(nn.Sequential(stem, branches), (1, 1, size)).findings
    if any(finding.code in BORDERS for finding in found):
        assert unread_by_gradient(branches, torch.linspace(1, 2, size)[None, None])


@given(st.integers(1, 4), st.integers(1, 5), st.integers(0, 2), st.integers(4, 15))
def test_the_padding_that_a_fix_names_is_the_least_that_helps(
    kernel: int, stride: int, padding: int, size: int
):
    assume(padding <= kernel // 2)
    pool = nn.MaxPool1d(kernel, stride, padding)
    found = [f for f in trace(pool, (1, 1, size)).findings if f.code == "dropped-border"]
    for finding in found:
        extra = int(re.search(r"by (\d+) at the end", finding.fix)[1])  # type: ignore[index]
        for more, helps in ((extra, True), (extra - 1, False)):
            padded = nn.Sequential(nn.Conv1d(1, 1, 1), nn.ConstantPad1d((0, more), 0.0), pool)
            assert ("dropped-border" not in codes(padded, (1, 1, size))) is helps


@given(
    st.integers(1, 7), st.integers(1, 4), st.integers(1, 6), st.integers(1, 3), st.integers(1, 5)
)
def test_idle_taps_are_those_without_a_gradient(
    kernel: int, dilation: int, padding: int, stride: int, size: int
):
    assume(dilation * (kernel - 1) + 1 <= size + 2 * padding)
    conv = nn.Conv1d(1, 1, kernel, stride, padding, dilation, bias=False)
    conv(torch.ones(1, 1, size)).sum().backward()
    idle = int((conv.weight.grad == 0).sum())
    sentences = [f.sentence for f in trace(conv, (1, 1, size)).findings if f.code == KERNEL]
    for sentence in sentences:
        words = re.search(r"and (\d+) of its (\d+) taps", sentence)
        assert (int(words[1]) if words else 0) == idle


KERNEL = "kernel-over-input"
LAYERS = {
    "conv": (lambda: nn.Conv1d(3, 4, 1), (3, 3, 5)),
    "one conv": (lambda: nn.Conv1d(3, 4, 2), (3, 6)),
    "linear": (lambda: nn.Linear(3, 4), (6, 3)),
    "long linear": (lambda: nn.Linear(3, 5), (6, 5, 3)),
    "transposed": (lambda: nn.ConvTranspose1d(3, 4, 2), (3, 3, 5)),
}
NORMS = {
    "batch": lambda channels: nn.BatchNorm1d(channels),
    "instance": lambda channels: nn.InstanceNorm1d(channels),
    "group": lambda channels: nn.GroupNorm(1, channels),
    "functional": lambda channels: Way(lambda x: F.batch_norm(x, None, None, training=True)),
    "none": lambda channels: nn.Identity(),
}


@given(st.sampled_from(sorted(LAYERS)), st.sampled_from(sorted(NORMS)), st.booleans())
def test_a_bias_does_nothing_where_its_gradient_is_zero(layer: str, norm: str, returned: bool):
    assume(norm != "instance" or layer not in ("linear", "one conv"))
    make, shape = LAYERS[layer]
    first, x = make().double(), torch.randn(shape, dtype=torch.float64)
    after = NORMS[norm](first(x).shape[1]).double()
    net = Parts(lambda net, x: (net["after"](y := net["first"](x)), y if returned else None),
                first=first, after=after)  # fmt: skip
    outputs = [y for y in net(x) if y is not None]
    sum((y * torch.randn_like(y)).sum() for y in outputs).backward()
    idle = bool((first.bias.grad.abs() < 1e-10).all())
    said = "bias-before-norm" in [f.code for f in trace(net, x).findings]
    assert said == idle or (idle and layer == "one conv")  # without a batch it is not looked for


@given(st.sampled_from(["batch", "instance", "group", "layer", "functional"]), st.booleans(),
       st.lists(st.integers(1, 3), min_size=2, max_size=4))  # fmt: skip
def test_a_norm_of_one_value_gives_the_same_whatever_comes_in(
    kind: str, training: bool, shape: list[int]
):
    dims = len(shape) - 2
    norms = {
        "batch": getattr(nn, f"BatchNorm{max(dims, 1)}d"),
        "instance": getattr(nn, f"InstanceNorm{max(dims, 1)}d"),
        "group": lambda channels: nn.GroupNorm(channels, channels),
        "layer": lambda _: nn.LayerNorm(shape[2:] or shape[1:]),
        "functional": lambda _: Way(lambda x: F.group_norm(x, 1)),
    }
    assume(dims > 0 or kind != "instance")
    net = norms[kind](shape[1]).train(training)
    try:
        x = torch.linspace(1, 2, prod(shape)).reshape(shape)
        flat = bool((net(x) - net(-x)).abs().max() < 1e-3)
    except ValueError as refused:
        assume(kind != "functional")  # a failing function keeps no settings
        flat = "Expected more than 1" in str(refused)
    assert ("one-value-norm" in codes(net, tuple(shape))) == flat


FOLDS = {
    "flatten": lambda x: x.flatten(),
    "keep": lambda x: x.flatten(1),
    "halves": lambda x: x.reshape(x.shape[0] * 2, -1),
    "halves and back": lambda x: x.reshape(x.shape[0] * 2, -1).softmax(-1).reshape(x.shape),
    "cells": lambda x: x.transpose(1, 2).reshape(-1, x.shape[1]).tanh().view(x.shape[0], -1),
    "rows": lambda x: x.reshape(-1, x.shape[2] // 2),
    "mean": lambda x: x.view(-1).mean(),
    "length first": lambda x: x.permute(2, 0, 1).reshape(x.shape[0], -1),
    "length first and back": lambda x: x.permute(2, 0, 1).tanh().transpose(0, 1).flatten(1),
}


@given(st.sampled_from(sorted(FOLDS)), st.sampled_from([2, 3, 5]))
def test_a_batch_is_merged_where_a_sample_has_no_row_of_its_own(fold: str, samples: int):
    """Asked by changing one sample: of a model that keeps them apart only its own row changes."""
    conv = nn.Conv1d(1, 4, 1)
    net = nn.Sequential(conv, Way(FOLDS[fold]))
    x = torch.randn(samples, 1, 6)
    other = x.clone()
    other[0] += 1
    before, after = net(x), net(other)
    apart = before.ndim == 0 or (
        len(before) == samples and not (before != after).reshape(samples, -1)[1:].any()
    )
    assert ("flatten-merges-batch" in codes(net, (samples, 1, 6))) is not apart


def test_the_numbers_that_no_optimizer_reaches_are_those_with_a_gradient_beside_the_model():
    net = Listed()
    net(torch.ones(1, 3, 8, 8)).sum().backward()
    count = sum(p.numel() for p in net.layers[0].parameters() if p.grad is not None)
    (found,) = trace(net, (1, 3, 8, 8)).findings
    assert f"uses {count} trainable numbers" in found.sentence


def test_one_finding_speaks_of_all_its_places():
    block = [nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)]
    net = images(*block, nn.ReLU(), *(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)), nn.MaxPool2d(2))
    bias, border = trace(net, (2, 1, 7, 7)).findings
    assert (bias.path, bias.index, bias.places) == ("1", 1, (1, 4))
    assert bias.sentence.endswith("mean. So it is in 1 more call.")
    assert (border.code, border.places) == ("dropped-border", ())
