"""Leaving a model, and the random state, as they were found."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from operator import is_
from typing import Any

import torch
from torch import nn

_CONTAINERS = frozenset({dict, OrderedDict, list, set})
_OWN = nn.Module().__dict__.keys()  # torch's own dicts: an empty one is filled by no forward


@contextmanager
def attributes_kept(modules: list[nn.Module]) -> Iterator[None]:
    """Give every module back the attributes it had, and the content of its dicts and lists.

    The values themselves are not copied: only which object stands where.
    """
    containers: list[Any] = []
    for module in modules:
        own = module.__dict__
        containers.append(own)
        for name, value in own.items():
            if type(value) in _CONTAINERS and (value or name not in _OWN):
                containers.append(value)
    before = [container.copy() for container in containers]
    try:
        yield
    finally:
        for container, kept in zip(containers, before, strict=True):
            if not _unchanged(container, kept):
                _restore(container, kept)


def _unchanged(container: Any, before: Any) -> bool:
    if len(container) != len(before):
        return False
    if isinstance(container, dict):
        return all(map(is_, container.values(), before.values()))
    return all(map(is_, container, before))


def _restore(container: Any, before: Any) -> None:
    if isinstance(container, dict):
        # never empty in between: another thread may be using the module
        for key in [key for key in container if key not in before]:
            del container[key]
        container.update(before)
    else:
        container.clear()
        (container.extend if isinstance(container, list) else container.update)(before)


@contextmanager
def random_state_kept() -> Iterator[None]:
    """Put back the random states of torch, Python and, where it is loaded, NumPy."""
    numpy = sys.modules.get("numpy")
    state, python = torch.get_rng_state(), random.getstate()
    arrays = numpy.random.get_state() if numpy is not None else None
    try:
        yield
    finally:
        torch.set_rng_state(state)
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(arrays)


@contextmanager
def values_kept(modules: list[nn.Module]) -> Iterator[None]:
    """Put back the values of buffers, and which gradient tensors the parameters have."""
    buffers = [(b, b.detach().clone()) for m in modules for b in m.buffers(recurse=False)]
    gradients = [(p, p.grad) for m in modules for p in m.parameters(recurse=False)]
    with ExitStack() as counters:
        for buffer, _ in buffers:  # the counter by which autograd notices a write
            counters.enter_context(torch.autograd._unsafe_preserve_version_counter(buffer))  # type: ignore[attr-defined]
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)
            for parameter, gradient in gradients:
                parameter.grad = gradient
