"""Numbers that mean something, as the script's values.js has them: inputs, and filters to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from convdocs.explorer.bundle import samples

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
    size = (1, *x.shape[-dims:])[-2:]
    planes = [_plane(values, channel, *size) for channel in range(prod(x.shape[:-dims]))]
    return torch.stack(planes).float().reshape(x.shape)


def _plane(values: str, channel: int, rows: int, columns: int) -> Tensor:
    if values == "digit":
        digits = samples()["digits"]
        return _resized(digits[(channel + 3) % len(digits)], 1, (rows, columns))
    if values == "photograph":
        return _resized("".join(samples()["photograph"]), 8, (rows, columns))
    down = channel % 2 == 1 and rows > 1
    places = torch.arange(rows if down else columns)
    line = places if values == "ramp" else 9 * (2 * places >= len(places))
    return (line[:, None] if down else line).expand(rows, columns)


def _resized(picture: str, step: int, size: tuple[int, int]) -> Tensor:
    """A square picture at another size: each cell is the mean of those it covers, rounded."""
    side = round(len(picture) ** 0.5)
    levels = torch.tensor([step * int(sign, 32) for sign in picture], dtype=torch.float64)
    return (adaptive_avg_pool2d(levels.reshape(1, side, side), size)[0] + 0.5).floor()


def fill_filters(filters: str, layer: nn.Module) -> None:
    """Give a convolution the weights of one of :data:`FILTERS`, in place; its bias becomes 0.

    Examples
    --------
    >>> layer = nn.Conv1d(1, 1, 3)
    >>> fill_filters("identity", layer)
    >>> layer.weight.data
    tensor([[[0., 1., 0.]]])
    """
    own: dict[str, Any] = dict(layer.named_parameters())
    if filters == "notebook":
        ready = samples()["notebook"][str(own["weight"].dim() - 2)]
        for name, parameter in own.items():
            parameter.data = _tiled(ready[name], parameter.shape)
        return
    own["weight"].data = _kernels(filters, layer, own["weight"].shape)
    if "bias" in own:
        own["bias"].data.zero_()


def _tiled(given: Mapping[str, Any], shape: Sequence[int]) -> Tensor:
    """The numbers at a shape: cut, or repeated along each axis."""
    numbers = torch.tensor(given["data"]).reshape(given["shape"])
    while numbers.dim() > len(shape):
        numbers = numbers[0]
    return numbers.tile(*shape)[tuple(map(slice, shape))].clone()


def _kernels(filters: str, layer: Any, shape: Sequence[int]) -> Tensor:
    """The weights of a shape: a kernel for each pair of channels, turned in each further filter."""
    rows, columns = (1, *shape[2:])[-2:]
    if filters == "learned":
        if set(shape[2:]) != {3}:
            raise ValueError(
                f"learned kernels have 3 cells along each axis, not {tuple(shape[2:])}"
            )
        learned = torch.tensor(samples()["learned"]).reshape(-1, 3, 3)
        taps = learned[torch.arange(prod(shape[:2])) % len(learned)]
        return (taps[:, 1] if len(shape) == 3 else taps).reshape(*shape)
    of, other = (1, 0) if layer.transposed else (0, 1)  # the axes of filters and of their channels
    channels = shape[0] // layer.groups if layer.transposed else shape[1]
    kernel = _kernel(filters, rows, columns, channels)
    turned = torch.stack([_turned(kernel, turns) for turns in range(shape[of])])
    return turned.reshape(-1, *shape[2:]).unsqueeze(other).expand(*shape).clone()


def _kernel(filters: str, rows: int, columns: int, channels: int) -> Tensor:
    row, column = torch.arange(rows)[:, None], torch.arange(columns)
    away = (row - (rows - 1) // 2).abs() + (column - (columns - 1) // 2).abs()
    centre, beside = (away == 0).float(), (away == 1).float()
    sides = 2.0 * (rows > 1) + 2.0 * (columns > 1)
    return {
        "identity": centre,
        "blur": torch.full_like(centre, 1 / (rows * columns * channels)),
        "sharpen": (1 + sides) * centre - beside,
        "laplacian": beside - sides * centre,
        "upright": (2.0 * column - columns + 1).sign().expand(rows, columns),
        "level": (2.0 * row - rows + 1).sign().expand(rows, columns),
    }[filters]


def _turned(kernel: Tensor, turns: int) -> Tensor:
    """A square kernel turned by 90 degrees so often; another one mirrored."""
    rows, columns = kernel.shape
    if rows == columns:
        return torch.rot90(kernel, turns)
    axes = ((), (0,), (0, 1), (1,))[2 * (turns % 2) if rows == 1 else turns % 4]
    return kernel.flip(axes)
