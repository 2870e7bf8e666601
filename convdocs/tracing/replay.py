"""The exact error that a call raises on the CPU, found without its memory or its arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from convdocs.tracing.nodes import mapped
from convdocs.tracing.rules import FLOATS, Answer, Mark

# a call that turns out to be fine is worked out: only where that takes no time
LARGEST = 10_000_000
SMALL = 1_000_000  # tensors up to this size are real, so that torch takes its usual way


def raise_for_real(func: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """Call ``func`` on CPU tensors of these shapes, for the exception that it may raise.

    Every tensor is replaced by zeros; a large one by a single zero, repeated by strides of 0,
    so that it takes no memory whatever its shape.

    Examples
    --------
    >>> x = torch.empty(1, 3, 8, 8, device="meta")
    >>> w = torch.empty(4, 5, 3, 3, device="meta")
    >>> try:
    ...     raise_for_real(torch.conv2d, (x, w), {})
    ... except RuntimeError as error:
    ...     print(error)
    Given groups=1, weight of size [4, 5, 3, 3], expected input[1, 3, 8, 8] to have 5 channels, ...
    """
    if kwargs.get("device") == "meta":
        kwargs = {**kwargs, "device": "cpu"}
    with torch.no_grad():
        func(*mapped(args, _zeros_like), **mapped(kwargs, _zeros_like))


def refused_at_once(inputs: Sequence[Mark], answer: Answer | None) -> bool:
    """Whether a doubtful call takes no time on the CPU: it is refused, or it is small.

    Tensors of one ordinary dtype leave a doubt about their shapes alone, which torch settles
    before it works anything out.
    """
    dtypes = {one.dtype for one in inputs}
    if len(dtypes) == 1 and dtypes <= FLOATS:
        return True
    if sum(prod(one.shape) for one in inputs) > LARGEST:
        return False
    return len(dtypes) > 1 or answer is None or (answer.macs or 0) <= 10 * LARGEST


def _zeros_like(tensor: Tensor) -> Tensor:
    if tensor.numel() <= SMALL:
        strides = tensor.stride()
        return torch.empty_strided(tensor.shape, strides, dtype=tensor.dtype, device="cpu").zero_()
    return torch.zeros((), dtype=tensor.dtype).expand(tensor.shape)
