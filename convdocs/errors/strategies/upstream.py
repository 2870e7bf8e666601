"""Mend upstream: a view that lost the batch, images of another size, weights saved elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from math import prod
from typing import Any

from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors import meaning
from convdocs.errors.code import LEN, NN, TORCH, Code, Scope, constant, name, run
from convdocs.errors.failure import nn_class
from convdocs.errors.known import Known
from convdocs.errors.repair import Repair, Step, assigned, built_member, given, operands, place
from convdocs.errors.sizes import multiple_above, times, whole
from convdocs.errors.strategies.axes import other_channels
from convdocs.errors.strategies.settings import helping
from convdocs.errors.trial import shape_of


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


_REDUCES = ("mean", "sum", "amax", "amin", "std", "var", "norm", "logsumexp")


def axis_kept(known: Known) -> Iterator[Repair]:
    """keepdim=True where an axis was summed up that a map cannot do without."""
    steps = []
    for call in known.trace.calls if known.trace and known.dims else ():
        before, after = call.input_shapes[0], call.output_shapes[0]
        axes = (i for i in range(1, len(before)) if before[:i] + before[i + 1 :] == after)
        axis = next(axes, 0) if len(before) == known.dims + 2 and call.kind in _REDUCES else 0
        if axis:
            steps.append(Step(call, "x", getattr(name("x"), call.kind)(axis, keepdim=True)))
    if steps:
        text = "A map keeps its channel axis, also of one channel: keepdim=True."
        yield Repair(text, tuple(steps))


def _asked(known: Known) -> list[Any]:
    sizes = known.args[1:] if known.function in ("view", "reshape") else ()
    return list(sizes[0]) if sizes and isinstance(sizes[0], tuple | list) else list(sizes)


def heads_apart(known: Known) -> Iterator[Repair]:
    """The features of an axis, parted in two of which one size is known."""
    shape, asked = known.shape, _asked(known)
    if len(asked) == len(shape) + 1 and tuple(asked[:-2]) == shape[:-1]:
        for heads in [n for n in asked[-2:] if n > 0 and shape[-1] % n == 0][:1]:
            parts = (heads, -1) if asked[-2] == heads else (-1, heads)
            text = f"{shape[-1]} features are {heads} x {shape[-1] // heads}."
            yield assigned(known, "y", operands(known)[0].unflatten(-1, parts), text)


def made_as_asked(known: Known) -> Iterator[Repair]:
    """The layer before a view, built for the axes that the view asks for."""
    sizes, calls, shape = tuple(_asked(known)[1:]), known.chain()[-1:], known.shape
    kind = calls[0].kind if calls else ""
    if kind == "Conv2d":  # what is left of the channels, beside the map's own axes
        sizes = sizes[: -len(shape[2:])] if sizes[-len(shape[2:]) :] == shape[2:] else ()
    if len(shape) == 3:  # the features of tokens, parted for heads
        sizes = sizes[1:] if len(sizes) == 3 and sizes[0] in (-1, shape[1]) else ()
    if len(sizes) > 1 and min(sizes) > 0 and kind in ("Linear", "Conv2d"):
        text = f"Let the layer before make {times(sizes)} = {prod(sizes)} values."
        yield from made_before(known, prod(sizes), text)


def own_batch(known: Known) -> Iterator[Repair]:
    """The batch at hand, in place of a size that was typed."""
    shape, asked, x = known.shape, _asked(known), operands(known)[0]
    if len(asked) > 1 and min(asked[1:]) > 0 and prod(asked[1:]) == prod(shape[1:]):
        text = f"The batch is {shape[0]} here, and {asked[0]} is asked for: take whatever it is."
        yield assigned(known, "y", getattr(x, known.function)(LEN(x), *asked[1:]), text)


def square_maps(known: Known) -> Iterator[Repair]:
    """Maps of another size, of as many channels as a view asks for."""
    asked, values = _asked(known), prod(known.shape[1:])
    channels, sides = int(asked[1]), len(asked) - 2
    side = round((values / channels) ** (1 / sides))
    if len(known.shape) > 1 and len({*asked[2:]}) == 1 and side**sides * channels == values:
        first = LEN(operands(known)[0]) if asked[0] == known.shape[0] else asked[0]
        view = operands(known)[0].view(first, channels, *[side] * sides)
        text = f"{values} values in {channels} channels are maps of {times([side] * sides)}."
        yield assigned(known, "y", view, text, onwards=True)


def without_class_token(known: Known) -> Iterator[Repair]:
    """Tokens as a map: the class token, one more than the map has cells, is no cell of it."""
    shape, asked, x = known.shape, _asked(known), operands(known)[0]
    for axis, cells in ((2, asked[2:]), (1, asked[1:3])) if len(asked) == 4 else ():
        if len(shape) == 3 and shape[axis] == prod(cells) + 1:
            patches = x[(*[slice(None)] * axis, slice(1, None))].reshape(LEN(x), *asked[1:])
            text = f"The first of {shape[axis]} tokens is the class token: leave it out of the map."
            yield assigned(known, "y", patches, text)


def flatten_left_out(known: Known) -> Iterator[Repair]:
    """No flatten before a layer that reads maps."""
    calls = known.chain()
    if calls and calls[-1].kind == "Flatten" and calls[-1].path:
        text = f"{calls[-1].path} flattened the maps that are read here: leave it out."
        yield assigned(calls[-1].path, "layer", NN.Identity(), text, onwards=True)


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


def image_of_size(known: Known, fact: str) -> Iterator[Repair]:
    """Images of the size that a fact tells."""
    wanted = whole(known[fact])
    chain, shapes = known.chain(), [shape_of(given) for given in known.inputs[0]]
    number = shapes.index(shape) if chain and (shape := chain[0].input_shapes[0]) in shapes else 0
    if wanted != meaning.image(known):
        image = name(f"inputs[{number}]" if number else "x", "x")
        words = {fact: known[fact]}
        yield assigned(number, str(image), _resized(image, wanted), words=words)


def longer_positions(known: Known) -> Iterator[Repair]:
    """A table of positions, by its parameter."""
    number = meaning.positions(known)
    if number is None:
        return
    (*lead, own, features), count = known.shapes[number], known.shapes[1 - number][-2]
    path, (table, x) = known.parameter(number), (operands(known)[n] for n in (number, 1 - number))
    if own > count and not any(call.windows for call in known.chain(1 - number)):
        key = (*[slice(None)] * len(lead), slice(None, x.shape[1]))
        text = f"The table has {own} positions: take those of the {count} tokens."
        yield given(known, {number: table[key]}, text)
    elif path in dict(known.model.named_parameters() if known.model else ()):
        token = ", the class token counted," if abs(count - own) == 1 else ""
        code = NN.Parameter(TORCH.zeros(*lead, count, features))
        text = f"{count} tokens{token} need {count} positions."
        yield assigned(path, "layer", code, text)
    else:
        text = f"{count} tokens need {count} positions: fill the table as far, or cut the text."
        yield Repair(text, note=f"# {place(path)} with max_len={count}")


def _resized(x: Code, size: tuple[int, ...]) -> Code:
    code: Code = NN.functional.interpolate(x, size=size)
    return code


def own_input(known: Known) -> Iterator[Repair]:
    """The input that a module's own check asks for: channels, a size, a multiple."""
    words, shape, x = known["own"], known.shape, operands(known)[0]
    got, need, sizes = words.get("got", 0), words.get("wanted", 0), shape[2:]
    told = words.get("axes") or words.get("sizes")
    axes = told or (need if got == len(shape) != shape[1] else 0)
    if axes == len(shape) + 1:
        text = f"It takes {axes} axes: one sample lacks that of the batch, one frame that of time."
        yield from helping(known, [given(known, x.unsqueeze(axis), text) for axis in (0, 1, 2)])
    elif axes == len(shape) - 1:
        text = f"It takes {axes} axes: take out the one of size 1."
        yield given(known, x.squeeze(shape.index(1)), text)
    elif step := words.get("multiple"):
        sizes = tuple(multiple_above(size, step) for size in sizes)
        yield given(known, _resized(x, sizes), f"Resize to multiples of {step}: {times(sizes)}.")
    elif shape[1] == got:
        yield from other_channels(known, need, got, 1)
        if shape[-1] == need:
            yield given(known, x.movedim(-1, 1), "The channels are last: move them to axis 1.")
    elif got in sizes:
        sizes = tuple(need if size == got else size for size in sizes)
        yield given(known, _resized(x, sizes), f"Resize the images to {times(sizes)}.")


def made_before(known: Known, channels: str | int, text: str = "") -> Iterator[Repair]:
    """The layer before, built for so many channels, or for as many as a fact tells."""
    made = (c for c in known.chain()[::-1] if c.path and c.kind.startswith(("Conv", "Linear")))
    last = next(made, None)
    if last is not None and known.model is not None:
        key = "out_features" if last.kind == "Linear" else "out_channels"
        layer = known.model.get_submodule(last.path)
        code = built_member(layer, {key: known.value(channels)})
        yield assigned(last.path, "layer", code, text)


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


def of_checkpoint(known: Known) -> Iterator[Repair]:
    """The weights of a checkpoint, which holds the optimiser's and more beside them."""
    own = set(known.args[0].state_dict())
    for key, held in known.args[1].items():
        if isinstance(held, Mapping) and own & set(held):
            code = constant(f"state[{key!r}]", dict(held))
            loaded = _loaded(known, "state", code)
            yield replace(loaded, text=f"The weights are in the checkpoint under {key!r}.")


def renamed(known: Known) -> Iterator[Repair]:
    """Names as the model has them, where all that differs is how they begin."""
    own, saved = known.args[0].state_dict(), known.args[1]
    missing, extra = [k for k in own if k not in saved], [k for k in saved if k not in own]
    pairs = list(zip(missing, extra, strict=len(missing) == len(extra)))
    (new, old), *others = {_apart(*pair) for pair in pairs}
    if others or any(own[a].shape != saved[b].shape for a, b in pairs):
        return
    text = (f"{new!r} + " if new else "") + (f"k.removeprefix({old!r})" if old else "k")
    text += f" if k.startswith({old!r}) else k" if new and old else ""
    state = {new + k.removeprefix(old) if k.startswith(old) else k: v for k, v in saved.items()}
    code = constant(f"{{{text}: v for k, v in state.items()}}", state)
    yield _loaded(known, "state", code)


def _apart(one: str, other: str) -> tuple[str, ...]:
    """How two names begin that end alike."""
    both = one.split("."), other.split(".")
    ends = zip(both[0][::-1], both[1][::-1], strict=False)
    alike = len(list(takewhile(lambda end: end[0] == end[1], ends)))
    return tuple("".join(f"{word}." for word in words[: len(words) - alike]) for words in both)


def _loaded(known: Known, target: str, code: Code, layer: str = "", **strict: bool) -> Repair:
    """An assignment, and the loading into a copy of the model, which may have another layer."""

    def load(scope: Scope) -> Any:
        twin = replica(known.args[0])
        if layer:
            twin.set_submodule(layer, run(code, scope))
        # assigned, since the twin shares the memory of the model's own weights
        return twin.load_state_dict(scope.get("state", known.args[1]), assign=True, **strict)

    options = "".join(f", {key}={value}" for key, value in strict.items())
    loading = Code(f"model.load_state_dict(state{options})", load)
    steps = (Step(known, target, code), Step(known, "", loading))
    return Repair(steps=steps, words={"owner": layer})
