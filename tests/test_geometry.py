"""One axis of a window, against torch's layers and the published numbers."""

import ast
import math
import re
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from convdocs.geometry import PADDING_MODES, Window, same_padding, source

FEW = st.integers(1, 4)


@given(st.integers(1, 12), FEW, FEW, st.integers(0, 4), st.integers(1, 3))
def test_output_size_of_a_convolution(size, kernel, stride, padding, dilation):
    window = Window(kernel, stride, (padding, padding), dilation)
    cells = window.output_size(size)
    if size + 2 * padding < window.span:
        assert cells < 1
        return
    layer = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
    assert layer(torch.zeros(1, size)).shape[-1] == cells


@given(st.integers(1, 12), FEW, FEW, st.integers(0, 2), st.integers(1, 3), st.booleans())
def test_output_size_of_a_pool(size, kernel, stride, padding, dilation, ceil_mode):
    window = Window(kernel, stride, (padding, padding), dilation, ceil_mode=ceil_mode)
    if padding > kernel // 2 or size + 2 * padding < window.span:
        return
    pool = nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    assert pool(torch.zeros(1, size)).shape[-1] == window.output_size(size)


@given(st.integers(1, 6), FEW, FEW, st.integers(0, 2), st.integers(1, 3), st.integers(0, 2))
def test_output_size_of_a_transposed_convolution(size, kernel, stride, padding, dilation, extra):
    window = Window(kernel, stride, (padding, padding), dilation, extra, transposed=True)
    if extra >= max(stride, dilation) or window.output_size(size) < 1:
        return
    layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding, extra, dilation=dilation)
    assert layer(torch.zeros(1, size)).shape[-1] == window.output_size(size)


# input, output, padding, kernel, stride, dilation: "A guide to convolution arithmetic"
ARITHMETIC = [
    (4, 2, 0, 3, 1, 1),
    (5, 6, 2, 4, 1, 1),
    (5, 5, 1, 3, 1, 1),
    (5, 7, 2, 3, 1, 1),
    (5, 2, 0, 3, 2, 1),
    (5, 3, 1, 3, 2, 1),
    (6, 3, 1, 3, 2, 1),
    (7, 3, 0, 3, 1, 2),
]


@pytest.mark.parametrize(("size", "cells", "padding", "kernel", "stride", "dilation"), ARITHMETIC)
def test_convolution_arithmetic(size, cells, padding, kernel, stride, dilation):
    window = Window(kernel, stride, (padding, padding), dilation)
    assert window.output_size(size) == cells
    extra = 1 if size == 6 else 0
    back = Window(kernel, stride, (padding, padding), dilation, extra, transposed=True)
    assert back.output_size(cells) == size


@given(st.integers(3, 9), FEW, FEW, st.integers(0, 2), st.integers(1, 3))
def test_positions_are_where_a_convolution_looks(size, kernel, stride, padding, dilation):
    window = Window(kernel, stride, (padding, padding), dilation)
    x = torch.arange(1.0, size + 1)
    padded = F.pad(x, (padding, padding))
    for output in range(max(window.output_size(size), 0)):
        seen = padded[output * stride :][: window.span : dilation].tolist()
        places = [source(position, size) for position in window.positions(output)]
        assert [0 if place is None else place + 1 for place in places] == seen


@given(st.integers(1, 5), FEW, FEW, st.integers(0, 2), st.integers(1, 3))
def test_a_transposed_window_reads_what_the_plain_one_writes(
    size, kernel, stride, padding, dilation
):
    plain = Window(kernel, stride, (padding, padding), dilation)
    back = Window(kernel, stride, (padding, padding), dilation, transposed=True)
    for output in range(back.output_size(size)):
        for tap, position in enumerate(back.positions(output)):
            if position is not None:
                assert plain.positions(position)[tap] == output


@given(st.integers(1, 6), st.integers(0, 5), st.sampled_from(PADDING_MODES))
def test_sources_are_the_cells_torch_pads_with(size, padding, mode):
    if (mode == "reflect" and padding >= size) or (mode == "circular" and padding > size):
        return  # torch refuses these
    x = torch.arange(1.0, size + 1).reshape(1, size)
    padded = F.pad(x, (padding, padding), mode="constant" if mode == "zeros" else mode)
    places = [source(position, size, mode) for position in range(-padding, size + padding)]
    assert [0 if place is None else place + 1 for place in places] == padded[0].tolist()


def test_an_unknown_padding_mode_is_refused():
    with pytest.raises(ValueError, match="'mirror' is not known; use one of zeros, reflect"):
        source(-1, 4, "mirror")
    assert source(2, 4, "mirror") == 2


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
@given(FEW, st.integers(1, 3), st.integers(4, 9))
def test_same_padding_is_torchs(kernel, dilation, size):
    before, after = same_padding(kernel, dilation)
    same = nn.Conv1d(1, 1, kernel, padding="same", dilation=dilation)
    valid = nn.Conv1d(1, 1, kernel, dilation=dilation)
    valid.load_state_dict(same.state_dict())
    x = torch.randn(1, size)
    with torch.no_grad():
        assert torch.allclose(same(x), valid(F.pad(x, (before, after))), atol=1e-6)


SETTINGS = st.builds(
    Window,
    kernel=FEW,
    stride=FEW,
    padding=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    dilation=st.integers(1, 3),
    output_padding=st.integers(0, 2),
    ceil_mode=st.booleans(),
    transposed=st.booleans(),
)


@given(SETTINGS, st.integers(1, 9))
def test_the_formula_says_the_size_and_adds_up(window, size):
    formula = window.formula(size)
    left, right = formula.rsplit(" = ", 1)
    assert int(right) == window.output_size(size)
    rounded = left.replace("⌊", "math.floor(").replace("⌈", "math.ceil(")
    python = re.sub("[⌋⌉]", ")", rounded).replace("·", "*").replace("−", "-")
    python = python.replace(" (the last window would start in the padding)", "")
    assert eval(python, {"math": math}) == int(right)


@given(SETTINGS)
def test_arguments_make_the_window_again(window):
    words = re.findall(r"(\w+)=(\(.*?\)|\w+)", window.arguments)
    given_ = {name: ast.literal_eval(value) for name, value in words}
    padding = given_.get("padding", 0)
    again = Window(
        kernel=given_["kernel_size"],
        stride=given_.get("stride", 1),
        padding=padding if isinstance(padding, tuple) else (padding, padding),
        dilation=given_.get("dilation", 1),
        output_padding=given_.get("output_padding", 0),
        ceil_mode=given_.get("ceil_mode", False),
        transposed=window.transposed,
    )
    assert again == window


def test_geometry_does_not_load_torch():
    code = (
        "import sys, convdocs.geometry, convdocs.solving; "
        "sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
