"""Mend upstream: the call that lost the batch, the image of another size than a model wants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from convdocs.errors.code import NN, Code, length, name
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, Shape
from convdocs.errors.meaning import grid_size, lost_batch, own_numbers
from convdocs.errors.repair import (
    Earlier,
    ModelInput,
    Repair,
    Step,
    given,
    operand,
    rebuilt,
    result,
)
from convdocs.errors.sizes import image, image_for, smallest
from convdocs.errors.strategies.shortcuts import member_steps


def batch_kept(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """flatten(1) in place of the view, the flatten or the squeeze that lost the batch."""
    call = lost_batch(failure)
    if call is None or len(call.input_shapes[0]) < 2:
        return
    before, after = call.input_shapes[0], call.output_shapes[0]
    text = f"{call.code or call.kind} makes {after} of {before}: flatten(1) keeps the batch."
    if call.kind == "squeeze":
        text = f"squeeze() made {after} of {before}, the batch of 1 too: flatten(1) keeps it."
    steps = member_steps(failure, call.path, {"start_dim": 1, "end_dim": -1})
    if call.kind != "Flatten" or not steps:
        x = Code("x.flatten(1)", lambda scope: scope["x"].flatten(1))
        steps = [Step(Earlier(call), "x", x)]
    yield Repair(text, tuple(steps), onwards=True)


def batch_kept_here(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """flatten(1) in place of a view whose sizes do not fit."""
    shape, x = failure.shape, operand(failure)
    asked = [n for n in _asked(failure) if isinstance(n, int)]
    if failure.function not in ("view", "reshape") or len(shape) < 2 or len(asked) > 2:
        return
    rest = " x ".join(map(str, shape[1:]))
    text = f"Keep the batch and flatten the rest, {rest} = {prod(shape[1:])}: flatten(1)."
    yield result(failure, text, x.flatten(1), onwards=True)


def _asked(failure: Failure) -> list[object]:
    found: list[object] = []
    for one in failure.args[1:]:
        found += list(one) if isinstance(one, tuple | list) else [one]
    return found


def heads_apart(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The features of an axis, parted in two of which one size is known."""
    shape, asked = failure.shape, [n for n in _asked(failure) if isinstance(n, int)]
    if len(asked) == len(shape) + 1 and tuple(asked[:-2]) == shape[:-1]:
        heads = next((n for n in asked[-2:] if n > 0 and shape[-1] % n == 0), 0)
        if heads:
            parts = (heads, -1) if asked[-2] == heads else (-1, heads)
            text = f"{shape[-1]} features are {heads} x {shape[-1] // heads}."
            yield result(failure, text, operand(failure).unflatten(-1, parts))


def anything_flat(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """All values in one row."""
    if failure.function in ("view", "reshape") and failure.tensors:
        text = "Or flatten everything, if there is no batch."
        yield result(failure, text, operand(failure).reshape(-1))


def axes_put_back(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Undo a transpose before axes are merged: heads go back beside their features."""
    shape, x, asked = failure.shape, operand(failure), tuple(_asked(failure))
    order = _moved(failure)
    if order is None or len(asked) >= len(shape):
        return
    back = tuple(shape[axis] for axis in order)
    kept = len(asked) - 1
    if asked[:kept] == back[:kept] and asked[-1] in (-1, prod(back[kept:])):
        swapped = [i for i, axis in enumerate(order) if i != axis]
        undone = x.transpose(*swapped) if len(swapped) == 2 else x.permute(*order)
        text = (
            f"The axes were swapped before: put them back, {shape} to {back}, and merge then; a "
            "plain reshape would mix the values of different positions."
        )
        yield result(failure, text, undone.flatten(kept))


def _moved(failure: Failure) -> tuple[int, ...] | None:
    """The permutation that undoes how the operand's axes lie in memory, if it is one."""
    if not failure.tensors:
        return None
    strides = failure.tensors[0].stride()
    order = tuple(sorted(range(len(strides)), key=lambda axis: -strides[axis]))
    return order if order != tuple(range(len(order))) else None


def copied(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """reshape(), which copies where it must, with the batch left open."""
    shape, x, asked = failure.shape, operand(failure), _asked(failure)
    if not asked or any(axes_put_back(failure, facts)):
        return
    sizes: list[object] = [
        length(x) if place == 0 and size == shape[0] and len(asked) > 1 else size
        for place, size in enumerate(asked)
    ]
    if len(asked) > 1 and asked.count(-1) == 0:
        sizes[-1] = -1
    text = "Let torch copy where it must: reshape()."
    yield result(failure, text, x.reshape(*sizes))
    yield result(failure, "Or put the values in order first.", x.contiguous().view(*sizes))


def built_for_features(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The linear layer for the features that arrive."""
    got = failure.shape[-1]
    yield from rebuilt(failure, f"Build the layer for {got} values.", in_features=got)


def image_of_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of the size that the linear layer was built for."""
    wanted = image_for(failure)
    if wanted and wanted != image(failure):
        text = f"Or resize the images to {' x '.join(map(str, wanted))}, for which it was built."
        yield at_image(text, wanted)


def image_large_enough(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images that reach through all layers up to the one that failed."""
    wanted = smallest(failure)
    if wanted:
        size = " x ".join(map(str, wanted))
        text = f"Feed images of at least {size}, or leave out a halving."
        yield replace(at_image(text, wanted), onwards=True, tells=(("smallest_input", size),))


def at_image(text: str, size: Shape) -> Repair:
    """The model's input resized."""
    x = name("x")
    return Repair(text, (Step(ModelInput(), "x", NN.functional.interpolate(x, size=size)),))


def image_for_positions(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of the size for which there are positions."""
    wanted = grid_size(failure)
    if wanted:
        text = (
            f"Resize the images to {' x '.join(map(str, wanted))}, for which there are positions, "
            "or interpolate the positions as a map of their grid."
        )
        yield at_image(text, wanted)


def own_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The input that a module's own check asks for: channels, a size, a multiple."""
    if not failure.tensors or not failure.own:
        return
    shape, x = failure.shape, operand(failure)

    wanted = own_numbers(failure)
    if wanted is None or len(shape) < 3:
        return
    got, need, divides = wanted
    if divides:
        sizes = tuple(-(-size // need) * need for size in shape[2:])
        text = f"Resize to multiples of {need}: {' x '.join(map(str, sizes))}."
        yield given(failure, text, NN.functional.interpolate(x, size=sizes))
        return

    if shape[1] == got:
        if got == 4 and need == 3:
            text = "Leave the fourth channel out (transparency, in an RGBA image)."
            yield given(failure, text, x[:, :3])
        if got == 1:
            text = f"Repeat the one channel {need} times."
            yield given(failure, text, x.expand(-1, need, *[-1] * (len(shape) - 2)))
        if shape[-1] == need:
            text = "The channels are last: move them to axis 1."
            yield given(failure, text, x.movedim(-1, 1))
    elif got in shape[2:]:
        sizes = tuple(need if size == got else size for size in shape[2:])
        text = f"Resize the images to {' x '.join(map(str, sizes))}."
        yield given(failure, text, NN.functional.interpolate(x, size=sizes))


def last_index(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The last cell in place of one behind it."""
    key = failure.args[1] if failure.function == "__getitem__" and len(failure.args) > 1 else None
    bad, axis = int(facts["index"]), int(facts["axis"])
    keys = list(key) if isinstance(key, tuple) else [key]
    if axis < len(keys) and keys[axis] == bad:
        keys[axis] = -1
        text = f"Axis {axis} has the cells {facts['valid']}; the last is −1."
        yield result(failure, text, operand(failure)[tuple(keys)])
