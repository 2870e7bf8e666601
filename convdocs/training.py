"""What one step of training keeps in memory, found on meta tensors: nothing is multiplied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from convdocs.report import MODEL_INPUT, Memory, Trace
from convdocs.suggest import nearest
from convdocs.tracing import observed
from convdocs.tracing.copier import Copier
from convdocs.tracing.kernels import NeedsValues
from convdocs.tracing.memory import META
from convdocs.tracing.nested import tensors_in
from convdocs.tracing.run import is_shape

Factory = Callable[[list[nn.Parameter]], Optimizer]
OPTIMIZERS: dict[str, Factory] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
}


def memory(
    model: nn.Module,
    *inputs: Any,
    optimizer: str | Factory | None = "adam",
    dtype: torch.dtype | str | None = None,
    batch: int | None = None,
    fits: float | None = None,
    **kwargs: Any,
) -> Memory:
    """Count the bytes that a training step of a model keeps.

    The model runs on shapes in training mode, as a copy, and torch's own hooks say what autograd
    saves for the backward pass.

    Parameters
    ----------
    model : torch.nn.Module
        It is left exactly as it is.
    *inputs, **kwargs
        What ``forward`` takes, as in :func:`convdocs.trace`.
    optimizer : str, callable or None
        ``"adam"``, ``"adamw"``, ``"sgd"`` (without momentum), or a function of a list of
        parameters that returns an optimizer; None for none.
    dtype : torch.dtype or str, optional
        Of all floating parameters, buffers and inputs: ``"bfloat16"``. Left out, their own.
    batch : int, optional
        Size of the first axis, for every input that has as many as the first one.
    fits : float, optional
        Bytes; the result is that of the largest batch whose ``peak`` is not above.

    Returns
    -------
    Memory
        The bytes by what they are for, and by call.

    Raises
    ------
    ValueError
        When the model's Python looks at values, which shapes alone do not have; when not even a
        batch of 1 fits; for an unknown optimizer.
    TraceError
        When the model raises.

    Examples
    --------
    >>> net = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(20, 2))
    >>> found = memory(net, (8, 3, 7))
    >>> found.parameters, found.gradients, found.saved, found.inputs
    (328, 328, 1312, 672)
    >>> memory(net, (8, 3, 7), fits=100_000).batch
    602
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"memory() takes a torch.nn.Module first, not {type(model).__name__}")
    if batch is not None and batch < 1:
        raise ValueError(f"a batch is at least 1 sample, not {batch}")
    precision = _precision(dtype)
    copier = Copier(lambda tensor: _on_meta(tensor, precision))
    twin, given = copier.copy(model).train(), copier.copy([[*inputs], kwargs])
    if fits is None:
        return _measured(twin, _of_batch(given, batch), optimizer)
    return _largest(lambda size: _measured(twin, _of_batch(given, size), optimizer), fits)


def _measured(twin: nn.Module, given: Any, optimizer: str | Factory | None) -> Memory:
    saved = _Saved()
    try:
        with torch.autograd.graph.saved_tensors_hooks(saved.pack, lambda tensor: tensor):
            trace = observed(
                twin, given[0], given[1], saved.call, values=False, gradient=True, ready=saved.begin
            )
    except NeedsValues as reason:
        raise ValueError(
            f"{type(twin).__name__} looks at values ({reason}): its memory cannot be found from "
            "shapes alone"
        ) from None
    inputs = saved.inputs(trace)
    own = tuple(nn.Module.parameters(twin))  # whatever hides them
    trainable = [parameter for parameter in own if parameter.requires_grad]
    name, state = _state(trainable, optimizer)
    parameters, buffers = _bytes(own), _bytes(nn.Module.buffers(twin))
    gradients, kept = _bytes(trainable), sum(saved.by_call)
    loose = sum(size for key, size in inputs.items() if key not in saved.sizes)
    # the backward pass runs the calls from the last to the first, and gives up what each has
    # saved for its gradients; autograd's order of ready nodes is that of their numbers
    itemsize = min((parameter.itemsize for parameter in trainable), default=0)
    held = [kept + loose]
    for call, size in zip(trace.calls[::-1], saved.by_call[::-1], strict=True):
        held.append(held[-1] - size + itemsize * (call.trainable or 0))
    return Memory(
        model=trace.model,
        batch=next((shape[0] for shape in trace.input_shapes[:1] if shape), 0),
        optimizer_name=name,
        parameters=parameters,
        buffers=buffers,
        gradients=gradients,
        optimizer=state,
        saved=kept,
        inputs=sum(inputs.values()),
        peak=parameters + buffers + state + max(*held, gradients + sum(inputs.values())),
        saved_by_call=tuple(saved.by_call),
        trace=trace,
    )


class _Saved:
    """Collects what autograd saves, storage by storage, for the call that saves it first."""

    def __init__(self) -> None:
        self.own: set[int] = set()  # storages of parameters and buffers, which are kept anyway
        self.sizes: dict[int, int] = {}
        self.by_call: list[int] = []
        self._since = 0
        self._alive: list[Any] = []  # so that no two storages have the same address
        self._given: list[list[tuple[int, int]]] = []

    def begin(self, model: nn.Module) -> None:
        """The model that will run."""
        own = (*nn.Module.parameters(model), *nn.Module.buffers(model))
        self.own = {storage._cdata for storage in map(Tensor.untyped_storage, own)}

    def pack(self, tensor: Tensor) -> Tensor:
        """Note a tensor that is saved."""
        storage = tensor.untyped_storage()
        if storage._cdata not in self.own and storage._cdata not in self.sizes:
            self.sizes[storage._cdata] = storage.nbytes()
            self._alive.append(storage)
            self._since += storage.nbytes()
        return tensor

    def call(self, what: Any, args: Any, kwargs: Any, output: Any) -> None:
        """A call of the trace is over: what was saved since the one before is its own."""
        self.by_call.append(self._since)
        self._since = 0
        storages = list(map(Tensor.untyped_storage, tensors_in((args, kwargs))))
        self._alive += storages
        self._given.append([(storage._cdata, storage.nbytes()) for storage in storages])

    def inputs(self, trace: Trace) -> dict[int, int]:
        """The model's inputs that any call reads, with their sizes."""
        return {
            key: size
            for call, given in zip(trace.calls, self._given, strict=True)
            for source, (key, size) in zip(call.sources, given, strict=False)
            if source == MODEL_INPUT
        }


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _on_meta(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    dtype = dtype if dtype and tensor.is_floating_point() else tensor.dtype
    made = torch.empty_like(tensor, dtype=dtype, device=META)
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(made, tensor.requires_grad)
    return made.requires_grad_(tensor.requires_grad)


def _precision(dtype: torch.dtype | str | None) -> torch.dtype | None:
    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        known = [name for name, one in vars(torch).items() if isinstance(one, torch.dtype)]
        raise ValueError(f"torch has no dtype {dtype!r}{nearest(dtype, known)}")
    return found


def _of_batch(given: Any, size: int | None) -> Any:
    """The inputs with another size of their first axis, where it is the first one's."""
    if size is None:
        return given
    first: list[int] = []

    def resized(shape: tuple[int, ...]) -> tuple[int, ...]:
        first[:] = first or shape[:1]
        return (size, *shape[1:]) if shape and shape[0] == first[0] else shape

    def change(value: Any) -> Any:
        if isinstance(value, Tensor):
            shape = resized(value.shape)
            return value if shape == value.shape else value.new_empty(shape)
        if is_shape(value):
            return resized(value)
        if isinstance(value, dict):
            return {key: change(inner) for key, inner in value.items()}
        return type(value)(map(change, value)) if isinstance(value, list | tuple) else value

    return change(given)


def _state(parameters: Sequence[nn.Parameter], optimizer: str | Factory | None) -> tuple[str, int]:
    """An optimizer's name, and the bytes of its state after a step with these parameters.

    torch's own optimizer takes the step, once for each distinct kind of parameter.
    """
    if optimizer is None or not parameters:
        return "none", 0
    if isinstance(optimizer, str):
        if optimizer.lower() not in OPTIMIZERS:
            known = list(OPTIMIZERS)
            near = nearest(optimizer, known) or f"; there are {', '.join(known)}"
            raise ValueError(f"there is no optimizer {optimizer!r}{near}")
        optimizer = OPTIMIZERS[optimizer.lower()]
    total, name = 0, ""
    for (shape, dtype), times in Counter((p.shape, p.dtype) for p in parameters).items():
        parameter = nn.Parameter(torch.empty(shape, dtype=dtype, device=META))
        parameter.grad = torch.empty_like(parameter)
        stepping = optimizer([parameter])
        stepping.step()
        name = type(stepping).__name__
        state = stepping.state[parameter].values()
        total += times * _bytes(value for value in state if isinstance(value, Tensor))
    return name, total


def _largest(measure: Callable[[int], Memory], room: float) -> Memory:
    """The memory of the largest batch with a peak of no more than ``room``.

    The peak over the batch is the largest of straight lines, so that a line through the two
    nearest batches known says where to look next, and soon exactly.
    """
    known = {size: measure(size) for size in (1, 2)}
    if known[1].peak > room:
        raise ValueError(
            f"a batch of 1 already takes {known[1].peak:,} bytes, more than {room:,.0f}"
        )
    while True:
        low = max(size for size, found in known.items() if found.peak <= room)
        above = min((size for size in known if size > low), default=None)
        if above == low + 1:
            return known[low]
        near = above or max(size for size in known if size < low)
        slope = (known[near].peak - known[low].peak) / (near - low)
        if slope <= 0:
            raise ValueError(f"{known[1].model} takes no more memory with a larger batch")
        guess = max(low + 1, int(low + (room - known[low].peak) / slope))
        size = min(guess, above - 1) if above else guess
        known[size] = measure(size)
