"""How long a trace takes, beside torchinfo and the model's own forward, and what memory it needs.

Run it with ``nox -s bench``. Every figure is a median of processor time in one thread, so that a
busy machine counts for nothing; the things that are compared take turns, and their ratio is of one
run. Targets stand beside the ratios; a missed one makes the exit status 1.
"""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import models
import torch
import torchinfo
from torch import Tensor, nn

from convdocs.tracing import trace

SHAPE = (1, 3, 224, 224)
# model, least ratios: cold against torchinfo on meta and its default, again against it on meta
CASES: dict[str, tuple[float | None, float | None, float | None]] = {
    "resnet152": (10, 20, 25),
    "densenet201": (6, None, 15),
    "efficientnet_b4": (5, None, 15),
    "VGG": (1, None, 4),
    "UNet": (None, None, None),
}


def clock() -> float:
    """Seconds that this process and its children have spent on a processor."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def taking_turns(rounds: int, *runs: Callable[[], object]) -> list[float]:
    """Median seconds of each run."""
    times: list[list[float]] = [[] for _ in runs]
    for run in runs:
        run()
    for _ in range(rounds):
        for run, taken in zip(runs, times, strict=True):
            start = clock()
            run()
            taken.append(clock() - start)
    return [statistics.median(taken) for taken in times]


def verdict(ratio: float, least: float | None) -> str:
    """A ratio, its target and whether it holds."""
    if least is None:
        return f"{ratio:6.1f}x           "
    held = ratio >= least
    FAILED.extend([] if held else [f"{ratio:.1f}x, at least {least:g}x wanted"])
    return f"{ratio:6.1f}x (≥ {least:2g}x) {'✓' if held else '✗'}"


FAILED: list[str] = []


def measure(name: str) -> None:
    """One row, in a process of its own: the first trace of the model, the next, and the others."""
    make: Callable[[], nn.Module] = getattr(models, name)
    with torch.device("meta"):
        on_meta = make().eval()
    model = make().eval()
    quiet = {"verbose": 0, "cache_forward_pass": False}
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    trace(small, (1, 3, 9, 9))
    torchinfo.summary(small, (1, 3, 9, 9), **quiet)
    start = clock()
    trace(model, SHAPE)
    cold = clock() - start
    with torch.no_grad():
        again, info = taking_turns(
            9,
            lambda: trace(model, SHAPE),
            lambda: torchinfo.summary(on_meta, SHAPE, device="meta", **quiet),
        )
        (default,) = taking_turns(3, lambda: torchinfo.summary(model, SHAPE, **quiet))
    calls = len(trace(model, SHAPE).calls)
    print(calls, cold, again, info, default)


def compare(name: str) -> None:
    """One row: the trace, and how many times as long the others take."""
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    calls, cold, again, info, default = map(float, done.stdout.split())
    ratios = [info / cold, default / cold, info / again]
    told = "  ".join(map(verdict, ratios, CASES[name]))
    times = f"{cold * 1e3:8.1f} ms{again * 1e3:8.1f} ms"
    print(f"{name:16}{calls:6.0f}{times}  {told}", flush=True)


class Deep(nn.Module):
    """``length`` calls on a small tensor, half of them layers, half functions."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length // 2
        self.conv = nn.Conv1d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.length):
            x = self.conv(x) + 1
        return x


def growth() -> None:
    """Time per call for more and more calls."""
    print("\ncalls     seconds   µs a call")
    each = {}
    for length in (1_000, 10_000, 100_000):
        model = Deep(length)
        gc.collect()
        (taken,) = taking_turns(3 if length < 100_000 else 1, lambda m=model: trace(m, (1, 2, 64)))
        each[length] = taken / length
        print(f"{length:7,}{taken:10.3f}{each[length] * 1e6:12.1f}", flush=True)
    if each[100_000] > 2 * each[1_000]:
        FAILED.append("the time per call grows with the number of calls")


BILLIONS = """
import resource, torch
from torch import nn
from convdocs.tracing import trace
with torch.device("meta"):
    model = nn.Sequential(*[nn.Linear(31_623, 31_623) for _ in range(10)])
trace(nn.Linear(2, 2), (1, 2))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = trace(model, (8, 31_623))
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(found.params, grown)
"""


def memory() -> None:
    """What a trace of ten billion parameters adds to the process's memory."""
    done = subprocess.run(
        [sys.executable, "-c", BILLIONS], capture_output=True, text=True, check=True
    )
    params, grown = map(int, done.stdout.split())
    megabytes = grown * (1 if sys.platform == "darwin" else 1024) / 1e6
    print(f"\n{params:,} parameters on meta: memory grew by {megabytes:.1f} MB (< 50 MB)")
    if megabytes >= 50:
        FAILED.append(f"{megabytes:.1f} MB for ten billion parameters")


def importing() -> None:
    """What `import convdocs` adds to an empty interpreter."""
    command = [sys.executable, "-c"]

    def start(code: str) -> Callable[[], object]:
        return lambda: subprocess.run([*command, code], check=True)

    empty, ours = taking_turns(15, start("pass"), start("import convdocs"))
    extra = (ours - empty) * 1e3
    print(f"import convdocs: {extra:.1f} ms over an empty interpreter (≤ 40 ms)")
    if extra > 40:
        FAILED.append(f"importing takes {extra:.1f} ms")


def printing() -> None:
    """What printing a trace of 515 calls takes, beside tracing it again."""
    model = models.resnet152().eval()
    found = trace(model, (1, 3, 224, 224))
    traced, text, page = taking_turns(
        9, lambda: trace(model, (1, 3, 224, 224)), found.to_text, found.to_html
    )
    print(f"\nresnet152: text {text / traced:.2f}, HTML {page / traced:.2f} of its trace (≤ 0.5)")
    if text > traced / 2:
        FAILED.append("printing a trace takes more than half of tracing")


def main() -> int:
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return 0
    print("how many times as long as convdocs.trace takes            (inputs 1x3x224x224, eval)")
    heads = f"{'cold: torchinfo on meta':18}  {'torchinfo':18}  again: torchinfo on meta"
    print(f"{'model':16}{'calls':>6}{'cold':>11}{'again':>11}  {heads}")
    for name in CASES:
        compare(name)
    growth()
    memory()
    printing()
    importing()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"(peak memory of this run {peak:.0f} MB)")
    for miss in FAILED:
        print(f"missed: {miss}")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
