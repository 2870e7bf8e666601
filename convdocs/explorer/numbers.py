"""Numbers that mean something, as the script's values.js has them: inputs, and filters to try."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import floor, prod
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.explorer.bundle import samples
from convdocs.layers import read

INPUTS = ("edge", "ramp", "digit", "photograph", "notebook")
FILTERS = ("identity", "blur", "sharpen", "upright", "level", "laplacian", "learned", "notebook")


def fill_input(values: str, x: Tensor, dims: int) -> Tensor:
    """An input of the shape of ``x``, filled with one of :data:`INPUTS`.

    Examples
    --------
    >>> fill_input("ramp", torch.zeros(1, 4), 1)
    tensor([[0., 1., 2., 3.]])
    """
    if values == "notebook":
        return _tiled(samples()["notebook"][str(dims)]["x"], x.shape)
    rows, columns = (1, *x.shape[-dims:])[-2:]
    planes = [_PLANES[values](channel, rows, columns) for channel in range(prod(x.shape[:-dims]))]
    return torch.tensor(planes, dtype=torch.float32).reshape(x.shape)


def fill_filters(filters: str, layer: nn.Module) -> None:
    """Give a convolution the weights of one of :data:`FILTERS`, in place; its bias becomes 0.

    Examples
    --------
    >>> layer = nn.Conv1d(1, 1, 3)
    >>> fill_filters("identity", layer)
    >>> layer.weight.data
    tensor([[[0., 1., 0.]]])
    """
    parameters: dict[str, Any] = dict(layer.named_parameters())
    shape = parameters["weight"].shape
    if filters == "notebook":
        ready = samples()["notebook"][str(len(shape) - 2)]
        for name, parameter in parameters.items():
            parameter.data = _tiled(ready[name], parameter.shape)
        return
    kernel = (1, *shape[2:])[-2:]
    layout = read(layer)
    pairs = prod(shape[:2])
    transposed = layout.family == "transposed"
    numbers = [
        _weight(filters, pair, tap, pair % shape[1] if transposed else pair // shape[1], kernel,
                int(parameters["weight"].shape[0] // layout.groups if transposed else shape[1]))
        for pair in range(pairs) for tap in range(prod(kernel))
    ]  # fmt: skip
    parameters["weight"].data = torch.tensor(numbers, dtype=torch.float32).reshape(shape)
    if "bias" in parameters:
        parameters["bias"].data = torch.zeros_like(parameters["bias"])


def _tiled(given: Mapping[str, Any], shape: Sequence[int]) -> Tensor:
    numbers = torch.tensor(given["data"]).reshape(given["shape"])
    while numbers.dim() < len(shape):
        numbers = numbers[None]
    while numbers.dim() > len(shape):
        numbers = numbers[0]
    for axis, size in enumerate(shape):
        numbers = numbers.index_select(axis, torch.arange(size) % numbers.shape[axis])
    return numbers


def _resized(picture: str, step: int, rows: int, columns: int) -> list[int]:
    """A square picture at another size: each cell is the mean of those it covers."""
    side = round(len(picture) ** 0.5)
    levels = [step * int(sign, 32) for sign in picture]

    def covered(cell: int, size: int) -> range:
        first = cell * side // size
        return range(first, max(first + 1, -(-(cell + 1) * side // size)))

    found = []
    for row in range(rows):
        for column in range(columns):
            cells = [levels[y * side + x] for y in covered(row, rows)
                     for x in covered(column, columns)]  # fmt: skip
            found.append(floor(sum(cells) / len(cells) + 0.5))
    return found


def _edge(channel: int, rows: int, columns: int) -> list[int]:
    if channel % 2 and rows > 1:
        return [9 * (2 * (cell // columns) >= rows) for cell in range(rows * columns)]
    return [9 * (2 * (cell % columns) >= columns) for cell in range(rows * columns)]


def _ramp(channel: int, rows: int, columns: int) -> list[int]:
    down = channel % 2 and rows > 1
    return [cell // columns if down else cell % columns for cell in range(rows * columns)]


def _digit(channel: int, rows: int, columns: int) -> list[int]:
    digits = samples()["digits"]
    return _resized(digits[(channel + 3) % len(digits)], 1, rows, columns)


def _photograph(channel: int, rows: int, columns: int) -> list[int]:
    return _resized("".join(samples()["photograph"]), 8, rows, columns)


_PLANES: dict[str, Callable[[int, int, int], list[int]]] = {
    "edge": _edge,
    "ramp": _ramp,
    "digit": _digit,
    "photograph": _photograph,
}


def _weight(
    filters: str, pair: int, tap: int, of: int, kernel: tuple[int, int], channels: int
) -> float:
    """A weight: tap ``tap`` of the pair ``pair`` of channels, in filter ``of``."""
    rows, columns = kernel
    if filters == "learned":
        learned = samples()["learned"]
        return float(learned[pair % len(learned)][3 + tap if rows == 1 else tap])
    row, column = _turned(of, *divmod(tap, columns), kernel)
    away = abs(row - (rows - 1) // 2) + abs(column - (columns - 1) // 2)
    besides = 2 * (rows > 1) + 2 * (columns > 1)
    return {
        "identity": float(away == 0),
        "blur": 1 / (rows * columns * channels),
        "sharpen": {0: 1.0 + besides, 1: -1.0}.get(away, 0.0),
        "laplacian": {0: -float(besides), 1: 1.0}.get(away, 0.0),
        "upright": float((2 * column >= columns) - (2 * column + 2 <= columns)),
        "level": float((2 * row >= rows) - (2 * row + 2 <= rows)),
    }[filters]


def _turned(of: int, row: int, column: int, kernel: tuple[int, int]) -> tuple[int, int]:
    """Where filter ``of`` looks into its kernel: each further filter turns it by 90 degrees."""
    rows, columns = kernel
    back = (rows - 1 - row, columns - 1 - column)
    if rows == 1:
        return back if of % 2 else (row, column)
    if rows == columns:
        return ((row, column), (column, back[0]), back, (back[1], row))[of % 4]
    return ((row, column), (back[0], column), back, (row, back[1]))[of % 4]
