"""Change a setting of the failing layer, constructor or window."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod
from typing import Any

from convdocs.errors.code import NN, constant
from convdocs.errors.entry import Strategy
from convdocs.errors.facts import (
    Facts,
    below_least,
    by_axis,
    counted,
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
    each,
    given,
    here,
    instead,
    module,
    operands,
    rebuilt,
    typed,
)
from convdocs.errors.sizes import setting, spatial


def _changed(text: str, changes: Callable[[Failure], Mapping[str, Any]]) -> Strategy:
    """The same call with settings that are worked out; the text may name them."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        if new := changes(failure):
            yield from rebuilt(failure, text.format(**new), **new)

    return strategy


def _parts(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_parts(part, change) for part in value)
    return change(value)


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 1


whole_numbers = _changed(
    "Give whole numbers.",
    lambda failure: {key: _parts(value, _whole) for key, value in odd_types(failure).items()},
)
positive_sizes = _changed(
    "Give sizes above 0.",
    lambda failure: {
        key: _parts(value, lambda size: abs(size) or 1)
        for key, value in negative_sizes(failure).items()
    },
)
smallest_values = _changed(
    "Use the smallest values there are.",
    lambda failure: {key: least for key, (_, least) in below_least(failure).items()},
)
kept_padding = _changed(
    "Do not crop: padding={padding}.",
    lambda failure: {"padding": typed(tuple(max(0, p) for p in each(failure.settings["padding"])))},
)


def two_pads_an_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    ends = 2 * failure.dims
    full = typed((tuple(failure.settings["padding"]) * ends)[:ends])
    yield from rebuilt(failure, "Give two numbers an axis.", padding=full)


def per_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One number an axis; where a convolution got one a side, a padding layer takes them."""
    wrong, dims = wrong_length(failure), failure.dims
    if failure.kind.startswith("Conv") and len(wrong.get("padding", ())) == 2 * dims:
        text = "Pad each side by its own amount in a layer of its own, before the convolution."
        padded = module(f"ZeroPad{dims}d", wrong["padding"])(operands(failure)[0])
        for plain in rebuilt(failure, text, padding=0):
            yield plain + given(failure, "", padded)
        return
    changes = {key: typed((value * dims)[:dims]) for key, value in wrong.items()}
    yield from rebuilt(failure, "Give each setting a number per axis.", **changes)


def weight_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    missing = failure.dims + 2 - len(failure.shapes[1])
    if failure.function and missing > 0:
        weight = operands(failure)[1][(..., *[None] * missing)]
        yield given(failure, "Give the weight its missing axes, of size 1.", {1: weight})


def biases(failure: Failure, facts: Facts) -> Iterator[Repair]:
    x, weight, _ = operands(failure)
    channels = weight.shape[int("transpose" in failure.function)]
    text = "Give each output channel a bias; here they begin at 0."
    yield given(failure, text, {2: x.new_zeros(channels)})


def other_dims(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The same layer over as many axes as the input has."""
    rank = len(failure.shape)
    dims = 1 if rank == 2 and failure.kind.startswith("Batch") else rank - 2
    if failure.dims and 0 < dims < 4 and dims != failure.dims:
        kind = f"{failure.kind[:-2]}{dims}d"
        text = f"Use the layer over {counted(dims, 'spatial axis')}, {kind}."
        yield from _over_axes(failure, dims, text)


def pool_over_fewer(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """What a pool takes for one sample may be a batch with an axis less."""
    dims = failure.dims - 1
    if dims and len(failure.shape) == dims + 2:
        text = (
            f"With {facts['axes']} the input is read as one sample. "
            f"If it is a batch, pool over {dims} of them."
        )
        yield from _over_axes(failure, dims, text)


def _over_axes(failure: Failure, dims: int, text: str) -> Iterator[Repair]:
    alike = {
        key: value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value
        for key, value in failure.settings.items()
    }
    yield from rebuilt(failure, text, f"{failure.kind[:-2]}{dims}d", **alike)


def cropped(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A negative pad crops, and is allowed before the layer."""
    padding = setting(failure, "padding")
    amounts = tuple(min(p, 0) for p in reversed(padding) for _ in range(2))
    text = "Crop the input before the layer, if that is what the negative padding means."
    crop = given(failure, "", NN.functional.pad(operands(failure)[0], amounts))
    for plain in rebuilt(failure, text, padding=typed(tuple(max(p, 0) for p in padding))):
        yield plain + crop


def capped_padding(less: int) -> Strategy:
    """As much padding as the mode can take from the input."""

    def changes(failure: Failure) -> dict[str, Any]:
        ends = spatial(failure)
        if not failure.kind.startswith("Conv"):  # two numbers an axis, the last axis first
            ends = tuple(size for size in reversed(ends) for _ in range(2))
        pads = each(failure.settings["padding"])
        pads = pads if len(pads) > 1 else pads * len(ends)
        most = tuple(min(pad, size - less) for pad, size in zip(pads, ends, strict=False))
        return {"padding": typed(most)}

    return _changed("Pad by {padding}.", changes)


def shuffle_factor(failure: Failure, facts: Facts) -> Iterator[Repair]:
    keys = ("upscale_factor", "downscale_factor", "groups")
    key = next(key for key in keys if key in failure.settings)
    now, shape = failure.settings[key], failure.shape
    sizes = {"upscale_factor": shape[-3:-2], "groups": shape[1:2]}.get(key, shape[-2:])
    power = 2 if key == "upscale_factor" else 1
    fits = [n for n in range(1, 9) if all(size % n**power == 0 for size in sizes)]
    near = min(fits, key=lambda n: (abs(n - max(now, 2)), -n))
    yield from rebuilt(failure, f"Use {key}={near}, which divides.", **{key: near})


# Sizes that are asked for, and windows.


def reachable_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    low, high, asked = (whole(facts.words[key]) for key in ("low", "high", "got"))
    bounds = zip(asked[-len(low) :], low, high, strict=False)
    size = tuple(min(max(wish, least), most) for wish, least, most in bounds)
    yield _sized(failure, f"Ask for {size}.", size)


def usual_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The size that an unpool gives when none is asked for."""
    size = by_axis(failure, lambda w, cells: (cells - 1) * w.stride + w.kernel - 2 * w.padding[0])
    if min(size) > 0:
        yield _sized(failure, f"Ask for {size}, or the pool's input size.", size)


def _sized(failure: Failure, text: str, size: tuple[int, ...]) -> Repair:
    return Repair(text, (Step(Here(failure), "output_size", constant(repr(size), size)),))


def stride_to_reach(failure: Failure, facts: Facts) -> Iterator[Repair]:
    asked = whole(facts["got"])[-failure.dims :]
    stride = typed(tuple(max(1, a // s) for a, s in zip(asked, spatial(failure), strict=False)))
    yield from rebuilt(failure, f"Or use stride={stride}.", stride=stride)


def fitting_window(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A pool's window no larger than its input."""
    fits = by_axis(failure, lambda window, cells: min(window.kernel, cells))
    pads = zip(setting(failure, "padding"), fits, strict=True)
    changes = {
        "kernel_size": typed(fits),
        "stride": typed(fits),
        "dilation": 1,
        "padding": typed(tuple(min(pad, kernel // 2) for pad, kernel in pads)),
    }
    known = failure.settings
    if known.get("stride") != known.get("kernel_size"):
        del changes["stride"]
    changes = {key: value for key, value in changes.items() if key in known}
    yield from rebuilt(failure, f"Use a window that fits: {typed(fits)}.", **changes)


def fitting_fraction(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A fractional pool's output that its windows leave room for."""
    most = by_axis(failure, lambda window, cells: min(cells - window.kernel, max(1, cells // 2)))
    if min(most) > 0:
        changes = {"output_size": typed(most), "output_ratio": None}
        yield from rebuilt(failure, f"Ask for {typed(most)}.", **changes)


def square_output(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Fold to an output that has as many windows as the input has columns."""
    columns = failure.shape[-1]
    side = round(columns**0.5)
    if side * side == columns:
        size = by_axis(failure, lambda w, cells: (side - 1) * w.stride + w.span - sum(w.padding))
        text = f"{columns} windows, {side} a side, come from an output of {typed(size)}."
        yield from rebuilt(failure, text, output_size=typed(size))


def restored_window(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The window of the pool that the indices came from."""
    cells = {kernel: prod(size * kernel for size in spatial(failure)) for kernel in range(2, 8)}
    for kernel in [kernel for kernel, count in cells.items() if count > facts["largest"] >= 0][:1]:
        text = f"Use the pool's own window, which seems to be {kernel}."
        yield from rebuilt(failure, text, kernel_size=kernel, stride=kernel)


def evaluated(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm that uses what it learned, and not this batch."""
    if failure.kind.startswith(("Batch", "Sync")):
        text = "For a prediction, switch to evaluation: model.eval()."
        yield instead(failure, text, here(failure).eval())
