"""The notebook's lost pictures: those on the pages are those of the real layers and inputs."""

import re
from pathlib import Path

import pytest
import torch
from bs4 import BeautifulSoup
from torch import nn

from convdocs import draw

ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "docs" / "gallery"
SITE = ROOT / "docs" / "_build" / "html"

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not SITE.exists(), reason="the site is not built: nox -s docs"),
]


def seeded(make, *args, **settings):
    torch.manual_seed(42)
    return make(*args, **settings)


def one_d(**settings):
    return seeded(nn.Conv1d, 3, 2, 3, **settings), seeded(torch.randn, 2, 3, 4)


def two_d(**settings):
    return seeded(nn.Conv2d, 3, 2, (3, 3), **settings), seeded(torch.randn, 3, 4, 5)


PICTURES = [
    ("conv1d/images/sphx_glr_conv1d_outputs_001", *one_d(), (0, 0, 0)),
    ("conv1d/images/sphx_glr_conv1d_outputs_002", *one_d(padding=1), (0, 0, 0)),
    ("conv2d/images/sphx_glr_conv2d_outputs_001", *two_d(), (0, 0, 0)),
    ("conv2d/images/sphx_glr_conv2d_outputs_002", *two_d(), (1, 0, 0)),
    ("conv2d/images/sphx_glr_conv2d_outputs_003", *two_d(padding=1), (0, 0, 0)),
    ("conv2d/images/sphx_glr_conv2d_outputs_004", *two_d(padding=1), (1, 3, 4)),
]


@pytest.mark.parametrize(("name", "layer", "x", "at"), PICTURES, ids=[p[0][-15:] for p in PICTURES])
def test_picture_is_drawn_from_the_layer(name, layer, x, at):
    light = (GALLERY / f"{name}.svg").read_text(encoding="utf-8")
    assert light == draw.svg(draw.layer(layer, x, at=at))
    assert (GALLERY / f"{name}_dark.svg").read_text(encoding="utf-8") == draw.dark(light)


@pytest.mark.parametrize(("name", "layer", "x", "at"), PICTURES, ids=[p[0][-15:] for p in PICTURES])
def test_words_end_in_the_layer_s_own_number(name, layer, x, at):
    section, file = name.split("/")[0], name.split("/")[-1]
    page = SITE / "gallery" / section / f"{section}_outputs.html"
    soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
    image = soup.find("img", src=re.compile(rf"{file}\.svg$"))
    last = re.findall(r"[-−]?\d+\.\d+", image["alt"])[-1].replace("−", "-")
    assert float(last) == pytest.approx(layer(x)[at].item(), abs=5.1e-5)
