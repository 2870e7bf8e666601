"""Change an axis: move it, add one, join some, name another; call one of torch's functions."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from convdocs.errors.code import TORCH, name
from convdocs.errors.known import Known
from convdocs.errors.meaning import axis_names, lacks_batch
from convdocs.errors.repair import Repair, assigned, given, here, operands, rebuilt
from convdocs.errors.sizes import each, whole
from convdocs.errors.strategies.settings import helping


def no_batch(known: Known) -> Iterator[Repair]:
    """Give the model's input the batch axis that it lacks, where it goes in."""
    if lacks_batch(known):
        text = "The input is one sample: give it its batch axis where it goes into the model."
        yield assigned(0, "x", name("x").unsqueeze(0), text)


def channels_moved(known: Known) -> Iterator[Repair]:
    """Move the axis that has the right size to where the channels are read."""
    shape, wanted, to = known.shape, known["wanted_channels"], known["channel_axis"]
    places = [axis for axis, size in enumerate(shape) if size == wanted and axis != to]
    names = axis_names(known, 0)
    if not places or (names[:2] == ("N", "C") and len(names) > 2):
        return
    axis = len(shape) - 1 if len(shape) - 1 in places else places[0]
    order = [other for other in range(len(shape)) if other != axis]
    order.insert(to, axis)
    moved = tuple(shape[other] for other in order)
    text = f"Move the channels from axis {axis} to axis {to}: {shape} becomes {moved}."
    yield given(known, operands(known)[0].permute(*order), text)


def there_and_back(known: Known) -> Iterator[Repair]:
    """Put the channels where a norm reads them, and back behind it."""
    sizes, shape = known.settings.get("normalized_shape", ()), known.shape
    axis, to = -1, 1
    if len(sizes) == 1 and sizes[0] in shape[1:-1]:
        axis, to = shape.index(sizes[0], 1), -1
    elif known.source(0) < 0 or len(shape) != 3 or shape[-1] != known["wanted_channels"]:
        return
    x = operands(known)[0]
    if len(shape) == 3:  # two axes beside the batch change places, which is undone in the same way
        moved = here(known)(x.transpose(1, 2)).transpose(1, 2)
    else:
        moved = here(known)(x.movedim(axis, to)).movedim(to, axis)
    text = "Put the channels where the norm reads them, and back after it."
    yield assigned(known, "y", moved, text)
    if axis == 1:
        text = "Or normalise all channels and positions together, as one group."
        yield rebuilt(known, "GroupNorm", text, num_groups=1, num_channels=sizes[0])


def axes_added(known: Known, of: int = 0, behind: bool = False, **changes: Any) -> Iterator[Repair]:
    """Axes of size 1 in front of an operand or behind it, where need be in a layer built for it."""
    x, lacking = operands(known)[of], known.dims + 2 - len(known.shapes[of])
    ranks = (lacking,) if of else (lacking - 1, lacking) if known.dims else (1, 2, 3)
    indices = [(..., *[None] * more) if behind else (None,) * more for more in ranks if more > 0]
    repairs = [given(known, {of: x[index]}) for index in indices]
    if changes:
        if all(known.settings.get(key) == value for key, value in changes.items()):
            return  # there is nothing to build anew
        repairs = [rebuilt(known, **changes) + one for one in repairs]
    # within a model, what follows tells how many there should be
    yield from repairs if known.path else helping(known, repairs)


def joined(known: Known) -> Iterator[Repair]:
    """Join axes, where there are more than the layer takes."""
    x, last = operands(known)[0], range(1, len(known.shape) - 1)
    for axis in last:
        if prod(known.shape[1 : axis + 1]) == known.settings.get("in_channels") and axis > 1:
            yield given(known, x.flatten(1, axis), "Join the axes that make up the channels.")
    if known.settings.get("in_channels") in known.shape[1:2]:
        behind = x.flatten(2, *([-known.dims] if known.dims > 1 else []))
        yield given(known, behind, "Join the axes after the channels.")
    elif "Norm" in known.kind:
        yield given(known, x.flatten(known.dims + 1), "Join the trailing axes.")
    text = "Join the leading axes into one batch axis."
    yield from helping(known, (given(known, x.flatten(0, axis), text) for axis in last))


def image_channels(known: Known) -> Iterator[Repair]:
    """Images of other colours, and a batch of grey ones that lacks its channel axis."""
    wanted, axis = known["wanted_channels"], known["channel_axis"]
    if wanted == 1 and axis == 0:
        text = "The batch has no channel axis: give it one of size 1."
        yield given(known, operands(known)[0].unsqueeze(1), text)
    yield from other_channels(known, wanted, known["channels"], axis)


def other_channels(known: Known, wanted: int, got: int, axis: int) -> Iterator[Repair]:
    """Grey, coloured and see-through images for one another."""
    x, rank = operands(known)[0], len(known.shape)
    if got == 1 and wanted > 1:
        sizes = (wanted if i == axis else -1 for i in range(rank))
        yield given(known, x.expand(*sizes), f"Repeat the one channel {wanted} times.")
    if (got, wanted, rank) == (4, 3, axis + 3):
        text = "Leave the fourth channel out (transparency, in an RGBA image)."
        yield given(known, x[(*[slice(None)] * axis, slice(None, 3))], text)
    if (got, wanted, rank) == (3, 1, axis + 3):
        text = "Make one grey channel of the three by their mean."
        yield given(known, x.mean(axis, keepdim=True), text)


def last_axis(known: Known) -> Iterator[Repair]:
    """The last axis, or its last cell, in place of one that the tensor does not have."""
    x = operands(known)[0]
    if known.function in ("flatten", "softmax", "log_softmax"):
        yield assigned(known, "y", getattr(x, known.function)(-1))
    elif known.function in ("cat", "concat", "stack"):
        yield assigned(known, "y", getattr(TORCH, known.function)(operands(known), dim=-1))
    elif known.function == "__getitem__":
        keys, axis = list(each(known.args[1])), int(known["axis"])
        if keys[axis] == int(known["index"]):
            keys[axis] = -1
            yield assigned(known, "y", x[tuple(keys)])


def unflattened(known: Known) -> Iterator[Repair]:
    """Two sizes that multiply up to the axis, the first as it was asked for if that can be."""
    asked, size = [n for n in whole(known["sizes"]) if n > 0], int(known["size"])
    first = next(n for n in (*asked[:1], 1) if n == 1 or (size and size % n == 0))
    text = f"{first} x {size // first} = {size}."
    if known.layer is not None:
        yield rebuilt(known, "", text, unflattened_size=(first, size // first))
    else:
        code = operands(known)[0].unflatten(int(known["axis"]), (first, -1))
        yield assigned(known, "y", code, text)


def map_as_tokens(known: Known) -> Iterator[Repair]:
    """The cells of a map as tokens, for attention."""
    first = known.settings.get("batch_first")
    codes = {
        number: code.flatten(2).transpose(1, 2) if first else code.flatten(2).permute(2, 0, 1)
        for number, (code, shape) in enumerate(zip(operands(known), known.shapes, strict=True))
        if len(shape) > 3 and shape[1] in (known.settings.get(k) for k in ("embed_dim", "kdim"))
    }
    if codes:
        yield given(known, codes, "Each cell of a map is a token, and the channels its features.")


def columns_as_steps(known: Known) -> Iterator[Repair]:
    """The columns of a map as the steps of a sequence."""
    shape, wanted = known.shape, known.settings.get("input_size")
    if len(shape) == 4 and wanted in (shape[1], shape[1] * shape[2]):
        x, first = operands(known)[0], known.settings.get("batch_first")
        joined = x.squeeze(2) if shape[2] == 1 else x.flatten(1, 2)
        steps = joined.transpose(1, 2) if first else joined.permute(2, 0, 1)
        text = f"The {shape[3]} columns of the map are the steps, with {wanted} features each."
        if shape[2] == 1 or wanted != shape[1]:
            yield given(known, steps, text)


def mask_of_length(known: Known) -> Iterator[Repair]:
    """The part of a mask made for the longest sequence that belongs to this one."""
    got, need = whole(known.words.get("got", "")), whole(known.words.get("need", ""))
    number = next(n for n, name in enumerate(known.names) if "mask" in name)
    code, first = operands(known)[number], known.settings.get("batch_first")
    if int(known.words.get("longer", 0)) > int(known.words.get("steps", 0)):
        keys = operands(known)[min(1, number - 1)].shape[1 if first else 0]
        text = f"The mask counts {known['longer']} steps: take those of the {known['steps']} keys."
        yield given(known, {number: code[:, :keys]}, text)
    if len(got) == len(need) == 2 and got[0] >= need[0] and got[1] >= need[1] and got != need:
        steps = operands(known)[0].shape[1 if first else 0]
        part = code[:steps, :steps]
        text = f"The mask is for {got[0]} steps: take the part for these {need[0]}."
        yield given(known, {number: part}, text)


def depthwise(known: Known) -> Iterator[Repair]:
    """A layer that sees each channel by itself, for other channels."""
    got, channels = known["channels"], known.settings["in_channels"]
    if known.settings["groups"] == channels > 1:
        made = got * known.settings["out_channels"] // channels
        yield rebuilt(known, in_channels=got, out_channels=made, groups=got)
