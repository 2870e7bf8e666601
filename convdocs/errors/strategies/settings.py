"""Change a setting, a data type or a device: another value, another layer, the nearest that fits.

A strategy yields the repairs that may hold, the likeliest first. An entry names it, with the
sentence that goes with it and its arguments; one with a sentence of its own is named alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from convdocs.cells.replica import replica
from convdocs.errors import sizes
from convdocs.errors.code import NN, TORCH, Code, Scope, constant
from convdocs.errors.known import Known
from convdocs.errors.meaning import listed
from convdocs.errors.repair import Repair, assigned, given, here, operands, place, rebuilt
from convdocs.errors.sizes import by_axis, each, setting, typed
from convdocs.errors.trial import try_here
from convdocs.view.numbers import counted

_MOST_STEPS = 64  # from a setting to the nearest that fits


def change(known: Known, kind: str = "", fact: str = "", **changes: Any) -> Iterator[Repair]:
    """The same call with other settings, or another layer with the same; a fact tells several."""
    made = kind.format(dims=known.dims, kind=known.kind)
    if known.settings and not known.function and not kind:
        changes = {key: value for key, value in changes.items() if key in known.settings}
    values = {key: known.value(value) for key, value in changes.items()}
    values |= known[fact] if fact else {}
    if values or made:
        yield rebuilt(known, made, **values)


def nearest(known: Known, key: str, to: str, least: int = 0) -> Iterator[Repair]:
    """The value of a setting, up or down or either way, nearest to the one that does not go."""
    now = each(known.settings[key])

    def values() -> Iterator[Any]:
        for far in range(1, _MOST_STEPS):
            if "down" in to and max(now) - far >= least:
                yield typed(tuple(min(part, max(now) - far) for part in now))
            if "up" in to:
                yield typed(tuple(max(part, min(now) + far) for part in now))

    for repair in helping(known, (rebuilt(known, **{key: value}) for value in values())):
        less, before = repair, setting(known, key)
        for axis in range(known.dims) if key == "padding" else ():  # as few axes as need be
            value = each(less.words[key])
            value = value * known.dims if len(value) == 1 else value
            fewer = rebuilt(known, padding=(*value[:axis], before[axis], *value[axis + 1 :]))
            less = fewer if try_here(known, fewer) is None else less
        yield rebuilt(known, **{key: typed(each(less.words[key]))})


def helping(known: Known, repairs: Iterable[Repair]) -> Iterator[Repair]:
    """The first with which the failing call by itself runs, or else says something else."""
    words, other = re.sub(r"\d+", "", known.message), []
    for repair in repairs:
        error = try_here(known, repair)
        if error is None:
            yield repair
            return
        if re.sub(r"\d+", "", str(error)) != words:
            other.append(repair)
    yield from other[:1]


def advise(known: Known, note: str) -> Iterator[Repair]:
    """What to do where no line of code can do it."""
    yield Repair(note=f"# {known.filled(note)}")


def per_axis(known: Known) -> Iterator[Repair]:
    """One number an axis; where a convolution got one a side, a padding layer takes them."""
    wrong, dims = sizes.wrong_length(known), known.dims
    if known.kind.startswith("Conv") and len(wrong.get("padding", ())) == 2 * dims:
        text = "Pad each side by its own amount in a layer of its own, before the convolution."
        padded = getattr(NN, f"ZeroPad{dims}d")(wrong["padding"])(operands(known)[0])
        yield rebuilt(known, "", text, padding=0) + given(known, padded)
        return
    count = sizes.setting_length(known)
    changes = {key: typed((value * count)[:count]) for key, value in wrong.items()}
    yield rebuilt(known, "", "Give each setting a number per axis.", **changes)


def other_dims(known: Known, of_batch: bool = False) -> Iterator[Repair]:
    """The same layer over as many axes as the input has; as a batch, it may have been a sample."""
    rank = len(known.shape)
    dims = 1 if rank == 2 and known.kind.startswith("Batch") else rank - 2
    if known.dims and 0 < dims < 4 and dims != known.dims:
        kind = f"{known.kind[:-2]}{dims}d"
        text = "" if of_batch else f"Use the layer over {counted(dims, 'spatial axis')}, {kind}."
        pairs = known.settings.items()
        alike = {k: v[0] if isinstance(v, tuple) and len({*v}) == 1 else v for k, v in pairs}
        yield rebuilt(known, kind, text, **alike)


def cropped(known: Known) -> Iterator[Repair]:
    """A negative pad crops, and is allowed before the layer."""
    padding = setting(known, "padding")
    amounts = tuple(min(p, 0) for p in reversed(padding) for _ in range(2))
    plain = rebuilt(known, padding=typed(tuple(max(p, 0) for p in padding)))
    yield plain + given(known, NN.functional.pad(operands(known)[0], amounts))


def usual_size(known: Known) -> Iterator[Repair]:
    """The size that the layer gives when none is asked for."""
    size = by_axis(known, lambda window, cells: window.output_size(cells))
    if min(size) > 0:
        asked = constant(repr(size), size)
        yield assigned(known, "output_size", asked, words={"output_size": size})


def batch_first(known: Known) -> Iterator[Repair]:
    """Say that the batch comes first."""
    written = known.name[:-1]
    if written.endswith("(..."):  # one of many parts: its first settings stand for all
        values = [str(value) for value in list(known.settings.values())[:2]]
        written = f"{known.kind}({', '.join(values)}, ..."

    def turned(scope: Scope) -> nn.Module:
        twin: nn.Module = replica(scope["layer"])
        for module in twin.modules():
            if hasattr(module, "batch_first"):
                setattr(module, "batch_first", True)  # noqa: B010 - mypy takes it for a submodule
        return twin

    yield assigned(known, "layer", Code(f"nn.{written}, batch_first=True)", turned))


def larger_table(known: Known) -> Iterator[Repair]:
    """Rows for the largest index; a row for the mark of padding."""
    if known.layer is None or known.indices is None:
        return
    rows, least, count = known.settings["num_embeddings"], known["least"], known["largest"] + 1
    if least < 0:
        text = (
            f"{least} marks padding: give it a row of its own, the first, which is not trained, "
            "and count the others from 1."
        )
        layer = rebuilt(known, "", text, num_embeddings=rows - least, padding_idx=0)
        yield layer + given(known, operands(known)[0] + -least)
    else:
        text = f"Make the table as long as the largest index needs: {count} rows."
        yield rebuilt(known, "", text, num_embeddings=count)


# Data types and devices.

_CASTS = {
    torch.float32: "float", torch.float64: "double", torch.float16: "half",
    torch.bfloat16: "bfloat16",
}  # fmt: skip


def _cast(code: Code, dtype: torch.dtype) -> Code:
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
    own, types, x = known.weight_type, [t.dtype for t in known.tensors], operands(known)[0]
    if listed(known):
        return  # the layer's weights are what is wrong
    got = types[0]
    wanted = (one for one in types if one in _CASTS)
    dtype = own or next((one for one in types if one.is_complex), next(wanted, torch.float32))
    trained = known.layer is None or next(known.layer.parameters(), None) is not None
    if own and not trained and got == torch.float32:  # class weights are a buffer
        text = f"Make the layer's {own} numbers {got}, as all else is."
        yield assigned(known, "layer", _cast(here(known), got), text)
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
    own, ours = known.layer_device, known.tensors[0].device
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
