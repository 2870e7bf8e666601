"""Weights that were saved from another model than the one they are loaded into."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors.code import Code, Scope, run
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, nn_class, settings
from convdocs.errors.meaning import mismatches
from convdocs.errors.repair import Here, Repair, Step, built, place

_SIZES = {
    nn.Linear: ("out_features", "in_features"),
    nn.Embedding: ("num_embeddings", "embedding_dim"),
}  # of a layer, in the order of its weight's axes


def built_as_saved(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The layer as it was when the weights were saved; a new head comes after loading."""
    layers = dict(failure.args[0].named_modules())
    for path, saved, own in mismatches(failure):
        owner, _, key = path.rpartition(".")
        layer = layers.get(owner)
        kind = nn_class(type(layer))
        if layer is None or key != "weight" or kind is None:
            continue
        names = _SIZES.get(kind, ("out_channels", "in_channels"))
        sizes = zip(names, saved, own, strict=False)
        changes = {name: a for name, a, b in sizes if a != b and hasattr(layer, name)}
        part = Failure("", path=owner, layer=layer, settings=settings(layer))
        if changes and (code := built(part, "", changes)):
            text = f"Build {owner} as it was saved, load, and put a new layer in its place after."
            yield _loaded(failure, text, place(owner), code, {owner: code})


def without_them(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Load all but the parameters that do not fit."""
    owners = tuple(sorted({path.rpartition(".")[0] + "." for path, *_ in mismatches(failure)}))
    text = "Or load all but these, which then keep their random start."
    code = Code(
        f"{{k: v for k, v in state.items() if not k.startswith({owners!r})}}",
        lambda scope: {k: v for k, v in failure.args[1].items() if not k.startswith(owners)},
    )
    yield _loaded(failure, text, "state", code, strict=False)


def without_prefix(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Names without what DataParallel or torch.compile put before them."""
    prefix = facts["prefix"]
    text = f"Take {prefix!r} off the names: DataParallel and torch.compile put such a word there."
    code = Code(
        f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}}",
        lambda scope: {k.removeprefix(prefix): v for k, v in failure.args[1].items()},
    )
    yield _loaded(failure, text, "state", code)


def _loaded(
    failure: Failure,
    text: str,
    target: str,
    code: Code,
    members: dict[str, Code] | None = None,
    **strict: bool,
) -> Repair:
    """An assignment, and the loading into a copy of the model, which may have other layers."""

    def load(scope: Scope) -> Any:
        twin = replica(failure.args[0])
        for path, layer in (members or {}).items():
            twin.set_submodule(path, run(layer, scope))
        return twin.load_state_dict(scope.get("state", failure.args[1]), **strict)

    given = "".join(f", {key}={value}" for key, value in strict.items())
    loading = Code(f"model.load_state_dict(state{given})", load)
    return Repair(text, (Step(Here(failure), target, code), Step(Here(failure), "", loading)))
