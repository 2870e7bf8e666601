"""Which failures an entry may be, where torch says the same of several: conditions by name."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from convdocs.errors import facts
from convdocs.errors.failure import Failure
from convdocs.errors.sizes import setting

Condition = Callable[[Failure], bool]


def _constructor_of_torch(failure: Failure) -> bool:
    made = failure.message.partition(".__init__()")[0]
    classes = (one for one in vars(nn).values() if isinstance(one, type))
    known = any(made == base.__name__ for one in classes for base in one.__mro__)
    return bool(facts.odd_types(failure)) or (made != failure.message and known)


def _below_one(key: str) -> Condition:
    return lambda failure: min(setting(failure, key, 1)) < 1


def _odd_pads(failure: Failure) -> bool:
    """A padding layer has another number of pads than two an axis."""
    padding = failure.settings.get("padding")
    pads = failure.layer is not None and failure.kind.endswith("d") and "Pad" in failure.kind
    return pads and isinstance(padding, tuple | list) and len(padding) != 2 * failure.dims


def _odd_rank(failure: Failure) -> bool:
    """The input is neither a sample nor a batch of the layer's spatial axes."""
    known = failure.tensors and failure.dims
    return not known or len(failure.shape) - failure.dims not in (1, 2)


def _no_tensor(failure: Failure) -> bool:
    """What was given first is no tensor."""
    called = failure.kind or failure.message.startswith("expected Tensor as")
    return bool(called) and not isinstance(next(iter(failure.args), None), Tensor)


def _batch_is_first(failure: Failure) -> bool:
    """Three-axis inputs of one batch, for a layer that reads the length first."""
    modules = failure.layer.modules() if failure.layer is not None else ()
    second = any(getattr(one, "batch_first", None) is False for one in modules)
    batches = [shape[0] for shape in failure.shapes if len(shape) == 3]
    return second and len(batches) > 1 and len(set(batches)) == 1


CONDITIONS: dict[str, Condition] = {
    "layer": lambda failure: failure.layer is not None,
    "constructor": lambda failure: failure.built is not None,
    "constructor_of_torch": _constructor_of_torch,
    "odd_types": lambda failure: bool(facts.odd_types(failure)),
    "out_of_range": lambda failure: bool(facts.below_least(failure)),
    "stride_below_one": _below_one("stride"),
    "dilation_below_one": _below_one("dilation"),
    "kernel_below_one": _below_one("kernel_size"),
    "odd_pads": _odd_pads,
    "odd_rank": _odd_rank,
    "empty": lambda failure: not failure.tensors or 0 in failure.shape,
    "several_tensors": lambda failure: len(failure.tensors) > 1,
    "several_devices": lambda failure: not failure.tensors or len(facts.devices(failure)) > 1,
    "no_tensor": _no_tensor,
    "batch_is_first": _batch_is_first,
}
