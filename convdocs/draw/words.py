"""What a layer's picture shows, in words: its alt text, its caption, the line below its title."""

from __future__ import annotations

from convdocs.draw.scene import Scene, named
from convdocs.view.numbers import plain

PADDED_WITH = {
    "zeros": "zeros",
    "reflect": "the input reflected at its edges",
    "replicate": "copies of the edge cells",
    "circular": "cells from the opposite side",
}


def alt_text(shown: Scene) -> str:
    """What a picture of one output cell shows."""
    start = f"{shown.cell.code} on an input of shape {shown.cell.input_shape}"
    if shown.sample is not None:
        start += f", sample {shown.sample} of {shown.samples}"
    spans = []
    for name, axis in zip(shown.layer.axes, shown.axes, strict=True):
        first, last = axis.first + axis.taps[0], axis.first + axis.taps[-1]
        spans.append(f"{'' if shown.flat else f'{name} '}{first} to {last}")
    where = f"the window covers positions {', '.join(spans)}"
    return f"{start}{padding_words(shown)}: {where}. {total_words(shown)} = {_result(shown)}."


def _result(shown: Scene) -> str:
    return f"{named('output', *shown.cell.at)} = {plain(shown.cell.value)}"


def caption_text(shown: Scene) -> str:
    """What there is to see in it, as a teacher would say."""
    cell, count, channels = shown.cell, len(shown.cell.terms), len(shown.channels)
    match cell.family:
        case "max":
            how = "Of the numbers in the window the largest is kept"
        case "unfold":
            how = "The window is laid down as a column; one of its numbers"
        case "average":
            divisor = plain(cell.divisor or 1)
            how = f"The numbers in the window are added up and divided by {divisor}"
        case "lp":
            how = f"The numbers in the window to the power {plain(cell.power or 1)}, added up"
        case _:
            bias = ", and the bias" if cell.bias is not None else ""
            of = f", {count // channels} in each of {channels} channels" if channels > 1 else ""
            cells = f"{count} cells" if count > 1 else "1 cell"
            how = f"The window covers {cells}{of}; their products with the weights{bias}, added up"
    padded = sum(term.padded or term.index is None for term in cell.terms)
    outside = f" {padded} of the {count} cells lie outside the input." if padded else ""
    return f"{how}: {_result(shown)}.{outside}"


def input_words(shown: Scene) -> str:
    """The input, and what the picture leaves out."""
    words = f"input {shown.cell.input_shape}{padding_words(shown)}"
    if shown.layer.family == "transposed":
        words += ", its cells spread by the stride, zeros around, the kernel turned round"
    if shown.sample is not None and shown.samples > 1:
        words += f"; sample {shown.sample} of {shown.samples} is drawn"
    if shown.layer.groups > 1:
        first, last = shown.channels[0], shown.channels[-1]
        which = f"channel {first}" if first == last else f"channels {first} to {last}"
        words += f"; output channel {shown.channel} reads {which} of {shown.x.shape[0]}"
    return words


def padding_words(shown: Scene) -> str:
    """How the input was padded: ", padded with zeros, 1 on each side"."""
    layer, pads = shown.layer, [window.padding for window in shown.layer.windows]
    if layer.family == "transposed" or not any(map(max, pads)):
        return ""
    before, after = pads[0]
    amount = f"{before} on each side" if before == after else f"{before} before and {after} after"
    if len(set(pads)) > 1:
        amount = ", ".join(f"{n}: {a} and {b}" for n, (a, b) in zip(layer.axes, pads, strict=True))
    what = "minus infinity" if layer.family == "max" else PADDED_WITH[layer.padding_mode]
    return f", padded with {what}, {amount}"


def total_words(shown: Scene) -> str:
    """What is added up to the output cell, without the result."""
    cell, total = shown.cell, plain(float(sum(term.product for term in shown.cell.terms)))
    match cell.family:
        case "max":
            return f"The largest of {sum(term.index is not None for term in cell.terms)} cells"
        case "unfold":
            return "The number copied"
        case "average":
            cells = plain(cell.divisor or 1)
            return f"The mean of {cells} cells: {total} / {cells}"
        case "lp":
            return f"The sum of powers {total}, and its root"
    words = f"The sum of {len(cell.terms)} products"
    return words if cell.bias is None else f"{words} {total} + bias {plain(cell.bias)}"
