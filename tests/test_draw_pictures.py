"""Kernels, padding, matrices, maps, fields, shapes and animations: what they show is so."""

from __future__ import annotations

import gc
import gzip
import json
import pickle
import re

import matplotlib as mpl
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from PIL import Image
from reading import agrees, grid_below, marks
from torch import Tensor, nn

import convdocs
from convdocs import draw
from convdocs.draw.blocks import boxes_of
from convdocs.draw.matrix import matrix_of
from convdocs.draw.palette import ABOVE_ZERO, ROLES, asset
from convdocs.draw.receptive_field import place, stations, target


def words_of(figure: Figure) -> list[str]:
    return [mark.words for mark in marks(figure)]


# --- kernels -----------------------------------------------------------------------------------


def test_kernel_shows_every_weight_and_the_bias():
    torch.manual_seed(42)
    layer = nn.Conv2d(3, 2, 3)
    fig = draw.kernel(layer)
    for out in range(2):
        for channel in range(3):
            weight = layer.weight[out, channel].detach().numpy()
            assert agrees(grid_below(fig, f"weight[{out}, {channel}]"), weight)
    assert agrees(grid_below(fig, "bias"), layer.bias.detach().numpy())
    assert "of shape (2, 3, 3, 3)" in draw.describe(fig)


def test_kernel_counts_what_it_leaves_out_and_shades_what_does_not_fit():
    fig = draw.kernel(nn.Conv2d(3, 64, 11, bias=False))
    assert len(fig.axes[0].images) == 8 * 3 + 1  # and the legend's bar
    assert any("the first 8 of 64 rows" in words for words in words_of(fig))
    assert fig.get_size_inches()[0] * 72 <= 552.1
    assert fig.narrow().get_size_inches()[0] * 72 <= 350.1


def test_kernels_of_one_plane_are_side_by_side_and_many_rows_are_shaded():
    fig = draw.kernel(nn.Conv2d(8, 8, 3, groups=8))
    first, second = (next(m for m in marks(fig) if m.words == f"weight[{n}, 0]") for n in (0, 1))
    assert first.y == second.y
    fig = draw.kernel(nn.Conv1d(16, 16, 15, bias=False))
    assert len(fig.axes[0].images) == 8 + 1  # sixteen rows of numbers are not read
    assert (
        fig.caption == "Each of the 16 filters is a grid: 15 weights for each of 16 input channels."
    )


def test_kernel_of_a_pool_is_refused():
    with pytest.raises(draw.DrawError, match=r"MaxPool2d\(2\) has no weights"):
        draw.kernel(nn.MaxPool2d(2))


def test_a_picture_can_be_drawn_in_the_readers_axes():
    fig = Figure(figsize=(6, 3))
    left, right = fig.subplots(1, 2)
    assert draw.kernel(nn.Conv1d(1, 1, 3), fig=right) is fig
    assert not left.texts
    assert right.texts


# --- padding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular", "zeros"])
@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_padding_is_torchs_own(mode, shape):
    x = torch.arange(1.0, 1 + np.prod(shape)).reshape(shape)
    fig = draw.padding(mode, x=x, pad=2)
    batch = x[None, None]
    pads = (2,) * 2 * len(shape)
    padded = F.pad(batch, pads) if mode == "zeros" else F.pad(batch, pads, mode=mode)
    cells = [mark for mark in marks(fig) if mark.is_number]
    levels = sorted({round(cell.y, 1) for cell in cells})
    shown = [
        [c.words for c in sorted(cells, key=lambda c: c.x) if round(c.y, 1) == y] for y in levels
    ]
    assert agrees(shown, padded[0, 0].numpy())


def test_padding_has_as_many_decimals_as_fit():
    row = torch.linspace(-1.23456, 1, 14)
    for page in (draw.padding(x=row, pad=2), draw.padding(x=row, pad=2).narrow()):
        assert page.get_figwidth() * 72 <= 552.1
    assert page.get_figwidth() * 72 <= 350.1
    fig = draw.padding(x=[0.123456, 1.5], pad=1)
    assert "replicate makes 0.1235 | 0.1235 1.5000 | 1.5000" in draw.describe(fig)
    cells = {round(mark.y) for mark in marks(draw.padding("zeros", "reflect")) if mark.is_number}
    assert len(cells) == 1  # side by side at one level


def test_padding_refuses_what_torch_refuses():
    with pytest.raises(draw.DrawError, match="no padding mode 'mirror'; there are zeros"):
        draw.padding("mirror")
    with pytest.raises(draw.DrawError, match="0 to 4 fit"):
        draw.padding("reflect", pad=5)
    with pytest.raises(draw.DrawError, match="a row or a plane"):
        draw.padding(x=torch.ones(1, 2, 3))


# --- the matrix --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv1d(2, 3, 3, padding=1, stride=2), (2, 6)),
        (nn.Conv2d(1, 2, 2, padding=1, padding_mode="reflect"), (1, 3, 4)),
        (nn.ConvTranspose1d(1, 2, 3, stride=2), (1, 4)),
        (nn.AvgPool2d(2), (1, 4, 4)),
        (nn.Unfold(2), (2, 3, 3)),
    ],
    ids=str,
)
def test_the_matrix_times_the_input_is_the_output(layer, shape):
    table, output = matrix_of(layer, shape)
    x = torch.randn(1, *shape)
    bias = layer(torch.zeros(1, *shape)).flatten().detach().numpy()
    made = layer(x).detach()
    assert output == tuple(made.shape[1:])
    assert table @ x.flatten().numpy() + bias == pytest.approx(made.flatten().numpy(), abs=1e-5)


def test_a_matrix_without_negative_numbers_is_seen_on_a_light_page():
    image = draw.matrix(nn.AvgPool2d(2), (2, 4, 4)).axes[0].images[0].get_array()
    assert {tuple(pixel) for pixel in image[image[..., 3] > 0].tolist()} == {(*ABOVE_ZERO, 255)}


def test_cells_keep_their_edges_where_they_are_large_enough():
    grid = draw.svg(draw.matrix(nn.Conv1d(4, 1, 3), (4, 30)))
    assert (grid.count("<image"), grid.count("pixelated")) == (2, 1)  # the legend's bar is smooth
    photo = draw.svg(draw.layer(nn.Conv2d(1, 1, 3), torch.rand(1, 120, 120)))
    assert photo.count("<image") >= 2
    assert "pixelated" not in photo


def test_the_matrix_shows_its_numbers_and_leaves_zeros_out():
    layer = nn.Conv1d(1, 1, 3)
    fig = draw.matrix(layer, (1, 5))
    a, b, c = (f"{weight:.4f}" for weight in layer.weight.flatten().tolist())
    numbers = [mark for mark in marks(fig) if mark.is_number]
    assert sorted(mark.words for mark in numbers) == sorted([a, b, c] * 3)
    with pytest.raises(draw.DrawError, match="not linear"):
        draw.matrix(nn.MaxPool1d(2), (1, 4))
    with pytest.raises(draw.DrawError, match="1 to 1024"):
        draw.matrix(layer, (1, 2000))
    with pytest.raises(draw.DrawError, match="an output of 3996004 cells"):
        draw.matrix(nn.ConvTranspose1d(1, 4, 1, stride=1000), (1, 1000))


# --- feature maps ------------------------------------------------------------------------------


def test_feature_maps_are_the_outputs_pixels():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU())
    nn.init.ones_(model[0].bias)  # no map without any light
    x = torch.rand(2, 1, 8, 8)
    fig = draw.feature_maps(model, x, sample=1)
    made = model(x)[1].detach()
    shown = [image.get_array() for image in fig.axes[0].images]
    _, *maps = [pixels[..., 0] for pixels in shown if len(pixels) > 1]  # the legends are bars
    low, high = np.percentile(made.flatten(1), (1, 99), axis=1)[..., None, None]  # of each map
    grey = ((made.numpy() - low) / (high - low)).clip(0, 1) * 255
    assert len(maps) == 3
    assert np.abs(np.stack(maps) - grey).max() <= 1
    assert "sample 1 of 2" in draw.describe(fig)


def test_feature_maps_leave_the_model_as_it_is():
    model = nn.Sequential(nn.Conv2d(3, 20, 3), nn.BatchNorm2d(20), nn.Dropout(0.5))
    state = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.rand(4, 3, 9, 9)
    random = torch.get_rng_state()
    fig = draw.feature_maps(model, x)
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert model[1].num_batches_tracked == 0
    assert torch.equal(random, torch.get_rng_state())
    assert "4 more channels" in " ".join(words_of(fig))


def test_feature_maps_refuse_what_has_none():
    with pytest.raises(draw.DrawError, match="no channels of two axes"):
        draw.feature_maps(nn.Sequential(nn.Flatten()), torch.rand(1, 1, 4, 4))
    with pytest.raises(draw.DrawError, match=r"\(C, H, W\)"):
        draw.feature_maps(nn.Conv2d(1, 1, 3), torch.rand(4, 4))
    with pytest.raises(draw.DrawError, match="no sample 7 in a batch"):
        draw.feature_maps(nn.Conv2d(1, 1, 3), torch.rand(2, 1, 4, 4), sample=7)


# --- receptive fields --------------------------------------------------------------------------


class Skip(nn.Module):
    """Two paths of different reach, added."""

    def __init__(self) -> None:
        super().__init__()
        self.long = nn.Sequential(nn.Conv1d(1, 1, 3, padding=1), nn.Conv1d(1, 1, 5, padding=2))
        self.short = nn.Conv1d(1, 1, 1)
        self.down = nn.MaxPool1d(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.short(x) + self.long(x))


MODELS = {
    "stack": (nn.Sequential(nn.Conv1d(1, 2, 3, stride=2), nn.ReLU(), nn.Conv1d(2, 1, 3)), (1, 20)),
    "skip": (Skip(), (1, 16)),
    "transposed": (nn.Sequential(nn.Conv1d(1, 1, 3), nn.ConvTranspose1d(1, 1, 4, 2)), (1, 9)),
    "linear": (
        nn.Sequential(
            nn.Conv1d(1, 1, 3),
            nn.Upsample(scale_factor=2, mode="linear"),
            nn.Conv1d(1, 1, 3, padding=1),
        ),
        (1, 9),
    ),
    "plane": (nn.Sequential(nn.Conv2d(1, 1, 3), nn.AvgPool2d(2), nn.Conv2d(1, 1, 3)), (1, 14, 18)),
    "padded": (nn.Sequential(nn.Conv2d(1, 1, 5, padding=2), nn.Conv2d(1, 1, (1, 3))), (1, 6, 7)),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_field_is_the_gradients(name):
    model, shape = MODELS[name]
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1.0)  # so that no path cancels another
    found = convdocs.trace(model, torch.ones(1, *shape))
    call = target(found, None)
    x = torch.rand(1, *shape, requires_grad=True)
    output = model(x)
    sizes = output.shape[2:]
    for cell in (place(call, None), (0,) * len(sizes), tuple(size - 1 for size in sizes), (5,)):
        if len(cell) != len(sizes):
            continue
        (grad,) = torch.autograd.grad(output[(0, 0, *cell)], x, retain_graph=True)
        read = [(axis.min().item(), axis.max().item()) for axis in grad[0, 0].nonzero().T]
        region = stations(found, call, cell)[0].region
        for run, (first, last) in zip(region, read, strict=True):
            # a max pool's gradient reaches the winner alone
            assert run.start <= first
            assert last <= run.stop - 1
            assert name == "skip" or (run.start, run.stop - 1) == (first, last)


def test_the_field_is_drawn_layer_by_layer():
    model = nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU(), nn.Conv1d(1, 1, 3))
    fig = draw.receptive_field(convdocs.trace(model, torch.ones(1, 1, 9)), at=2)
    assert words_of(fig)[1] == "cell 2 of 2 Conv1d: 5 input cells"  # exactly, not at most
    assert words_of(fig)[2:] == ["input: 2 to 6 of 9", "0 Conv1d: 2 to 4 of 7", "2 Conv1d: 2 of 5"]
    assert draw.describe(fig).startswith("Receptive field of cell 2 of 2 Conv1d in Sequential: 5")


def test_the_field_is_framed_on_the_image():
    model = nn.Sequential(nn.Conv2d(3, 1, 3), nn.Conv2d(1, 1, 3))
    found = convdocs.trace(model, torch.ones(1, 3, 20, 20))
    fig = draw.receptive_field(found, (0, 0, 4, 5), image=torch.rand(3, 20, 20))
    assert fig.axes[0].images[0].get_array().shape == (20, 20, 4)
    colour = tuple(int(ROLES["window"][0][i : i + 2], 16) / 255 for i in (1, 3, 5))
    (frames,) = [one for one in fig.axes[0].collections if isinstance(one, LineCollection)
                 and tuple(one.get_colors()[0][:3]) == pytest.approx(colour)]  # fmt: skip
    frame = frames.get_segments()[0]
    left, right, *_ = fig.axes[0].images[0].get_extent()
    assert np.ptp(frame, axis=0) == pytest.approx([5 / 20 * (right - left)] * 2)
    with pytest.raises(draw.DrawError, match="the traced input is 20 x 20"):
        draw.receptive_field(found, image=torch.rand(3, 10, 10))


def test_the_fields_bad_input():
    model = nn.Sequential(nn.Conv1d(1, 1, 3))
    found = convdocs.trace(model, torch.ones(1, 1, 9))
    with pytest.raises(draw.DrawError, match=r"no cell \(7,\) .* its shape is \(1, 1, 7\)"):
        draw.receptive_field(found, at=7)
    with pytest.raises(draw.DrawError, match="no layer 'conv9' in Sequential; its layers are 0"):
        draw.receptive_field(found, of="conv9")


# --- shapes ------------------------------------------------------------------------------------


def test_the_stack_names_every_shape_and_the_layer_before_it():
    model = nn.Sequential(nn.Conv1d(10, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 32, 3))
    fig = draw.stack(convdocs.trace(model, torch.ones(2, 10, 7)))
    assert words_of(fig) == [
        "Sequential", "(2, 10, 7)", "input", "10 × 7",
        "0  Conv1d(10, 16, 3, padding=1)", "1  ReLU()", "(2, 16, 7)", "N C L", "C 10 → 16",
        "16 × 7",
        "2  Conv1d(16, 32, 3)", "(2, 32, 5)", "N C L", "C 16 → 32, L 7 → 5", "32 × 5",
        "8 channels", "2 cells",
    ]  # fmt: skip


def test_the_stack_draws_skips():
    found = convdocs.trace(Skip(), torch.ones(1, 1, 16))
    boxes = boxes_of(found)
    joined = [box for box in boxes if len(box.sources) == 2]
    assert len(joined) == 1
    fig = draw.stack(found)
    arrows = next(one for one in fig.axes[0].collections if isinstance(one, LineCollection))
    corners = [len(line) for line in arrows.get_segments()]
    edges = [(source, place) for place, box in enumerate(boxes) for source in box.sources]
    assert corners.count(4) == sum(place - source > 1 for source, place in edges)
    assert re.search(r"from \(1, 1, 16\) and \(1, 1, 16\)", draw.describe(fig))


def test_a_tensor_that_two_layers_read_has_a_box_of_its_own():
    class Fork(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            twice = x * 2
            return torch.relu(twice) + twice

    kinds = [
        [call.kind for call in box.calls]
        for box in boxes_of(convdocs.trace(Fork(), torch.ones(1, 3)))
    ]
    assert kinds[2] == ["relu"]
    assert len(kinds) == 4


def test_the_stack_marks_what_lint_found():
    model = nn.Sequential(nn.Conv1d(10, 16, 3, padding=1), nn.MaxPool2d(2))
    found = convdocs.trace(model, torch.ones(2, 10, 8))
    marked = [words for words in words_of(draw.stack(found)) if words.startswith("!")]
    assert marked == [f"! {finding.code}" for finding in found.findings]
    assert "! batch-as-channels" in marked


def test_the_stack_does_not_guess_which_of_two_inputs_was_read():
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.relu(y) + x

    found = convdocs.trace(Two(), torch.ones(1, 3), torch.ones(1, 3))
    assert "2 inputs" in words_of(draw.stack(found))
    assert draw.describe(draw.stack(found)).startswith("Shapes in Two: 2 inputs (1, 3);")
    with pytest.raises(draw.DrawError, match="traced without a tensor"):
        draw.stack(convdocs.report.Trace("Empty"))


def test_a_stack_too_long_to_read_is_refused():
    layers = [nn.Conv1d(size, size + 1, 1) for size in range(1, 201)]
    found = convdocs.trace(nn.Sequential(*layers), torch.ones(1, 1, 4))
    with pytest.raises(draw.DrawError, match="201 tensors"):
        draw.stack(found)


def heights(fig: Figure, role: str) -> list[float]:
    """How high the cells of a role are drawn, from top to bottom."""
    colour = mpl.colors.to_rgba(ROLES[role][0])
    boxes = [
        path.get_extents()
        for shapes in fig.axes[0].collections
        if isinstance(shapes, PolyCollection)
        for path, fill in zip(shapes.get_paths(), shapes.get_facecolor(), strict=True)
        if tuple(fill) == colour
    ]
    return [box.height for box in sorted(boxes, key=lambda box: box.y0)]


def test_a_halving_is_half_as_high():
    meant, trap = (
        nn.Sequential(nn.Conv1d(10, 32, 3), pool(2)) for pool in (nn.MaxPool1d, nn.MaxPool2d)
    )
    for model, share in ((meant, 1.0), (trap, 0.5)):
        fig = draw.stack(convdocs.trace(model, (2, 10, 7)))
        before, after, *_ = heights(fig, "output")
        assert after / before == pytest.approx(share)
        assert {"32 × 5", f"{int(32 * share)} × 2"} <= set(words_of(fig))


def test_a_volumes_depth_in_the_stack_is_its_channels():
    model = nn.Sequential(nn.Conv3d(1, 4, 3), nn.MaxPool3d(2))
    fig = draw.stack(convdocs.trace(model, (1, 1, 8, 8, 8)))
    assert "4 channels" in words_of(fig)  # the legend's bar is as long as the most of them


def test_a_stack_of_vectors_has_features_and_says_what_is_not_to_scale():
    fig = draw.stack(convdocs.trace(nn.Linear(10, 20), (4, 10)))
    assert any(words.endswith("features") for words in words_of(fig))
    assert not any(words.endswith(("channels", "cells")) for words in words_of(fig))
    assert fig.caption.endswith("as high as it has features.")
    mixed = nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten())
    assert draw.stack(convdocs.trace(mixed, (1, 1, 8, 8))).caption.endswith("not to scale.")


def test_two_stacks_are_side_by_side_and_on_a_phone_one_above_the_other():
    traces = [
        convdocs.trace(nn.Sequential(nn.Conv1d(10, 32, 3), pool(2)), (2, 10, 7))
        for pool in (nn.MaxPool1d, nn.MaxPool2d)
    ]
    fig = draw.stack(*traces, titles=["meant", "trap"])
    left, right = (next(m for m in marks(fig) if m.words == name) for name in ("meant", "trap"))
    assert left.y == right.y
    assert left.x < right.x
    narrow = fig.narrow()
    above, below = (next(m for m in marks(narrow) if m.words == n) for n in ("meant", "trap"))
    assert above.x == below.x
    assert above.y < below.y
    assert draw.describe(fig).startswith("meant: Shapes in Sequential")
    with pytest.raises(draw.DrawError, match="1 titles for 2 stacks"):
        draw.stack(*traces, titles=["meant"])


# --- curves, filters, two layers ---------------------------------------------------------------


def test_the_curve_says_what_the_trace_says():
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3))
    found = convdocs.trace(model, (1, 3, 16, 16))
    fields = [call.receptive_field[0].size for call in found.calls]
    assert draw.describe(draw.curve(found)) == (
        "Sequential along its 3 layers: size 16 to 6; channels 8 to 16; "
        f"receptive field {fields[0]} to {fields[-1]}; MACs 55.3 k to 41.5 k.".replace(
            "55.3", "55"
        ).replace("41.5", "41")
    )
    with pytest.raises(draw.DrawError, match="without a layer"):
        draw.curve(convdocs.report.Trace("Empty"))


def test_the_curve_speaks_of_what_it_draws():
    fig = draw.curve(convdocs.trace(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), (2, 4)))
    assert "channels" not in fig.caption
    assert draw.describe(fig).endswith("MACs 64.")  # not "to 0", for the layer that has none


def test_a_halving_is_one_step_down_the_curve():
    model = nn.Sequential(nn.MaxPool1d(2), nn.MaxPool1d(2), nn.MaxPool1d(2))
    fig = draw.curve(convdocs.trace(model, (1, 1, 64)))
    colour = mpl.colors.to_rgba(ROLES["lit frame"][0])
    steps = next(
        one.get_segments()[0]
        for one in fig.axes[0].collections
        if isinstance(one, LineCollection) and tuple(one.get_colors()[0]) == colour
    )
    levels = steps[::2, 1]
    assert np.diff(levels) == pytest.approx([levels[1] - levels[0]] * 2)  # y is downwards
    assert levels[1] > levels[0]


def test_filters_are_the_weights_around_grey():
    layer = nn.Conv2d(3, 4, 5)
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0] = 1.0  # red alone
    images = draw.filters(layer).axes[0].images
    assert len(images) == 4
    assert images[0].get_array()[0, 0].tolist() == [255, 128, 128, 255]
    assert images[1].get_array()[0, 0].tolist() == [128, 128, 128, 255]
    assert len(draw.filters(nn.Conv2d(1, 3, 3)).axes[0].images) == 3 + 1  # and the legend
    with pytest.raises(draw.DrawError, match=r"each reads 8 channels; draw\.kernel"):
        draw.filters(nn.Conv2d(8, 4, 3))
    with pytest.raises(draw.DrawError, match="are not images"):
        draw.filters(nn.ConvTranspose2d(3, 3, 3))


def test_two_layers_are_compared_on_one_input():
    x = torch.arange(36.0).reshape(1, 6, 6)
    once, twice = nn.MaxPool2d(2, stride=1), nn.MaxPool2d(2)
    fig = draw.compare(once, twice, x, (0, 1, 1), titles=["stride=1", "stride=2"])
    assert {f"{once(x)[0, 1, 1]:.0f}", f"{twice(x)[0, 1, 1]:.0f}"} <= {
        mark.words for mark in marks(fig) if mark.bold
    }
    assert fig.caption == (
        "One input, two layers: stride=1 gives (1, 5, 5), stride=2 gives (1, 3, 3)."
    )
    assert draw.describe(fig).count("on an input of shape (1, 6, 6)") == 2


def test_compared_inputs_have_one_look():
    x = torch.rand(1, 30, 30) + 1
    fig = draw.compare(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3, padding=1), x)
    bare, padded = (image.get_array() for image in fig.axes[0].images[::4])  # legends between
    assert (padded[1:-1, 1:-1] == bare).all()
    bare, padded = (image.get_array() for image in fig.thumbnail().axes[0].images[::2])
    assert (padded[1:-1, 1:-1] == bare).all()
    fig = draw.compare(nn.MaxPool1d(2), nn.AvgPool1d(2), torch.arange(12.0)[None])
    for page, level in ((fig, True), (fig.narrow(), False)):
        places = {name: [m for m in marks(page) if m.words == name] for name in ("input", "output")}
        for first, second in places.values():
            assert (first.y == second.y) is level
            assert (first.x == second.x) is not level


def test_arcs_leave_a_shaded_input_its_size():
    x, widths = torch.rand(1, 30, 30), []
    for mode in ("zeros", "circular"):
        layer = nn.Conv2d(1, 1, 3, padding=1, padding_mode=mode)
        image = draw.compare(layer, layer, x).axes[0].images[0]
        widths.append(np.ptp(image.get_extent()[:2]))
    assert widths[0] == pytest.approx(widths[1])


def test_names_and_kernels_are_beside_their_maps():
    layer = nn.Conv2d(1, 2, 3)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[-1.0, 0, 1]] * 3)
    fig = draw.feature_maps(layer, torch.rand(1, 90, 90), names=["upright", "again"])
    assert {"upright", "again", "-1", "0", "1"} <= set(words_of(fig))
    sizes = [np.ptp(image.get_extent()[:2]) for image in fig.axes[0].images]
    assert max(sizes) * 96 / 72 >= 220  # pixels
    assert sum(size * 96 / 72 >= 220 for size in sizes) == 3
    with pytest.raises(draw.DrawError, match="1 names for 2 channels"):
        draw.feature_maps(layer, torch.rand(1, 9, 9), names=["upright"])


def test_a_few_extremes_leave_the_rest_of_a_map_visible():
    image = torch.full((1, 50, 50), 0.5)
    image[0, 0, 0], image[0, 20:30] = -1000.0, 1.0
    layer = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(layer.weight)
    _, shown, *_ = (one.get_array() for one in draw.feature_maps(layer, image).axes[0].images
                    if len(one.get_array()) > 1)  # fmt: skip
    assert shown[25, 25, 3] == 255


def test_the_landscape_has_red_green_and_blue_things():
    scene = draw.landscape(60, 80)
    assert scene.shape == (3, 60, 80)
    assert scene.min() >= 0
    assert scene.max() <= 1
    for channel in range(3):
        others = scene[[other for other in range(3) if other != channel]].amax(0)
        assert ((scene[channel] - others) > 0.2).float().mean() > 0.01


# --- on a page and on a card -------------------------------------------------------------------


def every_picture() -> dict[str, draw.Picture]:
    torch.manual_seed(0)
    trace = convdocs.trace(nn.Sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2)), (1, 1, 12, 12))
    flat = convdocs.trace(nn.Sequential(nn.Conv1d(2, 4, 3), nn.MaxPool1d(2)), (1, 2, 12))
    conv = nn.Conv2d(3, 2, 3, padding=1)
    return {
        "layer": draw.layer(conv, torch.randn(3, 4, 5)),
        "pool": draw.layer(nn.MaxPool1d(2), torch.rand(1, 8)),
        "compare": draw.compare(nn.MaxPool1d(2), nn.AvgPool1d(2), torch.rand(1, 8)),
        "kernel": draw.kernel(conv),
        "filters": draw.filters(nn.Conv2d(3, 16, 5)),
        "matrix": draw.matrix(nn.Conv1d(1, 1, 3), (1, 6)),
        "padding": draw.padding(),
        "feature_maps": draw.feature_maps(conv, draw.landscape()),
        "receptive_field": draw.receptive_field(trace),
        "strips": draw.receptive_field(flat),
        "stack": draw.stack(trace),
        "curve": draw.curve(trace),
        "animate": draw.animate(nn.AvgPool1d(2), torch.ones(1, 4)).figure,
    }


def test_every_picture_fits_a_page_a_phone_and_a_card_and_has_words():
    cards = set()
    for name, fig in every_picture().items():
        assert isinstance(fig, draw.Picture), name
        assert fig.get_figwidth() * 72 <= 552.1, name
        assert name == "animate" or fig.narrow().get_figwidth() * 72 <= 350.1, name
        card = fig.thumbnail()
        assert np.round(card.get_size_inches() * 96).tolist() == [330, 220], name
        cards.add(draw.svg(card))
        assert len(gzip.compress(draw.svg(fig).encode())) < 15_000, name
        assert fig.caption.endswith((".", ":")), name
        assert fig.caption != draw.describe(fig), name
    assert len(cards) == 13


def test_no_letters_touch_and_none_leave_the_page():
    for name, fig in every_picture().items():
        for page in (fig, fig.narrow()):
            renderer = FigureCanvasAgg(page).get_renderer()
            texts = [text for text in page.axes[0].texts if text.get_text()]
            boxes = [text.get_window_extent(renderer) for text in texts]
            for number, box in enumerate(boxes):
                assert page.bbox.x0 <= box.x0, (name, texts[number])
                assert box.x1 <= page.bbox.x1, (name, texts[number])
                for other, second in enumerate(boxes[number + 1 :], number + 1):
                    apart = box.padded(-0.8)  # the room that letters like g leave below a line
                    assert not apart.overlaps(second), (name, texts[number], texts[other])


def test_a_picture_is_pickled_as_a_figure_is():
    fig = draw.padding("zeros")
    again = pickle.loads(pickle.dumps(fig))
    assert draw.svg(again) == draw.svg(fig)
    assert again.caption == fig.caption


def test_titles_and_captions_are_the_readers():
    fig = draw.padding("zeros", title="A title", caption="A caption & more.")
    assert "A title" in words_of(fig)
    assert "A caption &amp; more." in fig._repr_html_()
    assert "A caption" not in draw.describe(fig)


def test_what_a_reader_adds_to_a_picture_is_shown():
    fig = draw.padding("zeros")
    fig.suptitle("Mine $x^2$")
    fig.axes[0].plot([0, 50], [0, 30], color="#123456", alpha=0.5)
    text = draw.svg(fig)
    assert 'stroke="#123456"' in text
    assert 'stroke-opacity=".5"' in text or 'stroke-opacity="0.5"' in text
    assert text.count("<path") > draw.svg(draw.padding("zeros")).count("<path")


def test_the_style_sheet_has_the_palettes_colours():
    css = asset("picture.css")
    for role, (light, dark) in ROLES.items():
        assert f"--cv-{role.replace(' ', '-')}: light-dark({light}, {dark});" in css


# --- animations --------------------------------------------------------------------------------


def still(walk: draw.Walk, number: int) -> list[str]:
    """What a frame shows as the cells read, and the words below."""
    walk.show(number)
    return [text.get_text() for text in walk.figure.axes[0].texts]


def test_every_frame_works_out_one_more_cell():
    layer, x = nn.Conv2d(1, 2, 2), torch.arange(12.0).reshape(1, 3, 4)
    walk = draw.animate(layer, x, channel=1)
    output = layer(x)[1].flatten().tolist()
    assert walk.frames == len(output)
    for number, value in enumerate(output):
        said = still(walk, number)[-1]
        assert float(said.rpartition("= ")[2]) == pytest.approx(value, abs=5.1e-5)
        assert len(walk._shapes["cv-later"].get_paths()) == len(output) - number - 1
    assert agrees(grid_below(walk.figure, "output[1]"), layer(x)[1].detach().numpy())


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("suffix", ["gif", "webp"])
def test_the_walk_is_saved_with_pillow_alone(tmp_path, suffix, theme):
    walk = draw.animate(nn.AvgPool1d(2), torch.arange(6.0)[None], interval=500, theme=theme)
    before = walk.figure.dpi
    walk.save(tmp_path / f"walk.{suffix}")
    with Image.open(tmp_path / f"walk.{suffix}") as image:
        assert image.n_frames == 3
        seen = set()
        for number in range(3):
            image.seek(number)
            frame = np.asarray(image.convert("RGB"))
            seen.add(frame.tobytes())
            codes = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in frame.reshape(-1, 3)}
            assert {
                ROLES[role][theme == "dark"] for role in ("page", "input", "read", "lit")
            } <= codes
        assert len(seen) == 3
        assert image.info.get("duration", 500) == 500
    assert walk.figure.dpi == before


def test_one_dimension_pools_and_shades_walk_too():
    assert draw.animate(nn.ConvTranspose1d(2, 1, 3, stride=2), torch.ones(2, 4)).frames == 9
    assert draw.animate(nn.MaxPool2d(2), torch.rand(3, 1, 4, 4), sample=2).frames == 4
    shaded = draw.animate(nn.Conv2d(1, 1, 5), torch.rand(1, 20, 20))
    assert shaded.figure.axes[0].images
    many = draw.animate(nn.Conv2d(6, 1, 2), torch.ones(6, 3, 3))
    assert any("2 more channels not drawn" in words for words in words_of(many.figure))
    fig = Figure(figsize=(8, 6))
    assert draw.animate(nn.AvgPool1d(2), torch.ones(1, 4), fig=fig).figure is fig


def test_the_player_has_every_frame_and_the_first_without_a_script():
    layer, x = nn.Conv2d(1, 1, 2), torch.arange(12.0).reshape(1, 3, 4)
    walk = draw.animate(layer, x, caption="<b>")
    html = walk.player()
    assert "&lt;b&gt;" in html
    data = json.loads(re.search(r"json\">(.*?)</script>", html)[1])
    values = [float(words.rpartition("= ")[2]) for words in data["words"]]
    assert values == pytest.approx(layer(x).flatten().tolist(), abs=5.1e-5)
    for name, paths in data["paths"].items():
        assert re.search(rf'<path class="{name}"[^>]* d="{paths[0]}"/>', html)
    assert len(set(data["paths"]["cv-cell"])) == walk.frames


def test_an_animation_that_is_never_shown_is_silent():
    walk = draw.animate(nn.AvgPool1d(2), torch.ones(1, 4))
    assert "in 2 steps" in draw.describe(walk.figure)
    del walk
    gc.collect()


def test_what_cannot_walk_says_so():
    with pytest.raises(draw.DrawError, match="676 output cells make too many frames"):
        draw.animate(nn.Conv2d(1, 1, 3), torch.rand(1, 28, 28))
    with pytest.raises(draw.DrawError, match="is not animated"):
        draw.animate(nn.Conv3d(1, 1, 2), torch.rand(1, 3, 3, 3))
    with pytest.raises(draw.DrawError, match="no channel 5"):
        draw.animate(nn.Conv1d(1, 1, 2), torch.rand(1, 3), channel=5)
