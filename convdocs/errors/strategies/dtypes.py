"""Change a data type or a device; make a tensor of what is none."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from convdocs.cells.replica import replica
from convdocs.errors.code import TORCH, Code, Scope, name
from convdocs.errors.entry import Strategy
from convdocs.errors.facts import Facts, layer_device, weight_type
from convdocs.errors.failure import Failure
from convdocs.errors.meaning import listed
from convdocs.errors.repair import (
    Here,
    Member,
    Repair,
    Step,
    given,
    here,
    instead,
    operand,
    place,
    result,
)

_CASTS = {
    torch.float32: "float", torch.float64: "double", torch.float16: "half",
    torch.bfloat16: "bfloat16",
}  # fmt: skip


def cast(one: Code, dtype: torch.dtype) -> Code:
    """A tensor or a layer in another data type."""
    return getattr(one, _CASTS[dtype])() if dtype in _CASTS else one.to(dtype)


def registered(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Layers in a plain list, which the model's own to(), double() and parameters() miss."""
    path = listed(failure)
    if not path or failure.model is None:
        return
    owner, _, attribute = path.rpartition(".")
    held = getattr(failure.model.get_submodule(owner), attribute)
    dtype = failure.tensors[0].dtype if failure.tensors else None
    moved = f".to({dtype})" if dtype and dtype != torch.float32 else ""
    kind = "ModuleDict" if isinstance(held, dict) else "ModuleList"

    def registers(scope: Scope) -> nn.Module:
        layers = getattr(nn, kind)(held)
        return replica(
            layers, lambda one: one.detach().to(dtype) if one.is_floating_point() else one
        )

    text = (
        f"Hold the layers in an nn.{kind}, so that the model knows of them; then move or cast the "
        "model again."
    )
    code = Code(f"nn.{kind}({place(path)}){moved}", registers)
    yield Repair(text, (Step(Member(path), "layer", code),))


def to_weights(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The input in the data type of the weights, or the layer in the input's."""
    kind = weight_type(failure)
    if listed(failure):
        return  # the layer's weights are what is wrong
    if kind is None or failure.layer is None:
        yield from one_type(failure, facts)
        return
    got, x = failure.tensors[0].dtype, operand(failure)
    if got == torch.uint8 and kind.is_floating_point:
        yield given(failure, f"Make it {kind} between 0 and 1.", cast(x, kind) / 255)
    elif got.is_complex and not kind.is_complex:
        text = "Take the absolute values."
        yield given(failure, text, x.abs() if kind == torch.float32 else cast(x.abs(), kind))
    else:
        yield given(failure, f"Make the input {kind}.", cast(x, kind))
    if got in _CASTS or got.is_complex:
        yield instead(failure, f"Or make the layer {got}.", cast(here(failure), got))


def one_type(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """All operands in one floating type."""
    types = [tensor.dtype for tensor in failure.tensors]
    target = next((one for one in types if one in _CASTS), torch.float32)
    codes = [
        cast(name(key), target) if one != target else name(key)
        for key, one in zip(failure.names, types, strict=False)
    ]
    yield given(failure, f"Make all of them {target}.", *codes)


def to_float(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Work in a type that the operation has."""
    if not failure.tensors:
        return
    got, own, x = failure.tensors[0].dtype, weight_type(failure), operand(failure)
    steps: tuple[Step, ...] = ()
    if own is not None and own != torch.float32 and failure.layer is not None:
        steps = (Step(Here(failure), "layer", here(failure).float()),)
    if got.is_complex:
        text = "Take the absolute values, or real and imaginary parts as channels."
        fixed = given(failure, text, x.abs())
    elif got == torch.uint8:
        fixed = given(failure, "Make it float32 between 0 and 1.", x.float() / 255)
    else:
        many = failure.names if failure.layer is None else failure.names[:1]
        fixed = given(failure, "Work in float32.", *(name(key).float() for key in many))
    yield Repair(fixed.text, (*steps, *fixed.steps))


def targets_float(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The targets of a loss that compares numbers are floats."""
    if len(failure.tensors) > 1 and not failure.tensors[1].is_floating_point():
        x, y = operand(failure, 0), operand(failure, 1)
        yield given(failure, "Make the targets floats, as the model's output is.", x, y.float())


def indices_long(number: int) -> Strategy:
    """Class indices, table indices and the like are whole numbers, int64."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        if number < len(failure.tensors) and failure.tensors[number].dtype != torch.int64:
            codes = [operand(failure, place) for place in range(number + 1)]
            text = f"Make them whole numbers: {codes[-1]}.long()."
            yield given(failure, text, *codes[:-1], codes[-1].long())

    return strategy


def to_one_device(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Bring inputs and weights together."""
    if not failure.tensors:
        return
    own, ours = layer_device(failure), failure.tensors[0].device
    target = own or ours
    if own is not None and own.type == "meta" and ours.type != "meta":
        text = f"Make real weights on {ours} (meta has none), then load yours."
        yield instead(failure, text, here(failure).to_empty(device=str(ours)))
    codes = []
    for key, value in zip(failure.names, failure.operands, strict=False):
        moved = isinstance(value, Tensor) and value.device != target
        lost = moved and value.is_meta
        codes.append(
            TORCH.zeros_like(name(key), device=str(target)) if lost
            else name(key).to(str(target)) if moved
            else name(key)
        )  # fmt: skip
    yield given(failure, f"Bring all of them to {target} before the call.", *codes)
    if own is not None and "meta" not in (own.type, ours.type) and own != ours:
        yield instead(failure, f"Or move the layer to {ours}.", here(failure).to(str(ours)))


def a_tensor(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Make a tensor of what is none, or take one out."""
    if not failure.args:
        return
    value, x = failure.args[0], operand(failure)
    if type(value).__name__ == "ndarray":
        text = "Share the array's memory with a tensor."
        yield given(failure, text, TORCH.from_numpy(x))
        text = "Copy it into a float tensor."
        yield given(failure, text, TORCH.tensor(x, dtype=torch.float32))
    if isinstance(value, list | tuple) and value and isinstance(value[0], Tensor):
        alike = len({one.shape if isinstance(one, Tensor) else None for one in value}) == 1
        text = "Take the tensor out: the layer before returns more than one."
        if len(value) == 1 or not alike:
            yield given(failure, text, x[0])
        if alike:
            text = "Stack the tensors into a batch."
            yield given(
                failure, text, Code("torch.stack(list(x))", lambda s: torch.stack(list(s["x"])))
            )
            yield given(failure, "Or take the first.", x[0])
    elif isinstance(value, list | tuple | int | float):
        text = "Make a float tensor of it."
        yield given(failure, text, TORCH.tensor(x, dtype=torch.float32))


def only_what_it_takes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Leave out the inputs that a layer of one input does not take."""
    if int(facts.said.get("takes") or 0) == 2 and failure.layer is not None:
        text = "Leave out what it does not take."
        yield result(failure, text, here(failure)(name("x")))
