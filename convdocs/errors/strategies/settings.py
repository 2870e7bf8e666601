"""Change a setting of the failing layer, constructor or window, where a value is not enough."""

from __future__ import annotations

from collections.abc import Iterator

from convdocs.errors.code import NN, constant
from convdocs.errors.facts import Facts, by_axis, counted, whole, wrong_length
from convdocs.errors.failure import Failure
from convdocs.errors.repair import Repair, assigned, given, here, operands, rebuilt, typed
from convdocs.errors.sizes import setting


def per_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One number an axis; where a convolution got one a side, a padding layer takes them."""
    wrong, dims = wrong_length(failure), failure.dims
    if failure.kind.startswith("Conv") and len(wrong.get("padding", ())) == 2 * dims:
        text = "Pad each side by its own amount in a layer of its own, before the convolution."
        padded = getattr(NN, f"ZeroPad{dims}d")(wrong["padding"])(operands(failure)[0])
        for plain in rebuilt(failure, "", text, padding=0):
            yield plain + given(failure, padded)
        return
    changes = {key: typed((value * dims)[:dims]) for key, value in wrong.items()}
    yield from rebuilt(failure, "", "Give each setting a number per axis.", **changes)


def two_pads_an_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    ends = 2 * failure.dims
    yield from rebuilt(failure, padding=typed((tuple(failure.settings["padding"]) * ends)[:ends]))


def weight_axes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    missing = failure.dims + 2 - len(failure.shapes[1])
    if failure.function and missing > 0:
        yield given(failure, {1: operands(failure)[1][(..., *[None] * missing)]})


def biases(failure: Failure, facts: Facts) -> Iterator[Repair]:
    x, weight, _ = operands(failure)
    yield given(failure, {2: x.new_zeros(weight.shape[int("transpose" in failure.function)])})


def other_dims(failure: Failure, facts: Facts, of_batch: bool = False) -> Iterator[Repair]:
    """The same layer over as many axes as the input has; as a batch, it may have been a sample."""
    rank = len(failure.shape)
    dims = 1 if rank == 2 and failure.kind.startswith("Batch") else rank - 2
    if failure.dims and 0 < dims < 4 and dims != failure.dims:
        kind = f"{failure.kind[:-2]}{dims}d"
        text = "" if of_batch else f"Use the layer over {counted(dims, 'spatial axis')}, {kind}."
        pairs = failure.settings.items()
        alike = {k: v[0] if isinstance(v, tuple) and len({*v}) == 1 else v for k, v in pairs}
        yield from rebuilt(failure, kind, text, **alike)


def cropped(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A negative pad crops, and is allowed before the layer."""
    padding = setting(failure, "padding")
    amounts = tuple(min(p, 0) for p in reversed(padding) for _ in range(2))
    crop = given(failure, NN.functional.pad(operands(failure)[0], amounts))
    for plain in rebuilt(failure, padding=typed(tuple(max(p, 0) for p in padding))):
        yield plain + crop


def reachable_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The size that can be reached nearest to the one that was asked for."""
    low, high, asked = (whole(facts.words[key]) for key in ("low", "high", "got"))
    bounds = zip(asked[-len(low) :], low, high, strict=False)
    yield _sized(failure, tuple(min(max(wish, least), most) for wish, least, most in bounds))


def usual_size(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The size that an unpool gives when none is asked for."""
    size = by_axis(failure, lambda w, cells: (cells - 1) * w.stride + w.kernel - 2 * w.padding[0])
    if min(size) > 0:
        yield _sized(failure, size)


def _sized(failure: Failure, size: tuple[int, ...]) -> Repair:
    asked = constant(repr(size), size)
    return assigned(failure, "output_size", asked, words={"output_size": size})


def evaluated(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A norm that uses what it learned, and not this batch."""
    if failure.kind.startswith(("Batch", "Sync")):
        yield assigned(failure, "layer", here(failure).eval())
