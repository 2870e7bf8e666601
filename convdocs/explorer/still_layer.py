"""What stands in an explorer's place where no script runs: one output cell as plain tables."""

from __future__ import annotations

import html
from collections.abc import Sequence

from torch import Tensor, nn

from convdocs.cells.explanation import Explanation
from convdocs.cells.forward import explain
from convdocs.cells.places import CellError
from convdocs.layers import LayerError, code

_MOST = 3  # channels in the tables


def figure(layer: nn.Module, x: Tensor, at: Sequence[int] | None) -> str:
    """The window of one output cell, the filter and the sum, with a caption.

    Sites that show notebooks take scripts and styles out, and leave tables.

    Examples
    --------
    >>> import torch
    >>> drawn = figure(nn.MaxPool1d(2), torch.tensor([[3.0, 1.0]]), None)
    >>> drawn[drawn.index("<figcaption>") :]
    '<figcaption>MaxPool1d(2): output cell (0, 0) is 3, the largest of 2.</figcaption></figure>'
    """
    try:
        cell = explain(layer, x, at or (0,) * x.dim())
    except CellError:
        raise
    except (LayerError, RuntimeError) as error:
        refusal = f"PyTorch refuses {code(layer)} on x {tuple(x.shape)}: {error}"
        return f"<figure><figcaption>{html.escape(refusal)}</figcaption></figure>"
    tables = [_table("Window", cell, [term.value for term in cell.terms])]
    if cell.terms and cell.terms[0].weight is not None:
        tables.append(_table("Filter", cell, [term.weight for term in cell.terms]))
    row = "".join(f'<td valign="top">{table}</td>' for table in tables)
    caption = html.escape(_caption(cell))
    return f"<figure><table><tr>{row}</tr></table><figcaption>{caption}</figcaption></figure>"


def _table(name: str, cell: Explanation, numbers: Sequence[float | None]) -> str:
    channels: dict[int, dict[tuple[int, ...], list[str]]] = {}
    for term, number in zip(cell.terms, numbers, strict=True):
        rows = channels.setdefault(term.channel, {})
        rows.setdefault(term.kernel[:-1], []).append(f"<td>{_number(number)}</td>")
    bodies = []
    for channel, rows in list(channels.items())[:_MOST]:
        lines = "".join(f"<tr>{''.join(cells)}</tr>" for cells in rows.values())
        title = name if len(channels) == 1 else f"{name}, channel {channel}"
        bodies.append(f"<table><caption>{title}</caption>{lines}</table>")
    left = len(channels) - _MOST
    return "".join(bodies) + (f"<p>and {left} more channels</p>" if left > 0 else "")


def _caption(cell: Explanation) -> str:
    made = f"the sum of {len(cell.terms)} products"
    if cell.family == "max":
        made = f"the largest of {len(cell.terms)}"
    elif cell.divisor is not None:
        made = f"{_number(sum(term.product for term in cell.terms))} / {cell.divisor}"
    elif cell.bias is not None:
        made = f"{made} and the bias {_number(cell.bias)}"
    return f"{cell.code}: output cell {cell.at} is {_number(cell.layer_value)}, {made}."


def _number(value: float | complex | None) -> str:
    text = f"{value:.4f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−").replace("inf", "∞")
