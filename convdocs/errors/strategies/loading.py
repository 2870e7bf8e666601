"""Weights that were saved from another model than the one they are loaded into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import nn

from convdocs.cells.replica import replica
from convdocs.errors.code import Code, Scope, run
from convdocs.errors.facts import Facts
from convdocs.errors.failure import Failure, nn_class, settings
from convdocs.errors.meaning import mismatches
from convdocs.errors.repair import Here, Repair, Step, built, place


def built_as_saved(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """The layer as it was when the weights were saved; a new head comes after loading."""
    model = failure.args[0]
    for path, saved, own in mismatches(failure):
        owner, _, key = path.rpartition(".")
        layer = dict(model.named_modules()).get(owner)
        if key != "weight" or layer is None or nn_class(type(layer)) is None:
            continue
        part = Failure("", path=owner, layer=layer, settings=settings(layer))
        changes = _changes(layer, saved, own)
        code = built(part, "", changes) if changes else None
        if code is not None:
            text = f"Build {owner} as it was saved, load, and put a new layer in its place after."
            yield Repair(
                text,
                (
                    Step(Here(failure), place(owner), code),
                    _loads(failure, "state", lambda state: state, {owner: code}),
                ),
            )


def _changes(layer: Any, saved: tuple[int, ...], own: tuple[int, ...]) -> dict[str, int]:
    names = {
        nn.Linear: ("out_features", "in_features"),
        nn.Embedding: ("num_embeddings", "embedding_dim"),
    }.get(nn_class(type(layer)), ("out_channels", "in_channels"))
    pairs = zip(names, saved, own, strict=False)
    return {key: size for key, size, now in pairs if size != now and hasattr(layer, key)}


def without_them(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Load all but the parameters that do not fit."""
    owners = tuple(sorted({path.rpartition(".")[0] + "." for path, *_ in mismatches(failure)}))
    kept = f"{{k: v for k, v in state.items() if not k.startswith({owners!r})}}"
    text = "Or load all but these, which then keep their random start."
    yield _mapped(
        failure,
        text,
        kept,
        lambda state: {k: v for k, v in state.items() if not k.startswith(owners)},
        strict=False,
    )


def without_prefix(failure: Failure, facts: Facts) -> Iterator[Repair]:
    """Names without what DataParallel or torch.compile put before them."""
    prefix = facts["prefix"]
    text = f"Take {prefix!r} off the names: DataParallel and torch.compile put such a word there."
    yield _mapped(
        failure,
        text,
        f"{{k.removeprefix({prefix!r}): v for k, v in state.items()}}",
        lambda state: {k.removeprefix(prefix): v for k, v in state.items()},
    )


def _mapped(
    failure: Failure, text: str, code: str, change: Callable[[Any], Any], **strict: bool
) -> Repair:
    shown = Code(code, lambda scope: change(failure.args[1]))
    steps = (Step(Here(failure), "state", shown), _loads(failure, "state", change, {}, **strict))
    return Repair(text, steps)


def _loads(
    failure: Failure,
    name: str,
    change: Callable[[Any], Any],
    members: Mapping[str, Code],
    **strict: bool,
) -> Step:
    """The loading, into a copy of the model with other layers in some places."""

    def load(scope: Scope) -> Any:
        twin = replica(failure.args[0])
        for path, code in members.items():
            twin.set_submodule(path, run(code, scope))
        return twin.load_state_dict(change(failure.args[1]), **strict)

    given = "".join(f", {key}={value}" for key, value in strict.items())
    return Step(Here(failure), "", Code(f"model.load_state_dict({name}{given})", load))
