"""A real network drawn by blocks: few boxes, its branches, and sizes that are right."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from torch import nn

import convdocs
from convdocs import draw
from convdocs.draw.blocks import MOST_BOXES, boxes_of, by_blocks
from convdocs.report import Trace

sys.path.insert(0, str(Path(__file__).with_name("bench")))
import models

PAGE = 552 / 72, 12  # inches
PHONE = 350 / 72


@pytest.fixture(scope="module")
def resnet() -> Trace:
    return convdocs.trace(models.resnet152(), (1, 3, 224, 224))


def test_each_stage_is_a_box_and_says_what_is_inside(resnet: Trace):
    blocks = by_blocks(resnet, 1).calls
    assert [(call.path, call.code) for call in blocks[4:8]] == [
        ("layer1", "Sequential of 3 × Bottleneck"),
        ("layer2", "Sequential of 8 × Bottleneck"),
        ("layer3", "Sequential of 36 × Bottleneck"),
        ("layer4", "Sequential of 3 × Bottleneck"),
    ]
    assert [call.output_shapes[0] for call in blocks[4:8]] == [
        (1, 256, 56, 56), (1, 512, 28, 28), (1, 1024, 14, 14), (1, 2048, 7, 7),
    ]  # fmt: skip
    assert [call.sources for call in blocks] == [(-1,), *((place,) for place in range(10))]
    deeper = by_blocks(resnet, 2).calls
    assert [call.code for call in deeper[4:8]][1] == "2 × Bottleneck"
    assert len(by_blocks(resnet, 9).calls) < len(resnet.calls)  # what repeats is one


@pytest.mark.parametrize("name", ["resnet152", "densenet201", "efficientnet_b4"])
def test_left_alone_a_real_network_has_few_boxes_and_fits(name: str):
    trace = convdocs.trace(getattr(models, name)(), (1, 3, 224, 224))
    assert 5 < len(boxes_of(by_blocks(trace, None))) <= MOST_BOXES
    figure = draw.stack(trace)
    assert figure.get_figwidth() <= PAGE[0] + 0.01
    assert figure.get_figheight() <= PAGE[1]
    assert figure.narrow().get_figwidth() <= PHONE + 0.01


def test_the_skips_of_a_unet_are_drawn():
    trace = convdocs.trace(models.UNet((4, 8, 16)), (1, 3, 32, 32))
    blocks = {call.path: call for call in by_blocks(trace, 1).calls}
    joins = [call for call in by_blocks(trace, 1).calls if call.kind == "cat"]
    assert [sorted(call.sources) for call in joins] == [
        [blocks["down.1"].index, blocks["up.0"].index],
        [blocks["down.0"].index, blocks["up.1"].index],
    ]
    words = draw.describe(draw.stack(trace, depth=1))
    assert "cat([x, y], 1) gives (1, 16, 16, 16) from" in words


def test_a_small_network_stays_as_it_is():
    trace = convdocs.trace(nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU()), (1, 3, 9))
    assert by_blocks(trace, None) == trace
