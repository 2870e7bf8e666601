"""Change a data type or a device; make a tensor of what is not one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.replica import replica
from convdocs.errors.code import TORCH, Code, Scope, name
from convdocs.errors.facts import Facts, layer_device, weight_type
from convdocs.errors.failure import Failure
from convdocs.errors.meaning import listed
from convdocs.errors.repair import Repair, assigned, given, here, operands, place

_CASTS = {
    torch.float32: "float", torch.float64: "double", torch.float16: "half",
    torch.bfloat16: "bfloat16",
}  # fmt: skip


def _cast(code: Code, dtype: torch.dtype) -> Code:
    """A tensor or a layer in another data type."""
    return getattr(code, _CASTS[dtype])() if dtype in _CASTS else code.to(dtype)


def registered(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Layers in a plain list, which the model's own to(), double() and parameters() miss."""
    path = listed(failure)
    if not path or failure.model is None:
        return
    owner, _, attribute = path.rpartition(".")
    held = getattr(failure.model.get_submodule(owner), attribute)
    dtype = failure.tensors[0].dtype if failure.tensors else torch.float32
    moved = f".to({dtype})" if dtype != torch.float32 else ""
    kind = "ModuleDict" if isinstance(held, dict) else "ModuleList"

    def registers(scope: Scope) -> nn.Module:
        layers = getattr(nn, kind)(held)
        return replica(layers, lambda t: t.detach().to(dtype if t.is_floating_point() else None))

    code = Code(f"nn.{kind}({place(path)}){moved}", registers)
    yield assigned(path, "layer", code)


def to_weights(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The input in the data type of the weights, or the layer in the input's."""
    kind, got, x = weight_type(failure), failure.tensors[0].dtype, operands(failure)[0]
    if listed(failure):
        return  # the layer's weights are what is wrong
    if kind is None:  # all operands in one floating type
        types = [tensor.dtype for tensor in failure.tensors]
        complex_types = (dtype for dtype in types if dtype.is_complex)
        floating = next((dtype for dtype in types if dtype in _CASTS), torch.float32)
        target = next(complex_types, floating)
        pairs = enumerate(zip(operands(failure), types, strict=False))
        codes = {number: _cast(code, target) for number, (code, dtype) in pairs if dtype != target}
        yield given(failure, codes, f"Make all of them {target}.")
        return
    trained = failure.layer is None or next(failure.layer.parameters(), None) is not None
    if not trained and got == torch.float32:  # class weights are a buffer
        text = f"Make the layer's {kind} numbers {got}, as all else is."
        yield assigned(failure, "layer", _cast(here(failure), got), text)
    if got == torch.uint8 and kind.is_floating_point:
        yield given(failure, _cast(x, kind) / 255, f"Make it {kind} between 0 and 1.")
    elif got.is_complex and not kind.is_complex:
        absolute = x.abs() if kind == torch.float32 else _cast(x.abs(), kind)
        yield given(failure, absolute, "Take the absolute values.")
    else:
        yield given(failure, _cast(x, kind), f"Make the input {kind}.")
    if got in _CASTS or got.is_complex:
        yield assigned(failure, "layer", _cast(here(failure), got), f"Or make the layer {got}.")


def scaled(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The bytes of an image as numbers up to 1."""
    yield given(failure, operands(failure)[0].float() / 255)


def to_one_device(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Bring inputs and weights together."""
    own, ours = layer_device(failure), failure.tensors[0].device
    target = own or ours
    if own is not None and own.type == "meta" and ours.type != "meta":
        text = f"Make real weights on {ours} (meta has none), then load yours."
        yield assigned(failure, "layer", here(failure).to_empty(device=str(ours)), text)
    codes = {}
    for number, code in enumerate(operands(failure)):
        value = failure.operands[number]
        if isinstance(value, Tensor) and value.device != target:
            lost = TORCH.zeros_like(code, device=str(target))
            codes[number] = lost if value.is_meta else code.to(str(target))
    yield given(failure, codes, f"Bring all of them to {target} before the call.")
    if own is not None and "meta" not in (own.type, ours.type) and own != ours:
        yield assigned(
            failure, "layer", here(failure).to(str(ours)), f"Or move the layer to {ours}."
        )


def of_torch(failure: Failure, facts: Facts, name: str, **settings: Any) -> Iterator[Repair]:
    """What a function of torch's makes of the first operand."""
    words = {key: facts[value[1:-1]] for key, value in settings.items()}
    yield given(failure, getattr(TORCH, name)(operands(failure)[0], **words))


_OUTPUTS = ("logits", "out", "last_hidden_state")  # of Transformers and torchvision


def tensor_of_outputs(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The tensor among several that a model returned."""
    outputs, x = failure.operands[0], operands(failure)[0]
    text = "Take the tensor out: what was called before returns more than one."
    if isinstance(outputs, Mapping):
        key = min(outputs, key=lambda key: (key not in _OUTPUTS, list(outputs).index(key)))
        yield given(failure, x[key], text)
    elif isinstance(outputs, tuple | list):
        yield given(failure, x[0], text)
    for attribute in _OUTPUTS:
        if isinstance(getattr(outputs, attribute, None), Tensor):
            yield given(failure, getattr(x, attribute), text)


def only_what_it_takes(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Leave out the inputs that a layer of one input does not take."""
    if facts.words.get("takes") == "2" and failure.layer is not None:
        yield assigned(failure, "y", here(failure)(name("x")), "Leave out what it does not take.")
