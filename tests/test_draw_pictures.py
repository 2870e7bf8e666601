"""Kernels, padding, matrices, maps, fields, shapes and animations: what they show is so."""

from __future__ import annotations

import gc
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from PIL import Image
from reading import agrees, grid_below, marks
from torch import Tensor, nn

import convdocs
from convdocs import draw
from convdocs.draw.matrix import matrix_of
from convdocs.draw.palette import ROLES
from convdocs.draw.receptive_field import place, stations, target
from convdocs.draw.tensors import boxes_of


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


def test_kernel_of_a_pool_is_refused():
    with pytest.raises(draw.DrawError, match=r"MaxPool2d\(2\) has no weights"):
        draw.kernel(nn.MaxPool2d(2))


def test_a_picture_can_be_drawn_in_the_readers_axes():
    fig = Figure(figsize=(6, 3))
    left, right = fig.subplots(1, 2)
    assert draw.kernel(nn.Conv1d(1, 1, 3), ax=right) is fig
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
    cell = place(call, None)
    (grad,) = torch.autograd.grad(output[(0, 0, *cell)], x)
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
        "0  Conv1d(10, 16, 3, padding=1)", "1  ReLU()", "C 10 → 16", "(2, 16, 7)", "N C L",
        "16 × 7",
        "2  Conv1d(16, 32, 3)", "C 16 → 32, L 7 → 5", "(2, 32, 5)", "N C L", "32 × 5",
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
    layers = [nn.Conv1d(1, 1, 1) for _ in range(200)]
    found = convdocs.trace(nn.Sequential(*layers), torch.ones(1, 1, 4))
    with pytest.raises(draw.DrawError, match="201 tensors"):
        draw.stack(found)


# --- animations --------------------------------------------------------------------------------


def still(walk: draw.Walk, number: int) -> list[str]:
    """What a frame shows as the cells read, and the words below."""
    walk.stage.show(number)
    return [text.get_text() for text in walk.figure.axes[0].texts]


def test_every_frame_works_out_one_more_cell():
    layer, x = nn.Conv2d(1, 2, 2), torch.arange(12.0).reshape(1, 3, 4)
    walk = draw.animate(layer, x, channel=1)
    output = layer(x)[1].flatten().tolist()
    assert walk.frames == len(output)
    for number, value in enumerate(output):
        said = still(walk, number)[-1]
        assert float(said.rpartition("= ")[2]) == pytest.approx(value, abs=5.1e-5)
        assert len(walk.stage._shapes["cv-later"].get_paths()) == len(output) - number - 1
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
    assert "2 more channels, not drawn" in words_of(many.figure)
    fig = Figure(figsize=(8, 6))
    assert draw.animate(nn.AvgPool1d(2), torch.ones(1, 4), fig=fig).figure is fig


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
