"""What a run changes of the process and puts back: random states, limits, caches that kept it."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import handle_torch_function

_COMPILERS = ("torch._dynamo", "torch.nn.attention.flex_attention")  # loaded where they are used


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
def room_for_frames() -> Iterator[None]:
    """Three times the frames: each module's call goes through those of its stand-in too."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(3 * limit)
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Let Python's garbage collector wait: a run makes many objects, and no garbage to speak of."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.collect(0)  # the run's own; the program's are looked through in their own time
            gc.enable()


@contextmanager
def nothing_compiled() -> Iterator[None]:
    """Run compiled functions as they are written: no compiler follows them under a recorder."""
    if not any(name in sys.modules for name in _COMPILERS):
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def forgotten(tensors: Sequence[Tensor]) -> None:
    """Take tensors of a run out of the caches that have kept them: of a function, or of a class."""
    holders = gc.get_referrers(*tensors)
    kept = [*tensors, *[one for one in holders if type(one) is tuple]]
    for holder in gc.get_referrers(*kept):
        if isinstance(holder, type(lru_cache(len))):
            holder.cache_clear()
        elif type(holder) is dict and str not in map(type, holder):  # names are an object's own
            for key in [key for key, value in holder.items() if any(value is one for one in kept)]:
                del holder[key]


_SCRIPT: Any = torch.jit.ScriptFunction
_PLAIN = _SCRIPT.__call__


def _dispatched(function: Any, *args: Any, **kwargs: Any) -> Any:
    if torch._C._len_torch_function_stack():
        return handle_torch_function(function, (), *args, **kwargs)
    return _PLAIN(function, *args, **kwargs)


@contextmanager
def scripts_dispatched() -> Iterator[None]:
    """Hand functions of torch.jit to the mode that listens, as torch does with its own."""
    _SCRIPT.__call__ = _dispatched
    try:
        yield
    finally:
        _SCRIPT.__call__ = _PLAIN
