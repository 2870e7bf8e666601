"""Change an axis: move it, add one, join some, take one away."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from convdocs.errors.code import NN, TORCH, Code, length, name
from convdocs.errors.entry import Strategy
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure
from convdocs.errors.repair import (
    Repair,
    advice,
    at_input,
    given,
    here,
    operand,
    rebuilt,
    result,
)
from convdocs.errors.sizes import lacks_batch


def no_batch(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give the model's input the batch axis that it lacks, where it goes in."""
    if lacks_batch(failure):
        text = "The input is one sample: give it its batch axis where it goes into the model."
        yield at_input(text, Code("x.unsqueeze(0)", lambda s: s["x"].unsqueeze(0)))


def named_channels(failure: Failure) -> bool:
    """Whether the layer before says that the channels are where this one reads them."""
    index = failure.source(0)
    if index < 0 or failure.trace is None:
        return False
    names = failure.trace.calls[index].axes.split()
    return len(names) == len(failure.shape) and names[:2] == ["N", "C"] and len(names) > 2


def channels_moved(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Move the axis that has the right size to where the channels are read."""
    wanted, axis = facts["wanted_channels"], facts["channel_axis"]
    places = [i for i, size in enumerate(failure.shape) if size == wanted and i != axis]
    if not places or named_channels(failure):
        return
    last = len(failure.shape) - 1
    chosen = last if last in places else places[0]
    order = [one for one in range(len(failure.shape)) if one != chosen]
    order.insert(axis, chosen)
    shape = failure.shape
    moved = tuple(shape[one] for one in order)
    text = f"Move the channels from axis {chosen} to axis {axis}: {shape} becomes {moved}."
    yield given(failure, text, operand(failure).permute(*order))


def channels_there_and_back(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Put the features where a norm reads them, and back behind it."""
    wanted = failure.settings.get("num_features") or failure.settings.get("num_channels")
    if failure.source(0) < 0 or len(failure.shape) != 3 or failure.shape[-1] != wanted:
        return
    text = "Put the features on axis 1 for the norm, and back to the end after it."
    code = here(failure)(operand(failure).transpose(1, 2)).transpose(1, 2)
    yield result(failure, text, code)


def norm_there_and_back(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Put the channels last for a layer norm, and back behind it."""
    sizes = failure.settings.get("normalized_shape", ())
    if len(sizes) == 1 and sizes[0] in failure.shape[1:-1]:
        axis = failure.shape.index(sizes[0], 1)
        text = "Put the channels last for the norm, and back after it."
        moved = here(failure)(operand(failure).movedim(axis, -1)).movedim(-1, axis)
        yield result(failure, text, moved)
        if axis == 1:
            text = "Or normalise all channels and positions together, as one group."
            yield from rebuilt(failure, text, "GroupNorm", num_groups=1, num_channels=sizes[0])


def image_channels(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Grey, coloured and see-through images, and a sample that lacks its channel axis."""
    wanted, got, axis = facts["wanted_channels"], facts["channels"], facts["channel_axis"]
    x, before = operand(failure), (slice(None),) * axis
    if wanted == 1 and axis == 0:
        text = "The batch has no channel axis: give it one of size 1."
        yield given(failure, text, x.unsqueeze(1))
    if got == 1 and wanted > 1:
        sizes = (wanted if i == axis else -1 for i in range(len(failure.shape)))
        yield given(failure, f"Repeat the one channel {wanted} times.", x.expand(*sizes))
    if wanted == 3 and got == 4 and len(failure.shape) == axis + 3:
        text = "Leave the fourth channel out (transparency, in an RGBA image)."
        yield given(failure, text, x[(*before, slice(None, 3))])
    if wanted == 1 and got == 3 and len(failure.shape) == axis + 3:
        text = "Make one grey channel of the three by their mean."
        yield given(failure, text, x.mean(axis, keepdim=True))


def joined(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join axes, where there are more than the layer takes."""
    extra, x = len(failure.shape) - failure.dims - 2, operand(failure)
    if extra < 1:
        return
    if failure.settings.get("in_channels") in failure.shape[1:2]:
        text = "Join the axes after the channels."
        yield given(failure, text, x.flatten(2, *([-failure.dims] if failure.dims > 1 else [])))
    text = "Join the leading axes into one batch axis."
    yield given(failure, text, x.flatten(0, extra))


def joined_trailing(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Join the axes behind the channels, where a norm takes fewer."""
    most = failure.dims + 2
    if len(failure.shape) > most and failure.dims:
        yield given(failure, "Join the trailing axes.", operand(failure).flatten(most - 1))


def axes_in_front(least: int | None = None) -> Strategy:
    """Add the missing axes, of size 1, in front; ``least`` is what the layer takes."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        missing = (least or failure.dims + 1) - len(failure.shape)
        if missing > 0:
            text = "Give the input its missing axis, of size 1, in front."
            text = text if missing == 1 else "Give the input its missing axes, of size 1, in front."
            yield given(failure, text, operand(failure)[(*[None] * missing, ...)])

    return strategy


def axes_at_end(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Add the axes behind the channels, of size 1, where the channels fit."""
    known = failure.settings
    channels = known.get("num_features", known.get("num_channels"))
    missing = failure.dims + 2 - len(failure.shape)
    if missing > 0 and failure.shape[1:2] == (channels,):
        key = (..., *[None] * missing)
        text = "Give the input the axes behind its channels, of size 1."
        yield given(failure, text, operand(failure)[key])


def one_channel(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Read an input without channels as one channel; the layer has to be built for it."""
    missing = failure.dims + 1 - len(failure.shape)
    if missing < 1:
        return
    front = given(failure, "", operand(failure)[(*[None] * missing, ...)])
    if failure.settings.get("in_channels") == 1:
        yield Repair("Give the input its missing axes.", front.steps)
        return
    text = "Read the input as one channel, and build the layer for one channel."
    for layer in rebuilt(failure, "", in_channels=1, groups=1):
        yield Repair(text, (*layer.steps, *front.steps))


def one_sample(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A sample of features lacks its batch."""
    channels = failure.settings.get("num_features", failure.settings.get("num_channels"))
    if failure.shape == (channels,):
        text = "One sample of features: give it its batch axis."
        yield given(failure, text, operand(failure)[None])


def built_for_channels(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The missing axes in front, and a norm for the channels that the input then has."""
    key = "num_features" if "num_features" in failure.settings else "num_channels"
    least = failure.dims + (1 if failure.kind.startswith("Instance") else 2)
    missing = (least if failure.dims else 2) - len(failure.shape)
    if missing < 1 or failure.settings.get(key, failure.shape[:1]) in failure.shape:
        return
    channels = failure.shape[0] if missing == 1 and failure.shape else 1
    changes = {key: channels, **({"num_groups": 1} if key == "num_channels" else {})}
    front = given(failure, "", operand(failure)[(*[None] * missing, ...)])
    text = f"Give the input its missing axes in front, and build the layer for C={channels}."
    for layer in rebuilt(failure, "", **changes):
        yield Repair(text, (*layer.steps, *front.steps))


def built_for_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm for the channels that the input has."""
    key = "num_features" if "num_features" in failure.settings else "num_channels"
    got, groups = facts["channels"], failure.settings.get("num_groups")
    if failure.settings.get(key) in failure.shape and failure.source(0) >= 0:
        return  # the channels are there, on another axis
    changes = {key: got}
    if groups is not None:
        changes["num_groups"] = groups if groups and got % groups == 0 else 1
    yield from rebuilt(failure, f"Build the layer for C={got}.", **changes)


def normalised_last(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A layer norm for the sizes that the input ends in."""
    sizes = failure.settings.get("normalized_shape", (0,))
    if sizes[0] in failure.shape:
        return  # the channels are there, on another axis
    ends = failure.shape[-len(sizes) :]
    yield from rebuilt(failure, f"Normalise {ends}.", normalized_shape=ends)


def features_last(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Move the features of a sequence or a map to the end, where they are read."""
    wanted = failure.settings.get("in_features", failure.settings.get("input_size"))
    if wanted not in failure.shape[1:-1]:
        return
    axis, x = failure.shape.index(wanted, 1), operand(failure)
    text = f"The {wanted} features are on axis {axis}: move them to the end."
    moved = x.transpose(1, 2) if len(failure.shape) == 3 else x.movedim(axis, -1)
    yield given(failure, text, moved)


def flattened_first(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Flatten a map before a linear layer that was built for all its values."""
    shape, wanted = failure.shape, failure.settings.get("in_features")
    if len(shape) > 2 and prod(shape[1:]) == wanted:
        text = f"Flatten first: {' x '.join(map(str, shape[1:]))} = {wanted}."
        yield given(failure, text, operand(failure).flatten(1))


def turned_around(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Transpose one of two matrices."""
    if len(failure.shapes) != 2 or failure.function == "linear":
        return
    left, right = failure.shapes
    a, b = operand(failure, 0), operand(failure, 1)
    inner = -2 if failure.function == "cdist" else -1
    if len(right) > 1 and right[inner] == left[-1]:
        text = f"Turn {b} around: {right} becomes {(*right[:-2], right[-1], right[-2])}."
        yield given(failure, text, a, b.transpose(-2, -1))
    if len(left) > 1 and left[-2] == right[-2 if len(right) > 1 else 0]:
        yield given(failure, f"Turn {a} around.", a.transpose(-2, -1))


def rows_for_bmm(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A row of weights a sample is a matrix of one row; otherwise the product for any rank."""
    shapes = failure.shapes
    a, b = (operand(failure, number) for number in (0, 1)) if len(shapes) == 2 else (None, None)
    if a is None or b is None:
        return
    batch = shapes[0][:1] == shapes[1][:1]
    if batch and len(shapes[0]) == 2 and len(shapes[1]) == 3:
        text = f"One row of weights a sample is a matrix of one row: {a}.unsqueeze(1)."
        yield given(failure, text, a.unsqueeze(1))
    if batch and len(shapes[0]) == 3 and len(shapes[1]) == 2:
        text = f"One vector a sample is a matrix of one column: {b}.unsqueeze(2)."
        yield given(failure, text, a, b.unsqueeze(2))
    if len(shapes[0]) == len(shapes[1]):
        yield result(failure, "Use the product for any rank.", TORCH.matmul(a, b))


def axis_there_is(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The last axis in place of one that the tensor does not have."""
    rank, x = len(failure.shape), operand(failure)
    if "dim" in failure.settings:
        text = "Take the last axis, which holds the classes or features."
        yield from rebuilt(failure, text, dim=-1)
    elif failure.kind == "Flatten":
        text = "Flatten all but the batch."
        yield from rebuilt(failure, text, start_dim=min(1, max(rank - 1, 0)), end_dim=-1)
    elif failure.function == "flatten":
        yield result(failure, "Flatten the last axes.", x.flatten(max(rank - 1, 0)))
    elif failure.function in ("cat", "concat", "stack"):
        last = rank - 1 + (failure.function == "stack")
        call = getattr(TORCH, failure.function)([name(one) for one in failure.names], last)
        yield result(failure, f"Use the last axis, {last}.", call)
    elif failure.function in ("softmax", "log_softmax"):
        yield result(failure, "Take the last axis.", getattr(x, failure.function)(-1))
    elif (got := int(facts.said.get("got") or -1)) >= 0 and len(failure.tensors) == 1:
        key = (*[None] * (got + 1 - rank), ...)
        yield given(failure, "Give the tensor the missing axes in front.", x[key])


def every_axis_named(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A permutation names each axis once."""
    rank = len(failure.shape)
    if rank > 1:
        text = "Move the last axis behind the batch, and name every axis."
        order = (0, rank - 1, *range(1, rank - 1))
        yield result(failure, text, operand(failure).permute(*order))


def unflattened(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Two sizes that multiply up to the axis."""
    parts = facts["unflattened"]
    text = f"{parts[0]} x {parts[1]} = {parts[0] * parts[1]}."
    if failure.layer is not None:
        yield from rebuilt(failure, text, unflattened_size=parts)
    else:
        axis = int(facts["axis"])
        yield result(failure, text, operand(failure).unflatten(axis, (parts[0], -1)))


def scalar_to_vector(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give a number the axis that a linear layer multiplies."""
    wanted, x = failure.settings.get("in_features"), operand(failure)
    if wanted is not None:
        text = f"Give it an axis of {wanted}."
        yield given(failure, text, x[None] if wanted == 1 else x.expand(wanted))


def index_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An index with as many axes as the values."""
    if len(failure.shapes) == 2 and len(failure.shapes[0]) == len(failure.shapes[1]) + 1:
        x, index = operand(failure, 0), operand(failure, 1)
        text = "Give the index an axis of size 1 at its end: one cell is taken from each row."
        yield given(failure, text, x, index.unsqueeze(-1))


def doubled(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An output of twice the size, by a mode for the input's axes."""
    modes = {3: "linear", 4: "bilinear", 5: "trilinear"}
    mode, rank = failure.settings.get("mode", "nearest"), len(failure.shape)
    fits = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}.get(mode, rank) == rank
    right = mode if fits else modes.get(rank, "nearest")
    size = failure.settings.get("size")
    if isinstance(size, tuple) and 0 < rank - 2 != len(size) and min(size) > 0:
        one = size[-1] if rank == 3 else (size * rank)[: rank - 2]
        yield from rebuilt(failure, "Give one number per spatial axis.", size=one)
    text = "Double the size along every axis."
    yield from rebuilt(failure, text, size=None, scale_factor=2, mode=right)


def interpolating_mode(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Axes and mode of an upsampling brought together."""
    modes, rank = {3: "linear", 4: "bilinear", 5: "trilinear"}, len(failure.shape)
    mode = failure.settings.get("mode")
    need = {"linear": 3, "bilinear": 4, "bicubic": 4, "trilinear": 5}.get(str(mode))
    need, x = need or max(3, min(5, rank)), operand(failure)
    by_mode = [
        one
        for kind in ([modes[rank]] if rank in modes else [])
        for one in rebuilt(failure, f"Use the mode for {rank} axes, {kind!r}.", mode=kind)
    ]
    if rank < need:
        text = (
            "Give the sample its batch axis." if need - rank == 1 else "Give it the missing axes."
        )
        yield given(failure, text, x[(*[None] * (need - rank), ...)])
    yield from by_mode
    if rank > need:
        text = "Join the leading axes into the batch."
        yield given(failure, text, x.flatten(0, rank - need))
    if rank in modes:
        yield from rebuilt(failure, "Use 'nearest', which takes any.", mode="nearest")
        text = f"Use the mode {modes[rank]!r} and a factor of 2."
        plain = {"size": None, "scale_factor": 2}
        yield from rebuilt(failure, text, mode=modes[rank], **plain)


def without_align_corners(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Leave align_corners out, or interpolate."""
    fits = {3: "linear", 4: "bilinear", 5: "trilinear"}.get(len(failure.shape), "bilinear")
    yield from rebuilt(failure, "Leave align_corners out.", align_corners=None)
    yield from rebuilt(failure, f"Or interpolate, with mode={fits!r}.", mode=fits)


def look_upstream(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """What was cut away cannot be mended here."""
    if failure.tensors and 0 not in failure.shape:
        return
    yield advice(
        "Look upstream for the slice, the crop or the empty batch that cut the input away.",
        f"print the shapes before {facts['name']}",
    )


def samples(failure: Failure) -> Code:
    """How many samples the first operand holds."""
    return length(operand(failure))


def resized(image: Code, size: object) -> Code:
    """An image in another size."""
    return NN.functional.interpolate(image, size=size)


def channels_in_front(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A long last axis of few cells is the channels: move it behind the batch."""
    shape, last = failure.shape, len(failure.shape) - 1
    if len(shape) == failure.dims + 2 and shape[1] > shape[-1] * 4 and failure.source(0) == -1:
        text = "The channels seem to be last: move them behind the batch."
        yield given(failure, text, operand(failure).permute(0, last, *range(1, last)))


def norm_axes_in_front(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The axes that a norm misses, in front."""
    least = failure.dims + (1 if failure.kind.startswith("Instance") else 2)
    yield from axes_in_front(least if failure.dims else 2)(failure, facts)
