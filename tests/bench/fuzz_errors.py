"""Random wrong calls of random layers, for the catalogue of errors.

Run with ``python tests/bench/fuzz_errors.py [CALLS [SEED]]``: counts the exceptions that torch
raises, those that a diagnosis does not know, and the diagnoses that carry no verified fix.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.errors.diagnosis import diagnose, of_exception
from convdocs.report import Diagnosis

MOST_UNKNOWN = 0.01
DTYPES = (
    torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool,
    torch.complex64,
)  # fmt: skip
KERNEL, STRIDE, PADDING, DILATION = (1, 5, -1), (1, 3, 0), (0, 3, -1), (1, 2, 0)


@dataclass(frozen=True)
class Wrong:
    """A call that may fail: how the layer is built, what it is given, and how to name it."""

    build: Callable[[], nn.Module]
    inputs: Sequence[Any] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    name: str = ""


class Function(nn.Module):
    """A function of torch as a model, so that it fails inside one."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


def setting(rng: Random, dims: int, low: int, high: int, bad: int) -> Any:
    """A number, sometimes out of range, or a tuple, sometimes too long or too short."""
    if rng.random() < 0.2:
        length = dims if rng.random() < 0.9 else rng.randint(1, 4)
        return tuple(rng.randint(low, high) for _ in range(length))
    return bad if rng.random() < 0.08 else rng.randint(low, high)


def shape(rng: Random, channels: int, dims: int, largest: int = 8) -> tuple[int, ...]:
    """An input's shape, often with an axis too many, too few, moved or of an odd size."""
    sizes = [rng.randint(1, 4), channels, *(rng.randint(1, largest) for _ in range(dims))]
    if rng.random() < 0.25:
        sizes = sizes[1:]
    match rng.randrange(12):
        case 0:
            sizes = sizes[: rng.randint(0, len(sizes))]
        case 1:
            sizes += [rng.randint(1, 4) for _ in range(rng.randint(1, 3))]
        case 2:
            sizes = [sizes[0], *sizes[2:], *sizes[1:2]]
        case 3:
            sizes[rng.randrange(len(sizes))] = rng.choice([0, 1, 2, 3, 5, 7])
    return tuple(sizes)


def tensor(rng: Random, size: Sequence[int], odd: float = 0.15) -> Tensor:
    """Zeros, sometimes of an odd data type or on the meta device."""
    dtype = rng.choice(DTYPES) if rng.random() < odd else torch.float32
    return torch.zeros(tuple(size), dtype=dtype, device="meta" if rng.random() < 0.03 else "cpu")


def layer(kind: str, *args: Any, **kwargs: Any) -> Callable[[], nn.Module]:
    """How to build a layer of torch.nn."""
    return lambda: getattr(nn, kind)(*args, **kwargs)


def convolution(rng: Random) -> Wrong:
    dims, transposed = rng.randint(1, 3), rng.random() < 0.4
    channels, out = rng.choice([1, 2, 3, 4, 6]), rng.choice([1, 2, 3, 4, 6])
    kwargs: dict[str, Any] = {
        "kernel_size": setting(rng, dims, *KERNEL),
        "stride": setting(rng, dims, *STRIDE),
        "padding": setting(rng, dims, *PADDING),
        "dilation": setting(rng, dims, *DILATION),
        "groups": rng.choice([1, 1, 1, 1, 2, 3, 0]),
        "bias": rng.random() < 0.7,
    }
    if transposed:
        kwargs["output_padding"] = rng.choice([0, 0, 0, 1, 2, 3, -1])
    elif rng.random() < 0.15:
        kwargs["padding"] = rng.choice(["same", "valid", "full"])
    if rng.random() < 0.2:
        kwargs["padding_mode"] = rng.choice(["reflect", "replicate", "circular", "zeros", "edge"])
    if rng.random() < 0.04:
        kwargs["dtype"] = rng.choice([torch.float64, torch.float16, torch.complex64])
    if rng.random() < 0.04:
        kwargs["device"] = "meta"
    given = channels if rng.random() < 0.85 else rng.randint(1, 5)
    kind = f"Conv{'Transpose' if transposed else ''}{dims}d"
    return Wrong(layer(kind, channels, out, **kwargs), [tensor(rng, shape(rng, given, dims))])


def functional_convolution(rng: Random) -> Wrong:
    dims, transposed = rng.randint(1, 3), rng.random() < 0.4
    name = f"conv{'_transpose' if transposed else ''}{dims}d"
    kwargs = {
        "groups": rng.choice([1, 1, 1, 2, 0, -1]),
        "stride": rng.choice([1, 1, 2, 0, (1, 2), (1, 1, 1, 1)]),
        "padding": rng.choice([0, 0, 1, -1, (1, 1)] + ([] if transposed else ["same", "full"])),
    }
    inputs = [tensor(rng, shape(rng, 2, dims)), tensor(rng, shape(rng, 2, dims, 3), 0.1)]
    if rng.random() < 0.5:
        inputs.append(tensor(rng, rng.choice([(2,), (3,), (1, 2)]), 0.1))
    call = getattr(nn.functional, name)
    return Wrong(lambda: Function(lambda *given: call(*given, **kwargs)), inputs)


def pool(rng: Random) -> Wrong:
    dims, kind = rng.randint(1, 3), rng.choice(["Max", "Avg", "LP"])
    kwargs: dict[str, Any] = {"kernel_size": setting(rng, dims, *KERNEL)}
    if rng.random() < 0.6:
        kwargs["stride"] = setting(rng, dims, *STRIDE)
    if rng.random() < 0.3:
        kwargs["ceil_mode"] = True
    if kind == "LP":
        kwargs["norm_type"] = rng.choice([1, 2])
    else:
        kwargs["padding"] = setting(rng, dims, 0, 2, -1)
    if kind == "Max":
        kwargs["dilation"] = setting(rng, dims, *DILATION)
        kwargs["return_indices"] = rng.random() < 0.2
    given = shape(rng, rng.randint(1, 4), dims)
    return Wrong(layer(f"{kind}Pool{dims}d", **kwargs), [tensor(rng, given)])


def fitted_pool(rng: Random) -> Wrong:
    """An adaptive or a fractional pool."""
    dims = rng.randint(1, 3)
    given = [tensor(rng, shape(rng, rng.randint(1, 4), dims))]
    if rng.random() < 0.6 or dims == 1:
        size = (None,) * dims if rng.random() < 0.1 else setting(rng, dims, 1, 6, -1)
        return Wrong(layer(f"Adaptive{rng.choice(['Avg', 'Max'])}Pool{dims}d", size), given)
    kwargs: dict[str, Any] = {"kernel_size": setting(rng, dims, 1, 3, 0)}
    if rng.random() < 0.5:
        kwargs["output_size"] = setting(rng, dims, 1, 6, 0)
    elif rng.random() < 0.8:
        kwargs["output_ratio"] = rng.choice([0.5, 0.9, 1.5, 0.0, (0.5,) * dims])
    return Wrong(layer(f"FractionalMaxPool{dims}d", **kwargs), given)


def unpool(rng: Random) -> Wrong:
    dims = rng.randint(1, 3)
    kwargs: dict[str, Any] = {"kernel_size": setting(rng, dims, 1, 3, 0)}
    if rng.random() < 0.3:
        kwargs["stride"] = setting(rng, dims, *STRIDE)
    if rng.random() < 0.3:
        kwargs["padding"] = setting(rng, dims, 0, 1, -1)
    size = shape(rng, 2, dims, 4)
    other = size if rng.random() < 0.8 else shape(rng, 2, dims, 4)
    dtype = torch.int64 if rng.random() < 0.9 else rng.choice([torch.int32, torch.float32])
    indices = torch.full(other, rng.choice([0, 0, 1, 9999])).to(dtype)
    extra = {}
    if rng.random() < 0.2:
        extra["output_size"] = tuple(
            rng.randint(1, 12) for _ in range(dims + rng.choice([0, 1, 2]))
        )
    inputs = [tensor(rng, size, 0.05), indices]
    return Wrong(layer(f"MaxUnpool{dims}d", **kwargs), inputs, extra)


def pad(rng: Random) -> Wrong:
    dims = rng.randint(1, 3)
    kind = rng.choice(["Reflection", "Replication", "Constant", "Zero", "Circular"])
    amounts = [0, 1, 2, 3, 5, -1, -2, -6]
    length = 2 * dims if rng.random() < 0.9 else rng.choice([1, 2, 3, 4, 6])
    many = tuple(rng.choice(amounts) for _ in range(length))
    padding = rng.choice(amounts) if rng.random() < 0.6 else many
    args = (padding, 0.0) if kind == "Constant" else (padding,)
    given = shape(rng, rng.randint(1, 4), dims)
    return Wrong(layer(f"{kind}Pad{dims}d", *args), [tensor(rng, given)])


def fold(rng: Random) -> Wrong:
    kwargs = {
        "kernel_size": setting(rng, 2, 1, 4, 0),
        "stride": setting(rng, 2, 1, 3, 0),
        "padding": setting(rng, 2, 0, 2, -1),
        "dilation": setting(rng, 2, *DILATION),
    }
    if rng.random() < 0.5:
        return Wrong(layer("Unfold", **kwargs), [tensor(rng, shape(rng, rng.randint(1, 3), 2))])
    shapes = [(1, 4, 9), (4, 9), (2, 8, 4), (2, 9, 4), (1, 4, 1), (2,), (1, 2, 3, 4), (1, 0, 4)]
    size = setting(rng, 2, 1, 8, 0)
    return Wrong(layer("Fold", size, **kwargs), [tensor(rng, rng.choice(shapes))])


def linear(rng: Random) -> Wrong:
    features, rank = rng.randint(0, 12), rng.randint(0, 4)
    dtype = rng.choice([torch.float64, torch.float16]) if rng.random() < 0.05 else torch.float32
    sizes = [rng.choice([features, features, features, 2, 3]) for _ in range(rank)]
    return Wrong(layer("Linear", features, 3, dtype=dtype), [tensor(rng, sizes)])


def stack(rng: Random) -> Wrong:
    """A small network that ends in a flatten and a linear layer."""
    channels, features = rng.randint(1, 3), rng.choice([8, 16, 18, 32, 50, 64, 72, 100])
    padding, start = rng.choice([0, 1]), rng.choice([1, 1, 1, 0])
    first = layer("Conv2d", channels, 2, 3, padding=padding)
    build = lambda: nn.Sequential(  # noqa: E731
        first(), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(start), nn.Linear(features, 4)
    )
    return Wrong(build, [tensor(rng, shape(rng, channels, 2, 14))])


def norm(rng: Random) -> Wrong:
    dims, channels = rng.randint(1, 3), rng.randint(1, 4)
    given = channels if rng.random() < 0.7 else rng.randint(1, 5)
    match rng.randrange(4):
        case 0:
            groups = rng.choice([1, 2, 3, 0])
            return Wrong(
                layer("GroupNorm", groups, channels), [tensor(rng, shape(rng, given, dims - 1))]
            )
        case 1:
            sizes = tuple(rng.randint(1, 3) for _ in range(dims))
            shown = tuple(rng.randint(1, 3) for _ in range(rng.randint(1, 4)))
            return Wrong(layer("LayerNorm", sizes), [tensor(rng, shown)])
    kwargs = {
        "affine": rng.random() < 0.6,
        "track_running_stats": rng.random() < 0.6,
        "eps": rng.choice([0.0, -1.0]) if rng.random() < 0.05 else 1e-5,
    }
    kind, training = rng.choice(["BatchNorm", "InstanceNorm"]), rng.random() < 0.7
    made = layer(f"{kind}{dims}d", channels, **kwargs)
    return Wrong(lambda: made().train(training), [tensor(rng, shape(rng, given, dims, 3))])


def resample(rng: Random) -> Wrong:
    if rng.random() < 0.4:
        kind = rng.choice(["PixelShuffle", "PixelUnshuffle", "ChannelShuffle"])
        given = shape(rng, rng.choice([1, 2, 4, 8, 9]), 2)
        return Wrong(layer(kind, rng.choice([1, 2, 3, 0, -1])), [tensor(rng, given)])
    kwargs: dict[str, Any] = {
        "mode": rng.choice(["nearest", "linear", "bilinear", "bicubic", "trilinear", "area"])
    }
    if rng.random() < 0.5:
        kwargs["scale_factor"] = rng.choice([2, 0.5, (2, 2), (2.0,), -1, 0, 0.01])
    else:
        kwargs["size"] = rng.choice([4, (4, 4), (3,), 0, -1, (2, 2, 2)])
    return Wrong(layer("Upsample", **kwargs), [tensor(rng, shape(rng, 2, rng.randint(1, 3)))])


def function(rng: Random) -> Wrong:
    first = list(shape(rng, rng.randint(1, 4), rng.randint(1, 3), 5))
    second = list(first)
    for _ in range(rng.randint(0, 2)):
        if second:
            second[rng.randrange(len(second))] = rng.randint(1, 5)
    if rng.random() < 0.1:
        second = second[1:]
    axis, number = rng.choice([0, 1, -1, 2, 5]), rng.choice([1, 2, 3, 4, -1])
    call: Callable[..., Any] = rng.choice([
        lambda a, b: torch.cat([a, b], axis),
        lambda a, b: torch.stack([a, b], axis),
        lambda a, b: a + b,
        lambda a, b: a * b,
        lambda a, b: a @ b,
        lambda a, b: a.transpose(0, -1).view(-1),
        lambda a, b: a.view(a.shape[0] if a.dim() else 1, number * 5),
        lambda a, b: a.reshape(number, 7),
        lambda a, b: torch.flatten(a, axis),
        lambda a, b: a.permute(0, 2, 1),
        lambda a, b: a.squeeze(axis),
        lambda a, b: a.transpose(1, 2),
        lambda a, b: a.unflatten(1, (2, number)),
    ])  # fmt: skip
    inputs = [tensor(rng, first, 0.1), tensor(rng, second, 0.1)]
    return Wrong(lambda: Function(call), inputs)


def no_tensor(rng: Random) -> Wrong:
    """Things that are no tensors, settings that are no whole numbers, inputs too many or few."""
    kind, *args = rng.choice([
        ("Conv2d", 3, 2, 3), ("MaxPool2d", 2), ("Linear", 3, 2), ("BatchNorm2d", 3),
        ("AvgPool1d", 2), ("AdaptiveAvgPool2d", 1), ("Conv2d", 3, 2, 2.5), ("Conv2d", 3, 2.0, 3),
        ("Conv2d", -1, 2, 3), ("Linear", -1, 2), ("MaxPool2d", 2.5), ("Linear", 3.0, 2),
    ])  # fmt: skip
    image = torch.zeros(1, 3, 8, 8)
    given = rng.choice([image.numpy(), [[1.0, 2.0]], None, "x", 3, image, (image,)])
    return Wrong(layer(kind, *args), [given] * rng.choice([1, 1, 1, 0, 2]))


def loss(rng: Random) -> Wrong:
    """A loss whose output and targets may differ in shape, type, range or order."""
    batch, classes = rng.randint(1, 5), rng.randint(2, 6)
    rest = [rng.randint(1, 4) for _ in range(rng.choice([0, 0, 1, 2]))]
    output, labels = [batch, classes, *rest], [batch, *rest]
    kind = rng.choice(["CrossEntropy", "NLL", "BCE", "BCEWithLogits", "MSE", "L1", "KLDiv"])
    of_classes = kind in ("CrossEntropy", "NLL")
    target = labels if of_classes or rng.random() < 0.2 else list(output)
    match rng.randrange(8):
        case 0:
            target = [*target, 1]
        case 1:
            target = [target[0] + 1, *target[1:]]
        case 2:
            output = [batch, *rest, classes]
        case 3:
            target = target[1:]
        case 4:
            target = list(output)
    dtype = torch.int64 if of_classes else torch.float32
    dtype = rng.choice(DTYPES) if rng.random() < 0.15 else dtype
    size = torch.Size(target)
    values = torch.randint(0, 2 if rng.random() < 0.8 else classes + 1, size).to(dtype)
    return Wrong(layer(f"{kind}Loss"), [tensor(rng, output, 0.05), values])


def numbers(rng: Random, size: Sequence[int]) -> Tensor:
    """Zeros on the processor, sometimes of an odd data type."""
    return torch.zeros(tuple(size), dtype=rng.choice(DTYPES) if rng.random() < 0.1 else None)


def recurrent(rng: Random) -> Wrong:
    """An RNN, LSTM or GRU with an input or a first state of another layout."""
    features, hidden, layers = rng.randint(1, 5), rng.randint(1, 5), rng.randint(1, 2)
    kwargs = {"batch_first": rng.random() < 0.5, "bidirectional": rng.random() < 0.3}
    kind, batch, length = rng.choice(["RNN", "LSTM", "GRU"]), rng.randint(1, 4), rng.randint(1, 5)
    if rng.random() < 0.2:
        sizes = [batch, rng.choice([features, features, 3])][rng.choice([0, 0, 0, 1]) :]
        state = [batch, rng.choice([hidden, hidden, 2])]
        states: Any = numbers(rng, state) if kind != "LSTM" else (torch.zeros(state),) * 2
        given = [numbers(rng, sizes), states] if rng.random() < 0.6 else [numbers(rng, sizes)]
        return Wrong(layer(f"{kind}Cell", features, hidden), given)
    order = [batch, length] if kwargs["batch_first"] else [length, batch]
    sizes = [*order, features]
    match rng.randrange(6):
        case 0:
            sizes = [sizes[0], sizes[2], sizes[1]]
        case 1:
            sizes = sizes[rng.randint(1, 2) :]
        case 2:
            sizes = [*sizes[:2], rng.randint(1, 6)]
        case 3:
            sizes = [2, *sizes]
    state = [layers * (1 + kwargs["bidirectional"]), batch, hidden]
    match rng.randrange(6):
        case 0:
            state = [batch, state[0], hidden]
        case 1:
            state = state[1:]
        case 2:
            state[rng.randrange(3)] += 1
    states = (torch.zeros(state),) * 2 if kind == "LSTM" else numbers(rng, state)
    given = [numbers(rng, sizes)] if rng.random() < 0.4 else [numbers(rng, sizes), states]
    return Wrong(layer(kind, features, hidden, layers, **kwargs), given)


KINDS: tuple[tuple[Callable[[Random], Wrong], int], ...] = (
    (convolution, 10), (functional_convolution, 3), (pool, 8), (fitted_pool, 5), (unpool, 3),
    (pad, 4), (fold, 4), (linear, 3), (stack, 3), (norm, 5), (resample, 3), (function, 4),
    (no_tensor, 1), (loss, 5), (recurrent, 5),
)  # fmt: skip


def wrong_call(rng: Random) -> Wrong:
    """One of all these."""
    kinds, weights = zip(*KINDS, strict=True)
    chosen: Callable[[Random], Wrong] = rng.choices(kinds, weights)[0]
    return chosen(rng)


def outcome(call: Wrong) -> tuple[Exception, Diagnosis | None] | None:
    """The exception that torch raises and its diagnosis, or None where the call runs."""
    try:
        made = call.build()
    except Exception as error:
        return error, of_exception(error)
    try:
        with torch.no_grad():
            made(*call.inputs, **call.kwargs)
    except Exception as error:
        return error, diagnose(made, *call.inputs, **call.kwargs)
    assert diagnose(made, *call.inputs, **call.kwargs) is None, "a false alarm"
    return None


def main(calls: int, seed: int) -> None:
    """Print the counts."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    rng, counts, unknown = Random(seed), Counter[str](), Counter[str]()
    for _ in range(calls):
        found = outcome(wrong_call(rng))
        if found is None:
            counts["ran"] += 1
            continue
        error, diagnosis = found
        counts["failed"] += 1
        if diagnosis is None or diagnosis.code == "unknown":
            counts["unknown"] += 1
            unknown[str(error)[:200]] += 1
            continue
        counts["other words"] += diagnosis.message != str(error)
        counts["no verified fix"] += not any(fix.verified for fix in diagnosis.fixes)
    print(", ".join(f"{name}: {count}" for name, count in counts.items()))
    for message, count in unknown.most_common():
        print(f"{count:5}  {message}")
    share = counts["unknown"] / max(1, counts["failed"])
    print(f"unknown: {share:.2%}")
    if share >= MOST_UNKNOWN:
        raise SystemExit(1)


if __name__ == "__main__":
    main(*(int(one) for one in (sys.argv[1:] + ["20000", "0"][len(sys.argv) - 1 :])))
