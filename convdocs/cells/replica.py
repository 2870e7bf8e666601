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

    Raises
    ------
    LayerError
        When ``module`` is lazy and has not seen an input yet.

    Examples
    --------
    >>> layer = nn.Conv1d(1, 1, 2)
    >>> twin = replica(layer)
    >>> twin.weight.requires_grad, twin.weight.data_ptr() == layer.weight.data_ptr()
    (False, True)
    """
    if any(nn.parameter.is_lazy(parameter) for parameter in module.parameters()):
        name = type(module).__name__
        raise LayerError(f"{name} has no weights yet; call it once on an input first")
    twin = module.__new__(type(module))
    twin.__dict__ = {
        name: tensor(value) if isinstance(value, Tensor) else value
        for name, value in module.__dict__.items()
    }
    twin._parameters = {
        name: None if value is None else nn.Parameter(tensor(value), requires_grad=False)
        for name, value in module._parameters.items()
    }
    twin._buffers = {
        name: None if value is None else tensor(value).clone()
        for name, value in module._buffers.items()
    }
    twin._modules = {
        name: None if value is None else replica(value, tensor)
        for name, value in module._modules.items()
    }
    twin._forward_pre_hooks = OrderedDict(
        (key, hook)
        for key, hook in module._forward_pre_hooks.items()
        if type(hook).__module__.startswith("torch.nn.utils.")
    )
    return twin


def run(twin: Any, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Output, weight and bias of a :func:`replica`; the weight is the one the output came from.

    Examples
    --------
    >>> output, weight, bias = run(replica(nn.MaxPool1d(2)), torch.tensor([[1.0, 3.0, 2.0, 0.0]]))
    >>> output, weight
    (tensor([[3., 2.]]), None)
    """
    with (
        torch.no_grad(),
        torch.random.fork_rng(devices=[]),
        nn.utils.parametrize.cached(),
    ):
        for hook in twin._forward_pre_hooks.values():
            hook(twin, (x,))
        output = twin.forward(x.detach())
        if isinstance(output, tuple):  # a max pool with return_indices
            output = output[0]
        return output, getattr(twin, "weight", None), getattr(twin, "bias", None)
