"""One way in for both explorers: a layer that slides a window, and any other network."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from torch import Tensor, nn

from convdocs.explorer import embed, network
from convdocs.explorer.embed import Explorer
from convdocs.explorer.network import NetworkExplorer


def explore(
    model: nn.Module,
    *inputs: Any,
    classes: Sequence[str] | None = None,
    labels: Sequence[Any] | None = None,
    calls: Collection[int | str] | None = None,
    record: bool = True,
    blocks: int = 1,
    **layer: Any,
) -> Explorer | NetworkExplorer:
    """An interactive explorer of a model on ``inputs``, with their own numbers.

    One convolution, transposed convolution or pool over one or two axes is shown with its window;
    a setting that torch refuses as well, with torch's message and what to change. Anything else
    is shown as a network: every call with its maps, and for each cell the sum that made it and
    the cells it has seen. The page works everything out anew when the reader draws on the input,
    changes a weight or turns a map off, if it knows how to work out every call.

    Parameters
    ----------
    model : torch.nn.Module
        A layer or a network; it is left exactly as it is. A network is run in eval mode.
    *inputs : torch.Tensor or tuple of int
        Its inputs, or shapes of random ones. Where the first axis of the first one is a batch,
        the reader picks a sample.
    classes : sequence of str, optional
        Names for the numbers of the output, which then is shown as shares.
    labels : sequence, optional
        What the samples are, one each.
    calls : collection of int or str, optional
        The calls whose numbers the page holds, as indices or paths of the trace; by default all.
    record : bool
        Whether the page holds what each call gave; without, it works that out itself.
    blocks : int
        The reader draws on a pad of ``blocks`` times ``blocks`` pixels a cell, whose number is
        the share of pixels that are on.
    **layer
        For a single layer: ``at``, the output cell to begin with, and what else its explorer
        takes.

    Returns
    -------
    Explorer or NetworkExplorer
        Shows itself in a notebook. A network's has ``save("net.html")``.

    Raises
    ------
    ExplorerError
        When there are too many numbers for a page, or an argument names what is not there.

    Examples
    --------
    >>> import torch
    >>> explore(nn.Conv1d(3, 2, 3), torch.zeros(3, 5), at=(0, 1)).setting["kind"]
    'Conv1d'
    >>> net = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    >>> explore(net, torch.zeros(1, 3, 5), classes=["no", "yes"])
    <NetworkExplorer of Sequential: 4 calls>
    """
    if classes is labels is calls is None and record and blocks == 1:
        single = len(inputs) == 1 and isinstance(inputs[0], Tensor) and embed.is_explored(model)
        if single or layer:
            return embed.explore(model, *inputs, **layer)
    return network.explore(
        model, *inputs, classes=classes, labels=labels, calls=calls, record=record, blocks=blocks,
        **layer,
    )  # fmt: skip
