"""Weights that were saved from another model than the one they are loaded into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors.code import Code, Scope, constant, run
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, nn_class
from convdocs.errors.meaning import mismatches
from convdocs.errors.repair import Repair, Step, built_member, place

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
        if layer is None or key != "weight":
            continue
        names = _SIZES.get(nn_class(type(layer)), ("out_channels", "in_channels"))
        sizes = zip(names, saved, own, strict=False)
        changes = {name: a for name, a, b in sizes if a != b and hasattr(layer, name)}
        if changes and (code := built_member(layer, changes)):
            yield _loaded(failure, place(owner), code, layer=owner)


def without_them(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Load all but the parameters that do not fit."""
    owners = tuple(sorted({path.rpartition(".")[0] + "." for path, *_ in mismatches(failure)}))
    text = f"{{k: v for k, v in state.items() if not k.startswith({owners!r})}}"
    code = _state(failure, text, lambda key: "" if key.startswith(owners) else key)
    yield _loaded(failure, "state", code, strict=False)


def of_checkpoint(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The weights of a checkpoint, which holds the optimiser's and more beside them."""
    own = set(failure.args[0].state_dict())
    for key, held in failure.args[1].items():
        if isinstance(held, Mapping) and own & set(held):
            code = constant(f"state[{key!r}]", dict(held))
            loaded = _loaded(failure, "state", code)
            yield replace(loaded, text=f"The weights are in the checkpoint under {key!r}.")


def without_prefix(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Names without what DataParallel or torch.compile put before them."""
    prefix = facts["prefix"]
    text = f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}}"
    yield _loaded(failure, "state", _state(failure, text, lambda key: key.removeprefix(prefix)))


def _state(failure: Failure, text: str, renamed: Callable[[str], str]) -> Code:
    """The saved weights under other names; those without a name are left out."""
    named = ((renamed(key), value) for key, value in failure.args[1].items())
    state = {key: value for key, value in named if key}
    return Code(text, lambda scope: state)


def _loaded(failure: Failure, target: str, code: Code, layer: str = "", **strict: bool) -> Repair:
    """An assignment, and the loading into a copy of the model, which may have another layer."""

    def load(scope: Scope) -> Any:
        twin = replica(failure.args[0])
        if layer:
            twin.set_submodule(layer, run(code, scope))
        # assigned, since the twin shares the memory of the model's own weights
        return twin.load_state_dict(scope.get("state", failure.args[1]), assign=True, **strict)

    given = "".join(f", {key}={value}" for key, value in strict.items())
    loading = Code(f"model.load_state_dict(state{given})", load)
    steps = (Step(failure, target, code), Step(failure, "", loading))
    return Repair(steps=steps, words={"owner": layer})
