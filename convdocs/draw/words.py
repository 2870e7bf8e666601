"""What a layer's picture shows, in words: its alt text, its caption, the line below its title."""

from __future__ import annotations

from convdocs.draw.scene import Scene
from convdocs.draw.units import named
from convdocs.view.numbers import plain

_PADDING = {
    "zeros": "zeros",
    "reflect": "the input reflected at its edges",
    "replicate": "copies of the edge cells",
    "circular": "cells from the opposite side",
}


def alt_text(shown: Scene) -> str:
    """What a picture of one output cell shows."""
    cell = shown.cell
    start = f"{cell.code} on an input of shape {cell.input_shape}"
    if shown.sample is not None:
        start += f", sample {shown.sample} of {shown.samples}"
    if padded := padding_words(shown):
        start += f", {padded}"
    spans = []
    for name, taps, (_, first) in zip(shown.layer.axes, shown.taps, shown.axes, strict=True):
        place = f"{taps[0] + first} to {taps[-1] + first}"
        spans.append(place if shown.layer.dims == 1 else f"{name} {place}")
    where = f"the window covers positions {', '.join(spans)}"
    return f"{start}: {where}. {total_words(shown)} = {name_of(shown)} = {plain(cell.value)}."


def caption_text(shown: Scene) -> str:
    """What there is to see in it, as a teacher would say."""
    cell, terms = shown.cell, shown.cell.terms
    result = f"{name_of(shown)} = {plain(cell.value)}"
    padded = sum(term.padded or term.index is None for term in terms)
    holes = f" {padded} of them come from outside the input." if padded else ""
    channels = len(shown.channels)
    of = f", {len(terms) // channels} in each of {channels} channels" if channels > 1 else ""
    match cell.family:
        case "max":
            return f"Of the cells in the window the largest is kept: {result}."
        case "unfold":
            return f"The window is laid down as a column; one of its numbers is {result}."
        case "average":
            return f"The numbers in the window are added up and divided by {plain(cell.divisor or 1)}: {result}."  # noqa: E501
        case "lp":
            return f"The numbers in the window make {result}."
    end = " and the bias" if cell.bias is not None else ""
    if len(terms) == 1:
        return f"One product{end} give{'' if end else 's'} {result}.{holes}"
    return (
        f"The window covers {len(terms)} cells{of}. Each is multiplied by its weight; the products"
        f"{end} add up to {result}.{holes}"
    )


def input_words(shown: Scene) -> str:
    """The input, and what the picture leaves out."""
    words = [f"input {shown.cell.input_shape}"]
    if padded := padding_words(shown):
        words.append(padded)
    if shown.layer.family == "transposed":
        words.append("its cells spread by the stride, zeros around, the kernel turned round")
    said = ", ".join(words)
    if shown.sample is not None and shown.samples > 1:
        said += f"; sample {shown.sample} of {shown.samples} is drawn"
    if shown.layer.groups > 1:
        first, last = shown.channels[0], shown.channels[-1]
        which = f"channel {first}" if first == last else f"channels {first} to {last}"
        said += f"; output channel {shown.channel} reads {which} of {shown.x.shape[0]}"
    return said


def padding_words(shown: Scene) -> str:
    """How the input was padded: "padded with zeros, 1 on each side"."""
    pads = [window.padding for window in shown.layer.windows]
    if shown.layer.family == "transposed" or not any(max(pad) for pad in pads):
        return ""
    what = _PADDING[shown.layer.padding_mode]
    if shown.layer.family == "max":
        what = "minus infinity"
    amounts = {f"{a} on each side" if a == b else f"{a} before and {b} after" for a, b in pads}
    if len(amounts) == 1:
        return f"padded with {what}, {amounts.pop()}"
    axes = zip(shown.layer.axes, pads, strict=True)
    return f"padded with {what}, " + ", ".join(f"{n}: {a} and {b}" for n, (a, b) in axes)


def name_of(shown: Scene) -> str:
    """The output cell, as one would type it."""
    return named("output", *shown.cell.at)


def total_words(shown: Scene) -> str:
    """What is added up to the output cell, without the result."""
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
