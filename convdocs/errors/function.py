"""A function run on copies of the models, tensors and optimisers that it closes over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.errors.trial import Answers
from convdocs.tracing.copier import Copier

_MANY_BYTES = 256 * 1024**2  # a larger tensor is shared: who diagnoses a function keeps its memory


def run(function: Callable[..., Any], inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Call a function, which may be a whole training step, and leave all that it holds as it was.

    What ``backward()`` computes is computed, and added to no parameter. What a function reaches
    through another one's globals is not copied.
    """
    graphs: set[int] = set()

    def copied(tensor: Tensor) -> Tensor:
        if tensor.grad_fn is not None:  # its graph cannot be copied
            graphs.add(id(tensor))
            return tensor
        if tensor.nbytes > _MANY_BYTES:
            return tensor
        made = tensor.detach().clone()
        if isinstance(tensor, nn.Parameter):
            return nn.Parameter(made, tensor.requires_grad)
        return made.requires_grad_(tensor.requires_grad)

    def gradients(loss: Tensor, gradient: Any = None, retain_graph: Any = None, **_: Any) -> None:
        retained = retain_graph or id(loss) in graphs
        torch.autograd.grad(loss, list(_leaves(loss)) or [loss], gradient, retained)

    copier = Copier(copied)
    own, (args, named) = _with_globals(function, copier), copier.copy((inputs, kwargs))
    answer = (lambda func, _given, _site: func is Tensor.backward), gradients
    with torch.random.fork_rng(devices=[]), Answers(answer):
        own(*args, **named)


def _with_globals(function: Any, copier: Copier) -> Any:
    """The function's copy, which finds copies of the models and tensors among its globals."""
    made = copier.copy(function)
    if not isinstance(made, FunctionType):
        return made
    known, names = made.__globals__, set(_names(made.__code__))
    held = (nn.Module, Tensor, torch.optim.Optimizer, list, dict)
    own = {name: copier.copy(known[name]) for name in names if isinstance(known.get(name), held)}
    twin = FunctionType(
        made.__code__, {**known, **own}, made.__name__, made.__defaults__, made.__closure__
    )
    twin.__kwdefaults__ = made.__kwdefaults__
    return twin


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _leaves(loss: Tensor) -> Iterator[Tensor]:
    """The tensors at the ends of a loss's graph that gradients are asked for."""
    nodes, seen = [loss.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is not None and node not in seen:
            seen.add(node)
            nodes += [before for before, _ in node.next_functions]
            if isinstance(leaf := getattr(node, "variable", None), Tensor):
                yield leaf
