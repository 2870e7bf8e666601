"""Mend upstream: the call that lost the batch, the image of another size than a model wants."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from convdocs.errors.code import NN, Code, length, name
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure
from convdocs.errors.meaning import grid_size, lost_batch, own_numbers
from convdocs.errors.repair import Repair, assigned, built_member, given, operands
from convdocs.errors.sizes import image, image_for, smallest
from convdocs.errors.strategies.axes import other_channels


def batch_kept(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """flatten(1) in place of the view, the flatten or the squeeze that lost the batch."""
    call = lost_batch(failure)
    if call is None or failure.model is None or len(call.input_shapes[0]) < 2:
        return
    text = f"{facts['lost_batch']}: flatten(1) keeps the batch."
    if call.kind == "Flatten":
        layer = failure.model.get_submodule(call.path)
        if code := built_member(layer, {"start_dim": 1, "end_dim": -1}):
            yield assigned(call.path, "layer", code, text, onwards=True)
    else:
        yield assigned(call, "x", name("x").flatten(1), text, onwards=True)


def _asked(failure: Failure) -> list[Any]:
    """The sizes that a view was asked for."""
    sizes = failure.args[1:] if failure.function in ("view", "reshape") else ()
    return list(sizes[0]) if sizes and isinstance(sizes[0], tuple | list) else list(sizes)


def batch_kept_here(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """flatten(1) in place of a view whose sizes do not fit."""
    if len(failure.shape) > 1 and 0 < len(_asked(failure)) < 3:
        yield assigned(failure, "y", operands(failure)[0].flatten(1), onwards=True)


def heads_apart(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The features of an axis, parted in two of which one size is known."""
    shape, asked = failure.shape, _asked(failure)
    if len(asked) == len(shape) + 1 and tuple(asked[:-2]) == shape[:-1]:
        for heads in [n for n in asked[-2:] if n > 0 and shape[-1] % n == 0][:1]:
            parts = (heads, -1) if asked[-2] == heads else (-1, heads)
            text = f"{shape[-1]} features are {heads} x {shape[-1] // heads}."
            yield assigned(failure, "y", operands(failure)[0].unflatten(-1, parts), text)


def made_as_asked(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The layer before a view, built for the axes that the view asks for."""
    sizes, calls, shape = tuple(_asked(failure)[1:]), failure.chain(), failure.shape
    key = {"Linear": "out_features", "Conv2d": "out_channels"}.get(calls[-1].kind if calls else "")
    if key == "out_channels":  # what is left of the channels, beside the map's own axes
        sizes = sizes[: -len(shape[2:])] if sizes[-len(shape[2:]) :] == shape[2:] else ()
    if len(sizes) > 1 and min(sizes) > 0 and key and failure.model and len(shape) in (2, 4):
        layer = failure.model.get_submodule(calls[-1].path)
        if code := built_member(layer, {key: prod(sizes)}):
            product = " x ".join(map(str, sizes))
            text = f"Let the layer before make {product} = {prod(sizes)} values."
            yield assigned(calls[-1].path, "layer", code, text)


def square_maps(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Maps of another size, of as many channels as a view asks for."""
    asked, values = _asked(failure), prod(failure.shape[1:])
    channels, sides = int(asked[1]), len(asked) - 2
    side = round((values / channels) ** (1 / sides))
    if len(failure.shape) > 1 and len({*asked[2:]}) == 1 and side**sides * channels == values:
        first = length(operands(failure)[0]) if asked[0] == failure.shape[0] else asked[0]
        view = operands(failure)[0].view(first, channels, *[side] * sides)
        maps = " x ".join([str(side)] * sides)
        text = f"{values} values in {channels} channels are maps of {maps}."
        yield assigned(failure, "y", view, text, onwards=True)


def without_class_token(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Tokens as a map: the class token, one more than the map has cells, is no cell of it."""
    shape, asked, x = failure.shape, _asked(failure), operands(failure)[0]
    for axis, cells in ((2, asked[2:]), (1, asked[1:3])) if len(asked) == 4 else ():
        if len(shape) == 3 and shape[axis] == prod(cells) + 1:
            patches = x[(*[slice(None)] * axis, slice(1, None))].reshape(length(x), *asked[1:])
            text = f"The first of {shape[axis]} tokens is the class token: leave it out of the map."
            yield assigned(failure, "y", patches, text)


def flatten_left_out(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """No flatten before a layer that reads maps."""
    calls = failure.chain()
    if calls and calls[-1].kind == "Flatten" and calls[-1].path:
        text = f"{calls[-1].path} flattened the maps that are read here: leave it out."
        yield assigned(calls[-1].path, "layer", NN.Identity(), text, onwards=True)


def in_order(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Undo a transpose before axes are merged: heads go back beside their features; or copy."""
    shape, x, asked = failure.shape, operands(failure)[0], tuple(_asked(failure))
    strides = failure.tensors[0].stride()
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])  # as they lie in memory
    back, kept = tuple(shape[axis] for axis in order), len(asked) - 1
    swapped = [place for place, axis in enumerate(order) if place != axis]
    merges = asked[:kept] == back[:kept] and asked[-1:] in ((-1,), (prod(back[kept:]),))
    if merges and swapped and len(asked) < len(shape):
        undone = x.transpose(*swapped) if len(swapped) == 2 else x.permute(*order)
        text = (
            f"The axes were swapped before: put them back, {shape} to {back}, and merge then; a "
            "plain reshape would mix the values of different positions."
        )
        yield assigned(failure, "y", undone.flatten(kept), text)
    elif asked:
        sizes = asked
        if kept:  # any batch, and the rest of whatever size is left
            sizes = (length(x) if asked[0] == shape[0] else asked[0], *asked[1:])
            sizes = sizes if -1 in asked[1:] else (*sizes[:-1], -1)
        copy, ordered = x.reshape(*sizes), x.contiguous().view(*sizes)
        yield assigned(failure, "y", copy, "Let torch copy where it must: reshape().")
        yield assigned(failure, "y", ordered, "Or put the values in order first.")


# Images of another size.


def image_of_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of the size that the linear layer was built for."""
    wanted = image_for(failure)
    if wanted and wanted != image(failure):
        yield assigned(0, "x", _resized(name("x"), wanted))


def image_large_enough(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images that reach through all layers up to the one that failed."""
    if wanted := smallest(failure):
        size = " x ".join(map(str, wanted))
        thing = "images" if len(wanted) > 1 else "sequences"
        halves = any(w.stride > 1 for call in failure.chain() for w in call.windows)
        text = f"Feed {thing} of at least {size}{', or leave out a halving' * halves}."
        code, tells = _resized(name("x"), wanted), {"smallest_input": size}
        yield assigned(0, "x", code, text, onwards=True, tells=tells)


def image_for_positions(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of the size for which there are positions."""
    if wanted := grid_size(failure):
        yield assigned(0, "x", _resized(name("x"), wanted))


def _resized(x: Code, size: tuple[int, ...]) -> Code:
    code: Code = NN.functional.interpolate(x, size=size)
    return code


def own_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The input that a module's own check asks for: channels, a size, a multiple."""
    numbers, shape = own_numbers(failure), failure.shape
    if numbers is None or len(shape) < 3:
        return
    (got, need, divides), x, sizes = numbers, operands(failure)[0], shape[2:]
    if divides or (shape[1] != got and got in sizes):
        if divides:
            sizes = tuple(-(-size // need) * need for size in sizes)
            text = f"Resize to multiples of {need}: {' x '.join(map(str, sizes))}."
        else:
            sizes = tuple(need if size == got else size for size in sizes)
            text = f"Resize the images to {' x '.join(map(str, sizes))}."
        yield given(failure, _resized(x, sizes), text)
    elif shape[1] == got:
        yield from other_channels(failure, need, got, 1)
        if shape[-1] == need:
            yield given(failure, x.movedim(-1, 1), "The channels are last: move them to axis 1.")


def channels_to_shuffle(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The convolution before a shuffle, built for channels that divide."""
    by = failure.settings.get("groups", 0) or failure.settings.get("upscale_factor", 0) ** 2
    made = (c for c in failure.chain()[::-1] if c.kind.startswith("Conv") and c.path)
    last = next(made, None)
    if last is None or failure.model is None or by < 1:
        return
    channels = -(-facts["channels"] // by) * by
    layer = failure.model.get_submodule(last.path)
    if code := built_member(layer, {"out_channels": channels}):
        text = f"Let the layer before make {channels} channels, a multiple of {by}."
        yield assigned(last.path, "layer", code, text)


def index_of_rows(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An index that says for a whole row where it goes."""
    if "scatter" in failure.function and len(failure.shapes) > 2:
        source, own = failure.shapes[2], failure.shapes[1]
        if len(own) == 1 and source[:1] == own:
            index = operands(failure)[1]
            shaped = index[(slice(None), *[None] * (len(source) - 1))]
            text = "Each row goes where its index says: repeat the index along the row."
            yield given(failure, {1: shaped.expand_as(operands(failure)[2])}, text)


def last_index(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The last cell in place of one behind it."""
    key = failure.args[1]
    keys, axis = list(key) if isinstance(key, tuple) else [key], int(facts["axis"])
    if failure.function == "__getitem__" and keys[axis] == int(facts["index"]):
        keys[axis] = -1
        yield assigned(failure, "y", operands(failure)[0][tuple(keys)])
