"""From an output cell back to the numbers it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product, repeat
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.arithmetic import Rule, rule
from convdocs.cells.explanation import Explanation, Term
from convdocs.cells.places import Place, as_index, channels_read, checked, place, taps
from convdocs.cells.replica import replica, run
from convdocs.layers import Layer, LayerError, code, read


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
        When ``layer`` is no such layer, ``x`` no tensor of numbers or ``at`` no cell. A shape
        that the layer refuses is refused in torch's own words.

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
    wanted = as_index(at) if sample is None else (sample, *as_index(at))
    cell = checked(wanted, output.shape, f"the output of {code(layer)}")
    where = place(reading, cell, x.shape)
    how = rule(layer, reading, where.cell, x)
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
    layer: Layer, x: Tensor, weight: Tensor | None, where: Place, rule: Rule
) -> Iterator[Term]:
    channels = channels_read(layer, where.channel)
    steps = list(product(channels, taps(layer, where, x.shape[-layer.dims :])))
    real = [(*where.batch, channel, *tap.cell) for channel, tap in steps if tap.cell is not None]
    # all of them in one call
    values = x[tuple(map(torch.tensor, zip(*real, strict=True)))].tolist() if real else []
    found = zip(real, values, strict=True)
    weights = repeat(None) if weight is None else _kernel(layer, weight, where, channels).tolist()
    for (channel, tap), factor in zip(steps, weights, strict=False):
        at, value = next(found) if tap.cell is not None else (None, rule.missing)
        added = rule.product(value, factor, real=at is not None)
        yield Term(
            channel, tap.kernel, factor, tap.position, at, tap.reason, tap.padded, value, added
        )


def _kernel(layer: Layer, weight: Tensor, where: Place, channels: range) -> Tensor:
    """The weights of one output channel, in the order of the terms."""
    if layer.family == "convolution":
        return weight[where.channel].flatten()
    # (in, out / groups, ...)
    own = weight[channels.start : channels.stop, where.channel % weight.shape[1]]
    return own.flatten()
