"""The still picture of a network: each call's maps as small images, from left to right."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image
from torch import Tensor

from convdocs.report import Call, Trace

BELOW, ABOVE, ZERO = (47, 124, 201), (222, 110, 25), (244, 244, 242)
MOST_MAPS, MOST_CALLS, SIDE, GAP = 9, 24, 84, 20


def words(trace: Trace) -> str:
    """The picture in words.

    Examples
    --------
    >>> words(Trace("Net"))
    'Net in 0 calls: .'
    """
    steps = [f"{call.kind} {'×'.join(map(str, call.output_shapes[0]))}" for call in trace.calls]
    more = f", and {len(steps) - MOST_CALLS} more" if len(steps) > MOST_CALLS else ""
    return f"{trace.model} in {len(steps)} calls: {', '.join(steps[:MOST_CALLS])}{more}."


def picture(trace: Trace, values: Sequence[Tensor | None]) -> str:
    """An SVG that needs nothing else; long networks run over several rows."""
    shown = list(zip(trace.calls, values, strict=True))[:MOST_CALLS]
    columns = min(8, len(shown)) or 1
    width, high = columns * (SIDE + GAP), SIDE + 52
    parts = [
        _cell(call, value, (n % columns) * (SIDE + GAP) + GAP / 2, (n // columns) * high)
        for n, (call, value) in enumerate(shown)
    ]
    height = -(-len(shown) // columns) * high
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>'
    )


def _cell(call: Call, value: Tensor | None, x: float, y: float) -> str:
    shape = "×".join(map(str, call.output_shapes[0]))
    image = "" if value is None else _image(value)
    return (
        f'<g transform="translate({x} {y})"><text y="16" fill="#15181c" font-weight="600">'
        f'{html.escape(call.kind[:14])}</text><image y="22" width="{SIDE}" height="{SIDE}" '
        f'image-rendering="pixelated" href="data:image/png;base64,{image}"/>'
        f'<text y="{SIDE + 38}" fill="#59616b">{shape}</text></g>'
    )


def _image(value: Tensor) -> str:
    """The first maps of a value, side by side in a square, as a PNG in base64."""
    numbers = value.detach().float().cpu().numpy()
    numbers = np.nan_to_num(numbers.reshape(-1, *numbers.shape[-2:]) if numbers.ndim > 2
                            else numbers.reshape(1, 1, -1)[:, :, :256])  # fmt: skip
    maps = numbers[:MOST_MAPS]
    side = int(np.ceil(np.sqrt(len(maps))))
    high, wide = maps.shape[1:]
    sheet = np.zeros((side * (high + 1), side * (wide + 1)))
    for n, one in enumerate(maps):
        top, left = (n // side) * (high + 1), (n % side) * (wide + 1)
        sheet[top : top + high, left : left + wide] = one
    share = sheet / (np.abs(sheet).max() or 1.0)
    full = np.where(share[..., None] < 0, BELOW, ABOVE)
    pixels = np.array(ZERO) + (full - np.array(ZERO)) * np.abs(share)[..., None]
    # each map's own proportions, in a square
    image = Image.fromarray(pixels.astype(np.uint8))
    scale = max(1, SIDE // max(image.size))
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)
    made = BytesIO()
    image.save(made, "PNG", optimize=True)
    return base64.b64encode(made.getvalue()).decode()
