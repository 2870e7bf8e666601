"""What a training step keeps: the same bytes as autograd and the optimizers really hold."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import convdocs
from convdocs.cli import main
from convdocs.report import Memory

sys.path.insert(0, str(Path(__file__).with_name("bench")))
import models


def really_saved(model: nn.Module, *inputs: Tensor) -> int:
    """Bytes that autograd saves in a real run: each storage once, parameters and buffers not."""
    own = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    kept: dict[int, Any] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        out = model(*inputs)
    assert out is not None
    return sum(storage.nbytes() for storage in kept.values())


class Residual(nn.Module):
    """A block whose sum, view and dropout share storages."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.GroupNorm(2, 4)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        y = self.drop(self.norm(self.conv(x)).sigmoid())
        return (x + y).flatten(2).softmax(-1) * x.flatten(2)


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "resnet18": (models.resnet18, (2, 3, 64, 64)),
    "alexnet": (models.AlexNet, (2, 3, 128, 128)),
    "unet": (lambda: models.UNet((4, 8, 16)), (2, 3, 32, 32)),
    "block": (Residual, (3, 4, 8, 8)),
    "gru": (lambda: nn.GRU(5, 6, batch_first=True), (2, 7, 5)),
    "pools": (
        lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.MaxPool1d(2), nn.GELU(), nn.AvgPool1d(2)),
        (2, 3, 21),
    ),
    "transposed": (
        lambda: nn.Sequential(nn.ConvTranspose1d(3, 4, 3), nn.Tanh(), nn.LayerNorm(9)),
        (2, 3, 7),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_saved_bytes_are_those_of_a_real_run(name: str):
    make, shape = CASES[name]
    model = make().train()
    found = convdocs.memory(model, shape)
    assert found.saved == really_saved(model, torch.randn(shape))
    assert found.saved == sum(found.saved_by_call)
    assert len(found.saved_by_call) == len(found.trace.calls)
    assert found.inputs == 4 * torch.Size(shape).numel()


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW), ("sgd", torch.optim.SGD)],
)
def test_an_optimizers_state_is_what_it_really_holds(name: str, optimizer: Any):
    model = models.AlexNet()
    model.features.requires_grad_(False)
    found = convdocs.memory(model, (2, 3, 128, 128), optimizer=name)
    trained = [p for p in model.parameters() if p.requires_grad]
    for parameter in trained:
        parameter.grad = torch.zeros_like(parameter)
    real = optimizer(trained, lr=1e-3)
    real.step()
    state = (v for held in real.state.values() for v in held.values() if isinstance(v, Tensor))
    assert found.optimizer == sum(value.nbytes for value in state)
    assert found.gradients == sum(parameter.nbytes for parameter in trained)
    assert found.parameters == sum(parameter.nbytes for parameter in model.parameters())


def really_held(model: nn.Module, x: Tensor, optimizer: torch.optim.Optimizer) -> int:
    """The most bytes at one moment of a training step, by the events of torch's allocator."""

    def step() -> None:
        model(x).sum().backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    state = (value for held in optimizer.state.values() for value in held.values())
    kept = (*model.parameters(), *model.buffers(), *filter(torch.is_tensor, state), x)
    with torch.profiler.profile(profile_memory=True) as profile:
        step()
    events = [e for e in profile.profiler.kineto_results.events() if e.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    return sum(tensor.nbytes for tensor in kept) + max(itertools.accumulate(sizes))


@pytest.mark.parametrize(("name", "share"), [("resnet18", 0.8), ("alexnet", 0.8), ("unet", 0.6)])
@pytest.mark.filterwarnings("ignore")  # the profiler's own
def test_the_peak_is_near_what_a_step_really_holds_and_never_above(name: str, share: float):
    make, shape = CASES[name]
    model = make().train()
    real = really_held(model, torch.randn(shape), torch.optim.SGD(model.parameters(), lr=1e-3))
    assert share * real < convdocs.memory(model, shape, optimizer="sgd").peak <= real


def test_the_peak_has_gradients_beside_what_is_still_saved():
    wide = nn.Sequential(nn.Linear(3, 50), nn.ReLU(), nn.Linear(50, 3))
    found = convdocs.memory(wide, (10, 3), optimizer=None)
    # the last layer's input is the ReLU's output, which the ReLU needs as well
    assert found.saved_by_call == (4 * 10 * 3, 4 * 10 * 50, 0)
    assert found.peak == found.parameters + found.saved + 4 * (50 * 3 + 3)


def test_the_peak_has_inputs_beside_the_gradients_whether_saved_or_not():
    net = nn.Linear(4, 64)
    found = convdocs.memory(net, (2, 4), optimizer=None)
    assert (found.gradients, found.inputs) == (4 * (4 * 64 + 64), 4 * 2 * 4)
    assert found.peak == found.parameters + found.gradients + found.inputs


def test_any_optimizer_will_do():
    def momentum(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

    found = convdocs.memory(nn.Linear(3, 4), (2, 3), optimizer=momentum)
    assert (found.optimizer, found.optimizer_name) == (found.gradients, "SGD")
    assert convdocs.memory(nn.Linear(3, 4), (2, 3), optimizer=None).optimizer == 0
    with pytest.raises(ValueError, match="there is no optimizer 'adma'; did you mean adam"):
        convdocs.memory(nn.Linear(3, 4), (2, 3), optimizer="adma")


def test_another_precision_is_as_if_the_model_had_it():
    shape = (2, 3, 128, 128)
    found = convdocs.memory(models.AlexNet(), shape, dtype="bfloat16")
    model = models.AlexNet().to(torch.bfloat16)
    assert found.saved == really_saved(model, torch.randn(shape, dtype=torch.bfloat16))
    assert found.parameters == sum(p.nbytes for p in model.parameters())
    with pytest.raises(ValueError, match="torch has no dtype 'bf16'"):
        convdocs.memory(nn.Linear(3, 4), (2, 3), dtype="bf16")


def test_another_batch_is_as_if_the_inputs_had_it():
    class Two(nn.Module):
        def forward(self, x: Tensor, options: dict[str, Tensor], scale: Tensor) -> Tensor:
            return (x * options["mask"] * scale).exp()

    given = (torch.ones(2, 5), {"mask": torch.ones(2, 5)}, torch.ones(5))
    found = convdocs.memory(Two(), *given, batch=7)
    assert found.trace.input_shapes == ((7, 5), (7, 5), (5,))
    assert found.batch == 7
    assert found == convdocs.memory(Two(), (7, 5), {"mask": (7, 5)}, (5,))


@pytest.mark.parametrize("room", [200e6, 333_333_333, 1e9])
def test_the_largest_batch_fits_and_the_next_does_not(room: float):
    found = convdocs.memory(models.resnet18(), (1, 3, 64, 64), fits=room)
    assert found.peak <= room
    assert convdocs.memory(models.resnet18(), (found.batch + 1, 3, 64, 64)).peak > room


def test_no_batch_fits():
    with pytest.raises(ValueError, match=r"a batch of 1 already takes [\d,]+ bytes, more than 100"):
        convdocs.memory(nn.Linear(30, 40), (1, 30), fits=100)


def test_the_model_is_left_as_it_was():
    model = models.resnet18().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    convdocs.memory(model, (2, 3, 64, 64), dtype="float16")
    after = model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not model.training
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_model_that_looks_at_values_is_refused():
    class Looks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(ValueError, match="Looks looks at values"):
        convdocs.memory(Looks(), (2, 3))


def test_a_model_that_fails_says_where():
    with pytest.raises(convdocs.TraceError, match=r"1: Linear\(4, 2\) failed on input \(2, 5\)"):
        convdocs.memory(nn.Sequential(nn.ReLU(), nn.Linear(4, 2)), (2, 5))


def test_a_record_of_memory_goes_to_json_and_back_and_says_what_it_leaves_out():
    found = convdocs.memory(models.resnet18(), (2, 3, 64, 64))
    assert Memory.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    text = str(found)
    assert text.startswith("Memory of a training step of ResNet with a batch of 2\n")
    assert f"{found.saved:,}" in text
    assert "Not counted: what kernels work in while they run" in text
    assert max(map(len, text.splitlines())) <= 100
    assert "<table>" in found._repr_html_()


def test_the_command_prints_the_same(capsys: pytest.CaptureFixture[str]):
    layer = "Sequential(Conv1d(3, 4, 3), ReLU())"
    options = ["--optimizer", "sgd", "--dtype", "float16", "--batch", "5", "--format", "json"]
    assert main(["memory", layer, "--input", "2,3,9", *options]) == 0
    model = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU())
    wanted = convdocs.memory(model, (5, 3, 9), optimizer="sgd", dtype="float16")
    assert Memory.from_dict(json.loads(capsys.readouterr().out)) == wanted
    assert main(["memory", layer, "--input", "2,3,9", "--fits", "much"]) == 2
    assert "much is no number of bytes, as 8GB or 24GiB" in capsys.readouterr().err
