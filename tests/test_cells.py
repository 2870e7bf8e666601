"""Every number that `explain` works out, against torch's own layers."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations, prune

import convdocs
from convdocs.cells import CellError, explain, reads
from convdocs.layers import LayerError

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")

CONVOLUTIONS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
MAX_POOLS = {1: nn.MaxPool1d, 2: nn.MaxPool2d, 3: nn.MaxPool3d}
AVERAGE_POOLS = {1: nn.AvgPool1d, 2: nn.AvgPool2d, 3: nn.AvgPool3d}
LP_POOLS = {1: nn.LPPool1d, 2: nn.LPPool2d, 3: nn.LPPool3d}

DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]
DIMS = st.sampled_from([1, 1, 2, 2, 3])


def integers(draw, dims, low, high):
    return tuple(draw(st.integers(low, high)) for _ in range(dims))


def make_input(draw, channels, sizes, dtype=torch.float32):
    """A random input, batched or not, sometimes a strided view."""
    batch = draw(st.sampled_from([(), (1,), (2,)]))
    x = torch.randn(*batch, channels, *sizes)
    if draw(st.booleans()):
        x = x.repeat_interleave(2, dim=-1)[..., ::2]
    return x.to(dtype)


@st.composite
def convolutions(draw):
    torch.manual_seed(draw(st.integers(0, 999)))
    dims = draw(DIMS)
    kernel, dilation = integers(draw, dims, 1, 3), integers(draw, dims, 1, 2)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = tuple(draw(st.integers(span, span + 2)) for span in spans)
    padding = draw(st.sampled_from(["same", "valid", "numbers"]))
    if padding == "numbers":  # reflect needs less than the input, circular no more
        padding = tuple(draw(st.integers(0, min(2, size - 1))) for size in sizes)
    groups = draw(st.integers(1, 2))
    layer = CONVOLUTIONS[dims](
        groups * draw(st.integers(1, 2)),
        groups * draw(st.integers(1, 2)),
        kernel,
        stride=1 if padding == "same" else integers(draw, dims, 1, 2),
        padding=padding,
        padding_mode=draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
        dtype=draw(st.sampled_from(DTYPES)),
    )
    return layer, make_input(draw, layer.in_channels, sizes, layer.weight.dtype)


@st.composite
def transposed(draw):
    torch.manual_seed(draw(st.integers(0, 999)))
    dims = draw(DIMS)
    stride, dilation = integers(draw, dims, 1, 3), integers(draw, dims, 1, 2)
    kernel = integers(draw, dims, 2, 3)
    groups = draw(st.integers(1, 2))
    layer = TRANSPOSED[dims](
        groups * draw(st.integers(1, 2)),
        groups * draw(st.integers(1, 2)),
        kernel,
        stride=stride,
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        output_padding=tuple(
            draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
        ),
        dilation=dilation,
        groups=groups,
        bias=draw(st.booleans()),
    )
    return layer, make_input(draw, layer.in_channels, integers(draw, dims, 2, 3))


@st.composite
def max_pools(draw):
    torch.manual_seed(draw(st.integers(0, 999)))
    dims = draw(DIMS)
    kernel, dilation = integers(draw, dims, 1, 3), integers(draw, dims, 1, 2)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    layer = MAX_POOLS[dims](
        kernel,
        stride=integers(draw, dims, 1, 3),
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        dilation=dilation,
        return_indices=draw(st.booleans()),
        ceil_mode=draw(st.booleans()),
    )
    return layer, make_input(draw, 2, tuple(draw(st.integers(s, s + 3)) for s in spans))


@st.composite
def average_pools(draw):
    torch.manual_seed(draw(st.integers(0, 999)))
    dims = draw(DIMS)
    kernel = integers(draw, dims, 1, 3)
    override = {} if dims == 1 else {"divisor_override": draw(st.sampled_from([None, 3]))}
    layer = AVERAGE_POOLS[dims](
        kernel,
        stride=integers(draw, dims, 1, 3),
        padding=tuple(draw(st.integers(0, k // 2)) for k in kernel),
        ceil_mode=draw(st.booleans()),
        count_include_pad=draw(st.booleans()),
        **override,
    )
    return layer, make_input(draw, 2, tuple(draw(st.integers(k, k + 3)) for k in kernel))


@st.composite
def lp_pools(draw):
    torch.manual_seed(draw(st.integers(0, 999)))
    dims = draw(DIMS)
    kernel = integers(draw, dims, 1, 3)
    layer = LP_POOLS[dims](
        draw(st.sampled_from([1, 2, 2.0, 3, 4, math.inf, -math.inf])),
        kernel if dims > 1 else kernel[0],
        stride=None if draw(st.booleans()) else draw(st.integers(1, 3)),
        ceil_mode=draw(st.booleans()),
    )
    return layer, make_input(draw, 2, tuple(draw(st.integers(k, k + 3)) for k in kernel))


@st.composite
def unfolds(draw):
    torch.manual_seed(draw(st.integers(0, 999)))
    kernel, dilation = integers(draw, 2, 1, 3), integers(draw, 2, 1, 2)
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    layer = nn.Unfold(
        kernel,
        dilation=dilation,
        padding=integers(draw, 2, 0, 2),
        stride=integers(draw, 2, 1, 2),
    )
    return layer, make_input(draw, 2, tuple(draw(st.integers(s, s + 2)) for s in spans))


def cells(shape):
    return itertools.product(*map(range, shape))


def output_of(layer, x):
    output = layer(x)
    return output[0] if isinstance(output, tuple) else output


def close(explanation, dtype):
    """Equal up to what rounding in ``dtype`` may do to the largest partial sum."""
    mine, torchs = explanation.value, explanation.layer_value
    if mine != mine or math.isinf(mine):
        return mine == torchs or (mine != mine and torchs != torchs)
    taps = [term.product for term in explanation.terms if term.index is not None]
    size = sum(map(abs, taps)) + abs(explanation.bias or 0)
    power = explanation.power
    if power is not None and math.isfinite(power) and mine:
        mine, torchs = mine**power, torchs**power
        size = max(size, abs(mine))
    return abs(mine - torchs) <= 16 * torch.finfo(dtype).eps * size


def check_all_cells(layer, x):
    output = output_of(layer, x)
    for at in cells(output.shape):
        cell = explain(layer, x, at)
        assert cell.layer_value == output[at].item() or math.isnan(cell.layer_value)
        assert close(cell, output.dtype), (layer, x.shape, cell)
        assert cell.agrees
        for term in cell.terms:
            assert (term.reason is None) == (term.index is not None)
            if term.index is not None:
                assert term.value == x[term.index].item() or math.isnan(term.value)


@pytest.mark.parametrize(
    "family", [convolutions, transposed, max_pools, average_pools, lp_pools, unfolds]
)
def test_every_cell_of_every_family_has_the_layers_value(family):
    @settings(max_examples=150)
    @given(family())
    def check(made):
        check_all_cells(*made)

    check()


def test_whole_numbers_drop_what_a_division_leaves():
    pool = nn.AvgPool2d(2)
    x = torch.tensor([[[-1, -2, 3, 4], [-3, -4, 5, 6]]])
    assert [explain(pool, x, (0, 0, at)).value for at in (0, 1)] == [-2, 4]
    assert explain(nn.MaxPool2d(2), x, (0, 0, 0)).value == -1


def test_cross_correlation_of_dive_into_deep_learning():
    layer = nn.Conv2d(1, 1, 2, bias=False)
    layer.weight.data = torch.arange(4.0).reshape(1, 1, 2, 2)
    x = torch.arange(9.0).reshape(1, 3, 3)
    assert [explain(layer, x, at).value for at in cells((1, 2, 2))] == [19, 25, 37, 43]


def test_a_term_says_what_it_multiplies():
    layer = nn.Conv1d(2, 2, 3, padding=1, padding_mode="zeros")
    x = torch.randn(1, 2, 4)
    cell = explain(layer, x, (0, 1, 0))
    first, second = cell.terms[:2]
    assert (first.channel, first.kernel, first.position) == (0, (0,), (-1,))
    assert (first.index, first.reason, first.padded, first.value) == (None, "padding", True, 0)
    assert second.index == (0, 0, 0)
    assert second.weight == layer.weight[1, 0, 1].item()
    assert second.product == second.weight * second.value
    assert cell.bias == layer.bias[1].item()
    assert cell.window == ((-1, 0, 1),)
    assert (cell.input_shape, cell.output_shape) == ((1, 2, 4), (1, 2, 4))


def test_copied_padding_says_which_cell_was_copied():
    layer = nn.Conv1d(1, 1, 3, padding=2, padding_mode="reflect")
    cell = explain(layer, torch.tensor([[10.0, 11.0, 12.0, 13.0]]), (0, 0))
    assert [(t.position, t.index, t.padded, t.value) for t in cell.terms] == [
        ((-2,), (0, 2), True, 12),
        ((-1,), (0, 1), True, 11),
        ((0,), (0, 0), False, 10),
    ]


def test_a_transposed_layer_has_holes_and_edges():
    cell = explain(nn.ConvTranspose1d(1, 1, 3, stride=2), torch.ones(1, 2), (0, 1))
    assert [term.reason for term in cell.terms] == ["hole", None, "hole"]
    edge = explain(nn.ConvTranspose1d(1, 1, 3, stride=2), torch.ones(1, 2), (0, 0))
    assert [term.reason for term in edge.terms] == [None, "hole", "padding"]


def test_ceil_mode_reaches_outside_and_outside_does_not_count():
    pool = nn.AvgPool1d(3, stride=2, padding=1, ceil_mode=True)
    cell = explain(pool, torch.tensor([[1.0, 2.0, 3.0, 4.0]]), (0, 2))
    assert [term.reason for term in cell.terms] == [None, "padding", "outside"]
    assert cell.divisor == 2
    assert cell.value == 2


def test_padding_of_a_max_pool_is_minus_infinity():
    cell = explain(nn.MaxPool1d(3, padding=1), torch.tensor([[-5.0, -7.0, -9.0]]), (0, 0))
    assert [term.value for term in cell.terms] == [-math.inf, -5, -7]
    assert cell.value == -5


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(1, 2, 3, padding=1),
        nn.ConvTranspose1d(1, 2, 3, stride=2),
        nn.MaxPool1d(3, stride=1, padding=1),
        nn.AvgPool1d(3, stride=1, padding=1),
        nn.LPPool1d(2, 2),
        nn.LPPool1d(math.inf, 2),
        nn.LPPool1d(-math.inf, 2),
    ],
    ids=repr,
)
def test_infinity_and_nan_go_the_way_they_go_in_torch(layer, odd):
    check_all_cells(layer, torch.tensor([[1.0, odd, 0.0, -2.0]]))


def test_an_infinite_weight_times_padding_is_nan_but_a_hole_is_not_multiplied():
    padded, spread = nn.Conv1d(1, 1, 3, padding=1), nn.ConvTranspose1d(1, 1, 3, stride=2)
    for layer in (padded, spread):
        layer.weight.data[0, 0, 0] = math.inf
        check_all_cells(layer, torch.ones(1, 4))
    assert math.isnan(explain(padded, torch.ones(1, 4), (0, 0)).value)


@pytest.mark.parametrize("power", [-1, 0.5, 3, 2.5])
def test_odd_powers_of_an_lp_pool(power):
    check_all_cells(nn.LPPool1d(power, 2), torch.tensor([[-1.0, -2.0, 0.0, 3.0, 2.0, 0.5]]))


def test_complex_numbers():
    torch.manual_seed(0)
    layer = nn.Conv1d(2, 2, 2, padding=1, dtype=torch.complex64)
    x = torch.randn(2, 3, dtype=torch.complex64)
    for at in cells((2, 4)):
        cell = explain(layer, x, at)
        assert cell.agrees
        assert abs(cell.value - layer(x)[at].item()) < 1e-6


def test_sample_and_negative_numbers_name_the_same_cell():
    layer, x = nn.Conv1d(3, 2, 3), torch.randn(2, 3, 5)
    assert explain(layer, x, (1, 2), sample=1) == explain(layer, x, (1, 1, 2))
    assert explain(layer, x, (-1, -1, -1)) == explain(layer, x, (1, 1, 2))


class Doubled(nn.Conv1d):
    def forward(self, x):
        return 2 * super().forward(x)


def test_a_subclass_with_its_own_forward_does_not_agree():
    layer, x = Doubled(1, 1, 2), torch.randn(1, 4)
    cell = explain(layer, x, (0, 0))
    assert not cell.agrees
    assert cell.kind == "Doubled"
    assert cell.layer_value == layer(x)[0, 0].item()


def spectral(layer):
    return nn.utils.spectral_norm(layer)


def weight_norm(layer):
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(layer)


@pytest.mark.parametrize(
    "wrap",
    [
        parametrizations.weight_norm,
        parametrizations.spectral_norm,
        parametrizations.orthogonal,
        spectral,
        weight_norm,
        lambda layer: prune.random_unstructured(layer, "weight", 0.5),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_a_weight_that_is_computed_is_the_one_the_layer_uses(wrap, training):
    layer = wrap(nn.Conv1d(2, 2, 2)).train(training)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(1.5)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    x = torch.randn(2, 4)
    cell = explain(layer, x, (1, 2))
    assert close(cell, torch.float32)
    assert all(torch.equal(before[name], value) for name, value in layer.state_dict().items())
    assert cell.layer_value == pytest.approx(layer(x)[1, 2].item())


class Noisy(nn.Module):
    def forward(self, weight):
        return weight + torch.randn_like(weight)


def test_a_weight_that_is_drawn_is_drawn_once_and_from_the_side():
    layer, x = nn.Conv1d(2, 2, 2), torch.randn(2, 4)
    nn.utils.parametrize.register_parametrization(layer, "weight", Noisy())
    state = torch.get_rng_state()
    assert close(explain(layer, x, (1, 2)), torch.float32)
    assert torch.equal(torch.get_rng_state(), state)


def test_layer_input_gradients_and_random_state_stay_as_they_are():
    layer, calls = nn.Conv1d(1, 1, 2), []
    layer.register_forward_hook(lambda *_: calls.append("forward"))
    layer.register_forward_pre_hook(lambda *_: calls.append("before"))
    layer.note = ["mine"]
    x = torch.randn(1, 4, requires_grad=True)
    layer(x).sum().backward()
    calls.clear()
    gradients, state = (layer.weight.grad.clone(), x.grad.clone()), torch.get_rng_state()
    things = {name: id(value) for name, value in vars(layer).items()}
    versions = [tensor._version for tensor in (x, layer.weight, layer.bias)]
    explain(layer, x, (0, 0))
    reads(layer, (1, 4), (0, 0))
    assert calls == []
    assert torch.equal(layer.weight.grad, gradients[0])
    assert torch.equal(x.grad, gradients[1])
    assert torch.equal(torch.get_rng_state(), state)
    assert {name: id(value) for name, value in vars(layer).items()} == things
    assert [tensor._version for tensor in (x, layer.weight, layer.bias)] == versions
    assert layer.weight.requires_grad
    assert layer.training


def test_an_index_that_is_no_cell_says_the_shape():
    layer, x = nn.Conv1d(3, 2, 3), torch.randn(2, 3, 5)
    with pytest.raises(IndexError) as wrong:
        explain(layer, x, (0, 0, 3))
    assert str(wrong.value) == (
        "no cell (0, 0, 3): the output of Conv1d(3, 2, 3) has shape (2, 2, 3)"
    )
    with pytest.raises(CellError, match=r"shape \(2, 2, 3\), so a cell of it has 3 numbers, but"):
        explain(layer, x, (0, 0))
    with pytest.raises(CellError, match=r"no cell \(0, 9\): the input of Conv1d\(3, 2, 3\)"):
        reads(layer, (3, 5), (0, 9))


def test_what_is_no_layer_or_no_tensor_is_refused_with_what_to_do():
    with pytest.raises(LayerError, match="Linear has no sliding window"):
        explain(nn.Linear(2, 2), torch.ones(2), (0,))
    with pytest.raises(LayerError, match=r"x is a list; torch.as_tensor\(x\) makes one"):
        explain(nn.Conv1d(1, 1, 1), [[1.0]], (0, 0))
    with pytest.raises(LayerError, match="give Conv1d an input and weights that have some"):
        explain(nn.Conv1d(1, 1, 1), torch.ones(1, 3, device="meta"), (0, 0))
    with pytest.raises(LayerError, match="call it once on an input first"):
        explain(nn.LazyConv1d(1, 1), torch.ones(1, 3), (0, 0))
    with pytest.raises(LayerError, match="call it once on an input first"):
        reads(nn.LazyConv1d(1, 1), (1, 3), (0, 0))


def test_a_wrong_shape_keeps_torchs_words():
    layer = nn.Conv1d(3, 2, 3)
    with pytest.raises(RuntimeError) as torchs:
        layer(torch.ones(2, 4, 5))
    for ask in (
        lambda: explain(layer, torch.ones(2, 4, 5), (0, 0, 0)),
        lambda: reads(layer, (2, 4, 5), (0, 0, 0)),
    ):
        with pytest.raises(RuntimeError) as mine:
            ask()
        assert str(mine.value) == str(torchs.value)


def readers_by_perturbation(layer, x, at):
    """Output cells that change when the input cell is raised above all others."""
    changed = x.clone()
    changed[at] = 50.0
    differ = output_of(layer, changed) != output_of(layer, x)
    return tuple(tuple(one) for one in differ.nonzero().tolist())


@pytest.mark.parametrize(
    "family", [convolutions, transposed, max_pools, average_pools, lp_pools, unfolds]
)
def test_reads_are_the_cells_that_change_when_the_input_cell_does(family):
    @settings(max_examples=60)
    @given(family(), st.data())
    def check(made, data):
        layer, x = made
        if getattr(layer, "norm_type", 0) == -math.inf:  # there, the smallest cell is seen
            return
        at = tuple(data.draw(st.integers(0, size - 1)) for size in x.shape)
        layer, x = layer.double(), x.double().abs() + 0.1
        for parameter in layer.parameters():
            parameter.data = parameter.abs() + 0.1  # no two changes cancel
        assert reads(layer, x.shape, at) == readers_by_perturbation(layer, x, at)

    check()


def test_reads_stands_beside_explain():
    assert convdocs.explain is explain
    assert explain.reads is reads
