"""Put the explorer into a page: a notebook's output, a saved file, a page of a site."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.places import CellError
from convdocs.explorer import bundle, still_layer
from convdocs.explorer.page import as_json, page
from convdocs.layers import code, per_axis, read

KINDS: tuple[type[nn.Module], ...] = (
    nn.Conv1d,
    nn.Conv2d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
)
# what the script takes as well: numbers of an input, of a weight, axes of an input
MOST_NUMBERS = 32768
MOST_WEIGHTS = 16384
MOST_AXES = 6
LEVELS = ("none", "basic", "all")

Setting = dict[str, Any]


class ExplorerError(ValueError):
    """A layer or an input that the explorer cannot show; says what to do."""


@dataclass(frozen=True, repr=False)
class Explorer:
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
        What stands there where no script runs.
    code : str
        The layer as one writes it.
    """

    setting: Setting
    own: dict[str, Any]
    at: tuple[int, ...] | None = None
    controls: str = "all"
    still: str = ""
    code: str = ""

    def __repr__(self) -> str:
        return f"<Explorer of {self.code} on x {tuple(self.setting['shape'])}>"

    def _repr_html_(self) -> str:
        """The explorer with its script: works alone, in a notebook or a file."""
        part = markup(
            self.setting, own=self.own, at=self.at, controls=self.controls, still=self.still
        )
        return f"{part}\n<script>{bundle.script('explorer')}</script>"

    def save(self, path: str | Path, title: str | None = None) -> None:
        """Write a page that needs no other file, headed by the layer or by ``title``."""
        Path(path).write_text(page(title or self.code, self._repr_html_()), encoding="utf-8")


def explore(
    layer: nn.Module, x: Tensor, at: Sequence[int] | None = None, *, controls: str = "all"
) -> Explorer:
    """An interactive explorer of ``layer`` on ``x``, with their own numbers.

    A setting that torch refuses is shown as well, with torch's message and what to change.

    Parameters
    ----------
    layer : torch.nn.Module
        A convolution, a transposed convolution or a pool over one or two axes.
    x : torch.Tensor
        Its input, with a batch axis or without.
    at : sequence of int, optional
        The output cell to begin with, as an index into the layer's output.
    controls : str
        What the reader can change: ``"none"``, ``"basic"`` (sizes, numbers) or ``"all"``.

    Raises
    ------
    ExplorerError
        When the layer is of another kind, when there are too many numbers for a page, or when
        the output has no cell ``at``.

    Examples
    --------
    >>> explore(nn.Conv1d(3, 2, 3), torch.zeros(3, 5), at=(0, 1))
    <Explorer of Conv1d(3, 2, 3) on x (3, 5)>
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

    Parameters
    ----------
    layer : torch.nn.Module
        The layer.
    shape : sequence of int
        The input's shape.
    values : str
        ``"notebook"`` for the notebook's input and weights, where they fit, ``"small"`` for small
        whole numbers, or one of :data:`convdocs.explorer.numbers.INPUTS`.

    Examples
    --------
    >>> setting = case(nn.MaxPool2d(2), (3, 4, 4), values="small")
    >>> setting["kernel"], setting["ceil"]
    ([2, 2], False)
    """
    kind = _kind(layer)
    if kind is None:
        known = ", ".join(one.__name__ for one in KINDS)
        raise ExplorerError(f"{type(layer).__name__} cannot be explored; these can: {known}")
    _check_shape(shape)
    dims = read(layer).dims
    setting: Setting = {"kind": kind.__name__, "shape": list(shape), "values": values}
    for key, attribute in _SIZES.items():
        if hasattr(layer, attribute):
            value = getattr(layer, attribute)
            word = isinstance(value, str)
            setting[key] = value if word else list(per_axis(value, dims))
    for key, attribute in _PLAIN.items():
        if hasattr(layer, attribute):
            setting[key] = getattr(layer, attribute)
    if hasattr(layer, "bias"):
        setting["bias"] = layer.bias is not None
    return setting


def _kind(layer: nn.Module) -> type[nn.Module] | None:
    kind = next((base for base in type(layer).__mro__ if base in KINDS), None)
    return kind if kind is not None and type(layer).forward is kind.forward else None


def is_explored(layer: nn.Module) -> bool:
    """Whether a module is a layer whose window this explorer shows."""
    return _kind(layer) is not None


_SIZES = {
    "kernel": "kernel_size",
    "stride": "stride",
    "padding": "padding",
    "dilation": "dilation",
    "outputPadding": "output_padding",
}
_PLAIN = {
    "in": "in_channels",
    "out": "out_channels",
    "groups": "groups",
    "mode": "padding_mode",
    "ceil": "ceil_mode",
    "countPad": "count_include_pad",
    "divisor": "divisor_override",
}


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

    Parameters
    ----------
    setting : mapping
        From :func:`case`, or some of its entries.
    name : str
        The element's id, which links to this explorer name; one on a page.
    address : bool
        Whether the page's address follows this explorer; for one on a page at most.
    own : mapping, optional
        Numbers of the input and the layer; see :class:`Explorer`.
    at : sequence of int, optional
        The output cell chosen first.
    errors : str, optional
        Where the pages of the errors are, relative to this page; no links without it.
    controls : str
        What the reader can change, one of ``LEVELS``.
    still : str
        Markup that stands there where no script runs; see :mod:`convdocs.explorer.still_layer`.

    Examples
    --------
    >>> markup({"kind": "Conv1d"}, name="first")[:29]
    '<div class="cx" id="first"><p'
    """
    data: dict[str, Any] = {"setting": dict(setting), "controls": controls}
    if address:
        data["address"] = True
    if own is not None:
        data["own"] = dict(own)
    if errors is not None:
        data["errors"] = errors
    if at is not None:
        data["index"] = list(at)
    named = f' id="{html.escape(name)}"' if name else ""
    return (
        f'<div class="cx"{named}>{still}<p>Where scripts run, this is an explorer.</p>'
        f'<script type="application/json">{as_json(data)}</script></div>'
        # where the script came first, the page never shows the still: nothing on it moves
        "<script>window.ConvExplorer?.start()</script>"
    )
