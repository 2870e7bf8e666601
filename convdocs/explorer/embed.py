"""The layer explorer: what a page holds of a layer and its input, and the element for it."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.places import CellError
from convdocs.explorer import still_layer
from convdocs.explorer.page import Page, element
from convdocs.layers import FAMILIES, code, per_axis, read

KINDS = tuple(
    kind
    for kind, (family, dims) in FAMILIES.items()
    if family in ("convolution", "transposed", "max", "average") and dims < 3
)
# what the script takes as well: numbers of an input, of a weight, axes of an input
MOST_NUMBERS = 32768
MOST_WEIGHTS = 16384
MOST_AXES = 6
LEVELS = ("none", "basic", "all")
# a layer's attributes as the script calls them; the first five have a number for each axis
_NAMES = {
    "kernel_size": "kernel",
    "stride": "stride",
    "padding": "padding",
    "dilation": "dilation",
    "output_padding": "outputPadding",
    "in_channels": "in",
    "out_channels": "out",
    "groups": "groups",
    "padding_mode": "mode",
    "ceil_mode": "ceil",
    "count_include_pad": "countPad",
    "divisor_override": "divisor",
}

Setting = dict[str, Any]


class ExplorerError(ValueError):
    """A layer or an input that the explorer cannot show; says what to do."""


@dataclass(frozen=True, repr=False)
class Explorer(Page):
    """An explorer of one layer and one input, for a notebook or a page.

    Parameters
    ----------
    setting : dict
        The layer and the input's shape, as the script takes them.
    own : dict
        The input's and the layer's numbers.
    at : tuple of int or None
        The output cell chosen first.
    controls : str
        What the reader can change, one of ``LEVELS``.
    still : str
        What is shown where no script runs.
    code : str
        The layer as one writes it.
    """

    part = "explorer"

    setting: Setting
    own: dict[str, Any]
    at: tuple[int, ...] | None = None
    controls: str = "all"
    still: str = ""
    code: str = ""

    def __repr__(self) -> str:
        return f"<Explorer of {self.code} on x {tuple(self.setting['shape'])}>"

    def title(self) -> str:
        """The layer."""
        return self.code

    def markup(self, *, address: bool = False, errors: str | None = None) -> str:
        """The element alone, as the function of that name makes it."""
        own: dict[str, Any] = {
            "own": self.own,
            "at": self.at,
            "controls": self.controls,
            "still": self.still,
        }
        return markup(self.setting, address=address, errors=errors, **own)


def explore(
    layer: nn.Module, x: Tensor, at: Sequence[int] | None = None, *, controls: str = "all"
) -> Explorer:
    """An interactive explorer of ``layer`` on ``x``, with their own numbers.

    A setting that torch refuses is shown as well, with torch's message and what to change.
    """
    if controls not in LEVELS:
        raise ExplorerError(f"controls={controls!r} is none of {', '.join(LEVELS)}")
    setting = case(layer, tuple(x.shape), values="own")
    own = {"x": _tensor(x, "x", MOST_NUMBERS)}
    for name in ("weight", "bias"):
        numbers = getattr(layer, name, None)
        if isinstance(numbers, Tensor):
            own[name] = _tensor(numbers, name, MOST_WEIGHTS)
    cell = None if at is None else tuple(int(place) for place in at)
    try:
        drawn = still_layer.figure(layer, x, cell)
    except CellError as error:
        raise ExplorerError(f"at={cell}: {error}") from error
    return Explorer(setting, own, cell, controls, drawn, code(layer))


def case(layer: nn.Module, shape: Sequence[int], *, values: str = "notebook") -> Setting:
    """What the explorer is to show of a layer: everything but its numbers.

    ``values`` is ``"notebook"``, where its sizes fit, ``"small"`` for small whole numbers, or one
    of :data:`convdocs.explorer.numbers.INPUTS`.
    """
    kind = kind_of(layer)
    if kind is None:
        known = ", ".join(one.__name__ for one in KINDS)
        raise ExplorerError(f"{type(layer).__name__} cannot be explored; these can: {known}")
    _check_shape(shape)
    dims, kept = read(layer).dims, vars(layer)
    setting: Setting = {"kind": kind.__name__, "shape": list(shape), "values": values}
    for place, (attribute, key) in enumerate(_NAMES.items()):
        if attribute in kept:
            value = kept[attribute]
            sizes = place < 5 and not isinstance(value, str)
            setting[key] = list(per_axis(value, dims)) if sizes else value
    if hasattr(layer, "bias"):
        setting["bias"] = layer.bias is not None
    return setting


def kind_of(layer: nn.Module) -> type[nn.Module] | None:
    """The class whose window this explorer shows; None for a layer of another kind."""
    kind = next((base for base in type(layer).__mro__ if base in KINDS), None)
    return kind if kind is not None and type(layer).forward is kind.forward else None


def _check_shape(shape: Sequence[int]) -> None:
    if not 1 <= len(shape) <= MOST_AXES:
        raise ExplorerError(f"x has {len(shape)} axes; the explorer takes 1 to {MOST_AXES}")
    if 0 in shape:
        raise ExplorerError(f"x of shape {tuple(shape)} holds no numbers; give each axis a cell")
    if math.prod(shape) > MOST_NUMBERS:
        raise ExplorerError(
            f"x has {math.prod(shape):,} numbers; the explorer takes up to {MOST_NUMBERS:,}: "
            "cut a smaller piece out of it"
        )


def _tensor(numbers: Tensor, name: str, most: int) -> dict[str, Any]:
    if numbers.is_meta or not numbers.dtype.is_floating_point:
        raise ExplorerError(f"{name} of {numbers.dtype} on {numbers.device} has no plain numbers")
    if numbers.numel() > most:
        raise ExplorerError(
            f"{name} has {numbers.numel():,} numbers; the explorer takes up to {most:,}"
        )
    flat = numbers.detach().to("cpu", torch.float32).flatten().numpy()
    return {"shape": list(numbers.shape), "data": [_number(str(value)) for value in flat]}


def _number(text: str) -> float | str:
    """A float32 in as few digits as hold it; JSON has no way to write nan and inf."""
    value = float(text)
    return value if math.isfinite(value) else text


def markup(
    setting: Mapping[str, Any],
    *,
    name: str = "",
    address: bool = False,
    own: Mapping[str, Any] | None = None,
    at: Sequence[int] | None = None,
    errors: str | None = None,
    controls: str = "all",
    still: str = "",
) -> str:
    """The element that the script turns into an explorer; the script is not included.

    ``name`` is its id, ``address`` lets the page's address follow it, and ``errors`` is where the
    pages of the errors are.
    """
    index = None if at is None else list(at)
    more = {"address": address or None, "own": own, "errors": errors, "index": index}
    data: dict[str, Any] = {"setting": setting, "controls": controls}
    data |= {key: value for key, value in more.items() if value is not None}
    named = f' id="{html.escape(name)}"' if name else ""
    words = "<p>Where scripts run, this is an explorer.</p>"
    return element("explorer", f'class="cx"{named}', still + words, data)
