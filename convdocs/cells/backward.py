"""From an input cell on to the output cells that read it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import torch
from numpy import ravel_multi_index as ravel
from torch import Tensor, nn

from convdocs.cells.places import axis_taps, channels_read, checked, unfolded
from convdocs.cells.replica import replica, run
from convdocs.layers import code, read


def reads(
    layer: nn.Module, shape: Sequence[int], input_index: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Output cells that read one input cell, as indices into the output, in order.

    A cell that padding copies (``"reflect"``, ``"replicate"``, ``"circular"``) is read where its
    copies are, too. Nothing is computed but shapes.

    Parameters
    ----------
    layer : torch.nn.Module
        As for :func:`convdocs.explain`.
    shape : tuple of int
        Shape of the input, batched or not.
    input_index : tuple of int
        The cell, as an index into the input. Negative numbers count from the end.

    Raises
    ------
    LayerError
        When ``layer`` is not one that :func:`convdocs.explain` reads, or ``input_index`` is no
        cell.

    Examples
    --------
    >>> reads(nn.Conv1d(1, 2, 3, padding=1), (1, 5), (0, 0))
    ((0, 0), (0, 1), (1, 0), (1, 1))
    """
    reading = read(layer)
    output = _output_shape(layer, shape)
    at = checked(input_index, shape, f"the input of {code(layer)}")
    batch, (channel, *cell) = at[: -1 - reading.dims], at[-1 - reading.dims :]
    sizes = shape[-reading.dims :]
    axes = [  # output cells along an axis that read the cell, each with the tap that does
        [
            (output, tap)
            for output in range(window.output_size(size))
            for tap, _, source, _, _ in axis_taps(window, output, size, reading.padding_mode)
            if source == place
        ]
        for window, size, place in zip(reading.windows, sizes, cell, strict=True)
    ]
    if reading.family != "unfold":
        channels = [c for c in range(output[len(batch)]) if channel in channels_read(reading, c)]
        places = [dict.fromkeys(output for output, _ in readers) for readers in axes]
        return tuple((*batch, *cell) for cell in product(channels, *places))
    rows, blocks = unfolded(reading, shape)
    cells = []
    for readers in product(*axes):  # an unfold copies the cell into one row for each tap
        outputs, taps = zip(*readers, strict=True)
        row, block = ravel((channel, *taps), rows), ravel(outputs, blocks)
        cells.append((*batch, int(row), int(block)))
    return tuple(sorted(cells))


def _output_shape(layer: nn.Module, shape: Sequence[int]) -> torch.Size:
    """The shape of the layer's output; torch refuses a wrong input here, in its own words."""
    dtype = next((parameter.dtype for parameter in layer.parameters()), torch.float32)
    # one number seen as many: no memory, no matter the shape
    x = torch.zeros((), dtype=dtype).expand(tuple(shape))
    try:
        return run(replica(layer, _shape_only), _shape_only(x))[0].shape
    except RuntimeError:  # on shapes alone torch has other words than its users know
        return run(replica(layer), x)[0].shape


def _shape_only(tensor: Tensor) -> Tensor:
    return torch.empty_like(tensor, device="meta")
