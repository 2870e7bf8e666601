"""What each call of a model was given and what it gave, on a copy of the model in eval mode."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs.report import Trace
from convdocs.tracing.build import build
from convdocs.tracing.guard import random_state_kept
from convdocs.tracing.modules import listening, walk
from convdocs.tracing.nodes import mapped, tensors_in
from convdocs.tracing.recorder import Recorder, mark
from convdocs.tracing.rules import facts


class Operand(NamedTuple):
    """Stands in a call's arguments for the tensor of ``Call.sources[position]``."""

    position: int


class Step(NamedTuple):
    """One call: the module or the function, its arguments, and the tensor that came out.

    Tensors that come from the model's input are :class:`Operand`; constants are themselves.
    """

    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Tensor


def watch(model: nn.Module, *inputs: Any) -> tuple[Trace, tuple[Step, ...]]:
    """Run a copy of ``model`` in eval mode; its trace, and a step for each call of it."""
    with random_state_kept(), torch.no_grad():
        twin = copy.deepcopy(model).eval()
        given = mapped(list(inputs), lambda one: one.detach().clone())
        for tensor in tensors_in(given):
            mark(tensor, -1)
        paths = walk(twin)
        recorder = _Watch(torch.device("cpu"))
        shapes = tuple(tuple(one.shape) for one in tensors_in(given))
        with _leaves(twin, recorder), listening(paths, recorder), recorder:
            out = twin(*given)
        outputs = tuple(map(facts, tensors_in(out)))
        trace, _ = build(twin, paths.values(), recorder, shapes, outputs)
    kept = [n for n, node in enumerate(recorder.nodes) if node.leaf is None]
    return trace, tuple(recorder.steps[n] for n in kept)


class _Watch(Recorder):
    """Keeps each call's arguments and value beside its node."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self.steps: dict[int, Step] = {}  # by the node's number

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        with torch._C.DisableTorchFunction():
            given = _operands((tuple(args), kwargs or {}))
        before = len(self.nodes)
        out = super().__torch_function__(func, types, args, kwargs)
        if len(self.nodes) > before and self.leaf is None:
            self.keep(func, given, out)
        return out

    def keep(self, function: Any, given: Any, out: Any) -> None:
        """Keep what the node written down last was given, and what came out."""
        with torch._C.DisableTorchFunction():
            value = tensors_in(out)[0].detach().clone()
        args, kwargs = given
        self.steps[len(self.nodes) - 1] = Step(function, args, kwargs, value)


def _operands(given: Any) -> Any:
    """Arguments with an Operand for each tensor that a call or the input gave."""
    places = iter(range(len(tensors_in(given))))

    def stand_in(tensor: Tensor) -> Any:
        place = next(places)
        known = getattr(tensor, "_convdocs_mark", None)
        return Operand(place) if known is not None and known.source >= -1 else tensor.detach()

    return mapped(given, stand_in)


@contextmanager
def _leaves(model: nn.Module, recorder: _Watch) -> Iterator[None]:
    """Tell the recorder what each leaf module was given, and what came out."""
    waiting: list[Any] = []

    def before(module: nn.Module, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        with torch._C.DisableTorchFunction():
            waiting.append(_operands((tuple(args), kwargs)))

    def after(module: nn.Module, args: Any, kwargs: Any, out: Any) -> None:
        given = waiting.pop()
        last = len(recorder.nodes) - 1
        if last >= 0 and recorder.nodes[last].module is module and last not in recorder.steps:
            recorder.keep(module, given, out)

    hooks = []
    for module in model.modules():
        hooks.append(module.register_forward_pre_hook(before, with_kwargs=True))
        hooks.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
