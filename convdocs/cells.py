"""One output cell of a layer, worked out so that a reader can follow it with a pencil."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, nan, prod
from operator import index
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.geometry import Window, source
from convdocs.layers import Family, Layer, LayerError, code, read
from convdocs.replica import replica, run


class CellError(LayerError, IndexError):
    """An index that the layer's output, or its input, does not have; says the shape."""


@dataclass(frozen=True, slots=True)
class Term:
    """One tap of the window: a weight, the cell it stands on, and their product.

    Numbers of a complex layer are complex.

    Parameters
    ----------
    channel : int
        Input channel.
    kernel : tuple of int
        Place in the kernel, one number per spatial axis.
    weight : float or None
        None for a pool or an unfold, which have no weights.
    position : tuple of int or None
        Where the tap stands along each spatial axis. Below 0 or past the end it is padding; None
        where a transposed window falls between two spread cells.
    index : tuple of int or None
        The input cell the value was read from, all axes; for a copied padding (reflect, ...) the
        cell that was copied. None where there is no such cell; `reason` says why.
    reason : str or None
        ``"padding"``, ``"hole"`` (between the spread cells of a transposed layer) or
        ``"outside"`` (past the padding, where ``ceil_mode`` lets a window reach).
    padded : bool
        The tap stands outside the input, be it on zeros or on a copy.
    value : float
        The number there; 0 in padding, minus infinity in the padding of a max pool.
    product : float
        What the tap adds: weight times value; the value alone in a pool; its power in an LPPool.
    """

    channel: int
    kernel: tuple[int, ...]
    weight: float | None
    position: tuple[int | None, ...]
    index: tuple[int, ...] | None
    reason: str | None
    padded: bool
    value: float
    product: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """How one output cell comes about; ``print`` it, or show it in a notebook.

    Parameters
    ----------
    kind, code : str
        The layer's class, and the call that makes it.
    family : str
        As in :class:`convdocs.layers.Layer`; it says how the products become the value: summed,
        or, in a max pool, the largest.
    at : tuple of int
        The cell, as an index into the output.
    cell : tuple of int
        Its place along the spatial axes. For ``Unfold`` the place of the block.
    terms : tuple of Term
        One per tap and input channel, channel by channel.
    bias : float or None
        The output channel's bias.
    divisor : float or None
        What the sum is divided by (average pools; an LPPool at a border with ``ceil_mode``).
    power : float or None
        ``norm_type`` of an LPPool: the sum's root is taken.
    value : float
        The result, worked out from the terms in double precision.
    layer_value : float
        The layer's own number.
    windows : tuple of Window
        One per spatial axis.
    input_shape, output_shape : tuple of int
        All axes.
    padding_mode : str
        Where padded cells come from.
    """

    kind: str
    code: str
    family: Family
    at: tuple[int, ...]
    cell: tuple[int, ...]
    terms: tuple[Term, ...]
    bias: float | None
    divisor: float | None
    power: float | None
    value: float
    layer_value: float
    windows: tuple[Window, ...]
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    padding_mode: str

    @property
    def window(self) -> tuple[tuple[int | None, ...], ...]:
        """Positions the taps stand on, one tuple per spatial axis."""
        return tuple(w.positions(o) for w, o in zip(self.windows, self.cell, strict=True))

    @property
    def agrees(self) -> bool:
        """Whether the worked-out value is the layer's own, up to rounding.

        False says that the layer does something besides: a subclass with a forward of its own.
        """
        if self.value == self.layer_value or (_is_nan(self.value) and _is_nan(self.layer_value)):
            return True
        size = abs(self.value) + abs(self.bias or 0)
        if self.power is None:
            size += sum(abs(term.product) for term in self.terms if term.index is not None)
        # the coarsest arithmetic in use keeps 8 bits
        return size < inf and abs(self.value - self.layer_value) <= 2**-7 * size


def _is_nan(value: float) -> bool:
    return value != value


@dataclass(frozen=True, slots=True)
class _Tap:
    """A tap before it is given a channel, a weight and a value."""

    kernel: tuple[int, ...]
    position: tuple[int | None, ...]
    cell: tuple[int, ...] | None
    reason: str | None
    padded: bool


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
        When ``layer`` is no such layer, ``x`` no tensor of numbers or ``at`` no cell.

    Examples
    --------
    >>> layer = nn.AvgPool1d(2)
    >>> cell = explain(layer, torch.tensor([[1.0, 3.0, 2.0, 0.0]]), (0, 1))
    >>> [term.value for term in cell.terms], cell.divisor, cell.value
    ([2.0, 0.0], 2, 1.0)
    """
    reading = read(layer)
    _check_numbers(layer, x)
    output, weight, bias = run(replica(layer), x)
    at = _index(at if sample is None else (sample, *_as_tuple(at)), output.shape, code(layer))
    batch = at[:-2] if reading.family == "unfold" else at[: -1 - reading.dims]
    picture = x.detach()[batch[0]] if batch else x.detach()
    channel, cell, only = _place(reading, at[len(batch) :], picture.shape[1:])
    taps = [tap for tap in _taps(reading, cell, picture.shape[1:]) if only in (None, tap.kernel)]
    channels = _channels_read(reading, channel)
    weights = _weights(reading, weight, channel, channels)
    power = getattr(layer, "norm_type", None)
    terms = tuple(_terms(reading, picture, batch, channels, taps, weights, power))
    own_bias = None if bias is None else bias[channel].item()
    divisor = _divisor(layer, reading, cell, picture.shape[1:])
    return Explanation(
        kind=reading.kind,
        code=code(layer),
        family=reading.family,
        at=at,
        cell=cell,
        terms=terms,
        bias=own_bias,
        divisor=divisor,
        power=power,
        value=_value(reading, [term.product for term in terms], own_bias, divisor, power),
        layer_value=output[at].item(),
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
    if any(nn.parameter.is_lazy(parameter) for parameter in layer.parameters()):
        raise LayerError(f"{name} has no weights yet; call it once on an input first")
    if x.is_meta or any(parameter.is_meta for parameter in layer.parameters()):
        raise LayerError(
            f"a tensor on the meta device has a shape but no numbers; "
            f"give {name} and its input real ones"
        )


def _as_tuple(at: int | Sequence[int]) -> tuple[int, ...]:
    if isinstance(at, Iterable):
        return tuple(index(one) for one in at)
    return (index(at),)


def _index(at: int | Sequence[int], shape: Sequence[int], owner: str) -> tuple[int, ...]:
    """``at`` counted from the front, once it is known to be a cell of ``shape``."""
    cell = _as_tuple(at)
    if len(cell) != len(shape) or any(
        not -size <= one < size for one, size in zip(cell, shape, strict=True)
    ):
        raise CellError(f"no cell {cell} in the output of {owner}: its shape is {tuple(shape)}")
    return tuple(one % size for one, size in zip(cell, shape, strict=True))


def _place(
    reading: Layer, at: tuple[int, ...], sizes: Sequence[int]
) -> tuple[int, tuple[int, ...], tuple[int, ...] | None]:
    """Output channel, place along the spatial axes and, for an unfold, the only tap it copies."""
    if reading.family != "unfold":
        return at[0], at[1:], None
    row, block = at
    kernels = [window.kernel for window in reading.windows]
    blocks = [w.output_size(size) for w, size in zip(reading.windows, sizes, strict=True)]
    channel, tap = divmod(row, prod(kernels))
    return channel, _unravel(block, blocks), _unravel(tap, kernels)


def _unravel(flat: int, sizes: Sequence[int]) -> tuple[int, ...]:
    places = []
    for size in reversed(sizes):
        flat, place = divmod(flat, size)
        places.append(place)
    return tuple(reversed(places))


def _taps(reading: Layer, cell: tuple[int, ...], sizes: Sequence[int]) -> Iterator[_Tap]:
    axes = [enumerate(w.positions(o)) for w, o in zip(reading.windows, cell, strict=True)]
    for steps in product(*axes):
        position = tuple(place for _, place in steps)
        reason, found = _stands_on(reading, position, sizes)
        padded = any(p is not None and not 0 <= p < n for p, n in zip(position, sizes, strict=True))
        yield _Tap(tuple(tap for tap, _ in steps), position, found, reason, padded)


def _stands_on(
    reading: Layer, position: tuple[int | None, ...], sizes: Sequence[int]
) -> tuple[str | None, tuple[int, ...] | None]:
    """Why there is no input cell at ``position``, or None and the cell."""
    found = []
    reason = None
    for place, size, window in zip(position, sizes, reading.windows, strict=True):
        if place is None:
            return "hole", None
        cell = source(place, size, reading.padding_mode)
        if cell is None:
            past = not window.transposed and place >= size + window.padding[1]
            reason = "outside" if past or reason == "outside" else "padding"
        else:
            found.append(cell)
    return (reason, None) if reason else (None, tuple(found))


def _channels_read(reading: Layer, channel: int) -> range:
    """Input channels that output channel ``channel`` reads: its group's, or itself in a pool."""
    if reading.in_channels is None or reading.out_channels is None:
        return range(channel, channel + 1)
    size = reading.in_channels // reading.groups
    group = channel // (reading.out_channels // reading.groups)
    return range(group * size, (group + 1) * size)


def _weights(
    reading: Layer, weight: Tensor | None, channel: int, channels: range
) -> list[float] | None:
    """The kernel of one output channel, in the order of the terms."""
    if weight is None or reading.out_channels is None:
        return None
    if reading.family == "convolution":
        slab = weight[channel]
    else:
        slab = weight[channels.start : channels.stop, channel % weight.shape[1]]
    numbers: list[float] = slab.detach().flatten().tolist()
    return numbers


def _terms(
    reading: Layer,
    picture: Tensor,
    batch: tuple[int, ...],
    channels: range,
    taps: list[_Tap],
    weights: list[float] | None,
    power: float | None,
) -> Iterator[Term]:
    read_at = [(c, *tap.cell) for c, tap in product(channels, taps) if tap.cell is not None]
    found = iter(_gather(picture, read_at))
    missing = -inf if reading.family == "max" else 0.0
    for number, (channel, tap) in enumerate(product(channels, taps)):
        value = missing if tap.cell is None else next(found)
        weight = None if weights is None else weights[number]
        yield Term(
            channel=channel,
            kernel=tap.kernel,
            weight=weight,
            position=tap.position,
            index=None if tap.cell is None else (*batch, channel, *tap.cell),
            reason=tap.reason,
            padded=tap.padded,
            value=value,
            product=_product(reading, value, weight, tap, power),
        )


def _gather(picture: Tensor, cells: list[tuple[int, ...]]) -> list[float]:
    if not cells:
        return []
    axes = zip(*cells, strict=True)
    numbers: list[float] = picture[tuple(torch.tensor(axis) for axis in axes)].tolist()
    return numbers


def _product(
    reading: Layer, value: float, weight: float | None, tap: _Tap, power: float | None
) -> float:
    if weight is not None:
        # torch multiplies the zeros it pads with, so an infinite weight gives nan there;
        # what a transposed layer has no cell for it never multiplies
        skipped = reading.family == "transposed" and tap.cell is None
        return 0.0 if skipped else value * weight
    if power is None:
        return value
    if abs(power) == inf:
        return abs(value) if tap.cell is not None else -power
    return _power(value, power) if tap.cell is not None else 0.0


def _power(base: float, exponent: float) -> float:
    """Base to the exponent as torch has it: nan and infinity where Python raises."""
    return torch.tensor(base, dtype=torch.float64).pow(exponent).item()


def _divisor(
    layer: Any, reading: Layer, cell: tuple[int, ...], sizes: Sequence[int]
) -> float | None:
    """What torch divides the sum by: the cells that count."""
    if reading.family not in ("average", "lp"):
        return None
    override: int | None = getattr(layer, "divisor_override", None)
    if override is not None:
        return override
    padding_counts = getattr(layer, "count_include_pad", True)
    count = 1
    for window, output, size in zip(reading.windows, cell, sizes, strict=True):
        before, after = window.padding if padding_counts else (0, 0)
        places = [place for place in window.positions(output) if place is not None]
        count *= sum(-before <= place < size + after for place in places)
    if reading.family == "average":
        return count
    whole = prod(window.kernel for window in reading.windows)
    return None if count == whole else count / whole


def _value(
    reading: Layer,
    products: list[float],
    bias: float | None,
    divisor: float | None,
    power: float | None,
) -> float:
    if reading.family == "max" or power == inf:
        return nan if any(map(_is_nan, products)) else max(products)
    if power == -inf:
        return nan if any(map(_is_nan, products)) else min(products)
    total = sum(products)
    if bias is not None:
        total += bias
    if divisor is not None:
        total /= divisor
    return total if power is None else _power(total, 1 / power)
