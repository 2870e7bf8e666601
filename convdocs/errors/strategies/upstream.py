"""Mend upstream: a view that lost the batch, images of another size, weights saved elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors import meaning
from convdocs.errors.code import LEN, NN, TORCH, Code, Scope, constant, name, run
from convdocs.errors.facts import Known, times, whole
from convdocs.errors.failure import nn_class
from convdocs.errors.repair import Repair, Step, assigned, built_member, given, operands, place
from convdocs.errors.strategies.axes import other_channels


def batch_kept(known: Known) -> Iterator[Repair]:
    """flatten(1) in place of the view, the flatten or the squeeze that lost the batch."""
    call = meaning.lost_batch(known)
    if call is None or known.model is None or len(call.input_shapes[0]) < 2:
        return
    text = f"{known['lost_batch']}: flatten(1) keeps the batch."
    if call.kind == "Flatten":
        layer = known.model.get_submodule(call.path)
        code = built_member(layer, {"start_dim": 1, "end_dim": -1})
        yield assigned(call.path, "layer", code, text, onwards=True)
    else:
        yield assigned(call, "x", name("x").flatten(1), text, onwards=True)


def _asked(known: Known) -> list[Any]:
    sizes = known.args[1:] if known.function in ("view", "reshape") else ()
    return list(sizes[0]) if sizes and isinstance(sizes[0], tuple | list) else list(sizes)


def batch_kept_here(known: Known) -> Iterator[Repair]:
    """flatten(1) in place of a view whose sizes do not fit."""
    if len(known.shape) > 1 and 0 < len(_asked(known)) < 3:
        yield assigned(known, "y", operands(known)[0].flatten(1), onwards=True)


def heads_apart(known: Known) -> Iterator[Repair]:
    """The features of an axis, parted in two of which one size is known."""
    shape, asked = known.shape, _asked(known)
    if len(asked) == len(shape) + 1 and tuple(asked[:-2]) == shape[:-1]:
        for heads in [n for n in asked[-2:] if n > 0 and shape[-1] % n == 0][:1]:
            parts = (heads, -1) if asked[-2] == heads else (-1, heads)
            text = f"{shape[-1]} features are {heads} x {shape[-1] // heads}."
            yield assigned(known, "y", operands(known)[0].unflatten(-1, parts), text)


def in_order(known: Known) -> Iterator[Repair]:
    """Undo a transpose before axes are merged: heads go back beside their features; or copy."""
    shape, x, asked = known.shape, operands(known)[0], tuple(_asked(known))
    strides = known.tensors[0].stride()
    order = sorted(range(len(shape)), key=lambda axis: -strides[axis])  # as they lie in memory
    back, kept = tuple(shape[axis] for axis in order), len(asked) - 1
    swapped = [place for place, axis in enumerate(order) if place != axis]
    merges = asked[:kept] == back[:kept] and asked[-1:] in ((-1,), (prod(back[kept:]),))
    if merges and swapped and len(asked) < len(shape):
        undone = x.transpose(*swapped) if len(swapped) == 2 else x.permute(*order)
        text = (
            f"The axes were swapped before: put them back, {shape} to {back}, and merge then; a "
            "plain reshape would mix the values of different positions."
        )
        yield assigned(known, "y", undone.flatten(kept), text)
    elif asked:
        sizes = asked
        if kept:  # any batch, and the rest of whatever size is left
            sizes = (LEN(x) if asked[0] == shape[0] else asked[0], *asked[1:])
            sizes = sizes if -1 in asked[1:] else (*sizes[:-1], -1)
        copy, ordered = x.reshape(*sizes), x.contiguous().view(*sizes)
        yield assigned(known, "y", copy, "Let torch copy where it must: reshape().")
        yield assigned(known, "y", ordered, "Or put the values in order first.")


# Images of another size.


def image_of_size(known: Known, fact: str, onwards: bool = False) -> Iterator[Repair]:
    """Images of the size that a fact tells."""
    wanted = whole(known[fact])
    if wanted != meaning.image(known):
        words = {fact: known[fact]}
        yield assigned(0, "x", _resized(name("x"), wanted), onwards=onwards, words=words)


def longer_positions(known: Known) -> Iterator[Repair]:
    """A table of positions, by its parameter."""
    number = meaning.positions(known)
    if number is not None and known.shapes[0][2] == known.shapes[1][2]:
        (_, own, features), count = known.shapes[number], known.shapes[1 - number][1]
        token = ", the class token counted," if abs(count - own) == 1 else ""
        code = NN.Parameter(TORCH.zeros(1, count, features))
        text = f"{count} tokens{token} need {count} positions."
        yield assigned(known.parameter(number), "layer", code, text)


def _resized(x: Code, size: tuple[int, ...]) -> Code:
    code: Code = NN.functional.interpolate(x, size=size)
    return code


def own_input(known: Known) -> Iterator[Repair]:
    """The input that a module's own check asks for: channels, a size, a multiple."""
    words, shape, x = known["own"], known.shape, operands(known)[0]
    got, need, sizes = words["got"], words.get("wanted", 0), shape[2:]
    if len(shape) < 3:
        return
    if step := words.get("multiple"):
        sizes = tuple(-(-size // step) * step for size in sizes)
        yield given(known, _resized(x, sizes), f"Resize to multiples of {step}: {times(sizes)}.")
    elif shape[1] == got:
        yield from other_channels(known, need, got, 1)
        if shape[-1] == need:
            yield given(known, x.movedim(-1, 1), "The channels are last: move them to axis 1.")
    elif got in sizes:
        sizes = tuple(need if size == got else size for size in sizes)
        yield given(known, _resized(x, sizes), f"Resize the images to {times(sizes)}.")


# Weights that were saved from another model than the one they are loaded into.

_SIZES = {
    nn.Linear: ("out_features", "in_features"),
    nn.Embedding: ("num_embeddings", "embedding_dim"),
}  # of a layer, in the order of its weight's axes


def built_as_saved(known: Known) -> Iterator[Repair]:
    """The layer as it was when the weights were saved; a new head comes after loading."""
    layers = dict(known.args[0].named_modules())
    for path, saved, own in meaning.mismatches(known):
        owner, _, key = path.rpartition(".")
        layer = layers.get(owner)
        if layer is None or key != "weight":
            continue
        names = _SIZES.get(nn_class(type(layer)), ("out_channels", "in_channels"))
        sizes = zip(names, saved, own, strict=False)
        changes = {name: a for name, a, b in sizes if a != b and hasattr(layer, name)}
        if changes:
            yield _loaded(known, place(owner), built_member(layer, changes), layer=owner)


def without_them(known: Known) -> Iterator[Repair]:
    """Load all but the parameters that do not fit."""
    owners = tuple(
        sorted({path.rpartition(".")[0] + "." for path, *_ in meaning.mismatches(known)})
    )
    text = f"{{k: v for k, v in state.items() if not k.startswith({owners!r})}}"
    state = {k: v for k, v in known.args[1].items() if not k.startswith(owners)}
    yield _loaded(known, "state", constant(text, state), strict=False)


def without_prefix(known: Known) -> Iterator[Repair]:
    """Names without what DataParallel or torch.compile put before them."""
    prefix = known["prefix"]
    text = f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}}"
    state = {k.removeprefix(prefix): v for k, v in known.args[1].items()}
    yield _loaded(known, "state", constant(text, state))


def _loaded(known: Known, target: str, code: Code, layer: str = "", **strict: bool) -> Repair:
    """An assignment, and the loading into a copy of the model, which may have another layer."""

    def load(scope: Scope) -> Any:
        twin = replica(known.args[0])
        if layer:
            twin.set_submodule(layer, run(code, scope))
        return twin.load_state_dict(scope.get("state", known.args[1]), **strict)

    options = "".join(f", {key}={value}" for key, value in strict.items())
    loading = Code(f"model.load_state_dict(state{options})", load)
    steps = (Step(known, target, code), Step(known, "", loading))
    return Repair(steps=steps, words={"owner": layer})
