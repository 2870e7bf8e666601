"""Run a layer without a trace on it: no gradient, no buffer, no hook, no random draw."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.layers import LayerError


def replica(module: nn.Module, tensor: Callable[[Tensor], Tensor] = Tensor.detach) -> nn.Module:
    """A copy of ``module`` to run in its place; its parameters are ``tensor`` of the original's.

    Parameters share their memory with the original's, buffers are copies. The user's hooks are
    left out; the ones by which ``torch.nn.utils`` keeps a weight normalised or pruned stay.

    A LayerError is raised for a lazy module that has not seen an input yet.
    """
    if any(nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        name = type(module).__name__
        raise LayerError(f"{name} has no weights yet; call it once on an input first")
    twin = module.__new__(type(module))

    def each(members: dict[str, Any], change: Callable[[Any], Any]) -> dict[str, Any]:
        return {k: None if value is None else change(value) for k, value in members.items()}

    own = module.__dict__
    twin.__dict__ = each(own, lambda held: tensor(held) if isinstance(held, Tensor) else held)
    twin._parameters = each(
        own["_parameters"], lambda weight: nn.Parameter(tensor(weight), requires_grad=False)
    )
    twin._buffers = each(own["_buffers"], lambda buffer: tensor(buffer).clone())
    twin._modules = each(own["_modules"], lambda inner: replica(inner, tensor))
    twin._forward_pre_hooks = OrderedDict(
        (key, hook)
        for key, hook in module._forward_pre_hooks.items()
        if type(hook).__module__.startswith("torch.nn.utils.")
    )
    return twin


def run(twin: Any, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Output, weight and bias of a :func:`replica`; the weight is the one the output came from."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]), nn.utils.parametrize.cached():
        for hook in twin._forward_pre_hooks.values():
            hook(twin, (x,))
        output = twin.forward(x.detach())
        if isinstance(output, tuple):  # a max pool with return_indices
            output = output[0]
        return output, getattr(twin, "weight", None), getattr(twin, "bias", None)
