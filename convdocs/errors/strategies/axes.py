"""Change an axis: move it, add one, join some, name another."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.errors.code import TORCH, name
from convdocs.errors.facts import Facts, norm_channels, whole
from convdocs.errors.failure import Failure
from convdocs.errors.meaning import axis_names
from convdocs.errors.repair import Repair, assigned, given, here, operands, rebuilt
from convdocs.errors.sizes import lacks_batch
from convdocs.errors.strategies.general import helping


def no_batch(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give the model's input the batch axis that it lacks, where it goes in."""
    if lacks_batch(failure):
        text = "The input is one sample: give it its batch axis where it goes into the model."
        yield assigned(0, "x", name("x").unsqueeze(0), text)


def channels_moved(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Move the axis that has the right size to where the channels are read."""
    shape, wanted, to = failure.shape, facts["wanted_channels"], facts["channel_axis"]
    places = [axis for axis, size in enumerate(shape) if size == wanted and axis != to]
    names = axis_names(failure, 0)
    if not places or (names[:2] == ("N", "C") and len(names) > 2):
        return
    axis = len(shape) - 1 if len(shape) - 1 in places else places[0]
    order = [other for other in range(len(shape)) if other != axis]
    order.insert(to, axis)
    moved = tuple(shape[other] for other in order)
    text = f"Move the channels from axis {axis} to axis {to}: {shape} becomes {moved}."
    yield given(failure, operands(failure)[0].permute(*order), text)


def there_and_back(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Put the channels where a norm reads them, and back behind it."""
    sizes, shape = failure.settings.get("normalized_shape", ()), failure.shape
    axis, to = -1, 1
    if len(sizes) == 1 and sizes[0] in shape[1:-1]:
        axis, to = shape.index(sizes[0], 1), -1
    elif failure.source(0) < 0 or len(shape) != 3 or shape[-1] != norm_channels(failure)[1]:
        return
    moved = here(failure)(operands(failure)[0].movedim(axis, to)).movedim(to, axis)
    text = "Put the channels where the norm reads them, and back after it."
    yield assigned(failure, "y", moved, text)
    if axis == 1:
        text = "Or normalise all channels and positions together, as one group."
        yield from rebuilt(failure, "GroupNorm", text, num_groups=1, num_channels=sizes[0])


def axes_in_front(failure: Failure, facts: Facts) -> Iterator[Repair]:
    x = operands(failure)[0]
    yield from helping(failure, (given(failure, x[(None,) * lacking]) for lacking in (1, 2, 3)))


def one_channel(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Read an input without channels as one channel; the layer has to be built for it."""
    missing = failure.dims + 1 - len(failure.shape)
    if missing > 0 and failure.settings.get("in_channels") != 1:
        for layer in rebuilt(failure, in_channels=1, groups=1):
            yield layer + given(failure, operands(failure)[0][(None,) * missing])


def axes_at_end(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Add the axes behind the channels, of size 1, where the channels fit."""
    missing = failure.dims + 2 - len(failure.shape)
    if missing > 0 and failure.shape[1:2] == (facts["wanted_channels"],):
        yield given(failure, operands(failure)[0][(..., *[None] * missing)])


def joined(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join axes, where there are more than the layer takes."""
    x, last = operands(failure)[0], range(1, len(failure.shape) - 1)
    if failure.settings.get("in_channels") in failure.shape[1:2]:
        behind = x.flatten(2, *([-failure.dims] if failure.dims > 1 else []))
        yield given(failure, behind, "Join the axes after the channels.")
    elif "Norm" in failure.kind:
        yield given(failure, x.flatten(failure.dims + 1), "Join the trailing axes.")
    text = "Join the leading axes into one batch axis."
    yield from helping(failure, (given(failure, x.flatten(0, axis), text) for axis in last))


def built_for_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm for the channels that the input has."""
    (key, channels), got = norm_channels(failure), facts["channels"]
    if channels in failure.shape and failure.source(0) >= 0:
        return  # the channels are there, on another axis
    changes, groups = {key: got}, failure.settings.get("num_groups")
    if groups is not None:
        changes["num_groups"] = groups if groups and got % groups == 0 else 1
    yield from rebuilt(failure, "", f"Build the layer for C={got}.", **changes)


def image_channels(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of other colours, and a batch of grey ones that lacks its channel axis."""
    wanted, axis = facts["wanted_channels"], facts["channel_axis"]
    if wanted == 1 and axis == 0:
        text = "The batch has no channel axis: give it one of size 1."
        yield given(failure, operands(failure)[0].unsqueeze(1), text)
    yield from other_channels(failure, wanted, facts["channels"], axis)


def other_channels(failure: Failure, wanted: int, got: int, axis: int) -> Iterator[Repair]:
    """Grey, coloured and see-through images for one another."""
    x, rank = operands(failure)[0], len(failure.shape)
    if got == 1 and wanted > 1:
        sizes = (wanted if i == axis else -1 for i in range(rank))
        yield given(failure, x.expand(*sizes), f"Repeat the one channel {wanted} times.")
    if (got, wanted, rank) == (4, 3, axis + 3):
        text = "Leave the fourth channel out (transparency, in an RGBA image)."
        yield given(failure, x[(*[slice(None)] * axis, slice(None, 3))], text)
    if (got, wanted, rank) == (3, 1, axis + 3):
        text = "Make one grey channel of the three by their mean."
        yield given(failure, x.mean(axis, keepdim=True), text)


def depthwise(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A layer that sees each channel by itself, for other channels."""
    known, got = failure.settings, facts["channels"]
    if known["groups"] == known["in_channels"] > 1:
        made = got * known["out_channels"] // known["in_channels"]
        yield from rebuilt(failure, in_channels=got, out_channels=made, groups=got)


def any_rank(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if len(failure.shapes[0]) == len(failure.shapes[1]) or failure.function == "mm":
        yield assigned(failure, "y", TORCH.matmul(*operands(failure)))


def last_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The last axis in place of one that the tensor does not have."""
    function = failure.function
    if function in ("cat", "concat", "stack"):
        yield assigned(failure, "y", getattr(TORCH, function)(operands(failure), -1))
    elif function in ("flatten", "softmax", "log_softmax"):
        yield assigned(failure, "y", getattr(operands(failure)[0], function)(-1))


def unflattened(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Two sizes that multiply up to the axis, the first as it was asked for if that can be."""
    asked, size = [n for n in whole(facts["sizes"]) if n > 0], int(facts["size"])
    first = next(n for n in (*asked[:1], 1) if n == 1 or (size and size % n == 0))
    text = f"{first} x {size // first} = {size}."
    if failure.layer is not None:
        yield from rebuilt(failure, "", text, unflattened_size=(first, size // first))
    else:
        code = operands(failure)[0].unflatten(int(facts["axis"]), (first, -1))
        yield assigned(failure, "y", code, text)
