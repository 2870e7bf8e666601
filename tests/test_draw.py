"""One cell's picture: its numbers are the layer's, it reads well, and it leaves no trace."""

from __future__ import annotations

import re
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from reading import agrees, cell_of, grid_below, marks, marks_on
from torch import Tensor, nn

from convdocs import draw, explain
from convdocs.draw.palette import ROLES
from convdocs.draw.plane import Frame, numbers
from convdocs.draw.sheet import FRAME, text_width
from convdocs.layers import LayerError

MODES = {"reflect": "reflect", "replicate": "replicate", "circular": "circular"}


def whole(*shape: int) -> Tensor:
    """Small whole numbers."""
    return torch.arange(float(np.prod(shape))).reshape(shape) % 10


def seeded(make: object, *args: object, **kwargs: object) -> nn.Module:
    torch.manual_seed(42)
    return make(*args, **kwargs)  # type: ignore[operator]


CONV1 = seeded(nn.Conv1d, 3, 2, 3)
CONV1_PADDED = seeded(nn.Conv1d, 3, 2, 3, padding=1)
CONV2 = seeded(nn.Conv2d, 3, 2, 3)
CONV2_PADDED = seeded(nn.Conv2d, 3, 2, 3, padding=1)


# --- the numbers -------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [CONV1, CONV1_PADDED], ids=str)
@pytest.mark.parametrize("cell", [(0, 0, 0), (1, 1, 1)])
def test_one_dimension_shows_input_kernel_products_and_output(layer, cell):
    torch.manual_seed(42)
    x = torch.randn(2, 3, 4)
    fig = draw.layer(layer, x, cell)
    sample, channel, place = cell
    pad = layer.padding[0]
    padded = F.pad(x[sample], (pad, pad))
    weight = layer.weight[channel].detach()
    products = padded[:, place : place + 3] * weight
    assert agrees(grid_below(fig, f"input[{sample}]"), padded.numpy())
    assert agrees(grid_below(fig, f"weight[{channel}]"), weight.numpy())
    assert agrees(grid_below(fig, "products"), products.numpy())
    assert agrees(grid_below(fig, "sums"), products.sum(1, keepdim=True).numpy())
    assert agrees(grid_below(fig, f"output[{sample}]"), layer(x)[sample].detach().numpy())


@pytest.mark.parametrize("layer", [CONV2, CONV2_PADDED], ids=str)
@pytest.mark.parametrize("cell", [(0, 0, 0), (1, 1, 2)])
def test_two_dimensions_show_every_channel_with_its_kernel(layer, cell):
    torch.manual_seed(42)
    x = torch.randn(3, 4, 5)
    fig = draw.layer(layer, x, cell)
    pad = layer.padding[0]
    for channel in range(3):
        weight = layer.weight[cell[0], channel].detach()
        shown = grid_below(fig, f"weight[{cell[0]}, {channel}]")
        products = (F.pad(x, (pad,) * 4)[channel].unfold(0, 3, 1).unfold(1, 3, 1) * weight)[
            cell[1], cell[2]
        ]
        assert agrees(grid_below(fig, f"input[{channel}]"), F.pad(x, (pad,) * 4)[channel].numpy())
        assert agrees(shown, weight.numpy())
        level = next(mark.y for mark in marks(fig) if mark.words == f"weight[{cell[0]}, {channel}]")
        found = [mark for mark in marks(fig) if level < mark.y < level + 90]  # of this channel
        made = [m.words for m in found if m.is_number and m.x > _x(fig, "products", level) - 1]
        expected = [*products.flatten().tolist(), products.sum().item()]
        assert sorted(map(float, made)) == pytest.approx(sorted(expected), abs=5.1e-5)
    assert agrees(grid_below(fig, f"output[{cell[0]}]"), layer(x)[cell[0]].detach().numpy())
    end = f"output[{cell[0]}, {cell[1]}, {cell[2]}]"
    assert agrees([[cell_of(fig, end)]], layer(x)[cell].detach().numpy())
    bias = layer.bias[cell[0]].detach().numpy()
    assert agrees([[cell_of(fig, f"bias[{cell[0]}]")]], bias)


def _x(fig: Figure, title: str, level: float) -> float:
    return next(m.x for m in marks(fig) if m.words == title and abs(m.y - level) < 3)


def test_nothing_is_said_twice():
    """A single sum without a bias is the output; it is shown once beside the products."""
    layer = nn.Conv2d(1, 1, 2, bias=False)
    fig = draw.layer(layer, whole(1, 3, 3))
    value = f"{layer(whole(1, 3, 3))[0, 0, 0].item():.4f}"
    assert [m.words for m in marks(fig)].count(value) == 2  # the step, and its place in the output
    assert not any(mark.words.startswith("sum") for mark in marks(fig))
    alone = draw.layer(nn.Conv1d(1, 1, 1, bias=False), torch.ones(1, 1))
    assert not any(mark.words == "output" for mark in marks(alone))  # of one cell: the step itself


def test_the_notebooks_figures_keep_the_notebooks_digits():
    torch.manual_seed(42)
    x = torch.randn(2, 3, 4)
    shown = {mark.words for mark in marks(draw.layer(CONV1, x))}
    assert {"1.9269", "-2.1055", "0.2548", "-0.1556", "0.6345", "-0.7956"} <= shown


def test_the_cell_is_lit_in_bold_and_framed():
    fig = draw.layer(nn.MaxPool1d(2), torch.tensor([[1.0, 3.0, 2.0, 0.5]]), (0, 1))
    bold = [mark.words for mark in marks(fig) if mark.bold and mark.is_number]
    assert bold == ["2.0000", "2", "2"]  # the winner in the input, the result, the output's cell
    fig = draw.layer(nn.MaxPool1d(3), torch.tensor([[1.0, float("nan"), 9.0]]))
    # an output of one cell is the result, and not drawn again
    assert [mark.words for mark in marks(fig) if mark.bold and mark.is_number] == ["nan"] * 2


@pytest.mark.parametrize("mode", sorted(MODES))
def test_copied_padding_shows_the_copied_numbers_and_where_they_come_from(mode):
    layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode)
    x = whole(1, 4, 4)
    fig = draw.layer(layer, x)
    assert agrees(grid_below(fig, "input[0]"), F.pad(x[None], (1,) * 4, mode=mode)[0, 0].numpy())
    plain = draw.layer(nn.Conv2d(1, 1, 3, padding=1), x)
    assert _lines(fig, "window") == _lines(plain, "window") + 2 * 4  # an arc and its head, 4 sides
    assert "padded with" in draw.describe(fig)


def _lines(fig: Figure, role: str) -> int:
    colour = mpl.colors.to_rgba(ROLES[role][0])
    return sum(
        len(one.get_segments())
        for one in fig.axes[0].collections
        if isinstance(one, mpl.collections.LineCollection)
        and tuple(one.get_colors()[0]) == colour
    )  # fmt: skip


def test_a_transposed_layer_shows_its_input_spread_and_its_kernel_turned():
    layer = nn.ConvTranspose1d(1, 1, 3, stride=2, bias=False)
    x = torch.tensor([[1.0, 2.0, 3.0]])
    fig = draw.layer(layer, x, (0, 2))
    assert [mark.words for mark in marks_on(fig, "read")] == ["1", "2"]  # taps 2 and 0
    # two zeros of padding, the cells with a hole (no number) between, two zeros
    assert grid_below(fig, "input") == [["0", "0", "1", "2", "3", "0", "0"]]
    assert agrees(grid_below(fig, "weight[:, 0]"), layer.weight[0].detach().flip(-1).numpy())
    assert agrees(grid_below(fig, "output"), layer(x).detach().numpy())


def test_groups_read_their_own_channels_only():
    layer = nn.Conv1d(4, 4, 3, groups=2)
    x = whole(4, 6)
    fig = draw.layer(layer, x, (2, 1))
    assert agrees(grid_below(fig, "input"), x.numpy())
    assert agrees(grid_below(fig, "weight[2]"), layer.weight[2].detach().numpy())
    assert any("output channel 2 reads channels 2 to 3 of 4" in m.words for m in marks(fig))


def test_unfold_lights_the_copied_cell_and_its_column():
    x = whole(2, 3, 3)
    fig = draw.layer(nn.Unfold(2), x, (3, 1))
    assert agrees(grid_below(fig, "output"), nn.Unfold(2)(x[None])[0].numpy())
    assert [m.words for m in marks(fig) if m.bold and m.is_number] == ["5", "5", "5"]


def test_three_dimensions_are_drawn_slice_by_slice():
    layer = nn.Conv3d(1, 1, 2)
    x = whole(1, 3, 3, 3)
    fig = draw.layer(layer, x, (0, 1, 0, 1))
    assert agrees(grid_below(fig, "input[0, 1]"), x[0, 1].numpy())
    assert agrees(grid_below(fig, "input[0, 2]"), x[0, 2].numpy())
    assert agrees(grid_below(fig, "weight[0, 0, 1]"), layer.weight[0, 0, 1].detach().numpy())
    assert agrees(grid_below(fig, "output[0, 1]"), layer(x)[0, 1].detach().numpy())


def test_nan_and_infinity_show():
    x = torch.ones(1, 3, 3)
    x[0, 1, 1], x[0, 0, 0] = float("nan"), float("-inf")
    shown = [mark.words for mark in marks(draw.layer(nn.Conv2d(1, 1, 2), x))]
    assert "nan" in shown
    assert "-∞" in shown
    large = torch.rand(1, 28, 28)
    plain = draw.layer(nn.Conv2d(1, 1, 3), large)
    large[0, 20, 20] = float("nan")
    crossed = draw.layer(nn.Conv2d(1, 1, 3), large)
    assert _lines(crossed, "ink") == _lines(plain, "ink") + 2 * (1 + 9)  # and 9 outputs
    assert crossed.axes[0].images[0].get_array()[20, 20].tolist() == [0, 0, 0, 0]  # no shade


SIZES = st.integers(4, 9)


@st.composite
def layers(draw_: st.DrawFn) -> tuple[nn.Module, Tensor]:
    """A layer of any family with settings torch takes, and an input that fits."""
    dims = draw_(st.integers(1, 3))
    kernel, stride = draw_(st.integers(1, 3)), draw_(st.integers(1, 3))
    dilation = draw_(st.integers(1, 2))
    groups = draw_(st.integers(1, 2))
    family = draw_(st.sampled_from(["Conv", "ConvTranspose", "MaxPool", "AvgPool", "LPPool"]))
    make = getattr(nn, f"{family}{dims}d")
    pad = draw_(st.integers(0, kernel // 2))
    channels = groups * draw_(st.integers(1, 3))
    match family:
        case "Conv":
            mode = draw_(st.sampled_from(["zeros", *MODES]))
            layer = make(channels, 2 * groups, kernel, stride=stride, padding=pad, groups=groups,
                         dilation=dilation, padding_mode=mode)  # fmt: skip
        case "ConvTranspose":
            extra = draw_(st.integers(0, max(stride, dilation) - 1))
            layer = make(channels, 2 * groups, kernel, stride=stride, padding=pad, groups=groups,
                         dilation=dilation, output_padding=extra)  # fmt: skip
        case "LPPool":
            layer = make(2, kernel, stride=stride, ceil_mode=draw_(st.booleans()))
        case _:
            layer = make(kernel, stride=stride, padding=pad, ceil_mode=draw_(st.booleans()))
    shape = [draw_(SIZES) for _ in range(dims)]
    batch = draw_(st.sampled_from([(), (2,)]))
    torch.manual_seed(draw_(st.integers(0, 99)))
    x = torch.randn(*batch, channels, *shape)
    return layer, (x.round() if draw_(st.booleans()) else x)


@given(case=layers(), data=st.data())
@settings(max_examples=50)
def test_any_layers_picture_is_right_and_fits_a_phone(case, data):
    layer, x = case
    output = layer(x)
    at = tuple(data.draw(st.integers(0, size - 1)) for size in output.shape)
    fig = draw.layer(layer, x, at)
    cell = explain(layer, x, at)
    value = cell.value
    lit = cell_of(fig, f"output[{', '.join(map(str, at))}]")
    assert agrees([[lit]], np.array([[value]]))
    assert lit in draw.describe(fig)
    read = [term.value for term in cell.terms if term.index and not term.padded]
    if not fig.axes[0].images and not any("more slices" in mark.words for mark in marks(fig)):
        shown = sorted(mark.value for mark in marks_on(fig, "read"))
        assert shown == pytest.approx(sorted(read), abs=0.051)
    for page, most in ((fig, 552.1), (fig.narrow(), 350.1)):
        wide, high = page.get_size_inches() * 72
        assert wide <= most
        for mark in marks(page):
            assert 0 <= mark.x <= wide
            assert 0 <= mark.y <= high


@pytest.mark.parametrize("size", [9.0, 8.0])
@pytest.mark.parametrize("value", [-29341.7465, -5.7253, 2.0])
def test_a_number_is_clear_of_its_cells_border(value, size):
    frame: Frame = (0, 0, 1, 1, "lit frame")
    bold = numbers(np.array([[value, 0.5]]), "lit", (4, size), [frame])
    letters = text_width(f"{value:.4f}", size, "bold")
    assert bold.columns[0] - letters >= 2 * (FRAME / 2 + 1)
    # padding that repeats a whole number among fractions has its decimals too
    roles = np.array([["padding", "input", "input"]], dtype=object)
    plane = numbers(np.array([[value, value, 0.5]]), roles, (4, size))
    assert plane.columns[0] - text_width(f"{value:.4f}", size) >= 4


def test_no_text_leaves_its_cell():
    """The advances in the table are those of the font."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    torch.manual_seed(0)
    fig = draw.layer(nn.Conv2d(2, 1, 3), torch.randn(2, 5, 5) * 30)
    renderer = FigureCanvasAgg(fig).get_renderer()
    texts = [text for text in fig.axes[0].texts if re.fullmatch(r"-?\d+\.\d+", text.get_text())]
    boxes = [text.get_window_extent(renderer) for text in texts]
    assert len(boxes) > 50
    for number, box in enumerate(boxes):
        for other in boxes[number + 1 :]:
            assert not box.overlaps(other)
    figure = fig.bbox
    for text in fig.axes[0].texts:
        box = text.get_window_extent(renderer)
        assert figure.x0 <= box.x0
        assert box.x1 <= figure.x1


# --- sizes -------------------------------------------------------------------------------------


def test_what_does_not_fit_is_shaded():
    x = torch.rand(1, 28, 28)
    layer = nn.Conv2d(1, 1, 3, padding=1)
    fig = draw.layer(layer, x, (0, 5, 7))
    pictures = [image.get_array() for image in fig.axes[0].images]
    assert [picture.shape for picture in pictures][:3] == [(30, 30, 4), (1, 41, 4), (28, 28, 4)]
    low, high = x.min(), x.max()
    grey = ((x[0] - low) / (high - low) * 255).round().numpy()
    assert np.abs(pictures[0][1:-1, 1:-1, 0] - grey).max() <= 1
    assert agrees(grid_below(fig, "window"), F.pad(x, (1,) * 4)[0, 5:8, 7:10].numpy())
    assert fig.get_size_inches()[0] * 72 <= 552.1
    assert fig.axes[0].images[0].get_extent()[1] >= 30 * 8.5  # cells of 8.5 points or more


def test_the_largest_input_is_an_image_with_its_window_framed():
    fig = draw.layer(nn.Conv2d(1, 1, 3), torch.rand(1, 224, 224), (0, 100, 100))
    assert fig.axes[0].images[0].get_array().shape == (224, 224, 4)
    assert _lines(fig, "window") == 1
    with pytest.raises(draw.DrawError, match=r"225 x 224 is too large .* x\[\.\.\., :224, :224\]"):
        draw.layer(nn.Conv2d(1, 1, 3), torch.rand(1, 225, 224))


def test_a_large_plane_and_its_pool_are_side_by_side():
    images = draw.layer(nn.MaxPool2d(2), torch.rand(1, 50, 50)).axes[0].images
    before, after = (i.get_extent() for i in images if i.get_array().shape[0] > 1)  # no legends
    assert after[0] > before[1]
    assert after[2] == pytest.approx(before[2])  # level at the bottom


def test_planes_without_kernels_are_side_by_side_above_their_legend():
    fig = draw.layer(nn.Unfold(4, stride=4), torch.rand(1, 3, 32, 32))
    titles = [next(m for m in marks(fig) if m.words == f"input[0, {n}]") for n in range(3)]
    assert len({mark.y for mark in titles}) == 1
    key = next(mark for mark in marks(fig) if mark.words == "input")
    assert key.y > titles[0].y
    assert (key.x, titles[0].x) == (4, 4)


def test_one_of_a_thing_is_said_as_one():
    layer = nn.Conv2d(1, 1, 1)
    fig = draw.layer(layer, torch.ones(1, 1, 3, 3), (0, 0, 2, 1))
    assert "shape (1, 1, 3, 3): the window covers positions H 2, W 1. The product" in fig.alt
    assert fig.caption.startswith("The window covers 1 cell; its product with the weight")
    assert "1 step:" in draw.animate(nn.AvgPool1d(1), torch.ones(1, 1)).caption
    assert "1 row," in draw.describe(draw.matrix(nn.Conv1d(1, 1, 1), (1, 1)))
    assert "the 1 channel," in draw.describe(draw.feature_maps(layer, torch.rand(1, 5, 5)))
    assert "The 1 filter of" in draw.describe(draw.filters(layer))
    assert draw.kernel(layer).caption == (
        "The one filter is a grid: 1 × 1 weights for its one input channel."
    )


def test_many_channels_are_left_out_with_a_count_and_their_sum():
    layer = nn.Conv1d(64, 128, 3)
    x = torch.randn(64, 9)
    fig = draw.layer(layer, x, (77, 3))
    products = x[:, 3:6] * layer.weight[77].detach()
    assert cell_of(fig, "+ 56 more channels") == f"{products[8:].sum():.4f}"
    assert any("rows 71 to 82 of 128" in mark.words for mark in marks(fig))


def test_a_batch_says_which_sample_is_drawn():
    x = torch.randn(3, 2, 5)
    layer = nn.Conv1d(2, 1, 2)
    for fig, number in ((draw.layer(layer, x), 0), (draw.layer(layer, x, sample=2), 2)):
        assert any(f"sample {number} of 3 is drawn" in mark.words for mark in marks(fig))
        assert agrees(grid_below(fig, f"input[{number}]"), x[number].numpy())
        assert f"sample {number} of 3" in draw.describe(fig)
    assert draw.describe(draw.layer(layer, x, (0, 1), sample=1)) == draw.describe(
        draw.layer(layer, x, (1, 0, 1))
    )


def test_bad_input_says_what_to_do():
    layer, x = nn.Conv2d(1, 2, 3), torch.randn(1, 5, 5)
    with pytest.raises(IndexError, match=r"\(2, 3, 3\)"):
        draw.layer(layer, x, (0, 3, 0))
    with pytest.raises(LayerError, match="ReLU has no sliding window"):
        draw.layer(nn.ReLU(), x)
    with pytest.raises(LayerError, match="takes a tensor, but x is a list"):
        draw.layer(layer, [[1.0]])  # type: ignore[arg-type]
    with pytest.raises(LayerError, match="sample= picks from a batch"):
        draw.layer(layer, x, sample=0)
    with pytest.raises(LayerError, match="complex numbers"):
        draw.layer(layer, x.to(torch.complex64))
    with pytest.raises(IndexError, match="no cell"):
        draw.layer(layer, x[None], sample=1)


# --- descriptions ------------------------------------------------------------------------------


def test_the_description_tells_the_sum():
    layer = nn.Conv2d(1, 1, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(4.0).reshape(1, 1, 2, 2))
        layer.bias.fill_(1.0)
    fig = draw.layer(layer, torch.arange(9.0).reshape(1, 3, 3), (0, 0, 1))
    assert draw.describe(fig) == (
        "Conv2d(1, 1, 2) on an input of shape (1, 3, 3): the window covers positions H 0 to 1, "
        "W 1 to 2. The sum of 4 products 25 + bias 1 = output[0, 0, 1] = 26."
    )


def test_a_figure_describes_all_its_pictures_and_only_those():
    with pytest.raises(ValueError, match="no picture"):
        draw.describe(Figure())
    fig = Figure(figsize=(8, 4))
    left, right = fig.subfigures(1, 2)
    assert draw.layer(nn.AvgPool1d(2), torch.ones(1, 4), fig=left) is fig
    draw.padding("reflect", fig=right)
    said = draw.describe(fig)
    assert "AvgPool1d(2)" in said
    assert "reflect makes" in said
    sizes = {round(text.get_fontsize(), 3) for text in left.axes[0].texts}
    assert max(sizes) > 12  # scaled up to the room there is


def test_the_svg_carries_the_description_as_its_title():
    text = draw.svg(draw.layer(nn.AvgPool1d(2), torch.ones(1, 4)))
    assert re.search(r"<title>AvgPool1d\(2\) on an input", text)


# --- colours -----------------------------------------------------------------------------------

FILLS = ("input", "read", "padding", "hole", "outside", "kernel", "product", "output", "lit",
         "box", "page")  # fmt: skip
NEIGHBOURS = [("input", "read"), ("input", "padding"), ("read", "padding"), ("input", "hole"),
              ("output", "lit"), ("input", "kernel"), ("kernel", "product"),
              ("output", "box")]  # fmt: skip
FRAMED = [("window", fill) for fill in ("input", "read", "padding", "hole", "page")]
FRAMED += [("lit frame", fill) for fill in ("lit", "output", "read", "page")]
# what a person without long, or without middle, cones sees (Machado et al. 2009)
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
}  # fmt: skip


def _linear(code: str) -> np.ndarray:
    channels = np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def _contrast(one: str, other: str) -> float:
    weights = np.array([0.2126, 0.7152, 0.0722])
    high, low = sorted((float(_linear(code) @ weights) for code in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _lab(code: str, seen: np.ndarray) -> np.ndarray:
    rgb = np.clip(seen @ _linear(code), 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722],
                    [0.0193, 0.1192, 0.9505]]) @ rgb / np.array([0.9505, 1.0, 1.089])  # fmt: skip
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("page", [0, 1], ids=["light", "dark"])
def test_colours_have_contrast_and_are_told_apart_without_full_colour_sight(page):
    codes = {role: pair[page] for role, pair in ROLES.items()}
    for fill in FILLS:
        assert _contrast(codes["ink"], codes[fill]) >= 4.5, fill
    for fill in ("page", "padding"):
        assert _contrast(codes["muted"], codes[fill]) >= 4.5, fill
    for line, fill in FRAMED:
        assert _contrast(codes[line], codes[fill]) >= 3, (line, fill)
    for sight, seen in BLINDNESS.items():
        for one, other in NEIGHBOURS:
            apart = np.linalg.norm(_lab(codes[one], seen) - _lab(codes[other], seen))
            assert apart >= 6, (sight, one, other, apart)


def test_every_role_has_a_colour_of_its_own():
    for page in zip(*ROLES.values(), strict=True):
        assert len(set(page)) == len(ROLES)


def test_dark_swaps_every_colour_of_a_picture():
    light = draw.svg(draw.layer(CONV2_PADDED, torch.randn(3, 4, 5)))
    codes = set(re.findall(r"#[0-9a-f]{6}\b", light))
    assert codes <= {pair[0] for pair in ROLES.values()}
    swapped = draw.dark(light)
    assert set(re.findall(r"#[0-9a-f]{6}\b", swapped)) == {
        pair[1] for pair in ROLES.values() if pair[0] in codes
    }
    assert len(swapped) == len(light)


def test_padding_and_holes_show_without_colour():
    """Strokes in padding, a dot in a hole: colour is never the only sign."""
    plain = draw.layer(nn.Conv1d(1, 1, 3), whole(1, 5))
    padded = draw.layer(nn.Conv1d(1, 1, 3, padding=1), whole(1, 5))
    spread = draw.layer(nn.ConvTranspose1d(1, 1, 1, stride=2), whole(1, 5))
    assert _lines(plain, "hatch") == 0
    assert _lines(padded, "hatch") == 2 * 3
    assert _lines(spread, "hatch") == 4


# --- what is left behind -----------------------------------------------------------------------


def test_nothing_global_changes():
    settings_before = dict(mpl.rcParams)
    draw.svg(draw.layer(CONV1, torch.randn(3, 5)))
    assert dict(mpl.rcParams) == settings_before


def test_the_readers_own_settings_do_not_reach_the_picture():
    fig = draw.layer(CONV1, torch.ones(3, 5))
    usual = draw.svg(fig)
    odd = {"axes.grid": True, "font.family": "serif", "font.size": 30, "lines.linewidth": 5,
           "figure.facecolor": "red", "savefig.facecolor": "red", "axes.facecolor": "red",
           "figure.dpi": 50, "savefig.dpi": 10, "text.color": "red", "axes.xmargin": 0.3,
           "figure.autolayout": True, "patch.linewidth": 4, "axes.prop_cycle": "cycler(color='r')",
           "savefig.bbox": "tight", "savefig.transparent": False}  # fmt: skip
    with mpl.rc_context(odd):
        assert draw.svg(draw.layer(CONV1, torch.ones(3, 5))) == usual


STABLE = """
import sys, torch, hashlib
from convdocs import draw
torch.manual_seed(0)
fig = draw.layer(torch.nn.Conv2d(1, 2, 3, padding=1), torch.rand(2, 1, 28, 28))
print(hashlib.sha256(draw.svg(fig).encode()).hexdigest(), "matplotlib.pyplot" in sys.modules)
"""


def test_svg_is_the_same_in_every_process_and_pyplot_stays_unloaded():
    outputs = [
        subprocess.run(
            [sys.executable, "-c", STABLE],
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1", "PATH": "",
                 "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("1", "2")
    ]  # fmt: skip
    assert outputs[0] == outputs[1]
    assert outputs[0][1] == "False"


def test_the_layer_and_the_random_state_stay_as_they_are():
    layer = nn.Conv1d(1, 1, 2)
    called = []
    layer.register_forward_hook(lambda *_: called.append(1))
    x = torch.randn(1, 4, requires_grad=True)
    state = torch.get_rng_state()
    draw.layer(layer, x)
    assert not called
    assert x.grad is None
    assert torch.equal(torch.get_rng_state(), state)
