"""How long a diagnosis takes against a trace: ResNet-152 with a wrong last layer.

Run with ``python tests/bench/bench_diagnose.py``; it fails when a diagnosis takes more than three
times as long as a trace of the same model.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import models
import torch
from torch import nn

import convdocs

MOST = 3.0
ROUNDS = 9


def seconds(run: Callable[[], object]) -> float:
    """One run's time on the processor, which other programs don't lengthen much."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Print both medians and their ratio, measured in turn."""
    torch.set_num_threads(1)
    good, bad = models.resnet152().eval(), models.resnet152().eval()
    bad.fc = nn.Linear(1000, 10)
    shape = (1, 3, 224, 224)
    found = convdocs.diagnose(bad, shape)
    assert found is not None
    assert found.path == "fc"
    assert found.fixes[0].verified
    times = [
        (
            seconds(lambda: convdocs.trace(good, shape)),
            seconds(lambda: convdocs.diagnose(bad, shape)),
        )
        for _ in range(ROUNDS)
    ]
    trace, diagnosis = (statistics.median(column) for column in zip(*times, strict=True))
    ratio = diagnosis / trace
    print(f"{found.cause} Fix: {found.fixes[0].code}")
    print(f"trace {trace * 1e3:.1f} ms, diagnose {diagnosis * 1e3:.1f} ms: {ratio:.2f}x")
    if ratio > MOST:
        raise SystemExit(f"a diagnosis takes more than {MOST} times a trace")


if __name__ == "__main__":
    main()
