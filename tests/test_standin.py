"""What is the user's stays as it was, whatever the model does and however it is run."""

from __future__ import annotations

import copy
import os
import signal
import sqlite3
import threading
import time
from collections import UserDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

from convdocs import diagnose, memory
from convdocs.tracing import TraceError, observed, original, trace, trace_values
from convdocs.tracing.copier import Copier

RUNS = pytest.mark.parametrize("run", [trace, trace_values])


class Way(nn.Module):
    """A layer, and whatever attributes and forward a test gives it."""

    def __init__(self, way: Any, **attributes: Any) -> None:
        super().__init__()
        self.way = way
        self.layer = nn.Linear(8, 8)
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.way(self, *args, **kwargs)


@dataclass
class Box:
    tensor: Any = None


class Cache:
    def __init__(self) -> None:
        self.kept = [torch.ones(2, 5, 8)]
        self.count = 0

    def add(self, x: Tensor) -> Tensor:
        self.kept.append(x)
        self.count += 1
        return torch.cat(self.kept, 1)


class Slots:
    __slots__ = ("tensor",)

    def __init__(self) -> None:
        self.tensor = torch.zeros(1)


@RUNS
def test_an_argument_that_is_an_object(run: Any):
    cache = Cache()
    before = cache.kept[0]
    found = run(Way(lambda m, x, past: m.layer(past.add(x))), torch.ones(2, 5, 8), cache)
    assert found.input_shapes == ((2, 5, 8), (2, 5, 8))
    assert [(call.kind, call.sources) for call in found.calls] == [
        ("cat", (-1, -1)),
        ("Linear", (0,)),
    ]
    assert cache.count == 0
    assert cache.kept == [before]
    assert cache.kept[0] is before
    assert not before.__dict__


@RUNS
@pytest.mark.parametrize(
    "make",
    [
        Box,
        lambda x: UserDict(tensor=x),
        lambda x: {"a": [Box(x)]},
        lambda x: SimpleNamespace(tensor=x),
    ],
)
def test_tensors_inside_of_arguments_and_outputs_are_seen(run: Any, make: Any):
    def look(value: Any) -> Any:
        while not isinstance(value, Tensor):
            value = value["a"][0] if isinstance(value, dict) else value
            value = value["tensor"] if isinstance(value, UserDict) else value.tensor
        return value

    found = run(Way(lambda m, held: make(m.layer(look(held)))), make(torch.ones(2, 8)))
    assert found.input_shapes == found.output_shapes == ((2, 8),)
    assert found.output_sources == (0,)
    assert found.calls[0].sources == (-1,)


@RUNS
def test_a_buffer_a_layer_and_a_parameter_made_in_the_first_forward(run: Any):
    def grow(m: Any, x: Tensor) -> Tensor:
        if not hasattr(m, "table"):
            m.register_buffer("table", torch.zeros(8))
            m.extra = nn.Linear(8, 8)
            m.scale = nn.Parameter(torch.ones(8))
        return m.extra(m.layer(x) + m.table) * m.scale

    model = Way(grow)
    names = list(model.state_dict())
    assert run(model, torch.ones(2, 8)).macs == 2 * 2 * 64
    assert list(model.state_dict()) == names
    assert not hasattr(model, "extra")
    assert model(torch.ones(2, 8)).shape == (2, 8)


def nested(model: Any, x: Tensor) -> Tensor:
    y = model.layer(x)
    model.state["a"]["k"].append(y)
    model.box.tensor = y
    model.slots.tensor.fill_(7)
    model.line.append(y)
    model.seen.add("x")
    model.array[0] = 7
    model.pair[1].append(y)
    model.layer.weight.data.fill_(7)
    model.space.count += 1
    model.fixed["list"].append(y)
    model.count()
    return y


@pytest.mark.parametrize("run", [trace, trace_values, diagnose])
@pytest.mark.parametrize("fails", [False, True])
def test_nested_state_stays(run: Any, fails: bool):
    counts: list[int] = []
    model = Way(nested, state={"a": {"k": []}}, box=Box(), slots=Slots(), line=deque(maxlen=2))
    model.seen, model.array, model.pair = {"y"}, np.zeros(2), ("a", [])
    model.space, model.fixed = SimpleNamespace(count=0), MappingProxyType({"list": []})
    model.count = partial(counts.append, 1)
    weight = model.layer.weight.clone()
    if fails:
        model.register_forward_hook(lambda *_: 1 / 0)
    expected = pytest.raises(TraceError) if fails and run is not diagnose else nullcontext()
    with expected:
        run(model, torch.ones(2, 8))
    assert model.state == {"a": {"k": []}}
    assert model.box.tensor is None
    assert model.slots.tensor.tolist() == [0]
    assert (len(model.line), model.line.maxlen, model.seen) == (0, 2, {"y"})
    assert model.array.tolist() == [0, 0]
    assert model.pair == ("a", [])
    assert model.space.count == 0
    assert model.fixed == {"list": []}
    assert counts == []
    assert torch.equal(model.layer.weight, weight)


@pytest.mark.parametrize("run", [trace, trace_values, diagnose])
def test_what_a_hook_keeps_in_its_closure_stays(run: Any):
    kept: dict[str, Tensor] = {}
    model = nn.Sequential(nn.Linear(8, 8))
    model[0].register_forward_hook(lambda module, args, out: kept.update(out=out))
    run(model, torch.ones(2, 8))
    assert kept == {}
    model(torch.ones(2, 8))
    assert list(kept) == ["out"]


@RUNS
def test_a_pool_of_threads_that_the_model_keeps(run: Any):
    with ThreadPoolExecutor(1) as pool:
        model = Way(lambda m, x: m.pool.submit(m.layer, x).result(60), pool=pool)
        for _ in range(2):
            assert run(model, torch.ones(2, 8)).macs == 128


@RUNS
def test_what_cannot_be_copied_is_the_users_own(run: Any):
    with closing(sqlite3.connect(":memory:")) as store:
        model = Way(lambda m, x: m.layer(x) * m.store.execute("select 2").fetchone()[0])
        model.store = store
        assert run(model, torch.ones(2, 8)).macs == 128


def test_a_layer_behind_a_view_of_a_dict_is_the_models_own():
    model = Way(lambda m, x: m.layers["a"](x))
    model.layers = MappingProxyType({"a": model.layer})
    found = trace(model, (2, 8))
    assert [(call.path, call.params) for call in found.calls] == [("layer", 72)]


class Tables:
    """What a program keeps of constants, apart from any model."""

    kept: dict[int, Tensor] = {}  # noqa: RUF012 (that it is the class's is the point)

    @staticmethod
    @lru_cache
    def bounded(size: int) -> Tensor:
        return torch.arange(size) * 1.0

    @staticmethod
    @cache
    def unbounded(size: int) -> tuple[Tensor, int]:
        return torch.ones(size), size

    @classmethod
    def of(cls, size: int) -> Tensor:
        if size not in cls.kept:
            cls.kept[size] = torch.zeros(size)
        return cls.kept[size] + cls.bounded(size) + cls.unbounded(size)[0]


@pytest.mark.parametrize("way", ["runs", "raises", "looks at a value"])
def test_no_cache_outside_of_the_model_keeps_what_was_made_on_meta(way: str):
    def run(m: Any, x: Tensor) -> Tensor:
        y = m.layer(x) + Tables.of(8)
        if way == "raises" and m.raises:
            raise ValueError(way)
        return y if way == "runs" or y.sum() > 0 else -y

    model = Way(run, raises=True)
    with pytest.raises(TraceError) if way == "raises" else nullcontext():
        assert trace(model, (2, 8)).macs == 128
    model.raises = False
    assert model(torch.ones(2, 8)).shape == (2, 8)


def test_a_closure_keeps_the_defaults_of_its_keywords():
    class Closing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layer = nn.Linear(4, 4)

            def run(x: Tensor, *, times: int = 2) -> Tensor:
                return layer(x) * times

            self.run = run

        def forward(self, x: Tensor) -> Tensor:
            return self.run(x)

    assert trace(Closing(), (2, 4)).macs == 32


@RUNS
def test_a_generator_of_the_models_own(run: Any):
    generator = torch.Generator().manual_seed(3)
    before = generator.get_state()
    way = Way(lambda m, x: m.layer(x) + torch.rand(8, generator=m.random), random=generator)
    run(way, torch.ones(2, 8))
    assert torch.equal(generator.get_state(), before)


def test_a_compiled_model_is_diagnosed_and_stays():
    model = torch.compile(nn.Sequential(nn.Conv2d(3, 8, 3)), backend="eager")
    names, before = list(model.state_dict()), dict(model.__dict__)
    found = diagnose(model, torch.zeros(2, 4, 8, 8))
    assert found.code == "channels-mismatch"
    assert list(model.state_dict()) == names
    assert all(model.__dict__[name] is value for name, value in before.items())


def test_a_graph_module_keeps_its_graph():
    model = torch.fx.symbolic_trace(nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()))
    owner = model.graph.owning_module
    assert [call.kind for call in trace(model, (1, 3, 8, 8)).calls] == ["Conv2d", "ReLU"]
    assert diagnose(model, torch.zeros(1, 4, 8, 8)).code == "channels-mismatch"
    assert model.graph.owning_module is owner


def test_another_thread_trains_the_model_meanwhile():
    inside, trained = threading.Event(), threading.Event()

    def wait(m: Any, x: Tensor) -> Tensor:
        inside.set()
        assert trained.wait(60)
        return m.layer(x)

    layer = nn.Linear(8, 8)
    before, version = layer.weight.clone(), layer.weight._version

    def train() -> None:
        assert inside.wait(60)
        layer(torch.ones(1, 8)).sum().backward()
        torch.optim.SGD(layer.parameters(), 0.1).step()
        trained.set()

    thread = threading.Thread(target=train)
    thread.start()
    # the events are shared: what locks is no state of the model's
    model = Way(wait)
    model.layer = layer
    trace_values(model, torch.ones(2, 8))
    thread.join()
    assert torch.allclose(layer.weight, before - 0.1)
    assert layer.weight._version == version + 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_process_forked_meanwhile_traces_too():
    def fork(m: Any, x: Tensor) -> Tensor:
        if (child := os.fork()) == 0:
            os._exit(len(trace(nn.Sequential(nn.ReLU()), (2,)).calls))
        for _ in range(600):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                m.ends.append(os.waitstatus_to_exitcode(status))
                return m.layer(x)
            time.sleep(0.1)
        os.kill(child, signal.SIGKILL)
        raise AssertionError("the child hangs")

    model = Way(fork)
    seen: list[int] = []
    model.ends = type("Shared", (), {"append": staticmethod(seen.append)})
    trace(model, (2, 8))
    assert seen == [1]


@RUNS
def test_threads_inside_of_forward(run: Any):
    def both(m: Any, x: Tensor) -> Tensor:
        with ThreadPoolExecutor(2) as pool:
            return sum(pool.map(m.layer, [x, x * 2]))

    found = run(Way(both), torch.ones(2, 8))
    assert sorted(call.kind for call in found.calls) == ["Linear", "Linear", "add", "add", "mul"]
    assert found.macs == 2 * 2 * 64


def test_a_stand_in_is_one_copy_of_everything():
    tensor = torch.ones(2)
    shared = [tensor]
    model = Way(None, a=shared, b=shared, c=tensor, self_reference=None)
    model.self_reference = [model]
    model.bound = model.layer.forward
    twin = Copier(lambda one: one.detach().clone()).copy(model)
    assert twin.a is twin.b is not shared
    assert twin.a[0] is twin.c is not tensor
    assert twin.self_reference[0] is twin is not model
    assert twin.bound.__self__ is twin.layer is not model.layer
    assert type(twin) is Way


def test_tensors_that_share_memory_share_it_in_the_stand_in():
    seen = []
    model = Way(lambda m, x: (m.table.fill_(7), x + m.view[0])[1])
    model.register_buffer("table", torch.zeros(4))
    model.register_buffer("view", model.table.view(2, 2))
    observed(model, (torch.ones(2),), {}, lambda *one: seen.append(one[3]))
    assert seen[-1].tolist() == [8, 8]
    assert model.table.tolist() == [0, 0, 0, 0]


def test_the_error_of_a_stand_in_leads_to_the_users_module():
    model = nn.Sequential(nn.Linear(8, 8))
    with pytest.raises(TraceError) as raised:
        trace(model, (2, 7))
    frame = raised.value.__cause__.__traceback__
    while frame.tb_next and not isinstance(frame.tb_frame.f_locals.get("self"), nn.Linear):
        frame = frame.tb_next
    twin = frame.tb_frame.f_locals["self"]
    assert twin is not model[0]
    assert original(twin) is model[0]


def test_observed_gives_every_calls_values():
    seen: list[Any] = []
    model = nn.Sequential(nn.Linear(8, 4), nn.Dropout(0.5), nn.ReLU())
    x = torch.randn(2, 8)
    found = observed(model, (x,), {}, lambda *one: seen.append(one), training=False)
    assert len(seen) == len(found.calls) == 3
    assert [type(one[0]) for one in seen] == [nn.Linear, nn.Dropout, nn.ReLU]
    assert torch.equal(seen[-1][3], model.eval()(x))
    assert not any(original(one[0]) is one[0] for one in seen)
    begun: list[Any] = []
    observed(
        model, ((2, 8),), {}, lambda *one: seen.append(one),
        values=False, gradient=True, ready=begun.append,
    )  # fmt: skip
    assert begun[0] is not model
    assert seen[-1][3].is_meta
    assert seen[-1][3].requires_grad


WAYS: dict[str, tuple[Callable[..., Any], int | None]] = {
    "in place": (lambda m, x: m.layer(m.square(x + 0)), 128),
    "copied layer": (lambda m, x: copy.deepcopy(m.layer)(x), 128),
    "quantised": (
        lambda m, x: m.layer(torch.quantize_per_tensor(x, 0.1, 0, torch.quint8).dequantize()), 128,
    ),
    "nested": (
        lambda m, x: m.layer(torch.nested.nested_tensor([x, x[:1]])).to_padded_tensor(0.0), 192,
    ),
    "sparse": (lambda m, x: m.layer((m.sparse @ x.T).T), None),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WAYS)
def test_what_runs_in_torch_is_traced(name: str):
    way, macs = WAYS[name]
    model = Way(way, square=_square, parameters=[1], modules=[2])
    model.register_buffer("sparse", torch.eye(8).to_sparse_csr() if name == "sparse" else None)
    found = trace(model, torch.ones(2, 8))
    assert found.macs == macs
    assert found.output_shapes[0][-1] == 8


def _square(x: Tensor) -> Tensor:
    x **= 2
    return x


@pytest.mark.parametrize("run", [trace, trace_values, diagnose, memory])
def test_a_model_whose_own_names_hide_those_of_modules(run: Any):
    found = run(Way(lambda m, x: m.layer(x), parameters=[1], buffers=[2], modules=[3]), (2, 8))
    assert found is None if run is diagnose else found.parameters == 288 if run is memory else found


def test_a_pruned_bias_and_parameters_of_inference_mode():
    model = nn.Sequential(nn.Linear(8, 8))
    prune.l1_unstructured(model[0], "bias", amount=0.5)
    bias = model[0].bias
    assert [call.code for call in trace(model, (2, 8)).calls] == ["Linear(8, 8)"]
    assert model[0].bias is bias
    with torch.inference_mode():
        model = nn.Sequential(nn.Linear(8, 8))
    for run in (trace, trace_values):
        assert run(model, (2, 8)).macs == 128


def test_three_hundred_nested_modules():
    class Wrapped(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x)

    model: nn.Module = nn.Linear(8, 8)
    for _ in range(300):
        model = Wrapped(model)
    assert trace(model, (2, 8)).macs == 128


@pytest.mark.filterwarnings("ignore")
def test_flexible_attention():
    from torch.nn.attention.flex_attention import flex_attention

    model = Way(lambda m, x: flex_attention(x, x, x))
    assert trace(model, (1, 2, 16, 8)).macs == 2 * 2 * 16 * 16 * 8


def test_a_shape_beside_a_tensor_is_a_tuple_of_ints():
    words = torch.randint(1, 20, (4, 30))
    found = trace(nn.CTCLoss(), torch.randn(50, 4, 20).log_softmax(2), words, (50,) * 4, (30,) * 4)
    assert found.input_shapes == ((50, 4, 20), (4, 30))


def test_a_shape_that_is_looked_up_is_of_integers():
    class Language(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.places = nn.Embedding(10, 8), nn.Embedding(10, 8)
            self.layer = nn.Linear(8, 2)

        def forward(self, ids: Tensor, image: Tensor) -> Tensor:
            places = torch.arange(ids.shape[1])
            assert image.is_floating_point()
            return self.layer(self.words(ids.view(-1, ids.shape[1])) + self.places(places))

    for run in (trace, trace_values):
        found = run(Language(), (2, 5), (1, 3, 4, 4))
        assert found.output_shapes == ((2, 5, 2),)
        assert found.macs == 2 * 5 * 8 * 2


def test_layers_that_get_their_tensors_late_are_told_apart_by_them():
    class Lazy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.with_bias = nn.LazyConv1d(4, 3)
            self.without = nn.LazyConv1d(4, 3, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.with_bias(x) + self.without(x)

    calls = trace(Lazy(), (2, 3, 9)).calls
    assert [call.code for call in calls[:2]] == ["Conv1d(3, 4, 3)", "Conv1d(3, 4, 3, bias=False)"]
