"""What a layer's picture shows, in words: its alt text."""

from __future__ import annotations

import numpy as np

from convdocs.draw.numbers import PLACES, number, places_for
from convdocs.draw.scene import Scene


def caption(shown: Scene) -> str:
    """The description of a picture of ``shown``.

    Examples
    --------
    >>> import torch
    >>> from convdocs.draw.scene import scene
    >>> caption(scene(torch.nn.AvgPool1d(2), torch.ones(1, 4), None, None))
    'AvgPool1d(2) on an input of shape (1, 4): the window stands on positions 0 to 1...'
    """
    cell = shown.cell
    start = f"{cell.code} on an input of shape {cell.input_shape}"
    if shown.sample is not None:
        start += f", sample {shown.sample} of {shown.samples}"
    if note := padding_words(shown):
        start += f", {note}"
    return f"{start}: {_where(shown)}. {total_words(shown)} = {_name(shown)} = {plain(cell.value)}."


def padding_words(shown: Scene) -> str:
    """How the input was padded: "padded with zeros, 1 on each side"."""
    if shown.layer.family == "transposed":
        return ""
    pads = [window.padding for window in shown.layer.windows]
    if not any(max(pad) for pad in pads):
        return ""
    what = {
        "zeros": "zeros",
        "reflect": "the input reflected at its edges",
        "replicate": "copies of the edge cells",
        "circular": "cells from the opposite side",
    }[shown.layer.padding_mode]
    if shown.layer.family == "max":
        what = "minus infinity"
    amounts = {f"{a} on each side" if a == b else f"{a} before and {b} after" for a, b in pads}
    if len(amounts) == 1:
        return f"padded with {what}, {amounts.pop()}"
    axes = zip(shown.layer.axes, pads, strict=True)
    return f"padded with {what}, " + ", ".join(f"{n}: {a} and {b}" for n, (a, b) in axes)


def _where(shown: Scene) -> str:
    spans = []
    for name, taps, (_, first) in zip(shown.layer.axes, shown.taps, shown.axes, strict=True):
        place = f"{taps[0] + first} to {taps[-1] + first}"
        spans.append(place if shown.layer.dims == 1 else f"{name} {place}")
    return f"the window stands on positions {', '.join(spans)}"


def _name(shown: Scene) -> str:
    return f"output[{', '.join(map(str, shown.cell.at))}]"


def total_words(shown: Scene) -> str:
    """What is added up to the output cell, without the result.

    Examples
    --------
    >>> import torch
    >>> from convdocs.draw.scene import scene
    >>> total_words(scene(torch.nn.MaxPool1d(2), torch.ones(1, 4), None, None))
    'The largest of 2 cells'
    """
    cell = shown.cell
    total = plain(float(sum(term.product for term in cell.terms)))
    count = sum(term.index is not None for term in cell.terms)
    match cell.family:
        case "max":
            return f"The largest of {count} cells"
        case "unfold":
            return "The number copied"
        case "average":
            cells = plain(cell.divisor or 1)
            return f"The mean of {cells} cells: {total} / {cells}"
        case "lp":
            return f"The sum of powers {total}, and its root"
    words = f"The sum of {len(cell.terms)} products {total}"
    return words if cell.bias is None else f"{words} + bias {plain(cell.bias)}"


def plain(value: float) -> str:
    """A number as it stands in a picture.

    Examples
    --------
    >>> plain(0.63449), plain(2.0)
    ('0.6345', '2')
    """
    return number(value, places_for(np.array([value]), PLACES))
