"""From an output cell back to the numbers it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.arithmetic import Rule
from convdocs.cells.explanation import Explanation, Term
from convdocs.cells.places import Place, Tap, as_index, channels_read, checked, place, taps
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
    rule = Rule.of(layer, reading, where.cell, x)
    terms = tuple(_terms(reading, x.detach(), weight, where, rule))
    added = None if bias is None else bias[where.channel].item()
    return Explanation(
        kind=reading.kind,
        code=code(layer),
        family=reading.family,
        at=cell,
        cell=where.cell,
        terms=terms,
        bias=added,
        divisor=rule.divisor,
        power=rule.power,
        value=rule.value([term.product for term in terms], added),
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
    indices = [_index(where, channel, tap) for channel, tap in steps]
    found = iter(_gather(x, [one for one in indices if one is not None]))
    weights = _weights(layer, weight, where.channel, channels)
    for number, ((channel, tap), at) in enumerate(zip(steps, indices, strict=True)):
        value = rule.missing if at is None else next(found)
        factor = None if weights is None else weights[number]
        yield Term(
            channel=channel,
            kernel=tap.kernel,
            weight=factor,
            position=tap.position,
            index=at,
            reason=tap.reason,
            padded=tap.padded,
            value=value,
            product=rule.product(value, factor, real=at is not None),
        )


def _index(where: Place, channel: int, tap: Tap) -> tuple[int, ...] | None:
    return None if tap.cell is None else (*where.batch, channel, *tap.cell)


def _gather(x: Tensor, cells: list[tuple[int, ...]]) -> list[float]:
    if not cells:
        return []
    axes = (torch.tensor(axis, device=x.device) for axis in zip(*cells, strict=True))
    numbers: list[float] = x[tuple(axes)].tolist()
    return numbers


def _weights(
    layer: Layer, weight: Tensor | None, channel: int, channels: range
) -> list[float] | None:
    """The kernel of one output channel, in the order of the terms."""
    if weight is None:
        return None
    if layer.family == "convolution":
        kernel = weight[channel]
    else:  # (in, out / groups, ...)
        kernel = weight[channels.start : channels.stop, channel % weight.shape[1]]
    numbers: list[float] = kernel.flatten().tolist()
    return numbers
