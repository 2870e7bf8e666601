"""Recurrent layers, attention and tables: widths, states, masks, heads, indices."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors.code import TORCH, Code, Scope, length, run
from convdocs.errors.facts import Facts, indices, whole
from convdocs.errors.failure import Failure
from convdocs.errors.meaning import positions
from convdocs.errors.repair import Repair, assigned, given, operands, rebuilt


def zero_state(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A first state for the layers, directions and batch at hand."""
    known, x = failure.settings, operands(failure)[0]
    layers = known.get("num_layers", 1) * (2 if known.get("bidirectional") else 1)
    first = known.get("batch_first") or len(failure.shape) == 2
    sizes = [known["hidden_size"]] * (len(failure.tensors) - 1)
    sizes[0] = known.get("proj_size") or sizes[0]
    batch = length(x) if first else x.shape[1]
    zeros = {number: x.new_zeros(layers, batch, size) for number, size in enumerate(sizes, 1)}
    yield given(failure, zeros)


def both_states(failure: Failure, facts: Facts) -> Iterator[Repair]:
    h = operands(failure)[1]
    zeros = TORCH.zeros_like(h)
    both = Code(f"({h}, {zeros})", lambda scope: (run(h, scope), run(zeros, scope)))
    yield given(failure, {1: both}, "Hand over both, with zeros for c where there is none yet.")


def state_for_all(failure: Failure, facts: Facts) -> Iterator[Repair]:
    if failure.shapes[1][:1] == (1,):
        x, *states = operands(failure)
        yield given(failure, {n: code.expand(length(x), -1) for n, code in enumerate(states, 1)})


def map_as_tokens(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The cells of a map as tokens, for attention."""
    first = failure.settings.get("batch_first")
    codes = {
        number: code.flatten(2).transpose(1, 2) if first else code.flatten(2).permute(2, 0, 1)
        for number, (code, shape) in enumerate(zip(operands(failure), failure.shapes, strict=True))
        if len(shape) > 3 and shape[1] in (failure.settings.get(k) for k in ("embed_dim", "kdim"))
    }
    if codes:
        yield given(failure, codes, "Each cell of a map is a token, and the channels its features.")


def columns_as_steps(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The columns of a map as the steps of a sequence."""
    shape, wanted = failure.shape, failure.settings.get("input_size")
    if len(shape) == 4 and wanted in (shape[1], shape[1] * shape[2]):
        x, first = operands(failure)[0], failure.settings.get("batch_first")
        joined = x.squeeze(2) if shape[2] == 1 else x.flatten(1, 2)
        steps = joined.transpose(1, 2) if first else joined.permute(2, 0, 1)
        text = f"The {shape[3]} columns of the map are the steps, with {wanted} features each."
        if shape[2] == 1 or wanted != shape[1]:
            yield given(failure, steps, text)


def mask_of_length(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The part of a mask made for the longest sequence that belongs to this one."""
    got, need = whole(facts.words.get("got", "")), whole(facts.words.get("need", ""))
    number = next(n for n, name in enumerate(failure.names) if "mask" in name)
    if len(got) == len(need) == 2 and got[0] >= need[0] and got[1] >= need[1] and got != need:
        first = failure.settings.get("batch_first")
        steps = operands(failure)[0].shape[1 if first else 0]
        part = operands(failure)[number][:steps, :steps]
        text = f"The mask is for {got[0]} steps: take the part for these {need[0]}."
        yield given(failure, {number: part}, text)


def batch_first(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Say that the batch comes first."""
    written = failure.name[:-1]
    if written.endswith("(..."):  # one of many parts: its first settings stand for all
        known = [str(value) for value in list(failure.settings.values())[:2]]
        written = f"{failure.kind}({', '.join(known)}, ..."

    def turned(scope: Scope) -> nn.Module:
        twin: nn.Module = replica(scope["layer"])
        for module in twin.modules():
            if hasattr(module, "batch_first"):
                setattr(module, "batch_first", True)  # noqa: B010 - mypy takes it for a submodule
        return twin

    yield assigned(failure, "layer", Code(f"nn.{written}, batch_first=True)", turned))


def width(failure: Failure, facts: Facts, key: str) -> Iterator[Repair]:
    """The layer built for the features that arrive."""
    got, owner = facts["last"], ""
    if failure.model is not None and failure.path:
        owner = type(failure.model.get_submodule(failure.path.rpartition(".")[0])).__name__
    if owner.startswith("Transformer"):  # the failing attention is a part of torch's layer
        text = f"Build {owner} for {got} features, or project the tokens to its own."
        yield Repair(text, note=f"# nn.{owner}({got}, ...)")
    else:
        yield from rebuilt(failure, **{key: got})


def larger_table(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Rows for the largest index; a row for the mark of padding."""
    if failure.layer is None or indices(failure) is None:
        return
    rows, least, count = failure.settings["num_embeddings"], facts["least"], facts["largest"] + 1
    if least < 0:
        text = (
            f"{least} marks padding: give it a row of its own, the first, which is not trained, "
            "and count the others from 1."
        )
        for layer in rebuilt(failure, "", text, num_embeddings=rows - least, padding_idx=0):
            yield layer + given(failure, operands(failure)[0] + -least)
        return
    text = f"Make the table as long as the largest index needs: {count} rows."
    yield from rebuilt(failure, "", text, num_embeddings=count)


def longer_positions(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """A table of positions, by its parameter."""
    number = positions(failure)
    if number is not None and failure.shapes[0][2] == failure.shapes[1][2]:
        (_, known, features), count = failure.shapes[number], failure.shapes[1 - number][1]
        token = ", the class token counted," if abs(count - known) == 1 else ""
        code = Code(
            f"nn.Parameter(torch.zeros(1, {count}, {features}))",
            lambda scope: nn.Parameter(torch.zeros(1, count, features)),
        )
        text = f"{count} tokens{token} need {count} positions."
        yield assigned(failure.parameter(number), "layer", code, text)
