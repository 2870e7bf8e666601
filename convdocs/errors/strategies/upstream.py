"""Mend upstream: the call that lost the batch, the image of another size than a model wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

from convdocs.errors.code import NN, length, name
from convdocs.errors.facts import Facts, makes
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.meaning import grid_size, lost_batch, own_numbers
from convdocs.errors.repair import (
    Earlier,
    Repair,
    Step,
    at_input,
    given,
    operands,
    result,
)
from convdocs.errors.sizes import image, image_for, smallest
from convdocs.errors.strategies.axes import other_channels
from convdocs.errors.strategies.shortcuts import member_steps


def batch_kept(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """flatten(1) in place of the view, the flatten or the squeeze that lost the batch."""
    call = lost_batch(failure)
    if call is None or len(call.input_shapes[0]) < 2:
        return
    text = f"{makes(call, call.code or call.kind)}: flatten(1) keeps the batch."
    steps = member_steps(failure, call.path, {"start_dim": 1, "end_dim": -1})
    if call.kind != "Flatten" or not steps:
        steps = (Step(Earlier(call), "x", name("x").flatten(1)),)
    yield Repair(text, steps, onwards=True)


def _asked(failure: Failure) -> list[Any]:
    """The sizes that a view was asked for."""
    sizes = failure.args[1:]
    return list(sizes[0]) if sizes and isinstance(sizes[0], tuple | list) else list(sizes)


def batch_kept_here(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """flatten(1) in place of a view whose sizes do not fit."""
    parts = failure.shape[1:]
    if failure.function in ("view", "reshape") and parts and len(_asked(failure)) < 3:
        rest = " x ".join(map(str, parts))
        text = f"Keep the batch and flatten the rest, {rest} = {prod(parts)}: flatten(1)."
        yield result(failure, text, operands(failure)[0].flatten(1), onwards=True)


def heads_apart(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The features of an axis, parted in two of which one size is known."""
    shape, asked = failure.shape, _asked(failure)
    if len(asked) == len(shape) + 1 and tuple(asked[:-2]) == shape[:-1]:
        for heads in [n for n in asked[-2:] if n > 0 and shape[-1] % n == 0][:1]:
            parts = (heads, -1) if asked[-2] == heads else (-1, heads)
            text = f"{shape[-1]} features are {heads} x {shape[-1] // heads}."
            yield result(failure, text, operands(failure)[0].unflatten(-1, parts))


def anything_flat(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if failure.function in ("view", "reshape"):
        text = "Or flatten everything, if there is no batch."
        yield result(failure, text, operands(failure)[0].reshape(-1))


def axes_put_back(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Undo a transpose before axes are merged: heads go back beside their features."""
    shape, x, asked = failure.shape, operands(failure)[0], tuple(_asked(failure))
    strides = failure.tensors[0].stride()
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])  # as they lie in memory
    back, kept = tuple(shape[axis] for axis in order), len(asked) - 1
    swapped = [place for place, axis in enumerate(order) if place != axis]
    if not swapped or len(asked) >= len(shape):
        return
    if asked[:kept] == back[:kept] and asked[-1] in (-1, prod(back[kept:])):
        undone = x.transpose(*swapped) if len(swapped) == 2 else x.permute(*order)
        text = (
            f"The axes were swapped before: put them back, {shape} to {back}, and merge then; a "
            "plain reshape would mix the values of different positions."
        )
        yield result(failure, text, undone.flatten(kept))


def copied(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """reshape(), which copies where it must, with the batch left open."""
    shape, x, asked = failure.shape, operands(failure)[0], _asked(failure)
    if not asked or any(axes_put_back(failure, facts)):
        return
    if len(asked) > 1 and asked[0] == shape[0]:
        asked[0] = length(x)
    if len(asked) > 1 and -1 not in asked[1:]:
        asked[-1] = -1
    text = "Let torch copy where it must: reshape()."
    yield result(failure, text, x.reshape(*asked))
    yield result(failure, "Or put the values in order first.", x.contiguous().view(*asked))


# Images of another size.


def image_of_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of the size that the linear layer was built for."""
    wanted = image_for(failure)
    if wanted and wanted != image(failure):
        yield _resized("Or resize the images to {}, for which it was built.", wanted)


def image_large_enough(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images that reach through all layers up to the one that failed."""
    if wanted := smallest(failure):
        fix = _resized("Feed images of at least {}, or leave out a halving.", wanted)
        size = " x ".join(map(str, wanted))
        yield replace(fix, onwards=True, tells=(("smallest_input", size),))


def image_for_positions(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of the size for which there are positions."""
    if wanted := grid_size(failure):
        text = (
            "Resize the images to {}, for which there are positions, "
            "or interpolate the positions as a map of their grid."
        )
        yield _resized(text, wanted)


def _resized(text: str, size: Shape) -> Repair:
    code = NN.functional.interpolate(name("x"), size=size)
    return at_input(text.format(" x ".join(map(str, size))), code)


def own_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The input that a module's own check asks for: channels, a size, a multiple."""
    numbers, shape = own_numbers(failure), failure.shape
    if numbers is None or len(shape) < 3:
        return
    (got, need, divides), x, sizes = numbers, operands(failure)[0], shape[2:]
    if divides:
        sizes = tuple(-(-size // need) * need for size in sizes)
        text = f"Resize to multiples of {need}: {' x '.join(map(str, sizes))}."
        yield given(failure, text, NN.functional.interpolate(x, size=sizes))
    elif shape[1] == got:
        yield from other_channels(failure, need, got, 1)
        if shape[-1] == need:
            text = "The channels are last: move them to axis 1."
            yield given(failure, text, x.movedim(-1, 1))
    elif got in sizes:
        sizes = tuple(need if size == got else size for size in sizes)
        text = f"Resize the images to {' x '.join(map(str, sizes))}."
        yield given(failure, text, NN.functional.interpolate(x, size=sizes))


def last_index(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The last cell in place of one behind it."""
    key = failure.args[1]
    keys, axis = list(key) if isinstance(key, tuple) else [key], int(facts["axis"])
    if failure.function == "__getitem__" and keys[axis] == int(facts["index"]):
        keys[axis] = -1
        text = f"Axis {axis} has the cells {facts['valid']}; the last is −1."
        yield result(failure, text, operands(failure)[0][tuple(keys)])
