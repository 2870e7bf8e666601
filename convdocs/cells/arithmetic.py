"""What torch does with the numbers under a window, family by family."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan, prod
from typing import Any, NamedTuple

import torch

from convdocs.layers import Family, Layer


class Rule(NamedTuple):
    """How the taps of one output cell become its value."""

    family: Family
    divisor: float | None  # of the sum of the products
    power: float | None  # the norm_type of an LPPool
    whole: bool  # of whole numbers torch drops what is left of a division

    @property
    def missing(self) -> float:
        """The value where there is no input cell."""
        return -inf if self.family == "max" else 0.0

    def product(self, value: float, weight: float | None, *, real: bool) -> float:
        """What one tap adds; ``real`` is False where there is no input cell."""
        if weight is not None:
            # torch multiplies the zeros it pads with, so an infinite weight gives nan there;
            # where a transposed layer has no cell, it multiplies nothing
            return value * weight if real or self.family == "convolution" else 0.0
        if self.power is None:
            return value
        if abs(self.power) == inf:
            return abs(value) if real else -self.power
        return _power(value, self.power) if real else 0.0

    def value(self, products: list[float], bias: float | None) -> float:
        """The output cell's value."""
        if self.family == "max" or self.power in (inf, -inf):
            if any(product != product for product in products):
                return nan
            return min(products) if self.power == -inf else max(products)
        total = sum(products)
        if bias is not None:
            total += bias
        if self.divisor is not None:
            total = int(total / self.divisor) if self.whole else total / self.divisor
        return total if self.power is None else _power(total, 1 / self.power)


def _power(base: float, exponent: float) -> float:
    """Base to the exponent as torch has it: nan and infinity where Python raises."""
    return torch.tensor(base, dtype=torch.float64).pow(exponent).item()


def rule(module: Any, layer: Layer, cell: Sequence[int], x: torch.Tensor) -> Rule:
    """The rule for the output cell at ``cell``, over the input ``x``."""
    whole = not (x.is_floating_point() or x.is_complex())
    divisor = _divisor(module, layer, cell, x.shape[-layer.dims :])
    return Rule(layer.family, divisor, getattr(module, "norm_type", None), whole)


def _divisor(module: Any, layer: Layer, cell: Sequence[int], sizes: Sequence[int]) -> float | None:
    """What torch divides the sum by: the cells that count.

    An LPPool takes the mean over the cells inside the input and multiplies it by the kernel's
    size, so at a border with ``ceil_mode`` its sum is divided by a part of 1.
    """
    if layer.family not in ("average", "lp"):
        return None
    override: int | None = getattr(module, "divisor_override", None)
    if override is not None:
        return override
    padding_counts = getattr(module, "count_include_pad", True)
    count = 1
    for window, output, size in zip(layer.windows, cell, sizes, strict=True):
        before, after = window.padding if padding_counts else (0, 0)
        places = (place for place in window.positions(output) if place is not None)
        count *= sum(-before <= place < size + after for place in places)
    whole = prod(window.kernel for window in layer.windows)
    if layer.family == "average":
        return count
    return None if count == whole else count / whole
