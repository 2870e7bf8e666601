"""The exact error that a call raises on the CPU, found without its memory or its arithmetic."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from convdocs.tracing.nodes import mapped, tensors_in

# a call that turns out to be fine is worked out: only where that takes no time
LARGEST = 10_000_000
SMALL = 1_000_000  # tensors up to this size are real, so that torch takes its usual way


def raised_for_real(func: Any, args: Any, kwargs: dict[str, Any]) -> Exception | None:
    """The exception that ``func`` raises on CPU tensors of these shapes, or None.

    Every tensor is replaced by zeros; a large one by a single zero, repeated by strides of 0,
    so that it takes no memory whatever its shape.

    Examples
    --------
    >>> x = torch.empty(1, 3, 8, 8, device="meta")
    >>> w = torch.empty(4, 5, 3, 3, device="meta")
    >>> print(raised_for_real(torch.conv2d, (x, w), {}))
    Given groups=1, weight of size [4, 5, 3, 3], expected input[1, 3, 8, 8] to have 5 channels, ...
    """
    if sum(tensor.numel() for tensor in tensors_in((args, kwargs))) > LARGEST:
        return None
    if kwargs.get("device") == "meta":
        kwargs = {**kwargs, "device": "cpu"}
    try:
        with torch.no_grad():
            func(*mapped(args, _zeros_like), **mapped(kwargs, _zeros_like))
    except Exception as error:
        return error
    return None


def _zeros_like(tensor: Tensor) -> Tensor:
    if tensor.numel() <= SMALL:
        strides = tensor.stride()
        return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device="cpu").zero_()
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
