"""The one place that reads an ``nn.Module`` into Windows, named axes and the code that makes it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from convdocs.geometry import Window, same_padding

Family = Literal["convolution", "transposed", "max", "average", "lp", "unfold"]

AXIS_NAMES = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


class LayerError(ValueError):
    """A layer that convdocs cannot read, or an input that is not one; says what to do."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What a sliding-window layer does, apart from its weights.

    Parameters
    ----------
    kind : str
        The class as torch names it, ``"Conv1d"``.
    family : str
        ``"convolution"``, ``"transposed"``, ``"max"``, ``"average"``, ``"lp"`` or ``"unfold"``.
    windows : tuple of Window
        One per spatial axis.
    padding_mode : str
        Where padded cells come from: ``"zeros"``, ``"reflect"``, ``"replicate"``, ``"circular"``.
    in_channels, out_channels : int or None
        None for a layer that takes any number of channels.
    groups : int
        Groups of channels that do not see each other.
    """

    kind: str
    family: Family
    windows: tuple[Window, ...]
    padding_mode: str = "zeros"
    in_channels: int | None = None
    out_channels: int | None = None
    groups: int = 1

    @property
    def dims(self) -> int:
        """Number of spatial axes."""
        return len(self.windows)

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the spatial axes, ``("H", "W")``."""
        return AXIS_NAMES[self.dims]


FAMILIES: dict[type[nn.Module], tuple[Family, int]] = {
    nn.Conv1d: ("convolution", 1),
    nn.Conv2d: ("convolution", 2),
    nn.Conv3d: ("convolution", 3),
    nn.ConvTranspose1d: ("transposed", 1),
    nn.ConvTranspose2d: ("transposed", 2),
    nn.ConvTranspose3d: ("transposed", 3),
    nn.MaxPool1d: ("max", 1),
    nn.MaxPool2d: ("max", 2),
    nn.MaxPool3d: ("max", 3),
    nn.AvgPool1d: ("average", 1),
    nn.AvgPool2d: ("average", 2),
    nn.AvgPool3d: ("average", 3),
    nn.LPPool1d: ("lp", 1),
    nn.LPPool2d: ("lp", 2),
    nn.LPPool3d: ("lp", 3),
    nn.Unfold: ("unfold", 2),
}


def read(module: nn.Module) -> Layer:
    """Read a sliding-window layer; its weights are not touched.

    Raises
    ------
    LayerError
        When ``module`` is not a convolution, a pool or an unfold.

    Examples
    --------
    >>> layer = read(nn.Conv1d(3, 2, 3, padding="same"))
    >>> layer.kind, layer.windows[0].padding
    ('Conv1d', (1, 1))
    """
    known = next((FAMILIES[base] for base in type(module).__mro__ if base in FAMILIES), None)
    if known is None:
        raise LayerError(
            f"{type(module).__name__} has no sliding window that convdocs can read; "
            f"it reads {', '.join(sorted(base.__name__ for base in FAMILIES))}"
        )
    family, dims = known
    return Layer(
        kind=type(module).__name__,
        family=family,
        windows=_windows(module, family, dims),
        padding_mode=getattr(module, "padding_mode", "zeros"),
        in_channels=getattr(module, "in_channels", None),
        out_channels=getattr(module, "out_channels", None),
        groups=getattr(module, "groups", 1),
    )


def _windows(module: Any, family: Family, dims: int) -> tuple[Window, ...]:
    kernels = per_axis(module.kernel_size, dims)
    strides = per_axis(module.stride if module.stride is not None else kernels, dims)
    dilations = per_axis(getattr(module, "dilation", 1), dims)
    padding = getattr(module, "padding", 0)  # LPPool has none
    if padding == "same":
        pads = tuple(same_padding(k, d) for k, d in zip(kernels, dilations, strict=True))
    else:
        pads = tuple((p, p) for p in per_axis(0 if padding == "valid" else padding, dims))
    extra = per_axis(getattr(module, "output_padding", 0), dims)
    return tuple(
        Window(
            kernel=kernels[axis],
            stride=strides[axis],
            padding=pads[axis],
            dilation=dilations[axis],
            output_padding=extra[axis],
            ceil_mode=getattr(module, "ceil_mode", False),
            transposed=family == "transposed",
        )
        for axis in range(dims)
    )


def per_axis(value: Any, dims: int) -> tuple[int, ...]:
    """An int or a tuple as torch's constructors take it, as one int per spatial axis.

    Examples
    --------
    >>> per_axis(3, 2), per_axis((3,), 2), per_axis((1, 2), 2)
    ((3, 3), (3, 3), (1, 2))
    """
    if isinstance(value, int):
        return (value,) * dims
    values = tuple(int(one) for one in value)
    return values * dims if len(values) == 1 else values


def code(module: nn.Module) -> str:
    """The constructor call as one would type it: required arguments, then what differs.

    Examples
    --------
    >>> code(nn.Conv1d(3, 2, kernel_size=3, padding=1))
    'Conv1d(3, 2, 3, padding=1)'
    >>> code(nn.MaxPool2d(2))
    'MaxPool2d(2)'
    """
    name = type(module).__name__
    words: list[str] = []
    by_position = True
    for parameter in inspect.signature(type(module).__init__).parameters.values():
        if parameter.name in ("self", "device", "dtype"):
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            return f"{name}({module.extra_repr()})"
        if not hasattr(module, parameter.name):
            by_position = False
            continue
        value = _typed(getattr(module, parameter.name), parameter.default)
        if parameter.default is None and value == _typed(getattr(module, "kernel_size", None), 0):
            value = None  # a pool's stride follows its kernel
        if value == parameter.default:
            by_position = False
        elif by_position and parameter.default is parameter.empty:
            words.append(repr(value))
        else:
            words.append(f"{parameter.name}={value!r}")
    return f"{name}({', '.join(words)})"


def _typed(value: Any, default: Any) -> Any:
    """A stored attribute as its author typed it: (3, 3) was 3, a bias tensor was True."""
    if isinstance(default, bool) and not isinstance(value, bool):
        return value is not None
    if isinstance(value, tuple) and len(set(value)) == 1:
        return value[0]
    return value
