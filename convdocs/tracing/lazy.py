"""Lazy modules: traced as what they would become, and left uninitialised."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.lazy import LazyModuleMixin

from convdocs.layers import constructor_values


def is_lazy(module: nn.Module) -> bool:
    """Whether the module still waits for its first input."""
    return isinstance(module, LazyModuleMixin) and module.has_uninitialized_params()


def without_lazy_hooks(module: Any) -> None:
    """Take off the hook that would initialise the module; whoever keeps attributes puts it back."""
    module._forward_pre_hooks.pop(module._initialize_hook.id, None)


def initialised_twin(module: Any, args: tuple[Any, ...], device: torch.device) -> nn.Module:
    """The layer that the lazy one would become on this input."""
    x = next((one for one in args if isinstance(one, Tensor)), None)
    becomes = module.cls_to_become
    if becomes is None or x is None:
        raise TypeError(
            f"{type(module).__name__} is not initialised and convdocs does not know what it will "
            "become: run it once on a real input, then trace it"
        )
    dims = len(module.kernel_size) if hasattr(module, "kernel_size") else 0
    place = -1 if issubclass(becomes, nn.Linear) else -dims - 1 if dims else 1
    dtype = next(module.parameters()).dtype
    given = constructor_values(module)
    twin: nn.Module = becomes(x.shape[place], **given, device=device, dtype=dtype)
    return twin.train(module.training)
