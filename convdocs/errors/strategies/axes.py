"""Change an axis: move it, add one, join some, name another."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convdocs.errors.code import TORCH, name
from convdocs.errors.facts import MODE_AXES, Facts, norm_channels, whole
from convdocs.errors.failure import Failure
from convdocs.errors.repair import (
    Repair,
    at_input,
    given,
    here,
    in_front,
    operands,
    rebuilt,
    result,
)
from convdocs.errors.sizes import lacks_batch

_MODES = {3: "linear", 4: "bilinear", 5: "trilinear"}


def no_batch(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give the model's input the batch axis that it lacks, where it goes in."""
    if lacks_batch(failure):
        text = "The input is one sample: give it its batch axis where it goes into the model."
        yield at_input(text, name("x").unsqueeze(0))


# Move an axis.


def _named_channels(failure: Failure) -> bool:
    """Whether the layer before says that the channels are where this one reads them."""
    index = failure.source(0)
    if index < 0 or failure.trace is None:
        return False
    names = failure.trace.calls[index].axes.split()
    return len(names) == len(failure.shape) and names[:2] == ["N", "C"] and len(names) > 2


def channels_moved(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Move the axis that has the right size to where the channels are read."""
    shape, wanted, axis = failure.shape, facts["wanted_channels"], facts["channel_axis"]
    places = [i for i, size in enumerate(shape) if size == wanted and i != axis]
    if places and not _named_channels(failure):
        last = len(shape) - 1
        yield _moved(failure, last if last in places else places[0], axis)


def channels_in_front(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A long last axis of few cells is the channels."""
    shape, last = failure.shape, len(failure.shape) - 1
    if last == failure.dims + 1 and shape[1] > shape[-1] * 4 and failure.source(0) == -1:
        yield _moved(failure, last, 1)


def _moved(failure: Failure, axis: int, to: int) -> Repair:
    shape = failure.shape
    order = [i for i in range(len(shape)) if i != axis]
    order.insert(to, axis)
    moved = tuple(shape[i] for i in order)
    text = f"Move the channels from axis {axis} to axis {to}: {shape} becomes {moved}."
    return given(failure, text, operands(failure)[0].permute(*order))


def there_and_back(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Put the channels where a norm reads them, and back behind it."""
    sizes, shape = failure.settings.get("normalized_shape", ()), failure.shape
    axis, to = -1, 1
    if len(sizes) == 1 and sizes[0] in shape[1:-1]:
        axis, to = shape.index(sizes[0], 1), -1
    elif failure.source(0) < 0 or len(shape) != 3 or shape[-1] != norm_channels(failure)[1]:
        return
    text = "Put the channels where the norm reads them, and back after it."
    moved = here(failure)(operands(failure)[0].movedim(axis, to)).movedim(to, axis)
    yield result(failure, text, moved)
    if axis == 1:
        text = "Or normalise all channels and positions together, as one group."
        yield from rebuilt(failure, text, "GroupNorm", num_groups=1, num_channels=sizes[0])


def features_last(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Move the features of a sequence or a map to the end, where they are read."""
    wanted = failure.settings.get("in_features", failure.settings.get("input_size"))
    if wanted in failure.shape[1:-1]:
        axis, x = failure.shape.index(wanted, 1), operands(failure)[0]
        text = f"The {wanted} features are on axis {axis}: move them to the end."
        moved = x.transpose(1, 2) if len(failure.shape) == 3 else x.movedim(axis, -1)
        yield given(failure, text, moved)


def turned_around(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Transpose one of two matrices."""
    if len(failure.shapes) != 2 or failure.function == "linear":
        return
    (left, right), (a, b) = failure.shapes, operands(failure)
    inner = -2 if failure.function == "cdist" else -1
    if len(right) > 1 and right[inner] == left[-1]:
        text = f"Turn {b} around: {right} becomes {(*right[:-2], right[-1], right[-2])}."
        yield given(failure, text, {1: b.transpose(-2, -1)})
    if len(left) > 1 and left[-2] == right[-2 if len(right) > 1 else 0]:
        yield given(failure, f"Turn {a} around.", a.transpose(-2, -1))


def every_axis_named(failure: Failure, facts: Facts) -> Iterator[Repair]:
    rank = len(failure.shape)
    if rank > 1:
        text = "Move the last axis behind the batch, and name every axis."
        order = (0, rank - 1, *range(1, rank - 1))
        yield result(failure, text, operands(failure)[0].permute(*order))


# Add axes, or join some.


def _ranks(failure: Failure) -> tuple[int, int]:
    """The fewest and the most axes that a layer's input has."""
    dims, kind = failure.dims, failure.kind
    if kind.startswith(("Batch", "Sync")):
        return dims + 2, dims + 2
    if "interpolate" in kind or "Upsample" in kind:
        need = MODE_AXES.get(str(failure.settings.get("mode")), 0) + 2
        return (need, need) if need > 2 else (3, 5)
    least = {"fold": 2, "col2im": 2, "unfold": 3, "im2col": 3}.get(kind.lower(), dims + 1)
    least = 4 if "Shuffle" in kind or "unshuffle" in kind else least
    return (least, least + 1) if least > 1 else (2, 9)


def axes_in_front(failure: Failure, facts: Facts) -> Iterator[Repair]:
    missing = _ranks(failure)[0] - len(failure.shape)
    if missing > 0:
        axes = "axis" if missing == 1 else "axes"
        text = f"Give the input its missing {axes}, of size 1, in front."
        yield in_front(failure, text, missing)


def joined(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join axes, where there are more than the layer takes."""
    extra, x = len(failure.shape) - _ranks(failure)[1], operands(failure)[0]
    if extra > 0:
        if failure.settings.get("in_channels") in failure.shape[1:2]:
            text = "Join the axes after the channels."
            yield given(failure, text, x.flatten(2, *([-failure.dims] if failure.dims > 1 else [])))
        elif "Norm" in failure.kind:
            yield given(failure, "Join the trailing axes.", x.flatten(failure.dims + 1))
        text = "Join the leading axes into one batch axis."
        yield given(failure, text, x.flatten(0, extra))


def axes_at_end(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Add the axes behind the channels, of size 1, where the channels fit."""
    missing = failure.dims + 2 - len(failure.shape)
    if missing > 0 and failure.shape[1:2] == (norm_channels(failure)[1],):
        text = "Give the input the axes behind its channels, of size 1."
        yield given(failure, text, operands(failure)[0][(..., *[None] * missing)])


def one_channel(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Read an input without channels as one channel; the layer has to be built for it."""
    missing = failure.dims + 1 - len(failure.shape)
    if missing > 0 and failure.settings.get("in_channels") == 1:
        yield in_front(failure, "Give the input its missing axes.", missing)
    elif missing > 0:
        text = "Read the input as one channel, and build the layer for one channel."
        for layer in rebuilt(failure, text, in_channels=1, groups=1):
            yield layer + in_front(failure, "", missing)


def built_for_channels(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The missing axes in front, and a norm for the channels that the input then has."""
    missing, (key, channels) = _ranks(failure)[0] - len(failure.shape), norm_channels(failure)
    if missing < 1 or channels in (*failure.shape, None):
        return
    channels = failure.shape[0] if missing == 1 and failure.shape else 1
    changes = {key: channels, **({"num_groups": 1} if key == "num_channels" else {})}
    text = f"Give the input its missing axes in front, and build the layer for C={channels}."
    for layer in rebuilt(failure, text, **changes):
        yield layer + in_front(failure, "", missing)


def built_for_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm for the channels that the input has."""
    (key, channels), got = norm_channels(failure), facts["channels"]
    if channels in failure.shape and failure.source(0) >= 0:
        return  # the channels are there, on another axis
    changes, groups = {key: got}, failure.settings.get("num_groups")
    if groups is not None:
        changes["num_groups"] = groups if groups and got % groups == 0 else 1
    yield from rebuilt(failure, f"Build the layer for C={got}.", **changes)


def normalised_last(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A layer norm for the sizes that the input ends in."""
    sizes = failure.settings["normalized_shape"]
    if sizes[0] not in failure.shape:  # otherwise the channels are there, on another axis
        ends = failure.shape[-len(sizes) :]
        yield from rebuilt(failure, f"Normalise {ends}.", normalized_shape=ends)


def image_channels(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Images of other colours, and a batch of grey ones that lacks its channel axis."""
    wanted, axis = facts["wanted_channels"], facts["channel_axis"]
    if wanted == 1 and axis == 0:
        text = "The batch has no channel axis: give it one of size 1."
        yield given(failure, text, operands(failure)[0].unsqueeze(1))
    yield from other_channels(failure, wanted, facts["channels"], axis)


def other_channels(failure: Failure, wanted: int, got: int, axis: int) -> Iterator[Repair]:
    """Grey, coloured and see-through images for one another."""
    x, rank = operands(failure)[0], len(failure.shape)
    if got == 1 and wanted > 1:
        sizes = (wanted if i == axis else -1 for i in range(rank))
        yield given(failure, f"Repeat the one channel {wanted} times.", x.expand(*sizes))
    if (got, wanted, rank) == (4, 3, axis + 3):
        text = "Leave the fourth channel out (transparency, in an RGBA image)."
        yield given(failure, text, x[(*[slice(None)] * axis, slice(None, 3))])
    if (got, wanted, rank) == (3, 1, axis + 3):
        text = "Make one grey channel of the three by their mean."
        yield given(failure, text, x.mean(axis, keepdim=True))


def flattened_first(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Flatten a map before a linear layer that was built for all its values."""
    parts = failure.shape[1:]
    if len(parts) > 1 and prod(parts) == failure.settings.get("in_features"):
        text = f"Flatten first: {' x '.join(map(str, parts))} = {prod(parts)}."
        yield given(failure, text, operands(failure)[0].flatten(1))


def scalar_to_vector(failure: Failure, facts: Facts) -> Iterator[Repair]:
    wanted, x = failure.settings["in_features"], operands(failure)[0]
    vector = x[None] if wanted == 1 else x.expand(wanted)
    yield given(failure, f"Give it an axis of {wanted}.", vector)


def any_rank(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if len(failure.shapes[0]) == len(failure.shapes[1]):
        product = TORCH.matmul(*operands(failure))
        yield result(failure, "Use the product for any rank.", product)


# Name another axis.


def axis_there_is(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The last axis in place of one that the tensor does not have."""
    last, x, function = len(failure.shape) - 1, operands(failure)[0], failure.function
    if "dim" in failure.settings:
        text = "Take the last axis, which holds the classes or features."
        yield from rebuilt(failure, text, dim=-1)
    elif failure.kind == "Flatten":
        text = "Flatten all but the batch."
        yield from rebuilt(failure, text, start_dim=min(1, max(last, 0)), end_dim=-1)
    elif function == "flatten":
        yield result(failure, "Flatten the last axes.", x.flatten(max(last, 0)))
    elif function in ("cat", "concat", "stack"):
        last += function == "stack"
        call = getattr(TORCH, function)(operands(failure), last)
        yield result(failure, f"Use the last axis, {last}.", call)
    elif function in ("softmax", "log_softmax"):
        yield result(failure, "Take the last axis.", getattr(x, function)(-1))
    elif (axis := int(facts.words.get("got", -1))) > last and len(failure.tensors) == 1:
        yield in_front(failure, "Give the tensor the missing axes in front.", axis - last)


def unflattened(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Two sizes that multiply up to the axis, the first as it was asked for if that can be."""
    asked, size = [n for n in whole(facts["sizes"]) if n > 0], int(facts["size"])
    first = next(n for n in (*asked[:1], 1) if n == 1 or (size and size % n == 0))
    text = f"{first} x {size // first} = {size}."
    if failure.layer is not None:
        yield from rebuilt(failure, text, unflattened_size=(first, size // first))
    else:
        code = operands(failure)[0].unflatten(int(facts["axis"]), (first, -1))
        yield result(failure, text, code)


# Upsampling.


def doubled(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An output of twice the size, by a mode for the input's axes."""
    rank, size = len(failure.shape), failure.settings.get("size")
    mode = failure.settings.get("mode", "nearest")
    if MODE_AXES.get(mode, rank - 2) != rank - 2:
        mode = _MODES.get(rank, "nearest")
    if isinstance(size, tuple) and 0 < rank - 2 != len(size) and min(size) > 0:
        sizes = size[-1] if rank == 3 else (size * rank)[: rank - 2]
        yield from rebuilt(failure, "Give one number per spatial axis.", size=sizes)
    text = "Double the size along every axis."
    yield from rebuilt(failure, text, size=None, scale_factor=2, mode=mode)


def fitting_mode(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A mode of upsampling for the input's axes."""
    fits = _MODES[len(failure.shape)]
    text = f"Use the mode for {len(failure.shape)} axes, {fits!r}."
    yield from rebuilt(failure, text, mode=fits)
    yield from rebuilt(failure, "Use 'nearest', which takes any.", mode="nearest")
    text = f"Use the mode {fits!r} and a factor of 2."
    yield from rebuilt(failure, text, mode=fits, size=None, scale_factor=2)


def without_align_corners(failure: Failure, facts: Facts) -> Iterator[Repair]:
    fits = _MODES.get(len(failure.shape), "bilinear")
    yield from rebuilt(failure, "Leave align_corners out.", align_corners=None)
    yield from rebuilt(failure, f"Or interpolate, with mode={fits!r}.", mode=fits)
