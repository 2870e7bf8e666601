"""Weights that were saved from another model than the one they are loaded into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from convdocs.errors.code import Code
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, nn_class, settings
from convdocs.errors.meaning import mismatches
from convdocs.errors.repair import Here, Member, Repair, Step, built


def built_as_saved(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The layer as it was when the weights were saved; a new head comes after loading."""
    model = failure.args[0] if failure.args else None
    for path, saved, own in mismatches(failure):
        owner, _, key = path.rpartition(".")
        layer = dict(model.named_modules()).get(owner) if isinstance(model, nn.Module) else None
        if key != "weight" or layer is None or nn_class(type(layer)) is None:
            continue
        part = Failure("", path=owner, layer=layer, settings=settings(layer))
        changes = _changes(layer, saved, own)
        code = built(part, "", changes) if changes else None
        if code is not None:
            text = f"Build {owner} as it was saved, load, and put a new layer in its place after."
            yield Repair(text, (Step(Member(owner), "layer", code),))


def _changes(layer: Any, saved: tuple[int, ...], own: tuple[int, ...]) -> dict[str, int]:
    names = {
        nn.Linear: ("out_features", "in_features"),
        nn.Embedding: ("num_embeddings", "embedding_dim"),
    }.get(nn_class(type(layer)), ("out_channels", "in_channels"))
    pairs = zip(names, saved, own, strict=False)
    return {key: size for key, size, now in pairs if size != now and hasattr(layer, key)}


def without_them(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Load all but the parameters that do not fit."""
    owners = sorted({path.rpartition(".")[0] + "." for path, *_ in mismatches(failure)})
    if owners:
        given = repr(owners[0]) if len(owners) == 1 else f"({', '.join(map(repr, owners))})"
        kept = f"{{k: v for k, v in state.items() if not k.startswith({given})}}"
        text = "Or load all but these, which then keep their random start."
        yield _loaded(failure, text, kept, ", strict=False")


def without_prefix(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Names without what DataParallel or torch.compile put before them."""
    prefix = facts["prefix"]
    text = f"Take {prefix!r} off the names; DataParallel and torch.compile put such a word there."
    yield _loaded(failure, text, f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}}", "")


def _loaded(failure: Failure, text: str, kept: str, strict: str) -> Repair:
    where = Here(failure)
    nothing = Code(f"model.load_state_dict(state{strict})", lambda scope: None)
    steps = (Step(where, "state", Code(kept, lambda scope: None)), Step(where, "loaded", nothing))
    return Repair(text, steps)
