"""Which failures an entry may be, where torch says the same of several: conditions by name."""

from __future__ import annotations

from torch import Tensor, nn

from convdocs.errors import facts, meaning
from convdocs.errors.failure import Failure
from convdocs.errors.sizes import setting


def layer(failure: Failure) -> bool:
    return failure.layer is not None


def constructor(failure: Failure) -> bool:
    return failure.built is not None


def constructor_of_torch(failure: Failure) -> bool:
    made = failure.message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    known = any(made == base.__name__ for one in classes for base in one.__mro__)
    return odd_types(failure) or (made != failure.message and known)


def odd_types(failure: Failure) -> bool:
    return bool(facts.odd_types(failure))


def out_of_range(failure: Failure) -> bool:
    return bool(facts.below_least(failure))


def stride_below_one(failure: Failure) -> bool:
    return min(setting(failure, "stride", 1)) < 1


def dilation_below_one(failure: Failure) -> bool:
    return min(setting(failure, "dilation", 1)) < 1


def kernel_below_one(failure: Failure) -> bool:
    return min(setting(failure, "kernel_size", 1)) < 1


def odd_pads(failure: Failure) -> bool:
    """A padding layer has another number of pads than two an axis."""
    padding = failure.settings.get("padding")
    pads = layer(failure) and failure.kind.endswith("d") and "Pad" in failure.kind
    return pads and isinstance(padding, tuple | list) and len(padding) != 2 * failure.dims


def odd_rank(failure: Failure) -> bool:
    """The input is neither a sample nor a batch of the layer's spatial axes."""
    known = failure.tensors and failure.dims
    return not known or len(failure.shape) - failure.dims not in (1, 2)


def empty(failure: Failure) -> bool:
    return not failure.tensors or 0 in failure.shape


def several_tensors(failure: Failure) -> bool:
    return len(failure.tensors) > 1


def several_devices(failure: Failure) -> bool:
    return len(facts.devices(failure)) > 1 or not failure.tensors


def no_tensor(failure: Failure) -> bool:
    """What was given first is no tensor."""
    called = failure.kind or failure.message.startswith("expected Tensor as")
    return bool(called) and not (failure.args and isinstance(failure.args[0], Tensor))


def batch_is_first(failure: Failure) -> bool:
    """Three-axis inputs of one batch, for a layer that reads the length first."""
    modules = failure.layer.modules() if failure.layer is not None else ()
    second = any(getattr(one, "batch_first", None) is False for one in modules)
    shapes = [shape for shape in failure.shapes if len(shape) == 3]
    return second and len(shapes) > 1 and len({shape[0] for shape in shapes}) == 1


def own_numbers(failure: Failure) -> bool:
    """A model's own words say what it got and wants."""
    return meaning.own_numbers(failure) is not None
