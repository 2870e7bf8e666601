"""Change a data type or a device, or the layers that a model does not know of."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from convdocs.cells.replica import replica
from convdocs.errors.code import TORCH, Code, Scope, name
from convdocs.errors.facts import Known, layer_device, weight_type
from convdocs.errors.meaning import listed
from convdocs.errors.repair import Repair, assigned, given, here, operands, place

_CASTS = {
    torch.float32: "float", torch.float64: "double", torch.float16: "half",
    torch.bfloat16: "bfloat16",
}  # fmt: skip


def _cast(code: Code, dtype: torch.dtype) -> Code:
    """A tensor or a layer in another data type."""
    return getattr(code, _CASTS[dtype])() if dtype in _CASTS else code.to(dtype)


def registered(known: Known) -> Iterator[Repair]:
    """Layers in a plain list, which the model's own to(), double() and parameters() miss."""
    path = listed(known)
    if not path or known.model is None:
        return
    owner, _, attribute = path.rpartition(".")
    held = getattr(known.model.get_submodule(owner), attribute)
    dtype = known.tensors[0].dtype if known.tensors else torch.float32
    moved = f".to({dtype})" if dtype != torch.float32 else ""
    kind = "ModuleDict" if isinstance(held, dict) else "ModuleList"

    def registers(scope: Scope) -> nn.Module:
        layers = getattr(nn, kind)(held)
        return replica(layers, lambda t: t.detach().to(dtype if t.is_floating_point() else None))

    code = Code(f"nn.{kind}({place(path)}){moved}", registers)
    yield assigned(path, "layer", code)


def to_one_type(known: Known) -> Iterator[Repair]:
    """The input in the data type of the weights, or the layer in the input's.

    Without weights all operands take the type of the first that is of numbers, or float32.
    """
    own, types, x = weight_type(known), [t.dtype for t in known.tensors], operands(known)[0]
    if listed(known):
        return  # the layer's weights are what is wrong
    got = types[0]
    dtype = own or next((one for one in types if one in _CASTS), torch.float32)
    if got == torch.uint8 and dtype.is_floating_point:
        yield given(known, _cast(x, dtype) / 255, f"Make it {dtype} between 0 and 1.")
    elif got.is_complex and not dtype.is_complex:
        absolute = x.abs() if dtype == torch.float32 else _cast(x.abs(), dtype)
        text = "Take the absolute values, or real and imaginary parts as channels."
        yield given(known, absolute, text)
    elif own is None and len(types) > 1:
        pairs = enumerate(zip(operands(known), types, strict=False))
        codes = {number: _cast(code, dtype) for number, (code, one) in pairs if one != dtype}
        yield given(known, codes, f"Make all of them {dtype}.")
    else:
        yield given(known, _cast(x, dtype), f"Make the input {dtype}.")
    if own and (got in _CASTS or got.is_complex):
        yield assigned(known, "layer", _cast(here(known), got), f"Or make the layer {got}.")


def to_one_device(known: Known) -> Iterator[Repair]:
    """Bring inputs and weights together."""
    own, ours = layer_device(known), known.tensors[0].device
    target = own or ours
    if own is not None and own.type == "meta" and ours.type != "meta":
        text = f"Make real weights on {ours} (meta has none), then load yours."
        yield assigned(known, "layer", here(known).to_empty(device=str(ours)), text)
    codes = {}
    for number, code in enumerate(operands(known)):
        value = known.operands[number]
        if isinstance(value, Tensor) and value.device != target:
            lost = TORCH.zeros_like(code, device=str(target))
            codes[number] = lost if value.is_meta else code.to(str(target))
    yield given(known, codes, f"Bring all of them to {target} before the call.")
    if own is not None and "meta" not in (own.type, ours.type) and own != ours:
        yield assigned(known, "layer", here(known).to(str(ours)), f"Or move the layer to {ours}.")


def one_input(known: Known) -> Iterator[Repair]:
    """Leave out the inputs that a layer of one input does not take."""
    yield assigned(known, "y", here(known)(name("x")))
