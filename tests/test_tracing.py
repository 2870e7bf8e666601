"""A trace tells what a real run does, and leaves nothing behind."""

from __future__ import annotations

import copy
import itertools
import pickle
import random
import subprocess
import sys
import threading
import types
import unittest
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.overrides import handle_torch_function
from torch.utils._python_dispatch import TorchDispatchMode

from convdocs import report
from convdocs.report import Trace
from convdocs.tracing import TraceError, trace, trace_values
from convdocs.tracing.nested import tensors_in

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")


class Block(nn.Module):
    """Layers, functions, operators, a shared layer, train-mode statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.5)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))
        self.register_buffer("offset", torch.zeros(4, 1, 1))

    def forward(self, x: Tensor, skip: bool = True) -> Tensor:
        y = self.drop(F.relu(self.norm(self.conv(x))))
        y = self.conv(y) * self.scale - self.offset
        if skip:
            y += x
        return torch.flatten(y, 1)


class Looking(Block):
    """Its Python looks at a value."""

    def forward(self, x: Tensor, skip: bool = True) -> Tensor:
        x = super().forward(x, skip)
        return x if x.sum() > 1e9 else x * 2


def state(model: nn.Module) -> Any:
    """All that a run might change."""
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    return {
        "values": {k: (id(t), t._version, t.detach().clone(), t.grad) for k, t in tensors.items()},
        "attributes": {n: dict(m.__dict__) for n, m in model.named_modules()},
        "marks": [k for k, t in tensors.items() if t.__dict__],
        "torch": torch.get_rng_state(),
        "python": random.getstate(),
        "numpy": np.random.get_state()[1].tolist(),
    }


def assert_unchanged(before: Any, after: Any) -> None:
    for key, (place, version, value, grad) in before["values"].items():
        place2, version2, value2, grad2 = after["values"][key]
        assert (place, version) == (place2, version2), key
        assert torch.equal(value, value2), key
        assert grad is grad2
    assert before["attributes"].keys() == after["attributes"].keys()
    for name, kept in before["attributes"].items():
        now = after["attributes"][name]
        assert kept.keys() == now.keys(), name
        assert all(kept[k] is now[k] for k in kept), name
    assert torch.equal(before["torch"], after["torch"])
    assert before["python"] == after["python"]
    assert before["numpy"] == after["numpy"]
    assert before["marks"] == after["marks"] == []


@pytest.mark.parametrize("kind", [Block, Looking])
@pytest.mark.parametrize("training", [True, False])
def test_nothing_changes(kind: type[Block], training: bool):
    model = kind().train(training)
    model.conv.weight.grad = torch.ones_like(model.conv.weight)
    model.norm.eval()
    x = torch.randn(2, 4, 5, 5)
    kept = x.clone()
    before = state(model)
    found = trace(model, x)
    assert_unchanged(before, state(model))
    assert torch.equal(x, kept)
    assert not x.__dict__
    assert found.executed == ("values" if kind is Looking else "shapes")


@pytest.mark.parametrize("kind", [Block, Looking])
def test_nothing_changes_when_the_model_raises(kind: type[Block]):
    model = kind()
    model.register_forward_hook(lambda *_: 1 / 0)
    before = state(model)
    with pytest.raises(TraceError) as raised:
        trace(model, (2, 4, 5, 5))
    assert_unchanged(before, state(model))
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert len(raised.value.trace.calls) >= 7


class Careless(nn.Module):
    """Writes down things on itself as it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3)
        self.seen: list[Tensor] = []
        self.cache: dict[str, Tensor] = {"first": torch.zeros(1)}
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        self.last = self.conv(x)
        self.seen.append(x)
        self.cache["x"] = x
        self.conv.stride = (2,)
        random.random(), np.random.rand(), torch.rand(1)
        self.eval()
        return self.last


def test_what_a_model_keeps_of_a_run_is_forgotten():
    model = Careless()
    before = state(model)
    trace(model, (1, 1, 9))
    assert_unchanged(before, state(model))
    assert model.seen == []
    assert list(model.cache) == ["first"]
    assert model.conv.stride == (1,)
    assert model.training
    assert model.conv.training


WRITES: list[Callable[[nn.Linear], object]] = [
    lambda layer: layer.weight.data.fill_(7),
    lambda layer: layer.weight.detach()[0].mul_(2),
    lambda layer: layer.weight.requires_grad_(False).add_(1),
    lambda layer: nn.init.zeros_(layer.weight),
    lambda layer: setattr(layer.weight, "data", layer.weight.data * 2),
    lambda layer: setattr(layer.bias, "grad", torch.ones(2)),
    lambda layer: setattr(layer, "bias", None),
    lambda layer: torch.mul(layer.bias, 2, out=layer.weight.data[0]),
    lambda layer: layer.seen[0].add_(1),
    lambda layer: layer.plain.zero_(),
]


@pytest.mark.parametrize("run", [trace, trace_values])
@pytest.mark.parametrize("write", WRITES)
def test_what_a_model_writes_into_itself_is_undone(run: Any, write: Any):
    class Writing(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            with torch.no_grad():
                write(self)
            return super().forward(x)

    model = Writing(2, 2)
    model.plain, model.seen = torch.ones(3), [torch.ones(3)]
    before = state(model)
    wanted = model.weight.requires_grad
    run(model, torch.ones(1, 2))
    assert_unchanged(before, state(model))
    assert torch.equal(model.plain, torch.ones(3))
    assert torch.equal(model.seen[0], torch.ones(3))
    assert model.weight.requires_grad is wanted


def test_writing_in_place_into_what_was_given():
    class Writing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3))
            self.register_buffer("total", torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            x.mul_(2)
            self.total += x.sum(0)
            self.weight.data.fill_(7)
            return x + self.total

    for run in (trace, trace_values):
        model, x = Writing(), torch.ones(2, 3)
        before = state(model)
        found = run(model, x)
        assert_unchanged(before, state(model))
        assert torch.equal(x, torch.ones(2, 3))
        assert found.calls[0].kind == "mul_"


def test_every_call_is_told_in_order():
    found = trace(Block(), (2, 4, 5, 5))
    told = [(call.index, call.path, call.kind, call.code) for call in found.calls]
    assert told == [
        (0, "conv", "Conv2d", "Conv2d(4, 4, 3, padding=1)"),
        (1, "norm", "BatchNorm2d", "BatchNorm2d(4)"),
        (2, "", "relu", "relu(x)"),
        (3, "drop", "Dropout", "Dropout()"),
        (4, "conv", "Conv2d", "Conv2d(4, 4, 3, padding=1)"),
        (5, "", "mul", "x * y"),
        (6, "", "sub", "x - y"),
        (7, "", "add_", "add_(x, y)"),
        (8, "", "flatten", "flatten(x, 1)"),
    ]
    assert found.calls[7].sources == (6, -1)
    assert found.calls[5].sources == (4, -2)
    assert [call.axes for call in found.calls[-2:]] == ["N C H W", "N F"]


def test_a_shared_layer_has_two_calls_and_counts_once():
    found = trace(Block(), (2, 4, 5, 5))
    first, second = found.calls[0], found.calls[4]
    assert (first.params, second.params) == (4 * 4 * 9 + 4, 0)
    assert second.params_note == "shared with call 0"
    assert found.calls[5].params == 4  # the model's own parameter, where it is used
    assert found.params == sum(call.params or 0 for call in found.calls) == 148 + 8 + 4


def test_totals():
    model = Block()
    model.conv.weight.requires_grad_(False)
    found = trace(model, (2, 4, 5, 5))
    assert (found.params, found.trainable_params) == (160, 16)
    assert found.macs == 2 * (2 * 25 * 4 * 4 * 9)
    assert found.output_shapes == ((2, 100),)
    assert found.input_shapes == ((2, 4, 5, 5),)
    assert found.parameter_bytes == 160 * 4 + 4 * 4 + 2 * 16 + 8
    assert found.activation_bytes == 9 * 200 * 4


def test_inputs_as_forward_takes_them():
    class Taking(nn.Module):
        def forward(self, pair: Any, *, named: Any = None, factor: float = 1.0) -> Any:
            a, b = pair["both"]
            return {"sum": a + b * factor, "named": [named[0].relu()]}

    made = trace(Taking(), {"both": [(2, 3), (2, 3)]}, named=((4, 5),), factor=2.0)
    assert made.input_shapes == ((2, 3), (2, 3), (4, 5))
    assert made.output_shapes == ((2, 3), (4, 5))


def test_a_shape_is_a_tensor_of_the_models_own_dtype():
    class Telling(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            assert x.dtype is torch.float64
            assert x.device == torch.device("cpu")
            assert not x.is_meta
            return super().forward(x)

    assert trace(Telling(3, 2).double(), (1, 3)).output_shapes == ((1, 2),)


def test_outputs_that_are_no_tensors():
    class Odd(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return "text", {1, 2}, None

    assert trace(Odd(), (1,)).output_shapes == ()


def test_no_inputs_and_no_parameters():
    class Making(nn.Module):
        def forward(self) -> Tensor:
            return F.relu(torch.randn(2, 3))

    class Growing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(3, 4)

        def forward(self) -> Tensor:
            return self.net(torch.randn(2, 3)).relu()

    assert trace(Making()).output_shapes == ((2, 3),)
    assert [call.kind for call in trace(Growing()).calls] == ["Linear", "relu"]


def test_only_a_module_is_traced():
    with pytest.raises(TypeError, match=r"takes a torch\.nn\.Module first, not function"):
        trace(F.relu, (1,))


def test_recursion():
    class Endless(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return self(x + 1)

    with pytest.raises(TraceError) as raised:
        trace(Endless(), (1,))
    assert isinstance(raised.value.__cause__, RecursionError)


def test_a_stack_that_ends_while_a_module_is_summed_up():
    class Endless(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return self(x)

    limit = sys.getrecursionlimit()
    try:
        for deep in range(330, 370):
            sys.setrecursionlimit(deep)
            with pytest.raises(TraceError) as raised:
                trace(Endless(), (1,))
            assert isinstance(raised.value.__cause__, RecursionError)
    finally:
        sys.setrecursionlimit(limit)


def test_lazy_modules_stay_lazy():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(5))
    hooks = [len(m._forward_pre_hooks) for m in net]
    found = trace(net, (2, 3, 6, 6))
    assert found.output_shapes == ((2, 5),)
    assert [call.params for call in found.calls] == [None, None, 0, None]
    assert found.calls[0].params_note == "uninitialised"
    assert found.calls[0].macs == 2 * 16 * 4 * 3 * 9
    assert all(m.has_uninitialized_params() for m in (net[0], net[1], net[3]))
    assert [len(m._forward_pre_hooks) for m in net] == hooks
    assert net(torch.ones(2, 3, 6, 6)).shape == (2, 5)


def test_hooks_run_as_in_a_real_run():
    seen = []
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU())
    model[0].register_forward_pre_hook(lambda module, args: (args[0][:, :, :-1],))
    model[0].register_forward_hook(lambda module, args, out: seen.append(tuple(out.shape)))
    model[1].register_forward_hook(lambda module, args, out: torch.cat([out, out], 1))
    found = trace(model, (1, 1, 9))
    assert found.output_shapes == (tuple(model(torch.zeros(1, 1, 9)).shape),)
    assert seen == [(1, 2, 6)]  # of the real run: what a hook keeps is the user's
    assert [call.kind for call in found.calls] == ["getitem", "Conv1d", "ReLU", "cat"]


def test_a_hook_that_raises_is_told_of():
    model = nn.Sequential(nn.Sequential(nn.ReLU()))
    model[0].register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(TraceError, match="ZeroDivisionError: division by zero"):
        trace(model, (1,))
    assert len(model[0]._forward_hooks) == 1


def test_a_hook_may_take_itself_off_again():
    model = nn.Sequential(nn.ReLU())
    handles = []
    handles.append(model[0].register_forward_hook(lambda *_: handles[0].remove()))
    trace(model, (1,))
    assert len(model[0]._forward_hooks) == 1  # the trace did not use it up


def test_values_when_python_looks_at_them():
    class Asking(nn.Module):
        def __init__(self, ask: Any) -> None:
            super().__init__()
            self.ask = ask

        def forward(self, x: Tensor) -> Tensor:
            self.ask(x)
            return x + 1

    asks = [
        lambda x: x.sum().item(), lambda x: bool(x.any()), lambda x: int(x[0, 0]),
        lambda x: x.tolist(), lambda x: x.numpy(), lambda x: x.nonzero(), lambda x: x[x > 0],
        lambda x: torch.unique(x), lambda x: torch.equal(x, x),
        lambda x: range(3)[x[0, 0].long() * 0],
    ]  # fmt: skip
    for ask in asks:
        found = trace(Asking(ask), (2, 3))
        assert found.executed == "values"
        assert found.notes[0].startswith("run on real tensors, since ")
        assert found.calls[-1].kind == "add"


def test_a_gradient_inside_forward():
    class Physics(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Linear(2, 1)

        def forward(self, x: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x.requires_grad_()
                return torch.autograd.grad(self.net(x).sum(), x)[0]

    model = Physics()
    found = trace(model, (3, 2))
    assert (found.executed, found.output_shapes) == ("values", ((3, 2),))
    assert model.net.weight.grad is None


ZOO: dict[str, tuple[nn.Module, tuple[Any, ...]]] = {
    "block": (Block(), ((2, 4, 5, 5),)),
    "attention": (nn.MultiheadAttention(8, 2), ((5, 2, 8),) * 3),
    "batch first": (nn.MultiheadAttention(8, 2, batch_first=True).eval(), ((2, 5, 8),) * 3),
    "encoder": (nn.TransformerEncoderLayer(8, 2, 16).eval(), ((5, 2, 8),)),
    "decoder": (nn.TransformerDecoderLayer(8, 2, 16), ((5, 2, 8), (4, 2, 8))),
    "lstm": (nn.LSTM(3, 4, 2, bidirectional=True), ((5, 2, 3),)),
    "gru": (nn.GRU(3, 4, batch_first=True), ((5, 2, 3),)),
    "cell": (nn.GRUCell(3, 4), ((2, 3),)),
    "embedding": (nn.Embedding(9, 4), (torch.zeros(2, 5, dtype=torch.int64),)),
    "reflect": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), ((1, 2, 6, 6),)),
    "weight norm": (nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 3, 3)), ((1, 2, 6),)),
    "upsample": (nn.Upsample(scale_factor=2, mode="bilinear"), ((1, 2, 4, 4),)),
    "unfold": (nn.Unfold(2), ((1, 3, 4, 4),)),
    "shuffle": (nn.Sequential(nn.Conv2d(1, 4, 1), nn.PixelShuffle(2)), ((1, 1, 4, 4),)),
    "indices": (nn.MaxPool2d(2, return_indices=True), ((1, 2, 4, 4),)),
    "group": (nn.Sequential(nn.Conv1d(1, 4, 3), nn.GroupNorm(2, 4)), ((2, 1, 9),)),
    "instance": (nn.Sequential(nn.Conv1d(1, 4, 3), nn.InstanceNorm1d(4)), ((2, 1, 9),)),
    "transposed": (nn.ConvTranspose2d(3, 2, 3, 2, output_padding=1), ((1, 3, 4, 4),)),
    "bilinear": (nn.Bilinear(3, 4, 5), ((2, 3), (2, 4))),
    "similarity": (nn.CosineSimilarity(), ((2, 4), (2, 4))),
    "loss": (nn.CrossEntropyLoss(), (torch.zeros(4, 8), torch.zeros(4, dtype=torch.int64))),
}


@pytest.mark.parametrize("name", ZOO)
def test_the_same_trace_from_shapes_and_from_values(name: str):
    model, inputs = ZOO[name]
    on_shapes, on_values = trace(model, *inputs), trace_values(model, *inputs)
    assert on_shapes.executed == "shapes"
    assert on_values.executed == "values"
    for one, other in zip(on_shapes.calls, on_values.calls, strict=True):
        assert one == other
    assert replace(on_values, executed="shapes", notes=()) == on_shapes


def torchs_own_samples() -> Any:
    """Every layer of torch.nn with the settings and inputs that torch tests it with."""
    # torch's tests compare texts with a package that no sample needs
    sys.modules.setdefault("expecttest", types.SimpleNamespace(TestCase=unittest.TestCase))  # type: ignore[arg-type]
    from torch.testing._internal.common_modules import module_db

    for info in module_db:
        made = info.module_inputs_func(
            info, device="cpu", dtype=torch.float32, requires_grad=False, training=False
        )
        for sample in itertools.islice(made, 4):
            built, given = sample.constructor_input, sample.forward_input
            if given is not None:
                yield info.module_cls(*built.args, **built.kwargs).eval(), given.args, given.kwargs


@pytest.mark.filterwarnings("ignore")
def test_torchs_own_samples_give_the_same_from_shapes_and_from_values():
    tried = on_shapes = 0
    for model, args, kwargs in torchs_own_samples():
        try:
            model(*args, **kwargs)
        except Exception:
            continue
        first, second = trace(model, *args, **kwargs), trace_values(model, *args, **kwargs)
        tried += 1
        on_shapes += first.executed == "shapes"
        assert first.calls == second.calls, model
        assert None not in [call.macs for call in first.calls], model
    assert tried > 200
    assert on_shapes > 0.95 * tried


class Ways(nn.Module):
    """Spellings that reach torch by other ways."""

    def __init__(self, way: Any) -> None:
        super().__init__()
        self.way = way
        self.weight = nn.Parameter(torch.ones(3, 3))

    def forward(self, x: Tensor) -> Any:
        return self.way(self, x)


def test_only_a_product_with_a_weight_makes_features():
    weighted, squared = (
        trace(Ways(way), (2, 3)).calls[-1].axes
        for way in (lambda m, x: x @ m.weight, lambda m, x: x @ x.T)
    )
    assert weighted == "N F"
    assert squared == ""


WAYS = {
    "device": lambda m, x: torch.arange(3, device=x.device) + x.to(m.weight.device),
    "new": lambda m, x: x.new_zeros(2) + torch.zeros_like(x).sum() + torch.tensor(1.0),
    "factory": lambda m, x: torch.cat([x, torch.randn(2, 3), torch.full((1, 3), 2.0)]),
    "generator": lambda m, x: x + torch.rand(3, generator=torch.Generator()),
    "einsum": lambda m, x: torch.einsum("ij,jk->ik", x, m.weight),
    "operators": lambda m, x: (1 - x) / (x @ m.weight) ** 2 > 0,
    "property": lambda m, x: x.T.mT.data + x.detach(),
    "unpack": lambda m, x: [one * 2 for one in x],
    "out": lambda m, x: torch.add(x, x, out=torch.empty(2, 3)),
    "list": lambda m, x: torch.stack(list(x.unbind(0))),
    "index": lambda m, x: x[:, [0, 1]][..., None][torch.tensor([0])],
    "setitem": lambda m, x: x.clone().index_fill_(0, torch.tensor([0]), 2.0),
    "shape": lambda m, x: x.view(x.size(0), -1).reshape(*x.shape[::-1]),
    "checkpoint": lambda m, x: torch.utils.checkpoint.checkpoint(F.relu, x, use_reentrant=False),
    "sdpa": lambda m, x: F.scaled_dot_product_attention(x[None], x[None], x[None]),
    "split": lambda m, x: x.split([1, 2], 1),
    "half": lambda m, x: x.half().float().to(torch.float64),
    "fft": lambda m, x: torch.fft.rfft(x).abs(),
    "topk": lambda m, x: x.topk(2).values,
    "module": lambda m, x: nn.Linear(3, 4)(x),
    "func": lambda m, x: torch.func.vmap(lambda row: row * 2)(x),
}


@pytest.mark.parametrize("name", WAYS)
def test_ways_to_reach_torch(name: str):
    model = Ways(WAYS[name])
    before = state(model)
    found = trace(model, (2, 3))
    assert_unchanged(before, state(model))
    with torch.no_grad():
        real = model(torch.randn(2, 3))
    outputs = real if isinstance(real, list | tuple) else [real]
    assert found.output_shapes == tuple(tuple(one.shape) for one in outputs)


def test_a_custom_autograd_function():
    class Doubling(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return x * 2

    assert trace(Ways(lambda m, x: Doubling.apply(x) + 1), (2, 3)).output_shapes == ((2, 3),)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_script_and_compiled_modules():
    script = torch.jit.script(nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4)))
    mean = script.state_dict()["1.running_mean"].clone()
    found = trace(nn.Sequential(script, nn.ReLU()), (2, 3, 9))
    assert found.output_shapes == ((2, 4, 7),)
    assert found.calls[0].code == "Sequential(...)"
    assert found.calls[0].params == 48
    assert found.macs == found.calls[0].macs == 2 * 7 * 4 * 3 * 3
    assert found.notes == ("0 is a script: nothing inside it is shown",)
    assert torch.equal(script.state_dict()["1.running_mean"], mean)
    compiled = torch.compile(nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU()))
    found = trace(compiled, (2, 3, 9))
    assert [call.path for call in found.calls] == ["_orig_mod.0", "_orig_mod.1"]
    assert found.notes == ("compiled: shown as the module that was compiled",)


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_a_function_of_torch_jit_has_a_row_and_is_counted():
    def product(x: Tensor, weight: Tensor) -> Tensor:
        return x @ weight + 1

    script, plain = torch.jit.script(product), torch.jit.ScriptFunction.__call__
    for run in (trace, trace_values):
        found = run(Ways(lambda m, x: script(x, m.weight).relu()), (2, 3))
        assert [call.sources for call in found.calls] == [(-1, -2), (0,)]
        assert (found.macs, found.calls[0].params) == (2 * 3 * 3, 9)
    assert torch.jit.ScriptFunction.__call__ is plain


def test_weight_norm_of_both_kinds():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        old = nn.utils.weight_norm(nn.Conv1d(3, 4, 3))
    new = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3))
    spectral = nn.utils.parametrizations.spectral_norm(nn.Conv1d(3, 4, 3))
    for model in (old, new, spectral):
        model = nn.Sequential(model)
        before = state(model)
        found = trace(model, (1, 3, 9))
        assert_unchanged(before, state(model))
        assert [call.code for call in found.calls] == ["Conv1d(3, 4, 3)"]
        assert found.calls[0].params == found.params == sum(p.numel() for p in model.parameters())
        # a step of the power iteration: two products with the (4, 9) matrix, and the norm's two
        iteration = 3 * 4 * 9 + 4 if model[0] is spectral else 0
        assert found.macs == 7 * 4 * 3 * 3 + iteration


def test_data_parallel():
    assert trace(nn.DataParallel(nn.Linear(3, 4)), (2, 3)).calls[0].path == "module"


def test_another_thread_may_use_the_model_meanwhile():
    inside, done = threading.Event(), threading.Event()

    class Waiting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            if threading.current_thread() is not main:
                return self.conv(x)
            inside.set()
            assert done.wait(20)
            return self.conv(x)

    main, model = threading.current_thread(), Waiting()
    results: list[Tensor] = []

    def use() -> None:
        inside.wait(20)
        results.append(model(torch.ones(1, 1, 9)))
        done.set()

    other = threading.Thread(target=use)
    other.start()
    found = trace(model, (1, 1, 9))
    other.join()
    assert len(found.calls) == 1
    assert torch.equal(results[0], model.conv(torch.ones(1, 1, 9)))


def test_traces_in_threads_take_turns():
    model, results = Block(), []
    threads = [
        threading.Thread(target=lambda: results.append(trace(model, (2, 4, 5, 5))))
        for _ in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_a_model_on_meta():
    with torch.device("meta"):
        model = Block()
    assert trace(model, (2, 4, 5, 5)) == trace(Block(), (2, 4, 5, 5))
    x = torch.empty(2, 4, 5, 5, device="meta")
    assert trace(model, x) == trace(model, (2, 4, 5, 5))


def test_an_input_on_another_device_fails_as_it_does_for_real():
    model = nn.Linear(3, 4)
    x = torch.empty(2, 3, device="meta")
    with pytest.raises(RuntimeError) as real:
        model(x)
    with pytest.raises(TraceError) as raised:
        trace(model, x)
    assert str(raised.value.__cause__) == str(real.value)


def test_enormous_axes_take_neither_time_nor_memory():
    found = trace(
        nn.Sequential(nn.Conv1d(1, 8, 3), nn.BatchNorm1d(8), nn.MaxPool1d(2)), (1, 1, 10**9)
    )
    assert found.output_shapes == ((1, 8, (10**9 - 2) // 2),)
    assert found.calls[0].macs == (10**9 - 2) * 24


def test_a_failure_shows_the_table_up_to_it():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(7, 2))
    with pytest.raises(TraceError) as raised:
        trace(net, (1, 3, 8, 8))
    error = raised.value
    assert [call.path for call in error.trace.calls] == ["0", "1", "2"]
    assert (error.call.path, error.call.code, error.call.input_shapes) == (
        "3", "Linear(7, 2)", ((1, 288),),
    )  # fmt: skip
    assert error.call.output_shapes == ()
    words = str(error)
    assert "3: Linear(7, 2) failed on input (1, 288)" in words
    assert "Conv2d(3, 8, 3)" in words
    assert "mat1 and mat2 shapes cannot be multiplied (1x288 and 7x2)" in words
    assert isinstance(error.__cause__, RuntimeError)
    assert error.diagnosis is None
    again = pickle.loads(pickle.dumps(error))
    assert (again.call, again.trace, str(again)) == (error.call, error.trace, words)


def test_the_innermost_call_is_the_one_that_failed():
    class Rethrowing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(3, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.conv(x)
            except RuntimeError as error:
                raise ValueError("my own words") from error

    with pytest.raises(TraceError, match="ValueError: my own words") as raised:
        trace(nn.Sequential(Rethrowing()), (1, 2, 9))
    assert raised.value.call.path == "0.conv"


def test_an_error_that_the_model_survives():
    class Trying(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(3, 1, 3)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.conv(x)
            except RuntimeError:
                return self.conv(x.expand(1, 3, 9))

    assert trace(Trying(), (1, 1, 9)).output_shapes == ((1, 1, 7),)


LAYERS = st.sampled_from(
    [
        lambda d: nn.Conv1d(2, 4, d.draw(K), d.draw(S), d.draw(P), d.draw(D), d.draw(G)),
        lambda d: nn.Conv2d(2, 4, d.draw(K), d.draw(S), d.draw(P), d.draw(D), d.draw(G)),
        lambda d: nn.Conv3d(2, 4, d.draw(K), d.draw(S), d.draw(P), d.draw(D), d.draw(G)),
        lambda d: nn.Conv2d(2, 4, d.draw(K), padding=d.draw(P), padding_mode="reflect"),
        lambda d: nn.Conv1d(2, 4, d.draw(K), padding=d.draw(P), padding_mode="circular"),
        lambda d: nn.Conv1d(2, 4, d.draw(K), padding="same", dilation=d.draw(D)),
        lambda d: nn.ConvTranspose1d(2, 4, d.draw(K), d.draw(S), d.draw(P), d.draw(X)),
        lambda d: nn.ConvTranspose2d(2, 4, d.draw(K), d.draw(S), d.draw(P), d.draw(X), d.draw(G)),
        lambda d: nn.ConvTranspose3d(2, 4, d.draw(K), d.draw(S), d.draw(P), d.draw(X)),
        lambda d: nn.MaxPool1d(d.draw(K), d.draw(S), d.draw(P), d.draw(D), ceil_mode=d.draw(B)),
        lambda d: nn.MaxPool2d(d.draw(K), d.draw(S), d.draw(P), d.draw(D), ceil_mode=d.draw(B)),
        lambda d: nn.MaxPool3d(d.draw(K), d.draw(S), d.draw(P), d.draw(D), ceil_mode=d.draw(B)),
        lambda d: nn.AvgPool1d(d.draw(K), d.draw(S), d.draw(P), ceil_mode=d.draw(B)),
        lambda d: nn.AvgPool2d(d.draw(K), d.draw(S), d.draw(P), ceil_mode=d.draw(B)),
        lambda d: nn.AvgPool3d(d.draw(K), d.draw(S), d.draw(P), ceil_mode=d.draw(B)),
        lambda d: nn.LPPool1d(2, d.draw(K)), lambda d: nn.LPPool2d(2, d.draw(K)),
        lambda d: nn.AdaptiveAvgPool1d(d.draw(K)), lambda d: nn.AdaptiveMaxPool2d(d.draw(K)),
        lambda d: nn.AdaptiveAvgPool3d(d.draw(K)),
        lambda d: nn.Unfold(d.draw(K), padding=d.draw(P)),
        lambda d: nn.ReflectionPad1d(d.draw(P)), lambda d: nn.ReflectionPad2d(d.draw(P)),
        lambda d: nn.ReplicationPad3d(d.draw(P)), lambda d: nn.CircularPad2d(d.draw(P)),
        lambda d: nn.ConstantPad1d(d.draw(P), 1.0), lambda d: nn.BatchNorm1d(2),
        lambda d: nn.BatchNorm2d(2), lambda d: nn.BatchNorm3d(2).eval(),
        lambda d: nn.InstanceNorm1d(2), lambda d: nn.InstanceNorm2d(2),
        lambda d: nn.GroupNorm(2, 2),
        lambda d: nn.LayerNorm(5), lambda d: nn.Linear(5, 3), lambda d: nn.Upsample(scale_factor=2),
        lambda d: nn.Upsample(scale_factor=1.5, mode="bilinear"), lambda d: nn.Upsample(size=3),
        lambda d: nn.PixelShuffle(d.draw(D)), lambda d: nn.PixelUnshuffle(d.draw(D)),
        lambda d: nn.Flatten(), lambda d: nn.Softmax(2), lambda d: nn.Softmax2d(),
        lambda d: nn.Dropout2d(), lambda d: nn.GLU(1), lambda d: nn.PReLU(2),
        lambda d: nn.LSTM(5, 3),
        lambda d: nn.ChannelShuffle(2),
        lambda d: nn.FractionalMaxPool2d(2, output_size=d.draw(K)),
    ]
)  # fmt: skip
K, S, P = st.integers(1, 4), st.integers(1, 3), st.integers(0, 3)
D, G, X, B = st.integers(1, 2), st.sampled_from([1, 2]), st.integers(0, 1), st.booleans()


def outcome(run: Any) -> Any:
    """What a run gives: shapes, or the exception's type and words."""
    try:
        out = run()
    except TraceError as error:
        return type(error.__cause__), str(error.__cause__)
    except Exception as error:
        return type(error), str(error)
    if isinstance(out, Trace):
        return out.output_shapes
    outputs = out if isinstance(out, tuple) else (out,)
    flat = [t for one in outputs for t in (one if isinstance(one, tuple) else (one,))]
    return tuple(tuple(t.shape) for t in flat)


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400)
@given(st.data())
def test_shapes_and_errors_are_those_of_the_real_forward(data: st.DataObject):
    try:
        layer = data.draw(LAYERS)(data)
    except ValueError:
        return  # torch would not make it
    lead = data.draw(st.sampled_from([[1], [2], [2, 2], [1, 2], [0, 2], [3], []]))
    shape = lead + data.draw(st.lists(st.sampled_from([5, 5, 4, 1, 2, 7, 0]), max_size=3))
    dtypes = [torch.float32] * 8 + [
        torch.float64,
        torch.int64,
        torch.half,
        torch.complex64,
        torch.uint8,
    ]
    x = torch.ones(shape, dtype=data.draw(st.sampled_from(dtypes)))
    if 0 in shape and isinstance(layer, nn.PixelUnshuffle):
        return  # torch's CPU kernel hands an empty input back as it is
    with torch.no_grad():
        real = outcome(lambda: copy.deepcopy(layer)(x))
    assert outcome(lambda: trace(layer, x)) == real


def test_a_forward_of_ones_own_on_the_instance_stays():
    model = nn.Sequential(nn.ReLU())
    mine = model[0].forward = lambda x: torch.cat([x, x])
    for run in (trace, trace_values):
        found = run(model, (2,))
        assert found.output_shapes == (tuple(model(torch.ones(2)).shape),) == ((4,),)
        assert [(call.path, call.kind) for call in found.calls] == [("0", "cat")]
        assert model[0].__dict__["forward"] is mine


def gradient_inside(model: Ways, x: Tensor) -> Any:
    x = x.requires_grad_()
    return torch.autograd.grad((x @ model.weight).sum(), x)[0]


def test_a_gradient_taken_inside_is_run_on_values_with_gradients():
    found = trace(Ways(gradient_inside), (2, 3))
    assert found.executed == "values"
    assert found.output_shapes == ((2, 3),)


def refused(error: Exception) -> Any:
    def way(model: Ways, x: Tensor) -> Tensor:
        raise error

    return way


@pytest.mark.parametrize(
    ("error", "executed"),
    [
        (RuntimeError("not a shape of mine"), "shapes"),
        (RuntimeError("no kernel for the meta device"), "values"),
        (RuntimeError("INTERNAL ASSERT FAILED"), "values"),
        (NotImplementedError("later"), "values"),
    ],
)
def test_only_what_may_be_for_want_of_values_is_run_again(error: Exception, executed: str):
    with pytest.raises(TraceError) as caught:
        trace(Ways(refused(error)), (2, 4))
    assert caught.value.trace.executed == executed
    assert caught.value.__cause__ is error


def test_calls_that_differ_by_a_keyword_alone_are_told_apart():
    def way(model: Ways, x: Tensor) -> Any:
        up = [F.interpolate(x[None], scale_factor=n) for n in (2, 3)]
        parts = [x[:, 1:3], x[:, 1:2], x[:, :2], x[:, ::2]]
        attended = [model.attend(x, x, x, need_weights=more) for more in (True, False)]
        wide = [model.up(x[None], output_size=[n]) for n in (7, 8)]
        return up, parts, attended, wide

    model = Ways(way)
    model.attend = nn.MultiheadAttention(4, 2)
    model.up = nn.ConvTranspose1d(2, 2, 1, stride=2)
    for _ in range(2):
        found = trace(model, (2, 4))
        assert found.output_shapes == tuple(
            tuple(one.shape) for one in tensors_in(way(model, torch.ones(2, 4)))
        )


class Unassigned(nn.Module):
    """What it writes in place, it reads by the old name."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        y.tanh_()
        return self.b(y)


def test_what_is_written_in_place_is_the_writers_again_and_again():
    sources = [[call.sources for call in trace(Unassigned(), (2, 4)).calls] for _ in range(3)]
    assert sources == [[(report.MODEL_INPUT,), (0,), (1,)]] * 3


def test_a_function_that_gives_its_inputs_back_does_not_claim_them():
    class Same(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            torch.atleast_1d(x, y)
            return x + y

    found = trace(Same(), (2, 3), (2, 3))
    assert found.calls[-1].sources == (report.MODEL_INPUT, report.MODEL_INPUT)


class Asked(TorchDispatchMode):
    """Writes down which kernels are run."""

    def __init__(self) -> None:
        super().__init__()
        self.kernels: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.kernels.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


def test_torch_is_asked_once_per_distinct_call():
    net = nn.Sequential(Unassigned(), nn.Unflatten(1, (2, 2)), nn.Conv1d(2, 2, 1))
    trace(net, (3, 4))
    with Asked() as asked:
        trace(net, (3, 4))
    assert not asked.kernels & {"addmm", "linear", "tanh_", "view", "convolution"}


def test_what_is_sliced_by_numbers_of_numpy_is_told_apart():
    class Slice(nn.Module):
        def __init__(self, end: int) -> None:
            super().__init__()
            self.end = np.int64(end)

        def forward(self, x: Tensor) -> Tensor:
            return x[: self.end]

    assert [trace(Slice(end), (5, 2)).output_shapes for end in (3, 4)] == [((3, 2),), ((4, 2),)]


def test_a_tensor_is_on_the_processor_as_the_model_is():
    class Where(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.relu() if x.is_cpu and not x.is_meta and not x.is_cuda else x.tanh()

    assert [call.kind for call in trace(Where(), (2,)).calls] == ["relu"]


def test_constants_do_not_widen_a_field():
    def way(model: Ways, x: Tensor) -> Tensor:
        x = model.conv(x)
        y = x * model.scale + model.scale[0]  # of fewer axes
        return y * x.mean()  # a factor of all cells is a gate

    model = Ways(way)
    model.conv = nn.Conv1d(2, 2, 3, padding=1)
    model.scale = nn.Parameter(torch.ones(2, 1))
    fields = {
        call.kind: call.receptive_field[0]
        for call in trace(model, (1, 2, 9)).calls
        if call.receptive_field
    }
    assert [fields[kind].cells(4) for kind in ("Conv1d", "add", "mul")] == [range(3, 6)] * 3
    assert [fields[kind].gated for kind in ("Conv1d", "add", "mul")] == [False, False, True]


def test_the_axes_that_a_mean_leaves_keep_their_cells():
    def way(model: Ways, x: Tensor) -> Tensor:
        return model.conv(x).mean(-1)

    model = Ways(way)
    model.conv = nn.Conv2d(2, 2, (3, 5))
    mean = trace(model, (1, 2, 9, 9)).calls[-1]
    assert mean.axes == "N C H"
    assert [field.cells(1) for field in mean.receptive_field] == [range(1, 4)]


def test_a_container_sums_up_what_is_inside_and_nothing_else():
    class Inner(nn.Module):
        def __init__(self, way: Any) -> None:
            super().__init__()
            self.way = way
            self.layer = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.way(self.layer(x))

    shared = Inner(torch.relu)
    model = nn.Sequential(shared, Inner(lambda x: torch.linalg.inv(x)), shared)
    found = {(one.path, one.first): one for one in trace(model, (4, 4)).modules}
    assert (found["0", 0].params, found["0", 0].macs, found["0", 0].last) == (20, 64, 1)
    assert (found["1", 2].params, found["1", 2].macs) == (20, None)
    assert (found["0", 4].params, found["0", 4].macs) == (0, 64)
    assert (found["", 0].params, found["", 0].macs, found["", 0].last) == (40, None, 5)


def test_a_first_trace_loads_no_library_of_symbols():
    code = """
import sys
from torch import nn
from convdocs.tracing import trace

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
    def forward(self, x):
        out = self.body(x)
        out += x
        return out * x.mean((2, 3), keepdim=True)

head = nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
before = "sympy" in sys.modules
trace(nn.Sequential(Block(), *head).eval(), (1, 4, 16, 16))
assert before or "sympy" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: F.leaky_relu(x, 0.1, True),
        lambda x: F.dropout(x, 0.5, False, True),
        lambda x: F.relu(x, True),
        lambda x: F.threshold(x, 0.0, 1.0, True),
        lambda x: F.hardtanh(x, -1.0, 1.0, True),
        lambda x: F.elu(x, 1.0, inplace=True),
        lambda x: x.add_(1),
    ],
)
def test_what_is_written_in_place_is_read_by_the_next_call(write: Any):
    class Writes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x * 2
            write(y)  # what it returns is let go
            return y + 1

    for run in (trace, trace_values):
        assert [call.sources for call in run(Writes(), (2, 3)).calls] == [(-1,), (0,), (1,)]


def test_functions_of_two_outputs_have_two():
    class Both(nn.Module):
        def forward(self, x: Tensor) -> Any:
            return F.max_pool2d_with_indices(x, 2)

    found = trace(Both(), (1, 2, 4, 4))
    assert found.output_shapes == ((1, 2, 2, 2),) * 2


def warned(run: Callable[[], object]) -> list[str]:
    """What is heard of a run."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with suppress(Exception):
            run()
    return [str(one.message) for one in heard]


def warn(model: Ways, x: Tensor) -> Tensor:
    warnings.warn("mine", stacklevel=1)
    return x


@pytest.mark.parametrize("run", [trace, trace_values])
@pytest.mark.parametrize(
    "way",
    [
        warn,
        lambda model, x: warn(model, x) / 0 + model.absent,
        lambda model, x: [warn(model, x) for _ in range(3)],
    ],
)
def test_a_models_own_warning_is_heard_as_often_as_in_a_plain_call(run: Any, way: Any):
    model, x = Ways(way), torch.ones(2, 4)
    plain = warned(lambda: model(x))
    assert plain
    assert warned(lambda: run(model, x)) == plain


def test_a_warning_that_is_an_error_is_one():
    with warnings.catch_warnings(action="error"), pytest.raises(TraceError) as raised:
        trace(Ways(warn), (2, 4))
    assert isinstance(raised.value.__cause__, UserWarning)


def twice(x: Tensor) -> Tensor:
    return x * 2


def test_no_row_shows_where_an_object_lies_in_memory():
    def own(x: Tensor, way: Any, other: Any) -> Tensor:
        if torch._C._len_torch_function_stack():
            return handle_torch_function(own, (x,), x, way, other)
        return way(x)

    found = trace(Ways(lambda m, x: own(x, twice, object())), (2, 4))
    assert found.calls[0].code == "own(x, twice, ...)"


@pytest.mark.parametrize("run", [trace, trace_values])
def test_a_layer_in_a_branch_is_no_row_of_nothing(run: Any):
    def way(model: Ways, x: Tensor) -> Any:
        return torch.cond(x.sum() > 0, lambda y: model.layer(y), lambda y: -y, (x,))

    model = Ways(way)
    model.layer = nn.Linear(4, 4)
    found = run(model, (2, 4))
    assert [(call.kind, call.macs) for call in found.calls][-1:] == [("cond", None)]
    assert not any(call.kind == "Linear" for call in found.calls)


def test_what_vmap_hands_out_came_from_the_call_before():
    def way(model: Ways, x: Tensor) -> Tensor:
        def each(row: Tensor) -> Tensor:
            return row + row.relu()

        return torch.vmap(each)(x * 2) - 1

    for run in (trace, trace_values):
        found = [(call.kind, call.sources) for call in run(Ways(way), (2, 4)).calls]
        assert found == [("mul", (-1,)), ("relu", (0,)), ("add", (0, 1)), ("sub", (2,))]
