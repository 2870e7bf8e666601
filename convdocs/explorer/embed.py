"""The layer explorer: what a page holds of a layer and its input, and the element for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.forward import explain
from convdocs.cells.places import CellError
from convdocs.explorer.bundle import Page
from convdocs.layers import FAMILIES, PER_AXIS, LayerError, code, per_axis, read
from convdocs.view.page import to_html
from convdocs.view.tables import Paragraph

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
# a layer's attributes as the script calls them
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


@dataclass(frozen=True, eq=False, repr=False)
class Explorer(Page):
    """An explorer of one layer and one input, for a notebook or a page.

    Parameters
    ----------
    title : str
        The layer as one writes it.
    data : dict
        What the script takes: the ``setting``, that is the layer and the input's shape; their
        ``own`` numbers; the ``index`` of the output cell chosen first; what the reader
        ``controls``, one of ``LEVELS``.
    still : str
        What is shown where no script runs.
    """

    part, mark = "explorer", 'class="cx"'

    still: str = ""

    def __repr__(self) -> str:
        return f"<Explorer of {self.title} on x {tuple(self.data['setting']['shape'])}>"

    def _still(self) -> str:
        return f"{self.still}<p>Where scripts run, this is an explorer.</p>"


def explore(
    layer: nn.Module,
    x: Tensor,
    at: Sequence[int] | None = None,
    *,
    controls: str = "all",
    values: str = "own",
    filters: str = "own",
) -> Explorer:
    """An interactive explorer of ``layer`` on ``x``, with their own numbers.

    A setting that torch refuses is shown as well, with torch's message and what to change.
    Numbers that the script has by name, as ``values`` and ``filters``, are not written out.
    """
    if controls not in LEVELS:
        raise ExplorerError(f"controls={controls!r} is none of {', '.join(LEVELS)}")
    setting = case(layer, tuple(x.shape), values=values) | {"filter": filters}
    own = {"x": _numbers(x, "x", MOST_NUMBERS)}
    for name in ("weight", "bias"):
        tensor = getattr(layer, name, None)
        if isinstance(tensor, Tensor):
            own[name] = _numbers(tensor, name, MOST_WEIGHTS)
    named = {"x": values, "weight": filters, "bias": filters}
    own = {name: numbers for name, numbers in own.items() if named[name] == "own"}
    cell = None if at is None else tuple(map(int, at))
    data = {"setting": setting, "controls": controls, "own": own, "index": cell}
    return Explorer(code(layer), data, _still(layer, x, cell))


def case(layer: nn.Module, shape: Sequence[int], *, values: str = "notebook") -> Setting:
    """What the explorer is to show of a layer: everything but its numbers.

    ``values`` is ``"notebook"``, where its sizes fit, ``"small"`` for small whole numbers, or one
    of :data:`convdocs.explorer.numbers.INPUTS`.
    """
    kind = kind_of(layer)
    if kind is None:
        known = ", ".join(one.__name__ for one in KINDS)
        raise ExplorerError(f"{type(layer).__name__} cannot be explored; these can: {known}")
    if not 1 <= len(shape) <= MOST_AXES:
        raise ExplorerError(f"x has {len(shape)} axes; the explorer takes 1 to {MOST_AXES}")
    if 0 in shape:
        raise ExplorerError(f"x of shape {tuple(shape)} holds no numbers; give each axis a cell")
    kept, dims = vars(layer), read(layer).dims
    setting = {"kind": kind.__name__, "shape": list(shape), "values": values}
    for name in filter(kept.__contains__, _NAMES):
        is_word = isinstance(kept[name], str)  # as padding="same"
        spread = name in PER_AXIS and not is_word
        setting[_NAMES[name]] = [*per_axis(kept[name], dims)] if spread else kept[name]
    return setting | ({"bias": layer.bias is not None} if hasattr(layer, "bias") else {})


def kind_of(layer: nn.Module) -> type[nn.Module] | None:
    """The class whose window this explorer shows; None for a layer of another kind."""
    kind = next((base for base in type(layer).__mro__ if base in KINDS), None)
    return kind if kind is not None and type(layer).forward is kind.forward else None


def _numbers(tensor: Tensor, name: str, most: int) -> dict[str, Any]:
    """A tensor's shape, and each float32 in as few digits as hold it."""
    if tensor.is_meta or not tensor.dtype.is_floating_point:
        raise ExplorerError(f"{name} of {tensor.dtype} on {tensor.device} has no plain numbers")
    if tensor.numel() > most:
        raise ExplorerError(
            f"{name} has {tensor.numel():,} numbers; the explorer takes up to {most:,}"
            + (": cut a smaller piece out of it" if name == "x" else "")
        )
    texts = map(str, tensor.detach().to("cpu", torch.float32).flatten().numpy())
    # JSON has no way to write nan and inf
    data = [float(text) if math.isfinite(float(text)) else text for text in texts]
    return {"shape": list(tensor.shape), "data": data}


def _still(layer: nn.Module, x: Tensor, at: tuple[int, ...] | None) -> str:
    """One output cell as :func:`convdocs.explain` shows it, or why torch refuses.

    Sites that show notebooks take scripts and styles out, and leave tables.
    """
    try:
        return explain(layer, x, at or (0,) * x.dim()).to_html()
    except CellError as error:
        raise ExplorerError(f"at={at}: {error}") from error
    except (LayerError, RuntimeError) as error:
        refusal = f"PyTorch refuses {code(layer)} on x {tuple(x.shape)}: {error}"
        return to_html([Paragraph(refusal)])
