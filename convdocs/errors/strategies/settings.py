"""Change a setting of the failing layer, constructor or window."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from convdocs.errors.code import NN, name
from convdocs.errors.entry import Strategy
from convdocs.errors.facts import (
    Facts,
    below_least,
    negative_sizes,
    odd_types,
    whole,
    wrong_length,
)
from convdocs.errors.failure import Failure
from convdocs.errors.repair import (
    Here,
    Repair,
    Step,
    advice,
    given,
    here,
    instead,
    module,
    number,
    operand,
    rebuilt,
    typed,
)
from convdocs.errors.sizes import setting, spatial, windows


def change(text: str, kind: str = "", **changes: Any) -> Strategy:
    """The same call with other settings; ``"{half}"`` is the value of a fact."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        values = {}
        for key, value in changes.items():
            fact = isinstance(value, str) and value.startswith("{")
            values[key] = facts[value[1:-1]] if fact else value
        if failure.settings and not failure.function and not kind:
            values = {key: value for key, value in values.items() if key in failure.settings}
        made = kind.format(dims=failure.dims)
        if values or made:
            yield from rebuilt(failure, facts.filled(text), made, **values)

    return strategy


def per_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give each setting one number an axis."""
    wrong = wrong_length(failure)
    if failure.kind.startswith("Conv") and len(wrong.get("padding", ())) == 2 * failure.dims:
        yield from _pads_on_each_side(failure)
        return
    changes = {key: typed((value * failure.dims)[: failure.dims]) for key, value in wrong.items()}
    yield from rebuilt(failure, "Give each setting a number per axis.", **changes)


def _pads_on_each_side(failure: Failure) -> Iterator[Repair]:
    """A convolution pads both ends of an axis alike; a padding layer need not."""
    x, pads = operand(failure), tuple(failure.settings["padding"])
    text = "Pad each side by its own amount in a layer of its own, before the convolution."
    for plain in rebuilt(failure, text, padding=0):
        before = given(failure, "", module(f"ZeroPad{failure.dims}d", pads)(x))
        yield Repair(text, (*plain.steps, *before.steps))


def weight_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give a functional convolution's weight its missing axes."""
    shapes = failure.shapes
    missing = failure.dims + 2 - len(shapes[1]) if failure.function and len(shapes) > 1 else 0
    if missing > 0:
        text = "Give the weight its missing axes, of size 1."
        yield given(failure, text, operand(failure), name("weight")[(..., *[None] * missing)])


def biases(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Give a functional convolution one bias for each output channel."""
    x, weight = operand(failure), name("weight")
    channels = weight.shape[1] if "transpose" in failure.function else weight.shape[0]
    text = "Give each output channel a bias; here they begin at 0."
    yield given(failure, text, x, weight, x.new_zeros(channels))


def whole_numbers(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Make the sizes and counts whole numbers."""
    changes = {key: _whole(value) for key, value in odd_types(failure).items()}
    yield from rebuilt(failure, "Give whole numbers.", **changes)


def _whole(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_whole(one) for one in value)
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1


def positive_sizes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Take the sizes without their sign."""
    changes = {
        key: tuple(abs(v) or 1 for v in value) if isinstance(value, tuple) else abs(value) or 1
        for key, value in negative_sizes(failure).items()
    }
    yield from rebuilt(failure, "Give sizes above 0.", **changes)


def smallest_values(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Raise what is below the smallest value there is."""
    changes = {key: least for key, (_, least) in below_least(failure).items()}
    yield from rebuilt(failure, "Use the smallest values there are.", **changes)


def other_dims(by_rank: dict[int, int]) -> Strategy:
    """The same layer over as many axes as an input of this rank has."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        dims = by_rank.get(len(failure.shape))
        if dims and failure.dims and dims != failure.dims:
            yield from over_axes(failure, dims, "")

    return strategy


def over_axes(failure: Failure, dims: int, text: str) -> Iterator[Repair]:
    """The same layer over another number of spatial axes."""
    kind = f"{failure.kind[:-2]}{dims}d"
    plain = {
        key: value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        for key, value in failure.settings.items()
    }
    axes = "1 spatial axis" if dims == 1 else f"{dims} spatial axes"
    yield from rebuilt(failure, text or f"Use the layer over {axes}, {kind}.", kind, **plain)


def pool_over_fewer(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """What a pool takes for one sample may be a batch with an axis less."""
    if failure.dims > 1 and len(failure.shape) == failure.dims + 1:
        text = (
            f"With {facts['axes']} the input is read as one sample. "
            f"If it is a batch, pool over {failure.dims - 1} of them."
        )
        yield from over_axes(failure, failure.dims - 1, text)


def cropped(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A negative pad crops, and is allowed before the layer."""
    padding = setting(failure, "padding")
    amounts = tuple(min(p, 0) for p in reversed(padding) for _ in range(2))
    text = "Crop the input before the layer, if that is what the negative padding means."
    crop = given(failure, "", NN.functional.pad(operand(failure), amounts))
    for plain in rebuilt(failure, text, padding=typed(tuple(max(p, 0) for p in padding))):
        yield Repair(text, (*plain.steps, *crop.steps))


def capped_padding(less: int) -> Strategy:
    """As much padding as the mode can take from the input."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        padding, sizes = failure.settings.get("padding"), spatial(failure)
        if not isinstance(padding, tuple | int) or not sizes:
            return
        ends = list(sizes)
        if not failure.kind.startswith("Conv"):  # two numbers an axis, the last axis first
            ends = [size for size in reversed(sizes) for _ in range(2)]
        pads = padding if isinstance(padding, tuple) else (padding,) * len(ends)
        most = typed(tuple(min(p, size - less) for p, size in zip(pads, ends, strict=False)))
        yield from rebuilt(failure, f"Pad by {most}.", padding=most)

    return strategy


def kept_padding(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Leave out the crops of a padding layer."""
    padding = failure.settings.get("padding")
    if isinstance(padding, tuple | int) and failure.dims:
        pads = padding if isinstance(padding, tuple) else (padding,) * 2 * failure.dims
        kept = typed(tuple(max(0, p) for p in pads))
        yield from rebuilt(failure, f"Do not crop: padding={kept}.", padding=kept)


def two_pads_an_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A padding layer takes a number for each end of each axis."""
    many = 2 * failure.dims
    full = typed((tuple(failure.settings["padding"]) * many)[:many])
    yield from rebuilt(failure, "Give two numbers an axis.", padding=full)


def fewer_groups(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Groups that divide all channels; or channels that the groups divide."""
    known = failure.settings
    if "num_groups" in known:
        groups, channels = known.get("num_groups", 0), known.get("num_channels", 1)
        near = max((g for g in range(1, groups + 1) if channels % g == 0), default=1)
        yield from rebuilt(failure, f"Use {_groups(near)}.", num_groups=near)
        yield from rebuilt(failure, "One group per channel.", num_groups=channels)
        return
    if "in_channels" in known:
        groups, counts = known["groups"], (known["in_channels"], known["out_channels"])
        common = [g for g in range(2, groups + 1) if all(count % g == 0 for count in counts)]
        for near in common[-1:]:
            text = f"Use {near} groups, which divide both."
            yield from rebuilt(failure, text, groups=near)
        if which := facts.said.get("which"):
            up = -(-known[which] // groups) * groups
            yield from rebuilt(failure, f"Use {which}={up}.", **{which: up})
    yield from rebuilt(failure, "Use no groups.", groups=1)


def _groups(count: int) -> str:
    return f"{count} group{'' if count == 1 else 's'}"


def padding_modes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Torch's modes, the one that other libraries call so first."""
    same_as = {"edge": "replicate", "wrap": "circular", "symmetric": "reflect", "constant": "zeros"}
    got = facts.said["got"]
    near = same_as.get(got, "zeros")
    modes = [near, *(m for m in ("zeros", "reflect", "replicate", "circular") if m != near)]
    for mode in modes:
        told = got in same_as and mode == near
        text = f"NumPy's {got!r} is torch's {near!r}." if told else f"Use the mode {mode!r}."
        yield from rebuilt(failure, text, padding_mode=mode)


def divisors_for_heads(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Heads that divide the features, or features that the heads divide."""
    features, heads = failure.settings["embed_dim"], failure.settings["num_heads"]
    near = min(
        (h for h in range(1, features + 1) if features % h == 0), key=lambda h: abs(h - heads)
    )
    text = f"{near} heads of {features // near} features each."
    yield from rebuilt(failure, text, num_heads=near)
    up = -(-features // heads) * heads
    text = f"Or {up} features, {up // heads} for each of {heads} heads."
    yield from rebuilt(failure, text, embed_dim=up)


def square_output(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Fold to an output that has as many windows as the input has columns."""
    columns = failure.shape[-1]
    side = round(columns**0.5)
    if side * side == columns:
        size = typed(
            tuple((side - 1) * w.stride + w.span - sum(w.padding) for w in windows(failure))
        )
        text = f"{columns} windows, {side} a side, come from an output of {size}."
        yield from rebuilt(failure, text, output_size=size)


def full_padding(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """What other libraries call full padding."""
    if facts.said.get("got") == "full":
        full = facts["full"]
        text = f"'full' padding is the kernel's size less one: {full}."
        yield from rebuilt(failure, text, padding=full)


def reachable_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The reachable output size that is nearest."""
    size = facts["reachable"]
    yield _sized(failure, f"Ask for {size}.", size)


def usual_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The size that an unpool gives when none is asked for."""
    size = facts["unpooled"]
    yield _sized(failure, f"Ask for {size}, or the pool's input size.", size)


def _sized(failure: Failure, text: str, size: tuple[int, ...]) -> Repair:
    return Repair(text, (Step(Here(failure), "output_size", number(size)),))


def stride_to_reach(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A stride with which the size that was asked for can be reached."""
    asked = whole(facts["got"])[-failure.dims :]
    stride = typed(tuple(max(1, a // s) for a, s in zip(asked, spatial(failure), strict=False)))
    yield from rebuilt(failure, f"Or use stride={stride}.", stride=stride)


def fitting_window(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A pool's window no larger than its input."""
    sizes, kernel = spatial(failure), setting(failure, "kernel_size", 1)
    fits = tuple(min(k, size) for k, size in zip(kernel, sizes, strict=True))
    changes: dict[str, Any] = {"kernel_size": typed(fits), "stride": typed(fits)}
    if "dilation" in failure.settings:
        changes["dilation"] = 1
    if any(setting(failure, "padding")):
        pads = zip(setting(failure, "padding"), fits, strict=True)
        changes["padding"] = typed(tuple(min(p, k // 2) for p, k in pads))
    if failure.settings.get("stride") != failure.settings.get("kernel_size"):
        changes.pop("stride")
    yield from rebuilt(failure, f"Use a window that fits: {typed(fits)}.", **changes)


def adaptive(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Let the window follow the input."""
    if failure.kind.startswith(("Max", "Avg")):
        text = "Let the window follow the input: an adaptive pool gives any size."
        yield instead(failure, text, module(f"Adaptive{failure.kind}", 1))


def fitting_fraction(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A fractional pool's output that its windows leave room for."""
    sizes, kernel = spatial(failure), setting(failure, "kernel_size", 1)
    most = tuple(size - k for size, k in zip(sizes, kernel, strict=False))
    if most and min(most) > 0:
        pairs = zip(most, sizes, strict=True)
        halved = typed(tuple(max(1, min(m, size // 2)) for m, size in pairs))
        changes = {"output_size": halved, "output_ratio": None}
        yield from rebuilt(failure, f"Ask for {halved}.", **changes)


def shared_cells(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Values and indices of one pool; here cut to what they share."""
    if len(failure.shapes) > 1 and len(failure.shapes[0]) == len(failure.shapes[1]):
        x, indices = operand(failure, 0), operand(failure, 1)
        least = tuple(
            slice(None) if a == b else slice(None, (indices if a > b else x).shape[axis])
            for axis, (a, b) in enumerate(zip(*failure.shapes[:2], strict=True))
        )
        text = (
            "Use the values and indices of the same pool; cut to what they share, the rest of the "
            "longer one is lost."
        )
        yield given(failure, text, x[least], indices[least], loses=True)


def restored_window(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The window of the pool that the indices came from."""
    largest = facts["largest"]
    for kernel in range(2, 8):
        if prod(size * kernel for size in spatial(failure)) > largest >= 0:
            text = f"Use the pool's own window, {kernel} by the look of it."
            yield from rebuilt(failure, text, kernel_size=kernel, stride=kernel)
            return


def evaluated(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm that uses what it learned, and not this batch."""
    if failure.kind.startswith(("Batch", "Sync")):
        text = "For a prediction, switch to evaluation: model.eval()."
        yield instead(failure, text, here(failure).eval())


def fewer_norm_groups(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Groups of a group norm that hold more than one value."""
    if failure.kind == "GroupNorm":
        channels, groups = failure.settings["num_channels"], failure.settings["num_groups"]
        fewer = next((g for g in range(groups - 1, 0, -1) if channels % g == 0), 0)
        if fewer:
            text = f"Use {_groups(fewer)}, so that each holds more values."
            yield from rebuilt(failure, text, num_groups=fewer)


def larger_batch(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """More values for each channel."""
    what = "batches of 2 or more (drop_last=True in the loader)"
    if not failure.kind.startswith(("Batch", "Sync")):
        what = "larger inputs, or normalise before the size is down to 1"
    yield advice(f"To train, use {what}.", "DataLoader(..., drop_last=True)")


def norm_dims(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The norm over as many axes as the input has."""
    by_rank = (
        {3: 1, 4: 2, 5: 3} if failure.kind.startswith("Instance") else {2: 1, 3: 1, 4: 2, 5: 3}
    )
    yield from other_dims(by_rank)(failure, facts)


def shuffle_factor(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A factor that there is."""
    keys = ("upscale_factor", "downscale_factor", "groups")
    key = next((one for one in keys if one in failure.settings), "")
    for factor in (2, 1) if key and failure.settings[key] < 1 else ():
        yield from rebuilt(failure, f"Use {key}={factor}.", **{key: factor})
    if key and failure.settings[key] > 0 and len(failure.shape) > 2:
        axis = {"PixelShuffle": -3, "ChannelShuffle": 1}.get(failure.kind, -1)
        sizes = failure.shape[-2:] if axis == -1 else failure.shape[axis:][:1]
        squared = failure.kind == "PixelShuffle"
        fits = [n for n in range(1, 9) if all(s % (n * n if squared else n) == 0 for s in sizes)]
        near = min(fits, key=lambda n: (abs(n - failure.settings[key]), -n))
        yield from rebuilt(failure, f"Use {key}={near}, which divides.", **{key: near})


def shuffle_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The input's missing axes, or sizes that divide."""
    missing = 4 - len(failure.shape)
    if len(failure.shape) < 3:
        text = "Give the input its missing axes."
        yield given(failure, text, operand(failure)[(*[None] * missing, ...)])
    if min(int(one) for one in whole(facts["shuffled"])) > 0:
        yield advice(f"Feed {facts['shuffled']}.", f"{facts['name']} takes {facts['shuffled']}")


def folded_input(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """What Fold takes with these settings."""
    if failure.kind == "Fold":
        rows, count = facts["fold_rows"], facts["fold_columns"]
        text = f"With its settings right, mend the input: Fold takes (N, C·{rows}, {count})."
        yield advice(text, f"x of shape (N, C * {rows}, {count})")


def fold_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Add axes in front, or join leading ones."""
    shape, x = failure.shape, operand(failure)
    least = 3 if failure.kind.lower() in ("unfold", "im2col") else 2
    if len(shape) < least:
        text = "Give the input its missing axes."
        yield given(failure, text, x[(*[None] * (least - len(shape)), ...)])
    if len(shape) > least + 1:
        text = "Join the leading axes into one batch axis."
        yield given(failure, text, x.flatten(0, len(shape) - least - 1))


def columns_turned(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Rows and columns the other way round."""
    if failure.shape[-2] == facts["fold_columns"] and failure.shape[-1] % facts["fold_rows"] == 0:
        yield given(failure, "Swap rows and columns.", operand(failure).transpose(-2, -1))
