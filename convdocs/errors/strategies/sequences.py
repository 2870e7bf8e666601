"""Recurrent layers, attention and tables: widths, states, masks, heads, indices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors.code import Code, Scope, name
from convdocs.errors.facts import Facts, indices
from convdocs.errors.failure import Failure
from convdocs.errors.repair import (
    Member,
    Repair,
    Step,
    advice,
    given,
    instead,
    operand,
    rebuilt,
)


def batch_of_one(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """An input without a batch, with states that have one."""
    if len(failure.shape) == 2:
        axis = 0 if failure.settings.get("batch_first") else 1
        text = "The states have a batch of 1, the input has none: give it one."
        yield given(failure, text, operand(failure).unsqueeze(axis))


def state_axis(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """States without their axis of layers, or of the batch."""
    if len(failure.shape) == 3 and any(len(one) == 2 for one in failure.shapes[1:]):
        codes = [operand(failure, number) for number in range(1, len(failure.tensors))]
        text = "The states lack their axis of layers, in front."
        yield given(failure, text, operand(failure), *(code.unsqueeze(0) for code in codes))
    if len(failure.shape) == 2 and any(len(one) == 3 for one in failure.shapes[1:]):
        codes = [operand(failure, number) for number in range(1, len(failure.tensors))]
        text = "Or take the batch out of the states."
        yield given(failure, text, operand(failure), *(code.squeeze(1) for code in codes))


def zero_state(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A first state for the layers, directions and batch at hand."""
    known, x = failure.settings, operand(failure)
    layers = known.get("num_layers", 1) * (2 if known.get("bidirectional") else 1)
    first = known.get("batch_first") or len(failure.shape) == 2
    batch = Code("len(x)", lambda s: len(s["x"])) if first else x.shape[1]
    sizes = [known.get("hidden_size")] * (len(failure.tensors) - 1)
    if known.get("proj_size"):
        sizes[0] = known["proj_size"]
    codes = [x.new_zeros(layers, batch, size) for size in sizes]
    text = f"Make the first state for the batch at hand: {facts['state_size']}."
    yield given(failure, text, x, *codes)


def state_for_all(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """One state of a cell for every sample of the batch."""
    if len(failure.shapes) > 1 and failure.shapes[1][:1] == (1,):
        x = operand(failure)
        batch = Code("len(x)", lambda s: len(s["x"]))
        codes = [operand(failure, number) for number in range(1, len(failure.tensors))]
        text = "The one state belongs to every sample of the batch."
        yield given(failure, text, x, *(code.expand(batch, -1) for code in codes))


def joined_batch(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Leading axes joined to one batch for a layer of sequences."""
    if len(failure.shape) > 3:
        text = "A layer of sequences takes one batch axis: join the leading ones."
        yield given(failure, text, operand(failure).flatten(0, len(failure.shape) - 3))


def batch_first(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Say that the batch comes first."""
    layer = failure.layer
    if layer is None or not any(not getattr(m, "batch_first", True) for m in layer.modules()):
        return
    shapes = [shape for shape in failure.shapes if len(shape) == 3]
    if len({shape[0] for shape in shapes}) > 1:
        return
    text = "The inputs are (batch, length, features): say so with batch_first=True."
    written = failure.name[:-1]
    if written.endswith("(..."):  # one of many parts: its first settings stand for all
        known = [str(value) for value in list(failure.settings.values())[:2]]
        written = f"{failure.kind}({', '.join(known)}, ..."
    code = Code(f"nn.{written}, batch_first=True)", lambda s: _turned(s["layer"]))
    yield instead(failure, text, code)


def _turned(layer: nn.Module) -> nn.Module:
    """A copy of the layer that reads the batch first."""
    twin = replica(layer)
    for module in twin.modules():
        if hasattr(module, "batch_first"):
            setattr(module, "batch_first", True)  # noqa: B010 - mypy takes it for a submodule
    return twin


def width(key: str, fact: str) -> Any:
    """The layer built for the features that arrive."""

    def strategy(failure: Failure, facts: Facts) -> Iterator[Repair]:
        got = int(facts[fact])
        if (owner := _transformer_layer(failure)) is not None:
            text = f"Build {owner} for {got} features, or project the tokens to its own."
            yield advice(text, f"nn.{owner}({got}, ...)")
            return
        yield from rebuilt(failure, f"Build the layer for {got} features.", **{key: got})

    return strategy


def _transformer_layer(failure: Failure) -> str | None:
    """The class of torch's layer that the failing attention is a part of."""
    if failure.model is None or not failure.path:
        return None
    owner = type(failure.model.get_submodule(failure.path.rpartition(".")[0]))
    return owner.__name__ if owner.__name__.startswith("Transformer") else None


def memory_width(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Keys and values of another width than the queries."""
    if failure.kind == "MultiheadAttention" and len(failure.shapes) > 2:
        query, key, value = (shape[-1] for shape in failure.shapes[:3])
        wanted = failure.settings["embed_dim"]
        if query == wanted and (key != wanted or value != wanted):
            text = f"Keys have {key} features and values {value}: kdim and vdim say so."
            yield from rebuilt(failure, text, kdim=key, vdim=value)


def mask_for_heads(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A mask a sample, once for each head."""
    heads = failure.settings.get("num_heads")
    for number, key in enumerate(failure.names):
        if key == "attn_mask" and heads and len(failure.shapes[number]) == 3:
            text = f"A mask a sample is needed once for each of {heads} heads, a sample's together."
            yield _renamed(failure, number, text, name(key).repeat_interleave(heads, 0))


def mask_transposed(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A mask with its axes the other way round."""
    for number, key in enumerate(failure.names):
        if "mask" in key and len(failure.shapes[number]) == 2:
            shape = failure.shapes[number]
            text = f"Turn the mask around: {shape} becomes {shape[::-1]}."
            yield _renamed(failure, number, text, name(key).transpose(0, 1))


def _renamed(failure: Failure, number: int, text: str, code: Code) -> Repair:
    codes = [name(key) for key in failure.names]
    codes[number] = code
    return given(failure, text, *codes)


def larger_table(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Rows for the largest index; a row for the mark of padding."""
    found = indices(failure)
    if found is None or failure.layer is None:
        return
    rows, least = failure.settings["num_embeddings"], int(found.min())
    if least < 0:
        text = (
            f"{least} marks padding: give it a row of its own, the first, which is not trained, "
            "and count the others from 1."
        )
        for layer in rebuilt(failure, text, num_embeddings=rows - least, padding_idx=0):
            yield Repair(text, (*layer.steps, *given(failure, "", operand(failure) + -least).steps))
        return
    count = int(found.max()) + 1
    text = f"Make the table as long as the largest index needs: {count} rows."
    yield from rebuilt(failure, text, num_embeddings=count)


def longer_positions(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A table of positions, by its parameter."""
    for number in range(min(2, len(failure.shapes))):
        path, other = failure.parameter(number), failure.shapes[1 - number]
        own = failure.shapes[number]
        if path and len(own) == len(other) == 3 and own[0] == 1 and own[2] == other[2]:
            count = other[1]
            text = f"{count} tokens need {count} positions."
            if abs(count - own[1]) == 1:
                text = f"{count} tokens, the class token counted, need {count} positions."
            code = Code(
                f"nn.Parameter(torch.zeros(1, {count}, {own[2]}))", _zeros(1, count, own[2])
            )
            yield Repair(text, (Step(Member(path), "layer", code),))


def _zeros(*shape: int) -> Any:
    def made(scope: Scope) -> nn.Parameter:
        return nn.Parameter(torch.zeros(*shape))

    return made
