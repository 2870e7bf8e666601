"""Leaving a model, and the random state, as they were found."""

from __future__ import annotations

import random
import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from operator import is_
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.utils._python_dispatch import TorchDispatchMode

from convdocs.tracing.nodes import tensors_in

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
    """Put back the values of every tensor that the modules hold, and the parameters' gradients."""
    held = {id(one): one for module in modules for one in tensors_in(module.__dict__)}
    tensors = [one for one in held.values() if type(one) not in _UNINITIALISED]
    known = [(one, one.data, one.requires_grad, one.grad) for one in tensors if one.is_leaf]
    # a kernel of batch norm writes its statistics without saying so
    statistics = [b for module in modules for b in module.buffers(recurse=False)]
    writes = Writes(tensors, [one for one in statistics if type(one) not in _UNINITIALISED])
    with ExitStack() as counters:
        for one in tensors:  # the counter by which autograd notices a write
            counters.enter_context(torch.autograd._unsafe_preserve_version_counter(one))  # type: ignore[attr-defined]
        try:
            with writes:
                yield
        finally:
            for tensor, data, wanted, gradient in known:
                if tensor.data_ptr() != data.data_ptr():
                    tensor.data = data
                tensor.requires_grad = wanted
                tensor.grad = gradient
            writes.undo()


_UNINITIALISED = (UninitializedParameter, UninitializedBuffer)


class Writes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Keeps a copy of what a tensor holds from before the first kernel that writes into it.

    Parameters
    ----------
    tensors : sequence of Tensor
        Those to watch.
    now : sequence of Tensor
        Those to copy at once.

    Examples
    --------
    >>> weight = torch.ones(2)
    >>> with (writes := Writes([weight], [])):
    ...     _ = weight[0].fill_(7)
    >>> writes.undo()
    >>> weight
    tensor([1., 1.])
    """

    def __init__(self, tensors: Sequence[Tensor], now: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._watched: dict[int, list[Tensor]] = defaultdict(list)  # by storage
        for one in tensors:
            self._watched[_storage(one)].append(one)
        self._copies = [(one, one.detach().clone()) for one in now]

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func._schema.is_mutable:
            for tensor in tensors_in((args, kwargs)):
                for one in self._watched.pop(_storage(tensor), ()):
                    self._copies.append((one, one.detach().clone()))
        return func(*args, **kwargs)

    def undo(self) -> None:
        """Write the copies back."""
        with torch.no_grad():
            for tensor, before in self._copies:
                tensor.copy_(before)


def _storage(tensor: Tensor) -> int:
    """The memory that a tensor lies in; a sparse one's values cannot be written in place."""
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else 0
