"""Receptive fields: published figures, and random networks against their own gradients."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from convdocs.geometry import Window
from convdocs.receptive import (
    IDENTITY,
    LONGEST_PERIOD,
    UNKNOWN,
    AxisField,
    adaptive_field,
    joined,
    local_field,
    periodic,
    resized_field,
    through,
    whole,
)
from convdocs.tracing import trace, trace_values

VGG = [(3, 1, 1)] * 2 + [(2, 2, 0)]
VGG_STAGE = [(3, 1, 1)] * 3 + [(2, 2, 0)]


def along(layers: list[tuple[int, int, int]]) -> list[tuple[Any, Any]]:
    field, seen = IDENTITY, []
    for kernel, stride, pad in layers:
        field = through(field, local_field(Window(kernel, stride, (pad, pad))))
        seen.append((field.size, field.stride))
    return seen


def test_vgg_as_published():
    seen = along(VGG * 2 + VGG_STAGE * 3)
    assert seen[0] == (3, 1)
    assert [seen[i] for i in (2, 5, 9, 13, 17)] == [(6, 2), (16, 4), (44, 8), (100, 16), (212, 32)]


def test_alexnet_as_published():
    convs = [
        (11, 4, 2),
        (3, 2, 0),
        (5, 1, 2),
        (3, 2, 0),
        (3, 1, 1),
        (3, 1, 1),
        (3, 1, 1),
        (3, 2, 0),
    ]
    seen = along(convs)
    assert seen == [
        (11, 4), (19, 8), (51, 8), (67, 16), (99, 16), (131, 16), (163, 16), (195, 32),
    ]  # fmt: skip


def test_where_other_tools_are_wrong():
    assert local_field(Window(3, padding=(1, 1))).size == 3  # 'same'
    assert local_field(Window(3, stride=2, transposed=True)).size == 2
    assert resized_field(4, 8, "nearest").size == 1
    assert adaptive_field(8, 2).size == 4


@pytest.mark.parametrize("size", range(1, 9))
@pytest.mark.parametrize("output", range(1, 9))
def test_resizing_reads_what_torch_reads(size: int, output: int):
    x = torch.ones(1, 1, size, requires_grad=True)
    ways = {
        "adaptive": (F.adaptive_avg_pool1d(x, output), adaptive_field(size, output)),
        "nearest": (F.interpolate(x, output), resized_field(size, output, "nearest")),
        "linear": (
            F.interpolate(x, output, mode="linear"),
            resized_field(size, output, "linear"),
        ),
        "corners": (
            F.interpolate(x, output, mode="linear", align_corners=True),
            resized_field(size, output, "linear", align_corners=True),
        ),
    }
    for y, field in ways.values():
        for cell in range(output):
            read = gradient_cells(x, y[0, 0, cell])
            clipped = [c for c in field.cells(cell) if 0 <= c < size]
            assert set(read) <= set(clipped) or len(clipped) == 0
            assert len(read) == len(clipped) or size == 1 or cell in (0, output - 1)


def gradient_cells(x: Tensor, value: Tensor) -> list[int]:
    (gradient,) = torch.autograd.grad(value, x, retain_graph=True)
    # a place that rounding puts a hair beside a cell has its neighbour's weight, all but nothing
    return (gradient.abs().sum(dim=(0, 1)) > 1e-5).nonzero().flatten().tolist()


class Joined(nn.Module):
    """Two ways side by side, added or concatenated."""

    def __init__(self, first: nn.Module, second: nn.Module, how: str) -> None:
        super().__init__()
        self.first, self.second, self.how = first, second, how

    def forward(self, x: Tensor) -> Tensor:
        y, z = self.first(x), self.second(x)
        length = min(y.shape[-1], z.shape[-1])
        y, z = y[..., :length], z[..., :length]
        return y + z if self.how == "add" else torch.cat([y, z], 1).mean(1, keepdim=True)


class Shifted(nn.Module):
    """Pads on one side and drops as much on the other: a causal step."""

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, (2, 0))[:, :, :-2]


def conv(draw: Any, kind: Any = nn.Conv1d) -> nn.Module:
    kernel, stride = draw(st.integers(1, 4)), draw(st.sampled_from([1, 1, 2, 3]))
    dilation = draw(st.sampled_from([1, 1, 2]))
    if kind is nn.ConvTranspose1d:
        pad, extra = draw(st.integers(0, 1)), draw(st.integers(0, 1))
        extra = min(extra, max(stride, dilation) - 1)
        return kind(1, 1, kernel, stride, pad, output_padding=extra, dilation=dilation)
    mode = draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"]))
    pad: Any = draw(st.integers(0, 2))
    if stride == 1 and draw(st.booleans()):
        pad = "same"
    return kind(1, 1, kernel, stride, pad, dilation=dilation, padding_mode=mode)


@st.composite
def layers(draw: Any) -> nn.Module:
    kind = draw(st.integers(0, 8))
    if kind <= 2:
        return conv(draw)
    if kind == 3:
        return conv(draw, nn.ConvTranspose1d)
    if kind == 4:
        return nn.AvgPool1d(draw(st.integers(1, 3)), draw(st.integers(1, 3)), ceil_mode=True)
    if kind == 5:
        mode = draw(st.sampled_from(["nearest", "linear"]))
        return nn.Upsample(scale_factor=draw(st.sampled_from([2, 3, 1.5, 1.3])), mode=mode)
    if kind == 6:
        return nn.AdaptiveAvgPool1d(draw(st.integers(3, 30)))
    if kind == 7:
        return Shifted()
    return nn.ReLU()


@st.composite
def networks(draw: Any) -> nn.Module:
    parts: list[nn.Module] = [nn.Conv1d(1, 1, 1)]  # says which axis is which
    for _ in range(draw(st.integers(1, 4))):
        if draw(st.integers(0, 2)):
            parts.append(draw(layers()))
            continue
        # both ways at the same step, as any sensible skip connection is
        stride = draw(st.sampled_from([1, 1, 2]))
        ways = [nn.Conv1d(1, 1, k, stride, k // 2) for k in draw(st.permutations([1, 3, 5]))[:2]]
        shortcut = nn.Identity() if stride == 1 else ways[1]
        parts.append(Joined(ways[0], draw(st.sampled_from([shortcut, ways[1]])), draw(HOW)))
    return nn.Sequential(*parts)


HOW = st.sampled_from(["add", "cat"])


def made_positive(net: nn.Module) -> nn.Module:
    """Weights of one, so that no gradient cancels."""
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    return net.double()


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=150)
@given(networks())
def test_fields_of_random_networks_are_those_of_their_gradients(net: nn.Module):
    made_positive(net)
    x = torch.ones(1, 1, 90, dtype=torch.float64, requires_grad=True)
    try:
        y = net(x)
    except RuntimeError:
        return  # too small by now
    call = trace(net, (1, 1, 90)).calls[-1]
    (field,) = call.receptive_field
    middle = y.shape[-1] // 2
    for cell in range(middle, min(middle + 4, y.shape[-1])):
        read = gradient_cells(x, y[0, 0, cell])
        told = field.cells(cell)
        if told.start < 12 or told.stop > 78 or not read:
            continue  # within reach of the border, or nothing but a bias
        if field.status == "exact":
            assert (read[0], read[-1]) == (told.start, told.stop - 1)
        else:
            assert told.start <= read[0]
            assert read[-1] < told.stop


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=40)
@given(networks())
def test_random_networks_give_the_same_from_shapes_and_from_values(net: nn.Module):
    try:
        net(torch.ones(1, 1, 90))
    except RuntimeError:
        return
    assert trace(net, (1, 1, 90)).calls == trace_values(net, (1, 1, 90)).calls


def test_each_axis_has_its_own_field():
    net = nn.Sequential(nn.Conv2d(1, 1, (3, 1), stride=(1, 2)), nn.AvgPool2d((1, 4)))
    down, across = trace(net, (1, 1, 20, 40)).calls[-1].receptive_field
    assert (down.size, down.stride, across.size, across.stride) == (3, 1, 7, 8)


class Gated(nn.Module):
    """A convolution, and its mean combined with it in some way."""

    def __init__(self, way: Any) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 3, padding=1)
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return self.way(y, y.mean((2, 3), keepdim=True))


@pytest.mark.parametrize(
    "way",
    [
        lambda y, gate: y * gate, lambda y, gate: gate.sigmoid() * y, lambda y, gate: y / gate,
        lambda y, gate: y * gate.expand_as(y), lambda y, gate: y * gate.flatten(),
        lambda y, gate: y * gate.mean(),
    ],
)  # fmt: skip
def test_a_field_survives_a_gate_that_reads_all(way: Any):
    field = trace(Gated(way), (1, 1, 9, 9)).calls[-1].receptive_field[0]
    assert (field.size, field.stride, field.status, field.gated) == (3, 1, "exact", True)
    later = through(field, local_field(Window(3, 2)))
    assert (later.size, later.stride, later.gated) == (5, 2, True)


@pytest.mark.parametrize("way", [lambda y, mean: y + mean, lambda y, mean: y - mean * 2])
def test_a_mean_that_is_added_reads_everything(way: Any):
    field = trace(Gated(way), (1, 1, 9, 9)).calls[-1].receptive_field[0]
    assert (field.size, field.stride, field.status, field.gated) == (9, 0, "exact", False)


def test_a_function_that_is_not_known_says_so():
    class Sorted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.sort(F.avg_pool1d(x, 2), dim=-1)[0]

    (field,) = trace(Sorted(), (1, 1, 9)).calls[-1].receptive_field
    assert field == UNKNOWN
    with pytest.raises(ValueError, match="unknown along this axis"):
        field.cells(0)


def test_tensors_that_move_at_different_steps_give_a_bound():
    field = joined([AxisField(3, 1, 0), AxisField(3, 2, 0)], 20)
    assert (field.status, field.size) == ("upper bound", 20)
    assert joined([whole(20), AxisField(3, 1, -1)], 20) == whole(20)
    assert joined([UNKNOWN, IDENTITY], 20) is UNKNOWN


def test_a_bound_contains_the_exact_field_it_stands_for():
    """A period beyond the limit becomes a bound, and stays one further on."""
    sizes = (LONGEST_PERIOD + 3, LONGEST_PERIOD + 4)
    bound = adaptive_field(*sizes)
    assert bound.status == "upper bound"
    pool = local_field(Window(3, 2))
    for after in (bound, through(bound, pool), through(AxisField(5, 2, -2), bound)):
        assert after.status == "upper bound"
    for cell in (0, 1, 7, 500, sizes[1] - 1):
        exact = set(range(cell * sizes[0] // sizes[1], -(-(cell + 1) * sizes[0] // sizes[1])))
        assert exact <= set(bound.cells(cell))
        assert exact | set(bound.cells(2 * cell)) <= exact | set(through(bound, pool).cells(cell))


def test_joining_with_a_bound_is_a_bound():
    half = periodic([(0, 0), (0, 0)], 1)
    loose = AxisField(4, Fraction(1, 2), -2, "upper bound")
    both = joined([half, loose], 20)
    assert both.status == "upper bound"
    assert all(set(half.cells(c)) <= set(both.cells(c)) for c in range(9))
    assert all(set(loose.cells(c)) <= set(both.cells(c)) for c in range(9))


def test_cells_that_read_nothing():
    gaps = local_field(Window(1, stride=3, transposed=True))
    assert [list(gaps.cells(c)) for c in range(4)] == [[0], [], [], [1]]
    after = through(gaps, local_field(Window(2)))
    assert [list(after.cells(c)) for c in range(3)] == [[0], [], [1]]
    assert through(gaps, local_field(Window(1, 3))).size == 1


def test_a_functional_layer_norm_reads_the_axes_that_it_normalises():
    class Normed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return F.layer_norm(self.conv(x), (8,))

    height, width = trace(Normed(), (1, 1, 9, 8)).calls[-1].receptive_field
    assert (height.size, height.stride, height.offset) == (3, 1, -1)
    assert (width.size, width.stride, width.offset) == (10, 0, -1)  # all 8 cells and the padding


def test_a_crop_of_two_axes_starts_where_each_says():
    class Crop(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x[:, :, 2:, 3:]

    net = nn.Sequential(nn.Conv2d(1, 1, (3, 1)), Crop())
    assert trace(net, (1, 1, 9, 9)).calls[-1].receptive_field == (
        AxisField(3, 1, 2),
        AxisField(1, 1, 3),
    )


def test_a_field_that_repeats_with_a_whole_step_keeps_its_runs():
    net = nn.Sequential(nn.AdaptiveAvgPool1d(6), nn.Upsample(size=8), nn.Conv1d(1, 1, 3))
    (own,) = trace(net, (1, 1, 8)).calls[-1].receptive_field
    x = torch.ones(1, 1, 8, dtype=torch.float64, requires_grad=True)
    out = made_positive(net)(x)
    seen = [gradient_cells(x, out[0, 0, cell]) for cell in range(6)]
    assert [(own.cells(cell)[0], own.cells(cell)[-1]) for cell in range(6)] == [
        (cells[0], cells[-1]) for cells in seen
    ]


def test_a_flatten_of_axes_without_names_makes_features():
    class Flat(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1)

    assert trace(Flat(), (2, 3, 4)).calls[-1].axes == "N F"


def test_an_axis_of_one_cell_is_that_cell_or_a_new_one():
    class Cut(nn.Module):
        def __init__(self, cut: Any) -> None:
            super().__init__()
            self.conv, self.cut = nn.Conv2d(1, 1, 3), cut

        def forward(self, x: Tensor) -> Tensor:
            return self.cut(self.conv(x))

    def seen(cut: Any, shape: tuple[int, ...] = (2, 1, 9, 12)) -> Any:
        call = trace(Cut(cut), shape).calls[1]
        return call.axes, [(field.offset, field.stride) for field in call.local_fields[0]]

    assert seen(lambda x: x[..., 3:4, :]) == ("N C H W", [(3, 1), (0, 1)])
    assert seen(lambda x: x[..., 6:7, 9:10]) == ("N C H W", [(6, 1), (9, 1)])
    assert seen(lambda x: x[..., 4:5, ::2]) == ("N C H W", [(4, 1), (0, 2)])
    assert seen(lambda x: x[..., 5:8:4, ::9]) == ("N C H W", [(5, 4), (0, 9)])
    assert seen(lambda x: x[..., None], (2, 1, 3, 12))[0] == ""  # the new axis has no name
    assert seen(lambda x: x[:, :, None, 3])[0] == ""  # nor where the rows were
    one_row = seen(lambda x: x[..., 0:1, 1:], (2, 1, 3, 12))
    assert one_row == ("N C H W", [(0, 1), (1, 1)])
    assert seen(lambda x: x.squeeze(2), (2, 1, 3, 12)) == ("N C W", [(0, 1)])
    swapped = trace(Cut(lambda x: x[:, 0:1].transpose(1, 2)), (2, 1, 9, 12)).calls[-1]
    assert swapped.axes == "N H C W"
