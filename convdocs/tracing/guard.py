"""Leaving a model, and the random state, as they were found."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any

import torch
from torch import nn

_CONTAINERS = (dict, OrderedDict, list, set)


@contextmanager
def attributes_kept(modules: list[nn.Module]) -> Iterator[None]:
    """Give every module back the attributes it had, and the content of its dicts and lists.

    The values themselves are not copied: only which object stands where.
    """
    kept = []
    for module in modules:
        own = module.__dict__
        held = [(v, v.copy()) for v in own.values() if v.__class__ in _CONTAINERS and v]
        kept.append((own, own.copy(), held))
    try:
        yield
    finally:
        for own, before, held in kept:
            _restore_dict(own, before)
            for container, content in held:
                _restore(container, content)


def _restore(container: Any, content: Any) -> None:
    if isinstance(container, dict):
        _restore_dict(container, content)
    elif len(container) != len(content) or not all(map(is_, container, content)):
        container.clear()
        (container.extend if isinstance(container, list) else container.update)(content)


def _restore_dict(now: dict[Any, Any], before: dict[Any, Any]) -> None:
    if len(now) == len(before) and all(map(is_, now.values(), before.values())):
        return
    for key in [key for key in now if key not in before]:
        del now[key]
    now.update(before)


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
def values_kept(model: nn.Module) -> Iterator[None]:
    """Put back the values of buffers, and which gradient tensors the parameters have."""
    keeping = torch.autograd._unsafe_preserve_version_counter  # type: ignore[attr-defined]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    try:
        yield
    finally:
        for buffer, before in buffers:
            # the counter by which autograd notices a write is put back too
            with torch.no_grad(), keeping(buffer):
                buffer.copy_(before)
        for parameter, gradient in gradients:
            parameter.grad = gradient
