"""From an output cell back to the numbers it was made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product, repeat
from math import inf, nan, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from convdocs.cells.explanation import Explanation, Term
from convdocs.cells.places import Place, channels_read, checked, place, taps
from convdocs.cells.replica import replica, run
from convdocs.layers import Family, Layer, LayerError, code, read


def explain(
    layer: nn.Module, x: Tensor, at: int | Sequence[int], *, sample: int | None = None
) -> Explanation:
    """Work out one output cell of a convolution, a pool or an unfold.

    The layer, its gradients, its hooks and the random state stay as they are.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, transposed convolution, max, average or LP pool, or ``Unfold``.
    x : torch.Tensor
        Its input, batched or not.
    at : tuple of int
        Index into the output, with sample and channel where the output has them. Negative
        numbers count from the end.
    sample : int, optional
        The sample, when ``at`` is given without one.

    Raises
    ------
    LayerError
        When ``layer`` is not such a layer, ``x`` not a tensor of numbers or ``at`` not a cell.
        A shape that the layer refuses is refused in torch's own words.

    Examples
    --------
    >>> layer = nn.AvgPool1d(2)
    >>> cell = explain(layer, torch.tensor([[1.0, 3.0, 2.0, 0.0]]), (0, 1))
    >>> [term.value for term in cell.terms], cell.divisor, cell.value
    ([2.0, 0.0], 2, 1.0)
    """
    reading = read(layer)
    twin = replica(layer)
    _check_numbers(layer, x)
    output, weight, bias = run(twin, x)
    wanted = at if sample is None else (sample, *(at if isinstance(at, Iterable) else (at,)))
    cell = checked(wanted, output.shape, f"the output of {code(layer)}")
    where = place(reading, cell, x.shape)
    divisor = _divisor(layer, reading, where.cell, x.shape[-reading.dims :])
    whole = not (x.is_floating_point() or x.is_complex())
    how = _Rule(reading.family, divisor, getattr(layer, "norm_type", None), whole)
    terms = tuple(_terms(reading, x.detach(), weight, where, how))
    added = None if bias is None else bias[where.channel].item()
    return Explanation(
        kind=reading.kind,
        code=code(layer),
        family=reading.family,
        at=cell,
        cell=where.cell,
        terms=terms,
        bias=added,
        divisor=how.divisor,
        power=how.power,
        value=how.value([term.product for term in terms], added),
        layer_value=output[cell].item(),
        windows=reading.windows,
        input_shape=tuple(x.shape),
        output_shape=tuple(output.shape),
        padding_mode=reading.padding_mode,
    )


def _check_numbers(layer: nn.Module, x: Any) -> None:
    name = type(layer).__name__
    if not isinstance(x, Tensor):
        raise LayerError(
            f"{name} takes a tensor, but x is a {type(x).__name__}; torch.as_tensor(x) makes one"
        )
    if x.is_meta or any(parameter.is_meta for parameter in layer.parameters()):
        raise LayerError(
            "a tensor on the meta device has a shape but no numbers; "
            f"give {name} an input and weights that have some"
        )


def _terms(
    layer: Layer, x: Tensor, weight: Tensor | None, where: Place, rule: _Rule
) -> Iterator[Term]:
    channels = channels_read(layer, where.channel)
    steps = list(product(channels, taps(layer, where, x.shape[-layer.dims :])))
    real = [(*where.batch, channel, *tap.cell) for channel, tap in steps if tap.cell is not None]
    # all of them in one call
    values = x[tuple(map(torch.tensor, zip(*real, strict=True)))].tolist() if real else []
    numbers = zip(real, values, strict=True)
    weights: Iterable[float | None] = repeat(None)
    if weight is not None:
        if layer.family == "convolution":
            kernel = weight[where.channel]
        else:  # (in, out / groups, ...)
            kernel = weight[channels.start : channels.stop, where.channel % weight.shape[1]]
        weights = kernel.flatten().tolist()
    missing = -inf if layer.family == "max" else 0.0
    for (channel, tap), factor in zip(steps, weights, strict=False):
        at, value = next(numbers) if tap.cell is not None else (None, missing)
        added = rule.product(value, factor, real=at is not None)
        yield Term(
            channel, tap.kernel, factor, tap.position, at, tap.reason, tap.padded, value, added
        )


class _Rule(NamedTuple):
    """How the taps of one output cell become its value."""

    family: Family
    divisor: float | None  # of the sum of the products
    power: float | None  # the norm_type of an LPPool
    whole: bool  # of whole numbers torch drops what is left of a division

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


def _divisor(module: Any, layer: Layer, cell: Sequence[int], sizes: Sequence[int]) -> float | None:
    """What the sum of the output cell at ``cell`` is divided by."""
    given: float | None = getattr(module, "divisor_override", None)
    if given is not None or layer.family not in ("average", "lp"):
        return given
    count = 1  # of the cells under the window of which a mean is taken
    for window, output, size in zip(layer.windows, cell, sizes, strict=True):
        before, after = window.padding if getattr(module, "count_include_pad", True) else (0, 0)
        places = (place for place in window.positions(output) if place is not None)
        count *= sum(-before <= place < size + after for place in places)
    if layer.family == "average":
        return count
    # torch takes the mean over the cells inside and multiplies it by the kernel's size, so at a
    # border with ceil_mode the sum is divided by a part of 1
    kernel = prod(window.kernel for window in layer.windows)
    return None if count == kernel else count / kernel
