"""Multiply-accumulates and parameters against torch's own counter and published figures."""

from __future__ import annotations

import itertools
import re
import resource
import sys
import types
import unittest
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from convdocs.tracing import trace, trace_values
from convdocs.tracing.costs import Counter
from convdocs.tracing.nested import tensors_in

sys.path.insert(0, str(Path(__file__).parent / "bench"))
import models


def flops(model: nn.Module, *inputs: Any) -> int:
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.no_grad():
        model.to("meta")(*inputs)
    return counter.get_total_flops()


K, S, D = st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)


@st.composite
def contractions(draw: Any) -> tuple[nn.Module, tuple[int, ...]]:
    dims, groups = draw(st.integers(1, 3)), draw(st.sampled_from([1, 1, 2]))
    kind = draw(st.sampled_from(["Conv", "ConvTranspose"]))
    settings = {
        "stride": draw(S),
        "dilation": draw(D),
        "groups": groups,
        "bias": draw(st.booleans()),
    }
    module = getattr(nn, f"{kind}{dims}d")(4, 6, draw(K), **settings)
    spatial = draw(st.lists(st.integers(5, 8), min_size=dims, max_size=dims))
    return module, (draw(st.integers(1, 2)), 4, *spatial)


@settings(max_examples=100)
@given(contractions())
def test_convolutions_as_torchs_counter_counts_them(case: tuple[nn.Module, tuple[int, ...]]):
    module, shape = case
    found = trace(module, shape)
    assert 2 * found.macs == flops(module, torch.empty(shape, device="meta"))


class Way(nn.Module):
    def __init__(self, way: Any) -> None:
        super().__init__()
        self.way = way

    def forward(self, *inputs: Tensor) -> Any:
        return self.way(*inputs)


PRODUCTS = {
    "linear": (Way(lambda x, w: F.linear(x, w)), (2, 3, 4), (5, 4)),
    "matmul": (Way(torch.matmul), (2, 3, 4), (4, 5)),
    "broadcast": (Way(torch.matmul), (2, 1, 3, 4), (6, 4, 5)),
    "operator": (Way(lambda x, y: x @ y), (3, 4), (4, 5)),
    "bmm": (Way(torch.bmm), (2, 3, 4), (2, 4, 5)),
    "baddbmm": (Way(torch.baddbmm), (2, 3, 5), (2, 3, 4), (2, 4, 5)),
    "addmm": (Way(torch.addmm), (3, 5), (3, 4), (4, 5)),
    "einsum": (Way(lambda x, y: torch.einsum("bij,bjk->bik", x, y)), (2, 3, 4), (2, 4, 5)),
    "attention": (Way(F.scaled_dot_product_attention), (2, 3, 8), (2, 5, 8), (2, 5, 8)),
    "functional": (Way(lambda x, w: F.conv2d(x, w, padding=1)), (1, 3, 8, 8), (4, 3, 3, 3)),
    "multihead": (nn.MultiheadAttention(8, 2), *((5, 2, 8),) * 3),
    "encoder": (nn.TransformerEncoderLayer(8, 2, 16), (5, 2, 8)),
    "bilinear upsampling": (nn.Upsample(scale_factor=2, mode="bilinear"), (1, 3, 4, 4)),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products_as_torchs_counter_counts_them(name: str):
    model, *shapes = PRODUCTS[name]
    found = trace(model, *shapes)
    assert 2 * found.macs == flops(model, *(torch.empty(s, device="meta") for s in shapes))


@pytest.mark.parametrize(
    ("x", "y", "ends", "products"),
    [
        ((8, 16), (4, 16, 32), (2, 4, 5, 8), [(2, 16, 32), (2, 16, 32), (1, 16, 32), (3, 16, 32)]),
        ((4, 8, 16), (4, 16, 32), None, [(8, 16, 32)] * 4),
        ((8, 16), (16, 32), (8, 16), [(8, 8, 32)] * 2),
        ((2, 8, 16), (16, 32), (8, 32), [(8, 16, 8), (8, 16, 24)]),
    ],
    ids=["rows", "batches", "columns and rows", "columns"],
)
def test_experts_multiply_what_each_of_them_is_given(x: Any, y: Any, ends: Any, products: Any):
    """Rows, columns or what is summed over are parted among the groups of a grouped product."""

    def grouped(a: Tensor, b: Tensor) -> Tensor:
        offs = None if ends is None else torch.tensor(ends, dtype=torch.int32)
        return F.grouped_mm(a, b, offs=offs)

    given = [torch.ones(shape, dtype=torch.bfloat16) for shape in (x, y)]
    each = sum(flops(Way(torch.mm), torch.empty(m, k), torch.empty(k, n)) for m, k, n in products)
    assert 2 * trace(Way(grouped), *given).macs == each


def test_where_other_tools_count_wrongly():
    assert trace(nn.ConvTranspose2d(3, 1, 2, stride=2), (1, 3, 4, 4)).macs == 192
    assert trace(nn.Conv2d(3, 8, 3), (1, 3, 16, 16)).macs == 42_336  # no bias in it
    functional = Way(lambda x, w: F.conv2d(x, w, padding=1))
    assert trace(functional, (1, 3, 16, 16), (8, 3, 3, 3)).macs == 55_296


def test_vectors():
    assert trace(Way(torch.mv), (3, 4), (4,)).macs == 12
    assert trace(Way(torch.dot), (4,), (4,)).macs == 4
    assert trace(Way(torch.addmv), (3,), (3, 4), (4,)).macs == 12
    assert trace(Way(torch.vdot), (4,), (4,)).macs == 4
    # each of 2 samples and 5 outputs: 3 x 4 products with x, then 4 with y
    assert trace(nn.Bilinear(3, 4, 5), (2, 3), (2, 4)).macs == 2 * 5 * (12 + 4)


def test_recurrent_layers_by_hand():
    steps = 5 * 2
    assert trace(nn.LSTM(3, 4), (5, 2, 3)).macs == steps * 4 * (3 * 4 + 4 * 4)
    assert trace(nn.GRU(3, 4, bidirectional=True), (5, 2, 3)).macs == steps * 2 * 3 * (12 + 16)
    deep = trace(nn.RNN(3, 4, num_layers=2), (5, 2, 3)).macs
    assert deep == steps * ((12 + 16) + (16 + 16))
    assert trace(nn.LSTM(3, 4, proj_size=2), (5, 2, 3)).macs == steps * (4 * (12 + 8) + 8)
    assert trace(nn.LSTMCell(3, 4), (2, 3)).macs == 2 * 4 * (12 + 16)


def test_packed_sequences_count_their_own_steps():
    class Packing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, [5, 2])
            return self.lstm(packed)[0].data

    found = trace(Packing(), (5, 2, 3))
    assert [call.macs for call in found.calls if call.kind == "LSTM"] == [7 * 4 * (12 + 16)]


def test_what_cannot_be_counted_is_none_with_a_reason():
    found = trace(nn.Sequential(nn.Linear(3, 3), Way(torch.linalg.inv)), (3, 3))
    assert [call.macs for call in found.calls] == [27, None]
    assert found.calls[1].macs_note == "not counted: linalg_inv_ex"
    assert found.macs is None
    assert trace(Way(torch.fft.rfft), (8,)).macs is None


def test_what_multiplies_nothing_is_zero():
    net = nn.Sequential(
        nn.ReLU(), nn.BatchNorm1d(3), nn.MaxPool1d(2), nn.GroupNorm(3, 3), nn.Softmax(1),
        nn.GLU(2), nn.PReLU(), nn.Hardshrink(), nn.LocalResponseNorm(2), nn.InstanceNorm1d(3),
        nn.ReflectionPad1d(1), nn.Upsample(scale_factor=2), nn.Dropout1d(), nn.Softmin(1),
    )  # fmt: skip
    assert [call.macs for call in trace(net, (2, 3, 16)).calls] == [0] * len(net)


class Buffered(nn.Module):
    """A layer on a table, and one on a learned query of as many tokens as the batch has."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("table", torch.rand(225, 2))
        self.latent = nn.Parameter(torch.ones(1, 1, 8))
        self.wide, self.query = nn.Linear(2, 64), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        bias = self.wide(self.table).sum()
        noise = torch.randn(3, 8) @ self.query.weight.T
        query = self.query(self.latent.expand(len(x), -1, -1)) + noise.mean()
        return (query @ x.transpose(1, 2)).softmax(-1) @ x + bias


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_work_on_constants_counts(batch: int):
    found = trace(Buffered(), (batch, 5, 8))
    layers = {call.path: call.macs for call in found.calls if call.path}
    assert layers == {"wide": 225 * 2 * 64, "query": batch * 8 * 8}
    assert found.macs == 28_800 + 3 * 8 * 8 + batch * (64 + 2 * 5 * 8)
    assert 2 * found.macs == flops(
        Buffered().requires_grad_(False), torch.empty(batch, 5, 8, device="meta")
    )


def test_work_behind_values_counts():
    class Leaving(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            y = torch.from_numpy(x.numpy()) + torch.tensor(x.tolist())
            return super().forward(y) @ self.weight

    assert trace(Leaving(8, 8), torch.ones(2, 8)).macs == 2 * 128


TRANSFORMED = {
    "vmap": (lambda w, x: torch.func.vmap(lambda row: row @ w)(x), 4 * 2 * 8 * 3),
    "over a parameter": (lambda w, x: torch.func.vmap(lambda column: x @ column, 1)(w), 3 * 64),
    "grad": (lambda w, x: torch.func.grad(lambda y: (y @ w).sum())(x), 2 * 4 * 2 * 8 * 3),
    "jacrev": (lambda w, x: torch.func.jacrev(lambda y: y @ w)(x[0, 0]), 8 * 3 + 3 * 3 * 8),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_what_a_transformation_multiplies(name: str):
    way, macs = TRANSFORMED[name]
    model = Way(lambda x: way(model.weight, x))
    model.weight = nn.Parameter(torch.ones(8, 3))
    found = trace(model, torch.ones(4, 2, 8))
    assert found.macs == macs
    with FlopCounterMode(display=False) as counter:
        model(torch.ones(4, 2, 8))
    assert counter.get_total_flops() == 2 * macs


def test_a_function_with_a_backward_of_its_own():
    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, y: Tensor) -> Tensor:
            return x @ y

    assert trace(Way(Product.apply), (2, 3), (3, 4)).macs == 24


FREE = {
    "//": lambda x: x // 2,
    "scatter_": lambda x: x.clone().scatter_(0, x.long() * 0, x),
    "index_add_": lambda x: x.clone().index_add_(0, torch.tensor([0]), x[:1]),
    "index_copy": lambda x: x.index_copy(0, torch.tensor([0]), x[:1]),
    "index_fill": lambda x: x.index_fill(0, torch.tensor([0]), 1.0),
    "masked_scatter": lambda x: x.masked_scatter(x > 0, x),
    "take": lambda x: x.take(torch.tensor([0, 1])),
    "diag_embed": torch.diag_embed,
    "rot90": torch.rot90,
    "searchsorted": lambda x: torch.searchsorted(x, x),
    "bucketize": lambda x: torch.bucketize(x, torch.arange(4.0)),
    "unique": torch.unique,
    "nonzero": torch.nonzero,
    "multinomial": lambda x: x.softmax(-1).multinomial(2),
    "histc": lambda x: x.histc(4),
    "loss": lambda x: F.kl_div(x.log_softmax(-1), x.softmax(-1), reduction="batchmean"),
    "cross entropy": lambda x: F.cross_entropy(x, torch.zeros(2, dtype=torch.int64)),
    "embedding_bag": lambda x: F.embedding_bag(x.long(), torch.ones(9, 4)),
    "_is_all_true": lambda x: torch._is_all_true(x > 0),
    "one_hot": lambda x: F.one_hot(x.long()),
    "grid_sample": lambda x: F.grid_sample(x[None, None], torch.zeros(1, 2, 2, 2)),
    "unfold": lambda x: F.fold(F.unfold(x[None, None], 2), (2, 8), 2),
    "cosine": lambda x: F.cosine_similarity(x, x),
    "special": lambda x: torch.special.gammaln(x + 1),
    "complex": lambda x: torch.view_as_real(torch.complex(x, x)),
    "cpu": lambda x: (torch._assert_async((x >= 0).all()), x.cpu())[1],
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FREE)
def test_a_call_that_multiplies_nothing_is_zero(name: str):
    found = trace(Way(FREE[name]), torch.ones(2, 8))
    assert {call.macs for call in found.calls} == {0}
    if name == "cpu":
        assert found.executed == "shapes"


def test_a_run_on_shapes_takes_no_memory_that_grows_with_values():
    class Wide(nn.Module):
        def forward(self, ids: Tensor) -> Tensor:
            places = torch.arange(20_000)
            return F.one_hot(ids, 100_000).float() + (places[:, None] - places[None, :]).sum()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    trace(Wide(), torch.zeros(1, 2, 2500, dtype=torch.int64))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def test_parameters_that_no_call_used_are_named():
    class Spare(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.spare = nn.Linear(3, 4), nn.Linear(3, 2)
            self.listed = [nn.Linear(4, 4)]

        def forward(self, x: Tensor) -> Tensor:
            return self.listed[0](self.used(x))

    found = trace(Spare(), (1, 3))
    assert (found.params, [call.params for call in found.calls]) == (16 + 8, [16, 20])
    assert found.notes == (
        "8 parameters were used by no call: spare.weight, spare.bias",
        "20 parameters are not the model's own, nor in its total: listed[0].weight, listed[0].bias",
    )
    assert [call.path for call in found.calls] == ["used", "listed[0]"]


def test_a_learned_query_is_used_by_the_layer_that_is_given_it():
    class Pool(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.q = nn.Parameter(torch.ones(1, 1, 8)), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return (self.q(self.query.expand(len(x), -1, -1)) + self.q(self.query)) @ x.mT

    found = trace(Pool(), (2, 5, 8))
    assert found.notes == ()
    assert [call.params for call in found.calls if call.kind == "Linear"] == [8 + 72, 0]
    assert found.params == sum(call.params or 0 for call in found.calls) == 80


def test_a_dot_product_that_another_function_takes():
    class Dot(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return torch.linalg.vecdot(x, y)

    assert trace(Dot(), (6,), (6,)).macs == 6


def test_the_counter_by_itself():
    with Counter() as counter:
        torch.linalg.inv(torch.eye(2) @ torch.eye(2))
    assert counter.macs is None
    assert counter.note == "not counted: linalg_inv_ex"


@pytest.mark.parametrize(
    ("make", "params", "gmacs"),
    [
        (models.AlexNet, 61_100_840, 0.714),
        (models.VGG, 138_357_544, 15.470),
        (models.resnet18, 11_689_512, 1.814),
        (models.resnet50, 25_557_032, 4.089),
        (models.resnet152, 60_192_808, 11.514),
        (models.densenet201, 20_013_928, 4.291),
        (models.efficientnet_b4, 19_341_616, 1.504),
    ],
)
def test_published_networks(make: Any, params: int, gmacs: float):
    with torch.device("meta"):
        model = make()
    found = trace(model, (1, 3, 224, 224))
    assert found.params == params == sum(call.params for call in found.calls)
    assert round(found.macs / 1e9, 3) == gmacs
    assert found.output_shapes == ((1, 1000),)


class ByName(nn.Module):
    """Functions whose arguments are given by torch's own names for them."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 3))
        self.kernel = nn.Parameter(torch.rand(4, 3, 3))

    def forward(self, x):
        y = x.transpose(dim0=1, dim1=2)
        F.linear(input=x, weight=self.weight, bias=None)
        F.conv1d(input=y, weight=self.kernel)
        F.conv_transpose1d(input=y, weight=self.kernel.transpose(0, 1))
        torch.matmul(input=x, other=self.weight.T)
        torch.bmm(input=x, mat2=y)
        F.scaled_dot_product_attention(query=x, key=x, value=x)
        F.bilinear(input1=x, input2=x, weight=x[:, :3].contiguous())
        torch.cat(tensors=[x, x], dim=1)
        F.layer_norm(input=x, normalized_shape=(3,))
        F.interpolate(input=y, scale_factor=2)
        F.max_pool1d(input=x, kernel_size=2)
        F.pad(input=x, pad=(1, 1))
        torch.permute(input=x, dims=(0, 2, 1))
        return torch.mean(input=torch.flatten(input=x, start_dim=1), dim=1)


def test_functions_called_by_their_arguments_names_are_counted():
    x = torch.rand(2, 5, 3)
    products = {
        "linear": 2 * 5 * 4 * 3,
        "conv1d": 2 * 4 * 3 * 3 * 3,
        "conv_transpose1d": 2 * 3 * 5 * 4 * 3,
        "matmul": 2 * 5 * 4 * 3,
        "bmm": 2 * 5 * 5 * 3,
        "scaled_dot_product_attention": 2 * 2 * 5 * 5 * 3,
        "bilinear": 2 * 5 * 2 * (3 * 3 + 3),
    }
    for run in (trace, trace_values):
        found = {call.kind: call.macs for call in run(ByName(), x).calls if call.macs}
        assert found == products


# operators whose kernels multiply and accumulate in ways that nobody counts: None, and a reason
UNCOUNTED = re.compile(
    r"linalg|fft\.|cholesky|cdist|i?stft|sparse\.|geqrf|lu$|lu_solve|matrix_exp|ormqr|qr$|svd|"
    r"triangular_solve|logdet|pca_lowrank|nn.functional.linear_cross_entropy"
)
# products that torch's counter leaves out
LEFT_OUT = {
    "addmv", "addbmm", "dot", "vdot", "mv", "matmul", "inner", "__rmatmul__",
    "nn.functional.bilinear", "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu",
}  # fmt: skip


class Called(nn.Module):
    def __init__(self, operator: Any) -> None:
        super().__init__()
        self.operator = operator

    def forward(self, first: Any, args: Any, kwargs: Any) -> Any:
        return self.operator(first, *args, **kwargs)


def torchs_operators() -> Any:
    """Every operator of torch's with arguments that torch tests it with, and what torch counts."""
    sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase))  # type: ignore[arg-type]
    from torch.testing._internal.common_methods_invocations import op_db

    for info in op_db:
        dtypes = (torch.float32, torch.complex64, torch.int64, torch.bool)
        dtype = next((one for one in dtypes if one in info.dtypes), None)
        func = info.sample_inputs_func  # sample_inputs() looks through the stack each time
        made = func(info, "cpu", dtype, False) if dtype is not None else ()
        for sample in itertools.islice(made, 1):  # torch has 40,000 of them
            arguments = sample.input, sample.args, sample.kwargs
            try:
                plain = sdpa_kernel(SDPBackend.MATH), torch.no_grad()
                with plain[0], plain[1], FlopCounterMode(display=False) as counter:
                    info.op(sample.input, *sample.args, **sample.kwargs)
            except Exception:
                continue
            if tensors_in(arguments):
                yield info.name, Called(info.op), arguments, counter.get_total_flops() // 2


@pytest.mark.filterwarnings("ignore")
def test_every_operator_of_torchs_is_counted_or_says_why_not():
    seen = set()
    for name, model, arguments, truth in torchs_operators():
        found = trace(model, *arguments)
        seen.add(name)
        if UNCOUNTED.match(name):
            assert found.macs is None or found.macs == truth, name
            assert all(call.macs_note for call in found.calls if call.macs is None), name
        elif name in LEFT_OUT:
            assert found.macs, name
        else:
            assert found.macs == truth, name
    assert len(seen) > 550
