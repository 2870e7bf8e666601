"""The network explorer in a real browser: random networks against torch, and what a reader does."""

import json
from collections.abc import Iterator
from typing import Any

import hypothesis.strategies as some
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, Phase, given, settings
from playwright.sync_api import Browser, Page
from torch import Tensor, nn

import convdocs
from convdocs.explorer import bundle
from convdocs.explorer.operations import watch

RELATIVE = 1e-4


class Random(nn.Module):
    """A network of random steps over a feature map; branches join by add, sub, mul or cat."""

    def __init__(self, plan: list[Any], channels: int, dims: int) -> None:
        super().__init__()
        self.plan, self.dims = plan, dims
        self.layers = nn.ModuleDict()
        self.channels = channels

    def layer(self, place: int, make: Any) -> nn.Module:
        if str(place) not in self.layers:
            self.layers[str(place)] = make()
        return self.layers[str(place)]

    def forward(self, x: Tensor) -> Tensor:
        kept = [x]
        for place, (kind, own) in enumerate(self.plan):
            y = STEPS[kind](self, place, kept, own)
            kept.append(y)
        y = kept[-1]
        y = y.flatten(1) if self.plan[0][1]["flag"] else y.mean(dim=tuple(range(2, y.dim())))
        y = self.layer(-1, lambda: nn.Linear(y.shape[1], 5))(y)
        return y.softmax(-1)


def windowed(name: str) -> Any:
    """A sliding layer that leaves at least one cell."""

    def step(net: Random, place: int, kept: list[Tensor], s: dict[str, Any]) -> Tensor:
        x = kept[-1]
        smallest = min(x.shape[2:])
        kernel = min(s["kernel"], smallest)
        more: dict[str, Any] = {"stride": s["stride"], "padding": min(s["padding"], kernel // 2)}
        if name.startswith("Conv"):
            groups = s["groups"] if x.shape[1] % s["groups"] == 0 else 1
            more |= {"groups": groups, "bias": s["flag"]}
            if "Transpose" not in name:
                more["padding_mode"] = s["mode"] if smallest > more["padding"] else "zeros"
            else:
                more["output_padding"] = s["stride"] - 1
                kernel = max(kernel, 2)
            make = lambda: getattr(nn, f"{name}{net.dims}d")(x.shape[1], 4, kernel, **more)  # noqa: E731
        else:
            more["ceil_mode"] = s["flag"]
            if name == "AvgPool":
                more["count_include_pad"] = s["groups"] == 1
            make = lambda: getattr(nn, f"{name}{net.dims}d")(kernel, **more)  # noqa: E731
        return net.layer(place, make)(x)

    return step


def module(make: Any) -> Any:
    return lambda net, place, kept, s: net.layer(place, lambda: make(net, kept[-1], s))(kept[-1])


def function(call: Any) -> Any:
    return lambda net, place, kept, s: call(kept[-1], s)


def joined(join: Any) -> Any:
    """With the last earlier value of the same shape, or with itself."""

    def step(net: Random, place: int, kept: list[Tensor], s: dict[str, Any]) -> Tensor:
        x = kept[-1]
        others = [one for one in kept[:-1] if one.shape == x.shape]
        return join(x, others[s["padding"] % len(others)] if others else x)

    return step


def resized(x: Tensor, s: dict[str, Any]) -> Tensor:
    if max(x.shape[2:]) > 8:
        return x
    linear = {3: "linear", 4: "bilinear"}[x.dim()]
    if s["flag"]:
        return F.interpolate(x, scale_factor=2 if s["kernel"] < 3 else 1.5)
    return F.interpolate(
        x, size=tuple(n + s["kernel"] for n in x.shape[2:]), mode=linear,
        align_corners=s["groups"] == 1,
    )  # fmt: skip


def bounded(x: Tensor, s: dict[str, Any]) -> Tensor:
    reach = min(s["padding"], min(x.shape[2:]) - 1)
    pads = (reach, s["padding"] if s["mode"] == "zeros" else reach) * (x.dim() - 2)
    return F.pad(x, pads, {"zeros": "constant"}.get(s["mode"], s["mode"]))


STEPS: dict[str, Any] = {
    **{name: windowed(name) for name in ("Conv", "ConvTranspose", "MaxPool", "AvgPool")},
    "AdaptiveAvgPool": module(
        lambda net, x, s: getattr(nn, f"AdaptiveAvgPool{net.dims}d")(s["kernel"])
    ),
    "AdaptiveMaxPool": module(
        lambda net, x, s: getattr(nn, f"AdaptiveMaxPool{net.dims}d")(s["kernel"])
    ),
    "BatchNorm": module(lambda net, x, s: getattr(nn, f"BatchNorm{net.dims}d")(x.shape[1])),
    "GroupNorm": module(
        lambda net, x, s: nn.GroupNorm(
            s["groups"] if x.shape[1] % s["groups"] == 0 else 1, x.shape[1]
        )
    ),
    "LayerNorm": module(lambda net, x, s: nn.LayerNorm(x.shape[2 if s["flag"] else 1 :])),
    **{
        f"nn.{kind.__name__}": module(lambda net, x, s, kind=kind: kind())
        for kind in (nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Dropout)
    },
    "relu": function(lambda x, s: F.relu(x)),
    "leaky": function(lambda x, s: F.leaky_relu(x, 0.2)),
    "gelu": function(lambda x, s: F.gelu(x, approximate="tanh" if s["flag"] else "none")),
    "silu": function(lambda x, s: F.silu(x, inplace=False)),
    "sigmoid": function(lambda x, s: x.sigmoid()),
    "tanh": function(lambda x, s: torch.tanh(x)),
    "softmax": function(lambda x, s: F.softmax(x, dim=1 if s["flag"] else -1)),
    "scaled": function(lambda x, s: 1.5 - x * 0.5 if s["flag"] else x / 2 + 1),
    "interpolate": function(resized),
    "pad": function(bounded),
    "add": joined(lambda a, b: a + b),
    "sub": joined(lambda a, b: torch.sub(a, b, alpha=2)),
    "mul": joined(lambda a, b: a * b),
    "cat": joined(lambda a, b: torch.cat([a, b], 1)),
    "iadd": joined(lambda a, b: a.clone().add_(b)),
}

SETTINGS = some.fixed_dictionaries({
    "kernel": some.integers(1, 4), "stride": some.integers(1, 2), "padding": some.integers(0, 2),
    "groups": some.sampled_from([1, 2]), "flag": some.booleans(),
    "mode": some.sampled_from(["zeros", "reflect", "replicate", "circular"]),
})  # fmt: skip
PLANS = some.lists(some.tuples(some.sampled_from(sorted(STEPS)), SETTINGS), min_size=1, max_size=8)

WORK_OUT = """([data, x]) => {
  const net = new ConvNetwork.Network(JSON.parse(data)), all = () =>
    net.calls.map((call, i) => [...net.values(i)]);
  const first = all(), live = net.live;
  if (live) net.setInput(x);
  return {live, first, then: all(), why: live ? "" : net.why()};
}"""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    opened.set_content(f"<script>{bundle.script('network')}</script>")
    yield opened
    opened.close()


def far(got: list[float], want: Tensor) -> float:
    """How far numbers are from torch's, relative to the largest of them."""
    wanted = want.flatten().double()
    difference = (torch.tensor(got, dtype=torch.float64) - wanted).abs().max()
    return float(difference / wanted.abs().max().clamp(min=1e-6))


def varied(net: nn.Module) -> None:
    """Statistics and scales as after training, not 0 and 1."""
    for name, numbers in [*net.named_parameters(), *net.named_buffers()]:
        if name.endswith(("weight", "running_var")) and numbers.dim() == 1:
            numbers.data.uniform_(0.5, 2)
        elif name.endswith(("bias", "running_mean")):
            numbers.data.uniform_(-1, 1)


@settings(max_examples=100, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(PLANS, some.integers(1, 2), some.integers(1, 4), some.integers(0, 10_000))
def test_random_networks_equal_torch(
    page: Page, plan: list[Any], dims: int, channels: int, seed: int
) -> None:
    torch.manual_seed(seed)
    net = Random(plan, channels, dims).eval()
    x, other = torch.randn(2, 1, channels, *(6, 7)[:dims])
    net(x)  # makes its layers
    varied(net)
    found = convdocs.explore(net, x, record=False)
    data = json.dumps(found.data)
    got = page.evaluate(WORK_OUT, [data, other.flatten().tolist()])
    assert got["live"], got["why"]
    for numbers, given_x in ((got["first"], x), (got["then"], other)):
        trace, steps = watch(net, given_x)
        for call, step, mine in zip(trace.calls, steps, numbers, strict=True):
            assert far(mine, step.value) < RELATIVE, (call, plan)


class Named(nn.Module):
    """Axes by numpy's name for them, and a number alone, which has none."""

    def forward(self, x: Tensor) -> Tensor:
        return x.sum(axis=1) + x.sum().softmax(-1) + x.mean().log_softmax(0)


def test_axes_by_another_name_and_none_equal_torch(page: Page) -> None:
    x = torch.arange(6.0).reshape(1, 2, 3)
    data = json.dumps(convdocs.explore(Named(), x, record=False).data)
    got = page.evaluate(WORK_OUT, [data, x.flatten().tolist()])
    trace, steps = watch(Named(), x)
    for call, step, mine in zip(trace.calls, steps, got["first"], strict=True):
        assert far(mine, step.value) < RELATIVE, call


class Maps(Random):
    """The same without its head: a feature map comes out."""

    def forward(self, x: Tensor) -> Tensor:
        kept = [x]
        for place, (kind, own) in enumerate(self.plan):
            kept.append(STEPS[kind](self, place, kept, own))
        return kept[-1] * 1.0


SEEN = """([data, at]) => {
  const net = new ConvNetwork.Network(JSON.parse(data)), last = net.calls.length - 1;
  return ConvNetwork.seen(net, last, at).get(-1) ?? null;
}"""
# each of these lets every cell that it reads through, whatever the numbers
OPEN = {"Conv", "ConvTranspose", "AvgPool", "AdaptiveAvgPool", "nn.Sigmoid", "nn.Dropout",
        "BatchNorm", "add", "cat", "scaled", "iadd", "tanh"}  # fmt: skip

OPEN_PLANS = some.lists(some.tuples(some.sampled_from(sorted(OPEN)), SETTINGS), min_size=1,
                        max_size=4)  # fmt: skip


def hull(gradient: Tensor) -> list[list[int]] | None:
    """First and last cell with a gradient, for each spatial axis."""
    places = gradient[0].abs().sum(0).nonzero()
    if not len(places):
        return None
    low, high = places.min(0).values, places.max(0).values
    return [[int(a), int(b)] for a, b in zip(low, high, strict=True)]


@settings(max_examples=100, deadline=None, derandomize=True, phases=[Phase.generate],
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(
    PLANS | OPEN_PLANS,
    some.integers(1, 2),
    some.integers(0, 10_000),
    some.randoms(use_true_random=False),
)
def test_what_a_cell_has_seen_is_what_its_gradient_reaches(
    page: Page, plan: list[Any], dims: int, seed: int, chance: Any
) -> None:
    torch.manual_seed(seed)
    net = Maps(plan, 2, dims)
    x = torch.randn(1, 2, *(9, 10)[:dims])
    net(x)  # makes its layers
    net.double().eval()
    x = x.double().requires_grad_()
    varied(net)
    y = net(x)
    at = chance.randrange(y.numel())
    (gradient,) = torch.autograd.grad(y.flatten()[at], x)
    found = convdocs.explore(net, x.detach(), record=False)
    region = page.evaluate(SEEN, [json.dumps(found.data), at])
    want = hull(gradient)
    if want is None:
        return
    assert region is not None, plan
    mine = region[2:]
    assert all(a <= c and d <= b for (a, b), (c, d) in zip(mine, want, strict=True)), (mine, want)
    if {kind for kind, _ in plan} <= OPEN:
        assert mine == want, (plan, at)
